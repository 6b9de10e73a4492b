/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/stdio.c in a pipeline: each case runs in a process of its own, whose standard input and output are pipes of the test's.
 * A pipeline that is stopped while its stage is blocked must end, and the shared descriptors must stay blocking. */
#include "plugin-live.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static int other; /* the test's end of the pipe or socket */

static void
set_up (void)
{
  live_set_up ();
  signal (SIGPIPE, SIG_IGN);
}

/* The pipe's other end becomes `other`. */
static void
use_pipe (int fd)
{
  int ends[2];
  ck_assert_int_eq (pipe2 (ends, O_CLOEXEC), 0);
  gboolean input = fd == STDIN_FILENO;
  ck_assert_int_eq (dup2 (ends[input ? 0 : 1], fd), fd);
  close (ends[input ? 0 : 1]);
  other = ends[input ? 1 : 0];
}

static void
use_socket (int fd)
{
  int ends[2];
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ck_assert_int_eq (dup2 (ends[0], fd), fd);
  close (ends[0]);
  other = ends[1];
}

static void
read_input (const char *json)
{
  const WeirRole *role = load_plugin ("stdio")->producer;
  pipeline = weir_pipeline_new ("test");
  WeirStage *from = add_stage (pipeline, "in", WEIR_PRODUCER, role, role_state (role, json, owned));
  WeirStage *to = add_stage (pipeline, "notes", WEIR_CONSUMER, &note_role, noter_state (&notes));
  join (pipeline, from, 0, to, 4096);
  weir_pipeline_start (pipeline, &live_events, NULL);
}

static void
write_output (const WeirRole *feed, const Piece *pieces, gsize count, const char *json)
{
  const WeirRole *role = load_plugin ("stdio")->consumer;
  pipeline = weir_pipeline_new ("test");
  WeirStage *from = add_stage (pipeline, "feed", WEIR_PRODUCER, feed, feed_state (pieces, count));
  WeirStage *to = add_stage (pipeline, "out", WEIR_CONSUMER, role, role_state (role, json, owned));
  join (pipeline, from, 0, to, 4);
  weir_pipeline_set_shutdown (pipeline, 50 * 1000);
  weir_pipeline_start (pipeline, &live_events, NULL);
}

static void
send_bytes (const char *text)
{
  ck_assert_int_eq (write (other, text, strlen (text)), (ssize_t) strlen (text));
}

/* ---- standard input ---- */

START_TEST (input_is_read_to_its_end)
{
  use_pipe (STDIN_FILENO);
  send_bytes ("one\ntw");
  read_input ("{}");
  await ("one\\ntw~|");
  send_bytes ("o\n");
  await ("one\\ntw~|o\\n~|");
  close (other);
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_DONE);
}
END_TEST

START_TEST (input_comes_in_chunks)
{
  use_pipe (STDIN_FILENO);
  send_bytes ("12345678");
  close (other);
  read_input ("{\"chunk\": 3}");
  finish ();
  ck_assert_str_eq (notes.text->str, "123~|456~|78~|");
}
END_TEST

START_TEST (blocked_input_is_interrupted_by_a_stop)
{
  use_pipe (STDIN_FILENO);
  send_bytes ("one\n");
  read_input ("{}");
  await ("one\\n~|");
  weir_pipeline_stop (pipeline);
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_STOPPED);
}
END_TEST

START_TEST (input_that_cannot_be_read_fails)
{
  int fd = open ("/dev/null", O_WRONLY);
  ck_assert_int_eq (dup2 (fd, STDIN_FILENO), STDIN_FILENO);
  close (fd);
  read_input ("{}");
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_FAILED);
  ck_assert_str_eq (failure, "in: cannot read standard input: Bad file descriptor");
}
END_TEST

START_TEST (folder_as_input_fails)
{
  int fd = open ("/", O_RDONLY);
  ck_assert_int_eq (dup2 (fd, STDIN_FILENO), STDIN_FILENO);
  close (fd);
  read_input ("{}");
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_FAILED);
  ck_assert_str_eq (failure, "in: cannot read standard input: Is a directory");
}
END_TEST

START_TEST (input_stays_blocking)
{
  use_pipe (STDIN_FILENO);
  close (other);
  read_input ("{}");
  finish ();
  ck_assert_int_eq (fcntl (STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

/* ---- standard output ---- */

static char *
read_back (void)
{
  GString *text = g_string_new (NULL);
  char block[8192];
  for (ssize_t got; (got = read (other, block, sizeof (block))) > 0;) {
    g_string_append_len (text, block, got);
  }
  return g_string_free (text, FALSE);
}

START_TEST (output_is_written)
{
  static const Piece pieces[] = { { "one", 3, 0, 0, FALSE }, { "two\n", 3, 1, 0, FALSE }, { "three", 5, 0, 0, FALSE } };
  use_pipe (STDOUT_FILENO);
  write_output (&feed_messages, pieces, 3, _i == 0 ? "{}" : "{\"delimiter\": \"; \"}");
  finish ();
  close (STDOUT_FILENO);
  g_autofree char *text = read_back ();
  ck_assert_int_eq (result, WEIR_RESULT_DONE);
  ck_assert_str_eq (text, _i == 0 ? "one\ntwo\nthree\n" : "one; two\nthree; ");
}
END_TEST

START_TEST (output_to_a_file_keeps_the_shared_place)
{
  static const Piece pieces[] = { { "two", 3, 0, 0, FALSE } };
  char name[] = "/tmp/weir-XXXXXX";
  int fd = g_mkstemp (name);
  g_unlink (name);
  ck_assert_int_eq (write (fd, "one\n", 4), 4);
  ck_assert_int_eq (dup2 (fd, STDOUT_FILENO), STDOUT_FILENO);
  write_output (&feed_messages, pieces, 1, "{}");
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_DONE);
  ck_assert_int_eq (write (fd, "three\n", 6), 6);
  char text[32] = "";
  ck_assert_int_eq (pread (fd, text, sizeof (text) - 1, 0), 14);
  ck_assert_str_eq (text, "one\ntwo\nthree\n");
  close (fd);
}
END_TEST

START_TEST (slow_reader_gets_everything)
{
  g_autofree char *large = g_strnfill (200000, 'x');
  Piece pieces[] = { { large, 200000, 0, 0, FALSE }, { large, 100000, 0, 0, FALSE } };
  (_i == 0 ? use_pipe : use_socket) (STDOUT_FILENO);
  write_output (&feed_messages, pieces, 2, "{}");
  await_flag (&is_ready);
  gsize total = 0;
  char block[1000], last = 0;
  while (total < 300002) {
    ssize_t got = read (other, block, sizeof (block));
    ck_assert_int_gt (got, 0);
    total += (gsize) got;
    last = block[got - 1];
    g_main_context_iteration (NULL, FALSE);
  }
  ck_assert_int_eq (last, '\n');
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_DONE);
}
END_TEST

START_TEST (closed_reader_is_an_end)
{
  static const Piece pieces[] = { { "one", 3, 0, 0, FALSE }, { "two", 3, 0, 0, FALSE } };
  (_i == 0 ? use_pipe : use_socket) (STDOUT_FILENO);
  close (other);
  write_output (&feed_messages, pieces, 2, "{}");
  finish ();
  ck_assert_msg (result == WEIR_RESULT_DONE, "%s", failure);
}
END_TEST

/* More than any of them takes at once. */
#define LARGE 4000000

START_TEST (blocked_output_is_interrupted_at_the_deadline)
{
  g_autofree char *large = g_strnfill (LARGE, 'x');
  Piece pieces[] = { { large, LARGE, 0, 0, FALSE } };
  (_i == 0 ? use_pipe : use_socket) (STDOUT_FILENO);
  write_output (&feed_messages, pieces, 1, "{}");
  await_flag (&is_ready);
  char first;
  ck_assert_int_eq (read (other, &first, 1), 1); /* it is writing */
  weir_pipeline_stop (pipeline);
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_UNDELIVERED);
}
END_TEST

START_TEST (full_disk_fails)
{
  static const Piece pieces[] = { { "one", 3, 0, 0, FALSE } };
  int fd = open ("/dev/full", O_WRONLY);
  ck_assert_int_eq (dup2 (fd, STDOUT_FILENO), STDOUT_FILENO);
  close (fd);
  write_output (&feed_messages, pieces, 1, "{}");
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_FAILED);
  ck_assert_str_eq (failure, "out: cannot write standard output: No space left on device");
}
END_TEST

START_TEST (output_that_cannot_be_written_fails)
{
  static const Piece pieces[] = { { "one", 3, 0, 0, FALSE } };
  int fd = open ("/dev/null", O_RDONLY);
  ck_assert_int_eq (dup2 (fd, STDOUT_FILENO), STDOUT_FILENO);
  close (fd);
  write_output (&feed_messages, pieces, 1, "{}");
  finish ();
  ck_assert_int_eq (result, WEIR_RESULT_FAILED);
  ck_assert_str_eq (failure, "out: cannot write standard output: Bad file descriptor");
}
END_TEST

START_TEST (output_stays_blocking)
{
  static const Piece pieces[] = { { "one", 3, 0, 0, FALSE } };
  (_i == 0 ? use_pipe : use_socket) (STDOUT_FILENO);
  write_output (&feed_messages, pieces, 1, "{}");
  finish ();
  ck_assert_int_eq (fcntl (STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("stdio");
  tcase_add_checked_fixture (cases, set_up, live_tear_down);
  tcase_set_timeout (cases, 60);
  tcase_add_test (cases, input_is_read_to_its_end);
  tcase_add_test (cases, input_comes_in_chunks);
  tcase_add_test (cases, blocked_input_is_interrupted_by_a_stop);
  tcase_add_test (cases, input_that_cannot_be_read_fails);
  tcase_add_test (cases, folder_as_input_fails);
  tcase_add_test (cases, input_stays_blocking);
  tcase_add_loop_test (cases, output_is_written, 0, 2);
  tcase_add_test (cases, output_to_a_file_keeps_the_shared_place);
  tcase_add_loop_test (cases, slow_reader_gets_everything, 0, 2);
  tcase_add_loop_test (cases, closed_reader_is_an_end, 0, 2);
  tcase_add_loop_test (cases, blocked_output_is_interrupted_at_the_deadline, 0, 2);
  tcase_add_test (cases, full_disk_fails);
  tcase_add_test (cases, output_that_cannot_be_written_fails);
  tcase_add_loop_test (cases, output_stays_blocking, 0, 2);
  Suite *suite = suite_create ("plugin-stdio");
  suite_add_tcase (suite, cases);
  return run_suite (suite);
}
