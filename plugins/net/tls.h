/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h: TLS as a layer of a connection (connection.h), by GIO's GTlsConnection.
 * Non-blocking, on the worker of the stages that hold the connection. The handshake comes with the first read, write or
 * shutdown, or with net_tls_handshake(); GIO does it on a thread of its own, but only once the peer has sent its first message, so
 * that a peer who connects and says nothing holds up nobody. Nothing is read ahead but the rest of one TLS record. */
#pragma once

#include "connection.h"
#include "tls-settings.h"

typedef struct _NetTls NetTls;

/* Borrows the descriptor, which is a connected O_NONBLOCK socket, until net_tls_free(). server_name: what a client sends as SNI and
 * looks for in the certificate, where settings->server_name has none; NULL for a server, or where there is none. */
NetTls *net_tls_new (int fd, NetTlsSettings *settings, const char *server_name);
/* Ends at once, without a close_notify: what was not shut down is cut off, and the peer sees that. On any thread once all halves
 * are detached. */
void net_tls_free (NetTls *tls);

/* While the handshake is under way a call answers AGAIN with no condition to wait for: wake (data) is called on the worker when it
 * is over, well or not, or its time is. One for each half that waits. With the last one detached nothing more can be read or
 * written. */
void net_tls_attach (NetTls *tls, void (*wake) (gpointer data), gpointer data);
void net_tls_detach (NetTls *tls, gpointer data);

/* OK once the peer is whom it should be, and speaks what it should. What follows are the functions of NetLayerFuncs. */
NetResult net_tls_handshake (NetTls *tls, GIOCondition *wait, GError **error);
NetResult net_tls_read (NetTls *tls, gpointer buffer, gsize size, gsize *got, GIOCondition *wait, GError **error);
/* AGAIN: the same bytes, and no fewer, must come first next time. */
NetResult net_tls_write (NetTls *tls, gconstpointer bytes, gsize size, gsize *taken, GIOCondition *wait,
                         GError **error);
NetResult net_tls_shutdown (NetTls *tls, GIOCondition *wait, GError **error);

/* The common name in the peer's certificate, where that was verified against client_ca; NULL: none. */
const char *net_tls_peer_subject (NetTls *tls);

extern const NetLayerFuncs net_tls_layer;
