/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of a stage's life (R9): open, start, ready, finish, failure, stop, its deadline, close. */
#include "fakes.h"

#include <string.h>

typedef struct {
  Rig *rig;
  Fake *pull, *pass, *end;
} Chain;

static Chain
chain_new (const Script *pull, const Script *pass, const Script *end)
{
  Chain chain = { .rig = rig_new () };
  chain.pull = rig_add (chain.rig, "pull", WEIR_PRODUCER, pull, NULL);
  chain.pass = rig_add (chain.rig, "pass", WEIR_TRANSFORM, pass, NULL);
  chain.end = rig_add (chain.rig, "end", WEIR_CONSUMER, end, NULL);
  rig_link (chain.rig, chain.pull, chain.pass, 100);
  rig_link (chain.rig, chain.pass, chain.end, 100);
  chain.pull->most = 2;
  return chain;
}

START_TEST (r9_the_life_of_each_role)
{
  Chain chain = chain_new (&numbers, &passer, &taker);
  ck_assert_int_eq (rig_run (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.pull, "open start produce produce produce close");
  fake_assert_events (chain.pass, "open start consume(0) consume(1) end close");
  fake_assert_events (chain.end, "open start consume(0) consume(1) end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_all_are_open_before_any_starts_and_takers_start_first)
{
  Chain chain = chain_new (&numbers, &passer, &taker);
  ck_assert_int_eq (rig_run (chain.rig), WEIR_RESULT_DONE);
  const char *journal = chain.rig->journal->str;
  const char *first = strstr (journal, ".start");
  static const char *const opens[] = { "pull.open", "pass.open", "end.open" };
  for (guint i = 0; i < 3; i++) {
    ck_assert (strstr (journal, opens[i]) < first);
  }
  ck_assert (strstr (journal, "end.start") < strstr (journal, "pass.start"));
  ck_assert (strstr (journal, "pass.start") < strstr (journal, "pull.start"));
  ck_assert (chain.rig->ready);
  rig_free (chain.rig);
}
END_TEST

/* ---- a start that waits ---- */

static WeirNext
wait_in_start (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_WAIT;
}

static void
say_ready (Fake *fake)
{
  fake_note (fake, "ready");
  weir_stage_ready (fake->stage);
}

static gboolean
say_ready_in_source (gpointer data)
{
  say_ready (data);
  return G_SOURCE_REMOVE;
}

static WeirNext
attach_in_start (Fake *fake)
{
  GSource *source = g_idle_source_new ();
  g_source_set_callback (source, say_ready_in_source, fake, NULL);
  weir_stage_attach (fake->stage, source);
  return WEIR_WAIT;
}

static WeirNext
ready_in_start (Fake *fake)
{
  say_ready (fake);
  return WEIR_WAIT;
}

static const Script waits_in_start = { .start = wait_in_start, .consume = take };
static const Script waits_and_produces = { .start = wait_in_start, .produce = produce_number };
static const Script attaches_in_start = { .start = attach_in_start, .consume = take };
static const Script hurries_in_start = { .start = ready_in_start, .consume = take };

START_TEST (r9_start_may_wait_and_be_ready_later)
{
  Chain chain = chain_new (&numbers, &passer, &waits_in_start);
  rig_start (chain.rig);
  rig_until_noted (chain.rig, chain.pull, "close", 1);
  weir_stage_wake (chain.end->stage); /* carries no news */
  ck_assert (!chain.rig->ready);
  fake_do (chain.end, say_ready);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_DONE);
  ck_assert (chain.rig->ready);
  fake_assert_events (chain.end, "open start ready consume(0) consume(1) end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_ready_may_be_said_in_a_source)
{
  Chain chain = chain_new (&numbers, &passer, &attaches_in_start);
  ck_assert_int_eq (rig_run (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.end, "open start ready consume(0) consume(1) end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_ready_may_be_said_inside_start)
{
  Chain chain = chain_new (&numbers, &passer, &hurries_in_start);
  ck_assert_int_eq (rig_run (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.end, "open start ready consume(0) consume(1) end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_a_producer_that_is_not_ready_is_not_asked)
{
  Chain chain = chain_new (&waits_and_produces, &passer, &taker);
  rig_start (chain.rig);
  rig_until_noted (chain.rig, chain.pull, "start", 1);
  weir_stage_wake (chain.pull->stage);
  fake_look (chain.pull, "looked");
  fake_do (chain.pull, say_ready);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.pull, "open start looked ready produce produce produce close");
  rig_free (chain.rig);
}
END_TEST

/* ---- finish, inside any callback ---- */

static void
finish_and_emit (Fake *fake)
{
  fake_finish (fake);
  ck_assert (!fake_emit (fake, "late"));
}

static WeirNext
finish_in_start (Fake *fake)
{
  finish_and_emit (fake);
  return WEIR_MORE;
}

static WeirNext
finish_in_produce (Fake *fake)
{
  finish_and_emit (fake);
  return WEIR_MORE;
}

static WeirNext
finish_in_consume (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  finish_and_emit (fake);
  return WEIR_MORE;
}

static const Script finishes_in_start = { .start = finish_in_start };
static const Script finishes_in_produce = { .produce = finish_in_produce };
static const Script finishes_in_consume = { .consume = finish_in_consume };
static const Script finishes_in_pause = { .produce = produce_number, .pause = finish_and_emit };
static const Script finishes_in_resume = { .produce = produce_number, .resume = finish_and_emit };

START_TEST (r9_finish_inside_start)
{
  Chain chain = chain_new (&finishes_in_start, &passer, &taker);
  ck_assert_int_eq (rig_run (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.pull, "open start close");
  fake_assert_events (chain.end, "open start end close");
  ck_assert_uint_eq (weir_load_relaxed (&chain.pull->stage->refused), 1);
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_finish_inside_produce)
{
  Chain chain = chain_new (&finishes_in_produce, &passer, &taker);
  ck_assert_int_eq (rig_run (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.pull, "open start produce close");
  fake_assert_events (chain.end, "open start end close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_finish_inside_consume_ends_output_and_input)
{
  Chain chain = chain_new (&numbers, &finishes_in_consume, &taker);
  chain.pull->most = -1;
  chain.pull->quiet = TRUE;
  ck_assert_int_eq (rig_run (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.pass, "open start consume(0) close");
  fake_assert_events (chain.end, "open start end close");
  ck_assert_uint_eq (fake_count (chain.pull, "stop"), 1);
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_finish_inside_pause)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &finishes_in_pause, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, pull, end, 2);
  pull->most = 100;
  rig_start (rig);
  rig_until_noted (rig, pull, "close", 1);
  fake_allow (end, 100);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (pull, "open start produce produce pause close");
  ck_assert_int_eq (atomic_load (&end->counted), 2);
  rig_free (rig);
}
END_TEST

START_TEST (r9_finish_inside_resume)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &finishes_in_resume, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, pull, end, 2);
  pull->most = 100;
  rig_start (rig);
  rig_until_noted (rig, pull, "pause", 1);
  fake_allow (end, 100);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (pull, "open start produce produce pause resume close");
  rig_free (rig);
}
END_TEST

/* ---- stop ---- */

START_TEST (r9_stop_of_a_paused_producer_comes_once_and_without_a_resume)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, pull, end, 2);
  pull->most = 100;
  rig_begin (rig);
  rig_until_noted (rig, pull, "pause", 1);
  rig_stop (rig);
  rig_stop (rig);
  rig_until_noted (rig, pull, "close", 1);
  fake_allow (end, 100);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_STOPPED);
  fake_assert_events (pull, "open start produce produce pause stop close");
  ck_assert_int_eq (atomic_load (&end->counted), 2);
  ck_assert_uint_eq (fake_count (end, "stop"), 0);
  ck_assert_uint_eq (fake_count (end, "end"), 1);
  rig_free (rig);
}
END_TEST

START_TEST (r9_stop_drains_what_is_on_the_way)
{
  Chain chain = chain_new (&numbers, &passer, &taker);
  chain.pull->most = -1;
  chain.pull->quiet = chain.pass->quiet = chain.end->quiet = TRUE;
  rig_begin (chain.rig);
  rig_stop (chain.rig);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_STOPPED);
  WeirLinkFigures figures = figures_of (weir_pipeline_link_at (chain.rig->pipeline, 1));
  ck_assert_int_eq (atomic_load (&chain.end->counted), chain.pull->next);
  ck_assert_uint_eq (figures.out, (guint64) chain.pull->next);
  ck_assert (!chain.rig->late);
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_a_stop_past_its_deadline_leaves_the_rest_undelivered)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &valve, NULL);
  WeirLink *link = rig_link (rig, pull, end, 2);
  pull->most = 100;
  weir_pipeline_set_shutdown (rig->pipeline, 5000);
  rig_begin (rig);
  rig_until_noted (rig, pull, "pause", 1);
  rig_stop (rig);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_UNDELIVERED);
  ck_assert (rig->late);
  ck_assert_uint_eq (figures_of (link).queued, 2);
  fake_assert_events (end, "open start consume(0) stop close");
  rig_free (rig);
}
END_TEST

static Gate gate = GATE_CLOSED;

static WeirNext
pass_gate (G_GNUC_UNUSED Fake *fake)
{
  gate_pass (&gate);
  return WEIR_MORE;
}

static const Script gated_open = { .open = pass_gate, .produce = produce_number };
static const Script gated_start = { .start = pass_gate, .produce = produce_number };

START_TEST (r9_stop_while_opening_closes_all_unstarted)
{
  Chain chain = chain_new (&gated_open, &passer, &taker);
  rig_start (chain.rig);
  rig_until_noted (chain.rig, chain.pull, "open", 1);
  rig_stop (chain.rig);
  gate_open (&gate);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_STOPPED);
  ck_assert (!chain.rig->ready);
  fake_assert_events (chain.pull, "open close");
  fake_assert_events (chain.pass, "open close");
  fake_assert_events (chain.end, "open close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_stop_while_starting_drains_what_runs)
{
  Rig *rig = rig_new ();
  Fake *early = rig_add (rig, "early", WEIR_PRODUCER, &numbers, NULL);
  Fake *late = rig_add (rig, "late", WEIR_PRODUCER, &gated_start, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, early, end, 2);
  rig_link (rig, late, end, 2);
  early->most = late->most = 100;
  rig_start (rig);
  rig_until_noted (rig, late, "start", 1);
  rig_until_noted (rig, early, "pause", 1);
  rig_stop (rig);
  gate_open (&gate);
  fake_allow (end, 100);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_STOPPED);
  ck_assert_int_eq (atomic_load (&end->counted), early->next + late->next);
  ck_assert_uint_eq (fake_count (end, "end"), 1);
  rig_free (rig);
}
END_TEST

/* ---- lingering between the end and close() ---- */

static Gate door = GATE_CLOSED;

static gboolean
leave (gpointer data)
{
  Fake *fake = data;
  gate_pass (&door);
  fake_note (fake, "left");
  weir_stage_linger (fake->stage, FALSE);
  return G_SOURCE_REMOVE;
}

static void
linger (Fake *fake)
{
  weir_stage_linger (fake->stage, TRUE);
  GSource *source = g_idle_source_new ();
  g_source_set_callback (source, leave, fake, NULL);
  weir_stage_attach (fake->stage, source);
}

static void
linger_for_good (Fake *fake)
{
  weir_stage_linger (fake->stage, TRUE);
}

static WeirNext
linger_and_end (Fake *fake)
{
  linger (fake);
  return WEIR_DONE;
}

static WeirNext
linger_and_fail (Fake *fake)
{
  linger (fake);
  return weir_stage_fail (fake->stage, "it broke");
}

static const Script lingers = { .produce = produce_number, .stop = linger };
static const Script lingers_for_good = { .produce = produce_number, .stop = linger_for_good };
static const Script lingers_and_ends = { .produce = linger_and_end };
static const Script lingers_and_fails = { .produce = linger_and_fail };

START_TEST (r9_a_stage_that_lingers_is_closed_when_it_has_left)
{
  Chain chain = chain_new (&lingers, &passer, &valve);
  chain.pull->most = 1000;
  rig_begin (chain.rig);
  rig_until_noted (chain.rig, chain.pull, "pause", 1);
  rig_stop (chain.rig);
  fake_allow (chain.end, 1000);
  rig_until_noted (chain.rig, chain.end, "close", 1); /* its end went on before */
  ck_assert_uint_eq (fake_count (chain.pull, "close"), 0);
  gate_open (&door);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_STOPPED);
  g_autofree char *events = fake_events (chain.pull);
  /* Room may come before the stop does. */
  ck_assert_msg (g_str_has_suffix (events, " stop left close"), "%s", events);
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_a_stage_that_lingers_past_the_deadline_is_closed)
{
  Chain chain = chain_new (&lingers_for_good, &passer, &taker);
  chain.pull->most = G_MAXINT64;
  chain.pull->quiet = chain.pass->quiet = chain.end->quiet = TRUE;
  weir_pipeline_set_shutdown (chain.rig->pipeline, 20 * 1000);
  rig_begin (chain.rig);
  rig_stop (chain.rig);
  ck_assert_int_eq (rig_finish (chain.rig), WEIR_RESULT_STOPPED);
  ck_assert (chain.rig->late);
  ck_assert_uint_eq (fake_count (chain.pull, "close"), 1);
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_a_stage_may_linger_behind_its_own_end)
{
  gate_open (&door);
  Chain chain = chain_new (&lingers_and_ends, &passer, &taker);
  ck_assert_int_eq (rig_run (chain.rig), WEIR_RESULT_DONE);
  fake_assert_events (chain.pull, "open start produce left close");
  rig_free (chain.rig);
}
END_TEST

START_TEST (r9_a_stage_may_linger_behind_its_failure)
{
  gate_open (&door);
  Chain chain = chain_new (&lingers_and_fails, &passer, &taker);
  ck_assert_int_eq (rig_run (chain.rig), WEIR_RESULT_FAILED);
  fake_assert_events (chain.pull, "open start produce left close");
  ck_assert_str_eq (chain.rig->failure, "pull: it broke");
  rig_free (chain.rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r9_the_life_of_each_role);
  tcase_add_test (tcase, r9_all_are_open_before_any_starts_and_takers_start_first);
  tcase_add_test (tcase, r9_start_may_wait_and_be_ready_later);
  tcase_add_test (tcase, r9_ready_may_be_said_in_a_source);
  tcase_add_test (tcase, r9_ready_may_be_said_inside_start);
  tcase_add_test (tcase, r9_a_producer_that_is_not_ready_is_not_asked);
  tcase_add_test (tcase, r9_finish_inside_start);
  tcase_add_test (tcase, r9_finish_inside_produce);
  tcase_add_test (tcase, r9_finish_inside_consume_ends_output_and_input);
  tcase_add_test (tcase, r9_finish_inside_pause);
  tcase_add_test (tcase, r9_finish_inside_resume);
  tcase_add_test (tcase, r9_stop_of_a_paused_producer_comes_once_and_without_a_resume);
  tcase_add_test (tcase, r9_stop_drains_what_is_on_the_way);
  tcase_add_test (tcase, r9_a_stop_past_its_deadline_leaves_the_rest_undelivered);
  tcase_add_test (tcase, r9_stop_while_opening_closes_all_unstarted);
  tcase_add_test (tcase, r9_stop_while_starting_drains_what_runs);
  tcase_add_test (tcase, r9_a_stage_that_lingers_is_closed_when_it_has_left);
  tcase_add_test (tcase, r9_a_stage_that_lingers_past_the_deadline_is_closed);
  tcase_add_test (tcase, r9_a_stage_may_linger_behind_its_own_end);
  tcase_add_test (tcase, r9_a_stage_may_linger_behind_its_failure);
}

int
main (void)
{
  return run_suite ("rules-life", add);
}
