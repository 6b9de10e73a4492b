/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and numbers for people, as the summary and the progress write them. */
#include "cli/table.c"

#include <check.h>

static void
expect_short (double value, const char *expected)
{
  g_autofree char *text = weir_table_short (value);
  ck_assert_str_eq (text, expected);
}

static void
expect_count (guint64 value, const char *expected)
{
  g_autofree char *text = weir_table_count (value);
  ck_assert_str_eq (text, expected);
}

static void
expect_bytes (guint64 value, const char *expected)
{
  g_autofree char *text = weir_table_bytes (value);
  ck_assert_str_eq (text, expected);
}

START_TEST (three_digits)
{
  expect_short (0, "0");
  expect_short (9.4, "9");
  expect_short (999.4, "999");
  expect_short (999.6, "1.00 k");
  expect_short (1234, "1.23 k");
  expect_short (9994, "9.99 k");
  expect_short (9996, "10.0 k");
  expect_short (99949, "99.9 k");
  expect_short (99951, "100 k");
  expect_short (45.6e6, "45.6 M");
  expect_short (2e18, "2000000 T");
}
END_TEST

START_TEST (groups_of_three)
{
  expect_count (0, "0");
  expect_count (999, "999");
  expect_count (1000, "1,000");
  expect_count (1234567, "1,234,567");
  expect_count (G_MAXUINT64, "18,446,744,073,709,551,615");
}
END_TEST

START_TEST (bytes_by_1024)
{
  expect_bytes (0, "0 B");
  expect_bytes (1023, "1023 B");
  expect_bytes (1024, "1.0 KiB");
  expect_bytes (1024 * 1024 - 1, "1.0 MiB");
  expect_bytes ((guint64) 5 << 40, "5.0 TiB");
}
END_TEST

static char *
write_table (guint width)
{
  g_autoptr (WeirTable) table = weir_table_new ("lr");
  GString *out = g_string_new (NULL);
  weir_table_add (table, "%s", "name");
  weir_table_add (table, "%s", "n");
  weir_table_add (table, "%s", "größe");
  weir_table_add (table, "%d", 100);
  weir_table_add (table, "%s", "x");
  weir_table_add (table, "%s", "");
  weir_table_write (table, out, 2, width);
  return g_string_free (out, FALSE);
}

START_TEST (columns_as_wide_as_their_widest_cell)
{
  g_autofree char *text = write_table (0);
  ck_assert_str_eq (text, "  name     n\n  größe  100\n  x\n");
}
END_TEST

START_TEST (lines_are_cut_by_characters)
{
  g_autofree char *text = write_table (6);
  ck_assert_str_eq (text, "  name\n  größ\n  x\n");
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("table");
  TCase *cases = tcase_create ("table");
  tcase_add_test (cases, three_digits);
  tcase_add_test (cases, groups_of_three);
  tcase_add_test (cases, bytes_by_1024);
  tcase_add_test (cases, columns_as_wide_as_their_widest_cell);
  tcase_add_test (cases, lines_are_cut_by_characters);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed != 0;
}
