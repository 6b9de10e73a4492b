/* SPDX-License-Identifier: Apache-2.0 */
/* plugin-ends.h: what tests of plugins share: a producer that feeds pieces of streams, a consumer that notes what comes, and the
 * loading of a plugin's role with options in JSON. Everything static: one test program includes it once.
 * Feed and notes are the test's; the stages see them while the pipeline runs. */
#pragma once

#include "options.h"
#include "pipeline.h"

#include <check.h>
#include <gmodule.h>
#include <stdlib.h>
#include <string.h>

/* ---- the feed ---- */

typedef struct {
  const char *bytes;
  gsize size;
  guint trail;    /* bytes behind size that are trail */
  guint stream;   /* a number of the test's; 0: none */
  gboolean close; /* the stream is over behind it; bytes NULL: nothing else */
} Piece;

#define CHUNK(stream, text) \
  { \
    (text), sizeof (text) - 1, 0, (stream), FALSE \
  }
#define CLOSE(stream) \
  { \
    NULL, 0, 0, (stream), TRUE \
  }

typedef struct {
  const Piece *pieces;
  gsize count, next;
  guint32 streams[16];
} Feed;

G_GNUC_UNUSED static WeirNext
feed_produce (WeirStage *stage, gpointer state)
{
  Feed *feed = state;
  if (feed->next == feed->count) {
    return WEIR_DONE;
  }
  const Piece *piece = &feed->pieces[feed->next++];
  guint32 *stream = &feed->streams[piece->stream];
  if (piece->stream != 0 && *stream == 0) {
    g_autofree char *name = g_strdup_printf ("stream %u", piece->stream);
    g_autoptr (WeirTags) tags = weir_tags_with (NULL, "path", name);
    *stream = weir_stream_open (stage, tags);
  }
  if (piece->bytes != NULL) {
    weir_stream_use (stage, *stream);
    weir_stage_set_trail (stage, piece->trail);
    weir_emit_copy (stage, piece->bytes, piece->size + piece->trail);
  }
  if (piece->close) {
    weir_stream_close (stage, *stream);
    *stream = 0;
  }
  return WEIR_MORE;
}

G_GNUC_UNUSED static const WeirRole feed_chunks = { .state_size = sizeof (Feed),
                                                    .flags = WEIR_BYTES,
                                                    .produce = feed_produce };
G_GNUC_UNUSED static const WeirRole feed_messages = { .state_size = sizeof (Feed), .produce = feed_produce };

/* ---- the notes ---- */

typedef struct {
  GString *text;  /* one record an entry: its bytes, '~' where it is a chunk, '<', its trail and '>' where it has one */
  GString *bytes; /* what a byte consumer would write */
  GString *tags;  /* the record's "path" and "reason" tags, in the same way */
  guint count;
  gboolean awaited; /* the main thread waits for what comes */
  guint wait;       /* answers WAIT that often before each record */
  GMutex lock;      /* of all that, while the pipeline runs */
} Notes;

typedef struct {
  Notes *notes;
  guint waited;
} Noter;

static void
note_text (GString *text, const guint8 *data, gsize size)
{
  for (gsize i = 0; i < size; i++) {
    if (data[i] >= ' ' && data[i] < 127) {
      g_string_append_c (text, (char) data[i]);
    } else {
      g_string_append_printf (text, data[i] == '\n' ? "\\n" : "\\x%02x", data[i]);
    }
  }
}

G_GNUC_UNUSED static WeirNext
note_consume (WeirStage *stage, gpointer state, const WeirRecord *record)
{
  Noter *noter = state;
  Notes *notes = noter->notes;
  if (noter->waited++ < notes->wait) {
    return weir_stage_wait_time (stage, 0);
  }
  noter->waited = 0;
  g_mutex_lock (&notes->lock);
  notes->count++;
  note_text (notes->text, record->data, record->size);
  g_string_append (notes->text, (record->flags & WEIR_RECORD_CHUNK) != 0 ? "~" : "");
  if (record->trail > 0) {
    g_string_append_c (notes->text, '<');
    note_text (notes->text, record->data + record->size, record->trail);
    g_string_append_c (notes->text, '>');
  }
  g_string_append_c (notes->text, '|');
  g_string_append_len (notes->bytes, (const char *) record->data, (gssize) (record->size + record->trail));
  if (record->trail == 0 && (record->flags & WEIR_RECORD_CHUNK) == 0) {
    g_string_append_c (notes->bytes, '\n');
  }
  const char *path = weir_record_tag (record, "path"), *reason = weir_record_tag (record, "reason");
  g_string_append_printf (notes->tags, "%s%s%s|", path != NULL ? path : "", reason != NULL ? ": " : "",
                          reason != NULL ? reason : "");
  g_mutex_unlock (&notes->lock);
  if (notes->awaited) {
    g_main_context_wakeup (NULL);
  }
  return WEIR_MORE;
}

G_GNUC_UNUSED static const WeirRole note_role = { .state_size = sizeof (Noter), .consume = note_consume };

G_GNUC_UNUSED static Notes
notes_new (void)
{
  return (Notes){ .text = g_string_new (NULL), .bytes = g_string_new (NULL), .tags = g_string_new (NULL) };
}

G_GNUC_UNUSED static void
notes_free (Notes *notes)
{
  g_string_free (notes->text, TRUE);
  g_string_free (notes->bytes, TRUE);
  g_string_free (notes->tags, TRUE);
}

/* ---- plugins ---- */

/* One module a test program, opened for good. */
G_GNUC_UNUSED static const WeirPlugin *
load_plugin (const char *name)
{
  const char *build = g_getenv ("WEIR_BUILD");
  g_autofree char *file = g_strdup_printf ("%s/plugins/.libs/%s.so", build != NULL ? build : ".", name);
  GModule *module = g_module_open (file, G_MODULE_BIND_LOCAL);
  ck_assert_msg (module != NULL, "%s", g_module_error ());
  g_module_make_resident (module);
  gpointer symbol;
  ck_assert (g_module_symbol (module, "weir_plugin", &symbol));
  const WeirPlugin *plugin = symbol;
  ck_assert_uint_eq (plugin->abi, WEIR_ABI);
  ck_assert_str_eq (plugin->name, name);
  return plugin;
}

static void
report_option (const char *key, const char *message, G_GNUC_UNUSED gpointer data)
{
  ck_abort_msg ("option %s: %s", key, message);
}

/* The role's state with its options; what they own is freed with `owned`. */
G_GNUC_UNUSED static gpointer
role_state (const WeirRole *role, const char *json, GPtrArray *owned)
{
  g_autofree char *message = NULL;
  ck_assert_msg (weir_options_sane (role, &message), "%s", message);
  gpointer state = g_malloc0 (role->state_size);
  json_object *object = json_tokener_parse (json);
  ck_assert_ptr_nonnull (object);
  weir_options_check (role, object, state, owned, report_option, NULL);
  json_object_put (object);
  return state;
}

/* What an option must refuse: the message of the option table, or of the role's check(). */
G_GNUC_UNUSED static void
note_problem (const char *key, const char *message, gpointer data)
{
  g_string_append_printf (data, "%s: %s|", key != NULL ? key : "-", message);
}

G_GNUC_UNUSED static void
expect_refused (const WeirRole *role, const char *json, const char *problems)
{
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) found = g_string_new (NULL);
  g_autofree gpointer state = g_malloc0 (role->state_size);
  json_object *object = json_tokener_parse (json);
  ck_assert_ptr_nonnull (object);
  weir_options_check (role, object, state, owned, note_problem, found);
  json_object_put (object);
  ck_assert_str_eq (found->str, problems);
}

G_GNUC_UNUSED static WeirStage *
add_stage (WeirPipeline *pipeline, const char *name, WeirKind kind, const WeirRole *role, gpointer state)
{
  GError *error = NULL;
  WeirStage *stage = weir_pipeline_add (pipeline, name, kind, "test", role, state, NULL, &error);
  ck_assert_msg (stage != NULL, "%s", error != NULL ? error->message : "");
  return stage;
}

G_GNUC_UNUSED static void
join (WeirPipeline *pipeline, WeirStage *from, guint port, WeirStage *to, guint64 records)
{
  WeirQueueSettings settings = WEIR_QUEUE_DEFAULTS;
  settings.records = records;
  GError *error = NULL;
  ck_assert (weir_pipeline_link (pipeline, from, port, to, &settings, &error) != NULL);
}

G_GNUC_UNUSED static gpointer
feed_state (const Piece *pieces, gsize count)
{
  Feed *feed = g_new0 (Feed, 1);
  feed->pieces = pieces;
  feed->count = count;
  return feed;
}

G_GNUC_UNUSED static gpointer
noter_state (Notes *notes)
{
  Noter *noter = g_new0 (Noter, 1);
  noter->notes = notes;
  return noter;
}

/* Runs the suite of one program. */
G_GNUC_UNUSED static int
run_suite (Suite *suite)
{
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
