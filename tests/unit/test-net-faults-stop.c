/* SPDX-License-Identifier: Apache-2.0 */
/* What peers get of it when the program is told to stop, or has said all: everything that was taken from others, and at the limit what is
 * left is told. Idle peers, peers that say more, never read or never answer; the servers of conf/ and consumers. */
#include "net-faults.h"
#include "net-servers.h"

/* ---- servers ---- */

START_TEST (stop_ends_idle_peers_promptly)
{
  enum { PEERS = 50 };
  int peers[PEERS];
  run_conf ("echo", "100s");
  guint16 at = port (0);
  for (guint i = 0; i < PEERS; i++) {
    peers[i] = i % 2 == 0 ? connect_to (at) : greet (at);
  }
  EXPECT_STATUS (0, stop ());
  for (guint i = 0; i < PEERS; i++) {
    expect_end (peers[i]);
    close (peers[i]);
  }
  expect_balance ();
}
END_TEST

START_TEST (stop_answers_what_was_asked)
{
  run_conf ("serve-random", "100s");
  int fd = connect_to (port (0));
  char byte;
  say (fd, "2000000\n");
  ck_assert_int_eq (recv (fd, &byte, 1, 0), 1);
  kill (bed.pid, SIGTERM);
  GString *all = hear_all (fd);
  guint lines = 0;
  for (const char *at = all->str; (at = strchr (at, '\n')) != NULL; at++) {
    lines++;
  }
  ck_assert_uint_eq (lines, 2000000);
  g_string_free (all, TRUE);
  EXPECT_STATUS (0, finish ());
  expect_balance ();
  close (fd);
}
END_TEST

/* Its peer has sent more than was taken, and reads only now. */
START_TEST (stop_sends_all_that_was_taken_to_a_peer_that_says_more)
{
  run_conf ("echo", "60s");
  int fd = connect_to (port (0));
  Flow flow = { fd, fd, 0, 0 };
  flow_fill (&flow, 64 * MIB);
  kill (bed.pid, SIGTERM);
  GString *all = hear_all (fd);
  EXPECT_STATUS (0, finish ());
  ck_assert_uint_eq (all->len, link_figure ("client:answer", "bytes_out"));
  g_string_free (all, TRUE);
  expect_balance ();
  close (fd);
}
END_TEST

START_TEST (stop_leaves_a_peer_that_never_reads_at_the_limit)
{
  run_conf ("echo", "200ms");
  int fd = connect_to (port (0));
  Flow flow = { fd, fd, 0, 0 };
  flow_fill (&flow, 64 * MIB);
  EXPECT_STATUS (3, stop ());
  expect_said ("weir: warning: echo: the time to drain is over\n");
  expect_said ("weir: warning: client:answer holds ");
  expect_balance ();
  ck_assert_uint_gt (link_figure ("client:answer", "queued"), 0);
  close (fd);
}
END_TEST

/* ---- the proxy ---- */

/* Peers whose connections to the server are on their way, and stay there. */
enum { WAITING = 8 };

static void
connect_in_vain (int peers[WAITING])
{
  guint16 proxy = port (0);
  guint wanted = holdings ().descriptors + 2 * WAITING;
  for (guint i = 0; i < WAITING; i++) {
    peers[i] = connect_to (proxy);
  }
  for (guint i = 0; i < PATIENCE && holdings ().descriptors < wanted; i++) {
    g_usleep (1000);
  }
  ck_assert_uint_ge (holdings ().descriptors, wanted);
}

/* It may yet answer: so a stop waits where somebody has said something, and what was said in vain is told. */
START_TEST (stop_waits_for_a_server_that_does_not_answer_only_with_something_to_send)
{
  guint16 at = 0;
  int filling[3], peers[WAITING], server = full_server (&at, filling);
  run_proxy (at, _i == 1 ? "300ms" : "100s");
  connect_in_vain (peers);
  reset (peers[0]); /* one who gives up by himself */
  shutdown (peers[2], SHUT_WR);
  if (_i == 1) {
    say (peers[1], "hello");
    await_read (peers[1]);
  }
  gint64 begin = g_get_monotonic_time ();
  EXPECT_STATUS (_i == 1 ? 3 : 0, stop ());
  ck_assert_int_lt (g_get_monotonic_time () - begin, 90 * G_USEC_PER_SEC);
  if (_i == 1) {
    expect_said ("weir: warning: client:upstream holds 1 records, 5 bytes\n");
  }
  for (guint i = 1; i < WAITING; i++) {
    expect_end (peers[i]);
    close (peers[i]);
  }
  expect_balance ();
  for (guint i = 0; i < 3; i++) {
    close (filling[i]);
  }
  close (server);
}
END_TEST

START_TEST (stop_ends_idle_ways_promptly)
{
  Way ways[20];
  guint16 at = 0;
  int server = serve (&at, 1);
  run_proxy (at, "100s");
  for (guint i = 0; i < 20; i++) {
    ways[i] = open_way (port (0), server);
    if (i % 2 == 0) {
      try_way (&ways[i]);
    }
  }
  kill (bed.pid, SIGTERM);
  /* The servers hear that nothing more comes, as from clients that have said all, and end. */
  for (guint i = 0; i < 20; i++) {
    expect_end (ways[i].there.to);
    close (ways[i].there.to);
    expect_end (ways[i].there.from);
    close (ways[i].there.from);
  }
  EXPECT_STATUS (0, finish ());
  expect_balance ();
  close (server);
}
END_TEST

START_TEST (stop_leaves_a_server_that_never_reads_at_the_limit)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  run_proxy (at, "200ms");
  Way way = open_way (port (0), server);
  flow_fill (&way.there, 32 * MIB);
  EXPECT_STATUS (3, stop ());
  expect_said ("weir: warning: proxy: the time to drain is over\n");
  expect_said ("weir: warning: client:upstream holds ");
  expect_balance ();
  ck_assert_uint_gt (link_figure ("client:upstream", "queued"), 0);
  close_way (&way);
  close (server);
}
END_TEST

/* All was delivered; the server just does not end its side. */
START_TEST (stop_leaves_a_server_that_never_ends_at_the_limit)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  run_proxy (at, "200ms");
  Way way = open_way (port (0), server);
  try_way (&way);
  EXPECT_STATUS (0, stop ());
  expect_end (way.there.from);
  expect_balance ();
  close_way (&way);
  close (server);
}
END_TEST

/* ---- a shared end ---- */

/* Those who have not ended their line too; and no line is mixed of two. */
START_TEST (stop_delivers_what_was_said)
{
  enum { TALKERS = 10 };
  int peers[TALKERS];
  run ("{'producers': {'client': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'per_connection': true}},"
       " 'transforms': {'lines': {'plugin': 'lines', 'from': 'client'}},"
       " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'lines', 'shared': true}}}");
  for (guint i = 0; i < TALKERS; i++) {
    peers[i] = connect_to (port (0));
  }
  for (guint i = 0; i < TALKERS; i++) {
    say (peers[i], i % 2 == 0 ? "unfinished" : "finished\n");
    await_read (peers[i]);
  }
  EXPECT_STATUS (0, stop ());
  g_autofree char *text = contents ("out");
  g_auto (GStrv) lines = g_strsplit (g_strchomp (text), "\n", -1);
  guint unfinished = 0, finished = 0;
  for (char **line = lines; *line != NULL; line++) {
    unfinished += g_str_equal (*line, "unfinished") ? 1 : 0;
    finished += g_str_equal (*line, "finished") ? 1 : 0;
  }
  ck_assert_uint_eq (unfinished, TALKERS / 2);
  ck_assert_uint_eq (finished, TALKERS / 2);
  ck_assert_uint_eq (g_strv_length (lines), TALKERS);
  for (guint i = 0; i < TALKERS; i++) {
    expect_end (peers[i]);
    close (peers[i]);
  }
}
END_TEST

/* ---- the end of what is sent ---- */

/* Reads slowly, and answers all along: an answer to one who has closed is met with a reset, which costs what is still on its way. */
static gsize
hear_and_answer (int fd, gsize most)
{
  char bytes[16384];
  gsize got = 0;
  while (got < most) {
    ssize_t count = recv (fd, bytes, sizeof (bytes), 0);
    if (count == 0) {
      break;
    }
    ck_assert_msg (count > 0, "after %zu bytes: %s", got, g_strerror (errno));
    got += (gsize) count;
    (void) send (fd, "acknowledged\n", 13, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  return got;
}

START_TEST (server_that_answers_gets_the_last_that_was_sent)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF ("{'producers': {'in': {'plugin': 'generate', 'size': 999, 'count': 8000}},"
        " 'consumers': {'out': {'plugin': 'tcp', 'from': 'in', 'connect': '127.0.0.1:%u'}}}",
        at);
  int fd = take_one (server);
  ck_assert_uint_eq (hear_and_answer (fd, G_MAXSIZE), 8000 * 1000);
  close (fd);
  EXPECT_STATUS (0, finish ());
  close (server);
}
END_TEST

START_TEST (peers_that_answer_get_the_last_that_was_sent)
{
  run ("{'producers': {'in': {'plugin': 'generate', 'size': 999, 'count': 8000}},"
       " 'consumers': {'out': {'plugin': 'tcp', 'from': 'in', 'listen': '127.0.0.1:0'}}}");
  int fd = connect_to (port (0));
  ck_assert_uint_eq (hear_and_answer (fd, G_MAXSIZE), 8000 * 1000);
  close (fd);
  EXPECT_STATUS (0, finish ());
}
END_TEST

int
main (void)
{
  const Case cases[] = { stop_ends_idle_peers_promptly,
                         stop_answers_what_was_asked,
                         stop_sends_all_that_was_taken_to_a_peer_that_says_more,
                         stop_leaves_a_peer_that_never_reads_at_the_limit,
                         stop_ends_idle_ways_promptly,
                         stop_leaves_a_server_that_never_reads_at_the_limit,
                         stop_leaves_a_server_that_never_ends_at_the_limit,
                         stop_delivers_what_was_said,
                         server_that_answers_gets_the_last_that_was_sent,
                         peers_that_answer_get_the_last_that_was_sent };
  const Looped loops[] = { { stop_waits_for_a_server_that_does_not_answer_only_with_something_to_send, 2 } };
  return run_cases ("net-faults-stop", cases, G_N_ELEMENTS (cases), loops, G_N_ELEMENTS (loops));
}
