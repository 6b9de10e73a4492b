/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer of plugins/file.c in a harness: what is in which file in the end, also after a full disk and with rotation.
 * writev(2), fdatasync(2) and fsync(2) of this program are the ones below, so that they can fail and be counted. */
#include "plugin-file-run.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static _Atomic int full;      /* calls of writev() that find the disk full, once bytes_left are out */
static _Atomic int full_with; /* errno */
static _Atomic int bytes_left, synced, sync_fails;

WEIR_EXPORT ssize_t
writev (int fd, const struct iovec *pieces, int count)
{
  if (full == 0 || fd <= STDERR_FILENO) {
    return syscall (SYS_writev, fd, pieces, count);
  }
  if (bytes_left > 0) {
    /* As a full disk does it: what still fits is written. */
    gsize size = MIN ((gsize) bytes_left, pieces[0].iov_len);
    bytes_left = 0;
    return write (fd, pieces[0].iov_base, size);
  }
  full--;
  errno = full_with;
  return -1;
}

WEIR_EXPORT int
fdatasync (G_GNUC_UNUSED int fd)
{
  synced++;
  errno = sync_fails;
  return sync_fails != 0 ? -1 : 0;
}

#undef RUN
#define RUN(pieces, json) run_consumer ("file", json, pieces, G_N_ELEMENTS (pieces), 4096)

/* wanted NULL: it is not there. */
static void
expect_file (const char *path, const char *wanted)
{
  g_autofree char *text = NULL;
  expect_done ();
  if (wanted == NULL) {
    ck_assert_msg (!g_file_test (path, G_FILE_TEST_EXISTS), "%s is there", path);
    return;
  }
  ck_assert_msg (g_file_get_contents (path, &text, NULL, NULL), "%s is missing", path);
  ck_assert_msg (g_str_equal (text, wanted), "%s: found \"%s\", expected \"%s\"", path, text, wanted);
}

/* ---- what is written ---- */

START_TEST (messages_get_a_delimiter_lines_have_theirs)
{
  static const Piece pieces[] = { MESSAGE ("one"), LINE ("two"), MESSAGE (""), MESSAGE ("three") };
  RUN (pieces, "{\"path\": \"out\"}");
  expect_file ("out", "one\ntwo\n\nthree\n");
}
END_TEST

static void
write_chunks (const char *json, const Piece *pieces, gsize count)
{
  make_stage ("file", WEIR_HARNESS_CONSUMER, json, 4096);
  push_pieces (AS_CHUNKS, pieces, count);
  finish ();
}

START_TEST (chunks_are_written_as_they_are)
{
  static const Piece pieces[] = { CHUNK (1, "on"), CHUNK (1, "e\nt"), CHUNK (1, "wo") };
  write_chunks ("{\"path\": \"out\"}", pieces, G_N_ELEMENTS (pieces));
  expect_file ("out", "one\ntwo");
}
END_TEST

START_TEST (unended_line_of_one_stream_is_parted_from_the_next)
{
  static const Piece pieces[] = { CHUNK (1, "one\nlast"), CLOSE (1), CHUNK (2, "first\n"), CHUNK (1, "third") };
  write_chunks ("{\"path\": \"out\"}", pieces, G_N_ELEMENTS (pieces));
  expect_file ("out", "one\nlast\nfirst\nthird");
}
END_TEST

START_TEST (chunks_of_streams_in_turn_never_share_a_line)
{
  static const Piece pieces[] = { CHUNK (1, "on"), CHUNK (2, "t"), CHUNK (1, "e\n"), CHUNK (2, "wo\n") };
  write_chunks ("{\"path\": \"out\"}", pieces, G_N_ELEMENTS (pieces));
  expect_file ("out", "on\nt\ne\nwo\n");
  unlink ("out");
  write_chunks ("{\"path\": \"out\", \"delimiter\": \"\"}", pieces, G_N_ELEMENTS (pieces));
  expect_file ("out", "onte\nwo\n");
}
END_TEST

START_TEST (lines_of_streams_in_turn_are_whole)
{
  static const Piece pieces[] = { CHUNK (1, "on"),   CHUNK (2, "t"),    CHUNK (1, "e\nlast"),
                                  CHUNK (2, "wo\n"), CLOSE (1),         CHUNK (2, "three\nend"),
                                  CLOSE (2),         CHUNK (3, "four"), CLOSE (3) };
  make_stage ("lines", WEIR_HARNESS_TRANSFORM, "{}", 4096);
  cutter = g_steal_pointer (&harness);
  make_stage ("file", WEIR_HARNESS_CONSUMER, "{\"path\": \"out\"}", 4096);
  push_pieces_to (cutter, AS_CHUNKS, pieces, G_N_ELEMENTS (pieces));
  ck_assert (weir_harness_finish (cutter));
  weir_harness_hand_on (cutter, NULL, harness);
  finish ();
  expect_file ("out", "one\ntwo\nlast\nthree\nend\nfour");
}
END_TEST

START_TEST (delimiter_of_ones_own)
{
  static const Piece pieces[] = { MESSAGE ("one"), LINE ("two"), MESSAGE ("three") };
  RUN (pieces, "{\"path\": \"out\", \"delimiter\": \"; \"}");
  expect_file ("out", "one; two\nthree; ");
}
END_TEST

START_TEST (empty_delimiter_is_none)
{
  static const Piece pieces[] = { MESSAGE ("one"), LINE ("two"), MESSAGE ("three") };
  RUN (pieces, "{\"path\": \"out\", \"delimiter\": \"\"}");
  expect_file ("out", "onetwo\nthree");
}
END_TEST

START_TEST (nul_is_a_zero_byte)
{
  static const Piece pieces[] = { MESSAGE ("one"), MESSAGE ("two") };
  RUN (pieces, "{\"path\": \"out\", \"delimiter\": \"nul\"}");
  g_autofree char *text = NULL;
  gsize size;
  ck_assert (g_file_get_contents ("out", &text, &size, NULL));
  ck_assert_uint_eq (size, 8);
  ck_assert_mem_eq (text, "one\0two\0", 8);
}
END_TEST

START_TEST (nothing_makes_an_empty_file)
{
  run_consumer ("file", "{\"path\": \"out\"}", NULL, 0, 4096);
  expect_file ("out", "");
}
END_TEST

START_TEST (appends_to_what_is_there)
{
  static const Piece pieces[] = { MESSAGE ("new") };
  make ("out", "old\n");
  RUN (pieces, "{\"path\": \"out\"}");
  expect_file ("out", "old\nnew\n");
}
END_TEST

START_TEST (append_false_begins_with_an_empty_file)
{
  static const Piece pieces[] = { MESSAGE ("new") };
  make ("out", "old, and much longer\n");
  RUN (pieces, "{\"path\": \"out\", \"append\": false}");
  expect_file ("out", "new\n");
}
END_TEST

/* _i: with lines between. */
START_TEST (file_to_file_is_byte_exact)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint32 random = 1;
  for (int i = 0; i < 300000; i++) {
    random = random * 1103515245 + 12345;
    g_string_append_c (text, (char) ((random >> 16) % 40 == 0 ? '\n' : (random >> 24)));
  }
  ck_assert (g_file_set_contents ("in", text->str, (gssize) text->len, NULL));
  prepare ("{\"path\": \"in\"}", "{}", 4096);
  finish ();
  expect_done ();
  WeirHarness *reader = g_steal_pointer (&harness);
  make_stage ("file", WEIR_HARNESS_CONSUMER, "{\"path\": \"out\"}", 4096);
  weir_harness_hand_on (reader, NULL, _i == 1 ? cutter : harness);
  if (_i == 1) {
    ck_assert (weir_harness_finish (cutter));
    weir_harness_hand_on (cutter, NULL, harness);
  }
  weir_harness_free (reader);
  finish ();
  expect_done ();
  g_autofree char *copy = NULL;
  gsize size;
  ck_assert (g_file_get_contents ("out", &copy, &size, NULL));
  ck_assert_uint_eq (size, text->len);
  ck_assert_mem_eq (copy, text->str, size);
}
END_TEST

/* ---- permissions ---- */

static guint
mode_of (const char *path)
{
  struct stat status;
  ck_assert_int_eq (stat (path, &status), 0);
  return status.st_mode & 07777;
}

START_TEST (mode_of_a_new_file)
{
  static const Piece pieces[] = { MESSAGE ("one") };
  umask (077);
  RUN (pieces, "{\"path\": \"a\"}");
  RUN (pieces, "{\"path\": \"b\", \"mode\": \"0604\"}");
  RUN (pieces, "{\"path\": \"c\", \"mode\": \"600\"}");
  make ("d", "");
  ck_assert_int_eq (chmod ("d", 0755), 0);
  RUN (pieces, "{\"path\": \"d\"}");
  ck_assert_uint_eq (mode_of ("a"), 0640);
  ck_assert_uint_eq (mode_of ("b"), 0604);
  ck_assert_uint_eq (mode_of ("c"), 0600);
  ck_assert_uint_eq (mode_of ("d"), 0755);
}
END_TEST

START_TEST (bad_mode_is_refused)
{
  static const char *const bad[] = { "0649", "", "rw-r--r--", "01777", "-1", "0x1f" };
  g_autofree char *json = g_strdup_printf ("{\"path\": \"out\", \"mode\": \"%s\"}", bad[_i]);
  g_autofree char *problem = g_strdup_printf (
    "mode: found \"%s\", expected an octal number from 0 to 0777, such as 0640", bad[_i]);
  expect_refused ("file", WEIR_HARNESS_CONSUMER, json, problem);
}
END_TEST

/* ---- what cannot be opened ---- */

START_TEST (folder_for_a_file_fails)
{
  static const Piece pieces[] = { MESSAGE ("one") };
  RUN (pieces, "{\"path\": \"/\"}");
  expect_failure ("cannot open /: Is a directory");
}
END_TEST

START_TEST (missing_folder_fails)
{
  static const Piece pieces[] = { MESSAGE ("one") };
  RUN (pieces, "{\"path\": \"missing/out\"}");
  expect_failure ("cannot open missing/out: No such file or directory");
  ck_assert (!g_file_test ("missing", G_FILE_TEST_EXISTS));
}
END_TEST

START_TEST (rotating_what_is_no_file_fails)
{
  static const Piece pieces[] = { MESSAGE ("one") };
  RUN (pieces, "{\"path\": \"/dev/null\", \"rotate\": 10}");
  expect_failure ("cannot rotate /dev/null: not a regular file");
}
END_TEST

/* ---- rotation ---- */

START_TEST (rotates_at_record_borders)
{
  static const Piece pieces[] = { MESSAGE ("1234"), LINE ("5678"), MESSAGE ("9"), MESSAGE ("abcdefgh"), LINE ("") };
  RUN (pieces, "{\"path\": \"out\", \"rotate\": 10}");
  expect_file ("out.2", "1234\n5678\n");
  expect_file ("out.1", "9\n");
  expect_file ("out", "abcdefgh\n\n");
}
END_TEST

START_TEST (larger_record_has_a_file_of_its_own)
{
  static const Piece pieces[] = { MESSAGE ("1"), MESSAGE ("a long one"), MESSAGE ("2") };
  RUN (pieces, "{\"path\": \"out\", \"rotate\": 4}");
  expect_file ("out.2", "1\n");
  expect_file ("out.1", "a long one\n");
  expect_file ("out", "2\n");
}
END_TEST

START_TEST (keeps_that_many)
{
  static const Piece pieces[] = { MESSAGE ("1"), MESSAGE ("2"), MESSAGE ("3"), MESSAGE ("4"), MESSAGE ("5") };
  RUN (pieces, "{\"path\": \"out\", \"rotate\": 2, \"keep\": 2}");
  expect_file ("out", "5\n");
  expect_file ("out.1", "4\n");
  expect_file ("out.2", "3\n");
  expect_file ("out.3", NULL);
}
END_TEST

START_TEST (what_was_there_counts)
{
  static const Piece pieces[] = { MESSAGE ("12"), MESSAGE ("34") };
  make ("out", "old\n");
  RUN (pieces, "{\"path\": \"out\", \"rotate\": 8}");
  expect_file ("out.1", "old\n12\n");
  expect_file ("out", "34\n");
}
END_TEST

/* What a rotating run writes, in order over all files, is what it was given. */
START_TEST (rotation_loses_nothing)
{
  g_autoptr (GString) wanted = g_string_new (NULL);
  make_stage ("file", WEIR_HARNESS_CONSUMER, "{\"path\": \"out\", \"rotate\": 1000, \"keep\": 1000}", 4096);
  for (int i = 0; i < 3000; i++) {
    g_autofree char *text = g_strdup_printf ("record %d", i);
    weir_harness_push_text (harness, text);
    g_string_append_printf (wanted, "%s\n", text);
  }
  finish ();
  expect_done ();
  g_autoptr (GString) found = g_string_new (NULL);
  int files = 0;
  for (int i = 100; i >= 0; i--) {
    g_autofree char *path = i > 0 ? g_strdup_printf ("out.%d", i) : g_strdup ("out"), *text = NULL;
    if (g_file_get_contents (path, &text, NULL, NULL)) {
      ck_assert_uint_le (strlen (text), 1000);
      ck_assert (g_str_has_suffix (text, "\n"));
      g_string_append (found, text);
      files++;
    }
  }
  ck_assert_int_gt (files, 30);
  ck_assert_str_eq (found->str, wanted->str);
}
END_TEST

/* ---- disks ---- */

START_TEST (full_disk_fails)
{
  static const Piece pieces[] = { MESSAGE ("one") };
  RUN (pieces, "{\"path\": \"/dev/full\"}");
  expect_failure ("cannot write /dev/full: No space left on device");
}
END_TEST

/* _i: which of the two errors. */
START_TEST (full_disk_is_waited_for)
{
  static const Piece pieces[] = { LINE ("one two three"), MESSAGE ("four") };
  full = 1;
  full_with = _i == 0 ? ENOSPC : EDQUOT;
  bytes_left = 5;
  make_stage ("file", WEIR_HARNESS_CONSUMER, "{\"path\": \"out\", \"when_full_disk\": \"wait\"}", 4096);
  push_pieces (AS_MESSAGES, pieces, G_N_ELEMENTS (pieces));
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  ck_assert (weir_harness_is_waiting (harness));
  ck_assert_uint_eq (weir_harness_link_figure (harness, "input", "queued"), 2);
  weir_harness_advance (harness, G_USEC_PER_SEC);
  ck_assert_int_eq (full, 0);
  finish ();
  expect_file ("out", "one two three\nfour\n");
}
END_TEST

START_TEST (other_errors_are_not_waited_for)
{
  static const Piece pieces[] = { MESSAGE ("one") };
  full = 1;
  full_with = EIO;
  RUN (pieces, "{\"path\": \"out\", \"when_full_disk\": \"wait\"}");
  expect_failure ("cannot write out: Input/output error");
}
END_TEST

START_TEST (sync_batch_syncs)
{
  static const Piece pieces[] = { MESSAGE ("one"), MESSAGE ("two") };
  RUN (pieces, "{\"path\": \"out\", \"sync\": \"batch\"}");
  expect_file ("out", "one\ntwo\n");
  ck_assert_int_ge (synced, 1);
}
END_TEST

START_TEST (sync_none_does_not)
{
  static const Piece pieces[] = { MESSAGE ("one") };
  RUN (pieces, "{\"path\": \"out\"}");
  expect_file ("out", "one\n");
  ck_assert_int_eq (synced, 0);
}
END_TEST

START_TEST (failed_sync_fails)
{
  static const Piece pieces[] = { MESSAGE ("one") };
  sync_fails = EIO;
  RUN (pieces, "{\"path\": \"out\", \"sync\": \"batch\"}");
  expect_failure ("cannot sync out: Input/output error");
}
END_TEST

/* ---- a FIFO that nobody reads for a while ---- */

static gpointer
read_all (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);
  GString *text = g_string_new (NULL);
  char block[8192];
  for (ssize_t got; (got = read (fd, block, sizeof (block))) > 0;) {
    g_string_append_len (text, block, got);
  }
  return text;
}

START_TEST (full_fifo_is_waited_for)
{
  g_autofree char *large = g_strnfill (300000, 'x');
  Piece pieces[] = { { large, 300000, 0, 0, FALSE }, MESSAGE ("one") };
  ck_assert_int_eq (mkfifo ("fifo", 0600), 0);
  int fd = open ("fifo", O_RDONLY | O_NONBLOCK);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (fcntl (fd, F_SETFL, 0), 0);
  /* A writer of the test's own, or the reader would find the end at once. */
  int own = open ("fifo", O_WRONLY);
  GThread *reader = g_thread_new ("reader", read_all, GINT_TO_POINTER (fd));
  RUN (pieces, "{\"path\": \"fifo\"}");
  close (own);
  GString *text = g_thread_join (reader);
  close (fd);
  expect_done ();
  ck_assert_uint_eq (text->len, 300001 + 4);
  ck_assert_str_eq (text->str + 300000, "\none\n");
  g_string_free (text, TRUE);
  /* cppcheck-suppress memleak ; g_thread_join() has taken it */
}
END_TEST

static void
forget_faults (void)
{
  full = full_with = bytes_left = synced = sync_fails = 0;
}

int
main (void)
{
  TCase *cases = tcase_create ("file-write");
  tcase_add_checked_fixture (cases, forget_faults, NULL);
  tcase_add_test (cases, messages_get_a_delimiter_lines_have_theirs);
  tcase_add_test (cases, chunks_are_written_as_they_are);
  tcase_add_test (cases, unended_line_of_one_stream_is_parted_from_the_next);
  tcase_add_test (cases, chunks_of_streams_in_turn_never_share_a_line);
  tcase_add_test (cases, lines_of_streams_in_turn_are_whole);
  tcase_add_test (cases, delimiter_of_ones_own);
  tcase_add_test (cases, empty_delimiter_is_none);
  tcase_add_test (cases, nul_is_a_zero_byte);
  tcase_add_test (cases, nothing_makes_an_empty_file);
  tcase_add_test (cases, appends_to_what_is_there);
  tcase_add_test (cases, append_false_begins_with_an_empty_file);
  tcase_add_loop_test (cases, file_to_file_is_byte_exact, 0, 2);
  tcase_add_test (cases, mode_of_a_new_file);
  tcase_add_loop_test (cases, bad_mode_is_refused, 0, 6);
  tcase_add_test (cases, folder_for_a_file_fails);
  tcase_add_test (cases, missing_folder_fails);
  tcase_add_test (cases, rotating_what_is_no_file_fails);
  tcase_add_test (cases, rotates_at_record_borders);
  tcase_add_test (cases, larger_record_has_a_file_of_its_own);
  tcase_add_test (cases, keeps_that_many);
  tcase_add_test (cases, what_was_there_counts);
  tcase_add_test (cases, rotation_loses_nothing);
  tcase_add_test (cases, full_disk_fails);
  tcase_add_loop_test (cases, full_disk_is_waited_for, 0, 2);
  tcase_add_test (cases, other_errors_are_not_waited_for);
  tcase_add_test (cases, sync_batch_syncs);
  tcase_add_test (cases, sync_none_does_not);
  tcase_add_test (cases, failed_sync_fails);
  tcase_add_test (cases, full_fifo_is_waited_for);
  return run_file_cases ("plugin-file-write", cases);
}
