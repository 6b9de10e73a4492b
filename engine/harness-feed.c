/* SPDX-License-Identifier: Apache-2.0 */
/* harness-feed.c: the fake producer of a harness: what the test pushes waits here, and goes on the link as far as that takes it.
 * Runs on the test's thread; an ordinary pull producer. Streams have numbers of the test's, and those of the process behind them. */
#include "harness.h"

#include <string.h>

typedef struct {
  enum { RECORD, OPEN_STREAM, END_STREAM, ORIGIN } what;
  WeirRecord record; /* one reference to its buffer; the stream as the test numbers it */
  WeirTags *tags;    /* NULL: those of the stream */
  char *origin;      /* NULL: none from here on */
} Piece;

typedef struct {
  WeirHarness *harness;
} Feed;

static void
piece_free (Piece *piece)
{
  g_clear_pointer (&piece->record.buffer, weir_buffer_unref);
  g_clear_pointer (&piece->tags, weir_tags_unref);
  g_free (piece->origin);
  g_free (piece);
}

static guint32
find_stream (WeirHarness *harness, guint32 number)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (harness->streams, GUINT_TO_POINTER (number)));
}

static guint32
open_stream (WeirHarness *harness, guint32 number, const WeirTags *tags)
{
  guint32 stream = find_stream (harness, number);
  if (stream != 0) {
    return stream;
  }
  g_autofree char *path = g_strdup_printf ("stream %u", number);
  g_autoptr (WeirTags) own = tags == NULL ? weir_tags_with (NULL, "path", path) : NULL;
  stream = weir_stream_open (harness->feed, tags != NULL ? tags : own);
  g_hash_table_insert (harness->streams, GUINT_TO_POINTER (number), GUINT_TO_POINTER (stream));
  g_hash_table_insert (harness->numbers, GUINT_TO_POINTER (stream), GUINT_TO_POINTER (number));
  return stream;
}

static void
emit_piece (WeirHarness *harness, const Piece *piece)
{
  WeirRecord record = piece->record;
  WeirContext *own = piece->tags != NULL ? weir_context_new (weir_tags_ref (piece->tags)) : NULL;
  record.context = own;
  if (record.stream != 0) {
    gpointer context = NULL;
    record.stream = open_stream (harness, record.stream, NULL);
    if (own == NULL && weir_streams_find (harness->feed, record.stream, &context)) {
      record.context = context;
    }
  }
  weir_emit (harness->feed, &record);
  if (own != NULL) {
    weir_context_unref (own);
  }
}

static void
set_origin (WeirStage *feed, Piece *piece)
{
  if (piece->origin != NULL) {
    weir_origin_begin (feed, g_steal_pointer (&piece->origin));
  } else {
    weir_origin_end (feed);
  }
}

/* An origin ends with the last of its records, also where that fills the link. */
static WeirNext
emitted (WeirHarness *harness)
{
  for (Piece *piece; (piece = g_queue_peek_head (&harness->backlog)) != NULL && piece->what == ORIGIN;) {
    set_origin (harness->feed, piece);
    piece_free (g_queue_pop_head (&harness->backlog));
  }
  return WEIR_MORE;
}

static WeirNext
feed_produce (WeirStage *stage, gpointer self)
{
  WeirHarness *harness = ((Feed *) self)->harness;
  for (Piece *piece; (piece = g_queue_pop_head (&harness->backlog)) != NULL;) {
    gboolean emits = piece->what == RECORD;
    guint32 number = piece->record.stream;
    if (emits) {
      emit_piece (harness, piece);
    } else if (piece->what == OPEN_STREAM) {
      open_stream (harness, number, piece->tags);
    } else if (piece->what == ORIGIN) {
      set_origin (stage, piece);
    } else {
      weir_stream_close (stage, find_stream (harness, number));
      g_hash_table_remove (harness->streams, GUINT_TO_POINTER (number));
    }
    piece_free (piece);
    if (emits) {
      return emitted (harness);
    }
  }
  return harness->input_ended ? WEIR_DONE : WEIR_WAIT;
}

static void
feed_delivered (G_GNUC_UNUSED WeirStage *stage, gpointer self, gpointer token, WeirOutcome outcome)
{
  weir_harness_note_delivered (((Feed *) self)->harness, token, outcome);
  g_free (token);
}

void
weir_harness_make_feed (WeirHarness *harness)
{
  static const WeirRole role = {
    .state_size = sizeof (Feed), .flags = WEIR_BYTES, .produce = feed_produce, .delivered = feed_delivered
  };
  Feed *feed = g_new (Feed, 1);
  feed->harness = harness;
  harness->feed = weir_stage_new ("feed", WEIR_PRODUCER, "harness", &role, feed);
  weir_stage_set_worker (harness->feed, harness->worker);
  harness->input = weir_link_new ("input", &harness->input_settings);
  weir_stage_wire (harness->input, harness->feed, 0, harness->stage);
  weir_stage_add_input (harness->stage, harness->input);
}

void
weir_harness_drop_backlog (WeirHarness *harness)
{
  for (Piece *piece; (piece = g_queue_pop_head (&harness->backlog)) != NULL;) {
    piece_free (piece);
  }
}

guint32
weir_harness_number (WeirHarness *harness, guint32 stream)
{
  gpointer number;
  if (stream == 0 || g_hash_table_lookup_extended (harness->numbers, GUINT_TO_POINTER (stream), NULL, &number)) {
    return stream == 0 ? 0 : GPOINTER_TO_UINT (number);
  }
  g_hash_table_insert (harness->numbers, GUINT_TO_POINTER (stream), GUINT_TO_POINTER (++harness->greatest_number));
  return harness->greatest_number;
}

/* ---- what the test pushes ---- */

static void
push (WeirHarness *harness, Piece *piece)
{
  harness->greatest_number = MAX (harness->greatest_number, piece->record.stream);
  g_queue_push_tail (&harness->backlog, piece);
  if (harness->feed != NULL) {
    weir_stage_wake (harness->feed);
  }
}

void
weir_harness_push_record (WeirHarness *harness, const WeirRecord *record, const WeirTags *tags)
{
  g_return_if_fail (harness->kind != WEIR_PRODUCER && !harness->input_ended);
  g_return_if_fail (record->size <= harness->record_max); /* no stage could have emitted it */
  Piece *piece = g_new0 (Piece, 1);
  gsize size = record->size + record->trail;
  gpointer copy = g_malloc (MAX (size, 1));
  if (size > 0) {
    memcpy (copy, record->data, size);
  }
  piece->record = *record;
  piece->record.data = copy;
  piece->record.buffer = weir_buffer_wrap (copy, size, g_free, copy);
  piece->record.context = NULL;
  piece->record.flags &= WEIR_RECORD_CHUNK | WEIR_RECORD_GAP;
  piece->tags = tags != NULL ? weir_tags_ref ((WeirTags *) tags) : NULL;
  push (harness, piece);
}

void
weir_harness_push_item (WeirHarness *harness, const WeirHarnessItem *item)
{
  if (item->is_end) {
    weir_harness_end_stream (harness, item->record.stream);
    return;
  }
  Piece *piece = g_new0 (Piece, 1);
  const WeirContext *context = item->record.context;
  piece->record = item->record;
  piece->record.context = NULL;
  weir_buffer_ref (piece->record.buffer);
  piece->tags = context != NULL && context->tags != NULL ? weir_tags_ref (context->tags) : NULL;
  push (harness, piece);
}

void
weir_harness_push_text (WeirHarness *harness, const char *text)
{
  weir_harness_push_record (harness, &(WeirRecord){ .data = (const guint8 *) text, .size = strlen (text) }, NULL);
}

void
weir_harness_push_line (WeirHarness *harness, const char *text)
{
  g_autofree char *line = g_strconcat (text, "\n", NULL);
  WeirRecord record = { .data = (const guint8 *) line, .size = strlen (text), .trail = 1 };
  weir_harness_push_record (harness, &record, NULL);
}

void
weir_harness_push_chunk (WeirHarness *harness, guint32 stream, const char *text)
{
  g_return_if_fail (stream != 0);
  WeirRecord record = {
    .data = (const guint8 *) text, .size = strlen (text), .stream = stream, .flags = WEIR_RECORD_CHUNK
  };
  weir_harness_push_record (harness, &record, NULL);
}

void
weir_harness_open_stream (WeirHarness *harness, guint32 stream, const WeirTags *tags)
{
  g_return_if_fail (harness->kind != WEIR_PRODUCER && !harness->input_ended && stream != 0 && tags != NULL);
  Piece *piece = g_new0 (Piece, 1);
  piece->what = OPEN_STREAM;
  piece->record.stream = stream;
  piece->tags = weir_tags_ref ((WeirTags *) tags);
  push (harness, piece);
}

void
weir_harness_end_stream (WeirHarness *harness, guint32 stream)
{
  g_return_if_fail (harness->kind != WEIR_PRODUCER && !harness->input_ended && stream != 0);
  Piece *piece = g_new0 (Piece, 1);
  piece->what = END_STREAM;
  piece->record.stream = stream;
  push (harness, piece);
}

void
weir_harness_set_origin (WeirHarness *harness, const char *name)
{
  g_return_if_fail (harness->kind != WEIR_PRODUCER && !harness->input_ended);
  Piece *piece = g_new0 (Piece, 1);
  piece->what = ORIGIN;
  piece->origin = g_strdup (name);
  push (harness, piece);
}

void
weir_harness_end (WeirHarness *harness)
{
  g_return_if_fail (harness->kind != WEIR_PRODUCER);
  harness->input_ended = TRUE;
  if (harness->feed != NULL) {
    weir_stage_wake (harness->feed);
  }
}

gsize
weir_harness_backlog (WeirHarness *harness)
{
  return harness->backlog.length;
}

gboolean
weir_harness_feed_is_paused (WeirHarness *harness)
{
  return harness->feed != NULL && weir_stage_paused (harness->feed);
}
