/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/format.c in a harness: the template's parts, and what stays of the record it is written from. */
#include "plugin-run.h"

START_TEST (payload)
{
  static const Piece pieces[] = { MESSAGE ("one"), MESSAGE (""), MESSAGE ("three") };
  RUN ("format", "{\"text\": \"[{}]\"}", pieces);
  expect ("[one]|[]|[three]|");
}
END_TEST

START_TEST (delimiter_stays_behind)
{
  static const Piece pieces[] = { LINE ("one"), MESSAGE ("two"), LINE ("") };
  RUN ("format", "{\"text\": \"{}{}\"}", pieces);
  expect ("oneone<\\n>|twotwo|<\\n>|");
}
END_TEST

START_TEST (tags)
{
  static const Piece pieces[] = { CHUNK (1, "one"), CHUNK (2, "two"), CHUNK (0, "three") };
  RUN ("format", "{\"text\": \"{path}: {}{nothing}\"}", pieces);
  expect ("stream 1: one|stream 2: two|: three|");
  expect_tags (NULL, "path", "stream 1|stream 2||");
}
END_TEST

START_TEST (braces_and_host)
{
  static const Piece pieces[] = { MESSAGE ("x") };
  RUN ("format", "{\"text\": \"{{{}}} {host}\"}", pieces);
  g_autofree char *wanted = g_strdup_printf ("{x} %s|", g_get_host_name ());
  expect (wanted);
}
END_TEST

START_TEST (bytes_pass_as_they_are)
{
  static const Piece pieces[] = { MESSAGE ("a\0b\xff") };
  RUN ("format", "{\"text\": \"<{}>\"}", pieces);
  expect ("<a\\x00b\\xff>|");
}
END_TEST

START_TEST (empty_text_makes_empty_records)
{
  static const Piece pieces[] = { MESSAGE ("one"), LINE ("two") };
  RUN ("format", "{\"text\": \"\"}", pieces);
  expect ("|<\\n>|");
}
END_TEST

START_TEST (a_large_record_is_written_whole)
{
  gsize size = 1024 * 1024;
  g_autofree char *bytes = g_malloc (size);
  memset (bytes, 'x', size);
  const Piece pieces[] = { { bytes, size, 0, 0, FALSE }, MESSAGE ("small") };
  RUN ("format", "{\"text\": \"{}{}\"}", pieces);
  expect_done ();
  gsize written;
  ck_assert (g_str_has_suffix (weir_harness_bytes (harness, NULL, &written), "x\nsmallsmall\n"));
  ck_assert_uint_eq (written, 2 * size + 1 + 2 * 5 + 1);
}
END_TEST

START_TEST (bad_options_are_refused)
{
  expect_refused (
    "format", WEIR_HARNESS_TRANSFORM, "{}",
    "missing key \"text\" (What to write: {} is the payload, {NAME} a tag, {time} the event time, {host} this host, "
    "{{ a brace)");
  expect_refused ("format", WEIR_HARNESS_TRANSFORM, "{\"text\": \"}\"}",
                  "text: found \"}\", expected a template: the \"}\" at byte 1 closes nothing; \"}}\" is a brace");
}
END_TEST

int
main (void)
{
  const Case cases[] = { payload,
                         delimiter_stays_behind,
                         tags,
                         braces_and_host,
                         bytes_pass_as_they_are,
                         empty_text_makes_empty_records,
                         a_large_record_is_written_whole,
                         bad_options_are_refused };
  return run_cases ("format", cases, G_N_ELEMENTS (cases));
}
