/* SPDX-License-Identifier: Apache-2.0 */
/* harness-crank.c: the loop and the clock of a harness, turned by hand (weir/harness.h).
 * Runs on the test's thread, which takes tasks off the worker's run queue one by one. The worker sleeps in its context only where
 * the test waits for the kernel or for another thread. */
#include "harness.h"

#define MOST_TURNS 100000
#define LOOK 10 /* milliseconds between looks at what no source tells */

gboolean
weir_harness_run_ends (WeirHarness *harness)
{
  gboolean any = FALSE, stage_is_ready = FALSE;
  for (WeirTask *task; (task = weir_run_queue_pop (&harness->worker->queue)) != NULL;) {
    if (task == &harness->stage->task) {
      stage_is_ready = TRUE;
      continue;
    }
    weir_worker_run_task (harness->worker, task);
    any = TRUE;
  }
  if (stage_is_ready) {
    weir_task_make_ready (&harness->stage->task);
  }
  return any;
}

gboolean
weir_harness_run_stage (WeirHarness *harness)
{
  /* Nobody else is ready, but what a thread of the plugin's has made so meanwhile is only the stage. */
  WeirTask *task = weir_run_queue_pop (&harness->worker->queue);
  if (task == NULL) {
    return FALSE;
  }
  weir_worker_run_task (harness->worker, task);
  return TRUE;
}

gboolean
weir_harness_turn (WeirHarness *harness)
{
  g_return_val_if_fail (!harness->stage->in_turn, FALSE); /* callbacks do not nest */
  WeirWorker *before = weir_harness_enter (harness);
  gboolean any = weir_timers_fire (harness->worker->timers);
  any = weir_worker_dispatch (harness->worker) || any;
  any = weir_harness_run_ends (harness) || any;
  any = weir_harness_run_stage (harness) || any;
  any = weir_harness_run_ends (harness) || any;
  weir_harness_leave (harness, before);
  return any;
}

gboolean
weir_harness_run (WeirHarness *harness)
{
  for (guint i = 0; i < MOST_TURNS; i++) {
    if (!weir_harness_turn (harness)) {
      return TRUE;
    }
  }
  return FALSE;
}

/* ---- time ---- */

/* The stage's own sources that wait for a time, by the system's clock. */
static GSource *
timed_source (WeirHarness *harness, guint *index)
{
  WeirStageExtras *extras = harness->stage->extras;
  GPtrArray *sources = extras != NULL ? extras->sources : NULL;
  while (sources != NULL && *index < sources->len) {
    GSource *source = g_ptr_array_index (sources, (*index)++);
    if (!g_source_is_destroyed (source) && g_source_get_ready_time (source) >= 0) {
      return source;
    }
  }
  return NULL;
}

/* When the next timer or timed source is due by the harness's clock; -1: never. */
static gint64
next_time (WeirHarness *harness)
{
  gint64 next = weir_timers_next (harness->worker->timers);
  gint64 system = g_get_monotonic_time ();
  guint index = 0;
  for (GSource *source; (source = timed_source (harness, &index)) != NULL;) {
    gint64 at = harness->clock.now + MAX (g_source_get_ready_time (source) - system, 0);
    next = next < 0 ? at : MIN (next, at);
  }
  return next < 0 ? -1 : MAX (next, harness->clock.now);
}

static void
move_clock (WeirHarness *harness, gint64 to)
{
  gint64 passed = to - harness->clock.now;
  harness->clock.now = to;
  guint index = 0;
  for (GSource *source; passed > 0 && (source = timed_source (harness, &index)) != NULL;) {
    g_source_set_ready_time (source, MAX (g_source_get_ready_time (source) - passed, 0));
  }
}

void
weir_harness_advance (WeirHarness *harness, gint64 microseconds)
{
  g_return_if_fail (microseconds >= 0);
  WeirWorker *before = weir_harness_enter (harness);
  gint64 target = harness->clock.now + microseconds;
  gboolean idle = weir_harness_run (harness);
  for (gint64 next; idle && (next = next_time (harness)) >= 0 && next <= target;) {
    move_clock (harness, next);
    idle = weir_harness_run (harness);
  }
  move_clock (harness, target);
  weir_harness_run (harness);
  weir_harness_leave (harness, before);
}

gint64
weir_harness_now (WeirHarness *harness)
{
  return harness->clock.now;
}

/* ---- waiting for others ---- */

static gboolean
look (G_GNUC_UNUSED gpointer data)
{
  return G_SOURCE_CONTINUE;
}

gboolean
weir_harness_wait_until (WeirHarness *harness, WeirHarnessHolds holds, gpointer data)
{
  gint64 system = g_get_monotonic_time (), deadline = system + harness->patience;
  GSource *looks = g_timeout_source_new (LOOK);
  g_source_set_callback (looks, look, NULL, NULL);
  WeirWorker *before = weir_harness_enter (harness);
  g_source_attach (looks, harness->worker->context);
  gboolean held;
  while (!(held = holds (harness, data)) && system < deadline) {
    if (!weir_harness_turn (harness)) {
      weir_worker_sleep (harness->worker);
    }
    gint64 now = g_get_monotonic_time ();
    harness->clock.now += harness->live ? now - system : 0;
    system = now;
  }
  weir_harness_leave (harness, before);
  g_source_destroy (looks);
  g_source_unref (looks);
  return held;
}

typedef struct {
  const char *link;
  gsize records;
} Wanted;

static gboolean
has_come (WeirHarness *harness, gpointer data)
{
  const Wanted *wanted = data;
  return weir_harness_count (harness, wanted->link) >= wanted->records;
}

gboolean
weir_harness_wait_count (WeirHarness *harness, const char *link, gsize records)
{
  return weir_harness_wait_until (harness, has_come, &(Wanted){ link, records });
}

static gboolean
is_closed (WeirHarness *harness, G_GNUC_UNUSED gpointer data)
{
  return harness->stage->life == WEIR_LIFE_CLOSED;
}

/* The ends take part in the ledger: what is left for them is done too. */
gboolean
weir_harness_wait_closed (WeirHarness *harness)
{
  gboolean closed = weir_harness_wait_until (harness, is_closed, NULL);
  weir_harness_run (harness);
  return closed;
}

void
weir_harness_call (WeirHarness *harness, WeirFunc func, gpointer data)
{
  WeirWorker *before = weir_harness_enter (harness);
  func (harness->stage, harness->stage->self, data);
  weir_stage_mark_dirty (harness->stage);
  weir_worker_publish_dirty (harness->worker);
  weir_harness_leave (harness, before);
}
