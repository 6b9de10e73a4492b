/* SPDX-License-Identifier: Apache-2.0 */
/* connected.h: a small pipeline per connection for the tests: client -> turn -> answer, or client -> sink, which is shared.
 * Made on the main thread; one worker in the pool, unless a test sets another number, so that orders are certain. */
#pragma once

#include "fakes.h"

typedef struct {
  Rig *rig;
  Fake *client, *turn, *answer, *sink;
  WeirLink *in, *out, *shared;
} Connected;

/* first: of each connection's producer. */
static inline Connected
connected_new (const Script *first, const Script *turn, const Script *answer)
{
  Connected all = { .rig = rig_new () };
  weir_pipeline_set_workers (all.rig->pipeline, 1);
  all.client = rig_listen (all.rig, "client", &listening, first);
  all.turn = rig_template (all.rig, all.client, "turn", WEIR_TRANSFORM, turn);
  all.answer = rig_template (all.rig, all.client, "answer", WEIR_CONSUMER, answer);
  all.in = rig_link (all.rig, all.client, all.turn, 8);
  all.out = rig_link (all.rig, all.turn, all.answer, 8);
  return all;
}

static inline Connected
connected_shared (const Script *first, const Script *sink, WeirQueueSettings settings)
{
  Connected all = { .rig = rig_new () };
  weir_pipeline_set_workers (all.rig->pipeline, 1);
  all.client = rig_listen (all.rig, "client", &listening, first);
  all.sink = rig_add (all.rig, "sink", WEIR_CONSUMER, sink, NULL);
  all.shared = rig_link_with (all.rig, all.client, 0, all.sink, settings);
  return all;
}

/* Starts, and accepts so many. */
static inline void
connected_begin (const Connected *all, guint peers)
{
  rig_begin (all->rig);
  fake_allow (all->client, peers);
}

static inline void
emit_a (Fake *fake)
{
  fake_emit (fake, "a");
}

static inline void
emit_b (Fake *fake)
{
  fake_emit (fake, "b");
}

static inline void
emit_ab_and_finish (Fake *fake)
{
  fake_emit (fake, "a");
  fake_emit (fake, "b");
  fake_finish (fake);
}
