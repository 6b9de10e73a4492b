/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of the run queue: order, one place a task, no wake-up lost while it sleeps or is held up. */
#include "runqueue.h"

#include <check.h>
#include <stdlib.h>

#define TASKS 5

static GMainContext *context;
static WeirRunQueue *queue;
static WeirTask tasks[TASKS];

static void
setup (void)
{
  context = g_main_context_new ();
  queue = g_aligned_alloc0 (1, sizeof (WeirRunQueue), 64);
  weir_run_queue_init (queue, context);
  for (guint i = 0; i < TASKS; i++) {
    tasks[i] = (WeirTask){ .queue = queue };
  }
}

static void
teardown (void)
{
  weir_run_queue_clear (queue);
  g_aligned_free (queue);
  g_main_context_unref (context);
}

START_TEST (an_empty_queue_has_no_task)
{
  ck_assert_ptr_null (weir_run_queue_pop (queue));
}
END_TEST

START_TEST (tasks_come_in_the_order_in_which_they_became_ready)
{
  static const guint order[] = { 3, 0, 4, 1 };
  for (guint round = 0; round < 3; round++) {
    for (guint i = 0; i < G_N_ELEMENTS (order); i++) {
      weir_task_make_ready (&tasks[order[i]]);
    }
    for (guint i = 0; i < G_N_ELEMENTS (order); i++) {
      ck_assert_ptr_eq (weir_run_queue_pop (queue), &tasks[order[i]]);
    }
    ck_assert_ptr_null (weir_run_queue_pop (queue));
  }
}
END_TEST

START_TEST (what_becomes_ready_later_comes_behind_what_waits)
{
  weir_task_make_ready (&tasks[0]);
  weir_task_make_ready (&tasks[1]);
  weir_task_make_ready (&tasks[2]);
  ck_assert_ptr_eq (weir_run_queue_pop (queue), &tasks[0]);
  weir_task_make_ready (&tasks[0]);
  weir_task_make_ready (&tasks[3]);
  static const guint order[] = { 1, 2, 0, 3 };
  for (guint i = 0; i < G_N_ELEMENTS (order); i++) {
    ck_assert_ptr_eq (weir_run_queue_pop (queue), &tasks[order[i]]);
  }
  ck_assert_ptr_null (weir_run_queue_pop (queue));
}
END_TEST

START_TEST (a_task_is_on_the_queue_once)
{
  for (guint i = 0; i < 10; i++) {
    weir_task_make_ready (&tasks[0]);
  }
  ck_assert_ptr_eq (weir_run_queue_pop (queue), &tasks[0]);
  ck_assert_ptr_null (weir_run_queue_pop (queue));
}
END_TEST

START_TEST (a_task_that_runs_may_become_ready_again)
{
  weir_task_make_ready (&tasks[0]);
  ck_assert_ptr_eq (weir_run_queue_pop (queue), &tasks[0]);
  weir_task_make_ready (&tasks[0]);
  ck_assert_ptr_eq (weir_run_queue_pop (queue), &tasks[0]);
}
END_TEST

START_TEST (with_a_task_ready_it_does_not_sleep)
{
  weir_task_make_ready (&tasks[0]);
  weir_run_queue_sleep (queue);
  ck_assert_ptr_eq (weir_run_queue_pop (queue), &tasks[0]);
  ck_assert_uint_eq (weir_load_relaxed (&queue->sleeping), WEIR_BUSY);
  /* Nor with one that it has taken off the shared list. */
  weir_task_make_ready (&tasks[0]);
  weir_task_make_ready (&tasks[1]);
  ck_assert_ptr_eq (weir_run_queue_pop (queue), &tasks[0]);
  weir_run_queue_sleep (queue);
  ck_assert_ptr_eq (weir_run_queue_pop (queue), &tasks[1]);
}
END_TEST

START_TEST (lingering_sees_a_ready_task_and_gives_up_without_one)
{
  ck_assert (!weir_run_queue_linger (queue));
  weir_task_make_ready (&tasks[0]);
  ck_assert (weir_run_queue_linger (queue));
}
END_TEST

static gboolean
note (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

START_TEST (sources_are_dispatched_in_its_sleep)
{
  gboolean dispatched = FALSE;
  GSource *source = g_idle_source_new ();
  g_source_set_callback (source, note, &dispatched, NULL);
  g_source_attach (source, context);
  g_source_unref (source);
  weir_run_queue_sleep (queue);
  ck_assert (dispatched);
}
END_TEST

/* ---- threads ---- */

static guint64
rounds (guint64 usual)
{
  return g_getenv ("WEIR_TEST_LONG") != NULL ? usual * 25 : usual;
}

static guint64 wanted;
static _Atomic guint64 given[TASKS];

/* Adds to a task's number and makes it ready: as much as is asked for, not once for each. */
static gpointer
make_ready (gpointer data)
{
  guint self = GPOINTER_TO_UINT (data);
  for (guint64 i = 0; i < wanted; i++) {
    weir_store_relaxed (&given[self], i + 1);
    weir_task_make_ready (&tasks[self]);
    if (i % 16 == self) {
      g_thread_yield ();
    }
  }
  return NULL;
}

START_TEST (no_wake_up_is_lost_between_many_threads_and_a_sleeper)
{
  GThread *threads[TASKS];
  wanted = rounds (5000);
  for (guint i = 0; i < TASKS; i++) {
    weir_store_relaxed (&given[i], 0);
    threads[i] = g_thread_new ("waker", make_ready, GUINT_TO_POINTER (i));
  }
  guint64 seen[TASKS] = { 0 };
  for (guint over = 0; over < TASKS;) {
    WeirTask *task = weir_run_queue_pop (queue);
    if (task == NULL) {
      weir_run_queue_sleep (queue);
      continue;
    }
    guint i = (guint) (task - tasks);
    guint64 now = weir_load_relaxed (&given[i]);
    ck_assert_uint_ge (now, seen[i]);
    over += now == wanted && seen[i] != wanted ? 1 : 0;
    seen[i] = now;
  }
  for (guint i = 0; i < TASKS; i++) {
    g_thread_join (threads[i]);
  }
}
END_TEST

/* Two tasks on two queues answer each other, each asleep in between. */
typedef struct {
  WeirRunQueue *queue;
  WeirTask task, *other;
  guint64 turns;
} Player;

static gpointer
play (gpointer data)
{
  Player *player = data;
  while (player->turns < wanted) {
    if (weir_run_queue_pop (player->queue) == NULL) {
      weir_run_queue_sleep (player->queue);
      continue;
    }
    player->turns++;
    weir_task_make_ready (player->other);
  }
  return NULL;
}

START_TEST (two_sleepers_wake_each_other)
{
  GMainContext *other_context = g_main_context_new ();
  WeirRunQueue *other_queue = g_aligned_alloc0 (1, sizeof (WeirRunQueue), 64);
  weir_run_queue_init (other_queue, other_context);
  Player a = { .queue = queue, .task = { .queue = queue } };
  Player b = { .queue = other_queue, .task = { .queue = other_queue }, .other = &a.task };
  a.other = &b.task;
  wanted = rounds (2000);
  weir_task_make_ready (&a.task);
  GThread *thread = g_thread_new ("player", play, &b);
  play (&a);
  g_thread_join (thread);
  weir_run_queue_clear (other_queue);
  g_aligned_free (other_queue);
  g_main_context_unref (other_context);
  /* cppcheck-suppress memleak; g_thread_join() has freed the thread */
}
END_TEST

typedef struct {
  _Atomic guint64 value;
  guint64 until;
} Goal;

static gboolean
reached (gpointer data)
{
  Goal *goal = data;
  return weir_load_acquire (&goal->value) >= goal->until;
}

START_TEST (holding_returns_at_once_where_the_condition_is_true)
{
  Goal goal = { .until = 0 };
  weir_run_queue_hold (queue, &tasks[0], reached, &goal);
  ck_assert_uint_eq (weir_load_relaxed (&queue->sleeping), WEIR_BUSY);
  /* It may have been told what it did not look at. */
  ck_assert_ptr_eq (weir_run_queue_pop (queue), &tasks[0]);
}
END_TEST

static gpointer
count_up (gpointer data)
{
  Goal *goal = data;
  for (guint64 i = 1; i <= wanted; i++) {
    weir_store_release (&goal->value, i);
    weir_task_make_ready (&tasks[0]);
    if (i % 16 == 0) {
      g_thread_yield ();
    }
  }
  return NULL;
}

START_TEST (a_held_up_worker_looks_again_at_each_wake_up)
{
  Goal goal = { .until = 0 };
  wanted = rounds (20000);
  GThread *thread = g_thread_new ("counter", count_up, &goal);
  while (goal.until < wanted) {
    goal.until = MIN (weir_load_relaxed (&goal.value) + 3, wanted);
    weir_run_queue_hold (queue, &tasks[0], reached, &goal);
    ck_assert (reached (&goal));
  }
  g_thread_join (thread);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("runqueue");
  TCase *cases = tcase_create ("runqueue");
  tcase_set_timeout (cases, g_getenv ("WEIR_TEST_LONG") != NULL ? 3600 : 60);
  tcase_add_checked_fixture (cases, setup, teardown);
  tcase_add_test (cases, an_empty_queue_has_no_task);
  tcase_add_test (cases, tasks_come_in_the_order_in_which_they_became_ready);
  tcase_add_test (cases, what_becomes_ready_later_comes_behind_what_waits);
  tcase_add_test (cases, a_task_is_on_the_queue_once);
  tcase_add_test (cases, a_task_that_runs_may_become_ready_again);
  tcase_add_test (cases, with_a_task_ready_it_does_not_sleep);
  tcase_add_test (cases, lingering_sees_a_ready_task_and_gives_up_without_one);
  tcase_add_test (cases, sources_are_dispatched_in_its_sleep);
  tcase_add_test (cases, no_wake_up_is_lost_between_many_threads_and_a_sleeper);
  tcase_add_test (cases, two_sleepers_wake_each_other);
  tcase_add_test (cases, holding_returns_at_once_where_the_condition_is_true);
  tcase_add_test (cases, a_held_up_worker_looks_again_at_each_wake_up);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
