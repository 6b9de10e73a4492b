/* SPDX-License-Identifier: Apache-2.0 */
/* The transform of plugins/tcp.c, in the real program: it sends what comes in and emits what is answered. The test is the server. */
#include "net-servers.h"

#define ASK(options, producer) \
  "{'producers': {'in': {" producer "}}," \
  " 'transforms': {'ask': {'plugin': 'tcp', 'from': 'in', " options "}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'ask'}}}"

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

int
main (void)
{
  const Case cases[] = { transform_sends_and_emits_the_answer,
                         end_of_the_output_leaves_the_input,
                         both_sides_write_before_either_reads,
                         both_sides_write_before_either_reads_and_one_half_closes,
                         transform_is_refused,
                         transform_is_reset,
                         transform_writes_to_one_who_has_gone,
                         transform_idle_timeout };
  return run_cases ("net-duplex", cases, G_N_ELEMENTS (cases), NULL, 0);
}
