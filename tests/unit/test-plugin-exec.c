/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/exec.c in a pipeline of this process, so that what is left behind can be seen: no descriptor and no zombie, however a child
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

typedef enum { AS_PRODUCER, AS_TRANSFORM, AS_CONSUMER } As;

static const struct {
  As as;
  const char *json;
  WeirResult result;
} runs[] = {
  { AS_PRODUCER, "{\"command\": [\"echo\", \"x\"]}", WEIR_RESULT_DONE },
  { AS_PRODUCER, "{\"command\": [\"sh\", \"-c\", \"echo x; exit 3\"]}", WEIR_RESULT_FAILED },
  { AS_PRODUCER, "{\"command\": \"/nowhere\"}", WEIR_RESULT_FAILED },
  { AS_PRODUCER, "{\"command\": \"true\", \"directory\": \"/nowhere\"}", WEIR_RESULT_FAILED },
  { AS_PRODUCER, "{\"command\": [\"sh\", \"-c\", \"exec >&- 2>&-; sleep 1000\"], \"exit_timeout\": \"5ms\"}",
    WEIR_RESULT_FAILED },
  { AS_PRODUCER,
    "{\"command\": [\"sh\", \"-c\", \"sleep 1000 & exit 0\"], \"exit_timeout\": \"5ms\", \"stderr\": \"discard\"}",
    WEIR_RESULT_DONE },
  { AS_CONSUMER, "{\"command\": [\"sh\", \"-c\", \"cat >/dev/null\"]}", WEIR_RESULT_DONE },
  { AS_CONSUMER, "{\"command\": [\"sh\", \"-c\", \"exit 3\"]}", WEIR_RESULT_FAILED },
  { AS_CONSUMER, "{\"command\": [\"true\"]}", WEIR_RESULT_DONE },
  { AS_CONSUMER, "{\"command\": [\"sleep\", \"1000\"], \"exit_timeout\": \"5ms\"}", WEIR_RESULT_FAILED },
  { AS_CONSUMER, "{\"command\": \"/nowhere\"}", WEIR_RESULT_FAILED },
  { AS_TRANSFORM, "{\"command\": [\"cat\"]}", WEIR_RESULT_DONE },
  { AS_TRANSFORM, "{\"command\": [\"sh\", \"-c\", \"echo x; exit 3\"]}", WEIR_RESULT_FAILED },
  { AS_TRANSFORM, "{\"command\": [\"sleep\", \"1000\"], \"exit_timeout\": \"5ms\"}", WEIR_RESULT_FAILED },
  { AS_TRANSFORM, "{\"command\": \"/nowhere\"}", WEIR_RESULT_FAILED },
};

static void
run_once (guint i)
{
  static const Piece pieces[] = { LINE ("one"), LINE ("two") };
  switch (runs[i].as) {
  case AS_PRODUCER:
    run_producer ("exec", runs[i].json, 10);
    break;
  case AS_TRANSFORM:
    run_transform_into ("exec", runs[i].json, &feed_messages, pieces, G_N_ELEMENTS (pieces), 10, FALSE, &note_role);
    break;
  case AS_CONSUMER:
    run_consumer ("exec", runs[i].json, pieces, G_N_ELEMENTS (pieces), 10);
    break;
  }
  ck_assert_msg (outcome.result == runs[i].result, "%s: %s", runs[i].json, outcome.failure);
}

START_TEST (nothing_is_left_behind)
{
  guint i = (guint) _i;
  run_once (i);
  guint before = count_descriptors ();
  for (guint round = 0; round < 5; round++) {
    run_once (i);
  }
  ck_assert_uint_eq (count_descriptors (), before);
  ck_assert_int_eq (waitpid (-1, NULL, WNOHANG), -1);
  ck_assert_int_eq (errno, ECHILD);
}
END_TEST

START_TEST (output_comes_in_chunks_of_one_stream)
{
  run_producer ("exec", "{\"command\": [\"printf\", \"12345678\"], \"chunk\": 3}", 10);
  expect ("123~|456~|78~|");
}
END_TEST

START_TEST (a_transform_gives_chunks)
{
  static const Piece pieces[] = { LINE ("one"), MESSAGE ("two") };
  RUN ("exec", "{\"command\": [\"cat\"]}", pieces);
  expect_done ();
  ck_assert_str_eq (outcome.good.bytes->str, "one\ntwo\n");
}
END_TEST

START_TEST (bad_options_are_refused)
{
  const WeirRole *role = load_plugin ("exec")->consumer;
  expect_refused (role, "{}",
                  "-: missing key \"command\" (The program and its arguments, a list; no shell is between)|");
  expect_refused (role, "{\"command\": []}", "command: found [], expected at least one string|");
  expect_refused (role, "{\"command\": \"x\", \"stderr\": \"file\"}",
                  "stderr: found \"file\", expected one of \"log\", \"inherit\", \"discard\"|");
  expect_refused (role, "{\"command\": \"x\", \"kill_after\": 5}",
                  "kill_after: found 5, expected a duration such as \"100ms\" (units us, ms, s, m, h, d)|");
  expect_refused (role, "{\"command\": \"x\", \"environment\": {\"A\": 1}}",
                  "environment: \"A\": found 1, expected a string|");
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("exec");
  tcase_add_checked_fixture (cases, set_up, tear_down);
  tcase_set_timeout (cases, 60);
  signal (SIGPIPE, SIG_IGN); /* as the program does */
  tcase_add_loop_test (cases, nothing_is_left_behind, 0, G_N_ELEMENTS (runs));
  tcase_add_test (cases, output_comes_in_chunks_of_one_stream);
  tcase_add_test (cases, a_transform_gives_chunks);
  tcase_add_test (cases, bad_options_are_refused);
  Suite *suite = suite_create ("plugin-exec");
  suite_add_tcase (suite, cases);
  return run_suite (suite);
}
