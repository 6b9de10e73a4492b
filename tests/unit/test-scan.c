/* SPDX-License-Identifier: Apache-2.0 */
/* The scan in front of json-c: each bad text by name with its whole message. */
#include "document.h"
#include "scan.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What the scan says of a text of known size; "" is no mistake. */
static char *
said_of (const char *text, gsize size, gboolean *whole)
{
  g_autoptr (WeirProblems) problems = weir_problems_new ();
  char *copy = g_malloc (size + 1);

  memcpy (copy, text, size);
  copy[size] = '\0';
  g_autoptr (WeirDocument) document = weir_document_new ("t.json", 1, copy, size, 0, WEIR_NODE_NONE, problems);
  *whole = document != NULL;
  weir_problems_sort (problems);
  return weir_problems_format (problems);
}

static void
expect (const char *text, gboolean whole, const char *said)
{
  gboolean is_whole;
  g_autofree char *output = said_of (text, strlen (text), &is_whole);

  ck_assert_str_eq (output, said);
  ck_assert_int_eq (is_whole, whole);
}
#define expect_fine(text) expect (text, TRUE, "")
#define expect_broken(text, said) expect (text, FALSE, said "\n")
#define expect_told(text, said) expect (text, TRUE, said "\n")

/* ---- texts that are JSON ------------------------------------------------------------------------------------------- */

START_TEST (every_kind_of_value_passes)
{
  expect_fine ("{\"a\": [1, -2.5e+3, true, false, null, \"x\", {}, []]}");
  expect_fine (" 5 ");
  expect_fine ("\"\"");
  expect_fine ("[0, -0, 0.5, 1E9, 18446744073709551615, -9223372036854775808]");
}
END_TEST

START_TEST (comments_are_blanks)
{
  expect_fine ("// one\n{ /* two */ \"a\" /**/ : 1 // three\n , \"b\": \"// no /* comment\" }/* four\n*/ // five");
}
END_TEST

START_TEST (escapes_are_read)
{
  expect_fine ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"");
}
END_TEST

START_TEST (depth_64_passes)
{
  g_autofree char *open = g_strnfill (64, '[');
  g_autofree char *close = g_strnfill (64, ']');
  g_autofree char *text = g_strconcat (open, close, NULL);
  expect_fine (text);
}
END_TEST

/* ---- texts that are none ------------------------------------------------------------------------------------------- */

START_TEST (empty_text)
{
  expect_broken ("", "t.json:1:1: error: the text is empty");
  expect_broken (" \n // only this", "t.json:2:14: error: the text ends, expected a value");
}
END_TEST

START_TEST (byte_order_mark)
{
  expect_broken ("\xef\xbb\xbf{}", "t.json:1:1: error: byte order mark; save the file as UTF-8 without one");
}
END_TEST

START_TEST (not_utf8)
{
  expect_broken ("{\"a\": \"\xc3(\"}", "t.json:1:8: error: a: not UTF-8: byte 0xC3");
  expect_broken ("{\n  \"a\": 1, \xff}", "t.json:2:11: error: not UTF-8: byte 0xFF");
  expect_broken ("[/* \xe4 */]", "t.json:1:5: error: not UTF-8: byte 0xE4");
  expect_broken ("[\"\xed\xa0\x80\"]", "t.json:1:3: error: [0]: not UTF-8: byte 0xED");
  expect_broken ("[\"\xc0\xaf\"]", "t.json:1:3: error: [0]: not UTF-8: byte 0xC0");
}
END_TEST

START_TEST (what_stands_before_a_bad_byte_is_told_too)
{
  expect_broken ("{\"a\": 01, \"b\": \xff}", "t.json:1:7: error: a: \"01\" is no number of JSON\n"
                                             "t.json:1:16: error: b: not UTF-8: byte 0xFF");
}
END_TEST

START_TEST (nul_byte)
{
  gboolean whole;
  g_autofree char *between = said_of ("{\"a\":\0 1}", 9, &whole);
  ck_assert_str_eq (between, "t.json:1:6: error: a: expected a value, found a NUL byte\n");
  ck_assert (!whole);
  g_autofree char *inside = said_of ("{\"a\":\"x\0y\"}", 11, &whole);
  ck_assert_str_eq (inside, "t.json:1:8: error: a: NUL byte in a string\n");
  ck_assert (whole);
}
END_TEST

START_TEST (truncated_text)
{
  expect_broken ("{\"a\": {\n  \"b\": [1,",
                 "t.json:2:11: error: a.b[1]: the text ends, expected a value; \"[\" at 2:8 is not closed");
  expect_broken ("{\"a\": 1", "t.json:1:8: error: the text ends, expected \",\" or \"}\"; \"{\" at 1:1 is not closed");
  expect_broken ("{\"a\"",
                 "t.json:1:5: error: a: the text ends, expected \":\" behind the key; \"{\" at 1:1 is not closed");
  expect_broken ("{\"a\": \"xyz", "t.json:1:7: error: a: the string is not closed");
  expect_broken ("{\"a\": \"xyz\\", "t.json:1:7: error: a: the string is not closed");
  expect_broken ("{", "t.json:1:2: error: the text ends, expected a key in double quotes; \"{\" at 1:1 is not closed");
}
END_TEST

START_TEST (unclosed_comment)
{
  expect_broken ("{} /* and so on", "t.json:1:4: error: the comment is not closed");
  expect_broken ("{} /*/", "t.json:1:4: error: the comment is not closed");
}
END_TEST

START_TEST (line_break_in_a_string)
{
  expect_broken ("[\"a\nb\"]", "t.json:1:2: error: [0]: the string is not closed on its line");
}
END_TEST

START_TEST (something_else_stands_there)
{
  expect_broken ("{a: 1}", "t.json:1:2: error: expected a key in double quotes, found \"a\"");
  expect_broken ("{'a': 1}", "t.json:1:2: error: expected a key in double quotes, found \"'\"");
  expect_broken ("{\"a\" 1}", "t.json:1:6: error: a: expected \":\" behind the key, found \"1\"");
  expect_broken ("{\"a\": }", "t.json:1:7: error: a: expected a value, found \"}\"");
  expect_broken ("[1 2]", "t.json:1:4: error: expected \",\" or \"]\", found \"2\"");
  expect_broken ("{\"a\": 1 \"b\": 2}", "t.json:1:9: error: expected \",\" or \"}\", found \"\\\"\"");
  expect_broken ("{} {}", "t.json:1:4: error: expected the end of the text, found \"{\"");
  expect_broken ("[1, # one\n]", "t.json:1:5: error: [1]: expected a value, found \"#\"");
  expect_broken ("[,]", "t.json:1:2: error: [0]: expected a value, found \",\"");
  expect_broken ("[1]]", "t.json:1:4: error: expected the end of the text, found \"]\"");
}
END_TEST

START_TEST (nested_too_deep)
{
  g_autofree char *open = g_strnfill (65, '[');
  gboolean whole;
  g_autofree char *said = said_of (open, 65, &whole);
  ck_assert (!whole);
  ck_assert (g_str_has_prefix (said, "t.json:1:65: error: [0][0]"));
  ck_assert (g_str_has_suffix (said, "[0]: nested deeper than 64\n"));
  g_autofree char *deep = g_strnfill (1000000, '{');
  g_autofree char *also = said_of (deep, 1000000, &whole);
  ck_assert_str_eq (also, "t.json:1:2: error: expected a key in double quotes, found \"{\"\n");
}
END_TEST

START_TEST (too_many_values)
{
  g_autoptr (GString) text = g_string_new ("[");
  gboolean whole;
  for (int i = 0; i < WEIR_SCAN_VALUES; i++) {
    g_string_append (text, "0,");
  }
  g_autofree char *said = said_of (text->str, text->len, &whole);
  ck_assert_str_eq (said, "t.json:1:2000000: error: [999999]: more than 1000000 values\n");
  g_string_assign (text, "[");
  for (int i = 0; i < WEIR_SCAN_CONTAINERS; i++) {
    g_string_append (text, "{},");
  }
  g_autofree char *also = said_of (text->str, text->len, &whole);
  ck_assert_str_eq (also, "t.json:1:299999: error: [99999]: more than 100000 objects and lists\n");
}
END_TEST

/* ---- mistakes after which the scan goes on -------------------------------------------------------------------------- */

START_TEST (trailing_comma)
{
  expect_told ("{\"a\": [1, 2,], }", "t.json:1:12: error: a: trailing comma\n"
                                     "t.json:1:14: error: trailing comma");
}
END_TEST

START_TEST (duplicate_keys)
{
  expect_told ("{\"a\": 1,\n \"b\": 2, \"a\": 3, \"a\": {\"x\": 1}}",
               "t.json:2:10: error: a: duplicate key \"a\"; the first is at t.json:1:2\n"
               "t.json:2:18: error: a: duplicate key \"a\"; the first is at t.json:1:2");
  expect_told ("{\"abc\": 1, \"\\u0061bc\": 2}",
               "t.json:1:12: error: abc: duplicate key \"\\\\u0061bc\"; the first is at t.json:1:2");
}
END_TEST

START_TEST (equal_keys_of_different_objects_are_no_duplicates)
{
  expect_fine ("{\"a\": {\"a\": {\"a\": 1}}, \"b\": {\"a\": 1}}");
}
END_TEST

START_TEST (numbers_out_of_range)
{
  expect_told (
    "{\"a\": 18446744073709551616}",
    "t.json:1:7: error: a: \"18446744073709551616\" is out of range; integers go from -9223372036854775808 to "
    "18446744073709551615");
  expect_told (
    "{\"a\": -9223372036854775809}",
    "t.json:1:7: error: a: \"-9223372036854775809\" is out of range; integers go from -9223372036854775808 to "
    "18446744073709551615");
  expect_told ("[1e309, -1.8e308]", "t.json:1:2: error: [0]: \"1e309\" is out of range; numbers go to 1.8e308\n"
                                    "t.json:1:9: error: [1]: \"-1.8e308\" is out of range; numbers go to 1.8e308");
}
END_TEST

START_TEST (numbers_that_are_none)
{
  expect_told ("[01, +1, .5, 1., 1e, -, 0x10, 5KiB, 10%]",
               "t.json:1:2: error: [0]: \"01\" is no number of JSON\n"
               "t.json:1:6: error: [1]: \"+1\" is no number of JSON\n"
               "t.json:1:10: error: [2]: \".5\" is no number of JSON\n"
               "t.json:1:14: error: [3]: \"1.\" is no number of JSON\n"
               "t.json:1:18: error: [4]: \"1e\" is no number of JSON\n"
               "t.json:1:22: error: [5]: \"-\" is no number of JSON\n"
               "t.json:1:25: error: [6]: \"0x10\" is no number of JSON; write it in double quotes\n"
               "t.json:1:31: error: [7]: \"5KiB\" is no number of JSON; write it in double quotes\n"
               "t.json:1:37: error: [8]: \"10%\" is no number of JSON; write it in double quotes");
}
END_TEST

START_TEST (unknown_words)
{
  expect_told ("[True, nul, NaN, yes]",
               "t.json:1:2: error: [0]: unknown word \"True\"; did you mean \"true\"?\n"
               "t.json:1:8: error: [1]: unknown word \"nul\"; did you mean \"null\"?\n"
               "t.json:1:13: error: [2]: unknown word \"NaN\"; strings are written in double quotes\n"
               "t.json:1:18: error: [3]: unknown word \"yes\"; strings are written in double quotes");
}
END_TEST

START_TEST (escaped_nul)
{
  expect_told ("{\"a\": \"x\\u0000y\"}", "t.json:1:9: error: a: \\u0000: a string cannot hold a NUL");
  expect_told ("{\"\\u0000\": 1}", "t.json:1:3: error: \\u0000: a string cannot hold a NUL");
}
END_TEST

START_TEST (lone_surrogates)
{
  expect_told ("[\"\\ud83d\", \"\\ude00\", \"\\ud83d\\u0041\"]",
               "t.json:1:3: error: [0]: \\ud83d is half of a surrogate pair\n"
               "t.json:1:13: error: [1]: \\ude00 is half of a surrogate pair\n"
               "t.json:1:23: error: [2]: \\ud83d is half of a surrogate pair");
}
END_TEST

START_TEST (bad_escapes)
{
  expect_told ("[\"\\x41\", \"\\u12\", \"\\'\", \"\\u00\xc3\xa4\"]",
               "t.json:1:3: error: [0]: \\x is no escape of JSON\n"
               "t.json:1:11: error: [1]: \\u needs four hexadecimal digits\n"
               "t.json:1:19: error: [2]: \\' is no escape of JSON\n"
               "t.json:1:25: error: [3]: \\u needs four hexadecimal digits");
}
END_TEST

START_TEST (control_characters)
{
  expect_told ("[\"a\tb\"]", "t.json:1:4: error: [0]: control character 0x09 in a string; write \\u0009");
}
END_TEST

START_TEST (paths_show_odd_keys_in_quotes)
{
  expect_told ("{\"my key\": {\"\": {\"a.b\": [01]}}}",
               "t.json:1:26: error: [\"my key\"][\"\"][\"a.b\"][0]: \"01\" is no number of JSON");
  expect_told ("{\"\\u001b[31m\": 01}", "t.json:1:16: error: [\"\\u001b[31m\"]: \"01\" is no number of JSON");
}
END_TEST

START_TEST (a_million_mistakes_are_counted_not_kept)
{
  g_autoptr (GString) text = g_string_new ("[0");
  for (int i = 0; i < 5000; i++) {
    g_string_append (text, ",00");
  }
  g_string_append_c (text, ']');
  gboolean whole;
  g_autofree char *said = said_of (text->str, text->len, &whole);
  ck_assert (whole);
  ck_assert (g_str_has_suffix (said, "\nt.json: error: 4000 more are not shown\n"));
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("scan");
  TCase *cases = tcase_create ("scan");

  tcase_add_test (cases, every_kind_of_value_passes);
  tcase_add_test (cases, comments_are_blanks);
  tcase_add_test (cases, escapes_are_read);
  tcase_add_test (cases, depth_64_passes);
  tcase_add_test (cases, empty_text);
  tcase_add_test (cases, byte_order_mark);
  tcase_add_test (cases, not_utf8);
  tcase_add_test (cases, what_stands_before_a_bad_byte_is_told_too);
  tcase_add_test (cases, nul_byte);
  tcase_add_test (cases, truncated_text);
  tcase_add_test (cases, unclosed_comment);
  tcase_add_test (cases, line_break_in_a_string);
  tcase_add_test (cases, something_else_stands_there);
  tcase_add_test (cases, nested_too_deep);
  tcase_add_test (cases, too_many_values);
  tcase_add_test (cases, trailing_comma);
  tcase_add_test (cases, duplicate_keys);
  tcase_add_test (cases, equal_keys_of_different_objects_are_no_duplicates);
  tcase_add_test (cases, numbers_out_of_range);
  tcase_add_test (cases, numbers_that_are_none);
  tcase_add_test (cases, unknown_words);
  tcase_add_test (cases, escaped_nul);
  tcase_add_test (cases, lone_surrogates);
  tcase_add_test (cases, bad_escapes);
  tcase_add_test (cases, control_characters);
  tcase_add_test (cases, paths_show_odd_keys_in_quotes);
  tcase_add_test (cases, a_million_mistakes_are_counted_not_kept);
  tcase_set_timeout (cases, 60);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
