/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/net/tls-open.c: bytes both ways, half-close, truncation, and that nothing is held but a record. */
#include "tls-bed.h"

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

int
main (void)
{
  const TTest *const tests[] = { the_rest_of_a_record_is_not_forgotten,
                                 half_close,
                                 a_stream_of_nothing_ends_well,
                                 who_has_only_read_parts_in_peace,
                                 a_peer_that_is_cut_off_has_failed,
                                 without_close_notify_it_has_ended,
                                 a_close_notify_waits_for_room,
                                 given_up_in_the_handshake,
                                 much_both_ways_is_exact,
                                 what_was_taken_is_sent,
                                 a_slow_reader_stops_the_sender };
  return run_tests ("net-tls-open", tests, G_N_ELEMENTS (tests));
}
