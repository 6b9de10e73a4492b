/* SPDX-License-Identifier: Apache-2.0 */
/* link-put.c: the producing end of a link: append, publish, pause reason, drops of the newest.
 * Runs on the producer's worker alone. It owns put, the segments up to their publication and the link's pause reason
 * `full`; of the taker it reads done and closed. The fence between full and done is R3's (tests/model). */
#include "link.h"

/* Publishing is a store every so many records or bytes. */
#define QUANTUM 64
#define QUANTUM_BYTES 65536

static void
see_done (WeirLink *link)
{
  link->done_seen = weir_load_acquire (&link->done);
  link->done_bytes_seen = weir_load_relaxed (&link->done_bytes);
  link->done_pinned_seen = weir_load_relaxed (&link->done_pinned);
}

static guint64
level_pinned (WeirLink *link)
{
  /* The taker counts a buffer off when it meets the next one; an empty link pins nothing. */
  return link->put_private == link->done_seen ? 0 : link->put_pinned_private - link->done_pinned_seen;
}

static gint64
oldest_stamp (WeirLink *link)
{
  /* Pairs of (cursor behind the publication, time of it). */
  guint gone = 0;
  while (gone + 1 < link->stamps->len &&
         (gint64) ((guint64) g_array_index (link->stamps, gint64, gone) - link->done_seen) <= 0) {
    gone += 2;
  }
  if (gone > 0) {
    g_array_remove_range (link->stamps, 0, gone);
  }
  return link->stamps->len > 0 ? g_array_index (link->stamps, gint64, 1) : 0;
}

static gboolean
too_old (WeirLink *link, guint64 age)
{
  gint64 stamp = link->stamps != NULL ? oldest_stamp (link) : 0;
  return stamp != 0 && (guint64) (g_get_monotonic_time () - stamp) >= age;
}

static gboolean
reached (WeirLink *link, gsize offset)
{
#define MARK(marks) G_STRUCT_MEMBER (guint64, &(marks), offset)
  return link->put_private - link->done_seen >= MARK (link->limits->records) ||
         link->put_bytes_private - link->done_bytes_seen >= MARK (link->limits->bytes) ||
         level_pinned (link) >= MARK (link->limits->pinned) || too_old (link, MARK (link->limits->age));
#undef MARK
}

gboolean
weir_link_at_low (WeirLink *link)
{
  see_done (link);
  return link->put_private - link->done_seen <= link->limits->records.low &&
         link->put_bytes_private - link->done_bytes_seen <= link->limits->bytes.low &&
         level_pinned (link) <= link->limits->pinned.low && !too_old (link, link->limits->age.low);
}

gboolean
weir_link_below_hard (WeirLink *link)
{
  if (link->limits->settings.when_full != WEIR_WHEN_FULL_PAUSE || !reached (link, G_STRUCT_OFFSET (WeirMarks, hard))) {
    return TRUE;
  }
  see_done (link);
  return !reached (link, G_STRUCT_OFFSET (WeirMarks, hard));
}

guint64
weir_link_room (WeirLink *link)
{
  if (weir_load_relaxed (&link->full) != 0) {
    return 0;
  }
  if (link->limits->settings.when_full != WEIR_WHEN_FULL_PAUSE) {
    return link->limits->records.high;
  }
  guint64 level = link->put_private - link->done_seen;
  return level < link->limits->records.high ? link->limits->records.high - level : 0;
}

/* How far the next slow path is. */
static void
rearm (WeirLink *link)
{
  guint64 level = link->put_private - link->done_seen;
  guint64 unpublished = link->put_private - weir_load_relaxed (&link->put);
  guint64 quantum = link->limits->eighth > 0 && level - unpublished > link->limits->eighth ? link->limits->eighth : QUANTUM;
  guint64 countdown = unpublished < quantum ? quantum - unpublished : 1;
  guint64 unpublished_bytes = link->put_bytes_private - weir_load_relaxed (&link->put_bytes);
  guint64 unwoken_bytes = link->put_bytes_private - link->woken_bytes;
  guint64 room = unpublished_bytes < QUANTUM_BYTES ? QUANTUM_BYTES - unpublished_bytes : 1;
  room = MIN (room, unwoken_bytes < link->limits->quarter_bytes ? link->limits->quarter_bytes - unwoken_bytes : 1);
  if (weir_load_relaxed (&link->full) == 0) {
    guint64 bytes = link->put_bytes_private - link->done_bytes_seen;
    countdown = MIN (countdown, level < link->limits->records.high ? link->limits->records.high - level : 1);
    room = MIN (room, bytes < link->limits->bytes.high ? link->limits->bytes.high - bytes : 1);
  }
  link->put_room = (gint64) room;
  link->put_countdown = (gint64) countdown;
}

static void
set_rare (WeirLink *link, gboolean rare)
{
  link->rare = rare;
  link->put_slots = rare || link->put_segment == NULL ? link->put_index : link->put_segment->slots;
}

static void
take_reference (WeirPacker *packer, WeirBuffer *buffer)
{
  if (buffer == packer->buffer && packer->credit > 1) {
    packer->credit--;
  } else {
    weir_buffer_ref_many (buffer, 1);
  }
}

static void
add_state (WeirLink *link, guint32 index, guint8 bits)
{
  weir_store_relaxed (&link->put_states[index], weir_load_relaxed (&link->put_states[index]) | bits);
}

static void
pin (WeirLink *link, WeirBuffer *buffer, guint32 index)
{
  if (buffer != link->pinned_buffer) {
    add_state (link, index, WEIR_SLOT_NEW_BUFFER);
    link->pinned_buffer = buffer;
    link->put_pinned_private += buffer->capacity;
  }
}

/* Ten bytes kept out of each 64 KiB must not pin gigabytes: while more is pinned than `bytes`, a run that views under an
 * eighth of its buffer moves into a buffer of the link's own. Dense runs never move. The stage's packing buffer is not used for
 * that: it may hold the very record that is being put, or a place that the stage has reserved. */
static void
copy_out_sparse_run (WeirLink *link)
{
  WeirBuffer *sparse = link->run_buffer;
  gsize bytes = link->put_bytes_private - link->run_bytes;
  if (link->put_pinned_private - link->done_pinned_seen <= link->limits->bytes.high || bytes >= sparse->capacity / 8 ||
      sparse == link->packer->buffer) {
    return;
  }
  link->copies.pool = link->packer->pool;
  weir_packer_reserve (&link->copies, bytes); /* all in one buffer, as it stays one run */
  for (guint32 i = link->run_start; i < link->put_index; i++) {
    weir_packer_copy (&link->copies, &link->put_records[i]);
  }
  if (link->pinned_buffer == sparse && link->pinned_before != sparse) {
    _Atomic guint8 *state = &link->put_states[link->run_start];
    weir_store_relaxed (state, weir_load_relaxed (state) & ~WEIR_SLOT_NEW_BUFFER);
    link->put_pinned_private -= sparse->capacity;
    link->pinned_buffer = link->pinned_before;
  }
  pin (link, link->copies.buffer, link->run_start);
  take_reference (&link->copies, link->copies.buffer);
  weir_buffer_unref (sparse);
}

static void
end_buffer_run (WeirLink *link)
{
  copy_out_sparse_run (link);
  add_state (link, link->put_index - 1, WEIR_SLOT_LAST_BUFFER);
  link->run_buffer = NULL;
}

static void
end_context_run (WeirLink *link)
{
  add_state (link, link->put_index - 1, WEIR_SLOT_LAST_CONTEXT);
  link->run_context = NULL;
}

static void
end_run (WeirLink *link)
{
  if (link->run_buffer != NULL) {
    end_buffer_run (link);
  }
  if (link->run_context != NULL) {
    end_context_run (link);
  }
}

void
weir_link_publish (WeirLink *link)
{
  if (link->put_private == weir_load_relaxed (&link->put)) {
    return;
  }
  end_run (link);
  if (link->stamps != NULL) {
    gint64 stamp[] = { (gint64) link->put_private, g_get_monotonic_time () };
    g_array_append_vals (link->stamps, stamp, 2);
  }
  weir_store_relaxed (&link->put_bytes, link->put_bytes_private);
  weir_store_relaxed (&link->put_pinned, link->put_pinned_private);
  weir_store_relaxed (&link->controls_put, link->controls_private);
  weir_store_release (&link->put, link->put_private);
}

static void
wake_taker (WeirLink *link)
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
    wake_taker (link);
    rearm (link);
  }
}

/* R3, the producer's half: state first, then everything published, the fence, the taker, and a second look. */
static void
set_full (WeirLink *link)
{
  weir_store_relaxed (&link->full, 1);
  weir_link_publish (link);
  weir_fence (&link->full);
  wake_taker (link);
  gboolean closed = weir_load_relaxed (&link->closed) != WEIR_LINK_OPEN;
  if (closed) {
    /* It pauses nobody any more, so it takes nothing any more. */
    set_rare (link, TRUE);
  }
  if (closed || weir_link_at_low (link)) {
    weir_store_relaxed (&link->full, 0);
    return;
  }
  weir_add_relaxed (&link->pauses, 1);
  weir_store_relaxed (&link->paused_since, (guint64) g_get_monotonic_time ());
}

gboolean
weir_link_recheck (WeirLink *link)
{
  if (weir_load_relaxed (&link->full) == 0 ||
      (weir_load_acquire (&link->closed) == WEIR_LINK_OPEN && !weir_link_at_low (link))) {
    return FALSE;
  }
  weir_store_relaxed (&link->full, 0);
  weir_add_relaxed (&link->resumes, 1);
  weir_add_relaxed (&link->paused_us, (guint64) g_get_monotonic_time () - weir_load_relaxed (&link->paused_since));
  weir_store_relaxed (&link->paused_since, 0);
  rearm (link);
  return TRUE;
}

/* R11: only where control entries alone reach high does a lossy link pause its producer. */
static gboolean
controls_at_high (WeirLink *link)
{
  return link->controls_private - weir_load_relaxed (&link->controls_done) >= link->limits->records.high;
}

void
weir_link_put_slow (WeirLink *link)
{
  if (weir_load_relaxed (&link->full) == 0 && reached (link, G_STRUCT_OFFSET (WeirMarks, high))) {
    see_done (link);
    if (reached (link, G_STRUCT_OFFSET (WeirMarks, high))) {
      link->dropping = link->limits->settings.when_full != WEIR_WHEN_FULL_PAUSE;
      if (!link->dropping || controls_at_high (link)) {
        set_full (link);
      } else {
        weir_link_publish (link);
        wake_taker (link);
      }
      set_rare (link, link->rare || link->dropping);
    }
  }
  guint64 unpublished = link->put_private - weir_load_relaxed (&link->put);
  guint64 published = weir_load_relaxed (&link->put) - link->done_seen;
  if ((unpublished >= QUANTUM && (link->limits->eighth == 0 || unpublished >= link->limits->eighth || published <= link->limits->eighth)) ||
      link->put_bytes_private - weir_load_relaxed (&link->put_bytes) >= QUANTUM_BYTES) {
    weir_link_publish (link);
  }
  if (link->put_private - link->woken_at >= link->limits->quarter ||
      link->put_bytes_private - link->woken_bytes >= link->limits->quarter_bytes) {
    weir_link_publish (link);
    wake_taker (link);
  }
  rearm (link);
}

gint64
weir_link_age_deadline (WeirLink *link)
{
  see_done (link);
  gint64 stamp = link->stamps != NULL ? oldest_stamp (link) : 0;
  return stamp != 0 ? stamp + (gint64) link->limits->age.high : 0;
}

void
weir_link_age_full (WeirLink *link)
{
  see_done (link);
  if (weir_load_relaxed (&link->full) == 0 && link->limits->settings.when_full == WEIR_WHEN_FULL_PAUSE &&
      too_old (link, link->limits->age.high)) {
    set_full (link);
    rearm (link);
  }
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
    end_run (link);
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
  set_rare (link, link->rare);
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
  set_rare (link, link->rare);
}

void
weir_link_put_idle (WeirLink *link)
{
  if (link->put_segment == NULL || link->handed_over) {
    return;
  }
  weir_link_publish (link);
  weir_packer_clear (&link->copies);
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
  see_done (link);
  link->pinned_buffer = NULL;
}

static void
drop_put (WeirLink *link, const WeirRecord *record, WeirDropReason reason)
{
  weir_add_relaxed (&link->dropped_put[reason], 1);
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
    see_done (link);
    if (link->dropping && reached (link, G_STRUCT_OFFSET (WeirMarks, high))) {
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
    rearm (link);
    set_rare (link, FALSE);
    if (link->put_index == link->put_slots) {
      next_segment (link);
    }
    weir_link_put (link, &marked);
    if (link->gap_streams != NULL) {
      set_rare (link, TRUE);
    }
    return TRUE;
  }
  if (link->put_segment == NULL || link->put_index == link->put_segment->slots) {
    next_segment (link);
  }
  return FALSE;
}

void
weir_link_run_buffer (WeirLink *link, WeirBuffer *buffer)
{
  if (link->run_buffer != NULL) {
    end_buffer_run (link);
  }
  link->run_buffer = buffer;
  link->run_start = link->put_index;
  link->run_bytes = link->put_bytes_private;
  link->pinned_before = link->pinned_buffer;
  take_reference (link->packer, buffer);
  pin (link, buffer, link->put_index);
  if (level_pinned (link) >= link->limits->pinned.high) {
    link->put_countdown = 1;
  }
}

void
weir_link_run_context (WeirLink *link, WeirContext *context)
{
  if (link->run_context != NULL) {
    end_context_run (link);
  }
  link->run_context = context;
  if (context != NULL) {
    weir_context_ref (context);
  }
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
    end_run (link);
  }
  link->put_records[link->put_index] = entry;
  weir_store_relaxed (&link->put_states[link->put_index], WEIR_SLOT_CONTROL);
  link->put_index++;
  link->put_private++;
  set_rare (link, link->rare);
  link->controls_private++;
  weir_link_put_slow (link);
  if (control == WEIR_CONTROL_END) {
    link->ended = TRUE;
    weir_link_publish_and_wake (link);
    set_rare (link, TRUE);
  }
}
