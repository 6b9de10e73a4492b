/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold for every text that the scan lets pass: json-c takes what the scan left, each value is the one that stands
 * in the text, number by number, and the text that was left passes the scan once more without a word. */
#ifndef WEIR_AGREE_H
#define WEIR_AGREE_H

#include "document.h"

#include <math.h>
#include <string.h>

/* The string that begins at a quote, by a decoder of its own. */
static inline char *
agree_string (const char *at)
{
  GString *text = g_string_new (NULL);

  for (at++; *at != '"'; at++) {
    if (*at != '\\') {
      g_string_append_c (text, *at);
      continue;
    }
    at++;
    if (*at == 'u') {
      char digits[5] = { at[1], at[2], at[3], at[4], 0 };
      guint64 unit = g_ascii_strtoull (digits, NULL, 16);
      at += 4;
      if (unit >= 0xd800 && unit <= 0xdfff) {
        memcpy (digits, at + 3, 4);
        unit = 0x10000 + (unit - 0xd800) * 0x400 + (g_ascii_strtoull (digits, NULL, 16) - 0xdc00);
        at += 6;
      }
      g_string_append_unichar (text, (gunichar) unit);
    } else {
      g_string_append_c (text, *at == 'n'   ? '\n'
                               : *at == 't' ? '\t'
                               : *at == 'r' ? '\r'
                               : *at == 'b' ? '\b'
                               : *at == 'f' ? '\f'
                                            : *at);
    }
  }
  return g_string_free (text, FALSE);
}

/* An integer must read as it is written, digit by digit, so that a clamped one is seen. */
static inline gboolean
agree_number (const char *at, json_object *value)
{
  gsize size = strspn (at, "0123456789+-.eE");
  g_autofree char *text = g_strndup (at, size);

  if (strcspn (at, ".eE") < size) {
    return json_object_is_type (value, json_type_double) && isfinite (json_object_get_double (value)) &&
           json_object_get_double (value) == g_ascii_strtod (text, NULL);
  }
  return json_object_is_type (value, json_type_int) &&
         strcmp (json_object_get_string (value), strcmp (text, "-0") == 0 ? "0" : text) == 0;
}

static inline gboolean
agree_value (WeirPlaces *places, WeirNode node, json_object *value)
{
  gsize size, from;
  const char *at = weir_places_text (places, &size, &from) + weir_places_offset (places, node);
  WeirNode child = weir_places_first (places, node);

  if (*at == '{') {
    if (!json_object_is_type (value, json_type_object)) {
      return FALSE;
    }
    json_object_object_foreach (value, key, member)
    {
      if (child == WEIR_NODE_NONE || weir_places_member (places, node, key) != child ||
          !agree_value (places, child, member)) {
        return FALSE;
      }
      child = weir_places_next (places, child);
    }
    return child == WEIR_NODE_NONE;
  }
  if (*at == '[') {
    if (!json_object_is_type (value, json_type_array)) {
      return FALSE;
    }
    for (gsize i = 0; i < json_object_array_length (value); i++) {
      if (child == WEIR_NODE_NONE || !agree_value (places, child, json_object_array_get_idx (value, i))) {
        return FALSE;
      }
      child = weir_places_next (places, child);
    }
    return child == WEIR_NODE_NONE;
  }
  if (*at == '"') {
    g_autofree char *text = agree_string (at);
    return json_object_is_type (value, json_type_string) && strcmp (json_object_get_string (value), text) == 0 &&
           (gsize) json_object_get_string_len (value) == strlen (text);
  }
  if (*at == 't' || *at == 'f') {
    return json_object_is_type (value, json_type_boolean) && json_object_get_boolean (value) == (*at == 't');
  }
  if (*at == 'n') {
    return value == NULL;
  }
  return agree_number (at, value);
}

/* NULL: all holds. "broken": the scan refused the text, and said why. Else what does not hold. */
static inline const char *
agree (const char *text, gsize size)
{
  g_autoptr (WeirProblems) problems = weir_problems_new ();
  char *copy = g_malloc (size + 1);

  memcpy (copy, text, size);
  copy[size] = '\0';
  g_autoptr (WeirDocument) document = weir_document_new ("t.json", 1, copy, size, 0, WEIR_NODE_NONE, problems);
  for (guint i = 0; i < weir_problems_kept (problems); i++) {
    const char *message = weir_problems_get (problems, i)->message;
    if (g_str_has_prefix (message, "json-c refuses")) {
      return "json-c refuses what the scan took";
    }
    if (!g_utf8_validate (message, -1, NULL) || strpbrk (message, "\n\r") != NULL) {
      return "a message is not one clean line";
    }
  }
  if (document == NULL) {
    return weir_problems_kept (problems) == 0 ? "refused without a word" : "broken";
  }
  if (!agree_value (document->places, document->root, document->value)) {
    return "json-c has another value than the text";
  }
  gsize from;
  char *left = g_malloc (size + 1);
  memcpy (left, weir_places_text (document->places, &size, &from), size + 1);
  g_autoptr (WeirProblems) none = weir_problems_new ();
  g_autoptr (WeirDocument) again = weir_document_new ("t.json", 1, left, size, 0, WEIR_NODE_NONE, none);
  if (again == NULL || weir_problems_kept (none) > 0) {
    return "what the scan left does not pass the scan";
  }
  return NULL;
}

#endif
