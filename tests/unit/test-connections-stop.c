/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of stopping a pipeline that has connections: draining, the deadline, and who comes too late. */
#include "connected.h"

START_TEST (a_stop_drains_each_connection)
{
  Connected all = connected_new (&pusher, &passer, &valve);
  connected_begin (&all, 2);
  Fake *client = rig_peer (all.rig, all.client, 1), *answer = rig_peer (all.rig, all.answer, 1);
  Fake *idle = rig_peer (all.rig, all.client, 2), *other = rig_peer (all.rig, all.answer, 2);
  fake_do (client, emit_a);
  fake_do (client, emit_b);
  rig_until_noted (all.rig, answer, "consume(a)", 1);
  rig_stop (all.rig);
  rig_until_noted (all.rig, client, "close", 1);
  fake_allow (answer, 2);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (client, "open start stop close");
  fake_assert_events (idle, "open start stop close");
  fake_assert_events (other, "open start end close");
  fake_assert_events (answer, "open start consume(a) consume(a) consume(b) end close");
  fake_assert_events (all.client, "open start stop close");
  ck_assert_str_eq (weir_stage_outcome (all.turn->stage), "stopped");
  rig_free (all.rig);
}
END_TEST

START_TEST (the_deadline_halts_them_and_what_is_queued_is_undelivered)
{
  Connected all = connected_new (&pusher, &passer, &valve);
  weir_pipeline_set_shutdown (all.rig->pipeline, 20 * 1000);
  connected_begin (&all, 1);
  Fake *client = rig_peer (all.rig, all.client, 1), *answer = rig_peer (all.rig, all.answer, 1);
  fake_do (client, emit_a);
  fake_do (client, emit_b);
  rig_until_noted (all.rig, answer, "consume(a)", 1);
  rig_stop (all.rig);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_UNDELIVERED);
  ck_assert (all.rig->late);
  fake_assert_events (answer, "open start consume(a) stop close");
  ck_assert_uint_eq (figures_of (all.out).queued, 2);
  ck_assert_uint_eq (figures_of (all.out).dropped, 0);
  rig_free (all.rig);
}
END_TEST

START_TEST (what_a_shared_stage_has_not_taken_is_undelivered)
{
  Connected all = connected_shared (&pusher, &valve, queue_of (8));
  weir_pipeline_set_shutdown (all.rig->pipeline, 20 * 1000);
  connected_begin (&all, 1);
  Fake *client = rig_peer (all.rig, all.client, 1);
  fake_do (client, emit_ab_and_finish); /* it is over, but for its link */
  rig_until_noted (all.rig, client, "close", 1);
  rig_stop (all.rig);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_UNDELIVERED);
  ck_assert_uint_eq (figures_of (all.shared).queued, 2);
  fake_assert_events (all.client, "open start stop close");
  rig_free (all.rig);
}
END_TEST

static GLogWriterOutput
say_nothing (G_GNUC_UNUSED GLogLevelFlags level, G_GNUC_UNUSED const GLogField *fields, G_GNUC_UNUSED gsize count,
             G_GNUC_UNUSED gpointer data)
{
  return G_LOG_WRITER_HANDLED;
}

static WeirNext
fail_at_b (Fake *fake, const WeirRecord *record)
{
  return *record->data == 'b' ? weir_stage_fail (fake->stage, "cannot bear a b") : hand_on (fake, record);
}

static const Script fails = { .consume = fail_at_b };

START_TEST (what_a_broken_one_holds_is_lost_also_at_the_deadline)
{
  g_log_set_writer_func (say_nothing, NULL, NULL);
  Connected all = connected_new (&pusher, &fails, &valve);
  weir_pipeline_set_shutdown (all.rig->pipeline, (gint64) 600 * G_USEC_PER_SEC);
  connected_begin (&all, 1);
  Fake *turn = rig_peer (all.rig, all.turn, 1);
  fake_do (rig_peer (all.rig, all.client, 1), emit_ab_and_finish);
  rig_until_noted (all.rig, turn, "close", 1);
  weir_pipeline_set_shutdown (all.rig->pipeline, 20 * 1000); /* the pipeline's comes before the connection's own */
  rig_stop (all.rig);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_STOPPED);
  ck_assert_uint_eq (figures_of (all.out).dropped_by[WEIR_DROP_CONNECTION_LOST], 1);
  ck_assert_uint_eq (figures_of (all.in).dropped_by[WEIR_DROP_CONNECTION_LOST], 1);
  rig_free (all.rig);
}
END_TEST

static WeirNext
start_later (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_WAIT;
}

static const Script never_ready = { .start = start_later, .consume = take };

START_TEST (one_that_never_gets_ready_is_halted)
{
  Connected all = connected_new (&pusher, &passer, &never_ready);
  weir_pipeline_set_shutdown (all.rig->pipeline, 20 * 1000);
  connected_begin (&all, 1);
  Fake *client = rig_peer (all.rig, all.client, 1), *answer = rig_peer (all.rig, all.answer, 1);
  rig_until_noted (all.rig, client, "start", 1);
  rig_stop (all.rig);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_STOPPED);
  ck_assert (all.rig->late);
  fake_assert_events (client, "open start stop close");
  fake_assert_events (answer, "open start stop close");
  rig_free (all.rig);
}
END_TEST

static Gate gate = GATE_CLOSED;

static WeirNext
block (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  if (fake->connection == 2) {
    gate_pass (&gate);
  }
  return WEIR_MORE;
}

static const Script blocks = { .consume = block };

static gboolean
is_stuck (gpointer data)
{
  return ((Rig *) data)->stuck != NULL;
}

/* Who is stuck is looked at once, so long behind the deadline; on a slow machine, others may not have come to their end by then. */
static gboolean
stop_names (Rig *rig, gint64 grace, const char *wanted)
{
  rig_stop (rig);
  rig_until (rig, is_stuck, rig);
  ck_assert_msg (g_str_equal (rig->stuck, wanted) || grace < 10 * G_USEC_PER_SEC, "%s is stuck, expected %s",
                 rig->stuck, wanted);
  return g_str_equal (rig->stuck, wanted);
}

START_TEST (one_that_does_not_return_is_named)
{
  gboolean named = FALSE;
  for (gint64 grace = 10 * 1000; !named; grace *= 10) {
    Connected all = connected_new (&pusher, &passer, &blocks);
    weir_pipeline_set_shutdown (all.rig->pipeline, 10 * 1000);
    weir_pipeline_set_grace (all.rig->pipeline, grace);
    gate = (Gate) GATE_CLOSED;
    connected_begin (&all, 2);
    fake_do (rig_peer (all.rig, all.client, 2), emit_a);
    rig_until_noted (all.rig, rig_peer (all.rig, all.answer, 2), "consume(a)", 1);
    named = stop_names (all.rig, grace, "answer: consume");
    gate_open (&gate);
    ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_STOPPED);
    rig_free (all.rig);
  }
}
END_TEST

START_TEST (a_reference_that_is_never_given_back_is_named)
{
  gboolean named = FALSE;
  for (gint64 grace = 10 * 1000; !named; grace *= 10) {
    Connected all = connected_new (&pusher, &passer, &taker);
    weir_pipeline_set_shutdown (all.rig->pipeline, 10 * 1000);
    weir_pipeline_set_grace (all.rig->pipeline, grace);
    connected_begin (&all, 1);
    WeirStage *stage = weir_stage_ref (rig_peer (all.rig, all.turn, 1)->stage);
    rig_until_noted (all.rig, rig_peer (all.rig, all.client, 1), "start", 1); /* the last of them */
    named = stop_names (all.rig, grace, "client: what refers to one of its connections");
    weir_stage_unref (stage);
    ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_STOPPED);
    rig_free (all.rig);
  }
}
END_TEST

/* ---- who comes too late ---- */

static gboolean answered = TRUE;

static void
accept_late (Fake *listener)
{
  answered = fake_accept (listener);
}

START_TEST (who_comes_between_the_stop_and_the_listeners_turn_is_refused)
{
  Connected all = connected_shared (&pusher, &taker, queue_of (8));
  rig_begin (all.rig);
  /* What a stop does to them, before the listener has heard of it. */
  weir_connections_stop (all.client->stage->connections, FALSE);
  fake_do (all.client, accept_late);
  fake_look (all.client, "looked");
  ck_assert (!answered);
  ck_assert_int_eq (atomic_load (&all.rig->peers), 0); /* freed at once */
  ck_assert_uint_eq (weir_connections_alive (all.client->stage->connections), 0);
  rig_stop (all.rig);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (all.sink, "open start end close");
  rig_free (all.rig);
}
END_TEST

static const Script accepts_in_stop = { .stop = accept_late, .flags = WEIR_CONNECTIONS };

START_TEST (a_listener_that_stops_accepts_nobody)
{
  Rig *rig = rig_new ();
  Fake *client = rig_listen (rig, "client", &accepts_in_stop, &pusher);
  Fake *answer = rig_template (rig, client, "answer", WEIR_CONSUMER, &taker);
  rig_link (rig, client, answer, 1);
  rig_begin (rig);
  rig_stop (rig);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_STOPPED);
  ck_assert (!answered);
  rig_free (rig);
}
END_TEST

START_TEST (a_listener_that_has_ended_gets_no_stop)
{
  Connected all = connected_new (&pusher, &passer, &taker);
  connected_begin (&all, 1);
  Fake *client = rig_peer (all.rig, all.client, 1);
  rig_until_noted (all.rig, client, "start", 1);
  fake_do (all.client, fake_finish);
  fake_look (all.client, "waits");
  rig_stop (all.rig);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (client, "open start stop close");
  fake_assert_events (all.client, "open start waits close");
  rig_free (all.rig);
}
END_TEST

START_TEST (a_stop_while_one_opens_closes_it)
{
  Connected all = connected_new (&pusher, &passer, &taker);
  rig_begin (all.rig);
  fake_do (all.client, accept_late);
  fake_look (all.client, "accepted");
  rig_stop (all.rig); /* the connection may be anywhere by now */
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_STOPPED);
  rig_free (all.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, a_stop_drains_each_connection);
  tcase_add_test (tcase, the_deadline_halts_them_and_what_is_queued_is_undelivered);
  tcase_add_test (tcase, what_a_shared_stage_has_not_taken_is_undelivered);
  tcase_add_test (tcase, what_a_broken_one_holds_is_lost_also_at_the_deadline);
  tcase_add_test (tcase, one_that_never_gets_ready_is_halted);
  tcase_add_test (tcase, one_that_does_not_return_is_named);
  tcase_add_test (tcase, a_reference_that_is_never_given_back_is_named);
  tcase_add_test (tcase, who_comes_between_the_stop_and_the_listeners_turn_is_refused);
  tcase_add_test (tcase, a_listener_that_stops_accepts_nobody);
  tcase_add_test (tcase, a_listener_that_has_ended_gets_no_stop);
  tcase_add_loop_test (tcase, a_stop_while_one_opens_closes_it, 0, 20);
}

int
main (void)
{
  return run_suite ("connections: stop", add);
}
