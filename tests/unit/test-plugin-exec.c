/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/exec.c in a harness, with children that are real: in this process, so that what is left behind can be seen: no descriptor and no zombie, however a child
 * ends. What children do and fail to do is in tests/plugins/exec.sh. */
#include "plugin-run.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static guint
count_descriptors (void)
{
  GDir *folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint count = 0;
  while (g_dir_read_name (folder) != NULL) {
    count++;
  }
  g_dir_close (folder);
  return count;
}

static const struct {
  WeirHarnessKind kind;
  const char *json;
  gboolean fine;
} runs[] = {
  { WEIR_HARNESS_PRODUCER, "{\"command\": [\"echo\", \"x\"]}", TRUE },
  { WEIR_HARNESS_PRODUCER, "{\"command\": [\"sh\", \"-c\", \"echo x; exit 3\"]}", FALSE },
  { WEIR_HARNESS_PRODUCER, "{\"command\": \"/nowhere\"}", FALSE },
  { WEIR_HARNESS_PRODUCER, "{\"command\": \"true\", \"directory\": \"/nowhere\"}", FALSE },
  { WEIR_HARNESS_PRODUCER, "{\"command\": [\"sh\", \"-c\", \"exec >&- 2>&-; sleep 1000\"], \"exit_timeout\": \"5ms\"}",
    FALSE },
  { WEIR_HARNESS_PRODUCER,
    "{\"command\": [\"sh\", \"-c\", \"sleep 1000 & exit 0\"], \"exit_timeout\": \"5ms\", \"stderr\": \"discard\"}",
    TRUE },
  { WEIR_HARNESS_CONSUMER, "{\"command\": [\"sh\", \"-c\", \"cat >/dev/null\"]}", TRUE },
  { WEIR_HARNESS_CONSUMER, "{\"command\": [\"sh\", \"-c\", \"exit 3\"]}", FALSE },
  { WEIR_HARNESS_CONSUMER, "{\"command\": [\"true\"]}", TRUE },
  { WEIR_HARNESS_CONSUMER, "{\"command\": [\"sleep\", \"1000\"], \"exit_timeout\": \"5ms\"}", FALSE },
  { WEIR_HARNESS_CONSUMER, "{\"command\": \"/nowhere\"}", FALSE },
  { WEIR_HARNESS_TRANSFORM, "{\"command\": [\"cat\"]}", TRUE },
  { WEIR_HARNESS_TRANSFORM, "{\"command\": [\"sh\", \"-c\", \"echo x; exit 3\"]}", FALSE },
  { WEIR_HARNESS_TRANSFORM, "{\"command\": [\"sleep\", \"1000\"], \"exit_timeout\": \"5ms\"}", FALSE },
  { WEIR_HARNESS_TRANSFORM, "{\"command\": \"/nowhere\"}", FALSE },
};

static void
run_live (WeirHarnessKind kind, const char *json, const Piece *pieces, gsize count)
{
  make_stage ("exec", kind, json, 10);
  weir_harness_set_live (harness, TRUE);
  push_pieces (AS_MESSAGES, pieces, count);
  finish ();
}

static void
run_once (guint i)
{
  static const Piece pieces[] = { LINE ("one"), LINE ("two") };
  run_live (runs[i].kind, runs[i].json, pieces, runs[i].kind == WEIR_HARNESS_PRODUCER ? 0 : G_N_ELEMENTS (pieces));
  weir_harness_expect_state (harness, "closed");
  ck_assert_msg (finished == runs[i].fine, "%s: %s", runs[i].json, weir_harness_error (harness));
}

START_TEST (nothing_is_left_behind)
{
  guint i = (guint) _i;
  run_once (i);
  tear_down ();
  guint before = count_descriptors ();
  for (guint round = 0; round < 5; round++) {
    run_once (i);
    tear_down ();
  }
  ck_assert_uint_eq (count_descriptors (), before);
  ck_assert_int_eq (waitpid (-1, NULL, WNOHANG), -1);
  ck_assert_int_eq (errno, ECHILD);
}
END_TEST

START_TEST (output_comes_in_chunks_of_one_stream)
{
  run_live (WEIR_HARNESS_PRODUCER, "{\"command\": [\"printf\", \"12345678\"], \"chunk\": 3}", NULL, 0);
  expect ("123~|456~|78~|");
}
END_TEST

START_TEST (a_transform_gives_chunks)
{
  static const Piece pieces[] = { LINE ("one"), MESSAGE ("two") };
  run_live (WEIR_HARNESS_TRANSFORM, "{\"command\": [\"cat\"]}", pieces, G_N_ELEMENTS (pieces));
  expect_done ();
  expect_bytes (NULL, "one\ntwo\n");
}
END_TEST

/* More than the kernel keeps for it. */
START_TEST (a_child_that_does_not_read_is_waited_for)
{
  g_autofree char *large = g_strnfill (1000000, 'x');
  make_stage ("exec", WEIR_HARNESS_CONSUMER, "{\"command\": [\"sh\", \"-c\", \"read line; cat >/dev/null\"]}", 2);
  for (guint i = 0; i < 10; i++) {
    weir_harness_push_text (harness, large);
  }
  finish ();
  expect_done ();
  ck_assert_uint_eq (count_taken (), 10);
}
END_TEST

/* By the clock of the test: a minute of grace, and as long again until it is killed. */
START_TEST (a_child_that_ignores_its_end_is_killed_in_time)
{
  make_stage ("exec", WEIR_HARNESS_CONSUMER,
              "{\"command\": [\"sh\", \"-c\", \"trap '' TERM; exec <&-; while :; do sleep 1000; done\"],"
              " \"kill_after\": \"1m\"}",
              10);
  weir_harness_start (harness);
  weir_harness_end (harness);
  ck_assert (weir_harness_run (harness));
  weir_harness_advance (harness, 59 * G_USEC_PER_SEC);
  weir_harness_expect_error (harness, NULL);
  weir_harness_advance (harness, 2 * G_USEC_PER_SEC);
  weir_harness_advance (harness, 61 * G_USEC_PER_SEC);
  ck_assert (weir_harness_wait_closed (harness));
  ck_assert_ptr_nonnull (
    strstr (weir_harness_error (harness), "it had not exited 60000 ms after its input came to an end"));
}
END_TEST

START_TEST (bad_options_are_refused)
{
  expect_refused ("exec", WEIR_HARNESS_CONSUMER, "{}",
                  "missing key \"command\" (The program and its arguments, a list; no shell is between)");
  expect_refused ("exec", WEIR_HARNESS_CONSUMER, "{\"command\": []}",
                  "command: found [], expected at least one string");
  expect_refused ("exec", WEIR_HARNESS_CONSUMER, "{\"command\": \"x\", \"stderr\": \"file\"}",
                  "stderr: found \"file\", expected one of \"log\", \"inherit\", \"discard\"");
  expect_refused ("exec", WEIR_HARNESS_CONSUMER, "{\"command\": \"x\", \"kill_after\": 5}",
                  "kill_after: found 5, expected a duration such as \"100ms\" (units us, ms, s, m, h, d)");
  expect_refused ("exec", WEIR_HARNESS_CONSUMER, "{\"command\": \"x\", \"environment\": {\"A\": 1}}",
                  "environment: \"A\": found 1, expected a string");
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("exec");
  signal (SIGPIPE, SIG_IGN); /* as the program does */
  tcase_add_loop_test (cases, nothing_is_left_behind, 0, G_N_ELEMENTS (runs));
  tcase_add_test (cases, output_comes_in_chunks_of_one_stream);
  tcase_add_test (cases, a_transform_gives_chunks);
  tcase_add_test (cases, a_child_that_does_not_read_is_waited_for);
  tcase_add_test (cases, a_child_that_ignores_its_end_is_killed_in_time);
  tcase_add_test (cases, bad_options_are_refused);
  return run_suite ("plugin-exec", cases);
}
