/* SPDX-License-Identifier: Apache-2.0 */
/* How a pipeline is doing, while it runs: on a terminal a table that is drawn in place, a row a link; elsewhere a line a second.
 * Main thread; reads figures only. */
#ifndef WEIR_CLI_PROGRESS_H
#define WEIR_CLI_PROGRESS_H

#include "pipeline.h"

typedef struct _WeirProgress WeirProgress;

WeirProgress *weir_progress_new (WeirPipeline *pipeline);
/* Takes the table off the screen. NULL is fine. */
void weir_progress_free (WeirProgress *progress);
/* What the pipeline does, for its head: "running". The text is constant. */
void weir_progress_set_state (WeirProgress *progress, const char *state);

#endif
