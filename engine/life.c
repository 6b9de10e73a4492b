/* SPDX-License-Identifier: Apache-2.0 */
/* life.c: the life of a stage: open, start, end, stop, failure, close (R9, R10).
 * Runs on the stage's worker, asked by the pipeline's requests or by what happens on the stage's links. State is set before a
 * callback is called, and what is over is told to the pipeline last. */
#include "connections.h"
#include "stage.h"

void
weir_life_set (WeirStage *stage, WeirLife life)
{
  stage->life = life;
  weir_store_relaxed (&stage->life_seen, life);
}

/* Once, before the stage is closed. */
static void
report_failure (WeirStage *stage)
{
  if (stage->failed && !stage->failure_told) {
    stage->failure_told = TRUE;
    stage->report (stage, WEIR_STAGE_FAILED, stage->report_data);
  }
}

void
weir_life_call_open (WeirStage *stage)
{
  WeirNext next = WEIR_MORE;
  stage->opened = TRUE;
  if (stage->role->open != NULL) {
    weir_stage_enter (stage, "open");
    next = stage->role->open (stage, stage->self);
    weir_stage_leave (stage);
  }
  if (next != WEIR_MORE) {
    weir_stage_check_answer (stage, "open", next, WEIR_CAN (WEIR_DONE));
  }
  if (!stage->failed) {
    /* Only now: interrupt() uses what open() makes. */
    weir_stage_set_interruptible (stage, TRUE);
  }
}

static void
open_stage (WeirStage *stage)
{
  if (stage->life != WEIR_LIFE_NEW) {
    return;
  }
  weir_life_set (stage, WEIR_LIFE_OPEN);
  weir_life_call_open (stage);
  if (stage->failed) {
    report_failure (stage);
  } else {
    stage->report (stage, WEIR_STAGE_OPENED, stage->report_data);
  }
}

static void
running (WeirStage *stage)
{
  weir_life_set (stage, WEIR_LIFE_RUNNING);
  if (!stage->ready_told) {
    stage->ready_told = TRUE;
    stage->report (stage, WEIR_STAGE_READY, stage->report_data);
  }
  weir_outputs_tell (stage); /* R13: a link may have joined full */
}

void
weir_life_call_start (WeirStage *stage)
{
  WeirNext next = WEIR_MORE;
  weir_life_set (stage, WEIR_LIFE_STARTING);
  stage->refusing = FALSE;
  weir_posts_open (stage);
  if (stage->role->start != NULL) {
    weir_stage_enter (stage, "start");
    next = stage->role->start (stage, stage->self);
    weir_stage_leave (stage);
  }
  if (next != WEIR_MORE) {
    weir_stage_check_answer (stage, "start", next, WEIR_CAN (WEIR_WAIT) | WEIR_CAN (WEIR_DONE));
  }
  stage->ready_said = stage->ready_said || next != WEIR_WAIT;
}

static void
start_stage (WeirStage *stage)
{
  if (stage->life != WEIR_LIFE_OPEN || stage->failed) {
    return;
  }
  if (stage->finishing || !weir_life_has_taker (stage)) {
    weir_life_set (stage, WEIR_LIFE_STARTING);
    stage->report (stage, WEIR_STAGE_STARTED,
                   stage->report_data); /* before it is closed, which may be the last that is told */
    weir_life_check_takers (stage);
    return;
  }
  weir_life_call_start (stage);
  /* One that has failed for good is not said to have started, so that nothing upstream is. */
  if (!stage->failed || weir_restart_applies (stage)) {
    stage->report (stage, WEIR_STAGE_STARTED, stage->report_data);
  }
  if (stage->failed) {
    weir_life_fail (stage);
  }
}

/* The timers, and the sources of its own. */
static void
drop_wake_ups (WeirStage *stage)
{
  WeirStageExtras *extras = stage->extras;
  if (extras == NULL) {
    return;
  }
  weir_timers_disarm (stage->worker->timers, &extras->timers.halves[WEIR_HALF_INPUT]);
  weir_timers_disarm (stage->worker->timers, &extras->timers.halves[WEIR_HALF_OUTPUT]);
  weir_timers_disarm (stage->worker->timers, &extras->timers.retry);
  weir_timers_disarm (stage->worker->timers, &extras->timers.age);
  weir_restart_disarm (stage);
  weir_stage_enter (stage, WEIR_IN_SOURCE);
  for (guint i = 0; extras->sources != NULL && i < extras->sources->len; i++) {
    GSource *source = g_ptr_array_index (extras->sources, i);
    g_source_destroy (source);
    g_source_unref (source);
  }
  g_clear_pointer (&extras->sources, g_ptr_array_unref);
  weir_stage_enter (stage, NULL);
}

void
weir_life_release (WeirStage *stage)
{
  stage->refusing = TRUE;
  weir_posts_end (stage);
  drop_wake_ups (stage);
  if (stage->opened) {
    weir_origins_abandon (stage);
  }
  weir_stage_set_interruptible (stage, FALSE);
  gboolean opened = stage->opened;
  stage->opened = FALSE;
  if (opened && stage->role->close != NULL) {
    weir_stage_enter (stage, "close");
    stage->role->close (stage, stage->self);
    weir_stage_leave (stage);
  }
  if (stage->watched >= 0) {
    weir_watches_forget_wait (stage->worker->watches, stage->watched, stage);
  } else if (stage->watched == WEIR_WATCHED_SEVERAL) {
    weir_watches_forget_owner (stage->worker->watches, stage);
  }
  stage->watched = WEIR_WATCHED_NONE;
  weir_packer_clear (&stage->packer);
}

static void
close_stage (WeirStage *stage)
{
  if (stage->life == WEIR_LIFE_CLOSED) {
    return;
  }
  weir_life_release (stage);
  weir_streams_forget_all (stage);
  for (guint i = 0; i < stage->input_count; i++) {
    weir_streams_drop_states (stage->inputs[i]); /* of a stage that has finished by itself */
    if (stage->inputs[i]->connection != NULL) {
      weir_task_make_ready (&stage->task); /* the next turn lets go of those that have parted by now */
    }
  }
  report_failure (stage); /* of stop() or close() */
  weir_life_set (stage, WEIR_LIFE_CLOSED);
  stage->report (stage, WEIR_STAGE_CLOSED, stage->report_data);
}

/* Now, or when what runs elsewhere has come to its end. */
static void
close_in_time (WeirStage *stage)
{
  if (stage->elsewhere == NULL || stage->elsewhere->may_close == NULL || stage->elsewhere->may_close (stage)) {
    close_stage (stage);
  }
}

/* What the states of joined streams own is freed before anything that ends the stage early. */
static void
drop_streams (WeirStage *stage)
{
  stage->refusing = stage->dropping_streams = TRUE;
  for (guint i = 0; i < stage->input_count; i++) {
    weir_streams_free_states (stage, stage->inputs[i]);
  }
  stage->dropping_streams = FALSE;
}

static void
call_stop (WeirStage *stage)
{
  /* None behind its own end, also where that is still to be seen to, or waits for connections; and none while it is down. */
  if (!stage->opened || stage->stopping || stage->finishing || stage->finish_posted || stage->awaits_connections) {
    return;
  }
  stage->stopping = TRUE;
  weir_posts_close (stage);
  drop_streams (stage);
  if (stage->role->stop != NULL) {
    weir_stage_enter (stage, "stop");
    stage->role->stop (stage, stage->self);
    weir_stage_leave (stage);
  }
  weir_origins_end_output (stage, TRUE);
}

/* The end of a template travels behind that of its last connection. */
static void
end_template (WeirStage *stage)
{
  for (guint i = 0; i < weir_connections_link_count (stage->connections); i++) {
    WeirLink *link = weir_connections_link (stage->connections, i);
    if (link->to->connections != stage->connections) {
      weir_link_put_control (link, WEIR_CONTROL_END, 0);
    }
  }
}

void
weir_life_end (WeirStage *stage)
{
  if (stage->life >= WEIR_LIFE_ENDED) {
    return;
  }
  stage->refusing = TRUE;
  weir_posts_close (stage);
  weir_origins_end_output (stage, FALSE);
  if (stage->listens && weir_connections_alive (stage->connections) > 0) {
    stage->awaits_connections = TRUE;
    return;
  }
  stage->awaits_connections = FALSE;
  weir_life_set (stage, WEIR_LIFE_ENDED);
  if (stage->listens) {
    weir_connections_tell_untold (stage->connections);
    end_template (stage);
  }
  weir_outputs_control (stage, WEIR_CONTROL_END, 0);
  stage->report (stage, WEIR_STAGE_ENDED, stage->report_data);
  weir_life_close_ended (stage);
}

void
weir_life_close_ended (WeirStage *stage)
{
  if (stage->life == WEIR_LIFE_ENDED && !stage->lingers && weir_origins_count (stage) == 0) {
    close_in_time (stage);
  }
}

void
weir_life_finish_output (WeirStage *stage)
{
  stage->refusing = TRUE;
  stage->finish_posted = weir_posts_finish (stage);
  if (stage->finish_posted) {
    return;
  }
  if (stage->duplex) {
    stage->out_finishing = TRUE;
  } else {
    stage->finishing = TRUE;
  }
}

void
weir_life_end_output (WeirStage *stage)
{
  if (!stage->out_over) {
    stage->out_over = TRUE;
    weir_posts_close (stage);
    weir_outputs_control_ports (stage, WEIR_CONTROL_END, 0);
  }
  if (stage->in_over) {
    weir_life_end (stage);
  }
}

void
weir_life_fail (WeirStage *stage)
{
  if (stage->life >= WEIR_LIFE_ENDED) {
    return;
  }
  if (weir_restart_applies (stage)) {
    weir_restart_fall (stage);
    return;
  }
  report_failure (stage);
  weir_posts_close (stage);
  drop_streams (stage);
  weir_intake_close (stage, WEIR_LINK_FAILED);
  weir_origins_abandon (stage);
  weir_life_end (stage);
}

void
weir_life_stop (WeirStage *stage, guint32 closed)
{
  if (stage->life >= WEIR_LIFE_ENDED || stage->life == WEIR_LIFE_NEW) {
    return;
  }
  call_stop (stage);
  weir_intake_close (stage, closed);
  weir_life_end (stage);
}

static gboolean
all_done (WeirStage *stage)
{
  if (weir_load_acquire (&stage->outstanding) != 0 || stage->flush_count > 0) {
    return FALSE;
  }
  for (guint i = 0; i < stage->input_count; i++) {
    if (stage->inputs[i]->done_private != stage->inputs[i]->taken) {
      return FALSE;
    }
  }
  return TRUE;
}

void
weir_life_finish (WeirStage *stage)
{
  if (stage->waits || stage->failed || stage->produces != WEIR_PRODUCES_NOT || weir_intake_paused (stage)) {
    return;
  }
  if (!stage->end_told) {
    weir_life_set (stage, WEIR_LIFE_ENDING);
    WeirNext next = WEIR_MORE;
    if (stage->role->end != NULL) {
      weir_stage_enter (stage, "end");
      next = stage->role->end (stage, stage->self);
      weir_stage_leave (stage);
    }
    if (next != WEIR_MORE &&
        !weir_stage_check_answer (stage, "end", next,
                                  WEIR_CAN (WEIR_WAIT) | WEIR_CAN (WEIR_DONE) | WEIR_CAN (WEIR_PRODUCE))) {
      return;
    }
    if (next == WEIR_WAIT) {
      stage->waits = TRUE;
      return;
    }
    stage->end_told = TRUE;
    if (next == WEIR_PRODUCE) {
      weir_intake_begin_produce (stage, WEIR_PRODUCES_END, &weir_no_record, "end");
      return;
    }
  }
  if (!stage->failed && all_done (stage)) {
    stage->in_over = TRUE;
    if (!stage->duplex || stage->out_over) {
      weir_life_end (stage);
    }
  }
}

static void
halt (WeirStage *stage)
{
  if (stage->life == WEIR_LIFE_NEW) {
    return;
  }
  if (stage->elsewhere != NULL && stage->elsewhere->halt != NULL && stage->opened) {
    stage->elsewhere->halt (stage);
  }
  if (stage->life < WEIR_LIFE_ENDED) {
    if (stage->life != WEIR_LIFE_OPEN) {
      call_stop (stage);
    }
    weir_life_end (stage);
  }
  if (!stage->awaits_connections) {
    close_in_time (stage);
  }
}

void
weir_life_requests (WeirStage *stage, guint32 requests)
{
  if ((requests & WEIR_REQUEST_OPEN) != 0) {
    open_stage (stage);
  }
  if ((requests & WEIR_REQUEST_START) != 0) {
    start_stage (stage);
  }
  if ((requests & WEIR_REQUEST_RESTART) != 0) {
    weir_restart_open (stage);
  }
  if ((requests & WEIR_REQUEST_DRAIN) != 0) {
    stage->draining = TRUE;
    weir_restart_hurry (stage);
    /* end() may give up what it waits for. Others wait for what a stop does not change. */
    stage->waits = stage->waits && stage->life != WEIR_LIFE_ENDING;
    if (stage->elsewhere != NULL && stage->elsewhere->drain != NULL && stage->life != WEIR_LIFE_DOWN) {
      stage->elsewhere->drain (stage);
    }
  }
  if ((requests & WEIR_REQUEST_SETTLE) != 0) {
    stage->settle_asked = TRUE;
  }
  if ((requests & WEIR_REQUEST_STOP) != 0 && stage->life >= WEIR_LIFE_DOWN && stage->life < WEIR_LIFE_ENDED) {
    if (stage->elsewhere != NULL && stage->elsewhere->stop != NULL && stage->life != WEIR_LIFE_DOWN) {
      stage->elsewhere->stop (stage);
    } else {
      call_stop (stage);
      weir_life_end (stage);
    }
  }
  if ((requests & WEIR_REQUEST_HALT) != 0) {
    halt (stage);
  }
  if ((requests & WEIR_REQUEST_CLOSE) != 0) {
    close_stage (stage);
  }
  if ((requests & WEIR_REQUEST_CONNECTION) != 0) {
    weir_connection_look (stage->connection);
  }
}

gboolean
weir_life_starting (WeirStage *stage)
{
  gboolean more = weir_posts_run (stage);
  if (stage->ready_said && !stage->failed && !stage->finishing) {
    running (stage);
  }
  return more;
}
