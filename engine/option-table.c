/* SPDX-License-Identifier: Apache-2.0 */
/* What an option table says of itself: whether it can be meant so, and its ranges, choices and defaults in words and JSON.
 * Called when a plugin is opened and when it is shown, from any thread; the table is the plugin's constant data, what is returned
 * is the caller's. */
#include "options.h"

#include "found.h"
#include "keys.h"
#include "template.h"

#include <string.h>

#define TEXT_FLAGS (WEIR_SECRET | WEIR_PATH | WEIR_TEMPLATE | WEIR_READS | WEIR_WRITES)

typedef struct {
  const char *name;
  gsize size;       /* of the field */
  gboolean text;    /* made of strings */
  gboolean numeric; /* may have a range */
} Kind;

static const Kind kinds[] = {
  [WEIR_OPTION_STRING_] = { "string", sizeof (const char *), TRUE, FALSE },
  [WEIR_OPTION_STRINGS_] = { "strings", sizeof (const char *const *), TRUE, FALSE },
  [WEIR_OPTION_BOOLEAN_] = { "boolean", sizeof (gboolean), FALSE, FALSE },
  [WEIR_OPTION_INTEGER_] = { "integer", sizeof (gint64), FALSE, TRUE },
  [WEIR_OPTION_NUMBER_] = { "number", sizeof (double), FALSE, TRUE },
  [WEIR_OPTION_SIZE_] = { "size", sizeof (guint64), FALSE, TRUE },
  [WEIR_OPTION_DURATION_] = { "duration", sizeof (gint64), FALSE, TRUE },
  [WEIR_OPTION_CHOICE_] = { "choice", sizeof (int), FALSE, FALSE },
  [WEIR_OPTION_MAP_] = { "map", sizeof (const WeirPair *), TRUE, FALSE },
};

gboolean
weir_option_is_reserved (const char *name)
{
  return weir_key_find (weir_stage_keys, name) != NULL;
}

const char *
weir_option_kind_name (const WeirOption *option)
{
  return kinds[option->kind].name;
}

char **
weir_option_choices (const WeirOption *option)
{
  return g_strsplit (option->range == NULL ? "" : option->range, "|", -1);
}

gboolean
weir_option_range (const WeirOption *option, char **low, char **high)
{
  *low = *high = NULL;
  const char *dots = option->range == NULL || !kinds[option->kind].numeric ? NULL : strstr (option->range, "..");
  if (dots == NULL) {
    return FALSE;
  }
  if (dots != option->range) {
    *low = g_strndup (option->range, (gsize) (dots - option->range));
  }
  if (dots[2] != '\0') {
    *high = g_strdup (dots + 2);
  }
  return TRUE;
}

static char *
expected_choice (const WeirOption *option)
{
  g_auto (GStrv) words = weir_option_choices (option);
  g_autofree char *list = g_strjoinv ("\", \"", words);
  return g_strdup_printf ("%s\"%s\"", words[0] != NULL && words[1] != NULL ? "one of " : "", list);
}

char *
weir_option_expected (const WeirOption *option)
{
  static const char *const forms[] = {
    [WEIR_OPTION_STRING_] = "a string",       [WEIR_OPTION_STRINGS_] = "a string or a list of strings",
    [WEIR_OPTION_BOOLEAN_] = "true or false", [WEIR_OPTION_INTEGER_] = "a whole number",
    [WEIR_OPTION_NUMBER_] = "a number",       [WEIR_OPTION_SIZE_] = "a size",
    [WEIR_OPTION_DURATION_] = "a duration",   [WEIR_OPTION_MAP_] = "an object of strings",
  };
  g_autofree char *low = NULL, *high = NULL;

  if (option->kind == WEIR_OPTION_CHOICE_) {
    return expected_choice (option);
  }
  const char *form = forms[option->kind];
  if (!weir_option_range (option, &low, &high)) {
    if (option->kind == WEIR_OPTION_SIZE_) {
      form = WEIR_SIZE_FORM;
    } else if (option->kind == WEIR_OPTION_DURATION_) {
      form = WEIR_DURATION_FORM;
    }
    return g_strdup (form);
  }
  if (low != NULL && high != NULL) {
    return g_strdup_printf ("%s from %s to %s", form, low, high);
  }
  return g_strdup_printf ("%s of at %s %s", form, low != NULL ? "least" : "most", low != NULL ? low : high);
}

/* A default as the value that somebody would have written: a string, or a list where one is spelled out. */
static json_object *
written_default (const WeirOption *option)
{
  if (option->initial == NULL) {
    return NULL;
  }
  if (option->kind == WEIR_OPTION_STRINGS_ && option->initial[0] == '[') {
    return json_tokener_parse (option->initial);
  }
  return json_object_new_string (option->initial);
}

/* Without a default a field is zero; that is shown as one where zero is a value that could be written. */
static json_object *
zero_default (const WeirOption *option)
{
  const char *zero = option->kind == WEIR_OPTION_DURATION_ ? "0s" : "0";
  g_autofree char *message = NULL;
  json_object *value = NULL;
  if (option->kind == WEIR_OPTION_BOOLEAN_) {
    return json_object_new_boolean (FALSE);
  }
  if (option->kind == WEIR_OPTION_CHOICE_) {
    g_auto (GStrv) words = weir_option_choices (option);
    return words[0] == NULL ? NULL : json_object_new_string (words[0]);
  }
  if (!kinds[option->kind].numeric) {
    return NULL;
  }
  value = json_object_new_string (zero);
  if (!weir_option_parse (option, value, NULL, NULL, &message)) {
    json_object_put (value);
    return NULL;
  }
  return value;
}

json_object *
weir_option_default (const WeirOption *option)
{
  if ((option->flags & WEIR_REQUIRED) != 0) {
    return NULL;
  }
  json_object *written = option->initial != NULL ? written_default (option) : zero_default (option);
  if (written == NULL || !json_object_is_type (written, json_type_string)) {
    return written;
  }
  const char *text = json_object_get_string (written);
  json_object *value = NULL;
  switch (option->kind) {
  case WEIR_OPTION_BOOLEAN_:
    value = json_object_new_boolean (strcmp (text, "true") == 0);
    break;
  case WEIR_OPTION_INTEGER_:
    value = json_object_new_int64 (g_ascii_strtoll (text, NULL, 10));
    break;
  case WEIR_OPTION_NUMBER_:
    value = json_object_new_double_s (g_ascii_strtod (text, NULL), text);
    break;
  default:
    return written;
  }
  json_object_put (written);
  return value;
}

/* ---- can the table be meant so? ---- */

static gboolean
name_is_sane (const char *name)
{
  if (name == NULL || !(g_ascii_isalpha (*name) || *name == '_')) {
    return FALSE;
  }
  for (; *name != '\0'; name++) {
    if (!g_ascii_isalnum (*name) && *name != '_') {
      return FALSE;
    }
  }
  return TRUE;
}

static char *
wrong_flags (const WeirOption *option)
{
  const Kind *kind = &kinds[option->kind];
  if ((option->flags & WEIR_LIVE) != 0) {
    return g_strdup ("it has the flag WEIR_LIVE, which this version of Weir does not know");
  }
  if ((option->flags & ~(WEIR_REQUIRED | TEXT_FLAGS)) != 0) {
    return g_strdup_printf ("found flags 0x%x, expected those of this version only", option->flags);
  }
  if ((option->flags & TEXT_FLAGS) != 0 && !kind->text) {
    return g_strdup_printf ("WEIR_SECRET, WEIR_PATH and WEIR_TEMPLATE are for strings, and it is a %s", kind->name);
  }
  if ((option->flags & (WEIR_READS | WEIR_WRITES)) != 0 &&
      ((option->flags & WEIR_PATH) == 0 || option->kind == WEIR_OPTION_MAP_)) {
    return g_strdup ("WEIR_READS and WEIR_WRITES are for strings and lists that have WEIR_PATH");
  }
  if ((option->flags & WEIR_REQUIRED) != 0 && option->initial != NULL) {
    return g_strdup ("it is required and has a default");
  }
  return NULL;
}

static char *
wrong_choices (const WeirOption *option)
{
  g_auto (GStrv) words = weir_option_choices (option);
  if (option->range == NULL) {
    return g_strdup ("it is a choice and names nothing to choose from");
  }
  for (gsize i = 0; words[i] != NULL; i++) {
    if (words[i][0] == '\0' || strcspn (words[i], " \t\n\"\\") != strlen (words[i])) {
      return g_strdup_printf ("found choices \"%s\", expected words such as \"a|b|c\"", option->range);
    }
    for (gsize j = 0; j < i; j++) {
      if (strcmp (words[i], words[j]) == 0) {
        return g_strdup_printf ("its choice \"%s\" is there twice", words[i]);
      }
    }
  }
  return words[0] == NULL ? g_strdup ("it is a choice and names nothing to choose from") : NULL;
}

static char *
wrong_range (const WeirOption *option)
{
  if (option->kind == WEIR_OPTION_CHOICE_) {
    return wrong_choices (option);
  }
  if (option->range == NULL) {
    return NULL;
  }
  if (!kinds[option->kind].numeric) {
    return g_strdup_printf ("it is a %s and has a range", kinds[option->kind].name);
  }

  g_autofree char *low = NULL, *high = NULL;
  gboolean sane = weir_option_range (option, &low, &high) && (low != NULL || high != NULL);
  /* Each end must be a value of the kind, and the low one must lie below the high one: within "..HIGH". */
  const char *const ends[] = { low, high };
  for (gsize i = 0; sane && i < G_N_ELEMENTS (ends); i++) {
    if (ends[i] == NULL) {
      continue;
    }
    g_autofree char *message = NULL;
    g_autofree char *below_high = high == NULL ? NULL : g_strconcat ("..", high, NULL);
    WeirOption end = *option;
    end.range = i == 0 ? below_high : NULL;
    json_object *value = json_object_new_string (ends[i]);
    sane = weir_option_parse (&end, value, NULL, NULL, &message);
    json_object_put (value);
  }
  return sane ? NULL : g_strdup_printf ("found the range \"%s\", expected LOW..HIGH, LOW.. or ..HIGH", option->range);
}

static char *
wrong_default (const WeirOption *option)
{
  if (option->initial == NULL) {
    return NULL;
  }
  if (option->kind == WEIR_OPTION_MAP_) {
    return g_strdup ("it is a map and has a default");
  }
  char *message = NULL;
  json_object *value = written_default (option);
  gboolean sane = weir_option_parse (option, value, NULL, NULL, &message);
  json_object_put (value);
  if (sane) {
    return NULL;
  }
  char *whole = g_strdup_printf ("its default: %s", message);
  g_free (message);
  return whole;
}

static char *
wrong_field (const WeirRole *role, const WeirOption *option)
{
  gsize size = kinds[option->kind].size;
  if (option->offset > role->state_size || role->state_size - option->offset < size) {
    return g_strdup_printf ("its field, bytes %" G_GSIZE_FORMAT " to %" G_GSIZE_FORMAT
                            ", lies outside the state of %" G_GSIZE_FORMAT " bytes",
                            option->offset, option->offset + size, role->state_size);
  }
  if (option->offset % size != 0) {
    return g_strdup_printf ("its field, at byte %" G_GSIZE_FORMAT ", is not aligned", option->offset);
  }
  for (const WeirOption *other = role->options; other != option; other++) {
    if (option->offset < other->offset + kinds[other->kind].size && other->offset < option->offset + size) {
      return g_strdup_printf ("it shares its field with \"%s\"", other->name);
    }
  }
  return NULL;
}

static char *
wrong_option (const WeirRole *role, const WeirOption *option)
{
  if (option->kind >= G_N_ELEMENTS (kinds)) {
    return g_strdup_printf ("found kind %u, expected one of this version's", option->kind);
  }
  if (weir_option_is_reserved (option->name)) {
    return g_strdup ("this key belongs to the engine");
  }
  for (const WeirOption *other = role->options; other != option; other++) {
    if (strcmp (other->name, option->name) == 0) {
      return g_strdup ("it is there twice");
    }
  }
  char *wrong = wrong_flags (option);
  if (wrong == NULL) {
    wrong = wrong_range (option);
  }
  if (wrong == NULL) {
    wrong = wrong_default (option);
  }
  return wrong != NULL ? wrong : wrong_field (role, option);
}

gboolean
weir_options_sane (const WeirRole *role, char **message)
{
  gsize count = 0;
  for (const WeirOption *option = role->options; option != NULL && option->kind != WEIR_OPTION_END_; option++) {
    if (++count > WEIR_OPTIONS_MOST) {
      *message = g_strdup ("its table of options does not end with WEIR_OPTIONS_END");
      return FALSE;
    }
    if (!name_is_sane (option->name)) {
      g_autofree char *found = option->name == NULL ? g_strdup ("no name") : weir_found_text (option->name);
      *message = g_strdup_printf ("option %" G_GSIZE_FORMAT ": found %s, expected a name of letters, digits and _",
                                  count, found);
      return FALSE;
    }
    g_autofree char *wrong = wrong_option (role, option);
    if (wrong != NULL) {
      *message = g_strdup_printf ("option \"%s\": %s", option->name, wrong);
      return FALSE;
    }
  }
  return TRUE;
}
