/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/net/address.c and socket.c: addresses as users write them and as peers are called, and what the options of a socket come
 * to in the kernel. */
#include "plugins/net/address.h"
#include "plugins/net/socket.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static const struct {
  const char *text;
  NetFamily family;
  gboolean listen;
  int kind; /* -1: refused */
  const char *host;
  guint port;
} addresses[] = {
  { "127.0.0.1:80", NET_TCP, FALSE, NET_ADDRESS_KNOWN, "127.0.0.1", 80 },
  { "127.0.0.1:0", NET_TCP, TRUE, NET_ADDRESS_KNOWN, "127.0.0.1", 0 },
  { "127.0.0.1:0", NET_TCP, FALSE, -1, NULL, 0 },
  { "127.0.0.1:65535", NET_TCP, FALSE, NET_ADDRESS_KNOWN, "127.0.0.1", 65535 },
  { "127.0.0.1:65536", NET_TCP, FALSE, -1, NULL, 0 },
  { "127.0.0.1:", NET_TCP, TRUE, -1, NULL, 0 },
  { "127.0.0.1:+80", NET_TCP, TRUE, -1, NULL, 0 },
  { "127.0.0.1: 80", NET_TCP, TRUE, -1, NULL, 0 },
  { "[::1]:80", NET_TCP, FALSE, NET_ADDRESS_KNOWN, "::1", 80 },
  { "[::]:80", NET_TCP, TRUE, NET_ADDRESS_KNOWN, "::", 80 },
  { "::1:80", NET_TCP, FALSE, -1, NULL, 0 },
  { "[::1]80", NET_TCP, FALSE, -1, NULL, 0 },
  { "[]:80", NET_TCP, FALSE, -1, NULL, 0 },
  { "[name]:80", NET_TCP, FALSE, -1, NULL, 0 },
  { "name:80", NET_TCP, FALSE, NET_ADDRESS_NAME, "name", 80 },
  { "a.name.example:80", NET_TCP, TRUE, NET_ADDRESS_NAME, "a.name.example", 80 },
  { "http://name:80", NET_TCP, FALSE, -1, NULL, 0 },
  { "name", NET_TCP, FALSE, -1, NULL, 0 },
  { "", NET_TCP, FALSE, -1, NULL, 0 },
  { "*:80", NET_TCP, TRUE, NET_ADDRESS_WILDCARD, "*", 80 },
  { ":80", NET_TCP, TRUE, NET_ADDRESS_WILDCARD, "", 80 },
  { "*:80", NET_TCP, FALSE, -1, NULL, 0 },
  { "systemd:web", NET_TCP, TRUE, NET_ADDRESS_SYSTEMD, "web", 0 },
  { "systemd:web", NET_TCP, FALSE, -1, NULL, 0 },
  { "systemd:", NET_TCP, TRUE, -1, NULL, 0 },
  { "unix:/run/a", NET_TCP, TRUE, -1, NULL, 0 },
  { "/run/a", NET_UNIX, TRUE, NET_ADDRESS_KNOWN, "/run/a", 0 },
  { "unix:/run/a", NET_UNIX, FALSE, NET_ADDRESS_KNOWN, "/run/a", 0 },
  { "@a", NET_UNIX, FALSE, NET_ADDRESS_KNOWN, "@a", 0 },
  { "@", NET_UNIX, TRUE, -1, NULL, 0 },
  { "", NET_UNIX, TRUE, -1, NULL, 0 },
  { "unix:", NET_UNIX, TRUE, -1, NULL, 0 },
  { "systemd:log", NET_UNIX, TRUE, NET_ADDRESS_SYSTEMD, "log", 0 },
};

START_TEST (address_is_parsed)
{
  NetAddress address;
  g_autofree char *message = net_address_parse (&address, addresses[_i].text, addresses[_i].family,
                                                addresses[_i].listen);
  ck_assert_msg ((message != NULL) == (addresses[_i].kind < 0), "\"%s\": %s", addresses[_i].text,
                 message != NULL ? message : "accepted");
  if (message == NULL) {
    ck_assert_int_eq (address.kind, addresses[_i].kind);
    ck_assert_str_eq (address.host, addresses[_i].host);
    ck_assert_uint_eq (address.port, addresses[_i].port);
    ck_assert_int_eq (address.address != NULL, address.kind == NET_ADDRESS_KNOWN);
  }
  net_address_clear (&address);
}
END_TEST

/* ---- as peers are called ---- */

static void
expect_described (gconstpointer address, gsize size, const char *wanted)
{
  char text[NET_TEXT_SIZE];
  net_address_describe (address, (socklen_t) size, text);
  ck_assert_str_eq (text, wanted);
}

START_TEST (peers_are_described)
{
  struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons (80), .sin_addr.s_addr = htonl (0x7f000001) };
  expect_described (&four, sizeof (four), "127.0.0.1:80");
  struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons (81), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  expect_described (&six, sizeof (six), "[::1]:81");
  ck_assert_int_eq (inet_pton (AF_INET6, "::ffff:192.0.2.7", &six.sin6_addr), 1);
  expect_described (&six, sizeof (six), "192.0.2.7:81");
  struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/run/a" };
  expect_described (&path, sizeof (path), "/run/a");
  expect_described (&path, offsetof (struct sockaddr_un, sun_path), "-");
  struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "\0name" };
  expect_described (&name, offsetof (struct sockaddr_un, sun_path) + 5, "@name");
}
END_TEST

/* ---- options of sockets ---- */

static int
option (int fd, int level, int name)
{
  int value = -1;
  socklen_t size = sizeof (value);
  ck_assert_int_eq (getsockopt (fd, level, name, &value, &size), 0);
  return value;
}

START_TEST (socket_without_options_is_the_kernels)
{
  const NetSettings settings = { 0 };
  int plain = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd = net_socket_new (AF_INET, SOCK_STREAM, &settings);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (option (fd, IPPROTO_TCP, TCP_NODELAY), 0);
  ck_assert_int_eq (option (fd, SOL_SOCKET, SO_KEEPALIVE), 0);
  ck_assert_int_eq (option (fd, SOL_SOCKET, SO_SNDBUF), option (plain, SOL_SOCKET, SO_SNDBUF));
  ck_assert_int_eq (option (fd, SOL_SOCKET, SO_RCVBUF), option (plain, SOL_SOCKET, SO_RCVBUF));
  close (plain);
  close (fd);
}
END_TEST

START_TEST (options_reach_the_kernel)
{
  const NetSettings settings = {
    .nodelay = TRUE, .keepalive = 30 * G_USEC_PER_SEC, .send_buffer = 32768, .receive_buffer = 16384
  };
  int fd = net_socket_new (AF_INET6, SOCK_STREAM, &settings);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_ne (option (fd, IPPROTO_TCP, TCP_NODELAY), 0);
  ck_assert_int_eq (option (fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  ck_assert_int_eq (option (fd, IPPROTO_TCP, TCP_KEEPIDLE), 30);
  /* The kernel doubles them, for its own needs. */
  ck_assert_int_eq (option (fd, SOL_SOCKET, SO_SNDBUF), 65536);
  ck_assert_int_eq (option (fd, SOL_SOCKET, SO_RCVBUF), 32768);
  close (fd);
}
END_TEST

START_TEST (keepalive_of_less_than_a_second_is_one)
{
  const NetSettings settings = { .keepalive = 1 };
  int fd = net_socket_new (AF_INET, SOCK_STREAM, &settings);
  ck_assert_int_eq (option (fd, IPPROTO_TCP, TCP_KEEPIDLE), 1);
  close (fd);
}
END_TEST

int
main (void)
{
  Suite *suite = suite_create ("net-address");
  TCase *all = tcase_create ("net-address");
  tcase_add_loop_test (all, address_is_parsed, 0, G_N_ELEMENTS (addresses));
  tcase_add_test (all, peers_are_described);
  tcase_add_test (all, socket_without_options_is_the_kernels);
  tcase_add_test (all, options_reach_the_kernel);
  tcase_add_test (all, keepalive_of_less_than_a_second_is_one);
  suite_add_tcase (suite, all);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
