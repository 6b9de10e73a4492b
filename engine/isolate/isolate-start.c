/* SPDX-License-Identifier: Apache-2.0 */
/* isolate-start.c: how the child process of a stage that is isolated begins, and what it is told of the stage (see isolate-state.h); and
 * how a stage of a connection joins the child of its listener. Runs on the stage's worker. */
#include "isolate/isolate-state.h"

#include "connections.h"
#include "isolate/plan.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void
plan_outputs (WeirPlan *plan, const WeirStage *stage)
{
  for (guint i = 0; i < stage->port_count; i++) {
    WeirPlanOutput output = { .taken = stage->ports[i].count > 0 };
    if (output.taken) {
      output.queue = stage->ports[i].links[0]->limits->settings;
    }
    g_array_append_val (plan->outputs, output);
  }
  plan->rejects = stage->rejected.count > 0;
  if (plan->rejects) {
    plan->rejected = stage->rejected.links[0]->limits->settings;
  }
}

static void
plan_inputs (GArray *inputs, const WeirStage *stage, guint count)
{
  for (guint i = 0; i < count; i++) {
    g_array_append_val (inputs, stage->inputs[i]->limits->settings);
  }
}

/* In the order of their places. */
static void
plan_replies (WeirPlan *plan, WeirIsolate *isolate)
{
  WeirConnections *connections = isolate->stage->connections;
  for (guint place = 1; place < isolate->of->places; place++) {
    for (guint i = 0; i < weir_connections_stage_count (connections); i++) {
      const WeirStage *stage = weir_connections_stage (connections, i);
      if (stage->elsewhere != isolate->stage->elsewhere || weir_isolate_of (stage->self)->of->place != place) {
        continue;
      }
      g_autoptr (GArray) inputs = g_array_new (FALSE, FALSE, sizeof (WeirQueueSettings));
      plan_inputs (inputs, stage, stage->input_count);
      weir_plan_add_reply (plan, stage->name, weir_isolate_of (stage->self)->of->options, stage->log_level, inputs);
    }
  }
}

static WeirPlan
make_plan (WeirIsolate *isolate)
{
  WeirStage *stage = isolate->stage;
  WeirPlan plan = weir_plan_new ();
  plan.name = g_strdup (stage->name);
  plan.plugin = g_strdup (stage->plugin);
  plan.file = g_strdup (isolate->of->file);
  plan.kind = stage->kind;
  plan.options = json_object_get (isolate->of->options);
  plan.log_level = stage->log_level;
  plan.record_max = stage->record_max;
  plan.sockets = weir_plan_count_sockets (isolate->of->options);
  plan.shared = isolate->funnel != NULL;
  plan.listens = stage->listens;
  plan.workers = isolate->of->workers;
  plan_inputs (plan.inputs, stage, isolate->inputs);
  plan_outputs (&plan, stage->listens ? weir_connections_first (stage->connections) : stage);
  if (stage->listens) {
    plan_replies (&plan, isolate);
  }
  return plan;
}

static gboolean
spawn (WeirIsolate *isolate, int plan, const int data[2], const int control[2], guint sockets)
{
  const int fds[] = { plan, data[1], control[1], isolate->shared_fd };
  g_autofree char *message = NULL;
  if (!weir_process_start (&isolate->process, isolate->stage->name, fds, G_N_ELEMENTS (fds), sockets, &message)) {
    weir_stage_fail (isolate->stage, "cannot start its child process: %s", message);
    return FALSE;
  }
  return TRUE;
}

gboolean
weir_isolate_join_child (WeirIsolate *isolate)
{
  WeirStage *stage = isolate->stage;
  WeirAccepted *accepted = weir_stage_connection (stage);
  WeirWire *wire = &accepted->wires[isolate->of->place];
  isolate->inputs = stage->input_count;
  isolate->shared_fd = -1;
  isolate->process.number = accepted->process;
  isolate->opened = isolate->started = isolate->ready = TRUE; /* there it began before */
  WeirShared *shared = weir_shared_map (wire->page, isolate->inputs, stage->counter_count);
  if (shared == NULL) {
    weir_stage_fail_errno (stage, "cannot share memory with its child process %d", accepted->process);
    isolate->gone = isolate->concluded = TRUE;
    return FALSE;
  }
  weir_store_release (&isolate->shared, shared);
  isolate->data = wire->data;
  isolate->control = wire->control;
  wire->data = wire->control = -1;
  weir_wire_close (wire);
  weir_isolate_listen_to (isolate);
  return TRUE;
}

gboolean
weir_isolate_start_child (WeirIsolate *isolate)
{
  WeirStage *stage = isolate->stage;
  WeirPlan plan = make_plan (isolate);
  int data[2] = { -1, -1 }, control[2] = { -1, -1 }, file = weir_plan_write (&plan);
  guint sockets = plan.sockets;
  weir_plan_clear (&plan);
  gboolean started = file >= 0 && socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, data) == 0 &&
                     socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == 0;
  if (!started) {
    weir_stage_fail_errno (stage, "cannot connect it to a child process");
  }
  started = started && spawn (isolate, file, data, control, sockets);
  isolate->data = data[0];
  isolate->control = control[0];
  for (gsize i = 0; i < 3; i++) {
    int fd = (int[]){ file, data[1], control[1] }[i];
    if (fd >= 0) {
      close (fd);
    }
  }
  if (!started) {
    isolate->gone = isolate->concluded = TRUE;
    return FALSE;
  }
  weir_isolate_listen_to (isolate);
  if (stage->connection != NULL) {
    return TRUE; /* others share the worker, and do not wait */
  }
  weir_isolate_await (isolate, &isolate->opened, -1);
  if (!isolate->opened) {
    isolate->drained = TRUE;
    weir_isolate_conclude (isolate);
    if (!stage->failed) {
      weir_stage_fail (stage, "its child process %d has ended before it was open", (int) isolate->process.number);
    }
  }
  return !stage->failed;
}
