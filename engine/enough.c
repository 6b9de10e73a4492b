/* SPDX-License-Identifier: Apache-2.0 */
/* enough.c: input that is no longer wanted: closing it, dropping what lies in it, and a taker that has had enough (R16).
 * Runs on the taking stage's worker. What is kept stays where it is until it is given back. */
#include "connections.h"

/* Rejected slots wait for room on .rejected. */
gboolean
weir_intake_holds_rejected (WeirStage *stage, WeirLink *link)
{
  return link->kept > 0 && stage->life < WEIR_LIFE_ENDED && weir_intake_paused (stage);
}

void
weir_intake_discard_run (WeirStage *stage, WeirLink *link, WeirDropReason reason)
{
  if (stage->flush_count > 0 && stage->flush_link == link) {
    weir_link_discard_taken (link, stage->flush_count, reason);
    stage->flush_count = 0;
    weir_joins_flushed (stage);
  }
}

void
weir_intake_discard (WeirStage *stage)
{
  weir_intake_collect (stage);
  WeirLink *link = stage->active;
  stage->active = NULL;
  for (WeirLink *next; link != NULL; link = next) {
    next = link->next_active;
    if (weir_load_relaxed (&link->closed) == WEIR_LINK_FINISHED) {
      weir_intake_discard_run (stage, link, WEIR_DROP_TAKER_FINISHED);
      do {
        weir_link_discard (link, WEIR_DROP_TAKER_FINISHED);
        weir_intake_notice (stage, link);
        weir_intake_done (stage, link);
      } while (!weir_intake_holds_rejected (stage, link) && !weir_link_take_idle (link));
      if (weir_intake_holds_rejected (stage, link)) {
        weir_intake_append (stage, link);
      }
      weir_intake_leave (stage, link);
    } else {
      weir_store_release (&link->ready, 0); /* it is on no list: so much must be seen before it can be let go */
      weir_fence (&link->ready);
      weir_origins_abandon_queued (link); /* what has come since the stage has failed */
    }
  }
}

void
weir_intake_close (WeirStage *stage, guint32 closed)
{
  for (guint i = 0; i < stage->input_count; i++) {
    if (weir_load_relaxed (&stage->inputs[i]->closed) == WEIR_LINK_OPEN) {
      weir_link_close (stage->inputs[i], closed);
      /* A producer that blocks in a callback would not notice. */
      weir_stage_interrupt (stage->inputs[i]->from);
    }
  }
  weir_intake_discard (stage);
  for (guint i = 0; i < stage->input_count && closed == WEIR_LINK_FAILED; i++) {
    weir_origins_abandon_queued (stage->inputs[i]);
  }
}

/* R16: this stage has had enough. Its links are closed, the states of its streams end, and what is kept is settled. */
void
weir_intake_enough (WeirStage *stage)
{
  if (!stage->input_closed) {
    stage->input_closed = stage->end_told = TRUE;
    weir_intake_close (stage, WEIR_LINK_FINISHED);
  }
  for (guint i = 0; i < stage->input_count; i++) {
    for (guint32 stream; weir_streams_any (stage->inputs[i], &stream);) {
      if (!weir_streams_end (stage, stage->inputs[i], stream)) {
        return;
      }
    }
  }
  stage->inputs_over = stage->input_count;
  stage->enough = FALSE;
}
