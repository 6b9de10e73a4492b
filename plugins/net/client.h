/* SPDX-License-Identifier: Apache-2.0 */
/* client.h: the one connection of a role with `connect`, made again when it is lost, where that is wanted.
 * Runs on the stage's worker. It wakes the stage when there is a connection; where there will be none, the stage has failed. */
#pragma once

#include "connection.h"
#include "socket.h"

typedef struct _NetClient NetClient;

/* What is wrong with an address to connect to, to be freed; NULL: nothing. *option: the option's name then. */
char *net_connect_check (const char *address, NetFamily family, const char **option);

typedef enum {
  NET_CLIENT_RECONNECT = 1, /* a failure is told, and tried again with growing pauses */
  NET_CLIENT_DISCARD = 2    /* what the peer sends is thrown away as it comes, and its end is the connection's */
} NetClientFlags;

/* address is checked by then; it and the settings are borrowed. NULL: the stage has failed. */
NetClient *net_client_new (WeirStage *stage, const char *address, NetFamily family, const NetSettings *settings,
                           NetClientFlags flags);
/* Begins to connect. */
void net_client_start (NetClient *client);
/* Borrowed; NULL: there is none now, and the stage will be woken. */
NetConnection *net_client_connection (const NetClient *client);
/* How many there were: another number, another connection. */
guint net_client_number (const NetClient *client);
/* The connection is lost (error, taken; NULL: the peer has ended it). WAIT where another will be made, or FAIL. */
WeirNext net_client_lost (NetClient *client, GError *error);
/* Has the peer ended it, or is it lost, by what can be seen without waiting? Only with DISCARD. */
gboolean net_client_look (NetClient *client);
/* All is sent: what the peer does now, the caller looks at. */
void net_client_leave (NetClient *client);
/* Makes none any more, and drops what there is. */
void net_client_give_up (NetClient *client);
void net_client_free (NetClient *client);
