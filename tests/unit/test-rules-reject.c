/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of rejection: from consume() and produce(), of kept records, of records over record_max, with and without a taker. */
#include "fakes.h"

/* Rejects odd numbers, and hands on the others. */
static WeirNext
reject_odd (Fake *fake, const WeirRecord *record)
{
  if ((record->data[record->size - 1] & 1) != 0) {
    return weir_stage_reject (fake->stage, "odd: %.*s", (int) record->size, (const char *) record->data);
  }
  return hand_on (fake, record);
}

static WeirNext
note_reason (Fake *fake, const WeirRecord *record)
{
  ck_assert_str_eq (weir_record_tag (record, "stage"), "pick");
  fake_note (fake, "[%s]", weir_record_tag (record, "reason"));
  return take (fake, record);
}

static const Script picker = { .consume = reject_odd }, reasons = { .consume = note_reason };

typedef struct {
  Rig *rig;
  Fake *pull, *pick, *end, *bad;
  WeirLink *in, *rejected;
} Fork;

static Fork
fork_new (const Script *pick, gint64 most, guint64 records)
{
  Fork fork = { .rig = rig_new () };
  fork.pull = rig_add (fork.rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  fork.pick = rig_add (fork.rig, "pick", WEIR_TRANSFORM, pick, NULL);
  fork.end = rig_add (fork.rig, "end", WEIR_CONSUMER, &taker, NULL);
  fork.bad = rig_add (fork.rig, "bad", WEIR_CONSUMER, &reasons, NULL);
  fork.pull->most = most;
  fork.in = rig_link (fork.rig, fork.pull, fork.pick, 100);
  rig_link (fork.rig, fork.pick, fork.end, 100);
  fork.rejected = rig_link_with (fork.rig, fork.pick, WEIR_PORT_REJECTED, fork.bad, queue_of (records));
  return fork;
}

START_TEST (reject_goes_to_its_taker_with_reason_and_stage)
{
  Fork fork = fork_new (&picker, 4, 100);
  ck_assert_str_eq (fork.rejected->identity->name, "pick.rejected:bad");
  ck_assert_int_eq (rig_run (fork.rig), WEIR_RESULT_DONE);
  fake_assert_events (fork.end, "open start consume(0) consume(2) end close");
  g_autofree char *events = fake_events (fork.bad);
  ck_assert_str_eq (events, "open start consume(1) [odd: 1] consume(3) [odd: 3] end close");
  ck_assert_uint_eq (weir_load_relaxed (&fork.pick->stage->rejected_count), 2);
  rig_free (fork.rig);
}
END_TEST

START_TEST (reject_without_a_taker_fails_the_stage)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *pick = rig_add (rig, "pick", WEIR_TRANSFORM, &picker, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  pull->most = 4;
  WeirLink *in = rig_link (rig, pull, pick, 100);
  rig_link (rig, pick, end, 100);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (rig->failure, "pick: rejected a record, and nobody takes pick.rejected: odd: 1");
  ck_assert_uint_eq (figures_of (in).out, 1);
  fake_assert_events (pick, "open start consume(0) consume(1) close");
  rig_free (rig);
}
END_TEST

START_TEST (r1_a_full_rejected_pauses_its_stage)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *pick = rig_add (rig, "pick", WEIR_CONSUMER, &picker, NULL);
  Fake *bad = rig_add (rig, "bad", WEIR_CONSUMER, &valve, NULL);
  pull->most = 10;
  rig_link (rig, pull, pick, 100);
  rig_link_with (rig, pick, WEIR_PORT_REJECTED, bad, queue_of (2));
  rig_start (rig);
  rig_until_noted (rig, pick, "pause", 1);
  fake_look (pick, "stands");
  fake_assert_events (pick, "open start consume(0) consume(1) consume(2) consume(3) pause stands");
  fake_allow (bad, 100);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&bad->counted), 5);
  rig_free (rig);
}
END_TEST

static WeirNext
begin (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return WEIR_PRODUCE;
}

static WeirNext
reject_second (Fake *fake)
{
  if (++fake->next % 2 == 0) {
    return weir_stage_reject (fake->stage, "second");
  }
  fake_emit (fake, "first");
  return WEIR_MORE;
}

static const Script regrets = { .consume = begin, .produce = reject_second };

START_TEST (reject_in_produce_is_of_the_record_at_hand)
{
  Fork fork = fork_new (&regrets, 2, 100);
  ck_assert_int_eq (rig_run (fork.rig), WEIR_RESULT_DONE);
  fake_assert_events (fork.pick, "open start consume(0) produce produce consume(1) produce produce end close");
  fake_assert_events (fork.bad, "open start consume(0) [second] consume(1) [second] end close");
  fake_assert_events (fork.end, "open start consume(first) consume(first) end close");
  rig_free (fork.rig);
}
END_TEST

static WeirNext
produce_at_end (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_PRODUCE;
}

static WeirNext
reject_now (Fake *fake)
{
  return weir_stage_reject (fake->stage, "nothing there");
}

static const Script confused = { .consume = hand_on, .end = produce_at_end, .produce = reject_now };

START_TEST (reject_without_a_record_at_hand_fails_by_name)
{
  Fork fork = fork_new (&confused, 2, 100);
  ck_assert_int_eq (rig_run (fork.rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (fork.rig->failure, "pick: produce() rejected, and there is no record at hand: nothing there");
  rig_free (fork.rig);
}
END_TEST

/* ---- kept records ---- */

static WeirNext
keep (Fake *fake, const WeirRecord *record)
{
  fake_keep (fake, record);
  return WEIR_MORE;
}

static void
reject_all (Fake *fake)
{
  for (guint i = 0; i < fake->kept->len; i++) {
    weir_record_reject (g_ptr_array_index (fake->kept, i), "number %u", i);
  }
  g_ptr_array_set_size (fake->kept, 0);
}

static WeirNext
reject_all_at_end (Fake *fake)
{
  reject_all (fake);
  return WEIR_MORE;
}

static const Script keeper = { .consume = keep, .settle = reject_all_at_end };

START_TEST (r14_kept_records_are_rejected_in_slot_order)
{
  Fork fork = fork_new (&keeper, 3, 100);
  ck_assert_int_eq (rig_run (fork.rig), WEIR_RESULT_DONE);
  fake_assert_events (fork.bad,
                      "open start consume(0) [number 0] consume(1) [number 1] consume(2) [number 2] end close");
  ck_assert_uint_eq (figures_of (fork.in).out, 3);
  rig_free (fork.rig);
}
END_TEST

START_TEST (r14_a_small_rejected_takes_all_that_was_kept)
{
  Fork fork = fork_new (&keeper, 50, 1);
  ck_assert_int_eq (rig_run (fork.rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&fork.bad->counted), 50);
  ck_assert_uint_le (figures_of (fork.rejected).peak_records, 2);
  rig_free (fork.rig);
}
END_TEST

static gpointer
reject_backwards (gpointer data)
{
  Fake *fake = data;
  for (guint i = fake->kept->len; i-- > 0;) {
    weir_record_reject (g_ptr_array_index (fake->kept, i), "number %u", i);
  }
  return NULL;
}

static WeirNext
start_thread (Fake *fake)
{
  pthread_create (&fake->thread, NULL, reject_backwards, fake);
  return WEIR_MORE;
}

static void
join_thread (Fake *fake)
{
  pthread_join (fake->thread, NULL);
}

static WeirNext
do_nothing (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_MORE;
}

static const Script threaded = { .consume = keep, .end = start_thread, .settle = do_nothing, .close = join_thread };

START_TEST (r14_rejected_from_another_thread_backwards_still_come_in_slot_order)
{
  Fork fork = fork_new (&threaded, 3, 1);
  ck_assert_int_eq (rig_run (fork.rig), WEIR_RESULT_DONE);
  fake_assert_events (fork.bad,
                      "open start consume(0) [number 0] consume(1) [number 1] consume(2) [number 2] end close");
  rig_free (fork.rig);
}
END_TEST

START_TEST (r14_a_kept_record_rejected_without_a_taker_fails_the_stage)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *pick = rig_add (rig, "pick", WEIR_CONSUMER, &keeper, NULL);
  pull->most = 2;
  WeirLink *link = rig_link (rig, pull, pick, 100);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (rig->failure, "pick: rejected a record, and nobody takes pick.rejected: number 0");
  ck_assert_uint_eq (figures_of (link).queued, 2);
  rig_free (rig);
}
END_TEST

/* ---- record_max ---- */

static void
emit_sizes (Fake *fake)
{
  ck_assert (fake_emit_size (fake, 100));
  ck_assert (!fake_emit_size (fake, 101));
  fake_emit_size (fake, 99);
}

START_TEST (r4_a_record_over_record_max_is_rejected)
{
  Rig *rig = rig_new ();
  Fake *pick = rig_add (rig, "pick", WEIR_PRODUCER, &pusher, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  Fake *bad = rig_add (rig, "bad", WEIR_CONSUMER, &reasons, NULL);
  end->quiet = bad->quiet = TRUE;
  WeirLink *link = rig_link (rig, pick, end, 100);
  rig_link_with (rig, pick, WEIR_PORT_REJECTED, bad, queue_of (100));
  weir_pipeline_set_record_max (rig->pipeline, 100);
  rig_begin (rig);
  fake_do (pick, emit_sizes);
  fake_do (pick, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (link).bytes_out, 199);
  fake_assert_events (bad, "open start [a record of 101 bytes is larger than record_max, 100 bytes] end close");
  rig_free (rig);
}
END_TEST

START_TEST (r4_a_record_over_record_max_without_a_taker_fails_the_stage)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, end, 100);
  weir_pipeline_set_record_max (rig->pipeline, 100);
  rig_begin (rig);
  fake_do (push, emit_sizes);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (rig->failure, "push: rejected a record, and nobody takes push.rejected: a record of 101 bytes is "
                                  "larger than record_max, 100 bytes");
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, reject_goes_to_its_taker_with_reason_and_stage);
  tcase_add_test (tcase, reject_without_a_taker_fails_the_stage);
  tcase_add_test (tcase, r1_a_full_rejected_pauses_its_stage);
  tcase_add_test (tcase, reject_in_produce_is_of_the_record_at_hand);
  tcase_add_test (tcase, reject_without_a_record_at_hand_fails_by_name);
  tcase_add_test (tcase, r14_kept_records_are_rejected_in_slot_order);
  tcase_add_test (tcase, r14_a_small_rejected_takes_all_that_was_kept);
  tcase_add_test (tcase, r14_rejected_from_another_thread_backwards_still_come_in_slot_order);
  tcase_add_test (tcase, r14_a_kept_record_rejected_without_a_taker_fails_the_stage);
  tcase_add_test (tcase, r4_a_record_over_record_max_is_rejected);
  tcase_add_test (tcase, r4_a_record_over_record_max_without_a_taker_fails_the_stage);
}

int
main (void)
{
  return run_suite ("rules-reject", add);
}
