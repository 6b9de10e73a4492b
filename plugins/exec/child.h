/* SPDX-License-Identifier: Apache-2.0 */
/* child.h: the child process of a stage: started with pipes in a process group of its own, watched, told to end, reaped.
 * Everything runs on the stage's worker. A child stays unreaped until child_close(), so that neither its number nor that of its
 * group is another's while they are signalled. */
#pragma once

#include "report.h"

#include <sys/types.h>

/* What becomes of its standard error. */
enum { ERRORS_LOG, ERRORS_INHERIT, ERRORS_DISCARD };

typedef struct {
  const char *const *command; /* argv, ended by NULL */
  const WeirPair *environment;
  const char *directory; /* NULL: ours */
  gboolean feeds, reads; /* a pipe to its standard input, else /dev/null; from its standard output, else ours */
  int errors;
} ChildPlan;

typedef struct {
  char *name; /* "child 17 (sort)", as messages call it */
  pid_t pid;  /* 0: never started */
  int watch;  /* pidfd */
  int input;  /* to its standard input, O_NONBLOCK; -1: closed, or none */
  int output; /* from its standard output, likewise */
  Report errors;
  gboolean exited, ending;
  int code, status; /* once it has exited, of waitid(2); code 0: lost */

  WeirStage *stage;
  void (*on_exit) (WeirStage *stage, gpointer data); /* called once, outside of the stage's callbacks */
  gpointer data;
} Child;

/* Is there something to be started, as far as can be seen before? FALSE: no, and the stage has failed. */
gboolean child_check (WeirStage *stage, const ChildPlan *plan);
/* FALSE: the stage has failed. */
gboolean child_start (WeirStage *stage, Child *child, const ChildPlan *plan,
                      void (*on_exit) (WeirStage *stage, gpointer data), gpointer data);
void child_close_input (Child *child);
void child_close_output (Child *child);
/* SIGTERM to all that is left of its group now, and SIGKILL, unless it has exited by then, so many microseconds later. */
void child_end (Child *child, gint64 kill_after);
void child_kill (Child *child);           /* SIGKILL to all that is left of its group */
char *child_outcome (const Child *child); /* "child 17 (sort) exited with status 2" */
/* Kills what still runs, and reaps. Also of one that was never started. */
void child_close (Child *child);
