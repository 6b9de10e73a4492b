/* SPDX-License-Identifier: Apache-2.0 */
/* ends-reader.c: the hidden producer of a child process, which has what the parent sends (see ends.h). Runs on the worker of the ends. */
#include "isolate/ends-state.h"

#include "isolate/control.h"

#include <errno.h>
#include <sys/socket.h>

/* Records that one produce() hands on. */
#define BATCH 256

static WeirNext
reader_open (WeirStage *stage, gpointer state)
{
  WeirEnds *ends = weir_ends_of (state);
  weir_receiver_init (&ends->receiver, stage->worker->pool, ends->inputs, FALSE, stage->record_max);
  ends->receiver.resolve = weir_crossing_resolve;
  ends->receiver.resolve_data = &ends->crossing;
  if (ends->connections != NULL) {
    weir_ends_listen (ends);
  }
  return WEIR_MORE;
}

static WeirNext
reader_fill (WeirStage *stage, WeirEnds *ends)
{
  gssize got = weir_receiver_fill (&ends->receiver, ends->data);
  if (got > 0) {
    return WEIR_MORE;
  }
  if (got < 0 && errno == EAGAIN) {
    return weir_stage_wait_fd (stage, ends->data, G_IO_IN);
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
  WeirEnds *ends = weir_ends_of (state);
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
  WeirEnds *ends = weir_ends_of (state);
  gboolean enough = TRUE;
  for (guint i = 0; i < ends->inputs; i++) {
    enough = enough && weir_load_acquire (&ends->stage->inputs[i]->closed) == WEIR_LINK_FINISHED;
  }
  if (enough) {
    weir_control_say (ends->control, WEIR_SAY_ENOUGH, NULL);
  }
  shutdown (ends->data, SHUT_RD);
}

/* What the stage has made of what came under that number is out, or done with. */
static void
reader_delivered (G_GNUC_UNUSED WeirStage *stage, gpointer state, gpointer token, WeirOutcome outcome)
{
  g_autofree char *text = weir_crossing_text (GPOINTER_TO_SIZE (token), outcome);
  weir_control_say (weir_ends_of (state)->control, WEIR_SAY_DELIVERED, text);
}

static void
reader_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  weir_receiver_clear (&weir_ends_of (state)->receiver);
}

static const WeirElsewhere reader_elsewhere = { .ours = TRUE };

/* The parent ends what it sends, as its own connection stops: until then what is on its way is taken, also where another stage of the
 * connection has failed. */
static void
stop_of_connection (G_GNUC_UNUSED WeirStage *stage)
{
}

static const WeirElsewhere connection_elsewhere = { .ours = TRUE, .stop = stop_of_connection };

void
weir_ends_watch_input (WeirEnds *ends, WeirLink *link)
{
  WeirLinkExtras *extras = weir_link_extras (link);
  extras->on_done = weir_ends_note_released;
  extras->on_done_data = ends;
  link->tells_done = TRUE;
}

gboolean
weir_ends_add_reader (WeirEnds *ends, WeirPipeline *pipeline, const GArray *queues, gboolean unbounded, GError **error)
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
  ends->reader = weir_ends_add (ends, pipeline, "parent", WEIR_PRODUCER, &ends->reader_role, error);
  if (ends->reader == NULL) {
    return FALSE;
  }
  ends->reader->elsewhere = ends->connections != NULL ? &connection_elsewhere : &reader_elsewhere;
  ends->crossing.stage = ends->reader;
  for (guint i = 0; i < ends->inputs; i++) {
    WeirLink *link = weir_pipeline_link (pipeline, ends->reader, i, ends->stage,
                                         &g_array_index (queues, WeirQueueSettings, i), error);
    weir_ends_watch_input (ends, link);
    if (unbounded) {
      weir_link_lift_limits (link, link->limits->sparse);
    }
  }
  return TRUE;
}
