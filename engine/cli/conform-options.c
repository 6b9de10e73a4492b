/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of options for `weir plugin check` (see conform.h): each option of the role gets, one after another, all the values that
 * its table makes interesting. What the table does not allow must be refused; whatever is accepted must open or say why not, and then
 * run, end and close. In the child, whose working directory is the scratch folder from here on. */
#include "cli/conform.h"

#include "options.h"

#include <string.h>
#include <unistd.h>

#define LONG 4096

static void
put_value (gpointer value)
{
  json_object_put (value);
}

static void
add_text (GPtrArray *values, const char *text)
{
  g_ptr_array_add (values, json_object_new_string (text));
}

static void
add_list (GPtrArray *values, const char *const *texts, gsize count)
{
  json_object *list = json_object_new_array ();
  for (gsize i = 0; i < count; i++) {
    json_object_array_add (list, json_object_new_string (texts[i]));
  }
  g_ptr_array_add (values, list);
}

/* Of strings; paths stay in the scratch folder. */
static void
add_strings (const WeirConform *conform, const WeirOption *option, GPtrArray *values)
{
  static const char *const texts[] = { "", "x", "%s%n{}${HOME}", "\"'`;|\xc3\xa4\xe2\x82\xac", "{", "}", "0", "-1" };
  g_autofree char *full = g_strnfill (LONG, 'a');
  gboolean path = (option->flags & WEIR_PATH) != 0;
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autofree char *below = path ? g_build_filename (conform->plan->scratch, texts[i], NULL) : NULL;
    add_text (values, path && i > 0 ? below : texts[i]);
  }
  if (path) {
    g_autofree char *none = g_build_filename (conform->plan->scratch, "none", "x", NULL);
    add_text (values, none);
    add_text (values, conform->plan->scratch);
  } else {
    add_text (values, full);
  }
  if (option->kind == WEIR_OPTION_STRINGS_) {
    const char *two[] = { "x", "" };
    add_list (values, NULL, 0);
    add_list (values, two, path ? 0 : 2);
  }
}

/* Of what has a range: its ends, and what lies beyond; without them, what is small and large. */
static void
add_numbers (const WeirOption *option, GPtrArray *values)
{
  static const char *const plain[] = { "-9223372036854775808", "-1", "0", "1", "1000000", "9223372036854775807", "x" };
  static const char *const times[] = { "-1s", "0s", "1us", "1s", "365d", "x" };
  static const char *const sizes[] = { "-1", "0", "1", "64KiB", "8388608TiB", "x" };
  g_autofree char *low = NULL, *high = NULL;
  if (weir_option_range (option, &low, &high)) {
    if (low != NULL) {
      add_text (values, low);
    }
    if (high != NULL) {
      add_text (values, high);
    }
  }
  gboolean time = option->kind == WEIR_OPTION_DURATION_, size = option->kind == WEIR_OPTION_SIZE_;
  const char *const *texts = time ? times : size ? sizes : plain;
  gsize count = time ? G_N_ELEMENTS (times) : size ? G_N_ELEMENTS (sizes) : G_N_ELEMENTS (plain);
  for (gsize i = 0; i < count; i++) {
    add_text (values, texts[i]);
  }
}

static GPtrArray *
make_values (const WeirConform *conform, const WeirOption *option)
{
  GPtrArray *values = g_ptr_array_new_with_free_func (put_value);
  switch (option->kind) {
  case WEIR_OPTION_STRING_:
  case WEIR_OPTION_STRINGS_:
    add_strings (conform, option, values);
    break;
  case WEIR_OPTION_BOOLEAN_:
    g_ptr_array_add (values, json_object_new_boolean (TRUE));
    g_ptr_array_add (values, json_object_new_boolean (FALSE));
    break;
  case WEIR_OPTION_CHOICE_: {
    g_auto (GStrv) words = weir_option_choices (option);
    for (guint i = 0; words[i] != NULL; i++) {
      add_text (values, words[i]);
    }
    add_text (values, "");
    break;
  }
  case WEIR_OPTION_MAP_: {
    json_object *map = json_object_new_object ();
    json_object_object_add (map, "", json_object_new_string (""));
    json_object_object_add (map, "x", json_object_new_string ("%s{}"));
    g_ptr_array_add (values, json_object_new_object ());
    g_ptr_array_add (values, map);
    break;
  }
  default:
    add_numbers (option, values);
    break;
  }
  return values;
}

static WeirConformResult
try_value (WeirConform *conform, const WeirOption *option, json_object *value)
{
  g_autofree char *shown = g_strdup_printf ("with \"%s\": %.80s", option->name, json_object_to_json_string (value));
  json_object *options = NULL;
  json_object_deep_copy (conform->options, &options, NULL);
  json_object_object_add (options, option->name, json_object_get (value));
  weir_conform_note (g_intern_string (shown));
  gboolean made = weir_conform_make (conform, options);
  json_object_put (options);
  WeirConformResult result = WEIR_CONFORM_OK;
  if (!made && conform->said[0] == '\0') {
    result = weir_conform_fail (conform, "is refused without a word");
  }
  if (made) {
    WeirHarness *harness = conform->harness;
    weir_conform_allow (conform, 100);
    if (weir_harness_start (harness)) {
      weir_conform_feed (conform, 3);
      weir_conform_crank (conform, G_USEC_PER_SEC);
      if (conform->kind != WEIR_PRODUCER) {
        weir_harness_end (harness);
        weir_conform_crank (conform, G_USEC_PER_SEC);
      }
    }
    weir_harness_halt (harness);
    result = weir_conform_end (conform);
    if (harness->stage->life != WEIR_LIFE_CLOSED) {
      result = weir_conform_fail (conform, "does not close");
    } else if (result == WEIR_CONFORM_SKIPPED && *harness->stage->failure == '\0') {
      result = weir_conform_fail (conform, "fails without a message; expected one that says why");
    }
  }
  weir_conform_note (NULL);
  if (result == WEIR_CONFORM_FAILED) {
    g_autofree char *what = g_steal_pointer (&conform->said);
    return weir_conform_fail (conform, "%s, %s", what, shown);
  }
  return WEIR_CONFORM_OK;
}

WeirConformResult
weir_conform_options (WeirConform *conform)
{
  guint options = 0;
  if (chdir (conform->plan->scratch) != 0) {
    return weir_conform_skip (conform, "there is no scratch folder");
  }
  for (const WeirOption *option = conform->role->options; option != NULL && option->kind != WEIR_OPTION_END_;
       option++) {
    g_autoptr (GPtrArray) values = make_values (conform, option);
    options++;
    for (guint i = 0; i < values->len; i++) {
      if (try_value (conform, option, g_ptr_array_index (values, i)) == WEIR_CONFORM_FAILED) {
        return WEIR_CONFORM_FAILED;
      }
    }
  }
  g_clear_pointer (&conform->said, g_free);
  return options > 0 ? WEIR_CONFORM_OK : weir_conform_skip (conform, "it has no options");
}
