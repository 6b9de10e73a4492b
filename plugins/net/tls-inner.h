/* SPDX-License-Identifier: Apache-2.0 */
/* tls-inner.h: what tls.c, which has the life and the handshake of a NetTls, shares with tls-open.c, which has its bytes; for these two
 * alone. */
#pragma once

#include "tls-handshake.h"
#include "tls-wire.h"
#include "tls.h"

typedef enum {
  NET_TLS_NEW,       /* nobody has asked for anything yet */
  NET_TLS_HELLO,     /* a server that waits for the first message */
  NET_TLS_HANDSHAKE, /* GIO's thread is at work */
  NET_TLS_OPEN,
  NET_TLS_CLOSED, /* open, but for writing */
  NET_TLS_FAILED
} NetTlsPhase;

struct _NetTls {
  NetTlsPhase phase;
  int fd; /* borrowed */
  NetTlsTerms terms;
  gint64 timeout;
  gboolean close_notify;
  guint8 *stuck; /* the bytes of a record that GIO holds, as the socket did not take it; NULL: none */
  gsize stuck_size;
  gboolean ended; /* the peer has sent all */
  gboolean wrote; /* something, or tried to */
  GError *failure;
  char *subject;
  NetWire *wire;
  GTlsConnection *connection; /* from the handshake on */
  NetTlsHandshake *handshake; /* while it is under way */
  GSource *timer;             /* while the first message is awaited */
  void (*wake) (gpointer data);
  gpointer data;
};

/* The failure again. */
NetResult net_tls_failed (NetTls *tls, GError **error);
/* Takes the failure, which all calls answer from now on. */
NetResult net_tls_fail (NetTls *tls, GError *failure, GError **error);
NetResult net_tls_fail_text (NetTls *tls, const char *text, GError **error);
NetResult net_tls_fail_errno (NetTls *tls, GError **error);
/* Tells the peer that nothing more comes, as far as it goes without waiting. TRUE: GIO has said it; net_wire_flush() tells whether it is
 * out. */
gboolean net_tls_say_goodbye (NetTls *tls, GError **error);
