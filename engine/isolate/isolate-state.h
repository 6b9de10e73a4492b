/* SPDX-License-Identifier: Apache-2.0 */
/* isolate-state.h: the parent's end of a stage that is isolated, as its files share it: isolate.c (its life), isolate-child.c (what the
 * child says, and its end), isolate-flow.c (records). All on the stage's worker, but for figures, which any thread may ask for. */
#pragma once

#include "isolate/control.h"
#include "isolate/crossing.h"
#include "isolate/funnel.h"
#include "isolate/isolate.h"
#include "isolate/process.h"
#include "isolate/receiver.h"
#include "isolate/sender.h"
#include "isolate/shared.h"

/* Constant: one for all copies of the stage. */
struct _WeirIsolation {
  WeirRole role;
  const char *file;
  json_object *options;
};

/* The state of the role. A copy begins with `of`, and is nothing else until it is opened. */
typedef struct {
  const WeirIsolation *of;
  WeirStage *stage;
  _Atomic (WeirShared *) shared; /* NULL: it was not opened */
  int shared_fd;
  guint inputs; /* that the child has */

  /* Of one child: where the stage restarts, another one begins with nothing here. */
  WeirProcess process;
  guint outputs;     /* that are taken, with .rejected */
  int data, control; /* -1: none */
  WeirSender sender;
  WeirReceiver receiver;
  WeirFunnel *funnel;              /* of a stage that connections share; else NULL: the child's inputs are its own */
  gboolean opened, started, ready; /* the child has said so */
  gboolean enough;                 /* it wants no more input */
  gboolean output_over;            /* it has said that no output follows */
  gboolean drained;                /* its output was read to the end */
  gboolean gone, concluded;        /* it was reaped; and what that means has been told */
  gboolean start_wanted, drain_told, settle_told, halt_told, end_sent;
  char *failure, *crash, *stuck; /* what it has said of itself; NULL: nothing */
  guint64 received;              /* records */
  GHashTable *streams;           /* number in the child -> here, of those that it has opened */
  GHashTable *ends;              /* stream -> outputs on which it has ended */
  WeirCrossing crossing;
  GArray *overs; /* what the child has said of origins, and is not taken yet; NULL: there is no child */
} WeirIsolate;

/* ---- isolate-child.c ---- */
/* Starts it. FALSE: the stage has failed. */
gboolean weir_isolate_start_child (WeirIsolate *isolate);
/* Takes what the child has said by now. */
void weir_isolate_hear (WeirIsolate *isolate);
/* Waits until *flag, or until the child is gone, at most so long; microseconds, -1: no limit. */
void weir_isolate_await (WeirIsolate *isolate, const gboolean *flag, gint64 limit);
/* Where it is gone, and all that it has made was taken: what became of it is the stage's success or failure. */
void weir_isolate_conclude (WeirIsolate *isolate);
/* Waits for its end, within a limit. */
void weir_isolate_end_child (WeirIsolate *isolate);
/* Sees to its end, and the stage lingers until then. FALSE: it is not there yet. */
gboolean weir_isolate_is_ended (WeirIsolate *isolate);
void weir_isolate_say (WeirIsolate *isolate, WeirSaying what);

/* ---- isolate-flow.c ---- */
WeirNext weir_isolate_produce (WeirStage *stage, gpointer state);
WeirNext weir_isolate_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count);
/* Where the inputs are one to the child: its end is sent. FALSE: it waits. */
gboolean weir_isolate_send_end (WeirIsolate *isolate);
gboolean weir_isolate_control (WeirStage *stage, WeirLink *link, const WeirRecord *control);
/* What the child has released is done; whoever waits for that is told. */
void weir_isolate_look (WeirStage *stage);
/* Behind the child's end. */
void weir_isolate_settle_links (WeirIsolate *isolate);

/* ---- isolate-origins.c ---- */
void weir_isolate_open_origins (WeirIsolate *isolate);
void weir_isolate_hear_over (WeirIsolate *isolate, const char *text);
/* All that the child has sent by now was read. */
void weir_isolate_read_all (WeirIsolate *isolate);
void weir_isolate_delivered (WeirStage *stage, gpointer state, gpointer token, WeirOutcome outcome);
void weir_isolate_close_origins (WeirIsolate *isolate);

static inline WeirIsolate *
weir_isolate_of (gpointer state)
{
  return state;
}
