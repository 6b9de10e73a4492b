/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of tags and contexts: their order, replacing, counting, and what a record tells of them. */
#include "context.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void
append_pair (const char *key, const char *value, gpointer text)
{
  g_string_append_printf (text, "%s=%s;", key, value);
}

/* All pairs in order; freed by the caller. */
static char *
pairs (WeirContext *context)
{
  WeirRecord record = { .context = context };
  GString *text = g_string_new (NULL);
  weir_record_tags (&record, append_pair, text);
  return g_string_free (text, FALSE);
}

START_TEST (tags_keep_the_order_in_which_they_were_added)
{
  g_autoptr (WeirTags) a = weir_tags_with (NULL, "b", "1");
  g_autoptr (WeirTags) b = weir_tags_with (a, "a", "2");
  WeirContext *context = weir_context_new (weir_tags_with (b, "c", ""));
  g_autofree char *text = pairs (context);
  ck_assert_str_eq (text, "b=1;a=2;c=;");
  weir_context_unref (context);
}
END_TEST

START_TEST (a_known_key_gets_its_new_value_in_its_place)
{
  g_autoptr (WeirTags) a = weir_tags_with (NULL, "x", "1");
  g_autoptr (WeirTags) b = weir_tags_with (a, "y", "2");
  WeirContext *context = weir_context_new (weir_tags_with (b, "x", "a longer value than before"));
  g_autofree char *text = pairs (context);
  ck_assert_str_eq (text, "x=a longer value than before;y=2;");
  weir_context_unref (context);
}
END_TEST

START_TEST (a_set_is_never_changed)
{
  g_autoptr (WeirTags) base = weir_tags_with (NULL, "x", "1");
  g_autoptr (WeirTags) other = weir_tags_with (base, "x", "2");
  g_autoptr (WeirTags) more = weir_tags_with (base, "y", "3");
  ck_assert_str_eq (weir_tags_get (base, "x"), "1");
  ck_assert_ptr_null (weir_tags_get (base, "y"));
  ck_assert_str_eq (weir_tags_get (other, "x"), "2");
  ck_assert_str_eq (weir_tags_get (more, "y"), "3");
}
END_TEST

START_TEST (strings_are_copied)
{
  char key[] = "key", value[] = "value";
  g_autoptr (WeirTags) tags = weir_tags_with (NULL, key, value);
  key[0] = value[0] = 'X';
  ck_assert_str_eq (weir_tags_get (tags, "key"), "value");
}
END_TEST

START_TEST (a_set_made_of_its_own_strings_is_sound)
{
  g_autoptr (WeirTags) tags = weir_tags_with (NULL, "key", "value");
  g_autoptr (WeirTags) more = weir_tags_with (tags, weir_tags_get (tags, "key"), weir_tags_get (tags, "key"));
  ck_assert_str_eq (weir_tags_get (more, "key"), "value");
}
END_TEST

START_TEST (what_is_not_there_is_null)
{
  WeirRecord record = { .size = 0 };
  ck_assert_ptr_null (weir_tags_get (NULL, "x"));
  ck_assert_ptr_null (weir_record_tag (&record, "x"));
  g_autofree char *none = pairs (NULL);
  ck_assert_str_eq (none, "");
  WeirContext *empty = weir_context_new (NULL);
  record.context = empty;
  ck_assert_ptr_null (weir_record_tag (&record, "x"));
  weir_context_unref (empty);
}
END_TEST

START_TEST (a_record_tells_a_tag_of_its_context)
{
  WeirContext *context = weir_context_with (NULL, "peer", "10.0.0.1");
  WeirRecord record = { .context = context };
  ck_assert_str_eq (weir_record_tag (&record, "peer"), "10.0.0.1");
  weir_context_unref (context);
}
END_TEST

START_TEST (a_context_with_one_more_tag_leaves_its_base)
{
  WeirContext *base = weir_context_with (NULL, "a", "1");
  WeirContext *more = weir_context_with (base, "b", "2");
  weir_context_unref (base);
  g_autofree char *text = pairs (more);
  ck_assert_str_eq (text, "a=1;b=2;");
  weir_context_unref (more);
}
END_TEST

START_TEST (tags_outlive_the_context_they_were_taken_from)
{
  WeirTags *tags = weir_tags_with (NULL, "a", "1");
  WeirContext *context = weir_context_new (weir_tags_ref (tags));
  weir_context_ref (context);
  weir_context_unref (context);
  weir_context_unref (context);
  ck_assert_str_eq (weir_tags_get (tags, "a"), "1");
  weir_tags_unref (tags);
}
END_TEST

START_TEST (many_tags_are_all_found)
{
  WeirTags *tags = NULL;
  for (guint i = 0; i < 200; i++) {
    g_autofree char *key = g_strdup_printf ("key%u", i), *value = g_strnfill (i, 'v');
    WeirTags *more = weir_tags_with (tags, key, value);
    g_clear_pointer (&tags, weir_tags_unref);
    tags = more;
  }
  for (guint i = 0; i < 200; i++) {
    g_autofree char *key = g_strdup_printf ("key%u", i);
    ck_assert_uint_eq (strlen (weir_tags_get (tags, key)), i);
  }
  weir_tags_unref (tags);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("context");
  TCase *cases = tcase_create ("context");
  tcase_add_test (cases, tags_keep_the_order_in_which_they_were_added);
  tcase_add_test (cases, a_known_key_gets_its_new_value_in_its_place);
  tcase_add_test (cases, a_set_is_never_changed);
  tcase_add_test (cases, strings_are_copied);
  tcase_add_test (cases, a_set_made_of_its_own_strings_is_sound);
  tcase_add_test (cases, what_is_not_there_is_null);
  tcase_add_test (cases, a_record_tells_a_tag_of_its_context);
  tcase_add_test (cases, a_context_with_one_more_tag_leaves_its_base);
  tcase_add_test (cases, tags_outlive_the_context_they_were_taken_from);
  tcase_add_test (cases, many_tags_are_all_found);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
