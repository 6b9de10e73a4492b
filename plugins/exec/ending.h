/* SPDX-License-Identifier: Apache-2.0 */
/* ending.h: the state of a role of `exec`, and how its child comes to an end: the time that it has for it, and what its status says.
 * Runs on the stage's worker; the state is the stage's. */
#pragma once

#include "child.h"

typedef struct {
  const char *const *command, *const *success;
  const WeirPair *environment;
  const char *directory;
  int errors;
  gint64 exit_timeout, kill_after;
  guint64 chunk;
  const char *delimiter;

  Child child;
  gboolean feeds, reads;      /* what the role does */
  gboolean flushing, ending;  /* flush() answered WAIT; end() was called */
  gboolean stopping, overdue; /* stop() was called; it did not exit in time, and was told to */
  gint64 since;               /* it is to come to an end: when that was, or the last output since; 0: it is not */
  guint32 stream;
  WeirWriter writer;
} Exec;

/* It is to come to an end by itself, from now on. */
void exec_expect_end (WeirStage *stage, Exec *self);
/* What wakes the stage is armed; TRUE: the time is up instead. */
gboolean exec_wait_for_end (WeirStage *stage, const Exec *self);
/* It has exited, and its status is one that says so. */
gboolean exec_has_succeeded (const Exec *self);
/* Both its pipes are closed, or of no interest any more: once it has exited, DONE or FAIL, as its status says. */
WeirNext exec_conclude (WeirStage *stage, Exec *self);
