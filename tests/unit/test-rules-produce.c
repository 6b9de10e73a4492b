/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of produce() of a pull producer (R5). What follows PRODUCE in a transform is in test-rules-multiply.c. */
#include "fakes.h"

#include <errno.h>
#include <glib-unix.h>

#include <unistd.h>

typedef struct {
  Rig *rig;
  Fake *pull, *end;
  WeirLink *link;
} Pair;

static Pair
pair_new (const Script *script, gint64 most)
{
  Pair pair = { .rig = rig_new () };
  pair.pull = rig_add (pair.rig, "pull", WEIR_PRODUCER, script, NULL);
  pair.end = rig_add (pair.rig, "end", WEIR_CONSUMER, &taker, NULL);
  pair.link = rig_link (pair.rig, pair.pull, pair.end, 100);
  pair.pull->most = most;
  return pair;
}

static WeirNext
check_room (Fake *fake)
{
  ck_assert_uint_gt (weir_stage_room (fake->stage), 0);
  ck_assert (!weir_stage_paused (fake->stage));
  return produce_number (fake);
}

static const Script needs_room = { .produce = check_room };

START_TEST (r5_produce_comes_only_while_there_is_room)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &needs_room, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  pull->most = 1000;
  pull->quiet = end->quiet = TRUE;
  rig_link (rig, pull, end, 3);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&end->counted), 1000);
  rig_free (rig);
}
END_TEST

START_TEST (r5_done_ends_without_a_stop)
{
  Pair pair = pair_new (&numbers, 2);
  ck_assert_int_eq (rig_run (pair.rig), WEIR_RESULT_DONE);
  fake_assert_events (pair.pull, "open start produce produce produce close");
  fake_assert_events (pair.end, "open start consume(0) consume(1) end close");
  rig_free (pair.rig);
}
END_TEST

static WeirNext
done_with_the_last (Fake *fake)
{
  produce_number (fake);
  return fake->next == fake->most ? WEIR_DONE : WEIR_MORE;
}

static const Script brisk = { .produce = done_with_the_last };

START_TEST (r5_what_is_emitted_with_done_counts)
{
  Pair pair = pair_new (&brisk, 2);
  ck_assert_int_eq (rig_run (pair.rig), WEIR_RESULT_DONE);
  fake_assert_events (pair.end, "open start consume(0) consume(1) end close");
  rig_free (pair.rig);
}
END_TEST

static WeirNext
wait_for_permission (Fake *fake)
{
  return fake->next < atomic_load (&fake->allowed) ? produce_number (fake) : WEIR_WAIT;
}

static const Script waiting = { .produce = wait_for_permission };

START_TEST (r5_wait_is_asked_again_after_a_wake_and_not_before)
{
  Pair pair = pair_new (&waiting, 1);
  rig_begin (pair.rig);
  rig_until_noted (pair.rig, pair.pull, "produce", 1);
  fake_look (pair.pull, "looked");
  fake_look (pair.pull, "looked");
  fake_allow (pair.pull, 2);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  fake_assert_events (pair.pull, "open start produce looked looked produce produce close");
  rig_free (pair.rig);
}
END_TEST

START_TEST (r5_a_wake_without_news_asks_once)
{
  Pair pair = pair_new (&waiting, 0);
  rig_begin (pair.rig);
  rig_until_noted (pair.rig, pair.pull, "produce", 1);
  fake_allow (pair.pull, 0);
  rig_until_noted (pair.rig, pair.pull, "produce", 2);
  fake_look (pair.pull, "looked");
  fake_allow (pair.pull, 1);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  fake_assert_events (pair.pull, "open start produce produce looked produce close");
  rig_free (pair.rig);
}
END_TEST

static int pipe_ends[2];

static WeirNext
read_pipe (Fake *fake)
{
  char byte;
  ssize_t got = read (pipe_ends[0], &byte, 1);
  if (got < 0) {
    return weir_stage_wait_fd (fake->stage, pipe_ends[0], G_IO_IN);
  }
  if (got == 0) {
    weir_stage_close_fd (fake->stage, pipe_ends[0]);
    return WEIR_DONE;
  }
  fake_emit (fake, (char[]){ byte, 0 });
  return WEIR_MORE;
}

static const Script reader = { .produce = read_pipe };

START_TEST (r5_wait_for_a_descriptor)
{
  Pair pair = pair_new (&reader, 0);
  ck_assert_int_eq (pipe (pipe_ends), 0);
  ck_assert (g_unix_set_fd_nonblocking (pipe_ends[0], TRUE, NULL));
  rig_begin (pair.rig);
  rig_until_noted (pair.rig, pair.pull, "produce", 1);
  fake_look (pair.pull, "looked");
  ck_assert_int_eq (write (pipe_ends[1], "a", 1), 1);
  rig_until_noted (pair.rig, pair.pull, "produce", 3);
  fake_look (pair.pull, "looked");
  close (pipe_ends[1]);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_DONE);
  fake_assert_events (pair.pull, "open start produce looked produce produce looked produce close");
  fake_assert_events (pair.end, "open start consume(a) end close");
  rig_free (pair.rig);
}
END_TEST

static WeirNext
close_none (Fake *fake)
{
  errno = 0;
  weir_stage_close_fd (fake->stage, -1);
  ck_assert_int_eq (errno, 0);
  return WEIR_DONE;
}

static const Script closer = { .produce = close_none };

START_TEST (r5_no_descriptor_is_closed_where_there_is_none)
{
  Pair pair = pair_new (&closer, 0);
  ck_assert_int_eq (rig_run (pair.rig), WEIR_RESULT_DONE);
  fake_assert_events (pair.pull, "open start produce close");
  rig_free (pair.rig);
}
END_TEST

static WeirNext
wait_a_while (Fake *fake)
{
  gint64 now = weir_stage_now (fake->stage);
  if (fake->next++ == 0) {
    fake->most = now + 3000;
    return weir_stage_wait_time (fake->stage, 3000);
  }
  ck_assert_int_ge (now, fake->most);
  return WEIR_DONE;
}

static const Script timed = { .produce = wait_a_while };

START_TEST (r5_wait_for_a_time)
{
  Pair pair = pair_new (&timed, 0);
  ck_assert_int_eq (rig_run (pair.rig), WEIR_RESULT_DONE);
  fake_assert_events (pair.pull, "open start produce produce close");
  rig_free (pair.rig);
}
END_TEST

static WeirNext
nothing_at_first (Fake *fake)
{
  return fake->next++ < fake->most ? WEIR_MORE : WEIR_DONE;
}

static const Script idler = { .produce = nothing_at_first };

START_TEST (r5_more_with_nothing_emitted_is_retried_with_pauses_and_counted)
{
  Pair pair = pair_new (&idler, 20);
  gint64 start = g_get_monotonic_time ();
  ck_assert_int_eq (rig_run (pair.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (fake_count (pair.pull, "produce"), 21);
  ck_assert_int_ge (g_get_monotonic_time () - start, (1 + 2 + 4 + 8 + 16) * 1000);
  ck_assert_uint_eq (weir_load_relaxed (&pair.pull->stage->errors), 5); /* from the 16th on */
  rig_free (pair.rig);
}
END_TEST

START_TEST (r5_fewer_than_sixteen_in_a_row_are_no_fault)
{
  Pair pair = pair_new (&idler, 15);
  ck_assert_int_eq (rig_run (pair.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (weir_load_relaxed (&pair.pull->stage->errors), 0);
  rig_free (pair.rig);
}
END_TEST

static WeirNext
every_tenth (Fake *fake)
{
  if (fake->next == fake->most) {
    return WEIR_DONE;
  }
  if (++fake->next % 10 == 0) {
    fake_emit (fake, "ten");
  }
  return WEIR_MORE;
}

static const Script sparse = { .produce = every_tenth };

START_TEST (r5_what_is_emitted_ends_the_row)
{
  Pair pair = pair_new (&sparse, 200);
  ck_assert_int_eq (rig_run (pair.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (weir_load_relaxed (&pair.pull->stage->errors), 0);
  ck_assert_int_eq (atomic_load (&pair.end->counted), 20);
  rig_free (pair.rig);
}
END_TEST

static WeirNext
nothing_when_allowed (Fake *fake)
{
  return atomic_load (&fake->allowed) == 0 ? WEIR_WAIT : nothing_at_first (fake);
}

static const Script late_idler = { .produce = nothing_when_allowed };

static void
allow_both (Fake *fake)
{
  fake_allow (fake, 1);
  fake_allow (fake->other, 1);
}

START_TEST (r5_more_with_nothing_emitted_goes_to_the_tail_of_the_run_queue)
{
  Rig *rig = rig_new ();
  Fake *one = rig_add (rig, "one", WEIR_PRODUCER, &late_idler, "together");
  Fake *two = rig_add (rig, "two", WEIR_PRODUCER, &late_idler, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, one, end, 10);
  rig_link (rig, two, end, 10);
  one->most = two->most = 10;
  one->other = two;
  rig_begin (rig);
  rig_until_noted (rig, one, "produce", 1);
  rig_until_noted (rig, two, "produce", 1);
  fake_do (one, allow_both);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  const char *turns = "one.produce two.produce one.produce two.produce one.produce two.produce";
  ck_assert_msg (strstr (rig->journal->str, turns) != NULL, "%s", rig->journal->str);
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r5_produce_comes_only_while_there_is_room);
  tcase_add_test (tcase, r5_done_ends_without_a_stop);
  tcase_add_test (tcase, r5_what_is_emitted_with_done_counts);
  tcase_add_test (tcase, r5_wait_is_asked_again_after_a_wake_and_not_before);
  tcase_add_test (tcase, r5_a_wake_without_news_asks_once);
  tcase_add_test (tcase, r5_wait_for_a_descriptor);
  tcase_add_test (tcase, r5_no_descriptor_is_closed_where_there_is_none);
  tcase_add_test (tcase, r5_wait_for_a_time);
  tcase_add_test (tcase, r5_more_with_nothing_emitted_is_retried_with_pauses_and_counted);
  tcase_add_test (tcase, r5_fewer_than_sixteen_in_a_row_are_no_fault);
  tcase_add_test (tcase, r5_what_is_emitted_ends_the_row);
  tcase_add_test (tcase, r5_more_with_nothing_emitted_goes_to_the_tail_of_the_run_queue);
}

int
main (void)
{
  return run_suite ("rules-produce", add);
}
