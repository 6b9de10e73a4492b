/* SPDX-License-Identifier: Apache-2.0 */
/* ending.c: how a child comes to an end (see ending.h). Runs on the stage's worker. */
#include "ending.h"

#include <sys/wait.h>

void
exec_expect_end (WeirStage *stage, Exec *self)
{
  self->since = weir_stage_now (stage);
}

/* Microseconds until it is overdue; -1: it need not end. */
static gint64
time_left (WeirStage *stage, const Exec *self)
{
  gboolean fed = self->child.input >= 0 && !self->child.exited;
  return self->since == 0 || self->exit_timeout == 0 || fed
           ? -1
           : MAX (self->since + self->exit_timeout - weir_stage_now (stage), 0);
}

gboolean
exec_wait_for_end (WeirStage *stage, const Exec *self)
{
  gint64 left = time_left (stage, self);
  if (left > 0) {
    weir_stage_wait_time (stage, left);
  }
  return left == 0;
}

gboolean
exec_has_succeeded (const Exec *self)
{
  gboolean listed = FALSE;
  for (gsize i = 0; self->success[i] != NULL && !listed; i++) {
    listed = g_ascii_strtoll (self->success[i], NULL, 10) == self->child.status;
  }
  return self->child.exited && listed && self->child.code == CLD_EXITED;
}

WeirNext
exec_conclude (WeirStage *stage, Exec *self)
{
  Child *child = &self->child;
  if (!child->exited) {
    if (exec_wait_for_end (stage, self)) {
      self->overdue = TRUE;
      child_end (child, self->kill_after);
    }
    return WEIR_WAIT; /* its exit wakes */
  }
  if (self->overdue) {
    g_autofree char *outcome = child_outcome (child);
    return weir_stage_fail (stage,
                            "%s: it had not exited %" G_GINT64_FORMAT " ms after its %s came to an end (exit_timeout)",
                            outcome, self->exit_timeout / 1000, self->ending ? "input" : "output");
  }
  if (!exec_has_succeeded (self)) {
    g_autofree char *outcome = child_outcome (child);
    return weir_stage_fail (stage, "%s", outcome);
  }
  return WEIR_DONE;
}
