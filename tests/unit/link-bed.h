/* SPDX-License-Identifier: Apache-2.0 */
/* link-bed.h: a link between two bare stages, for the tests of the lower core.
 * The stages are only their tasks, ready lists and counters; nothing runs them but the test, step by step on one thread or on
 * threads of its own. The bed owns all of it; weir_bed_free() checks that no block and no buffer of it is left. */
#pragma once

#include "front.h"
#include "stage.h"

#include <check.h>
#include <stdlib.h>

/* Queue settings: given in full, and with the usual low and hard. */
#define SETTINGS(...) (&(WeirQueueSettings){ __VA_ARGS__ })
#define LIMITS(...) SETTINGS (.low = 0.5, .hard = 2, __VA_ARGS__)

typedef struct {
  GMainContext *contexts[2];
  WeirRunQueue *queues; /* [0]: the producer's, [1]: the taker's */
  WeirPool *segments;   /* the link's */
  WeirPool *packed;     /* of the producing stage's packer */
  WeirPool *takers;     /* a drop_oldest link's */
  WeirStage *from, *to;
  WeirLink *link;
  WeirBuffer *buffer; /* behind the records of weir_bed_put() */
  guint wrapped;      /* buffers of weir_bed_wrap() that live */
  gint64 sequence;    /* of the next record put, in its time */
  gint64 expected;    /* of the next record taken */
  guint64 gaps;       /* records taken with GAP */
} WeirBed;

static inline void
weir_bed_gone (gpointer wrapped)
{
  --*(guint *) wrapped;
}

/* A counted buffer that says it holds down so many bytes. */
static inline WeirBuffer *
weir_bed_wrap (WeirBed *bed, gsize capacity)
{
  static guint8 bytes[4096];
  bed->wrapped++;
  return weir_buffer_wrap (bytes, capacity, weir_bed_gone, &bed->wrapped);
}

static inline WeirStage *
weir_bed_stage (WeirRunQueue *queue, WeirPool *pool)
{
  WeirStage *stage = g_aligned_alloc0 (1, sizeof (WeirStage), 64);
  stage->task.queue = queue;
  stage->packer.pool = pool;
  return stage;
}

static inline WeirBed *
weir_bed_new (const WeirQueueSettings *settings)
{
  WeirBed *bed = g_new0 (WeirBed, 1);
  bed->queues = g_aligned_alloc0 (2, sizeof (WeirRunQueue), 64);
  for (guint i = 0; i < 2; i++) {
    bed->contexts[i] = g_main_context_new ();
    weir_run_queue_init (&bed->queues[i], bed->contexts[i]);
  }
  bed->segments = weir_pool_new ();
  bed->packed = weir_pool_new ();
  bed->takers = weir_pool_new ();
  weir_pool_adopt (bed->segments);
  weir_pool_adopt (bed->packed);
  weir_pool_adopt (bed->takers);
  bed->from = weir_bed_stage (&bed->queues[0], bed->packed);
  bed->to = weir_bed_stage (&bed->queues[1], bed->takers);
  WeirLink *link = bed->link = weir_link_new ("from:to", settings);
  link->from = bed->from;
  link->to = bed->to;
  link->producer = &bed->from->task;
  link->taker = &bed->to->task;
  link->taker_links = &bed->to->ready_links;
  link->pool = bed->segments;
  link->packer = &bed->from->packer;
  if (settings->when_full == WEIR_WHEN_FULL_DROP_OLDEST) {
    weir_link_use_front (link, bed->takers);
  }
  bed->buffer = weir_bed_wrap (bed, 4096);
  return bed;
}

static inline void
weir_bed_free (WeirBed *bed)
{
  weir_link_free (bed->link);
  weir_packer_clear (&bed->from->packer);
  weir_buffer_unref (bed->buffer);
  ck_assert_uint_eq (weir_pool_in_use (bed->segments), 0);
  ck_assert_uint_eq (weir_pool_in_use (bed->packed), 0);
  ck_assert_uint_eq (weir_pool_in_use (bed->takers), 0);
  ck_assert_uint_eq (bed->wrapped, 0);
  weir_pool_unref (bed->segments);
  weir_pool_unref (bed->packed);
  weir_pool_unref (bed->takers);
  for (guint i = 0; i < 2; i++) {
    weir_run_queue_clear (&bed->queues[i]);
    g_main_context_unref (bed->contexts[i]);
  }
  g_aligned_free (bed->from);
  g_aligned_free (bed->to);
  g_aligned_free (bed->queues);
  g_free (bed);
}

/* ---- the producing end ---- */

/* Puts any record as a stage does: its sequence is set. */
static inline void
weir_bed_put_record (WeirBed *bed, WeirRecord record)
{
  record.time = bed->sequence++;
  if (bed->link->front != NULL) {
    weir_front_put (bed->link->front, &record);
  } else {
    weir_link_put (bed->link, &record);
  }
}

/* Puts records of `size` bytes of one buffer and stream. */
static inline void
weir_bed_put_sized (WeirBed *bed, gsize count, gsize size, guint32 stream)
{
  for (gsize i = 0; i < count; i++) {
    weir_bed_put_record (
      bed, (WeirRecord){ .data = bed->buffer->data, .size = size, .buffer = bed->buffer, .stream = stream });
  }
}

static inline void
weir_bed_put (WeirBed *bed, gsize count)
{
  weir_bed_put_sized (bed, count, 1, 0);
}

/* Puts one record that views `size` bytes of the buffer, whose reference is taken. */
static inline void
weir_bed_put_buffer (WeirBed *bed, WeirBuffer *buffer, gsize size)
{
  weir_bed_put_record (bed, (WeirRecord){ .data = buffer->data, .size = size, .buffer = buffer });
  weir_buffer_unref (buffer);
}

static inline void
weir_bed_publish (WeirBed *bed)
{
  if (bed->link->front != NULL) {
    weir_front_publish_and_wake (bed->link->front);
  } else {
    weir_link_publish_and_wake (bed->link);
  }
}

static inline gboolean
weir_bed_full (WeirBed *bed)
{
  return weir_load_relaxed (&bed->link->full) != 0;
}

/* ---- the taking end ---- */

/* Takes up to `most` records, checks their order, and hands each to `each`, if there is one; control entries are passed over
 * and counted. Nothing is done yet. */
static inline gsize
weir_bed_take_each (WeirBed *bed, gsize most, void (*each) (WeirBed *bed, const WeirRecord *record))
{
  gsize taken = 0;
  while (taken < most && weir_link_look (bed->link) != 0) {
    WeirRecord *records;
    gsize count = weir_link_peek (bed->link, &records, most - taken), bytes = 0;
    if (count == 0) {
      const WeirRecord *control = weir_link_peek_control (bed->link);
      ck_assert_ptr_nonnull (control);
      bed->link->over = bed->link->over || control->flags == WEIR_CONTROL_END;
      bed->link->controls_taken++;
      weir_link_take (bed->link, 1, 0);
      continue;
    }
    for (gsize i = 0; i < count; i++) {
      ck_assert_int_ge (records[i].time, bed->expected);
      bed->expected = records[i].time + 1;
      bed->gaps += (records[i].flags & WEIR_RECORD_GAP) != 0 ? 1 : 0;
      bytes += records[i].size + records[i].trail;
      if (each != NULL) {
        each (bed, &records[i]);
      }
    }
    weir_link_take (bed->link, count, bytes);
    taken += count;
  }
  return taken;
}

/* Takes and is done with up to `most` records. */
static inline gsize
weir_bed_take (WeirBed *bed, gsize most)
{
  gsize taken = weir_bed_take_each (bed, most, NULL);
  weir_link_done (bed->link);
  return taken;
}

/* ---- both ---- */

/* R12, and what figures say of queued against a walk of the slots. Answers the figures. */
static inline WeirLinkFigures
weir_bed_check_ledger (WeirBed *bed)
{
  WeirLinkFigures figures;
  weir_link_figures (bed->link, &figures);
  guint64 queued = weir_link_count_queued (bed->link);
  ck_assert_uint_eq (figures.queued, queued);
  ck_assert_uint_eq (figures.in, figures.out + figures.dropped + queued);
  return figures;
}

/* TRUE: a task of the queue ([0] producer, [1] taker) is ready; all of them are taken off. */
static inline gboolean
weir_bed_woken (WeirBed *bed, guint queue)
{
  gboolean woken = FALSE;
  while (weir_run_queue_pop (&bed->queues[queue]) != NULL) {
    woken = TRUE;
  }
  return woken;
}

/* What a test's main() does. */
static inline int
weir_run_suite (Suite *suite)
{
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
