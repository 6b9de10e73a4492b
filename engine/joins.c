/* SPDX-License-Identifier: Apache-2.0 */
/* joins.c: whose origins a record carries that is emitted: of the record at hand, of those that are named, or of all that is kept
 * (weir/origin.h). Runs on the stage's worker. What is composed is remembered for a turn, so that many records cost one context. What is
 * kept holds its origins by itself, in its slot: a generation of all that is there is made when something is emitted that names nothing,
 * grows by what is kept while it lasts, and is forgotten at the end of a turn, once that is worth a walk over the slots. */
#include "origins.h"

#include "stage.h"

#define LEAST_ROTATION 64
#define SLOTS_A_USE 16 /* that a walk may see for each use that was made of the last one */

/* What a stage that joins knows. */
struct _WeirJoins {
  WeirOrigin *said;       /* named for this callback; NULL: none of those that are named has any */
  WeirOrigin *generation; /* of all that is kept; NULL: not made */
  WeirOrigin *flushed;    /* of the run in the hands of flush(), and of all that is kept; NULL: not made */
  guint64 walked, used;   /* slots at the making of the generation; uses since then */
  WeirContext *composed;  /* NULL: none; of: */
  WeirOrigin *first, *second;
};

static WeirJoins *
get (WeirStage *stage)
{
  WeirStageExtras *extras = weir_stage_extras (stage);
  if (extras->joins == NULL) {
    extras->joins = g_new0 (WeirJoins, 1);
  }
  return extras->joins;
}

/* ---- what is implied ---- */

typedef struct {
  GPtrArray *origins;
  guint64 walked;
} Walk;

static void
add_origin (GPtrArray *origins, WeirOrigin *origin)
{
  if (origins->len == 0 || g_ptr_array_index (origins, origins->len - 1) != origin) {
    g_ptr_array_add (origins, weir_origin_ref (origin));
  }
}

static void
add_kept (WeirRecord *record, guint8 state, gpointer data)
{
  Walk *walk = data;
  walk->walked++;
  if ((state & (WEIR_SLOT_KEPT | WEIR_SLOT_RELEASED)) == WEIR_SLOT_KEPT && record->context != NULL &&
      record->context->origin != NULL) {
    add_origin (walk->origins, record->context->origin);
  }
}

static WeirOrigin *
bundle (GPtrArray *origins)
{
  return origins->len > 0 ? weir_origin_bundle ((WeirOrigin *const *) origins->pdata, origins->len) : NULL;
}

static void
make_generation (WeirStage *stage)
{
  WeirJoins *joins = weir_stage_joins (stage);
  g_autoptr (GPtrArray) origins = g_ptr_array_new ();
  Walk walk = { .origins = origins };
  for (guint i = 0; i < stage->input_count; i++) {
    if (stage->inputs[i]->kept > 0) {
      weir_link_each_taken (stage->inputs[i], add_kept, &walk);
    }
  }
  joins->generation = bundle (origins);
  joins->walked = walk.walked;
  joins->used = 0;
}

static WeirOrigin *
generation (WeirStage *stage)
{
  WeirJoins *joins = weir_stage_joins (stage);
  if (joins->generation == NULL && weir_load_relaxed (&stage->outstanding) > 0) {
    make_generation (stage);
  }
  joins->used++;
  return joins->generation;
}

static WeirOrigin *
implied (WeirStage *stage)
{
  WeirJoins *joins = get (stage);
  if (stage->flush_count == 0) {
    return generation (stage);
  }
  if (joins->flushed == NULL) {
    g_autoptr (GPtrArray) origins = g_ptr_array_new ();
    WeirOrigin *kept = generation (stage);
    if (kept != NULL) {
      add_origin (origins, kept);
    }
    for (gsize i = 0; i < stage->flush_count; i++) {
      const WeirContext *context = stage->flush_records[i].context;
      if (context != NULL && context->origin != NULL) {
        add_origin (origins, context->origin);
      }
    }
    joins->flushed = bundle (origins);
  }
  return joins->flushed;
}

static gboolean
may_join (const WeirStage *stage)
{
  return stage->kind == WEIR_TRANSFORM && !stage->duplex;
}

void
weir_joins_flush (WeirStage *stage)
{
  if (may_join (stage)) {
    stage->overrides |= WEIR_SET_KEPT;
  }
}

void
weir_joins_flushed (WeirStage *stage)
{
  WeirJoins *joins = weir_stage_joins (stage);
  if (joins != NULL) {
    g_clear_pointer (&joins->flushed, weir_origin_unref);
  }
}

void
weir_joins_keep (WeirStage *stage, const WeirRecord *record)
{
  WeirOrigin *origin = record->context->origin;
  if (!may_join (stage)) {
    return;
  }
  stage->overrides |= WEIR_SET_KEPT;
  WeirJoins *joins = weir_stage_joins (stage);
  if (joins == NULL || joins->generation == NULL || weir_origin_ends_with (joins->generation, origin)) {
    return;
  }
  if (++joins->used >= MAX (LEAST_ROTATION, joins->walked)) {
    g_clear_pointer (&joins->generation, weir_origin_unref);
    return;
  }
  joins->generation = weir_origin_bundle ((WeirOrigin *const[]){ joins->generation, weir_origin_ref (origin) }, 2);
}

/* ---- what is said ---- */

static void
say (WeirStage *stage, WeirOrigin *origin)
{
  WeirJoins *joins = get (stage);
  if (joins->said == NULL) {
    joins->said = origin != NULL ? weir_origin_ref (origin) : NULL;
  } else if (origin != NULL && !weir_origin_ends_with (joins->said, origin)) {
    joins->said = weir_origin_bundle ((WeirOrigin *const[]){ joins->said, weir_origin_ref (origin) }, 2);
  }
  stage->overrides |= WEIR_SET_JOINED;
  if (!stage->in_turn) {
    weir_stage_mark_dirty (stage);
  }
}

void
weir_origin_join (WeirStage *stage, const WeirRecord *record)
{
  if (record == NULL && weir_stage_joins (stage) != NULL) {
    weir_joins_forget_said (stage);
  }
  say (stage, record != NULL && record->context != NULL ? record->context->origin : NULL);
}

void
weir_origin_join_held (WeirStage *stage, WeirOrigin *held)
{
  say (stage, held);
}

void
weir_joins_forget_said (WeirStage *stage)
{
  g_clear_pointer (&weir_stage_joins (stage)->said, weir_origin_unref);
}

WeirOrigin *
weir_origin_hold (G_GNUC_UNUSED WeirStage *stage, WeirOrigin *held, const WeirRecord *record)
{
  WeirOrigin *origin = record->context != NULL ? record->context->origin : NULL;
  if (origin == NULL || (held != NULL && weir_origin_ends_with (held, origin))) {
    return held;
  }
  weir_origin_ref (origin);
  return held == NULL ? origin : weir_origin_bundle ((WeirOrigin *const[]){ held, origin }, 2);
}

void
weir_origin_let_go (WeirStage *stage, WeirOrigin *held)
{
  if (held == NULL) {
    return;
  }
  weir_origin_note (held, stage->failed ? WEIR_ABANDONED : stage->dropping_streams ? WEIR_DROPPED : WEIR_DELIVERED);
  weir_origin_unref (held);
}

/* ---- what a record has ---- */

static void
forget_composed (WeirJoins *joins)
{
  g_clear_pointer (&joins->composed, weir_context_unref);
}

/* What is remembered holds tags and origins: none of them can be another one by now. */
static WeirContext *
compose (WeirStage *stage, WeirTags *tags, WeirOrigin *first, WeirOrigin *second)
{
  WeirJoins *joins = get (stage);
  if (joins->composed != NULL && joins->composed->tags == tags && joins->first == first && joins->second == second) {
    return joins->composed;
  }
  forget_composed (joins);
  joins->first = first;
  joins->second = second;
  WeirOrigin *both = weir_origin_ref (first);
  if (second != NULL) {
    both = weir_origin_bundle ((WeirOrigin *const[]){ first, weir_origin_ref (second) }, 2);
  }
  joins->composed = weir_context_new_under (tags != NULL ? weir_tags_ref (tags) : NULL, both);
  weir_origin_unref (both);
  return joins->composed;
}

WeirContext *
weir_joins_compose (WeirStage *stage, WeirContext *tagged, WeirContext *base, gboolean own)
{
  WeirOrigin *first = base != NULL ? base->origin : NULL, *second = NULL;
  gboolean outside = stage->current->buffer == NULL;
  if ((stage->overrides & WEIR_SET_JOINED) != 0) {
    second = weir_stage_joins (stage)->said;
  } else if ((stage->overrides & WEIR_SET_ORIGIN) != 0) {
    second = weir_stage_origins (stage)->under;
  } else if ((stage->overrides & WEIR_SET_KEPT) != 0 && own && outside) {
    second = implied (stage);
  }
  if (first == NULL || first == second) {
    first = second;
    second = NULL;
  }
  return first == NULL || (tagged != NULL && tagged->origin == first && second == NULL)
           ? tagged
           : compose (stage, tagged != NULL ? tagged->tags : NULL, first, second);
}

/* ---- the end ---- */

void
weir_joins_look (WeirStage *stage)
{
  WeirJoins *joins = weir_stage_joins (stage);
  if (joins == NULL) {
    return;
  }
  forget_composed (joins);
  gboolean none = weir_load_acquire (&stage->outstanding) == 0 && stage->flush_count == 0;
  stage->overrides &= none ? ~(guint32) WEIR_SET_KEPT : G_MAXUINT32;
  if (joins->generation != NULL && (none || joins->used * SLOTS_A_USE >= joins->walked)) {
    g_clear_pointer (&joins->generation, weir_origin_unref);
  }
}

void
weir_joins_free (WeirStage *stage)
{
  WeirJoins *joins = stage->extras != NULL ? g_steal_pointer (&stage->extras->joins) : NULL;
  if (joins != NULL) {
    forget_composed (joins);
    g_clear_pointer (&joins->said, weir_origin_unref);
    g_clear_pointer (&joins->generation, weir_origin_unref);
    g_clear_pointer (&joins->flushed, weir_origin_unref);
    g_free (joins);
  }
}
