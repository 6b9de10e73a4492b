/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer of plugins/tcp.c with `listen`, in the real program: everybody who is connected gets every record, and who is slow is
 * waited for, or loses records alone. The test is the peers, and feeds the pipeline too. */
#include "net-bed.h"

/* What is said to the first address is heard from the second. */
#define PASS(options) \
  "{'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0'}}," \
  " 'transforms': {'lines': {'plugin': 'lines', 'from': 'in'}}," \
  " 'consumers': {'out': {'plugin': 'tcp', 'from': 'lines', 'listen': '127.0.0.1:0' " options "}}}"

/* A peer that is known to be one of the audience: it has heard a record of its own. */
static int
join (guint16 at, int in, const char *text)
{
  int fd = connect_to (at);
  say (in, text);
  expect_heard (fd, text);
  return fd;
}

static char *
numbered (guint from, guint to, guint size)
{
  GString *text = g_string_new (NULL);
  for (guint i = from; i < to; i++) {
    gsize begin = text->len;
    g_string_append_printf (text, "%u ", i);
    while (text->len - begin < size - 1) {
      g_string_append_c (text, 'x');
    }
    g_string_append_c (text, '\n');
  }
  return g_string_free (text, FALSE);
}

/* ---- everybody keeps up ---- */

START_TEST (every_peer_gets_every_record)
{
  run (PASS (""));
  int in = connect_to (port_of ("in"));
  int one = join (port_of ("out"), in, "first\n");
  int two = connect_to (port_of ("out"));
  /* From when it came, which is not known: a record that both get. */
  for (char byte = 0; recv (two, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;) {
    say (in, "again\n");
    expect_heard (one, "again\n");
  }
  say (in, "last\n");
  expect_heard (one, "last\n");
  close (in);
  kill (bed.pid, SIGTERM);
  GString *all = hear_all (two);
  ck_assert (g_str_has_suffix (all->str, "again\nlast\n"));
  g_string_free (all, TRUE);
  expect_end (one);
  EXPECT_STATUS (0, finish ());
  expect_said ("out: connections 2\n");
  close (one);
  close (two);
}
END_TEST

START_TEST (records_wait_for_a_peer)
{
  run (PASS (""));
  int in = connect_to (port_of ("in"));
  say (in, "one\ntwo\n");
  int out = connect_to (port_of ("out"));
  expect_heard (out, "one\ntwo\n");
  close (out);
  await_said ("the peer has closed the connection\n");
  say (in, "three\n");
  out = connect_to (port_of ("out"));
  expect_heard (out, "three\n");
  close (out);
  close (in);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (records_without_a_peer_are_dropped)
{
  run ("{'producers': {'in': {'plugin': 'tcp', 'listen': '127.0.0.1:0'}},"
       " 'transforms': {'lines': {'plugin': 'lines', 'from': 'in'}},"
       " 'consumers': {'out': {'plugin': 'tcp', 'from': 'lines', 'listen': '127.0.0.1:0', 'no_peer': 'drop'},"
       "               'seen': {'plugin': 'file', 'from': 'lines', 'path': 'seen'}}}");
  int in = connect_to (port_of ("in"));
  say (in, "one\ntwo\n");
  await_contents ("seen", "one\ntwo\n");
  EXPECT_STATUS (0, stop ());
  expect_said ("out: dropped 2\n");
  close (in);
}
END_TEST

START_TEST (next_peer_goes_on_where_the_last_one_left)
{
  run ("{'producers': {'in': {'plugin': 'generate', 'text': '{seq}', 'count': 300000}},"
       " 'consumers': {'out': {'plugin': 'tcp', 'from': 'in', 'listen': '127.0.0.1:0', 'send_buffer': 4096}}}");
  int one = connect_to (port_of ("out"));
  expect_heard (one, "0\n1\n2\n");
  reset (one);
  int two = connect_to (port_of ("out"));
  GString *all = hear_all (two);
  EXPECT_STATUS (0, finish ());
  /* Whole records, in order, up to the last. */
  const char *at = all->str;
  guint64 next = g_ascii_strtoull (at, NULL, 10);
  for (; *at != '\0'; next++) {
    char *end;
    ck_assert_uint_eq (g_ascii_strtoull (at, &end, 10), next);
    ck_assert_int_eq (*end, '\n');
    at = end + 1;
  }
  ck_assert_uint_eq (next, 300000);
  g_string_free (all, TRUE);
  close (two);
}
END_TEST

/* With `pause` a peer that does not read holds up the others, and what feeds them. */
START_TEST (slow_peer_holds_up_all)
{
  run (PASS (""));
  int in = connect_to (port_of ("in")), slow = join (port_of ("out"), in, "slow\n"),
      fast = connect_to (port_of ("out"));
  g_autofree char *piece = numbered (0, 1000, 100);
  struct pollfd polled = { in, POLLOUT, 0 };
  gsize sent = 0;
  char heard[65536];
  while (poll (&polled, 1, 300) == 1) {
    ssize_t count = send (in, piece, 100000, MSG_NOSIGNAL | MSG_DONTWAIT);
    sent += count > 0 ? (gsize) count : 0;
    ck_assert_uint_lt (sent, 64 * 1024 * 1024);
    while (recv (fast, heard, sizeof (heard), MSG_DONTWAIT) > 0) {}
  }
  close (in);
  close (slow); /* and then it goes on */
  kill (bed.pid, SIGTERM);
  GString *all = hear_all (fast);
  ck_assert_uint_gt (all->len, 0);
  g_string_free (all, TRUE);
  EXPECT_STATUS (0, finish ());
  close (fast);
}
END_TEST

START_TEST (peer_that_takes_nothing_is_closed)
{
  run ("{'engine': {'shutdown': '10ms'},"
       " 'producers': {'in': {'plugin': 'generate', 'size': 1000}},"
       " 'consumers': {'out': {'plugin': 'tcp', 'from': 'in', 'listen': '127.0.0.1:0', 'idle_timeout': '100ms'}}}");
  int fd = connect_to (port_of ("out"));
  await_said ("it has taken nothing for 0.1 s\n");
  EXPECT_STATUS (3, stop ());
  expect_said ("out: connections 1, idle 1\n");
  close (fd);
}
END_TEST

/* ---- each for itself ---- */

enum { RECORDS = 20000, SIZE = 1000 };

/* One peer reads nothing until all is out, another all. Answers what the slow one then hears. */
static GString *
feed_slow_and_fast (const char *when_full, int *slow_peer)
{
  RUNF (PASS (", 'send_buffer': '16KiB', 'peer_queue': '256KiB', 'when_full': '%s'"), when_full);
  int in = connect_to (port_of ("in"));
  int slow = join (port_of ("out"), in, "slow\n");
  int fast = connect_to (port_of ("out"));
  for (char byte = 0; recv (fast, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;) {
    say (in, "both\n");
    expect_heard (slow, "both\n");
  }
  say (in, "begin\n");
  /* The fast one is never behind by more than the queue that it has. */
  guint heard = 0;
  gboolean begun = FALSE;
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < RECORDS; i += 50) {
    g_autofree char *piece = numbered (i, i + 50, SIZE);
    say (in, piece);
    while (heard < i + 50) {
      char some[65536];
      ssize_t count = recv (fast, some, sizeof (some), 0);
      ck_assert_int_gt (count, 0);
      g_string_append_len (text, some, count);
      const char *begin = begun ? NULL : strstr (text->str, "begin\n");
      if (begin != NULL) {
        g_string_erase (text, 0, begin + 6 - text->str);
        begun = TRUE;
      }
      while (begun && text->len >= SIZE) {
        ck_assert_uint_eq (g_ascii_strtoull (text->str, NULL, 10), heard++);
        g_string_erase (text, 0, SIZE);
      }
    }
  }
  g_string_free (text, TRUE);
  close (in);
  close (fast);
  *slow_peer = slow;
  kill (bed.pid, SIGTERM);
  return hear_all (slow);
}

/* The numbers of the records; those of two neighbours in a row of them grow. */
static guint
check_slow (GString *text, guint *first_number, guint *last_number)
{
  const char *at = strstr (text->str, "begin\n");
  ck_assert_ptr_nonnull (at);
  guint count = 0;
  for (at += 6; *at != '\0'; count++) {
    guint number = (guint) g_ascii_strtoull (at, NULL, 10);
    ck_assert_msg (count == 0 || number > *last_number, "%u behind %u", number, *last_number);
    *first_number = count == 0 ? number : *first_number;
    *last_number = number;
    const char *end = strchr (at, '\n');
    ck_assert_ptr_nonnull (end);
    ck_assert_int_eq (end - at, SIZE - 1);
    at = end + 1;
  }
  return count;
}

START_TEST (slow_peer_loses_the_oldest)
{
  guint first = 0, last = 0;
  int slow;
  GString *text = feed_slow_and_fast ("drop_oldest", &slow);
  guint count = check_slow (text, &first, &last);
  ck_assert_uint_eq (last, RECORDS - 1);
  EXPECT_STATUS (0, finish ());
  g_autofree char *wanted = g_strdup_printf ("out: connections 2, dropped %u\n", RECORDS - count);
  expect_said (wanted);
  expect_said (" is too slow: it does not get the oldest records\n");
  g_string_free (text, TRUE);
  close (slow);
}
END_TEST

START_TEST (slow_peer_loses_the_newest)
{
  guint first = 1, last = 0;
  int slow;
  GString *text = feed_slow_and_fast ("drop_newest", &slow);
  guint count = check_slow (text, &first, &last);
  ck_assert_uint_eq (first, 0);
  ck_assert_uint_lt (last, RECORDS - 1);
  EXPECT_STATUS (0, finish ());
  g_autofree char *wanted = g_strdup_printf ("out: connections 2, dropped %u\n", RECORDS - count);
  expect_said (wanted);
  expect_said (" is too slow: it does not get the newest records\n");
  g_string_free (text, TRUE);
  close (slow);
}
END_TEST

START_TEST (slow_peer_is_disconnected)
{
  int slow;
  GString *text = feed_slow_and_fast ("disconnect", &slow);
  EXPECT_STATUS (0, finish ());
  expect_said (" is too slow: closed\n");
  ck_assert_ptr_nonnull (strstr (text->str, "begin\n"));
  g_string_free (text, TRUE);
  close (slow);
}
END_TEST

START_TEST (all_that_is_queued_is_sent_before_the_end)
{
  run ("{'producers': {'in': {'plugin': 'generate', 'text': '{seq}', 'count': 100000}},"
       " 'consumers': {'out': {'plugin': 'tcp', 'from': 'in', 'listen': '127.0.0.1:0', 'send_buffer': 4096,"
       "                       'when_full': 'drop_newest', 'peer_queue': '16MiB'}}}");
  int fd = connect_to (port_of ("out"));
  GString *all = hear_all (fd);
  ck_assert (g_str_has_suffix (all->str, "\n99999\n"));
  ck_assert_uint_eq (all->len, 588890);
  g_string_free (all, TRUE);
  EXPECT_STATUS (0, finish ());
  close (fd);
}
END_TEST

START_TEST (what_peers_send_is_thrown_away)
{
  run (PASS (""));
  int in = connect_to (port_of ("in")), out = join (port_of ("out"), in, "hello\n");
  g_autofree char *noise = g_malloc0 (1000001);
  memset (noise, 'x', 1000000);
  for (guint i = 0; i < 10; i++) {
    say (out, noise);
  }
  say (in, "there\n");
  expect_heard (out, "there\n");
  close (in);
  close (out);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (address_in_use)
{
  guint16 at = 0;
  int server = serve (&at, 10);
  RUNF ("{'producers': {'in': {'plugin': 'generate'}},"
        " 'consumers': {'out': {'plugin': 'tcp', 'from': 'in', 'listen': '127.0.0.1:%u'}}}",
        at);
  EXPECT_STATUS (1, finish ());
  g_autofree char *wanted = g_strdup_printf (
    "weir: out (tcp, consumer): cannot listen on 127.0.0.1:%u: Address already in use", at);
  expect_first (wanted);
  close (server);
}
END_TEST

int
main (void)
{
  const Case cases[] = { every_peer_gets_every_record,
                         records_wait_for_a_peer,
                         records_without_a_peer_are_dropped,
                         next_peer_goes_on_where_the_last_one_left,
                         slow_peer_holds_up_all,
                         peer_that_takes_nothing_is_closed,
                         slow_peer_loses_the_oldest,
                         slow_peer_loses_the_newest,
                         slow_peer_is_disconnected,
                         all_that_is_queued_is_sent_before_the_end,
                         what_peers_send_is_thrown_away,
                         address_in_use };
  return run_cases ("net-audience", cases, G_N_ELEMENTS (cases), NULL, 0);
}
