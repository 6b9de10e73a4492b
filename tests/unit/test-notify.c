/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager hears of `weir run`: the program is started with NOTIFY_SOCKET naming a socket of ours, by path and in the
 * abstract space, and its messages are compared whole. */
#include <check.h>
#include <glib.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char *folder, *pipeline;

static void
make_folder (void)
{
  static const char
    text[] = "{ \"name\": \"tick\", \"producers\": { \"gen\": { \"plugin\": \"generate\", \"rate\": 100 } },"
             "  \"consumers\": { \"out\": { \"plugin\": \"null\", \"from\": \"gen\" } } }";
  folder = g_dir_make_tmp ("weir-notify.XXXXXX", NULL);
  ck_assert_ptr_nonnull (folder);
  pipeline = g_build_filename (folder, "tick.json", NULL);
  ck_assert (g_file_set_contents (pipeline, text, -1, NULL));
}

static void
remove_folder (void)
{
  unlink (pipeline);
  rmdir (folder);
  g_free (pipeline);
  g_free (folder);
}

/* name: with @ in front it is abstract. */
static int
listen_at (const char *name)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gsize size = strlen (name);
  ck_assert_uint_lt (size, sizeof address.sun_path);
  memcpy (address.sun_path, name, size);
  if (name[0] == '@') {
    address.sun_path[0] = '\0';
  }
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge (fd, 0);
  struct timeval limit = { .tv_sec = 30 };
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  socklen_t length = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + size + (name[0] == '@' ? 0 : 1));
  ck_assert_int_eq (bind (fd, (struct sockaddr *) &address, length), 0);
  return fd;
}

static void
expect_message (int fd, const char *expected)
{
  char text[4096] = "";
  ssize_t size = recv (fd, text, sizeof text - 1, 0);
  ck_assert_int_ge (size, 0);
  ck_assert_str_eq (text, expected);
}

static GPid
start (const char *notify, const char *setting)
{
  const char *weir = g_getenv ("WEIR");
  const char *arguments[] = { weir, "run", "--quiet", "--set", setting, pipeline, NULL };
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "NOTIFY_SOCKET", notify, TRUE);
  GPid pid;
  ck_assert_ptr_nonnull (weir);
  ck_assert (g_spawn_async (NULL, (char **) arguments, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL));
  return pid;
}

static void
expect_end (GPid pid, int code)
{
  int status;
  ck_assert_int_eq (waitpid (pid, &status, 0), pid);
  ck_assert (WIFEXITED (status));
  ck_assert_int_eq (WEXITSTATUS (status), code);
}

static void
hear_a_life (const char *name)
{
  int fd = listen_at (name);
  GPid pid = start (name, "gen.rate=100");
  expect_message (fd, "READY=1\nSTATUS=tick: running");
  kill (pid, SIGTERM);
  expect_message (fd, "STOPPING=1\nSTATUS=tick: draining");
  expect_end (pid, 0);
  close (fd);
}

START_TEST (a_path)
{
  make_folder ();
  g_autofree char *name = g_build_filename (folder, "notify", NULL);
  hear_a_life (name);
  unlink (name);
  remove_folder ();
}
END_TEST

START_TEST (an_abstract_name)
{
  make_folder ();
  g_autofree char *name = g_strdup_printf ("@weir-notify-%d", (int) getpid ());
  hear_a_life (name);
  remove_folder ();
}
END_TEST

START_TEST (nobody_listens)
{
  make_folder ();
  expect_end (start ("/nowhere/at/all", "gen.count=1"), 0);
  expect_end (start ("not a socket", "gen.count=1"), 0);
  remove_folder ();
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("notify");
  TCase *cases = tcase_create ("notify");
  tcase_set_timeout (cases, 60);
  tcase_add_test (cases, a_path);
  tcase_add_test (cases, an_abstract_name);
  tcase_add_test (cases, nobody_listens);
  suite_add_tcase (suite, cases);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed != 0;
}
