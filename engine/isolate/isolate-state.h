/* SPDX-License-Identifier: Apache-2.0 */
/* isolate-state.h: the parent's end of a stage that is isolated, as its files share it: isolate.c (its life), isolate-start.c (the child's
 * beginning), isolate-child.c (what the child says, and its end), isolate-flow.c (records), isolate-origins.c. All on the stage's worker,
 * but for figures, which any thread may ask for. */
#pragma once

#include "isolate/accepted.h"
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
  gboolean
    joins; /* it is a listener, or a reply: of a connection's copy the child is the listener's, and place is its place there */
  guint place, places, workers;
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
  gboolean gone, concluded;        /* it was reaped, or is not at its end any more; and what that means has been told */
  gboolean halted;                 /* the deadline has passed */
  gboolean start_wanted, drain_told, settle_told, halt_told, end_sent;
  GQueue unsaid;                 /* of a connection: Saying, what the child has no room to hear now */
  char *failure, *crash, *stuck; /* what it has said of itself; NULL: nothing */
  guint64 received;              /* records */
  GHashTable *streams;           /* number in the child -> here, of those that it has opened */
  GHashTable *ends;              /* stream -> outputs on which it has ended */
  WeirCrossing crossing;
  GArray *overs; /* what the child has said of origins, and is not taken yet; NULL: there is no child */
} WeirIsolate;

/* ---- isolate-start.c ---- */
/* Starts the child. FALSE: the stage has failed. */
gboolean weir_isolate_start_child (WeirIsolate *isolate);
/* Of a connection whose stages live in the listener's child: likewise, wired to its end there. */
gboolean weir_isolate_join_child (WeirIsolate *isolate);

/* ---- isolate-child.c ---- */
/* Hears what it says, once, when there is anything. */
void weir_isolate_listen_to (WeirIsolate *isolate);
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
/* text: NULL or borrowed. Of a connection, whose worker others share, it waits in a list where the child does not hear it now. */
void weir_isolate_say (WeirIsolate *isolate, WeirSaying what, const char *text);

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

/* It has no child of its own, but a part in the listener's. */
static inline gboolean
weir_isolate_is_joined (const WeirIsolate *isolate)
{
  return isolate->of->joins && isolate->stage->connection != NULL;
}
