/* SPDX-License-Identifier: Apache-2.0 */
/* socket.c: makes sockets with the options of a role (see socket.h). Buffers are set before a socket listens or connects, as
 * the window scale is agreed on then; what is accepted inherits all of it. */
#include "socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

static void
set (int fd, int level, int name, gint64 value)
{
  int number = (int) MIN (value, G_MAXINT);
  (void) setsockopt (fd, level, name, &number, sizeof (number));
}

void
net_socket_apply (int fd, const NetSettings *settings)
{
  if (settings->send_buffer > 0) {
    set (fd, SOL_SOCKET, SO_SNDBUF, (gint64) settings->send_buffer);
  }
  if (settings->receive_buffer > 0) {
    set (fd, SOL_SOCKET, SO_RCVBUF, (gint64) settings->receive_buffer);
  }
  if (settings->nodelay) {
    set (fd, IPPROTO_TCP, TCP_NODELAY, 1);
  }
  if (settings->keepalive > 0) {
    gint64 seconds = MAX (settings->keepalive / G_USEC_PER_SEC, 1);
    set (fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set (fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
    set (fd, IPPROTO_TCP, TCP_KEEPINTVL, MIN (seconds, 15));
    set (fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
  }
}

int
net_socket_new (int domain, int type, const NetSettings *settings)
{
  int fd = socket (domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0) {
    net_socket_apply (fd, settings);
  }
  return fd;
}
