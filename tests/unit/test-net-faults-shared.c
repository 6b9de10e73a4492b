/* SPDX-License-Identifier: Apache-2.0 */
/* Many peers into one place, by one stream each or by a pipeline each with a shared end: whose lines come in pieces, who break off amid
 * a line, come and go, and wait for one that does not take. The test is the peers, and the place where that is a server. */
#include "net-faults.h"

/* A pipeline per connection up to a stage that all share, which is to be given. */
#define SHARED(options, shared) \
  "{'engine': {'shutdown': '10s'}," \
  " 'producers': {'client': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'per_connection': true" options "}}," \
  " 'transforms': {'lines': {'plugin': 'lines', 'from': 'client'}}," \
  " 'consumers': {'out': {'from': 'lines', 'shared': true, " shared "}}}"

#define TO_FILE "'plugin': 'file', 'path': 'out'"

enum { PEERS = 100, LINES = 20 };

/* Each says half a line in turn, for so many lines. */
static void
say_in_halves (const int *peers, guint count, guint lines)
{
  for (guint half = 0; half < 2 * lines; half++) {
    for (guint i = 0; i < count; i++) {
      g_autofree char *text = g_strdup_printf (half % 2 == 0 ? "peer %u says" : " line %u.\n",
                                               half % 2 == 0 ? i : half / 2);
      say (peers[i], text);
    }
  }
}

/* Every line is whole, and each peer's are there in order. */
static void
expect_lines (const char *text, guint count, guint lines)
{
  g_auto (GStrv) found = g_strsplit (text, "\n", -1);
  g_autofree guint *next = g_new0 (guint, count);
  ck_assert_uint_eq (g_strv_length (found), count * lines + 1);
  for (guint i = 0; i < count * lines; i++) {
    guint peer, line;
    int end = 0;
    const char *from = strstr (found[i], "peer ");
    ck_assert_msg (from != NULL && sscanf (from, "peer %u says line %u.%n", &peer, &line, &end) == 2 &&
                     from[end] == '\0' && peer < count && line == next[peer]++,
                   "%s", found[i]);
  }
}

static void
connect_all (int *peers, guint count)
{
  for (guint i = 0; i < count; i++) {
    peers[i] = connect_to (port (0));
  }
}

static void
close_all (const int *peers, guint count)
{
  for (guint i = 0; i < count; i++) {
    close (peers[i]);
  }
}

START_TEST (half_lines_of_a_hundred_pipelines_in_turn_are_not_mixed)
{
  int peers[PEERS];
  run (SHARED (", 'chunk': 7", TO_FILE));
  connect_all (peers, PEERS);
  say_in_halves (peers, PEERS, LINES);
  close_all (peers, PEERS);
  await_lines ("out", PEERS * LINES);
  EXPECT_STATUS (0, stop ());
  g_autofree char *text = contents ("out");
  expect_lines (text, PEERS, LINES);
}
END_TEST

/* Each line with its own peer's name in front. */
START_TEST (collect_syslog_half_lines_of_a_hundred_peers_in_turn_are_not_mixed)
{
  int peers[PEERS];
  run_conf ("collect-syslog-tcp", "10s");
  connect_all (peers, PEERS);
  say_in_halves (peers, PEERS, LINES);
  await_lines ("weir-syslog.log", PEERS * LINES);
  EXPECT_STATUS (0, stop ());
  expect_balance ();
  g_autofree char *text = contents ("weir-syslog.log");
  expect_lines (text, PEERS, LINES);
  for (guint i = 0; i < PEERS; i++) {
    struct sockaddr_in name;
    socklen_t size = sizeof (name);
    ck_assert_int_eq (getsockname (peers[i], (struct sockaddr *) &name, &size), 0);
    g_autofree char *line = g_strdup_printf ("127.0.0.1:%u peer %u says line 0.\n", ntohs (name.sin_port), i);
    ck_assert_msg (strstr (text, line) != NULL, "no %s", line);
  }
  close_all (peers, PEERS);
}
END_TEST

/* What breaks off is a line of its own, as `format` makes a whole record of it. */
START_TEST (line_that_breaks_off_joins_no_other)
{
  run_conf ("collect-syslog-tcp", "10s");
  int one = connect_to (port (0)), two = connect_to (port (0));
  say (two, "two, whole\n");
  await_lines ("weir-syslog.log", 1);
  say (one, "one, whole\none, ha");
  await_lines ("weir-syslog.log", 2);
  say (two, "two, again ");
  _i == 0 ? close (one) : shutdown (one, SHUT_WR);
  await_lines ("weir-syslog.log", 3);
  say (two, "whole\n");
  close (two);
  await_lines ("weir-syslog.log", 4);
  EXPECT_STATUS (0, stop ());
  g_autofree char *text = contents ("weir-syslog.log");
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  static const char *const wanted[] = { " two, whole", " one, whole", " one, ha", " two, again whole", "" };
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    ck_assert_msg (g_str_has_suffix (lines[i], wanted[i]), "%s", lines[i]);
  }
}
END_TEST

START_TEST (thousand_peers_come_and_go_and_all_lines_arrive)
{
  enum { TIMES = 1000 };
  run (SHARED (", 'max': 8", TO_FILE));
  int first = connect_to (port (0));
  say (first, "first\n");
  await_contents ("out", "first\n");
  Holdings before = holdings ();
  for (guint i = 0; i < TIMES; i++) {
    int fd = connect_to (port (0));
    if (i % 3 < 2) {
      say (fd, "here\n");
    }
    close (fd);
  }
  await_lines ("out", 1 + 667);
  await_holdings (before);
  say (first, "last\n");
  await_lines ("out", 1 + 667 + 1);
  close (first);
  EXPECT_STATUS (0, stop ());
  expect_said ("client: connections 1001\n");
  g_autofree char *text = contents ("out");
  ck_assert (g_str_has_suffix (text, "here\nlast\n"));
}
END_TEST

/* What all share is a server that does not read: every peer is held up, and nothing is lost when it goes on. */
START_TEST (shared_server_that_does_not_read_holds_up_all_peers)
{
  enum { WRITERS = 8, LINE = 100 };
  guint16 at = 0;
  int server = serve (&at, 1), peers[WRITERS];
  gsize sent[WRITERS] = { 0 }, all = 0;
  char lines[650 * LINE];
  RUNF (SHARED (", 'receive_buffer': '64KiB'", "'plugin': 'tcp', 'connect': '127.0.0.1:%u'"), at);
  connect_all (peers, WRITERS);
  int fd = take_one (server);
  for (guint i = 0; i < WRITERS; i++) {
    memset (lines, 'a' + (int) i, sizeof (lines));
    for (gsize end = LINE - 1; end < sizeof (lines); end += LINE) {
      lines[end] = '\n';
    }
    struct pollfd polled = { peers[i], POLLOUT, 0 };
    while (poll (&polled, 1, 100) == 1) {
      gsize place = sent[i] % sizeof (lines);
      ssize_t count = send (peers[i], lines + place, sizeof (lines) - place, MSG_NOSIGNAL | MSG_DONTWAIT);
      sent[i] += count > 0 ? (gsize) count : 0;
      ck_assert_uint_lt (sent[i], 64 * MIB);
    }
    shutdown (peers[i], SHUT_WR);
    all += sent[i];
  }
  expect_peak_below (32 * KIB);
  /* Whole lines of one letter each, but for the last of each peer, and as many bytes as were sent. */
  gsize got = 0, letters[WRITERS] = { 0 }, wrong = 0;
  char bytes[65536], before = '\n';
  while (got < all) {
    ssize_t count = recv (fd, bytes, sizeof (bytes), 0);
    ck_assert_msg (count > 0, "after %zu bytes of %zu: %s; %s", got, all, g_strerror (errno), bed.said->str);
    for (gssize i = 0; i < count && got + (gsize) i < all; i++) {
      wrong += before != '\n' && bytes[i] != '\n' && bytes[i] != before ? 1 : 0;
      before = bytes[i];
      if (bytes[i] >= 'a') {
        letters[bytes[i] - 'a']++;
      }
    }
    got += (gsize) count;
  }
  ck_assert_uint_eq (wrong, 0);
  for (guint i = 0; i < WRITERS; i++) {
    ck_assert_uint_eq (letters[i], sent[i] - sent[i] / LINE);
    close (peers[i]);
  }
  EXPECT_STATUS (0, stop ());
  close (fd);
  close (server);
}
END_TEST

START_TEST (shared_stage_that_fails_ends_all)
{
  guint16 at = 0;
  int server = serve (&at, 1), peers[4];
  RUNF (SHARED ("", "'plugin': 'tcp', 'reconnect': false, 'connect': '127.0.0.1:%u'"), at);
  connect_all (peers, 4);
  int fd = take_one (server);
  say (peers[0], "hello\n");
  expect_heard (fd, "hello\n");
  reset (fd);
  for (guint i = 0; i < 4; i++) {
    expect_end (peers[i]);
    close (peers[i]);
  }
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: out (tcp, consumer): lost 127.0.0.1:");
  close (server);
}
END_TEST

int
main (void)
{
  const Case cases[] = { half_lines_of_a_hundred_pipelines_in_turn_are_not_mixed,
                         collect_syslog_half_lines_of_a_hundred_peers_in_turn_are_not_mixed,
                         thousand_peers_come_and_go_and_all_lines_arrive,
                         shared_server_that_does_not_read_holds_up_all_peers, shared_stage_that_fails_ends_all };
  const Looped loops[] = { { line_that_breaks_off_joins_no_other, 2 } };
  return run_cases ("net-faults-shared", cases, G_N_ELEMENTS (cases), loops, G_N_ELEMENTS (loops));
}
