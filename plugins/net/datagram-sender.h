/* SPDX-License-Identifier: Apache-2.0 */
/* datagram-sender.h: sends records as datagrams, by UDP or to a unix socket.
 * Runs on the stage's worker. */
#pragma once

#include "address.h"
#include "socket.h"

/* Of net_sender_counters. */
enum {
  NET_UNHEARD,   /* times that the peer's host said that nobody listens there */
  NET_SEND_WAITS /* times that there was no way to the peer, and it was tried again later */
};

extern const char *const net_sender_counters[];

typedef struct _NetDatagramSender NetDatagramSender;

char *net_datagram_sender_check (const char *connect, NetFamily family, const char **option);
/* settings: borrowed; only the buffers matter. counters: the index of the first of net_sender_counters among the role's. NULL: the
 * stage has failed. */
NetDatagramSender *net_datagram_sender_new (WeirStage *stage, const char *connect, NetFamily family,
                                            const NetSettings *settings, guint counters);
/* Looks the name up. MORE, WAIT until weir_stage_ready(), or FAIL. */
WeirNext net_datagram_sender_start (NetDatagramSender *sender);
/* A datagram a record; one that is too large for that is rejected. */
WeirNext net_datagram_sender_flush (NetDatagramSender *sender, const WeirRecord *records, gsize count);
void net_datagram_sender_free (NetDatagramSender *sender);
