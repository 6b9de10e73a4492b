/* SPDX-License-Identifier: Apache-2.0 */
/* figures.c: what a stage has done so far (see figures.h). Reads relaxed counters that the stage's worker writes, on any
 * thread, and owns nothing. */
#include "connections.h"

const char *const weir_clock_names[WEIR_CLOCKS] = { "working", "starved", "blocked", "waiting" };

/* Each link of a port gets every record, and one that was closed early fewer. */
static void
add_port (const WeirPort *port, WeirStageFigures *figures)
{
  guint64 records = 0, bytes = 0;
  for (guint i = 0; i < port->count; i++) {
    WeirLinkFigures link;
    weir_link_figures (port->links[i], &link);
    records = MAX (records, link.in);
    bytes = MAX (bytes, link.bytes_in);
  }
  figures->records_out += records;
  figures->bytes_out += bytes;
}

void
weir_stage_figures (WeirStage *stage, WeirStageFigures *figures)
{
  *figures = (WeirStageFigures){ .records_in = weir_load_relaxed (&stage->records_in),
                                 .bytes_in = weir_load_relaxed (&stage->bytes_in),
                                 .rejected = weir_load_relaxed (&stage->rejected_count),
                                 .refused = weir_load_relaxed (&stage->refused),
                                 .errors = weir_load_relaxed (&stage->errors),
                                 .restarts = weir_restart_count (stage),
                                 .redelivered = weir_restart_redelivered (stage) };
  for (guint i = 0; i < stage->port_count && stage->connections == NULL; i++) {
    add_port (&stage->ports[i], figures);
  }
  for (guint i = 0; i < WEIR_CLOCKS; i++) {
    figures->clocks[i] = (gint64) weir_load_relaxed (&stage->clocks[i]);
  }
  if (stage->elsewhere != NULL && stage->elsewhere->figures != NULL) {
    stage->elsewhere->figures (stage, figures);
  }
  if (stage->connections != NULL) {
    weir_connections_stage_figures (stage->connections, stage, figures);
  }
}

guint64
weir_stage_counter (WeirStage *stage, guint counter)
{
  gboolean elsewhere = stage->elsewhere != NULL && stage->elsewhere->counter != NULL;
  guint64 count = elsewhere ? stage->elsewhere->counter (stage, counter)
                            : weir_load_relaxed (&stage->counters[counter]);
  return count + (stage->connections != NULL ? weir_connections_counter (stage->connections, stage, counter) : 0);
}

const char *
weir_stage_outcome (WeirStage *stage)
{
  if (stage->connections != NULL) {
    stage = weir_connections_listener (stage->connections);
  }
  if (stage->failed) {
    return "failed";
  }
  gboolean by_itself = stage->finishing || stage->enough || stage->end_told || stage->out_over;
  return !stage->stopping && by_itself ? "done" : "stopped";
}
