/* SPDX-License-Identifier: Apache-2.0 */
/* A text with its places and values: where keys and values stand, what is read at all, and that json-c takes whatever the scan lets
 * pass, with equal values, in every locale. */
#include "../fuzz/agree.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>

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
  g_autoptr (WeirDocument)
    document = weir_document_new ("t.json", 1, g_strdup (text), strlen (text), 0, WEIR_NODE_NONE, problems);
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
  for (int i = 0; i < 20000; i++) {
    g_string_append_printf (text, ",\"k%d\":%d", i, i);
  }
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
  "{\"name\": \"errors\", \"producers\": {\"log\": {\"plugin\": \"file\", \"path\": [\"/a\", \"\xc3\xa9\"], \"chunk\": "
  "65536}}}",
  "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\", -0, 0.0, -0.0, 1e-400, 1.7976931348623157e308, true, false, "
  "null]",
  "[9223372036854775807, -9223372036854775808, 18446744073709551615, 0.1, 123456789012345678901.5, 9007199254740993, "
  "5e-324]",
  "// one\n{ /* two */ \"a\" : {\"b\": {}, \"c\": [[], [{}]]}, \"\\u0061b\": 1.5E+2 } // three",
  "{\"a\":1,\"a\":[2,],\"\\u0061\":01,\"b\":{\"a\":\"\\ud800\"},}",
};
static const char *const pieces[] = {
  "\"",
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "0",
  "-",
  ".",
  "e",
  "E+",
  "1e308",
  "99999999999999999999",
  "/*",
  "*/",
  "//",
  "\n",
  "\\u0000",
  "\\ud83d",
  "\\ude00",
  "\\u0061",
  "\"a\":",
  "true",
  "nul",
  "\xef\xbb\xbf",
  "\xc3",
  "\xa9",
  "\x01",
  "\t",
  "\r",
  " ",
  "9223372036854775808",
  "-9223372036854775809",
  "1.0",
  "00",
  "\\/",
  "\x7f",
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
    if (answer == NULL) {
      passed++;
    } else if (strcmp (answer, "broken") == 0) {
      refused++;
    } else {
      ck_abort_msg ("round %d: %s: %s", round, answer, text->str);
    }
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
    if (g_rand_boolean (random)) {
      g_string_append_c (text, '-');
    }
    for (int digits = g_rand_int_range (random, 1, 22); digits > 0; digits--) {
      g_string_append_c (text, (char) g_rand_int_range (random, '0', '9' + 1));
    }
    if (g_rand_int_range (random, 0, 3) == 0) {
      g_string_append_printf (text, ".%u", g_rand_int (random));
    }
    if (g_rand_int_range (random, 0, 3) == 0) {
      g_string_append_printf (text, "e%d", g_rand_int_range (random, -330, 310));
    }
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
      char *argv[] = { (char *) "localedef", (char *) "-c",    (char *) "-i", input,
                       (char *) "-f",        (char *) "UTF-8", output,        NULL };
      if (!g_file_set_contents (input, source, -1, NULL)) {
        return FALSE;
      }
      if (!g_spawn_sync (NULL, argv, NULL,
                         G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                         NULL, NULL, NULL, NULL)) {
        return FALSE;
      }
      g_setenv ("LOCPATH", folder, TRUE);
    }
    gboolean found = setlocale (LC_NUMERIC, names[i]) != NULL && strcmp (localeconv ()->decimal_point, ",") == 0;
    g_unsetenv ("LOCPATH"); /* with it glibc's newlocale leaks */
    if (found) {
      return TRUE;
    }
  }
  return FALSE;
}

START_TEST (a_locale_with_a_decimal_comma_changes_no_number)
{
  g_autofree char *folder = g_dir_make_tmp ("weir-XXXXXX", NULL);
  gboolean comma = use_comma_locale (folder);
  const char *remove[] = { "rm", "-rf", folder, NULL };

  g_spawn_sync (NULL, (char **) remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  if (!comma) {
    g_printerr (
      "no locale with a decimal comma on this system and none could be made: the C locale alone was tested\n");
  }
  g_autoptr (WeirProblems) problems = weir_problems_new ();
  static const char text[] = "[0.5, -1.25e2, 1e-3]";
  g_autoptr (WeirDocument)
    document = weir_document_new ("t.json", 1, g_strdup (text), strlen (text), 0, WEIR_NODE_NONE, problems);
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
  Suite *suite = suite_create ("document");
  TCase *cases = tcase_create ("document");

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
