/* SPDX-License-Identifier: Apache-2.0 */
/* restart.c: a stage with "on_error": "restart", which has failed and begins anew: closed, and after a while opened and started again.
 * Runs on the stage's worker, but for weir_restart_enable() and what any thread may ask. Its links stay: what it has not given back
 * is handed out again, in order, and what it has emitted stays emitted. Nothing of that is told to the pipeline. */
#include "stage.h"

/* Between two attempts: from the first delay on, doubled each time up to MOST, and between half and all of that, so that many do not come
 * back at once. While the pipeline stops, up to MOST_DRAINING. A stage that has run for STEADY begins with the first again. */
#define MOST (30 * G_USEC_PER_SEC)
#define MOST_DRAINING G_USEC_PER_SEC
#define STEADY (60 * G_USEC_PER_SEC)

struct _WeirRestart {
  gpointer pristine; /* the role's state with its options filled in, as it is before open(); NULL: it has none */
  WeirTimer timer;
  gint64 first;     /* delay */
  gint64 delay;     /* before the next attempt; 0: none has failed lately */
  gint64 opened_at; /* monotonic, microseconds */
  _Atomic guint64 count, redelivered;
};

static WeirRestart *
restart_of (const WeirStage *stage)
{
  return stage->restarts ? stage->extras->restart : NULL; /* extras may be made while another thread looks */
}

static void
ask (G_GNUC_UNUSED WeirTimer *timer, gpointer data)
{
  weir_stage_request (data, WEIR_REQUEST_RESTART);
}

void
weir_restart_enable (WeirStage *stage, gint64 first)
{
  if (restart_of (stage) != NULL) {
    return;
  }
  WeirRestart *restart = g_new0 (WeirRestart, 1);
  restart->pristine = g_memdup2 (stage->self, stage->role->state_size);
  restart->first = first;
  restart->timer = (WeirTimer){ .fire = ask, .data = stage };
  weir_stage_extras (stage)->restart = restart;
  stage->restarts = TRUE;
}

void
weir_restart_free (WeirRestart *restart)
{
  g_free (restart->pristine);
  g_free (restart);
}

/* Not one that is about to end: part of its output is over, or its input is no longer wanted. */
gboolean
weir_restart_applies (WeirStage *stage)
{
  return restart_of (stage) != NULL && stage->life >= WEIR_LIFE_DOWN && stage->life < WEIR_LIFE_ENDED &&
         !stage->stopping && !stage->finishing && !stage->finish_posted && !stage->out_finishing && !stage->out_over &&
         !stage->in_over && !stage->enough && !stage->input_closed && !stage->awaits_connections;
}

static void
rewind_inputs (WeirStage *stage)
{
  for (guint i = 0; i < stage->input_count; i++) {
    WeirLink *link = stage->inputs[i];
    gboolean end;
    weir_add_relaxed (&restart_of (stage)->redelivered, weir_link_rewind (link, &end));
    stage->inputs_over -= end ? 1 : 0;
    weir_link_make_ready (link);
  }
  /* All of them are on the links again. */
  g_clear_pointer (&stage->pending_ends, g_array_unref);
  weir_store_release (&stage->outstanding, 0);
}

/* As it was before open(), but for its links, its figures, and what the pipeline has asked of it. */
static void
forget (WeirStage *stage)
{
  stage->failed = stage->failure_told = stage->at_fault = FALSE;
  stage->waits = stage->out_waits = stage->told_paused = FALSE;
  stage->ready_said = stage->end_told = stage->refusal_told = stage->lingers = FALSE;
  stage->settle_wanted = stage->settle_told = stage->settle_asked = FALSE;
  stage->produces = WEIR_PRODUCES_NOT;
  stage->current = &weir_no_record;
  stage->at_hand = NULL;
  stage->emit_begin = NULL;
  stage->set_rejected = NULL;
  stage->ending_state = NULL;
  stage->flush_count = 0;
  weir_joins_free (stage);
  stage->overrides = 0;
  stage->window = 0;
  stage->empty_turns = 0;
  weir_store_relaxed (&stage->woken, 0);
}

static void
wait_to_open (WeirStage *stage)
{
  WeirRestart *restart = restart_of (stage);
  gint64 now = weir_clock_now ();
  restart->delay = restart->delay == 0 || now - restart->opened_at >= STEADY ? restart->first
                                                                             : MIN (restart->delay * 2, MOST);
  restart->delay = stage->draining ? MIN (restart->delay, MOST_DRAINING) : restart->delay;
  gint64 delay = restart->delay / 2 + g_random_int_range (0, (gint32) (restart->delay / 2) + 1);
  weir_stage_log (stage, G_LOG_LEVEL_CRITICAL, "%s; it restarts in %.2f s", stage->failure,
                  (double) delay / G_USEC_PER_SEC);
  weir_timers_arm (stage->worker->timers, &restart->timer, now + delay);
}

void
weir_restart_fall (WeirStage *stage)
{
  weir_life_set (stage, WEIR_LIFE_DOWN);
  weir_life_release (stage);
  weir_streams_end_own (stage);
  rewind_inputs (stage);
  wait_to_open (stage);
  forget (stage);
  stage->clock = WEIR_CLOCK_WAITING;
}

void
weir_restart_hurry (WeirStage *stage)
{
  if (stage->life == WEIR_LIFE_DOWN) {
    weir_timers_arm (stage->worker->timers, &restart_of (stage)->timer, weir_clock_now ());
  }
}

void
weir_restart_disarm (WeirStage *stage)
{
  WeirRestart *restart = restart_of (stage);
  if (restart != NULL) {
    weir_timers_disarm (stage->worker->timers, &restart->timer);
  }
}

void
weir_restart_open (WeirStage *stage)
{
  if (stage->life != WEIR_LIFE_DOWN) {
    return; /* it has ended meanwhile */
  }
  WeirRestart *restart = restart_of (stage);
  weir_restart_disarm (stage);
  if (stage->elsewhere != NULL && stage->elsewhere->renew != NULL) {
    stage->elsewhere->renew (stage);
  } else if (restart->pristine != NULL) {
    memcpy (stage->self, restart->pristine, stage->role->state_size);
  }
  g_clear_pointer (&stage->failure, g_free);
  restart->opened_at = weir_clock_now ();
  weir_add_relaxed (&restart->count, 1);
  weir_posts_renew (stage);
  weir_life_call_open (stage);
  if (stage->failed) {
    weir_restart_fall (stage);
    return;
  }
  weir_life_call_start (stage);
  if (stage->failed) {
    weir_life_fail (stage);
  } else {
    /* What was asked of it while it was down, and what came meanwhile. */
    weir_task_make_ready (&stage->task);
  }
}

guint64
weir_restart_count (WeirStage *stage)
{
  WeirRestart *restart = restart_of (stage);
  return restart != NULL ? weir_load_relaxed (&restart->count) : 0;
}

guint64
weir_restart_redelivered (WeirStage *stage)
{
  WeirRestart *restart = restart_of (stage);
  return restart != NULL ? weir_load_relaxed (&restart->redelivered) : 0;
}
