/* SPDX-License-Identifier: Apache-2.0 */
/* origins.c: the origins that a producer begins, and how it is told of them (weir/origin.h).
 * Runs on the stage's worker. While one is open, what the stage emits inherits a context of the origin's own instead of nothing, so that
 * a record costs no more. Those that are over come by a list that any thread appends to; a turn tells them. */
#include "origins.h"

#include "stage.h"

#define TOLD_AT_ONCE 1024

static WeirStageOrigins *
get (WeirStage *stage)
{
  WeirStageExtras *extras = weir_stage_extras (stage);
  if (extras->origins == NULL) {
    extras->origins = g_new0 (WeirStageOrigins, 1);
    extras->origins->base = weir_no_record;
  }
  return extras->origins;
}

/* ---- begin and end ---- */

WeirOrigin *
weir_origins_open (WeirStage *stage, gpointer token)
{
  WeirStageOrigins *origins = get (stage);
  WeirOpened *opened = weir_opened_new (stage, token);
  opened->previous = origins->last;
  *(origins->last != NULL ? &origins->last->next : &origins->first) = opened;
  origins->last = opened;
  origins->count++;
  return &opened->origin;
}

static void
set_under (WeirStage *stage, WeirOrigin *under)
{
  weir_stage_origins (stage)->under = under;
  stage->overrides = under != NULL ? stage->overrides | WEIR_SET_ORIGIN : stage->overrides & ~(guint32) WEIR_SET_ORIGIN;
}

void
weir_origin_end (WeirStage *stage)
{
  WeirStageOrigins *origins = weir_stage_origins (stage);
  if (origins == NULL || origins->base.context == NULL) {
    return;
  }
  WeirContext *context = g_steal_pointer (&origins->base.context);
  stage->current = &weir_no_record;
  set_under (stage, NULL);
  weir_context_unref (context);
}

void
weir_origin_begin (WeirStage *stage, gpointer token)
{
  if (stage->role->delivered == NULL || !stage->opened) {
    return; /* in close() nobody is told any more */
  }
  weir_origin_end (stage);
  if (stage->refusing && stage->life >= WEIR_LIFE_STARTING) {
    weir_origins_refuse_post (stage, token);
    return;
  }
  WeirOrigin *origin = weir_origins_open (stage, token);
  weir_stage_origins (stage)->base.context = weir_context_new_under (NULL, origin);
  weir_origin_unref (origin);
  stage->current = &weir_stage_origins (stage)->base;
  set_under (stage, origin);
}

void
weir_origins_end_output (WeirStage *stage, gboolean cut_short)
{
  if (weir_stage_origins (stage) != NULL && weir_stage_origins (stage)->base.context != NULL) {
    weir_origin_note (weir_stage_origins (stage)->under, cut_short ? WEIR_ABANDONED : WEIR_DELIVERED);
    weir_origin_end (stage);
  }
}

/* ---- what threads hand in ---- */

void
weir_origins_begin_post (WeirStage *stage, gboolean under, gpointer token)
{
  if (under || weir_stage_origins (stage) != NULL) {
    get (stage)->posted = under ? weir_origins_open (stage, token) : NULL;
    stage->current = &weir_no_record;
    set_under (stage, weir_stage_origins (stage)->posted);
  }
}

void
weir_origins_end_post (WeirStage *stage)
{
  WeirStageOrigins *origins = weir_stage_origins (stage);
  if (origins == NULL) {
    return;
  }
  /* pause(), which may have been called meanwhile, may begin and end others. */
  WeirContext *context = origins->base.context;
  stage->current = context != NULL ? &origins->base : &weir_no_record;
  set_under (stage, context != NULL ? context->origin : NULL);
  g_clear_pointer (&origins->posted, weir_origin_unref);
}

void
weir_origins_refuse_post (WeirStage *stage, gpointer token)
{
  WeirOrigin *origin = weir_origins_open (stage, token);
  weir_origin_note (origin, WEIR_ABANDONED);
  weir_origin_unref (origin);
}

/* ---- telling ---- */

/* What other threads have put on the list, oldest first, behind what was taken off it before. */
static void
take_over (WeirStageOrigins *origins)
{
  if (weir_load_relaxed (&origins->over) == NULL) {
    return;
  }
  WeirOpened *newest = weir_exchange (&origins->over, NULL), *oldest = NULL, *last = newest;
  while (newest != NULL) {
    WeirOpened *next = newest->next_over;
    newest->next_over = oldest;
    oldest = newest;
    newest = next;
  }
  *(origins->telling_last != NULL ? &origins->telling_last->next_over : &origins->telling) = oldest;
  origins->telling_last = last;
}

static WeirOpened *
take_first (WeirStageOrigins *origins)
{
  WeirOpened *first = origins->telling;
  if (first != NULL) {
    origins->telling = first->next_over;
    origins->telling_last = origins->telling != NULL ? origins->telling_last : NULL;
  }
  return first;
}

static void
tell (WeirStage *stage, WeirOpened *opened)
{
  WeirStageOrigins *origins = weir_stage_origins (stage);
  WeirOutcome outcome = weir_origin_outcome (&opened->origin);
  gpointer token = opened->token;
  *(opened->previous != NULL ? &opened->previous->next : &origins->first) = opened->next;
  *(opened->next != NULL ? &opened->next->previous : &origins->last) = opened->previous;
  origins->count--;
  opened->is_told = TRUE;
  weir_opened_drop (opened);
  weir_stage_enter (stage, "delivered");
  stage->role->delivered (stage, stage->self, token, outcome);
  weir_stage_leave (stage);
  stage->waits = FALSE; /* what it waits for may be that */
}

gboolean
weir_origins_tell (WeirStage *stage)
{
  WeirStageOrigins *origins = weir_stage_origins (stage);
  if (origins == NULL || stage->life < WEIR_LIFE_STARTING) {
    return FALSE;
  }
  gboolean in_order = (stage->role->flags & WEIR_IN_ORDER) != 0;
  guint left = TOLD_AT_ONCE;
  take_over (origins);
  for (WeirOpened *opened; left > 0 && (opened = take_first (origins)) != NULL;) {
    opened->is_over = TRUE;
    if (!opened->is_told && !in_order) {
      tell (stage, opened);
      left--;
    }
    weir_opened_drop (opened);
  }
  for (; in_order && left > 0 && origins->first != NULL && origins->first->is_over; left--) {
    tell (stage, origins->first);
  }
  return left == 0;
}

guint64
weir_origins_count (WeirStage *stage)
{
  return weir_stage_origins (stage) != NULL ? weir_stage_origins (stage)->count : 0;
}

void
weir_origins_abandon (WeirStage *stage)
{
  weir_origins_end_output (stage, TRUE);
  for (WeirOpened *opened;
       weir_stage_origins (stage) != NULL && (opened = weir_stage_origins (stage)->first) != NULL;) {
    weir_origin_abandon (&opened->origin);
    tell (stage, opened);
  }
}

void
weir_origins_free (WeirStage *stage)
{
  WeirStageOrigins *origins = stage->extras != NULL ? g_steal_pointer (&stage->extras->origins) : NULL;
  if (origins == NULL) {
    return;
  }
  take_over (origins);
  for (WeirOpened *opened; (opened = take_first (origins)) != NULL;) {
    weir_opened_drop (opened);
  }
  g_free (origins);
}
