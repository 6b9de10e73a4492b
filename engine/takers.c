/* SPDX-License-Identifier: Apache-2.0 */
/* takers.c: whether a stage still has somebody to take what it makes (R16).
 * Runs on the stage's worker, when a link of its has been closed by its taker: ends that link, and stops a stage that has no other
 * left. Changes nothing else of the stage's life. */
#include "connections.h"
#include "front.h"
#include "stage.h"

static void
check_taker (WeirStage *stage, WeirLink *link)
{
  if (weir_load_acquire (&link->closed) == WEIR_LINK_OPEN || link->ended) {
    return;
  }
  if (link->front != NULL) {
    weir_front_put_control (link->front, WEIR_CONTROL_END, 0);
  } else {
    weir_link_put_control (link, WEIR_CONTROL_END, 0);
  }
  (void) stage;
}

gboolean
weir_life_has_taker (WeirStage *stage)
{
  if (stage->kind == WEIR_CONSUMER || stage->life >= WEIR_LIFE_ENDED) {
    return TRUE;
  }
  if (stage->listens) {
    return weir_connections_taken (stage->connections);
  }
  weir_outputs_each (stage, check_taker);
  if (stage->out_finishing) {
    return TRUE;
  }
  for (guint p = 0; p < stage->port_count; p++) {
    for (guint i = 0; i < stage->ports[p].count; i++) {
      if (weir_load_relaxed (&stage->ports[p].links[i]->closed) == WEIR_LINK_OPEN) {
        return TRUE;
      }
    }
  }
  return FALSE;
}

/* What was to become of its input for a taker that has failed is not done, where one that had enough wants it no more. */
static guint32
why_no_taker (WeirStage *stage)
{
  for (guint p = 0; p < stage->port_count; p++) {
    for (guint i = 0; i < stage->ports[p].count; i++) {
      if (weir_load_relaxed (&stage->ports[p].links[i]->closed) == WEIR_LINK_FAILED) {
        return WEIR_LINK_FAILED;
      }
    }
  }
  return WEIR_LINK_FINISHED;
}

void
weir_life_check_takers (WeirStage *stage)
{
  if (!weir_life_has_taker (stage)) {
    weir_life_stop (stage, why_no_taker (stage));
  }
}
