/* SPDX-License-Identifier: Apache-2.0 */
/* tls-wire.c: the socket as GTlsConnection sees it (see tls-wire.h).
 * A counted struct, on which tls-stream.c has a GInputStream and a GOutputStream. GIO calls the blocking functions on the thread of
 * the handshake, and when it closes; the others on the worker. `state` tells who may; the rest belongs to whom it names. */
#include "tls-wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST 16
#define KEPT 512 /* a close_notify has 24 to 31 bytes, with block ciphers up to 85 */

struct _NetWire {
  gatomicrefcount references;
  gint state;       /* NetWireState, atomic */
  int fd;           /* borrowed; the worker's */
  int handshake_fd; /* a dup(2), or -1; the handshake's thread's; closed with the wire, or when the handshake is over */
  gint64 deadline;  /* of the handshake */
  gboolean blocked, keeps, ended;
  gsize kept;
  guint8 tail[KEPT]; /* what the socket did not take */
  gsize had;
  guint8 first[FIRST];
};

NetWire *
net_wire_new (int fd)
{
  NetWire *wire = g_new0 (NetWire, 1);
  g_atomic_ref_count_init (&wire->references);
  wire->fd = fd;
  wire->handshake_fd = -1;
  return wire;
}

NetWire *
net_wire_ref (NetWire *wire)
{
  g_atomic_ref_count_inc (&wire->references);
  return wire;
}

void
net_wire_unref (NetWire *wire)
{
  if (g_atomic_ref_count_dec (&wire->references)) {
    if (wire->handshake_fd >= 0) {
      close (wire->handshake_fd);
    }
    g_free (wire);
  }
}

gboolean
net_wire_begin_handshake (NetWire *wire, gint64 deadline)
{
  wire->handshake_fd = fcntl (wire->fd, F_DUPFD_CLOEXEC, 0);
  wire->deadline = deadline;
  if (wire->handshake_fd < 0) {
    return FALSE;
  }
  g_atomic_int_set (&wire->state, NET_WIRE_HANDSHAKE);
  return TRUE;
}

void
net_wire_open (NetWire *wire)
{
  close (wire->handshake_fd);
  wire->handshake_fd = -1;
  g_atomic_int_set (&wire->state, NET_WIRE_OPEN);
}

void
net_wire_cut (NetWire *wire, gboolean hang_up)
{
  g_atomic_int_set (&wire->state, NET_WIRE_SHUT);
  if (hang_up) {
    shutdown (wire->fd, SHUT_RDWR); /* the thread that polls a dup of it wakes up */
  }
}

void
net_wire_keep (NetWire *wire)
{
  wire->keeps = TRUE;
}

gboolean
net_wire_was_blocked (NetWire *wire)
{
  gboolean blocked = wire->blocked;
  wire->blocked = FALSE;
  return blocked;
}

gsize
net_wire_first_bytes (NetWire *wire, const guint8 **bytes)
{
  if (wire->had < FIRST) {
    /* GnuTLS begins with five of them. */
    ssize_t more = recv (wire->fd, wire->first + wire->had, FIRST - wire->had, MSG_PEEK | MSG_DONTWAIT);
    wire->had += more > 0 ? (gsize) more : 0;
  }
  *bytes = wire->first;
  return wire->had;
}

gboolean
net_wire_has_ended (NetWire *wire)
{
  return wire->ended;
}

/* ---- one step on the socket ---- */

static gssize
refuse (GError **error, int number)
{
  g_set_error_literal (error, G_IO_ERROR, (gint) g_io_error_from_errno (number), g_strerror (number));
  return -1;
}

static gssize
receive (NetWire *wire, int fd, gpointer buffer, gsize size)
{
  ssize_t count;
  do {
    count = recv (fd, buffer, size, MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  wire->ended = count == 0;
  if (count > 0 && wire->had < FIRST) {
    gsize more = MIN ((gsize) count, FIRST - wire->had);
    memcpy (wire->first + wire->had, buffer, more);
    wire->had += more;
  }
  return count;
}

static gssize
transmit (int fd, gconstpointer bytes, gsize size)
{
  ssize_t count;
  do {
    count = send (fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  return count;
}

gboolean
net_wire_flush (NetWire *wire)
{
  while (wire->kept > 0) {
    gssize count = transmit (wire->fd, wire->tail, wire->kept);
    if (count < 0) {
      return FALSE;
    }
    wire->kept -= (gsize) count;
    memmove (wire->tail, wire->tail + count, wire->kept);
  }
  return TRUE;
}

/* ---- on the thread of the handshake ---- */

/* FALSE: the time is over, or the wire was cut. */
static gboolean
await (NetWire *wire, short events, GError **error)
{
  for (;;) {
    gint64 left = wire->deadline - g_get_monotonic_time ();
    if (g_atomic_int_get (&wire->state) != NET_WIRE_HANDSHAKE) {
      refuse (error, ECANCELED);
      return FALSE;
    }
    if (left <= 0) {
      refuse (error, ETIMEDOUT);
      return FALSE;
    }
    struct pollfd poll_fd = { .fd = wire->handshake_fd, .events = events };
    if (poll (&poll_fd, 1, (int) MIN (left / 1000 + 1, G_MAXINT)) > 0) {
      return TRUE;
    }
  }
}

gssize
net_wire_blocking_read (NetWire *wire, gpointer buffer, gsize size, GError **error)
{
  while (g_atomic_int_get (&wire->state) == NET_WIRE_HANDSHAKE) {
    gssize count = receive (wire, wire->handshake_fd, buffer, size);
    if (count >= 0) {
      return count;
    }
    if (errno != EAGAIN) {
      return refuse (error, errno);
    }
    if (!await (wire, POLLIN, error)) {
      return -1;
    }
  }
  /* A handshake in an open connection, which the peer asked for; or the wire was cut. */
  return refuse (error, ECANCELED);
}

/* On the worker, when GIO closes: see net_wire_keep(). */
static gssize
keep (NetWire *wire, gconstpointer bytes, gsize size, GError **error)
{
  if (wire->kept == 0) {
    gssize count = transmit (wire->fd, bytes, size);
    if (count >= 0 || errno != EAGAIN) {
      return count >= 0 ? count : refuse (error, errno);
    }
  }
  if (size > KEPT - wire->kept) {
    return refuse (error, ENOBUFS);
  }
  memcpy (wire->tail + wire->kept, bytes, size);
  wire->kept += size;
  return (gssize) size;
}

gssize
net_wire_blocking_write (NetWire *wire, gconstpointer bytes, gsize size, GError **error)
{
  while (g_atomic_int_get (&wire->state) == NET_WIRE_HANDSHAKE) {
    gssize count = transmit (wire->handshake_fd, bytes, size);
    if (count >= 0) {
      return count;
    }
    if (errno != EAGAIN) {
      return refuse (error, errno);
    }
    if (!await (wire, POLLOUT, error)) {
      return -1;
    }
  }
  if (g_atomic_int_get (&wire->state) == NET_WIRE_OPEN && wire->keeps) {
    return keep (wire, bytes, size, error);
  }
  return refuse (error, ECANCELED);
}

/* ---- on the worker ---- */

gssize
net_wire_read (NetWire *wire, gpointer buffer, gsize size, GError **error)
{
  if (g_atomic_int_get (&wire->state) != NET_WIRE_OPEN) {
    return refuse (error, ECANCELED);
  }
  gssize count = receive (wire, wire->fd, buffer, size);
  wire->blocked = count < 0 && errno == EAGAIN;
  return count >= 0 ? count : refuse (error, errno);
}

gssize
net_wire_write (NetWire *wire, gconstpointer bytes, gsize size, GError **error)
{
  if (g_atomic_int_get (&wire->state) != NET_WIRE_OPEN) {
    return refuse (error, ECANCELED);
  }
  gssize count = transmit (wire->fd, bytes, size);
  wire->blocked = count < 0 && errno == EAGAIN;
  return count >= 0 ? count : refuse (error, errno);
}
