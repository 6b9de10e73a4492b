/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/net/tls.c: who is let in and what it is called when somebody is not, and that nothing waits where it should not. */
#include "tls-bed.h"

#include <netinet/in.h>

START_TEST (both_speak)
{
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  send_text (&client, "question");
  expect_text (&server, "question");
  send_text (&server, "answer");
  expect_text (&client, "answer");
  ck_assert_uint_eq (server.woken, 1);
  ck_assert_uint_eq (client.woken, 1);
  ck_assert_ptr_null (net_tls_peer_subject (server.tls));
}
END_TEST

/* ---- who is let in ---- */

START_TEST (a_wrong_name_is_refused)
{
  open_ends ("bad.example");
  shake_hands (NET_FAILED, NET_FAILED);
  expect_error (&client, "the peer's certificate is refused: it is not for \"bad.example\"");
  ck_assert_uint_eq (client.woken, 1);
}
END_TEST

START_TEST (server_name_comes_before_the_host)
{
  client.options.server_name = "good.example";
  open_ends ("bad.example");
  shake_hands (NET_OK, NET_OK);
}
END_TEST

START_TEST (an_address_is_found_in_the_certificate)
{
  open_ends ("127.0.0.1");
  shake_hands (NET_OK, NET_OK);
}
END_TEST

START_TEST (a_wrong_address_is_refused)
{
  open_ends ("127.0.0.2");
  shake_hands (NET_FAILED, NET_FAILED);
  expect_error (&client, "the peer's certificate is refused: it is not for \"127.0.0.2\"");
}
END_TEST

START_TEST (an_unknown_authority_is_refused)
{
  client.options.ca = "other-ca.pem";
  open_ends ("good.example");
  shake_hands (NET_FAILED, NET_FAILED);
  expect_error (&client, "the peer's certificate is refused: no authority that is trusted has signed it");
}
END_TEST

START_TEST (the_systems_authorities_do_not_know_ours)
{
  client.options.ca = NULL;
  open_ends ("good.example");
  shake_hands (NET_FAILED, NET_FAILED);
  expect_error (&client, "the peer's certificate is refused: no authority that is trusted has signed it");
}
END_TEST

START_TEST (without_verify_anybody_will_do)
{
  client.options.ca = NULL;
  client.options.verify = FALSE;
  open_ends ("bad.example");
  shake_hands (NET_OK, NET_OK);
}
END_TEST

START_TEST (a_self_signed_certificate_is_trusted_as_its_own_authority)
{
  make_certificate ("self", "/CN=self", "-", "-days 2 -addext subjectAltName=DNS:self.example");
  server.options.certificate = "self.pem";
  server.options.key = "self.key";
  client.options.ca = "self.pem";
  open_ends ("self.example");
  shake_hands (NET_OK, NET_OK);
}
END_TEST

START_TEST (a_key_in_the_certificates_file)
{
  shell ("cat server.pem server.key >both.pem");
  server.options.certificate = "both.pem";
  server.options.key = NULL;
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
}
END_TEST

START_TEST (a_client_with_a_certificate_is_let_in)
{
  server.options.client_ca = "ca.pem";
  client.options.certificate = "client.pem";
  client.options.key = "client.key";
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  ck_assert_str_eq (net_tls_peer_subject (server.tls), "client seven");
  ck_assert_ptr_null (net_tls_peer_subject (client.tls));
  send_text (&client, "hello");
  expect_text (&server, "hello");
}
END_TEST

START_TEST (a_client_without_a_certificate_is_refused)
{
  server.options.client_ca = "ca.pem";
  open_ends ("good.example");
  for (;;) {
    NetResult here = end_handshake (&server), there = end_handshake (&client);
    if (here != NET_AGAIN && there != NET_AGAIN) {
      break;
    }
    await_ends ();
  }
  expect_error (&server, "the peer has no certificate");
  /* In TLS 1.3 the client was done before it was refused. */
  shutdown (server.fd, SHUT_WR);
  expect_end (&client, NET_FAILED);
}
END_TEST

START_TEST (a_client_may_do_without_a_certificate)
{
  server.options.client_ca = "ca.pem";
  server.options.require_client = FALSE;
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  ck_assert_ptr_null (net_tls_peer_subject (server.tls));
}
END_TEST

START_TEST (a_client_of_another_authority_is_refused)
{
  server.options.client_ca = "ca.pem";
  server.options.require_client = FALSE;
  client.options.certificate = "stranger.pem";
  client.options.key = "stranger.key";
  open_ends ("good.example");
  for (;;) {
    NetResult here = end_handshake (&server), there = end_handshake (&client);
    if (here != NET_AGAIN && there != NET_AGAIN) {
      break;
    }
    await_ends ();
  }
  expect_error (&server, "the peer's certificate is refused: no authority that is trusted has signed it");
}
END_TEST

/* ---- who speaks no TLS, or not at all ---- */

static void
expect_server_failure (const char *sent, gboolean hang_up, const char *text)
{
  int ends[2];
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  end_open (&server, TRUE, ends[0], NULL);
  ck_assert_int_eq (write (ends[1], sent, strlen (sent)), strlen (sent));
  if (hang_up) {
    shutdown (ends[1], SHUT_WR);
  }
  while (end_handshake (&server) == NET_AGAIN) {
    await_ends ();
  }
  expect_error (&server, text);
  close (ends[1]);
}

START_TEST (plain_text_to_a_server)
{
  expect_server_failure ("GET / HTTP/1.1\r\n", FALSE, "expected a TLS handshake, found \"GET / HTTP/1.1\\x0d\\x0a\"");
}
END_TEST

START_TEST (a_server_is_hung_up_on)
{
  expect_server_failure ("", TRUE, "the peer closed the connection before the TLS handshake");
}
END_TEST

START_TEST (a_server_is_hung_up_on_in_the_handshake)
{
  expect_server_failure ("\x16\x03\x01", TRUE, "the peer closed the connection in the TLS handshake");
}
END_TEST

START_TEST (garbage_in_a_tls_record)
{
  expect_server_failure ("\x16\x03\x01\x00\x07garbage", TRUE, "the peer closed the connection in the TLS handshake");
}
END_TEST

START_TEST (plain_text_to_a_client)
{
  int ends[2];
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  end_open (&client, FALSE, ends[1], "good.example");
  ck_assert_int_eq (write (ends[0], "220 smtp\r\n", 10), 10);
  while (end_handshake (&client) == NET_AGAIN) {
    await_ends ();
  }
  expect_error (&client, "expected a TLS handshake, found \"220 smtp\\x0d\\x0a\"");
  close (ends[0]);
}
END_TEST

/* A loopback TCP connection, as only TCP can wait for a number of bytes. */
static void
tcp_pair (int fds[2])
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq (bind (listener, (struct sockaddr *) &address, size), 0);
  ck_assert_int_eq (listen (listener, 1), 0);
  ck_assert_int_eq (getsockname (listener, (struct sockaddr *) &address, &size), 0);
  fds[1] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq (connect (fds[1], (struct sockaddr *) &address, size), 0);
  fds[0] = accept4 (listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  ck_assert_int_ge (fds[0], 0);
  g_unix_set_fd_nonblocking (fds[1], TRUE, NULL);
  close (listener);
}

static gboolean
is_readable (int fd)
{
  GPollFD poll_fd = { .fd = fd, .events = G_IO_IN };
  return g_poll (&poll_fd, 1, 0) > 0;
}

START_TEST (half_a_hello_begins_nothing)
{
  int fds[2];
  tcp_pair (fds);
  end_open (&server, TRUE, fds[0], NULL);
  ck_assert_int_eq (end_handshake (&server), NET_AGAIN);
  ck_assert_int_eq (server.wait, G_IO_IN);
  ck_assert_int_eq (write (fds[1], "\x16\x03\x01", 3), 3);
  await_ends ();
  for (guint i = 0; i < 3; i++) { /* looking more often changes nothing */
    ck_assert_int_eq (end_handshake (&server), NET_AGAIN);
    ck_assert_int_eq (server.wait, G_IO_IN);
    ck_assert (!is_readable (fds[0]));
  }
  ck_assert_int_eq (write (fds[1], "\x01\x04", 2), 2);
  for (guint i = 0; i < 3; i++) {
    ck_assert_int_eq (end_handshake (&server), NET_AGAIN);
    ck_assert_int_eq (server.wait, G_IO_IN);
  }
  ck_assert (!is_readable (fds[0]));
  shutdown (fds[1], SHUT_WR);
  while (end_handshake (&server) == NET_AGAIN) {
    await_ends ();
  }
  expect_error (&server, "the peer closed the connection in the TLS handshake");
  close (fds[1]);
}
END_TEST

START_TEST (a_hello_in_pieces)
{
  int fds[2], relay[2];
  tcp_pair (fds);
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, relay), 0);
  end_open (&server, TRUE, fds[0], NULL);
  end_open (&client, FALSE, relay[0], "good.example");
  /* Byte by byte there, as it comes back. */
  for (;;) {
    char bytes[4096];
    ssize_t count;
    NetResult here = end_handshake (&server), there = end_handshake (&client);
    if (here == NET_OK && there == NET_OK) {
      break;
    }
    ck_assert_msg (server.error == NULL && client.error == NULL, "a handshake failed");
    while ((count = read (relay[1], bytes, 1)) > 0) {
      ck_assert_int_eq (write (fds[1], bytes, 1), 1);
      end_handshake (&server);
    }
    while ((count = read (fds[1], bytes, sizeof bytes)) > 0) {
      ck_assert_int_eq (write (relay[1], bytes, (gsize) count), count);
    }
    g_main_context_iteration (context, FALSE);
  }
  close (fds[1]);
  close (relay[1]);
}
END_TEST

START_TEST (a_peer_that_says_nothing_is_given_up)
{
  int fds[2];
  tcp_pair (fds);
  server.options.handshake_timeout = 20000;
  end_open (&server, TRUE, fds[0], NULL);
  while (end_handshake (&server) == NET_AGAIN) {
    await_ends ();
  }
  expect_error (&server, "no TLS handshake came in time");
  ck_assert_uint_eq (server.woken, 1);
  close (fds[1]);
}
END_TEST

START_TEST (a_server_that_says_nothing_is_given_up)
{
  int fds[2];
  tcp_pair (fds);
  client.options.handshake_timeout = 20000;
  end_open (&client, FALSE, fds[1], "good.example");
  while (end_handshake (&client) == NET_AGAIN) {
    await_ends ();
  }
  expect_error (&client, "the TLS handshake was not over in time");
  close (fds[0]);
}
END_TEST

/* More of them than GIO has threads: all that has to happen on such a thread still does. */
START_TEST (silent_peers_hold_up_nobody)
{
  enum { SILENT = 40 };
  int fds[SILENT][2];
  NetTls *silent[SILENT];
  open_ends ("good.example");
  for (guint i = 0; i < SILENT; i++) {
    GIOCondition wait = 0;
    tcp_pair (fds[i]);
    silent[i] = net_tls_new (fds[i][0], server.settings, NULL, end_woken, &server);
    if (i % 2 == 1) {
      ck_assert_int_eq (write (fds[i][1], "\x16\x03\x01\x01", 4), 4);
    }
    ck_assert_int_eq (net_tls_handshake (silent[i], &wait, NULL), NET_AGAIN);
    ck_assert_int_eq (wait, G_IO_IN);
  }
  gint64 then = g_get_monotonic_time ();
  shake_hands (NET_OK, NET_OK);
  ck_assert_int_lt (g_get_monotonic_time () - then, server.options.handshake_timeout);
  for (guint i = 0; i < SILENT; i++) {
    net_tls_free (silent[i]);
    close (fds[i][0]);
    close (fds[i][1]);
  }
}
END_TEST

/* ---- versions, renewal: GnuTLS is told what to speak by its own variable, for the process ---- */

START_TEST (an_older_version_is_refused_by_the_server)
{
  g_setenv ("G_TLS_GNUTLS_PRIORITY", "NORMAL:-VERS-ALL:+VERS-TLS1.2", TRUE);
  server.options.tls_minimum = NET_TLS_1_3;
  open_ends ("good.example");
  shake_hands (NET_FAILED, NET_OK);
  expect_error (&server, "the peer speaks TLS 1.2, expected at least TLS 1.3");
  gsize taken = 0;
  ck_assert_int_eq (end_write (&server, "x", 1, &taken), NET_FAILED);
}
END_TEST

START_TEST (an_older_version_is_refused_by_the_client)
{
  g_setenv ("G_TLS_GNUTLS_PRIORITY", "NORMAL:-VERS-ALL:+VERS-TLS1.2", TRUE);
  client.options.tls_minimum = NET_TLS_1_3;
  open_ends ("good.example");
  shake_hands (NET_OK, NET_FAILED);
  expect_error (&client, "the peer speaks TLS 1.2, expected at least TLS 1.3");
}
END_TEST

START_TEST (two_zero_and_three_are_the_versions_that_are_spoken)
{
  g_setenv ("G_TLS_GNUTLS_PRIORITY", "NORMAL:-VERS-ALL:+VERS-TLS1.2", TRUE);
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
}
END_TEST

START_TEST (versions_before_1_2_are_refused)
{
  g_setenv ("G_TLS_GNUTLS_PRIORITY", "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT", TRUE);
  open_ends ("good.example");
  shake_hands (NET_FAILED, NET_FAILED);
  expect_error (&server, "the peer speaks TLS 1.1, expected at least TLS 1.2");
}
END_TEST

int
main (void)
{
  const TTest *const tests[] = { both_speak,
                                 a_wrong_name_is_refused,
                                 server_name_comes_before_the_host,
                                 an_address_is_found_in_the_certificate,
                                 a_wrong_address_is_refused,
                                 an_unknown_authority_is_refused,
                                 the_systems_authorities_do_not_know_ours,
                                 without_verify_anybody_will_do,
                                 a_self_signed_certificate_is_trusted_as_its_own_authority,
                                 a_key_in_the_certificates_file,
                                 a_client_with_a_certificate_is_let_in,
                                 a_client_without_a_certificate_is_refused,
                                 a_client_may_do_without_a_certificate,
                                 a_client_of_another_authority_is_refused,
                                 plain_text_to_a_server,
                                 a_server_is_hung_up_on,
                                 a_server_is_hung_up_on_in_the_handshake,
                                 garbage_in_a_tls_record,
                                 plain_text_to_a_client,
                                 half_a_hello_begins_nothing,
                                 a_hello_in_pieces,
                                 a_peer_that_says_nothing_is_given_up,
                                 a_server_that_says_nothing_is_given_up,
                                 silent_peers_hold_up_nobody,
                                 an_older_version_is_refused_by_the_server,
                                 an_older_version_is_refused_by_the_client,
                                 two_zero_and_three_are_the_versions_that_are_spoken,
                                 versions_before_1_2_are_refused };
  return run_tests ("net-tls", tests, G_N_ELEMENTS (tests));
}
