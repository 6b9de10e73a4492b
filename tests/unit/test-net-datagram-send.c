/* SPDX-License-Identifier: Apache-2.0 */
/* Sending by plugins/udp.c, and plugins/unix.c with type datagram, in the real program: what becomes of records whose peer is away,
 * does not read, or cannot take one so large. The test is the peer. */
#include "datagram-bed.h"

#include <sys/stat.h>

/* The numbers below this one, a line each, in the file lines; and as datagrams in order. */
static void
write_numbers (guint count)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < count; i++) {
    g_string_append_printf (text, "%u\n", i);
  }
  write_lines (text->str);
}

static void
expect_numbers (int fd, guint count)
{
  for (guint i = 0; i < count; i++) {
    g_autofree char *wanted = g_strdup_printf ("%u", i);
    expect_datagram (fd, wanted);
  }
}

/* ---- udp: sending ---- */

START_TEST (a_record_is_a_datagram)
{
  guint16 number = 0;
  int fd = receive_at (&number);
  write_lines ("one\n\nthree");
  RUNF (SEND ("udp", "'connect': '127.0.0.1:%u'"), number);
  expect_datagram (fd, "one");
  expect_datagram (fd, "");
  expect_datagram (fd, "three");
  EXPECT_STATUS (0, finish ());
  close (fd);
}
END_TEST

START_TEST (many_records_in_order_to_a_name)
{
  /* The name may stand for either. */
  struct sockaddr_in6 address = { .sin6_family = AF_INET6 };
  int fd = socket (AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq (bind (fd, (struct sockaddr *) &address, sizeof (address)), 0);
  guint16 number = own_port (fd);
  be_patient (fd);
  write_numbers (200);
  RUNF (SEND ("udp", "'connect': 'localhost:%u'"), number);
  expect_numbers (fd, 200);
  EXPECT_STATUS (0, finish ());
  close (fd);
}
END_TEST

START_TEST (nobody_listening_is_counted_and_no_failure)
{
  guint16 number = 0;
  close (receive_at (&number));
  write_numbers (100);
  RUNF (SEND ("udp", "'connect': '127.0.0.1:%u'"), number);
  EXPECT_STATUS (0, finish ());
  expect_said ("out: unheard ");
}
END_TEST

START_TEST (a_record_that_is_too_long_is_rejected)
{
  guint16 number = 0;
  int fd = receive_at (&number);
  g_autofree char *large = g_strnfill (65508, 'x'), *text = g_strdup_printf ("one\n%s\nthree\n", large);
  write_lines (text);
  RUNF ("{'producers': {'file': {'plugin': 'file', 'path': 'lines'}},"
        " 'transforms': {'line': {'plugin': 'lines', 'from': 'file'},"
        "                'why': {'plugin': 'format', 'from': 'out.rejected', 'text': '{reason}'}},"
        " 'consumers': {'out': {'plugin': 'udp', 'from': 'line', 'connect': '127.0.0.1:%u'},"
        "               'bad': {'plugin': 'file', 'path': 'bad', 'from': 'why'}}}",
        number);
  expect_datagram (fd, "one");
  expect_datagram (fd, "three");
  EXPECT_STATUS (0, finish ());
  g_autofree char *reason = g_strdup_printf ("65508 bytes are too many for a datagram to 127.0.0.1:%u\n", number);
  expect_contents ("bad", reason);
  close (fd);
}
END_TEST

START_TEST (a_record_that_is_too_long_fails_where_nobody_takes_it)
{
  g_autofree char *large = g_strnfill (65508, 'x');
  write_lines (large);
  run (SEND ("udp", "'connect': '127.0.0.1:9'"));
  EXPECT_STATUS (1, finish ());
  expect_first (
    "weir: out (udp, consumer): rejected a record, and nobody takes out.rejected: 65508 bytes are too many for a "
    "datagram to 127.0.0.1:9");
}
END_TEST

START_TEST (a_name_that_does_not_resolve)
{
  write_lines ("one\n");
  run (SEND ("udp", "'connect': 'nobody.invalid:9'"));
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: out (udp, consumer): cannot send to nobody.invalid:9: ");
}
END_TEST

/* ---- unix ---- */

START_TEST (unix_datagrams_are_messages_of_their_process)
{
  run (SAID ("unix", "'type': 'datagram', 'listen': 'socket', 'mode': '0620'"));
  g_autofree char *address = listens_at (0);
  ck_assert_str_eq (address, "socket");
  GStatBuf status;
  ck_assert_int_eq (g_lstat ("socket", &status), 0);
  ck_assert_uint_eq (status.st_mode, S_IFSOCK | 0620);
  int unnamed = unix_socket (NULL, "socket"), named = unix_socket ("mine", "socket");
  send_bytes (unnamed, "one", 3);
  send_bytes (named, "two", 3);
  g_autofree char *wanted = g_strdup_printf ("pid %d: one\nmine: two\n", (int) getpid ());
  await_contents ("out", wanted);
  close (unnamed);
  close (named);
  EXPECT_STATUS (0, stop ());
  ck_assert_int_eq (g_lstat ("socket", &status), -1);
}
END_TEST

START_TEST (unix_datagrams_stay_apart)
{
  run (PLAIN ("unix", "'type': 'datagram', 'listen': 'socket'"));
  g_free (listens_at (0));
  int fd = unix_socket (NULL, "socket");
  send_bytes (fd, "one", 3);
  send_bytes (fd, "two\n", 4);
  await_contents ("out", "one\ntwo\n\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (unix_path_of_the_dead_is_taken_over)
{
  close (unix_socket ("socket", NULL));
  run (PLAIN ("unix", "'type': 'datagram', 'listen': 'socket'"));
  g_free (listens_at (0));
  int fd = unix_socket (NULL, "socket");
  send_bytes (fd, "one", 3);
  await_contents ("out", "one\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (unix_path_of_the_living_is_left_alone)
{
  int fd = unix_socket ("socket", NULL);
  run (PLAIN ("unix", "'type': 'datagram', 'listen': 'socket'"));
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (unix, producer): cannot listen on socket: Address already in use");
  close (unix_socket (NULL, "socket"));
  close (fd);
}
END_TEST

START_TEST (unix_records_are_sent)
{
  int fd = unix_socket ("peer", NULL);
  write_lines ("one\n\nthree");
  run (SEND ("unix", "'type': 'datagram', 'connect': 'peer'"));
  expect_datagram (fd, "one");
  expect_datagram (fd, "");
  expect_datagram (fd, "three");
  EXPECT_STATUS (0, finish ());
  close (fd);
}
END_TEST

START_TEST (unix_records_wait_for_a_peer_that_does_not_read)
{
  int fd = unix_socket ("peer", NULL);
  write_numbers (2000);
  run (SEND ("unix", "'type': 'datagram', 'connect': 'peer'"));
  expect_numbers (fd, 2000);
  EXPECT_STATUS (0, finish ());
  close (fd);
}
END_TEST

START_TEST (unix_records_wait_for_a_peer_that_is_away)
{
  write_lines ("one\ntwo\n");
  run (SEND ("unix", "'type': 'datagram', 'connect': 'peer'"));
  await_said (
    "weir: warning: out (unix, consumer): cannot send to peer: No such file or directory; trying again each second\n");
  int fd = unix_socket ("peer", NULL);
  expect_datagram (fd, "one");
  expect_datagram (fd, "two");
  EXPECT_STATUS (0, finish ());
  expect_said ("weir: out (unix, consumer): sending to peer again\n");
  close (fd);
}
END_TEST

START_TEST (unix_records_wait_for_a_peer_that_is_replaced)
{
  ck_assert_int_eq (mkfifo ("lines", 0600), 0);
  int fd = unix_socket ("peer", NULL);
  run (SEND ("unix", "'type': 'datagram', 'connect': 'peer'"));
  int lines = open ("lines", O_WRONLY | O_CLOEXEC);
  ck_assert_int_eq (write (lines, "one\n", 4), 4);
  expect_datagram (fd, "one");
  close (fd);
  ck_assert_int_eq (write (lines, "two\n", 4), 4);
  await_said ("cannot send to peer: Connection refused; trying again each second\n");
  ck_assert_int_eq (g_unlink ("peer"), 0);
  fd = unix_socket ("peer", NULL);
  expect_datagram (fd, "two");
  close (lines);
  EXPECT_STATUS (0, finish ());
  close (fd);
}
END_TEST

START_TEST (unix_record_that_is_too_long_is_rejected)
{
  int fd = unix_socket ("peer", NULL);
  g_autofree char *large = g_strnfill (8 * 1024 * 1024, 'x');
  write_lines (large);
  run ("{'producers': {'file': {'plugin': 'file', 'path': 'lines'}},"
       " 'transforms': {'line': {'plugin': 'lines', 'from': 'file', 'max': '16MiB'}},"
       " 'consumers': {'out': {'plugin': 'unix', 'type': 'datagram', 'from': 'line', 'connect': 'peer'}}}");
  EXPECT_STATUS (1, finish ());
  expect_first (
    "weir: out (unix, consumer): rejected a record, and nobody takes out.rejected: 8388608 bytes are too many for a "
    "datagram to peer");
  close (fd);
}
END_TEST

int
main (void)
{
  const Case cases[] = { a_record_is_a_datagram,
                         many_records_in_order_to_a_name,
                         nobody_listening_is_counted_and_no_failure,
                         a_record_that_is_too_long_is_rejected,
                         a_record_that_is_too_long_fails_where_nobody_takes_it,
                         a_name_that_does_not_resolve,
                         unix_datagrams_are_messages_of_their_process,
                         unix_datagrams_stay_apart,
                         unix_path_of_the_dead_is_taken_over,
                         unix_path_of_the_living_is_left_alone,
                         unix_records_are_sent,
                         unix_records_wait_for_a_peer_that_does_not_read,
                         unix_records_wait_for_a_peer_that_is_away,
                         unix_records_wait_for_a_peer_that_is_replaced,
                         unix_record_that_is_too_long_is_rejected };
  return run_cases ("net-datagram-send", cases, G_N_ELEMENTS (cases), NULL, 0);
}
