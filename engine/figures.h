/* SPDX-License-Identifier: Apache-2.0 */
/* figures.h: what a stage has done so far, for summaries and live views; a link's are weir_link_figures() of link.h.
 * Any thread; exact only once the stage is closed. */
#ifndef WEIR_FIGURES_H
#define WEIR_FIGURES_H

#include "stage.h"

typedef struct {
  guint64 records_in, records_out, bytes_in, bytes_out, rejected, refused, errors; /* refused: emitted after its end */
  guint64 restarts,
    redelivered; /* how often it was opened again; records of its links that were handed out again for it */
  gint64 clocks[WEIR_CLOCKS]; /* microseconds; without what has passed since the last turn */
} WeirStageFigures;

/* What several takers of one output get counts once; records that were rejected are no output. */
void weir_stage_figures (WeirStage *stage, WeirStageFigures *figures);
/* One of role.counters. */
guint64 weir_stage_counter (WeirStage *stage, guint counter);
/* "done", "failed" or "stopped". The stage is closed. */
const char *weir_stage_outcome (WeirStage *stage);
extern const char *const weir_clock_names[WEIR_CLOCKS]; /* "working", ... */

#endif
