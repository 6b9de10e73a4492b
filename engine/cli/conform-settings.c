/* SPDX-License-Identifier: Apache-2.0 */
/* What --set gives to the roles of a plugin that is checked (see conform.h): in the command, whether there are such options, by what the
 * plugin says of itself; in a child, their values, and guesses for those that are required and not given. Main thread. */
#include "cli/command.h"
#include "cli/conform.h"

#include "found.h"
#include "options.h"
#include "suggest.h"

#include <string.h>

/* ---- in the command ---- */

/* Has one of the plugin's roles, or the one that is named, such an option? */
static gboolean
has_option (json_object *roles, const char *role, const char *name, GPtrArray *names)
{
  gboolean found = FALSE;
  json_object_object_foreach (roles, key, value)
  {
    json_object *options = json_object_object_get (value, "options");
    for (gsize i = 0; i < json_object_array_length (options); i++) {
      json_object *option = json_object_array_get_idx (options, i);
      const char *text = json_object_get_string (json_object_object_get (option, "name"));
      if (role == NULL || strcmp (key, role) == 0) {
        g_ptr_array_add (names, (gpointer) text);
        found = found || strcmp (text, name) == 0;
      }
    }
  }
  return found;
}

gboolean
weir_conform_check_settings (json_object *roles, char *const *settings)
{
  for (guint i = 0; settings != NULL && settings[i] != NULL; i++) {
    const char *equals = strchr (settings[i], '=');
    g_autofree char *left = equals != NULL ? g_strndup (settings[i], (gsize) (equals - settings[i])) : NULL;
    char *dot = left != NULL ? strchr (left, '.') : NULL;
    g_autofree char *found = weir_found_text (settings[i]);
    if (left == NULL || *left == '\0' || dot == left) {
      weir_command_refuse ("plugin check", "--set: found %s, expected OPTION=VALUE or ROLE.OPTION=VALUE", found);
      return FALSE;
    }
    if (dot != NULL) {
      *dot = '\0';
    }
    const char *role = dot != NULL ? left : NULL, *name = dot != NULL ? dot + 1 : left;
    if (role != NULL && !json_object_object_get_ex (roles, role, NULL)) {
      weir_command_refuse ("plugin check", "--set: the plugin is no %s", role);
      return FALSE;
    }
    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    if (!has_option (roles, role, name, names)) {
      g_autoptr (GString) message = g_string_new (NULL);
      g_autofree char *text = weir_found_text (name);
      g_string_printf (message, "--set: unknown option %s", text);
      g_ptr_array_add (names, NULL);
      weir_suggest_append (message, name, (const char *const *) names->pdata);
      weir_command_refuse ("plugin check", "%s", message->str);
      return FALSE;
    }
  }
  return TRUE;
}

/* ---- in the child ---- */

/* The value of a setting: JSON if it parses, else a string. */
static json_object *
parse_value (const char *text)
{
  json_tokener *tokener = json_tokener_new ();
  json_object *value = json_tokener_parse_ex (tokener, text,
                                              (int) strlen (text) + 1); /* with the NUL, which ends a number */
  gboolean whole = json_tokener_get_error (tokener) == json_tokener_success &&
                   json_tokener_get_parse_end (tokener) >= strlen (text);
  json_tokener_free (tokener);
  if (whole && value != NULL && !json_object_is_type (value, json_type_double)) {
    return value;
  }
  json_object_put (value);
  return json_object_new_string (text);
}

/* What an option that must be there may be. */
static json_object *
guess (const WeirConform *conform, const WeirOption *option, gboolean reads)
{
  g_autofree char *low = NULL, *high = NULL, *file = NULL;
  weir_option_range (option, &low, &high);
  switch (option->kind) {
  case WEIR_OPTION_BOOLEAN_:
    return json_object_new_boolean (TRUE);
  case WEIR_OPTION_CHOICE_: {
    g_auto (GStrv) words = weir_option_choices (option);
    return json_object_new_string (words[0]);
  }
  case WEIR_OPTION_MAP_:
    return json_object_new_object ();
  case WEIR_OPTION_STRING_:
  case WEIR_OPTION_STRINGS_:
    if ((option->flags & WEIR_PATH) == 0) {
      return json_object_new_string ("x");
    }
    file = g_build_filename (conform->plan->scratch, reads || (option->flags & WEIR_READS) != 0 ? "input" : "output",
                             NULL);
    return json_object_new_string (file);
  default:
    return json_object_new_string (low != NULL                             ? low
                                   : high != NULL                          ? high
                                   : option->kind == WEIR_OPTION_DURATION_ ? "1s"
                                                                           : "1");
  }
}

gboolean
weir_conform_is_set (const WeirConform *conform, const char *role, const char *name)
{
  for (guint i = 0; conform->plan->settings != NULL && conform->plan->settings[i] != NULL; i++) {
    const char *setting = conform->plan->settings[i], *equals = strchr (setting, '=');
    g_autofree char *left = g_strndup (setting, (gsize) (equals - setting));
    g_autofree char *full = g_strconcat (role, ".", name, NULL);
    if (strcmp (left, name) == 0 || strcmp (left, full) == 0) {
      return TRUE;
    }
  }
  return FALSE;
}

json_object *
weir_conform_options_of (const WeirConform *conform, const WeirRole *role, const char *name)
{
  json_object *options = json_object_new_object ();
  for (guint i = 0; conform->plan->settings != NULL && conform->plan->settings[i] != NULL; i++) {
    const char *setting = conform->plan->settings[i], *equals = strchr (setting, '=');
    g_autofree char *left = g_strndup (setting, (gsize) (equals - setting));
    const char *dot = strchr (left, '.'), *key = dot != NULL ? dot + 1 : left;
    gboolean mine = dot == NULL || g_str_has_prefix (left, name);
    for (const WeirOption *option = role->options; option != NULL && option->kind != WEIR_OPTION_END_; option++) {
      if (mine && strcmp (option->name, key) == 0) {
        json_object_object_add (options, key, parse_value (equals + 1));
      }
    }
  }
  for (const WeirOption *option = role->options; option != NULL && option->kind != WEIR_OPTION_END_; option++) {
    if ((option->flags & WEIR_REQUIRED) != 0 && !json_object_object_get_ex (options, option->name, NULL)) {
      json_object_object_add (options, option->name, guess (conform, option, role == conform->plugin->producer));
    }
  }
  return options;
}

void
weir_conform_set_up (WeirConform *conform)
{
  conform->options = weir_conform_options_of (conform, conform->role, weir_kind_names[conform->kind]);
}
