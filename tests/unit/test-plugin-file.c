/* SPDX-License-Identifier: Apache-2.0 */
/* The producer of plugins/file.c in a pipeline: file -> lines -> notes, so that the end of a stream is seen by its last line without
 * a newline (`text~`). What another process would do to the files, the test's main thread does while the pipeline runs,
 * and waits for what must come of it. */
#include "plugin-ends.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

static char *folder;
static Notes notes;
static WeirPipeline *pipeline;
static GPtrArray *owned;
static char *failure;
static gboolean is_ready, is_over;
static WeirResult result;

static void
set_up (void)
{
  folder = g_dir_make_tmp ("weir-XXXXXX", NULL);
  ck_assert_ptr_nonnull (folder);
  ck_assert_int_eq (chdir (folder), 0);
  notes = notes_new ();
  notes.awaited = TRUE;
  owned = g_ptr_array_new_with_free_func (g_free);
  failure = NULL;
  is_ready = is_over = FALSE;
  no_inotify = no_watches = 0;
}

static void
tear_down (void)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", folder);
  ck_assert_int_eq (chdir ("/"), 0);
  ck_assert_int_eq (system (command), 0);
  notes_free (&notes);
  g_ptr_array_unref (owned);
  g_free (folder);
  g_free (failure);
}

/* ---- files ---- */

static void
put (const char *path, const char *text, int flags)
{
  int fd = open (path, O_WRONLY | O_CREAT | flags, 0644);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (write (fd, text, strlen (text)), (ssize_t) strlen (text));
  close (fd);
}

static void
make (const char *path, const char *text)
{
  put (path, text, O_TRUNC);
}

static void
append (const char *path, const char *text)
{
  put (path, text, O_APPEND);
}

/* ---- the pipeline ---- */

static void
on_ready (G_GNUC_UNUSED WeirPipeline *of, G_GNUC_UNUSED gpointer data)
{
  is_ready = TRUE;
}

static void
on_failed (G_GNUC_UNUSED WeirPipeline *of, WeirStage *stage, const char *message, G_GNUC_UNUSED gpointer data)
{
  if (failure == NULL) {
    failure = g_strdup_printf ("%s: %s", weir_stage_name (stage), message);
  }
}

static void
on_over (G_GNUC_UNUSED WeirPipeline *of, WeirResult what, G_GNUC_UNUSED gpointer data)
{
  is_over = TRUE;
  result = what;
}

static void
begin_with (const char *json, const char *lines_json, guint64 records)
{
  static const WeirPipelineEvents events = { .ready = on_ready, .failed = on_failed, .over = on_over };
  const WeirRole *role = load_plugin ("file")->producer, *cutter = load_plugin ("lines")->transform;
  pipeline = weir_pipeline_new ("test");
  WeirStage *from = add_stage (pipeline, "log", WEIR_PRODUCER, role, role_state (role, json, owned));
  WeirStage *lines = add_stage (pipeline, "lines", WEIR_TRANSFORM, cutter, role_state (cutter, lines_json, owned));
  WeirStage *to = add_stage (pipeline, "notes", WEIR_CONSUMER, &note_role, noter_state (&notes));
  join (pipeline, from, 0, lines, records);
  join (pipeline, lines, 0, to, records);
  weir_pipeline_start (pipeline, &events, NULL);
}

static void
begin (const char *json)
{
  begin_with (json, "{}", 4096);
}

static gboolean
too_late (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_CONTINUE;
}

static gboolean
noted (const char *text)
{
  g_mutex_lock (&notes.lock);
  gboolean same = g_str_equal (notes.text->str, text);
  g_mutex_unlock (&notes.lock);
  return same;
}

/* Waits, at most 10 seconds. */
static void
await_flag (const gboolean *flag)
{
  gboolean late = FALSE;
  guint timer = g_timeout_add_seconds (10, too_late, &late);
  while (!*flag && !late) {
    g_main_context_iteration (NULL, TRUE);
  }
  g_source_remove (timer);
  ck_assert_msg (*flag, "after 10 seconds still: %s", notes.text->str);
}

static void
await (const char *text)
{
  gboolean late = FALSE;
  guint timer = g_timeout_add_seconds (10, too_late, &late);
  while (!noted (text) && !late && !is_over) {
    g_main_context_iteration (NULL, TRUE);
  }
  g_source_remove (timer);
  ck_assert_str_eq (notes.text->str, text);
}

/* Runs until the end of the input. */
static void
finish (void)
{
  await_flag (&is_over);
  weir_pipeline_free (pipeline);
}

static void
stop (void)
{
  weir_pipeline_stop (pipeline);
  finish ();
  ck_assert_msg (result == WEIR_RESULT_STOPPED, "%s", failure);
}

static void
expect (const char *text)
{
  finish ();
  ck_assert_msg (result == WEIR_RESULT_DONE, "%s", failure);
  ck_assert_str_eq (notes.text->str, text);
}

static void
expect_failure (const char *message)
{
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_FAILED);
  ck_assert_str_eq (failure, message);
}

/* ---- one after another ---- */

START_TEST (reads_a_file_to_its_end)
{
  make ("a.log", "one\ntwo\nlast");
  begin ("{\"path\": \"a.log\"}");
  expect ("one<\\n>|two<\\n>|last~|");
  ck_assert_str_eq (notes.tags->str, "a.log|a.log|a.log|");
}
END_TEST

START_TEST (reads_by_chunks)
{
  make ("a.log", "one\ntwo\nlast");
  begin ("{\"path\": \"a.log\", \"chunk\": 5}");
  expect ("one<\\n>|two<\\n>|last~|");
}
END_TEST

START_TEST (empty_file_gives_nothing)
{
  make ("a.log", "");
  begin ("{\"path\": \"a.log\"}");
  expect ("");
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
  expect ("b~|c~|a~|");
  ck_assert_str_eq (notes.tags->str, "b.log|c.log|a.txt|");
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
  expect ("last~|");
}
END_TEST

START_TEST (a_file_may_have_a_globs_name)
{
  make ("[a].log", "brackets");
  make ("a.log", "a");
  begin ("{\"path\": \"[a].log\"}");
  expect ("brackets~|");
}
END_TEST

START_TEST (start_at_end_is_refused_where_nothing_is_followed)
{
  expect_refused (load_plugin ("file")->producer, "{\"path\": \"a.log\", \"start_at\": \"end\"}",
                  "start_at: found \"end\" without follow, expected both: nothing would be read|");
}
END_TEST

START_TEST (fifo_is_read_until_its_writer_closes)
{
  ck_assert_int_eq (mkfifo ("fifo", 0600), 0);
  begin ("{\"path\": \"fifo\"}");
  await_flag (&is_ready);
  int fd = open ("fifo", O_WRONLY);
  ck_assert_int_eq (write (fd, "one\ntw", 6), 6);
  await ("one<\\n>|");
  ck_assert_int_eq (write (fd, "o\nlast", 6), 6);
  close (fd);
  expect ("one<\\n>|two<\\n>|last~|");
}
END_TEST

START_TEST (kernel_file_of_size_zero_is_read)
{
  begin ("{\"path\": \"/proc/self/comm\"}");
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_DONE);
  ck_assert_uint_eq (notes.count, 1);
}
END_TEST

START_TEST (missing_file_fails)
{
  begin ("{\"path\": \"missing.log\"}");
  expect_failure ("log: cannot open missing.log: No such file or directory");
}
END_TEST

START_TEST (second_file_missing_fails_before_anything_is_read)
{
  make ("a.log", "one\n");
  begin ("{\"path\": [\"a.log\", \"missing.log\"]}");
  expect_failure ("log: cannot open missing.log: No such file or directory");
  ck_assert_uint_eq (notes.count, 0);
}
END_TEST

START_TEST (folder_for_a_file_fails)
{
  begin ("{\"path\": \"/\"}");
  expect_failure ("log: cannot open /: Is a directory");
}
END_TEST

START_TEST (unreadable_file_fails)
{
  make ("a.log", "one\n");
  ck_assert_int_eq (chmod (folder, 0755), 0);
  ck_assert_int_eq (chmod ("a.log", 0), 0);
  load_plugin ("lines");
  load_plugin ("file"); /* while we may: the build can lie in a folder of root's own */
  if (geteuid () == 0) {
    ck_assert_int_eq (seteuid (65534), 0);
  }
  begin ("{\"path\": \"a.log\"}");
  finish ();
  if (getuid () == 0) {
    ck_assert_int_eq (seteuid (0), 0);
  }
  ck_assert_int_eq (result, WEIR_RESULT_FAILED);
  ck_assert_str_eq (failure, "log: cannot open a.log: Permission denied");
}
END_TEST

START_TEST (glob_without_match_fails)
{
  begin ("{\"path\": \"*.log\"}");
  expect_failure ("log: no file matches *.log");
}
END_TEST

START_TEST (large_file_through_small_links)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (int i = 0; i < 20000; i++) {
    g_string_append_printf (text, "line %d\n", i);
  }
  make ("a.log", text->str);
  begin_with ("{\"path\": \"a.log\"}", "{}", 1);
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_DONE);
  ck_assert_uint_eq (notes.count, 20000);
  ck_assert_str_eq (notes.bytes->str, text->str);
}
END_TEST

/* ---- following ---- */

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
  await_flag (&is_ready);
  append ("a.log", "new\n");
  await ("new<\\n>|");
  stop ();
}
END_TEST

START_TEST (follow_waits_for_a_missing_file)
{
  begin ("{\"path\": \"a.log\", \"follow\": true, \"start_at\": \"end\"}");
  await_flag (&is_ready);
  make ("a.log", "one\n");
  await ("one<\\n>|");
  stop ();
}
END_TEST

START_TEST (follow_waits_for_missing_folders)
{
  begin ("{\"path\": \"x/y/a.log\", \"follow\": true}");
  await_flag (&is_ready);
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
  await_flag (&is_ready);
  make ("logs/b.log", "b\n");
  await ("b<\\n>|");
  make ("logs/c.txt", "c\n");
  append ("logs/a.log", "a\n");
  await ("b<\\n>|a<\\n>|");
  ck_assert_str_eq (notes.tags->str, "logs/b.log|logs/a.log|");
  stop ();
}
END_TEST

START_TEST (folders_join_a_glob)
{
  begin ("{\"path\": \"pods/*/[0-9].log\", \"follow\": true}");
  await_flag (&is_ready);
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
  begin_with ("{\"path\": [\"a.log\", \"b.log\"], \"follow\": true, \"chunk\": 1000}", "{\"max\": 100}", 8);
  gboolean late = FALSE;
  guint timer = g_timeout_add_seconds (10, too_late, &late);
  gboolean found = FALSE;
  while (!found && !late) {
    g_main_context_iteration (NULL, TRUE);
    g_mutex_lock (&notes.lock);
    found = strstr (notes.text->str, "b<") != NULL;
    g_mutex_unlock (&notes.lock);
  }
  g_source_remove (timer);
  ck_assert (found);
  ck_assert_uint_lt ((gsize) (strstr (notes.text->str, "b<") - notes.text->str), 10000);
  stop ();
}
END_TEST

START_TEST (follow_refuses_what_is_no_file)
{
  ck_assert_int_eq (mkfifo ("fifo", 0600), 0);
  begin ("{\"path\": \"fifo\", \"follow\": true}");
  expect_failure ("log: cannot follow fifo: not a regular file");
}
END_TEST

START_TEST (follow_refuses_a_folder)
{
  begin ("{\"path\": \"/\", \"follow\": true}");
  expect_failure ("log: cannot open /: Is a directory");
}
END_TEST

START_TEST (without_inotify_files_are_looked_at_once_a_second)
{
  make ("a.log", "one\n");
  no_inotify = EMFILE;
  begin ("{\"path\": \"a.log\", \"follow\": true}");
  await ("one<\\n>|");
  append ("a.log", "two\n");
  await ("one<\\n>|two<\\n>|");
  ck_assert_int_eq (g_rename ("a.log", "a.log.1"), 0);
  make ("a.log", "new\n");
  await ("one<\\n>|two<\\n>|new<\\n>|");
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
  await ("one<\\n>|two<\\n>|");
  stop ();
}
END_TEST

int
main (void)
{
  TCase *plain = tcase_create ("one after another");
  tcase_add_checked_fixture (plain, set_up, tear_down);
  tcase_set_timeout (plain, 30);
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
  TCase *follow = tcase_create ("following");
  tcase_add_checked_fixture (follow, set_up, tear_down);
  tcase_set_timeout (follow, 30);
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
  Suite *suite = suite_create ("plugin-file");
  suite_add_tcase (suite, plain);
  suite_add_tcase (suite, follow);
  return run_suite (suite);
}
