/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of origins in the life of their producer: begun in any callback, told while it is paused and behind its stop, in order where the
 * role says so, and abandoned where it fails, a taker fails, or the deadline passes. */
#include "delivery.h"

/* ---- the end ---- */

START_TEST (a_stop_waits_for_what_is_open)
{
  Way way = way_begin (&pusher_under, &keeper, 10);
  fake_do (way.push, emit_a_under);
  rig_until_noted (way.rig, way.end, "consume(a)", 1);
  rig_stop (way.rig);
  rig_until_noted (way.rig, way.push, "stop", 1);
  rig_until_noted (way.rig, way.end, "settle", 1);
  fake_look (way.push, "looked");
  fake_assert_events (way.push, "open start stop looked");
  fake_do (way.end, fake_release_all);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (way.push, "open start stop looked delivered(a,DELIVERED) close");
  rig_free (way.rig);
}
END_TEST

START_TEST (its_own_end_waits_for_what_is_open)
{
  Way way = way_begin (&pusher_under, &keeper, 10);
  fake_do (way.push, emit_a_under);
  fake_do (way.push, fake_finish);
  rig_until_noted (way.rig, way.end, "end", 1);
  fake_look (way.push, "looked");
  fake_assert_events (way.push, "open start looked");
  fake_do (way.end, fake_release_all);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_DONE);
  fake_assert_events (way.push, "open start looked delivered(a,DELIVERED) close");
  rig_free (way.rig);
}
END_TEST

START_TEST (the_deadline_abandons_what_is_open)
{
  Way way = way_with (&pusher_under, _i == 0 ? &valve : &keeper, queue_of (10));
  weir_pipeline_set_shutdown (way.rig->pipeline, 20 * 1000);
  rig_begin (way.rig);
  fake_do (way.push, emit_a_under);
  rig_until_noted (way.rig, way.end, "consume(a)", 1);
  rig_stop (way.rig);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_UNDELIVERED);
  fake_assert_events (way.push, "open start stop delivered(a,ABANDONED) close");
  rig_free (way.rig);
}
END_TEST

static void
begin_and_emit (Fake *fake)
{
  fake_begin (fake, "a");
  fake_emit (fake, "a");
}

START_TEST (a_stop_abandons_what_was_not_ended)
{
  Way way = way_begin (&pusher_under, &taker, 10);
  fake_do (way.push, begin_and_emit);
  fake_look (way.push, NULL);
  rig_stop (way.rig);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (way.push, "open start stop delivered(a,ABANDONED) close");
  rig_free (way.rig);
}
END_TEST

static const Script ends_in_stop = { .stop = fake_end, .delivered = be_told };

START_TEST (unless_it_ends_it_in_its_stop)
{
  Way way = way_begin (&ends_in_stop, &taker, 10);
  fake_do (way.push, begin_and_emit);
  fake_look (way.push, NULL);
  rig_stop (way.rig);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (way.push, "open start stop delivered(a,DELIVERED) close");
  rig_free (way.rig);
}
END_TEST

/* ---- in every callback ---- */

static WeirNext
open_under (Fake *fake)
{
  fake_begin (fake, "open");
  fake_end (fake);
  return WEIR_MORE;
}

static WeirNext
start_under (Fake *fake)
{
  fake_emit_under (fake, "start");
  return WEIR_MORE;
}

static WeirNext
produce_under (Fake *fake)
{
  if (fake->next == fake->most) {
    return WEIR_WAIT;
  }
  fake->next++;
  fake_emit_under (fake, "produce");
  return WEIR_MORE;
}

static void
pause_under (Fake *fake)
{
  fake_begin (fake, "pause");
  fake_end (fake);
}

static void
resume_under (Fake *fake)
{
  fake_emit_under (fake, "resume");
}

static void
told_under (Fake *fake, const char *token, G_GNUC_UNUSED WeirOutcome outcome)
{
  if (g_str_equal (token, "start")) {
    fake_emit_under (fake, "delivered");
  } else if (g_str_equal (token, "stop")) {
    fake_emit_under (fake, "after");
  }
}

static void
stop_under (Fake *fake)
{
  fake_begin (fake, "stop");
}

static const Script everywhere = { .open = open_under,
                                   .start = start_under,
                                   .produce = produce_under,
                                   .pause = pause_under,
                                   .resume = resume_under,
                                   .delivered = told_under,
                                   .stop = stop_under };

START_TEST (it_is_begun_in_each_callback)
{
  static const char *const here[] = { "open", "start", "produce", "pause", "resume", "delivered" };
  Way way = way_with (&everywhere, &taker, queue_of (10));
  way.push->most = 1;
  rig_begin (way.rig);
  rig_until_noted (way.rig, way.push, "delivered(delivered,DELIVERED)", 1);
  fake_operator_pauses (way.push, TRUE);
  rig_until_noted (way.rig, way.push, "delivered(pause,DELIVERED)", 1);
  fake_operator_pauses (way.push, FALSE);
  rig_until_noted (way.rig, way.push, "delivered(resume,DELIVERED)", 1);
  rig_stop (way.rig);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_STOPPED);
  for (guint i = 0; i < G_N_ELEMENTS (here); i++) {
    g_autofree char *event = g_strdup_printf ("delivered(%s,DELIVERED)", here[i]);
    ck_assert_msg (fake_count (way.push, event) == 1, "%s", event);
  }
  ck_assert_uint_eq (fake_count (way.push, "delivered(stop,ABANDONED)"), 1);
  ck_assert_uint_eq (fake_count (way.push, "delivered(after,ABANDONED)"), 1);
  rig_free (way.rig);
}
END_TEST

/* ---- order ---- */

static const Script in_order = { .delivered = be_told, .flags = WEIR_IN_ORDER };

static WeirNext
sort_out (Fake *fake, const WeirRecord *record)
{
  weir_stage_set_port (fake->stage, record->data[0] == 'a' ? 0 : 1);
  return hand_on (fake, record);
}

static const char *const sides[] = { "left", "right", NULL };
static const Script sorter = { .consume = sort_out, .ports = sides };

START_TEST (they_are_over_in_any_order_and_told_in_theirs_where_it_is_flagged)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, _i == 0 ? &pusher_under : &in_order, NULL);
  Fake *sort = rig_add (rig, "sort", WEIR_TRANSFORM, &sorter, NULL);
  Fake *left = rig_add (rig, "left", WEIR_CONSUMER, &keeper, NULL);
  Fake *right = rig_add (rig, "right", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, sort, 10);
  rig_link_with (rig, sort, 0, left, queue_of (10));
  rig_link_with (rig, sort, 1, right, queue_of (10));
  rig_begin (rig);
  fake_do (push, emit_abc);
  rig_until_noted (rig, right, "consume(c)", 1);
  rig_until_noted (rig, left, "consume(a)", 1);
  if (_i == 0) {
    rig_until_told (rig, push, WEIR_DELIVERED, 2);
  }
  fake_look (right, NULL);
  fake_look (push, "looked");
  ck_assert_int_eq (atomic_load (&push->told[WEIR_DELIVERED]), _i == 0 ? 2 : 0);
  fake_do (left, fake_release_all);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  g_autofree char *events = fake_events (push);
  if (_i == 0) {
    ck_assert_uint_eq (fake_count (push, "delivered(a,DELIVERED)"), 1);
    ck_assert (g_str_has_suffix (events, "looked delivered(a,DELIVERED) close"));
  } else {
    ck_assert_str_eq (events,
                      "open start looked delivered(a,DELIVERED) delivered(b,DELIVERED) delivered(c,DELIVERED) close");
  }
  rig_free (rig);
}
END_TEST

START_TEST (a_paused_producer_is_told)
{
  Way way = way_begin (&pusher_under, &keeper, 3);
  fake_do (way.push, emit_abc);
  rig_until_noted (way.rig, way.push, "pause", 1);
  rig_until_noted (way.rig, way.end, "consume(c)", 1);
  fake_operator_pauses (way.push, TRUE);
  fake_do (way.end, fake_release_all);
  rig_until_noted (way.rig, way.push, "delivered(c,DELIVERED)", 1);
  ck_assert_uint_eq (fake_count (way.push, "resume"), 0);
  fake_operator_pauses (way.push, FALSE);
  rig_until_noted (way.rig, way.push, "resume", 1);
  way_finish (&way);
  rig_free (way.rig);
}
END_TEST

START_TEST (ten_thousand_are_told)
{
  Way way = way_with (&numbers_under, &taker, queue_of (_i == 0 ? 7 : 20000));
  way.push->most = 10000;
  way.push->quiet = way.end->quiet = TRUE;
  ck_assert_int_eq (rig_run (way.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&way.push->told[WEIR_DELIVERED]), 10000);
  rig_free (way.rig);
}
END_TEST

/* ---- failures ---- */

static void
emit_and_fail (Fake *fake)
{
  emit_a_under (fake);
  fake_begin (fake, "b");
  fail_now (fake);
}

START_TEST (its_own_failure_abandons_what_is_open)
{
  Way way = way_begin (&pusher_under, &keeper, 10);
  fake_do (way.push, emit_and_fail);
  rig_until_noted (way.rig, way.push, "close", 1);
  fake_assert_events (way.push, "open start delivered(a,ABANDONED) delivered(b,ABANDONED) close");
  rig_until_noted (way.rig, way.end, "consume(a)", 1);
  fake_do (way.end, fake_release_all); /* and nobody is told again */
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_FAILED);
  rig_free (way.rig);
}
END_TEST

static WeirNext
keep_one_and_wait (Fake *fake, const WeirRecord *record)
{
  if (fake->kept->len > 0) {
    return WEIR_WAIT;
  }
  return keep (fake, record);
}

static const Script waits_and_fails = { .consume = keep_one_and_wait, .settle = settle_later };

START_TEST (the_failure_of_a_taker_abandons_what_lies_before_it)
{
  Way way = way_begin (&pusher_under, &waits_and_fails, 10);
  fake_do (way.push, emit_abc);
  rig_until_noted (way.rig, way.end, "consume(b)", 1);
  fake_do (way.end, fail_now);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_FAILED);
  ck_assert_int_eq (atomic_load (&way.push->told[WEIR_ABANDONED]), 3);
  ck_assert_uint_eq (fake_count (way.push, "close"), 1);
  rig_free (way.rig);
}
END_TEST

/* Emits, and is not through with the callback while the gate is closed. */
static void
emit_a_and_pass (Fake *fake)
{
  emit_a_under (fake);
  fake_flag (fake, 1);
  gate_pass (fake->data);
}

/* What is published behind its failure. */
START_TEST (the_failure_of_a_taker_abandons_what_comes_behind_it)
{
  Gate gate = GATE_CLOSED;
  Way way = way_begin (&pusher_under, &keeper, 10);
  way.push->data = &gate;
  fake_do (way.push, emit_a_and_pass);
  rig_until_flag (way.rig, way.push, 1);
  fake_do (way.end, fail_now);
  rig_until_noted (way.rig, way.end, "close", 1);
  gate_open (&gate);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_FAILED);
  ck_assert (!way.rig->late);
  ck_assert_uint_eq (fake_count (way.push, "delivered(a,ABANDONED)"), 1);
  rig_free (way.rig);
}
END_TEST

/* What a stage in between has not taken, which nobody is left to take from. */
START_TEST (the_failure_of_a_taker_abandons_what_lies_further_up)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher_under, NULL);
  Fake *between = rig_add (rig, "between", WEIR_TRANSFORM, &valve, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, between, 10);
  rig_link (rig, between, end, 10);
  rig_begin (rig);
  fake_do (push, emit_abc);
  rig_until_noted (rig, between, "consume(a)", 1);
  fake_do (end, fail_now);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_FAILED);
  ck_assert (!rig->late);
  ck_assert_int_eq (atomic_load (&push->told[WEIR_ABANDONED]), 3);
  rig_free (rig);
}
END_TEST

static WeirNext
reject (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return weir_stage_reject (fake->stage, "bad");
}

static const Script rejecter = { .consume = reject };

START_TEST (what_is_rejected_and_kept_by_nobody_is_told_so_or_abandoned)
{
  Way way = way_begin (&pusher_under, &rejecter, 10);
  fake_do (way.push, emit_a_under);
  ck_assert_int_eq (rig_finish (way.rig), WEIR_RESULT_FAILED);
  ck_assert_int_eq (atomic_load (&way.push->told[WEIR_REJECTED]) + atomic_load (&way.push->told[WEIR_ABANDONED]), 1);
  rig_free (way.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, a_stop_waits_for_what_is_open);
  tcase_add_test (tcase, its_own_end_waits_for_what_is_open);
  tcase_add_loop_test (tcase, the_deadline_abandons_what_is_open, 0, 2);
  tcase_add_test (tcase, a_stop_abandons_what_was_not_ended);
  tcase_add_test (tcase, unless_it_ends_it_in_its_stop);
  tcase_add_test (tcase, it_is_begun_in_each_callback);
  tcase_add_loop_test (tcase, they_are_over_in_any_order_and_told_in_theirs_where_it_is_flagged, 0, 2);
  tcase_add_test (tcase, a_paused_producer_is_told);
  tcase_add_loop_test (tcase, ten_thousand_are_told, 0, 2);
  tcase_add_test (tcase, its_own_failure_abandons_what_is_open);
  tcase_add_test (tcase, the_failure_of_a_taker_abandons_what_lies_before_it);
  tcase_add_test (tcase, the_failure_of_a_taker_abandons_what_comes_behind_it);
  tcase_add_test (tcase, the_failure_of_a_taker_abandons_what_lies_further_up);
  tcase_add_test (tcase, what_is_rejected_and_kept_by_nobody_is_told_so_or_abandoned);
}

int
main (void)
{
  return run_suite ("origins-life", add);
}
