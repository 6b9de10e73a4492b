/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of "on_error": "restart" of what makes records: a producer, its streams and threads, and a transform between two links: what it has
 * emitted stays emitted, and what it was at is made again. */
#include "restarts.h"

/* fake->most is how far it counts; it fails twice. */
static WeirNext
produce_and_fail_twice (Fake *fake)
{
  if (fake->next == 3 && atomic_fetch_add (&fake->flag, 1) < 2) {
    return break_down (fake);
  }
  return produce_number (fake);
}

static const Script producer_fails = { .produce = produce_and_fail_twice };

START_TEST (a_producer_begins_anew)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &producer_fails, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, pull, end, 8);
  rig_restarts (pull);
  pull->most = 5;
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start consume(0) consume(1) consume(2) consume(3) consume(4) end close");
  ck_assert_uint_eq (fake_count (pull, "open"), 3);
  rig_free (rig);
}
END_TEST

static WeirNext
begin (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  fake->next = 0;
  return WEIR_PRODUCE;
}

static WeirNext
give_two (Fake *fake)
{
  if (fake->next == 1 && is_to_fail (fake)) {
    return break_down (fake);
  }
  fake_emit (fake, fake->next == 0 ? "a" : "b");
  return fake->next++ == 1 ? WEIR_DONE : WEIR_MORE;
}

static const Script multiplies = { .consume = begin, .produce = give_two };

START_TEST (r7_a_record_that_was_half_multiplied_is_multiplied_again)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *two = rig_add (rig, "two", WEIR_TRANSFORM, &multiplies, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, pull, two, 8);
  rig_link (rig, two, end, 8);
  rig_restarts (two);
  pull->most = 2;
  two->most = 1;
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  /* At least once: what was emitted stays emitted. */
  fake_assert_events (end, "open start consume(a) consume(a) consume(b) consume(a) consume(b) end close");
  rig_free (rig);
}
END_TEST

static WeirNext
join_and_fail (Fake *fake, const WeirRecord *record)
{
  return is_text (record, "c") && is_to_fail (fake) ? break_down (fake) : join (fake, record);
}

static const Script joins_and_fails = { .consume = join_and_fail,
                                        .end_stream = emit_joined,
                                        .stream_size = sizeof (Joined) };

static void
play_all (Fake *fake)
{
  play (fake, "abc");
  play (fake, "ABC-=");
}

START_TEST (what_is_joined_of_streams_is_passed_on)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *joins = rig_add (rig, "joins", WEIR_TRANSFORM, &joins_and_fails, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, joins, 100);
  rig_link (rig, joins, end, 100);
  rig_restarts (joins);
  joins->most = 1;
  rig_begin (rig);
  fake_do (push, play_all);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (end, "open start consume(abc) consume(ABC) end close");
  ck_assert_uint_eq (fake_count (joins, "open"), 2);
  rig_free (rig);
}
END_TEST

static void
play_and_fail (Fake *fake)
{
  play (fake, "ab");
  streams[0] = 0;
  break_down (fake);
}

START_TEST (the_streams_of_a_producer_end_with_it)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *joins = rig_add (rig, "joins", WEIR_TRANSFORM, &joiner, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, joins, 100);
  rig_link (rig, joins, end, 100);
  rig_restarts (push);
  rig_begin (rig);
  fake_do (push, play_and_fail);
  rig_until_noted (rig, end, "consume(ab)", 1);
  rig_until_noted (rig, push, "start", 2);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  rig_free (rig);
}
END_TEST

START_TEST (r13_one_that_comes_back_to_a_full_link_starts_and_is_paused)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, push, end, 4);
  rig_restarts (push);
  push->most = 4;
  rig_begin (rig);
  fake_do (push, fake_emit_most);
  rig_until_noted (rig, push, "pause", 1);
  fake_do (push, fail_now);
  rig_until_noted (rig, push, "pause", 2);
  fake_assert_events (push, "open start pause close open start pause");
  fake_allow (end, 4);
  rig_until_noted (rig, push, "resume", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  rig_free (rig);
}
END_TEST

static void
want_no_more (Fake *fake)
{
  weir_stage_enough (fake->stage);
}

START_TEST (one_that_nobody_takes_from_does_not_come_back)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, end, 4);
  rig_restarts (push);
  push->restarts_at_once = FALSE;
  rig_begin (rig);
  fake_do (push, fail_now);
  rig_until_noted (rig, push, "close", 1);
  fake_do (end, want_no_more);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, "open start close");
  rig_free (rig);
}
END_TEST

/* ---- threads ---- */

static gpointer
post_numbers (gpointer data)
{
  Fake *fake = data;
  char text[16];
  do {
    g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, fake->next);
  } while (weir_stage_post (fake->stage, text, strlen (text)) && ++fake->next < fake->most);
  return NULL;
}

static WeirNext
start_posting (Fake *fake)
{
  pthread_create (&fake->thread, NULL, post_numbers, fake);
  return WEIR_MORE;
}

static void
join_posting (Fake *fake)
{
  pthread_join (fake->thread, NULL);
}

static const Script posts = { .start = start_posting, .close = join_posting };

START_TEST (threads_are_told_false_and_begin_anew)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &posts, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, push, end, 4);
  rig_restarts (push);
  push->quiet = end->quiet = TRUE;
  push->most = G_MAXINT64;
  rig_begin (rig);
  fake_allow (end, 100);
  rig_until_noted (rig, push, "pause", 1);
  fake_do (push, fail_now);
  rig_until_noted (rig, push, "start", 2);
  fake_allow (end, G_MAXINT64);
  rig_until_noted (rig, push, "resume", 3);
  rig_stop (rig);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_STOPPED);
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, a_producer_begins_anew);
  tcase_add_test (tcase, r7_a_record_that_was_half_multiplied_is_multiplied_again);
  tcase_add_test (tcase, what_is_joined_of_streams_is_passed_on);
  tcase_add_test (tcase, the_streams_of_a_producer_end_with_it);
  tcase_add_test (tcase, r13_one_that_comes_back_to_a_full_link_starts_and_is_paused);
  tcase_add_test (tcase, one_that_nobody_takes_from_does_not_come_back);
  tcase_add_test (tcase, threads_are_told_false_and_begin_anew);
}

int
main (void)
{
  return run_suite ("restart-producers", add);
}
