/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/head.c in a harness: the first records and no more, as a transform and as a consumer; what feeds it is stopped (R16). */
#include "plugin-run.h"

/* More than it takes: it has had enough, and is over, before the input is. */
static void
run_on_many (const char *json, WeirHarnessKind kind, guint queue)
{
  make_stage ("head", kind, json, queue);
  for (guint i = 0; i < 5000; i++) {
    g_autofree char *text = g_strdup_printf ("%u", i);
    weir_harness_push_line (harness, text);
  }
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  weir_harness_expect_state (harness, "closed");
  ck_assert_uint_gt (weir_harness_backlog (harness), 0);
  finish ();
}

START_TEST (transform_hands_on_ten)
{
  run_on_many ("{}", WEIR_HARNESS_TRANSFORM, 1000);
  expect ("0<\\n>|1<\\n>|2<\\n>|3<\\n>|4<\\n>|5<\\n>|6<\\n>|7<\\n>|8<\\n>|9<\\n>|");
  ck_assert_uint_eq (count_taken (), 10);
}
END_TEST

START_TEST (transform_hands_on_count)
{
  static const guint queues[] = { 1, 2, 3, 64 };
  for (guint i = 0; i < G_N_ELEMENTS (queues); i++) {
    run_on_many ("{\"count\": 1000}", WEIR_HARNESS_TRANSFORM, queues[i]);
    expect_done ();
    ck_assert_uint_eq (count_out (), 1000);
    ck_assert_uint_eq (count_taken (), 1000);
  }
}
END_TEST

START_TEST (consumer_takes_count)
{
  static const guint queues[] = { 1, 2, 3, 64, 1024 };
  for (guint i = 0; i < G_N_ELEMENTS (queues); i++) {
    run_on_many ("{\"count\": 1000}", WEIR_HARNESS_CONSUMER, queues[i]);
    expect_done ();
    ck_assert_uint_eq (count_taken (), 1000);
  }
}
END_TEST

START_TEST (consumer_takes_ten)
{
  run_on_many ("{}", WEIR_HARNESS_CONSUMER, 1000);
  expect_done ();
  ck_assert_uint_eq (count_taken (), 10);
}
END_TEST

START_TEST (an_end_before_count_is_the_end)
{
  static const Piece pieces[] = { LINE ("one"), LINE ("two") };
  RUN ("head", "{}", pieces);
  expect ("one<\\n>|two<\\n>|");
  run_consumer ("head", "{}", pieces, G_N_ELEMENTS (pieces), 4096);
  expect_done ();
  ck_assert_uint_eq (count_taken (), 2);
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
  expect_refused ("head", WEIR_HARNESS_TRANSFORM, "{\"count\": 0}",
                  "count: found 0, expected a whole number of at least 1");
  expect_refused ("head", WEIR_HARNESS_CONSUMER, "{\"count\": \"few\"}",
                  "count: found \"few\", expected a whole number of at least 1");
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
