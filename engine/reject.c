/* SPDX-License-Identifier: Apache-2.0 */
/* reject.c: records that are kept, given back and rejected (weir/record.h; R14, `.rejected`).
 * keep() and the moving of rejected records run on the stage's worker; release and reject on any thread: they mark the slot,
 * fence, and make the stage ready. The record of a kept slot belongs to its link until it is given back. */
#include "stage.h"

#include <stdarg.h>

WeirRecord *
weir_record_keep (WeirStage *stage, const WeirRecord *record)
{
  WeirSegment *segment = weir_segment_of (record);
  g_return_val_if_fail (segment->link->to == stage, NULL);
  _Atomic guint8 *state = weir_segment_state (segment, record);
  g_return_val_if_fail ((weir_load_relaxed (state) & WEIR_SLOT_KEPT) == 0, NULL);
  weir_store_relaxed (state, weir_load_relaxed (state) | WEIR_SLOT_KEPT);
  segment->link->kept++;
  if (G_UNLIKELY (record->context != NULL && record->context->origin != NULL)) {
    weir_joins_keep (stage, record);
  }
  atomic_fetch_add_explicit (&stage->outstanding, 1, memory_order_relaxed);
  return (WeirRecord *) record;
}

static void
give_back (WeirRecord *kept, guint8 bit)
{
  WeirSegment *segment = weir_segment_of (kept);
  WeirLink *link = segment->link;
  WeirStage *stage = link->to;
  _Atomic guint8 *state = weir_segment_state (segment, kept);
  guint8 before = weir_load_relaxed (state);
  gboolean may_leave = link->connection != NULL;
  g_return_if_fail ((before & WEIR_SLOT_KEPT) != 0 && (before & (WEIR_SLOT_RELEASED | WEIR_SLOT_REJECTED)) == 0);
  if (may_leave) {
    atomic_fetch_add_explicit (&link->giving, 1, memory_order_relaxed);
  }
  atomic_fetch_sub_explicit (&stage->outstanding, 1, memory_order_relaxed);
  weir_store_release (state, before | bit);
  weir_store_release (&link->released, 1);
  weir_store_release (&stage->releases, 1);
  weir_link_make_ready (link);
  if (may_leave) {
    atomic_fetch_sub_explicit (&link->giving, 1, memory_order_release);
  }
  /* A link on the active list of a stage that waits is not made ready again. */
  weir_task_make_ready (&stage->task);
}

void
weir_record_release (WeirRecord *kept)
{
  give_back (kept, WEIR_SLOT_RELEASED);
}

void
weir_record_reject (WeirRecord *kept, const char *format, ...)
{
  WeirLink *link = weir_segment_of (kept)->link;
  va_list arguments;
  va_start (arguments, format);
  WeirRejection *rejection = g_new (WeirRejection, 1);
  rejection->slot = kept;
  rejection->reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  WeirRejection *head = weir_load_relaxed (&link->rejections);
  do {
    rejection->next = head;
  } while (!atomic_compare_exchange_weak_explicit (&link->rejections, &head, rejection, memory_order_release,
                                                   memory_order_relaxed));
  give_back (kept, WEIR_SLOT_REJECTED);
}

/* FALSE: nobody takes what is rejected, and the stage has failed for it. */
static gboolean
count_rejected (WeirStage *stage, const WeirRecord *record, const char *reason)
{
  weir_record_note (record, WEIR_REJECTED);
  weir_add_relaxed (&stage->rejected_count, 1);
  stage->turn_records++; /* something came of this turn (R5) */
  guint takers = 0;
  for (guint i = 0; i < stage->rejected.count; i++) {
    takers += weir_load_relaxed (&stage->rejected.links[i]->closed) == WEIR_LINK_OPEN ? 1 : 0;
  }
  if (takers == 0) {
    weir_stage_fail (stage, "rejected a record, and nobody takes %s.rejected: %s", stage->name, reason);
  }
  return takers > 0;
}

static void
put_rejected (WeirStage *stage, const WeirRecord *rejected)
{
  for (guint i = 0; i < stage->rejected.count; i++) {
    weir_outputs_put (stage, stage->rejected.links[i], rejected);
  }
  weir_outputs_tell (stage);
  if (!stage->in_turn) {
    weir_stage_mark_dirty (stage);
  }
}

void
weir_reject_forward (WeirStage *stage, const WeirRecord *record)
{
  const char *reason = weir_record_tag (record, "reason");
  if (count_rejected (stage, record, reason != NULL ? reason : "no reason given")) {
    put_rejected (stage, record);
  }
}

void
weir_reject_record (WeirStage *stage, const WeirRecord *record, const char *reason)
{
  if (!count_rejected (stage, record, reason)) {
    return;
  }
  g_autoptr (WeirTags) tags = weir_tags_with (record->context != NULL ? record->context->tags : NULL, "reason", reason);
  WeirOrigin *origin = record->context != NULL ? record->context->origin : NULL;
  WeirContext *context = weir_context_new_under (weir_tags_with (tags, "stage", stage->name), origin);
  WeirRecord rejected = *record;
  rejected.context = context;
  rejected.flags &= WEIR_RECORD_GAP | WEIR_RECORD_CHUNK;
  put_rejected (stage, &rejected);
  weir_context_unref (context);
}
