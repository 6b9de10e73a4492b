/* SPDX-License-Identifier: Apache-2.0 */
/* produce.c: the produce() of a transform that makes much out of one record, or at an end (R7; R5 as to its answers).
 * Runs on the stage's worker, between the callback that answered PRODUCE and whatever comes next. */
#include "stage.h"

void
weir_intake_begin_produce (WeirStage *stage, WeirProduces produces, const WeirRecord *at_hand, const char *callback)
{
  if (stage->role->produce == NULL) {
    stage->at_fault = TRUE;
    weir_stage_fail (stage, "%s() answered PRODUCE, and the role has no produce()", callback);
    return;
  }
  stage->produces = produces;
  stage->at_hand = at_hand;
}

/* What the produce() that is over belonged to. */
static void
produced (WeirStage *stage)
{
  WeirProduces what = stage->produces;
  stage->produces = WEIR_PRODUCES_NOT;
  if (what == WEIR_PRODUCES_STREAM) {
    weir_streams_produced (stage);
  } else if (what == WEIR_PRODUCES_RECORD) {
    WeirLink *link = stage->current_link;
    const WeirRecord *record = stage->at_hand;
    weir_intake_took (stage, link, record, 1, record->size + record->trail, 1);
  }
}

/* One produce() of a transform, as in R5. TRUE: the turn is over. */
gboolean
weir_intake_produce (WeirStage *stage, WeirTurn *turn)
{
  gsize before = stage->turn_records;
  /* Only inside the callback: what a call or a source emits between two of them inherits nothing. */
  stage->current = stage->at_hand;
  weir_stage_enter (stage, "produce");
  WeirNext next = stage->role->produce (stage, stage->self);
  weir_stage_leave (stage);
  stage->current = &weir_no_record;
  gboolean used = weir_turn_used (stage, turn);
  if (next == WEIR_MORE && stage->turn_records == before) {
    weir_turn_empty (stage);
    return TRUE;
  }
  stage->empty_turns = 0;
  switch (next) {
  case WEIR_WAIT:
    stage->waits = TRUE;
    break;
  case WEIR_DONE:
    produced (stage);
    break;
  case WEIR_REJECT:
    if (stage->produces != WEIR_PRODUCES_RECORD) {
      stage->at_fault = TRUE;
      weir_stage_fail (stage, "produce() rejected, and there is no record at hand: %s", weir_stage_rejection (stage));
      break;
    }
    weir_reject_record (stage, stage->at_hand, weir_stage_rejection (stage));
    if (!stage->failed) {
      produced (stage);
    }
    break;
  case WEIR_MORE:
    break;
  default:
    weir_stage_check_answer (stage, "produce", next, 0);
    break;
  }
  return used;
}
