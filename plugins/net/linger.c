/* SPDX-License-Identifier: Apache-2.0 */
/* linger.c: waits until what was written has arrived (see linger.h). The kernel knows how much has not (SIOCOUTQ, which counts the
 * end too), but no event tells when that changes: so it is asked, with growing pauses.
 * Runs on the stage's worker. */
#include "linger.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define PAUSE_FIRST 1000 /* microseconds */
#define PAUSE_LAST 50000

/* What lies in a unix socket arrives whatever becomes of its sender. */
static gboolean
is_tcp (int fd)
{
  int protocol = 0;
  socklen_t size = sizeof (protocol);
  return getsockopt (fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_TCP;
}

static gboolean
is_idle (WeirStage *stage, const NetConnection *connection)
{
  return connection->idle_timeout > 0 && weir_stage_now (stage) - connection->active >= connection->idle_timeout;
}

gboolean
net_linger_is_over (WeirStage *stage, NetConnection *connection, GError **error)
{
  int waiting = 0;
  /* One that has ended too sends nothing that could be answered with a reset. */
  if (net_connection_discard (connection, error) != NET_AGAIN || !is_tcp (connection->fd)) {
    return TRUE;
  }
  return ioctl (connection->fd, SIOCOUTQ, &waiting) < 0 || waiting == 0 || is_idle (stage, connection);
}

WeirNext
net_linger_wait (NetLinger *linger, WeirStage *stage)
{
  linger->pause = linger->pause == 0 ? PAUSE_FIRST : MIN (linger->pause * 2, PAUSE_LAST);
  return weir_stage_wait_time (stage, linger->pause);
}
