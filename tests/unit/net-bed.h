/* SPDX-License-Identifier: Apache-2.0 */
/* net-bed.h: the real program on a pipeline of the test's, in a folder of its own, with sockets of the test's around it.
 * Everything static: one test program includes it once. The test is the peer; it blocks in its calls, and each gives up after half
 * a minute, so that what does not come is a failure and not a hang. */
#pragma once

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 30000 /* milliseconds */

typedef struct {
  char *folder;
  pid_t pid;
  int output;    /* the program's standard error */
  GString *said; /* what came from it so far */
  int status;    /* its exit code, once it has ended */
  /* Set before it is run. */
  guint descriptors;      /* limit; 0: none */
  int inherited;          /* listening socket that becomes descriptor 3; -1: none */
  const char *names;      /* LISTEN_FDNAMES */
  const char *options[8]; /* of `weir run`; NULL ends them */
} Bed;

static Bed bed;

G_GNUC_UNUSED static void
set_up (void)
{
  GError *error = NULL;
  bed = (Bed){ .inherited = -1, .said = g_string_new (NULL) };
  bed.folder = g_dir_make_tmp ("weir-test.XXXXXX", &error);
  ck_assert_ptr_nonnull (bed.folder);
  ck_assert_int_eq (chdir (bed.folder), 0);
  signal (SIGPIPE, SIG_IGN);
}

static void
remove_folder (const char *folder)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_unlink (path);
  }
  g_dir_close (dir);
  g_rmdir (folder);
}

G_GNUC_UNUSED static void
tear_down (void)
{
  if (bed.pid > 0) {
    kill (bed.pid, SIGKILL);
    waitpid (bed.pid, NULL, 0);
    close (bed.output);
  }
  ck_assert_int_eq (chdir ("/"), 0);
  remove_folder (bed.folder);
  g_free (bed.folder);
  g_string_free (bed.said, TRUE);
}

/* ---- the program ---- */

static void
become (int output, const char *command)
{
  const char *weir = g_getenv ("WEIR");
  int nothing = open ("/dev/null", O_RDONLY);
  dup2 (nothing, 0);
  dup2 (output, 2);
  if (bed.descriptors > 0) {
    struct rlimit limit = { bed.descriptors, bed.descriptors };
    setrlimit (RLIMIT_NOFILE, &limit);
  }
  if (bed.inherited >= 0) {
    char pid[16];
    dup2 (bed.inherited, 3);
    g_snprintf (pid, sizeof (pid), "%d", (int) getpid ());
    setenv ("LISTEN_PID", pid, 1);
    setenv ("LISTEN_FDS", "1", 1);
    setenv ("LISTEN_FDNAMES", bed.names, 1);
  }
  setenv ("LC_ALL", "C", 1);
  const char *arguments[G_N_ELEMENTS (bed.options) + 4] = { "weir", command, "pipeline.json" };
  for (guint i = 0; i < G_N_ELEMENTS (bed.options) && bed.options[i] != NULL; i++) {
    arguments[3 + i] = bed.options[i];
  }
  execv (weir != NULL ? weir : "weir", (char *const *) arguments);
  _exit (127);
}

/* Runs `weir COMMAND` on a pipeline written with ' for ". */
static void
run_command (const char *command, const char *json)
{
  g_autofree char *text = g_strdelimit (g_strdup (json), "'", '"');
  int pipes[2];
  ck_assert (g_file_set_contents ("pipeline.json", text, -1, NULL));
  ck_assert_int_eq (pipe2 (pipes, O_CLOEXEC), 0);
  bed.pid = fork ();
  ck_assert_int_ge (bed.pid, 0);
  if (bed.pid == 0) {
    become (pipes[1], command);
  }
  close (pipes[1]);
  bed.output = pipes[0];
}

G_GNUC_UNUSED static void
run (const char *json)
{
  run_command ("run", json);
}

#define RUNF(...) \
  do { \
    g_autofree char *json_ = g_strdup_printf (__VA_ARGS__); \
    run (json_); \
  } while (0)

/* FALSE: it has said all that it will. */
static gboolean
hear (void)
{
  char text[4096];
  struct pollfd polled = { bed.output, POLLIN, 0 };
  ck_assert_msg (poll (&polled, 1, PATIENCE) == 1, "the program says no more than: %s", bed.said->str);
  ssize_t got = read (bed.output, text, sizeof (text));
  ck_assert_int_ge (got, 0);
  g_string_append_len (bed.said, text, got);
  return got > 0;
}

G_GNUC_UNUSED static void
await_said (const char *text)
{
  while (strstr (bed.said->str, text) == NULL) {
    ck_assert_msg (hear (), "ended without saying \"%s\": %s", text, bed.said->str);
  }
}

/* The n-th address, from 0, that the program listens at. */
G_GNUC_UNUSED static char *
listens_at (guint n)
{
  const char *said = "listening on ";
  for (;;) {
    const char *at = bed.said->str;
    for (guint i = 0; (at = strstr (at, said)) != NULL; i++) {
      at += strlen (said);
      const char *end = strchr (at, '\n');
      if (i == n && end != NULL) {
        return g_strndup (at, (gsize) (end - at));
      }
    }
    ck_assert_msg (hear (), "ended without listening: %s", bed.said->str);
  }
}

G_GNUC_UNUSED static void
await_listening (void)
{
  g_free (listens_at (0));
}

G_GNUC_UNUSED static guint16
port (guint n)
{
  g_autofree char *address = listens_at (n);
  const char *colon = strrchr (address, ':');
  ck_assert_ptr_nonnull (colon);
  return (guint16) g_ascii_strtoull (colon + 1, NULL, 10);
}

/* The port of one stage of plugin tcp, producer `in` or a consumer, where several listen: they are told in any order. */
G_GNUC_UNUSED static guint16
port_of (const char *stage)
{
  g_autofree char *said = g_strdup_printf ("weir: %s (tcp, %s): listening on 127.0.0.1:", stage,
                                           g_str_equal (stage, "in") ? "producer" : "consumer");
  await_said (said);
  const char *at = strstr (bed.said->str, said) + strlen (said);
  while (strchr (at, '\n') == NULL) {
    ck_assert (hear ());
    at = strstr (bed.said->str, said) + strlen (said);
  }
  return (guint16) g_ascii_strtoull (at, NULL, 10);
}

/* Waits for the end; what it said is in bed.said, its exit code the answer. */
G_GNUC_UNUSED static int
finish (void)
{
  while (hear ()) {}
  int status;
  ck_assert_int_eq (waitpid (bed.pid, &status, 0), bed.pid);
  bed.pid = 0;
  close (bed.output);
  ck_assert_msg (WIFEXITED (status), "ended by signal %d: %s", WTERMSIG (status), bed.said->str);
  return WEXITSTATUS (status);
}

G_GNUC_UNUSED static int
stop (void)
{
  kill (bed.pid, SIGTERM);
  return finish ();
}

G_GNUC_UNUSED static void
expect_said (const char *text)
{
  ck_assert_msg (strstr (bed.said->str, text) != NULL, "\"%s\" is not in: %s", text, bed.said->str);
}

/* The first line, which is the error where there is one, to the byte. */
G_GNUC_UNUSED static void
expect_first (const char *line)
{
  g_autofree char *first = g_strndup (bed.said->str, strcspn (bed.said->str, "\n"));
  ck_assert_str_eq (first, line);
}

#define EXPECT_STATUS(wanted, found) \
  do { \
    int status_ = (found); \
    ck_assert_msg (status_ == (wanted), "exit %d: %s", status_, bed.said->str); \
  } while (0)

/* ---- what it holds ---- */

G_GNUC_UNUSED static guint
open_descriptors (void)
{
  g_autofree char *folder = g_strdup_printf ("/proc/%d/fd", (int) bed.pid);
  GDir *dir = g_dir_open (folder, 0, NULL);
  guint count = 0;
  while (g_dir_read_name (dir) != NULL) {
    count++;
  }
  g_dir_close (dir);
  return count;
}

G_GNUC_UNUSED static void
await_descriptors (guint wanted)
{
  for (guint i = 0; i < PATIENCE; i++) {
    if (open_descriptors () <= wanted) {
      return;
    }
    g_usleep (1000);
  }
  ck_abort_msg ("%u descriptors are open, expected %u", open_descriptors (), wanted);
}

/* ---- what it writes ---- */

G_GNUC_UNUSED static char *
contents (const char *name)
{
  char *text = NULL;
  return g_file_get_contents (name, &text, NULL, NULL) ? text : g_strdup ("");
}

G_GNUC_UNUSED static void
await_contents (const char *name, const char *wanted)
{
  for (guint i = 0; i < PATIENCE; i++) {
    g_autofree char *text = contents (name);
    if (g_str_equal (text, wanted)) {
      return;
    }
    g_usleep (1000);
  }
  g_autofree char *text = contents (name);
  ck_abort_msg ("%s holds %s", name, text);
}

G_GNUC_UNUSED static void
await_lines (const char *name, guint wanted)
{
  guint lines = 0;
  for (guint i = 0; i < PATIENCE; i++) {
    g_autofree char *text = contents (name);
    lines = 0;
    for (const char *at = text; (at = strchr (at, '\n')) != NULL; at++) {
      lines++;
    }
    if (lines >= wanted) {
      return;
    }
    g_usleep (1000);
  }
  ck_abort_msg ("%s has %u lines, expected %u", name, lines, wanted);
}

G_GNUC_UNUSED static void
expect_contents (const char *name, const char *wanted)
{
  g_autofree char *text = contents (name);
  ck_assert_str_eq (text, wanted);
}

#include "net-sockets.h"

/* ---- a suite ---- */

typedef const TTest *Case;

/* A test that is run for each index of a table. */
typedef struct {
  const TTest *test;
  int count;
} Looped;

/* CK_RUN_CASE=NAME runs one of them. */
static void
add_case (Suite *suite, const TTest *test, int count)
{
  TCase *one = tcase_create (test->name);
  tcase_set_timeout (one, 120);
  tcase_add_checked_fixture (one, set_up, tear_down);
  tcase_add_loop_test (one, test, 0, count);
  suite_add_tcase (suite, one);
}

G_GNUC_UNUSED static int
run_cases (const char *name, const Case *cases, gsize count, const Looped *loops, gsize loop_count)
{
  Suite *suite = suite_create (name);
  for (gsize i = 0; i < count; i++) {
    add_case (suite, cases[i], 1);
  }
  for (gsize i = 0; i < loop_count; i++) {
    add_case (suite, loops[i].test, loops[i].count);
  }
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
