/* SPDX-License-Identifier: Apache-2.0 */
/* delivery.h: a producer that opens origins and a taker, for the tests of what it is told.
 * Included by each of them; the acts run on the producer's worker, all else on the main thread. */
#pragma once

#include "keepers.h"

#include <weir/origin.h>

typedef struct {
  Rig *rig;
  Fake *push, *end;
  WeirLink *link;
} Way;

/* Not started yet. */
static inline Way
way_with (const Script *push, const Script *end, WeirQueueSettings settings)
{
  Way way = { .rig = rig_new () };
  way.push = rig_add (way.rig, "push", WEIR_PRODUCER, push, NULL);
  way.end = rig_add (way.rig, "end", WEIR_CONSUMER, end, NULL);
  way.link = rig_link_with (way.rig, way.push, 0, way.end, settings);
  return way;
}

static inline Way
way_begin (const Script *push, const Script *end, guint64 records)
{
  Way way = way_with (push, end, queue_of (records));
  rig_begin (way.rig);
  return way;
}

static inline void
way_finish (Way *way)
{
  fake_do (way->push, fake_finish);
  ck_assert_int_eq (rig_finish (way->rig), WEIR_RESULT_DONE);
}

static inline void
emit_a_under (Fake *fake)
{
  fake_emit_under (fake, "a");
}

static inline void
emit_abc (Fake *fake)
{
  fake_emit_under (fake, "a");
  fake_emit_under (fake, "b");
  fake_emit_under (fake, "c");
}

static inline void
release_first (Fake *fake)
{
  weir_record_release (g_ptr_array_steal_index (fake->kept, 0));
}

static inline void
release_last (Fake *fake)
{
  weir_record_release (g_ptr_array_steal_index (fake->kept, fake->kept->len - 1));
}

static inline void
fail_now (Fake *fake)
{
  weir_stage_fail (fake->stage, "broken");
}
