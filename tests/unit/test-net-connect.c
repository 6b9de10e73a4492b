/* SPDX-License-Identifier: Apache-2.0 */
/* The producer of plugins/tcp.c with `connect`, in the real program, and the options that all roles with `connect` refuse. The test is the
 * server. */
#include "net-servers.h"

#define READ(options) \
  "{'producers': {'in': {'plugin': 'tcp', " options "}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'in'}}}"

#define SEND(options, count) \
  "{'producers': {'in': {'plugin': 'generate', 'text': 'line {seq}', 'count': " count "}}," \
  " 'consumers': {'out': {'plugin': 'tcp', 'from': 'in', " options "}}}"

#define ASK(options, producer) \
  "{'producers': {'in': {" producer "}}," \
  " 'transforms': {'ask': {'plugin': 'tcp', 'from': 'in', " options "}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'ask'}}}"

/* ---- the producer ---- */

START_TEST (producer_reads_until_the_peer_ends)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (READ ("'connect': '127.0.0.1:%u'"), at);
  int fd = take_one (server);
  say (fd, "hello\nthere");
  close (fd);
  EXPECT_STATUS (0, finish ());
  expect_contents ("out", "hello\nthere");
  expect_said ("in: connections 1\n");
  close (server);
}
END_TEST

START_TEST (producer_is_refused)
{
  int keeper;
  guint16 at = closed_port (&keeper);
  RUNF (READ ("'connect': '127.0.0.1:%u'"), at);
  EXPECT_STATUS (1, finish ());
  g_autofree char *wanted = g_strdup_printf (
    "weir: in (tcp, producer): cannot connect to 127.0.0.1:%u: Connection refused", at);
  expect_first (wanted);
  close (keeper);
}
END_TEST

START_TEST (producer_of_a_name_that_does_not_resolve)
{
  run (READ ("'connect': 'nowhere.invalid:80'"));
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: in (tcp, producer): cannot look up nowhere.invalid: ");
}
END_TEST

START_TEST (producer_connects_to_a_name)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (READ ("'connect': 'localhost:%u'"), at);
  int fd = take_one (server);
  say (fd, "hello\n");
  close (fd);
  EXPECT_STATUS (0, finish ());
  expect_contents ("out", "hello\n");
  close (server);
}
END_TEST

START_TEST (connect_timeout)
{
  guint16 at = 0;
  int filling[3], server = full_server (&at, filling);
  RUNF (READ ("'connect': '127.0.0.1:%u', 'connect_timeout': '200ms'"), at);
  EXPECT_STATUS (1, finish ());
  g_autofree char *wanted = g_strdup_printf (
    "weir: in (tcp, producer): cannot connect to 127.0.0.1:%u: no answer within 0.2 s", at);
  expect_first (wanted);
  for (guint i = 0; i < 3; i++) {
    close (filling[i]);
  }
  close (server);
}
END_TEST

START_TEST (stop_while_connecting)
{
  guint16 at = 0;
  int filling[3], server = full_server (&at, filling);
  RUNF ("{'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0'},"
        "               'other': {'plugin': 'tcp', 'connect': '127.0.0.1:%u'}},"
        " 'consumers': {'out': {'plugin': 'tcp', 'from': ['in', 'other'], 'connect': '127.0.0.1:%u'}}}",
        at, at);
  port (0);
  EXPECT_STATUS (0, stop ());
  for (guint i = 0; i < 3; i++) {
    close (filling[i]);
  }
  close (server);
}
END_TEST

/* A transform: it has nothing to send, and so nothing to wait for. */
#define THROUGH(connect) \
  "{'engine': {'shutdown': '100s'}," \
  " 'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0'}}," \
  " 'transforms': {'ask': {" connect ", 'from': 'in', 'connect_timeout': '100s'}}," \
  " 'consumers': {'out': {'plugin': 'null', 'from': 'ask'}}}"

static void
stop_promptly (void)
{
  port (0);
  gint64 begin = g_get_monotonic_time ();
  EXPECT_STATUS (0, stop ());
  ck_assert_int_lt (g_get_monotonic_time () - begin, 90 * G_USEC_PER_SEC);
}

START_TEST (stop_gives_up_a_connection_with_nothing_to_send)
{
  guint16 at = 0;
  int filling[3], server = full_server (&at, filling);
  RUNF (THROUGH ("'plugin': 'tcp', 'connect': '127.0.0.1:%u'"), at);
  stop_promptly ();
  for (guint i = 0; i < 3; i++) {
    close (filling[i]);
  }
  close (server);
}
END_TEST

START_TEST (stop_gives_up_a_handshake_with_nothing_to_send)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (THROUGH ("'plugin': 'tcp', 'tls': true, 'handshake_timeout': '100s', 'connect': '127.0.0.1:%u'"), at);
  int fd = take_one (server); /* and says nothing */
  char hello;
  ck_assert_int_eq (recv (fd, &hello, 1, MSG_PEEK), 1);
  stop_promptly ();
  close (fd);
  close (server);
}
END_TEST

START_TEST (stop_gives_up_a_unix_connection_with_nothing_to_send)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "full" };
  int server = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), filling[2];
  ck_assert_int_eq (bind (server, (struct sockaddr *) &address, sizeof (address)), 0);
  ck_assert_int_eq (listen (server, 0), 0);
  for (guint i = 0; i < 2; i++) {
    filling[i] = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void) connect (filling[i], (struct sockaddr *) &address, sizeof (address));
  }
  ck_assert_int_eq (connect (filling[1], (struct sockaddr *) &address, sizeof (address)), -1);
  run (THROUGH ("'plugin': 'unix', 'connect': 'full'"));
  stop_promptly ();
  close (filling[0]);
  close (filling[1]);
  close (server);
}
END_TEST

START_TEST (producer_is_reset)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (READ ("'connect': '127.0.0.1:%u'"), at);
  int fd = take_one (server);
  say (fd, "hello\n");
  await_contents ("out", "hello\n");
  reset (fd);
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: in (tcp, producer): Connection reset by peer\n");
  close (server);
}
END_TEST

START_TEST (producer_idle_timeout)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (READ ("'connect': '127.0.0.1:%u', 'idle_timeout': '50ms'"), at);
  int fd = take_one (server);
  expect_end (fd);
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: in (tcp, producer): the peer has neither sent nor taken anything for 0.05 s\n");
  close (fd);
  close (server);
}
END_TEST

START_TEST (producer_reconnects)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (READ ("'connect': '127.0.0.1:%u', 'reconnect': true"), at);
  for (guint i = 0; i < 3; i++) {
    int fd = take_one (server);
    say (fd, i == 0 ? "one\n" : i == 1 ? "two\n" : "three\n");
    if (i == 1) {
      g_autofree char *both = g_strdup ("one\ntwo\n");
      await_contents ("out", both);
      reset (fd);
    } else {
      close (fd);
    }
  }
  await_contents ("out", "one\ntwo\nthree\n");
  EXPECT_STATUS (0, stop ());
  close (server);
}
END_TEST

/* ---- what cannot be ---- */

static const struct {
  const char *json, *message;
} bad[] = {
  { SEND ("'delimiter': ''", "1"),
    "consumers.out: expected an address to connect to (connect) or to listen at (listen)\n" },
  { SEND ("'connect': 'a:1', 'listen': '*:1'", "1"),
    "consumers.out.connect: found together with listen, expected one of them\n" },
  { SEND ("'connect': 'a'", "1"),
    "consumers.out.connect: found \"a\", expected host:port or [IPv6]:port with a port from 1 to 65535\n" },
  { SEND ("'listen': 'a'", "1"),
    "consumers.out.listen: found \"a\", expected host:port or [IPv6]:port, *:port or systemd:NAME\n" },
  { ASK ("'connect': ':80'", "'plugin': 'generate'"),
    "transforms.ask.connect: found \":80\", expected host:port or [IPv6]:port with a port from 1 to 65535\n" },
  { ASK ("'delimiter': ''", "'plugin': 'generate'"), "transforms.ask: missing key \"connect\" (" },
};

START_TEST (options_that_check_refuses)
{
  run_command ("check", bad[_i].json);
  EXPECT_STATUS (2, finish ());
  expect_said (bad[_i].message);
}
END_TEST

int
main (void)
{
  const Case cases[] = { producer_reads_until_the_peer_ends,
                         producer_is_refused,
                         producer_of_a_name_that_does_not_resolve,
                         producer_connects_to_a_name,
                         connect_timeout,
                         stop_while_connecting,
                         stop_gives_up_a_connection_with_nothing_to_send,
                         stop_gives_up_a_handshake_with_nothing_to_send,
                         stop_gives_up_a_unix_connection_with_nothing_to_send,
                         producer_is_reset,
                         producer_idle_timeout,
                         producer_reconnects };
  const Looped loops[] = { { options_that_check_refuses, G_N_ELEMENTS (bad) } };
  return run_cases ("net-connect", cases, G_N_ELEMENTS (cases), loops, G_N_ELEMENTS (loops));
}
