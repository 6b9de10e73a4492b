/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving by plugins/udp.c, in the real program: what comes from whom, what is too long, what the kernel drops, and what listening
 * cannot do; and the mistakes in the options of datagrams. The test is the peer. */
#include "datagram-bed.h"

#include <net/if.h>

/* ---- udp: who says what ---- */

START_TEST (a_datagram_is_a_message_tagged_with_its_peer)
{
  run (SAID ("udp", "'listen': '127.0.0.1:0'"));
  int one = send_to (port (0)), two = send_to (port (0));
  send_bytes (one, "a", 1);
  send_bytes (two, "b\n", 2);
  send_bytes (one, "c d", 3);
  g_autofree char *wanted = g_strdup_printf ("127.0.0.1:%u: a\n127.0.0.1:%u: b\n\n127.0.0.1:%u: c d\n", own_port (one),
                                             own_port (two), own_port (one));
  await_contents ("out", wanted);
  close (one);
  close (two);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (many_peers_each_have_their_tag)
{
  run (SAID ("udp", "'listen': '127.0.0.1:0'"));
  g_autoptr (GString) wanted = g_string_new (NULL);
  int peers[150] = { 0 };
  for (guint round = 0; round < 2; round++) {
    for (guint i = 0; i < G_N_ELEMENTS (peers); i++) {
      peers[i] = round == 0 ? send_to (port (0)) : peers[i];
      send_bytes (peers[i], "x", 1);
      g_string_append_printf (wanted, "127.0.0.1:%u: x\n", own_port (peers[i]));
    }
    await_contents ("out", wanted->str); /* no more than the kernel's buffer holds */
  }
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (tags_can_be_left_out)
{
  run (SAID ("udp", "'listen': '127.0.0.1:0', 'tag_peer': false"));
  int fd = send_to (port (0));
  send_bytes (fd, "a", 1);
  await_contents ("out", ": a\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (a_wildcard_is_one_socket_for_ipv4_and_ipv6)
{
  run (SAID ("udp", "'listen': '*:0'"));
  struct sockaddr_in6 address = { .sin6_family = AF_INET6,
                                  .sin6_port = htons (port (0)),
                                  .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  int four = send_to (port (0)), six = socket (AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq (connect (six, (struct sockaddr *) &address, sizeof (address)), 0);
  send_bytes (four, "a", 1);
  send_bytes (six, "b", 1);
  g_autofree char *wanted = g_strdup_printf ("127.0.0.1:%u: a\n[::1]:%u: b\n", own_port (four), own_port (six));
  await_contents ("out", wanted);
  close (four);
  close (six);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (several_addresses_and_a_name)
{
  run (PLAIN ("udp", "'listen': ['127.0.0.1:0', '127.0.0.1:0', 'localhost:0']"));
  g_free (listens_at (2)); /* all are there */
  for (guint i = 0; i < 3; i++) {
    g_autofree char *address = listens_at (i);
    if (g_str_has_prefix (address, "127.")) {
      int fd = send_to (port (i));
      send_bytes (fd, "a", 1);
      close (fd);
      await_lines ("out", i + 1);
    }
  }
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (an_empty_datagram_is_an_empty_record)
{
  run (PLAIN ("udp", "'listen': '127.0.0.1:0'"));
  int fd = send_to (port (0));
  send_bytes (fd, "", 0);
  send_bytes (fd, "b", 1);
  await_contents ("out", "\nb\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (the_largest_datagram_is_whole)
{
  run (PLAIN ("udp", "'listen': '127.0.0.1:0'"));
  g_autofree char *wanted = g_strnfill (65508, 'x');
  int fd = send_to (port (0));
  send_bytes (fd, wanted, 65507);
  wanted[65507] = '\n';
  await_contents ("out", wanted);
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (large_datagrams_hold_the_link_and_wait)
{
  run ("{'producers': {'in': {'plugin': 'udp', 'listen': '127.0.0.1:0', 'receive_buffer': '2MiB'}},"
       " 'transforms': {'slow': {'plugin': 'throttle', 'from': 'in', 'records_per_second': 200, 'burst': '5ms',"
       "                         'queue': {'bytes': '64KiB'}, 'thread': 'one'}},"
       " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'slow', 'thread': 'one'}}}");
  g_autofree char *bytes = g_strnfill (60000, 'x');
  int fd = send_to (port (0));
  for (guint i = 0; i < 20; i++) {
    send_bytes (fd, bytes, 60000);
  }
  await_lines ("out", 20);
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

/* ---- udp: what is lost ---- */

START_TEST (a_datagram_that_is_too_long_is_rejected)
{
  run (WITH_BAD ("udp", "'listen': '127.0.0.1:0', 'datagram_max': 4"));
  int fd = send_to (port (0));
  send_bytes (fd, "1234", 4);
  send_bytes (fd, "12345", 5);
  send_bytes (fd, "abc", 3);
  await_contents ("out", "1234\nabc\n");
  await_contents ("bad", "a datagram of more than 4 bytes (datagram_max) was cut off: 1234\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
  expect_said (", too_long 1\n");
}
END_TEST

START_TEST (a_datagram_that_is_too_long_fails_where_nobody_takes_it)
{
  run (PLAIN ("udp", "'listen': '127.0.0.1:0', 'datagram_max': 4"));
  int fd = send_to (port (0));
  send_bytes (fd, "12345", 5);
  EXPECT_STATUS (1, finish ());
  expect_said (
    "weir: in (udp, producer): rejected a record, and nobody takes in.rejected: a datagram of more than 4 bytes "
    "(datagram_max) was cut off");
  close (fd);
}
END_TEST

/* A counter of the producer, out of the summary. */
static guint64
counted (const char *counter)
{
  const char *line = strstr (bed.said->str, "\n  in: "), *end = line != NULL ? strchr (line + 1, '\n') : NULL;
  const char *at = line != NULL ? g_strstr_len (line, end - line, counter) : NULL;
  return at != NULL ? g_ascii_strtoull (at + strlen (counter), NULL, 10) : 0;
}

static guint64
count_lines (const char *name)
{
  g_autofree char *text = contents (name);
  guint64 lines = 0;
  for (const char *at = text; (at = strchr (at, '\n')) != NULL; at++) {
    lines++;
  }
  return lines;
}

static gboolean
ends_with (const char *name, const char *line)
{
  char tail[16] = "";
  FILE *file = fopen (name, "r");
  gsize size = strlen (line);
  gboolean same = file != NULL && fseek (file, -(long) size, SEEK_END) == 0 && fread (tail, 1, size, file) == size &&
                  memcmp (tail, line, size) == 0;
  if (file != NULL) {
    fclose (file);
  }
  return same;
}

START_TEST (what_the_kernel_drops_is_counted_to_the_last)
{
  run ("{'producers': {'in': {'plugin': 'udp', 'listen': '127.0.0.1:0', 'receive_buffer': 4096}},"
       " 'transforms': {'slow': {'plugin': 'throttle', 'from': 'in', 'records_per_second': 20000, 'burst': '1ms',"
       "                         'queue': {'records': 4}}},"
       " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'slow'}}}");
  int fd = send_to (port (0));
  guint64 sent = 0;
  for (; sent < 20000; sent++) {
    send_bytes (fd, "some bytes", 10);
  }
  /* Once one of these comes out, all before it have, or were dropped. */
  for (guint waited = 0; !ends_with ("out", "the last\n"); waited++, g_usleep (1000)) {
    if (waited % 2000 == 0) {
      send_bytes (fd, "the last", 8);
      sent++;
    }
  }
  close (fd);
  EXPECT_STATUS (0, stop ());
  ck_assert_uint_gt (counted ("kernel_drops"), 0);
  ck_assert_uint_eq (count_lines ("out") + counted ("kernel_drops") + counted ("left"), sent);
  expect_said ("weir: warning: in (udp, producer): the kernel has dropped ");
  expect_said (" datagrams, as its buffer was full (receive_buffer)\n");
}
END_TEST

START_TEST (what_the_kernel_dropped_while_nothing_was_read_is_counted_at_the_end)
{
  run ("{'producers': {'in': {'plugin': 'udp', 'listen': '127.0.0.1:0', 'receive_buffer': 4096}},"
       " 'transforms': {'slow': {'plugin': 'throttle', 'from': 'in', 'records_per_second': 1, 'burst': '1s',"
       "                         'queue': {'records': 1}}},"
       " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'slow'}}, 'engine': {'shutdown': '10ms'}}");
  int fd = send_to (port (0));
  send_bytes (fd, "first", 5);
  await_lines ("out", 1);
  for (guint i = 0; i < 1000; i++) {
    send_bytes (fd, "some bytes", 10);
  }
  close (fd);
  (void) stop ();
  ck_assert_uint_ge (counted ("kernel_drops"), 900);
}
END_TEST

START_TEST (a_buffer_that_the_kernel_does_not_give_is_told)
{
  run (PLAIN ("udp", "'listen': '127.0.0.1:0', 'receive_buffer': '1GiB'"));
  g_free (listens_at (0));
  EXPECT_STATUS (0, stop ());
  expect_said ("weir: warning: in (udp, producer): receive_buffer: the kernel gives ");
  expect_said (" bytes of 1073741824; its limit is net.core.rmem_max\n");
}
END_TEST

/* ---- udp: groups, sockets of others, mistakes ---- */

START_TEST (a_group_is_joined)
{
  run (PLAIN ("udp", "'listen': '*:0', 'group': '239.255.71.3', 'interface': 'lo'"));
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (port (0)),
                                 .sin_addr.s_addr = inet_addr ("239.255.71.3") };
  struct ip_mreqn by = { .imr_ifindex = (int) if_nametoindex ("lo") };
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ck_assert_int_eq (setsockopt (fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof (by)), 0);
  ck_assert_int_eq (connect (fd, (struct sockaddr *) &address, sizeof (address)), 0);
  send_bytes (fd, "to all", 6);
  await_contents ("out", "to all\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
}
END_TEST

START_TEST (an_interface_that_is_not_there)
{
  run (PLAIN ("udp", "'listen': '127.0.0.1:0', 'group': '239.255.71.3', 'interface': 'nowhere0'"));
  EXPECT_STATUS (1, finish ());
  expect_said ("weir: in (udp, producer): interface: cannot find \"nowhere0\": No such device");
}
END_TEST

START_TEST (an_address_in_use)
{
  guint16 number = 0;
  int fd = receive_at (&number);
  RUNF (PLAIN ("udp", "'listen': '127.0.0.1:%u'"), number);
  EXPECT_STATUS (1, finish ());
  g_autofree char *line = g_strdup_printf (
    "weir: in (udp, producer): cannot listen on 127.0.0.1:%u: Address already in use", number);
  expect_first (line);
  close (fd);
}
END_TEST

START_TEST (a_socket_of_the_service_manager)
{
  guint16 number = 0;
  bed.inherited = receive_at (&number);
  bed.names = "log";
  run (PLAIN ("udp", "'listen': 'systemd:log'"));
  ck_assert_uint_eq (port (0), number);
  int fd = send_to (number);
  send_bytes (fd, "hello", 5);
  await_contents ("out", "hello\n");
  close (fd);
  EXPECT_STATUS (0, stop ());
  close (bed.inherited);
}
END_TEST

START_TEST (a_socket_of_the_service_manager_of_another_kind)
{
  guint16 number = 0;
  bed.inherited = serve (&number, 1);
  bed.names = "log";
  run (PLAIN ("udp", "'listen': 'systemd:log'"));
  EXPECT_STATUS (1, finish ());
  expect_first ("weir: in (udp, producer): cannot listen on systemd:log: descriptor 3 is not a UDP socket");
  close (bed.inherited);
}
END_TEST

static const struct {
  const char *json, *line;
} mistakes[] = {
  { PLAIN ("udp", "'listen': 'here'"),
    "pipeline.json:1:50: error: producers.in.listen: found \"here\", expected host:port or [IPv6]:port, *:port or "
    "systemd:NAME" },
  { PLAIN ("udp", "'listen': '*:1', 'group': '10.1.2.3'"),
    "pipeline.json:1:66: error: producers.in.group: found \"10.1.2.3\", expected a multicast address such as 239.1.2.3 "
    "or ff02::1234" },
  { PLAIN ("udp", "'listen': '*:1', 'interface': 'lo'"),
    "pipeline.json:1:70: error: producers.in.interface: found an interface without a group to join on it" },
  { PLAIN ("udp", "'listen': '*:1', 'datagram_max': 0"),
    "pipeline.json:1:73: error: producers.in.datagram_max: found 0, expected a size from 1 to 16MiB" },
  { SEND ("udp", "'connect': '*:1'"),
    "pipeline.json:1:189: error: consumers.out.connect: found \"*:1\", expected host:port or [IPv6]:port with a port "
    "from 1 to 65535" },
  { PLAIN ("unix", "'type': 'datagram', 'connect': 'x'"),
    "pipeline.json:1:72: error: producers.in.connect: of type datagram, expected addresses to receive at (listen), and "
    "no connect" },
  { PLAIN ("unix", "'type': 'datagram'"),
    "pipeline.json:1:22: error: producers.in: of type datagram, expected addresses to receive at (listen), and no "
    "connect" },
  { SEND ("unix", "'type': 'datagram', 'listen': 'x', 'connect': 'y'"),
    "pipeline.json:1:209: error: consumers.out.listen: of type datagram, expected an address to send to (connect), and "
    "no listen" },
};

START_TEST (mistakes_are_told_by_check)
{
  run_command ("check", mistakes[_i].json);
  EXPECT_STATUS (2, finish ());
  expect_first (mistakes[_i].line);
}
END_TEST

int
main (void)
{
  const Case cases[] = { a_datagram_is_a_message_tagged_with_its_peer,
                         many_peers_each_have_their_tag,
                         tags_can_be_left_out,
                         a_wildcard_is_one_socket_for_ipv4_and_ipv6,
                         several_addresses_and_a_name,
                         an_empty_datagram_is_an_empty_record,
                         the_largest_datagram_is_whole,
                         large_datagrams_hold_the_link_and_wait,
                         a_datagram_that_is_too_long_is_rejected,
                         a_datagram_that_is_too_long_fails_where_nobody_takes_it,
                         what_the_kernel_drops_is_counted_to_the_last,
                         what_the_kernel_dropped_while_nothing_was_read_is_counted_at_the_end,
                         a_buffer_that_the_kernel_does_not_give_is_told,
                         a_group_is_joined,
                         an_interface_that_is_not_there,
                         an_address_in_use,
                         a_socket_of_the_service_manager,
                         a_socket_of_the_service_manager_of_another_kind };
  const Looped loops[] = { { mistakes_are_told_by_check, G_N_ELEMENTS (mistakes) } };
  return run_cases ("net-datagrams", cases, G_N_ELEMENTS (cases), loops, G_N_ELEMENTS (loops));
}
