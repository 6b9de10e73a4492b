/* SPDX-License-Identifier: Apache-2.0 */
/* harness.c: a stage between fake ends (weir/harness.h): its links, its life, its end.
 * Runs on the test's thread. A pipeline in small: it asks its stages for what the main thread asks of a pipeline's, and as all of them
 * live on one worker that nobody but the caller turns, each has answered when the crank is idle. */
#include "harness.h"

/* ---- the links ---- */

WeirHarnessOutput *
weir_harness_output_at (WeirHarness *harness, guint index)
{
  return index < harness->outputs->len ? g_ptr_array_index (harness->outputs, index) : NULL;
}

gboolean
weir_harness_find (WeirHarness *harness, const char *link, WeirHarnessOutput **output)
{
  *output = NULL;
  WeirHarnessOutput *at;
  for (guint i = 0; (at = weir_harness_output_at (harness, i)) != NULL; i++) {
    if ((link == NULL && i == 0 && harness->kind != WEIR_CONSUMER) || g_strcmp0 (link, at->name) == 0) {
      *output = at;
      return TRUE;
    }
  }
  if (harness->kind != WEIR_PRODUCER && g_strcmp0 (link, "input") == 0) {
    return TRUE;
  }
  g_critical ("the harness of a %s has no link \"%s\"", weir_kind_names[harness->kind],
              link != NULL ? link : "(its output)");
  return FALSE;
}

WeirHarnessOutput *
weir_harness_find_output (WeirHarness *harness, const char *link)
{
  WeirHarnessOutput *output;
  if (weir_harness_find (harness, link, &output) && output == NULL) {
    g_critical ("the link \"input\" is no output");
  }
  return output;
}

void
weir_harness_set_taken (WeirHarness *harness, const char *link, gboolean taken)
{
  g_return_if_fail (!harness->opened);
  WeirHarnessOutput *output = weir_harness_find_output (harness, link);
  if (output != NULL) {
    output->taken = taken;
  }
}

void
weir_harness_set_record_max (WeirHarness *harness, gsize bytes)
{
  g_return_if_fail (!harness->opened);
  harness->record_max = bytes;
}

void
weir_harness_set_restarts (WeirHarness *harness)
{
  g_return_if_fail (!harness->opened);
  weir_restart_enable (harness->stage, WEIR_RESTART_FIRST);
}

void
weir_harness_set_wall (WeirHarness *harness, gint64 unix_microseconds)
{
  harness->clock.wall_offset = unix_microseconds - harness->clock.now;
}

void
weir_harness_set_patience (WeirHarness *harness, gint64 microseconds)
{
  harness->patience = microseconds;
}

void
weir_harness_set_live (WeirHarness *harness, gboolean live)
{
  harness->live = live;
}

/* ---- life ---- */

/* What the stage tells is seen in its state. */
static void
report (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED WeirStageEvent event, G_GNUC_UNUSED gpointer data)
{
}

static void
request_takers (WeirHarness *harness, guint32 request)
{
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (harness, i)) != NULL; i++) {
    if (output->taker != NULL) {
      weir_stage_request (output->taker, request);
    }
  }
}

static void
request_feed (WeirHarness *harness, guint32 request)
{
  if (harness->feed != NULL) {
    weir_stage_request (harness->feed, request);
  }
}

/* As the pipeline asks: a block in a callback is broken. */
static void
request_stage (WeirHarness *harness, guint32 request)
{
  weir_stage_request (harness->stage, request);
  weir_stage_interrupt (harness->stage);
}

static void
close_all (WeirHarness *harness)
{
  request_takers (harness, WEIR_REQUEST_CLOSE);
  request_feed (harness, WEIR_REQUEST_CLOSE);
  request_stage (harness, WEIR_REQUEST_CLOSE);
  weir_harness_run_ends (harness);
  weir_harness_run_stage (harness);
}

static void
set_up (WeirHarness *harness, WeirStage *stage)
{
  stage->report = report;
  stage->report_data = harness;
  stage->record_max = harness->record_max;
}

gboolean
weir_harness_open (WeirHarness *harness)
{
  g_return_val_if_fail (!harness->opened, FALSE);
  harness->opened = TRUE;
  WeirWorker *before = weir_harness_enter (harness);
  set_up (harness, harness->stage);
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (harness, i)) != NULL; i++) {
    if (output->taken) {
      weir_harness_make_taker (output);
      set_up (harness, output->taker);
    }
  }
  if (harness->kind != WEIR_PRODUCER) {
    weir_harness_make_feed (harness);
    set_up (harness, harness->feed);
  }
  request_takers (harness, WEIR_REQUEST_OPEN);
  request_feed (harness, WEIR_REQUEST_OPEN);
  weir_stage_request (harness->stage, WEIR_REQUEST_OPEN);
  weir_harness_run_ends (harness);
  weir_harness_run_stage (harness);
  if (harness->stage->failed) {
    close_all (harness);
  }
  weir_harness_leave (harness, before);
  return !harness->stage->failed;
}

gboolean
weir_harness_start (WeirHarness *harness)
{
  g_return_val_if_fail (!harness->started, FALSE);
  if (!harness->opened) {
    weir_harness_open (harness);
  }
  harness->started = TRUE;
  if (harness->stage->life != WEIR_LIFE_OPEN) {
    return FALSE;
  }
  WeirWorker *before = weir_harness_enter (harness);
  request_takers (harness, WEIR_REQUEST_START);
  weir_harness_run_ends (harness);
  weir_stage_request (harness->stage, WEIR_REQUEST_START);
  weir_harness_run_stage (harness);
  if (!harness->stage->failed) {
    request_feed (harness, WEIR_REQUEST_START);
  } else {
    request_feed (harness, WEIR_REQUEST_HALT);
  }
  weir_harness_run_ends (harness);
  weir_harness_leave (harness, before);
  return !harness->stage->failed;
}

void
weir_harness_stop (WeirHarness *harness)
{
  if (!harness->opened) {
    return;
  }
  WeirWorker *before = weir_harness_enter (harness);
  weir_harness_drop_backlog (harness);
  harness->input_ended = TRUE;
  if (harness->started) {
    request_feed (harness, WEIR_REQUEST_DRAIN | WEIR_REQUEST_STOP);
    request_stage (harness,
                   harness->kind == WEIR_PRODUCER ? WEIR_REQUEST_DRAIN | WEIR_REQUEST_STOP : WEIR_REQUEST_DRAIN);
    request_takers (harness, WEIR_REQUEST_DRAIN);
    weir_harness_run (harness);
  } else {
    harness->started = TRUE;
    close_all (harness);
  }
  weir_harness_leave (harness, before);
}

void
weir_harness_halt (WeirHarness *harness)
{
  if (!harness->opened) {
    return;
  }
  WeirWorker *before = weir_harness_enter (harness);
  harness->started = harness->input_ended = TRUE;
  weir_harness_drop_backlog (harness);
  request_stage (harness, WEIR_REQUEST_HALT);
  weir_harness_run_stage (harness);
  request_feed (harness, WEIR_REQUEST_HALT);
  request_takers (harness, WEIR_REQUEST_HALT);
  weir_harness_run_ends (harness);
  weir_harness_leave (harness, before);
}

void
weir_harness_fail (WeirHarness *harness, const char *message)
{
  g_return_if_fail (harness->opened && message != NULL);
  WeirWorker *before = weir_harness_enter (harness);
  weir_stage_fail (harness->stage, "%s", message);
  weir_harness_run (harness);
  weir_harness_leave (harness, before);
}

gboolean
weir_harness_finish (WeirHarness *harness)
{
  if (!harness->started) {
    weir_harness_start (harness);
  }
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (harness, i)) != NULL; i++) {
    weir_harness_allow (harness, output->name, G_MAXSIZE);
  }
  if (harness->kind != WEIR_PRODUCER) {
    weir_harness_end (harness);
  }
  return weir_harness_wait_closed (harness) && !harness->stage->failed && weir_harness_balances (harness);
}

void
weir_harness_free (WeirHarness *harness)
{
  if (harness == NULL) {
    return;
  }
  weir_harness_halt (harness);
  WeirWorker *before = weir_harness_enter (harness);
  /* What is left on the context: sources that nobody has destroyed are not waited for. */
  for (guint i = 0; i < 1000 && weir_harness_turn (harness); i++) {}
  g_clear_pointer (&harness->input, weir_link_free);
  WeirHarnessOutput *output;
  for (guint i = 0; (output = weir_harness_output_at (harness, i)) != NULL; i++) {
    g_clear_pointer (&output->link, weir_link_free);
  }
  g_clear_pointer (&harness->feed, weir_stage_unref);
  g_ptr_array_unref (harness->outputs); /* with the takers */
  /* Whoever still refers to the stage finds nothing of the harness in it. */
  harness->stage->role = harness->real;
  weir_stage_set_log (harness->stage, NULL);
  weir_stage_unref (harness->stage);
  weir_harness_leave (harness, before);
  harness->worker->clock = NULL;
  weir_worker_unref (harness->worker);
  weir_harness_drop_backlog (harness);
  g_hash_table_unref (harness->streams);
  g_hash_table_unref (harness->numbers);
  g_string_free (harness->events.text, TRUE);
  g_string_free (harness->calls.text, TRUE);
  g_string_free (harness->delivered.text, TRUE);
  g_string_free (harness->ledger, TRUE);
  g_string_free (harness->said, TRUE);
  g_string_free (harness->said_seen, TRUE);
  g_mutex_clear (&harness->lock);
  g_ptr_array_unref (harness->owned);
  g_free (harness);
}

WeirStage *
weir_harness_stage (WeirHarness *harness)
{
  return harness->stage;
}

gpointer
weir_harness_self (WeirHarness *harness)
{
  return harness->stage->self;
}
