/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the end: of the inputs, behind the last record (R10), and early, when a taker has had enough (R16). */
#include "fakes.h"

static void
emit_two (Fake *fake)
{
  fake_emit (fake, "a");
  fake_emit (fake, "b");
}

static void
emit_two_and_finish (Fake *fake)
{
  emit_two (fake);
  fake_finish (fake);
}

/* ---- R10 ---- */

START_TEST (r10_the_end_travels_behind_the_last_record)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *pass = rig_add (rig, "pass", WEIR_TRANSFORM, &passer, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, push, pass, 1);
  rig_link (rig, pass, end, 1);
  rig_begin (rig);
  fake_do (push, emit_two_and_finish);
  rig_until_noted (rig, push, "close", 1);
  fake_allow (end, 2);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, "open start pause close");
  g_autofree char *events = fake_events (end);
  ck_assert_msg (g_str_has_suffix (events, "consume(b) end close"), "%s", events);
  rig_free (rig);
}
END_TEST

START_TEST (r10_end_waits_for_all_inputs)
{
  Rig *rig = rig_new ();
  Fake *a = rig_add (rig, "a", WEIR_PRODUCER, &pusher, NULL);
  Fake *b = rig_add (rig, "b", WEIR_PRODUCER, &pusher, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, a, end, 10);
  rig_link (rig, b, end, 10);
  rig_begin (rig);
  fake_do (a, fake_finish);
  rig_until_noted (rig, a, "close", 1);
  fake_look (end, "goes_on");
  fake_do (b, emit_two_and_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start goes_on consume(a) consume(b) end close");
  rig_free (rig);
}
END_TEST

static WeirNext
flush_all (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *records, G_GNUC_UNUSED gsize count)
{
  return WEIR_MORE;
}

static const Script both = { .consume = take, .flush = flush_all };

START_TEST (r10_end_comes_after_the_flush)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &both, "together");
  rig_link (rig, push, end, 10);
  rig_begin (rig);
  fake_do (push, emit_two_and_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start consume(a) consume(b) flush(2) end close");
  rig_free (rig);
}
END_TEST

static WeirNext
keep_and_hand_on (Fake *fake, const WeirRecord *record)
{
  fake_keep (fake, record);
  return hand_on (fake, record);
}

static WeirNext
note_settle (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_MORE;
}

static const Script keeper = { .consume = keep_and_hand_on, .settle = note_settle };

START_TEST (r10_outputs_end_when_nothing_is_kept)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *pass = rig_add (rig, "pass", WEIR_TRANSFORM, &keeper, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, pass, 10);
  rig_link (rig, pass, end, 10);
  rig_begin (rig);
  fake_do (push, emit_two_and_finish);
  rig_until_noted (rig, pass, "end", 1);
  rig_until_noted (rig, end, "consume(b)", 1);
  fake_look (pass, "kept");
  fake_look (end, "no_end_yet");
  fake_release_all (pass); /* from another thread */
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start consume(a) consume(b) no_end_yet end close");
  ck_assert_uint_eq (fake_count (pass, "end"), 1);
  rig_free (rig);
}
END_TEST

/* ---- R16 ---- */

static WeirNext
enough_at_most (Fake *fake, const WeirRecord *record)
{
  take (fake, record);
  return ++fake->next == fake->most ? WEIR_DONE : WEIR_MORE;
}

static WeirNext
hand_on_most (Fake *fake, const WeirRecord *record)
{
  fake_forward (fake, record);
  return ++fake->next == fake->most ? WEIR_DONE : WEIR_MORE;
}

static const Script head = { .consume = enough_at_most }, head_transform = { .consume = hand_on_most };

START_TEST (r16_enough_stops_all_upstream_to_the_producers)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *pass = rig_add (rig, "pass", WEIR_TRANSFORM, &passer, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &head, NULL);
  pull->most = -1;
  pull->quiet = pass->quiet = TRUE;
  end->most = 3;
  WeirLink *first = rig_link (rig, pull, pass, 10);
  WeirLink *second = rig_link (rig, pass, end, 10);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start consume(0) consume(1) consume(2) close");
  ck_assert_uint_eq (fake_count (pull, "stop"), 1);
  ck_assert_uint_eq (fake_count (pass, "stop"), 1);
  ck_assert_uint_eq (fake_count (pass, "end"), 0);
  WeirLinkFigures figures = figures_of (second);
  ck_assert_uint_eq (figures.out, 3);
  ck_assert_uint_eq (figures.dropped, figures.dropped_by[WEIR_DROP_TAKER_FINISHED]);
  ck_assert_uint_eq (figures.in, 3 + figures.dropped);
  figures = figures_of (first);
  ck_assert_uint_eq (figures.in, (guint64) pull->next);
  ck_assert_uint_eq (figures.queued, 0);
  rig_free (rig);
}
END_TEST

START_TEST (r16_enough_of_one_taker_leaves_the_others)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *few = rig_add (rig, "few", WEIR_CONSUMER, &head, NULL);
  Fake *all = rig_add (rig, "all", WEIR_CONSUMER, &taker, NULL);
  pull->most = 500;
  pull->quiet = all->quiet = TRUE;
  few->most = 3;
  WeirLink *link = rig_link (rig, pull, few, 4);
  rig_link (rig, pull, all, 4);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&all->counted), 500);
  ck_assert_uint_eq (fake_count (pull, "stop"), 0);
  WeirLinkFigures figures = figures_of (link);
  ck_assert_uint_eq (figures.in, 500);
  ck_assert_uint_eq (figures.out, 3);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_TAKER_FINISHED], 497);
  fake_assert_events (few, "open start consume(0) consume(1) consume(2) close");
  rig_free (rig);
}
END_TEST

START_TEST (r16_a_transform_may_have_enough)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *few = rig_add (rig, "few", WEIR_TRANSFORM, &head_transform, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  pull->most = -1;
  pull->quiet = TRUE;
  few->most = 2;
  rig_link (rig, pull, few, 4);
  rig_link (rig, few, end, 1);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start consume(0) consume(1) end close");
  ck_assert_uint_eq (fake_count (few, "end") + fake_count (few, "stop"), 0);
  ck_assert_uint_eq (fake_count (pull, "stop"), 1);
  rig_free (rig);
}
END_TEST

static WeirNext
enough_in_flush (Fake *fake, G_GNUC_UNUSED const WeirRecord *records, G_GNUC_UNUSED gsize count)
{
  fake->enough = TRUE;
  return WEIR_DONE;
}

static const Script flush_head = { .flush = enough_in_flush };

START_TEST (r16_flush_may_have_enough)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &flush_head, NULL);
  pull->most = -1;
  pull->quiet = end->quiet = TRUE;
  rig_link (rig, pull, end, 4);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start close");
  rig_free (rig);
}
END_TEST

START_TEST (r16_rejected_keeps_no_stage_alive)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *pass = rig_add (rig, "pass", WEIR_TRANSFORM, &passer, NULL);
  Fake *few = rig_add (rig, "few", WEIR_CONSUMER, &head, NULL);
  Fake *bad = rig_add (rig, "bad", WEIR_CONSUMER, &taker, NULL);
  pull->most = -1;
  pull->quiet = pass->quiet = TRUE;
  few->most = 2;
  rig_link (rig, pull, pass, 4);
  rig_link (rig, pass, few, 4);
  rig_link_with (rig, pass, WEIR_PORT_REJECTED, bad, queue_of (4));
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (bad, "open start end close");
  ck_assert_uint_eq (fake_count (pass, "stop"), 1);
  rig_free (rig);
}
END_TEST

static Gate gate = GATE_CLOSED;

static WeirNext
keep_first_enough_at_most (Fake *fake, const WeirRecord *record)
{
  fake_keep (fake, record);
  return ++fake->next == fake->most ? WEIR_DONE : WEIR_MORE;
}

static WeirNext
open_gate (G_GNUC_UNUSED Fake *fake)
{
  gate_open (&gate);
  return WEIR_MORE;
}

/* Emits two; and more, once its taker has had enough and is being settled. */
static WeirNext
produce_around_gate (Fake *fake)
{
  if (fake->next < 2) {
    return produce_number (fake);
  }
  gate_pass (&gate);
  for (guint i = 0; i < 100; i++) {
    fake_emit (fake, "late");
  }
  fake_flag (fake, 1);
  return WEIR_MORE;
}

static const Script keeping_head = { .consume = keep_first_enough_at_most, .settle = open_gate };
static const Script around_gate = { .produce = produce_around_gate };

START_TEST (r16_what_is_kept_is_settled_and_nothing_more_is_consumed)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &around_gate, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &keeping_head, NULL);
  pull->most = -1;
  end->most = 2;
  WeirLink *link = rig_link (rig, pull, end, 2);
  rig_start (rig);
  rig_until_noted (rig, end, "settle", 1);
  rig_until_noted (rig, pull, "close", 1);
  fake_look (end, "kept");
  fake_do (end, fake_release_all);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start consume(0) consume(1) settle kept close");
  WeirLinkFigures figures = figures_of (link);
  ck_assert_uint_eq (figures.out, 2);
  ck_assert_uint_eq (figures.in, figures.out + figures.dropped_by[WEIR_DROP_TAKER_FINISHED]);
  rig_free (rig);
}
END_TEST

static WeirNext
finish_at_once (Fake *fake)
{
  fake_finish (fake);
  return WEIR_MORE;
}

static const Script no_thanks = { .start = finish_at_once, .consume = take };

START_TEST (r16_a_stage_whose_takers_ended_before_its_start_gets_only_stop)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &no_thanks, "together");
  pull->most = -1;
  rig_link (rig, pull, end, 2);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start close");
  fake_assert_events (pull, "open stop close");
  rig_free (rig);
}
END_TEST

START_TEST (r16_a_paused_producer_is_stopped_without_a_resume)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *few = rig_add (rig, "few", WEIR_CONSUMER, &valve, NULL);
  pull->most = -1;
  rig_link (rig, pull, few, 2);
  rig_begin (rig);
  rig_until_noted (rig, pull, "pause", 1);
  fake_do (few, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (pull, "open start produce produce pause stop close");
  rig_free (rig);
}
END_TEST

static void
have_enough (Fake *fake)
{
  weir_stage_enough (fake->stage);
}

static WeirNext
enough_in_callback (Fake *fake)
{
  have_enough (fake);
  return WEIR_MORE;
}

static const Script enough_in_open = { .open = enough_in_callback, .consume = take };
static const Script enough_in_end = { .consume = take, .end = enough_in_callback };

START_TEST (r16_enough_may_be_said_while_nothing_is_at_hand)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *few = rig_add (rig, "few", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, few, 10);
  rig_begin (rig);
  fake_do (few, have_enough);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, "open start stop close");
  fake_assert_events (few, "open start close");
  rig_free (rig);
}
END_TEST

START_TEST (r16_enough_may_be_said_before_the_start)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *few = rig_add (rig, "few", WEIR_CONSUMER, &enough_in_open, NULL);
  rig_link (rig, push, few, 10);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (fake_count (few, "close"), 1);
  rig_free (rig);
}
END_TEST

START_TEST (r16_enough_behind_the_end_changes_nothing)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *few = rig_add (rig, "few", WEIR_CONSUMER, &enough_in_end, NULL);
  rig_link (rig, push, few, 10);
  rig_begin (rig);
  fake_do (push, emit_two_and_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (few, "open start consume(a) consume(b) end close");
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r10_the_end_travels_behind_the_last_record);
  tcase_add_test (tcase, r10_end_waits_for_all_inputs);
  tcase_add_test (tcase, r10_end_comes_after_the_flush);
  tcase_add_test (tcase, r10_outputs_end_when_nothing_is_kept);
  tcase_add_test (tcase, r16_enough_stops_all_upstream_to_the_producers);
  tcase_add_test (tcase, r16_enough_of_one_taker_leaves_the_others);
  tcase_add_test (tcase, r16_a_transform_may_have_enough);
  tcase_add_test (tcase, r16_flush_may_have_enough);
  tcase_add_test (tcase, r16_rejected_keeps_no_stage_alive);
  tcase_add_test (tcase, r16_what_is_kept_is_settled_and_nothing_more_is_consumed);
  tcase_add_test (tcase, r16_a_stage_whose_takers_ended_before_its_start_gets_only_stop);
  tcase_add_test (tcase, r16_a_paused_producer_is_stopped_without_a_resume);
  tcase_add_test (tcase, r16_enough_may_be_said_while_nothing_is_at_hand);
  tcase_add_test (tcase, r16_enough_may_be_said_before_the_start);
  tcase_add_test (tcase, r16_enough_behind_the_end_changes_nothing);
}

int
main (void)
{
  return run_suite ("rules-end", add);
}
