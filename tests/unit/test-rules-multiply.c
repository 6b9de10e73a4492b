/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a transform that makes much out of one record, and answers PRODUCE (R7): here each record is a count, and that many
 * come of it. */
#include "fakes.h"

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
  fake_assert_events (chain.end, "open start consume(3) consume(0) consume(2) consume(0) consume(1) end close");
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
  return run_suite ("rules-multiply", add);
}
