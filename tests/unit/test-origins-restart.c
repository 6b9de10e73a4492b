/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of origins where a stage restarts ("on_error": "restart"), and where each connection has a producer of its own: a producer that
 * begins anew has its own abandoned, a taker that does so abandons none, and connections are told of their own. */
#include "connected.h"
#include "delivery.h"

START_TEST (a_producer_that_restarts_abandons_its_own)
{
  Way way = way_with (&pusher_under, &keeper, queue_of (10));
  rig_restarts (way.push);
  rig_begin (way.rig);
  fake_do (way.push, emit_abc);
  rig_until_noted (way.rig, way.end, "consume(c)", 1);
  fake_do (way.push, fail_now);
  rig_until_noted (way.rig, way.push, "start", 2);
  fake_assert_events (way.push, "open start delivered(a,ABANDONED) delivered(b,ABANDONED) delivered(c,ABANDONED) close "
                                "open start");
  fake_do (way.end, fake_release_all); /* of the life before, nobody is told */
  fake_do (way.push, emit_a_under);
  rig_until_noted (way.rig, way.end, "consume(a)", 2);
  fake_do (way.end, fake_release_all);
  rig_until_noted (way.rig, way.push, "delivered(a,DELIVERED)", 1);
  way_finish (&way);
  rig_free (way.rig);
}
END_TEST

START_TEST (a_taker_that_restarts_abandons_none)
{
  Way way = way_with (&pusher_under, &keeper, queue_of (10));
  rig_restarts (way.end);
  rig_begin (way.rig);
  fake_do (way.push, emit_abc);
  rig_until_noted (way.rig, way.end, "consume(c)", 1);
  fake_do (way.end, fail_now);
  rig_until_noted (way.rig, way.end, "consume(c)", 2);
  fake_look (way.push, "looked");
  fake_assert_events (way.push, "open start looked");
  fake_do (way.end, fake_release_all);
  rig_until_noted (way.rig, way.push, "delivered(c,DELIVERED)", 1);
  way_finish (&way);
  ck_assert_int_eq (atomic_load (&way.push->told[WEIR_DELIVERED]), 3);
  rig_free (way.rig);
}
END_TEST

START_TEST (a_transform_that_restarts_abandons_none)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher_under, NULL);
  Fake *join = rig_add (rig, "join", WEIR_TRANSFORM, &keeper, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, join, 10);
  rig_link (rig, join, end, 10);
  rig_restarts (join);
  rig_begin (rig);
  fake_do (push, emit_abc);
  rig_until_noted (rig, join, "consume(c)", 1);
  fake_do (join, fail_now);
  rig_until_noted (rig, join, "consume(c)", 2);
  fake_look (push, "looked");
  fake_assert_events (push, "open start looked");
  fake_do (join, fake_release_all);
  rig_until_noted (rig, push, "delivered(c,DELIVERED)", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  rig_free (rig);
}
END_TEST

/* ---- connections ---- */

START_TEST (a_connection_is_told_of_its_own)
{
  Connected all = connected_new (&pusher_under, &passer, &keeper);
  connected_begin (&all, 2);
  Fake *first = rig_peer (all.rig, all.client, 1), *second = rig_peer (all.rig, all.client, 2);
  Fake *first_end = rig_peer (all.rig, all.answer, 1), *second_end = rig_peer (all.rig, all.answer, 2);
  rig_until_noted (all.rig, first, "start", 1);
  rig_until_noted (all.rig, second, "start", 1);
  fake_do (first, emit_a_under);
  fake_do (second, emit_abc);
  rig_until_noted (all.rig, first_end, "consume(a)", 1);
  rig_until_noted (all.rig, second_end, "consume(c)", 1);
  fake_do (second_end, fake_release_all);
  rig_until_noted (all.rig, second, "delivered(c,DELIVERED)", 1);
  fake_look (first, "looked");
  fake_assert_events (first, "open start looked");
  fake_do (first, fake_finish);
  fake_do (second, fake_finish);
  rig_until_noted (all.rig, second, "close", 1);
  fake_do (first_end, fake_release_all);
  rig_until_noted (all.rig, first, "delivered(a,DELIVERED)", 1);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  rig_free (all.rig);
}
END_TEST

START_TEST (a_connection_waits_for_what_a_shared_taker_keeps)
{
  Connected all = connected_shared (&pusher_under, &keeper, queue_of (8));
  connected_begin (&all, 1);
  Fake *first = rig_peer (all.rig, all.client, 1);
  rig_until_noted (all.rig, first, "start", 1);
  fake_do (first, emit_abc);
  rig_until_noted (all.rig, all.sink, "consume(c)", 1);
  fake_do (first, fake_finish);
  fake_look (first, "looked");
  fake_assert_events (first, "open start looked");
  fake_do (all.sink, fake_release_all);
  rig_until_noted (all.rig, first, "close", 1);
  fake_assert_events (first,
                      "open start looked delivered(a,DELIVERED) delivered(b,DELIVERED) delivered(c,DELIVERED) close");
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  rig_free (all.rig);
}
END_TEST

static WeirNext
fail_at_first (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return weir_stage_fail (fake->stage, "broken");
}

static const Script breaks = { .consume = fail_at_first };

START_TEST (a_connection_that_fails_abandons_its_own)
{
  Connected all = connected_new (&pusher_under, &breaks, &taker);
  connected_begin (&all, 2);
  Fake *first = rig_peer (all.rig, all.client, 1), *second = rig_peer (all.rig, all.client, 2);
  rig_until_noted (all.rig, first, "start", 1);
  rig_until_noted (all.rig, second, "start", 1);
  fake_do (first, emit_abc);
  rig_until_noted (all.rig, first, "close", 1);
  ck_assert_int_eq (atomic_load (&first->told[WEIR_ABANDONED]), 3);
  fake_do (second, fake_finish);
  rig_until_noted (all.rig, second, "close", 1);
  fake_do (all.client, fake_finish);
  rig_finish (all.rig);
  rig_free (all.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, a_producer_that_restarts_abandons_its_own);
  tcase_add_test (tcase, a_taker_that_restarts_abandons_none);
  tcase_add_test (tcase, a_transform_that_restarts_abandons_none);
  tcase_add_test (tcase, a_connection_is_told_of_its_own);
  tcase_add_test (tcase, a_connection_waits_for_what_a_shared_taker_keeps);
  tcase_add_test (tcase, a_connection_that_fails_abandons_its_own);
}

int
main (void)
{
  return run_suite ("origins-restart", add);
}
