/* SPDX-License-Identifier: Apache-2.0 */
/* isolate.c: a stage that runs in a child process (see isolate.h): its role, its life and its figures. Everything runs on the stage's
 * worker, but for figures, and for what is made and freed with the pipeline. */
#include "isolate/isolate-state.h"

#include <string.h>
#include <unistd.h>

/* ---- its life ---- */

static void
drain (WeirStage *stage)
{
  WeirIsolate *isolate = weir_isolate_of (stage->self);
  if (!isolate->drain_told) {
    isolate->drain_told = TRUE;
    weir_isolate_say (isolate, WEIR_SAY_DRAIN, NULL);
  }
}

/* What is taken of it is the child's until that has released it. */
static void
hold (G_GNUC_UNUSED WeirStage *stage, WeirLink *link)
{
  link->held = TRUE;
  link->extras->granted = link->extras->granted_base = link->done_private;
}

static guint
count_outputs (const WeirStage *stage)
{
  guint count = stage->rejected.count > 0 ? 1 : 0;
  for (guint i = 0; i < stage->port_count; i++) {
    count += stage->ports[i].count > 0 ? 1 : 0;
  }
  return count;
}

/* At the first open; another child gets the same memory. */
static gboolean
share (WeirStage *stage, WeirIsolate *isolate)
{
  WeirShared *shared = weir_load_relaxed (&isolate->shared);
  if (shared != NULL) {
    weir_shared_renew (shared);
    return TRUE;
  }
  isolate->inputs = isolate->funnel != NULL ? 1 : stage->input_count;
  shared = weir_shared_new (isolate->inputs, stage->counter_count, &isolate->shared_fd);
  if (shared == NULL) {
    weir_stage_fail_errno (stage, "cannot share memory with a child process");
    return FALSE;
  }
  weir_store_release (&isolate->shared, shared);
  return TRUE;
}

static WeirNext
isolate_open (WeirStage *stage, gpointer state)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  isolate->stage = stage;
  isolate->data = isolate->control = -1;
  weir_sender_init (&isolate->sender);
  weir_receiver_init (&isolate->receiver, stage->worker->pool, stage->kind == WEIR_CONSUMER ? 0 : stage->port_count,
                      stage->rejected.count > 0, stage->record_max);
  isolate->streams = g_hash_table_new (NULL, NULL);
  isolate->ends = g_hash_table_new (NULL, NULL);
  isolate->outputs = count_outputs (stage);
  for (guint i = 0; i < stage->input_count; i++) {
    hold (stage, stage->inputs[i]);
    if (weir_link_stands_for (stage->inputs[i]) != NULL && isolate->funnel == NULL) {
      isolate->funnel = weir_funnel_new (isolate->outputs > 0);
    }
  }
  gboolean joined = weir_isolate_is_joined (isolate);
  if (!joined && !share (stage, isolate)) {
    return WEIR_FAIL;
  }
  gboolean started = joined ? weir_isolate_join_child (isolate) : weir_isolate_start_child (isolate);
  weir_isolate_open_origins (isolate);
  return started ? WEIR_MORE : WEIR_FAIL;
}

static WeirNext
isolate_start (WeirStage *stage, gpointer state)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  isolate->start_wanted = TRUE;
  if (isolate->opened && !weir_isolate_is_joined (isolate)) {
    weir_isolate_say (isolate, WEIR_SAY_START, NULL);
  }
  if (stage->connection == NULL) {
    weir_isolate_await (isolate, &isolate->started, -1);
    isolate->drained = isolate->drained || !isolate->started;
    weir_isolate_conclude (isolate);
  }
  if (stage->draining) {
    drain (stage); /* it was told so before this child was there */
  }
  return stage->failed ? WEIR_FAIL : isolate->ready || isolate->gone ? WEIR_MORE : WEIR_WAIT;
}

/* All inputs have ended, and the child knows. It is over when the child is. */
static WeirNext
isolate_end (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  return weir_isolate_send_end (isolate) && isolate->concluded ? WEIR_MORE : WEIR_WAIT;
}

/* Nobody takes what it makes any more, or the deadline has passed; then close() follows at once, or, of one that listens, once its
 * connections are over. */
static void
isolate_stop (WeirStage *stage, gpointer state)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  weir_isolate_say (isolate, WEIR_SAY_UNWANTED, NULL);
  weir_stage_linger (stage, !isolate->gone && !stage->listens);
}

static void
isolate_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  weir_isolate_end_child (isolate);
  weir_isolate_close_origins (isolate);
  g_clear_pointer (&isolate->funnel, weir_funnel_free);
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
  weir_isolate_say (weir_isolate_of (stage->self), WEIR_SAY_STOP, NULL);
}

/* The others are told at their end. The connections of one that listens wait for the child before that. */
static void
halt (WeirStage *stage)
{
  WeirIsolate *isolate = weir_isolate_of (stage->self);
  isolate->halted = TRUE;
  if (isolate->of->joins) {
    weir_isolate_say (isolate, WEIR_SAY_HALT, NULL);
  }
}

/* Others share the worker of a connection's: close() must not wait there. */
static gboolean
may_close (WeirStage *stage)
{
  return stage->connection == NULL || weir_isolate_is_ended (weir_isolate_of (stage->self));
}

static void
look_up_figures (WeirStage *stage, gpointer data)
{
  WeirShared *shared = weir_load_acquire (&weir_isolate_of (stage->self)->shared);
  WeirStageFigures *figures = data;
  if (shared == NULL) {
    return;
  }
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
  WeirShared *shared = weir_load_acquire (&isolate->shared);
  return shared != NULL ? weir_load_relaxed (weir_shared_counter (shared, isolate->inputs, counter)) : 0;
}

static void
forget_words (WeirIsolate *isolate)
{
  g_free (isolate->failure);
  g_free (isolate->crash);
  g_free (isolate->stuck);
}

/* What other threads look at stays. */
static void
renew (WeirStage *stage)
{
  WeirIsolate *isolate = weir_isolate_of (stage->self);
  gsize from = offsetof (WeirIsolate, process);
  forget_words (isolate);
  memset ((guint8 *) isolate + from, 0, sizeof *isolate - from);
}

/* Nobody asks for figures any more. */
static void
forget (WeirStage *stage)
{
  WeirIsolate *isolate = weir_isolate_of (stage->self);
  forget_words (isolate);
  if (isolate->shared != NULL) {
    weir_shared_free (isolate->shared);
  }
  if (isolate->shared != NULL && isolate->shared_fd >= 0) {
    close (isolate->shared_fd);
  }
}

static const WeirElsewhere elsewhere = { .ours = TRUE,
                                         .control = weir_isolate_control,
                                         .join = hold,
                                         .look = weir_isolate_look,
                                         .stop = stop_producer,
                                         .drain = drain,
                                         .halt = halt,
                                         .may_close = may_close,
                                         .renew = renew,
                                         .forget = forget,
                                         .figures = look_up_figures,
                                         .counter = look_up_counter };

/* ---- made and freed ---- */

WeirIsolation *
weir_isolation_new (WeirKind kind, const WeirRole *real, const char *file, json_object *options)
{
  WeirIsolation *isolation = g_new0 (WeirIsolation, 1);
  isolation->file = file;
  isolation->options = options;
  isolation->role = (WeirRole){ .summary = real->summary,
                                .counters = real->counters,
                                .ports = real->ports,
                                .state_size = sizeof (WeirIsolate),
                                .flags = WEIR_BYTES,
                                .open = isolate_open,
                                .start = isolate_start,
                                .produce = weir_isolate_produce,
                                .delivered = real->delivered != NULL ? weir_isolate_delivered : NULL,
                                .stop = isolate_stop,
                                .close = isolate_close };
  if (kind != WEIR_PRODUCER) {
    isolation->role.flags |= WEIR_DUPLEX;
    isolation->role.flush = weir_isolate_flush;
    isolation->role.end = isolate_end;
  }
  return isolation;
}

void
weir_isolation_listen (WeirIsolation *isolation, guint places, guint workers)
{
  isolation->joins = TRUE;
  isolation->places = places;
  isolation->workers = workers;
}

void
weir_isolation_join (WeirIsolation *isolation, guint place)
{
  isolation->joins = TRUE;
  isolation->place = place;
}

void
weir_isolation_free (WeirIsolation *isolation)
{
  g_free (isolation);
}

const WeirRole *
weir_isolation_role (WeirIsolation *isolation)
{
  return &isolation->role;
}

gpointer
weir_isolation_state (WeirIsolation *isolation)
{
  WeirIsolate *isolate = g_new0 (WeirIsolate, 1);
  isolate->of = isolation;
  return isolate;
}

gpointer
weir_isolation_state_of (WeirStage *stage)
{
  return weir_isolation_state ((WeirIsolation *) weir_isolate_of (stage->self)->of);
}

void
weir_isolation_adopt (WeirStage *stage)
{
  stage->elsewhere = &elsewhere;
}
