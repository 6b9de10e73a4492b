/* SPDX-License-Identifier: Apache-2.0 */
/* One value of an option: parsed as its kind has it, checked against its range, and put into its field of the state; or the words in
 * which a mistake is told. Any thread; strings, lists and maps are allocated here and handed to the caller's `owned`. */
#include "options.h"

#include "found.h"
#include "suggest.h"
#include "template.h"

#include <math.h>
#include <string.h>

/* The largest whole number up to which every whole number is a double. */
#define EXACT 9007199254740992.0

typedef union {
  gint64 integer; /* also a duration */
  guint64 size;
  double number;
} Value;

/* The text of a whole number, written as a number or as a string; NULL: it is neither. */
static char *
whole_number_text (json_object *value)
{
  switch (json_object_get_type (value)) {
  case json_type_int:
  case json_type_string:
    return g_strdup (json_object_get_string (value));
  case json_type_double: {
    double number = json_object_get_double (value);
    return fabs (number) <= EXACT && floor (number) == number ? g_strdup_printf ("%" G_GINT64_FORMAT, (gint64) number)
                                                              : NULL;
  }
  default:
    return NULL;
  }
}

/* Parses the text of an option of one of the four kinds that have a range. */
static gboolean
parse_text (const WeirOption *option, const char *text, Value *value, char **message)
{
  switch (option->kind) {
  case WEIR_OPTION_INTEGER_:
    return weir_parse_integer (text, &value->integer);
  case WEIR_OPTION_NUMBER_:
    return weir_parse_number (text, &value->number);
  case WEIR_OPTION_SIZE_:
    return weir_parse_size (text, &value->size, message);
  case WEIR_OPTION_DURATION_:
    return weir_parse_duration (text, &value->integer, message);
  default:
    return FALSE;
  }
}

static gboolean
below (const WeirOption *option, const Value *a, const Value *b)
{
  switch (option->kind) {
  case WEIR_OPTION_NUMBER_:
    return a->number < b->number;
  case WEIR_OPTION_SIZE_:
    return a->size < b->size;
  default:
    return a->integer < b->integer;
  }
}

static gboolean
in_range (const WeirOption *option, const Value *value)
{
  g_autofree char *low = NULL, *high = NULL;
  Value end;
  if (!weir_option_range (option, &low, &high)) {
    return TRUE;
  }
  if (low != NULL && parse_text (option, low, &end, NULL) && below (option, value, &end)) {
    return FALSE;
  }
  return high == NULL || !parse_text (option, high, &end, NULL) || !below (option, &end, value);
}

static gboolean
refuse (const WeirOption *option, json_object *value, const char *expected, char **message)
{
  g_autofree char *found = (option->flags & WEIR_SECRET) != 0 ? g_strdup (value == NULL ? "null" : "a secret value")
                                                              : weir_found_value (value);
  *message = g_strdup_printf ("found %s, expected %s", found, expected);
  return FALSE;
}

/* What is no size or duration at all is told how one is written; what is one, in which range it must be. */
static gboolean
refuse_number (const WeirOption *option, json_object *value, gboolean parsed, char **message)
{
  if (!parsed && option->kind == WEIR_OPTION_SIZE_) {
    return refuse (option, value, WEIR_SIZE_FORM, message);
  }
  if (!parsed && option->kind == WEIR_OPTION_DURATION_) {
    return refuse (option, value, WEIR_DURATION_FORM, message);
  }
  g_autofree char *expected = weir_option_expected (option);
  return refuse (option, value, expected, message);
}

static gboolean
parse_ranged (const WeirOption *option, json_object *value, Value *parsed, char **message)
{
  g_autofree char *text = NULL;
  gboolean string = json_object_is_type (value, json_type_string);
  if (option->kind == WEIR_OPTION_NUMBER_ && !string) {
    parsed->number = json_object_get_double (value);
    if ((!json_object_is_type (value, json_type_double) && !json_object_is_type (value, json_type_int)) ||
        !isfinite (parsed->number)) {
      return refuse_number (option, value, FALSE, message);
    }
  } else {
    g_autofree char *explanation = NULL;
    text = option->kind == WEIR_OPTION_NUMBER_ ? g_strdup (json_object_get_string (value)) : whole_number_text (value);
    if (text == NULL) {
      return refuse_number (option, value, FALSE, message);
    }
    if (!parse_text (option, text, parsed, &explanation)) {
      if (string && explanation != NULL) {
        *message = g_steal_pointer (&explanation);
        return FALSE;
      }
      return refuse_number (option, value, FALSE, message);
    }
  }
  return in_range (option, parsed) || refuse_number (option, value, TRUE, message);
}

static gboolean
parse_boolean (const WeirOption *option, json_object *value, gboolean *result, char **message)
{
  if (json_object_is_type (value, json_type_boolean)) {
    *result = json_object_get_boolean (value) ? TRUE : FALSE;
    return TRUE;
  }
  const char *text = json_object_is_type (value, json_type_string) ? json_object_get_string (value) : "";
  *result = strcmp (text, "true") == 0;
  return *result || strcmp (text, "false") == 0 || refuse (option, value, "true or false", message);
}

static gboolean
parse_choice (const WeirOption *option, json_object *value, int *result, char **message)
{
  g_auto (GStrv) words = weir_option_choices (option);
  const char *text = json_object_is_type (value, json_type_string) ? json_object_get_string (value) : "";
  for (int i = 0; words[i] != NULL; i++) {
    if (strcmp (words[i], text) == 0) {
      *result = i;
      return TRUE;
    }
  }
  g_autofree char *expected = weir_option_expected (option);
  refuse (option, value, expected, message);
  GString *whole = g_string_new (*message);
  weir_suggest_append (whole, text, (const char *const *) words);
  g_free (*message);
  *message = g_string_free (whole, FALSE);
  return FALSE;
}

/* A string that the option may hold, be it alone, in a list or in a map. */
static gboolean
check_string (const WeirOption *option, json_object *value, const char *expected, char **message)
{
  if (!json_object_is_type (value, json_type_string)) {
    return refuse (option, value, expected, message);
  }
  const char *text = json_object_get_string (value);
  if (strlen (text) != (gsize) json_object_get_string_len (value)) {
    return refuse (option, value, "a string without a NUL in it", message);
  }
  if ((option->flags & WEIR_PATH) != 0 && *text == '\0') {
    return refuse (option, value, "the path of a file or folder", message);
  }
  if ((option->flags & WEIR_TEMPLATE) != 0) {
    g_autofree char *problem = NULL;
    g_autoptr (WeirTemplate) template = weir_template_compile (text, &problem);
    return template != NULL || refuse (option, value, problem, message);
  }
  return TRUE;
}

/* In a list or a map, a mistake is said of its item. */
static void
name_item (char **message, const char *item)
{
  char *whole = g_strdup_printf ("%s: %s", item, *message);
  g_free (*message);
  *message = whole;
}

static char *
own (GPtrArray *owned, json_object *value)
{
  char *copy = g_strdup (json_object_get_string (value));
  g_ptr_array_add (owned, copy);
  return copy;
}

static gboolean
parse_string (const WeirOption *option, json_object *value, const char **field, GPtrArray *owned, char **message)
{
  g_autofree char *expected = weir_option_expected (option);
  if (!check_string (option, value, expected, message)) {
    return FALSE;
  }
  if (field != NULL) {
    *field = own (owned, value);
  }
  return TRUE;
}

static gboolean
parse_strings (const WeirOption *option, json_object *value, const char *const **field, GPtrArray *owned,
               char **message)
{
  g_autofree char *expected = weir_option_expected (option);
  gboolean list = json_object_is_type (value, json_type_array);
  gsize count = list ? json_object_array_length (value) : 1;
  if (count == 0 && (option->flags & WEIR_REQUIRED) != 0) {
    return refuse (option, value, "at least one string", message);
  }
  for (gsize i = 0; i < count; i++) {
    if (check_string (option, list ? json_object_array_get_idx (value, i) : value, list ? "a string" : expected,
                      message)) {
      continue;
    }
    g_autofree char *item = g_strdup_printf ("item %" G_GSIZE_FORMAT, i + 1);
    if (list) {
      name_item (message, item);
    }
    return FALSE;
  }
  if (field == NULL) {
    return TRUE;
  }
  const char **strings = g_new0 (const char *, count + 1);
  g_ptr_array_add (owned, strings);
  for (gsize i = 0; i < count; i++) {
    strings[i] = own (owned, list ? json_object_array_get_idx (value, i) : value);
  }
  *field = strings;
  return TRUE;
}

static gboolean
parse_map (const WeirOption *option, json_object *value, const WeirPair **field, GPtrArray *owned, char **message)
{
  g_autofree char *expected = weir_option_expected (option);
  if (!json_object_is_type (value, json_type_object)) {
    return refuse (option, value, expected, message);
  }
  json_object_object_foreach (value, checked_key, checked)
  {
    if (check_string (option, checked, "a string", message)) {
      continue;
    }
    g_autofree char *item = weir_found_text (checked_key);
    name_item (message, item);
    return FALSE;
  }
  if (field == NULL) {
    return TRUE;
  }
  WeirPair *pairs = g_new0 (WeirPair, (gsize) json_object_object_length (value) + 1);
  gsize count = 0;
  g_ptr_array_add (owned, pairs);
  json_object_object_foreach (value, key, string)
  {
    char *copy = g_strdup (key);
    g_ptr_array_add (owned, copy);
    pairs[count++] = (WeirPair){ copy, own (owned, string) };
  }
  *field = pairs;
  return TRUE;
}

gboolean
weir_option_parse (const WeirOption *option, json_object *value, gpointer state, GPtrArray *owned, char **message)
{
  gpointer field = state == NULL ? NULL : G_STRUCT_MEMBER_P (state, option->offset);
  Value parsed = { 0 };
  gboolean boolean = FALSE;
  int choice = 0;

  switch (option->kind) {
  case WEIR_OPTION_STRING_:
    return parse_string (option, value, field, owned, message);
  case WEIR_OPTION_STRINGS_:
    return parse_strings (option, value, field, owned, message);
  case WEIR_OPTION_MAP_:
    return parse_map (option, value, field, owned, message);
  case WEIR_OPTION_BOOLEAN_:
    if (!parse_boolean (option, value, &boolean, message)) {
      return FALSE;
    }
    if (field != NULL) {
      *(gboolean *) field = boolean;
    }
    return TRUE;
  case WEIR_OPTION_CHOICE_:
    if (!parse_choice (option, value, &choice, message)) {
      return FALSE;
    }
    if (field != NULL) {
      *(int *) field = choice;
    }
    return TRUE;
  default:
    if (!parse_ranged (option, value, &parsed, message)) {
      return FALSE;
    }
    /* The three are 64 bits wide each, and the union holds the one that the field is. */
    if (field != NULL) {
      memcpy (field, &parsed, sizeof (guint64));
    }
    return TRUE;
  }
}
