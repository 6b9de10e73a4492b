/* SPDX-License-Identifier: Apache-2.0 */
/* tls-wire.h: the socket as GTlsConnection sees it: a GIOStream that belongs to nobody's loop, closes nothing, buffers nothing and
 * never blocks the worker. GIO's own GSocketConnection will not do: it would close our descriptor, write a close_notify with a
 * blocking call, and have GIO resume sessions without looking at certificates again.
 * Made and used on the worker, but for the handshake, which GIO runs on a thread of its own: there, and only there, reads and
 * writes block, on a dup(2) of the descriptor. So whoever holds the wire may close the descriptor at any time after net_wire_cut(). */
#pragma once

#include <gio/gio.h>

typedef struct _NetWire NetWire;

/* What the wire is there for. */
typedef enum {
  NET_WIRE_SHUT,      /* every read and write fails */
  NET_WIRE_HANDSHAKE, /* GIO's thread reads and writes, blocking */
  NET_WIRE_OPEN       /* the worker reads and writes, not blocking; GIO's thread may not */
} NetWireState;

NetWire *net_wire_new (int fd);
NetWire *net_wire_ref (NetWire *wire);
void net_wire_unref (NetWire *wire); /* any thread */
/* A stream on the wire, which holds a reference. */
GIOStream *net_wire_stream (NetWire *wire);
/* What the stream's functions do. */
gssize net_wire_blocking_read (NetWire *wire, gpointer buffer, gsize size, GError **error);
gssize net_wire_blocking_write (NetWire *wire, gconstpointer bytes, gsize size, GError **error);
gssize net_wire_read (NetWire *wire, gpointer buffer, gsize size, GError **error);
gssize net_wire_write (NetWire *wire, gconstpointer bytes, gsize size, GError **error);

/* For a handshake that is to be over at this monotonic time. FALSE: errno says why. */
gboolean net_wire_begin_handshake (NetWire *wire, gint64 deadline);
/* The handshake's thread is done with it. */
void net_wire_open (NetWire *wire);
/* Nothing more comes through; a thread that blocks in it returns. The peer is told by TCP alone, where `hang_up`. */
void net_wire_cut (NetWire *wire, gboolean hang_up);

/* From now on what does not fit into the socket is kept: a close_notify, some 30 bytes; net_wire_flush() sends it. */
void net_wire_keep (NetWire *wire);
/* FALSE: errno says why, EAGAIN among others. */
gboolean net_wire_flush (NetWire *wire);
/* Did the last read or write come back as the socket was not ready? Forgets it. */
gboolean net_wire_was_blocked (NetWire *wire);
/* The peer has sent all. */
gboolean net_wire_has_ended (NetWire *wire);
/* After a handshake: the first bytes that came, up to 16, and how many. */
gsize net_wire_first_bytes (NetWire *wire, const guint8 **bytes);
