/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.h: a running graph of stages and links, and their life together.
 * Made, run and freed on the main thread, in its default GMainContext; owns the workers, the stages and the links. Stages
 * tell it what happens by events that it takes in its main loop. No record passes through here. */
#pragma once

#include "connections.h"

typedef struct _WeirPipeline WeirPipeline;

typedef enum { WEIR_RESULT_DONE, WEIR_RESULT_FAILED, WEIR_RESULT_STOPPED, WEIR_RESULT_UNDELIVERED } WeirResult;

extern const char *const weir_result_names[]; /* "done", "failed", "stopped", "undelivered" */

/* What becomes of a pipeline, told on the main thread. */
typedef struct {
  /* All are open; where this is not NULL, nothing is started before weir_pipeline_go(). */
  void (*opened) (WeirPipeline *pipeline, gpointer data);
  void (*started) (WeirPipeline *pipeline, gpointer data); /* every stage's start() has answered */
  void (*ready) (WeirPipeline *pipeline, gpointer data);   /* every stage is open, started and ready */
  void (*failed) (WeirPipeline *pipeline, WeirStage *stage, const char *message, gpointer data);
  /* The deadline of a stop has passed, and some links still hold records. */
  void (*late) (WeirPipeline *pipeline, gpointer data);
  /* Some time after that, a callback of this stage has still not returned: its thread cannot be joined. */
  void (*stuck) (WeirPipeline *pipeline, WeirStage *stage, const char *callback, gpointer data);
  void (*over) (WeirPipeline *pipeline, WeirResult result, gpointer data); /* all stages are closed */
} WeirPipelineEvents;

WeirPipeline *weir_pipeline_new (const char *name);
void weir_pipeline_free (WeirPipeline *pipeline); /* one that is over, or never started */

/* Adds a stage. self is the role's state with its options filled in, taken; thread names a shared worker, NULL: its own. NULL
 * with an error where a role flagged BLOCKING shares a worker or no worker can be made. */
WeirStage *weir_pipeline_add (WeirPipeline *pipeline, const char *name, WeirKind kind, const char *plugin,
                              const WeirRole *role, gpointer self, const char *thread, GError **error);
/* Links an output to a stage; all stages are there, nothing runs yet. NULL with an error where the graph would have a cycle. */
WeirLink *weir_pipeline_link (WeirPipeline *pipeline, WeirStage *from, guint port, WeirStage *to,
                              const WeirQueueSettings *settings, GError **error);
/* Makes a producer listen: the template stages that belong to it, and the links behind it, exist once for each connection that
 * it accepts. self: its options once more, taken. NULL with an error where no worker for the connections can be made. */
WeirConnections *weir_pipeline_listen (WeirPipeline *pipeline, WeirStage *listener, gpointer self, GError **error);
/* Adds a stage that every connection has: before it is linked, weir_connections_add_stage() says of which. */
WeirStage *weir_pipeline_add_template (WeirPipeline *pipeline, const char *name, WeirKind kind, const char *plugin,
                                       const WeirRole *role, gpointer self);
/* How many workers share the connections; 0: as many as there are CPUs. */
void weir_pipeline_set_workers (WeirPipeline *pipeline, guint workers);
void weir_pipeline_set_record_max (WeirPipeline *pipeline, gsize bytes);
void weir_pipeline_set_shutdown (WeirPipeline *pipeline, gint64 microseconds);
/* How long behind that limit a callback may go on before its stage is called stuck; 5 seconds at first. */
void weir_pipeline_set_grace (WeirPipeline *pipeline, gint64 microseconds);

/* Opens all, then starts takers before producers. What comes of it is told by events; where a thread cannot be made, it is over
 * before this returns. */
void weir_pipeline_start (WeirPipeline *pipeline, const WeirPipelineEvents *events, gpointer data);
/* Stops the producers and drains, within the shutdown limit. May be called more than once. */
void weir_pipeline_stop (WeirPipeline *pipeline);
void weir_pipeline_go (WeirPipeline *pipeline);
/* Ends all stages as they are, at once, as at the deadline of a stop. */
void weir_pipeline_halt (WeirPipeline *pipeline);
/* For tests and simple programs: starts, and runs the default context until it is over. */
WeirResult weir_pipeline_run (WeirPipeline *pipeline, char **failure);

/* ---- to look at; names and order are constant ---- */
const char *weir_pipeline_name (WeirPipeline *pipeline);
WeirStage *weir_pipeline_stage (WeirPipeline *pipeline, guint index);  /* NULL behind the last */
WeirLink *weir_pipeline_link_at (WeirPipeline *pipeline, guint index); /* NULL behind the last */
gint64 weir_pipeline_running_time (WeirPipeline *pipeline); /* microseconds since its start, or until its end */
