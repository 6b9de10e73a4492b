/* SPDX-License-Identifier: Apache-2.0 */
/* The producer of plugins/file.c: files that are followed as they grow, are rotated, truncated and removed, or join a glob. */
#include "plugin-file-run.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

/* What the plugin calls: they fail with this errno where it is not 0. */
static int no_inotify, no_watches;

WEIR_EXPORT int
inotify_init1 (int flags)
{
  errno = no_inotify;
  return no_inotify != 0 ? -1 : (int) syscall (SYS_inotify_init1, flags);
}

WEIR_EXPORT int
inotify_add_watch (int fd, const char *path, uint32_t events)
{
  errno = no_watches;
  return no_watches != 0 ? -1 : (int) syscall (SYS_inotify_add_watch, fd, path, events);
}

START_TEST (follow_reads_what_is_appended)
{
  make ("a.log", "one\n");
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await ("one<\\n>|");
  append ("a.log", "tw");
  append ("a.log", "o\n");
  await ("one<\\n>|two<\\n>|");
  append ("a.log", "half");
  stop ();
}
END_TEST

START_TEST (follow_from_the_end)
{
  make ("a.log", "old\n");
  begin ("{\"path\": \"a.log\", \"follow\": true, \"start_at\": \"end\"}");
  await_idle ();
  append ("a.log", "new\n");
  await ("new<\\n>|");
  stop ();
}
END_TEST

START_TEST (follow_waits_for_a_missing_file)
{
  begin ("{\"path\": \"a.log\", \"follow\": true, \"start_at\": \"end\"}");
  await_idle ();
  make ("a.log", "one\n");
  await ("one<\\n>|");
  stop ();
}
END_TEST

START_TEST (follow_waits_for_missing_folders)
{
  begin ("{\"path\": \"x/y/a.log\", \"follow\": true}");
  await_idle ();
  g_mkdir ("x", 0755);
  g_mkdir ("x/y", 0755);
  make ("x/y/a.log", "one\n");
  await ("one<\\n>|");
  stop ();
}
END_TEST

START_TEST (rotation_by_rename)
{
  make ("a.log", "one\n");
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await ("one<\\n>|");
  int fd = open ("a.log", O_WRONLY | O_APPEND);
  ck_assert_int_eq (g_rename ("a.log", "a.log.1"), 0);
  ck_assert_int_eq (write (fd, "two\nhalf", 8), 8);
  await ("one<\\n>|two<\\n>|");
  make ("a.log", "");
  ck_assert_int_eq (write (fd, " done", 5), 5); /* the writer still has the old one */
  append ("a.log", "new\n");
  close (fd);
  await ("one<\\n>|two<\\n>|half done~|new<\\n>|");
  append ("a.log", "newer\n");
  await ("one<\\n>|two<\\n>|half done~|new<\\n>|newer<\\n>|");
  stop ();
}
END_TEST

START_TEST (rotation_by_rename_many_times)
{
  g_autoptr (GString) wanted = g_string_new ("0<\\n>|");
  make ("a.log", "0\n");
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await (wanted->str);
  for (int i = 1; i <= 20; i++) {
    g_autofree char *text = g_strdup_printf ("%d\n", i), *old = g_strdup_printf ("a.log.%d", i);
    ck_assert_int_eq (g_rename ("a.log", old), 0);
    make ("a.log", text);
    g_string_append_printf (wanted, "%d<\\n>|", i);
    await (wanted->str);
  }
  stop ();
}
END_TEST

START_TEST (rotation_by_removal)
{
  make ("a.log", "one\nhalf");
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await ("one<\\n>|");
  ck_assert_int_eq (g_unlink ("a.log"), 0);
  make ("a.log", "new\n");
  await ("one<\\n>|half~|new<\\n>|");
  stop ();
}
END_TEST

START_TEST (file_put_in_place_by_rename)
{
  make ("a.log", "one\n");
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await ("one<\\n>|");
  make ("a.tmp", "other\n");
  ck_assert_int_eq (g_rename ("a.tmp", "a.log"), 0);
  await ("one<\\n>|other<\\n>|");
  stop ();
}
END_TEST

START_TEST (truncation_begins_anew)
{
  make ("a.log", "one\nhalf");
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await ("one<\\n>|");
  ck_assert_int_eq (truncate ("a.log", 0), 0);
  await ("one<\\n>|half~|");
  append ("a.log", "new\n");
  await ("one<\\n>|half~|new<\\n>|");
  stop ();
}
END_TEST

START_TEST (truncated_and_written_again)
{
  make ("a.log", "a long first line\n");
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await ("a long first line<\\n>|");
  make ("a.log", "short\n");
  await ("a long first line<\\n>|short<\\n>|");
  stop ();
}
END_TEST

/* Truncated and as long again, or longer, before anybody has looked: told by its bytes. */
START_TEST (truncated_and_as_long_again)
{
  make ("a.log", "one\nhalf");
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await ("one<\\n>|");
  make ("a.log", "two\nfull");
  await ("one<\\n>|half~|two<\\n>|");
  make ("a.log", "three\nmore and more\n");
  await ("one<\\n>|half~|two<\\n>|full~|three<\\n>|more and more<\\n>|");
  append ("a.log", "last\n");
  await ("one<\\n>|half~|two<\\n>|full~|three<\\n>|more and more<\\n>|last<\\n>|");
  stop ();
}
END_TEST

START_TEST (files_join_a_glob)
{
  g_mkdir ("logs", 0755);
  make ("logs/a.log", "a\n");
  begin ("{\"path\": \"logs/*.log\", \"follow\": true, \"start_at\": \"end\"}");
  await_idle ();
  make ("logs/b.log", "b\n");
  await ("b<\\n>|");
  make ("logs/c.txt", "c\n");
  append ("logs/a.log", "a\n");
  await ("b<\\n>|a<\\n>|");
  ck_assert_str_eq (weir_harness_tags (cutter, NULL, "path"), "logs/b.log|logs/a.log|");
  stop ();
}
END_TEST

START_TEST (folders_join_a_glob)
{
  begin ("{\"path\": \"pods/*/[0-9].log\", \"follow\": true}");
  await_idle ();
  g_mkdir ("pods", 0755);
  g_mkdir ("pods/one", 0755);
  make ("pods/one/0.log", "0\n");
  await ("0<\\n>|");
  g_mkdir ("pods/two", 0755);
  make ("pods/two/1.log", "1\n");
  await ("0<\\n>|1<\\n>|");
  stop ();
}
END_TEST

START_TEST (rename_within_a_glob_is_not_read_again)
{
  make ("a.log", "one\n");
  begin ("{\"path\": \"a.log*\", \"follow\": true}");
  await ("one<\\n>|");
  ck_assert_int_eq (g_rename ("a.log", "a.log.1"), 0);
  make ("a.log", "two\n");
  await ("one<\\n>|two<\\n>|");
  append ("a.log.1", "three\n");
  await ("one<\\n>|two<\\n>|three<\\n>|");
  stop ();
}
END_TEST

START_TEST (removed_from_a_glob_ends_its_stream)
{
  make ("a.log", "one\nhalf");
  begin ("{\"path\": \"*.log\", \"follow\": true}");
  await ("one<\\n>|");
  ck_assert_int_eq (g_unlink ("a.log"), 0);
  await ("one<\\n>|half~|");
  stop ();
}
END_TEST

START_TEST (symbolic_link_that_moves_on)
{
  make ("first", "one\n");
  make ("second", "two\n");
  ck_assert_int_eq (symlink ("first", "a.log"), 0);
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await ("one<\\n>|");
  ck_assert_int_eq (symlink ("second", "new"), 0);
  ck_assert_int_eq (g_rename ("new", "a.log"), 0);
  await ("one<\\n>|two<\\n>|");
  stop ();
}
END_TEST

/* A file that always has more must not hold up another. */
START_TEST (files_are_read_in_turn)
{
  g_autofree char *many = g_strnfill (200000, 'x');
  make ("a.log", many);
  make ("b.log", "b\n");
  prepare ("{\"path\": [\"a.log\", \"b.log\"], \"follow\": true, \"chunk\": 1000}", "{\"max\": 100}", 8);
  weir_harness_start (cutter);
  weir_harness_start (harness);
  await_idle ();
  const char *found = strstr (look (), "b<");
  ck_assert_ptr_nonnull (found);
  ck_assert_uint_lt ((gsize) (found - look ()), 10000);
  stop ();
}
END_TEST

START_TEST (follow_refuses_what_is_no_file)
{
  ck_assert_int_eq (mkfifo ("fifo", 0600), 0);
  begin ("{\"path\": \"fifo\", \"follow\": true}");
  finish ();
  expect_failure ("cannot follow fifo: not a regular file");
}
END_TEST

START_TEST (follow_refuses_a_folder)
{
  begin ("{\"path\": \"/\", \"follow\": true}");
  finish ();
  expect_failure ("cannot open /: Is a directory");
}
END_TEST

START_TEST (without_inotify_files_are_looked_at_once_a_second)
{
  make ("a.log", "one\n");
  no_inotify = EMFILE;
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await ("one<\\n>|");
  append ("a.log", "two\n");
  weir_harness_advance (harness, G_USEC_PER_SEC - 1);
  ck_assert_str_eq (look (), "one<\\n>|");
  weir_harness_advance (harness, 1);
  ck_assert_str_eq (look (), "one<\\n>|two<\\n>|");
  ck_assert_int_eq (g_rename ("a.log", "a.log.1"), 0);
  make ("a.log", "new\n");
  weir_harness_advance (harness, 2 * G_USEC_PER_SEC);
  ck_assert_str_eq (look (), "one<\\n>|two<\\n>|new<\\n>|");
  stop ();
}
END_TEST

START_TEST (without_inotify_watches_files_are_looked_at_once_a_second)
{
  make ("a.log", "one\n");
  no_watches = ENOSPC;
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await ("one<\\n>|");
  append ("a.log", "two\n");
  weir_harness_advance (harness, G_USEC_PER_SEC);
  ck_assert_str_eq (look (), "one<\\n>|two<\\n>|");
  stop ();
}
END_TEST

int
main (void)
{
  TCase *follow = tcase_create ("plugin-file-follow");
  tcase_add_test (follow, follow_reads_what_is_appended);
  tcase_add_test (follow, follow_from_the_end);
  tcase_add_test (follow, follow_waits_for_a_missing_file);
  tcase_add_test (follow, follow_waits_for_missing_folders);
  tcase_add_test (follow, rotation_by_rename);
  tcase_add_test (follow, rotation_by_rename_many_times);
  tcase_add_test (follow, rotation_by_removal);
  tcase_add_test (follow, file_put_in_place_by_rename);
  tcase_add_test (follow, truncation_begins_anew);
  tcase_add_test (follow, truncated_and_written_again);
  tcase_add_test (follow, truncated_and_as_long_again);
  tcase_add_test (follow, files_join_a_glob);
  tcase_add_test (follow, folders_join_a_glob);
  tcase_add_test (follow, rename_within_a_glob_is_not_read_again);
  tcase_add_test (follow, removed_from_a_glob_ends_its_stream);
  tcase_add_test (follow, symbolic_link_that_moves_on);
  tcase_add_test (follow, files_are_read_in_turn);
  tcase_add_test (follow, follow_refuses_what_is_no_file);
  tcase_add_test (follow, follow_refuses_a_folder);
  tcase_add_test (follow, without_inotify_files_are_looked_at_once_a_second);
  tcase_add_test (follow, without_inotify_watches_files_are_looked_at_once_a_second);
  return run_file_cases ("plugin-file-follow", follow);
}
