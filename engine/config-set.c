/* SPDX-License-Identifier: Apache-2.0 */
/* --set STAGE.OPTION=VALUE: VALUE is JSON if it parses, else a string, and is taken as it is, without expansion. Dots reach into
 * objects, which are made where they are missing; stages are not. Its place is --set, the line says which of them.
 * Main thread; the load owns the documents. */
#include "config-load.h"

#include "found.h"
#include "suggest.h"

#include <string.h>

static const char set_file[] = "--set";

static void G_GNUC_PRINTF (4, 5) refuse (WeirLoad *load, guint number, gsize offset, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  weir_problems_add (load->problems, WEIR_SEVERITY_ERROR, (WeirPlace){ set_file, number, (guint) offset + 1 }, NULL,
                     "%s", message);
}

/* The value behind the equals sign; key: where the last word before it begins. */
static WeirDocument *
read_value (guint number, const char *setting, gsize from, gsize key)
{
  g_autoptr (WeirProblems) none = weir_problems_new ();
  gsize size = strlen (setting);
  g_autoptr (WeirDocument)
    document = weir_document_new (set_file, number, g_strdup (setting), size, from, (guint32) key, none);

  if (document != NULL && weir_problems_kept (none) == 0) {
    return g_steal_pointer (&document);
  }
  WeirDocument *string = g_new0 (WeirDocument, 1);
  string->places = weir_places_new (set_file, number, g_strdup (setting), size, from);
  string->root = weir_places_add_root (string->places, (guint32) key, (guint32) from);
  string->value = json_object_new_string_len (setting + from, (int) (size - from));
  return string;
}

/* From now on the path has its place in the document; what stood below it is gone. */
static void
note (WeirLoad *load, const char *path, WeirDocument *document)
{
  GHashTableIter each;
  gpointer key;
  gsize length = strlen (path);

  g_hash_table_iter_init (&each, load->settings);
  while (g_hash_table_iter_next (&each, &key, NULL)) {
    const char *other = key;
    if (g_str_has_prefix (other, path) && (other[length] == '.' || other[length] == '[')) {
      g_hash_table_iter_remove (&each);
    }
  }
  g_hash_table_replace (load->settings, g_strdup (path), document);
}

/* Follows the words, all but the last of which are objects. */
static void
put (WeirLoad *load, const WeirSpot *spot, char **words, WeirDocument *document)
{
  if (!json_object_is_type (spot->value, json_type_object)) {
    WeirSpot at = *spot;
    g_autofree char *found = weir_found_value (spot->value);
    at.places = document->places;
    at.node = document->root;
    weir_load_wrong_key (load, &at, "found %s, expected an object to set \"%s\" in", found, words[0]);
    return;
  }
  WeirSpot member = weir_spot_member (load, spot, words[0]);
  g_autofree char *path = weir_spot_path (&member);
  if (words[1] == NULL) {
    json_object_object_add (spot->value, words[0], json_object_get (document->value));
    note (load, path, document);
    return;
  }
  if (!json_object_object_get_ex (spot->value, words[0], NULL)) {
    json_object_object_add (spot->value, words[0], json_object_new_object ());
    note (load, path, document);
    member = weir_spot_member (load, spot, words[0]);
  }
  put (load, &member, words + 1, document);
}

void
weir_load_set (WeirLoad *load, guint number, const char *setting)
{
  const char *equals = strchr (setting, '=');
  g_autofree char *left = equals == NULL ? NULL : g_strndup (setting, (gsize) (equals - setting));
  g_auto (GStrv) words = g_strsplit (left == NULL ? "" : left, ".", -1);
  gboolean whole = g_utf8_validate (setting, -1, NULL) && g_strv_length (words) >= 2 &&
                   g_strv_length (words) <= WEIR_SET_WORDS_MAX && strlen (setting) <= WEIR_DOCUMENT_MAX;

  for (gsize i = 0; whole && words[i] != NULL; i++) {
    whole = *words[i] != '\0';
  }
  if (!whole) {
    g_autofree char *found = weir_found_text (setting);
    refuse (load, number, 0, "found %s, expected STAGE.OPTION=VALUE", found);
    return;
  }
  WeirLoadStage *stage = g_hash_table_lookup (load->names, words[0]);
  if (stage == NULL) {
    g_autofree char *found = weir_found_text (words[0]);
    g_autoptr (GString) message = g_string_new ("no stage ");
    g_string_append (message, found);
    weir_suggest_append (message, words[0], load->stage_names);
    if (!load->incomplete) {
      refuse (load, number, 0, "%s", message->str);
    }
    return;
  }
  const char *last = strrchr (left, '.') + 1;
  WeirDocument *document = read_value (number, setting, (gsize) (equals + 1 - setting), (gsize) (last - left));
  g_ptr_array_add (load->documents, document);
  put (load, stage->spot, words + 1, document);
}
