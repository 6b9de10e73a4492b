/* SPDX-License-Identifier: Apache-2.0 */
/* ends-state.h: the hidden ends of a child process, as their files share them: ends.c (made and freed; what is released), ends-reader.c,
 * ends-writer.c, ends-connections.c. The ends run on one worker, the stage on another, but for those of a connection, which share one:
 * between them are the links, and what is under the lock. */
#pragma once

#include "connections.h"
#include "isolate/crossing.h"
#include "isolate/ends.h"
#include "isolate/receiver.h"
#include "isolate/sender.h"

/* What was released when the outputs had so much put on them. */
typedef struct {
  gboolean set;
  guint64 *released, *put;
} WeirEndsMark;

typedef struct _WeirEndsTemplate WeirEndsTemplate;

struct _WeirEnds {
  WeirStage *stage, *reader, *writer;
  int data, control;
  WeirConnections *connections;      /* they are of a template, or of one of its connections; NULL: they exist once */
  WeirEndsTemplate *template;        /* of a listener: what its connections have */
  guint closed;                      /* of a connection: of the stage and its ends */
  gboolean hears;                    /* of a connection: its worker watches what the parent says */
  WeirRole reader_role, writer_role; /* with as many outputs as the stage has inputs */
  char **ports;
  WeirShared *shared; /* NULL: they are of a template, or over */
  guint inputs, outputs;
  WeirLink **links; /* to the writer */
  guint16 *numbers; /* of what each of them is: a port, or REJECTED */
  WeirReceiver receiver;
  WeirSender sender;
  guint ended; /* inputs that the parent has ended */
  WeirCrossing crossing;

  GMutex lock;
  WeirEndsMark waiting, latest; /* waiting: for what is to be out before it is told; latest: what comes then */
  guint64 *written;             /* positions of what is out, by output */
  gboolean unwanted;
};

/* ---- ends.c ---- */
WeirEnds *weir_ends_make (guint inputs, guint most_outputs);
gboolean weir_ends_have_outputs (const WeirPlan *plan);
/* The stage tells of what it does. Before it has links. */
void weir_ends_adopt (WeirEnds *ends, WeirStage *stage);
/* One of the ends, as a stage. NULL: the error says why. */
WeirStage *weir_ends_add (WeirEnds *ends, WeirPipeline *pipeline, const char *name, WeirKind kind, const WeirRole *role,
                          GError **error);
/* On the stage's worker, behind each publication of done on one of its inputs. */
void weir_ends_note_released (WeirLink *link, gpointer data);
/* Under the lock: tells the parent what is released, as far as all that was made before is out. */
void weir_ends_tell_what_is_out (WeirEnds *ends);

/* ---- ends-reader.c ---- */
/* queues: WeirQueueSettings, one an input. unbounded: the parent bounds what is on its way. */
gboolean weir_ends_add_reader (WeirEnds *ends, WeirPipeline *pipeline, const GArray *queues, gboolean unbounded,
                               GError **error);
/* What is released on this input is noted. */
void weir_ends_watch_input (WeirEnds *ends, WeirLink *link);

/* ---- ends-writer.c ---- */
/* from: the stage, or its listener. */
gboolean weir_ends_add_writer (WeirEnds *ends, WeirPipeline *pipeline, WeirStage *from, const WeirPlan *plan,
                               GError **error);

/* ---- ends-connections.c ---- */
/* In open() of an end of a connection: what the parent says is heard. */
void weir_ends_listen (WeirEnds *ends);
void weir_ends_template_free (WeirEndsTemplate *template);

static inline WeirEnds *
weir_ends_of (gpointer state)
{
  return *(WeirEnds **) state;
}
