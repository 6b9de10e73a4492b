/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` says of a pipeline that is right: which branch can stall which, and how much memory it may come to hold.
 * Any thread that may read the configuration; owns nothing. */
#ifndef WEIR_ADVICE_H
#define WEIR_ADVICE_H

#include "config.h"

G_BEGIN_DECLS

/* Adds a warning for each stage whose records go to several takers that all pause it: the slowest sets the pace of all. */
void weir_advise_stalls (const WeirConfig *config, WeirProblems *problems);

typedef struct {
  double links, stages; /* bytes */
  double record;        /* one record more that each link may take at its hard limit */
} WeirMemory;

/* What exists once for each connection is counted as often as there may be connections, or not at all where nothing limits that.
 * Links: at their hard limit, the slots and the buffers that their records hold down. Stages: the state and the buffer that small
 * outputs are packed into; what a plugin allocates by itself is not known here. */
WeirMemory weir_advise_memory (const WeirConfig *config);
/* How many connections a listening stage has at most, by its option `max`; 0: any number. */
gint64 weir_advise_connections (const WeirConfigStage *listener);
/* "worst case 33.6 MiB: links 33.4 (4 x 8.4), stages 0.2; and one record of up to 16.0 MiB a link" */
char *weir_advise_memory_line (const WeirConfig *config);

G_END_DECLS
#endif
