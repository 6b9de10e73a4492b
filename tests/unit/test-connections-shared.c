/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of shared stages, whose links come and go with the connections (R1, R10, R11, R14, R16). */
#include "connected.h"

START_TEST (r10_it_ends_behind_the_listener_and_the_last_connection)
{
  Connected all = connected_shared (&pusher, &taker, queue_of (8));
  connected_begin (&all, 2);
  Fake *first = rig_peer (all.rig, all.client, 1), *second = rig_peer (all.rig, all.client, 2);
  fake_do (first, emit_ab_and_finish);
  rig_until_alive (all.rig, all.client, 1);
  ck_assert_uint_eq (all.sink->stage->input_count, 2); /* the template, and the one that is alive */
  fake_do (all.client, fake_finish);
  fake_look (all.client, "finished");
  fake_look (all.sink, "looked");
  fake_assert_events (all.sink, "open start consume(a) consume(b) looked");
  fake_do (second, emit_ab_and_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  fake_assert_events (all.sink, "open start consume(a) consume(b) looked consume(a) consume(b) end close");
  fake_assert_events (all.client, "open start finished close");
  ck_assert_uint_eq (figures_of (all.shared).out, 4);
  rig_free (all.rig);
}
END_TEST

START_TEST (r10_it_ends_with_a_listener_that_nobody_came_to)
{
  Connected all = connected_shared (&pusher, &taker, queue_of (8));
  rig_begin (all.rig);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  fake_assert_events (all.sink, "open start end close");
  rig_free (all.rig);
}
END_TEST

static WeirNext
done_at_b (G_GNUC_UNUSED Fake *fake, const WeirRecord *record)
{
  return *record->data == 'b' ? WEIR_DONE : WEIR_MORE;
}

static const Script up_to_b = { .consume = done_at_b };

START_TEST (r16_enough_stops_the_listener_and_its_connections)
{
  Connected all = connected_shared (&pusher, &up_to_b, queue_of (8));
  connected_begin (&all, 2);
  Fake *first = rig_peer (all.rig, all.client, 1), *second = rig_peer (all.rig, all.client, 2);
  fake_do (first, emit_a);
  rig_until_noted (all.rig, all.sink, "consume(a)", 1);
  fake_do (second, emit_b);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  fake_assert_events (all.client, "open start stop close");
  fake_assert_events (first, "open start stop close");
  fake_assert_events (second, "open start stop close");
  rig_free (all.rig);
}
END_TEST

static WeirNext
break_down (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return weir_stage_fail (fake->stage, "the disk is full");
}

static const Script fails = { .consume = break_down };

START_TEST (its_failure_is_the_pipelines)
{
  Connected all = connected_shared (&pusher, &fails, queue_of (8));
  connected_begin (&all, 2);
  rig_peer (all.rig, all.client, 1);
  fake_do (rig_peer (all.rig, all.client, 2), emit_ab_and_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (all.rig->failure, "sink: the disk is full");
  fake_assert_events (all.client, "open start stop close");
  ck_assert_uint_eq (figures_of (all.shared).queued, 2); /* undelivered, not lost with the connection */
  rig_free (all.rig);
}
END_TEST

START_TEST (r1_a_full_link_pauses_its_own_connection_alone)
{
  Connected all = connected_shared (&pusher, &valve, queue_of (2));
  connected_begin (&all, 2);
  Fake *first = rig_peer (all.rig, all.client, 1), *second = rig_peer (all.rig, all.client, 2);
  fake_do (first, emit_ab_and_finish);
  rig_until_noted (all.rig, first, "pause", 1);
  fake_do (second, emit_a);
  fake_look (second, "looked");
  fake_assert_events (second, "open start looked");
  ck_assert (figures_of (all.shared).paused);
  fake_allow (all.sink, 3);
  fake_do (second, fake_finish);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (all.shared).out, 3);
  ck_assert (!figures_of (all.shared).paused);
  rig_free (all.rig);
}
END_TEST

static void
emit_ten (Fake *fake)
{
  fake->most = 10;
  fake_emit_most (fake);
}

START_TEST (r11_drop_oldest_keeps_the_newest_of_each)
{
  WeirQueueSettings settings = queue_of (4);
  settings.when_full = WEIR_WHEN_FULL_DROP_OLDEST;
  Connected all = connected_shared (&pusher, &valve, settings);
  connected_begin (&all, 2);
  Fake *first = rig_peer (all.rig, all.client, 1);
  fake_do (first, emit_a);
  rig_until_noted (all.rig, all.sink, "consume(a)", 1); /* held from now on */
  fake_do (first, emit_ten);
  fake_do (first, fake_finish);
  rig_until_noted (all.rig, first, "close", 1);
  fake_do (rig_peer (all.rig, all.client, 2), emit_ab_and_finish);
  fake_allow (all.sink, 100);
  rig_until_alive (all.rig, all.client, 0);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (fake_count (all.sink, "consume(9)"), 1);
  ck_assert_uint_eq (fake_count (all.sink, "consume(0)"), 0);
  WeirLinkFigures shared = figures_of (all.shared);
  ck_assert_uint_eq (shared.in, 13);
  ck_assert_uint_eq (shared.dropped_by[WEIR_DROP_FULL], shared.dropped);
  ck_assert_uint_eq (shared.dropped, 7);
  rig_free (all.rig);
}
END_TEST

/* Both write on one stream of a number of their own; the shared stage joins what belongs together. */
static void
play_ab (Fake *fake)
{
  guint32 stream = weir_stream_open (fake->stage, NULL);
  fake->data = GUINT_TO_POINTER (stream);
  weir_stream_use (fake->stage, stream);
  fake_emit (fake, fake->connection == 1 ? "a" : "x");
}

static void
play_cd (Fake *fake)
{
  weir_stream_use (fake->stage, GPOINTER_TO_UINT (fake->data));
  fake_emit (fake, fake->connection == 1 ? "b" : "y");
  if (fake->connection == 1) {
    weir_stream_close (fake->stage, GPOINTER_TO_UINT (fake->data));
  }
  fake_finish (fake); /* which ends a stream as well */
}

START_TEST (streams_of_connections_do_not_mix)
{
  Rig *rig = rig_new ();
  Fake *client = rig_listen (rig, "client", &listening, &pusher);
  Fake *joins = rig_add (rig, "joins", WEIR_TRANSFORM, &joiner, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, client, joins, 8);
  rig_link (rig, joins, end, 8);
  rig_begin (rig);
  fake_allow (client, 2);
  Fake *first = rig_peer (rig, client, 1), *second = rig_peer (rig, client, 2);
  fake_do (first, play_ab);
  fake_do (second, play_ab);
  fake_do (first, play_cd);
  fake_do (second, play_cd);
  fake_do (client, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (fake_count (end, "consume(ab)"), 1);
  ck_assert_uint_eq (fake_count (end, "consume(xy)"), 1);
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r10_it_ends_behind_the_listener_and_the_last_connection);
  tcase_add_test (tcase, r10_it_ends_with_a_listener_that_nobody_came_to);
  tcase_add_test (tcase, r16_enough_stops_the_listener_and_its_connections);
  tcase_add_test (tcase, its_failure_is_the_pipelines);
  tcase_add_test (tcase, r1_a_full_link_pauses_its_own_connection_alone);
  tcase_add_test (tcase, r11_drop_oldest_keeps_the_newest_of_each);
  tcase_add_test (tcase, streams_of_connections_do_not_mix);
}

int
main (void)
{
  return run_suite ("connections: shared stages", add);
}
