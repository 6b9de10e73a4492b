/* SPDX-License-Identifier: Apache-2.0 */
/* What the journal and syslog get of `weir run`: each test listens where they do, at their own paths, in a mount namespace of its own,
 * and compares all fields of each message. Where the kernel lets nobody have one there is nothing to see. */
#include <check.h>
#include <fcntl.h>
#include <glib.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOURNAL "/run/systemd/journal/socket"
#define STREAM "/run/systemd/journal/stdout"
#define SYSLOG "/dev/log"

static char *folder, *pipeline, *pid_file;

/* ---- where it happens ---- */

static gboolean
write_text (const char *file, const char *text)
{
  int fd = open (file, O_WRONLY | O_CLOEXEC);
  gboolean written = fd >= 0 && write (fd, text, strlen (text)) == (ssize_t) strlen (text);
  if (fd >= 0) {
    close (fd);
  }
  return written;
}

static gboolean
leave_namespace (void)
{
  char users[64], groups[64];
  if (unshare (CLONE_NEWNS) == 0) {
    return TRUE;
  }
  snprintf (users, sizeof users, "0 %u 1", (guint) getuid ());
  snprintf (groups, sizeof groups, "0 %u 1", (guint) getgid ());
  return unshare (CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_text ("/proc/self/uid_map", users) &&
         write_text ("/proc/self/setgroups", "deny") && write_text ("/proc/self/gid_map", groups);
}

/* An empty /run, and a /dev with nothing but null. FALSE: not allowed here. */
static gboolean
set_up (void)
{
  static const char
    text[] = "{ \"name\": \"tick\", \"producers\": { \"gen\": { \"plugin\": \"generate\", \"count\": 1 } },"
             "  \"consumers\": { \"bad\": { \"plugin\": \"wrong\", \"from\": \"gen\", \"how\": \"log\" } } }";
  folder = g_dir_make_tmp ("weir-journal.XXXXXX", NULL);
  ck_assert_ptr_nonnull (folder);
  pipeline = g_build_filename (folder, "tick.json", NULL);
  pid_file = g_build_filename (folder, "pid", NULL);
  ck_assert (g_file_set_contents (pipeline, text, -1, NULL));
  setrlimit (RLIMIT_CORE, &(const struct rlimit){ 0, 0 });
  if (!leave_namespace () || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount ("tmpfs", "/run", "tmpfs", 0, NULL) != 0) {
    printf ("skipped: no mount namespace of its own\n");
    return FALSE;
  }
  g_autofree char *null = g_build_filename (folder, "null", NULL);
  ck_assert (g_file_set_contents (null, "", 0, NULL));
  ck_assert_int_eq (mount ("/dev/null", null, NULL, MS_BIND, NULL), 0);
  ck_assert_int_eq (mount ("tmpfs", "/dev", "tmpfs", 0, NULL), 0);
  ck_assert_int_ge (close (open ("/dev/null", O_CREAT | O_CLOEXEC, 0666)), 0);
  ck_assert_int_eq (mount (null, "/dev/null", NULL, MS_MOVE, NULL), 0);
  ck_assert_int_eq (g_mkdir_with_parents ("/run/systemd/journal", 0755), 0);
  return TRUE;
}

static void
tear_down (void)
{
  unlink (pipeline);
  unlink (pid_file);
  g_autofree char *null = g_build_filename (folder, "null", NULL);
  unlink (null);
  rmdir (folder);
  g_free (folder);
  g_free (pipeline);
  g_free (pid_file);
}

/* ---- sockets ---- */

static int
make_socket (int type, const char *path, int (*use) (int fd, const struct sockaddr *address, socklen_t size))
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct timeval limit = { .tv_sec = 30 };
  int fd = socket (AF_UNIX, type | SOCK_CLOEXEC, 0);
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (use (fd, (const struct sockaddr *) &address, sizeof address), 0);
  return fd;
}

static gint
compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The fields of a message in the journal's own form, sorted, "KEY=value, ..."; a value of several lines has its size before it. */
static char *
read_fields (const char *text, gsize size)
{
  g_autoptr (GPtrArray) fields = g_ptr_array_new_with_free_func (g_free);
  const char *at = text, *end = text + size;
  while (at < end) {
    const char *line_end = memchr (at, '\n', (gsize) (end - at));
    ck_assert_ptr_nonnull (line_end);
    g_autofree char *line = g_strndup (at, (gsize) (line_end - at));
    at = line_end + 1;
    if (strchr (line, '=') == NULL) {
      guint64 length;
      ck_assert_int_gt (end - at, (gssize) sizeof length);
      memcpy (&length, at, sizeof length);
      length = GUINT64_FROM_LE (length);
      g_autofree char *value = g_strndup (at + sizeof length, length);
      g_autofree char *escaped = g_strescape (value, NULL);
      g_ptr_array_add (fields, g_strdup_printf ("%s=%s", line, escaped));
      at += sizeof length + length + 1;
    } else {
      g_ptr_array_add (fields, g_steal_pointer (&line));
    }
  }
  g_ptr_array_sort (fields, compare_lines);
  g_ptr_array_add (fields, NULL);
  return g_strjoinv (", ", (char **) fields->pdata);
}

/* The next message, as it is. */
static char *
hear (int fd, gsize *size)
{
  static char text[8192];
  ssize_t got = recv (fd, text, sizeof text - 1, 0);
  ck_assert_msg (got > 0, "nothing was heard");
  text[got] = '\0';
  *size = (gsize) got;
  return text;
}

static void
expect_fields (int fd, const char *expected)
{
  gsize size;
  char *text = hear (fd, &size);
  g_autofree char *fields = read_fields (text, size);
  ck_assert_str_eq (fields, expected);
}

/* ---- weir ---- */

/* error: its standard error, or -1. Up to four arguments more. */
static pid_t
start (int error, const char *const *more)
{
  const char *weir = g_getenv ("WEIR"), *modules = g_getenv ("WEIR_TEST_MODULES");
  const char *arguments[16] = { weir, "run", "--quiet", "--plugin-path", modules, "--pid-file", pid_file, pipeline };
  ck_assert (weir != NULL && modules != NULL);
  for (gsize i = 0; more[i] != NULL; i++) {
    arguments[8 + i] = more[i];
  }
  pid_t pid = fork ();
  if (pid == 0) {
    if (error >= 0) {
      dup2 (error, STDERR_FILENO);
    }
    execv (weir, (char **) arguments);
    _exit (127);
  }
  return pid;
}

static void
expect_end (pid_t pid, int status)
{
  int found;
  ck_assert_int_eq (waitpid (pid, &found, 0), pid);
  ck_assert_int_eq (found, status);
}

static pid_t
read_pid (void)
{
  g_autofree char *text = NULL;
  ck_assert (g_file_get_contents (pid_file, &text, NULL, NULL));
  return (pid_t) atoi (text);
}

#define MORE(...) \
  (const char *const[]) \
  { \
    __VA_ARGS__, NULL \
  }
#define RUNNING "GLIB_DOMAIN=weir, MESSAGE=tick: running, PRIORITY=6, SYSLOG_IDENTIFIER=weir"
#define DONE "GLIB_DOMAIN=weir, MESSAGE=tick: done, PRIORITY=6, SYSLOG_IDENTIFIER=weir"
#define FAILED "GLIB_DOMAIN=weir, MESSAGE=tick: failed, PRIORITY=6, SYSLOG_IDENTIFIER=weir"
#define OF_STAGE(priority, text) \
  "GLIB_DOMAIN=weir, MESSAGE=bad (wrong, consumer): " text ", PRIORITY=" priority \
  ", SYSLOG_IDENTIFIER=weir, WEIR_PLUGIN=wrong, WEIR_STAGE=bad"

/* ---- standard error is the journal's ---- */

typedef struct {
  int journal, listener, error, stream; /* stream: the journal's end of error */
} Journal;

static void
open_journal (Journal *journal)
{
  journal->journal = make_socket (SOCK_DGRAM, JOURNAL, bind);
  journal->listener = make_socket (SOCK_STREAM, STREAM, bind);
  ck_assert_int_eq (listen (journal->listener, 1), 0);
  journal->error = make_socket (SOCK_STREAM, STREAM, connect);
  journal->stream = accept (journal->listener, NULL, NULL);
  ck_assert_int_ge (journal->stream, 0);
}

static void
close_journal (Journal *journal)
{
  close (journal->journal);
  close (journal->listener);
  close (journal->error);
  close (journal->stream);
}

/* Also those that come from a child process. */
static const char *const isolated[] = { "bad.isolate=false", "bad.isolate=true" };

START_TEST (messages_have_fields)
{
  Journal journal;
  if (set_up ()) {
    open_journal (&journal);
    pid_t pid = start (journal.error, MORE ("--set", "bad.log=debug", "--set", isolated[_i]));
    /* The main thread's come when they come. */
    g_autoptr (GPtrArray) heard = g_ptr_array_new_with_free_func (g_free);
    do {
      gsize size;
      char *text = hear (journal.journal, &size);
      g_ptr_array_add (heard, read_fields (text, size));
    } while (strcmp (heard->pdata[heard->len - 1], DONE) != 0);
    expect_end (pid, 0);
    ck_assert_uint_eq (heard->len, 5);
    g_ptr_array_sort (heard, compare_lines);
    ck_assert_str_eq (heard->pdata[0], OF_STAGE ("7", "a debug message"));
    ck_assert_str_eq (heard->pdata[1], OF_STAGE ("4", "a warning"));
    ck_assert_str_eq (heard->pdata[2], OF_STAGE ("6", "an info\\nmessage"));
    ck_assert_str_eq (heard->pdata[3], DONE);
    ck_assert_str_eq (heard->pdata[4], RUNNING);
    close_journal (&journal);
  }
  tear_down ();
}
END_TEST

START_TEST (a_failure_has_the_priority_of_an_error)
{
  Journal journal;
  if (set_up ()) {
    open_journal (&journal);
    pid_t pid = start (journal.error, MORE ("--set", "bad.how=fail", "--set", "bad.in=open"));
    expect_fields (journal.journal, OF_STAGE ("3", "cannot go on"));
    expect_fields (journal.journal, FAILED);
    expect_end (pid, 1 << 8);
    close_journal (&journal);
  }
  tear_down ();
}
END_TEST

START_TEST (so_have_mistakes_in_the_file)
{
  Journal journal;
  if (set_up ()) {
    open_journal (&journal);
    pid_t pid = start (journal.error, MORE ("--set", "gen.count=x", "--set", "gen.colour=1"));
    expect_fields (journal.journal, "GLIB_DOMAIN=weir, MESSAGE=--set:1:11: error: producers.gen.count: found \"x\", "
                                    "expected a whole number of at least 0, PRIORITY=3, SYSLOG_IDENTIFIER=weir");
    expect_fields (journal.journal, "GLIB_DOMAIN=weir, MESSAGE=--set:2:5: error: producers.gen.colour: unknown key "
                                    "\"colour\", PRIORITY=3, SYSLOG_IDENTIFIER=weir");
    expect_end (pid, 2 << 8);
    close_journal (&journal);
  }
  tear_down ();
}
END_TEST

START_TEST (a_crash_has_its_level_before_it)
{
  Journal journal;
  gsize size;
  if (set_up ()) {
    open_journal (&journal);
    pid_t pid = start (journal.error, MORE ("--set", "bad.how=abort"));
    /* "running" may or may not have come by then. */
    ck_assert_str_eq (hear (journal.stream, &size), "<2>bad (wrong, consumer): fatal signal SIGABRT in consume()\n");
    expect_end (pid, SIGABRT);
    close_journal (&journal);
  }
  tear_down ();
}
END_TEST

/* ---- a daemon has no standard error ---- */

START_TEST (a_daemon_logs_to_the_journal)
{
  if (set_up ()) {
    int journal = make_socket (SOCK_DGRAM, JOURNAL, bind);
    expect_end (start (-1, MORE ("--daemon", "--set", "bad.how=fail")), 0);
    expect_fields (journal, RUNNING);
    expect_fields (journal, OF_STAGE ("3", "cannot go on"));
    expect_fields (journal, FAILED);
    close (journal);
  }
  tear_down ();
}
END_TEST

START_TEST (a_daemon_that_crashes_says_so_in_the_journal)
{
  if (set_up ()) {
    int journal = make_socket (SOCK_DGRAM, JOURNAL, bind);
    expect_end (start (-1, MORE ("--daemon", "--set", "bad.how=wait")), 0);
    expect_fields (journal, RUNNING);
    kill (read_pid (), SIGABRT);
    expect_fields (journal, "MESSAGE=fatal signal SIGABRT in no worker's thread, PRIORITY=2, SYSLOG_IDENTIFIER=weir");
    close (journal);
  }
  tear_down ();
}
END_TEST

START_TEST (where_there_is_no_journal_a_daemon_logs_to_syslog)
{
  gsize size;
  if (set_up ()) {
    int syslog = make_socket (SOCK_DGRAM, SYSLOG, bind);
    expect_end (start (-1, MORE ("--daemon", "--set", "bad.how=wait")), 0);
    pid_t pid = read_pid ();
    g_autofree char *running = g_strdup_printf (" weir[%d]: tick: running\n", (int) pid);
    const char *text = hear (syslog, &size); /* with a date */
    ck_assert_msg (g_str_has_prefix (text, "<30>") && g_str_has_suffix (text, running), "%s", text);
    kill (pid, SIGABRT);
    g_autofree char *crash = g_strdup_printf ("<26>weir[%d]: fatal signal SIGABRT in no worker's thread\n", (int) pid);
    ck_assert_str_eq (hear (syslog, &size), crash);
    close (syslog);
  }
  tear_down ();
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("journal");
  TCase *cases = tcase_create ("journal");
  tcase_set_timeout (cases, 120);
  tcase_add_loop_test (cases, messages_have_fields, 0, G_N_ELEMENTS (isolated));
  tcase_add_test (cases, a_failure_has_the_priority_of_an_error);
  tcase_add_test (cases, so_have_mistakes_in_the_file);
  tcase_add_test (cases, a_crash_has_its_level_before_it);
  tcase_add_test (cases, a_daemon_logs_to_the_journal);
  tcase_add_test (cases, a_daemon_that_crashes_says_so_in_the_journal);
  tcase_add_test (cases, where_there_is_no_journal_a_daemon_logs_to_syslog);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed != 0;
}
