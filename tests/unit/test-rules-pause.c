/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of pause and resume: the reasons (R1), the places where they are told (R2, R3), and joining a full link (R13).
 * Push producers are driven from the main thread; a valve takes no more than it is allowed. */
#include "fakes.h"

static void
emit_one (Fake *fake)
{
  char text[32];
  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, fake->next++);
  fake_emit (fake, text);
}

static void
emit_four (Fake *fake)
{
  for (guint i = 0; i < 4; i++) {
    emit_one (fake);
  }
}

/* A push producer and two valves. */
typedef struct {
  Rig *rig;
  Fake *push, *a, *b;
} Fork;

static Fork
fork_new (guint64 records)
{
  Fork fork = { .rig = rig_new () };
  fork.push = rig_add (fork.rig, "push", WEIR_PRODUCER, &pusher, NULL);
  fork.a = rig_add (fork.rig, "a", WEIR_CONSUMER, &valve, NULL);
  fork.b = rig_add (fork.rig, "b", WEIR_CONSUMER, &valve, NULL);
  rig_link (fork.rig, fork.push, fork.a, records);
  rig_link (fork.rig, fork.push, fork.b, records);
  rig_begin (fork.rig);
  return fork;
}

START_TEST (r1_pauses_while_any_reason_is_left)
{
  Fork fork = fork_new (4);
  fake_do (fork.push, emit_four);
  rig_until_noted (fork.rig, fork.push, "pause", 1);
  fake_allow (fork.a, 100);
  rig_until_noted (fork.rig, fork.a, "consume(3)", 1);
  fake_look (fork.a, "idle");
  weir_stage_wake (fork.push->stage); /* without news: it looks, and stays as it is */
  fake_look (fork.push, "a_is_empty");
  fake_operator_pauses (fork.push, TRUE);
  fake_allow (fork.b, 100);
  rig_until_noted (fork.rig, fork.b, "consume(3)", 1);
  fake_look (fork.b, "idle");
  weir_stage_wake (fork.push->stage);
  fake_look (fork.push, "b_is_empty");
  fake_operator_pauses (fork.push, FALSE);
  rig_until_noted (fork.rig, fork.push, "resume", 1);
  fake_do (fork.push, fake_finish);
  ck_assert_int_eq (rig_finish (fork.rig), WEIR_RESULT_DONE);
  fake_assert_events (fork.push, "open start pause a_is_empty b_is_empty resume close");
  rig_free (fork.rig);
}
END_TEST

START_TEST (r1_two_full_links_are_one_pause)
{
  Fork fork = fork_new (4);
  fake_do (fork.push, emit_four);
  fake_look (fork.push, "both_full");
  ck_assert_uint_eq (figures_of (weir_pipeline_link_at (fork.rig->pipeline, 0)).pauses, 1);
  ck_assert_uint_eq (figures_of (weir_pipeline_link_at (fork.rig->pipeline, 1)).pauses, 1);
  fake_allow (fork.b, 100);
  fake_allow (fork.a, 100);
  rig_until_noted (fork.rig, fork.push, "resume", 1);
  fake_do (fork.push, fake_finish);
  ck_assert_int_eq (rig_finish (fork.rig), WEIR_RESULT_DONE);
  fake_assert_events (fork.push, "open start pause both_full resume close");
  rig_free (fork.rig);
}
END_TEST

START_TEST (r1_a_paused_pull_producer_is_not_asked)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &valve, NULL);
  pull->most = 4;
  rig_link (rig, pull, slow, 2);
  rig_begin (rig);
  rig_until_noted (rig, pull, "pause", 1);
  weir_stage_wake (pull->stage);
  fake_look (pull, "woken");
  fake_allow (slow, 1);
  rig_until_noted (rig, pull, "pause", 2);
  fake_allow (slow, 100);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  g_autofree char *events = fake_events (pull);
  ck_assert_msg (
    g_str_has_prefix (events, "open start produce produce pause woken resume produce pause resume produce"), "%s",
    events);
  rig_free (rig);
}
END_TEST

START_TEST (r1_a_paused_transform_gets_no_input)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *pass = rig_add (rig, "pass", WEIR_TRANSFORM, &passer, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &valve, NULL);
  pull->most = 6;
  rig_link (rig, pull, pass, 3);
  rig_link (rig, pass, slow, 2);
  rig_begin (rig);
  rig_until_noted (rig, pull, "pause", 1);
  rig_until_noted (rig, pass, "pause", 1);
  weir_stage_wake (pass->stage);
  fake_look (pass, "woken");
  fake_assert_events (pass, "open start consume(0) consume(1) pause woken");
  fake_allow (slow, 100);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&slow->counted), 6);
  rig_free (rig);
}
END_TEST

static gboolean paused_inside_emit, state_was_set;
static guint64 level_in_pause;

static void
look_in_pause (Fake *fake)
{
  paused_inside_emit = fake->emitting;
  state_was_set = weir_stage_paused (fake->stage);
  WeirLink *link = fake->stage->ports[0].links[0];
  level_in_pause = weir_load_relaxed (&link->put) - weir_load_relaxed (&link->done);
}

static const Script looking_pusher = { .pause = look_in_pause };

START_TEST (r2_pause_comes_inside_the_emit_that_filled_the_link)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &looking_pusher, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, push, slow, 3);
  rig_begin (rig);
  fake_do (push, emit_one);
  fake_do (push, emit_one);
  fake_look (push, "below");
  fake_do (push, emit_one);
  rig_until_noted (rig, push, "pause", 1);
  fake_look (push, "full");
  ck_assert (paused_inside_emit);
  ck_assert (state_was_set);
  ck_assert_uint_eq (level_in_pause, 3); /* the record is taken, and published */
  ck_assert (push->refused);             /* and the emit answers FALSE */
  fake_do (push, emit_one);              /* into slack: no second pause */
  fake_allow (slow, 100);
  rig_until_noted (rig, push, "resume", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, "open start below pause full resume close");
  rig_free (rig);
}
END_TEST

START_TEST (r2_other_reasons_are_told_from_the_loop)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &looking_pusher, NULL);
  Fake *fast = rig_add (rig, "fast", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, fast, 3);
  rig_begin (rig);
  fake_operator_pauses (push, TRUE);
  rig_until_noted (rig, push, "pause", 1);
  fake_look (push, "paused");
  ck_assert (!paused_inside_emit);
  fake_operator_pauses (push, FALSE);
  rig_until_noted (rig, push, "resume", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, "open start pause paused resume close");
  rig_free (rig);
}
END_TEST

static void
emit_in_pause (Fake *fake)
{
  fake->emitting = FALSE; /* a pause() inside this one would be nested, and is refused by the checks */
  ck_assert (!weir_emit_copy (fake->stage, "more", 4));
}

static const Script writes_in_pause = { .pause = emit_in_pause };

START_TEST (r2_writing_inside_pause_goes_into_slack)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &writes_in_pause, NULL);
  Fake *a = rig_add (rig, "a", WEIR_CONSUMER, &valve, NULL);
  Fake *b = rig_add (rig, "b", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, push, a, 4);
  rig_link (rig, push, b, 5); /* filled by what pause() emits */
  rig_begin (rig);
  fake_do (push, emit_four);
  rig_until_noted (rig, push, "pause", 1);
  fake_allow (a, 100);
  fake_allow (b, 100);
  rig_until_noted (rig, push, "resume", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, "open start pause resume close");
  ck_assert_int_eq (atomic_load (&b->counted), 5);
  rig_free (rig);
}
END_TEST

static void
emit_in_resume (Fake *fake)
{
  if (fake->next < 8) {
    emit_four (fake);
    fake_note (fake, "resumed");
  }
}

static const Script writes_in_resume = { .resume = emit_in_resume };

START_TEST (r3_filling_a_link_inside_resume_pauses_behind_it)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &writes_in_resume, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, push, slow, 4);
  rig_begin (rig);
  fake_do (push, emit_four);
  rig_until_noted (rig, push, "pause", 1);
  fake_allow (slow, 4);
  rig_until_noted (rig, push, "pause", 2);
  fake_allow (slow, 8);
  rig_until_noted (rig, push, "resume", 2);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, "open start pause resume resumed pause resume close");
  rig_free (rig);
}
END_TEST

START_TEST (r3_resume_comes_at_the_low_mark_and_not_above)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &valve, NULL);
  rig_link (rig, push, slow, 4);
  rig_begin (rig);
  fake_do (push, emit_four);
  rig_until_noted (rig, push, "pause", 1);
  fake_allow (slow, 1);
  rig_until_noted (rig, slow, "consume(1)", 1); /* and answers WAIT */
  fake_look (slow, "took_one");
  weir_stage_wake (push->stage);
  fake_look (push, "three_left");
  fake_allow (slow, 2);
  rig_until_noted (rig, push, "resume", 1);
  fake_allow (slow, 4);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, "open start pause three_left resume close");
  rig_free (rig);
}
END_TEST

START_TEST (r3_low_zero_resumes_when_empty)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &valve, NULL);
  WeirQueueSettings settings = queue_of (4);
  settings.low = 0;
  rig_link_with (rig, push, 0, slow, settings);
  rig_begin (rig);
  fake_do (push, emit_four);
  rig_until_noted (rig, push, "pause", 1);
  fake_allow (slow, 3);
  rig_until_noted (rig, slow, "consume(3)", 1);
  fake_look (slow, "took_three");
  weir_stage_wake (push->stage);
  fake_look (push, "one_left");
  fake_allow (slow, 4);
  rig_until_noted (rig, push, "resume", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, "open start pause one_left resume close");
  rig_free (rig);
}
END_TEST

START_TEST (r3_never_paused_is_never_resumed)
{
  Rig *rig = rig_new ();
  Fake *push = rig_add (rig, "push", WEIR_PRODUCER, &pusher, NULL);
  Fake *fast = rig_add (rig, "fast", WEIR_CONSUMER, &taker, NULL);
  rig_link (rig, push, fast, 100);
  rig_begin (rig);
  fake_do (push, emit_four);
  rig_until_noted (rig, fast, "consume(3)", 1);
  fake_do (push, emit_four);
  rig_until_noted (rig, fast, "consume(7)", 1);
  fake_do (push, fake_finish);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (push, "open start close");
  fake_assert_events (fast, "open start consume(0) consume(1) consume(2) consume(3) consume(4) consume(5) consume(6) "
                            "consume(7) end close");
  rig_free (rig);
}
END_TEST

/* Two workers, links so small that nearly every record is a pause and a resume: a lost one would hang. */
START_TEST (r3_no_resume_is_lost_at_small_capacities)
{
  static const guint64 capacities[] = { 1, 2, 3, 64 };
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *pass = rig_add (rig, "pass", WEIR_TRANSFORM, &passer, NULL);
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  pull->most = 3000;
  pull->quiet = pass->quiet = end->quiet = TRUE;
  WeirLink *first = rig_link (rig, pull, pass, capacities[_i]);
  rig_link (rig, pass, end, capacities[_i]);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  ck_assert_int_eq (atomic_load (&end->counted), 3000);
  WeirLinkFigures figures = figures_of (first);
  ck_assert_uint_eq (figures.in, 3000);
  ck_assert_uint_le (figures.pauses - figures.resumes, 1); /* the last one may have ended paused */
  ck_assert_uint_ge (fake_count (pull, "pause"), 1);
  ck_assert_uint_le (figures.peak_records, capacities[_i] * 2 + 2);
  rig_free (rig);
}
END_TEST

START_TEST (r13_joining_a_full_link_is_start_and_then_pause)
{
  Rig *rig = rig_new ();
  Fake *pull = rig_add (rig, "pull", WEIR_PRODUCER, &numbers, NULL);
  Fake *slow = rig_add (rig, "slow", WEIR_CONSUMER, &valve, NULL);
  WeirLink *link = rig_link (rig, pull, slow, 2);
  pull->most = 1;
  static char old[] = "old";
  for (guint i = 0; i < 2; i++) {
    WeirBuffer *buffer = weir_buffer_wrap (old, 3, NULL, NULL);
    weir_link_put (link, &(WeirRecord){ .data = (const guint8 *) old, .size = 3, .buffer = buffer });
    weir_link_publish (link);
    weir_buffer_unref (buffer);
  }
  rig_begin (rig);
  rig_until_noted (rig, pull, "pause", 1);
  fake_look (pull, "full");
  fake_allow (slow, 100);
  ck_assert_int_eq (rig_finish (rig), WEIR_RESULT_DONE);
  fake_assert_events (pull, "open start pause full resume produce produce close");
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, r1_pauses_while_any_reason_is_left);
  tcase_add_test (tcase, r1_two_full_links_are_one_pause);
  tcase_add_test (tcase, r1_a_paused_pull_producer_is_not_asked);
  tcase_add_test (tcase, r1_a_paused_transform_gets_no_input);
  tcase_add_test (tcase, r2_pause_comes_inside_the_emit_that_filled_the_link);
  tcase_add_test (tcase, r2_other_reasons_are_told_from_the_loop);
  tcase_add_test (tcase, r2_writing_inside_pause_goes_into_slack);
  tcase_add_test (tcase, r3_filling_a_link_inside_resume_pauses_behind_it);
  tcase_add_test (tcase, r3_resume_comes_at_the_low_mark_and_not_above);
  tcase_add_test (tcase, r3_low_zero_resumes_when_empty);
  tcase_add_test (tcase, r3_never_paused_is_never_resumed);
  tcase_add_loop_test (tcase, r3_no_resume_is_lost_at_small_capacities, 0, 4);
  tcase_add_test (tcase, r13_joining_a_full_link_is_start_and_then_pause);
}

int
main (void)
{
  return run_suite ("rules-pause", add);
}
