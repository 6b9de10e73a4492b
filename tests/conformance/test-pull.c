/* SPDX-License-Identifier: Apache-2.0 */
/* Rows 13 to 15 and 29 to 33: pull producers. Row 2 is in test-registering.c. */
#include "tests/conformance/sides.h"

static WeirNext
produce_unpaused (Fake *fake)
{
  ck_assert (!weir_stage_paused (fake->stage));
  return produce_high (fake);
}

static const Script deaf_chunks = { .produce = produce_unpaused, .deaf = TRUE };

START_TEST (row_13_pull_producer_without_pause_is_not_asked)
{
  Sides sides = sides_new (_i, &deaf_chunks, &taps);
  sides.producer->most = 2;
  rig_begin (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "FALSE", 1);
  weir_stage_wake (sides.producer->stage); /* carries no news */
  fake_look (sides.producer, "full");
  sides_let (&sides, 1);
  weir_stage_wake (sides.producer->stage);
  fake_look (sides.producer, "full_again");
  sides_finish (&sides);
  sides_end (&sides, "open start produce emit(high) FALSE full produce emit(high) FALSE full_again produce close");
}
END_TEST

/* Twisted asks once each time the buffer has drained. At the defaults half of four is room for two. */
START_TEST (row_14_pull_producer_is_asked_while_there_is_room)
{
  Sides sides = sides_new (_i, &quarters, &taps);
  sides.producer->most = _i == PARITY ? 8 : 6;
  rig_begin (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "pause", 1);
  fake_look (sides.producer, "full");
  sides_let (&sides, setting_at[_i].low);
  fake_look (sides.producer, "full_again");
  sides_finish (&sides);
  sides_end (&sides,
             _i == PARITY
               ? "open start produce emit(high/4) TRUE produce emit(high/4) TRUE produce emit(high/4) TRUE produce "
                 "emit(high/4) pause FALSE full resume produce emit(high/4) TRUE produce emit(high/4) TRUE produce "
                 "emit(high/4) TRUE produce emit(high/4) pause FALSE full_again resume produce close"
               : "open start produce emit(high/4) TRUE produce emit(high/4) TRUE produce emit(high/4) TRUE produce "
                 "emit(high/4) pause FALSE full resume produce emit(high/4) TRUE produce emit(high/4) pause FALSE "
                 "full_again resume produce close");
}
END_TEST

static WeirNext
produce_when_allowed (Fake *fake)
{
  return atomic_load (&fake->allowed) == 0 ? WEIR_WAIT : produce_high (fake);
}

static const Script waits = { .produce = produce_when_allowed };

START_TEST (row_15_pull_producer_with_nothing_waits_and_is_woken)
{
  Sides sides = sides_new (_i, &waits, &taps);
  sides.producer->most = 1;
  rig_begin (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "produce", 1);
  fake_look (sides.producer, "waits");
  fake_look (sides.producer, "waits");
  fake_allow (sides.producer, 1);
  rig_until_noted (sides.rig, sides.producer, "FALSE", 1);
  fake_look (sides.producer, "full");
  sides_finish (&sides);
  sides_end (&sides, "open start produce waits waits produce emit(high) pause FALSE full resume produce close");
}
END_TEST

/* The first fake->next calls emit nothing, and answer MORE all the same. */
static WeirNext
produce_nothing_at_first (Fake *fake)
{
  if (fake->next > 0) {
    fake->next--;
    return WEIR_MORE;
  }
  emit_noted (fake, side_high (fake));
  return WEIR_DONE;
}

static const Script slow_starter = { .produce = produce_nothing_at_first };

START_TEST (row_15_pull_producer_with_nothing_is_asked_again)
{
  Sides sides = sides_new (_i, &slow_starter, &taps);
  sides.producer->next = 3;
  rig_begin (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  sides_finish (&sides);
  sides_end (&sides, "open start produce produce produce produce emit(high) pause FALSE close");
}
END_TEST

START_TEST (row_15_and_does_not_spin)
{
  Sides sides = sides_new (_i, &slow_starter, &taps);
  sides.producer->next = 20;
  gint64 start = g_get_monotonic_time ();
  rig_begin (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  ck_assert_int_ge (g_get_monotonic_time () - start, 31 * 1000); /* 1, 2, 4, 8 and 16 ms behind the 16th to the 20th */
  ck_assert_uint_eq (weir_load_relaxed (&sides.producer->stage->errors), 5);
  sides_finish (&sides);
  sides_end (&sides,
             "open start produce produce produce produce produce produce produce produce produce produce produce "
             "produce produce produce produce produce produce produce produce produce produce emit(high) pause "
             "FALSE close");
}
END_TEST

/* ---- rows 29 to 33 ---- */

START_TEST (rows_29_33_both_kinds_end_in_the_same_link_without_an_adapter)
{
  Sides sides = sides_new (_i, &chunks, &taps);
  Fake *push = side_add (sides.rig, _i, "push", WEIR_PRODUCER, &pusher);
  side_link (sides.rig, _i, push, sides.consumer);
  sides.producer->most = 1;
  ck_assert_ptr_null (weir_pipeline_stage (sides.rig->pipeline, 3));
  ck_assert_ptr_null (weir_pipeline_link_at (sides.rig->pipeline, 2));
  rig_begin (sides.rig);
  fake_emits (push, setting_at[_i].high);
  rig_until_noted (sides.rig, sides.producer, "FALSE", 1);
  fake_look (sides.producer, "full");
  fake_look (push, "full");
  side_let (sides.consumer, 2);
  rig_until_noted (sides.rig, push, "resume", 1);
  fake_do (push, fake_finish);
  sides_finish (&sides);
  fake_assert_events (push, "open start emit(high) pause FALSE full resume close");
  sides_end (&sides, "open start produce emit(high) pause FALSE full resume produce close");
}
END_TEST

/* An adapter that counts its pauses would be left with one. */
START_TEST (rows_29_33_pauses_of_a_pull_producer_do_not_nest)
{
  Sides sides = sides_new (_i, &chunks, &taps);
  sides.producer->most = 1;
  rig_begin (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "FALSE", 1);
  fake_operator_pauses (sides.producer, TRUE);
  fake_operator_pauses (sides.producer, TRUE);
  fake_look (sides.producer, "paused_thrice");
  sides_let (&sides, 1);
  fake_look (sides.producer, "drained");
  fake_operator_pauses (sides.producer, FALSE);
  sides_finish (&sides);
  sides_end (&sides, "open start produce emit(high) pause FALSE paused_thrice drained resume produce close");
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, row_13_pull_producer_without_pause_is_not_asked, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_14_pull_producer_is_asked_while_there_is_room, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_15_pull_producer_with_nothing_waits_and_is_woken, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_15_pull_producer_with_nothing_is_asked_again, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_15_and_does_not_spin, 0, SETTINGS);
  tcase_add_loop_test (tcase, rows_29_33_both_kinds_end_in_the_same_link_without_an_adapter, 0, SETTINGS);
  tcase_add_loop_test (tcase, rows_29_33_pauses_of_a_pull_producer_do_not_nest, 0, SETTINGS);
}

int
main (void)
{
  return run_suite ("pull", add);
}
