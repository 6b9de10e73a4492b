/* SPDX-License-Identifier: Apache-2.0 */
/* Quirks of Twisted that cannot happen here, each shown not to. */
#include "tests/conformance/sides.h"

START_TEST (quirk_a_pull_producer_paused_twice_and_resumed_once_is_asked_again)
{
  Sides sides = sides_new (_i, &chunks, &taps);
  Fake *other = side_add (sides.rig, _i, "other", WEIR_CONSUMER, &taps);
  side_link (sides.rig, _i, sides.producer, other);
  sides.producer->most = 2;
  rig_begin (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "FALSE", 1);
  fake_look (sides.producer, "both_full");
  side_let (other, 1);
  fake_look (sides.producer, "one_full");
  sides_let (&sides, 1);
  fake_look (sides.producer, "both_full_again");
  fake_allow (other, 2);
  sides_finish (&sides);
  sides_end (&sides,
             "open start produce emit(high) pause FALSE both_full one_full resume produce emit(high) pause FALSE "
             "both_full_again resume produce close");
}
END_TEST

/* A producer that is over while its link is full leaves no flag to the next one. */
START_TEST (quirk_no_paused_flag_outlives_its_producer)
{
  Sides sides = sides_new (_i, &pusher, &taps);
  Fake *next = side_add (sides.rig, _i, "next", WEIR_PRODUCER, &pusher);
  WeirLink *link = side_link (sides.rig, _i, next, sides.consumer);
  rig_begin (sides.rig);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_do (sides.producer, fake_finish);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  fake_look (next, "before");
  fake_emits (next, 1);
  side_let (sides.consumer, 2);
  weir_stage_wake (next->stage);
  fake_look (next, "drained");
  fake_emits (next, setting_at[_i].high);
  side_let (sides.consumer, 3);
  fake_look (next, NULL);
  fake_do (next, fake_finish);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (link).pauses, 1);
  fake_assert_events (next, "open start before emit(1) TRUE drained emit(high) pause FALSE resume close");
  sides_end (&sides, "open start emit(high) pause FALSE close");
}
END_TEST

START_TEST (quirk_a_producer_that_joins_over_the_mark_is_paused_before_its_next_write)
{
  Sides sides = sides_new (_i, &pusher, &taps);
  link_fill (sides.link, setting_at[_i].high);
  rig_begin (sides.rig);
  fake_look (sides.producer, "nothing_written");
  sides_let (&sides, 1);
  fake_look (sides.producer, "drained");
  sides_finish (&sides);
  sides_end (&sides, "open start pause nothing_written resume drained close");
}
END_TEST

START_TEST (quirk_the_level_does_not_count_what_is_done)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  for (gint64 i = 1; i <= 3; i++) {
    fake_emits (sides.producer, setting_at[_i].high - 1);
    sides_let (&sides, i);
  }
  for (gint64 i = 4; i <= 8; i++) {
    fake_emits (sides.producer, (setting_at[_i].high + 3) / 4); /* three of them lie there at most */
    sides_let (&sides, MAX (i - 2, 3));
  }
  sides_finish (&sides);
  ck_assert_uint_eq (figures_of (sides.link).pauses, 0);
  sides_end (&sides, "open start emit(high-1) TRUE emit(high-1) TRUE emit(high-1) TRUE emit(high/4) TRUE emit(high/4) "
                     "TRUE emit(high/4) TRUE emit(high/4) TRUE emit(high/4) TRUE close");
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, quirk_a_pull_producer_paused_twice_and_resumed_once_is_asked_again, 0, SETTINGS);
  tcase_add_loop_test (tcase, quirk_no_paused_flag_outlives_its_producer, 0, SETTINGS);
  tcase_add_loop_test (tcase, quirk_a_producer_that_joins_over_the_mark_is_paused_before_its_next_write, 0, SETTINGS);
  tcase_add_loop_test (tcase, quirk_the_level_does_not_count_what_is_done, 0, SETTINGS);
}

int
main (void)
{
  return run_suite ("quirks", add);
}
