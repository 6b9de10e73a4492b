/* SPDX-License-Identifier: Apache-2.0 */
/* A link between two threads, and a third that releases: pause and resume over and over, until the last record has come.
 * The producer and the taker are tasks on run queues of their own, as stages are on workers; they do what turn.c, outputs.c and
 * intake.c do. A lost wake-up shows as a timeout, a lost record in its sequence, a lost reference in the pools. WEIR_TEST_LONG
 * makes the runs longer; `make check-tsan` runs them under ThreadSanitizer. */
#include "link-bed.h"

#include <pthread.h>
#include <string.h>

/* Kept records on their way to the releaser. */
#define RING 256
typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  WeirRecord *records[RING];
  guint count;
  gboolean over;
} Ring;

typedef struct {
  WeirBed *bed;
  guint64 total;     /* records to put */
  gboolean rude;     /* the producer goes on when paused, up to the hard limit */
  gboolean contexts; /* every other run of 5 has one */
  guint keep_every;  /* 0: nothing is kept */
  guint taker_rests; /* times the taker yields behind each run */
  Ring ring;
  guint64 pauses, resumes; /* as the producer saw them */
  guint64 taken;
  _Atomic guint64 alive; /* wrapped buffers */
} Stress;

static guint64
rounds (guint64 usual)
{
  return g_getenv ("WEIR_TEST_LONG") != NULL ? usual * 25 : usual;
}

/* ---- the producer ---- */

static void
gone (gpointer alive)
{
  atomic_fetch_sub ((_Atomic guint64 *) alive, 1);
}

static void
put (WeirLink *link, const WeirRecord *record)
{
  if (link->front != NULL) {
    weir_front_put (link->front, record);
  } else {
    weir_link_put (link, record);
  }
}

static void
emit (Stress *stress, WeirContext *context)
{
  static guint8 outside = 1;
  WeirBed *bed = stress->bed;
  WeirPacker *packer = &bed->from->packer;
  guint64 n = (guint64) bed->sequence++;
  WeirRecord record = { .time = (gint64) n, .stream = 1 + n % 3 };
  if (stress->contexts && n / 5 % 2 == 0) {
    record.context = context;
  }
  if (n % 11 == 10) {
    atomic_fetch_add (&stress->alive, 1);
    record.buffer = weir_buffer_wrap (&outside, 50, gone, &stress->alive);
    record.data = &outside;
    record.size = 50;
    put (bed->link, &record);
    weir_buffer_unref (record.buffer);
    return;
  }
  record.size = n % 90;
  guint8 *to = weir_packer_reserve (packer, record.size);
  if (record.size > 0) {
    to[0] = to[record.size - 1] = (guint8) n;
  }
  weir_packer_commit (packer, record.size);
  record.data = to;
  record.buffer = packer->buffer;
  put (bed->link, &record);
}

static gboolean
at_low (gpointer link)
{
  return weir_link_at_low (link);
}

static gboolean
recheck (WeirLink *link)
{
  return link->front != NULL ? weir_front_recheck (link->front) : weir_link_recheck (link);
}

/* One turn; TRUE: there is more to do right away. */
static gboolean
producer_turn (Stress *stress, WeirContext *context)
{
  WeirBed *bed = stress->bed;
  WeirLink *link = bed->link;
  if (recheck (link)) {
    stress->resumes++;
  }
  for (guint i = 0; i < 1024 && (guint64) bed->sequence < stress->total; i++) {
    gboolean paused = weir_bed_full (bed);
    if (paused && !stress->rude) {
      return FALSE;
    }
    if (paused && !weir_link_below_hard (link)) {
      weir_bed_publish (bed);
      weir_run_queue_hold (&bed->queues[0], &bed->from->task, at_low, link);
    }
    emit (stress, context);
    if (bed->sequence % 1000 == 0 && link->front == NULL) {
      weir_link_put_control (link, WEIR_CONTROL_END_STREAM, 4);
    }
    stress->pauses += !paused && weir_bed_full (bed) ? 1 : 0;
  }
  return (guint64) bed->sequence < stress->total;
}

static gpointer
produce (gpointer data)
{
  Stress *stress = data;
  WeirBed *bed = stress->bed;
  WeirRunQueue *queue = &bed->queues[0];
  g_autoptr (WeirTags) tags = weir_tags_with (NULL, "key", "value");
  WeirContext *context = weir_context_new (weir_tags_ref (tags));
  weir_pool_adopt (bed->segments);
  weir_pool_adopt (bed->packed);
  while ((guint64) bed->sequence < stress->total) {
    if (weir_run_queue_pop (queue) == NULL) {
      if (!weir_run_queue_linger (queue)) {
        weir_run_queue_sleep (queue);
      }
      continue;
    }
    gboolean more = producer_turn (stress, context);
    weir_bed_publish (bed);
    if (more) {
      weir_task_make_ready (&bed->from->task);
    } else if (bed->link->front == NULL) {
      weir_link_put_idle (bed->link);
      weir_packer_clear (&bed->from->packer);
      weir_pool_shrink (bed->segments);
    }
  }
  if (bed->link->front != NULL) {
    weir_front_put_control (bed->link->front, WEIR_CONTROL_END, 0);
  } else {
    weir_link_put_control (bed->link, WEIR_CONTROL_END, 0);
    weir_link_put_idle (bed->link);
  }
  weir_packer_clear (&bed->from->packer);
  weir_context_unref (context);
  weir_pool_disown (bed->segments);
  weir_pool_disown (bed->packed);
  return NULL;
}

/* ---- the releaser ---- */

static void
ring_push (Ring *ring, WeirRecord *record)
{
  pthread_mutex_lock (&ring->mutex);
  while (ring->count == RING) {
    pthread_cond_wait (&ring->changed, &ring->mutex);
  }
  ring->records[ring->count++] = record;
  pthread_cond_broadcast (&ring->changed);
  pthread_mutex_unlock (&ring->mutex);
}

/* Gives back what has come, the newest first. */
static gpointer
release (gpointer data)
{
  Ring *ring = &((Stress *) data)->ring;
  for (;;) {
    WeirRecord *records[RING];
    pthread_mutex_lock (&ring->mutex);
    while (ring->count == 0 && !ring->over) {
      pthread_cond_wait (&ring->changed, &ring->mutex);
    }
    guint count = ring->count;
    memcpy (records, ring->records, count * sizeof (WeirRecord *));
    ring->count = 0;
    pthread_cond_broadcast (&ring->changed);
    pthread_mutex_unlock (&ring->mutex);
    if (count == 0) {
      return NULL;
    }
    while (count > 0) {
      weir_record_release (records[--count]);
    }
  }
}

/* ---- the taker ---- */

static void
check_record (Stress *stress, const WeirRecord *record)
{
  WeirBed *bed = stress->bed;
  if (bed->link->limits->settings.when_full == WEIR_WHEN_FULL_PAUSE) {
    ck_assert_int_eq (record->time, bed->expected);
  } else {
    ck_assert_int_ge (record->time, bed->expected);
    bed->gaps += (record->flags & WEIR_RECORD_GAP) != 0 ? 1 : 0;
  }
  bed->expected = record->time + 1;
  guint64 n = (guint64) record->time;
  if (n % 11 != 10 && record->size > 0) {
    ck_assert_uint_eq (record->data[0], (guint8) n);
    ck_assert_uint_eq (record->data[record->size - 1], (guint8) n);
  }
  if (record->context != NULL) {
    ck_assert_str_eq (weir_record_tag (record, "key"), "value");
  }
}

static void
take_run (Stress *stress)
{
  WeirLink *link = stress->bed->link;
  WeirRecord *records;
  gsize count = weir_link_peek (link, &records, 64), bytes = 0;
  if (count == 0) {
    link->over = weir_link_peek_control (link)->flags == WEIR_CONTROL_END;
    link->controls_taken++;
    weir_link_take (link, 1, 0);
    return;
  }
  guint kept_count = 0;
  WeirRecord *kept[64];
  for (gsize i = 0; i < count; i++) {
    check_record (stress, &records[i]);
    bytes += records[i].size + records[i].trail;
    if (stress->keep_every > 0 && (guint64) records[i].time % stress->keep_every == 0) {
      kept[kept_count++] = weir_record_keep (stress->bed->to, &records[i]);
    }
  }
  weir_link_take (link, count, bytes);
  stress->taken += count;
  for (guint i = 0; i < kept_count; i++) {
    ring_push (&stress->ring, kept[i]);
  }
}

static gpointer
take (gpointer data)
{
  Stress *stress = data;
  WeirBed *bed = stress->bed;
  WeirLink *link = bed->link;
  WeirRunQueue *queue = &bed->queues[1];
  gboolean active = FALSE;
  weir_pool_adopt (bed->takers);
  while (!link->over || link->done_private != link->taken) {
    if (!active && weir_run_queue_pop (queue) == NULL) {
      if (!weir_run_queue_linger (queue)) {
        weir_run_queue_sleep (queue);
      }
      continue;
    }
    if (weir_ready_links_take (&bed->to->ready_links) != NULL) {
      ck_assert (!active);
      active = TRUE;
    }
    if (weir_load_relaxed (&link->released) != 0 && weir_exchange (&link->released, 0) != 0) {
      weir_link_done (link);
    }
    if (!active) {
      continue;
    }
    if (weir_link_look (link) != 0) {
      take_run (stress);
      weir_link_done (link);
      for (guint i = 0; i < stress->taker_rests; i++) {
        g_thread_yield ();
      }
    } else {
      weir_link_done (link);
      active = !weir_link_take_idle (link);
    }
  }
  weir_pool_disown (bed->takers);
  return NULL;
}

/* ---- the runs ---- */

static WeirLinkFigures
run (Stress *stress, const WeirQueueSettings *settings)
{
  WeirBed *bed = stress->bed = weir_bed_new (settings);
  pthread_mutex_init (&stress->ring.mutex, NULL);
  pthread_cond_init (&stress->ring.changed, NULL);
  weir_task_make_ready (&bed->from->task);
  pthread_t threads[3];
  pthread_create (&threads[0], NULL, produce, stress);
  pthread_create (&threads[1], NULL, take, stress);
  pthread_create (&threads[2], NULL, release, stress);
  pthread_join (threads[0], NULL);
  pthread_join (threads[1], NULL);
  pthread_mutex_lock (&stress->ring.mutex);
  stress->ring.over = TRUE;
  pthread_cond_broadcast (&stress->ring.changed);
  pthread_mutex_unlock (&stress->ring.mutex);
  pthread_join (threads[2], NULL);
  weir_pool_adopt (bed->segments);
  weir_pool_adopt (bed->packed);
  weir_pool_adopt (bed->takers);
  WeirLinkFigures figures = weir_bed_check_ledger (bed);
  ck_assert_uint_eq (figures.in, stress->total);
  ck_assert_uint_eq (figures.queued, 0);
  ck_assert_uint_eq (figures.out, stress->taken);
  weir_bed_free (bed);
  ck_assert_uint_eq (weir_load_relaxed (&stress->alive), 0);
  pthread_mutex_destroy (&stress->ring.mutex);
  pthread_cond_destroy (&stress->ring.changed);
  return figures;
}

static const guint64 capacities[] = { 1, 2, 3, 64 };

/* How many records make about so many cycles of pause and resume. */
static guint64
cycles (guint64 capacity, guint64 count)
{
  return rounds (count) * (capacity - capacity / 2);
}

START_TEST (a_paused_producer_always_resumes)
{
  guint64 capacity = capacities[_i];
  Stress stress = { .total = cycles (capacity, 8000) };
  WeirLinkFigures figures = run (&stress, LIMITS (.records = capacity));
  ck_assert_uint_eq (figures.out, stress.total);
  /* The link's end may fill it once more. */
  ck_assert_uint_le (figures.pauses - stress.pauses, 1);
  ck_assert_uint_eq (figures.resumes, stress.resumes);
  ck_assert_uint_gt (figures.pauses, 0);
  ck_assert_uint_le (figures.pauses - figures.resumes, 1);
  ck_assert_uint_le (figures.peak_records, 2 * capacity + 2);
}
END_TEST

START_TEST (a_paused_producer_always_resumes_by_bytes_and_with_contexts)
{
  guint64 capacity = capacities[_i];
  Stress stress = { .total = cycles (capacity, 3000), .contexts = TRUE };
  WeirLinkFigures figures = run (&stress, SETTINGS (.bytes = capacity * 40, .low = 0, .hard = 1));
  ck_assert_uint_eq (figures.out, stress.total);
}
END_TEST

START_TEST (what_another_thread_releases_resumes_the_producer)
{
  guint64 capacity = capacities[_i];
  Stress stress = { .total = cycles (capacity, 2000), .keep_every = 1, .contexts = TRUE };
  WeirLinkFigures figures = run (&stress, LIMITS (.records = capacity));
  ck_assert_uint_eq (figures.out, stress.total);
  ck_assert_uint_gt (figures.resumes, 0);
}
END_TEST

START_TEST (some_are_kept_and_some_are_not)
{
  guint64 capacity = capacities[_i] * 16;
  Stress stress = { .total = cycles (capacity, 300), .keep_every = 7 };
  WeirLinkFigures figures = run (&stress, LIMITS (.records = capacity));
  ck_assert_uint_eq (figures.out, stress.total);
}
END_TEST

START_TEST (a_producer_held_up_at_the_hard_limit_always_goes_on)
{
  guint64 capacity = capacities[_i];
  Stress stress = { .total = cycles (capacity, 3000), .rude = TRUE };
  WeirLinkFigures figures = run (&stress, LIMITS (.records = capacity));
  ck_assert_uint_eq (figures.out, stress.total);
  ck_assert_uint_le (figures.peak_records, 2 * capacity + 2);
}
END_TEST

START_TEST (a_link_at_its_ease_goes_through_all_its_segments)
{
#ifdef WEIR_TSAN
  guint64 records = 200000;
#else
  guint64 records = 1000000;
#endif
  Stress stress = { .total = rounds (records), .contexts = _i == 1 };
  WeirQueueSettings settings = WEIR_QUEUE_DEFAULTS;
  ck_assert_uint_eq (run (&stress, &settings).out, stress.total);
}
END_TEST

START_TEST (a_slow_taker_of_drop_newest_gets_what_was_not_dropped)
{
  guint64 capacity = capacities[_i];
  Stress stress = { .total = rounds (100000), .taker_rests = 1, .contexts = TRUE };
  WeirLinkFigures figures = run (&stress, LIMITS (.records = capacity, .when_full = WEIR_WHEN_FULL_DROP_NEWEST));
  ck_assert_uint_eq (figures.in, figures.out + figures.dropped_by[WEIR_DROP_FULL]);
  ck_assert_uint_gt (figures.out, 0);
}
END_TEST

START_TEST (a_slow_taker_of_drop_oldest_gets_what_was_not_dropped)
{
  guint64 capacity = capacities[_i];
  Stress stress = { .total = rounds (100000), .taker_rests = 1, .contexts = TRUE, .keep_every = _i == 1 ? 1 : 13 };
  WeirLinkFigures figures = run (&stress, LIMITS (.records = capacity, .when_full = WEIR_WHEN_FULL_DROP_OLDEST));
  ck_assert_uint_eq (figures.dropped, figures.dropped_by[WEIR_DROP_FULL] + figures.dropped_by[WEIR_DROP_HELD]);
  ck_assert_uint_gt (figures.out, 0);
}
END_TEST

static TCase *
add_case (Suite *suite, const char *name)
{
  TCase *cases = tcase_create (name);
  tcase_set_timeout (cases, g_getenv ("WEIR_TEST_LONG") != NULL ? 3600 : 120);
  suite_add_tcase (suite, cases);
  return cases;
}

int
main (void)
{
  Suite *suite = suite_create ("link: stress");
  gint count = G_N_ELEMENTS (capacities);
  TCase *cycles_case = add_case (suite, "cycles");
  tcase_add_loop_test (cycles_case, a_paused_producer_always_resumes, 0, count);
  tcase_add_loop_test (cycles_case, a_paused_producer_always_resumes_by_bytes_and_with_contexts, 0, count);
  tcase_add_loop_test (cycles_case, a_producer_held_up_at_the_hard_limit_always_goes_on, 0, count);
  TCase *releaser = add_case (suite, "releaser");
  tcase_add_loop_test (releaser, what_another_thread_releases_resumes_the_producer, 0, count);
  tcase_add_loop_test (releaser, some_are_kept_and_some_are_not, 0, count);
  TCase *ease = add_case (suite, "ease");
  tcase_add_loop_test (ease, a_link_at_its_ease_goes_through_all_its_segments, 0, 2);
  TCase *lossy = add_case (suite, "lossy");
  tcase_add_loop_test (lossy, a_slow_taker_of_drop_newest_gets_what_was_not_dropped, 0, count);
  tcase_add_loop_test (lossy, a_slow_taker_of_drop_oldest_gets_what_was_not_dropped, 0, count);
  return weir_run_suite (suite);
}
