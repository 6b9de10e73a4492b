/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline per connection on the sockets of plugins/tcp.c, in the real program: an echo, a server of numbers, and all that peers do to
 * them. The test is the peers. */
#include "net-bed.h"

#define ECHO(options) \
  "{'engine': {'shutdown': '100ms'}," \
  " 'producers': {'client': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'per_connection': true" options "}}," \
  " 'consumers': {'answer': {'plugin': 'reply', 'to': 'client', 'from': 'client'}}}"

/* A line N is answered by N numbers. */
#define NUMBERS \
  "{'engine': {'shutdown': '100ms'}," \
  " 'producers': {'client': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'per_connection': true}}," \
  " 'transforms': {'ask': {'plugin': 'lines', 'from': 'client'}," \
  "                'numbers': {'plugin': 'random', 'from': 'ask'}," \
  "                'sorry': {'plugin': 'format', 'from': 'numbers.rejected', 'text': 'no: {reason}'}}," \
  " 'consumers': {'answer': {'plugin': 'reply', 'to': 'client', 'from': ['numbers', 'sorry']}}}"

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
  expect_said ("client: 1 error, connections 2, resets 1\n");
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
                         peer_that_reads_a_byte_now_and_then };
  return run_cases ("net-serve", cases, G_N_ELEMENTS (cases), NULL, 0);
}
