/* SPDX-License-Identifier: Apache-2.0 */
/* A value of a configuration with its place and path, and how a mistake in it is told. What --set has put somewhere has its
 * place there. Main thread; spots own nothing. */
#include "config-load.h"

#include "found.h"
#include "options.h"
#include "suggest.h"

#include <string.h>

static void
append_path (const WeirSpot *spot, GString *path)
{
  if (spot->parent == NULL) {
    return;
  }
  append_path (spot->parent, path);
  if (spot->key != NULL) {
    weir_path_append_key (path, spot->key);
  } else {
    weir_path_append_index (path, spot->index);
  }
}

char *
weir_spot_path (const WeirSpot *spot)
{
  GString *path = g_string_new (NULL);

  append_path (spot, path);
  return g_string_free (path, FALSE);
}

WeirSpot
weir_spot_member (WeirLoad *load, const WeirSpot *parent, const char *key)
{
  WeirSpot spot = { .parent = parent, .key = key, .places = parent->places };

  spot.node = weir_places_member (parent->places, parent->node, key);
  json_object_object_get_ex (parent->value, key, &spot.value);
  if (g_hash_table_size (load->settings) > 0) {
    g_autofree char *path = weir_spot_path (&spot);
    WeirDocument *setting = g_hash_table_lookup (load->settings, path);
    if (setting != NULL) {
      spot.places = setting->places;
      spot.node = setting->root;
    }
  }
  return spot;
}

WeirSpot
weir_spot_element (const WeirSpot *parent, guint32 index, WeirNode node)
{
  return (WeirSpot){ .parent = parent,
                     .index = index,
                     .places = parent->places,
                     .node = node,
                     .value = json_object_array_get_idx (parent->value, index) };
}

WeirSpot *
weir_spot_keep (WeirLoad *load, WeirSpot spot)
{
  WeirSpot *kept = g_memdup2 (&spot, sizeof spot);

  g_ptr_array_add (load->spots, kept);
  return kept;
}

WeirPlace
weir_spot_key_place (const WeirSpot *spot)
{
  return weir_places_key (spot->places, spot->node);
}

WeirPlace
weir_spot_value_place (const WeirSpot *spot)
{
  return weir_places_value (spot->places, spot->node);
}

static void G_GNUC_PRINTF (4, 0)
  tell (WeirLoad *load, const WeirSpot *spot, WeirPlace place, const char *format, va_list arguments)
{
  gboolean full = weir_problems_is_full (load->problems);
  g_autofree char *path = full ? NULL : weir_spot_path (spot);
  g_autofree char *message = g_strdup_vprintf (format, arguments);

  weir_problems_add (load->problems, WEIR_SEVERITY_ERROR, place, path, "%s", message);
}

void
weir_load_wrong_key (WeirLoad *load, const WeirSpot *spot, const char *format, ...)
{
  va_list arguments;

  if (weir_places_is_key_told (spot->places, spot->node)) {
    return;
  }
  va_start (arguments, format);
  tell (load, spot, weir_spot_key_place (spot), format, arguments);
  va_end (arguments);
}

void
weir_load_wrong (WeirLoad *load, const WeirSpot *spot, const char *format, ...)
{
  va_list arguments;

  if (weir_places_is_told (spot->places, spot->node)) {
    return;
  }
  va_start (arguments, format);
  tell (load, spot, weir_spot_value_place (spot), format, arguments);
  va_end (arguments);
}

gboolean
weir_load_is_object (WeirLoad *load, const WeirSpot *spot)
{
  if (json_object_is_type (spot->value, json_type_object)) {
    return TRUE;
  }
  g_autofree char *found = weir_found_value (spot->value);
  weir_load_wrong (load, spot, "found %s, expected an object", found);
  return FALSE;
}

void
weir_load_unknown_key (WeirLoad *load, const WeirSpot *spot, const char *const *words)
{
  g_autofree char *found = weir_found_text (spot->key);
  g_autoptr (GString) message = g_string_new ("unknown key ");

  g_string_append (message, found);
  if (!weir_problems_is_full (load->problems)) {
    weir_suggest_append (message, spot->key, words);
  }
  weir_load_wrong_key (load, spot, "%s", message->str);
}

gboolean
weir_load_option (WeirLoad *load, const WeirSpot *spot, const WeirOption *option, gpointer state)
{
  g_autofree char *message = NULL;

  if (weir_option_parse (option, spot->value, state, load->owned, &message)) {
    return TRUE;
  }
  weir_load_wrong (load, spot, "%s", message);
  return FALSE;
}

void
weir_load_defaults (WeirLoad *load, const WeirOption *table, gpointer state)
{
  for (const WeirOption *option = table; option->name != NULL; option++) {
    json_object *initial = weir_option_default (option);
    g_autofree char *message = NULL;
    if (initial != NULL && !weir_option_parse (option, initial, state, load->owned, &message)) {
      g_error ("the default of \"%s\": %s", option->name, message);
    }
    json_object_put (initial);
  }
}

void
weir_load_table (WeirLoad *load, const WeirSpot *spot, const WeirOption *table, gpointer state)
{
  if (!weir_load_is_object (load, spot)) {
    return;
  }
  json_object_object_foreach (spot->value, key, value)
  {
    WeirSpot member = weir_spot_member (load, spot, key);
    const WeirOption *option = table;
    (void) value;
    while (option->name != NULL && strcmp (option->name, key) != 0) {
      option++;
    }
    if (option->name != NULL) {
      weir_load_option (load, &member, option, state);
      continue;
    }
    g_autoptr (GPtrArray) words = g_ptr_array_new ();
    for (option = table; option->name != NULL; option++) {
      g_ptr_array_add (words, (gpointer) option->name);
    }
    g_ptr_array_add (words, NULL);
    weir_load_unknown_key (load, &member, (const char *const *) words->pdata);
  }
}
