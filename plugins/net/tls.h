/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h: TLS as a layer of a connection (connection.h), by GIO's GTlsConnection.
 * Non-blocking, on one worker at a time: that of the handshake, and then that of the stages that hold the connection. The
 * handshake comes first. GIO does it on a thread of its own, but a server's begins only once the peer has sent its first message,
 * so that a peer who connects and says nothing holds up nobody. Nothing is read ahead but the rest of one TLS record. */
#pragma once

#include "connection.h"
#include "tls-settings.h"

typedef struct _NetTls NetTls;

/* Borrows the descriptor, which is a connected O_NONBLOCK socket, until net_tls_free(). server_name: what a client sends as SNI and
 * looks for in the certificate, where settings->server_name has none; NULL for a server, or where there is none. wake (data) is
 * called, on the thread's default context, when a handshake that answered AGAIN without a condition is over, or its time is. */
NetTls *net_tls_new (int fd, NetTlsSettings *settings, const char *server_name, void (*wake) (gpointer data),
                     gpointer data);
/* Ends at once. Where something was written, and no shutdown came behind it, there is no close_notify: it is cut off, and the
 * peer sees that. On any thread once the handshake is over. */
void net_tls_free (NetTls *tls);

/* OK once the peer is whom it should be, and speaks what it should; AGAIN with the condition to wait for, or none: see wake. */
NetResult net_tls_handshake (NetTls *tls, GIOCondition *wait, GError **error);

/* After that, the functions of NetLayerFuncs. */
NetResult net_tls_read (NetTls *tls, gpointer buffer, gsize size, gsize *got, GIOCondition *wait, GError **error);
NetResult net_tls_write (NetTls *tls, gconstpointer bytes, gsize size, gsize *taken, GIOCondition *wait,
                         GError **error);
NetResult net_tls_flush (NetTls *tls, GIOCondition *wait, GError **error);
NetResult net_tls_shutdown (NetTls *tls, GIOCondition *wait, GError **error);
/* The common name in the peer's certificate, where that was verified against client_ca; NULL: none. */
const char *net_tls_peer_subject (NetTls *tls);

extern const NetLayerFuncs net_tls_layer;
