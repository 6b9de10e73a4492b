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
  if (shared == NULL) {
    return;
  }
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
    weir_control_say (ends->control, WEIR_SAY_RELEASED, NULL);
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
  if (ends->shared == NULL) {
    return;
  }
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

WeirStage *
weir_ends_add (WeirEnds *ends, WeirPipeline *pipeline, const char *name, WeirKind kind, const WeirRole *role,
               GError **error)
{
  WeirEnds **state = g_new (WeirEnds *, 1);
  *state = ends;
  if (ends->connections == NULL) {
    return weir_pipeline_add (pipeline, name, kind, "isolate", role, state, "isolate", error);
  }
  WeirStage *stage = weir_pipeline_add_template (pipeline, name, kind, "isolate", role, state);
  weir_connections_add_stage (ends->connections, stage);
  return stage;
}

WeirStage *
weir_ends_stage (WeirEnds *ends)
{
  return ends->stage;
}

gboolean
weir_ends_have_outputs (const WeirPlan *plan)
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

void
weir_ends_adopt (WeirEnds *ends, WeirStage *stage)
{
  ends->stage = stage;
  stage->elsewhere = &stage_elsewhere;
  weir_stage_extras (stage)->elsewhere_data = ends;
}

WeirEnds *
weir_ends_make (guint inputs, guint most)
{
  WeirEnds *ends = g_new0 (WeirEnds, 1);
  g_mutex_init (&ends->lock);
  weir_crossing_init (&ends->crossing, NULL);
  ends->inputs = inputs;
  ends->links = g_new0 (WeirLink *, most);
  ends->numbers = g_new0 (guint16, most);
  ends->written = g_new0 (guint64, most);
  ends->waiting = (WeirEndsMark){ FALSE, g_new0 (guint64, ends->inputs + 1), g_new0 (guint64, most) };
  ends->latest = (WeirEndsMark){ FALSE, g_new0 (guint64, ends->inputs + 1), g_new0 (guint64, most) };
  return ends;
}

WeirEnds *
weir_ends_new (WeirPipeline *pipeline, const WeirPlan *plan, const WeirRole *role, gpointer self, WeirShared *shared,
               GError **error)
{
  WeirEnds *ends = weir_ends_make (plan->inputs->len, plan->outputs->len + 1);
  ends->shared = shared;
  ends->data = WEIR_DATA_FD;
  ends->control = WEIR_CONTROL_FD;
  WeirStage *stage = weir_pipeline_add (pipeline, plan->name, plan->kind, plan->plugin, role, self, NULL, error);
  if (stage == NULL) {
    weir_ends_free (ends);
    return NULL;
  }
  stage->log_level = plan->log_level;
  take_up_figures (stage, shared, ends->inputs);
  weir_ends_adopt (ends, stage);
  if ((ends->inputs > 0 && !weir_ends_add_reader (ends, pipeline, plan->inputs, plan->shared, error)) ||
      (!plan->listens && weir_ends_have_outputs (plan) && !weir_ends_add_writer (ends, pipeline, stage, plan, error))) {
    weir_ends_free (ends);
    return NULL;
  }
  return ends;
}

void
weir_ends_free (WeirEnds *ends)
{
  g_mutex_clear (&ends->lock);
  g_clear_pointer (&ends->template, weir_ends_template_free);
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
