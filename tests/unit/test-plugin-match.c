/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/match.c in a harness: what passes, what becomes a tag, and patterns that are wrong or would take for ever. */
#include "plugin-run.h"

static const Piece words[] = { LINE ("one"), LINE ("two"), LINE (""), LINE ("three"), MESSAGE ("o.e") };

static void
note_tag (const char *key, const char *value, gpointer data)
{
  g_string_append_printf (data, "%s=%s;", key, value);
}

/* Every tag of each record. */
static void
expect_all_tags (const char *tags)
{
  g_autoptr (GString) found = g_string_new (NULL);
  expect_done ();
  for (const WeirRecord *record; (record = weir_harness_take (harness, NULL)) != NULL;) {
    weir_record_tags (record, note_tag, found);
    g_string_append_c (found, '|');
  }
  ck_assert_str_eq (found->str, tags);
}

START_TEST (matching_records_pass)
{
  RUN ("match", "{\"pattern\": \"^o|ee$\"}", words);
  expect ("one<\\n>|three<\\n>|o.e|");
}
END_TEST

START_TEST (an_empty_pattern_matches_all)
{
  RUN ("match", "{\"pattern\": \"\"}", words);
  expect ("one<\\n>|two<\\n>|<\\n>|three<\\n>|o.e|");
}
END_TEST

START_TEST (invert_passes_the_others)
{
  RUN ("match", "{\"pattern\": \"o\", \"invert\": true}", words);
  expect ("<\\n>|three<\\n>|");
}
END_TEST

START_TEST (literal_is_plain_text)
{
  RUN ("match", "{\"pattern\": \"o.e\"}", words);
  expect ("one<\\n>|o.e|");
  RUN ("match", "{\"pattern\": \"o.e\", \"literal\": true}", words);
  expect ("o.e|");
  RUN ("match", "{\"pattern\": \"(\", \"literal\": true}", words);
  expect ("");
}
END_TEST

START_TEST (literal_at_each_place)
{
  static const Piece pieces[] = { MESSAGE ("needle"),    MESSAGE ("needle hay"), MESSAGE ("hay needle"),
                                  MESSAGE ("needl"),     MESSAGE ("eedle"),      MESSAGE ("neneedle"),
                                  MESSAGE ("a needl e"), MESSAGE ("\0needle") };
  RUN ("match", "{\"pattern\": \"needle\", \"literal\": true}", pieces);
  expect ("needle|needle hay|hay needle|neneedle|\\x00needle|");
}
END_TEST

START_TEST (a_pattern_does_not_see_the_trail)
{
  RUN ("match", "{\"pattern\": \"\\\\n\"}", words);
  expect ("");
}
END_TEST

START_TEST (bytes_need_not_be_utf8)
{
  static const Piece pieces[] = { MESSAGE ("\xff\xfe"), MESSAGE ("a\0b"), MESSAGE ("\xc3\xa4") };
  RUN ("match", "{\"pattern\": \"^..$\"}", pieces);
  expect ("\\xff\\xfe|\\xc3\\xa4|");
  RUN ("match", "{\"pattern\": \"\\\\x00b\"}", pieces);
  expect ("a\\x00b|");
}
END_TEST

START_TEST (chunks_pass_as_messages)
{
  static const Piece pieces[] = { CHUNK (1, "one"), CHUNK (1, "two") };
  RUN_ON_CHUNKS ("match", "{\"pattern\": \"w\"}", pieces);
  expect ("two|");
}
END_TEST

START_TEST (a_catastrophic_pattern_rejects)
{
  static const Piece pieces[] = { LINE ("aaa"), LINE ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"),
                                  LINE ("bbb"), LINE ("aaaa") };
  RUN_WITH_REJECTED ("match", "{\"pattern\": \"^(a+)+$\"}", pieces);
  expect ("aaa<\\n>|aaaa<\\n>|");
  ck_assert_uint_eq (weir_harness_count (harness, "rejected"), 1);
  expect_tags ("rejected", "reason",
               "the pattern \"^(a+)+$\" reached its match limit (1000000) on a record of 53 bytes|");
}
END_TEST

START_TEST (without_machine_code_too)
{
  static const Piece pieces[] = { LINE ("aaa"), LINE ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!") };
  RUN_WITH_REJECTED ("match", "{\"pattern\": \"(*NO_JIT)^(a+)+$\"}", pieces);
  expect ("aaa<\\n>|");
  expect_tags ("rejected", "reason",
               "the pattern \"(*NO_JIT)^(a+)+$\" reached its match limit (1000000) on a record of 53 bytes|");
}
END_TEST

/* A mebibyte on which each step stays on the stack: far more than the machine code's stack, or the interpreter's heap, has. */
static void
run_deep (const char *json)
{
  gsize size = 4 * 1024 * 1024;
  g_autofree char *bytes = g_malloc (size);
  for (gsize i = 0; i < size; i++) {
    bytes[i] = "ab"[i % 2];
  }
  const Piece pieces[] = { { bytes, size, 0, 0, FALSE }, MESSAGE ("abc") };
  RUN_WITH_REJECTED ("match", json, pieces);
  expect ("abc|");
  ck_assert_uint_eq (weir_harness_count (harness, "rejected"), 1);
  const char *reason = weir_harness_tags (harness, "rejected", "reason");
  ck_assert_msg (strstr (reason, "reached its match limit (") != NULL, "%s", reason);
}

START_TEST (a_pattern_that_needs_much_stack_rejects)
{
  run_deep ("{\"pattern\": \"^(?:(a|b)(?=.))*c\"}");
}
END_TEST

START_TEST (and_one_that_needs_much_heap)
{
  run_deep ("{\"pattern\": \"(*NO_JIT)^(?:(a|b)(?=.))*c\"}");
}
END_TEST

#define REFUSED(json, problems) expect_refused ("match", WEIR_HARNESS_TRANSFORM, json, problems)

START_TEST (a_bad_pattern_is_refused)
{
  REFUSED ("{\"pattern\": \"a(b\"}", "pattern: found \"a(b\", which is wrong at byte 4: missing closing parenthesis");
  REFUSED ("{\"pattern\": \"a(b\", \"literal\": true}", "");
}
END_TEST

START_TEST (a_bad_pattern_is_shown_on_one_line)
{
  REFUSED ("{\"pattern\": \"[\\n0123456789012345678901234567890123456789012345678901234567890123456789012345678\"}",
           "pattern: found \"[\\n012345678901234567890123456789012345678901234567890123456789012345678901234567...\", "
           "which is wrong at byte 82: missing terminating ] for character class");
}
END_TEST

START_TEST (utf_mode_is_refused)
{
  REFUSED ("{\"pattern\": \"(*UTF)a\"}",
           "pattern: found \"(*UTF)a\", which is wrong at byte 7: using UTF is disabled by the application");
}
END_TEST

START_TEST (capture_puts_groups_into_tags)
{
  static const Piece pieces[] = { MESSAGE ("GET /x 200"), MESSAGE ("nothing"), MESSAGE ("PUT /y 404") };
  RUN ("match", "{\"pattern\": \"^(?<method>\\\\w+) (\\\\S+) (?<code>\\\\d+)\", \"capture\": true}", pieces);
  expect_all_tags ("code=200;method=GET;|code=404;method=PUT;|");
}
END_TEST

START_TEST (capture_adds_to_the_tags_of_the_record)
{
  static const Piece pieces[] = { CHUNK (1, "x=1"), CHUNK (2, "x=2"), CHUNK (0, "x=3") };
  RUN ("match", "{\"pattern\": \"x=(?<x>.)\", \"capture\": true}", pieces);
  expect_all_tags ("path=stream 1;x=1;|path=stream 2;x=2;|x=3;|");
}
END_TEST

START_TEST (capture_replaces_a_tag_of_the_same_name)
{
  static const Piece pieces[] = { CHUNK (1, "x=1"), CHUNK (1, "y=2") };
  RUN ("match", "{\"pattern\": \"x=(?<path>.)|y\", \"capture\": true}", pieces);
  expect_all_tags ("path=1;|path=stream 1;|");
}
END_TEST

START_TEST (capture_of_a_group_that_took_no_part)
{
  static const Piece pieces[] = { MESSAGE ("a"), MESSAGE ("b"), MESSAGE ("c") };
  RUN ("match", "{\"pattern\": \"(?<a>a)|(?<b>b)|c(?<empty>)\", \"capture\": true}", pieces);
  expect_all_tags ("a=a;|b=b;|empty=;|");
}
END_TEST

START_TEST (capture_of_one_name_for_two_groups)
{
  static const Piece pieces[] = { MESSAGE ("a1"), MESSAGE ("b2") };
  RUN ("match", "{\"pattern\": \"(?J)a(?<n>.)|b(?<n>.)\", \"capture\": true}", pieces);
  expect_all_tags ("n=1;|n=2;|");
}
END_TEST

START_TEST (capture_of_a_long_value)
{
  g_autofree char *bytes = g_strnfill (1000, 'v');
  g_autofree char *wanted = g_strdup_printf ("v=%s;|", bytes);
  const Piece pieces[] = { { bytes, 1000, 0, 0, FALSE } };
  RUN ("match", "{\"pattern\": \"(?<v>.*)\", \"capture\": true}", pieces);
  expect_all_tags (wanted);
}
END_TEST

START_TEST (capture_without_names_is_refused)
{
  REFUSED ("{\"pattern\": \"(o)\", \"capture\": true}",
           "capture: found true and pattern \"(o)\", expected a pattern with groups (?<NAME>...)");
  REFUSED ("{\"pattern\": \"(?<o>o)\", \"capture\": true, \"literal\": true}",
           "capture: found true and pattern \"(?<o>o)\", expected a pattern with groups (?<NAME>...)");
}
END_TEST

START_TEST (capture_with_invert_is_refused)
{
  REFUSED ("{\"pattern\": \"(?<o>o)\", \"capture\": true, \"invert\": true}",
           "capture: found true with invert and pattern \"(?<o>o)\", expected a pattern with groups (?<NAME>...) and "
           "no invert");
}
END_TEST

START_TEST (bad_options_are_refused)
{
  REFUSED ("{\"invert\": 1}",
           "missing key \"pattern\" (What to look for, a regular expression as Perl has them, on bytes)\n"
           "invert: found 1, expected true or false");
}
END_TEST

int
main (void)
{
  const Case cases[] = { matching_records_pass,
                         an_empty_pattern_matches_all,
                         invert_passes_the_others,
                         literal_is_plain_text,
                         literal_at_each_place,
                         a_pattern_does_not_see_the_trail,
                         bytes_need_not_be_utf8,
                         chunks_pass_as_messages,
                         a_catastrophic_pattern_rejects,
                         without_machine_code_too,
                         a_pattern_that_needs_much_stack_rejects,
                         and_one_that_needs_much_heap,
                         a_bad_pattern_is_refused,
                         a_bad_pattern_is_shown_on_one_line,
                         utf_mode_is_refused,
                         capture_puts_groups_into_tags,
                         capture_adds_to_the_tags_of_the_record,
                         capture_replaces_a_tag_of_the_same_name,
                         capture_of_a_group_that_took_no_part,
                         capture_of_one_name_for_two_groups,
                         capture_of_a_long_value,
                         capture_without_names_is_refused,
                         capture_with_invert_is_refused,
                         bad_options_are_refused };
  return run_cases ("match", cases, G_N_ELEMENTS (cases));
}
