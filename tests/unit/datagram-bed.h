/* SPDX-License-Identifier: Apache-2.0 */
/* datagram-bed.h: net-bed.h, with datagram sockets of the test's and the pipelines that are made of them.
 * Everything static: one test program includes it once. */
#pragma once

#include "net-bed.h"

/* Each datagram with its peer, into the file out. */
#define SAID(plugin, options) \
  "{'producers': {'in': {'plugin': '" plugin "', " options "}}," \
  " 'transforms': {'say': {'plugin': 'format', 'from': 'in', 'text': '{peer}: {}'}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'say'}}}"

/* The datagrams alone. */
#define PLAIN(plugin, options) \
  "{'producers': {'in': {'plugin': '" plugin "', " options "}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'in'}}}"

/* What is rejected goes to the file bad. */
#define WITH_BAD(plugin, options) \
  "{'producers': {'in': {'plugin': '" plugin "', " options "}}," \
  " 'transforms': {'why': {'plugin': 'format', 'from': 'in.rejected', 'text': '{reason}: {}'}}," \
  " 'consumers': {'out': {'plugin': 'file', 'path': 'out', 'from': 'in'}," \
  "               'bad': {'plugin': 'file', 'path': 'bad', 'from': 'why'}}}"

/* The lines of the file lines, a datagram each. */
#define SEND(plugin, options) \
  "{'producers': {'file': {'plugin': 'file', 'path': 'lines'}}," \
  " 'transforms': {'line': {'plugin': 'lines', 'from': 'file'}}," \
  " 'consumers': {'out': {'plugin': '" plugin "', 'from': 'line', " options "}}}"

/* ---- sockets of the test's ---- */

G_GNUC_UNUSED static struct sockaddr_in
at_port (guint16 number)
{
  return (struct sockaddr_in){ .sin_family = AF_INET,
                               .sin_port = htons (number),
                               .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
}

G_GNUC_UNUSED static int
send_to (guint16 number)
{
  struct sockaddr_in address = at_port (number);
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (connect (fd, (struct sockaddr *) &address, sizeof (address)), 0);
  return fd;
}

G_GNUC_UNUSED static int
receive_at (guint16 *number)
{
  struct sockaddr_in address = at_port (*number);
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge (fd, 0);
  ck_assert_msg (bind (fd, (struct sockaddr *) &address, sizeof (address)) == 0, "%s", g_strerror (errno));
  *number = own_port (fd);
  be_patient (fd);
  return fd;
}

G_GNUC_UNUSED static struct sockaddr_un
at_path (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  memcpy (address.sun_path, path, strlen (path));
  return address;
}

G_GNUC_UNUSED static int
unix_socket (const char *own, const char *peer)
{
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge (fd, 0);
  struct sockaddr_un address;
  if (own != NULL) {
    address = at_path (own);
    ck_assert_msg (bind (fd, (struct sockaddr *) &address, sizeof (address)) == 0, "%s", g_strerror (errno));
  }
  if (peer != NULL) {
    address = at_path (peer);
    ck_assert_msg (connect (fd, (struct sockaddr *) &address, sizeof (address)) == 0, "%s", g_strerror (errno));
  }
  be_patient (fd);
  return fd;
}

G_GNUC_UNUSED static void
send_bytes (int fd, gconstpointer bytes, gsize size)
{
  ck_assert_msg (send (fd, bytes, size, MSG_NOSIGNAL) == (ssize_t) size, "%zu bytes: %s", size, g_strerror (errno));
}

G_GNUC_UNUSED static void
expect_datagram (int fd, const char *wanted)
{
  char text[65536];
  ssize_t got = recv (fd, text, sizeof (text) - 1, 0);
  ck_assert_msg (got >= 0, "nothing came: %s; %s", g_strerror (errno), bed.said->str);
  text[got] = '\0';
  ck_assert_str_eq (text, wanted);
}

G_GNUC_UNUSED static void
write_lines (const char *text)
{
  ck_assert (g_file_set_contents ("lines", text, -1, NULL));
}
