/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of failure (R9): wherever a callback fails, the result is FAILED, its message is told, every opened stage is closed
 * exactly once, and the ledgers balance (rig_free() looks at both). */
#include "fakes.h"

#include <errno.h>

static WeirNext
break_down (Fake *fake)
{
  return weir_stage_fail (fake->stage, "broken %d", 7);
}

static WeirNext
fail_on_record (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return break_down (fake);
}

static WeirNext
fail_on_run (Fake *fake, G_GNUC_UNUSED const WeirRecord *records, G_GNUC_UNUSED gsize count)
{
  return break_down (fake);
}

static WeirNext
fail_on_stream (Fake *fake, G_GNUC_UNUSED gpointer state)
{
  return break_down (fake);
}

static WeirNext
use_state (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  weir_stream_state (fake->stage);
  return WEIR_MORE;
}

static WeirNext
keep (Fake *fake, const WeirRecord *record)
{
  fake_keep (fake, record);
  return WEIR_MORE;
}

static WeirNext
begin (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return WEIR_PRODUCE;
}

static gboolean
fail_in_source (gpointer data)
{
  break_down (data);
  return G_SOURCE_REMOVE;
}

static WeirNext
attach_failing (Fake *fake)
{
  GSource *source = g_idle_source_new ();
  g_source_set_callback (source, fail_in_source, fake, NULL);
  weir_stage_attach (fake->stage, source);
  return WEIR_MORE;
}

static void
fail_in_pause (Fake *fake)
{
  break_down (fake);
}

/* Each of the middle stage of three, which is the one that fails. */
static const Script failing[] = {
  { .open = break_down, .consume = hand_on },
  { .start = break_down, .consume = hand_on },
  { .consume = fail_on_record },
  { .flush = fail_on_run },
  { .consume = hand_on, .flush = fail_on_run },
  { .consume = begin, .produce = break_down },
  { .consume = use_state, .end_stream = fail_on_stream, .stream_size = 8 },
  { .consume = keep, .settle = break_down },
  { .consume = hand_on, .end = break_down },
  { .start = attach_failing, .consume = hand_on },
  { .consume = hand_on, .pause = fail_in_pause },
  { .consume = hand_on, .resume = fail_in_pause },
};

START_TEST (r9_failure_in_any_callback_of_a_transform)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *middle = rig_add (rig, "middle", WEIR_TRANSFORM, &failing[_i], NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  pull->most = 20;
  rig_link (rig, pull, middle, 10);
  rig_link (rig, middle, end, 2);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (rig->failure, "middle: broken 7");
  ck_assert_uint_eq (fake_count (middle, "close"), 1);
  ck_assert_uint_eq (fake_count (middle, "stop"), 0); /* it ended by itself */
  ck_assert_uint_eq (fake_count (pull, "close"), 1);
  ck_assert_uint_eq (fake_count (end, "close"), 1);
  ck_assert (!rig->late);
  rig_free (rig);
}
END_TEST

static WeirNext
fail_in_produce (Fake *fake)
{
  return fake->next < 3 ? produce_number (fake) : break_down (fake);
}

static const Script fails_in_produce = { .produce = fail_in_produce };
static const Script fails_in_open = { .open = break_down, .consume = take };
static const Script fails_in_start = { .start = break_down, .consume = take };

START_TEST (r9_failure_in_produce_lets_the_rest_drain)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &fails_in_produce, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, pull, end, 10);
  pull->most = -1;
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_FAILED);
  fake_assert_events (pull, "open start produce produce produce produce close");
  fake_assert_events (end, "open start consume(0) consume(1) consume(2) end close");
  rig_free (rig);
}
END_TEST

START_TEST (r9_failure_in_open_starts_nothing)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *one = rig_add (rig, "one", WEIR_CONSUMER, &fails_in_open, NULL);
  Fake *two = rig_add (rig, "two", WEIR_CONSUMER, &fails_in_open, NULL);
  rig_link (rig, pull, one, 10);
  rig_link (rig, pull, two, 10);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_FAILED);
  fake_assert_events (pull, "open close");
  fake_assert_events (one, "open close");
  fake_assert_events (two, "open close");
  ck_assert_uint_eq (weir_load_relaxed (&one->stage->errors) + weir_load_relaxed (&two->stage->errors), 2);
  rig_free (rig);
}
END_TEST

START_TEST (r9_failure_in_start_starts_nothing_upstream)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &fails_in_start, NULL);
  rig_link (rig, pull, end, 10);
  pull->most = -1;
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_FAILED);
  fake_assert_events (end, "open start close");
  fake_assert_events (pull, "open close");
  rig_free (rig);
}
END_TEST

START_TEST (r9_what_a_failed_stage_has_not_taken_is_counted)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &failing[2], "together");
  pull->most = 20;
  WeirLink *link = rig_link (rig, pull, end, 10);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_FAILED);
  WeirLinkFigures figures = figures_of (link);
  ck_assert_uint_eq (figures.in, (guint64) pull->next);
  ck_assert_uint_eq (figures.out, 0);
  ck_assert_uint_eq (figures.queued, 10);
  rig_free (rig);
}
END_TEST

static void
fail_by_errno (Fake *fake)
{
  errno = ENOENT;
  weir_stage_fail_errno (fake->stage, "cannot open %s", "/x");
}

START_TEST (r9_the_errno_is_told)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, end, 10);
  rig_begin (rig);
  fake_do (push, fail_by_errno);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (rig->failure, "push: cannot open /x: No such file or directory");
  rig_free (rig);
}
END_TEST

/* ---- answers that a callback may not give ---- */

static WeirNext
fail_silently (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_FAIL;
}

static WeirNext
fail_record_silently (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return WEIR_FAIL;
}

static WeirNext
reject_run (Fake *fake, G_GNUC_UNUSED const WeirRecord *records, G_GNUC_UNUSED gsize count)
{
  return weir_stage_reject (fake->stage, "all of it");
}

static WeirNext
reject_stream (Fake *fake, G_GNUC_UNUSED gpointer state)
{
  return weir_stage_reject (fake->stage, "all of it");
}

static WeirNext
answer_seven (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return (WeirNext) 7;
}

static WeirNext
wait_in_open (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_WAIT;
}

static const struct {
  Script script;
  const char *message;
} wrong[] = {
  { { .open = fail_silently, .consume = hand_on }, "middle: open() answered FAIL without saying why" },
  { { .open = wait_in_open, .consume = hand_on }, "middle: open() answered WAIT, which it may not" },
  { { .start = fail_silently, .consume = hand_on }, "middle: start() answered FAIL without saying why" },
  { { .consume = fail_record_silently }, "middle: consume() answered FAIL without saying why" },
  { { .consume = answer_seven }, "middle: consume() answered a number that is no answer, which it may not" },
  { { .consume = begin, .produce = fail_silently }, "middle: produce() answered FAIL without saying why" },
  { { .flush = reject_run }, "middle: flush() answered REJECT, which it may not" },
  { { .consume = use_state, .end_stream = reject_stream, .stream_size = 8 },
    "middle: end_stream() answered REJECT, which it may not" },
  { { .consume = keep, .settle = fail_silently }, "middle: settle() answered FAIL without saying why" },
  { { .consume = hand_on, .end = fail_silently }, "middle: end() answered FAIL without saying why" },
};

START_TEST (r9_a_wrong_answer_fails_by_name)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *middle = rig_add (rig, "middle", WEIR_TRANSFORM, &wrong[_i].script, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  pull->most = 20;
  rig_link (rig, pull, middle, 10);
  rig_link (rig, middle, end, 100);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (rig->failure, wrong[_i].message);
  ck_assert_uint_eq (fake_count (middle, "close"), 1);
  rig_free (rig);
}
END_TEST

static const Script silent_producer = { .produce = fail_silently };

START_TEST (r9_a_wrong_answer_of_a_producer_fails_by_name)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &silent_producer, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, pull, end, 10);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (rig->failure, "pull: produce() answered FAIL without saying why");
  fake_assert_events (pull, "open start produce close");
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, r9_a_wrong_answer_fails_by_name, 0, G_N_ELEMENTS (wrong));
  tcase_add_test (tcase, r9_a_wrong_answer_of_a_producer_fails_by_name);
  tcase_add_loop_test (tcase, r9_failure_in_any_callback_of_a_transform, 0, G_N_ELEMENTS (failing));
  tcase_add_test (tcase, r9_failure_in_produce_lets_the_rest_drain);
  tcase_add_test (tcase, r9_failure_in_open_starts_nothing);
  tcase_add_test (tcase, r9_failure_in_start_starts_nothing_upstream);
  tcase_add_test (tcase, r9_what_a_failed_stage_has_not_taken_is_counted);
  tcase_add_test (tcase, r9_the_errno_is_told);
}

int
main (void)
{
  return run_suite ("rules-fail", add);
}
