/* SPDX-License-Identifier: Apache-2.0 */
/* Rows 18 to 22 and 26: how a producer and its consumer part: by themselves, by loss, by having had enough. */
#include "figures.h"
#include "tests/conformance/sides.h"

/* ---- unregistering ---- */

static void
finish_and_emit (Fake *fake)
{
  fake_finish (fake);
  fake_note (fake, "finished");
  emit_noted (fake, 1);
}

static WeirNext
finish_in_start (Fake *fake)
{
  finish_and_emit (fake);
  return WEIR_MORE;
}

static WeirNext
finish_in_produce (Fake *fake)
{
  finish_and_emit (fake);
  return WEIR_MORE;
}

static const Script finishes_in_start = { .start = finish_in_start },
                    finishes_in_produce = { .produce = finish_in_produce };
static const Script finishes_in_pause = { .pause = finish_and_emit },
                    finishes_in_resume = { .resume = finish_and_emit };
static const Script finishes_in_stop = { .stop = finish_and_emit };

START_TEST (row_18_finish_inside_pause_is_safe)
{
  Sides sides = sides_begin (_i, &finishes_in_pause, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  fake_allow (sides.consumer, 2);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  fake_assert_events (sides.consumer, "open start take(high) end close");
  /* The emit that it is inside of returns before anything follows. */
  sides_end (&sides, "open start emit(high) pause finished emit(1) FALSE FALSE close");
}
END_TEST

START_TEST (row_18_finish_inside_resume_is_safe)
{
  Sides sides = sides_begin (_i, &finishes_in_resume, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_allow (sides.consumer, 2);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  fake_assert_events (sides.consumer, "open start take(high) end close");
  sides_end (&sides, "open start emit(high) pause FALSE resume finished emit(1) FALSE close");
}
END_TEST

static const struct {
  const Script *script;
  const char *events;
} anywhere[] = {
  { &finishes_in_start, "open start finished emit(1) FALSE close" },
  { &finishes_in_produce, "open start produce finished emit(1) FALSE close" },
};

START_TEST (row_18_finish_inside_any_other_callback_is_safe)
{
  Sides sides = sides_new (_i % SETTINGS, anywhere[_i / SETTINGS].script, &taps);
  ck_assert_int_eq (rig_run (sides.rig), WEIR_RESULT_DONE);
  fake_assert_events (sides.consumer, "open start end close");
  sides_end (&sides, anywhere[_i / SETTINGS].events);
}
END_TEST

START_TEST (row_18_finish_inside_stop_is_safe)
{
  Sides sides = sides_begin (_i, &finishes_in_stop, &taps);
  rig_stop (sides.rig);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (sides.consumer, "open start end close");
  sides_end (&sides, "open start stop finished emit(1) FALSE close");
}
END_TEST

START_TEST (row_19_a_push_producer_that_finishes_gets_no_stop)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, 1);
  fake_do (sides.producer, fake_finish);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  rig_stop (sides.rig); /* nor when all the rest is stopped */
  fake_allow (sides.consumer, 1);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (sides.consumer, "open start take(1) end close");
  sides_end (&sides, "open start emit(1) TRUE close");
}
END_TEST

START_TEST (row_19_a_pull_producer_that_is_done_gets_no_stop)
{
  Sides sides = sides_new (_i, &quarters, &taps);
  sides.producer->most = 1;
  rig_begin (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  rig_stop (sides.rig);
  fake_allow (sides.consumer, 1);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (sides.consumer, "open start take(high/4) end close");
  sides_end (&sides, "open start produce emit(high/4) TRUE produce close");
}
END_TEST

/* ---- loss ---- */

static void
break_down (Fake *fake)
{
  weir_stage_fail (fake->stage, "connection lost");
}

START_TEST (row_20_a_consumer_that_fails_stops_its_paused_producer_once)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_look (sides.consumer, NULL);
  fake_do (sides.consumer, break_down);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (sides.rig->failure, "consumer: connection lost");
  fake_assert_events (sides.consumer, "open start close");
  sides_end (&sides, "open start emit(high) pause FALSE stop close");
}
END_TEST

START_TEST (row_20_a_consumer_that_is_over_stops_its_paused_producer_once)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_do (sides.consumer, fake_finish);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  fake_assert_events (sides.consumer, "open start close");
  sides_end (&sides, "open start emit(high) pause FALSE stop close");
}
END_TEST

START_TEST (row_20_a_stop_of_all_stops_a_paused_producer_once)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  rig_stop (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  fake_allow (sides.consumer, 1);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (sides.consumer, "open start take(high) end close");
  sides_end (&sides, "open start emit(high) pause FALSE stop close");
}
END_TEST

static _Atomic gint said;

static GLogWriterOutput
count_refusals (G_GNUC_UNUSED GLogLevelFlags level, const GLogField *fields, gsize count, G_GNUC_UNUSED gpointer data)
{
  for (gsize i = 0; i < count; i++) {
    if (g_str_equal (fields[i].key, "MESSAGE")) {
      ck_assert_str_eq (fields[i].value,
                        "producer (fake, producer): emitted after its end or outside its running time; "
                        "such records are refused and counted");
      atomic_fetch_add (&said, 1);
    }
  }
  return G_LOG_WRITER_HANDLED;
}

static void
emit_two (Fake *fake)
{
  emit_noted (fake, 1);
  emit_noted (fake, 1);
}

static const Script writes_in_stop = { .stop = emit_two }, writes_in_close = { .close = emit_two };

START_TEST (row_21_emit_inside_stop_is_refused_counted_and_said_once)
{
  g_log_set_writer_func (count_refusals, NULL, NULL);
  Sides sides = sides_begin (_i, &writes_in_stop, &taps);
  fake_do (sides.consumer, fake_finish);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (weir_load_relaxed (&sides.producer->stage->refused), 2);
  ck_assert_int_eq (atomic_load (&said), 1);
  ck_assert_uint_eq (figures_of (sides.link).in, 0);
  sides_end (&sides, "open start stop emit(1) FALSE emit(1) FALSE close");
}
END_TEST

START_TEST (row_22_what_is_written_after_the_end_is_refused_and_counted)
{
  g_log_set_writer_func (count_refusals, NULL, NULL);
  Sides sides = sides_begin (_i, &writes_in_close, &taps);
  fake_do (sides.consumer, fake_finish);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  WeirStageFigures figures;
  weir_stage_figures (sides.producer->stage, &figures);
  ck_assert_uint_eq (figures.refused, 2); /* in each summary */
  ck_assert_int_eq (atomic_load (&said), 1);
  sides_end (&sides, "open start stop close emit(1) FALSE emit(1) FALSE");
}
END_TEST

START_TEST (row_22_what_is_written_to_a_lost_consumer_is_counted_on_its_link)
{
  Sides sides = sides_new (_i, &pusher, &taps);
  Fake *other = side_add (sides.rig, _i, "other", WEIR_CONSUMER, &taps);
  side_link (sides.rig, _i, sides.producer, other);
  rig_begin (sides.rig);
  fake_emits (sides.producer, 1);
  fake_do (sides.consumer, fake_finish);
  rig_until_noted (sides.rig, sides.consumer, "close", 1);
  fake_look (sides.producer, "lost");
  fake_emits (sides.producer, 1);
  fake_emits (sides.producer, 1);
  fake_allow (other, 3);
  sides_finish (&sides);
  WeirLinkFigures figures = figures_of (sides.link);
  ck_assert_uint_eq (figures.in, 3);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_TAKER_FINISHED], 3);
  fake_assert_events (other, "open start take(1) take(1) take(1) end close");
  sides_end (&sides, "open start emit(1) TRUE lost emit(1) TRUE emit(1) TRUE close");
}
END_TEST

/* ---- enough ---- */

static WeirNext
take_one (Fake *fake, const WeirRecord *record)
{
  note_size (fake, "take", record->size);
  return WEIR_DONE;
}

static const Script one_taker = { .consume = take_one };

START_TEST (row_26_a_consumer_that_has_enough_closes_its_links_and_stops_who_nobody_else_needs)
{
  Sides sides = sides_new (_i, &pusher, &one_taker);
  Fake *needed = side_add (sides.rig, _i, "needed", WEIR_PRODUCER, &pusher);
  Fake *other = side_add (sides.rig, _i, "other", WEIR_CONSUMER, &taps);
  WeirLink *link = side_link (sides.rig, _i, needed, sides.consumer);
  side_link (sides.rig, _i, needed, other);
  rig_begin (sides.rig);
  fake_emits (sides.producer, setting_at[_i].high - 1);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  rig_until_noted (sides.rig, sides.consumer, "close", 1);
  fake_emits (needed, 1);
  fake_do (needed, fake_finish);
  fake_allow (other, 1);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  fake_assert_events (sides.consumer, "open start take(high-1) close");
  fake_assert_events (needed, "open start emit(1) TRUE close");
  fake_assert_events (other, "open start take(1) end close");
  ck_assert_uint_eq (figures_of (link).dropped_by[WEIR_DROP_TAKER_FINISHED], 1);
  sides_end (&sides, "open start emit(high-1) TRUE stop close");
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, row_18_finish_inside_pause_is_safe, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_18_finish_inside_resume_is_safe, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_18_finish_inside_any_other_callback_is_safe, 0, 2 * SETTINGS);
  tcase_add_loop_test (tcase, row_18_finish_inside_stop_is_safe, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_19_a_push_producer_that_finishes_gets_no_stop, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_19_a_pull_producer_that_is_done_gets_no_stop, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_20_a_consumer_that_fails_stops_its_paused_producer_once, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_20_a_consumer_that_is_over_stops_its_paused_producer_once, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_20_a_stop_of_all_stops_a_paused_producer_once, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_21_emit_inside_stop_is_refused_counted_and_said_once, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_22_what_is_written_after_the_end_is_refused_and_counted, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_22_what_is_written_to_a_lost_consumer_is_counted_on_its_link, 0, SETTINGS);
  tcase_add_loop_test (tcase, row_26_a_consumer_that_has_enough_closes_its_links_and_stops_who_nobody_else_needs, 0,
                       SETTINGS);
}

int
main (void)
{
  return run_suite ("loss", add);
}
