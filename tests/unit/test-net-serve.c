/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline per connection on the sockets of plugins/tcp.c, in the real program: an echo, a proxy, a server of numbers, and all that
 * peers do to them. The test is the peers, and the server behind the proxy. */
#include "net-bed.h"

#define ECHO(options) \
  "{'engine': {'shutdown': '100ms'}," \
  " 'producers': {'client': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'per_connection': true" options "}}," \
  " 'consumers': {'answer': {'plugin': 'reply', 'to': 'client', 'from': 'client'}}}"

#define PROXY(options) \
  "{'producers': {'client': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'per_connection': true}}," \
  " 'transforms': {'server': {'plugin': 'tcp', 'from': 'client', 'connect': '127.0.0.1:%u'" options "}}," \
  " 'consumers': {'back': {'plugin': 'reply', 'to': 'client', 'from': 'server'}}}"

/* A line N is answered by N numbers. */
#define NUMBERS \
  "{'engine': {'shutdown': '100ms'}," \
  " 'producers': {'client': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'per_connection': true}}," \
  " 'transforms': {'ask': {'plugin': 'lines', 'from': 'client'}," \
  "                'numbers': {'plugin': 'random', 'from': 'ask'}," \
  "                'sorry': {'plugin': 'format', 'from': 'numbers.rejected', 'text': 'no: {reason}'}}," \
  " 'consumers': {'answer': {'plugin': 'reply', 'to': 'client', 'from': ['numbers', 'sorry']}}}"

static guint
open_descriptors (void)
{
  g_autofree char *folder = g_strdup_printf ("/proc/%d/fd", (int) bed.pid);
  GDir *dir = g_dir_open (folder, 0, NULL);
  guint count = 0;
  while (g_dir_read_name (dir) != NULL) {
    count++;
  }
  g_dir_close (dir);
  return count;
}

static void
await_descriptors (guint wanted)
{
  for (guint i = 0; i < PATIENCE; i++) {
    if (open_descriptors () <= wanted) {
      return;
    }
    g_usleep (1000);
  }
  ck_abort_msg ("%u descriptors are open, expected %u", open_descriptors (), wanted);
}

/* ---- echo ---- */

START_TEST (echo)
{
  run (ECHO (""));
  int one = connect_to (port (0)), two = connect_to (port (0));
  say (one, "one");
  say (two, "two");
  expect_heard (two, "two");
  expect_heard (one, "one");
  say (one, " more");
  expect_heard (one, " more");
  shutdown (one, SHUT_WR);
  expect_end (one);
  say (two, "!");
  expect_heard (two, "!");
  close (one);
  close (two);
  EXPECT_STATUS (0, stop ());
  expect_said ("client: connections 2\n");
}
END_TEST

START_TEST (what_is_echoed_comes_before_the_end)
{
  run (ECHO (""));
  g_autofree char *bytes = g_malloc (1000001);
  for (guint i = 0; i < 1000000; i++) {
    bytes[i] = (char) ('a' + i % 23);
  }
  bytes[1000000] = '\0';
  int fd = connect_to (port (0));
  pid_t writer = fork ();
  if (writer == 0) {
    say (fd, bytes);
    shutdown (fd, SHUT_WR);
    _exit (0);
  }
  GString *all = hear_all (fd);
  ck_assert_uint_eq (all->len, 1000000);
  ck_assert_mem_eq (all->str, bytes, 1000000);
  g_string_free (all, TRUE);
  waitpid (writer, NULL, 0);
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (peer_that_never_reads_is_not_read_for_ever)
{
  run (ECHO (""));
  int fd = connect_to (port (0)), other = connect_to (port (0));
  g_autofree char *bytes = g_malloc0 (65536);
  struct pollfd polled = { fd, POLLOUT, 0 };
  gsize sent = 0;
  while (poll (&polled, 1, 300) == 1) {
    ssize_t count = send (fd, bytes, 65536, MSG_NOSIGNAL | MSG_DONTWAIT);
    sent += count > 0 ? (gsize) count : 0;
    ck_assert_uint_lt (sent, 64 * 1024 * 1024);
  }
  say (other, "hello");
  expect_heard (other, "hello");
  close (fd);
  close (other);
  await_said ("connection from 127.0.0.1:");
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (peer_that_resets_is_its_own_affair)
{
  run (ECHO (""));
  int fd = connect_to (port (0)), other = connect_to (port (0));
  say (fd, "hello");
  expect_heard (fd, "hello");
  struct sockaddr_in own;
  socklen_t size = sizeof (own);
  getsockname (fd, (struct sockaddr *) &own, &size);
  reset (fd);
  g_autofree char *wanted = g_strdup_printf (
    "weir: warning: client (tcp, producer): connection from 127.0.0.1:%u: Connection reset by peer\n",
    ntohs (own.sin_port));
  await_said (wanted);
  say (other, "hello");
  expect_heard (other, "hello");
  close (other);
  EXPECT_STATUS (0, stop ());
  expect_said ("client: connections 2, resets 1\n");
}
END_TEST

START_TEST (thousand_connects_and_closes_leave_no_descriptor)
{
  run (ECHO (""));
  guint16 at = port (0);
  int fd = connect_to (at);
  say (fd, "hello");
  expect_heard (fd, "hello");
  guint before = open_descriptors ();
  for (guint i = 0; i < 1000; i++) {
    close (connect_to (at));
  }
  close (fd);
  fd = connect_to (at);
  say (fd, "hello");
  expect_heard (fd, "hello");
  await_descriptors (before);
  close (fd);
  EXPECT_STATUS (0, stop ());
  expect_said ("client: connections 1002");
}
END_TEST

START_TEST (beyond_max_peers_wait)
{
  run (ECHO (", 'max': 2"));
  guint16 at = port (0);
  int one = connect_to (at), two = connect_to (at), three = connect_to (at);
  say (three, "three");
  say (one, "one");
  expect_heard (one, "one");
  say (two, "two");
  expect_heard (two, "two");
  ck_assert_int_eq (recv (three, &at, 1, MSG_DONTWAIT), -1);
  close (one);
  expect_heard (three, "three");
  close (two);
  close (three);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (beyond_max_peers_are_refused)
{
  run (ECHO (", 'max': 1, 'when_max': 'refuse'"));
  guint16 at = port (0);
  int one = connect_to (at);
  say (one, "one");
  expect_heard (one, "one");
  int two = connect_to (at);
  expect_end (two);
  close (one);
  close (two);
  EXPECT_STATUS (0, stop ());
  expect_said ("client: connections 1, refused 1\n");
}
END_TEST

START_TEST (out_of_descriptors_accept_waits)
{
  enum { PEERS = 60 };
  int peers[PEERS];
  bed.descriptors = 50;
  run (ECHO (""));
  guint16 at = port (0);
  for (guint i = 0; i < PEERS; i++) {
    peers[i] = connect_to (at);
  }
  await_said ("Too many open files");
  for (guint i = 0; i < PEERS - 1; i++) {
    close (peers[i]);
  }
  close (peers[PEERS - 1]);
  /* One that there is room for now. */
  for (gboolean answered = FALSE; !answered;) {
    int fd = connect_to (at);
    char byte;
    (void) send (fd, "x", 1, MSG_NOSIGNAL);
    answered = recv (fd, &byte, 1, 0) == 1;
    close (fd);
  }
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (idle_connection_is_closed)
{
  run (ECHO (", 'idle_timeout': '300ms'"));
  int idle = connect_to (port (0)), busy = connect_to (port (0));
  struct pollfd polled = { idle, POLLIN, 0 };
  for (guint i = 0; poll (&polled, 1, 20) == 0; i++) {
    ck_assert_uint_lt (i, 1000);
    say (busy, "still");
    expect_heard (busy, "still");
  }
  expect_end (idle);
  say (busy, "here");
  expect_heard (busy, "here");
  close (idle);
  close (busy);
  EXPECT_STATUS (0, stop ());
  expect_said (": the peer has neither sent nor taken anything for 0.3 s\n");
}
END_TEST

START_TEST (peer_that_neither_reads_nor_ends_is_closed)
{
  run ("{'producers': {'client': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'per_connection': true,"
       "                          'idle_timeout': '200ms'}},"
       " 'transforms': {'ask': {'plugin': 'lines', 'from': 'client'}, 'numbers': {'plugin': 'random', 'from': 'ask'}},"
       " 'consumers': {'answer': {'plugin': 'reply', 'to': 'client', 'from': 'numbers'}}}");
  int fd = connect_to (port (0));
  say (fd, "1000000000\n");
  await_said (": the peer has neither sent nor taken anything for 0.2 s\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (stop_with_connections_open)
{
  run (ECHO (""));
  int one = connect_to (port (0)), two = connect_to (port (0));
  say (one, "one");
  expect_heard (one, "one");
  EXPECT_STATUS (0, stop ());
  expect_end (one);
  expect_end (two);
  close (one);
  close (two);
}
END_TEST

/* ---- numbers ---- */

static guint
count_lines (const char *text)
{
  guint lines = 0;
  for (; (text = strchr (text, '\n')) != NULL; text++) {
    lines++;
  }
  return lines;
}

START_TEST (numbers_are_answered)
{
  run (NUMBERS);
  int fd = connect_to (port (0));
  say (fd, "3\n0\n1000\n");
  shutdown (fd, SHUT_WR);
  GString *all = hear_all (fd);
  ck_assert_uint_eq (count_lines (all->str), 1003);
  g_string_free (all, TRUE);
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (line_that_is_no_number_is_answered_and_the_connection_goes_on)
{
  run (NUMBERS);
  int fd = connect_to (port (0));
  say (fd, "many\n2\n");
  shutdown (fd, SHUT_WR);
  GString *all = hear_all (fd);
  ck_assert_uint_eq (count_lines (all->str), 3);
  ck_assert_ptr_nonnull (strstr (all->str, "no: "));
  g_string_free (all, TRUE);
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (peer_that_leaves_amid_the_answer)
{
  run (NUMBERS);
  int fd = connect_to (port (0));
  say (fd, "1000000000\n");
  char some[1000];
  ck_assert_int_gt (recv (fd, some, sizeof (some), 0), 0);
  close (fd);
  await_said ("connection from 127.0.0.1:");
  fd = connect_to (port (0));
  say (fd, "1\n");
  ck_assert_int_gt (recv (fd, some, sizeof (some), 0), 0);
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (peer_that_reads_a_byte_now_and_then)
{
  run (NUMBERS);
  int slow = connect_to (port (0)), quick = connect_to (port (0));
  say (slow, "1000000000\n");
  char byte, some[65536];
  for (guint i = 0; i < 5; i++) {
    ck_assert_int_eq (recv (slow, &byte, 1, 0), 1);
    say (quick, "1000\n");
    for (guint lines = 0; lines < 1000;) {
      ssize_t count = recv (quick, some, sizeof (some) - 1, 0);
      ck_assert_int_gt (count, 0);
      some[count] = '\0';
      lines += count_lines (some);
    }
  }
  close (slow);
  close (quick);
  EXPECT_STATUS (0, stop ());
}
END_TEST

/* ---- proxy ---- */

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
  const Case cases[] = { echo,
                         what_is_echoed_comes_before_the_end,
                         peer_that_never_reads_is_not_read_for_ever,
                         peer_that_resets_is_its_own_affair,
                         thousand_connects_and_closes_leave_no_descriptor,
                         beyond_max_peers_wait,
                         beyond_max_peers_are_refused,
                         out_of_descriptors_accept_waits,
                         idle_connection_is_closed,
                         peer_that_neither_reads_nor_ends_is_closed,
                         stop_with_connections_open,
                         numbers_are_answered,
                         line_that_is_no_number_is_answered_and_the_connection_goes_on,
                         peer_that_leaves_amid_the_answer,
                         peer_that_reads_a_byte_now_and_then,
                         proxy_passes_both_ways,
                         servers_half_close_passes,
                         proxy_when_both_sides_write_first,
                         proxy_when_both_sides_write_first_and_shut_down,
                         proxy_to_a_server_that_is_not_there,
                         server_that_resets_costs_its_client_alone,
                         thousand_connects_through_the_proxy_leave_no_descriptor };
  return run_cases ("net-serve", cases, G_N_ELEMENTS (cases), NULL, 0);
}
