/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/generate.c in a harness: what it makes, how many, and not faster than told. */
#include "plugin-run.h"

START_TEST (filler_is_the_alphabet_and_64_bytes)
{
  run_producer ("generate", "{\"count\": 2}", 4096);
  expect ("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl<\\n>|"
          "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl<\\n>|");
}
END_TEST

START_TEST (size_is_without_the_newline)
{
  run_producer ("generate", "{\"count\": 1, \"size\": 3}", 4096);
  expect ("abc<\\n>|");
}
END_TEST

START_TEST (count_through_links_of_one_and_many)
{
  static const guint queues[] = { 1, 2, 3, 64, 4096 };
  for (guint i = 0; i < G_N_ELEMENTS (queues); i++) {
    run_producer ("generate", "{\"count\": 10000, \"size\": 1}", queues[i]);
    expect_done ();
    ck_assert_uint_eq (count_out (), 10000);
  }
}
END_TEST

START_TEST (large_filler)
{
  run_producer ("generate", "{\"count\": 40, \"size\": \"100KB\"}", 4096);
  expect_done ();
  gsize size;
  const char *bytes = weir_harness_bytes (harness, NULL, &size);
  ck_assert_uint_eq (size, 40 * 100001);
  for (gsize i = 0; i < size; i++) {
    gsize place = i % 100001;
    if (bytes[i] != (place == 100000 ? '\n' : (char) ('a' + place % 26))) {
      ck_abort_msg ("byte %zu is wrong", (size_t) i);
    }
  }
}
END_TEST

START_TEST (text_counts_from_0)
{
  run_producer ("generate", "{\"count\": 3, \"text\": \"<{seq}:{seq}>\"}", 4096);
  expect ("<0:0><\\n>|<1:1><\\n>|<2:2><\\n>|");
}
END_TEST

START_TEST (text_counts_beyond_a_turn)
{
  run_producer ("generate", "{\"count\": 3000, \"text\": \"{seq}\"}", 7);
  expect_done ();
  g_autoptr (GString) wanted = g_string_new (NULL);
  for (guint i = 0; i < 3000; i++) {
    g_string_append_printf (wanted, "%u\n", i);
  }
  expect_bytes (NULL, wanted->str);
}
END_TEST

START_TEST (text_with_braces)
{
  run_producer ("generate", "{\"count\": 1, \"text\": \"{{seq}} {{{seq}}} {{time}}{seq}{{\"}", 4096);
  expect ("{seq} {0} {time}0{<\\n>|");
}
END_TEST

START_TEST (text_with_host)
{
  run_producer ("generate", "{\"count\": 1, \"text\": \"{host} {seq}\"}", 4096);
  expect_done ();
  g_autofree char *wanted = g_strdup_printf ("%s 0\n", g_get_host_name ());
  expect_bytes (NULL, wanted);
}
END_TEST

START_TEST (text_with_time_is_now)
{
  make_stage ("generate", WEIR_HARNESS_PRODUCER, "{\"count\": 2, \"rate\": 0.5, \"text\": \"{time}\"}", 4096);
  weir_harness_set_wall (harness, G_GINT64_CONSTANT (1600000000) * G_USEC_PER_SEC);
  weir_harness_start (harness);
  weir_harness_advance (harness, 10 * G_USEC_PER_SEC);
  finish ();
  expect ("2020-09-13T12:26:40.000000Z<\\n>|2020-09-13T12:26:42.000000Z<\\n>|");
}
END_TEST

START_TEST (text_may_be_empty)
{
  run_producer ("generate", "{\"count\": 2, \"text\": \"\"}", 4096);
  expect ("<\\n>|<\\n>|");
}
END_TEST

#define REFUSED(json, problems) expect_refused ("generate", WEIR_HARNESS_PRODUCER, json, problems)

START_TEST (text_with_another_name_is_refused)
{
  REFUSED ("{\"text\": \"{{{host} {time} {seq} {sq}\"}",
           "text: found {sq} in \"{{{host} {time} {seq} {sq}\", expected {seq}, {time} or {host}");
}
END_TEST

START_TEST (text_with_payload_is_refused)
{
  REFUSED ("{\"text\": \"{}\"}", "text: found {} in \"{}\", expected {seq}, {time} or {host}");
}
END_TEST

START_TEST (text_and_size_are_refused)
{
  REFUSED ("{\"text\": \"a\", \"size\": 64}", "size: found beside text, expected one of them");
}
END_TEST

/* The first is due at once. */
START_TEST (rate_is_kept_to_the_record)
{
  make_stage ("generate", WEIR_HARNESS_PRODUCER, "{\"count\": 100, \"size\": 1, \"rate\": 100}", 4096);
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  ck_assert_uint_eq (count_out (), 1);
  weir_harness_advance (harness, 9999);
  ck_assert_uint_eq (count_out (), 1);
  weir_harness_advance (harness, 1);
  ck_assert_uint_eq (count_out (), 2);
  weir_harness_advance (harness, 97 * 10000);
  ck_assert_uint_eq (count_out (), 99);
  weir_harness_advance (harness, 10000);
  ck_assert_uint_eq (count_out (), 100);
  finish ();
  expect_done ();
}
END_TEST

START_TEST (rate_of_millions_sleeps_between)
{
  make_stage ("generate", WEIR_HARNESS_PRODUCER, "{\"count\": 100000, \"size\": 1, \"rate\": 2e6}", 4096);
  weir_harness_start (harness);
  weir_harness_advance (harness, 25000);
  gsize half = count_out ();
  ck_assert_msg (half >= 49000 && half <= 50001, "%u after half the time", (guint) half);
  weir_harness_advance (harness, 26000);
  finish ();
  expect_done ();
  ck_assert_uint_eq (count_out (), 100000);
}
END_TEST

START_TEST (bad_options_are_refused)
{
  expect_refused ("generate", WEIR_HARNESS_PRODUCER, "{\"count\": -1}",
                  "count: found -1, expected a whole number of at least 0");
  expect_refused ("generate", WEIR_HARNESS_PRODUCER, "{\"rate\": -0.5}",
                  "rate: found -0.5, expected a number of at least 0");
  expect_refused ("generate", WEIR_HARNESS_PRODUCER, "{\"text\": \"{seq\"}",
                  "text: found \"{seq\", expected a template: the \"{\" at byte 1 is not closed; \"{{\" is a brace");
}
END_TEST

int
main (void)
{
  const Case cases[] = { filler_is_the_alphabet_and_64_bytes,
                         size_is_without_the_newline,
                         count_through_links_of_one_and_many,
                         large_filler,
                         text_counts_from_0,
                         text_counts_beyond_a_turn,
                         text_with_braces,
                         text_with_host,
                         text_with_time_is_now,
                         text_may_be_empty,
                         text_with_another_name_is_refused,
                         text_with_payload_is_refused,
                         text_and_size_are_refused,
                         rate_is_kept_to_the_record,
                         rate_of_millions_sleeps_between,
                         bad_options_are_refused };
  return run_cases ("generate", cases, G_N_ELEMENTS (cases));
}
