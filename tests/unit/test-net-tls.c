/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/net/tls.c: who is let in and what that is called, bytes both ways, half-close, truncation, and that nothing waits where it
 * should not. */
#include "tls-bed.h"

#include <netinet/in.h>

/* ---- bytes ---- */

static NetResult
end_read (End *end, gpointer buffer, gsize size, gsize *got)
{
  end->wait = 0;
  g_clear_error (&end->error);
  return net_tls_read (end->tls, buffer, size, got, &end->wait, &end->error);
}

static NetResult
end_write (End *end, gconstpointer bytes, gsize size, gsize *taken)
{
  end->wait = 0;
  g_clear_error (&end->error);
  return net_tls_write (end->tls, bytes, size, taken, &end->wait, &end->error);
}

static NetResult
end_shutdown (End *end)
{
  end->wait = 0;
  g_clear_error (&end->error);
  return net_tls_shutdown (end->tls, &end->wait, &end->error);
}

static void
send_text (End *end, const char *text)
{
  gsize taken = 0;
  NetResult result;
  while ((result = end_write (end, text, strlen (text), &taken)) == NET_AGAIN) {
    await_ends ();
  }
  ck_assert_msg (result == NET_OK, "%s", end->error != NULL ? end->error->message : "?");
  ck_assert_uint_eq (taken, strlen (text));
}

static NetResult
receive_until (End *end, GString *text, gsize size)
{
  NetResult result = NET_OK;
  while (text->len < size && result == NET_OK) {
    char bytes[100];
    gsize got = 0;
    while ((result = end_read (end, bytes, sizeof bytes, &got)) == NET_AGAIN) {
      await_ends ();
    }
    g_string_append_len (text, bytes, result == NET_OK ? (gssize) got : 0);
  }
  return result;
}

static void
expect_text (End *end, const char *wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);
  NetResult result = receive_until (end, text, strlen (wanted));
  ck_assert_msg (result == NET_OK, "%s", end->error != NULL ? end->error->message : "end");
  ck_assert_str_eq (text->str, wanted);
}

static void
expect_end (End *end, NetResult wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);
  NetResult result = receive_until (end, text, G_MAXSIZE);
  ck_assert_msg (result == wanted, "%d, %s", result, end->error != NULL ? end->error->message : "no error");
  ck_assert_str_eq (text->str, "");
}

static void
shut (End *end)
{
  NetResult result;
  while ((result = end_shutdown (end)) == NET_AGAIN) {
    await_ends ();
  }
  ck_assert_int_eq (result, NET_OK);
}

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

/* A record is larger than what one read takes: the rest is read though the socket has nothing more. */
START_TEST (the_rest_of_a_record_is_not_forgotten)
{
  g_autofree char *text = g_strnfill (16000, 'a');
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  send_text (&client, text);
  expect_text (&server, text);
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

/* ---- closing ---- */

START_TEST (half_close)
{
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  send_text (&client, "all");
  shut (&client);
  expect_text (&server, "all");
  expect_end (&server, NET_END);
  send_text (&server, "still");
  expect_text (&client, "still");
  shut (&server);
  expect_end (&client, NET_END);
  expect_end (&server, NET_END);
}
END_TEST

START_TEST (a_stream_of_nothing_ends_well)
{
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  shut (&server);
  shut (&client);
  expect_end (&server, NET_END);
  expect_end (&client, NET_END);
}
END_TEST

START_TEST (who_has_only_read_parts_in_peace)
{
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  net_tls_free (g_steal_pointer (&client.tls));
  close (client.fd);
  client.fd = -1;
  expect_end (&server, NET_END);
}
END_TEST

START_TEST (a_peer_that_is_cut_off_has_failed)
{
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  send_text (&client, "some");
  net_tls_free (g_steal_pointer (&client.tls));
  close (client.fd);
  client.fd = -1;
  expect_text (&server, "some");
  expect_end (&server, NET_FAILED);
  expect_error (&server, "the peer closed the connection without saying so by TLS: what it sent is cut off");
  expect_end (&server, NET_FAILED);
}
END_TEST

START_TEST (without_close_notify_it_has_ended)
{
  server.options.close_notify = FALSE;
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  send_text (&client, "some");
  net_tls_free (g_steal_pointer (&client.tls));
  close (client.fd);
  client.fd = -1;
  expect_text (&server, "some");
  expect_end (&server, NET_END);
  expect_end (&server, NET_END);
}
END_TEST

START_TEST (a_close_notify_waits_for_room)
{
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  g_autofree guint8 *bytes = g_malloc0 (1 << 20);
  gsize taken = 0, sent = 0;
  while (end_write (&client, bytes, 1 << 20, &taken) == NET_OK) {
    sent += taken;
  }
  ck_assert_int_eq (client.wait, G_IO_OUT);
  ck_assert_int_eq (end_shutdown (&client), NET_AGAIN);
  ck_assert_int_eq (client.wait, G_IO_OUT);
  NetResult result = NET_OK;
  gsize received = 0, got = 0;
  gboolean down = FALSE;
  while (result != NET_END) {
    down = down || end_shutdown (&client) == NET_OK;
    result = end_read (&server, bytes, 1 << 20, &got);
    received += result == NET_OK ? got : 0;
    ck_assert_int_ne (result, NET_FAILED);
  }
  ck_assert (down);
  ck_assert_uint_eq (received, sent);
}
END_TEST

START_TEST (given_up_in_the_handshake)
{
  /* At each step of it: after none, one, two ... looks of both ends. */
  for (guint steps = 0; steps < 12; steps++) {
    open_ends ("good.example");
    for (guint i = 0; i < steps; i++) {
      end_handshake (&server);
      end_handshake (&client);
      g_main_context_iteration (context, FALSE);
    }
    end_close (&client);
    end_close (&server);
  }
}
END_TEST

/* ---- much ---- */

enum { MUCH = 64 << 20, PIECE = 100000 };

static void
fill (guint8 *bytes, guint64 offset, guint seed)
{
  for (gsize i = 0; i < PIECE; i++) {
    guint64 at = offset + i;
    bytes[i] = (guint8) (at * 31 + (at >> 8) * 7 + (at >> 16) + seed);
  }
}

typedef struct {
  End *from, *to;
  guint seed;
  guint64 sent, received;
  guint8 piece[PIECE], expected[PIECE];
  gboolean over;
} Flow;

/* FALSE: nothing can be done now. */
static gboolean
flow_send (Flow *flow)
{
  gsize taken = 0;
  if (flow->sent == MUCH) {
    return FALSE;
  }
  gsize offset = flow->sent % PIECE;
  if (offset == 0) {
    fill (flow->piece, flow->sent, flow->seed);
  }
  NetResult result = end_write (flow->from, flow->piece + offset, MIN (PIECE - offset, MUCH - flow->sent), &taken);
  flow->sent += taken;
  ck_assert_int_ne (result, NET_FAILED);
  return result == NET_OK;
}

static gboolean
flow_receive (Flow *flow)
{
  guint8 bytes[40000];
  gsize got = 0;
  gsize offset = flow->received % PIECE;
  if (flow->over) {
    return FALSE;
  }
  if (offset == 0) {
    fill (flow->expected, flow->received, flow->seed);
  }
  NetResult result = end_read (flow->to, bytes, MIN (sizeof bytes, PIECE - offset), &got);
  if (result == NET_OK) {
    ck_assert (memcmp (bytes, flow->expected + offset, got) == 0);
    flow->received += got;
  }
  ck_assert_int_ne (result, NET_FAILED);
  flow->over = result == NET_END;
  return result == NET_OK;
}

START_TEST (much_both_ways_is_exact)
{
  Flow *flows = g_new0 (Flow, 2);
  flows[0].from = flows[1].to = &client;
  flows[0].to = flows[1].from = &server;
  flows[1].seed = 77;
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  gboolean down[2] = { FALSE, FALSE };
  while (!flows[0].over || !flows[1].over) {
    gboolean busy = FALSE;
    GIOCondition waits[2] = { 0, 0 };
    for (guint i = 0; i < 2; i++) {
      busy = flow_send (&flows[i]) || busy;
      waits[i] |= flows[i].sent < MUCH ? G_IO_OUT : 0;
      busy = flow_receive (&flows[i]) || busy;
      if (flows[i].sent == MUCH && !down[i]) {
        down[i] = end_shutdown (flows[i].from) == NET_OK;
      }
    }
    if (!busy && (!flows[0].over || !flows[1].over)) {
      client.wait = waits[0] | G_IO_IN;
      server.wait = waits[1] | G_IO_IN;
      await_ends ();
    }
  }
  ck_assert_uint_eq (flows[0].received, MUCH);
  ck_assert_uint_eq (flows[1].received, MUCH);
  g_free (flows);
}
END_TEST

/* What a full socket did not take goes out as it is, though other bytes follow than were to. */
START_TEST (what_was_taken_is_sent)
{
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  gsize taken = 0, sent = 0, received = 0, got = 0;
  GIOCondition wait = 0;
  char old[10000], new[10000], bytes[10000];
  memset (old, 'o', sizeof old);
  memset (new, 'n', sizeof new);
  while (end_write (&client, old, sizeof old, &taken) == NET_OK) {
    sent += taken;
  }
  ck_assert_int_eq (net_tls_flush (client.tls, &wait, NULL), NET_AGAIN);
  ck_assert_int_eq (wait, G_IO_OUT);
  while (end_write (&client, new, 100, &taken) != NET_OK) {
    ck_assert_int_eq (end_read (&server, bytes, sizeof bytes, &got), NET_OK);
    received += got;
    ck_assert (bytes[0] == 'o' && memcmp (bytes, bytes + 1, got - 1) == 0);
  }
  ck_assert_uint_eq (taken, 100);
  while (received < sent) {
    ck_assert_int_eq (end_read (&server, bytes, MIN (sizeof bytes, sent - received), &got), NET_OK);
    received += got;
    ck_assert (bytes[0] == 'o' && memcmp (bytes, bytes + 1, got - 1) == 0);
  }
  ck_assert_int_eq (net_tls_flush (client.tls, &wait, NULL), NET_OK);
  new[100] = '\0';
  expect_text (&server, new);
}
END_TEST

START_TEST (a_slow_reader_stops_the_sender)
{
  open_ends ("good.example");
  shake_hands (NET_OK, NET_OK);
  g_autofree guint8 *bytes = g_malloc0 (1 << 20);
  gsize taken = 0, sent = 0;
  int room = 0;
  socklen_t size = sizeof room;
  ck_assert_int_eq (getsockopt (client.fd, SOL_SOCKET, SO_SNDBUF, &room, &size), 0);
  while (end_write (&client, bytes, 1 << 20, &taken) == NET_OK) {
    sent += taken;
    ck_assert_uint_lt (sent, (gsize) room * 2);
  }
  ck_assert_int_eq (client.wait, G_IO_OUT);
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
                                 the_rest_of_a_record_is_not_forgotten,
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
                                 half_close,
                                 a_stream_of_nothing_ends_well,
                                 who_has_only_read_parts_in_peace,
                                 a_peer_that_is_cut_off_has_failed,
                                 without_close_notify_it_has_ended,
                                 a_close_notify_waits_for_room,
                                 given_up_in_the_handshake,
                                 much_both_ways_is_exact,
                                 what_was_taken_is_sent,
                                 a_slow_reader_stops_the_sender,
                                 an_older_version_is_refused_by_the_server,
                                 an_older_version_is_refused_by_the_client,
                                 two_zero_and_three_are_the_versions_that_are_spoken,
                                 versions_before_1_2_are_refused };
  return run_tests ("net-tls", tests, G_N_ELEMENTS (tests));
}
