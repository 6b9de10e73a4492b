/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/throttle.c in a harness: nothing lost, nothing changed, and as fast as told: to the microsecond, as the clock is the test's. */
#include "plugin-run.h"

/* So many lines of ten bytes, on links of so many records. */
static void
begin (const char *json, guint lines, guint queue)
{
  make_stage ("throttle", WEIR_HARNESS_TRANSFORM, json, queue);
  for (guint i = 0; i < lines; i++) {
    weir_harness_push_line (harness, "123456789");
  }
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
}

static void
expect_passed (guint lines)
{
  ck_assert_uint_eq (count_out (), lines);
}

static void
expect_all (guint lines)
{
  finish ();
  expect_done ();
  expect_passed (lines);
}

START_TEST (records_per_second)
{
  /* The burst of 100 ms passes at once, the other 200 at 2000 a second. */
  begin ("{\"records_per_second\": 2000}", 400, 4096);
  expect_passed (200);
  weir_harness_advance (harness, 50000);
  expect_passed (300);
  weir_harness_advance (harness, 49000);
  expect_passed (398);
  weir_harness_advance (harness, 1000);
  expect_all (400);
}
END_TEST

START_TEST (bytes_per_second_count_delimiters)
{
  begin ("{\"bytes_per_second\": \"20KB\", \"burst\": \"50ms\"}", 400, 4096);
  expect_passed (100);
  weir_harness_advance (harness, 149000);
  expect_passed (398);
  weir_harness_advance (harness, 1000);
  expect_all (400);
}
END_TEST

START_TEST (both_rates_hold)
{
  begin ("{\"records_per_second\": 1e6, \"bytes_per_second\": \"20KB\", \"burst\": \"100ms\"}", 400, 4096);
  expect_passed (200);
  weir_harness_advance (harness, 99000);
  expect_passed (398);
  weir_harness_advance (harness, 1000);
  expect_all (400);
}
END_TEST

START_TEST (a_record_larger_than_the_burst_passes)
{
  /* 10 bytes where the bucket holds 1: each but the first waits until the debt of the one before is paid. */
  begin ("{\"bytes_per_second\": 1000, \"burst\": \"1ms\"}", 3, 4096);
  expect_passed (1);
  weir_harness_advance (harness, 9999);
  expect_passed (1);
  weir_harness_advance (harness, 1);
  expect_passed (2);
  weir_harness_advance (harness, 10000);
  expect_all (3);
}
END_TEST

START_TEST (a_rate_below_the_burst_passes)
{
  begin ("{\"records_per_second\": 20, \"burst\": \"1us\"}", 3, 4096);
  expect_passed (1);
  weir_harness_advance (harness, 50000);
  expect_passed (2);
  weir_harness_advance (harness, 50000);
  expect_all (3);
}
END_TEST

START_TEST (a_burst_passes_at_once)
{
  begin ("{\"records_per_second\": 40, \"burst\": \"10s\"}", 400, 4096);
  expect_all (400);
}
END_TEST

START_TEST (a_pause_gathers_one_burst_and_no_more)
{
  begin ("{\"records_per_second\": 1000, \"burst\": \"10ms\"}", 10, 4096);
  expect_passed (10);
  weir_harness_advance (harness, 10 * G_USEC_PER_SEC);
  for (guint i = 0; i < 20; i++) {
    weir_harness_push_line (harness, "123456789");
  }
  weir_harness_run (harness);
  expect_passed (20);
  weir_harness_advance (harness, 10000);
  expect_all (30);
}
END_TEST

START_TEST (through_links_of_one)
{
  begin ("{\"records_per_second\": 20000, \"burst\": \"1ms\"}", 400, 1);
  expect_passed (20);
  weir_harness_advance (harness, 19000);
  expect_all (400);
}
END_TEST

START_TEST (what_waits_holds_up_what_feeds_it)
{
  begin ("{\"records_per_second\": 1, \"burst\": \"1s\"}", 100, 4);
  ck_assert (weir_harness_is_waiting (harness));
  ck_assert (weir_harness_feed_is_paused (harness));
  ck_assert_uint_eq (weir_harness_link_figure (harness, "input", "queued"), 3); /* not low again yet */
  weir_harness_advance (harness, 99 * G_USEC_PER_SEC);
  expect_all (100);
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
  const char *told = "found no rate, expected records_per_second, bytes_per_second or both above 0";
  expect_refused ("throttle", WEIR_HARNESS_TRANSFORM, "{\"burst\": \"1s\"}", told);
  expect_refused ("throttle", WEIR_HARNESS_TRANSFORM, "{\"records_per_second\": 0}", told);
}
END_TEST

START_TEST (bad_options_are_refused)
{
  expect_refused ("throttle", WEIR_HARNESS_TRANSFORM, "{\"records_per_second\": -1}",
                  "records_per_second: found -1, expected a number of at least 0");
  expect_refused ("throttle", WEIR_HARNESS_TRANSFORM, "{\"burst\": 0}",
                  "burst: found 0, expected a duration from 1us to 1h");
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
                         a_pause_gathers_one_burst_and_no_more,
                         through_links_of_one,
                         what_waits_holds_up_what_feeds_it,
                         records_stay_as_they_are,
                         chunks_stay_chunks,
                         no_rate_is_refused,
                         bad_options_are_refused };
  return run_cases ("throttle", cases, G_N_ELEMENTS (cases));
}
