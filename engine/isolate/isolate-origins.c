/* SPDX-License-Identifier: Apache-2.0 */
/* isolate-origins.c: what becomes of origins that cross between a stage that is isolated and its child (see isolate-state.h). Runs on the
 * stage's worker. What the child says to be over is over here once all is read that it had sent before, as that may be under it too. */
#include "isolate/isolate-state.h"

typedef struct {
  guint64 number;
  WeirOutcome outcome;
} Over;

void
weir_isolate_open_origins (WeirIsolate *isolate)
{
  WeirStage *stage = isolate->stage;
  gboolean producer = stage->kind == WEIR_PRODUCER;
  weir_crossing_init (&isolate->crossing, producer ? stage : NULL);
  isolate->overs = g_array_new (FALSE, FALSE, sizeof (Over));
  isolate->receiver.resolve = !producer || stage->role->delivered != NULL ? weir_crossing_resolve : NULL;
  isolate->receiver.resolve_data = &isolate->crossing;
  /* Of a child that sends nothing back, what it has released is all there is to know. */
  isolate->sender.number = isolate->outputs > 0 ? weir_crossing_number : NULL;
  isolate->sender.number_data = &isolate->crossing;
}

static void
take_overs (WeirIsolate *isolate)
{
  for (guint i = 0; i < isolate->overs->len; i++) {
    const Over *over = &g_array_index (isolate->overs, Over, i);
    /* What it has given up is still here, undone, or has failed with it. */
    weir_crossing_over (&isolate->crossing, over->number,
                        over->outcome == WEIR_ABANDONED ? WEIR_DELIVERED : over->outcome);
  }
  g_array_set_size (isolate->overs, 0);
}

void
weir_isolate_hear_over (WeirIsolate *isolate, const char *text)
{
  Over over;
  if (isolate->overs == NULL || !weir_crossing_hear (text, &over.number, &over.outcome)) {
    return;
  }
  g_array_append_val (isolate->overs, over);
  if (isolate->output_over || isolate->drained) {
    take_overs (isolate);
  } else {
    weir_stage_wake (isolate->stage); /* it reads on, and finds the socket empty */
  }
}

void
weir_isolate_read_all (WeirIsolate *isolate)
{
  if (isolate->overs->len > 0) {
    take_overs (isolate);
  }
}

void
weir_isolate_delivered (WeirStage *stage, gpointer state, gpointer token, WeirOutcome outcome)
{
  WeirIsolate *isolate = weir_isolate_of (state);
  (void) stage;
  g_autofree char *text = weir_crossing_text (GPOINTER_TO_SIZE (token), outcome);
  weir_isolate_say (isolate, WEIR_SAY_DELIVERED, text);
}

/* It has gone before it said what became of this one. What it had not released comes again; what it had, it held in part. */
static gboolean
is_lost (const WeirCrossed *crossed, gpointer data)
{
  const WeirIsolate *isolate = data;
  for (guint i = 0; i < isolate->stage->input_count; i++) {
    if (isolate->stage->inputs[i] == crossed->link) {
      return crossed->at < crossed->link->done_private;
    }
  }
  return TRUE;
}

void
weir_isolate_close_origins (WeirIsolate *isolate)
{
  if (isolate->overs == NULL) {
    return;
  }
  take_overs (isolate);
  g_clear_pointer (&isolate->overs, g_array_unref);
  gboolean in_order = isolate->shared != NULL && weir_load_relaxed (&isolate->shared->over) != 0;
  weir_crossing_clear (&isolate->crossing, in_order ? NULL : is_lost, isolate);
}
