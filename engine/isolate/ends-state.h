/* SPDX-License-Identifier: Apache-2.0 */
/* ends-state.h: the hidden ends of a child process, as their files share them: ends.c (made and freed; what is released), ends-reader.c,
 * ends-writer.c. The ends run on one worker, the stage on another: between them are the links, and what is under the lock. */
#pragma once

#include "isolate/crossing.h"
#include "isolate/ends.h"
#include "isolate/receiver.h"
#include "isolate/sender.h"

/* What was released when the outputs had so much put on them. */
typedef struct {
  gboolean set;
  guint64 *released, *put;
} WeirEndsMark;

struct _WeirEnds {
  WeirStage *stage, *reader, *writer;
  WeirRole reader_role, writer_role; /* with as many outputs as the stage has inputs */
  char **ports;
  WeirShared *shared;
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
/* A role's state for one of the ends. */
gpointer weir_ends_state (WeirEnds *ends);
/* On the stage's worker, behind each publication of done on one of its inputs. */
void weir_ends_note_released (WeirLink *link, gpointer data);
/* Under the lock: tells the parent what is released, as far as all that was made before is out. */
void weir_ends_tell_what_is_out (WeirEnds *ends);

/* ---- ends-reader.c ---- */
gboolean weir_ends_add_reader (WeirEnds *ends, WeirPipeline *pipeline, const WeirPlan *plan, GError **error);

/* ---- ends-writer.c ---- */
gboolean weir_ends_add_writer (WeirEnds *ends, WeirPipeline *pipeline, const WeirPlan *plan, GError **error);

static inline WeirEnds *
weir_ends_of (gpointer state)
{
  return *(WeirEnds **) state;
}
