/* SPDX-License-Identifier: Apache-2.0 */
/* plugin-run.h: one plugin in a pipeline of its own, between the feed and the notes of plugin-ends.h, with what came of it.
 * Everything static: one test program includes it once. The outcome is one for all tests, made and freed by the fixture. */
#pragma once

#include "plugin-ends.h"

typedef struct {
  Notes good, bad; /* what the plugin emitted and what it rejected */
  char *failure;
  WeirResult result;
  gint64 time;   /* microseconds that the pipeline ran */
  guint64 taken; /* records that the plugin took */
} Outcome;

static Outcome outcome;

G_GNUC_UNUSED static void
set_up (void)
{
  outcome = (Outcome){ .good = notes_new (), .bad = notes_new () };
}

G_GNUC_UNUSED static void
tear_down (void)
{
  notes_free (&outcome.good);
  notes_free (&outcome.bad);
  g_free (outcome.failure);
}

/* A message, and a message with a newline behind it. */
#define MESSAGE(text) \
  { \
    (text), sizeof (text) - 1, 0, 0, FALSE \
  }
#define LINE(text) \
  { \
    (text "\n"), sizeof (text) - 1, 1, 0, FALSE \
  }

static void
finish (WeirPipeline *pipeline, WeirStage *stage)
{
  g_clear_pointer (&outcome.failure, g_free);
  outcome.result = weir_pipeline_run (pipeline, &outcome.failure);
  outcome.time = weir_pipeline_running_time (pipeline);
  outcome.taken = weir_load_relaxed (&stage->records_in);
  weir_pipeline_free (pipeline);
}

/* feed -> the plugin -> taker, all with links of so many records; with `take_rejected`, its rejected records are noted too. */
G_GNUC_UNUSED static void
run_transform_into (const char *name, const char *json, const WeirRole *feed, const Piece *pieces, gsize count,
                    guint queue, gboolean take_rejected, const WeirRole *taker)
{
  const WeirRole *role = load_plugin (name)->transform;
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  WeirPipeline *pipeline = weir_pipeline_new ("test");
  WeirStage *from = add_stage (pipeline, "feed", WEIR_PRODUCER, feed, feed_state (pieces, count));
  WeirStage *stage = add_stage (pipeline, name, WEIR_TRANSFORM, role, role_state (role, json, owned));
  WeirStage *to = add_stage (pipeline, "notes", WEIR_CONSUMER, taker, noter_state (&outcome.good));
  join (pipeline, from, 0, stage, queue);
  join (pipeline, stage, 0, to, queue);
  if (take_rejected) {
    WeirStage *bad = add_stage (pipeline, "bad", WEIR_CONSUMER, &note_role, noter_state (&outcome.bad));
    join (pipeline, stage, WEIR_PORT_REJECTED, bad, queue);
  }
  finish (pipeline, stage);
}

#define RUN(name, json, pieces) \
  run_transform_into (name, json, &feed_messages, pieces, G_N_ELEMENTS (pieces), 4096, FALSE, &note_role)
#define RUN_WITH_REJECTED(name, json, pieces) \
  run_transform_into (name, json, &feed_messages, pieces, G_N_ELEMENTS (pieces), 4096, TRUE, &note_role)
#define RUN_ON_CHUNKS(name, json, pieces) \
  run_transform_into (name, json, &feed_chunks, pieces, G_N_ELEMENTS (pieces), 4096, FALSE, &note_role)

/* the plugin -> notes */
G_GNUC_UNUSED static void
run_producer (const char *name, const char *json, guint queue)
{
  const WeirRole *role = load_plugin (name)->producer;
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  WeirPipeline *pipeline = weir_pipeline_new ("test");
  WeirStage *stage = add_stage (pipeline, name, WEIR_PRODUCER, role, role_state (role, json, owned));
  WeirStage *to = add_stage (pipeline, "notes", WEIR_CONSUMER, &note_role, noter_state (&outcome.good));
  join (pipeline, stage, 0, to, queue);
  finish (pipeline, stage);
}

/* feed -> the plugin */
G_GNUC_UNUSED static void
run_consumer (const char *name, const char *json, const Piece *pieces, gsize count, guint queue)
{
  const WeirRole *role = load_plugin (name)->consumer;
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  WeirPipeline *pipeline = weir_pipeline_new ("test");
  WeirStage *from = add_stage (pipeline, "feed", WEIR_PRODUCER, &feed_messages, feed_state (pieces, count));
  WeirStage *stage = add_stage (pipeline, name, WEIR_CONSUMER, role, role_state (role, json, owned));
  join (pipeline, from, 0, stage, queue);
  finish (pipeline, stage);
}

G_GNUC_UNUSED static void
expect_done (void)
{
  ck_assert_msg (outcome.result == WEIR_RESULT_DONE, "%s", outcome.failure);
}

G_GNUC_UNUSED static void
expect (const char *text)
{
  expect_done ();
  ck_assert_str_eq (outcome.good.text->str, text);
}

G_GNUC_UNUSED static void
expect_failure (const char *message)
{
  ck_assert_int_eq (outcome.result, WEIR_RESULT_FAILED);
  ck_assert_str_eq (outcome.failure, message);
}

/* A suite of one plugin's cases: each test of the list under its name. */
typedef const TTest *Case;
G_GNUC_UNUSED static int
run_cases (const char *name, const Case *cases, gsize count)
{
  Suite *suite = suite_create (name);
  TCase *all = tcase_create (name);
  tcase_add_checked_fixture (all, set_up, tear_down);
  for (gsize i = 0; i < count; i++) {
    tcase_add_test (all, cases[i]);
  }
  suite_add_tcase (suite, all);
  return run_suite (suite);
}
