/* SPDX-License-Identifier: Apache-2.0 */
/* "from" and "queue": which links a stage has, and what each may hold. A word names a stage, its port (STAGE.PORT) or its rejected
 * records (STAGE.rejected). Main thread; the inputs belong to the configuration's stage. */
#include "config-load.h"

#include "found.h"
#include "keys.h"
#include "options.h"
#include "suggest.h"

#include <string.h>

static WeirQueueValues
values_of (const WeirQueueSettings *settings)
{
  return (WeirQueueValues){ (gint64) settings->records, settings->bytes, settings->age, settings->low, settings->hard,
                            (int) settings->when_full };
}

static WeirQueueSettings
settings_of (const WeirQueueValues *queue)
{
  return (WeirQueueSettings){ (guint64) queue->records,       queue->bytes, queue->age, queue->low, queue->hard,
                              (WeirWhenFull) queue->when_full };
}

/* What is not said stays as it is, and all of it does where there is a mistake. */
static void
read_queue (WeirLoad *load, const WeirSpot *spot, WeirQueueSettings *settings)
{
  WeirQueueValues queue = values_of (settings);
  guint64 before = weir_problems_count (load->problems, WEIR_SEVERITY_ERROR);
  g_autofree char *message = NULL;

  weir_load_table (load, spot, weir_queue_keys, &queue);
  if (weir_problems_count (load->problems, WEIR_SEVERITY_ERROR) != before) {
    return;
  }
  WeirQueueSettings read = settings_of (&queue);
  if (weir_queue_settings_check (&read, &message)) {
    *settings = read;
  } else {
    weir_load_wrong (load, spot, "%s", message);
  }
}

static void
note_line (const char *key, const char *message, gpointer data)
{
  GString *lines = data;
  g_string_append_printf (lines, "%s%s%s%s", lines->len > 0 ? "\n" : "", key != NULL ? key : "",
                          key != NULL ? ": " : "", message);
}

gboolean
weir_queue_settings_read (json_object *object, WeirQueueSettings *settings, char **message)
{
  static const WeirRole table = { .options = weir_queue_keys, .state_size = sizeof (WeirQueueValues) };
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) lines = g_string_new (NULL);
  WeirQueueValues queue = { 0 };

  weir_options_check (&table, object, &queue, owned, note_line, lines);
  if (lines->len > 0) {
    *message = g_string_free (g_steal_pointer (&lines), FALSE);
    return FALSE;
  }
  *settings = settings_of (&queue);
  return weir_queue_settings_check (settings, message);
}

/* ---- one word ------------------------------------------------------------------------------------------------------ */

/* A word of "from": the key of a member where there are settings, else a string. */
typedef struct {
  const WeirSpot *spot;
  const char *text;
  gboolean is_key;
} Word;

static void G_GNUC_PRINTF (3, 4) wrong_word (WeirLoad *load, const Word *word, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (word->is_key) {
    weir_load_wrong_key (load, word->spot, "%s", message);
  } else {
    weir_load_wrong (load, word->spot, "%s", message);
  }
}

/* Can this output be taken? port NULL: none was named. Tells if not. */
static gboolean
port_exists (WeirLoad *load, const Word *word, const WeirConfigStage *from, const char *port)
{
  static const char *const none[] = { NULL }, *const only[] = { "rejected", NULL };

  if (port != NULL && strcmp (port, "rejected") == 0) {
    return TRUE;
  }
  if (from->kind == WEIR_CONSUMER) {
    wrong_word (load, word, "\"%s\" is a consumer and has no output but \"%s.rejected\"", from->name, from->name);
    return FALSE;
  }
  if (from->role == NULL) { /* its plugin is not known; that has been told */
    return TRUE;
  }
  const char *const *ports = from->role->ports != NULL ? from->role->ports : none;
  if (port == NULL ? ports[0] == NULL : g_strv_contains (ports, port)) {
    return TRUE;
  }
  g_autofree char *found = weir_found_text (port != NULL ? port : "");
  g_autofree char *list = g_strjoinv ("\", \"", (char **) ports);
  g_autoptr (GString) message = g_string_new (NULL);
  if (port == NULL) {
    g_string_append_printf (message, "\"%s\" has the ports \"%s\"; expected one of them, as in \"%s.%s\"", from->name,
                            list, from->name, ports[0]);
  } else if (ports[0] == NULL) {
    g_string_append_printf (message, "\"%s\" has no port %s", from->name, found);
    weir_suggest_append (message, port, only);
  } else {
    g_string_append_printf (message, "\"%s\" has no port %s, only \"%s\"", from->name, found, list);
    weir_suggest_append (message, port, ports);
  }
  wrong_word (load, word, "%s", message->str);
  return FALSE;
}

/* The stage of this name, or NULL, and that is told. */
static WeirLoadStage *
find_stage (WeirLoad *load, const Word *word, const char *name)
{
  WeirLoadStage *found = g_hash_table_lookup (load->names, name);

  if (found != NULL || load->incomplete) {
    return found;
  }
  g_autofree char *shown = weir_found_text (name);
  g_autoptr (GString) message = g_string_new ("no stage ");
  const char *meant = weir_suggest (name, load->stage_names);
  g_string_append (message, shown);
  weir_suggest_append (message, name, load->stage_names);
  wrong_word (load, word, "%s", message->str);
  WeirLoadStage *other = meant == NULL ? NULL : g_hash_table_lookup (load->names, meant);
  if (other != NULL) {
    other->taken = TRUE;
  }
  return NULL;
}

static void
add_input (WeirLoad *load, WeirLoadStage *entry, Word word, WeirQueueSettings queue, GHashTable *seen)
{
  const char *dot = strchr (word.text, '.');
  const char *port = dot == NULL ? NULL : dot + 1;
  gboolean rejected = port != NULL && strcmp (port, "rejected") == 0;
  g_autofree char *name = dot == NULL ? g_strdup (word.text) : g_strndup (word.text, (gsize) (dot - word.text));
  WeirLoadStage *from = find_stage (load, &word, name);

  if (from != NULL && !rejected) {
    from->taken = TRUE;
  }
  if (from == NULL || !port_exists (load, &word, from->stage, port) || from->stage->role == NULL) {
    entry->doubts = TRUE;
    return;
  }
  const WeirConfigInput *first = g_hash_table_lookup (seen, word.text);
  if (first != NULL) {
    g_autofree char *place = weir_place_format (first->place);
    g_autofree char *found = weir_found_text (word.text);
    wrong_word (load, &word, "%s is there twice; the first is at %s", found, place);
    return;
  }
  WeirConfigInput *input = g_new0 (WeirConfigInput, 1);
  input->name = g_strdup_printf ("%s:%s", word.text, entry->stage->name);
  input->from = from->stage;
  input->rejected = rejected;
  for (input->port = 0; !rejected && port != NULL && strcmp (from->stage->role->ports[input->port], port) != 0;) {
    input->port++;
  }
  input->queue = queue;
  input->place = word.is_key ? weir_spot_key_place (word.spot) : weir_spot_value_place (word.spot);
  g_ptr_array_add (entry->stage->inputs, input);
  g_hash_table_insert (seen, g_strdup (word.text), input);
}

/* ---- "from" -------------------------------------------------------------------------------------------------------- */

/* A word of a list, or "from" itself. */
static void
add_word (WeirLoad *load, WeirLoadStage *entry, const WeirSpot *spot, WeirQueueSettings queue, GHashTable *seen)
{
  if (weir_places_is_told (spot->places, spot->node)) {
    entry->doubts = load->unread = TRUE;
  } else if (!json_object_is_type (spot->value, json_type_string)) {
    g_autofree char *found = weir_found_value (spot->value);
    const char *expected = spot->key == NULL ? "the name of a stage"
                                             : "a stage, a list of stages, or an object with settings";
    weir_load_wrong (load, spot, "found %s, expected %s", found, expected);
    entry->doubts = load->unread = TRUE;
  } else {
    add_input (load, entry, (Word){ spot, json_object_get_string (spot->value), FALSE }, queue, seen);
  }
}

static void
read_from (WeirLoad *load, WeirLoadStage *entry, const WeirSpot *from, WeirQueueSettings queue)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  if (json_object_is_type (from->value, json_type_object)) {
    json_object_object_foreach (from->value, word, value)
    {
      WeirSpot spot = weir_spot_member (load, from, word);
      WeirQueueSettings own = queue;
      (void) value;
      read_queue (load, &spot, &own);
      add_input (load, entry, (Word){ &spot, word, TRUE }, own, seen);
    }
  } else if (json_object_is_type (from->value, json_type_array)) {
    WeirNode node = weir_places_first (from->places, from->node);
    for (guint32 i = 0; i < json_object_array_length (from->value); i++) {
      WeirSpot spot = weir_spot_element (from, i, node);
      add_word (load, entry, &spot, queue, seen);
      node = weir_places_next (from->places, node);
    }
  } else {
    add_word (load, entry, from, queue, seen);
  }
  if (entry->stage->inputs->len == 0 && !entry->doubts) {
    weir_load_wrong (load, from, "names no stage: nothing feeds \"%s\"", entry->stage->name);
  }
}

void
weir_load_inputs (WeirLoad *load, WeirLoadStage *entry)
{
  WeirQueueSettings settings = WEIR_QUEUE_DEFAULTS;
  WeirSpot from = weir_spot_member (load, entry->spot, "from");
  WeirSpot queue = weir_spot_member (load, entry->spot, "queue");
  gboolean has_from = json_object_object_get_ex (entry->spot->value, "from", NULL);
  gboolean has_queue = json_object_object_get_ex (entry->spot->value, "queue", NULL);

  if (!json_object_is_type (entry->spot->value, json_type_object)) {
    return;
  }
  if (entry->stage->kind == WEIR_PRODUCER) {
    if (has_from) {
      weir_load_wrong_key (load, &from, "a producer has no input");
    }
    if (has_queue) {
      weir_load_wrong_key (load, &queue, "a producer has no input, and so no queue");
    }
    return;
  }
  if (has_queue) {
    read_queue (load, &queue, &settings);
  }
  if (has_from) {
    read_from (load, entry, &from, settings);
  } else {
    weir_load_wrong (load, entry->spot, "missing key \"from\": nothing feeds \"%s\"", entry->stage->name);
  }
}
