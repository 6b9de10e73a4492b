/* SPDX-License-Identifier: Apache-2.0 */
/* isolate.c: a stage that runs in a child process (see isolate.h): its role, its life and its figures. Made and freed on the main
 * thread; everything else runs on the stage's worker, but for figures. */
#include "isolate/isolate-state.h"

#include <errno.h>
#include <gio/gio.h>
#include <unistd.h>

/* ---- its life ---- */

static WeirNext
isolate_open (WeirStage *stage, gpointer state)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  weir_sender_init (&isolate->sender);
  weir_receiver_init (&isolate->receiver, stage->worker->pool, stage->kind == WEIR_CONSUMER ? 0 : stage->port_count,
                      stage->rejected.count > 0, stage->record_max);
  isolate->streams = g_hash_table_new (NULL, NULL);
  isolate->ends = g_hash_table_new (NULL, NULL);
  for (guint i = 0; i < stage->input_count; i++) {
    stage->inputs[i]->held = TRUE;
  }
  return weir_isolate_start_child (isolate) ? WEIR_MORE : WEIR_FAIL;
}

static WeirNext
isolate_start (WeirStage *stage, gpointer state)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  weir_isolate_say (isolate, WEIR_SAY_START);
  weir_isolate_await (isolate, &isolate->started, -1);
  if (!isolate->started) {
    isolate->drained = TRUE;
    weir_isolate_conclude (isolate);
  }
  return stage->failed ? WEIR_FAIL : isolate->ready || isolate->gone ? WEIR_MORE : WEIR_WAIT;
}

/* All inputs have ended, and the child knows. It is over when the child is. */
static WeirNext
isolate_end (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  return weir_isolate_of (state)->concluded ? WEIR_MORE : WEIR_WAIT;
}

/* Nobody takes what it makes any more, or the deadline has passed; then close() follows at once. */
static void
isolate_stop (WeirStage *stage, gpointer state)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  weir_isolate_say (isolate, WEIR_SAY_UNWANTED);
  weir_stage_linger (stage, !isolate->gone);
}

static void
isolate_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  weir_isolate_end_child (isolate);
  weir_sender_clear (&isolate->sender);
  weir_receiver_clear (&isolate->receiver);
  g_clear_pointer (&isolate->streams, g_hash_table_unref);
  g_clear_pointer (&isolate->ends, g_hash_table_unref);
}

/* ---- what the engine asks beside ---- */

static void
stop_producer (WeirStage *stage)
{
  stage->stopping = TRUE;
  weir_isolate_say (weir_isolate_of (stage->self), WEIR_SAY_STOP);
}

static void
drain (WeirStage *stage)
{
  WeirIsolate *isolate = weir_isolate_of (stage->self);
  if (!isolate->drain_told) {
    isolate->drain_told = TRUE;
    weir_isolate_say (isolate, WEIR_SAY_DRAIN);
  }
}

static void
look_up_figures (WeirStage *stage, gpointer data)
{
  WeirShared *shared = weir_isolate_of (stage->self)->shared;
  WeirStageFigures *figures = data;
  figures->records_in = weir_load_relaxed (&shared->records_in);
  figures->bytes_in = weir_load_relaxed (&shared->bytes_in);
  /* A rejection or failure is counted at both ends. */
  figures->rejected = MAX (figures->rejected, weir_load_relaxed (&shared->rejected));
  figures->errors = MAX (figures->errors, weir_load_relaxed (&shared->errors));
  figures->refused += weir_load_relaxed (&shared->refused);
  for (guint i = 0; i < WEIR_CLOCKS; i++) {
    figures->clocks[i] = (gint64) weir_load_relaxed (&shared->clocks[i]);
  }
}

static guint64
look_up_counter (WeirStage *stage, guint counter)
{
  WeirIsolate *isolate = weir_isolate_of (stage->self);
  return weir_load_relaxed (weir_shared_counter (isolate->shared, isolate->inputs, counter));
}

static const WeirElsewhere elsewhere = { .ours = TRUE,
                                         .control = weir_isolate_control,
                                         .look = weir_isolate_look,
                                         .stop = stop_producer,
                                         .drain = drain,
                                         .figures = look_up_figures,
                                         .counter = look_up_counter };

/* ---- made and freed ---- */

static guint
count_names (const char *const *names)
{
  return names != NULL ? g_strv_length ((char **) names) : 0;
}

WeirIsolate *
weir_isolate_new (WeirKind kind, const WeirRole *real, const char *file, json_object *options, guint inputs,
                  GError **error)
{
  WeirIsolate *isolate = g_new0 (WeirIsolate, 1);
  isolate->shared = weir_shared_new (inputs, count_names (real->counters), &isolate->shared_fd);
  if (isolate->shared == NULL) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot share memory with a child process: %s",
                 g_strerror (errno));
    g_free (isolate);
    return NULL;
  }
  isolate->real = real;
  isolate->kind = kind;
  isolate->file = file;
  isolate->options = options;
  isolate->inputs = inputs;
  isolate->data = isolate->control = -1;
  isolate->role = (WeirRole){ .summary = real->summary,
                              .counters = real->counters,
                              .ports = real->ports,
                              .state_size = sizeof (WeirIsolate *),
                              .flags = WEIR_BYTES,
                              .open = isolate_open,
                              .start = isolate_start,
                              .produce = weir_isolate_produce,
                              .stop = isolate_stop,
                              .close = isolate_close };
  if (kind != WEIR_PRODUCER) {
    isolate->role.flags |= WEIR_DUPLEX;
    isolate->role.flush = weir_isolate_flush;
    isolate->role.end = isolate_end;
  }
  return isolate;
}

void
weir_isolate_free (WeirIsolate *isolate)
{
  close (isolate->shared_fd);
  weir_shared_free (isolate->shared);
  g_free (isolate->failure);
  g_free (isolate->crash);
  g_free (isolate->stuck);
  g_free (isolate);
}

const WeirRole *
weir_isolate_role (WeirIsolate *isolate)
{
  return &isolate->role;
}

gpointer
weir_isolate_state (WeirIsolate *isolate)
{
  WeirIsolate **state = g_new (WeirIsolate *, 1);
  *state = isolate;
  return state;
}

void
weir_isolate_adopt (WeirIsolate *isolate, WeirStage *stage)
{
  isolate->stage = stage;
  stage->elsewhere = &elsewhere;
}
