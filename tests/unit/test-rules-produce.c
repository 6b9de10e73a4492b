/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of produce(): a pull producer's answers (R5), and what follows PRODUCE in a transform (R7). */
#include "fakes.h"

#include <glib-unix.h>

#include <string.h>
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

/* ---- R7: each record is a count, and that many come of it ---- */

static WeirNext
begin_count (Fake *fake, const WeirRecord *record)
{
  g_autofree char *text = g_strndup ((const char *) record->data, record->size);
  fake->next = 0;
  fake->most = g_ascii_strtoll (text, NULL, 10);
  return WEIR_PRODUCE;
}

static WeirNext
produce_counted (Fake *fake)
{
  WeirNext next = produce_number (fake);
  return next == WEIR_DONE || fake->next == fake->most ? WEIR_DONE : WEIR_MORE;
}

static WeirNext
produce_counted_at_end (Fake *fake)
{
  fake->next = 0;
  fake->most = 2;
  return WEIR_PRODUCE;
}

static const Script multiplier = { .consume = begin_count, .produce = produce_counted };
static const Script ends_with_two = { .consume = hand_on, .produce = produce_counted, .end = produce_counted_at_end };

typedef struct {
  Rig *rig;
  Fake *push, *many, *end;
  WeirLink *out;
} Chain;

static Chain
chain_new (const Script *many, const Script *end, guint64 records)
{
  Chain chain = { .rig = rig_new () };
  chain.push = rig_add (chain.rig, "push", WEIR_PRODUCER, &pusher, NULL);
  chain.many = rig_add (chain.rig, "many", WEIR_TRANSFORM, many, NULL);
  chain.end = rig_add (chain.rig, "end", WEIR_CONSUMER, end, NULL);
  rig_link (chain.rig, chain.push, chain.many, 100);
  chain.out = rig_link (chain.rig, chain.many, chain.end, records);
  return chain;
}

static void
push_3_0_2 (Fake *fake)
{
  fake_emit (fake, "3");
  fake_emit (fake, "0");
  fake_emit (fake, "2");
  fake_finish (fake);
}

static void
push_1000 (Fake *fake)
{
  fake_emit (fake, "1000");
  fake_emit (fake, "1000");
  fake_finish (fake);
}

START_TEST (r7_produce_is_called_until_done_before_the_next_record)
{
  Chain chain = chain_new (&multiplier, &taker, 100);
  rig_begin (chain.rig);
  fake_do (chain.push, push_3_0_2);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.many, "open start consume(3) produce produce produce consume(0) produce consume(2) produce "
                                  "produce end close");
  fake_assert_events (chain.end, "open start consume(0) consume(1) consume(2) consume(0) consume(1) end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (r7_produce_pauses_as_a_producer_does)
{
  Chain chain = chain_new (&multiplier, &taker, 4);
  chain.many->quiet = chain.end->quiet = TRUE;
  rig_begin (chain.rig);
  fake_do (chain.push, push_1000);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&chain.end->counted), 2000);
  ck_assert_uint_le (figures_of (chain.out).peak_records, 5); /* with the end, a control entry */
  ck_assert_uint_gt (fake_count (chain.many, "pause"), 0);
  rig_free (chain.rig);
}
END_TEST

START_TEST (r7_end_may_produce)
{
  Chain chain = chain_new (&ends_with_two, &taker, 100);
  rig_begin (chain.rig);
  fake_do (chain.push, push_3_0_2);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.many, "open start consume(3) consume(0) consume(2) end produce produce close");
  fake_assert_events (chain.end,
                      "open start consume(3) consume(0) consume(2) consume(0) consume(1) end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (r7_end_produces_under_pauses)
{
  Chain chain = chain_new (&ends_with_two, &taker, 1);
  rig_begin (chain.rig);
  fake_do (chain.push, push_3_0_2);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&chain.end->counted), 5);
  rig_free (chain.rig);
}
END_TEST

static WeirNext
nothing_then_one (Fake *fake)
{
  if (fake->next++ < 20) {
    return WEIR_MORE;
  }
  fake_emit (fake, "one");
  return WEIR_DONE;
}

static const Script hesitant = { .consume = begin_count, .produce = nothing_then_one };

static void
push_one (Fake *fake)
{
  fake_emit (fake, "7");
  fake_finish (fake);
}

START_TEST (r7_more_with_nothing_emitted_is_retried_with_pauses_and_counted)
{
  Chain chain = chain_new (&hesitant, &taker, 10);
  gint64 start = g_get_monotonic_time ();
  rig_begin (chain.rig);
  fake_do (chain.push, push_one);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (fake_count (chain.many, "produce"), 21);
  ck_assert_int_ge (g_get_monotonic_time () - start, (1 + 2 + 4 + 8 + 16) * 1000);
  ck_assert_uint_eq (weir_load_relaxed (&chain.many->stage->errors), 5);
  fake_assert_events (chain.end, "open start consume(one) end close");
  rig_free (chain.rig);
}
END_TEST

static WeirNext
wait_once (Fake *fake)
{
  if (fake->next == 0 && atomic_load (&fake->allowed) == 0) {
    return WEIR_WAIT;
  }
  return produce_counted (fake);
}

static const Script patient = { .consume = begin_count, .produce = wait_once };

START_TEST (r7_a_wait_inside_goes_on_after_a_wake)
{
  Chain chain = chain_new (&patient, &taker, 10);
  rig_begin (chain.rig);
  fake_do (chain.push, push_3_0_2);
  rig_until_noted (chain.rig, chain.many, "produce", 1);
  fake_look (chain.many, "looked");
  fake_allow (chain.many, 1);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.many, "open start consume(3) produce looked produce produce produce consume(0) produce "
                                  "consume(2) produce produce end close");
  rig_free (chain.rig);
}
END_TEST

static WeirNext
check_inherited (Fake *fake, const WeirRecord *record)
{
  ck_assert_int_eq (record->time, 1234567);
  ck_assert_str_eq (weir_record_tag (record, "peer"), "one");
  ck_assert_uint_ne (record->stream, 0);
  return take (fake, record);
}

static void
push_tagged (Fake *fake)
{
  g_autoptr (WeirTags) tags = weir_tags_with (NULL, "peer", "one");
  guint32 stream = weir_stream_open (fake->stage, tags);
  weir_stream_use (fake->stage, stream);
  weir_stage_set_time (fake->stage, 1234567);
  fake_emit (fake, "2");
  weir_stream_close (fake->stage, stream);
  fake_finish (fake);
}

static const Script inheritor = { .consume = check_inherited };

START_TEST (r7_what_produce_emits_inherits_from_the_record_at_hand)
{
  Chain chain = chain_new (&multiplier, &inheritor, 10);
  rig_begin (chain.rig);
  fake_do (chain.push, push_tagged);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&chain.end->counted), 2);
  rig_free (chain.rig);
}
END_TEST

static const Script incomplete = { .consume = begin_count };

START_TEST (r7_produce_without_a_produce_callback_fails_by_name)
{
  Chain chain = chain_new (&incomplete, &taker, 10);
  rig_begin (chain.rig);
  fake_do (chain.push, push_one);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (chain.rig->failure, "many: consume() answered PRODUCE, and the role has no produce()");
  rig_free (chain.rig);
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
  tcase_add_test (tcase, r5_wait_for_a_time);
  tcase_add_test (tcase, r5_more_with_nothing_emitted_is_retried_with_pauses_and_counted);
  tcase_add_test (tcase, r5_fewer_than_sixteen_in_a_row_are_no_fault);
  tcase_add_test (tcase, r5_what_is_emitted_ends_the_row);
  tcase_add_test (tcase, r5_more_with_nothing_emitted_goes_to_the_tail_of_the_run_queue);
  tcase_add_test (tcase, r7_produce_is_called_until_done_before_the_next_record);
  tcase_add_test (tcase, r7_produce_pauses_as_a_producer_does);
  tcase_add_test (tcase, r7_end_may_produce);
  tcase_add_test (tcase, r7_end_produces_under_pauses);
  tcase_add_test (tcase, r7_more_with_nothing_emitted_is_retried_with_pauses_and_counted);
  tcase_add_test (tcase, r7_a_wait_inside_goes_on_after_a_wake);
  tcase_add_test (tcase, r7_what_produce_emits_inherits_from_the_record_at_hand);
  tcase_add_test (tcase, r7_produce_without_a_produce_callback_fails_by_name);
}

int
main (void)
{
  return run_suite ("rules-produce", add);
}
