/* SPDX-License-Identifier: Apache-2.0 */
/* The roles of plugins/tcp.c with `connect`, in the real program: a producer that reads one peer, a consumer that sends to one through
 * outages, and the duplex transform. The test is the server. */
#include "net-bed.h"

#define READ(options) \
  "{'producers': {'in': {'plugin': 'tcp', " options "}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'in'}}}"

/* What is said to the listening one goes to the one that connects. */
#define PASS(options) \
  "{'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0'}}," \
  " 'transforms': {'lines': {'plugin': 'lines', 'from': 'in'}}," \
  " 'consumers': {'out': {'plugin': 'tcp', 'from': 'lines', " options "}}}"

#define SEND(options, count) \
  "{'producers': {'in': {'plugin': 'generate', 'text': 'line {seq}', 'count': " count "}}," \
  " 'consumers': {'out': {'plugin': 'tcp', 'from': 'in', " options "}}}"

#define ASK(options, producer) \
  "{'producers': {'in': {" producer "}}," \
  " 'transforms': {'ask': {'plugin': 'tcp', 'from': 'in', " options "}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'ask'}}}"

/* A port that nobody listens at; it is kept from others. */
static guint16
closed_port (int *keeper)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof (address);
  *keeper = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq (bind (*keeper, (struct sockaddr *) &address, size), 0);
  ck_assert_int_eq (getsockname (*keeper, (struct sockaddr *) &address, &size), 0);
  return ntohs (address.sin_port);
}

/* A server that takes no connection: its backlog is full. */
static int
full_server (guint16 *at, int filling[3])
{
  int server = serve (at, 0);
  for (guint i = 0; i < 3; i++) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons (*at),
                                   .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
    filling[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    connect (filling[i], (struct sockaddr *) &address, sizeof (address));
  }
  return server;
}

/* ---- the producer ---- */

START_TEST (producer_reads_until_the_peer_ends)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (READ ("'connect': '127.0.0.1:%u'"), at);
  int fd = take_one (server);
  say (fd, "hello\nthere");
  close (fd);
  EXPECT_STATUS (0, finish ());
  expect_contents ("out", "hello\nthere");
  expect_said ("in: connections 1\n");
  close (server);
}
END_TEST

START_TEST (producer_is_refused)
{
  int keeper;
  guint16 at = closed_port (&keeper);
  RUNF (READ ("'connect': '127.0.0.1:%u'"), at);
  EXPECT_STATUS (1, finish ());
  g_autofree char *wanted = g_strdup_printf (
    "weir: in (tcp, producer): cannot connect to 127.0.0.1:%u: Connection refused", at);
  expect_first (wanted);
  close (keeper);
}
END_TEST

START_TEST (producer_of_a_name_that_does_not_resolve)
{
  run (READ ("'connect': 'nowhere.invalid:80'"));
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: in (tcp, producer): cannot look up nowhere.invalid: ");
}
END_TEST

START_TEST (producer_connects_to_a_name)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (READ ("'connect': 'localhost:%u'"), at);
  int fd = take_one (server);
  say (fd, "hello\n");
  close (fd);
  EXPECT_STATUS (0, finish ());
  expect_contents ("out", "hello\n");
  close (server);
}
END_TEST

START_TEST (connect_timeout)
{
  guint16 at = 0;
  int filling[3], server = full_server (&at, filling);
  RUNF (READ ("'connect': '127.0.0.1:%u', 'connect_timeout': '200ms'"), at);
  EXPECT_STATUS (1, finish ());
  g_autofree char *wanted = g_strdup_printf (
    "weir: in (tcp, producer): cannot connect to 127.0.0.1:%u: no answer within 0.2 s", at);
  expect_first (wanted);
  for (guint i = 0; i < 3; i++) {
    close (filling[i]);
  }
  close (server);
}
END_TEST

START_TEST (stop_while_connecting)
{
  guint16 at = 0;
  int filling[3], server = full_server (&at, filling);
  RUNF ("{'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0'},"
        "               'other': {'plugin': 'tcp', 'connect': '127.0.0.1:%u'}},"
        " 'consumers': {'out': {'plugin': 'tcp', 'from': ['in', 'other'], 'connect': '127.0.0.1:%u'}}}",
        at, at);
  port (0);
  EXPECT_STATUS (0, stop ());
  for (guint i = 0; i < 3; i++) {
    close (filling[i]);
  }
  close (server);
}
END_TEST

START_TEST (producer_is_reset)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (READ ("'connect': '127.0.0.1:%u'"), at);
  int fd = take_one (server);
  say (fd, "hello\n");
  await_contents ("out", "hello\n");
  reset (fd);
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: in (tcp, producer): Connection reset by peer\n");
  close (server);
}
END_TEST

START_TEST (producer_idle_timeout)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (READ ("'connect': '127.0.0.1:%u', 'idle_timeout': '50ms'"), at);
  int fd = take_one (server);
  expect_end (fd);
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: in (tcp, producer): the peer has neither sent nor taken anything for 0.05 s\n");
  close (fd);
  close (server);
}
END_TEST

START_TEST (producer_reconnects)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (READ ("'connect': '127.0.0.1:%u', 'reconnect': true"), at);
  for (guint i = 0; i < 3; i++) {
    int fd = take_one (server);
    say (fd, i == 0 ? "one\n" : i == 1 ? "two\n" : "three\n");
    if (i == 1) {
      g_autofree char *both = g_strdup ("one\ntwo\n");
      await_contents ("out", both);
      reset (fd);
    } else {
      close (fd);
    }
  }
  await_contents ("out", "one\ntwo\nthree\n");
  EXPECT_STATUS (0, stop ());
  close (server);
}
END_TEST

/* ---- the consumer ---- */

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

/* ---- the duplex transform ---- */

START_TEST (transform_sends_and_emits_the_answer)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (ASK ("'connect': '127.0.0.1:%u'", "'plugin': 'generate', 'text': 'ask {seq}', 'count': 2"), at);
  int fd = take_one (server);
  GString *asked = hear_all (fd); /* the end of the input is a half-close */
  ck_assert_str_eq (asked->str, "ask 0\nask 1\n");
  g_string_free (asked, TRUE);
  say (fd, "answer");
  close (fd);
  EXPECT_STATUS (0, finish ());
  expect_contents ("out", "answer");
  close (server);
}
END_TEST

START_TEST (end_of_the_output_leaves_the_input)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (ASK ("'connect': '127.0.0.1:%u'", "'plugin': 'tcp', 'listen': '127.0.0.1:0', 'log': 'info'"), at);
  int in = connect_to (port (0)), fd = take_one (server);
  say (fd, "that is all");
  shutdown (fd, SHUT_WR);
  await_contents ("out", "that is all");
  say (in, "and this too");
  expect_heard (fd, "and this too");
  close (in);
  kill (bed.pid, SIGTERM);
  expect_end (fd);
  EXPECT_STATUS (0, finish ());
  close (fd);
  close (server);
}
END_TEST

/* Each side writes all of it before it reads any: halves that hold up each other come to a standstill here. */
static void
write_before_reading (gboolean half_close)
{
  enum { MIB = 64 };
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (ASK ("'connect': '127.0.0.1:%u'", "'plugin': 'generate', 'size': 1048575, 'count': 64"), at);
  int fd = take_one (server);
  g_autofree char *bytes = g_malloc (1024 * 1024 + 1);
  memset (bytes, 'b', 1024 * 1024);
  bytes[1024 * 1024] = '\0';
  for (guint i = 0; i < MIB; i++) {
    say (fd, bytes);
  }
  if (half_close) {
    shutdown (fd, SHUT_WR);
  }
  GString *all = hear_all (fd);
  ck_assert_uint_eq (all->len, MIB * 1024 * 1024);
  g_string_free (all, TRUE);
  close (fd);
  EXPECT_STATUS (0, finish ());
  GStatBuf status;
  ck_assert_int_eq (g_stat ("out", &status), 0);
  ck_assert_int_eq (status.st_size, MIB * 1024 * 1024);
  close (server);
}

START_TEST (both_sides_write_before_either_reads)
{
  write_before_reading (FALSE);
}
END_TEST

START_TEST (both_sides_write_before_either_reads_and_one_half_closes)
{
  write_before_reading (TRUE);
}
END_TEST

START_TEST (transform_is_refused)
{
  int keeper;
  guint16 at = closed_port (&keeper);
  RUNF (ASK ("'connect': '127.0.0.1:%u'", "'plugin': 'generate', 'count': 1"), at);
  EXPECT_STATUS (1, finish ());
  g_autofree char *wanted = g_strdup_printf (
    "weir: ask (tcp, transform): cannot connect to 127.0.0.1:%u: Connection refused", at);
  expect_first (wanted);
  close (keeper);
}
END_TEST

START_TEST (transform_is_reset)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (ASK ("'connect': '127.0.0.1:%u'", "'plugin': 'tcp', 'listen': '127.0.0.1:0'"), at);
  int fd = take_one (server);
  say (fd, "hello");
  await_contents ("out", "hello");
  reset (fd);
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: ask (tcp, transform): Connection reset by peer\n");
  close (server);
}
END_TEST

START_TEST (transform_writes_to_one_who_has_gone)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (ASK ("'connect': '127.0.0.1:%u'", "'plugin': 'tcp', 'listen': '127.0.0.1:0'"), at);
  int in = connect_to (port (0)), fd = take_one (server);
  close (fd);
  /* The first one is answered with a reset, which the next one meets. */
  while (send (in, "hello\n", 6, MSG_NOSIGNAL) == 6) {
    g_usleep (1000);
  }
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: ask (tcp, transform): the peer has closed the connection\n");
  close (in);
  close (server);
}
END_TEST

START_TEST (transform_idle_timeout)
{
  guint16 at = 0;
  int server = serve (&at, 1);
  RUNF (ASK ("'connect': '127.0.0.1:%u', 'idle_timeout': '50ms'", "'plugin': 'tcp', 'listen': '127.0.0.1:0'"), at);
  int fd = take_one (server);
  expect_end (fd);
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: ask (tcp, transform): the peer has neither sent nor taken anything for 0.05 s\n");
  close (fd);
  close (server);
}
END_TEST

/* ---- what cannot be ---- */

static const struct {
  const char *json, *message;
} bad[] = {
  { SEND ("'delimiter': ''", "1"),
    "consumers.out: expected an address to connect to (connect) or to listen at (listen)\n" },
  { SEND ("'connect': 'a:1', 'listen': '*:1'", "1"),
    "consumers.out.connect: found together with listen, expected one of them\n" },
  { SEND ("'connect': 'a'", "1"),
    "consumers.out.connect: found \"a\", expected host:port or [IPv6]:port with a port from 1 to 65535\n" },
  { SEND ("'listen': 'a'", "1"),
    "consumers.out.listen: found \"a\", expected host:port or [IPv6]:port, *:port or systemd:NAME\n" },
  { ASK ("'connect': ':80'", "'plugin': 'generate'"),
    "transforms.ask.connect: found \":80\", expected host:port or [IPv6]:port with a port from 1 to 65535\n" },
  { ASK ("'delimiter': ''", "'plugin': 'generate'"), "transforms.ask: missing key \"connect\" (" },
};

START_TEST (options_that_check_refuses)
{
  run_command ("check", bad[_i].json);
  EXPECT_STATUS (2, finish ());
  expect_said (bad[_i].message);
}
END_TEST

int
main (void)
{
  const Case cases[] = { producer_reads_until_the_peer_ends,
                         producer_is_refused,
                         producer_of_a_name_that_does_not_resolve,
                         producer_connects_to_a_name,
                         connect_timeout,
                         stop_while_connecting,
                         producer_is_reset,
                         producer_idle_timeout,
                         producer_reconnects,
                         consumer_sends_all_and_half_closes,
                         delimiters,
                         consumer_waits_for_a_server_that_is_not_there_yet,
                         consumer_without_reconnect_is_refused,
                         consumer_without_reconnect_loses_its_peer,
                         consumer_reconnects_and_loses_nothing,
                         new_connection_begins_with_a_whole_record,
                         consumer_leaves_a_peer_that_takes_nothing,
                         consumer_takes_no_offence_at_what_the_peer_sends,
                         transform_sends_and_emits_the_answer,
                         end_of_the_output_leaves_the_input,
                         both_sides_write_before_either_reads,
                         both_sides_write_before_either_reads_and_one_half_closes,
                         transform_is_refused,
                         transform_is_reset,
                         transform_writes_to_one_who_has_gone,
                         transform_idle_timeout };
  const Looped loops[] = { { options_that_check_refuses, G_N_ELEMENTS (bad) } };
  return run_cases ("net-connect", cases, G_N_ELEMENTS (cases), loops, G_N_ELEMENTS (loops));
}
