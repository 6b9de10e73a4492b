/* SPDX-License-Identifier: Apache-2.0 */
/* front.c: the locked front of a drop_oldest link (see front.h), rule R11.
 * The producer's worker fills `pending` without the lock and moves it in under it; the taker's worker moves runs out. Every
 * record in here holds references of its own. */
#include "front.h"

#define RUN 64
#define RUN_BYTES 65536

struct _WeirFront {
  WeirLink *link;
  WeirMarks records, bytes;
  /* The producer's worker. */
  WeirRecord pending[RUN];
  guint pending_count;
  gboolean ended;
  /* Under the lock. */
  GMutex mutex;
  WeirRecord *slots; /* a ring of `capacity` entries, a power of two */
  gsize head, count, controls, capacity, queued_bytes;
  guint64 in, in_bytes, peak;
  GHashTable *gap_streams;
  /* The taker's worker. */
  WeirPacker packer;
};

/* Control entries are told from records by their missing buffer. */
static gboolean
is_control (const WeirRecord *record)
{
  return record->buffer == NULL;
}

WeirFront *
weir_front_new (WeirLink *link, WeirPool *takers_pool)
{
  WeirFront *front = g_new0 (WeirFront, 1);
  front->link = link;
  front->records = link->records;
  front->bytes = link->bytes;
  front->capacity = RUN;
  front->slots = g_new (WeirRecord, front->capacity);
  front->gap_streams = g_hash_table_new (NULL, NULL);
  front->packer.pool = takers_pool;
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

static WeirRecord *
slot (WeirFront *front, gsize index)
{
  return &front->slots[(front->head + index) & (front->capacity - 1)];
}

void
weir_front_free (WeirFront *front)
{
  for (gsize i = 0; i < front->count; i++) {
    drop_references (slot (front, i));
  }
  for (guint i = 0; i < front->pending_count; i++) {
    drop_references (&front->pending[i]);
  }
  weir_packer_clear (&front->packer);
  g_hash_table_unref (front->gap_streams);
  g_mutex_clear (&front->mutex);
  g_free (front->slots);
  g_free (front);
}

static void
append (WeirFront *front, const WeirRecord *record)
{
  if (front->count == front->capacity) {
    WeirRecord *larger = g_new (WeirRecord, front->capacity * 2);
    for (gsize i = 0; i < front->count; i++) {
      larger[i] = *slot (front, i);
    }
    g_free (front->slots);
    front->slots = larger;
    front->head = 0;
    front->capacity *= 2;
  }
  front->count++;
  *slot (front, front->count - 1) = *record;
  front->controls += is_control (record) ? 1 : 0;
  front->queued_bytes += record->size + record->trail;
}

static void
drop (WeirFront *front, const WeirRecord *record, WeirDropReason reason)
{
  weir_add_relaxed (&front->link->dropped_put[reason], 1);
  if (record->stream != 0) {
    g_hash_table_add (front->gap_streams, GUINT_TO_POINTER (record->stream));
  }
  drop_references (record);
}

/* The oldest record; the control entries before it keep their order. */
static void
drop_oldest (WeirFront *front)
{
  gsize at = 0;
  while (is_control (slot (front, at))) {
    at++;
  }
  front->queued_bytes -= slot (front, at)->size + slot (front, at)->trail;
  drop (front, slot (front, at), WEIR_DROP_FULL);
  for (; at > 0; at--) {
    *slot (front, at) = *slot (front, at - 1);
  }
  front->head++;
  front->count--;
}

static gboolean
at_high (WeirFront *front, guint64 held, guint64 held_bytes)
{
  return front->count + held >= front->records.high || front->queued_bytes + held_bytes >= front->bytes.high;
}

static void
move_in (WeirFront *front)
{
  WeirLink *link = front->link;
  g_mutex_lock (&front->mutex);
  for (guint i = 0; i < front->pending_count; i++) {
    const WeirRecord *record = &front->pending[i];
    if (!is_control (record)) {
      guint64 done = weir_load_acquire (&link->done), done_bytes = weir_load_relaxed (&link->done_bytes);
      guint64 held = weir_load_relaxed (&link->put) - done,
              held_bytes = weir_load_relaxed (&link->put_bytes) - done_bytes;
      front->in++;
      while (front->count > front->controls && at_high (front, held, held_bytes)) {
        drop_oldest (front);
      }
      if (at_high (front, held, held_bytes) && front->count + held > 0) {
        drop (front, record, WEIR_DROP_HELD);
        continue;
      }
      front->in_bytes += record->size + record->trail;
    }
    append (front, record);
    front->peak = MAX (front->peak, front->count);
  }
  /* R11: only where control entries alone reach high does this link pause its producer. */
  gboolean fill = front->controls >= front->records.high && weir_load_relaxed (&link->full) == 0;
  g_mutex_unlock (&front->mutex);
  front->pending_count = 0;
  if (fill) {
    weir_store_relaxed (&link->full, 1);
    weir_add_relaxed (&link->pauses, 1);
    weir_store_relaxed (&link->paused_since, (guint64) g_get_monotonic_time ());
    weir_fence (&link->full);
    weir_link_make_ready (link);
  }
}

void
weir_front_put (WeirFront *front, const WeirRecord *record)
{
  guint32 closed = weir_load_relaxed (&front->link->closed);
  if (closed != WEIR_LINK_OPEN || front->ended) {
    weir_add_relaxed (
      &front->link->dropped_put[closed == WEIR_LINK_FINISHED ? WEIR_DROP_TAKER_FINISHED : WEIR_DROP_REFUSED], 1);
    g_mutex_lock (&front->mutex);
    front->in++;
    g_mutex_unlock (&front->mutex);
    return;
  }
  weir_buffer_ref (record->buffer);
  if (record->context != NULL) {
    weir_context_ref (record->context);
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
  gboolean low = front->count <= front->records.low || weir_load_relaxed (&link->closed) != WEIR_LINK_OPEN;
  g_mutex_unlock (&front->mutex);
  if (low) {
    weir_store_relaxed (&link->full, 0);
    weir_add_relaxed (&link->resumes, 1);
    weir_add_relaxed (&link->paused_us, (guint64) g_get_monotonic_time () - weir_load_relaxed (&link->paused_since));
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
  while (front->count > 0 && count < RUN && bytes < RUN_BYTES) {
    WeirRecord *record = &run[count++];
    *record = *slot (front, 0);
    front->head++;
    front->count--;
    front->controls -= is_control (record) ? 1 : 0;
    front->queued_bytes -= record->size + record->trail;
    bytes += record->size + record->trail;
    if (record->stream != 0 && g_hash_table_remove (front->gap_streams, GUINT_TO_POINTER (record->stream)) &&
        !is_control (record)) {
      record->flags |= WEIR_RECORD_GAP;
    }
  }
  /* Put and published under the lock, so that no producer sees a level without them. */
  for (gsize i = 0; i < count; i++) {
    if (is_control (&run[i])) {
      weir_link_put_control (link, run[i].flags, run[i].stream);
    } else {
      weir_link_put (link, &run[i]);
    }
  }
  weir_link_publish (link);
  gboolean low = front->count <= front->records.low;
  g_mutex_unlock (&front->mutex);
  for (gsize i = 0; i < count; i++) {
    drop_references (&run[i]);
  }
  if (low && weir_load_relaxed (&link->full) != 0) {
    weir_task_make_ready (link->producer);
  }
}

void
weir_front_figures (WeirFront *front, WeirLinkFigures *figures)
{
  g_mutex_lock (&front->mutex);
  figures->in = front->in;
  figures->bytes_in = front->in_bytes;
  figures->queued += front->count - front->controls;
  figures->level_bytes += front->queued_bytes;
  figures->peak_records = MAX (figures->peak_records, front->peak);
  g_mutex_unlock (&front->mutex);
}
