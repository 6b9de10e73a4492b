/* SPDX-License-Identifier: Apache-2.0 */
/* What can only be said of all stages together: is there a producer, is each output taken, does nothing run in a circle, may the
 * stages of one worker share it. Main thread; owns nothing. Walks are loops, not recursions: a graph may be a long chain. */
#include "config-load.h"

#include <string.h>

/* Names of a circle that are shown. */
#define CYCLE_SHOWN 20

static void
check_outputs (WeirLoad *load)
{
  if (load->incomplete || load->unread) {
    return;
  }
  for (guint i = 0; i < load->stages->len; i++) {
    WeirLoadStage *entry = g_ptr_array_index (load->stages, i);
    if (entry->taken || entry->stage->kind == WEIR_CONSUMER) {
      continue;
    }
    weir_load_wrong_key (load, entry->spot,
                         "nobody takes its output; name \"%s\" in the \"from\" of a transform or consumer",
                         entry->stage->name);
  }
}

static void
check_producers (WeirLoad *load)
{
  WeirSpot none = { .parent = load->root, .key = "producers", .places = load->root->places, .node = load->root->node };

  for (guint i = 0; i < load->stages->len; i++) {
    WeirLoadStage *entry = g_ptr_array_index (load->stages, i);
    if (entry->stage->kind == WEIR_PRODUCER) {
      return;
    }
  }
  if (!load->incomplete) {
    weir_load_wrong (load, load->sections[WEIR_PRODUCER] != NULL ? load->sections[WEIR_PRODUCER] : &none,
                     "no producer; a pipeline begins with at least one");
  }
}

/* ---- circles ------------------------------------------------------------------------------------------------------- */

static void
tell_cycle (WeirLoad *load, GPtrArray *trail, guint start)
{
  /* The trail goes against the stream. The first of the file comes first. */
  guint length = trail->len - start, first = start;
  g_autoptr (GString) path = g_string_new (NULL);

  for (guint i = start; i < trail->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (trail, i), *least = g_ptr_array_index (trail, first);
    if (stage->index < least->index) {
      first = i;
    }
  }
  for (guint i = 0; i < length && i < CYCLE_SHOWN; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (trail, start + (first - start + length - i) % length);
    g_string_append_printf (path, "%s -> ", stage->name);
  }
  if (length > CYCLE_SHOWN) {
    g_string_append (path, "... -> ");
  }
  const WeirConfigStage *stage = g_ptr_array_index (trail, first);
  const WeirLoadStage *entry = g_ptr_array_index (load->stages, stage->index);
  g_string_append (path, stage->name);
  WeirSpot from = weir_spot_member (load, entry->spot, "from");
  weir_load_wrong (load, &from, "cycle: %s", path->str);
}

/* Goes against the stream from each stage, depth first, input by input; a stage that is on the trail closes a circle. */
static void
check_cycles (WeirLoad *load)
{
  guint count = load->stages->len;
  enum { NEW, ON_TRAIL, DONE };
  g_autofree guint8 *state = g_new0 (guint8, count + 1);
  g_autofree guint *next = g_new0 (guint, count + 1);     /* input to look at */
  g_autofree guint *position = g_new0 (guint, count + 1); /* on the trail */
  g_autoptr (GPtrArray) trail = g_ptr_array_new ();

  for (guint i = 0; i < count; i++) {
    if (state[i] == NEW) {
      g_ptr_array_add (trail, g_ptr_array_index (load->config->stages, i));
    }
    while (trail->len > 0) {
      const WeirConfigStage *stage = g_ptr_array_index (trail, trail->len - 1);
      state[stage->index] = ON_TRAIL;
      position[stage->index] = trail->len - 1;
      if (next[stage->index] == stage->inputs->len) {
        state[stage->index] = DONE;
        g_ptr_array_set_size (trail, (int) trail->len - 1);
        continue;
      }
      const WeirConfigInput *input = g_ptr_array_index (stage->inputs, next[stage->index]++);
      if (state[input->from->index] == ON_TRAIL) {
        tell_cycle (load, trail, position[input->from->index]);
      } else if (state[input->from->index] == NEW) {
        g_ptr_array_add (trail, input->from);
      }
    }
  }
}

/* ---- workers ------------------------------------------------------------------------------------------------------- */

/* A role that blocks would hold up all that share its worker. */
static void
check_threads (WeirLoad *load)
{
  for (guint i = 0; i < load->stages->len; i++) {
    const WeirLoadStage *entry = g_ptr_array_index (load->stages, i);
    const WeirConfigStage *stage = entry->stage;
    if (stage->thread == NULL || stage->role == NULL || (stage->role->flags & WEIR_BLOCKING) == 0) {
      continue;
    }
    WeirSpot spot = weir_spot_member (load, entry->spot, "thread");
    weir_load_wrong_key (load, &spot, "as a %s \"%s\" may block, so it always has a worker of its own",
                         weir_kind_names[stage->kind], stage->plugin_name);
  }
}

void
weir_load_graph (WeirLoad *load)
{
  check_producers (load);
  check_outputs (load);
  check_cycles (load);
  check_threads (load);
}
