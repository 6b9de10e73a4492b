/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of limits and counters that others had to mend, each shown not to be here: contradicting limits, a limit that changes, a
 * counter that wraps. Steps of a bare link on one thread, and whole pipelines. */
#include "tests/conformance/sides.h"
#include "tests/unit/link-bed.h"

#include <math.h>

/* ---- contradicting limits ---- */

static const struct {
  double low, hard;
  const char *message;
} contradictions[] = {
  { -0.1, 2, "low is -0.1; it must be at least 0 and below 1, as low < high" },
  { 1, 2, "low is 1; it must be at least 0 and below 1, as low < high" },
  { NAN, 2, "low is nan; it must be at least 0 and below 1, as low < high" },
  { 0, 0.5, "hard is 0.5; it must be at least 1, as high <= hard, and at most 1000000" },
  { 0, NAN, "hard is nan; it must be at least 1, as high <= hard, and at most 1000000" },
  { 0.5, INFINITY, "hard is inf; it must be at least 1, as high <= hard, and at most 1000000" },
};

START_TEST (fault_contradicting_limits_are_refused)
{
  WeirQueueSettings queue = setting_at[_i % SETTINGS].queue;
  queue.low = contradictions[_i / SETTINGS].low;
  queue.hard = contradictions[_i / SETTINGS].hard;
  g_autofree char *message = NULL;
  ck_assert (!weir_queue_settings_check (&queue, &message));
  ck_assert_str_eq (message, contradictions[_i / SETTINGS].message);
}
END_TEST

START_TEST (fault_a_link_without_limits_is_refused)
{
  WeirQueueSettings queue = setting_at[_i].queue;
  queue.records = queue.bytes = 0;
  g_autofree char *message = NULL;
  ck_assert (!weir_queue_settings_check (&queue, &message));
  ck_assert_str_eq (message, "neither records nor bytes are limited; a link must be bounded by one of them");
}
END_TEST

static void
check_marks (const WeirMarks *marks)
{
  ck_assert (marks->high == G_MAXUINT64 || (marks->low < marks->high && marks->high <= marks->hard));
}

START_TEST (fault_what_is_taken_for_limits_never_contradicts)
{
  static const guint64 limits[] = { 0, 1, 2, 3, 5, 4096, 65537, (1ull << 53) + 1, G_MAXINT64, G_MAXUINT64 - 1 };
  static const double lows[] = { 0, 1e-9, 0.5, 0.999999999 }, hards[] = { 1, 1.0000001, 2, 1e6 };
  for (guint i = 0; i < G_N_ELEMENTS (limits) * G_N_ELEMENTS (limits) * 16; i++) {
    WeirQueueSettings queue = { .records = limits[i / 16 % G_N_ELEMENTS (limits)],
                                .bytes = limits[i / 16 / G_N_ELEMENTS (limits)],
                                .low = lows[i % 4],
                                .hard = hards[i / 4 % 4] };
    g_autofree char *message = NULL;
    if (!weir_queue_settings_check (&queue, &message)) {
      ck_assert (queue.records == 0 && queue.bytes == 0);
      continue;
    }
    WeirBed *bed = weir_bed_new (&queue);
    check_marks (&bed->link->limits->records);
    check_marks (&bed->link->limits->bytes);
    check_marks (&bed->link->limits->pinned);
    weir_bed_free (bed);
  }
}
END_TEST

/* ---- a wait that a changed limit cannot end: what is asked is the limits as they are ---- */

START_TEST (fault_a_raised_limit_ends_a_pause_and_a_wait)
{
  WeirBed *bed = weir_bed_new (&setting_at[_i].queue);
  weir_bed_put_sized (bed, 2, setting_at[_i].high, 0);
  ck_assert (weir_bed_full (bed));
  ck_assert (!weir_link_below_hard (bed->link));
  ck_assert (!weir_link_recheck (bed->link));
  WeirLimits *limits = (WeirLimits *) bed->link->limits; /* the bed's link shares them with no other */
  limits->bytes = (WeirMarks){ setting_at[_i].high * 4, setting_at[_i].high * 8, setting_at[_i].high * 16 };
  limits->pinned = limits->bytes;
  limits->records = limits->bytes;
  ck_assert (weir_link_below_hard (bed->link)); /* what the wait at hard looks at */
  ck_assert (weir_link_at_low (bed->link));
  ck_assert (weir_link_recheck (bed->link));
  ck_assert (!weir_bed_full (bed));
  weir_bed_free (bed);
}
END_TEST

START_TEST (fault_a_lowered_limit_pauses_at_the_next_put)
{
  WeirBed *bed = weir_bed_new (&setting_at[_i].queue);
  weir_bed_put_sized (bed, 1, setting_at[_i].high / 2, 0);
  weir_bed_publish (bed);
  ck_assert (!weir_bed_full (bed));
  ((WeirLimits *) bed->link->limits)->bytes = (WeirMarks){ 0, 10, 20 };
  bed->link->put_countdown = 1; /* what a change has to do: look at the next put */
  weir_bed_put (bed, 1);
  ck_assert (weir_bed_full (bed));
  ck_assert (!weir_link_below_hard (bed->link));
  weir_bed_free (bed);
}
END_TEST

/* ---- a counter that wraps ---- */

/* As if so many records, and a thousand times as many bytes, had gone through it. */
static void
begin_at (WeirLink *link, guint64 at)
{
  link->put_private = link->put_seen = link->taken = link->done_private = link->done_seen = at;
  link->woken_at = link->fresh_at = at;
  link->put = link->done = at;
  guint64 bytes = at * 1000;
  link->put_bytes_private = link->done_bytes_private = link->taken_bytes = link->done_bytes_seen = bytes;
  link->woken_bytes = link->run_bytes = bytes;
  link->put_bytes = link->done_bytes = bytes;
  link->put_pinned_private = link->done_pinned_private = link->done_pinned_seen = bytes;
  link->put_pinned = link->done_pinned = bytes;
}

static const guint64 before_wrap[] = { 1, 2, 7, 64, 100, (1ull << 63) + 3 };

START_TEST (fault_cursors_that_wrap_pause_and_resume_as_ever)
{
  guint64 before = before_wrap[_i / SETTINGS];
  WeirBed *bed = weir_bed_new (&setting_at[_i % SETTINGS].queue);
  gsize size = setting_at[_i % SETTINGS].high / 32 + 1;
  begin_at (bed->link, 0 - before);
  guint64 puts = 0;
  for (guint round = 0; round < 20; round++) {
    guint64 level = 0;
    while (!weir_bed_full (bed)) {
      weir_bed_put_sized (bed, 1, size, 0);
      puts++;
      level++;
    }
    ck_assert_uint_eq (level, _i % SETTINGS == PARITY || round == 0 ? 32 : 17); /* from low to high */
    gsize taken = 0;
    do {
      ck_assert (!weir_link_recheck (bed->link));
      ck_assert_uint_eq (weir_bed_take (bed, 1), 1);
      taken++;
    } while (!weir_link_at_low (bed->link));
    ck_assert_uint_eq (taken, _i % SETTINGS == PARITY ? 32 : 17);
    ck_assert (weir_link_recheck (bed->link));
    ck_assert_uint_eq (weir_bed_check_ledger (bed).pauses, round + 1);
  }
  ck_assert_uint_eq (bed->link->put_private, puts - before);
  weir_bed_free (bed);
}
END_TEST

/* The word by which an idle producer offers its segment holds its cursor, and 0 for no offer. */
START_TEST (fault_cursors_that_wrap_lose_no_segment_of_an_idle_producer)
{
  WeirBed *bed = weir_bed_new (&setting_at[_i].queue);
  begin_at (bed->link, 0 - 3ull);
  for (guint i = 0; i < 6; i++) {
    weir_bed_put (bed, 1);
    weir_bed_publish (bed);
    weir_link_put_idle (bed->link);
    if (i % 3 != 1) {
      ck_assert_uint_ge (weir_bed_take (bed, 10), 1);
      weir_link_take_idle (bed->link);
    }
  }
  ck_assert_int_eq (bed->expected, 6);
  weir_bed_free (bed);
}
END_TEST

START_TEST (fault_cursors_that_wrap_know_their_oldest_record)
{
  WeirQueueSettings queue = setting_at[_i % SETTINGS].queue;
  queue.age = G_USEC_PER_SEC;
  WeirBed *bed = weir_bed_new (&queue);
  begin_at (bed->link, (_i / SETTINGS == 0 ? 0 : 1ull << 63) - 5);
  weir_bed_put (bed, 10);
  weir_bed_publish (bed);
  gint64 first = weir_link_age_deadline (bed->link);
  ck_assert_int_ne (first, 0); /* is there, though its cursor is behind the wrap */
  weir_bed_put (bed, 1);
  weir_bed_publish (bed);
  weir_bed_take (bed, 9);
  ck_assert_int_eq (weir_link_age_deadline (bed->link), first);
  weir_bed_take (bed, 1);
  ck_assert_int_ge (weir_link_age_deadline (bed->link), first);
  weir_bed_take (bed, 1);
  ck_assert_int_eq (weir_link_age_deadline (bed->link), 0);
  weir_bed_free (bed);
}
END_TEST

static WeirNext
check_next (Fake *fake, const WeirRecord *record)
{
  g_autofree char *text = g_strndup ((const char *) record->data, record->size);
  ck_assert_int_eq (g_ascii_strtoll (text, NULL, 10), fake->next++);
  return take (fake, record);
}

static const Script in_order = { .consume = check_next };

/* Threads meet on it: all of them come, in order. */
START_TEST (fault_cursors_that_wrap_lose_nothing_between_threads)
{
  WeirQueueSettings queue = setting_at[_i % SETTINGS].queue;
  queue.records = (guint64[]){ 1, 3, 64 }[_i / SETTINGS];
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &in_order, NULL);
  pull->most = 1000;
  pull->quiet = end->quiet = TRUE;
  WeirLink *link = rig_link_with (rig, pull, 0, end, queue);
  begin_at (link, 0 - 500ull);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&end->counted), 1000);
  ck_assert_uint_eq (link->put_private, 501); /* with the end, a control entry */
  ck_assert_uint_ge (fake_count (pull, "pause"), 1);
  ck_assert_uint_le (figures_of (link).peak_records, queue.records * 2 + 1);
  rig_free (rig);
}
END_TEST

static void
play_over_the_wrap (Fake *fake)
{
  play (fake, "abAB");
  fake_note (fake, "%u", streams[0]);
  fake_note (fake, "%u", streams[1]);
  weir_streams_last = WEIR_STREAM_NUMBERS - 2; /* all numbers have been given out but for one, again */
  for (guint i = 0; i < 4; i++) {
    guint32 number = weir_stream_open (fake->stage, NULL);
    fake_note (fake, "%u", number);
    weir_stream_close (fake->stage, number);
  }
  play (fake, "cC-=");
  fake_finish (fake);
}

START_TEST (fault_stream_numbers_that_wrap_pass_over_zero_and_who_lives)
{
  weir_streams_last = WEIR_STREAM_NUMBERS - 1;
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *joins = rig_add (rig, "joins", WEIR_TRANSFORM, &joiner, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link_with (rig, push, 0, joins, setting_at[_i].queue);
  rig_link_with (rig, joins, 0, end, setting_at[_i].queue);
  rig_begin (rig);
  fake_do (push, play_over_the_wrap);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  /* 2147483647 and 1 live: the one below is given out, and then 2, 3 and 4. */
  fake_assert_events (push, "open start 2147483647 1 2147483646 2 3 4 close");
  fake_assert_events (end, "open start consume(abc) consume(ABC) end close");
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
settle_later (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_MORE;
}

static const Script keeps = { .consume = keep_and_hand_on, .settle = settle_later };

static void
play_one (Fake *fake)
{
  play (fake, "ab-");
  fake_finish (fake);
}

/* An end of a stream is handed on when what was taken before it is done, by their cursors: here one is on either side. */
START_TEST (fault_ends_of_streams_wait_over_a_wrap)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *pass = rig_add (rig, "pass", WEIR_TRANSFORM, &keeps, NULL);
  Fake *joins = rig_add (rig, "joins", WEIR_TRANSFORM, &joiner, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  begin_at (rig_link_with (rig, push, 0, pass, setting_at[_i].queue), 0 - 2ull);
  rig_link_with (rig, pass, 0, joins, setting_at[_i].queue);
  rig_link_with (rig, joins, 0, end, setting_at[_i].queue);
  rig_begin (rig);
  fake_do (push, play_one);
  rig_until_noted (rig, joins, "consume(b)", 1);
  rig_until_noted (rig, pass, "end", 1);
  fake_look (pass, "kept");
  fake_look (joins, "no_end");
  fake_do (pass, fake_release_all);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (joins, "open start consume(a) consume(b) no_end end_stream end close");
  fake_assert_events (end, "open start consume(ab) end close");
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, fault_contradicting_limits_are_refused, 0,
                       SETTINGS * (int) G_N_ELEMENTS (contradictions));
  tcase_add_loop_test (tcase, fault_a_link_without_limits_is_refused, 0, SETTINGS);
  tcase_add_test (tcase, fault_what_is_taken_for_limits_never_contradicts);
  tcase_add_loop_test (tcase, fault_a_raised_limit_ends_a_pause_and_a_wait, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_a_lowered_limit_pauses_at_the_next_put, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_cursors_that_wrap_pause_and_resume_as_ever, 0,
                       SETTINGS * (int) G_N_ELEMENTS (before_wrap));
  tcase_add_loop_test (tcase, fault_cursors_that_wrap_lose_no_segment_of_an_idle_producer, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_cursors_that_wrap_know_their_oldest_record, 0, SETTINGS * 2);
  tcase_add_loop_test (tcase, fault_cursors_that_wrap_lose_nothing_between_threads, 0, SETTINGS * 3);
  tcase_add_loop_test (tcase, fault_stream_numbers_that_wrap_pass_over_zero_and_who_lives, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_ends_of_streams_wait_over_a_wrap, 0, SETTINGS);
}

int
main (void)
{
  return run_suite ("faults-limits", add);
}
