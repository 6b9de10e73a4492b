/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of "on_error": "restart": a stage that has failed is closed, opened and started again; its links stay, what it has not given
 * back is handed out again in order, and nothing is lost. rig_free() looks at every ledger, the fakes at each life. */
#include "restarts.h"

typedef struct {
  Rig *rig;
  Fake *pull, *end;
  WeirLink *link;
} Ends;

static Ends
ends_new (const Script *script, guint64 records, gint64 most)
{
  Ends ends = { .rig = rig_new () };
  ends.pull = rig_add (ends.rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  ends.end = rig_add (ends.rig, "end", WEIR_CONSUMER, script, NULL);
  ends.link = rig_link (ends.rig, ends.pull, ends.end, records);
  ends.pull->most = most;
  ends.end->most = 1;
  rig_restarts (ends.end);
  return ends;
}

static void
ends_run (Ends *ends)
{
  ck_assert_int_eq (rig_run (ends->rig), WEIR_RESULT_DONE);
  ck_assert_ptr_null (ends->rig->failure);
  ck_assert_uint_eq (figures_of (ends->link).out, (guint64) ends->pull->most);
}

static WeirNext
fail_at_three (Fake *fake, const WeirRecord *record)
{
  return is_text (record, "3") && is_to_fail (fake) ? break_down (fake) : take (fake, record);
}

static const Script fails_at_three = { .consume = fail_at_three };

START_TEST (the_record_at_hand_is_offered_again)
{
  Ends ends = ends_new (&fails_at_three, 100, 5);
  ends_run (&ends);
  fake_assert_events (ends.end, "open start consume(0) consume(1) consume(2) consume(3) close "
                                "open start consume(3) consume(4) end close");
  ck_assert_uint_eq (weir_restart_count (ends.end->stage), 1);
  ck_assert_uint_eq (weir_restart_redelivered (ends.end->stage), 0); /* it had not been taken */
  rig_free (ends.rig);
}
END_TEST

START_TEST (as_often_as_it_fails)
{
  Ends ends = ends_new (&fails_at_three, 2, 10);
  ends.end->most = 20;
  ends_run (&ends);
  ck_assert_uint_eq (weir_restart_count (ends.end->stage), 20);
  ck_assert_uint_eq (fake_count (ends.end, "consume(3)"), 21);
  ck_assert_int_eq (atomic_load (&ends.end->counted), 10);
  rig_free (ends.rig);
}
END_TEST

/* ---- what was taken and not given back ---- */

/* Keeps all; with the sixth it has given back two in between, and fails. */
static WeirNext
keep_and_fail (Fake *fake, const WeirRecord *record)
{
  fake_keep (fake, record);
  if (is_text (record, "5") && is_to_fail (fake)) {
    weir_record_release (g_ptr_array_index (fake->kept, 1));
    weir_record_release (g_ptr_array_index (fake->kept, 3));
    return break_down (fake);
  }
  return WEIR_MORE;
}

static WeirNext
release_at_end (Fake *fake)
{
  fake_release_all (fake);
  return WEIR_MORE;
}

static const Script keeps_and_fails = { .consume = keep_and_fail, .settle = settle_now, .end = release_at_end };

START_TEST (r14_kept_records_are_handed_out_again_but_for_those_given_back)
{
  Ends ends = ends_new (&keeps_and_fails, 100, 8);
  ends_run (&ends);
  fake_assert_events (ends.end,
                      "open start consume(0) consume(1) consume(2) consume(3) consume(4) consume(5) close "
                      "open start consume(0) consume(2) consume(4) consume(5) consume(6) consume(7) end close");
  rig_free (ends.rig);
}
END_TEST

START_TEST (r14_kept_records_are_handed_out_again_each_time)
{
  Ends ends = ends_new (&keeps_and_fails, 100, 8);
  ends.end->most = 2;
  ends_run (&ends);
  fake_assert_events (ends.end, "open start consume(0) consume(1) consume(2) consume(3) consume(4) consume(5) close "
                                "open start consume(0) consume(2) consume(4) consume(5) close "
                                "open start consume(0) consume(4) consume(6) consume(7) end close");
  rig_free (ends.rig);
}
END_TEST

static WeirNext
reject_and_fail (Fake *fake, const WeirRecord *record)
{
  fake_keep (fake, record);
  if (is_text (record, "3") && is_to_fail (fake)) {
    weir_record_reject (g_ptr_array_index (fake->kept, 1), "no good");
    weir_record_reject (g_ptr_array_index (fake->kept, 2), "nor this");
    return break_down (fake);
  }
  return WEIR_MORE;
}

static const Script rejects_and_fails = { .consume = reject_and_fail, .settle = settle_now, .end = release_at_end };

START_TEST (r14_what_was_rejected_before_is_moved_and_not_offered_again)
{
  Ends ends = ends_new (&rejects_and_fails, 100, 5);
  Fake *bad = rig_add (ends.rig, "bad", WEIR_CONSUMER, &taker, NULL);
  WeirLink *rejected = rig_link_with (ends.rig, ends.end, WEIR_PORT_REJECTED, bad, queue_of (100));
  ends_run (&ends);
  fake_assert_events (ends.end, "open start consume(0) consume(1) consume(2) consume(3) close "
                                "open start consume(0) consume(3) consume(4) end close");
  fake_assert_events (bad, "open start consume(1) consume(2) end close");
  ck_assert_uint_eq (figures_of (rejected).out, 2);
  rig_free (ends.rig);
}
END_TEST

static WeirNext
fail_in_flush (Fake *fake, const WeirRecord *records, gsize count)
{
  if (is_to_fail (fake)) {
    return break_down (fake);
  }
  for (gsize i = 0; i < count; i++) {
    fake_note (fake, "%.*s", (int) records[i].size, (const char *) records[i].data);
  }
  return WEIR_MORE;
}

static const Script fails_in_flush = { .flush = fail_in_flush };

START_TEST (r14_a_run_that_was_not_flushed_comes_again)
{
  Ends ends = ends_new (&fails_in_flush, 100, 4);
  ends.end->quiet = TRUE;
  ends_run (&ends);
  fake_assert_events (ends.end, "open start close open start 0 1 2 3 end close");
  rig_free (ends.rig);
}
END_TEST

/* consume() gathers, flush() writes: what was gathered of a run whose end it did not see is not done. */
static const Script gathers = { .consume = fail_at_three, .flush = fail_in_flush };

START_TEST (r14_records_consumed_but_not_flushed_come_again)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &gathers, NULL);
  rig_link (rig, push, end, 100);
  rig_restarts (end);
  end->most = 1;
  push->most = 4;
  rig_begin (rig);
  fake_do (push, fake_emit_most);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  g_autofree char *events = fake_events (end);
  ck_assert_msg (g_str_has_suffix (events, " 0 1 2 3 end close") || strstr (events, "flush") != NULL, "%s", events);
  ck_assert_uint_eq (fake_count (end, "0") + fake_count (end, "1") + fake_count (end, "2") + fake_count (end, "3"), 4);
  rig_free (rig);
}
END_TEST

static WeirNext
keep_all (Fake *fake, const WeirRecord *record)
{
  fake_keep (fake, record);
  return WEIR_MORE;
}

static WeirNext
fail_at_end (Fake *fake)
{
  return is_to_fail (fake) ? break_down (fake) : release_at_end (fake);
}

static const Script fails_at_end = { .consume = keep_all, .settle = settle_later, .end = fail_at_end };

START_TEST (r10_the_end_comes_again_behind_what_comes_again)
{
  Ends ends = ends_new (&fails_at_end, 100, 3);
  ends.end->most = 2;
  ends_run (&ends);
  fake_assert_events (ends.end, "open start consume(0) consume(1) consume(2) end close "
                                "open start consume(0) consume(1) consume(2) end close "
                                "open start consume(0) consume(1) consume(2) end close");
  rig_free (ends.rig);
}
END_TEST

static WeirNext
fail_when_all_is_done (Fake *fake)
{
  return is_to_fail (fake) ? break_down (fake) : WEIR_MORE;
}

static const Script fails_behind_all = { .consume = take, .end = fail_when_all_is_done };

START_TEST (r10_the_end_comes_again_where_all_is_done)
{
  Ends ends = ends_new (&fails_behind_all, 100, 2);
  ends_run (&ends);
  fake_assert_events (ends.end, "open start consume(0) consume(1) end close open start end close");
  rig_free (ends.rig);
}
END_TEST

/* ---- its links stay ---- */

static WeirNext
fail_and_stay_down (Fake *fake, const WeirRecord *record)
{
  fake->restarts_at_once = FALSE;
  return fail_at_three (fake, record);
}

static const Script stays_down = { .consume = fail_and_stay_down };

static void
let_up (Fake *fake)
{
  weir_stage_request (fake->stage, WEIR_REQUEST_RESTART);
}

START_TEST (r1_its_producer_is_paused_while_it_is_down_and_resumed_behind)
{
  Pair pair = { .rig = rig_new () };
  pair.push = rig_add (pair.rig, "push", WEIR_PRODUCER, &pusher, NULL);
  pair.end = rig_add (pair.rig, "end", WEIR_CONSUMER, &stays_down, NULL);
  pair.link = rig_link (pair.rig, pair.push, pair.end, 8);
  rig_restarts (pair.end);
  pair.push->most = 12;
  pair.end->most = 1;
  rig_begin (pair.rig);
  fake_do (pair.push, fake_emit_most);
  rig_until_noted (pair.rig, pair.end, "close", 1);
  fake_look (pair.push, "looked");
  ck_assert_uint_eq (fake_count (pair.push, "pause"), 1);
  ck_assert_uint_eq (fake_count (pair.push, "resume"), 0);
  ck_assert_uint_eq (figures_of (pair.link).queued, 9);
  let_up (pair.end);
  rig_until_noted (pair.rig, pair.push, "resume", 1);
  fake_do (pair.push, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (pair.link).out, 12);
  rig_free (pair.rig);
}
END_TEST

START_TEST (a_stop_that_finds_it_down_has_it_try_once_more)
{
  Ends ends = ends_new (&stays_down, 8, 100);
  ends.end->most = 1;
  rig_begin (ends.rig);
  rig_until_noted (ends.rig, ends.end, "close", 1);
  rig_stop (ends.rig);
  ck_assert_int_eq (rig_finish (ends.rig), WEIR_RESULT_STOPPED);
  ck_assert_uint_eq (fake_count (ends.end, "open"), 2);
  ck_assert_uint_eq (figures_of (ends.link).queued, 0);
  rig_free (ends.rig);
}
END_TEST

static WeirNext
fail_for_good (Fake *fake, const WeirRecord *record)
{
  if (is_text (record, "3")) {
    atomic_store (&fake->allowed, 1);
    return break_down (fake);
  }
  return take (fake, record);
}

static WeirNext
open_once (Fake *fake)
{
  return atomic_load (&fake->allowed) == 0 ? WEIR_MORE : break_down (fake);
}

static const Script never_opens_again = { .open = open_once, .consume = fail_for_good };

static gboolean
has_tried_often (gpointer data)
{
  return fake_count (data, "open") > 3;
}

START_TEST (a_deadline_that_finds_it_down_leaves_what_is_queued_undelivered)
{
  Ends ends = ends_new (&never_opens_again, 8, 100);
  weir_pipeline_set_shutdown (ends.rig->pipeline, 1000);
  rig_begin (ends.rig);
  rig_until (ends.rig, has_tried_often, ends.end);
  rig_stop (ends.rig);
  ck_assert_int_eq (rig_finish (ends.rig), WEIR_RESULT_UNDELIVERED);
  ck_assert (ends.rig->late);
  ck_assert_uint_gt (figures_of (ends.link).queued, 0);
  ck_assert_ptr_null (ends.rig->failure);
  rig_free (ends.rig);
}
END_TEST

static WeirNext
fail_in_start (Fake *fake)
{
  return is_to_fail (fake) ? break_down (fake) : WEIR_MORE;
}

static const Script fails_in_start = { .start = fail_in_start, .consume = take };

START_TEST (the_first_start_may_fail_too)
{
  Ends ends = ends_new (&fails_in_start, 8, 3);
  ends.end->most = 3;
  ends_run (&ends);
  ck_assert (ends.rig->ready);
  fake_assert_events (ends.end, "open start close open start close open start close "
                                "open start consume(0) consume(1) consume(2) end close");
  rig_free (ends.rig);
}
END_TEST

static const Script fails_in_open = { .open = fail_in_start, .consume = take };

START_TEST (the_first_open_may_not)
{
  Ends ends = ends_new (&fails_in_open, 8, 3);
  ck_assert_int_eq (rig_run (ends.rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (ends.rig->failure, "end: broken");
  ck_assert_uint_eq (weir_restart_count (ends.end->stage), 0);
  rig_free (ends.rig);
}
END_TEST

/* Under a sanitizer of threads too: records go through small links while both ends fail again and again. Of what the consumer has
 * given back none comes twice, and none is missing. */
typedef struct {
  guint8 seen[20000];
} Seen;

static WeirNext
see_and_fail (Fake *fake, const WeirRecord *record)
{
  Seen *seen = fake->data;
  char text[16] = "";
  memcpy (text, record->data, MIN (record->size, sizeof text - 1));
  gint64 number = g_ascii_strtoll (text, NULL, 10);
  if (number % 97 == 3 && seen->seen[number] == 0) {
    seen->seen[number] = 1;
    return break_down (fake);
  }
  seen->seen[number] = 2;
  atomic_fetch_add (&fake->counted, 1);
  fake_keep (fake, record);
  if (fake->kept->len >= 3) {
    fake_release_all (fake);
  }
  return WEIR_MORE;
}

static const Script sees_and_fails = { .consume = see_and_fail, .settle = settle_now, .end = release_at_end };

START_TEST (many_failures_at_every_capacity)
{
  static const guint64 capacities[] = { 1, 2, 3, 64 };
  static Seen seen;
  Ends ends = ends_new (&sees_and_fails, capacities[_i], G_N_ELEMENTS (seen.seen));
  ends.end->data = &seen;
  ends.pull->quiet = ends.end->quiet = TRUE;
  ends_run (&ends);
  for (guint i = 0; i < G_N_ELEMENTS (seen.seen); i++) {
    ck_assert_uint_eq (seen.seen[i], 2);
  }
  ck_assert_uint_eq (weir_restart_count (ends.end->stage), (G_N_ELEMENTS (seen.seen) - 4) / 97 + 1);
  rig_free (ends.rig);
}
END_TEST

START_TEST (r11_what_a_lossy_link_has_handed_out_is_not_dropped_meanwhile)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &keeps_and_fails, NULL);
  WeirQueueSettings settings = queue_of (8);
  settings.when_full = WEIR_WHEN_FULL_DROP_OLDEST;
  WeirLink *link = rig_link_with (rig, push, 0, end, settings);
  rig_restarts (end);
  end->restarts_at_once = FALSE;
  end->most = 1;
  push->most = 6;
  rig_begin (rig);
  fake_do (push, fake_emit_most);
  rig_until_noted (rig, end, "close", 1);
  push->most = 30;
  fake_do (push, fake_emit_most);
  fake_look (push, "emitted");
  let_up (end);
  rig_until_noted (rig, end, "consume(29)", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  static const char *const held[] = { "consume(0)", "consume(2)", "consume(4)", "consume(5)" };
  for (guint i = 0; i < G_N_ELEMENTS (held); i++) {
    ck_assert_uint_eq (fake_count (end, held[i]), 2);
  }
  ck_assert_uint_gt (figures_of (link).dropped, 0);
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_set_timeout (tcase, 120);
  tcase_add_test (tcase, the_record_at_hand_is_offered_again);
  tcase_add_test (tcase, as_often_as_it_fails);
  tcase_add_test (tcase, r14_kept_records_are_handed_out_again_but_for_those_given_back);
  tcase_add_test (tcase, r14_kept_records_are_handed_out_again_each_time);
  tcase_add_test (tcase, r14_what_was_rejected_before_is_moved_and_not_offered_again);
  tcase_add_test (tcase, r14_a_run_that_was_not_flushed_comes_again);
  tcase_add_test (tcase, r14_records_consumed_but_not_flushed_come_again);
  tcase_add_test (tcase, r10_the_end_comes_again_behind_what_comes_again);
  tcase_add_test (tcase, r10_the_end_comes_again_where_all_is_done);
  tcase_add_test (tcase, r1_its_producer_is_paused_while_it_is_down_and_resumed_behind);
  tcase_add_test (tcase, a_stop_that_finds_it_down_has_it_try_once_more);
  tcase_add_test (tcase, a_deadline_that_finds_it_down_leaves_what_is_queued_undelivered);
  tcase_add_test (tcase, the_first_start_may_fail_too);
  tcase_add_test (tcase, the_first_open_may_not);
  tcase_add_loop_test (tcase, many_failures_at_every_capacity, 0, 4);
  tcase_add_test (tcase, r11_what_a_lossy_link_has_handed_out_is_not_dropped_meanwhile);
}

int
main (void)
{
  return run_suite ("restart", add);
}
