/* SPDX-License-Identifier: Apache-2.0 */
/* tls-handshake.h: one handshake of GTlsConnection, which GIO does on a thread of its own, seen from the worker.
 * The thread asks to have the peer's certificate looked at, and says when it is done, through a GMainContext; that is a context of the
 * handshake's own, which a source on the worker's serves. So a worker that ends, or a connection that is closed, leaves no
 * thread waiting for an answer: what is still under way is served by the default context to its end. */
#pragma once

#include "tls-wire.h"

typedef struct _NetTlsHandshake NetTlsHandshake;

/* Who we are and whom we expect. */
typedef struct {
  gboolean server, verify, require_client;
  GTlsProtocolVersion minimum;
  char *name;                   /* a client's: the name or address that the peer is to be; NULL: any */
  GTlsCertificate *certificate; /* ours; NULL: none */
  GTlsDatabase *authorities;    /* NULL: the peer is not verified */
} NetTlsTerms;

#define NET_TLS_HANDSHAKE_RECORD 0x16 /* the first byte of a TLS connection */

/* Begins, on a wire that is in its state for it. over() is called once, on this thread, from its default context; the failure (NULL: none)
 * is its to free. terms: borrowed until then. NULL: the error says why. */
NetTlsHandshake *net_tls_handshake_begin (NetWire *wire, const NetTlsTerms *terms,
                                          void (*over) (GError *failure, gpointer data), gpointer data, GError **error);
/* From over(): frees the handshake. The connection, and the common name of a peer that was verified, are the caller's. */
GTlsConnection *net_tls_handshake_take (NetTlsHandshake *handshake, char **subject);
/* Before over(): frees it, some time later. The wire is cut. */
void net_tls_handshake_abandon (NetTlsHandshake *handshake);

/* The error where a peer's first bytes are no TLS. */
GError *net_tls_no_tls (const guint8 *bytes, gsize size);
