/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of roles flagged BLOCKING: their turn is one callback, after which put and done are published; and interrupt() breaks a
 * block when the pipeline stops, when a taker has had enough, and when a deadline passes. */
#include "fakes.h"

/* What a fake blocks on: interrupt() sets it and signals. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t cond;
  gboolean interrupted;
  gint64 tokens; /* what it waits for */
} Block;

static Block block = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, FALSE, 0 };

static void
interrupt (G_GNUC_UNUSED Fake *fake)
{
  pthread_mutex_lock (&block.lock);
  block.interrupted = TRUE;
  pthread_cond_signal (&block.cond);
  pthread_mutex_unlock (&block.lock);
}

static void
add_tokens (gint64 tokens)
{
  pthread_mutex_lock (&block.lock);
  block.tokens += tokens;
  pthread_cond_signal (&block.cond);
  pthread_mutex_unlock (&block.lock);
}

/* FALSE: interrupted. */
static gboolean
wait_for_token (Fake *fake)
{
  pthread_mutex_lock (&block.lock);
  if (block.tokens == 0) {
    fake_flag (fake, 1);
  }
  while (block.tokens == 0 && !block.interrupted) {
    pthread_cond_wait (&block.cond, &block.lock);
  }
  gboolean got = block.tokens > 0;
  block.tokens -= got ? 1 : 0;
  block.interrupted = FALSE;
  pthread_mutex_unlock (&block.lock);
  return got;
}

static WeirNext
produce_blocking (Fake *fake)
{
  return wait_for_token (fake) ? produce_number (fake) : WEIR_MORE;
}

static WeirNext
consume_blocking (Fake *fake, const WeirRecord *record)
{
  return wait_for_token (fake) ? take (fake, record) : WEIR_WAIT;
}

static WeirNext
flush_blocking (Fake *fake, G_GNUC_UNUSED const WeirRecord *records, gsize count)
{
  atomic_fetch_add (&fake->counted, (gint64) count);
  return wait_for_token (fake) ? WEIR_MORE : WEIR_WAIT;
}

static WeirNext
start_blocking (Fake *fake)
{
  wait_for_token (fake);
  return WEIR_MORE;
}

static const Script source = { .produce = produce_blocking, .interrupt = interrupt, .flags = WEIR_BLOCKING };
static const Script sink = { .consume = consume_blocking, .interrupt = interrupt, .flags = WEIR_BLOCKING };
static const Script flusher = { .flush = flush_blocking, .interrupt = interrupt, .flags = WEIR_BLOCKING };
static const Script starter = {
  .start = start_blocking, .produce = produce_number, .interrupt = interrupt, .flags = WEIR_BLOCKING
};

typedef struct {
  Rig *rig;
  Fake *first, *end;
  WeirLink *link;
} Pair;

static Pair
pair_new (const Script *first, const Script *end)
{
  Pair pair = { .rig = rig_new () };
  pair.first = rig_add (pair.rig, "first", WEIR_PRODUCER, first, NULL);
  pair.end = rig_add (pair.rig, "end", WEIR_CONSUMER, end, NULL);
  pair.first->most = 100;
  pair.link = rig_link (pair.rig, pair.first, pair.end, 100);
  return pair;
}

START_TEST (blocking_put_is_published_after_each_callback)
{
  Pair pair = pair_new (&source, &taker);
  add_tokens (1);
  rig_begin (pair.rig);
  rig_until_flag (pair.rig, pair.first, 1); /* it blocks, in its second produce() */
  rig_until_noted (pair.rig, pair.end, "consume(0)", 1);
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (pair.end, "open start consume(0) end close");
  rig_free (pair.rig);
}
END_TEST

static gboolean
one_done (gpointer data)
{
  return weir_load_acquire (&((WeirLink *) data)->done) == 1;
}

START_TEST (blocking_done_is_published_after_each_callback)
{
  Pair pair = pair_new (&pusher, &sink);
  pair.first->most = 3;
  add_tokens (1);
  rig_begin (pair.rig);
  fake_do (pair.first, fake_emit_most);
  rig_until_flag (pair.rig, pair.end, 1); /* it blocks, with the second record */
  ck_assert (one_done (pair.link));
  add_tokens (2);
  rig_until_noted (pair.rig, pair.end, "consume(2)", 1);
  fake_do (pair.first, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  fake_assert_events (pair.end, "open start consume(0) consume(1) consume(2) end close");
  rig_free (pair.rig);
}
END_TEST

START_TEST (blocking_produce_is_interrupted_by_a_stop)
{
  Pair pair = pair_new (&source, &taker);
  rig_begin (pair.rig);
  rig_until_flag (pair.rig, pair.first, 1);
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (pair.first, "open start produce stop close");
  rig_free (pair.rig);
}
END_TEST

START_TEST (blocking_start_is_interrupted_by_a_stop)
{
  Pair pair = pair_new (&starter, &taker);
  rig_start (pair.rig);
  rig_until_flag (pair.rig, pair.first, 1);
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  ck_assert_uint_eq (fake_count (pair.first, "stop"), 1);
  rig_free (pair.rig);
}
END_TEST

START_TEST (blocking_produce_is_interrupted_when_its_taker_has_enough)
{
  Pair pair = pair_new (&source, &taker);
  rig_begin (pair.rig);
  rig_until_flag (pair.rig, pair.first, 1);
  fake_do (pair.end, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  fake_assert_events (pair.first, "open start produce stop close");
  rig_free (pair.rig);
}
END_TEST

START_TEST (blocking_consume_is_interrupted_at_the_deadline)
{
  Pair pair = pair_new (&pusher, _i == 0 ? &sink : &flusher);
  pair.first->most = 3;
  weir_pipeline_set_shutdown (pair.rig->pipeline, 5000);
  rig_begin (pair.rig);
  fake_do (pair.first, fake_emit_most);
  rig_until_flag (pair.rig, pair.end, 1);
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_UNDELIVERED);
  ck_assert (pair.rig->late);
  ck_assert_uint_eq (figures_of (pair.link).queued, 3);
  ck_assert_uint_eq (fake_count (pair.end, "stop"), 1);
  rig_free (pair.rig);
}
END_TEST

/* Waits at hard, in an emit: there is no callback of the plugin to interrupt, and the stop is seen all the same. */
static WeirNext
produce_beyond (Fake *fake)
{
  for (guint i = 0; i < 10; i++) {
    fake_emit (fake, "more");
  }
  return WEIR_MORE;
}

static const Script flood = { .produce = produce_beyond, .interrupt = interrupt, .flags = WEIR_BLOCKING };

START_TEST (blocking_wait_at_hard_is_ended_by_a_stop)
{
  Rig *rig = rig_new ();
  Fake *first = rig_add (rig, "first", WEIR_PRODUCER, &flood, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &valve, NULL);
  WeirLink *link = rig_link (rig, first, end, 2);
  rig_begin (rig);
  rig_until_held (rig, first);
  rig_stop (rig);
  rig_until_noted (rig, first, "close", 1);
  fake_allow (end, 100);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_STOPPED);
  ck_assert_uint_eq (figures_of (link).out, 5);
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, blocking_put_is_published_after_each_callback);
  tcase_add_test (tcase, blocking_done_is_published_after_each_callback);
  tcase_add_test (tcase, blocking_produce_is_interrupted_by_a_stop);
  tcase_add_test (tcase, blocking_start_is_interrupted_by_a_stop);
  tcase_add_test (tcase, blocking_produce_is_interrupted_when_its_taker_has_enough);
  tcase_add_loop_test (tcase, blocking_consume_is_interrupted_at_the_deadline, 0, 2);
  tcase_add_test (tcase, blocking_wait_at_hard_is_ended_by_a_stop);
}

int
main (void)
{
  return run_suite ("rules-blocking", add);
}
