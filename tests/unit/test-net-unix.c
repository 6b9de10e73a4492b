/* SPDX-License-Identifier: Apache-2.0 */
/* What plugins/unix.c has of its own beside tcp.c: paths that are made, taken over from the dead, kept from the living, and removed.
 * In the real program; the test is the peer. */
#include "net-bed.h"

#include <sys/stat.h>

#define PLAIN(options) \
  "{'producers': {'in': {'plugin': 'unix', " options "}}," \
  " 'transforms': {'lines': {'plugin': 'lines', 'from': 'in'}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'lines'}}}"

static struct sockaddr_un
address_of (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  memcpy (address.sun_path, path, strlen (path));
  if (path[0] == '@') {
    address.sun_path[0] = '\0';
  }
  return address;
}

static socklen_t
size_of (const char *path)
{
  return path[0] == '@' ? (socklen_t) (offsetof (struct sockaddr_un, sun_path) + strlen (path))
                        : sizeof (struct sockaddr_un);
}

static int
connect_at (const char *path)
{
  struct sockaddr_un address = address_of (path);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_msg (connect (fd, (struct sockaddr *) &address, size_of (path)) == 0, "%s: %s", path, g_strerror (errno));
  be_patient (fd);
  return fd;
}

static int
serve_at (const char *path, int backlog)
{
  struct sockaddr_un address = address_of (path);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_msg (bind (fd, (struct sockaddr *) &address, size_of (path)) == 0, "%s: %s", path, g_strerror (errno));
  ck_assert_int_eq (listen (fd, backlog), 0);
  be_patient (fd);
  return fd;
}

START_TEST (path_is_made_with_its_mode_and_removed)
{
  run (PLAIN ("'listen': 'socket', 'mode': '0620'"));
  g_autofree char *address = listens_at (0);
  ck_assert_str_eq (address, "socket");
  GStatBuf status;
  ck_assert_int_eq (g_lstat ("socket", &status), 0);
  ck_assert_uint_eq (status.st_mode, S_IFSOCK | 0620);
  int fd = connect_at ("socket");
  say (fd, "hello\n");
  await_contents ("out", "hello\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
  ck_assert_int_eq (g_lstat ("socket", &status), -1);
}
END_TEST

START_TEST (mode_is_for_the_owner_alone_by_default)
{
  run (PLAIN ("'listen': 'socket'"));
  await_listening ();
  GStatBuf status;
  ck_assert_int_eq (g_lstat ("socket", &status), 0);
  ck_assert_uint_eq (status.st_mode, S_IFSOCK | 0600);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (peers_are_called_by_their_process)
{
  run ("{'producers': {'in': {'plugin': 'unix', 'listen': 'unix:socket'}},"
       " 'transforms': {'lines': {'plugin': 'lines', 'from': 'in'},"
       "                'say': {'plugin': 'format', 'from': 'lines', 'text': '{peer}: {}'}},"
       " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'say'}}}");
  await_listening ();
  int fd = connect_at ("socket");
  say (fd, "hello\n");
  g_autofree char *wanted = g_strdup_printf ("pid %d: hello\n", (int) getpid ());
  await_contents ("out", wanted);
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (path_of_the_dead_is_taken_over)
{
  close (serve_at ("socket", 1));
  run (PLAIN ("'listen': 'socket'"));
  await_listening ();
  int fd = connect_at ("socket");
  say (fd, "hello\n");
  await_contents ("out", "hello\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (path_of_the_living_is_left_alone)
{
  int server = serve_at ("socket", 1);
  run (PLAIN ("'listen': 'socket'"));
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (unix, producer): cannot listen on socket: Address already in use");
  close (connect_at ("socket"));
  close (server);
}
END_TEST

START_TEST (path_of_one_whose_backlog_is_full_is_left_alone)
{
  int server = serve_at ("socket", 0), peer = connect_at ("socket");
  run (PLAIN ("'listen': 'socket'"));
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (unix, producer): cannot listen on socket: Address already in use");
  GStatBuf status;
  ck_assert_int_eq (g_lstat ("socket", &status), 0);
  close (peer);
  close (server);
}
END_TEST

START_TEST (path_of_a_file_is_left_alone)
{
  ck_assert (g_file_set_contents ("socket", "precious", -1, NULL));
  run (PLAIN ("'listen': 'socket'"));
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (unix, producer): cannot listen on socket: Address already in use");
  expect_contents ("socket", "precious");
}
END_TEST

START_TEST (path_that_another_has_taken_meanwhile_is_not_removed)
{
  run (PLAIN ("'listen': 'socket'"));
  await_listening ();
  ck_assert_int_eq (rename ("socket", "old"), 0);
  int server = serve_at ("socket", 1);
  EXPECT_STATUS (0, stop ());
  close (connect_at ("socket"));
  close (server);
}
END_TEST

START_TEST (path_in_a_folder_that_is_not_there)
{
  run (PLAIN ("'listen': 'nowhere/socket'"));
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (unix, producer): cannot listen on nowhere/socket: No such file or directory");
}
END_TEST

START_TEST (abstract_name)
{
  g_autofree char *name = g_strdup_printf ("@weir-test-%d", (int) getpid ());
  RUNF (PLAIN ("'listen': '%s'"), name);
  g_autofree char *address = listens_at (0);
  ck_assert_str_eq (address, name);
  int fd = connect_at (name);
  say (fd, "hello\n");
  await_contents ("out", "hello\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (systemd_socket)
{
  bed.inherited = serve_at ("socket", 10);
  bed.names = "log";
  run (PLAIN ("'listen': 'systemd:log'"));
  g_autofree char *address = listens_at (0);
  ck_assert_str_eq (address, "socket");
  int fd = connect_at ("socket");
  say (fd, "hello\n");
  await_contents ("out", "hello\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
  GStatBuf status;
  ck_assert_int_eq (g_lstat ("socket", &status), 0); /* it is the manager's */
  close (bed.inherited);
}
END_TEST

START_TEST (systemd_socket_of_the_other_family)
{
  guint16 at = 0;
  bed.inherited = serve (&at, 10);
  bed.names = "log";
  run (PLAIN ("'listen': 'systemd:log'"));
  EXPECT_STATUS (1, finish ());
  expect_first (
    "weir: in (unix, producer): cannot listen on systemd:log: descriptor 3 is not a listening unix stream socket");
  close (bed.inherited);
}
END_TEST

/* ---- connecting ---- */

START_TEST (consumer_connects)
{
  int server = serve_at ("socket", 1);
  run ("{'producers': {'in': {'plugin': 'generate', 'text': '{seq}', 'count': 3}},"
       " 'consumers': {'out': {'plugin': 'unix', 'from': 'in', 'connect': 'socket'}}}");
  int fd = take_one (server);
  GString *all = hear_all (fd);
  ck_assert_str_eq (all->str, "0\n1\n2\n");
  g_string_free (all, TRUE);
  EXPECT_STATUS (0, finish ());
  close (fd);
  close (server);
}
END_TEST

START_TEST (transform_connects)
{
  int server = serve_at ("socket", 1);
  run ("{'producers': {'in': {'plugin': 'generate', 'text': '{seq}', 'count': 3}},"
       " 'transforms': {'ask': {'plugin': 'unix', 'from': 'in', 'connect': 'socket'}},"
       " 'consumers': {'out': {'plugin': 'file', 'from': 'ask', 'path': 'out'}}}");
  int fd = take_one (server);
  GString *all = hear_all (fd);
  ck_assert_str_eq (all->str, "0\n1\n2\n");
  g_string_free (all, TRUE);
  say (fd, "three");
  close (fd);
  EXPECT_STATUS (0, finish ());
  expect_contents ("out", "three");
  close (server);
}
END_TEST

START_TEST (audience)
{
  run ("{'producers': {'in': {'plugin': 'generate', 'text': '{seq}', 'count': 3}},"
       " 'consumers': {'out': {'plugin': 'unix', 'from': 'in', 'listen': 'socket'}}}");
  await_listening ();
  int fd = connect_at ("socket");
  GString *all = hear_all (fd);
  ck_assert_str_eq (all->str, "0\n1\n2\n");
  g_string_free (all, TRUE);
  EXPECT_STATUS (0, finish ());
  close (fd);
}
END_TEST

START_TEST (nobody_to_connect_to)
{
  run (PLAIN ("'connect': 'socket'"));
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (unix, producer): cannot connect to socket: No such file or directory");
}
END_TEST

START_TEST (backlog_that_is_full_is_waited_for)
{
  int server = serve_at ("socket", 0), before = connect_at ("socket");
  run (PLAIN ("'connect': 'socket'"));
  g_usleep (50 * 1000);
  close (take_one (server));
  int fd = take_one (server);
  say (fd, "hello\n");
  close (fd);
  EXPECT_STATUS (0, finish ());
  expect_contents ("out", "hello\n");
  close (before);
  close (server);
}
END_TEST

START_TEST (backlog_that_stays_full)
{
  int server = serve_at ("socket", 0), before = connect_at ("socket");
  run (PLAIN ("'connect': 'socket', 'connect_timeout': '100ms'"));
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (unix, producer): cannot connect to socket: no answer within 0.1 s");
  close (before);
  close (server);
}
END_TEST

/* ---- what cannot be ---- */

#define LONG \
  "/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/1234567"

static const struct {
  const char *options, *message;
} bad[] = {
  { "'listen': '" LONG "'",
    "producers.in.listen: found \"" LONG "\", expected a path of 1 to 107 bytes, @NAME or systemd:NAME\n" },
  { "'listen': ''", "producers.in.listen: found \"\", expected a path of 1 to 107 bytes, @NAME or systemd:NAME\n" },
  { "'listen': '@'", "producers.in.listen: found \"@\", expected a path of 1 to 107 bytes, @NAME or systemd:NAME\n" },
  { "'connect': '@'", "producers.in.connect: found \"@\", expected a path of 1 to 107 bytes or @NAME\n" },
  { "'listen': 'a', 'mode': '0888'",
    "producers.in.mode: found \"0888\", expected an octal number from 0 to 0777, such as 0660\n" },
  { "'listen': 'a', 'mode': '1777'",
    "producers.in.mode: found \"1777\", expected an octal number from 0 to 0777, such as 0660\n" },
  { "'listen': 'a', 'nodelay': true", "producers.in.nodelay: unknown key \"nodelay\"" },
};

START_TEST (options_that_check_refuses)
{
  g_autofree char *json = g_strdup_printf (PLAIN ("%s"), bad[_i].options);
  run_command ("check", json);
  EXPECT_STATUS (2, finish ());
  expect_said (bad[_i].message);
}
END_TEST

int
main (void)
{
  const Case cases[] = { path_is_made_with_its_mode_and_removed,
                         mode_is_for_the_owner_alone_by_default,
                         peers_are_called_by_their_process,
                         path_of_the_dead_is_taken_over,
                         path_of_the_living_is_left_alone,
                         path_of_one_whose_backlog_is_full_is_left_alone,
                         path_of_a_file_is_left_alone,
                         path_that_another_has_taken_meanwhile_is_not_removed,
                         path_in_a_folder_that_is_not_there,
                         abstract_name,
                         systemd_socket,
                         systemd_socket_of_the_other_family,
                         consumer_connects,
                         transform_connects,
                         audience,
                         nobody_to_connect_to,
                         backlog_that_is_full_is_waited_for,
                         backlog_that_stays_full };
  const Looped loops[] = { { options_that_check_refuses, G_N_ELEMENTS (bad) } };
  return run_cases ("net-unix", cases, G_N_ELEMENTS (cases), loops, G_N_ELEMENTS (loops));
}
