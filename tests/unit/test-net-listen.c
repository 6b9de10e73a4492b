/* SPDX-License-Identifier: Apache-2.0 */
/* The producer of plugins/tcp.c with `listen`, in the real program: what comes from whom, who is let in, and what listening cannot do.
 * The test is the peers. */
#include "net-bed.h"

/* Each line with its peer, into the file out. */
#define LINES(options) \
  "{'producers': {'in': {'plugin': 'tcp', " options "}}," \
  " 'transforms': {'lines': {'plugin': 'lines', 'from': 'in'}," \
  "                'say': {'plugin': 'format', 'from': 'lines', 'text': '{peer} {}'}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'say'}}}"

/* The lines alone. */
#define PLAIN(options) \
  "{'producers': {'in': {'plugin': 'tcp', " options "}}," \
  " 'transforms': {'lines': {'plugin': 'lines', 'from': 'in'}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'lines'}}}"

/* ---- who says what ---- */

START_TEST (records_are_tagged_with_their_peer)
{
  run (LINES ("'listen': '127.0.0.1:0'"));
  int fd = connect_to (port (0));
  say (fd, "hello\n");
  g_autofree char *wanted = g_strdup_printf ("127.0.0.1:%u hello\n", own_port (fd));
  await_contents ("out", wanted);
  close (fd);
  EXPECT_STATUS (0, stop ());
  expect_said ("in: connections 1\n");
}
END_TEST

START_TEST (ipv6_peer)
{
  run (LINES ("'listen': '[::1]:0'"));
  int fd = connect_to_6 (port (0));
  say (fd, "hello\n");
  g_autofree char *wanted = g_strdup_printf ("[::1]:%u hello\n", own_port (fd));
  await_contents ("out", wanted);
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (wildcard_is_one_socket_for_ipv4_and_ipv6)
{
  run (LINES ("'listen': '*:0'"));
  guint16 at = port (0);
  int four = connect_to (at), six = connect_to_6 (at);
  say (four, "four\n");
  g_autofree char *first = g_strdup_printf ("127.0.0.1:%u four\n", own_port (four));
  await_contents ("out", first);
  say (six, "six\n");
  g_autofree char *both = g_strdup_printf ("%s[::1]:%u six\n", first, own_port (six));
  await_contents ("out", both);
  close (four);
  close (six);
  EXPECT_STATUS (0, stop ());
  ck_assert_ptr_null (strstr (strstr (bed.said->str, "listening on ") + 1, "listening on "));
}
END_TEST

START_TEST (ipv6_wildcard_takes_ipv4_too)
{
  run (PLAIN ("'listen': '[::]:0'"));
  int fd = connect_to (port (0));
  say (fd, "hello\n");
  await_contents ("out", "hello\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (list_of_addresses)
{
  run (PLAIN ("'listen': ['127.0.0.1:0', '[::1]:0']"));
  int first = connect_to (port (0)), second = connect_to_6 (port (1));
  say (second, "second\n");
  await_contents ("out", "second\n");
  say (first, "first\n");
  await_contents ("out", "second\nfirst\n");
  close (first);
  close (second);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (name_that_is_looked_up)
{
  run (PLAIN ("'listen': 'localhost:0'"));
  g_autofree char *address = listens_at (0);
  int fd = g_str_has_prefix (address, "[::1]:") ? connect_to_6 (port (0)) : connect_to (port (0));
  say (fd, "hello\n");
  await_contents ("out", "hello\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (last_line_without_a_newline_comes_with_the_peers_end)
{
  run (PLAIN ("'listen': '127.0.0.1:0'"));
  int fd = connect_to (port (0));
  say (fd, "first\nlast");
  await_contents ("out", "first\n");
  close (fd);
  await_contents ("out", "first\nlast");
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (half_lines_of_a_hundred_peers_in_turn_are_not_mixed)
{
  enum { PEERS = 100, LINES = 10 };
  int peers[PEERS];
  run (PLAIN ("'listen': '127.0.0.1:0', 'chunk': 7"));
  guint16 at = port (0);
  for (guint i = 0; i < PEERS; i++) {
    peers[i] = connect_to (at);
  }
  for (guint line = 0; line < LINES; line++) {
    for (guint half = 0; half < 2; half++) {
      for (guint i = 0; i < PEERS; i++) {
        g_autofree char *text = g_strdup_printf (half == 0 ? "peer %u says" : " line number %u\n",
                                                 half == 0 ? i : line);
        say (peers[i], text);
      }
    }
  }
  for (guint i = 0; i < PEERS; i++) {
    close (peers[i]);
  }
  await_lines ("out", PEERS * LINES);
  EXPECT_STATUS (0, stop ());
  g_autofree char *text = contents ("out");
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint next[PEERS] = { 0 };
  ck_assert_uint_eq (g_strv_length (lines), PEERS * LINES + 1);
  for (guint i = 0; i < PEERS * LINES; i++) {
    guint peer, line;
    ck_assert_msg (sscanf (lines[i], "peer %u says line number %u", &peer, &line) == 2, "%s", lines[i]);
    ck_assert_uint_eq (line, next[peer]++);
  }
}
END_TEST

START_TEST (chunk_is_the_most_that_is_read_at_a_time)
{
  run ("{'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'chunk': 3}},"
       " 'transforms': {'say': {'plugin': 'format', 'from': 'in', 'text': '<{}>'}},"
       " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'say', 'delimiter': ''}}}");
  int fd = connect_to (port (0));
  say (fd, "abcdefgh");
  await_contents ("out", "<abc><def><gh>");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

/* ---- who comes and goes ---- */

START_TEST (reset_of_a_peer_is_counted_and_fails_nothing)
{
  run (PLAIN ("'listen': '127.0.0.1:0'"));
  int one = connect_to (port (0)), two = connect_to (port (0));
  say (one, "one\n");
  await_contents ("out", "one\n");
  reset (one);
  await_said (": Connection reset by peer\n");
  say (two, "two\n");
  await_contents ("out", "one\ntwo\n");
  close (two);
  EXPECT_STATUS (0, stop ());
  expect_said ("in: connections 2, resets 1\n");
}
END_TEST

START_TEST (beyond_max_peers_wait)
{
  run (PLAIN ("'listen': '127.0.0.1:0', 'max': 1"));
  int one = connect_to (port (0)), two = connect_to (port (0));
  say (two, "two\n");
  say (one, "one\n");
  await_contents ("out", "one\n");
  close (one);
  await_contents ("out", "one\ntwo\n");
  close (two);
  EXPECT_STATUS (0, stop ());
  expect_said ("in: connections 2\n");
}
END_TEST

START_TEST (beyond_max_peers_are_refused)
{
  run (PLAIN ("'listen': '127.0.0.1:0', 'max': 1, 'when_max': 'refuse'"));
  int one = connect_to (port (0));
  say (one, "one\n");
  await_contents ("out", "one\n");
  int two = connect_to (port (0));
  expect_end (two);
  await_said (": there are 1 connections already\n");
  close (one);
  for (gboolean in = FALSE; !in;) {
    /* The first one may still be there. */
    int three = connect_to (port (0));
    char byte;
    send (three, "three\n", 6, MSG_NOSIGNAL);
    shutdown (three, SHUT_WR);
    (void) recv (three, &byte, 1, 0);
    close (three);
    g_autofree char *text = contents ("out");
    in = strstr (text, "three") != NULL;
  }
  close (two);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (thousand_connects_and_closes_leave_no_descriptor)
{
  run (PLAIN ("'listen': '127.0.0.1:0'"));
  guint16 at = port (0);
  g_autofree char *folder = g_strdup_printf ("/proc/%d/fd", (int) bed.pid);
  guint before = 0, after = G_MAXUINT;
  for (guint i = 0; i < 1000; i++) {
    close (connect_to (at));
  }
  int fd = connect_to (at);
  say (fd, "here\n");
  await_contents ("out", "here\n");
  close (fd);
  for (guint tries = 0; tries < PATIENCE && (before == 0 || after > before); tries++) {
    GDir *dir = g_dir_open (folder, 0, NULL);
    for (after = 0; g_dir_read_name (dir) != NULL; after++) {}
    g_dir_close (dir);
    before = 40; /* epoll sets, eventfds, the listening socket, files */
    g_usleep (1000);
  }
  ck_assert_uint_lt (after, before);
  EXPECT_STATUS (0, stop ());
  expect_said ("in: connections 1001\n");
}
END_TEST

/* Microseconds of processor time that the program has taken. */
static gint64
time_taken (void)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) bed.pid);
  g_autofree char *text = contents (path);
  const char *behind = strrchr (text, ')');
  ck_assert_ptr_nonnull (behind);
  g_auto (GStrv) fields = g_strsplit (behind + 2, " ", -1);
  gint64 ticks = g_ascii_strtoll (fields[11], NULL, 10) + g_ascii_strtoll (fields[12], NULL, 10);
  return ticks * G_USEC_PER_SEC / sysconf (_SC_CLK_TCK);
}

START_TEST (out_of_descriptors_accept_waits_and_does_not_spin)
{
  enum { PEERS = 60 };
  int peers[PEERS];
  bed.descriptors = 40;
  run (PLAIN ("'listen': '127.0.0.1:0'"));
  guint16 at = port (0);
  for (guint i = 0; i < PEERS; i++) {
    peers[i] = connect_to (at);
  }
  await_said ("cannot accept a connection: Too many open files; waiting until there is room\n");
  gint64 before = time_taken ();
  g_usleep (300 * 1000);
  ck_assert_int_lt (time_taken () - before, 150 * 1000);
  say (peers[PEERS - 1], "last\n");
  for (guint i = 0; i < PEERS - 1; i++) {
    close (peers[i]);
  }
  await_contents ("out", "last\n");
  close (peers[PEERS - 1]);
  EXPECT_STATUS (0, stop ());
  ck_assert_ptr_null (strstr (strstr (bed.said->str, "cannot accept") + 1, "cannot accept"));
}
END_TEST

START_TEST (idle_peer_is_closed_and_a_busy_one_is_not)
{
  run (PLAIN ("'listen': '127.0.0.1:0', 'idle_timeout': '400ms'"));
  int idle = connect_to (port (0)), busy = connect_to (port (0));
  struct pollfd polled = { idle, POLLIN, 0 };
  for (guint i = 0; poll (&polled, 1, 20) == 0; i++) {
    ck_assert_uint_lt (i, 1000);
    say (busy, "still\n");
  }
  expect_end (idle);
  say (busy, "here\n");
  shutdown (busy, SHUT_WR);
  expect_end (busy);
  close (idle);
  close (busy);
  EXPECT_STATUS (0, stop ());
  expect_said ("nothing came from it for 0.4 s\n");
  expect_said ("in: connections 2, idle 1\n");
}
END_TEST

/* ---- backpressure ---- */

START_TEST (paused_stage_reads_nobody)
{
  run ("{'engine': {'shutdown': '10ms'},"
       " 'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'receive_buffer': '64KiB'}},"
       " 'transforms': {'slow': {'plugin': 'throttle', 'from': 'in', 'bytes_per_second': '1KiB',"
       "                         'queue': {'bytes': '64KiB'}}},"
       " 'consumers': {'out': {'plugin': 'null', 'from': 'slow'}}}");
  int fd = connect_to (port (0));
  int most = 65536;
  setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof (most));
  g_autofree char *bytes = g_malloc0 (65536);
  gsize sent = 0;
  struct pollfd polled = { fd, POLLOUT, 0 };
  while (poll (&polled, 1, 500) == 1) {
    ssize_t count = send (fd, bytes, 65536, MSG_NOSIGNAL | MSG_DONTWAIT);
    sent += count > 0 ? (gsize) count : 0;
    ck_assert_uint_lt (sent, 16 * 1024 * 1024);
  }
  close (fd);
  EXPECT_STATUS (3, stop ());
}
END_TEST

START_TEST (stop_while_a_peer_sends_without_end)
{
  run ("{'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0'}},"
       " 'consumers': {'out': {'plugin': 'null', 'from': 'in'}}}");
  int fd = connect_to (port (0));
  g_autofree char *bytes = g_malloc0 (65536);
  for (guint i = 0; i < 100; i++) {
    ck_assert_int_gt (send (fd, bytes, 65536, MSG_NOSIGNAL), 0);
  }
  kill (bed.pid, SIGTERM);
  while (send (fd, bytes, 65536, MSG_NOSIGNAL) > 0) {}
  EXPECT_STATUS (0, finish ());
  close (fd);
}
END_TEST

int
main (void)
{
  const Case cases[] = { records_are_tagged_with_their_peer,
                         ipv6_peer,
                         wildcard_is_one_socket_for_ipv4_and_ipv6,
                         ipv6_wildcard_takes_ipv4_too,
                         list_of_addresses,
                         name_that_is_looked_up,
                         last_line_without_a_newline_comes_with_the_peers_end,
                         half_lines_of_a_hundred_peers_in_turn_are_not_mixed,
                         chunk_is_the_most_that_is_read_at_a_time,
                         reset_of_a_peer_is_counted_and_fails_nothing,
                         beyond_max_peers_wait,
                         beyond_max_peers_are_refused,
                         thousand_connects_and_closes_leave_no_descriptor,
                         out_of_descriptors_accept_waits_and_does_not_spin,
                         idle_peer_is_closed_and_a_busy_one_is_not,
                         paused_stage_reads_nobody,
                         stop_while_a_peer_sends_without_end };
  return run_cases ("net-listen", cases, G_N_ELEMENTS (cases), NULL, 0);
}
