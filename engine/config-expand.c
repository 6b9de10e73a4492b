/* SPDX-License-Identifier: Apache-2.0 */
/* ${NAME} and ${NAME:-text} inside string values are replaced by the environment's, $${ by ${; any other $ stands for itself.
 * Values are not looked at again. Main thread, before any other reads the environment; owns nothing. */
#include "config-load.h"

#include "found.h"

#include <string.h>

#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789"

static char *
complain (const char *start, gsize size, const char *what)
{
  g_autofree char *part = g_strndup (start, size);
  g_autofree char *found = weir_found_text (part);

  return g_strdup_printf ("found %s, %s", found, what);
}

/* at is behind "${". NULL: *message says why; else where to go on. */
static const char *
expand_one (const char *at, GString *expanded, char **message)
{
  const char *start = at - 2;
  gsize length = strspn (at, NAME_LETTERS);
  const char *end = strchr (at, '}');
  gboolean fallback = g_str_has_prefix (at + length, ":-");

  if (end == NULL) {
    *message = complain (start, strlen (start), "which is not closed by \"}\"; write $${ for a plain ${");
    return NULL;
  }
  if (length == 0 || g_ascii_isdigit (*at) || !(fallback || at + length == end)) {
    *message = complain (start, (gsize) (end + 1 - start),
                         "expected ${NAME} or ${NAME:-text}; write $${ for a plain ${");
    return NULL;
  }
  g_autofree char *name = g_strndup (at, length);
  const char *value = g_getenv (name);
  if (fallback && (value == NULL || *value == '\0')) {
    g_string_append_len (expanded, at + length + 2, end - (at + length + 2));
  } else if (value == NULL) {
    *message = g_strdup_printf ("the environment has no %s; write ${%s:-text} to give a default", name, name);
    return NULL;
  } else if (!g_utf8_validate (value, -1, NULL)) {
    *message = g_strdup_printf ("the environment's %s is not UTF-8", name);
    return NULL;
  } else {
    g_string_append (expanded, value);
  }
  return end + 1;
}

char *
weir_expand (const char *text, char **message)
{
  g_autoptr (GString) expanded = NULL;
  const char *at = text;

  *message = NULL;
  while (strstr (at, "${") != NULL) {
    const char *dollar = strstr (at, "${");
    if (expanded == NULL) {
      expanded = g_string_new (NULL);
    }
    if (dollar > at && dollar[-1] == '$') {
      g_string_append_len (expanded, at, dollar - 1 - at);
      g_string_append (expanded, "${");
      at = dollar + 2;
      continue;
    }
    g_string_append_len (expanded, at, dollar - at);
    at = expand_one (dollar + 2, expanded, message);
    if (at == NULL) {
      return NULL;
    }
    if (expanded->len > WEIR_DOCUMENT_MAX) {
      *message = g_strdup ("the expanded text is larger than 16 MiB");
      return NULL;
    }
  }
  if (expanded == NULL) {
    return NULL;
  }
  g_string_append (expanded, at);
  return g_string_free (g_steal_pointer (&expanded), FALSE);
}

/* At most as deep as the scan lets texts be. */
void
weir_load_expand (WeirLoad *load, const WeirSpot *spot)
{
  if (json_object_is_type (spot->value, json_type_object)) {
    json_object_object_foreach (spot->value, key, value)
    {
      (void) value;
      WeirSpot member = weir_spot_member (load, spot, key);
      weir_load_expand (load, &member);
    }
  } else if (json_object_is_type (spot->value, json_type_array)) {
    WeirNode node = weir_places_first (spot->places, spot->node);
    for (guint32 i = 0; i < json_object_array_length (spot->value); i++) {
      WeirSpot element = weir_spot_element (spot, i, node);
      weir_load_expand (load, &element);
      node = weir_places_next (spot->places, node);
    }
  } else if (json_object_is_type (spot->value, json_type_string)) {
    g_autofree char *message = NULL;
    g_autofree char *text = weir_expand (json_object_get_string (spot->value), &message);
    if (message != NULL) {
      weir_load_wrong (load, spot, "%s", message);
      weir_places_set_told (spot->places, spot->node);
    } else if (text != NULL) {
      json_object_set_string (spot->value, text);
    }
  }
}
