/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline-parts.h: what pipeline.c, which makes it, pipeline-start.c and pipeline-stop.c share of a pipeline.
 * All of the main thread's; looked into by these three alone. */
#pragma once

#include "pipeline.h"

struct _WeirPipeline {
  char *name;
  GPtrArray *stages, *links, *workers;
  GPtrArray *running; /* stages that are not of a template */
  GPtrArray *connections, *pool;
  guint pool_size;
  GHashTable *threads; /* name -> worker */
  GPtrArray *order;    /* stages, takers before those who feed them */
  const WeirPipelineEvents *events;
  gpointer data;
  guint answered, open_failed, started, ready, closed;
  gboolean starting, told_ready, stopping, failed, over;
  char *failure; /* the first */
  gint64 shutdown, grace, began, ended;
  guint deadline;
  gsize record_max;
};

/* Stops the threads of all workers. May be called more than once. */
void weir_pipeline_join_workers (WeirPipeline *pipeline);
/* Asks all stages but those of connections, and breaks what they block in. */
void weir_pipeline_request (WeirPipeline *pipeline, guint32 request);
/* All stages are closed, or none has been opened: tells the result. Only the first call counts. */
void weir_pipeline_end (WeirPipeline *pipeline);
