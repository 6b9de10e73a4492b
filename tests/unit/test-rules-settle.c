/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of settle (R15): whoever keeps records while its input is full of them is told to finish with them. */
#include "keepers.h"

static const Script batcher = { .consume = keep, .settle = settle_now };

START_TEST (r15_a_batch_larger_than_its_link_is_settled)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &batcher, NULL); /* its batch is endless */
  pull->most = 100;
  WeirLink *link = rig_link (rig, pull, end, 10);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&end->counted), 100);
  ck_assert_uint_ge (fake_count (end, "settle"), 9);
  ck_assert_uint_eq (figures_of (link).out, 100);
  rig_free (rig);
}
END_TEST

static const Script no_settle = { .consume = keep };

START_TEST (r15_a_role_that_keeps_and_has_no_settle_fails_by_name)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &no_settle, NULL);
  pull->most = 100;
  rig_link (rig, pull, end, 10);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (rig->failure, "end: keeps 10 records while its input is full of them, and has no settle()");
  rig_free (rig);
}
END_TEST

START_TEST (r15_settle_is_told_once_until_something_is_released)
{
  Pair pair = pair_new (&keeper, 4, 4);
  fake_do (pair.push, fake_emit_most);
  rig_until_noted (pair.rig, pair.end, "settle", 1);
  rig_until_noted (pair.rig, pair.push, "pause",
                   1); /* it looks once more whether it is held up, after its taker was woken */
  weir_stage_wake (pair.end->stage);
  fake_look (pair.end, "looked");
  fake_look (pair.end, "looked");
  ck_assert_uint_eq (fake_count (pair.end, "settle"), 1);
  weir_record_release (g_ptr_array_steal_index (pair.end->kept, 0));
  rig_until_noted (pair.rig, pair.end, "settle", 2);
  fake_release_all (pair.end);
  rig_until_noted (pair.rig, pair.push, "resume", 1);
  pair_finish (&pair);
  rig_free (pair.rig);
}
END_TEST

START_TEST (r15_a_stop_settles_what_is_kept)
{
  Pair pair = pair_new (&batcher, 100, 3);
  fake_do (pair.push, fake_emit_most);
  rig_until_noted (pair.rig, pair.end, "consume(2)", 1);
  ck_assert_uint_eq (fake_count (pair.end, "settle"), 0); /* nobody is held up */
  rig_stop (pair.rig);
  ck_assert_int_eq (rig_finish (pair.rig), WEIR_RESULT_STOPPED);
  ck_assert_uint_ge (fake_count (pair.end, "settle"), 1);
  rig_free (pair.rig);
}
END_TEST

/* Keeps numbers, and takes all else. */
static WeirNext
keep_numbers (Fake *fake, const WeirRecord *record)
{
  return g_ascii_isdigit (record->data[0]) ? keep (fake, record) : take (fake, record);
}

static WeirNext
emit_word (Fake *fake)
{
  fake_emit (fake, "word");
  return WEIR_MORE;
}

static const Script words = { .produce = emit_word };
static const Script picky = { .consume = keep_numbers, .settle = settle_now };

START_TEST (r15_an_input_is_settled_while_another_is_busy)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *busy = rig_add (rig, "busy", WEIR_PRODUCER, &words, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &picky, "together");
  busy->quiet = end->quiet = TRUE;
  push->most = 4;
  rig_link (rig, push, end, 4);
  rig_link (rig, busy, end, 4096);
  rig_begin (rig);
  fake_do (push, fake_emit_most);
  rig_until_noted (rig, end, "settle", 1);
  rig_stop (rig);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_STOPPED);
  rig_free (rig);
}
END_TEST

static WeirNext
settle_by_produce (Fake *fake)
{
  fake->next = 0;
  return WEIR_PRODUCE;
}

static WeirNext
produce_total (Fake *fake)
{
  g_autofree char *text = g_strdup_printf ("%u", fake->kept->len);
  fake_emit (fake, text);
  fake_release_all (fake);
  return WEIR_DONE;
}

static const Script totals = {
  .consume = keep, .settle = settle_by_produce, .end = settle_by_produce, .produce = produce_total
};

START_TEST (r15_settle_may_produce)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *sum = rig_add (rig, "sum", WEIR_TRANSFORM, &totals, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  push->most = 4;
  rig_link (rig, push, sum, 4);
  rig_link (rig, sum, end, 4);
  rig_begin (rig);
  fake_do (push, fake_emit_most);
  rig_until_noted (rig, sum, "produce", 1);
  fake_look (push, "looked"); /* told, if it was paused at all: its taker may have been quicker */
  push->most = 6;
  fake_do (push, fake_emit_most);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  g_autofree char *events = fake_events (sum), *totals_taken = fake_events (end);
  /* Told once more where its producer was paused by what has come since. */
  ck_assert_msg (g_str_has_prefix (events, "open start consume(0) consume(1) consume(2) consume(3) settle produce "),
                 "%s", events);
  ck_assert_msg (g_str_has_suffix (events, " end produce close"), "%s", events);
  ck_assert_msg (g_str_has_prefix (totals_taken, "open start consume(4) consume("), "%s", totals_taken);
  rig_free (rig);
}
END_TEST

/* Keeps each record, then produces for it, and waits there. */
static WeirNext
keep_and_produce (Fake *fake, const WeirRecord *record)
{
  keep (fake, record);
  return record->data[0] == '1' ? WEIR_PRODUCE : WEIR_MORE;
}

static WeirNext
wait_in_produce (Fake *fake)
{
  if (atomic_load (&fake->allowed) == 0) {
    return WEIR_WAIT;
  }
  return WEIR_DONE;
}

static const Script waits_in_produce = { .consume = keep_and_produce,
                                         .settle = settle_now,
                                         .produce = wait_in_produce };

START_TEST (r15_settle_waits_for_a_produce_that_waits)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *mid = rig_add (rig, "mid", WEIR_TRANSFORM, &waits_in_produce, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  push->most = 2;
  rig_link (rig, push, mid, 4);
  rig_link (rig, mid, end, 4);
  rig_begin (rig);
  fake_do (push, fake_emit_most);
  rig_until_noted (rig, mid, "produce", 1);
  rig_stop (rig); /* wants kept records settled */
  rig_until_noted (rig, push, "close", 1);
  fake_look (mid, "waits");
  fake_look (mid, "waits");
  fake_allow (mid, 1);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_STOPPED);
  g_autofree char *events = fake_events (mid);
  ck_assert_msg (g_str_has_prefix (events, "open start consume(0) consume(1) produce waits waits produce"), "%s",
                 events);
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r15_a_batch_larger_than_its_link_is_settled);
  tcase_add_test (tcase, r15_a_role_that_keeps_and_has_no_settle_fails_by_name);
  tcase_add_test (tcase, r15_settle_is_told_once_until_something_is_released);
  tcase_add_test (tcase, r15_a_stop_settles_what_is_kept);
  tcase_add_test (tcase, r15_an_input_is_settled_while_another_is_busy);
  tcase_add_test (tcase, r15_settle_may_produce);
  tcase_add_test (tcase, r15_settle_waits_for_a_produce_that_waits);
}

int
main (void)
{
  return run_suite ("rules-settle", add);
}
