/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/tcp.c, unix.c and udp.c in a harness, with sockets of the test's around it: one thread is both sides, so what is said and what
 * must not come is known to the record. How they do in the whole program, and under faults, is in test-net-*.c. */
#include "plugin-run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char *folder;

static void
set_up_net (void)
{
  signal (SIGPIPE, SIG_IGN);
  folder = g_dir_make_tmp ("weir-XXXXXX", NULL);
  ck_assert_int_eq (chdir (folder), 0);
}

static void
tear_down_net (void)
{
  g_clear_pointer (&harness, weir_harness_free);
  g_unlink ("socket");
  ck_assert_int_eq (chdir ("/"), 0);
  ck_assert_int_eq (g_rmdir (folder), 0);
  g_free (folder);
}

/* ---- sockets of the test's ---- */

typedef union {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_un un;
} Address;

static socklen_t
loopback (Address *address, guint16 port)
{
  *address = (Address){
    .in = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) }
  };
  return sizeof address->in;
}

static socklen_t
at_path (Address *address)
{
  *address = (Address){ .un = { .sun_family = AF_UNIX, .sun_path = "socket" } };
  return sizeof address->un;
}

static int
make_socket (int domain, int type)
{
  int fd = socket (domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  ck_assert_int_ge (fd, 0);
  return fd;
}

/* Bound, and listening where it is of streams; the port of an internet socket is left in *port. */
static int
serve (int type, guint16 *port)
{
  Address address;
  socklen_t size = port != NULL ? loopback (&address, *port) : at_path (&address);
  int fd = make_socket (address.any.sa_family, type);
  ck_assert_msg (bind (fd, &address.any, size) == 0, "bind: %s", g_strerror (errno));
  ck_assert (type != SOCK_STREAM || listen (fd, 4) == 0);
  if (port != NULL) {
    ck_assert_int_eq (getsockname (fd, &address.any, &size), 0);
    *port = ntohs (address.in.sin_port);
  }
  return fd;
}

/* Connected: a stream's connection is made by the kernel at once, as both are of this host. */
static int
reach (int type, guint16 port)
{
  Address address;
  socklen_t size = port != 0 ? loopback (&address, port) : at_path (&address);
  int fd = make_socket (address.any.sa_family, type);
  ck_assert_msg (connect (fd, &address.any, size) == 0 || errno == EINPROGRESS, "connect: %s", g_strerror (errno));
  return fd;
}

static void
say (int fd, const char *text)
{
  ck_assert_int_eq (send (fd, text, strlen (text), MSG_NOSIGNAL), (ssize_t) strlen (text));
}

typedef struct {
  int fd;
  GString *heard;
  const char *wanted; /* NULL: up to the end */
} Ear;

static gboolean
has_heard (G_GNUC_UNUSED WeirHarness *of, gpointer data)
{
  Ear *ear = data;
  char bytes[4096];
  for (ssize_t got; (got = recv (ear->fd, bytes, sizeof bytes, 0)) >= 0;) {
    if (got == 0) {
      return ear->wanted == NULL;
    }
    g_string_append_len (ear->heard, bytes, got);
  }
  return ear->wanted != NULL && ear->heard->len >= strlen (ear->wanted);
}

static void
expect_heard (int fd, const char *wanted)
{
  g_autoptr (GString) heard = g_string_new (NULL);
  ck_assert_msg (weir_harness_wait_until (harness, has_heard, &(Ear){ fd, heard, wanted }), "heard \"%s\"; %s",
                 heard->str, weir_harness_log (harness));
  ck_assert_str_eq (heard->str, wanted);
}

static void
expect_end_heard (int fd)
{
  g_autoptr (GString) heard = g_string_new (NULL);
  ck_assert (weir_harness_wait_until (harness, has_heard, &(Ear){ fd, heard, NULL }));
  ck_assert_str_eq (heard->str, "");
}

typedef struct {
  int server, fd;
} Door;

static gboolean
has_come (G_GNUC_UNUSED WeirHarness *of, gpointer data)
{
  Door *door = data;
  door->fd = accept4 (door->server, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  return door->fd >= 0;
}

static int
take_one (int server)
{
  Door door = { server, -1 };
  ck_assert_msg (weir_harness_wait_until (harness, has_come, &door), "nobody connects; %s", weir_harness_log (harness));
  return door.fd;
}

static gboolean
is_listening (WeirHarness *of, G_GNUC_UNUSED gpointer data)
{
  return strstr (weir_harness_log (of), "listening on ") != NULL;
}

/* Starts it; answers the port that it listens at. */
static guint16
start_listening (void)
{
  ck_assert_msg (weir_harness_start (harness), "%s", weir_harness_error (harness));
  ck_assert (weir_harness_wait_until (harness, is_listening, NULL));
  const char *said = strstr (weir_harness_log (harness), "listening on ");
  const char *colon = strchr (said, ':');
  return colon != NULL ? (guint16) g_ascii_strtoull (colon + 1, NULL, 10) : 0;
}

static void
make_connecting (const char *plugin, WeirHarnessKind kind, guint16 port, const char *more)
{
  g_autofree char *json = port != 0 ? g_strdup_printf ("{\"connect\": \"127.0.0.1:%u\"%s}", port, more)
                                    : g_strdup_printf ("{\"connect\": \"socket\"%s}", more);
  make_stage (plugin, kind, json, 16);
  weir_harness_set_live (harness, TRUE); /* it asks the kernel again and again what is still on its way */
}

/* _i: tcp or unix. */
static const char *const plugins[] = { "tcp", "unix" };
static const char *const listens[] = { "{\"listen\": \"127.0.0.1:0\"}", "{\"listen\": \"socket\"}" };

static int
serve_of (int i, guint16 *port)
{
  return serve (SOCK_STREAM, i == 0 ? port : NULL);
}

/* ---- streams ---- */

START_TEST (a_listening_producer_has_a_stream_for_each_peer)
{
  make_stage (plugins[_i], WEIR_HARNESS_PRODUCER, listens[_i], 4096);
  guint16 port = start_listening ();
  int one = reach (SOCK_STREAM, port);
  say (one, "from one");
  ck_assert (weir_harness_wait_count (harness, NULL, 1));
  int two = reach (SOCK_STREAM, port);
  say (two, "from two");
  ck_assert (weir_harness_wait_count (harness, NULL, 2));
  say (one, "one again");
  ck_assert (weir_harness_wait_count (harness, NULL, 3));
  ck_assert_str_eq (weir_harness_streams (harness, NULL), "1 2 1");
  weir_harness_expect_output (harness, NULL, "from one~|from two~|one again~|");
  weir_harness_stop (harness);
  ck_assert (weir_harness_wait_closed (harness));
  ck_assert_uint_eq (weir_harness_counter (harness, "connections"), 2);
  weir_harness_expect_error (harness, NULL);
  close (one);
  close (two);
}
END_TEST

START_TEST (a_paused_producer_does_not_read)
{
  guint16 port = 0;
  int server = serve_of (_i, &port);
  make_connecting (plugins[_i], WEIR_HARNESS_PRODUCER, _i == 0 ? port : 0, ", \"chunk\": 1");
  weir_harness_allow (harness, NULL, 0);
  weir_harness_start (harness);
  int fd = take_one (server);
  g_autofree char *text = g_strnfill (100, 'x');
  say (fd, text);
  weir_harness_set_patience (harness, 50000);
  ck_assert (!weir_harness_wait_count (harness, NULL, 1));
  ck_assert (weir_harness_is_paused (harness));
  ck_assert_uint_eq (weir_harness_link_figure (harness, NULL, "in"), 16);
  weir_harness_set_patience (harness, 30 * G_USEC_PER_SEC);
  weir_harness_allow (harness, NULL, G_MAXSIZE);
  ck_assert (weir_harness_wait_count (harness, NULL, 100));
  close (fd);
  finish ();
  expect_done ();
  ck_assert_str_eq (weir_harness_bytes (harness, NULL, NULL), text);
  close (server);
}
END_TEST

START_TEST (a_consumer_sends_all_and_half_closes)
{
  guint16 port = 0;
  int server = serve_of (_i, &port);
  make_connecting (plugins[_i], WEIR_HARNESS_CONSUMER, _i == 0 ? port : 0, "");
  weir_harness_push_text (harness, "one");
  weir_harness_push_line (harness, "two");
  weir_harness_start (harness);
  int fd = take_one (server);
  expect_heard (fd, "one\ntwo\n");
  weir_harness_end (harness);
  expect_end_heard (fd);
  close (fd);
  finish ();
  expect_done ();
  ck_assert_uint_eq (count_taken (), 2);
  close (server);
}
END_TEST

START_TEST (a_peer_that_does_not_read_holds_up_what_feeds)
{
  guint16 port = 0;
  int server = serve_of (_i, &port);
  make_connecting (plugins[_i], WEIR_HARNESS_CONSUMER, _i == 0 ? port : 0, "");
  g_autofree char *large = g_strnfill (100000, 'x');
  for (guint i = 0; i < 200; i++) {
    weir_harness_push_text (harness, large);
  }
  weir_harness_start (harness);
  int fd = take_one (server);
  weir_harness_set_patience (harness, 100000);
  ck_assert (!weir_harness_wait_closed (harness));
  ck_assert (weir_harness_feed_is_paused (harness));
  ck_assert_uint_gt (weir_harness_backlog (harness), 0);
  weir_harness_halt (harness);
  weir_harness_expect_state (harness, "closed");
  close (fd);
  close (server);
}
END_TEST

START_TEST (a_duplex_stage_asks_and_is_answered)
{
  guint16 port = 0;
  int server = serve_of (_i, &port);
  make_connecting (plugins[_i], WEIR_HARNESS_TRANSFORM, _i == 0 ? port : 0, "");
  weir_harness_start (harness);
  weir_harness_push_line (harness, "question");
  int fd = take_one (server);
  expect_heard (fd, "question\n");
  say (fd, "answer");
  ck_assert (weir_harness_wait_count (harness, NULL, 1));
  weir_harness_expect_output (harness, NULL, "answer~|");
  weir_harness_end (harness);
  expect_end_heard (fd);
  say (fd, "the rest");
  close (fd);
  finish ();
  expect ("the rest~|");
  close (server);
}
END_TEST

/* ---- a lost connection ---- */

START_TEST (a_server_that_is_not_there_yet_is_tried_again)
{
  guint16 port = 0;
  close (serve (SOCK_STREAM, &port));
  make_connecting ("tcp", WEIR_HARNESS_CONSUMER, port, "");
  weir_harness_push_text (harness, "late");
  weir_harness_start (harness);
  int keeper = make_socket (AF_INET, SOCK_STREAM), yes = 1;
  setsockopt (keeper, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  Address address;
  socklen_t size = loopback (&address, port);
  ck_assert_int_eq (bind (keeper, &address.any, size), 0);
  while (strstr (weir_harness_log (harness), "trying again") == NULL) {
    weir_harness_set_patience (harness, 1000);
    weir_harness_wait_closed (harness);
  }
  g_autofree char *wanted = g_strdup_printf (
    "warning: cannot connect to 127.0.0.1:%u: Connection refused; trying again\n", port);
  ck_assert_str_eq (weir_harness_log (harness), wanted);
  weir_harness_set_patience (harness, 30 * G_USEC_PER_SEC);
  ck_assert_int_eq (listen (keeper, 1), 0);
  int fd = take_one (keeper);
  expect_heard (fd, "late\n");
  close (fd);
  close (keeper);
  weir_harness_halt (harness);
}
END_TEST

START_TEST (idle_peers_are_let_go_by_the_clock)
{
  make_stage ("tcp", WEIR_HARNESS_PRODUCER, "{\"listen\": \"127.0.0.1:0\", \"idle_timeout\": \"1h\"}", 4096);
  int fd = reach (SOCK_STREAM, start_listening ());
  say (fd, "hello");
  ck_assert (weir_harness_wait_count (harness, NULL, 1));
  weir_harness_advance (harness, 3599 * (gint64) G_USEC_PER_SEC);
  char byte;
  ck_assert_int_eq (recv (fd, &byte, 1, 0), -1);
  ck_assert_int_eq (errno, EAGAIN);
  weir_harness_advance (harness, 3600 * (gint64) G_USEC_PER_SEC);
  expect_end_heard (fd);
  ck_assert_str_eq (weir_harness_streams (harness, NULL), "1 end(1)");
  close (fd);
  weir_harness_stop (harness);
}
END_TEST

/* ---- datagrams ---- */

START_TEST (udp_receives_datagrams_as_messages)
{
  make_stage ("udp", WEIR_HARNESS_PRODUCER, "{\"listen\": \"127.0.0.1:0\"}", 4096);
  int fd = reach (SOCK_DGRAM, start_listening ());
  say (fd, "one");
  say (fd, "two\n");
  ck_assert (weir_harness_wait_count (harness, NULL, 2));
  weir_harness_expect_output (harness, NULL, "one|two\\n|");
  weir_harness_stop (harness);
  weir_harness_expect_state (harness, "closed");
  close (fd);
}
END_TEST

/* _i: udp or unix. */
START_TEST (each_record_is_sent_as_a_datagram)
{
  guint16 port = 0;
  int fd = serve (SOCK_DGRAM, _i == 0 ? &port : NULL);
  make_connecting (_i == 0 ? "udp" : "unix", WEIR_HARNESS_CONSUMER, port, _i == 0 ? "" : ", \"type\": \"datagram\"");
  weir_harness_push_text (harness, "one");
  weir_harness_push_line (harness, "two");
  finish ();
  expect_done ();
  char text[16] = "";
  ck_assert_int_eq (recv (fd, text, sizeof text, 0), 3);
  ck_assert_str_eq (text, "one");
  ck_assert_int_ge (recv (fd, text, sizeof text, 0), 3);
  ck_assert_int_eq (recv (fd, text, sizeof text, 0), -1);
  close (fd);
}
END_TEST

START_TEST (bad_options_are_refused)
{
  expect_refused ("udp", WEIR_HARNESS_CONSUMER, "{}",
                  "missing key \"connect\" (Address to send to: HOST:PORT or [IPv6]:PORT)");
  expect_refused ("tcp", WEIR_HARNESS_TRANSFORM, "{}",
                  "missing key \"connect\" (Address to connect to: HOST:PORT or [IPv6]:PORT)");
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("net");
  tcase_add_checked_fixture (cases, set_up_net, tear_down_net);
  tcase_add_loop_test (cases, a_listening_producer_has_a_stream_for_each_peer, 0, 2);
  tcase_add_loop_test (cases, a_paused_producer_does_not_read, 0, 2);
  tcase_add_loop_test (cases, a_consumer_sends_all_and_half_closes, 0, 2);
  tcase_add_loop_test (cases, a_peer_that_does_not_read_holds_up_what_feeds, 0, 2);
  tcase_add_loop_test (cases, a_duplex_stage_asks_and_is_answered, 0, 2);
  tcase_add_test (cases, a_server_that_is_not_there_yet_is_tried_again);
  tcase_add_test (cases, idle_peers_are_let_go_by_the_clock);
  tcase_add_test (cases, udp_receives_datagrams_as_messages);
  tcase_add_loop_test (cases, each_record_is_sent_as_a_datagram, 0, 2);
  tcase_add_test (cases, bad_options_are_refused);
  return run_suite ("plugin-net", cases);
}
