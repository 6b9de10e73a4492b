/* SPDX-License-Identifier: Apache-2.0 */
/* front.c: the locked front of a drop_oldest link (see front.h), rule R11.
 * The producer's worker fills `pending` without the lock and moves it in under it; the taker's worker moves runs out. Every
 * record in here holds references of its own. */
#include "front.h"

#include "front-slots.h"
#include "origins.h"

#define RUN 64
#define RUN_BYTES 65536

struct _WeirFront {
  WeirLink *link;
  WeirMarks records, bytes, pinned, age; /* the ring behind has none */
  /* The producer's worker. */
  WeirRecord pending[RUN];
  guint pending_count;
  gboolean ended;
  const WeirPacker *stage_packer; /* of the emitting stage */
  WeirPacker copies;              /* sparse runs are copied into its buffers */
  guint64 pinned_seen;
  /* Under the lock. */
  GMutex mutex;
  WeirFrontSlots slots;
  guint64 in, in_bytes, peak_records, peak_bytes, peak_pinned;
  GHashTable *gap_streams;
  /* The taker's worker. */
  WeirPacker packer; /* its packing buffer is always none: the ring behind has a packer that is not the producer's */
};

/* What the taker has: it is never dropped. */
typedef struct {
  guint64 records, bytes, pinned;
} Held;

WeirFront *
weir_front_new (WeirLink *link, WeirPool *takers_pool)
{
  WeirFront *front = g_new0 (WeirFront, 1);
  front->link = link;
  front->records = link->limits->records;
  front->bytes = link->limits->bytes;
  front->pinned = link->limits->pinned;
  front->age = link->limits->age;
  weir_front_slots_init (&front->slots, RUN);
  front->gap_streams = g_hash_table_new (NULL, NULL);
  front->stage_packer = link->packer;
  front->copies.pool = link->packer->pool;
  front->packer.pool = takers_pool;
  link->packer = &front->packer;
  link->pool = takers_pool;
  g_mutex_init (&front->mutex);
  return front;
}

static void
drop_references (const WeirRecord *record)
{
  if (record->buffer != NULL) {
    weir_buffer_unref (record->buffer);
  }
  if (record->context != NULL) {
    weir_context_unref (record->context);
  }
}

void
weir_front_free (WeirFront *front)
{
  while (front->slots.count > 0) {
    WeirRecord record = weir_front_slots_take_first (&front->slots);
    drop_references (&record);
  }
  for (guint i = 0; i < front->pending_count; i++) {
    drop_references (&front->pending[i]);
  }
  weir_packer_clear (&front->packer);
  weir_packer_clear (&front->copies);
  g_hash_table_unref (front->gap_streams);
  g_mutex_clear (&front->mutex);
  weir_front_slots_clear (&front->slots);
  g_free (front);
}

void
weir_link_use_front (WeirLink *link, WeirPool *takers_pool)
{
  link->front = weir_front_new (link, takers_pool);
  /* The ring behind the front only holds what the taker has: the front keeps the limits. */
  weir_link_lift_limits (link, G_MAXUINT64);
}

static void
drop (WeirFront *front, const WeirRecord *record, WeirDropReason reason)
{
  weir_add_relaxed (&weir_link_tally (front->link)->dropped_put[reason], 1);
  weir_record_note (record, WEIR_DROPPED);
  if (record->stream != 0) {
    g_hash_table_add (front->gap_streams, GUINT_TO_POINTER (record->stream));
  }
  drop_references (record);
}

/* Under the lock put stands still; done only comes nearer to it. */
static Held
held (WeirLink *link)
{
  guint64 done = weir_load_acquire (&link->done);
  guint64 done_bytes = weir_load_relaxed (&link->done_bytes), done_pinned = weir_load_relaxed (&link->done_pinned);
  guint64 put = weir_load_relaxed (&link->put);
  return (Held){ put - done, weir_load_relaxed (&link->put_bytes) - done_bytes,
                 put == done ? 0 : weir_load_relaxed (&link->put_pinned) - done_pinned };
}

static gboolean
at_high (WeirFront *front, const Held *taken)
{
  const WeirFrontSlots *slots = &front->slots;
  return slots->count + taken->records >= front->records.high || slots->bytes + taken->bytes >= front->bytes.high ||
         slots->pinned + taken->pinned >= front->pinned.high;
}

static void
drop_oldest (WeirFront *front, WeirDropReason reason)
{
  WeirRecord record = weir_front_slots_take_oldest (&front->slots);
  drop (front, &record, reason);
}

/* Drops what is too old. Answers what the time is, 0 where there is no age limit. */
static gint64
expire (WeirFront *front)
{
  if (front->age.high == G_MAXUINT64) {
    return 0;
  }
  gint64 now = weir_clock_now ();
  for (gint64 stamp;
       (stamp = weir_front_slots_oldest_stamp (&front->slots)) != 0 && (guint64) (now - stamp) >= front->age.high;) {
    drop_oldest (front, WEIR_DROP_EXPIRED);
  }
  return now;
}

void
weir_front_expire (WeirFront *front)
{
  if (front->age.high != G_MAXUINT64) {
    g_mutex_lock (&front->mutex);
    expire (front);
    g_mutex_unlock (&front->mutex);
  }
}

gint64
weir_front_age_deadline (WeirFront *front)
{
  if (front->age.high == G_MAXUINT64) {
    return 0;
  }
  g_mutex_lock (&front->mutex);
  gint64 stamp = weir_front_slots_oldest_stamp (&front->slots);
  g_mutex_unlock (&front->mutex);
  return stamp != 0 ? stamp + (gint64) front->age.high : 0;
}

static void
move_record_in (WeirFront *front, const WeirRecord *record, gint64 now)
{
  Held taken = held (front->link);
  front->in++;
  while (front->slots.count > front->slots.controls && at_high (front, &taken)) {
    drop_oldest (front, WEIR_DROP_FULL);
  }
  if (at_high (front, &taken) && front->slots.count + taken.records > 0) {
    drop (front, record, WEIR_DROP_HELD);
    return;
  }
  front->in_bytes += record->size + record->trail;
  weir_front_slots_append (&front->slots, record, now);
  front->peak_records = MAX (front->peak_records, front->slots.count + taken.records);
  front->peak_bytes = MAX (front->peak_bytes, front->slots.bytes + taken.bytes);
  front->peak_pinned = MAX (front->peak_pinned, front->slots.pinned + taken.pinned);
}

/* As copy_out_sparse_run() in link-run.c does: see there. TRUE: the run pins its buffer no more. */
static gboolean
copy_out_sparse (WeirFront *front, WeirRecord *records, gsize count)
{
  WeirBuffer *sparse = records[0].buffer;
  gsize bytes = 0;
  for (gsize i = 0; i < count; i++) {
    bytes += records[i].size + records[i].trail;
  }
  if (bytes >= sparse->capacity / 8 || sparse == front->stage_packer->buffer) {
    return FALSE;
  }
  for (gsize i = 0; i < count; i++) {
    weir_packer_copy (&front->copies, &records[i]);
    weir_buffer_ref (front->copies.buffer);
  }
  weir_buffer_unref_many (sparse, (gint64) count);
  return TRUE;
}

static void
copy_out_sparse_runs (WeirFront *front)
{
  guint64 pinned = front->pinned_seen;
  for (guint start = 0, end; start < front->pending_count; start = end) {
    WeirBuffer *buffer = front->pending[start].buffer;
    for (end = start + 1; end < front->pending_count && front->pending[end].buffer == buffer; end++) {}
    guint64 more = buffer != NULL ? buffer->capacity : 0;
    if (pinned + more <= front->bytes.high || more == 0 ||
        !copy_out_sparse (front, &front->pending[start], end - start)) {
      pinned += more;
    }
  }
}

static void
move_in (WeirFront *front)
{
  WeirLink *link = front->link;
  copy_out_sparse_runs (front);
  g_mutex_lock (&front->mutex);
  gint64 now = expire (front);
  for (guint i = 0; i < front->pending_count; i++) {
    const WeirRecord *record = &front->pending[i];
    if (weir_front_is_control (record)) {
      weir_front_slots_append (&front->slots, record, now);
    } else {
      move_record_in (front, record, now);
    }
  }
  front->pinned_seen = front->slots.pinned + held (link).pinned;
  /* R11: only where control entries alone reach high does this link pause its producer. */
  gboolean fill = front->slots.controls >= front->records.high && weir_load_relaxed (&link->full) == 0;
  g_mutex_unlock (&front->mutex);
  front->pending_count = 0;
  if (fill) {
    weir_store_relaxed (&link->full, 1);
    weir_link_tell_pause (link);
    weir_fence (&link->full);
    weir_link_make_ready (link);
  }
}

void
weir_front_put (WeirFront *front, const WeirRecord *record)
{
  guint32 closed = weir_load_relaxed (&front->link->closed);
  if (closed != WEIR_LINK_OPEN || front->ended) {
    g_mutex_lock (&front->mutex);
    front->in++;
    weir_add_relaxed (&weir_link_tally (front->link)
                         ->dropped_put[closed == WEIR_LINK_FINISHED ? WEIR_DROP_TAKER_FINISHED : WEIR_DROP_REFUSED],
                      1);
    g_mutex_unlock (&front->mutex);
    weir_record_note (record, closed == WEIR_LINK_FINISHED ? WEIR_DROPPED : WEIR_ABANDONED);
    return;
  }
  weir_buffer_ref (record->buffer);
  if (record->context != NULL) {
    weir_context_ref (record->context);
    if (record->context->origin != NULL) {
      weir_store_relaxed (&front->link->carries, 1);
    }
  }
  front->pending[front->pending_count++] = *record;
  if (front->pending_count == RUN) {
    weir_front_publish_and_wake (front);
  }
}

void
weir_front_put_control (WeirFront *front, WeirControl control, guint32 stream)
{
  if (front->ended) {
    return;
  }
  front->pending[front->pending_count++] = (WeirRecord){ .data = (const guint8 *) "",
                                                         .stream = stream,
                                                         .flags = control };
  front->ended = control == WEIR_CONTROL_END;
  weir_front_publish_and_wake (front);
}

void
weir_front_publish_and_wake (WeirFront *front)
{
  if (front->pending_count > 0) {
    move_in (front);
    weir_link_make_ready (front->link);
  }
}

gboolean
weir_front_recheck (WeirFront *front)
{
  WeirLink *link = front->link;
  if (weir_load_relaxed (&link->full) == 0) {
    return FALSE;
  }
  g_mutex_lock (&front->mutex);
  gboolean low = front->slots.count <= front->records.low || weir_load_relaxed (&link->closed) != WEIR_LINK_OPEN;
  g_mutex_unlock (&front->mutex);
  if (low) {
    weir_store_relaxed (&link->full, 0);
    weir_link_tell_resume (link);
  }
  return low;
}

void
weir_front_move (WeirFront *front)
{
  WeirLink *link = front->link;
  WeirRecord run[RUN];
  gsize count = 0, bytes = 0;
  g_mutex_lock (&front->mutex);
  expire (front);
  weir_front_slots_shrink (&front->slots, RUN); /* idle */
  while (front->slots.count > 0 && count < RUN && bytes < RUN_BYTES) {
    WeirRecord *record = &run[count++];
    *record = weir_front_slots_take_first (&front->slots);
    bytes += record->size + record->trail;
    if (record->stream != 0 && g_hash_table_remove (front->gap_streams, GUINT_TO_POINTER (record->stream)) &&
        !weir_front_is_control (record)) {
      record->flags |= WEIR_RECORD_GAP;
    }
  }
  /* Put and published under the lock, so that no producer sees a level without them. */
  for (gsize i = 0; i < count; i++) {
    if (weir_front_is_control (&run[i])) {
      weir_link_put_control (link, run[i].flags, run[i].stream);
    } else {
      weir_link_put (link, &run[i]);
    }
  }
  weir_link_publish (link);
  gboolean low = front->slots.count <= front->records.low;
  g_mutex_unlock (&front->mutex);
  for (gsize i = 0; i < count; i++) {
    drop_references (&run[i]);
  }
  if (low && weir_load_relaxed (&link->full) != 0) {
    weir_task_make_ready (link->producer);
  }
}

void
weir_front_each_queued (WeirFront *front, WeirLinkEach each, gpointer data)
{
  g_mutex_lock (&front->mutex);
  weir_front_slots_each (&front->slots, each, data);
  g_mutex_unlock (&front->mutex);
}

void
weir_front_figures (WeirFront *front, WeirLinkFigures *figures)
{
  g_mutex_lock (&front->mutex);
  figures->in = front->in;
  figures->bytes_in = front->in_bytes;
  figures->queued += front->slots.count - front->slots.controls;
  figures->level_bytes += front->slots.bytes;
  figures->peak_records = MAX (figures->peak_records, front->peak_records);
  figures->peak_bytes = MAX (figures->peak_bytes, front->peak_bytes);
  figures->peak_pinned = MAX (figures->peak_pinned, front->peak_pinned);
  g_mutex_unlock (&front->mutex);
}
