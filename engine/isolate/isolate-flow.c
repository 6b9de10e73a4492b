/* SPDX-License-Identifier: Apache-2.0 */
/* isolate-flow.c: records between a stage that is isolated and its child (see isolate-state.h). Runs on the stage's worker.
 * What was sent stays in its slot, counted as queued, until the child has released it: so the link's own limits bound what the child
 * holds, and what it has not released when it dies is known, and still there. */
#include "isolate/isolate-state.h"

#include <errno.h>

/* Records that one produce() hands on. */
#define BATCH 256

/* ---- to the child ---- */

/* What is encoded goes out. MORE, or WAIT until it can, or until the child's end is known. */
static WeirNext
push (WeirStage *stage, WeirIsolate *isolate)
{
  if (weir_sender_push (&isolate->sender, isolate->data)) {
    return WEIR_MORE;
  }
  return errno == EAGAIN ? weir_stage_wait_fd (stage, isolate->data, G_IO_OUT) : WEIR_WAIT;
}

WeirNext
weir_isolate_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  if (isolate->enough) {
    return WEIR_DONE;
  }
  WeirLink *link = stage->flush_link;
  isolate->crossing.link = link;
  if (weir_sender_is_idle (&isolate->sender) && isolate->funnel != NULL) {
    weir_funnel_records (isolate->funnel, &isolate->sender, link, records, count);
  } else if (weir_sender_is_idle (&isolate->sender)) {
    weir_sender_records (&isolate->sender, (guint16) link->extras->input_index, records, count, link->taken - count);
  }
  return push (stage, isolate);
}

gboolean
weir_isolate_control (WeirStage *stage, WeirLink *link, const WeirRecord *control)
{
  WeirIsolate *isolate = weir_isolate_of (stage->self);
  if (isolate->enough) {
    return TRUE;
  }
  if (weir_sender_is_idle (&isolate->sender) && isolate->funnel != NULL) {
    weir_funnel_control (isolate->funnel, &isolate->sender, link, control);
  } else if (weir_sender_is_idle (&isolate->sender)) {
    WeirFrameType type = control->flags == WEIR_CONTROL_END ? WEIR_FRAME_IS_END : WEIR_FRAME_IS_END_STREAM;
    weir_sender_control (&isolate->sender, type, (guint16) link->extras->input_index, control->stream);
  }
  stage->waits = push (stage, isolate) == WEIR_WAIT;
  return !stage->waits;
}

gboolean
weir_isolate_send_end (WeirIsolate *isolate)
{
  if (isolate->funnel == NULL || isolate->concluded) {
    return TRUE;
  }
  if (!isolate->end_sent && weir_sender_is_idle (&isolate->sender)) {
    isolate->end_sent = TRUE;
    weir_sender_control (&isolate->sender, WEIR_FRAME_IS_END, 0, 0);
  }
  return push (isolate->stage, isolate) == WEIR_MORE;
}

/* ---- from the child ---- */

/* Numbers of streams that the child has opened are its own: here they get others. */
static guint32
own_stream (WeirIsolate *isolate, guint32 stream)
{
  if ((stream & WEIR_STREAM_ELSEWHERE) == 0) {
    return isolate->funnel != NULL ? weir_funnel_stream (isolate->funnel, stream) : stream;
  }
  gpointer own = g_hash_table_lookup (isolate->streams, GUINT_TO_POINTER (stream));
  if (own == NULL) {
    own = GUINT_TO_POINTER (weir_stream_open (isolate->stage, NULL));
    g_hash_table_insert (isolate->streams, GUINT_TO_POINTER (stream), own);
  }
  return GPOINTER_TO_UINT (own);
}

/* Once it has ended on all outputs of the child. */
static void
end_stream (WeirIsolate *isolate, guint32 stream)
{
  guint ends = 1 + GPOINTER_TO_UINT (g_hash_table_lookup (isolate->ends, GUINT_TO_POINTER (stream)));
  if (ends < isolate->outputs) {
    g_hash_table_insert (isolate->ends, GUINT_TO_POINTER (stream), GUINT_TO_POINTER (ends));
    return;
  }
  g_hash_table_remove (isolate->ends, GUINT_TO_POINTER (stream));
  if ((stream & WEIR_STREAM_ELSEWHERE) == 0) {
    guint32 here = own_stream (isolate, stream);
    if (here != 0) {
      weir_outputs_control (isolate->stage, WEIR_CONTROL_END_STREAM, here);
    }
    if (isolate->funnel != NULL) {
      weir_funnel_forget_stream (isolate->funnel, stream);
    }
    return;
  }
  gpointer own = g_hash_table_lookup (isolate->streams, GUINT_TO_POINTER (stream));
  if (own != NULL) {
    weir_stream_close (isolate->stage, GPOINTER_TO_UINT (own));
    g_hash_table_remove (isolate->streams, GUINT_TO_POINTER (stream));
  }
}

/* FALSE: stop here. */
static gboolean
hand_on (WeirStage *stage, WeirIsolate *isolate, guint16 port, WeirRecord *record)
{
  isolate->received++;
  record->stream = own_stream (isolate, record->stream);
  if (port == WEIR_FRAME_REJECTED) {
    weir_reject_forward (stage, record);
    return !stage->failed && !weir_stage_paused (stage);
  }
  if (stage->port_count > 1) {
    weir_stage_set_port (stage, port);
  }
  return weir_emit (stage, record);
}

/* No more will come. */
static WeirNext
output_ended (WeirStage *stage, WeirIsolate *isolate)
{
  isolate->drained = TRUE;
  weir_isolate_conclude (isolate);
  return stage->failed                                ? WEIR_FAIL
         : isolate->concluded || isolate->output_over ? WEIR_DONE
                                                      : WEIR_WAIT; /* its end is told by a source */
}

/* Reads once. MORE: something has come. */
static WeirNext
fill (WeirStage *stage, WeirIsolate *isolate)
{
  gssize got = weir_receiver_fill (&isolate->receiver, isolate->data);
  if (got > 0) {
    return WEIR_MORE;
  }
  if (got < 0 && errno == EAGAIN) {
    weir_isolate_read_all (isolate);
    return weir_stage_wait_fd (stage, isolate->data, G_IO_IN);
  }
  return output_ended (stage, isolate);
}

WeirNext
weir_isolate_produce (WeirStage *stage, gpointer state)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  if (isolate->drained) {
    return output_ended (stage, isolate);
  }
  for (guint count = 0; count < BATCH;) {
    guint16 port;
    guint32 stream;
    WeirRecord record;
    WeirNext next = WEIR_MORE;
    switch (weir_receiver_next (&isolate->receiver, &port, &record, &stream)) {
    case WEIR_RECEIVED_RECORD:
      count++;
      if (!hand_on (stage, isolate, port, &record)) {
        return stage->failed ? WEIR_FAIL : WEIR_MORE;
      }
      break;
    case WEIR_RECEIVED_END_STREAM:
      end_stream (isolate, stream);
      break;
    case WEIR_RECEIVED_END:
      isolate->output_over = TRUE;
      return output_ended (stage, isolate);
    case WEIR_RECEIVED_NOTHING:
      next = fill (stage, isolate);
      break;
    default:
      return weir_stage_fail (stage, "its child process %d has sent %s", (int) isolate->process.number,
                              weir_receiver_fault (&isolate->receiver));
    }
    if (next != WEIR_MORE) {
      return next;
    }
  }
  return WEIR_MORE;
}

/* ---- what is released ---- */

static void
granted (WeirLink *link, gpointer data)
{
  WeirIsolate *isolate = data;
  weir_intake_done (isolate->stage, link);
  isolate->settle_told = FALSE;
  if (link->extras->granted == link->taken) {
    weir_link_make_ready (link); /* what it owns for nothing is given back, and the stage may have come to its end */
  }
}

/* FALSE: more than was sent. */
static gboolean
check_released (WeirStage *stage, WeirIsolate *isolate, guint64 released, guint64 sent)
{
  if (released > sent) {
    weir_stage_fail (stage, "its child process %d has released %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " records",
                     (int) isolate->process.number, released, sent);
  }
  return released <= sent;
}

/* TRUE: more than before. */
static gboolean
take_released (WeirStage *stage, WeirIsolate *isolate)
{
  gboolean more = FALSE;
  if (isolate->funnel != NULL) {
    guint64 released = weir_load_acquire (weir_shared_released (isolate->shared, 0));
    /* Its end is sent too, and is no link's. */
    guint64 sent = weir_funnel_sent (isolate->funnel) + (isolate->end_sent ? 1 : 0);
    return check_released (stage, isolate, released, sent) &&
           weir_funnel_release (isolate->funnel, released, granted, isolate);
  }
  for (guint i = 0; i < stage->input_count; i++) {
    WeirLink *link = stage->inputs[i];
    guint64 base = link->extras->granted_base, released = weir_load_acquire (weir_shared_released (isolate->shared, i));
    if (!check_released (stage, isolate, released, link->taken - base)) {
      return FALSE;
    }
    if (base + released > link->extras->granted) {
      link->extras->granted = base + released;
      granted (link, isolate);
      more = TRUE;
    }
  }
  return more;
}

/* R15: an input of which the child has all, and whose producer waits for what that keeps. */
static gboolean
is_held_up (WeirLink *link)
{
  return link->extras->granted < link->taken && weir_link_look (link) == 0 && weir_load_acquire (&link->full) != 0;
}

static gboolean
any_waits (WeirStage *stage, WeirIsolate *isolate)
{
  gboolean any = isolate->funnel != NULL && weir_funnel_waits (isolate->funnel);
  for (guint i = 0; i < stage->input_count && isolate->funnel == NULL; i++) {
    any = any || stage->inputs[i]->extras->granted < stage->inputs[i]->taken;
  }
  return any;
}

static gboolean
any_held_up (WeirStage *stage, WeirIsolate *isolate)
{
  if (isolate->funnel != NULL) {
    return stage->active == NULL && weir_funnel_any (isolate->funnel, is_held_up);
  }
  gboolean any = FALSE;
  for (guint i = 0; i < stage->input_count; i++) {
    any = any || is_held_up (stage->inputs[i]);
  }
  return any;
}

static void
look_at_inputs (WeirStage *stage, WeirIsolate *isolate)
{
  take_released (stage, isolate);
  if (!isolate->settle_told && any_held_up (stage, isolate)) {
    isolate->settle_told = TRUE;
    weir_isolate_say (isolate, WEIR_SAY_SETTLE, NULL);
  }
  if (any_waits (stage, isolate) && weir_load_relaxed (&isolate->shared->wants) == 0) {
    /* Said, and looked at once more: whoever releases stores, fences, and reads what was said. */
    weir_store_relaxed (&isolate->shared->wants, 1);
    weir_fence (&isolate->shared->wants);
    if (take_released (stage, isolate)) {
      weir_task_make_ready (&stage->task);
    }
  }
}

void
weir_isolate_look (WeirStage *stage)
{
  WeirIsolate *isolate = weir_isolate_of (stage->self);
  if (stage->life >= WEIR_LIFE_STARTING && stage->life < WEIR_LIFE_ENDED && !stage->failed && stage->input_count > 0 &&
      !isolate->concluded) {
    look_at_inputs (stage, isolate);
  }
}

void
weir_isolate_settle_links (WeirIsolate *isolate)
{
  WeirStage *stage = isolate->stage;
  take_released (stage, isolate);
  for (guint i = 0; i < stage->input_count; i++) {
    WeirLink *link = stage->inputs[i];
    weir_link_done (link); /* also of a run of which a part is on its way */
    if (isolate->enough || weir_load_relaxed (&link->closed) == WEIR_LINK_FINISHED) {
      /* What it has not taken of what it was sent, and what was not sent. */
      weir_intake_discard_run (stage, link, WEIR_DROP_TAKER_FINISHED);
      weir_link_abandon (link, WEIR_DROP_TAKER_FINISHED);
    }
    if (link->connection != NULL) {
      weir_link_make_ready (link); /* it may have parted */
    }
  }
}
