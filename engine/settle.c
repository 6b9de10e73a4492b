/* SPDX-License-Identifier: Apache-2.0 */
/* settle.c: tells a stage that keeps records to finish with them (R15).
 * Runs on the stage's worker at the end of its turn. */
#include "stage.h"

/* An input on which nothing is left to take, and whose producer waits for what this stage keeps. */
static gboolean
is_held_up (WeirLink *link)
{
  return link->kept > 0 && weir_link_look (link) == 0 && weir_load_acquire (&link->full) != 0;
}

static gboolean
wants_settling (WeirStage *stage)
{
  if (stage->settle_wanted) {
    for (guint i = 0; i < stage->input_count; i++) {
      if (is_held_up (stage->inputs[i])) {
        return TRUE;
      }
    }
    stage->settle_wanted = FALSE;
  }
  return (stage->draining || stage->end_told || stage->settle_asked) && stage->active == NULL;
}

void
weir_intake_settle (WeirStage *stage)
{
  if (weir_load_acquire (&stage->outstanding) == 0 || stage->settle_told || stage->failed || stage->finishing ||
      stage->life >= WEIR_LIFE_ENDED || stage->flush_count > 0 || stage->produces != WEIR_PRODUCES_NOT ||
      weir_intake_paused (stage) || !wants_settling (stage)) {
    return;
  }
  stage->settle_told = TRUE;
  if (stage->role->settle == NULL) {
    if (stage->settle_wanted || stage->settle_asked) {
      weir_stage_fail (stage, "keeps %" G_GINT64_FORMAT " records while its input is full of them, and has no settle()",
                       weir_load_relaxed (&stage->outstanding));
    }
    return;
  }
  stage->settle_wanted = stage->settle_asked = FALSE;
  weir_stage_enter (stage, "settle");
  WeirNext next = stage->role->settle (stage, stage->self);
  weir_stage_leave (stage);
  if (next != WEIR_MORE &&
      !weir_stage_check_answer (stage, "settle", next,
                                WEIR_CAN (WEIR_WAIT) | WEIR_CAN (WEIR_DONE) | WEIR_CAN (WEIR_PRODUCE))) {
    return;
  }
  if (next == WEIR_PRODUCE) {
    weir_intake_begin_produce (stage, WEIR_PRODUCES_SETTLE, &weir_no_record, "settle");
    weir_task_make_ready (&stage->task);
  }
}
