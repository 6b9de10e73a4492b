/* SPDX-License-Identifier: Apache-2.0 */
/* counters.h: what the roles of `tcp` and `unix` count, one list for all of them.
 * Constant data. */
#pragma once

/* Indices of net_counters. */
enum {
  NET_CONNECTIONS,      /* made or accepted */
  NET_REFUSED,          /* accepted and closed, as there were `max` */
  NET_RESETS,           /* lost: the peer has gone without an end */
  NET_IDLE,             /* closed after idle_timeout */
  NET_DROPPED,          /* records that a peer, or all of them, did not get */
  NET_HANDSHAKES_FAILED /* connections that ended there, as TLS found no good peer */
};

extern const char *const net_counters[];
