/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/throttle.c in a pipeline: nothing lost, nothing changed, and never faster than told. How long a run takes at least follows
 * from the rate; how long at most does not, on a busy machine. */
#include "plugin-run.h"

static Piece lines[400];

static void
fill_lines (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    lines[i] = (Piece) LINE ("123456789");
  }
}

START_TEST (records_per_second)
{
  /* The burst passes at once, the other 200 at 2000 a second. */
  fill_lines ();
  RUN ("throttle", "{\"records_per_second\": 2000}", lines);
  expect_done ();
  ck_assert_uint_eq (outcome.good.count, 400);
  ck_assert_msg (outcome.time >= 100000, "it took %d us", (int) outcome.time);
}
END_TEST

START_TEST (bytes_per_second_count_delimiters)
{
  fill_lines ();
  RUN ("throttle", "{\"bytes_per_second\": \"20KB\", \"burst\": \"50ms\"}", lines);
  expect_done ();
  ck_assert_uint_eq (outcome.good.bytes->len, 4000);
  ck_assert_msg (outcome.time >= 149500, "it took %d us", (int) outcome.time);
}
END_TEST

START_TEST (both_rates_hold)
{
  fill_lines ();
  RUN ("throttle", "{\"records_per_second\": 1e6, \"bytes_per_second\": \"20KB\", \"burst\": \"100ms\"}", lines);
  expect_done ();
  ck_assert_uint_eq (outcome.good.count, 400);
  ck_assert_msg (outcome.time >= 99500, "it took %d us", (int) outcome.time);
}
END_TEST

START_TEST (a_record_larger_than_the_burst_passes)
{
  /* 10 bytes where the bucket holds 1: each but the first waits until the debt of the one before is paid. */
  RUN ("throttle", "{\"bytes_per_second\": 1000, \"burst\": \"1ms\"}",
       ((const Piece[]){ LINE ("123456789"), LINE ("123456789"), LINE ("x") }));
  expect ("123456789<\\n>|123456789<\\n>|x<\\n>|");
  ck_assert_msg (outcome.time >= 20000, "it took %d us", (int) outcome.time);
}
END_TEST

START_TEST (a_rate_below_the_burst_passes)
{
  RUN ("throttle", "{\"records_per_second\": 20, \"burst\": \"1us\"}",
       ((const Piece[]){ LINE ("a"), LINE ("b"), LINE ("c") }));
  expect ("a<\\n>|b<\\n>|c<\\n>|");
  ck_assert_msg (outcome.time >= 100000, "it took %d us", (int) outcome.time);
}
END_TEST

START_TEST (a_burst_passes_at_once)
{
  /* Ten seconds' worth: were it not for the burst, this would take ten seconds, and time out. */
  fill_lines ();
  RUN ("throttle", "{\"records_per_second\": 40, \"burst\": \"10s\"}", lines);
  expect_done ();
  ck_assert_uint_eq (outcome.good.count, 400);
}
END_TEST

START_TEST (through_links_of_one)
{
  fill_lines ();
  run_transform_into ("throttle", "{\"records_per_second\": 20000, \"burst\": \"1ms\"}", &feed_messages, lines,
                      G_N_ELEMENTS (lines), 1, FALSE, &note_role);
  expect_done ();
  ck_assert_uint_eq (outcome.good.count, 400);
}
END_TEST

START_TEST (records_stay_as_they_are)
{
  static const Piece pieces[] = { LINE ("one"), MESSAGE ("two"), MESSAGE ("") };
  RUN ("throttle", "{\"records_per_second\": 1e9}", pieces);
  expect ("one<\\n>|two||");
}
END_TEST

START_TEST (chunks_stay_chunks)
{
  static const Piece pieces[] = { CHUNK (1, "on"), CHUNK (1, "e\ntw"), CHUNK (1, "o") };
  RUN_ON_CHUNKS ("throttle", "{\"bytes_per_second\": \"1GB\"}", pieces);
  expect ("on~|e\\ntw~|o~|");
}
END_TEST

START_TEST (no_rate_is_refused)
{
  const char *told = "-: found no rate, expected records_per_second, bytes_per_second or both above 0|";
  expect_refused (load_plugin ("throttle")->transform, "{\"burst\": \"1s\"}", told);
  expect_refused (load_plugin ("throttle")->transform, "{\"records_per_second\": 0}", told);
}
END_TEST

START_TEST (bad_options_are_refused)
{
  const WeirRole *role = load_plugin ("throttle")->transform;
  expect_refused (role, "{\"records_per_second\": -1}",
                  "records_per_second: found -1, expected a number of at least 0|");
  expect_refused (role, "{\"burst\": 0}", "burst: found 0, expected a duration from 1us to 1h|");
}
END_TEST

int
main (void)
{
  const Case cases[] = { records_per_second,
                         bytes_per_second_count_delimiters,
                         both_rates_hold,
                         a_record_larger_than_the_burst_passes,
                         a_rate_below_the_burst_passes,
                         a_burst_passes_at_once,
                         through_links_of_one,
                         records_stay_as_they_are,
                         chunks_stay_chunks,
                         no_rate_is_refused,
                         bad_options_are_refused };
  return run_cases ("throttle", cases, G_N_ELEMENTS (cases));
}
