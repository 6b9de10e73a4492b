/* SPDX-License-Identifier: Apache-2.0 */
/* keepers.h: the stages of the tests of kept records and of settle: a consumer that keeps, and a pushed pair with it.
 * Included by each of them; their callbacks run on the stages' workers, all else on the main thread. */
#pragma once

#include "fakes.h"

G_GNUC_UNUSED static WeirNext
keep (Fake *fake, const WeirRecord *record)
{
  fake_keep (fake, record);
  return take (fake, record);
}

G_GNUC_UNUSED static WeirNext
settle_later (G_GNUC_UNUSED Fake *fake)
{
  return WEIR_MORE;
}

G_GNUC_UNUSED static WeirNext
settle_now (Fake *fake)
{
  fake_release_all (fake);
  return WEIR_MORE;
}

G_GNUC_UNUSED static const Script keeper = { .consume = keep, .settle = settle_later };

typedef struct {
  Rig *rig;
  Fake *push, *end;
  WeirLink *link;
} Pair;

G_GNUC_UNUSED static Pair
pair_new (const Script *script, guint64 records, gint64 most)
{
  Pair pair = { .rig = rig_new () };
  pair.push = rig_add (pair.rig, "push", WEIR_PRODUCER, &pusher, NULL);
  pair.end = rig_add (pair.rig, "end", WEIR_CONSUMER, script, NULL);
  pair.link = rig_link (pair.rig, pair.push, pair.end, records);
  pair.push->most = most;
  rig_begin (pair.rig);
  return pair;
}

G_GNUC_UNUSED static void
pair_finish (Pair *pair)
{
  fake_do (pair->push, fake_finish);
  ck_assert_int_eq (rig_finish (pair->rig), WEIR_RESULT_DONE);
}
