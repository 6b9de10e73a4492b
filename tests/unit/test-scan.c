/* SPDX-License-Identifier: Apache-2.0 */
/* The scan in front of json-c: each bad text by name with its whole message, where keys and values stand, and that json-c
 * takes whatever the scan lets pass, with equal values, in every locale. */
#include "scan.h"
#include "../fuzz/agree.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>

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
  expect_broken ("{\"a\"", "t.json:1:5: error: a: the text ends, expected \":\" behind the key; \"{\" at 1:1 is not closed");
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
  for (int i = 0; i < WEIR_SCAN_VALUES; i++)
    g_string_append (text, "0,");
  g_autofree char *said = said_of (text->str, text->len, &whole);
  ck_assert_str_eq (said, "t.json:1:2000000: error: [999999]: more than 1000000 values\n");
  g_string_assign (text, "[");
  for (int i = 0; i < WEIR_SCAN_CONTAINERS; i++)
    g_string_append (text, "{},");
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
  expect_told ("{\"a\": 18446744073709551616}",
               "t.json:1:7: error: a: \"18446744073709551616\" is out of range; integers go from -9223372036854775808 to "
               "18446744073709551615");
  expect_told ("{\"a\": -9223372036854775809}",
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
  expect_told ("[True, nul, NaN, yes]", "t.json:1:2: error: [0]: unknown word \"True\"; did you mean \"true\"?\n"
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
  expect_told ("{\"my key\": {\"\": {\"a.b\": [01]}}}", "t.json:1:26: error: [\"my key\"][\"\"][\"a.b\"][0]: \"01\" is no number of JSON");
  expect_told ("{\"\\u001b[31m\": 01}", "t.json:1:16: error: [\"\\u001b[31m\"]: \"01\" is no number of JSON");
}
END_TEST

START_TEST (a_million_mistakes_are_counted_not_kept)
{
  g_autoptr (GString) text = g_string_new ("[0");
  for (int i = 0; i < 5000; i++)
    g_string_append (text, ",00");
  g_string_append_c (text, ']');
  gboolean whole;
  g_autofree char *said = said_of (text->str, text->len, &whole);
  ck_assert (whole);
  ck_assert (g_str_has_suffix (said, "\nt.json: error: 4000 more are not shown\n"));
}
END_TEST

/* ---- places --------------------------------------------------------------------------------------------------------- */

static void
expect_place (WeirPlace place, guint line, guint column)
{
  ck_assert_str_eq (place.file, "t.json");
  ck_assert_uint_eq (place.line, line);
  ck_assert_uint_eq (place.column, column);
}

START_TEST (keys_and_values_have_places)
{
  static const char text[] = "{\n  \"\xc3\xa4\": 1, \"b\" :\n[ true,\r\n {\"c\":null}]}";
  g_autoptr (WeirProblems) problems = weir_problems_new ();
  g_autoptr (WeirDocument) document
    = weir_document_new ("t.json", 1, g_strdup (text), strlen (text), 0, WEIR_NODE_NONE, problems);
  WeirPlaces *places = document->places;
  WeirNode b = weir_places_member (places, document->root, "b");
  WeirNode first = weir_places_first (places, b);
  WeirNode second = weir_places_next (places, first);
  WeirNode c = weir_places_member (places, second, "c");

  expect_place (weir_places_value (places, document->root), 1, 1);
  expect_place (weir_places_value (places, weir_places_member (places, document->root, "\xc3\xa4")), 2, 9);
  expect_place (weir_places_key (places, b), 2, 12);
  expect_place (weir_places_value (places, b), 3, 1);
  expect_place (weir_places_value (places, first), 3, 3);
  expect_place (weir_places_key (places, c), 4, 3);
  expect_place (weir_places_value (places, c), 4, 7);
  ck_assert_uint_eq (weir_places_next (places, second), WEIR_NODE_NONE);
  ck_assert_uint_eq (weir_places_member (places, document->root, "c"), WEIR_NODE_NONE);
  g_autofree char *path = weir_places_path (places, c);
  ck_assert_str_eq (path, "b[1].c");
}
END_TEST

START_TEST (many_members_are_found)
{
  g_autoptr (GString) text = g_string_new ("{\"k\":0");
  for (int i = 0; i < 20000; i++)
    g_string_append_printf (text, ",\"k%d\":%d", i, i);
  g_string_append_c (text, '}');
  ck_assert_pstr_eq (agree (text->str, text->len), NULL);
}
END_TEST

/* ---- reading -------------------------------------------------------------------------------------------------------- */

START_TEST (a_missing_file_is_refused)
{
  char *message = NULL;
  gsize size;
  ck_assert_ptr_null (weir_document_read ("/nonexistent/x.json", &size, &message));
  ck_assert_str_eq (message, "cannot open: No such file or directory");
  g_free (message);
}
END_TEST

START_TEST (a_folder_is_refused)
{
  char *message = NULL;
  gsize size;
  ck_assert_ptr_null (weir_document_read ("/", &size, &message));
  ck_assert_str_eq (message, "is a folder, not a file");
  g_free (message);
}
END_TEST

START_TEST (a_huge_file_is_refused_by_its_size)
{
  g_autofree char *folder = g_dir_make_tmp ("weir-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "huge.json", NULL);
  char *message = NULL;
  gsize size;

  ck_assert (g_file_set_contents (path, "{}", 2, NULL));
  /* So large that nobody can have read it: only its size is looked at. */
  ck_assert_int_eq (truncate (path, (off_t) 1 << 40), 0);
  ck_assert_ptr_null (weir_document_read (path, &size, &message));
  ck_assert_str_eq (message, "larger than 16 MiB");
  g_free (message);
  ck_assert_int_eq (truncate (path, (off_t) WEIR_DOCUMENT_MAX), 0);
  g_autofree char *text = weir_document_read (path, &size, &message);
  ck_assert_ptr_nonnull (text);
  ck_assert_uint_eq (size, WEIR_DOCUMENT_MAX);
  unlink (path);
  rmdir (folder);
}
END_TEST

START_TEST (an_endless_pipe_is_refused)
{
  char *message = NULL;
  gsize size;
  ck_assert_ptr_null (weir_document_read ("/dev/zero", &size, &message));
  ck_assert_str_eq (message, "larger than 16 MiB");
  g_free (message);
}
END_TEST

/* ---- json-c agrees --------------------------------------------------------------------------------------------------- */

static const char *const seeds[] = {
  "{\"name\": \"errors\", \"producers\": {\"log\": {\"plugin\": \"file\", \"path\": [\"/a\", \"\xc3\xa9\"], \"chunk\": 65536}}}",
  "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\", -0, 0.0, -0.0, 1e-400, 1.7976931348623157e308, true, false, null]",
  "[9223372036854775807, -9223372036854775808, 18446744073709551615, 0.1, 123456789012345678901.5, 9007199254740993, 5e-324]",
  "// one\n{ /* two */ \"a\" : {\"b\": {}, \"c\": [[], [{}]]}, \"\\u0061b\": 1.5E+2 } // three",
  "{\"a\":1,\"a\":[2,],\"\\u0061\":01,\"b\":{\"a\":\"\\ud800\"},}",
};
static const char *const pieces[] = {
  "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "E+", "1e308", "99999999999999999999", "/*", "*/", "//", "\n",
  "\\u0000", "\\ud83d", "\\ude00", "\\u0061", "\"a\":", "true", "nul", "\xef\xbb\xbf", "\xc3", "\xa9", "\x01", "\t", "\r", " ",
  "9223372036854775808", "-9223372036854775809", "1.0", "00", "\\/", "\x7f",
};

START_TEST (mutated_texts_agree_with_json_c)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (20240601);
  guint passed = 0, refused = 0;

  for (int round = 0; round < 8000; round++) {
    const char *seed = seeds[g_rand_int_range (random, 0, G_N_ELEMENTS (seeds))];
    g_autoptr (GString) text = g_string_new (seed);
    for (int change = g_rand_int_range (random, 0, 4); change > 0 && text->len > 2; change--) {
      gsize at = (gsize) g_rand_int_range (random, 0, (gint32) text->len);
      gsize size = (gsize) g_rand_int_range (random, 1, 9);
      g_autofree char *part = NULL;
      switch (g_rand_int_range (random, 0, 5)) {
      case 0:
        text->str[at] = (char) g_rand_int_range (random, 0, 256);
        break;
      case 1:
        g_string_erase (text, (gssize) at, (gssize) MIN (size, text->len - at));
        break;
      case 2:
        g_string_insert (text, (gssize) at, pieces[g_rand_int_range (random, 0, G_N_ELEMENTS (pieces))]);
        break;
      case 3:
        part = g_strndup (text->str + at, size);
        g_string_insert (text, g_rand_int_range (random, 0, (gint32) text->len), part);
        break;
      default:
        g_string_truncate (text, at);
      }
    }
    const char *answer = agree (text->str, text->len);
    if (answer == NULL)
      passed++;
    else if (strcmp (answer, "broken") == 0)
      refused++;
    else
      ck_abort_msg ("round %d: %s: %s", round, answer, text->str);
  }
  /* Both happen often, or the test says nothing. */
  ck_assert_uint_gt (passed, 1000);
  ck_assert_uint_gt (refused, 1000);
}
END_TEST

START_TEST (random_numbers_agree_with_json_c)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);

  for (int round = 0; round < 8000; round++) {
    g_autoptr (GString) text = g_string_new ("[");
    if (g_rand_boolean (random))
      g_string_append_c (text, '-');
    for (int digits = g_rand_int_range (random, 1, 22); digits > 0; digits--)
      g_string_append_c (text, (char) g_rand_int_range (random, '0', '9' + 1));
    if (g_rand_int_range (random, 0, 3) == 0)
      g_string_append_printf (text, ".%u", g_rand_int (random));
    if (g_rand_int_range (random, 0, 3) == 0)
      g_string_append_printf (text, "e%d", g_rand_int_range (random, -330, 310));
    g_string_append_c (text, ']');
    ck_assert_msg (agree (text->str, text->len) == NULL, "%s: %s", text->str, agree (text->str, text->len));
  }
}
END_TEST

/* A locale that writes the decimal point as a comma: one of the system's, or one made for the test. */
static gboolean
use_comma_locale (const char *folder)
{
  static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "xx_XX.UTF-8" };
  static const char source[] = "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \".\"\ngrouping 3;3\nEND LC_NUMERIC\n";

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (i == G_N_ELEMENTS (names) - 1) {
      g_autofree char *input = g_build_filename (folder, "source", NULL);
      g_autofree char *output = g_build_filename (folder, names[i], NULL);
      char *argv[] = { (char *) "localedef", (char *) "-c", (char *) "-i", input, (char *) "-f", (char *) "UTF-8", output, NULL };
      if (!g_file_set_contents (input, source, -1, NULL))
        return FALSE;
      if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                         NULL, NULL, NULL, NULL, NULL, NULL))
        return FALSE;
      g_setenv ("LOCPATH", folder, TRUE);
    }
    gboolean found = setlocale (LC_NUMERIC, names[i]) != NULL && strcmp (localeconv ()->decimal_point, ",") == 0;
    g_unsetenv ("LOCPATH"); /* with it glibc's newlocale leaks */
    if (found)
      return TRUE;
  }
  return FALSE;
}

START_TEST (a_locale_with_a_decimal_comma_changes_no_number)
{
  g_autofree char *folder = g_dir_make_tmp ("weir-XXXXXX", NULL);
  gboolean comma = use_comma_locale (folder);
  const char *remove[] = { "rm", "-rf", folder, NULL };

  g_spawn_sync (NULL, (char **) remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  if (!comma)
    g_printerr ("no locale with a decimal comma on this system and none could be made: the C locale alone was tested\n");
  g_autoptr (WeirProblems) problems = weir_problems_new ();
  static const char text[] = "[0.5, -1.25e2, 1e-3]";
  g_autoptr (WeirDocument) document
    = weir_document_new ("t.json", 1, g_strdup (text), strlen (text), 0, WEIR_NODE_NONE, problems);
  ck_assert (json_object_get_double (json_object_array_get_idx (document->value, 0)) == 0.5);
  ck_assert (json_object_get_double (json_object_array_get_idx (document->value, 1)) == -125.0);
  ck_assert (json_object_get_double (json_object_array_get_idx (document->value, 2)) == 0.001);
  ck_assert_pstr_eq (agree (text, strlen (text)), NULL);
  ck_assert_pstr_eq (agree ("[0,5]", 5), NULL);
  ck_assert_pstr_eq (agree ("1e400", 5), NULL);
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
  tcase_add_test (cases, keys_and_values_have_places);
  tcase_add_test (cases, many_members_are_found);
  tcase_add_test (cases, a_missing_file_is_refused);
  tcase_add_test (cases, a_folder_is_refused);
  tcase_add_test (cases, a_huge_file_is_refused_by_its_size);
  tcase_add_test (cases, an_endless_pipe_is_refused);
  tcase_add_test (cases, mutated_texts_agree_with_json_c);
  tcase_add_test (cases, random_numbers_agree_with_json_c);
  tcase_add_test (cases, a_locale_with_a_decimal_comma_changes_no_number);
  tcase_set_timeout (cases, 60);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
