/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a pipeline per connection: how one comes, lives and goes, and what is summed up of them. */
#include "connected.h"

START_TEST (takers_are_opened_and_started_first)
{
  Connected all = connected_new (&pusher, &passer, &taker);
  connected_begin (&all, 1);
  fake_do (rig_peer (all.rig, all.client, 1), emit_ab_and_finish);
  rig_until_alive (all.rig, all.client, 0);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  ck_assert_str_eq (all.rig->journal->str,
                    "client.open client.start answer-1.open turn-1.open client-1.open answer-1.start turn-1.start "
                    "client-1.start client-1.close turn-1.consume(a) turn-1.consume(b) turn-1.end turn-1.close "
                    "answer-1.consume(a) answer-1.consume(b) answer-1.end answer-1.close client.close");
  rig_free (all.rig);
}
END_TEST

START_TEST (the_end_of_one_leaves_the_others)
{
  Connected all = connected_new (&pusher, &passer, &taker);
  connected_begin (&all, 3);
  Fake *second = rig_peer (all.rig, all.client, 2), *third = rig_peer (all.rig, all.client, 3);
  Fake *answer = rig_peer (all.rig, all.answer, 3);
  fake_do (rig_peer (all.rig, all.client, 1), fake_finish);
  rig_until_alive (all.rig, all.client, 2);
  fake_do (second, emit_ab_and_finish);
  rig_until_alive (all.rig, all.client, 1);
  fake_do (third, emit_a);
  rig_until_noted (all.rig, answer, "consume(a)", 1);
  ck_assert_int_eq (atomic_load (&all.rig->peers), 1); /* the handles of the others are freed */
  fake_do (third, fake_finish);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  fake_assert_events (third, "open start close");
  rig_free (all.rig);
}
END_TEST

static gboolean is_listening, has_connection;

static WeirNext
look_at_connection (Fake *fake)
{
  is_listening = weir_stage_per_connection (fake->stage);
  has_connection = weir_stage_connection (fake->stage) != NULL;
  return WEIR_WAIT;
}

static const Script looks = { .produce = look_at_connection, .flags = WEIR_CONNECTIONS };

START_TEST (the_listening_stage_has_no_connection)
{
  Rig *rig = rig_new ();
  Fake *client = rig_listen (rig, "client", &looks, &pusher);
  Fake *answer = rig_template (rig, client, "answer", WEIR_CONSUMER, &taker);
  rig_link (rig, client, answer, 1);
  rig_begin (rig);
  fake_look (client, "looked");
  ck_assert (is_listening && !has_connection);
  fake_do (client, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  rig_free (rig);
}
END_TEST

START_TEST (the_listener_is_woken_when_one_has_ended)
{
  Connected all = connected_new (&pusher, &passer, &taker);
  all.client->most = 1; /* at a time */
  connected_begin (&all, 2);
  Fake *first = rig_peer (all.rig, all.client, 1);
  fake_look (all.client, "looked");
  ck_assert_int_eq (all.client->next, 1);
  fake_do (first, fake_finish);
  fake_do (rig_peer (all.rig, all.client, 2), fake_finish);
  rig_until_alive (all.rig, all.client, 0);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  rig_free (all.rig);
}
END_TEST

START_TEST (stages_of_one_share_a_worker_and_others_get_the_next)
{
  Rig *rig = rig_new ();
  weir_pipeline_set_workers (rig->pipeline, 2);
  Fake *client = rig_listen (rig, "client", &listening, &pusher);
  Fake *answer = rig_template (rig, client, "answer", WEIR_CONSUMER, &taker);
  rig_link (rig, client, answer, 1);
  rig_begin (rig);
  fake_allow (client, 2);
  Fake *first = rig_peer (rig, client, 1), *second = rig_peer (rig, client, 2);
  ck_assert_ptr_eq (first->stage->worker, rig_peer (rig, answer, 1)->stage->worker);
  ck_assert_ptr_ne (first->stage->worker, second->stage->worker);
  ck_assert_ptr_ne (first->stage->worker, client->stage->worker);
  fake_do (first, fake_finish);
  fake_do (second, fake_finish);
  fake_do (client, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  rig_free (rig);
}
END_TEST

/* ---- figures ---- */

static WeirNext
count_and_hand_on (Fake *fake, const WeirRecord *record)
{
  weir_stage_count (fake->stage, 0, 2);
  return hand_on (fake, record);
}

static const char *const seen[] = { "seen", NULL };
static const Script counts = { .consume = count_and_hand_on, .counters = seen };

static void
check_figures (const Connected *all, guint64 records)
{
  WeirStageFigures client, turn, answer;
  weir_stage_figures (all->client->stage, &client);
  weir_stage_figures (all->turn->stage, &turn);
  weir_stage_figures (all->answer->stage, &answer);
  ck_assert_uint_eq (client.records_out, records);
  ck_assert_uint_eq (client.bytes_out, records);
  ck_assert_uint_eq (turn.records_in, records);
  ck_assert_uint_eq (turn.records_out, records);
  ck_assert_uint_eq (answer.bytes_in, records);
  ck_assert_uint_eq (weir_stage_counter (all->turn->stage, 0), 2 * records);
  WeirLinkFigures out = figures_of (all->out);
  ck_assert_uint_eq (out.in, records);
  ck_assert_uint_eq (out.out, records);
  ck_assert_uint_eq (out.queued, 0);
}

START_TEST (figures_and_counters_are_summed)
{
  Connected all = connected_new (&pusher, &counts, &taker);
  connected_begin (&all, 3);
  for (guint i = 1; i <= 2; i++) {
    fake_do (rig_peer (all.rig, all.client, i), emit_ab_and_finish);
  }
  Fake *third = rig_peer (all.rig, all.client, 3), *answer = rig_peer (all.rig, all.answer, 3);
  fake_do (third, emit_a);
  rig_until_alive (all.rig, all.client, 1);
  rig_until_noted (all.rig, answer, "consume(a)", 1);
  fake_look (answer, "looked");
  check_figures (&all, 5); /* of what is over, and of what is alive */
  fake_do (third, fake_finish);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  check_figures (&all, 5);
  ck_assert_str_eq (weir_stage_outcome (all.turn->stage), "done");
  rig_free (all.rig);
}
END_TEST

/* ---- rules within one ---- */

static WeirNext
flood (Fake *fake)
{
  for (guint i = 0; i < 100; i++) {
    fake_emit (fake, "x");
  }
  return WEIR_MORE;
}

static const Script floods = { .produce = flood };

START_TEST (r4_past_the_hard_limit_it_fails_as_it_shares_its_worker)
{
  Connected all = connected_new (&floods, &passer, &valve);
  connected_begin (&all, 1);
  Fake *first = rig_peer (all.rig, all.client, 1);
  rig_until_noted (all.rig, first, "close", 1);
  fake_allow (rig_peer (all.rig, all.answer, 1), 100);
  rig_until_alive (all.rig, all.client, 0);
  fake_assert_events (first, "open start produce pause close");
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  WeirLinkFigures in = figures_of (all.in);
  ck_assert_uint_eq (in.dropped_by[WEIR_DROP_REFUSED], in.dropped);
  ck_assert_uint_eq (in.out + in.dropped, 100);
  rig_free (all.rig);
}
END_TEST

static WeirNext
reject_b (Fake *fake, const WeirRecord *record)
{
  return *record->data == 'b' ? weir_stage_reject (fake->stage, "it is a b") : hand_on (fake, record);
}

static const Script picky = { .consume = reject_b };

START_TEST (rejected_records_stay_in_their_connection)
{
  Connected all = connected_new (&pusher, &picky, &taker);
  WeirLink *rejected = rig_link_with (all.rig, all.turn, WEIR_PORT_REJECTED, all.answer, queue_of (4));
  connected_begin (&all, 2);
  Fake *answer = rig_peer (all.rig, all.answer, 2);
  fake_do (rig_peer (all.rig, all.client, 1), fake_finish);
  fake_do (rig_peer (all.rig, all.client, 2), emit_ab_and_finish);
  rig_until_alive (all.rig, all.client, 0);
  ck_assert_uint_eq (fake_count (answer, "consume(b)"), 1);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (rejected).out, 1);
  rig_free (all.rig);
}
END_TEST

/* Emits up to what is allowed, then waits; its output ends at `most`. */
static WeirNext
answer (Fake *fake)
{
  if (fake->next == fake->most) {
    return WEIR_DONE;
  }
  return fake->next < atomic_load (&fake->allowed) ? produce_number (fake) : WEIR_WAIT;
}

static const Script both_ways = { .consume = take, .produce = answer, .flags = WEIR_DUPLEX };

START_TEST (a_duplex_stage_in_a_connection_ends_its_halves_apart)
{
  Connected all = connected_new (&pusher, &both_ways, &taker);
  all.turn->most = 2;
  connected_begin (&all, 1);
  Fake *turn = rig_peer (all.rig, all.turn, 1), *end = rig_peer (all.rig, all.answer, 1);
  fake_do (rig_peer (all.rig, all.client, 1), emit_ab_and_finish);
  rig_until_noted (all.rig, turn, "end", 1);
  fake_look (turn, "half");
  ck_assert_uint_eq (fake_count (end, "end"), 0);
  fake_allow (turn, 2);
  rig_until_alive (all.rig, all.client, 0);
  fake_assert_events (end, "open start consume(0) consume(1) end close");
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  rig_free (all.rig);
}
END_TEST

static WeirNext
take_one (G_GNUC_UNUSED Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  return WEIR_DONE;
}

static const Script one = { .consume = take_one };

START_TEST (r16_enough_ends_that_connection_alone)
{
  Connected all = connected_new (&pusher, &passer, &one);
  connected_begin (&all, 2);
  Fake *first = rig_peer (all.rig, all.client, 1), *second = rig_peer (all.rig, all.client, 2);
  fake_do (first, emit_a);
  rig_until_alive (all.rig, all.client, 1);
  fake_assert_events (first, "open start stop close");
  fake_assert_events (second, "open start");
  fake_do (second, emit_a);
  rig_until_alive (all.rig, all.client, 0);
  fake_do (all.client, fake_finish);
  ck_assert_int_eq (rig_finish (all.rig), WEIR_RESULT_DONE);
  fake_assert_events (all.client, "open start close");
  rig_free (all.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, takers_are_opened_and_started_first);
  tcase_add_test (tcase, the_end_of_one_leaves_the_others);
  tcase_add_test (tcase, the_listening_stage_has_no_connection);
  tcase_add_test (tcase, the_listener_is_woken_when_one_has_ended);
  tcase_add_test (tcase, stages_of_one_share_a_worker_and_others_get_the_next);
  tcase_add_test (tcase, figures_and_counters_are_summed);
  tcase_add_test (tcase, r4_past_the_hard_limit_it_fails_as_it_shares_its_worker);
  tcase_add_test (tcase, rejected_records_stay_in_their_connection);
  tcase_add_test (tcase, a_duplex_stage_in_a_connection_ends_its_halves_apart);
  tcase_add_test (tcase, r16_enough_ends_that_connection_alone);
}

int
main (void)
{
  return run_suite ("connections", add);
}
