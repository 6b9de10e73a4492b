/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/head.c in a pipeline: the first records and no more, as a transform and as a consumer; what feeds it is stopped (R16). */
#include "plugin-run.h"

/* generate for ever -> head -> notes, or generate for ever -> head */
static void
run_on_endless (const char *json, gboolean transform, guint queue)
{
  const WeirRole *make = load_plugin ("generate")->producer;
  const WeirPlugin *head = load_plugin ("head");
  const WeirRole *role = transform ? head->transform : head->consumer;
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  WeirPipeline *pipeline = weir_pipeline_new ("test");
  WeirStage *from = add_stage (pipeline, "from", WEIR_PRODUCER, make,
                               role_state (make, "{\"text\": \"{seq}\"}", owned));
  WeirStage *stage = add_stage (pipeline, "head", transform ? WEIR_TRANSFORM : WEIR_CONSUMER, role,
                                role_state (role, json, owned));
  join (pipeline, from, 0, stage, queue);
  if (transform) {
    WeirStage *to = add_stage (pipeline, "notes", WEIR_CONSUMER, &note_role, noter_state (&outcome.good));
    join (pipeline, stage, 0, to, queue);
  }
  finish (pipeline, stage);
}

START_TEST (transform_hands_on_ten)
{
  run_on_endless ("{}", TRUE, 4096);
  expect ("0<\\n>|1<\\n>|2<\\n>|3<\\n>|4<\\n>|5<\\n>|6<\\n>|7<\\n>|8<\\n>|9<\\n>|");
  ck_assert_uint_eq (outcome.taken, 10);
}
END_TEST

START_TEST (transform_hands_on_count)
{
  static const guint queues[] = { 1, 2, 3, 64 };
  for (guint i = 0; i < G_N_ELEMENTS (queues); i++) {
    outcome.good.count = 0;
    run_on_endless ("{\"count\": 1000}", TRUE, queues[i]);
    expect_done ();
    ck_assert_uint_eq (outcome.good.count, 1000);
    ck_assert_uint_eq (outcome.taken, 1000);
  }
}
END_TEST

START_TEST (consumer_takes_count)
{
  static const guint queues[] = { 1, 2, 3, 64, 4096 };
  for (guint i = 0; i < G_N_ELEMENTS (queues); i++) {
    run_on_endless ("{\"count\": 1000}", FALSE, queues[i]);
    expect_done ();
    ck_assert_uint_eq (outcome.taken, 1000);
  }
}
END_TEST

START_TEST (consumer_takes_ten)
{
  run_on_endless ("{}", FALSE, 4096);
  expect_done ();
  ck_assert_uint_eq (outcome.taken, 10);
}
END_TEST

START_TEST (an_end_before_count_is_the_end)
{
  static const Piece pieces[] = { LINE ("one"), LINE ("two") };
  RUN ("head", "{}", pieces);
  expect ("one<\\n>|two<\\n>|");
  run_consumer ("head", "{}", pieces, G_N_ELEMENTS (pieces), 4096);
  expect_done ();
  ck_assert_uint_eq (outcome.taken, 2);
}
END_TEST

START_TEST (records_stay_as_they_are)
{
  static const Piece pieces[] = { LINE ("one"), MESSAGE ("two"), MESSAGE (""), LINE ("never") };
  RUN ("head", "{\"count\": 3}", pieces);
  expect ("one<\\n>|two||");
}
END_TEST

START_TEST (chunks_stay_chunks)
{
  static const Piece pieces[] = { CHUNK (1, "on"), CHUNK (1, "e\ntw"), CHUNK (1, "o") };
  RUN_ON_CHUNKS ("head", "{\"count\": 2}", pieces);
  expect ("on~|e\\ntw~|");
}
END_TEST

START_TEST (bad_options_are_refused)
{
  expect_refused (load_plugin ("head")->transform, "{\"count\": 0}",
                  "count: found 0, expected a whole number of at least 1|");
  expect_refused (load_plugin ("head")->consumer, "{\"count\": \"few\"}",
                  "count: found \"few\", expected a whole number of at least 1|");
}
END_TEST

int
main (void)
{
  const Case cases[] = { transform_hands_on_ten, transform_hands_on_count,       consumer_takes_count,
                         consumer_takes_ten,     an_end_before_count_is_the_end, records_stay_as_they_are,
                         chunks_stay_chunks,     bad_options_are_refused };
  return run_cases ("head", cases, G_N_ELEMENTS (cases));
}
