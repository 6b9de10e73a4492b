/* SPDX-License-Identifier: Apache-2.0 */
/* ends.c: the real stage of a child process and its hidden ends (see ends.h). What the stage has released is noted on the stage's worker,
 * and told to the parent once all that was made before it is out: whatever is not told is undone, also where the process dies. */
#include "isolate/ends-state.h"

#include "isolate/control.h"

/* ---- what is released ---- */

void
weir_ends_store_figures (WeirEnds *ends)
{
  WeirStage *stage = ends->stage;
  WeirShared *shared = ends->shared;
  guint64 made = 0;
  for (guint i = 0; i < ends->outputs; i++) {
    made += ends->links[i]->put_private - ends->links[i]->controls_private;
  }
  weir_store_relaxed (&shared->made, made);
  weir_store_relaxed (&shared->records_in, weir_load_relaxed (&stage->records_in));
  weir_store_relaxed (&shared->bytes_in, weir_load_relaxed (&stage->bytes_in));
  weir_store_relaxed (&shared->rejected, weir_load_relaxed (&stage->rejected_count));
  weir_store_relaxed (&shared->refused, weir_load_relaxed (&stage->refused));
  weir_store_relaxed (&shared->errors, weir_load_relaxed (&stage->errors));
  for (guint i = 0; i < WEIR_CLOCKS; i++) {
    weir_store_relaxed (&shared->clocks[i], weir_load_relaxed (&stage->clocks[i]));
  }
  for (guint i = 0; i < stage->counter_count; i++) {
    weir_store_relaxed (weir_shared_counter (shared, ends->inputs, i), weir_load_relaxed (&stage->counters[i]));
  }
}

static gboolean
is_out (const WeirEnds *ends, const WeirEndsMark *mark)
{
  for (guint i = 0; i < ends->outputs && !ends->unwanted; i++) {
    if (ends->written[i] < mark->put[i]) {
      return FALSE;
    }
  }
  return TRUE;
}

static void
tell (WeirEnds *ends, const WeirEndsMark *mark)
{
  for (guint i = 0; i < ends->inputs; i++) {
    weir_store_release (weir_shared_released (ends->shared, i), mark->released[i]);
  }
  weir_fence (&ends->shared->wants);
  if (weir_load_relaxed (&ends->shared->wants) != 0 && weir_exchange (&ends->shared->wants, 0) != 0) {
    weir_control_say (WEIR_CONTROL_FD, WEIR_SAY_RELEASED, NULL);
  }
}

void
weir_ends_tell_what_is_out (WeirEnds *ends)
{
  while (ends->waiting.set || ends->latest.set) {
    if (!ends->waiting.set) {
      WeirEndsMark mark = ends->waiting;
      ends->waiting = ends->latest;
      ends->latest = mark;
    }
    if (!is_out (ends, &ends->waiting)) {
      return;
    }
    tell (ends, &ends->waiting);
    ends->waiting.set = FALSE;
  }
}

void
weir_ends_note_released (G_GNUC_UNUSED WeirLink *link, gpointer data)
{
  WeirEnds *ends = data;
  weir_ends_store_figures (ends);
  g_mutex_lock (&ends->lock);
  for (guint i = 0; i < ends->inputs; i++) {
    const WeirLink *input = ends->stage->inputs[i];
    /* What was given up is the parent's to drop. */
    ends->latest.released[i] = MIN (input->done_private, input->extras->given_up - 1);
  }
  for (guint i = 0; i < ends->outputs; i++) {
    ends->latest.put[i] = ends->links[i]->put_private;
  }
  ends->latest.set = TRUE;
  weir_ends_tell_what_is_out (ends);
  g_mutex_unlock (&ends->lock);
}

static void
look_at_stage (WeirStage *stage)
{
  weir_ends_store_figures (stage->extras->elsewhere_data);
}

static const WeirElsewhere stage_elsewhere = { .look = look_at_stage };

void
weir_ends_hear_over (WeirEnds *ends, const char *text)
{
  guint64 number;
  WeirOutcome outcome;
  if (weir_crossing_hear (text, &number, &outcome)) {
    weir_crossing_over (&ends->crossing, number, outcome);
  }
}

/* ---- made and freed ---- */

gpointer
weir_ends_state (WeirEnds *ends)
{
  WeirEnds **state = g_new (WeirEnds *, 1);
  *state = ends;
  return state;
}

WeirStage *
weir_ends_stage (WeirEnds *ends)
{
  return ends->stage;
}

static gboolean
has_outputs (const WeirPlan *plan)
{
  gboolean any = plan->rejects;
  for (guint i = 0; i < plan->outputs->len; i++) {
    any = any || g_array_index (plan->outputs, WeirPlanOutput, i).taken;
  }
  return any;
}

/* A stage that was started again goes on counting. */
static void
take_up_figures (WeirStage *stage, WeirShared *shared, guint inputs)
{
  weir_store_relaxed (&stage->records_in, weir_load_relaxed (&shared->records_in));
  weir_store_relaxed (&stage->bytes_in, weir_load_relaxed (&shared->bytes_in));
  weir_store_relaxed (&stage->rejected_count, weir_load_relaxed (&shared->rejected));
  weir_store_relaxed (&stage->refused, weir_load_relaxed (&shared->refused));
  weir_store_relaxed (&stage->errors, weir_load_relaxed (&shared->errors));
  for (guint i = 0; i < WEIR_CLOCKS; i++) {
    weir_store_relaxed (&stage->clocks[i], weir_load_relaxed (&shared->clocks[i]));
  }
  for (guint i = 0; i < stage->counter_count; i++) {
    weir_store_relaxed (&stage->counters[i], weir_load_relaxed (weir_shared_counter (shared, inputs, i)));
  }
}

WeirEnds *
weir_ends_new (WeirPipeline *pipeline, const WeirPlan *plan, const WeirRole *role, gpointer self, WeirShared *shared,
               GError **error)
{
  WeirEnds *ends = g_new0 (WeirEnds, 1);
  guint most = plan->outputs->len + 1;
  g_mutex_init (&ends->lock);
  ends->shared = shared;
  weir_crossing_init (&ends->crossing, NULL);
  ends->inputs = plan->inputs->len;
  ends->links = g_new0 (WeirLink *, most);
  ends->numbers = g_new0 (guint16, most);
  ends->written = g_new0 (guint64, most);
  ends->waiting = (WeirEndsMark){ FALSE, g_new0 (guint64, ends->inputs + 1), g_new0 (guint64, most) };
  ends->latest = (WeirEndsMark){ FALSE, g_new0 (guint64, ends->inputs + 1), g_new0 (guint64, most) };
  ends->stage = weir_pipeline_add (pipeline, plan->name, plan->kind, plan->plugin, role, self, NULL, error);
  if (ends->stage == NULL || (ends->inputs > 0 && !weir_ends_add_reader (ends, pipeline, plan, error)) ||
      (has_outputs (plan) && !weir_ends_add_writer (ends, pipeline, plan, error))) {
    weir_ends_free (ends);
    return NULL;
  }
  ends->stage->log_level = plan->log_level;
  take_up_figures (ends->stage, shared, ends->inputs);
  ends->stage->elsewhere = &stage_elsewhere;
  weir_stage_extras (ends->stage)->elsewhere_data = ends;
  return ends;
}

void
weir_ends_free (WeirEnds *ends)
{
  g_mutex_clear (&ends->lock);
  weir_crossing_clear (&ends->crossing, NULL, NULL);
  g_strfreev (ends->ports);
  g_free (ends->links);
  g_free (ends->numbers);
  g_free (ends->written);
  g_free (ends->waiting.released);
  g_free (ends->waiting.put);
  g_free (ends->latest.released);
  g_free (ends->latest.put);
  g_free (ends);
}
