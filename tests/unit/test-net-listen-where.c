/* SPDX-License-Identifier: Apache-2.0 */
/* Where the producer of plugins/tcp.c listens, in the real program: at sockets of a service manager, and where it cannot. */
#include "net-bed.h"

/* The lines alone. */
#define PLAIN(options) \
  "{'producers': {'in': {'plugin': 'tcp', " options "}}," \
  " 'transforms': {'lines': {'plugin': 'lines', 'from': 'in'}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'lines'}}}"

/* ---- a service manager's sockets ---- */

static const char *const systemd_sockets[] = {
  PLAIN ("'listen': 'systemd:web'"),
  PLAIN ("'listen': 'systemd:web', 'isolate': true"),
  "{'producers': {'in': {'plugin': 'tcp', 'listen': 'systemd:web', 'per_connection': true, 'isolate': true}},"
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'in', 'shared': true}}}",
};

START_TEST (systemd_socket)
{
  guint16 at = 0;
  bed.inherited = serve (&at, 10);
  bed.names = "web";
  run (systemd_sockets[_i]);
  ck_assert_uint_eq (port (0), at);
  int fd = connect_to (at);
  say (fd, "hello\n");
  await_contents ("out", "hello\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
  close (bed.inherited);
}
END_TEST

static const char *const systemd_others[] = {
  PLAIN ("'listen': 'systemd:mail'"),
  PLAIN ("'listen': 'systemd:mail', 'isolate': true"),
};

START_TEST (systemd_socket_of_another_name)
{
  guint16 at = 0;
  bed.inherited = serve (&at, 10);
  bed.names = "web";
  run (systemd_others[_i]);
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (tcp, producer): cannot listen on systemd:mail: the service manager has passed "
                "web, and none is called mail");
  close (bed.inherited);
}
END_TEST

START_TEST (systemd_socket_that_does_not_listen)
{
  bed.inherited = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bed.names = "web";
  run (PLAIN ("'listen': 'systemd:web'"));
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (tcp, producer): cannot listen on systemd:web: descriptor 3 is not a "
                "listening TCP stream socket");
  close (bed.inherited);
}
END_TEST

START_TEST (no_sockets_from_a_service_manager)
{
  run (PLAIN ("'listen': 'systemd:web'"));
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (tcp, producer): cannot listen on systemd:web: the service manager has "
                "passed no sockets (LISTEN_FDS, LISTEN_PID)");
}
END_TEST

/* ---- what cannot be ---- */

START_TEST (address_in_use)
{
  guint16 at = 0;
  int server = serve (&at, 10);
  RUNF (PLAIN ("'listen': '127.0.0.1:%u'"), at);
  EXPECT_STATUS (1, finish ());
  g_autofree char *wanted = g_strdup_printf (
    "weir: in (tcp, producer): cannot listen on 127.0.0.1:%u: Address already in use", at);
  expect_first (wanted);
  close (server);
}
END_TEST

START_TEST (address_of_another_host)
{
  run (PLAIN ("'listen': '192.0.2.1:0'"));
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (tcp, producer): cannot listen on 192.0.2.1:0: Cannot assign requested address");
}
END_TEST

START_TEST (name_that_does_not_resolve)
{
  run (PLAIN ("'listen': 'nowhere.invalid:80'"));
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: in (tcp, producer): cannot listen on nowhere.invalid:80: ");
  expect_said ("ame "); /* "Name or service not known", "Temporary failure in name resolution" */
}
END_TEST

static void
refused (const char *options, const char *message)
{
  g_autofree char *json = g_strdup_printf ("{'producers': {'in': {'plugin': 'tcp', %s}},"
                                           " 'consumers': {'out': {'plugin': 'null', 'from': 'in'}}}",
                                           options);
  run_command ("check", json);
  EXPECT_STATUS (2, finish ());
  ck_assert_msg (strstr (bed.said->str, message) != NULL, "%s", bed.said->str);
}

#define EXPECTED_LISTEN ", expected host:port or [IPv6]:port, *:port or systemd:NAME\n"

static const struct {
  const char *options, *message;
} bad[] = {
  { "'max': 1", "producers.in: expected an address to listen at (listen) or to connect to (connect)\n" },
  { "'listen': []", "producers.in: expected an address to listen at (listen) or to connect to (connect)\n" },
  { "'listen': '*:1', 'connect': 'a:1'", "producers.in.connect: found together with listen, expected one of them\n" },
  { "'listen': 'here'", "producers.in.listen: found \"here\"" EXPECTED_LISTEN },
  { "'listen': '127.0.0.1'", "producers.in.listen: found \"127.0.0.1\"" EXPECTED_LISTEN },
  { "'listen': 'a:65536'", "producers.in.listen: found \"a:65536\"" EXPECTED_LISTEN },
  { "'listen': 'a:http'", "producers.in.listen: found \"a:http\"" EXPECTED_LISTEN },
  { "'listen': 'a:-1'", "producers.in.listen: found \"a:-1\"" EXPECTED_LISTEN },
  { "'listen': '::1:80'", "producers.in.listen: found \"::1:80\"" EXPECTED_LISTEN },
  { "'listen': '[::1]'", "producers.in.listen: found \"[::1]\"" EXPECTED_LISTEN },
  { "'listen': '[host]:80'", "producers.in.listen: found \"[host]:80\"" EXPECTED_LISTEN },
  { "'listen': 'a b:80'", "producers.in.listen: found \"a b:80\"" EXPECTED_LISTEN },
  { "'listen': 'systemd:'", "producers.in.listen: found \"systemd:\"" EXPECTED_LISTEN },
  { "'listen': ['*:80', '']", "producers.in.listen: found \"\"" EXPECTED_LISTEN },
  { "'connect': 'a:0'",
    "producers.in.connect: found \"a:0\", expected host:port or [IPv6]:port with a port from 1 to 65535\n" },
  { "'connect': '*:80'",
    "producers.in.connect: found \"*:80\", expected host:port or [IPv6]:port with a port from 1 to 65535\n" },
  { "'connect': 'systemd:web'",
    "producers.in.connect: found \"systemd:web\", expected host:port or [IPv6]:port with a port from 1 to 65535\n" },
};

START_TEST (options_that_check_refuses)
{
  refused (bad[_i].options, bad[_i].message);
}
END_TEST

int
main (void)
{
  const Case cases[] = { systemd_socket_that_does_not_listen, no_sockets_from_a_service_manager, address_in_use,
                         address_of_another_host, name_that_does_not_resolve };
  const Looped loops[] = { { systemd_socket, G_N_ELEMENTS (systemd_sockets) },
                           { systemd_socket_of_another_name, G_N_ELEMENTS (systemd_others) },
                           { options_that_check_refuses, G_N_ELEMENTS (bad) } };
  return run_cases ("net-listen-where", cases, G_N_ELEMENTS (cases), loops, G_N_ELEMENTS (loops));
}
