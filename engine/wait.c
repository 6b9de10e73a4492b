/* SPDX-License-Identifier: Apache-2.0 */
/* wait.c: how a stage waits: wake-ups, descriptors, time, and GSources of its own (weir/stage.h); the extras, which have its timers.
 * All on the stage's worker but weir_stage_wake(), which any thread may call. A wake-up only means "look again". */
#include "stage.h"

#include <unistd.h>

void
weir_stage_wake (WeirStage *stage)
{
  weir_store_release (&stage->woken, WEIR_HALF_BITS);
  weir_task_make_ready (&stage->task);
}

void
weir_stage_wake_halves (gpointer owner, guint32 halves)
{
  WeirStage *stage = owner;
  atomic_fetch_or_explicit (&stage->woken, halves, memory_order_release);
  weir_task_make_ready (&stage->task);
}

static void
wake (G_GNUC_UNUSED WeirTimer *timer, gpointer data)
{
  weir_stage_wake (data);
}

static void
wake_input (G_GNUC_UNUSED WeirTimer *timer, gpointer data)
{
  weir_stage_wake_halves (data, WEIR_HALF_BIT (WEIR_HALF_INPUT));
}

static void
wake_output (G_GNUC_UNUSED WeirTimer *timer, gpointer data)
{
  weir_stage_wake_halves (data, WEIR_HALF_BIT (WEIR_HALF_OUTPUT));
}

WeirStageExtras *
weir_stage_extras (WeirStage *stage)
{
  if (stage->extras == NULL) {
    stage->extras = g_new0 (WeirStageExtras, 1);
    stage->extras->timers = (WeirStageTimers){ .halves = { { .fire = wake_input, .data = stage },
                                                           { .fire = wake_output, .data = stage } },
                                               .retry = { .fire = wake, .data = stage },
                                               .age = { .fire = wake, .data = stage } };
    g_mutex_init (&stage->extras->interrupt_lock);
  }
  return stage->extras;
}

void
weir_stage_free_extras (WeirStage *stage)
{
  WeirStageExtras *extras = g_steal_pointer (&stage->extras);
  if (extras == NULL) {
    return;
  }
  weir_template_cache_free (extras->templates);
  g_clear_pointer (&extras->sources, g_ptr_array_unref);
  g_clear_pointer (&extras->restart, weir_restart_free);
  g_mutex_clear (&extras->interrupt_lock);
  g_free (extras->rejection);
  g_free (extras);
}

WeirNext
weir_stage_wait_fd (WeirStage *stage, int fd, GIOCondition condition)
{
  stage->watched = stage->watched == WEIR_WATCHED_NONE || stage->watched == fd ? fd : WEIR_WATCHED_SEVERAL;
  weir_watches_add (stage->worker->watches, fd, condition, stage->half, weir_stage_wake_halves, stage);
  return WEIR_WAIT;
}

WeirNext
weir_stage_wait_time (WeirStage *stage, gint64 microseconds)
{
  WeirTimer *timer = &weir_stage_extras (stage)->timers.halves[stage->half];
  if (microseconds < 0) {
    weir_timers_disarm (stage->worker->timers, timer);
  } else {
    weir_timers_arm (stage->worker->timers, timer, weir_clock_now () + microseconds);
  }
  return WEIR_WAIT;
}

void
weir_stage_close_fd (WeirStage *stage, int fd)
{
  if (fd >= 0) {
    weir_watches_forget (stage->worker->watches, fd);
    close (fd);
  }
}

gint64
weir_stage_now (G_GNUC_UNUSED WeirStage *stage)
{
  return weir_clock_now ();
}

gint64
weir_stage_wall (G_GNUC_UNUSED WeirStage *stage)
{
  return weir_clock_wall ();
}

void
weir_stage_attach (WeirStage *stage, GSource *source)
{
  g_source_attach (source, stage->worker->context);
  WeirStageExtras *extras = weir_stage_extras (stage);
  if (extras->sources == NULL) {
    extras->sources = g_ptr_array_new ();
  }
  g_ptr_array_add (extras->sources, source);
}

GMainContext *
weir_stage_context (WeirStage *stage)
{
  return stage->worker->context;
}

void
weir_stage_finish (WeirStage *stage)
{
  weir_life_finish_output (stage);
  weir_task_make_ready (&stage->task);
}

void
weir_stage_enough (WeirStage *stage)
{
  if (!stage->end_told && stage->kind != WEIR_PRODUCER) {
    stage->enough = TRUE;
    weir_stage_wake (stage);
  }
}

void
weir_stage_ready (WeirStage *stage)
{
  stage->ready_said = TRUE;
  weir_task_make_ready (&stage->task);
}

gboolean
weir_stage_draining (WeirStage *stage)
{
  return stage->draining;
}

void
weir_stage_linger (WeirStage *stage, gboolean lingers)
{
  stage->lingers = lingers;
  weir_task_make_ready (&stage->task);
}
