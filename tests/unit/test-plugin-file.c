/* SPDX-License-Identifier: Apache-2.0 */
/* The producer of plugins/file.c: files that are read one after another. */
#include "plugin-file-run.h"

START_TEST (reads_a_file_to_its_end)
{
  make ("a.log", "one\ntwo\nlast");
  begin ("{\"path\": \"a.log\"}");
  expect_lines ("one<\\n>|two<\\n>|last~|");
  ck_assert_str_eq (weir_harness_tags (cutter, NULL, "path"), "a.log|a.log|a.log|");
}
END_TEST

START_TEST (reads_by_chunks)
{
  make ("a.log", "one\ntwo\nlast");
  begin ("{\"path\": \"a.log\", \"chunk\": 5}");
  expect_lines ("one<\\n>|two<\\n>|last~|");
}
END_TEST

START_TEST (empty_file_gives_nothing)
{
  make ("a.log", "");
  begin ("{\"path\": \"a.log\"}");
  expect_lines ("");
}
END_TEST

START_TEST (list_in_its_order_and_globs_sorted)
{
  make ("c.log", "c");
  make ("b.log", "b");
  make ("a.txt", "a");
  make ("d.txt", "");
  g_mkdir ("e.log", 0755);
  begin ("{\"path\": [\"d.txt\", \"*.log\", \"a.txt\", \"b.log\"]}");
  expect_lines ("b~|c~|a~|");
  ck_assert_str_eq (weir_harness_tags (cutter, NULL, "path"), "b.log|c.log|a.txt|");
}
END_TEST

START_TEST (many_empty_files_are_passed_by)
{
  for (int i = 0; i < 100; i++) {
    g_autofree char *name = g_strdup_printf ("%03d", i);
    make (name, "");
  }
  make ("100", "last");
  begin ("{\"path\": \"*\"}");
  expect_lines ("last~|");
}
END_TEST

START_TEST (a_file_may_have_a_globs_name)
{
  make ("[a].log", "brackets");
  make ("a.log", "a");
  begin ("{\"path\": \"[a].log\"}");
  expect_lines ("brackets~|");
}
END_TEST

START_TEST (start_at_end_is_refused_where_nothing_is_followed)
{
  expect_refused ("file", WEIR_HARNESS_PRODUCER, "{\"path\": \"a.log\", \"start_at\": \"end\"}",
                  "start_at: found \"end\" without follow, expected both: nothing would be read");
}
END_TEST

START_TEST (fifo_is_read_until_its_writer_closes)
{
  ck_assert_int_eq (mkfifo ("fifo", 0600), 0);
  begin ("{\"path\": \"fifo\"}");
  await_idle ();
  int fd = open ("fifo", O_WRONLY);
  ck_assert_int_eq (write (fd, "one\ntw", 6), 6);
  await ("one<\\n>|");
  ck_assert_int_eq (write (fd, "o\nlast", 6), 6);
  close (fd);
  expect_lines ("one<\\n>|two<\\n>|last~|");
}
END_TEST

START_TEST (kernel_file_of_size_zero_is_read)
{
  begin ("{\"path\": \"/proc/self/comm\"}");
  finish ();
  expect_done ();
  look ();
  ck_assert_uint_eq (weir_harness_count (cutter, NULL), 1);
}
END_TEST

START_TEST (missing_file_fails)
{
  begin ("{\"path\": \"missing.log\"}");
  finish ();
  expect_failure ("cannot open missing.log: No such file or directory");
}
END_TEST

START_TEST (second_file_missing_fails_before_anything_is_read)
{
  make ("a.log", "one\n");
  begin ("{\"path\": [\"a.log\", \"missing.log\"]}");
  finish ();
  expect_failure ("cannot open missing.log: No such file or directory");
  ck_assert_uint_eq (count_out (), 0);
}
END_TEST

START_TEST (folder_for_a_file_fails)
{
  begin ("{\"path\": \"/\"}");
  finish ();
  expect_failure ("cannot open /: Is a directory");
}
END_TEST

START_TEST (unreadable_file_fails)
{
  make ("a.log", "one\n");
  ck_assert_int_eq (chmod (folder, 0755), 0);
  ck_assert_int_eq (chmod ("a.log", 0), 0);
  prepare ("{\"path\": \"a.log\"}", "{}", 4096); /* while we may: the build can lie in a folder of root's own */
  if (geteuid () == 0) {
    ck_assert_int_eq (seteuid (65534), 0);
  }
  finish ();
  if (getuid () == 0) {
    ck_assert_int_eq (seteuid (0), 0);
  }
  expect_failure ("cannot open a.log: Permission denied");
}
END_TEST

START_TEST (glob_without_match_fails)
{
  begin ("{\"path\": \"*.log\"}");
  finish ();
  expect_failure ("no file matches *.log");
}
END_TEST

START_TEST (large_file_through_small_links)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (int i = 0; i < 20000; i++) {
    g_string_append_printf (text, "line %d\n", i);
  }
  make ("a.log", text->str);
  prepare ("{\"path\": \"a.log\"}", "{}", 1);
  finish ();
  expect_done ();
  look ();
  ck_assert (weir_harness_finish (cutter));
  ck_assert_uint_eq (weir_harness_count (cutter, NULL), 20000);
  ck_assert_str_eq (weir_harness_bytes (cutter, NULL, NULL), text->str);
}
END_TEST

int
main (void)
{
  TCase *plain = tcase_create ("plugin-file");
  tcase_add_test (plain, reads_a_file_to_its_end);
  tcase_add_test (plain, reads_by_chunks);
  tcase_add_test (plain, empty_file_gives_nothing);
  tcase_add_test (plain, list_in_its_order_and_globs_sorted);
  tcase_add_test (plain, many_empty_files_are_passed_by);
  tcase_add_test (plain, a_file_may_have_a_globs_name);
  tcase_add_test (plain, start_at_end_is_refused_where_nothing_is_followed);
  tcase_add_test (plain, fifo_is_read_until_its_writer_closes);
  tcase_add_test (plain, kernel_file_of_size_zero_is_read);
  tcase_add_test (plain, missing_file_fails);
  tcase_add_test (plain, second_file_missing_fails_before_anything_is_read);
  tcase_add_test (plain, folder_for_a_file_fails);
  tcase_add_test (plain, unreadable_file_fails);
  tcase_add_test (plain, glob_without_match_fails);
  tcase_add_test (plain, large_file_through_small_links);
  return run_file_cases ("plugin-file", plain);
}
