/* SPDX-License-Identifier: Apache-2.0 */
/* ends-connections.c: the ends of what exists once for each connection of a listener that is isolated (see ends.h): in the template, of its
 * producer and of each reply; and a copy of them for each connection, wired to the parent, which gets the other ends of the wires.
 * The template is made on the main thread; a copy begins on the listener's worker, and is its connection's worker's from then on. */
#include "isolate/ends-state.h"

#include "isolate/control.h"
#include "isolate/wire.h"

#include <errno.h>
#include <unistd.h>

struct _WeirEndsTemplate {
  WeirConnections *connections;
  WeirConnectionsWatch watch;
  WeirEnds *listener;
  guint count;
  WeirEnds **ends; /* the producer's, and those of the replies, by their places */
};

/* ---- what the parent says of one ---- */

static void
take (WeirEnds *ends, int type, const char *text)
{
  switch (type) {
  case WEIR_SAY_STOP:
    weir_stage_request (ends->stage, WEIR_REQUEST_DRAIN | WEIR_REQUEST_STOP);
    break;
  case WEIR_SAY_DRAIN:
    weir_stage_request (ends->stage, WEIR_REQUEST_DRAIN);
    break;
  case WEIR_SAY_SETTLE:
    weir_stage_request (ends->stage, WEIR_REQUEST_SETTLE);
    break;
  case WEIR_SAY_UNWANTED:
    weir_ends_unwanted (ends);
    break;
  case WEIR_SAY_DELIVERED:
    weir_ends_hear_over (ends, text);
    break;
  default: /* it is told to halt, or nobody is there any more */
    weir_connection_ask (ends->stage->connection, WEIR_REQUEST_HALT);
    break;
  }
}

static void
on_control (gpointer owner, G_GNUC_UNUSED guint32 halves)
{
  WeirEnds *ends = owner;
  int type;
  do {
    g_autofree char *text = NULL;
    type = weir_control_hear (ends->control, &text);
    if (type == 0) {
      weir_ends_listen (ends);
    } else {
      take (ends, type, text);
    }
  } while (type > 0 && ends->shared != NULL);
}

void
weir_ends_listen (WeirEnds *ends)
{
  /* No stage's wait: any of them may be the last to close. And no GSource: a poll of them all is linear in connections. */
  ends->hears = TRUE;
  weir_watches_add (ends->stage->worker->watches, ends->control, G_IO_IN, WEIR_HALF_INPUT, on_control, ends);
}

/* ---- one of a connection ---- */

static WeirStage *
like (WeirConnection *connection, const WeirStage *stage)
{
  return stage != NULL ? &connection->stages[stage->template_index] : NULL;
}

static void
adopt_end (WeirEnds *ends, WeirStage *stage)
{
  if (stage != NULL) {
    *(WeirEnds **) stage->self = ends;
    weir_stage_extras (stage)->elsewhere_data = ends;
  }
}

/* NULL: errno says why. */
static WeirEnds *
copy (const WeirEnds *original, WeirConnection *connection, WeirWire *far)
{
  WeirEnds *ends = weir_ends_make (original->inputs, original->outputs + 1);
  WeirWire near;
  ends->connections = original->connections;
  ends->reader = like (connection, original->reader);
  ends->writer = like (connection, original->writer);
  ends->crossing.stage = ends->reader;
  ends->outputs = original->outputs;
  for (guint i = 0; i < ends->outputs; i++) {
    ends->numbers[i] = original->numbers[i];
    ends->links[i] = &connection->links[original->links[i]->identity->template_index];
  }
  weir_ends_adopt (ends, like (connection, original->stage));
  adopt_end (ends, ends->reader);
  adopt_end (ends, ends->writer);
  for (guint i = 0; i < ends->inputs; i++) {
    weir_ends_watch_input (ends, ends->stage->inputs[i]);
  }
  ends->shared = weir_wire_new (&near, far, ends->inputs, ends->stage->counter_count);
  ends->data = near.data;
  ends->control = near.control;
  return ends;
}

/* Nothing of it runs any more: the parent may count on that, while others of the connection wait for what it makes of it. */
static void
end (WeirEnds *ends)
{
  if (ends->shared == NULL) {
    return;
  }
  gboolean failed = ends->stage->failed || (ends->reader != NULL && ends->reader->failed) ||
                    (ends->writer != NULL && ends->writer->failed);
  weir_ends_store_figures (ends);
  weir_store_release (&ends->shared->over, failed ? 0 : 1);
  g_clear_pointer (&ends->shared, weir_shared_free);
  if (ends->hears) {
    weir_watches_forget (ends->stage->worker->watches, ends->control);
  }
  close (ends->data);
  close (ends->control);
}

static gboolean
belongs_to (const WeirEnds *ends, const WeirStage *stage)
{
  return stage == ends->stage || stage == ends->reader || stage == ends->writer;
}

/* ---- the watch ---- */

static void
over (WeirConnection *connection, gpointer data)
{
  const WeirEndsTemplate *template = data;
  WeirEnds **ends = connection->watched;
  for (guint i = 0; i < template->count && ends[i] != NULL; i++) {
    end (ends[i]);
    weir_ends_free (ends[i]);
  }
  g_free (ends);
}

static gboolean
hand_over (const WeirEndsTemplate *template, WeirConnection *connection, WeirWire *far)
{
  int fds[WEIR_CONTROL_FDS];
  gsize count = weir_wires_give (far, template->count, fds);
  gboolean said = weir_control_say_with (template->listener->control, WEIR_SAY_ACCEPTED, connection->peer, fds, count);
  int error = errno;
  for (guint i = 0; i < template->count; i++) {
    weir_wire_close (&far[i]);
  }
  errno = error;
  return said;
}

static gboolean
begin (WeirConnection *connection, gpointer data)
{
  const WeirEndsTemplate *template = data;
  WeirWire far[WEIR_WIRES_MOST];
  WeirEnds **ends = g_new0 (WeirEnds *, template->count + 1);
  gboolean right = TRUE;
  connection->watched = ends;
  for (guint i = 0; i < template->count; i++) {
    far[i] = WEIR_WIRE_NONE;
    ends[i] = right ? copy (template->ends[i], connection, &far[i]) : NULL;
    right = right && ends[i]->shared != NULL;
  }
  if (!right || !hand_over (template, connection, far)) {
    int error = errno;
    if (weir_connections_may_tell (template->connections)) {
      weir_connections_tell_untold (template->connections);
      weir_stage_log (template->listener->stage, G_LOG_LEVEL_WARNING, "connection from %s: cannot hand it over: %s",
                      connection->peer, g_strerror (error));
    }
    for (guint i = 0; i < template->count; i++) {
      weir_wire_close (&far[i]);
    }
    return FALSE;
  }
  return TRUE;
}

/* The others of the connection stop in order, as the parent's do once it has heard of it. */
static void
failed (WeirConnection *connection, WeirStage *stage, gpointer data)
{
  const WeirEndsTemplate *template = data;
  WeirEnds **ends = connection->watched;
  for (guint i = 0; i < template->count; i++) {
    if (ends[i]->shared != NULL && belongs_to (ends[i], stage)) {
      weir_control_say (ends[i]->control, WEIR_SAY_FAILED, stage->failure);
    }
  }
}

static void
closed (WeirConnection *connection, WeirStage *stage, gpointer data)
{
  const WeirEndsTemplate *template = data;
  WeirEnds **ends = connection->watched;
  for (guint i = 0; i < template->count; i++) {
    guint stages = 1 + (ends[i]->reader != NULL ? 1 : 0) + (ends[i]->writer != NULL ? 1 : 0);
    if (belongs_to (ends[i], stage) && ++ends[i]->closed == stages) {
      end (ends[i]);
    }
  }
}

/* ---- the template ---- */

static gboolean
add_producer (WeirEndsTemplate *template, WeirPipeline *pipeline, const WeirPlan *plan, GError **error)
{
  WeirStage *first = weir_connections_first (template->connections);
  WeirEnds *ends = weir_ends_make (0, plan->outputs->len + 1);
  template->ends[template->count++] = ends;
  ends->connections = template->connections;
  first->log_level = plan->log_level;
  weir_ends_adopt (ends, first);
  return !weir_ends_have_outputs (plan) ||
         weir_ends_add_writer (ends, pipeline, template->listener->stage, plan, error);
}

static gboolean
add_reply (WeirEndsTemplate *template, WeirPipeline *pipeline, const WeirPlanReply *reply, const WeirRole *role,
           gpointer state, GError **error)
{
  WeirStage *stage = weir_pipeline_add_template (pipeline, reply->name, WEIR_CONSUMER, "reply", role, state);
  WeirEnds *ends = weir_ends_make (reply->inputs->len, 1);
  template->ends[template->count++] = ends;
  ends->connections = template->connections;
  stage->log_level = reply->log_level;
  weir_connections_add_stage (template->connections, stage);
  weir_ends_adopt (ends, stage);
  return weir_ends_add_reader (ends, pipeline, reply->inputs, FALSE, error);
}

gboolean
weir_ends_accept (WeirEnds *ends, WeirPipeline *pipeline, const WeirPlan *plan, gpointer first, const WeirRole *reply,
                  gpointer *replies, GError **error)
{
  WeirEndsTemplate *template = g_new0 (WeirEndsTemplate, 1);
  gboolean right = TRUE;
  ends->template = template;
  template->listener = ends;
  template->ends = g_new0 (WeirEnds *, plan->replies->len + 1);
  weir_pipeline_set_workers (pipeline, plan->workers);
  template->connections = weir_pipeline_listen (pipeline, ends->stage, first, error);
  if (template->connections == NULL) {
    return FALSE;
  }
  template->watch = (WeirConnectionsWatch){ begin, failed, closed, over, template };
  weir_connections_set_watch (template->connections, &template->watch);
  right = add_producer (template, pipeline, plan, error);
  for (guint i = 0; i < plan->replies->len && right; i++) {
    right = add_reply (template, pipeline, &g_array_index (plan->replies, WeirPlanReply, i), reply,
                       g_steal_pointer (&replies[i]), error);
  }
  return right;
}

void
weir_ends_template_free (WeirEndsTemplate *template)
{
  for (guint i = 0; i < template->count; i++) {
    weir_ends_free (template->ends[i]);
  }
  g_free (template->ends);
  g_free (template);
}
