/* SPDX-License-Identifier: Apache-2.0 */
/* ends.c: the real stage of a child process and its hidden ends (see ends.h). The ends run on a worker of their own; what the stage has
 * released is noted on the stage's worker, and told to the parent once all that was made before it is out: whatever is not told is
 * undone, also where the process dies. */
#include "isolate/ends.h"

#include "isolate/control.h"
#include "isolate/crossing.h"
#include "isolate/receiver.h"
#include "isolate/sender.h"

#include <errno.h>
#include <sys/socket.h>

/* Records that one produce() hands on. */
#define BATCH 256

/* What was released when the outputs had so much put on them. */
typedef struct {
  gboolean set;
  guint64 *released, *put;
} Mark;

struct _WeirEnds {
  WeirStage *stage, *reader, *writer;
  WeirRole reader_role, writer_role; /* with as many outputs as the stage has inputs */
  char **ports;
  WeirShared *shared;
  guint inputs, outputs;
  WeirLink **links; /* to the writer */
  guint16 *numbers; /* of what each of them is: a port, or REJECTED */
  WeirReceiver receiver;
  WeirSender sender;
  guint ended; /* inputs that the parent has ended */
  WeirCrossing crossing;

  GMutex lock;
  Mark waiting, latest; /* waiting: for what is to be out before it is told; latest: what comes then */
  guint64 *written;     /* positions of what is out, by output */
  gboolean unwanted;
};

static WeirEnds *
ends_of (gpointer state)
{
  return *(WeirEnds **) state;
}

/* ---- what is released ---- */

void
weir_ends_store_figures (WeirEnds *ends)
{
  WeirStage *stage = ends->stage;
  WeirShared *shared = ends->shared;
  guint64 made = 0;
  for (guint i = 0; i < ends->outputs; i++) {
    made += ends->links[i]->put_private - ends->links[i]->controls_private;
  }
  weir_store_relaxed (&shared->made, made);
  weir_store_relaxed (&shared->records_in, weir_load_relaxed (&stage->records_in));
  weir_store_relaxed (&shared->bytes_in, weir_load_relaxed (&stage->bytes_in));
  weir_store_relaxed (&shared->rejected, weir_load_relaxed (&stage->rejected_count));
  weir_store_relaxed (&shared->refused, weir_load_relaxed (&stage->refused));
  weir_store_relaxed (&shared->errors, weir_load_relaxed (&stage->errors));
  for (guint i = 0; i < WEIR_CLOCKS; i++) {
    weir_store_relaxed (&shared->clocks[i], weir_load_relaxed (&stage->clocks[i]));
  }
  for (guint i = 0; i < stage->counter_count; i++) {
    weir_store_relaxed (weir_shared_counter (shared, ends->inputs, i), weir_load_relaxed (&stage->counters[i]));
  }
}

static gboolean
is_out (const WeirEnds *ends, const Mark *mark)
{
  for (guint i = 0; i < ends->outputs && !ends->unwanted; i++) {
    if (ends->written[i] < mark->put[i]) {
      return FALSE;
    }
  }
  return TRUE;
}

static void
tell (WeirEnds *ends, const Mark *mark)
{
  for (guint i = 0; i < ends->inputs; i++) {
    weir_store_release (weir_shared_released (ends->shared, i), mark->released[i]);
  }
  weir_fence (&ends->shared->wants);
  if (weir_load_relaxed (&ends->shared->wants) != 0 && weir_exchange (&ends->shared->wants, 0) != 0) {
    weir_control_say (WEIR_CONTROL_FD, WEIR_SAY_RELEASED, NULL);
  }
}

/* Under the lock. */
static void
tell_what_is_out (WeirEnds *ends)
{
  while (ends->waiting.set || ends->latest.set) {
    if (!ends->waiting.set) {
      Mark mark = ends->waiting;
      ends->waiting = ends->latest;
      ends->latest = mark;
    }
    if (!is_out (ends, &ends->waiting)) {
      return;
    }
    tell (ends, &ends->waiting);
    ends->waiting.set = FALSE;
  }
}

/* On the stage's worker, behind each publication of done on one of its inputs. */
static void
note_released (G_GNUC_UNUSED WeirLink *link, gpointer data)
{
  WeirEnds *ends = data;
  weir_ends_store_figures (ends);
  g_mutex_lock (&ends->lock);
  for (guint i = 0; i < ends->inputs; i++) {
    const WeirLink *input = ends->stage->inputs[i];
    /* What was given up is the parent's to drop. */
    ends->latest.released[i] = MIN (input->done_private, input->extras->given_up - 1);
  }
  for (guint i = 0; i < ends->outputs; i++) {
    ends->latest.put[i] = ends->links[i]->put_private;
  }
  ends->latest.set = TRUE;
  tell_what_is_out (ends);
  g_mutex_unlock (&ends->lock);
}

static void
look_at_stage (WeirStage *stage)
{
  weir_ends_store_figures (stage->extras->elsewhere_data);
}

static const WeirElsewhere stage_elsewhere = { .look = look_at_stage };

/* ---- the hidden producer ---- */

static WeirNext
reader_open (WeirStage *stage, gpointer state)
{
  WeirEnds *ends = ends_of (state);
  weir_receiver_init (&ends->receiver, stage->worker->pool, ends->inputs, FALSE, stage->record_max);
  ends->receiver.resolve = weir_crossing_resolve;
  ends->receiver.resolve_data = &ends->crossing;
  return WEIR_MORE;
}

static WeirNext
reader_fill (WeirStage *stage, WeirEnds *ends)
{
  gssize got = weir_receiver_fill (&ends->receiver, WEIR_DATA_FD);
  if (got > 0) {
    return WEIR_MORE;
  }
  if (got < 0 && errno == EAGAIN) {
    return weir_stage_wait_fd (stage, WEIR_DATA_FD, G_IO_IN);
  }
  return weir_stage_fail (stage, "what feeds it has gone%s",
                          weir_receiver_is_torn (&ends->receiver) ? ", in the middle of a frame" : "");
}

static WeirNext
reader_control (WeirStage *stage, WeirEnds *ends, guint16 port, gboolean end, guint32 stream)
{
  weir_outputs_control_port (stage, &stage->ports[port], end ? WEIR_CONTROL_END : WEIR_CONTROL_END_STREAM, stream);
  ends->ended += end ? 1 : 0;
  return ends->ended == ends->inputs ? WEIR_DONE : WEIR_MORE;
}

static WeirNext
reader_produce (WeirStage *stage, gpointer state)
{
  WeirEnds *ends = ends_of (state);
  for (guint count = 0; count < BATCH;) {
    guint16 port;
    guint32 stream;
    WeirRecord record;
    WeirNext next = WEIR_MORE;
    WeirReceived what = weir_receiver_next (&ends->receiver, &port, &record, &stream);
    if (what == WEIR_RECEIVED_RECORD) {
      count++;
      if (ends->inputs > 1) {
        weir_stage_set_port (stage, port);
      }
      if (!weir_emit (stage, &record)) {
        return WEIR_MORE;
      }
    } else if (what == WEIR_RECEIVED_NOTHING) {
      next = reader_fill (stage, ends);
    } else if (what == WEIR_RECEIVED_BAD) {
      next = weir_stage_fail (stage, "it was sent %s", weir_receiver_fault (&ends->receiver));
    } else {
      next = reader_control (stage, ends, port, what == WEIR_RECEIVED_END, stream);
    }
    if (next != WEIR_MORE) {
      return next;
    }
  }
  return WEIR_MORE;
}

/* The stage has had enough, or the pipeline stops. */
static void
reader_stop (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  WeirEnds *ends = ends_of (state);
  gboolean enough = TRUE;
  for (guint i = 0; i < ends->inputs; i++) {
    enough = enough && weir_load_acquire (&ends->stage->inputs[i]->closed) == WEIR_LINK_FINISHED;
  }
  if (enough) {
    weir_control_say (WEIR_CONTROL_FD, WEIR_SAY_ENOUGH, NULL);
  }
  shutdown (WEIR_DATA_FD, SHUT_RD);
}

/* What the stage has made of what came under that number is out, or done with. */
static void
reader_delivered (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED gpointer state, gpointer token, WeirOutcome outcome)
{
  weir_crossing_say (WEIR_CONTROL_FD, GPOINTER_TO_SIZE (token), outcome);
}

static void
reader_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  weir_receiver_clear (&ends_of (state)->receiver);
}

/* ---- the hidden consumer ---- */

static WeirNext
writer_open (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  WeirEnds *ends = ends_of (state);
  weir_sender_init (&ends->sender);
  ends->sender.number = weir_crossing_number;
  ends->sender.number_data = &ends->crossing;
  return WEIR_MORE;
}

static WeirNext
push (WeirStage *stage, WeirEnds *ends)
{
  if (weir_sender_push (&ends->sender, WEIR_DATA_FD)) {
    return WEIR_MORE;
  }
  return errno == EAGAIN ? weir_stage_wait_fd (stage, WEIR_DATA_FD, G_IO_OUT)
                         : weir_stage_fail_errno (stage, "cannot send its output");
}

static WeirNext
writer_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  WeirEnds *ends = ends_of (state);
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
  WeirEnds *ends = ends_of (state);
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
  if (stage->life == WEIR_LIFE_CLOSED || !weir_sender_is_idle (&ends->sender)) {
    return;
  }
  g_mutex_lock (&ends->lock);
  for (guint i = 0; i < ends->outputs; i++) {
    ends->written[i] = ends->links[i]->taken;
  }
  tell_what_is_out (ends);
  g_mutex_unlock (&ends->lock);
}

static void
writer_close (WeirStage *stage, gpointer state)
{
  writer_look (stage); /* the last of it is out by now */
  weir_sender_clear (&ends_of (state)->sender);
}

static const WeirElsewhere writer_elsewhere = { .ours = TRUE, .control = writer_control, .look = writer_look };

static void
be_unwanted (WeirStage *stage, gpointer self, G_GNUC_UNUSED gpointer data)
{
  WeirEnds *ends = ends_of (self);
  g_mutex_lock (&ends->lock);
  ends->unwanted = TRUE;
  g_mutex_unlock (&ends->lock);
  weir_stage_enough (stage);
}

void
weir_ends_unwanted (WeirEnds *ends)
{
  if (ends->writer != NULL) {
    weir_stage_invoke (ends->writer, be_unwanted, NULL, NULL);
  }
}

void
weir_ends_hear_over (WeirEnds *ends, const char *text)
{
  guint64 number;
  WeirOutcome outcome;
  if (weir_crossing_hear (text, &number, &outcome)) {
    weir_crossing_over (&ends->crossing, number, outcome);
  }
}

/* ---- made and freed ---- */

WeirStage *
weir_ends_stage (WeirEnds *ends)
{
  return ends->stage;
}

static gpointer
state_of (WeirEnds *ends)
{
  WeirEnds **state = g_new (WeirEnds *, 1);
  *state = ends;
  return state;
}

static const WeirElsewhere reader_elsewhere = { .ours = TRUE };

static gboolean
add_reader (WeirEnds *ends, WeirPipeline *pipeline, const WeirPlan *plan, GError **error)
{
  ends->ports = g_new0 (char *, ends->inputs + 1);
  for (guint i = 0; i < ends->inputs; i++) {
    ends->ports[i] = g_strdup_printf ("input-%u", i);
  }
  ends->reader_role = (WeirRole){ .summary = "What feeds an isolated stage",
                                  .ports = (const char *const *) ends->ports,
                                  .state_size = sizeof (WeirEnds *),
                                  .flags = WEIR_BYTES,
                                  .open = reader_open,
                                  .produce = reader_produce,
                                  .delivered = reader_delivered,
                                  .stop = reader_stop,
                                  .close = reader_close };
  ends->reader = weir_pipeline_add (pipeline, "parent", WEIR_PRODUCER, "isolate", &ends->reader_role, state_of (ends),
                                    "isolate", error);
  for (guint i = 0; ends->reader != NULL && i < ends->inputs; i++) {
    WeirLink *link = weir_pipeline_link (pipeline, ends->reader, i, ends->stage,
                                         &g_array_index (plan->inputs, WeirQueueSettings, i), error);
    link->extras->on_done = note_released;
    link->extras->on_done_data = ends;
    link->tells_done = TRUE;
  }
  if (ends->reader == NULL) {
    return FALSE;
  }
  ends->reader->elsewhere = &reader_elsewhere;
  ends->crossing.stage = ends->reader;
  return TRUE;
}

static void
add_output (WeirEnds *ends, WeirPipeline *pipeline, guint port, const WeirQueueSettings *queue)
{
  ends->numbers[ends->outputs] = port == WEIR_PORT_REJECTED ? WEIR_FRAME_REJECTED : (guint16) port;
  ends->links[ends->outputs] = weir_pipeline_link (pipeline, ends->stage, port, ends->writer, queue, NULL);
  ends->outputs++;
}

static gboolean
add_writer (WeirEnds *ends, WeirPipeline *pipeline, const WeirPlan *plan, GError **error)
{
  ends->writer_role = (WeirRole){ .summary = "What takes from an isolated stage",
                                  .state_size = sizeof (WeirEnds *),
                                  .open = writer_open,
                                  .flush = writer_flush,
                                  .end = writer_end,
                                  .close = writer_close };
  ends->writer = weir_pipeline_add (pipeline, "parent-takes", WEIR_CONSUMER, "isolate", &ends->writer_role,
                                    state_of (ends), "isolate", error);
  if (ends->writer == NULL) {
    return FALSE;
  }
  ends->writer->elsewhere = &writer_elsewhere;
  weir_stage_extras (ends->writer)->elsewhere_data = ends;
  for (guint i = 0; i < plan->outputs->len; i++) {
    const WeirPlanOutput *output = &g_array_index (plan->outputs, WeirPlanOutput, i);
    if (output->taken) {
      add_output (ends, pipeline, i, &output->queue);
    }
  }
  if (plan->rejects) {
    add_output (ends, pipeline, WEIR_PORT_REJECTED, &plan->rejected);
  }
  return TRUE;
}

static gboolean
has_outputs (const WeirPlan *plan)
{
  gboolean any = plan->rejects;
  for (guint i = 0; i < plan->outputs->len; i++) {
    any = any || g_array_index (plan->outputs, WeirPlanOutput, i).taken;
  }
  return any;
}

/* A stage that was started again goes on counting. */
static void
take_up_figures (WeirStage *stage, WeirShared *shared, guint inputs)
{
  weir_store_relaxed (&stage->records_in, weir_load_relaxed (&shared->records_in));
  weir_store_relaxed (&stage->bytes_in, weir_load_relaxed (&shared->bytes_in));
  weir_store_relaxed (&stage->rejected_count, weir_load_relaxed (&shared->rejected));
  weir_store_relaxed (&stage->refused, weir_load_relaxed (&shared->refused));
  weir_store_relaxed (&stage->errors, weir_load_relaxed (&shared->errors));
  for (guint i = 0; i < WEIR_CLOCKS; i++) {
    weir_store_relaxed (&stage->clocks[i], weir_load_relaxed (&shared->clocks[i]));
  }
  for (guint i = 0; i < stage->counter_count; i++) {
    weir_store_relaxed (&stage->counters[i], weir_load_relaxed (weir_shared_counter (shared, inputs, i)));
  }
}

WeirEnds *
weir_ends_new (WeirPipeline *pipeline, const WeirPlan *plan, const WeirRole *role, gpointer self, WeirShared *shared,
               GError **error)
{
  WeirEnds *ends = g_new0 (WeirEnds, 1);
  guint most = plan->outputs->len + 1;
  g_mutex_init (&ends->lock);
  ends->shared = shared;
  weir_crossing_init (&ends->crossing, NULL);
  ends->inputs = plan->inputs->len;
  ends->links = g_new0 (WeirLink *, most);
  ends->numbers = g_new0 (guint16, most);
  ends->written = g_new0 (guint64, most);
  ends->waiting = (Mark){ FALSE, g_new0 (guint64, ends->inputs + 1), g_new0 (guint64, most) };
  ends->latest = (Mark){ FALSE, g_new0 (guint64, ends->inputs + 1), g_new0 (guint64, most) };
  ends->stage = weir_pipeline_add (pipeline, plan->name, plan->kind, plan->plugin, role, self, NULL, error);
  if (ends->stage == NULL || (ends->inputs > 0 && !add_reader (ends, pipeline, plan, error)) ||
      (has_outputs (plan) && !add_writer (ends, pipeline, plan, error))) {
    weir_ends_free (ends);
    return NULL;
  }
  ends->stage->log_level = plan->log_level;
  take_up_figures (ends->stage, shared, ends->inputs);
  ends->stage->elsewhere = &stage_elsewhere;
  weir_stage_extras (ends->stage)->elsewhere_data = ends;
  return ends;
}

void
weir_ends_free (WeirEnds *ends)
{
  g_mutex_clear (&ends->lock);
  weir_crossing_clear (&ends->crossing, NULL, NULL);
  g_strfreev (ends->ports);
  g_free (ends->links);
  g_free (ends->numbers);
  g_free (ends->written);
  g_free (ends->waiting.released);
  g_free (ends->waiting.put);
  g_free (ends->latest.released);
  g_free (ends->latest.put);
  g_free (ends);
}
