/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline-stop.c: how a pipeline stops, within its limit, and comes to its end.
 * Runs on the main thread: asks the stages by requests, which their workers take, and once all are closed joins the workers and
 * counts what is left on the links. */
#include "pipeline-parts.h"

#include "front.h"

const char *const weir_result_names[] = { "done", "failed", "stopped", "undelivered" };

/* ---- the end ---- */

/* R12, with both ends of every link parked: what the cursors say is queued is counted by walking the slots. */
static guint64
check_ledger (WeirPipeline *pipeline)
{
  guint64 undelivered = 0;
  for (guint i = 0; i < pipeline->links->len; i++) {
    WeirLink *link = g_ptr_array_index (pipeline->links, i);
    if (weir_link_stands_for (link) == NULL && link->front == NULL) {
      weir_link_publish (link);
    }
    if (weir_link_stands_for (link) == NULL && weir_load_relaxed (&link->closed) == WEIR_LINK_FINISHED) {
      weir_intake_discard_run (link->to, link, WEIR_DROP_TAKER_FINISHED);
      weir_link_discard (link, WEIR_DROP_TAKER_FINISHED);
    }
    undelivered += weir_link_check_ledger (link);
  }
  return undelivered;
}

void
weir_pipeline_end (WeirPipeline *pipeline)
{
  if (pipeline->over) {
    return;
  }
  pipeline->over = TRUE;
  pipeline->ended = g_get_monotonic_time ();
  g_clear_handle_id (&pipeline->deadline, g_source_remove);
  weir_pipeline_join_workers (pipeline);
  guint64 undelivered = check_ledger (pipeline);
  WeirResult result = pipeline->failed     ? WEIR_RESULT_FAILED
                      : undelivered > 0    ? WEIR_RESULT_UNDELIVERED
                      : pipeline->stopping ? WEIR_RESULT_STOPPED
                                           : WEIR_RESULT_DONE;
  if (pipeline->events->over != NULL) {
    pipeline->events->over (pipeline, result, pipeline->data);
  }
}

/* ---- the stop ---- */

void
weir_pipeline_request (WeirPipeline *pipeline, guint32 request)
{
  for (guint i = 0; i < pipeline->running->len; i++) {
    WeirStage *stage = g_ptr_array_index (pipeline->running, i);
    weir_stage_request (stage, request);
    if (request != WEIR_REQUEST_OPEN) {
      weir_stage_interrupt (stage);
    }
  }
}

static void
stop_connections (WeirPipeline *pipeline, gboolean halt)
{
  for (guint i = 0; i < pipeline->connections->len; i++) {
    weir_connections_stop (g_ptr_array_index (pipeline->connections, i), halt);
  }
}

static void
tell_stuck (WeirPipeline *pipeline, WeirStage *stage, const char *callback)
{
  if (pipeline->events->stuck != NULL) {
    pipeline->events->stuck (pipeline, stage, callback != NULL ? callback : "the engine", pipeline->data);
  }
}

/* Who has not come to its end, and what it is in. */
static void
look_at_stuck (WeirPipeline *pipeline, WeirStage *stage)
{
  /* Of those that share a worker, the one whose turn it is; outside of turns sources are dispatched. */
  WeirStage *running = weir_load_relaxed (&stage->worker->running);
  if (running != NULL) {
    tell_stuck (pipeline, running, weir_load_relaxed (&stage->worker->callback));
  } else if (stage->listens && weir_connections_alive (stage->connections) > 0) {
    tell_stuck (pipeline, stage, "what refers to one of its connections");
  } else {
    tell_stuck (pipeline, stage, WEIR_IN_SOURCE);
  }
}

static gboolean
stuck (gpointer data)
{
  WeirPipeline *pipeline = data;
  pipeline->deadline = 0;
  /* These first: their listener waits for them. */
  for (guint i = 0; i < pipeline->connections->len; i++) {
    for (guint j = 0; j < pipeline->pool->len; j++) {
      WeirWorker *worker = g_ptr_array_index (pipeline->pool, j);
      WeirStage *stage = weir_connections_running (g_ptr_array_index (pipeline->connections, i), worker);
      if (stage != NULL) {
        tell_stuck (pipeline, stage, weir_load_relaxed (&worker->callback));
      }
    }
  }
  for (guint i = 0; i < pipeline->running->len; i++) {
    WeirStage *stage = g_ptr_array_index (pipeline->running, i);
    if (weir_load_relaxed (&stage->life_seen) != WEIR_LIFE_CLOSED) {
      look_at_stuck (pipeline, stage);
    }
  }
  return G_SOURCE_REMOVE;
}

static void
halt (WeirPipeline *pipeline)
{
  weir_pipeline_request (pipeline, WEIR_REQUEST_HALT);
  stop_connections (pipeline, TRUE);
  pipeline->deadline = g_timeout_add ((guint) (pipeline->grace / 1000), stuck, pipeline);
}

static gboolean
late (gpointer data)
{
  WeirPipeline *pipeline = data;
  if (pipeline->events->late != NULL) {
    pipeline->events->late (pipeline, pipeline->data);
  }
  halt (pipeline);
  return G_SOURCE_REMOVE;
}

void
weir_pipeline_halt (WeirPipeline *pipeline)
{
  if (pipeline->over) {
    return;
  }
  pipeline->stopping = TRUE;
  g_clear_handle_id (&pipeline->deadline, g_source_remove);
  halt (pipeline);
}

void
weir_pipeline_stop (WeirPipeline *pipeline)
{
  if (pipeline->stopping || pipeline->over) {
    return;
  }
  pipeline->stopping = TRUE;
  if (pipeline->answered < pipeline->running->len) {
    weir_pipeline_request (pipeline, WEIR_REQUEST_HALT);
  } else {
    /* Takers start before those who feed them: what is not started has been fed by nobody, and only ends its outputs. */
    for (guint i = 0; i < pipeline->order->len; i++) {
      WeirStage *stage = g_ptr_array_index (pipeline->order, i);
      weir_stage_request (stage, i > pipeline->started          ? WEIR_REQUEST_HALT
                                 : stage->kind == WEIR_PRODUCER ? WEIR_REQUEST_DRAIN | WEIR_REQUEST_STOP
                                                                : WEIR_REQUEST_DRAIN);
      weir_stage_interrupt (stage);
    }
  }
  stop_connections (pipeline, FALSE);
  pipeline->deadline = g_timeout_add ((guint) MIN (pipeline->shutdown / 1000, G_MAXINT), late, pipeline);
}
