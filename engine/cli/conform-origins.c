/* SPDX-License-Identifier: Apache-2.0 */
/* The rule of origins for `weir plugin check` (see conform.h): a producer with delivered() is told each outcome, behind its stop, its
 * failure and a halt, too, and keeps nothing of what it was told. In the child, on its main thread. */
#include "cli/conform.h"

#include "origins.h"

#define SECOND ((gint64) G_USEC_PER_SEC)

/* What is said of a crash, and of one that stays open. */
static const char *const outcomes[] = { "told WEIR_DELIVERED", "told WEIR_DROPPED", "told WEIR_REJECTED",
                                        "told WEIR_ABANDONED" };

static gboolean
is_closed (WeirHarness *harness, G_GNUC_UNUSED gpointer data)
{
  return harness->stage->life == WEIR_LIFE_CLOSED;
}

static void
set_outcome (WeirConform *conform, WeirOutcome outcome)
{
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (conform->harness, i)) != NULL; i++) {
    weir_harness_set_outcome (conform->harness, output->name, outcome);
  }
}

/* Runs it with takers that take nothing yet. FALSE: weir_conform_end() says why. *opened: of its origins, some are not over. */
static gboolean
begin (WeirConform *conform, gboolean *opened)
{
  if (!weir_conform_start (conform, 8, 0)) {
    return FALSE;
  }
  weir_conform_crank (conform, SECOND);
  *opened = *opened || weir_origins_count (conform->harness->stage) > 0;
  return conform->harness->stage->life < WEIR_LIFE_CLOSED && !conform->harness->stage->failed;
}

static WeirConformResult
check_closed (WeirConform *conform, const char *after)
{
  WeirHarness *harness = conform->harness;
  if (!weir_conform_wait (conform, is_closed, SECOND)) {
    weir_harness_halt (harness); /* what lingers is closed by the deadline */
  }
  if (harness->stage->life != WEIR_LIFE_CLOSED) {
    return weir_conform_fail (conform, "%s it is still \"%s\"; expected it to close", after,
                              weir_harness_state (harness));
  }
  return weir_conform_end (conform);
}

/* Told this of what it has emitted, while it runs and behind its stop. */
static WeirConformResult
tell (WeirConform *conform, WeirOutcome outcome, gboolean *opened)
{
  if (!begin (conform, opened)) {
    return weir_conform_end (conform);
  }
  set_outcome (conform, outcome);
  weir_conform_allow (conform, 1000);
  weir_conform_crank (conform, 10 * SECOND);
  weir_conform_allow (conform, 0);
  weir_conform_crank (conform, SECOND);
  gboolean finished = weir_conform_finish (conform);
  WeirConformResult result = weir_conform_end (conform);
  if (result == WEIR_CONFORM_OK && !finished) {
    return weir_conform_fail (conform, "%s of all, behind a stop it is still \"%s\"; expected it to close",
                              outcomes[outcome], weir_harness_state (conform->harness));
  }
  return result;
}

static WeirConformResult
halt_once (WeirConform *conform)
{
  gboolean opened = FALSE;
  if (!begin (conform, &opened)) {
    return weir_conform_end (conform);
  }
  weir_harness_halt (conform->harness);
  return check_closed (conform, "halted with origins that are open");
}

static WeirConformResult
fail_once (WeirConform *conform)
{
  static const char message[] = "failed by the check";
  gboolean opened = FALSE;
  if (!begin (conform, &opened)) {
    return weir_conform_end (conform);
  }
  weir_harness_fail (conform->harness, message);
  WeirConformResult result = check_closed (conform, "failed with origins that are open");
  if (result == WEIR_CONFORM_SKIPPED && g_strcmp0 (conform->harness->stage->failure, message) == 0) {
    g_clear_pointer (&conform->said, g_free);
    return WEIR_CONFORM_OK;
  }
  return result;
}

static WeirConformResult
leave_once (WeirConform *conform)
{
  gboolean opened = FALSE;
  if (!begin (conform, &opened)) {
    return weir_conform_end (conform);
  }
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (conform->harness, i)) != NULL; i++) {
    weir_harness_enough (conform->harness, output->name);
  }
  weir_conform_crank (conform, SECOND);
  return check_closed (conform, "when nobody takes what it has opened origins for");
}

WeirConformResult
weir_conform_origins (WeirConform *conform)
{
  if (conform->role->delivered == NULL) {
    return weir_conform_skip (conform, "it has no delivered()");
  }
  gboolean opened = FALSE;
  for (WeirOutcome outcome = WEIR_DELIVERED; outcome <= WEIR_ABANDONED; outcome++) {
    weir_conform_note (outcomes[outcome]);
    WeirConformResult result = tell (conform, outcome, &opened);
    if (result != WEIR_CONFORM_OK) {
      return result;
    }
  }
  if (!opened) {
    return weir_conform_skip (conform, "it opens no origin here");
  }
  static WeirConformResult (*const ends[]) (WeirConform * conform) = { halt_once, fail_once, leave_once };
  static const char *const notes[] = { "halted with open origins", "failed with open origins", "left by its takers" };
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    weir_conform_note (notes[i]);
    WeirConformResult result = ends[i](conform);
    if (result != WEIR_CONFORM_OK) {
      return result;
    }
  }
  weir_conform_note (NULL);
  return weir_conform_repeat (conform, conform->plan->cycles / 5, "lives with origins that were abandoned", halt_once);
}
