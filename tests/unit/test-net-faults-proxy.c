/* SPDX-License-Identifier: Apache-2.0 */
/* conf/proxy.json between peers and a server that write before they read, read slowly or never, break off, are killed or are not there.
 * The test is both sides. */
#include "net-faults.h"
#include "net-servers.h"

/* The same with queues of so many bytes. */
#define WIDE(bytes) \
  "{'producers': {'client': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'per_connection': true}}," \
  " 'transforms': {'upstream': {'plugin': 'tcp', 'from': 'client', 'connect': '127.0.0.1:%u'," \
  "                             'queue': {'bytes': '" bytes "', 'records': 1000000}}}," \
  " 'consumers': {'answer': {'plugin': 'reply', 'to': 'client', 'from': 'upstream'," \
  "                          'queue': {'bytes': '" bytes "', 'records': 1000000}}}}"

static int
begin_proxy (void)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  run_proxy (at, "10s");
  return server;
}

static void
end_proxy (int server)
{
  close (server);
  EXPECT_STATUS (0, stop ());
  expect_balance ();
}

/* ---- neither side reads ---- */

/* Each side writes all that it has before it reads any. What lies on the way is held by the proxy; one that stops reading a side
 * while that side does not read would never hold it. */
START_TEST (both_write_all_before_either_reads)
{
  enum { ALL = 64 * MIB };
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (WIDE ("64MiB"), at);
  Way way = open_way (port (0), server);
  while (way.there.sent < ALL || way.back.sent < ALL) {
    gboolean moved = flow_send (&way.there, ALL);
    moved = flow_send (&way.back, ALL) || moved;
    if (!moved) {
      struct pollfd polled[2] = { { way.there.from, way.there.sent < ALL ? POLLOUT : 0, 0 },
                                  { way.back.from, way.back.sent < ALL ? POLLOUT : 0, 0 } };
      ck_assert_msg (poll (polled, 2, PATIENCE) > 0, "nothing moves: %zu and %zu", way.there.sent, way.back.sent);
    }
  }
  if (_i == 1) {
    shutdown (way.there.from, SHUT_WR);
  }
  flow_pump (&way.there, ALL, ALL);
  if (_i == 1) {
    expect_end (way.there.to);
  }
  flow_pump (&way.back, ALL, ALL);
  close_way (&way);
  close (server);
  EXPECT_STATUS (0, stop ());
}
END_TEST

/* Both ways are full as far as they go. Then one of them is read, and all of it comes while the other one still stands. */
START_TEST (one_way_flows_while_the_other_stands)
{
  enum { ALL = 32 * MIB };
  gboolean client_reads = _i % 2 == 0, shut_down = _i / 2 == 1;
  int server = begin_proxy ();
  Way way = open_way (port (0), server);
  flow_fill (&way.there, ALL);
  flow_fill (&way.back, ALL);
  Flow *first = client_reads ? &way.back : &way.there, *second = client_reads ? &way.there : &way.back;
  gsize stood = second->sent;
  flow_pump (first, ALL, ALL);
  if (shut_down) {
    shutdown (first->from, SHUT_WR);
    expect_end (first->to);
  }
  flow_send (second, ALL);
  ck_assert_uint_lt (second->sent - stood, 8 * MIB);
  flow_pump (second, ALL, ALL);
  shutdown (second->from, SHUT_WR);
  expect_end (second->to);
  expect_peak_below (32 * KIB);
  close_way (&way);
  end_proxy (server);
  ck_assert_uint_eq (link_figure ("client:upstream", "dropped") + link_figure ("upstream:answer", "dropped"), 0);
  ck_assert_uint_eq (link_figure ("client:upstream", "bytes_out"), ALL);
  ck_assert_uint_eq (link_figure ("upstream:answer", "bytes_out"), ALL);
}
END_TEST

/* ---- a slow reader ---- */

START_TEST (slow_reader_slows_the_writer_and_gets_all_in_order)
{
  int server = begin_proxy ();
  Way way = open_way (port (0), server);
  flow_pump (&way.there, 256 * MIB, 4 * MIB);
  flow_fill (&way.there, 32 * MIB); /* it is held up long before all 256 are on their way */
  expect_peak_below (32 * KIB);
  gsize all = way.there.sent;
  shutdown (way.there.from, SHUT_WR);
  flow_pump (&way.there, all, all);
  expect_end (way.there.to);
  close_way (&way);
  end_proxy (server);
  ck_assert_uint_eq (link_figure ("client:upstream", "bytes_out"), all);
  ck_assert_uint_eq (link_figure ("client:upstream", "dropped"), 0);
  ck_assert_uint_gt (link_figure ("client:upstream", "pauses"), 0);
}
END_TEST

START_TEST (one_who_never_reads_holds_up_nobody_else)
{
  int server = begin_proxy ();
  Way stuck = open_way (port (0), server), other = open_way (port (0), server);
  flow_fill (&stuck.there, 32 * MIB);
  flow_fill (&stuck.back, 32 * MIB);
  flow_pump (&other.there, 16 * MIB, 16 * MIB);
  flow_pump (&other.back, 16 * MIB, 16 * MIB);
  expect_peak_below (32 * KIB);
  close_way (&other);
  close_way (&stuck);
  end_proxy (server);
}
END_TEST

/* ---- breaking off ---- */

/* One side resets amid what the other one says, who then cannot say more; another way goes on. */
static void
reset_ways (gboolean by_client)
{
  int server = begin_proxy ();
  Way other = open_way (port (0), server);
  try_way (&other);
  Holdings before = holdings ();
  for (guint i = 0; i < 20; i++) {
    Way way = open_way (port (0), server);
    Flow *flow = by_client ? &way.back : &way.there;
    flow_pump (flow, 8 * MIB, 1 * MIB);
    reset (flow->to);
    char bytes[65536] = { 0 };
    while (send (flow->from, bytes, sizeof (bytes), MSG_NOSIGNAL) > 0) {}
    ck_assert (errno == EPIPE || errno == ECONNRESET);
    close (flow->from);
    try_way (&other);
  }
  await_holdings (before);
  if (!by_client) {
    await_said ("weir: warning: upstream (tcp, transform): connection from 127.0.0.1:");
  }
  close_way (&other);
  end_proxy (server);
}

START_TEST (client_that_resets_amid_the_stream_ends_its_way_alone)
{
  reset_ways (TRUE);
}
END_TEST

START_TEST (server_that_resets_amid_the_stream_ends_its_way_alone)
{
  reset_ways (FALSE);
}
END_TEST

/* The server is a process of its own, which reads a byte and answers it. */
START_TEST (killed_server_ends_its_clients)
{
  guint16 at = 0;
  int server = serve (&at, 8);
  pid_t child = fork ();
  if (child == 0) {
    for (;;) {
      char byte;
      int fd = accept (server, NULL, NULL);
      ck_assert_int_eq (recv (fd, &byte, 1, 0), 1);
      ck_assert_int_eq (send (fd, &byte, 1, 0), 1);
    }
  }
  close (server);
  run_proxy (at, "10s");
  int clients[4];
  for (guint i = 0; i < 4; i++) {
    clients[i] = connect_to (port (0));
    say (clients[i], "!");
    expect_heard (clients[i], "!");
    Flow flow = { clients[i], -1, 0, 0 };
    if (i % 2 == 0) {
      flow_fill (&flow, 32 * MIB);
    }
  }
  kill (child, SIGKILL);
  ck_assert_int_eq (waitpid (child, NULL, 0), child);
  for (guint i = 0; i < 4; i++) {
    expect_end (clients[i]);
    close (clients[i]);
  }
  int late = connect_to (port (0));
  expect_end (late);
  close (late);
  g_autofree char *wanted = g_strdup_printf (": cannot connect to 127.0.0.1:%u: Connection refused\n", at);
  await_said (wanted);
  EXPECT_STATUS (0, stop ());
  expect_balance ();
}
END_TEST

/* ---- no server ---- */

START_TEST (refused_connection_ends_its_client_alone)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  run_proxy (at, "10s");
  Way way = open_way (port (0), server);
  try_way (&way);
  Holdings before = holdings ();
  close (server);
  for (guint i = 0; i < 30; i++) {
    int client = connect_to (port (0));
    (void) send (client, "hello\n", 6, MSG_NOSIGNAL);
    expect_end (client);
    close (client);
  }
  g_autofree char *wanted = g_strdup_printf (": cannot connect to 127.0.0.1:%u: Connection refused\n", at);
  await_said ("weir: warning: upstream (tcp, transform): connection from 127.0.0.1:");
  await_said (wanted);
  await_holdings (before);
  try_way (&way);
  close_way (&way);
  EXPECT_STATUS (0, stop ());
  expect_balance ();
}
END_TEST

START_TEST (name_that_does_not_resolve_ends_its_client_alone)
{
  g_setenv ("UPSTREAM", "nowhere.invalid:80", TRUE);
  run_conf ("proxy", "10s");
  for (guint i = 0; i < 3; i++) {
    int client = connect_to (port (0));
    expect_end (client);
    close (client);
  }
  await_said (": cannot look up nowhere.invalid: ");
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (server_that_does_not_answer_in_time_ends_its_client)
{
  guint16 at = 0;
  int filling[3], peers[8], server = full_server (&at, filling);
  set_option ("upstream.connect_timeout=500ms");
  run_proxy (at, "100s");
  for (guint i = 0; i < 8; i++) {
    peers[i] = connect_to (port (0));
    say (peers[i], "hello");
  }
  for (guint i = 0; i < 8; i++) {
    expect_end (peers[i]);
    close (peers[i]);
  }
  g_autofree char *wanted = g_strdup_printf (": cannot connect to 127.0.0.1:%u: no answer within 0.5 s\n", at);
  await_said (wanted);
  EXPECT_STATUS (0, stop ());
  expect_balance ();
  for (guint i = 0; i < 3; i++) {
    close (filling[i]);
  }
  close (server);
}
END_TEST

int
main (void)
{
  const Case cases[] = { slow_reader_slows_the_writer_and_gets_all_in_order,
                         one_who_never_reads_holds_up_nobody_else,
                         client_that_resets_amid_the_stream_ends_its_way_alone,
                         server_that_resets_amid_the_stream_ends_its_way_alone,
                         killed_server_ends_its_clients,
                         refused_connection_ends_its_client_alone,
                         name_that_does_not_resolve_ends_its_client_alone,
                         server_that_does_not_answer_in_time_ends_its_client };
  const Looped loops[] = { { both_write_all_before_either_reads, 2 }, { one_way_flows_while_the_other_stands, 4 } };
  return run_cases ("net-faults-proxy", cases, G_N_ELEMENTS (cases), loops, G_N_ELEMENTS (loops));
}
