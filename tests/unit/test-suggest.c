/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of "did you mean": which slips are understood and which words are left alone. */
#include "suggest.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const char *const keys[] = { "pattern", "invert", "literal", "capture", "path", NULL };

START_TEST (a_missing_letter_is_understood)
{
  ck_assert_str_eq (weir_suggest ("patern", keys), "pattern");
}
END_TEST

START_TEST (two_swapped_letters_are_one_slip)
{
  ck_assert_str_eq (weir_suggest ("ptah", keys), "path");
}
END_TEST

START_TEST (letter_case_is_no_slip)
{
  ck_assert_str_eq (weir_suggest ("PATH", keys), "path");
}
END_TEST

START_TEST (the_nearest_wins)
{
  static const char *const near[] = { "drop_newest", "drop_oldest", NULL };
  ck_assert_str_eq (weir_suggest ("drop-oldest", near), "drop_oldest");
  ck_assert_str_eq (weir_suggest ("drop-newest", near), "drop_newest");
}
END_TEST

START_TEST (a_far_word_is_left_alone)
{
  ck_assert_ptr_null (weir_suggest ("delimiter", keys));
  ck_assert_ptr_null (weir_suggest ("", keys));
}
END_TEST

START_TEST (a_single_letter_is_never_replaced_as_a_whole)
{
  static const char *const letters[] = { "b", NULL };
  ck_assert_ptr_null (weir_suggest ("a", letters));
}
END_TEST

START_TEST (a_very_long_word_is_left_alone)
{
  g_autofree char *word = g_strnfill (100000, 'p');
  ck_assert_ptr_null (weir_suggest (word, keys));
}
END_TEST

START_TEST (no_candidates_is_no_answer)
{
  static const char *const none[] = { NULL };
  ck_assert_ptr_null (weir_suggest ("x", NULL));
  ck_assert_ptr_null (weir_suggest ("x", none));
}
END_TEST

START_TEST (the_question_is_appended_only_with_an_answer)
{
  g_autoptr (GString) message = g_string_new ("unknown key \"patern\"");
  weir_suggest_append (message, "patern", keys);
  ck_assert_str_eq (message->str, "unknown key \"patern\"; did you mean \"pattern\"?");
  weir_suggest_append (message, "delimiter", keys);
  ck_assert_str_eq (message->str, "unknown key \"patern\"; did you mean \"pattern\"?");
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("suggest");
  TCase *cases = tcase_create ("suggest");

  tcase_add_test (cases, a_missing_letter_is_understood);
  tcase_add_test (cases, two_swapped_letters_are_one_slip);
  tcase_add_test (cases, letter_case_is_no_slip);
  tcase_add_test (cases, the_nearest_wins);
  tcase_add_test (cases, a_far_word_is_left_alone);
  tcase_add_test (cases, a_single_letter_is_never_replaced_as_a_whole);
  tcase_add_test (cases, a_very_long_word_is_left_alone);
  tcase_add_test (cases, no_candidates_is_no_answer);
  tcase_add_test (cases, the_question_is_appended_only_with_an_answer);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
