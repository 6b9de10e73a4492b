/* SPDX-License-Identifier: Apache-2.0 */
/* Rows 23 to 25: what closing waits for. */
#include "tests/conformance/sides.h"

START_TEST (rows_23_25_the_end_waits_for_the_buffer_to_drain)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_emits (sides.producer, 1);
  fake_do (sides.producer, fake_finish);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  fake_look (sides.consumer, "none");
  side_let (sides.consumer, 1);
  fake_look (sides.consumer, "one");
  sides_finish (&sides);
  fake_assert_events (sides.consumer, "open start none take(high) one take(1) end close");
  sides_end (&sides, "open start emit(high) pause FALSE emit(1) FALSE close");
}
END_TEST

START_TEST (rows_23_25_the_end_waits_for_every_registered_producer)
{
  Sides sides = sides_new (_i, &pusher, &taps);
  Fake *second = side_add (sides.rig, _i, "second", WEIR_PRODUCER, &pusher);
  side_link (sides.rig, _i, second, sides.consumer);
  rig_begin (sides.rig);
  fake_emits (sides.producer, 1);
  fake_do (sides.producer, fake_finish);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  side_let (sides.consumer, 1);
  fake_look (sides.consumer, "one_is_left");
  fake_emits (second, 1);
  side_let (sides.consumer, 2);
  fake_look (sides.consumer, "one_is_left");
  fake_do (second, fake_finish);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  fake_assert_events (sides.consumer, "open start take(1) one_is_left take(1) one_is_left end close");
  fake_assert_events (second, "open start emit(1) TRUE close");
  sides_end (&sides, "open start emit(1) TRUE close");
}
END_TEST

/* In Twisted only a pull producer, or a paused one, holds the connection open. */
START_TEST (row_24_an_unpaused_push_producer_holds_it_open)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_look (sides.producer, "silent");
  fake_look (sides.consumer, "open_still");
  ck_assert (!sides.rig->over);
  sides_finish (&sides);
  fake_assert_events (sides.consumer, "open start open_still end close");
  sides_end (&sides, "open start silent close");
}
END_TEST

static WeirNext
done_when_allowed (Fake *fake)
{
  return atomic_load (&fake->allowed) == 0 ? WEIR_WAIT : WEIR_DONE;
}

static const Script waits = { .produce = done_when_allowed };

START_TEST (row_24_a_pull_producer_that_waits_holds_it_open)
{
  Sides sides = sides_begin (_i, &waits, &taps);
  rig_until_noted (sides.rig, sides.producer, "produce", 1);
  fake_look (sides.producer, "silent");
  fake_look (sides.consumer, "open_still");
  ck_assert (!sides.rig->over);
  fake_allow (sides.producer, 1);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  fake_assert_events (sides.consumer, "open start open_still end close");
  sides_end (&sides, "open start produce silent produce close");
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, rows_23_25_the_end_waits_for_the_buffer_to_drain, 0, SETTINGS);
  tcase_add_loop_test (tcase, rows_23_25_the_end_waits_for_every_registered_producer, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_24_an_unpaused_push_producer_holds_it_open, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_24_a_pull_producer_that_waits_holds_it_open, 0, SETTINGS);
}

int
main (void)
{
  return run_suite ("closing", add);
}
