/* SPDX-License-Identifier: Apache-2.0 */
/* How a value that somebody wrote is shown in a message: as JSON, on one line, cut where it is long, so that neither a control
 * character nor a megabyte reaches the terminal. Pure functions, any thread; the caller owns what is returned. */
#include "found.h"

#include <string.h>

/* Bytes of a value that are shown. */
#define LONGEST 72

static char *
shorten (const char *text)
{
  gsize size = strlen (text);
  if (size <= LONGEST) {
    return g_strdup (text);
  }
  const char *cut = g_utf8_find_prev_char (text, text + LONGEST - 7);
  const char *end = strchr ("\"]}", text[size - 1]) != NULL ? text + size - 1 : "";
  return g_strdup_printf ("%.*s...%s", (int) (cut - text), text, end);
}

char *
weir_found_value (json_object *value)
{
  return shorten (json_object_to_json_string_ext (value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

char *
weir_found_text (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  json_object *string = json_object_new_string (valid);
  char *found = weir_found_value (string);

  json_object_put (string);
  return found;
}
