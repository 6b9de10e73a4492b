/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a role: the members of a JSON object and the defaults fill the role's state, and what is missing, unknown, bad or
 * contradictory is told. Any thread; what is allocated goes to the caller's `owned`. */
#include "options.h"

#include "found.h"
#include "keys.h"
#include "suggest.h"

#include <string.h>

static const WeirOption *
find_option (const WeirRole *role, const char *name)
{
  for (const WeirOption *option = role->options; option != NULL && option->kind != WEIR_OPTION_END_; option++) {
    if (strcmp (option->name, name) == 0) {
      return option;
    }
  }
  return NULL;
}

static void
report_unknown (const WeirRole *role, const char *key, WeirOptionProblem report, gpointer data)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (const WeirOption *option = role->options; option != NULL && option->kind != WEIR_OPTION_END_; option++) {
    g_ptr_array_add (names, (gpointer) option->name);
  }
  /* A slip in one of these arrives here too: nobody else knows the key. */
  g_autofree const char **engine_names = weir_key_names (weir_stage_keys);
  for (gsize i = 0; engine_names[i] != NULL; i++) {
    g_ptr_array_add (names, (gpointer) engine_names[i]);
  }
  g_ptr_array_add (names, NULL);

  g_autofree char *found = weir_found_text (key);
  g_autoptr (GString) message = g_string_new (NULL);
  g_string_printf (message, "unknown key %s", found);
  weir_suggest_append (message, key, (const char *const *) names->pdata);
  report (key, message->str, data);
}

/* What is fine by itself but not together, or cannot be used, as the role's own check() has it. A mistake in an option that is
 * written is told of that option, one in a default of the stage. */
static void
check_whole (const WeirRole *role, json_object *object, gconstpointer state, WeirOptionProblem report, gpointer data)
{
  const char *name = NULL;
  g_autofree char *found = role->check (state, &name);
  if (found == NULL) {
    return;
  }
  g_autofree char *line = g_utf8_make_valid (found, -1);
  for (char *at = line; *at != '\0'; at++) {
    if (g_ascii_iscntrl (*at)) {
      *at = ' ';
    }
  }
  const WeirOption *option = name == NULL ? NULL : find_option (role, name);
  if (option == NULL || (object != NULL && json_object_object_get_ex (object, option->name, NULL))) {
    report (option == NULL ? NULL : option->name, line, data);
    return;
  }
  g_autofree char *whole = g_strdup_printf ("%s: %s", option->name, line);
  report (NULL, whole, data);
}

static gboolean
fill_defaults (const WeirRole *role, json_object *object, gpointer state, GPtrArray *owned, WeirOptionProblem report,
               gpointer data)
{
  gboolean fine = TRUE;
  for (const WeirOption *option = role->options; option != NULL && option->kind != WEIR_OPTION_END_; option++) {
    if (object != NULL && json_object_object_get_ex (object, option->name, NULL)) {
      continue;
    }
    g_autofree char *message = NULL;
    if ((option->flags & WEIR_REQUIRED) != 0) {
      message = option->help == NULL ? g_strdup_printf ("missing key \"%s\"", option->name)
                                     : g_strdup_printf ("missing key \"%s\" (%s)", option->name, option->help);
      report (NULL, message, data);
      fine = FALSE;
      continue;
    }
    json_object *initial = state == NULL ? NULL : weir_option_default (option);
    if (initial != NULL && !weir_option_parse (option, initial, state, owned, &message)) {
      report (option->name, message, data);
      fine = FALSE;
    }
    json_object_put (initial);
  }
  return fine;
}

static gboolean
fill_written (const WeirRole *role, json_object *object, gpointer state, GPtrArray *owned, WeirOptionProblem report,
              gpointer data)
{
  gboolean fine = TRUE;
  json_object_object_foreach (object, key, value)
  {
    g_autofree char *message = NULL;
    const WeirOption *option = find_option (role, key);
    if (option == NULL && weir_option_is_reserved (key)) {
      continue;
    }
    if (option != NULL && weir_option_parse (option, value, state, owned, &message)) {
      continue;
    }
    if (option != NULL) {
      report (key, message, data);
    } else {
      report_unknown (role, key, report, data);
    }
    fine = FALSE;
  }
  return fine;
}

void
weir_options_check (const WeirRole *role, json_object *object, gpointer state, GPtrArray *owned,
                    WeirOptionProblem report, gpointer data)
{
  gboolean fine = fill_defaults (role, object, state, owned, report, data);
  if (object != NULL && !fill_written (role, object, state, owned, report, data)) {
    fine = FALSE;
  }
  if (fine && state != NULL && role->check != NULL) {
    check_whole (role, object, state, report, data);
  }
}
