/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer of plugins/tcp.c with `connect`, in the real program: it sends to one server, through outages. The test is the server. */
#include "net-servers.h"

/* What is said to the listening one goes to the one that connects. */
#define PASS(options) \
  "{'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0'}}," \
  " 'transforms': {'lines': {'plugin': 'lines', 'from': 'in'}}," \
  " 'consumers': {'out': {'plugin': 'tcp', 'from': 'lines', " options "}}}"

#define SEND(options, count) \
  "{'producers': {'in': {'plugin': 'generate', 'text': 'line {seq}', 'count': " count "}}," \
  " 'consumers': {'out': {'plugin': 'tcp', 'from': 'in', " options "}}}"

START_TEST (consumer_sends_all_and_half_closes)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (SEND ("'connect': '127.0.0.1:%u'", "3"), at);
  int fd = take_one (server);
  GString *all = hear_all (fd);
  ck_assert_str_eq (all->str, "line 0\nline 1\nline 2\n");
  g_string_free (all, TRUE);
  close (fd);
  EXPECT_STATUS (0, finish ());
  expect_said ("out: connections 1\n");
  close (server);
}
END_TEST

/* Messages without a trail: <abc> and <def>. */
static void
expect_delimited (const char *delimiter, const char *wanted, gsize size)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF ("{'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0', 'chunk': 3}},"
        " 'transforms': {'say': {'plugin': 'format', 'from': 'in', 'text': '<{}>'}},"
        " 'consumers': {'out': {'plugin': 'tcp', 'from': 'say', 'connect': '127.0.0.1:%u' %s}}}",
        at, delimiter);
  int in = connect_to (port (0)), fd = take_one (server);
  say (in, "abcdef");
  g_autofree char *found = g_malloc (size);
  ck_assert_int_eq (recv (fd, found, size, MSG_WAITALL), (ssize_t) size);
  ck_assert_mem_eq (found, wanted, size);
  EXPECT_STATUS (0, stop ());
  expect_end (fd);
  close (in);
  close (fd);
  close (server);
  g_string_truncate (bed.said, 0);
}

START_TEST (delimiters)
{
  expect_delimited ("", "<abc>\n<def>\n", 12);
  expect_delimited (", 'delimiter': ''", "<abc><def>", 10);
  expect_delimited (", 'delimiter': 'nul'", "<abc>\0<def>", 12);
  expect_delimited (", 'delimiter': ' - '", "<abc> - <def> - ", 16);
}
END_TEST

START_TEST (consumer_waits_for_a_server_that_is_not_there_yet)
{
  int keeper;
  guint16 at = closed_port (&keeper);
  RUNF (SEND ("'connect': '127.0.0.1:%u'", "2"), at);
  g_autofree char *wanted = g_strdup_printf (
    "weir: warning: out (tcp, consumer): cannot connect to 127.0.0.1:%u: Connection refused; trying again", at);
  await_said ("trying again\n");
  expect_first (wanted);
  close (keeper);
  int server = serve (&at, 1), fd = take_one (server);
  GString *all = hear_all (fd);
  ck_assert_str_eq (all->str, "line 0\nline 1\n");
  g_string_free (all, TRUE);
  close (fd);
  EXPECT_STATUS (0, finish ());
  close (server);
}
END_TEST

START_TEST (consumer_without_reconnect_is_refused)
{
  int keeper;
  guint16 at = closed_port (&keeper);
  RUNF (SEND ("'connect': '127.0.0.1:%u', 'reconnect': false", "2"), at);
  EXPECT_STATUS (1, finish ());
  g_autofree char *wanted = g_strdup_printf (
    "weir: out (tcp, consumer): cannot connect to 127.0.0.1:%u: Connection refused", at);
  expect_first (wanted);
  close (keeper);
}
END_TEST

START_TEST (consumer_without_reconnect_loses_its_peer)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (PASS ("'connect': '127.0.0.1:%u', 'reconnect': false"), at);
  int in = connect_to (port (0)), fd = take_one (server);
  say (in, "one\n");
  expect_heard (fd, "one\n");
  close (fd);
  EXPECT_STATUS (1, finish ());
  g_autofree char *wanted = g_strdup_printf (
    "weir: out (tcp, consumer): lost 127.0.0.1:%u: the peer has closed the connection\n", at);
  expect_said (wanted);
  close (in);
  close (server);
}
END_TEST

START_TEST (consumer_reconnects_and_loses_nothing)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (PASS ("'connect': '127.0.0.1:%u'"), at);
  int in = connect_to (port (0)), fd = take_one (server);
  say (in, "one\n");
  expect_heard (fd, "one\n");
  close (fd);
  await_said ("lost 127.0.0.1:");
  say (in, "two\nthree\n");
  fd = take_one (server);
  expect_heard (fd, "two\nthree\n");
  reset (fd);
  g_string_truncate (bed.said, 0);
  await_said ("lost 127.0.0.1:");
  say (in, "four\n");
  fd = take_one (server);
  expect_heard (fd, "four\n");
  close (in);
  EXPECT_STATUS (0, stop ());
  expect_said ("out: connections 3, resets 2\n");
  close (fd);
  close (server);
}
END_TEST

START_TEST (new_connection_begins_with_a_whole_record)
{
  guint16 at = 0;
  int server = serve (&at, 1), most = 4096;
  setsockopt (server, SOL_SOCKET, SO_RCVBUF, &most, sizeof (most));
  RUNF ("{'producers': {'in': {'plugin': 'generate', 'size': 999, 'count': 20000}},"
        " 'consumers': {'out': {'plugin': 'tcp', 'from': 'in', 'connect': '127.0.0.1:%u', 'send_buffer': 4096}}}",
        at);
  g_autofree char *line = g_malloc (1001);
  for (guint i = 0; i < 999; i++) {
    line[i] = (char) ('a' + i % 26);
  }
  line[999] = '\n';
  line[1000] = '\0';
  gsize records = 0;
  for (guint i = 0; i < 4; i++) {
    int fd = take_one (server);
    /* Somewhere amid a record, with more on its way. */
    for (guint r = 0; r < 20; r++) {
      expect_heard (fd, line);
    }
    records += 20;
    reset (fd);
  }
  int fd = take_one (server);
  GString *all = hear_all (fd);
  ck_assert_uint_eq (all->len % 1000, 0);
  for (gsize i = 0; i < all->len; i += 1000) {
    ck_assert_mem_eq (all->str + i, line, 1000);
  }
  records += all->len / 1000;
  /* What was on its way, in two buffers, is lost; no more. */
  ck_assert_uint_le (records, 20000);
  ck_assert_uint_ge (records, 20000 - 4 * 150);
  g_string_free (all, TRUE);
  close (fd);
  EXPECT_STATUS (0, finish ());
  close (server);
}
END_TEST

START_TEST (consumer_leaves_a_peer_that_takes_nothing)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF ("{'engine': {'shutdown': '10ms'},"
        " 'producers': {'in': {'plugin': 'generate', 'size': 1000}},"
        " 'consumers': {'out': {'plugin': 'tcp', 'from': 'in', 'connect': '127.0.0.1:%u', 'idle_timeout': '100ms'}}}",
        at);
  int first = take_one (server), second = take_one (server);
  await_said (": the peer has neither sent nor taken anything for 0.1 s; connecting again\n");
  int status = stop (); /* as much as the buffers of the second take */
  ck_assert (status == 0 || status == 3);
  close (first);
  close (second);
  close (server);
}
END_TEST

START_TEST (consumer_takes_no_offence_at_what_the_peer_sends)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (PASS ("'connect': '127.0.0.1:%u'"), at);
  int in = connect_to (port (0)), fd = take_one (server);
  g_autofree char *noise = g_malloc0 (1000001);
  memset (noise, 'x', 1000000);
  for (guint i = 0; i < 10; i++) {
    say (fd, noise);
  }
  say (in, "one\n");
  expect_heard (fd, "one\n");
  close (in);
  EXPECT_STATUS (0, stop ());
  close (fd);
  close (server);
}
END_TEST

int
main (void)
{
  const Case cases[] = { consumer_sends_all_and_half_closes,
                         delimiters,
                         consumer_waits_for_a_server_that_is_not_there_yet,
                         consumer_without_reconnect_is_refused,
                         consumer_without_reconnect_loses_its_peer,
                         consumer_reconnects_and_loses_nothing,
                         new_connection_begins_with_a_whole_record,
                         consumer_leaves_a_peer_that_takes_nothing,
                         consumer_takes_no_offence_at_what_the_peer_sends };
  return run_cases ("net-send", cases, G_N_ELEMENTS (cases), NULL, 0);
}
