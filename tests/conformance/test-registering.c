/* SPDX-License-Identifier: Apache-2.0 */
/* Rows 1 to 6: what a producer is told when it joins its consumer. Twisted registers a producer at any time; here both are there
 * before anything runs, and a link has one producer by construction. */
#include "tests/conformance/sides.h"

START_TEST (row_01_push_producer_starts_unpaused)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_look (sides.producer, "registered");
  weir_stage_wake (sides.producer->stage); /* carries no news */
  fake_look (sides.producer, "woken");
  sides_finish (&sides);
  sides_end (&sides, "open start registered woken close");
}
END_TEST

START_TEST (row_02_pull_producer_is_asked_at_its_first_turn_when_there_is_room)
{
  Sides sides = sides_new (_i, &chunks, &taps);
  sides.producer->most = 1;
  rig_begin (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "FALSE", 1);
  fake_look (sides.producer, "full");
  sides_finish (&sides);
  sides_end (&sides, "open start produce emit(high) pause FALSE full resume produce close");
}
END_TEST

START_TEST (row_02_pull_producer_is_not_asked_while_there_is_none)
{
  Sides sides = sides_new (_i, &chunks, &taps);
  link_fill (sides.link, setting_at[_i].high);
  rig_begin (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "pause", 1);
  fake_look (sides.producer, "full");
  sides_finish (&sides);
  sides_end (&sides, "open start pause full resume produce close");
}
END_TEST

START_TEST (rows_03_04_each_of_two_producers_has_a_link_of_its_own)
{
  Sides sides = sides_new (_i, &pusher, &taps);
  Fake *second = side_add (sides.rig, _i, "second", WEIR_PRODUCER, &pusher);
  WeirLink *link = side_link (sides.rig, _i, second, sides.consumer);
  ck_assert_ptr_eq (sides.link->producer, &sides.producer->stage->task);
  ck_assert_ptr_eq (link->producer, &second->stage->task);
  rig_begin (sides.rig);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_emits (second, 1);
  fake_look (sides.producer, "still_there");
  fake_look (second, "still_there");
  fake_emits (second, 1);
  sides_let (&sides, 3);
  fake_do (second, fake_finish);
  rig_until_noted (sides.rig, second, "close", 1);
  sides_finish (&sides);
  fake_assert_events (second, "open start emit(1) TRUE still_there emit(1) TRUE close");
  fake_assert_events (sides.consumer, "open start take(high) take(1) take(1) end close");
  sides_end (&sides, "open start emit(high) pause FALSE still_there resume close");
}
END_TEST

static WeirNext
finish_at_once (Fake *fake)
{
  fake_finish (fake);
  return WEIR_MORE;
}

static const Script lost = { .start = finish_at_once, .consume = take };

START_TEST (rows_05_06_joining_a_lost_consumer_is_only_stop_and_close)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, "together");
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, "together");
  Fake *consumer = rig_add (rig, "consumer", WEIR_CONSUMER, &lost, "together");
  side_link (rig, _i, push, consumer);
  side_link (rig, _i, pull, consumer);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (consumer, "open start close");
  fake_assert_events (push, "open stop close");
  fake_assert_events (pull, "open stop close");
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, row_01_push_producer_starts_unpaused, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_02_pull_producer_is_asked_at_its_first_turn_when_there_is_room, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_02_pull_producer_is_not_asked_while_there_is_none, 0, SETTINGS);
  tcase_add_loop_test (tcase, rows_03_04_each_of_two_producers_has_a_link_of_its_own, 0, SETTINGS);
  tcase_add_loop_test (tcase, rows_05_06_joining_a_lost_consumer_is_only_stop_and_close, 0, SETTINGS);
}

int
main (void)
{
  return run_suite ("registering", add);
}
