/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/stdio.c in a harness: each case runs in a process of its own, whose standard input and output are pipes of the test's.
 * Its callbacks block, so each turn is one of them, and there is always something to read or room to write; what it does while it is
 * blocked is in test-plugin-stdio-blocked.c. The shared descriptors must stay blocking. */
#include "plugin-run.h"

#include "stdio-ends.h"

static void
set_up_stdio (void)
{
  signal (SIGPIPE, SIG_IGN);
}

/* ---- standard input ---- */

START_TEST (input_is_read_to_its_end)
{
  use_pipe (STDIN_FILENO);
  send_bytes ("one\ntw");
  make_stage ("stdio", WEIR_HARNESS_PRODUCER, "{}", 4096);
  weir_harness_start (harness);
  ck_assert_str_eq (weir_harness_text (harness, NULL), "one\\ntw~|");
  send_bytes ("o\n");
  weir_harness_turn (harness);
  ck_assert_str_eq (weir_harness_text (harness, NULL), "one\\ntw~|o\\n~|");
  close (other);
  finish ();
  expect ("one\\ntw~|o\\n~|");
  ck_assert_str_eq (weir_harness_streams (harness, NULL), "1 1 end(1)");
}
END_TEST

START_TEST (input_comes_in_chunks)
{
  use_pipe (STDIN_FILENO);
  send_bytes ("12345678");
  close (other);
  run_producer ("stdio", "{\"chunk\": 3}", 4096);
  expect ("123~|456~|78~|");
}
END_TEST

START_TEST (input_that_is_paused_is_not_read)
{
  use_pipe (STDIN_FILENO);
  send_bytes ("12345678");
  make_stage ("stdio", WEIR_HARNESS_PRODUCER, "{\"chunk\": 1}", 2);
  weir_harness_allow (harness, NULL, 0);
  weir_harness_start (harness);
  ck_assert (weir_harness_run (harness));
  ck_assert (weir_harness_is_paused (harness));
  char left[8];
  ck_assert_int_eq (read (STDIN_FILENO, left, sizeof left), 6);
  close (other);
}
END_TEST

START_TEST (input_that_cannot_be_read_fails)
{
  use_file (STDIN_FILENO, "/dev/null", O_WRONLY);
  run_producer ("stdio", "{}", 4096);
  expect_failure ("cannot read standard input: Bad file descriptor");
}
END_TEST

START_TEST (folder_as_input_fails)
{
  use_file (STDIN_FILENO, "/", O_RDONLY);
  run_producer ("stdio", "{}", 4096);
  expect_failure ("cannot read standard input: Is a directory");
}
END_TEST

START_TEST (input_stays_blocking)
{
  use_pipe (STDIN_FILENO);
  close (other);
  run_producer ("stdio", "{}", 4096);
  expect ("");
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

#define WRITE(json, pieces) run_consumer ("stdio", json, pieces, G_N_ELEMENTS (pieces), 4)

START_TEST (output_is_written)
{
  static const Piece pieces[] = { MESSAGE ("one"), LINE ("two"), MESSAGE ("three") };
  use_pipe (STDOUT_FILENO);
  WRITE (_i == 0 ? "{}" : "{\"delimiter\": \"; \"}", pieces);
  expect_done ();
  close (STDOUT_FILENO);
  g_autofree char *text = read_back ();
  ck_assert_str_eq (text, _i == 0 ? "one\ntwo\nthree\n" : "one; two\nthree; ");
}
END_TEST

START_TEST (output_to_a_file_keeps_the_shared_place)
{
  static const Piece pieces[] = { MESSAGE ("two") };
  char name[] = "/tmp/weir-XXXXXX";
  int fd = g_mkstemp (name);
  g_unlink (name);
  ck_assert_int_eq (write (fd, "one\n", 4), 4);
  ck_assert_int_eq (dup2 (fd, STDOUT_FILENO), STDOUT_FILENO);
  WRITE ("{}", pieces);
  expect_done ();
  ck_assert_int_eq (write (fd, "three\n", 6), 6);
  char text[32] = "";
  ck_assert_int_eq (pread (fd, text, sizeof (text) - 1, 0), 14);
  ck_assert_str_eq (text, "one\ntwo\nthree\n");
  close (fd);
}
END_TEST

START_TEST (closed_reader_is_an_end)
{
  static const Piece pieces[] = { MESSAGE ("one"), MESSAGE ("two") };
  (_i == 0 ? use_pipe : use_socket) (STDOUT_FILENO);
  close (other);
  WRITE ("{}", pieces);
  expect_done ();
}
END_TEST

START_TEST (full_disk_fails)
{
  static const Piece pieces[] = { MESSAGE ("one") };
  use_file (STDOUT_FILENO, "/dev/full", O_WRONLY);
  WRITE ("{}", pieces);
  expect_failure ("cannot write standard output: No space left on device");
}
END_TEST

START_TEST (output_that_cannot_be_written_fails)
{
  static const Piece pieces[] = { MESSAGE ("one") };
  use_file (STDOUT_FILENO, "/dev/null", O_RDONLY);
  WRITE ("{}", pieces);
  expect_failure ("cannot write standard output: Bad file descriptor");
}
END_TEST

START_TEST (output_stays_blocking)
{
  static const Piece pieces[] = { MESSAGE ("one") };
  (_i == 0 ? use_pipe : use_socket) (STDOUT_FILENO);
  WRITE ("{}", pieces);
  expect_done ();
  ck_assert_int_eq (fcntl (STDOUT_FILENO, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("stdio");
  tcase_add_checked_fixture (cases, set_up_stdio, NULL);
  tcase_add_test (cases, input_is_read_to_its_end);
  tcase_add_test (cases, input_comes_in_chunks);
  tcase_add_test (cases, input_that_is_paused_is_not_read);
  tcase_add_test (cases, input_that_cannot_be_read_fails);
  tcase_add_test (cases, folder_as_input_fails);
  tcase_add_test (cases, input_stays_blocking);
  tcase_add_loop_test (cases, output_is_written, 0, 2);
  tcase_add_test (cases, output_to_a_file_keeps_the_shared_place);
  tcase_add_loop_test (cases, closed_reader_is_an_end, 0, 2);
  tcase_add_test (cases, full_disk_fails);
  tcase_add_test (cases, output_that_cannot_be_written_fails);
  tcase_add_loop_test (cases, output_stays_blocking, 0, 2);
  return run_suite ("plugin-stdio", cases);
}
