/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy that a pipeline per connection makes of plugins/tcp.c, in the real program. The test is its clients, and the server behind it. */
#include "net-bed.h"

#define PROXY(options) \
  "{'producers': {'client': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'per_connection': true}}," \
  " 'transforms': {'server': {'plugin': 'tcp', 'from': 'client', 'connect': '127.0.0.1:%u'" options "}}," \
  " 'consumers': {'back': {'plugin': 'reply', 'to': 'client', 'from': 'server'}}}"

START_TEST (proxy_passes_both_ways)
{
  guint16 at = 0;
  int server = serve (&at, 8);
  RUNF (PROXY (""), at);
  int client = connect_to (port (0)), fd = take_one (server);
  say (client, "ask");
  expect_heard (fd, "ask");
  say (fd, "answer");
  expect_heard (client, "answer");
  shutdown (client, SHUT_WR); /* half-close passes, and the answer comes all the same */
  expect_end (fd);
  say (fd, "late");
  expect_heard (client, "late");
  close (fd);
  expect_end (client);
  close (client);
  EXPECT_STATUS (0, stop ());
  close (server);
}
END_TEST

START_TEST (servers_half_close_passes)
{
  guint16 at = 0;
  int server = serve (&at, 8);
  RUNF (PROXY (""), at);
  int client = connect_to (port (0)), fd = take_one (server);
  say (fd, "greeting");
  shutdown (fd, SHUT_WR);
  GString *all = hear_all (client);
  ck_assert_str_eq (all->str, "greeting");
  g_string_free (all, TRUE);
  say (client, "still talking");
  expect_heard (fd, "still talking");
  close (client);
  expect_end (fd);
  close (fd);
  EXPECT_STATUS (0, stop ());
  close (server);
}
END_TEST

/* Both sides write all of it before either reads; with coupled halves nothing would move. */
static void
both_write_first (gboolean half_close)
{
  enum { MIB = 64 };
  guint16 at = 0;
  int server = serve (&at, 8);
  RUNF (PROXY (""), at);
  int client = connect_to (port (0)), fd = take_one (server);
  g_autofree char *bytes = g_malloc0 (1024 * 1024);
  gsize sent[2] = { 0 }, heard[2] = { 0 };
  int ends[2] = { client, fd };
  /* As far as the buffers on the way take it, and then reading beside it: nobody waits for the other. */
  for (guint i = 0; i < 2; i++) {
    fcntl (ends[i], F_SETFL, fcntl (ends[i], F_GETFL) | O_NONBLOCK);
  }
  gboolean reading = FALSE;
  gint64 moved = g_get_monotonic_time ();
  while (heard[0] < MIB * 1024 * 1024 || heard[1] < MIB * 1024 * 1024) {
    struct pollfd polled[2];
    for (guint i = 0; i < 2; i++) {
      gboolean more = sent[i] < MIB * 1024 * 1024;
      polled[i] = (struct pollfd){ ends[i], (short) ((more ? POLLOUT : 0) | (reading ? POLLIN : 0)), 0 };
    }
    int ready = poll (polled, 2, reading ? PATIENCE : 200);
    ck_assert_msg (ready > 0 || !reading, "nothing moves: sent %zu and %zu, heard %zu and %zu", sent[0], sent[1],
                   heard[0], heard[1]);
    reading = reading || ready == 0 || (sent[0] == MIB * 1024 * 1024 && sent[1] == MIB * 1024 * 1024);
    for (guint i = 0; i < 2 && ready > 0; i++) {
      gsize left = MIB * 1024 * 1024 - sent[i];
      if ((polled[i].revents & POLLOUT) != 0 && left > 0) {
        ssize_t count = send (ends[i], bytes, MIN (left, 1024 * 1024), MSG_NOSIGNAL);
        sent[i] += count > 0 ? (gsize) count : 0;
        if (half_close && sent[i] == MIB * 1024 * 1024) {
          shutdown (ends[i], SHUT_WR);
        }
      }
      if (reading && (polled[i].revents & POLLIN) != 0) {
        ssize_t count = recv (ends[i], bytes, 1024 * 1024, 0);
        heard[i] += count > 0 ? (gsize) count : 0;
        ck_assert_msg (count > 0 || heard[i] == MIB * 1024 * 1024, "ended after %zu", heard[i]);
      }
    }
    ck_assert_int_lt (g_get_monotonic_time () - moved, (gint64) 100 * G_USEC_PER_SEC);
  }
  close (client);
  close (fd);
  EXPECT_STATUS (0, stop ());
  close (server);
}

START_TEST (proxy_when_both_sides_write_first)
{
  both_write_first (FALSE);
}
END_TEST

START_TEST (proxy_when_both_sides_write_first_and_shut_down)
{
  both_write_first (TRUE);
}
END_TEST

START_TEST (proxy_to_a_server_that_is_not_there)
{
  guint16 at = 0;
  int server = serve (&at, 8);
  close (server);
  RUNF (PROXY (""), at);
  int client = connect_to (port (0));
  expect_end (client);
  g_autofree char *wanted = g_strdup_printf (": cannot connect to 127.0.0.1:%u: Connection refused\n", at);
  await_said (wanted);
  server = serve (&at, 8);
  int again = connect_to (port (0)), fd = take_one (server);
  say (again, "hello");
  expect_heard (fd, "hello");
  close (client);
  close (again);
  close (fd);
  EXPECT_STATUS (0, stop ());
  close (server);
}
END_TEST

START_TEST (server_that_resets_costs_its_client_alone)
{
  guint16 at = 0;
  int server = serve (&at, 8);
  RUNF (PROXY (""), at);
  int one = connect_to (port (0)), to_one = take_one (server);
  int two = connect_to (port (0)), to_two = take_one (server);
  say (to_one, "hello");
  expect_heard (one, "hello");
  reset (to_one);
  expect_end (one);
  say (to_two, "hello");
  expect_heard (two, "hello");
  close (one);
  close (two);
  close (to_two);
  EXPECT_STATUS (0, stop ());
  close (server);
}
END_TEST

START_TEST (thousand_connects_through_the_proxy_leave_no_descriptor)
{
  guint16 at = 0;
  int server = serve (&at, 128);
  RUNF (PROXY (""), at);
  guint16 proxy = port (0);
  int client = connect_to (proxy), fd = take_one (server);
  say (client, "hello");
  expect_heard (fd, "hello");
  guint before = open_descriptors ();
  for (guint i = 0; i < 1000; i++) {
    int one = connect_to (proxy), other = take_one (server);
    close (i % 2 == 0 ? one : other);
    close (i % 2 == 0 ? other : one);
  }
  await_descriptors (before);
  close (client);
  close (fd);
  EXPECT_STATUS (0, stop ());
  close (server);
}
END_TEST

int
main (void)
{
  const Case cases[] = { proxy_passes_both_ways,
                         servers_half_close_passes,
                         proxy_when_both_sides_write_first,
                         proxy_when_both_sides_write_first_and_shut_down,
                         proxy_to_a_server_that_is_not_there,
                         server_that_resets_costs_its_client_alone,
                         thousand_connects_through_the_proxy_leave_no_descriptor };
  return run_cases ("net-proxy", cases, G_N_ELEMENTS (cases), NULL, 0);
}
