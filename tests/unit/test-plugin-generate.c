/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/generate.c in a pipeline: generate -> notes; what it makes, how many, and not faster than told. */
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
    outcome.good.count = 0;
    run_producer ("generate", "{\"count\": 10000, \"size\": 1}", queues[i]);
    expect_done ();
    ck_assert_uint_eq (outcome.good.count, 10000);
  }
}
END_TEST

START_TEST (large_filler)
{
  run_producer ("generate", "{\"count\": 40, \"size\": \"100KB\"}", 4096);
  expect_done ();
  const char *bytes = outcome.good.bytes->str;
  ck_assert_uint_eq (outcome.good.bytes->len, 40 * 100001);
  for (gsize i = 0; i < outcome.good.bytes->len; i++) {
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
  ck_assert_str_eq (outcome.good.bytes->str, wanted->str);
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
  ck_assert_str_eq (outcome.good.bytes->str, wanted);
}
END_TEST

START_TEST (text_with_time_is_now)
{
  g_autoptr (GDateTime) before = g_date_time_new_now_utc ();
  run_producer ("generate", "{\"count\": 1, \"text\": \"{time}\"}", 4096);
  expect_done ();
  ck_assert (g_str_has_suffix (outcome.good.bytes->str, "Z\n"));
  outcome.good.bytes->str[outcome.good.bytes->len - 1] = '\0';
  g_autoptr (GDateTime) found = g_date_time_new_from_iso8601 (outcome.good.bytes->str, NULL);
  ck_assert_ptr_nonnull (found);
  gint64 distance = g_date_time_difference (found, before);
  ck_assert_msg (distance >= -1000 && distance <= outcome.time + G_TIME_SPAN_MINUTE, "%s", outcome.good.bytes->str);
}
END_TEST

START_TEST (text_may_be_empty)
{
  run_producer ("generate", "{\"count\": 2, \"text\": \"\"}", 4096);
  expect ("<\\n>|<\\n>|");
}
END_TEST

#define REFUSED(json, problems) expect_refused (load_plugin ("generate")->producer, json, problems)

START_TEST (text_with_another_name_is_refused)
{
  REFUSED ("{\"text\": \"{{{host} {time} {seq} {sq}\"}",
           "text: found {sq} in \"{{{host} {time} {seq} {sq}\", expected {seq}, {time} or {host}|");
}
END_TEST

START_TEST (text_with_payload_is_refused)
{
  REFUSED ("{\"text\": \"{}\"}", "text: found {} in \"{}\", expected {seq}, {time} or {host}|");
}
END_TEST

START_TEST (text_and_size_are_refused)
{
  REFUSED ("{\"text\": \"a\", \"size\": 64}", "size: found beside text, expected one of them|");
}
END_TEST

START_TEST (rate_is_not_exceeded)
{
  /* The first is due at once, the last 99 spacings later. */
  run_producer ("generate", "{\"count\": 100, \"size\": 1, \"rate\": 2000}", 4096);
  expect_done ();
  ck_assert_uint_eq (outcome.good.count, 100);
  ck_assert_msg (outcome.time >= 49500, "it took %d us", (int) outcome.time);
}
END_TEST

START_TEST (rate_of_millions_sleeps_between)
{
  run_producer ("generate", "{\"count\": 100000, \"size\": 1, \"rate\": 2e6}", 4096);
  expect_done ();
  ck_assert_uint_eq (outcome.good.count, 100000);
  ck_assert_msg (outcome.time >= 49000, "it took %d us", (int) outcome.time);
}
END_TEST

START_TEST (bad_options_are_refused)
{
  const WeirRole *role = load_plugin ("generate")->producer;
  expect_refused (role, "{\"count\": -1}", "count: found -1, expected a whole number of at least 0|");
  expect_refused (role, "{\"rate\": -0.5}", "rate: found -0.5, expected a number of at least 0|");
  expect_refused (role, "{\"text\": \"{seq\"}",
                  "text: found \"{seq\", expected a template: the \"{\" at byte 1 is not closed; \"{{\" is a brace|");
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
                         rate_is_not_exceeded,
                         rate_of_millions_sleeps_between,
                         bad_options_are_refused };
  return run_cases ("generate", cases, G_N_ELEMENTS (cases));
}
