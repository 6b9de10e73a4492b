/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a consumer that cannot take more (R6): the record is offered first, nothing else is served, and the pause travels
 * upstream to the origin. */
#include "fakes.h"

#include <glib-unix.h>
#include <unistd.h>

static void
push_three (Fake *fake)
{
  for (guint i = 0; i < 3; i++) {
    g_autofree char *text = g_strdup_printf ("%s%u", fake->name, i);
    fake_emit (fake, text);
  }
}

/* Two push producers into one valve. */
typedef struct {
  Rig *rig;
  Fake *a, *b, *slow;
} Funnel;

static Funnel
funnel_new (const Script *slow)
{
  Funnel funnel = { .rig = rig_new () };
  funnel.a = rig_add (funnel.rig, "a", WEIR_PRODUCER, &pusher, NULL);
  funnel.b = rig_add (funnel.rig, "b", WEIR_PRODUCER, &pusher, NULL);
  funnel.slow = rig_add (funnel.rig, "slow", WEIR_CONSUMER, slow, NULL);
  rig_link (funnel.rig, funnel.a, funnel.slow, 100);
  rig_link (funnel.rig, funnel.b, funnel.slow, 100);
  rig_begin (funnel.rig);
  return funnel;
}

static void
finish_both (Funnel *funnel)
{
  fake_do (funnel->a, fake_finish);
  fake_do (funnel->b, fake_finish);
  ck_assert_int_eq (rig_finish (funnel->rig), WEIR_RESULT_DONE);
}

START_TEST (r6_a_record_not_taken_is_offered_first_after_a_wake)
{
  Funnel funnel = funnel_new (&valve);
  fake_do (funnel.a, push_three);
  rig_until_noted (funnel.rig, funnel.slow, "consume(a0)", 1);
  fake_look (funnel.slow, "waits");
  fake_do (funnel.b, push_three);
  fake_look (funnel.b, "pushed");
  fake_look (funnel.b, "pushed"); /* published by now */
  fake_allow (funnel.slow, 1);
  rig_until_noted (funnel.rig, funnel.slow, "consume(a1)", 1);
  fake_look (funnel.slow, "waits");
  fake_allow (funnel.slow, 6);
  finish_both (&funnel);
  fake_assert_events (funnel.slow, "open start consume(a0) waits consume(a0) consume(a1) waits consume(a1) consume(a2) "
                                   "consume(b0) consume(b1) consume(b2) end close");
  rig_free (funnel.rig);
}
END_TEST

START_TEST (r6_no_other_input_is_served_meanwhile)
{
  Funnel funnel = funnel_new (&valve);
  fake_do (funnel.a, push_three);
  rig_until_noted (funnel.rig, funnel.slow, "consume(a0)", 1);
  fake_look (funnel.slow, "waits");
  fake_do (funnel.b, push_three);
  fake_look (funnel.b, "pushed");
  fake_look (funnel.b, "pushed");
  fake_look (funnel.slow, "still_waits");
  fake_look (funnel.slow, "still_waits");
  fake_assert_events (funnel.slow, "open start consume(a0) waits still_waits still_waits");
  fake_allow (funnel.slow, 6);
  finish_both (&funnel);
  ck_assert_int_eq (atomic_load (&funnel.slow->counted), 6);
  rig_free (funnel.rig);
}
END_TEST

START_TEST (r6_the_pause_travels_upstream_to_the_origin)
{
  Rig *rig = rig_new ();
  Fake *origin = rig_add (rig, "origin", WEIR_PRODUCER, &numbers, NULL);
  Fake *first = rig_add (rig, "first", WEIR_TRANSFORM, &passer, NULL);
  Fake *second = rig_add (rig, "second", WEIR_TRANSFORM, &passer, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &valve, NULL);
  origin->most = 100;
  rig_link (rig, origin, first, 4);
  rig_link (rig, first, second, 3);
  rig_link (rig, second, slow, 2);
  rig_begin (rig);
  rig_until_noted (rig, second, "pause", 1);
  rig_until_noted (rig, first, "pause", 1);
  rig_until_noted (rig, origin, "pause", 1);
  /* first may pause and resume on the way, until second stands. */
  fake_look (second, "stands");
  fake_look (first, "stands");
  fake_look (origin, "stands");
  ck_assert_int_le (origin->next, 4 + 3 + 2);
  fake_allow (slow, 1000);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&slow->counted), 100);
  rig_free (rig);
}
END_TEST

static int pipe_ends[2];

/* As a socket that is full: a byte on the pipe lets one record pass. */
static WeirNext
take_with_pipe (Fake *fake, const WeirRecord *record)
{
  char byte;
  if (read (pipe_ends[0], &byte, 1) != 1) {
    return weir_stage_wait_fd (fake->stage, pipe_ends[0], G_IO_IN);
  }
  return take (fake, record);
}

static const Script piped = { .consume = take_with_pipe };

static void
push_and_finish (Fake *fake)
{
  push_three (fake);
  fake_finish (fake);
}

START_TEST (r6_wait_for_a_descriptor)
{
  ck_assert_int_eq (pipe (pipe_ends), 0);
  ck_assert (g_unix_set_fd_nonblocking (pipe_ends[0], TRUE, NULL));
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "a", WEIR_PRODUCER, &pusher, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &piped, NULL);
  rig_link (rig, push, slow, 100);
  rig_begin (rig);
  fake_do (push, push_and_finish);
  rig_until_noted (rig, slow, "consume(a0)", 1);
  fake_look (slow, "waits");
  ck_assert_int_eq (write (pipe_ends[1], "x", 1), 1);
  rig_until_noted (rig, slow, "consume(a1)", 1);
  fake_look (slow, "waits");
  ck_assert_int_eq (write (pipe_ends[1], "xx", 2), 2);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (slow, "open start consume(a0) waits consume(a0) consume(a1) waits consume(a1) consume(a2) "
                            "end close");
  rig_free (rig);
}
END_TEST

static WeirNext
take_after_a_while (Fake *fake, const WeirRecord *record)
{
  if (fake->next++ % 2 == 0) {
    return weir_stage_wait_time (fake->stage, 1000);
  }
  return take (fake, record);
}

static const Script timed = { .consume = take_after_a_while };

START_TEST (r6_wait_for_a_time)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "a", WEIR_PRODUCER, &pusher, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &timed, NULL);
  rig_link (rig, push, slow, 100);
  rig_begin (rig);
  fake_do (push, push_and_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (slow,
                      "open start consume(a0) consume(a0) consume(a1) consume(a1) consume(a2) consume(a2) end close");
  rig_free (rig);
}
END_TEST

static WeirNext
flush_when_allowed (Fake *fake, const WeirRecord *records, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    ck_assert_int_eq (records[i].data[1], '0' + (char) i); /* the same run, from its first record */
  }
  return atomic_load (&fake->allowed) == 0 ? WEIR_WAIT : WEIR_MORE;
}

static const Script flusher = { .flush = flush_when_allowed };

START_TEST (r6_a_run_not_flushed_comes_again)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "a", WEIR_PRODUCER, &pusher, "together");
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &flusher, "together");
  WeirLink *link = rig_link (rig, push, slow, 3);
  rig_begin (rig);
  fake_do (push, push_three);
  rig_until_noted (rig, slow, "flush(3)", 1);
  rig_until_noted (rig, push, "pause", 1);
  weir_stage_wake (slow->stage);
  rig_until_noted (rig, slow, "flush(3)", 2);
  fake_look (slow, "waits");
  ck_assert_uint_eq (figures_of (link).queued, 3); /* taken, and not done */
  fake_allow (slow, 1);
  rig_until_noted (rig, push, "resume", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (slow, "open start flush(3) flush(3) waits flush(3) end close");
  rig_free (rig);
}
END_TEST

static WeirNext
end_when_allowed (Fake *fake)
{
  return atomic_load (&fake->allowed) == 0 ? WEIR_WAIT : WEIR_MORE;
}

static const Script slow_end = { .consume = take, .end = end_when_allowed };

START_TEST (r6_an_end_that_waits_comes_again)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "a", WEIR_PRODUCER, &pusher, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &slow_end, NULL);
  rig_link (rig, push, slow, 3);
  rig_begin (rig);
  fake_do (push, fake_finish);
  rig_until_noted (rig, slow, "end", 1);
  fake_look (slow, "waits");
  fake_allow (slow, 1);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (slow, "open start end waits end close");
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r6_a_record_not_taken_is_offered_first_after_a_wake);
  tcase_add_test (tcase, r6_no_other_input_is_served_meanwhile);
  tcase_add_test (tcase, r6_the_pause_travels_upstream_to_the_origin);
  tcase_add_test (tcase, r6_wait_for_a_descriptor);
  tcase_add_test (tcase, r6_wait_for_a_time);
  tcase_add_test (tcase, r6_a_run_not_flushed_comes_again);
  tcase_add_test (tcase, r6_an_end_that_waits_comes_again);
}

int
main (void)
{
  return run_suite ("rules-wait", add);
}
