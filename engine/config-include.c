/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a configuration: the first and those it includes, relative to the including one, at most 64. Their stages come
 * together under one roof; what is said twice is a mistake told with both places. Main thread; the load owns the documents. */
#include "config-load.h"

#include "found.h"
#include "keys.h"

#include <stdlib.h>
#include <string.h>

/* The files that are being loaded, innermost first. */
typedef struct _Chain {
  const struct _Chain *outer;
  const char *shown, *canonical;
} Chain;

static void load_file (WeirLoad *load, const char *path, const WeirSpot *word, const Chain *outer);

gboolean
weir_name_is_plain (const char *name)
{
  if (!g_ascii_isalpha (*name) && *name != '_') {
    return FALSE;
  }
  for (; *name != '\0'; name++) {
    if (!g_ascii_isalnum (*name) && *name != '_' && *name != '-') {
      return FALSE;
    }
  }
  return TRUE;
}

/* ---- what a file says ---------------------------------------------------------------------------------------------- */

static void
add_stage (WeirLoad *load, WeirKind kind, WeirSpot spot)
{
  g_autofree char *found = weir_found_text (spot.key);

  if (!weir_name_is_plain (spot.key)) {
    weir_load_wrong_key (load, &spot, "bad stage name %s; expected a letter or _, then letters, digits, _ or -", found);
    load->incomplete = TRUE;
    return;
  }
  WeirLoadStage *first = g_hash_table_lookup (load->names, spot.key);
  if (first != NULL) {
    g_autofree char *place = weir_place_format (weir_spot_key_place (first->spot));
    weir_load_wrong_key (load, &spot, "the name %s is taken; the first is at %s", found, place);
    load->unread = TRUE;
    return;
  }
  WeirConfigStage *stage = g_new0 (WeirConfigStage, 1);
  stage->index = load->config->stages->len;
  stage->kind = kind;
  stage->name = g_strdup (spot.key);
  stage->place = weir_spot_key_place (&spot);
  stage->inputs = g_ptr_array_new ();
  g_ptr_array_add (load->config->stages, stage);

  WeirLoadStage *entry = g_new0 (WeirLoadStage, 1);
  entry->stage = stage;
  entry->spot = weir_spot_keep (load, spot);
  g_ptr_array_add (load->stages, entry);
  g_hash_table_insert (load->names, stage->name, entry);
}

static void
add_section (WeirLoad *load, WeirKind kind, WeirSpot spot)
{
  if (!weir_load_is_object (load, &spot)) {
    load->incomplete = TRUE;
    return;
  }
  WeirSpot *section = weir_spot_keep (load, spot);
  if (load->sections[kind] == NULL) {
    load->sections[kind] = section;
  }
  json_object_object_foreach (spot.value, name, value)
  {
    (void) value;
    add_stage (load, kind, weir_spot_member (load, section, name));
  }
}

/* Takes what may be said once in all files. */
static void
add_single (WeirLoad *load, WeirSpot **single, WeirSpot spot)
{
  if (*single == NULL) {
    *single = weir_spot_keep (load, spot);
    return;
  }
  g_autofree char *place = weir_place_format (weir_spot_key_place (*single));
  weir_load_wrong_key (load, &spot, "is in two files; the first is at %s", place);
}

static void
include_one (WeirLoad *load, const WeirSpot *word, const Chain *chain)
{
  if (!json_object_is_type (word->value, json_type_string) || json_object_get_string_len (word->value) == 0) {
    g_autofree char *found = weir_found_value (word->value);
    weir_load_wrong (load, word, "found %s, expected the path of a file", found);
  } else if (!weir_places_is_told (word->places, word->node)) {
    const char *path = json_object_get_string (word->value);
    g_autofree char *folder = g_path_get_dirname (chain->shown);
    gboolean here = g_path_is_absolute (path) || strcmp (folder, ".") == 0;
    g_autofree char *whole = here ? g_strdup (path) : g_build_filename (folder, path, NULL);
    load_file (load, whole, word, chain);
    return;
  }
  load->incomplete = TRUE;
}

static void
add_includes (WeirLoad *load, const WeirSpot *include, const Chain *chain)
{
  if (!json_object_is_type (include->value, json_type_array)) {
    include_one (load, include, chain);
    return;
  }
  WeirNode node = weir_places_first (include->places, include->node);
  for (guint32 i = 0; i < json_object_array_length (include->value); i++) {
    WeirSpot word = weir_spot_element (include, i, node);
    include_one (load, weir_spot_keep (load, word), chain);
    node = weir_places_next (include->places, node);
  }
}

static void
check_schema (WeirLoad *load, const WeirSpot *spot, json_object *value)
{
  if (!json_object_is_type (value, json_type_string)) {
    g_autofree char *found = weir_found_value (value);
    weir_load_wrong (load, spot, "found %s, expected where the schema is", found);
  }
}

static void
add_document (WeirLoad *load, WeirSpot *root, const Chain *chain)
{
  WeirSpot *include = NULL;

  if (!weir_load_is_object (load, root)) {
    load->incomplete = TRUE;
    return;
  }
  json_object_object_foreach (root->value, key, value)
  {
    WeirSpot spot = weir_spot_member (load, root, key);
    const WeirKey *ours = weir_key_find (weir_file_keys, key);
    if (ours == NULL) {
      g_autofree const char **names = weir_key_names (weir_file_keys);
      weir_load_unknown_key (load, &spot, names);
    } else if (ours->form == WEIR_KEY_SCHEMA) {
      check_schema (load, &spot, value);
    } else if (ours->form == WEIR_KEY_NAME) {
      add_single (load, &load->name, spot);
    } else if (ours->form == WEIR_KEY_ENGINE) {
      add_single (load, &load->engine, spot);
    } else if (ours->form == WEIR_KEY_INCLUDE) {
      include = weir_spot_keep (load, spot);
    } else {
      add_section (load, (WeirKind) (ours->form - WEIR_KEY_PRODUCERS), spot);
    }
  }
  if (include != NULL) {
    add_includes (load, include, chain);
  }
}

/* ---- which files --------------------------------------------------------------------------------------------------- */

/* Tells why a file cannot be: at the word that includes it, or of the first file itself. */
static void G_GNUC_PRINTF (4, 5)
  refuse_file (WeirLoad *load, const char *path, const WeirSpot *word, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  load->incomplete = TRUE;
  if (word == NULL) {
    weir_problems_add (load->problems, WEIR_SEVERITY_ERROR, (WeirPlace){ path, 0, 0 }, NULL, "%s", message);
    return;
  }
  g_autofree char *found = weir_found_text (path);
  weir_load_wrong (load, word, "%s: %s", found, message);
}

/* Is the file new? Tells if not. */
static gboolean
is_new (WeirLoad *load, const char *path, const char *canonical, const WeirSpot *word, const Chain *outer)
{
  g_autoptr (GString) cycle = g_string_new (NULL);

  for (const Chain *link = outer; link != NULL; link = link->outer) {
    g_string_prepend (cycle, " -> ");
    g_string_prepend (cycle, link->shown);
    if (strcmp (link->canonical, canonical) == 0) {
      refuse_file (load, path, word, "includes itself: %s%s", cycle->str, link->shown);
      return FALSE;
    }
  }
  const WeirSpot *before = g_hash_table_lookup (load->included, canonical);
  if (before != NULL) {
    g_autofree char *place = weir_place_format (weir_spot_value_place (before));
    refuse_file (load, path, word, "is included twice; the first is at %s", place);
    return FALSE;
  }
  if (g_hash_table_size (load->included) >= WEIR_INCLUDE_MAX) {
    refuse_file (load, path, word, "more than %d files are included", WEIR_INCLUDE_MAX);
    return FALSE;
  }
  return TRUE;
}

static void
load_file (WeirLoad *load, const char *path, const WeirSpot *word, const Chain *outer)
{
  g_autofree char *resolved = word == NULL && strcmp (path, "-") == 0 ? NULL : realpath (path, NULL);
  const char *canonical = resolved != NULL ? resolved : path;
  g_autofree char *message = NULL;
  gsize size = 0;

  if (word != NULL && strcmp (path, "-") == 0) {
    refuse_file (load, path, word, "standard input cannot be included");
    return;
  }
  if (word != NULL && !is_new (load, path, canonical, word, outer)) {
    return;
  }
  char *text = weir_document_read (path, &size, &message);
  if (text == NULL) {
    refuse_file (load, path, word, "%s", message);
    return;
  }
  char *file = g_strdup (path);
  g_ptr_array_add (load->config->files, file);
  weir_problems_add_file (load->problems, file);
  if (word != NULL) {
    g_hash_table_insert (load->included, g_strdup (canonical), (gpointer) word);
  }

  WeirDocument *document = weir_document_new (file, 1, text, size, 0, WEIR_NODE_NONE, load->problems);
  if (document == NULL) {
    load->incomplete = TRUE;
    return;
  }
  g_ptr_array_add (load->documents, document);
  WeirSpot root = { .places = document->places, .node = document->root, .value = document->value };
  WeirSpot *kept = weir_spot_keep (load, root);
  if (load->root == NULL) {
    load->root = kept;
  }
  weir_load_expand (load, kept);
  Chain chain = { outer, file, canonical };
  add_document (load, kept, &chain);
}

void
weir_load_files (WeirLoad *load, const char *input)
{
  load_file (load, input, NULL, NULL);
}
