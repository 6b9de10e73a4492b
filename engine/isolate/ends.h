/* SPDX-License-Identifier: Apache-2.0 */
/* ends.h: what runs in the child process of a stage that is isolated: the real stage, between a hidden producer that has what the parent
 * sends, and a hidden consumer that sends what the stage makes. Both share one worker, the stage has its own. Made on the main
 * thread, freed behind the pipeline. */
#pragma once

#include "isolate/plan.h"
#include "isolate/shared.h"
#include "pipeline.h"

typedef struct _WeirEnds WeirEnds;

/* Puts the stage and its ends into the pipeline. self: the role's state, taken. NULL: the error says why. */
WeirEnds *weir_ends_new (WeirPipeline *pipeline, const WeirPlan *plan, const WeirRole *role, gpointer self,
                         WeirShared *shared, GError **error);
/* Of a plan that listens: what exists once for each connection, its producer and the replies, likewise between ends. first: the state of
 * the producer, and replies: those of each, taken. FALSE: the error says why. */
gboolean weir_ends_accept (WeirEnds *ends, WeirPipeline *pipeline, const WeirPlan *plan, gpointer first,
                           const WeirRole *reply, gpointer *replies, GError **error);
void weir_ends_free (WeirEnds *ends);
WeirStage *weir_ends_stage (WeirEnds *ends);
/* The parent has said what became of an origin of the stage's. Main thread, or the worker of a connection's. */
void weir_ends_hear_over (WeirEnds *ends, const char *text);
/* Nobody takes its output any more. Likewise. */
void weir_ends_unwanted (WeirEnds *ends);
/* What the stage has done so far is stored where the parent sees it. Its worker, or once that is joined. */
void weir_ends_store_figures (WeirEnds *ends);
