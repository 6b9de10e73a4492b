/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of ending that others had to mend, each shown not to be here: waits that nothing ends, a resume during teardown, callbacks
 * on the wrong thread or to what is freed. The fakes check on each callback that it is on the stage's thread, and none behind
 * close(). The interleavings of a wait and what ends it are searched by tests/model (the mutants of -DSTOP and of closing). */
#include "tests/conformance/sides.h"

#include <glib-unix.h>

#include <unistd.h>

/* ---- a wait that shutdown, failure or a changed limit cannot end; a changed limit is in test-faults-limits.c ---- */

static void
emit_one_byte (Fake *fake)
{
  emit_noted (fake, 1);
}

static void
break_down (Fake *fake)
{
  weir_stage_fail (fake->stage, "broken");
}

/* At the hard limit, in an emit of one more byte. */
static Sides
sides_held (gint setting)
{
  Sides sides = sides_begin (setting, &pusher, &taps);
  fake_emits (sides.producer, setting_at[setting].high);
  fake_emits (sides.producer, setting_at[setting].high);
  fake_look (sides.consumer, NULL);
  fake_do (sides.producer, emit_one_byte);
  rig_until_held (sides.rig, sides.producer);
  return sides;
}

START_TEST (fault_a_wait_ends_by_a_stop)
{
  Sides sides = sides_held (_i);
  rig_stop (sides.rig);
  rig_until_noted (sides.rig, sides.producer, "close", 1);
  fake_allow (sides.consumer, G_MAXINT64);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_STOPPED);
  fake_assert_events (sides.consumer, "open start take(high) take(high) take(1) end close");
  sides_end (&sides, "open start emit(high) pause FALSE emit(high) FALSE emit(1) FALSE stop close");
}
END_TEST

START_TEST (fault_a_wait_ends_by_a_failure)
{
  Sides sides = sides_held (_i);
  fake_do (sides.consumer, break_down);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_FAILED);
  ck_assert_str_eq (sides.rig->failure, "consumer: broken");
  fake_assert_events (sides.consumer, "open start close");
  sides_end (&sides, "open start emit(high) pause FALSE emit(high) FALSE emit(1) FALSE stop close");
}
END_TEST

START_TEST (fault_a_wait_ends_by_a_consumer_that_has_enough)
{
  Sides sides = sides_held (_i);
  fake_do (sides.consumer, fake_finish);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  fake_assert_events (sides.consumer, "open start close");
  sides_end (&sides, "open start emit(high) pause FALSE emit(high) FALSE emit(1) FALSE stop close");
}
END_TEST

/* ---- likewise of a thread of the plugin's own, which waits while the stage is paused ---- */

static gpointer
post_without_end (gpointer data)
{
  Fake *fake = data;
  g_autofree char *bytes = g_strnfill (side_quarter (fake), 'x');
  while (weir_stage_post (fake->stage, bytes, side_quarter (fake))) {}
  fake_note (fake, "told_FALSE");
  return NULL;
}

static WeirNext
start_thread (Fake *fake)
{
  pthread_create (&fake->thread, NULL, post_without_end, fake);
  return WEIR_MORE;
}

static void
join_thread (Fake *fake)
{
  pthread_join (fake->thread, NULL); /* would wait for ever */
}

static const Script posts = { .start = start_thread, .stop = join_thread };

static const FakeAct endings[] = { NULL, break_down, fake_finish };

START_TEST (fault_a_thread_that_waits_is_let_go)
{
  FakeAct ending = endings[_i / SETTINGS];
  Sides sides = sides_begin (_i % SETTINGS, &posts, &taps);
  rig_until_noted (sides.rig, sides.producer, "pause", 1);
  fake_look (sides.consumer, NULL);
  if (ending == NULL) {
    rig_stop (sides.rig);
    fake_allow (sides.consumer, G_MAXINT64);
  } else {
    fake_do (sides.consumer, ending);
  }
  ck_assert_int_eq (rig_finish (sides.rig), ending == NULL         ? WEIR_RESULT_STOPPED
                                            : ending == break_down ? WEIR_RESULT_FAILED
                                                                   : WEIR_RESULT_DONE);
  g_autofree char *events = fake_events (sides.producer);
  /* Whether stop() has been noted first is up to the two threads. */
  ck_assert_msg (g_str_equal (events, "open start pause told_FALSE stop close") ||
                   g_str_equal (events, "open start pause stop told_FALSE close") ||
                   (ending == NULL && g_str_has_prefix (events, "open start pause resume")),
                 "%s", events);
  rig_free (sides.rig);
}
END_TEST

/* ---- a resume during teardown ---- */

/* The link drains while the producer is stopped: the fakes fail the test on a resume() behind stop(), or inside. */
START_TEST (fault_no_resume_comes_during_teardown)
{
  for (guint round = 0; round < 50; round++) {
    Sides sides = sides_begin (_i, &pusher, &taps);
    fake_emits (sides.producer, setting_at[_i].high);
    if (round % 2 == 0) {
      fake_allow (sides.consumer, 1);
      rig_stop (sides.rig);
    } else {
      rig_stop (sides.rig);
      fake_allow (sides.consumer, 1);
    }
    ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_STOPPED);
    g_autofree char *events = fake_events (sides.producer);
    ck_assert_msg (g_str_equal (events, "open start emit(high) pause FALSE stop close") ||
                     g_str_equal (events, "open start emit(high) pause FALSE resume stop close"),
                   "%s", events);
    rig_free (sides.rig);
  }
}
END_TEST

START_TEST (fault_no_resume_comes_to_a_producer_whose_last_taker_drains_and_ends)
{
  Sides sides = sides_begin (_i, &pusher, &taps);
  fake_emits (sides.producer, setting_at[_i].high);
  fake_look (sides.consumer, NULL);
  atomic_store (&sides.consumer->allowed, 1); /* unheard, so that taking and ending are one turn */
  fake_do (sides.consumer, fake_finish);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  sides_end (&sides, "open start emit(high) pause FALSE stop close");
}
END_TEST

/* ---- a callback on the wrong thread or to a freed stage ---- */

typedef struct {
  WeirStage *stage;
  _Atomic gboolean quit, began;
  _Atomic gint64 destroyed, made;
} Storm;

static void
called (WeirStage *stage, G_GNUC_UNUSED gpointer self, G_GNUC_UNUSED gpointer data)
{
  ck_assert_ptr_eq (weir_worker_current (), stage->worker);
}

static void
count_destroyed (gpointer data)
{
  atomic_fetch_add (&((Storm *) data)->destroyed, 1);
}

static gpointer
storm (gpointer data)
{
  Storm *storm = data;
  while (!atomic_load (&storm->quit)) {
    weir_stage_wake (storm->stage);
    atomic_fetch_add (&storm->made, 1);
    weir_stage_invoke (storm->stage, called, storm, count_destroyed);
    atomic_store (&storm->began, TRUE);
  }
  /* By now the pipeline is gone; what is left is the handle. */
  weir_stage_wake (storm->stage);
  atomic_fetch_add (&storm->made, 1);
  weir_stage_invoke (storm->stage, called, storm, count_destroyed);
  ck_assert (!weir_stage_post (storm->stage, "late", 4));
  ck_assert_str_eq (weir_stage_name (storm->stage), "producer");
  weir_stage_unref (storm->stage);
  return NULL;
}

START_TEST (fault_calls_of_other_threads_come_on_the_stages_own_and_never_after_its_end)
{
  Sides sides = sides_new (_i, &quarters, &taps);
  sides.producer->most = 40;
  sides.producer->quiet = TRUE;
  Storm storms[2] = { { .stage = weir_stage_ref (sides.producer->stage) },
                      { .stage = weir_stage_ref (sides.producer->stage) } };
  GThread *threads[2];
  rig_begin (sides.rig);
  for (guint i = 0; i < 2; i++) {
    threads[i] = g_thread_new ("storm", storm, &storms[i]);
  }
  while (!atomic_load (&storms[0].began) || !atomic_load (&storms[1].began)) {
    fake_look (sides.consumer, NULL);
  }
  fake_allow (sides.consumer, G_MAXINT64);
  ck_assert_int_eq (rig_finish (sides.rig), WEIR_RESULT_DONE);
  ck_assert_uint_eq (figures_of (sides.link).out, 40);
  rig_free (sides.rig);
  for (guint i = 0; i < 2; i++) {
    atomic_store (&storms[i].quit, TRUE);
    g_thread_join (threads[i]);
    ck_assert_int_eq (atomic_load (&storms[i].destroyed), atomic_load (&storms[i].made));
  }
}
END_TEST

static int ends[2];

static gboolean
note_tick (gpointer data)
{
  fake_note (data, "tick");
  return G_SOURCE_CONTINUE;
}

static gboolean
finish_now (gpointer data)
{
  fake_finish (data);
  return G_SOURCE_REMOVE;
}

/* Arms all there is, and ends. */
static WeirNext
arm_and_finish (Fake *fake)
{
  GSource *tick = g_timeout_source_new (1), *finish = g_idle_source_new ();
  g_source_set_callback (tick, note_tick, fake, NULL);
  g_source_set_callback (finish, finish_now, fake, NULL);
  g_source_set_priority (finish, G_PRIORITY_HIGH);
  weir_stage_attach (fake->stage, tick);
  weir_stage_attach (fake->stage, finish);
  weir_stage_wait_time (fake->stage, 1000);
  return weir_stage_wait_fd (fake->stage, ends[0], G_IO_IN);
}

/* Lives on, on the same worker, well beyond all that the other has armed. */
static WeirNext
wait_then_done (Fake *fake)
{
  if (fake->next++ == 0) {
    ck_assert_int_eq (write (ends[1], "x", 1), 1);
    return weir_stage_wait_time (fake->stage, 20000);
  }
  return WEIR_DONE;
}

static const Script arms = { .produce = arm_and_finish }, outlives = { .produce = wait_then_done };

START_TEST (fault_nothing_that_was_armed_calls_a_closed_stage)
{
  ck_assert_int_eq (pipe (ends), 0);
  Rig *rig = rig_new ();
  Fake *early = rig_add (rig, "early", WEIR_PRODUCER, &arms, "together");
  Fake *late = rig_add (rig, "late", WEIR_PRODUCER, &outlives, "together");
  Fake *end = rig_add (rig, "end", WEIR_CONSUMER, &taker, NULL);
  side_link (rig, _i, early, end);
  side_link (rig, _i, late, end);
  ck_assert_int_eq (rig_run (rig), WEIR_RESULT_DONE);
  g_autofree char *events = fake_events (early);
  ck_assert_msg (g_str_has_suffix (events, " close"), "%s", events);
  fake_assert_events (late, "open start produce produce close");
  rig_free (rig);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_loop_test (tcase, fault_a_wait_ends_by_a_stop, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_a_wait_ends_by_a_failure, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_a_wait_ends_by_a_consumer_that_has_enough, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_a_thread_that_waits_is_let_go, 0, SETTINGS * (int) G_N_ELEMENTS (endings));
  tcase_add_loop_test (tcase, fault_no_resume_comes_during_teardown, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_no_resume_comes_to_a_producer_whose_last_taker_drains_and_ends, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_calls_of_other_threads_come_on_the_stages_own_and_never_after_its_end, 0, SETTINGS);
  tcase_add_loop_test (tcase, fault_nothing_that_was_armed_calls_a_closed_stage, 0, SETTINGS);
}

int
main (void)
{
  return run_suite ("faults-ends", add);
}
