/* SPDX-License-Identifier: Apache-2.0 */
/* report.h: what a child process says on its standard error, line by line into the log under its stage's name.
 * Everything runs on the stage's worker, from a source of the stage's context, whether the stage is paused or not. */
#pragma once

#include <weir/weir.h>

#define REPORT_LINE 1000 /* bytes; a longer line is logged in pieces */

typedef struct {
  WeirStage *stage;
  GSource *source; /* NULL: none */
  int fd;
  char line[REPORT_LINE];
  gsize used;
} Report;

/* Takes fd, the reading end of a pipe, O_NONBLOCK. */
void report_open (WeirStage *stage, Report *report, int fd);
/* Logs what is there, be it half a line. */
void report_drain (Report *report);
void report_close (Report *report);
