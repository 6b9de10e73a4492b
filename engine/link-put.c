/* SPDX-License-Identifier: Apache-2.0 */
/* link-put.c: the producing end of a link: append, publish, drops of the newest.
 * Runs on the producer's worker alone. It owns put and the segments up to their publication; of the taker it reads done and
 * closed. When it is full, link-full.c says; references are counted in link-run.c. */
#include "link-put.h"
#include "origins.h"

void
weir_link_set_rare (WeirLink *link, gboolean rare)
{
  link->rare = rare;
  link->put_slots = rare || link->put_segment == NULL ? link->put_index : link->put_segment->slots;
}

void
weir_link_publish (WeirLink *link)
{
  if (link->put_private == weir_load_relaxed (&link->put)) {
    return;
  }
  weir_link_end_run (link);
  if (link->stamps != NULL) {
    gint64 stamp[] = { (gint64) link->put_private, weir_clock_now () };
    g_array_append_vals (link->stamps, stamp, 2);
  }
  weir_store_relaxed (&link->put_bytes, link->put_bytes_private);
  weir_store_relaxed (&link->put_pinned, link->put_pinned_private);
  weir_store_relaxed (&link->controls_put, link->controls_private);
  weir_store_release (&link->put, link->put_private);
}

void
weir_link_wake_taker (WeirLink *link)
{
  link->woken_at = link->put_private;
  link->woken_bytes = link->put_bytes_private;
  weir_link_make_ready (link);
}

void
weir_link_publish_and_wake (WeirLink *link)
{
  weir_link_publish (link);
  if (link->put_private != link->woken_at) {
    weir_link_wake_taker (link);
    weir_link_rearm (link);
  }
}

void
weir_link_put_slow (WeirLink *link)
{
  if (weir_load_relaxed (&link->full) == 0 && weir_link_at_high (link)) {
    weir_link_see_done (link);
    if (weir_link_at_high (link)) {
      link->dropping = link->limits->settings.when_full != WEIR_WHEN_FULL_PAUSE;
      if (!link->dropping || weir_link_controls_at_high (link)) {
        weir_link_set_full (link);
      } else {
        weir_link_publish (link);
        weir_link_wake_taker (link);
      }
      weir_link_set_rare (link, link->rare || link->dropping);
    }
  }
  guint64 unpublished = link->put_private - weir_load_relaxed (&link->put);
  guint64 published = weir_load_relaxed (&link->put) - link->done_seen;
  if ((unpublished >= WEIR_QUANTUM &&
       (link->limits->eighth == 0 || unpublished >= link->limits->eighth || published <= link->limits->eighth)) ||
      link->put_bytes_private - weir_load_relaxed (&link->put_bytes) >= WEIR_QUANTUM_BYTES) {
    weir_link_publish (link);
  }
  if (link->put_private - link->woken_at >= link->limits->quarter ||
      link->put_bytes_private - link->woken_bytes >= link->limits->quarter_bytes) {
    weir_link_publish (link);
    weir_link_wake_taker (link);
  }
  weir_link_rearm (link);
}

static void
next_segment (WeirLink *link)
{
  WeirSegment *last = link->put_segment;
  WeirBlockClass block_class = WEIR_BLOCK_SEGMENT_64;
  if (last != NULL) {
    guint64 most = MIN (link->limits->records.hard, 4096);
    block_class = last->slots == 64 && most > 64     ? WEIR_BLOCK_SEGMENT_256
                  : last->slots >= 256 && most > 256 ? WEIR_BLOCK_SEGMENT_1024
                                                     : (WeirBlockClass) last->block.block_class;
  }
  if (last != NULL) {
    weir_link_end_run (link);
  }
  WeirSegment *segment = weir_segment_new (link->pool, link, block_class);
  if (last != NULL) {
    last->next = segment;
  } else {
    link->fresh = segment;
    link->fresh_at = link->put_private;
  }
  link->put_segment = segment;
  link->put_records = weir_segment_records (segment);
  link->put_states = weir_segment_states (segment);
  link->put_index = 0;
  weir_link_set_rare (link, link->rare);
}

/* The producer was idle: the taker may have freed the segment. */
static void
reclaim_segment (WeirLink *link)
{
  link->handed_over = FALSE;
  if (weir_exchange (&link->handed_at, 0) == 0) {
    link->put_segment = NULL;
    link->put_index = 0;
  }
  weir_link_set_rare (link, link->rare);
}

void
weir_link_put_idle (WeirLink *link)
{
  if (link->put_segment == NULL || link->handed_over) {
    return;
  }
  weir_link_publish (link);
  if (link->copies != NULL) {
    weir_packer_clear (link->copies);
  }
  if (weir_load_acquire (&link->done) != link->put_private) {
    if (link->put_private == 0) {
      return; /* the cursor has wrapped to what says "not offered" */
    }
    atomic_store_explicit (&link->handed_at, link->put_private, memory_order_seq_cst);
    link->handed_over = TRUE;
    link->put_slots = link->put_index;
    weir_fence (&link->handed_at);
    if (weir_load_acquire (&link->done) != link->put_private || weir_exchange (&link->handed_at, 0) == 0) {
      return;
    }
    link->handed_over = FALSE;
  }
  weir_pool_give (&link->put_segment->block);
  link->put_segment = NULL;
  link->put_index = 0;
  link->put_slots = 0;
  weir_link_see_done (link);
  link->pinned_buffer = NULL;
}

static void
drop_put (WeirLink *link, const WeirRecord *record, WeirDropReason reason)
{
  weir_add_relaxed (&weir_link_tally (link)->dropped_put[reason], 1);
  weir_record_note (record, reason == WEIR_DROP_REFUSED ? WEIR_ABANDONED : WEIR_DROPPED);
  /* Behind the other reasons nothing follows that could tell of the gap. */
  if (reason == WEIR_DROP_FULL && record->stream != 0) {
    if (link->gap_streams == NULL) {
      link->gap_streams = g_hash_table_new (NULL, NULL);
    }
    g_hash_table_add (link->gap_streams, GUINT_TO_POINTER (record->stream));
  }
}

/* put_index has come to put_slots: a segment is full, or this put is no ordinary one. TRUE: the record is dealt with. */
gboolean
weir_link_put_rare (WeirLink *link, const WeirRecord *record)
{
  /* What comes out of a front is taken off it already: the ring behind it never drops. */
  guint32 closed = link->front == NULL ? weir_load_relaxed (&link->closed) : WEIR_LINK_OPEN;
  if (closed != WEIR_LINK_OPEN || link->ended) {
    drop_put (link, record, closed == WEIR_LINK_FINISHED ? WEIR_DROP_TAKER_FINISHED : WEIR_DROP_REFUSED);
    return TRUE;
  }
  if (link->handed_over) {
    reclaim_segment (link);
  }
  if (link->rare) {
    weir_link_see_done (link);
    if (link->dropping && weir_link_at_high (link)) {
      drop_put (link, record, WEIR_DROP_FULL);
      return TRUE;
    }
    link->dropping = FALSE;
    WeirRecord marked = *record;
    if (link->gap_streams != NULL && g_hash_table_remove (link->gap_streams, GUINT_TO_POINTER (record->stream))) {
      marked.flags |= WEIR_RECORD_GAP;
    }
    if (link->gap_streams != NULL && g_hash_table_size (link->gap_streams) == 0) {
      g_clear_pointer (&link->gap_streams, g_hash_table_unref);
    }
    weir_link_rearm (link);
    weir_link_set_rare (link, FALSE);
    if (link->put_index == link->put_slots) {
      next_segment (link);
    }
    weir_link_put (link, &marked);
    if (link->gap_streams != NULL) {
      weir_link_set_rare (link, TRUE);
    }
    return TRUE;
  }
  if (link->put_segment == NULL || link->put_index == link->put_segment->slots) {
    next_segment (link);
  }
  return FALSE;
}

/* From where put stands, as far as nothing but the records changes. */
static gsize
put_alike (WeirLink *link, WeirRecord *record, const guint32 *sizes, gsize count)
{
  gsize most = MIN (MIN (count, link->put_slots - link->put_index), (gsize) link->put_countdown);
  WeirRecord *to = link->put_records + link->put_index;
  gint64 room = link->put_room;
  const WeirRecord alike = *record;
  const guint8 *data = record->data;
  gsize put = 0;
  while (put < most && room > 0) {
    guint32 size = sizes[put++];
    /* Member by member: a copy of the whole would wait for what was just stored into a part of it. */
    to->data = data;
    to->size = size - alike.trail;
    to->buffer = alike.buffer;
    to->context = alike.context;
    to->time = alike.time;
    to->stream = alike.stream;
    to->trail = alike.trail;
    to->flags = alike.flags;
    to++;
    data += size;
    room -= size;
  }
  record->data = data;
  link->put_index += (guint32) put;
  link->put_private += put;
  link->put_bytes_private += (guint64) (link->put_room - room);
  link->put_room = room;
  link->put_countdown -= (gint64) put;
  if (link->put_countdown <= 0 || room <= 0) {
    weir_link_put_slow (link);
  }
  return put;
}

gsize
weir_link_put_many (WeirLink *link, WeirRecord *record, const guint32 *sizes, gsize count)
{
  gsize put = 0;
  while (put < count && weir_load_relaxed (&link->full) == 0) {
    /* One by itself takes care of what is rare: a segment, a buffer, a context, a closed end. */
    record->size = sizes[put] - record->trail;
    weir_link_put (link, record);
    record->data += sizes[put++];
    if (put < count && weir_load_relaxed (&link->full) == 0) {
      put += put_alike (link, record, &sizes[put], count - put);
    }
  }
  return put;
}

void
weir_link_put_control (WeirLink *link, WeirControl control, guint32 stream)
{
  if (link->ended) {
    return;
  }
  WeirRecord entry = { .data = (const guint8 *) "", .stream = stream, .flags = control };
  if (control == WEIR_CONTROL_END_STREAM && link->gap_streams != NULL) {
    g_hash_table_remove (link->gap_streams, GUINT_TO_POINTER (stream));
  }
  if (link->handed_over) {
    reclaim_segment (link);
  }
  if (link->put_segment == NULL || link->put_index == link->put_segment->slots) {
    next_segment (link);
  } else {
    weir_link_end_run (link);
  }
  link->put_records[link->put_index] = entry;
  weir_store_relaxed (&link->put_states[link->put_index], WEIR_SLOT_CONTROL);
  link->put_index++;
  link->put_private++;
  weir_link_set_rare (link, link->rare);
  link->controls_private++;
  weir_link_put_slow (link);
  if (control == WEIR_CONTROL_END) {
    link->ended = TRUE;
    weir_link_publish_and_wake (link);
    weir_link_set_rare (link, TRUE);
  }
}
