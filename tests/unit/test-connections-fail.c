/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of failures in a pipeline per connection: they are the connection's own, are told, and are counted. */
#include "connected.h"

#include <string.h>

/* What was logged, by the workers. */
static _Atomic guint warnings;
static char told[200]; /* the last */

static GLogWriterOutput
note_message (GLogLevelFlags level, const GLogField *fields, gsize count, G_GNUC_UNUSED gpointer data)
{
  for (gsize i = 0; i < count && (level & G_LOG_LEVEL_WARNING) != 0; i++) {
    if (g_str_equal (fields[i].key, "MESSAGE")) {
      g_strlcpy (told, fields[i].value, sizeof told);
      atomic_fetch_add (&warnings, 1);
    }
  }
  return G_LOG_WRITER_HANDLED;
}

static Connected
quietly_new (const Script *first, const Script *turn, const Script *answer)
{
  g_log_set_writer_func (note_message, NULL, NULL);
  return connected_new (first, turn, answer);
}

static void
finish (const Connected *all)
{
  fake_do (all->client, fake_finish);
  ck_assert_int_eq (rig_finish (all->rig), WEIR_RESULT_DONE);
  ck_assert_ptr_null (all->rig->failure);
  rig_free (all->rig);
}

static WeirNext
fail_at_b (Fake *fake, const WeirRecord *record)
{
  return *record->data == 'b' ? weir_stage_fail (fake->stage, "cannot bear a b") : hand_on (fake, record);
}

static const Script fails = { .consume = fail_at_b };

static void
emit_abcd (Fake *fake)
{
  for (const char *letter = "abcd"; *letter != '\0'; letter++) {
    fake_emit (fake, (char[]){ *letter, '\0' });
  }
}

START_TEST (a_failure_ends_its_connection_alone)
{
  Connected all = quietly_new (&pusher, &fails, &taker);
  connected_begin (&all, 2);
  Fake *broken = rig_peer (all.rig, all.client, 2), *whole = rig_peer (all.rig, all.client, 1);
  Fake *turn = rig_peer (all.rig, all.turn, 2), *answer = rig_peer (all.rig, all.answer, 2);
  fake_do (broken, emit_abcd);
  rig_until_alive (all.rig, all.client, 1);
  ck_assert_str_eq (told, "turn (fake, transform): connection from peer-2: cannot bear a b");
  ck_assert_uint_eq (warnings, 1);
  fake_assert_events (broken, "open start stop close");
  fake_assert_events (turn, "open start consume(a) consume(b) close");
  fake_assert_events (answer, "open start consume(a) end close"); /* what had come out drains */
  ck_assert_uint_eq (figures_of (all.in).out, 1);
  ck_assert_uint_eq (figures_of (all.in).dropped_by[WEIR_DROP_CONNECTION_LOST], 3);
  fake_do (whole, emit_a);
  rig_until_noted (all.rig, rig_peer (all.rig, all.answer, 1), "consume(a)", 1);
  fake_do (whole, fake_finish);
  rig_until_alive (all.rig, all.client, 0);
  WeirStageFigures figures;
  weir_stage_figures (all.turn->stage, &figures);
  ck_assert_uint_eq (figures.errors, 1);
  finish (&all);
}
END_TEST

static WeirNext
fail_to_open (Fake *fake)
{
  return fake->connection == 2 ? weir_stage_fail (fake->stage, "no way in") : WEIR_MORE;
}

static const Script locked = { .open = fail_to_open, .consume = hand_on };

START_TEST (failing_in_open_closes_what_is_open)
{
  Connected all = quietly_new (&pusher, &locked, &taker);
  connected_begin (&all, 2);
  Fake *first = rig_peer (all.rig, all.client, 1), *second = rig_peer (all.rig, all.client, 2);
  Fake *turn = rig_peer (all.rig, all.turn, 2), *answer = rig_peer (all.rig, all.answer, 2);
  rig_until_alive (all.rig, all.client, 1);
  ck_assert_str_eq (told, "turn (fake, transform): connection from peer-2: no way in");
  fake_assert_events (second, "open close");
  fake_assert_events (turn, "open close");
  fake_assert_events (answer, "open close");
  fake_do (first, fake_finish);
  finish (&all);
}
END_TEST

static WeirNext
fail_to_start (Fake *fake)
{
  return weir_stage_fail (fake->stage, "cannot begin");
}

static const Script stalls = { .start = fail_to_start, .consume = hand_on };

START_TEST (failing_in_start_ends_what_has_started)
{
  Connected all = quietly_new (&pusher, &stalls, &taker);
  connected_begin (&all, 1);
  Fake *client = rig_peer (all.rig, all.client, 1), *turn = rig_peer (all.rig, all.turn, 1);
  Fake *answer = rig_peer (all.rig, all.answer, 1);
  rig_until_alive (all.rig, all.client, 0);
  fake_assert_events (client, "open close");
  fake_assert_events (turn, "open start close");
  fake_assert_events (answer, "open start end close");
  finish (&all);
}
END_TEST

static WeirNext
start_later (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_WAIT;
}

static void
fail_now (Fake *fake)
{
  weir_stage_fail (fake->stage, "never got ready");
}

static void
be_ready (Fake *fake)
{
  weir_stage_ready (fake->stage);
}

static const Script slow_start = { .start = start_later, .consume = hand_on };

START_TEST (failing_while_start_waits_ends_it)
{
  Connected all = quietly_new (&pusher, &slow_start, &taker);
  connected_begin (&all, 2);
  Fake *client = rig_peer (all.rig, all.client, 1), *turn = rig_peer (all.rig, all.turn, 1);
  rig_until_noted (all.rig, client, "start", 1);
  fake_do (client, emit_a);
  fake_do (turn, fail_now);
  rig_until_alive (all.rig, all.client, 1);
  ck_assert_str_eq (told, "turn (fake, transform): connection from peer-1: never got ready");
  fake_assert_events (turn, "open start close");
  ck_assert_uint_eq (figures_of (all.in).dropped_by[WEIR_DROP_CONNECTION_LOST], 1);
  /* The other one gets ready. */
  Fake *other = rig_peer (all.rig, all.client, 2), *second = rig_peer (all.rig, all.turn, 2);
  rig_until_noted (all.rig, other, "start", 1);
  fake_do (other, emit_ab_and_finish);
  fake_do (second, be_ready);
  rig_until_alive (all.rig, all.client, 0);
  fake_assert_events (second, "open start consume(a) consume(b) end close");
  finish (&all);
}
END_TEST

static WeirNext
fail_to_flush (Fake *fake, G_GNUC_UNUSED const WeirRecord *records, G_GNUC_UNUSED gsize count)
{
  return weir_stage_fail (fake->stage, "the peer is gone");
}

static const Script flushes = { .flush = fail_to_flush };

START_TEST (a_run_that_was_not_flushed_is_lost)
{
  Connected all = quietly_new (&pusher, &passer, &flushes);
  connected_begin (&all, 1);
  fake_do (rig_peer (all.rig, all.client, 1), emit_abcd);
  rig_until_alive (all.rig, all.client, 0);
  WeirLinkFigures out = figures_of (all.out);
  ck_assert_uint_eq (out.out, 0);
  ck_assert_uint_eq (out.dropped_by[WEIR_DROP_CONNECTION_LOST] + out.dropped_by[WEIR_DROP_REFUSED], out.in);
  ck_assert_uint_ge (out.dropped_by[WEIR_DROP_CONNECTION_LOST], 1);
  finish (&all);
}
END_TEST

static WeirNext
keep_and_fail (Fake *fake, const WeirRecord *record)
{
  if (*record->data == 'b') {
    return weir_stage_fail (fake->stage, "cannot bear a b");
  }
  fake_keep (fake, record);
  return WEIR_MORE;
}

static WeirNext
settle_never (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_MORE;
}

static const Script keeps = { .consume = keep_and_fail, .settle = settle_never };

START_TEST (what_was_kept_and_not_given_back_is_lost)
{
  Connected all = quietly_new (&pusher, &passer, &keeps);
  connected_begin (&all, 1);
  fake_do (rig_peer (all.rig, all.client, 1), emit_ab_and_finish);
  rig_until_alive (all.rig, all.client, 0);
  ck_assert_uint_eq (figures_of (all.out).dropped_by[WEIR_DROP_CONNECTION_LOST], 2);
  finish (&all);
}
END_TEST

START_TEST (a_broken_one_is_halted_at_its_deadline)
{
  Connected all = quietly_new (&pusher, &fails, &valve);
  weir_pipeline_set_shutdown (all.rig->pipeline, 20 * 1000);
  connected_begin (&all, 2);
  Fake *answer = rig_peer (all.rig, all.answer, 1), *whole = rig_peer (all.rig, all.client, 2);
  fake_do (rig_peer (all.rig, all.client, 1), emit_abcd);
  rig_until_alive (all.rig, all.client, 1); /* the valve never takes the a */
  fake_assert_events (answer, "open start consume(a) stop close");
  ck_assert_uint_eq (figures_of (all.out).dropped_by[WEIR_DROP_CONNECTION_LOST], 1);
  ck_assert (!all.rig->late);
  fake_do (whole, fake_finish);
  finish (&all);
}
END_TEST

static void
fail_stop (Fake *fake)
{
  weir_stage_fail (fake->stage, "cannot stop");
}

static const Script bad_stop = { .stop = fail_stop, .consume = hand_on };

static WeirNext
enough (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return WEIR_DONE;
}

static const Script one = { .consume = enough };

START_TEST (failing_in_stop_is_told_and_freed)
{
  Connected all = quietly_new (&pusher, &bad_stop, &one);
  connected_begin (&all, 1);
  fake_do (rig_peer (all.rig, all.client, 1), emit_a);
  rig_until_alive (all.rig, all.client, 0);
  ck_assert_str_eq (told, "turn (fake, transform): connection from peer-1: cannot stop");
  finish (&all);
}
END_TEST

/* ---- telling ---- */

static const Script all_locked = { .open = fail_to_start, .consume = hand_on };

START_TEST (failing_in_open_leaves_no_link_at_a_shared_stage)
{
  Connected all = quietly_new (&pusher, &all_locked, &taker);
  Fake *sink = rig_add (all.rig, "sink", WEIR_CONSUMER, &taker, NULL);
  rig_link (all.rig, all.client, sink, 8);
  rig_link (all.rig, all.turn, sink, 8);
  connected_begin (&all, 3);
  rig_peer (all.rig, all.turn, 3);
  rig_until_alive (all.rig, all.client, 0);
  ck_assert_uint_eq (sink->stage->input_count, 2); /* of the template */
  finish (&all);
}
END_TEST

START_TEST (ten_failures_a_second_are_told)
{
  Connected all = quietly_new (&pusher, &all_locked, &taker);
  connected_begin (&all, 100);
  for (guint i = 1; i <= 100; i++) {
    rig_peer (all.rig, all.turn, i);
  }
  rig_until_alive (all.rig, all.client, 0);
  guint at_once = warnings;
  ck_assert_uint_ge (at_once, 10);
  ck_assert_uint_lt (at_once, 100); /* unless the machine takes 10 seconds for it */
  finish (&all);
  /* The end says how many were not told. */
  ck_assert_uint_eq (warnings, at_once + 1);
  ck_assert_ptr_nonnull (strstr (told, "client (fake, producer): "));
  ck_assert_ptr_nonnull (strstr (told, " more connections have failed"));
}
END_TEST

START_TEST (a_failing_listener_takes_the_pipeline)
{
  Connected all = quietly_new (&pusher, &passer, &taker);
  connected_begin (&all, 1);
  Fake *first = rig_peer (all.rig, all.client, 1);
  rig_until_noted (all.rig, first, "start", 1);
  fake_do (first, emit_a);
  fake_do (all.client, fail_now);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (all.rig->failure, "client: never got ready");
  fake_assert_events (first, "open start stop close");
  fake_assert_events (all.client, "open start close");
  ck_assert_uint_eq (figures_of (all.out).out, 1);
  rig_free (all.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, a_failure_ends_its_connection_alone);
  tcase_add_test (tcase, failing_in_open_closes_what_is_open);
  tcase_add_test (tcase, failing_in_open_leaves_no_link_at_a_shared_stage);
  tcase_add_test (tcase, failing_in_start_ends_what_has_started);
  tcase_add_test (tcase, failing_while_start_waits_ends_it);
  tcase_add_test (tcase, a_run_that_was_not_flushed_is_lost);
  tcase_add_test (tcase, what_was_kept_and_not_given_back_is_lost);
  tcase_add_test (tcase, a_broken_one_is_halted_at_its_deadline);
  tcase_add_test (tcase, failing_in_stop_is_told_and_freed);
  tcase_add_test (tcase, ten_failures_a_second_are_told);
  tcase_add_test (tcase, a_failing_listener_takes_the_pipeline);
}

int
main (void)
{
  return run_suite ("connections: failures", add);
}
