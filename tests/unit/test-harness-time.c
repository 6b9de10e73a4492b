/* SPDX-License-Identifier: Apache-2.0 */
/* The harness (weir/harness.h): its clock, the sources of the stage, and waiting for descriptors and threads. */
#include "harness-roles.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#define SECOND ((gint64) G_USEC_PER_SEC)

/* Ticks: a record each `every`. */
typedef struct {
  gint64 every, next;
} Ticker;

static const WeirOption ticker_options[] = {
  WEIR_DURATION (Ticker, every, "1s", "1us..", 0, "How often"),
  WEIR_OPTIONS_END,
};

static WeirNext
tick (WeirStage *stage, gpointer self)
{
  Ticker *ticker = self;
  gint64 now = weir_stage_now (stage);
  if (ticker->next == 0) {
    ticker->next = now + ticker->every;
  }
  if (now < ticker->next) {
    return weir_stage_wait_time (stage, ticker->next - now);
  }
  ticker->next += ticker->every;
  weir_emit_printf (stage, "%" G_GINT64_FORMAT, weir_stage_wall (stage) / SECOND);
  return WEIR_MORE;
}

static const WeirRole ticker = {
  .summary = "Ticks", .options = ticker_options, .state_size = sizeof (Ticker), .produce = tick
};

START_TEST (timers_follow_the_clock)
{
  g_autoptr (WeirHarness) harness = harness_of (&ticker, WEIR_HARNESS_PRODUCER, NULL);
  weir_harness_set_wall (harness, 1000 * SECOND);
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_output (harness, NULL, "");
  weir_harness_advance (harness, SECOND - 1);
  weir_harness_expect_output (harness, NULL, "");
  weir_harness_advance (harness, 1);
  weir_harness_expect_output (harness, NULL, "1001|");
  weir_harness_advance (harness, 5 * SECOND);
  weir_harness_expect_output (harness, NULL, "1002|1003|1004|1005|1006|");
  weir_harness_set_wall (harness, 5000 * SECOND);
  weir_harness_advance (harness, SECOND);
  weir_harness_expect_output (harness, NULL, "5001|");
}
END_TEST

START_TEST (a_day_passes_at_once)
{
  g_autoptr (WeirHarness) harness = harness_of (&ticker, WEIR_HARNESS_PRODUCER, "{\"every\": \"1m\"}");
  weir_harness_start (harness);
  weir_harness_advance (harness, 24 * 3600 * SECOND);
  ck_assert_uint_eq (weir_harness_count (harness, NULL), 24 * 60);
}
END_TEST

START_TEST (the_clock_stands_by_itself)
{
  g_autoptr (WeirHarness) harness = harness_of (&ticker, WEIR_HARNESS_PRODUCER, "{\"every\": \"1us\"}");
  weir_harness_start (harness);
  weir_harness_set_patience (harness, 1000);
  ck_assert_int_eq (weir_harness_now (harness), SECOND);
  ck_assert (!weir_harness_wait_count (harness, NULL, 1));
  ck_assert_int_eq (weir_harness_now (harness), SECOND);
  weir_harness_advance (harness, 1);
  ck_assert (weir_harness_wait_count (harness, NULL, 1));
}
END_TEST

START_TEST (alive_it_goes_on_while_a_test_waits)
{
  g_autoptr (WeirHarness) harness = harness_of (&ticker, WEIR_HARNESS_PRODUCER, "{\"every\": \"2ms\"}");
  weir_harness_set_live (harness, TRUE);
  weir_harness_start (harness);
  ck_assert (weir_harness_wait_count (harness, NULL, 3));
  ck_assert_int_ge (weir_harness_now (harness), SECOND + 6000);
}
END_TEST

START_TEST (records_age)
{
  WeirRole role = passer;
  role.pause = role.resume = nothing;
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_TRANSFORM, NULL);
  ck_assert (weir_harness_set_queue (harness, NULL, "{\"age\": \"10s\"}", NULL));
  weir_harness_allow (harness, NULL, 0);
  weir_harness_start (harness);
  weir_harness_push_text (harness, "old");
  weir_harness_advance (harness, 10 * SECOND - 1);
  weir_harness_expect_events (harness, "open start");
  weir_harness_advance (harness, 1);
  weir_harness_expect_events (harness, "pause");
  weir_harness_allow (harness, NULL, 1);
  weir_harness_run (harness);
  weir_harness_expect_events (harness, "resume");
}
END_TEST

/* A push producer on a GSource that repeats. */
static gboolean
emit_tick (gpointer data)
{
  weir_emit_copy (data, "tick", 4);
  return G_SOURCE_CONTINUE;
}

static WeirNext
start_source (WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
  GSource *source = g_timeout_source_new_seconds (100);
  g_source_set_callback (source, emit_tick, stage, NULL);
  weir_stage_attach (stage, source);
  return WEIR_MORE;
}

START_TEST (sources_of_the_stage_come_nearer)
{
  static const WeirRole role = { .summary = "Pushes", .start = start_source, .pause = nothing, .resume = nothing };
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_PRODUCER, NULL);
  weir_harness_start (harness);
  weir_harness_advance (harness, 90 * SECOND);
  weir_harness_expect_output (harness, NULL, "");
  weir_harness_advance (harness, 20 * SECOND);
  weir_harness_expect_output (harness, NULL, "tick|");
  weir_harness_advance (harness, 1000 * SECOND);
  weir_harness_expect_output (harness, NULL, "tick|tick|tick|tick|tick|tick|tick|tick|tick|tick|");
}
END_TEST

static void
emit_called (WeirStage *stage, G_GNUC_UNUSED gpointer self, gpointer data)
{
  weir_stage_set_trail (stage, 1);
  weir_emit_copy (stage, data, strlen (data));
}

START_TEST (a_call_is_a_source_of_its_own)
{
  static const WeirRole role = { .summary = "Pushes", .start = fine, .pause = nothing, .resume = nothing };
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_PRODUCER, NULL);
  limit (harness, NULL, 1);
  weir_harness_allow (harness, NULL, 0);
  weir_harness_start (harness);
  weir_harness_call (harness, emit_called, (gpointer) "a\n");
  weir_harness_expect_events (harness, "start pause");
  weir_harness_allow (harness, NULL, 1);
  weir_harness_run (harness);
  weir_harness_expect_events (harness, "resume");
  weir_harness_expect_output (harness, NULL, "a<\\n>|");
}
END_TEST

/* ---- the kernel and threads ---- */

typedef struct {
  int fd;
} Reader;

static WeirNext
read_some (WeirStage *stage, gpointer self)
{
  Reader *reader = self;
  char bytes[16];
  gssize size = read (reader->fd, bytes, sizeof bytes);
  if (size == 0) {
    return WEIR_DONE;
  }
  if (size < 0) {
    return weir_stage_wait_fd (stage, reader->fd, G_IO_IN);
  }
  weir_emit_copy (stage, bytes, (gsize) size);
  return WEIR_MORE;
}

static const WeirRole reader = { .summary = "Reads", .state_size = sizeof (Reader), .produce = read_some };

START_TEST (a_descriptor_is_seen_by_the_next_crank)
{
  int ends[2];
  ck_assert_int_eq (pipe2 (ends, O_CLOEXEC | O_NONBLOCK), 0);
  g_autoptr (WeirHarness) harness = harness_of (&reader, WEIR_HARNESS_PRODUCER, NULL);
  ((Reader *) weir_harness_self (harness))->fd = ends[0];
  weir_harness_start (harness);
  weir_harness_run (harness);
  ck_assert (weir_harness_is_waiting (harness));
  ck_assert_int_eq (write (ends[1], "abc", 3), 3);
  weir_harness_run (harness);
  weir_harness_expect_output (harness, NULL, "abc|");
  close (ends[1]);
  ck_assert (weir_harness_finish (harness));
  close (ends[0]);
}
END_TEST

typedef struct {
  int fd;
  WeirStage *stage;
  _Atomic gint done, refused;
} Helper;

static gpointer
write_later (gpointer data)
{
  Helper *helper = data;
  g_usleep (2000);
  ck_assert_int_eq (write (helper->fd, "late", 4), 4);
  close (helper->fd);
  return NULL;
}

START_TEST (a_descriptor_is_waited_for)
{
  int ends[2];
  ck_assert_int_eq (pipe2 (ends, O_CLOEXEC | O_NONBLOCK), 0);
  g_autoptr (WeirHarness) harness = harness_of (&reader, WEIR_HARNESS_PRODUCER, NULL);
  ((Reader *) weir_harness_self (harness))->fd = ends[0];
  Helper helper = { .fd = ends[1] };
  GThread *thread = g_thread_new ("writer", write_later, &helper);
  weir_harness_start (harness);
  ck_assert (weir_harness_wait_count (harness, NULL, 1));
  ck_assert (weir_harness_wait_closed (harness));
  weir_harness_expect_output (harness, NULL, "late|");
  g_thread_join (thread);
  close (ends[0]);
  /* cppcheck-suppress memleak ; g_thread_join() has taken it */
}
END_TEST

static gpointer
post_many (gpointer data)
{
  Helper *helper = data;
  for (guint i = 0; i < 1000; i++) {
    if (!weir_stage_post (helper->stage, "p", 1)) {
      atomic_fetch_add (&helper->refused, 1);
    }
  }
  atomic_store (&helper->done, 1);
  return NULL;
}

static gboolean
is_done (G_GNUC_UNUSED WeirHarness *harness, gpointer data)
{
  return atomic_load (&((Helper *) data)->done) != 0;
}

START_TEST (posts_are_taken_by_the_crank)
{
  static const WeirRole role = { .summary = "Pushes", .start = fine, .stop = nothing };
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_PRODUCER, NULL);
  limit (harness, NULL, 10);
  weir_harness_start (harness);
  Helper helper = { .stage = weir_harness_stage (harness) };
  GThread *thread = g_thread_new ("poster", post_many, &helper);
  ck_assert (weir_harness_wait_until (harness, is_done, &helper));
  ck_assert (weir_harness_wait_count (harness, NULL, 1000));
  g_thread_join (thread);
  ck_assert_int_eq (atomic_load (&helper.refused), 0);
  /* cppcheck-suppress memleak ; g_thread_join() has taken it */
}
END_TEST

START_TEST (who_posts_to_a_stage_that_stops_is_refused)
{
  static const WeirRole role = { .summary = "Pushes", .start = fine, .stop = nothing };
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_PRODUCER, NULL);
  limit (harness, NULL, 1);
  weir_harness_allow (harness, NULL, 0);
  weir_harness_start (harness);
  Helper helper = { .stage = weir_harness_stage (harness) };
  GThread *thread = g_thread_new ("poster", post_many, &helper);
  weir_harness_stop (harness);
  ck_assert (weir_harness_wait_until (harness, is_done, &helper));
  g_thread_join (thread);
  ck_assert_int_gt (atomic_load (&helper.refused), 0);
  /* cppcheck-suppress memleak ; g_thread_join() has taken it */
}
END_TEST

static gpointer
set_done (gpointer data)
{
  g_usleep (1000);
  atomic_store (&((Helper *) data)->done, 1);
  return NULL;
}

START_TEST (what_no_source_tells_is_looked_at)
{
  g_autoptr (WeirHarness) harness = harness_of (&passer, WEIR_HARNESS_TRANSFORM, NULL);
  weir_harness_start (harness);
  Helper helper = { .fd = -1 };
  GThread *thread = g_thread_new ("silent", set_done, &helper);
  ck_assert (weir_harness_wait_until (harness, is_done, &helper));
  g_thread_join (thread);
  /* cppcheck-suppress memleak ; g_thread_join() has taken it */
}
END_TEST

START_TEST (patience_ends)
{
  g_autoptr (WeirHarness) harness = harness_of (&numbers, WEIR_HARNESS_PRODUCER, NULL);
  weir_harness_set_patience (harness, 20000);
  weir_harness_allow (harness, NULL, 1);
  weir_harness_start (harness);
  gint64 began = g_get_monotonic_time ();
  ck_assert (!weir_harness_wait_closed (harness));
  ck_assert_int_ge (g_get_monotonic_time () - began, 20000);
  weir_harness_expect_state (harness, "running");
}
END_TEST

static WeirNext
again_at_once (WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
  return weir_stage_wait_time (stage, 0);
}

START_TEST (who_never_rests_is_told)
{
  static const WeirRole role = { .summary = "Never rests", .produce = again_at_once };
  g_autoptr (WeirHarness) harness = harness_of (&role, WEIR_HARNESS_PRODUCER, NULL);
  weir_harness_start (harness);
  ck_assert (!weir_harness_run (harness));
}
END_TEST

int
main (void)
{
  const Case cases[] = { timers_follow_the_clock,
                         a_day_passes_at_once,
                         the_clock_stands_by_itself,
                         alive_it_goes_on_while_a_test_waits,
                         records_age,
                         sources_of_the_stage_come_nearer,
                         a_call_is_a_source_of_its_own,
                         a_descriptor_is_seen_by_the_next_crank,
                         a_descriptor_is_waited_for,
                         posts_are_taken_by_the_crank,
                         who_posts_to_a_stage_that_stops_is_refused,
                         what_no_source_tells_is_looked_at,
                         patience_ends,
                         who_never_rests_is_told };
  return run_cases ("harness-time", cases, G_N_ELEMENTS (cases));
}
