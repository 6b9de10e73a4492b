/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of a stage's life for `weir plugin check` (see conform.h): open, answers, ends, stops in each state, close.
 * In the child, on its main thread. */
#include "cli/conform.h"

#include <string.h>

#define SECOND ((gint64) G_USEC_PER_SEC)

static gboolean
is_closed (WeirHarness *harness, G_GNUC_UNUSED gpointer data)
{
  return harness->stage->life == WEIR_LIFE_CLOSED;
}

/* Where it is instead of closed. */
static WeirConformResult
not_closed (WeirConform *conform, const char *after)
{
  WeirHarness *harness = conform->harness;
  const WeirStage *stage = harness->stage;
  if (weir_conform_is_held_up (conform)) {
    /* What the deadline of a stop does then must do. */
    weir_harness_halt (harness);
    if (stage->life == WEIR_LIFE_CLOSED) {
      WeirConformResult result = weir_conform_end (conform);
      return result != WEIR_CONFORM_OK ? result : weir_conform_skip (conform, "it waits, and takes no input here");
    }
  }
  gint64 kept = weir_load_acquire (&stage->outstanding);
  g_autoptr (GString) found = g_string_new (NULL);
  g_string_append_printf (found, "%s it is still \"%s\"", after, weir_harness_state (harness));
  if (kept > 0) {
    g_string_append_printf (found, ", and keeps %" G_GINT64_FORMAT " records", kept);
  }
  g_string_append_printf (found, ", its last callback was %s(); expected it to close",
                          weir_conform_last_call (conform));
  return weir_conform_fail (conform, "%s", found->str);
}

/* Runs it as it would in a pipeline. FALSE: weir_conform_end() says why. */
static gboolean
run_some (WeirConform *conform)
{
  if (!weir_conform_start (conform, 0, 1000)) {
    return FALSE;
  }
  weir_conform_feed (conform, 100);
  weir_conform_crank (conform, 10 * SECOND);
  return conform->harness->stage->life < WEIR_LIFE_ENDED;
}

WeirConformResult
weir_conform_open (WeirConform *conform)
{
  if (!weir_conform_make (conform, NULL)) {
    return WEIR_CONFORM_UNUSABLE;
  }
  WeirHarness *harness = conform->harness;
  gboolean opened = weir_harness_open (harness);
  if (!opened && !harness->stage->at_fault && (harness->stage->failure == NULL || *harness->stage->failure == '\0')) {
    return weir_conform_fail (conform, "open() fails with an empty message; expected one that says why");
  }
  if (harness->stage->refusal_told) {
    return weir_conform_end (conform);
  }
  weir_harness_stop (harness);
  if (opened && harness->stage->life != WEIR_LIFE_CLOSED) {
    return not_closed (conform, "behind a stop");
  }
  return weir_conform_end (conform);
}

WeirConformResult
weir_conform_answers (WeirConform *conform)
{
  if (run_some (conform)) {
    weir_conform_allow (conform, 100000);
    weir_conform_crank (conform, 10 * SECOND);
    weir_conform_finish (conform);
  }
  return weir_conform_end (conform);
}

WeirConformResult
weir_conform_end_of_input (WeirConform *conform)
{
  gboolean runs = run_some (conform);
  if (conform->harness == NULL) {
    return WEIR_CONFORM_UNUSABLE;
  }
  if (runs && !weir_conform_finish (conform)) {
    return not_closed (conform, conform->kind == WEIR_PRODUCER ? "behind a stop" : "behind the end of all inputs");
  }
  gint64 kept = weir_load_acquire (&conform->harness->stage->outstanding);
  if (runs && !conform->harness->stage->failed && kept > 0 && conform->kind != WEIR_PRODUCER) {
    return weir_conform_fail (
      conform, "closed behind the end of all inputs with %" G_GINT64_FORMAT " records kept; expected none", kept);
  }
  return weir_conform_end (conform);
}

/* ---- stops ---- */

/* Stops it with a taker that goes on, and where that is a transform's or consumer's way, with all that is fed. */
static WeirConformResult
stop_here (WeirConform *conform, const char *what)
{
  WeirHarness *harness = conform->harness;
  weir_harness_stop (harness);
  weir_conform_allow (conform, G_MAXSIZE);
  gint64 patience = conform->plan->limit / 4;
  weir_conform_crank (conform, 0);
  if (!weir_conform_wait (conform, is_closed, weir_conform_waits_outside (conform) ? MIN (patience, SECOND) : 0)) {
    weir_conform_crank (conform, 3600 * SECOND);
    if (!weir_conform_wait (conform, is_closed, weir_conform_is_held_up (conform) ? 0 : patience)) {
      return not_closed (conform, what);
    }
  }
  return weir_conform_end (conform);
}

WeirConformResult
weir_conform_stop_open (WeirConform *conform)
{
  if (!weir_conform_make (conform, NULL) || !weir_harness_open (conform->harness)) {
    return weir_conform_end (conform);
  }
  weir_harness_stop (conform->harness);
  if (conform->harness->stage->life != WEIR_LIFE_CLOSED) {
    return not_closed (conform, "stopped before its start");
  }
  return weir_conform_end (conform);
}

WeirConformResult
weir_conform_stop_running (WeirConform *conform)
{
  /* At its start, with nothing done yet; and in the middle. */
  if (!weir_conform_start (conform, 0, 0)) {
    return weir_conform_end (conform);
  }
  WeirConformResult result = stop_here (conform, "stopped at its start");
  if (result == WEIR_CONFORM_FAILED || !run_some (conform)) {
    return result != WEIR_CONFORM_OK ? result : weir_conform_end (conform);
  }
  weir_conform_feed (conform, 10);
  return stop_here (conform, "stopped while it runs");
}

WeirConformResult
weir_conform_stop_paused (WeirConform *conform)
{
  if (conform->kind == WEIR_CONSUMER) {
    return weir_conform_skip (conform, "a consumer is not paused");
  }
  if (!weir_conform_start (conform, 4, 0)) {
    return weir_conform_end (conform);
  }
  weir_conform_feed (conform, 20);
  weir_conform_crank (conform, SECOND);
  weir_harness_pause (conform->harness, TRUE);
  weir_conform_crank (conform, SECOND);
  if (conform->harness->stage->life >= WEIR_LIFE_ENDED) {
    return weir_conform_end (conform);
  }
  if (conform->kind == WEIR_PRODUCER) {
    /* A producer is stopped paused or not: nobody resumes it before. */
    return stop_here (conform, "stopped while it is paused");
  }
  weir_harness_stop (conform->harness);
  weir_harness_halt (conform->harness);
  if (conform->harness->stage->life != WEIR_LIFE_CLOSED) {
    return not_closed (conform, "halted while it is paused");
  }
  return weir_conform_end (conform);
}

WeirConformResult
weir_conform_stop_ending (WeirConform *conform)
{
  if (conform->kind == WEIR_PRODUCER) {
    return weir_conform_skip (conform, "a producer has no end()");
  }
  if (!weir_conform_start (conform, 8, 4)) {
    return weir_conform_end (conform);
  }
  weir_conform_feed (conform, 4);
  weir_harness_end (conform->harness);
  weir_conform_crank (conform, 0);
  return stop_here (conform, "stopped while it ends");
}

WeirConformResult
weir_conform_halt (WeirConform *conform)
{
  if (!weir_conform_start (conform, 8, 4)) {
    return weir_conform_end (conform);
  }
  weir_conform_feed (conform, 20);
  for (guint i = 0; i < 4; i++) {
    weir_harness_turn (conform->harness);
  }
  weir_harness_halt (conform->harness);
  if (conform->harness->stage->life != WEIR_LIFE_CLOSED) {
    return not_closed (conform, "halted");
  }
  weir_conform_crank (conform, 10 * SECOND);
  return weir_conform_end (conform);
}

WeirConformResult
weir_conform_failure (WeirConform *conform)
{
  static const char message[] = "failed by the check";
  if (!run_some (conform)) {
    return weir_conform_end (conform);
  }
  WeirHarness *harness = conform->harness;
  weir_harness_fail (harness, message);
  weir_conform_allow (conform, G_MAXSIZE);
  if (!weir_conform_wait (conform, is_closed, SECOND)) {
    /* What lingers is closed by the deadline. */
    weir_harness_halt (harness);
  }
  if (harness->stage->life != WEIR_LIFE_CLOSED) {
    return not_closed (conform, "behind a failure");
  }
  WeirConformResult result = weir_conform_end (conform);
  if (result == WEIR_CONFORM_SKIPPED && strcmp (harness->stage->failure, message) == 0) {
    g_clear_pointer (&conform->said, g_free);
    return WEIR_CONFORM_OK;
  }
  return result;
}

#define RESTARTS 3

WeirConformResult
weir_conform_restart (WeirConform *conform)
{
  conform->restarts = TRUE;
  gboolean runs = run_some (conform);
  WeirHarness *harness = conform->harness;
  const WeirStage *stage = harness != NULL ? harness->stage : NULL;
  if (stage != NULL && (stage->life == WEIR_LIFE_DOWN || weir_harness_figure (harness, "restarts") > 0)) {
    return weir_conform_skip (conform, "it fails by itself%s%s", stage->failure != NULL ? ": " : "",
                              stage->failure != NULL ? stage->failure : "");
  }
  if (!runs) {
    return weir_conform_end (conform);
  }
  for (guint i = 1; i <= RESTARTS; i++) {
    weir_harness_fail (harness, "failed by the check");
    if (stage->life != WEIR_LIFE_DOWN) {
      return weir_conform_end (conform); /* it was about to end */
    }
    weir_conform_crank (conform, SECOND);
    if (stage->life == WEIR_LIFE_DOWN || weir_harness_figure (harness, "restarts") > i) {
      return weir_conform_fail (conform, "fails when it is opened again: %s", stage->failure);
    }
    weir_conform_feed (conform, 20);
    weir_conform_crank (conform, SECOND);
    if (stage->life >= WEIR_LIFE_ENDED) {
      return weir_conform_end (conform);
    }
  }
  if (!weir_conform_finish (conform)) {
    return not_closed (conform, "opened again, and behind the end of all inputs");
  }
  return weir_conform_end (conform);
}

/* Behind close() nothing of the plugin's may run any more: no source, no thread. */
WeirConformResult
weir_conform_close (WeirConform *conform)
{
  if (!run_some (conform)) {
    return weir_conform_end (conform);
  }
  WeirHarness *harness = conform->harness;
  weir_harness_halt (harness);
  if (harness->stage->life != WEIR_LIFE_CLOSED) {
    return not_closed (conform, "halted");
  }
  gsize size = conform->role->state_size;
  g_autofree guint8 *before = g_memdup2 (harness->stage->self, size);
  guint64 emitted = weir_harness_figure (harness, "refused");
  weir_conform_crank (conform, 60 * SECOND);
  g_usleep (20 * 1000); /* a thread of its own needs time to do harm */
  weir_conform_crank (conform, 60 * SECOND);
  for (gsize i = 0; i < size; i++) {
    if (((const guint8 *) harness->stage->self)[i] != before[i]) {
      return weir_conform_fail (
        conform, "byte %" G_GSIZE_FORMAT " of its state was written behind close(); expected nothing of it to run then",
        i);
    }
  }
  if (weir_harness_figure (harness, "refused") != emitted) {
    return weir_conform_fail (conform, "emitted a record behind close(); expected nothing of it to run then");
  }
  return weir_conform_end (conform);
}
