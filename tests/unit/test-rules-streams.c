/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of streams: state per link and stream, end_stream() in order, GAP, and what an early end does to open states. The joiner
 * is in scripts.c. */
#include "fakes.h"

static WeirNext
produce_joined_later (Fake *fake, gpointer state)
{
  fake->data = state;
  return WEIR_PRODUCE;
}

/* One letter a call. */
static WeirNext
produce_letter (Fake *fake)
{
  Joined *joined = fake->data;
  ck_assert_ptr_eq (weir_stream_state (fake->stage), joined);
  fake_emit (fake, (char[]){ joined->text[fake->next++], 0 });
  if (joined->text[fake->next] != 0) {
    return WEIR_MORE;
  }
  fake->next = 0;
  return WEIR_DONE;
}

static WeirNext
wait_once_then_emit (Fake *fake, gpointer state)
{
  return atomic_load (&fake->allowed) == 0 ? WEIR_WAIT : emit_joined (fake, state);
}

static const Script producing = {
  .consume = join, .end_stream = produce_joined_later, .produce = produce_letter, .stream_size = sizeof (Joined)
};
static const Script slow_joiner = { .consume = join,
                                    .end_stream = wait_once_then_emit,
                                    .stream_size = sizeof (Joined) };

static void
play_data (Fake *fake)
{
  play (fake, fake->data);
  fake_finish (fake);
}

typedef struct {
  Rig *rig;
  Fake *push, *join, *end;
} Chain;

static Chain
chain_new (const Script *join, guint64 records)
{
  Chain chain = { .rig = rig_new () };
  chain.push = rig_add (chain.rig, "push", WEIR_PRODUCER, &pusher, NULL);
  chain.join = rig_add (chain.rig, "join", WEIR_TRANSFORM, join, NULL);
  chain.end = rig_add (chain.rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (chain.rig, chain.push, chain.join, 100);
  rig_link (chain.rig, chain.join, chain.end, records);
  return chain;
}

static void
run (Chain *chain, const char *steps)
{
  rig_begin (chain->rig);
  chain->push->data = (gpointer) steps;
  fake_do (chain->push, play_data);
  ck_assert_int_eq (rig_finish (chain->rig), WEIR_RESULT_DONE);
}

START_TEST (streams_do_not_meet)
{
  Chain chain = chain_new (&joiner, 100);
  run (&chain, "aAbBcC-=");
  fake_assert_events (chain.end, "open start consume(abc) consume(ABC) end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (streams_end_in_order_with_their_records)
{
  Chain chain = chain_new (&joiner, 100);
  run (&chain, "aAb-BC=cd-");
  fake_assert_events (chain.join,
                      "open start consume(a) consume(A) consume(b) end_stream consume(B) consume(C) end_stream "
                      "consume(c) consume(d) end_stream end close");
  fake_assert_events (chain.end, "open start consume(ab) consume(ABC) consume(cd) end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (streams_end_with_their_link)
{
  Chain chain = chain_new (&joiner, 100);
  run (&chain, "aAbB");
  fake_assert_events (chain.end, "open start consume(ab) consume(AB) end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (r7_end_stream_may_produce_under_pauses)
{
  Chain chain = chain_new (&producing, 1);
  run (&chain, "aAbcB-=");
  fake_assert_events (chain.end, "open start consume(a) consume(b) consume(c) consume(A) consume(B) end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (r6_an_end_stream_that_waits_comes_again)
{
  Chain chain = chain_new (&slow_joiner, 100);
  rig_begin (chain.rig);
  chain.push->data = (gpointer) "ab-AB=";
  fake_do (chain.push, play_data);
  rig_until_noted (chain.rig, chain.join, "end_stream", 1);
  fake_look (chain.join, "waits");
  fake_allow (chain.join, 1);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.join, "open start consume(a) consume(b) end_stream waits end_stream consume(A) consume(B) "
                                  "end_stream end close");
  fake_assert_events (chain.end, "open start consume(ab) consume(AB) end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (streams_are_kept_apart_by_link)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, "together");
  Fake *one = rig_add (rig, "one", WEIR_TRANSFORM, &passer, "together");
  Fake *join = rig_add (rig, "join", WEIR_TRANSFORM, &joiner, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, "together");
  rig_link (rig, push, one, 100);
  rig_link (rig, push, join, 100); /* the same streams come twice, by two links */
  rig_link (rig, one, join, 100);
  rig_link (rig, join, end, 100);
  rig_begin (rig);
  push->data = (gpointer) "abAc-B=";
  fake_do (push, play_data);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (fake_count (end, "consume(abc)"), 2);
  ck_assert_uint_eq (fake_count (end, "consume(AB)"), 2);
  rig_free (rig);
}
END_TEST

static WeirNext
keep_first (Fake *fake, const WeirRecord *record)
{
  if (fake->kept->len == 0) {
    fake_keep (fake, record);
  }
  return hand_on (fake, record);
}

static WeirNext
do_nothing (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_MORE;
}

static const Script keeper = { .consume = keep_first, .settle = do_nothing };

START_TEST (streams_end_is_forwarded_when_all_before_it_is_done)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *pass = rig_add (rig, "pass", WEIR_TRANSFORM, &keeper, NULL);
  Fake *join = rig_add (rig, "join", WEIR_TRANSFORM, &joiner, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, pass, 100);
  rig_link (rig, pass, join, 100);
  rig_link (rig, join, end, 100);
  rig_begin (rig);
  push->data = (gpointer) "ab-";
  fake_do (push, play_data);
  rig_until_noted (rig, join, "consume(b)", 1);
  rig_until_noted (rig, pass, "end", 1);
  fake_look (pass, "kept");
  fake_look (join, "no_end");
  fake_release_all (pass);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (join, "open start consume(a) consume(b) no_end end_stream end close");
  rig_free (rig);
}
END_TEST

static void
play_with_gap (Fake *fake)
{
  play (fake, "aAb");
  static char text[] = "c";
  WeirBuffer *buffer = weir_buffer_wrap (text, 1, NULL, NULL);
  WeirRecord record = {
    .data = (const guint8 *) text, .size = 1, .buffer = buffer, .stream = streams[0], .flags = WEIR_RECORD_GAP
  };
  weir_stage_clear_overrides (fake->stage); /* as the next callback would find it */
  fake_forward (fake, &record);
  weir_buffer_unref (buffer);
  play (fake, "B-=");
  fake_finish (fake);
}

START_TEST (streams_a_gap_ends_the_state_first)
{
  const Script *scripts[] = { &joiner, &producing };
  Chain chain = chain_new (scripts[_i], 100);
  rig_begin (chain.rig);
  fake_do (chain.push, play_with_gap);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_DONE);
  if (_i == 0) {
    fake_assert_events (chain.join, "open start consume(a) consume(A) consume(b) end_stream consume(c) consume(B) "
                                    "end_stream end_stream end close");
    fake_assert_events (chain.end, "open start consume(ab) consume(c) consume(AB) end close");
  } else {
    fake_assert_events (chain.end, "open start consume(a) consume(b) consume(c) consume(A) consume(B) end close");
  }
  rig_free (chain.rig);
}
END_TEST

static void
play_beyond (Fake *fake)
{
  play (fake, "abcde"); /* d and e find the link full */
}

static void
play_end (Fake *fake)
{
  play (fake, "f-");
  fake_finish (fake);
}

START_TEST (streams_a_drop_makes_a_gap)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, "together");
  Fake *join = rig_add (rig, "join", WEIR_TRANSFORM, &joiner, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, "together");
  WeirQueueSettings settings = queue_of (3);
  settings.when_full = WEIR_WHEN_FULL_DROP_NEWEST;
  WeirLink *link = rig_link_with (rig, push, 0, join, settings);
  rig_link (rig, join, end, 100);
  rig_begin (rig);
  fake_do (push, play_beyond);
  rig_until_noted (rig, join, "consume(c)", 1);
  fake_look (join, "drained");
  fake_do (push, play_end);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (link).dropped_by[WEIR_DROP_FULL], 2);
  fake_assert_events (end, "open start consume(abc) consume(f) end close");
  rig_free (rig);
}
END_TEST

/* ---- early ends: what the states own is freed, and the memory too (ASan looks) ---- */

static WeirNext
join_most (Fake *fake, const WeirRecord *record)
{
  join (fake, record);
  return ++fake->next == 2 ? WEIR_DONE : WEIR_MORE;
}

static WeirNext
join_and_finish (Fake *fake, const WeirRecord *record)
{
  join (fake, record);
  fake_finish (fake);
  return WEIR_MORE;
}

static WeirNext
enough_at_once (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return WEIR_DONE;
}

static void
play_and_stay (Fake *fake)
{
  play (fake, "BCa-"); /* the upper case stream stays open */
}

static const Script few_joiner = { .consume = join_most, .end_stream = emit_joined, .stream_size = sizeof (Joined) };
static const Script finisher = { .consume = join_and_finish,
                                 .end_stream = emit_joined,
                                 .stream_size = sizeof (Joined) };

START_TEST (r16_enough_ends_the_states)
{
  Chain chain = chain_new (&few_joiner, 1);
  run (&chain, "aAbcBC");
  /* Whether a link of one pauses in between depends on how soon its taker takes. */
  ck_assert_uint_eq (fake_count (chain.join, "consume(A)"), 1);
  ck_assert_uint_eq (fake_count (chain.join, "end_stream"), 2);
  ck_assert_uint_eq (fake_count (chain.join, "stop"), 0);
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_finish_leaves_no_state_behind)
{
  Chain chain = chain_new (&finisher, 100);
  run (&chain, "aAbcBC");
  fake_assert_events (chain.join, "open start consume(a) close");
  rig_free (chain.rig);
}
END_TEST

static _Atomic gint warnings;

static GLogWriterOutput
count_warnings (GLogLevelFlags level, G_GNUC_UNUSED const GLogField *fields, G_GNUC_UNUSED gsize count,
                G_GNUC_UNUSED gpointer data)
{
  atomic_fetch_add (&warnings, (level & G_LOG_LEVEL_WARNING) != 0 ? 1 : 0);
  return G_LOG_WRITER_HANDLED;
}

static const Script few = { .consume = enough_at_once };

/* A half line that head did not want is counted, but it is no fault of the joiner's that it is refused. */
START_TEST (r16_what_the_states_of_a_stopped_stage_emit_is_refused_without_a_word)
{
  g_log_set_writer_func (count_warnings, NULL, NULL);
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *join = rig_add (rig, "join", WEIR_TRANSFORM, &joiner, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &few, NULL);
  rig_link (rig, push, join, 100);
  rig_link (rig, join, end, 100);
  rig_begin (rig);
  fake_do (push, play_and_stay);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (weir_load_relaxed (&join->stage->refused), 1);
  ck_assert_int_eq (atomic_load (&warnings), 0);
  fake_assert_events (end, "open start consume(a) close");
  rig_free (rig);
}
END_TEST

START_TEST (r9_stop_ends_the_states_before_it)
{
  Chain chain = chain_new (&joiner, 100);
  Fake *other = rig_add (chain.rig, "other", WEIR_PRODUCER, &pusher, NULL);
  rig_link (chain.rig, other, chain.join, 100);
  rig_begin (chain.rig);
  chain.push->data = (gpointer) "aA";
  fake_do (chain.push, play_data);
  rig_until_noted (chain.rig, chain.join, "consume(A)", 1);
  rig_until_noted (chain.rig, chain.push, "close", 1);
  rig_stop (chain.rig);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_STOPPED);
  ck_assert_uint_eq (fake_count (chain.join, "end_stream"), 2);
  rig_free (chain.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, streams_do_not_meet);
  tcase_add_test (tcase, streams_end_in_order_with_their_records);
  tcase_add_test (tcase, streams_end_with_their_link);
  tcase_add_test (tcase, r7_end_stream_may_produce_under_pauses);
  tcase_add_test (tcase, r6_an_end_stream_that_waits_comes_again);
  tcase_add_test (tcase, streams_are_kept_apart_by_link);
  tcase_add_test (tcase, streams_end_is_forwarded_when_all_before_it_is_done);
  tcase_add_loop_test (tcase, streams_a_gap_ends_the_state_first, 0, 2);
  tcase_add_test (tcase, streams_a_drop_makes_a_gap);
  tcase_add_test (tcase, r16_enough_ends_the_states);
  tcase_add_test (tcase, r9_finish_leaves_no_state_behind);
  tcase_add_test (tcase, r9_stop_ends_the_states_before_it);
  tcase_add_test (tcase, r16_what_the_states_of_a_stopped_stage_emit_is_refused_without_a_word);
}

int
main (void)
{
  return run_suite ("rules-streams", add);
}
