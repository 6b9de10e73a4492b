/* SPDX-License-Identifier: Apache-2.0 */
/* The servers of conf/ and what peers do to them: who never reads, reads slowly, breaks off, never ends, says nothing, comes and goes;
 * and what is left when the program is told to stop. The test is the peers. The proxy has tests of its own. */
#include "net-faults.h"

/* Reads so many numbers, a line each, and the complaints among them, which may overtake numbers. Answers how many those are. No
 * assertion for each byte, as each that holds is told to Check. */
static guint
hear_numbers (int fd, guint wanted)
{
  char text[65536];
  guint lines = 0, complaints = 0, digits = 0, wrong = 0;
  gboolean complaint = FALSE;
  while (lines < wanted) {
    ssize_t count = recv (fd, text, sizeof (text), 0);
    ck_assert_msg (count > 0, "after %u lines of %u: %s; %s", lines, wanted,
                   count == 0 ? "the end" : g_strerror (errno), bed.said->str);
    for (gssize i = 0; i < count; i++) {
      if (text[i] == '\n') {
        wrong += complaint || digits > 0 ? 0 : 1;
        *(complaint ? &complaints : &lines) += 1;
        complaint = FALSE;
        digits = 0;
      } else if (!complaint && g_ascii_isdigit (text[i])) {
        wrong += digits++ < 5 ? 0 : 1;
      } else if (text[i] != '\r') {
        wrong += digits == 0 ? 0 : 1;
        complaint = TRUE;
      }
    }
  }
  ck_assert_uint_eq (lines, wanted);
  ck_assert_uint_eq (digits + wrong, 0);
  return complaints;
}

static void
expect_numbers (int fd, guint wanted)
{
  ck_assert_uint_eq (hear_numbers (fd, wanted), 0);
}

/* ---- reading ---- */

START_TEST (peer_that_never_reads_gets_no_more_made)
{
  run_conf ("serve-random", "100ms");
  guint16 at = port (0);
  int stuck = connect_to (at), other = connect_to (at);
  say (stuck, "9000000000000000000\n");
  for (guint i = 0; i < 10; i++) {
    say (other, "10000\n");
    expect_numbers (other, 10000);
  }
  gint64 before = time_taken ();
  struct pollfd polled = { other, POLLIN, 0 };
  ck_assert_int_eq (poll (&polled, 1, 300), 0);
  ck_assert_int_lt (time_taken () - before, 150 * 1000);
  expect_peak_below (32 * KIB);
  EXPECT_STATUS (3, stop ());
  expect_said ("serve-random: the time to drain is over\n");
  expect_said ("numbers:answer holds ");
  expect_balance ();
  close (stuck);
  close (other);
}
END_TEST

START_TEST (peer_that_reads_a_byte_at_a_time_gets_all_in_order)
{
  run_conf ("echo", "10s");
  guint16 at = port (0);
  int slow = connect_to (at), quick = connect_to (at);
  Flow flow = { slow, slow, 0, 0 };
  flow_fill (&flow, 64 * MIB);
  for (guint i = 0; i < 100; i++) {
    char byte;
    ck_assert_int_eq (recv (slow, &byte, 1, 0), 1);
    ck_assert_int_eq (byte, pattern (flow.taken++)[0]);
    say (quick, "a byte later\n");
    expect_heard (quick, "a byte later\n");
  }
  gsize all = flow.sent;
  flow_pump (&flow, all, all);
  expect_peak_below (32 * KIB);
  close (slow);
  close (quick);
  EXPECT_STATUS (0, stop ());
  expect_balance ();
  ck_assert_uint_gt (link_figure ("client:answer", "pauses"), 0);
}
END_TEST

START_TEST (requests_without_end_wait_for_their_answers)
{
  enum { AT_ONCE = 4000 };
  g_autoptr (GString) requests = g_string_new (NULL);
  for (guint i = 0; i < AT_ONCE; i++) {
    g_string_append (requests, "1\n");
  }
  run_conf ("serve-random", "10s");
  int fd = connect_to (port (0));
  struct pollfd polled = { fd, POLLOUT, 0 };
  gsize sent = 0;
  while (poll (&polled, 1, 200) == 1) {
    gsize place = sent % requests->len;
    ssize_t count = send (fd, requests->str + place, requests->len - place, MSG_NOSIGNAL | MSG_DONTWAIT);
    sent += count > 0 ? (gsize) count : 0;
    ck_assert_uint_lt (sent, 64 * MIB);
  }
  expect_peak_below (32 * KIB);
  /* They are whole requests but for the last one, which may be cut. */
  guint whole = (guint) (sent / 2);
  pid_t writer = fork ();
  if (writer == 0) {
    say (fd, requests->str + sent % 2);
    shutdown (fd, SHUT_WR);
    _exit (0);
  }
  whole += AT_ONCE;
  expect_numbers (fd, whole);
  expect_end (fd);
  ck_assert_int_eq (waitpid (writer, NULL, 0), writer);
  close (fd);
  EXPECT_STATUS (0, stop ());
  expect_balance ();
  ck_assert_uint_eq (link_figure ("ask:numbers", "in"), whole);
}
END_TEST

/* ---- sending ---- */

START_TEST (line_without_end_is_cut_and_the_connection_goes_on)
{
  run_conf ("serve-random", "10s");
  int fd = connect_to (port (0));
  gsize sent = 0, answers = 0;
  char text[65537];
  memset (text, 'x', sizeof (text));
  while (sent < 16 * MIB) {
    struct pollfd polled = { fd, POLLIN | POLLOUT, 0 };
    ck_assert_int_eq (poll (&polled, 1, PATIENCE), 1);
    if ((polled.revents & POLLOUT) != 0) {
      ssize_t count = send (fd, text, 65536, MSG_NOSIGNAL | MSG_DONTWAIT);
      sent += count > 0 ? (gsize) count : 0;
    }
    char answer[65536];
    if ((polled.revents & POLLIN) != 0) {
      ssize_t count = recv (fd, answer, sizeof (answer), MSG_DONTWAIT);
      ck_assert_int_gt (count, 0);
      answers += (gsize) count;
    }
  }
  ck_assert_uint_gt (answers, 0);
  expect_peak_below (32 * KIB);
  say (fd, "\n3\n");
  shutdown (fd, SHUT_WR);
  GString *rest = hear_all (fd);
  guint numbers = 0;
  g_auto (GStrv) lines = g_strsplit (rest->str, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    numbers += g_ascii_isdigit (lines[i][0]) ? 1 : 0;
  }
  ck_assert_uint_eq (numbers, 3);
  g_string_free (rest, TRUE);
  close (fd);
  EXPECT_STATUS (0, stop ());
  expect_balance ();
}
END_TEST

/* ---- breaking off ---- */

START_TEST (reset_amid_the_answer_costs_nobody_else)
{
  run_conf ("serve-random", "10s");
  guint16 at = port (0);
  int other = connect_to (at);
  say (other, "1\n");
  expect_numbers (other, 1);
  Holdings before = holdings ();
  for (guint i = 0; i < 50; i++) {
    int fd = connect_to (at);
    char some[100];
    say (fd, "9000000000000000000\n");
    ck_assert_int_gt (recv (fd, some, sizeof (some), 0), 0);
    reset (fd);
    say (other, "10\n");
    expect_numbers (other, 10);
  }
  await_holdings (before);
  await_said ("connection from 127.0.0.1:");
  close (other);
  EXPECT_STATUS (0, stop ());
  expect_said ("connections 51");
  expect_balance ();
  ck_assert_uint_gt (link_figure ("numbers:answer", "dropped"), 0);
}
END_TEST

START_TEST (half_close_gets_the_whole_answer)
{
  run_conf ("serve-random", "10s");
  int fd = connect_to (port (0));
  say (fd, "2000000\npony\n3");
  shutdown (fd, SHUT_WR);
  guint complaints = hear_numbers (fd, 2000003);
  GString *rest = hear_all (fd);
  ck_assert_uint_eq (complaints + (g_str_has_prefix (rest->str, "error: found \"pony\"") ? 1 : 0), 1);
  g_string_free (rest, TRUE);
  close (fd);
  EXPECT_STATUS (0, stop ());
  expect_said ("connections 1\n");
  expect_balance ();
}
END_TEST

/* ---- coming and going ---- */

static void
come_and_go (guint16 at, guint times)
{
  for (guint i = 0; i < times; i++) {
    int fd = connect_to (at);
    if (i % 4 == 1) {
      say (fd, "x");
    } else if (i % 4 == 2) {
      expect_heard ((say (fd, "x"), fd), "x");
    }
    i % 2 == 0 ? close (fd) : reset (fd);
  }
}

/* With as few at a time, none may be left over. */
START_TEST (thousand_connects_and_closes_leave_nothing_behind)
{
  set_option ("client.max=8");
  run_conf ("echo", "10s");
  guint16 at = port (0);
  int fd = greet (at);
  Holdings before = holdings ();
  come_and_go (at, 200);
  await_holdings (before);
  guint64 resident = status_figure ("VmRSS");
  come_and_go (at, 1000);
  close (greet (at));
  await_holdings (before);
  guint64 grown = status_figure ("VmRSS") - resident;
  ck_assert_msg (SANITIZED || (gint64) grown < 2 * KIB, "%" G_GUINT64_FORMAT " KiB more", grown);
  close (fd);
  EXPECT_STATUS (0, stop ());
  expect_balance ();
}
END_TEST

/* They wait in the backlog; half of them are gone before they are let in. */
START_TEST (flood_is_answered_but_for_those_who_left)
{
  enum { PEERS = 500 };
  int peers[PEERS];
  run_conf ("echo", "10s");
  guint16 at = port (0);
  int fd = greet (at);
  Holdings before = holdings ();
  kill (bed.pid, SIGSTOP);
  for (guint i = 0; i < PEERS; i++) {
    peers[i] = connect_to (at);
    say (peers[i], "patience\n");
  }
  for (guint i = 0; i < PEERS; i += 2) {
    i % 4 == 0 ? close (peers[i]) : reset (peers[i]);
  }
  kill (bed.pid, SIGCONT);
  for (guint i = 1; i < PEERS; i += 2) {
    expect_heard (peers[i], "patience\n");
  }
  for (guint i = 1; i < PEERS; i += 2) {
    close (peers[i]);
  }
  await_holdings (before);
  close (fd);
  EXPECT_STATUS (0, stop ());
  expect_balance ();
}
END_TEST

START_TEST (out_of_descriptors_accept_waits_and_does_not_spin)
{
  enum { PEERS = 60 };
  int peers[PEERS];
  bed.descriptors = 40;
  run_conf ("echo", "10s");
  guint16 at = port (0);
  for (guint i = 0; i < PEERS; i++) {
    peers[i] = connect_to (at);
  }
  await_said ("Too many open files");
  gint64 before = time_taken ();
  struct pollfd polled = { peers[0], 0, 0 };
  poll (&polled, 1, 500);
  ck_assert_int_lt (time_taken () - before, 150 * 1000);
  say (peers[PEERS - 1], "last\n");
  for (guint i = 0; i < PEERS - 1; i++) {
    close (peers[i]);
  }
  expect_heard (peers[PEERS - 1], "last\n");
  close (peers[PEERS - 1]);
  EXPECT_STATUS (0, stop ());
  expect_balance ();
}
END_TEST

START_TEST (peer_that_says_nothing_is_closed)
{
  set_option ("client.idle_timeout=200ms");
  run_conf ("echo", "10s");
  int fd = connect_to (port (0));
  expect_end (fd);
  await_said (": the peer has neither sent nor taken anything for 0.2 s\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (address_in_use)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  g_autofree char *listen = g_strdup_printf ("client.listen=127.0.0.1:%u", at);
  g_autofree char *wanted = g_strdup_printf (
    "weir: client (tcp, producer): cannot listen on 127.0.0.1:%u: Address already in use", at);
  set_option (listen);
  run_conf ("echo", "10s");
  EXPECT_STATUS (1, finish ());
  expect_first (wanted);
  close (server);
}
END_TEST

int
main (void)
{
  const Case cases[] = { peer_that_never_reads_gets_no_more_made,
                         peer_that_reads_a_byte_at_a_time_gets_all_in_order,
                         requests_without_end_wait_for_their_answers,
                         line_without_end_is_cut_and_the_connection_goes_on,
                         reset_amid_the_answer_costs_nobody_else,
                         half_close_gets_the_whole_answer,
                         thousand_connects_and_closes_leave_nothing_behind,
                         flood_is_answered_but_for_those_who_left,
                         out_of_descriptors_accept_waits_and_does_not_spin,
                         peer_that_says_nothing_is_closed,
                         address_in_use };
  return run_cases ("net-faults", cases, G_N_ELEMENTS (cases), NULL, 0);
}
