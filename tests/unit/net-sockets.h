/* SPDX-License-Identifier: Apache-2.0 */
/* net-sockets.h: the peers of net-bed.h: sockets of the test's, which block, and give up after half a minute.
 * Everything static; included by net-bed.h alone, behind what it says of the program. */
#pragma once

static void
be_patient (int fd)
{
  struct timeval patience = { PATIENCE / 1000, 0 };
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof (patience));
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof (patience));
}

G_GNUC_UNUSED static guint16
own_port (int fd)
{
  struct sockaddr_storage address;
  socklen_t size = sizeof (address);
  ck_assert_int_eq (getsockname (fd, (struct sockaddr *) &address, &size), 0);
  return ntohs (address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *) &address)->sin6_port
                                              : ((struct sockaddr_in *) &address)->sin_port);
}

G_GNUC_UNUSED static int
connect_to (guint16 to)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (to),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge (fd, 0);
  ck_assert_msg (connect (fd, (struct sockaddr *) &address, sizeof (address)) == 0, "connect: %s", g_strerror (errno));
  be_patient (fd);
  return fd;
}

G_GNUC_UNUSED static int
connect_to_6 (guint16 to)
{
  struct sockaddr_in6 address = { .sin6_family = AF_INET6,
                                  .sin6_port = htons (to),
                                  .sin6_addr = IN6ADDR_LOOPBACK_INIT };
  int fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge (fd, 0);
  ck_assert_msg (connect (fd, (struct sockaddr *) &address, sizeof (address)) == 0, "connect: %s", g_strerror (errno));
  be_patient (fd);
  return fd;
}

/* A server of the test's. */
G_GNUC_UNUSED static int
serve (guint16 *at, int backlog)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (*at),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof (address);
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
  ck_assert_int_ge (fd, 0);
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof (yes));
  ck_assert_msg (bind (fd, (struct sockaddr *) &address, size) == 0, "bind: %s", g_strerror (errno));
  ck_assert_int_eq (listen (fd, backlog), 0);
  ck_assert_int_eq (getsockname (fd, (struct sockaddr *) &address, &size), 0);
  *at = ntohs (address.sin_port);
  be_patient (fd);
  return fd;
}

G_GNUC_UNUSED static int
take_one (int server)
{
  int fd = accept4 (server, NULL, NULL, SOCK_CLOEXEC);
  ck_assert_msg (fd >= 0, "nobody connects: %s; %s", g_strerror (errno), bed.said->str);
  be_patient (fd);
  return fd;
}

G_GNUC_UNUSED static void
say (int fd, const char *text)
{
  gsize size = strlen (text);
  while (size > 0) {
    ssize_t sent = send (fd, text, size, MSG_NOSIGNAL);
    ck_assert_msg (sent > 0, "cannot send: %s", g_strerror (errno));
    text += sent;
    size -= (gsize) sent;
  }
}

/* So many bytes, all of them. */
G_GNUC_UNUSED static void
expect_heard (int fd, const char *wanted)
{
  gsize size = strlen (wanted), got = 0;
  g_autofree char *text = g_malloc0 (size + 1);
  while (got < size) {
    ssize_t count = recv (fd, text + got, size - got, 0);
    ck_assert_msg (count > 0, "heard \"%s\", then %s; %s", text, count == 0 ? "the end" : g_strerror (errno),
                   bed.said->str);
    got += (gsize) count;
  }
  ck_assert_str_eq (text, wanted);
}

/* Everything up to the end. */
G_GNUC_UNUSED static GString *
hear_all (int fd)
{
  GString *text = g_string_new (NULL);
  char piece[65536];
  for (;;) {
    ssize_t count = recv (fd, piece, sizeof (piece), 0);
    ck_assert_msg (count >= 0, "cannot read: %s", g_strerror (errno));
    if (count == 0) {
      return text;
    }
    g_string_append_len (text, piece, count);
  }
}

G_GNUC_UNUSED static void
expect_end (int fd)
{
  char byte;
  ssize_t count = recv (fd, &byte, 1, 0);
  ck_assert_msg (count == 0 || (count < 0 && errno == ECONNRESET), "expected the end, found %zd, %s", count,
                 count < 0 ? g_strerror (errno) : "a byte");
}

/* The peer is told by a reset. */
G_GNUC_UNUSED static void
reset (int fd)
{
  struct linger now = { 1, 0 };
  setsockopt (fd, SOL_SOCKET, SO_LINGER, &now, sizeof (now));
  close (fd);
}
