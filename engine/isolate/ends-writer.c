/* SPDX-License-Identifier: Apache-2.0 */
/* ends-writer.c: the hidden consumer of a child process, which sends what the stage makes (see ends.h). Runs on the worker of the ends. */
#include "isolate/ends-state.h"

#include <errno.h>

static WeirNext
writer_open (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  WeirEnds *ends = weir_ends_of (state);
  weir_sender_init (&ends->sender);
  ends->sender.number = weir_crossing_number;
  ends->sender.number_data = &ends->crossing;
  if (ends->connections != NULL) {
    weir_ends_listen (ends);
  }
  return WEIR_MORE;
}

static WeirNext
push (WeirStage *stage, WeirEnds *ends)
{
  if (weir_sender_push (&ends->sender, ends->data)) {
    return WEIR_MORE;
  }
  return errno == EAGAIN ? weir_stage_wait_fd (stage, ends->data, G_IO_OUT)
                         : weir_stage_fail_errno (stage, "cannot send its output");
}

static WeirNext
writer_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  WeirEnds *ends = weir_ends_of (state);
  if (ends->unwanted) {
    return WEIR_DONE;
  }
  if (weir_sender_is_idle (&ends->sender)) {
    weir_sender_records (&ends->sender, ends->numbers[stage->flush_link->extras->input_index], records, count,
                         stage->flush_link->taken - count);
  }
  return push (stage, ends);
}

static gboolean
writer_control (WeirStage *stage, WeirLink *link, const WeirRecord *control)
{
  WeirEnds *ends = stage->extras->elsewhere_data;
  if (control->flags == WEIR_CONTROL_END || ends->unwanted) {
    return TRUE; /* END is sent once, behind the last of them */
  }
  if (weir_sender_is_idle (&ends->sender)) {
    weir_sender_control (&ends->sender, WEIR_FRAME_IS_END_STREAM, ends->numbers[link->extras->input_index],
                         control->stream);
  }
  stage->waits = push (stage, ends) == WEIR_WAIT;
  return !stage->waits;
}

static WeirNext
writer_end (WeirStage *stage, gpointer state)
{
  WeirEnds *ends = weir_ends_of (state);
  if (ends->unwanted) {
    return WEIR_MORE;
  }
  if (weir_sender_is_idle (&ends->sender)) {
    weir_sender_control (&ends->sender, WEIR_FRAME_IS_END, ends->numbers[0], 0);
  }
  return push (stage, ends);
}

static void
writer_look (WeirStage *stage)
{
  WeirEnds *ends = stage->extras->elsewhere_data;
  if (stage->life == WEIR_LIFE_CLOSED || ends->shared == NULL || !weir_sender_is_idle (&ends->sender)) {
    return;
  }
  g_mutex_lock (&ends->lock);
  for (guint i = 0; i < ends->outputs; i++) {
    ends->written[i] = ends->links[i]->taken;
  }
  weir_ends_tell_what_is_out (ends);
  g_mutex_unlock (&ends->lock);
}

static void
writer_close (WeirStage *stage, gpointer state)
{
  writer_look (stage); /* the last of it is out by now */
  weir_sender_clear (&weir_ends_of (state)->sender);
}

static const WeirElsewhere writer_elsewhere = { .ours = TRUE, .control = writer_control, .look = writer_look };

static void
be_unwanted (WeirStage *stage, gpointer self, G_GNUC_UNUSED gpointer data)
{
  WeirEnds *ends = weir_ends_of (self);
  g_mutex_lock (&ends->lock);
  ends->unwanted = TRUE;
  g_mutex_unlock (&ends->lock);
  weir_stage_enough (stage);
}

void
weir_ends_unwanted (WeirEnds *ends)
{
  if (ends->writer != NULL && ends->connections != NULL) {
    if (ends->writer->life < WEIR_LIFE_ENDED) {
      be_unwanted (ends->writer, ends->writer->self, NULL); /* on its worker */
    }
  } else if (ends->writer != NULL) {
    weir_stage_invoke (ends->writer, be_unwanted, NULL, NULL);
  }
}

static void
add_output (WeirEnds *ends, WeirPipeline *pipeline, WeirStage *from, guint port, const WeirQueueSettings *queue)
{
  ends->numbers[ends->outputs] = port == WEIR_PORT_REJECTED ? WEIR_FRAME_REJECTED : (guint16) port;
  ends->links[ends->outputs] = weir_pipeline_link (pipeline, from, port, ends->writer, queue, NULL);
  ends->outputs++;
}

gboolean
weir_ends_add_writer (WeirEnds *ends, WeirPipeline *pipeline, WeirStage *from, const WeirPlan *plan, GError **error)
{
  ends->writer_role = (WeirRole){ .summary = "What takes from an isolated stage",
                                  .state_size = sizeof (WeirEnds *),
                                  .open = writer_open,
                                  .flush = writer_flush,
                                  .end = writer_end,
                                  .close = writer_close };
  ends->writer = weir_ends_add (ends, pipeline, "parent-takes", WEIR_CONSUMER, &ends->writer_role, error);
  if (ends->writer == NULL) {
    return FALSE;
  }
  ends->writer->elsewhere = &writer_elsewhere;
  weir_stage_extras (ends->writer)->elsewhere_data = ends;
  for (guint i = 0; i < plan->outputs->len; i++) {
    const WeirPlanOutput *output = &g_array_index (plan->outputs, WeirPlanOutput, i);
    if (output->taken) {
      add_output (ends, pipeline, from, i, &output->queue);
    }
  }
  if (plan->rejects) {
    add_output (ends, pipeline, from, WEIR_PORT_REJECTED, &plan->rejected);
  }
  return TRUE;
}
