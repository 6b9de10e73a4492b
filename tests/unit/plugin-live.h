/* SPDX-License-Identifier: Apache-2.0 */
/* plugin-live.h: a pipeline that the test's main thread watches and disturbs while it runs: what its consumer has noted, what has
 * become of it, and waiting for that. Everything static: one test program includes it once. */
#pragma once

#include "plugin-ends.h"

static Notes notes;
static WeirPipeline *pipeline;
static GPtrArray *owned; /* of the options */
static char *failure;    /* "stage: message", the first */
static gboolean is_ready, is_over;
static WeirResult result;

static void
live_set_up (void)
{
  notes = notes_new ();
  notes.awaited = TRUE;
  owned = g_ptr_array_new_with_free_func (g_free);
  failure = NULL;
  is_ready = is_over = FALSE;
}

static void
live_tear_down (void)
{
  notes_free (&notes);
  g_ptr_array_unref (owned);
  g_free (failure);
}

static void
on_ready (G_GNUC_UNUSED WeirPipeline *of, G_GNUC_UNUSED gpointer data)
{
  is_ready = TRUE;
}

static void
on_failed (G_GNUC_UNUSED WeirPipeline *of, WeirStage *stage, const char *message, G_GNUC_UNUSED gpointer data)
{
  if (failure == NULL) {
    failure = g_strdup_printf ("%s: %s", weir_stage_name (stage), message);
  }
}

static void
on_over (G_GNUC_UNUSED WeirPipeline *of, WeirResult what, G_GNUC_UNUSED gpointer data)
{
  is_over = TRUE;
  result = what;
}

static const WeirPipelineEvents live_events = { .ready = on_ready, .failed = on_failed, .over = on_over };

static gboolean
too_late (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_CONTINUE;
}

/* Runs the main loop until it holds, or the pipeline is over. */
static void
live_await (gboolean (*holds) (gconstpointer data), gconstpointer data)
{
  gboolean late = FALSE;
  guint timer = g_timeout_add_seconds (30, too_late, &late);
  while (!holds (data) && !late && !is_over) {
    g_main_context_iteration (NULL, TRUE);
  }
  g_source_remove (timer);
  ck_assert_msg (!late, "after 30 seconds still: %s", notes.text->str);
}

static gboolean
is_noted (gconstpointer text)
{
  g_mutex_lock (&notes.lock);
  gboolean same = g_str_equal (notes.text->str, text);
  g_mutex_unlock (&notes.lock);
  return same;
}

static gboolean
is_set (gconstpointer flag)
{
  return *(const gboolean *) flag;
}

G_GNUC_UNUSED static void
await (const char *text)
{
  live_await (is_noted, text);
  ck_assert_str_eq (notes.text->str, text);
}

static void
await_flag (const gboolean *flag)
{
  live_await (is_set, flag);
  ck_assert_msg (*flag, "it is over, with: %s", notes.text->str);
}

/* Until the pipeline is over. */
static void
finish (void)
{
  await_flag (&is_over);
  weir_pipeline_free (pipeline);
}
