/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of emit at and above the marks (R4): slack, the hard limit alone and on a shared worker, and what ends a wait there.
 * The producers here ignore FALSE on purpose, as a bad plugin would. */
#include "fakes.h"

static void
emit_most (Fake *fake)
{
  while (fake->next < fake->most) {
    char text[32];
    g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, fake->next++);
    fake_emit (fake, text);
    if (!fake->quiet) {
      fake_note (fake, "%s", text);
    }
  }
}

typedef struct {
  Rig *rig;
  Fake *push, *slow;
  WeirLink *link;
} Pair;

static Pair
pair_new (const Script *script, const char *thread, guint64 records, gint64 most)
{
  Pair pair = { .rig = rig_new () };
  pair.push = rig_add (pair.rig, "push", WEIR_PRODUCER, &pusher, thread);
  pair.slow = rig_add (pair.rig, "slow", WEIR_CONSUMER, script, thread);
  pair.link = rig_link (pair.rig, pair.push, pair.slow, records);
  pair.push->most = most;
  return pair;
}

static void
emit_large (Fake *fake)
{
  ck_assert (!fake_emit_size (fake, 5000));
}

START_TEST (r4_a_record_larger_than_the_hard_limit_is_taken)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &valve, NULL);
  WeirQueueSettings settings = queue_of (100);
  settings.bytes = 1000;
  WeirLink *link = rig_link_with (rig, push, 0, slow, settings);
  rig_begin (rig);
  fake_do (push, emit_large);
  rig_until_noted (rig, push, "pause", 1);
  fake_allow (slow, 1);
  rig_until_noted (rig, push, "resume", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&slow->counted), 1);
  ck_assert_uint_eq (figures_of (link).bytes_out, 5000);
  fake_assert_events (push, "open start pause resume close");
  rig_free (rig);
}
END_TEST

START_TEST (r4_below_hard_is_taken_into_slack)
{
  Pair pair = pair_new (&valve, NULL, 2, 4);
  rig_begin (pair.rig);
  fake_do (pair.push, emit_most);
  rig_until_noted (pair.rig, pair.push, "3", 1);
  fake_look (pair.push, "still_there");
  fake_allow (pair.slow, 100);
  rig_until_noted (pair.rig, pair.push, "resume", 1);
  fake_do (pair.push, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  fake_assert_events (pair.push, "open start 0 pause 1 2 3 still_there resume close");
  rig_free (pair.rig);
}
END_TEST

START_TEST (r4_alone_at_hard_waits_until_low)
{
  Pair pair = pair_new (&valve, NULL, 2, 5); /* low 1, hard 4 */
  rig_begin (pair.rig);
  fake_do (pair.push, emit_most);
  rig_until_held (pair.rig, pair.push);
  for (gint64 i = 1; i <= 3; i++) {
    fake_allow (pair.slow, i);
    g_autofree char *next = g_strdup_printf ("consume(%d)", (int) i);
    rig_until_noted (pair.rig, pair.slow, next, 1);
    fake_look (pair.slow, "idle");
  }
  rig_until_noted (pair.rig, pair.push, "4", 1);
  g_autofree char *journal = g_strdup (pair.rig->journal->str);
  ck_assert_ptr_nonnull (strstr (journal, "slow.consume(2)"));
  ck_assert_msg (strstr (journal, "slow.consume(3)") < strstr (journal, "push.4"), "%s", journal);
  fake_allow (pair.slow, 100);
  fake_do (pair.push, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  ck_assert_uint_le (figures_of (pair.link).peak_records, 5);
  ck_assert_int_eq (atomic_load (&pair.slow->counted), 5);
  rig_free (pair.rig);
}
END_TEST

START_TEST (r4_at_hard_all_links_are_published_and_woken_first)
{
  Pair pair = pair_new (&valve, NULL, 2, 6);
  Fake *wide = rig_add (pair.rig, "wide", WEIR_CONSUMER, &taker, NULL);
  rig_link (pair.rig, pair.push, wide, 1000);
  rig_begin (pair.rig);
  fake_do (pair.push, emit_most);
  rig_until_noted (pair.rig, wide, "consume(3)", 1); /* while push waits for slow */
  ck_assert_uint_eq (fake_count (pair.push, "4"), 0);
  fake_allow (pair.slow, 100);
  fake_do (pair.push, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&wide->counted), 6);
  rig_free (pair.rig);
}
END_TEST

START_TEST (r4_sharing_at_hard_fails_naming_stage_and_figure)
{
  Pair pair = pair_new (&valve, "together", 2, 6);
  rig_begin (pair.rig);
  fake_do (pair.push, emit_most);
  rig_until_noted (pair.rig, pair.push, "close", 1);
  fake_allow (pair.slow, 100);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (pair.rig->failure,
                    "push: emitted past a full link: push:slow is at its hard limit (4 records queued), and the stage "
                    "cannot wait there as it shares worker \"together\"; stop emitting when an emit answers FALSE");
  WeirLinkFigures figures = figures_of (pair.link);
  ck_assert_uint_eq (figures.in, 6);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_REFUSED], 2);
  rig_free (pair.rig);
}
END_TEST

START_TEST (r4_sharing_below_hard_is_no_failure)
{
  Pair pair = pair_new (&taker, "together", 2, 4);
  rig_begin (pair.rig);
  fake_do (pair.push, emit_most);
  fake_do (pair.push, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&pair.slow->counted), 4);
  rig_free (pair.rig);
}
END_TEST

/* It was not told to stop: control entries have filled the link. */
static void
end_streams_and_emit (Fake *fake)
{
  guint32 opened[8];
  for (guint i = 0; i < G_N_ELEMENTS (opened); i++) {
    opened[i] = weir_stream_open (fake->stage, NULL);
  }
  for (guint i = 0; i < G_N_ELEMENTS (opened); i++) {
    weir_stream_close (fake->stage, opened[i]);
  }
  ck_assert (!fake_emit (fake, "x"));
}

START_TEST (r4_sharing_behind_control_entries_that_have_filled_the_link_is_no_failure)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, "together");
  WeirLink *link = rig_link (rig, push, end, 2);
  rig_begin (rig);
  fake_do (push, end_streams_and_emit);
  rig_until_noted (rig, end, "consume(x)", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (link).out, 1);
  rig_free (rig);
}
END_TEST

START_TEST (r4_the_bound_is_hard_plus_one_record_whoever_wrote_the_plugin)
{
  Pair pair = pair_new (&taker, NULL, 8, 5000);
  pair.push->quiet = pair.slow->quiet = TRUE;
  rig_begin (pair.rig);
  fake_do (pair.push, emit_most);
  fake_do (pair.push, fake_finish);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&pair.slow->counted), 5000);
  ck_assert_uint_le (figures_of (pair.link).peak_records, 17);
  rig_free (pair.rig);
}
END_TEST

START_TEST (r4_a_wait_cut_short_by_stop_takes_that_one_record_and_no_more)
{
  Pair pair = pair_new (&valve, NULL, 2, 20);
  rig_begin (pair.rig);
  fake_do (pair.push, emit_most);
  rig_until_held (pair.rig, pair.push);
  rig_stop (pair.rig);
  rig_until_noted (pair.rig, pair.push, "close", 1);
  fake_allow (pair.slow, 100);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  ck_assert_int_eq (atomic_load (&pair.slow->counted), 5);
  ck_assert_uint_eq (weir_load_relaxed (&pair.push->stage->refused), 15);
  fake_assert_events (pair.push, "open start 0 pause 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 stop close");
  rig_free (pair.rig);
}
END_TEST

static WeirNext
have_enough_or_fail (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  switch (atomic_load (&fake->allowed)) {
  case 0:
    return WEIR_WAIT;
  case 1:
    return WEIR_DONE;
  default:
    return weir_stage_fail (fake->stage, "broken");
  }
}

static const Script moody = { .consume = have_enough_or_fail };

START_TEST (r4_a_wait_ends_when_the_taker_has_enough)
{
  Pair pair = pair_new (&moody, NULL, 2, 8);
  rig_begin (pair.rig);
  fake_do (pair.push, emit_most);
  rig_until_held (pair.rig, pair.push);
  fake_allow (pair.slow, 1);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  WeirLinkFigures figures = figures_of (pair.link);
  ck_assert_uint_eq (figures.out, 1);
  ck_assert_uint_eq (figures.in, 8);
  ck_assert_uint_eq (figures.dropped_by[WEIR_DROP_TAKER_FINISHED], 7);
  fake_assert_events (pair.push, "open start 0 pause 1 2 3 4 5 6 7 stop close");
  rig_free (pair.rig);
}
END_TEST

START_TEST (r4_a_wait_ends_when_the_taker_fails)
{
  Pair pair = pair_new (&moody, NULL, 2, 8);
  rig_begin (pair.rig);
  fake_do (pair.push, emit_most);
  rig_until_held (pair.rig, pair.push);
  rig_until_noted (pair.rig, pair.slow, "consume(0)", 1);
  fake_look (pair.slow, "waits");
  fake_allow (pair.slow, 2);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (pair.rig->failure, "slow: broken");
  fake_assert_events (pair.slow, "open start consume(0) waits consume(0) close");
  rig_free (pair.rig);
}
END_TEST

static void
refused_in_stop (Fake *fake)
{
  ck_assert (!fake_emit (fake, "late"));
}

static const Script emits_in_stop = { .stop = refused_in_stop };

START_TEST (r4_emit_inside_stop_is_refused_and_counted)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &emits_in_stop, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, end, 10);
  rig_begin (rig);
  rig_stop (rig);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_STOPPED);
  ck_assert_uint_eq (weir_load_relaxed (&push->stage->refused), 1);
  ck_assert_int_eq (atomic_load (&end->counted), 0);
  rig_free (rig);
}
END_TEST

static WeirNext
emit_in_open (Fake *fake)
{
  ck_assert (!fake_emit (fake, "early"));
  return WEIR_MORE;
}

static const Script emits_in_open = { .open = emit_in_open, .produce = produce_number };

START_TEST (r4_emit_inside_open_is_refused_and_counted)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &emits_in_open, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, pull, end, 10);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (weir_load_relaxed (&pull->stage->refused), 1);
  ck_assert_int_eq (atomic_load (&end->counted), 0);
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r4_a_record_larger_than_the_hard_limit_is_taken);
  tcase_add_test (tcase, r4_below_hard_is_taken_into_slack);
  tcase_add_test (tcase, r4_alone_at_hard_waits_until_low);
  tcase_add_test (tcase, r4_at_hard_all_links_are_published_and_woken_first);
  tcase_add_test (tcase, r4_sharing_at_hard_fails_naming_stage_and_figure);
  tcase_add_test (tcase, r4_sharing_below_hard_is_no_failure);
  tcase_add_test (tcase, r4_sharing_behind_control_entries_that_have_filled_the_link_is_no_failure);
  tcase_add_test (tcase, r4_the_bound_is_hard_plus_one_record_whoever_wrote_the_plugin);
  tcase_add_test (tcase, r4_a_wait_cut_short_by_stop_takes_that_one_record_and_no_more);
  tcase_add_test (tcase, r4_a_wait_ends_when_the_taker_has_enough);
  tcase_add_test (tcase, r4_a_wait_ends_when_the_taker_fails);
  tcase_add_test (tcase, r4_emit_inside_stop_is_refused_and_counted);
  tcase_add_test (tcase, r4_emit_inside_open_is_refused_and_counted);
}

int
main (void)
{
  return run_suite ("rules-hard", add);
}
