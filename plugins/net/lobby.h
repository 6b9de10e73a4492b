/* SPDX-License-Identifier: Apache-2.0 */
/* lobby.h: where accepted connections wait until their TLS handshake is over, so that what comes behind knows only peers who may come
 * in. Runs on the stage's worker. */
#pragma once

#include "connection.h"
#include "tls-settings.h"

typedef struct _NetLobby NetLobby;

/* epoll: the owner's set, which tells of data.ptr NULL while somebody is ready. gone (owner): one has left, and not by
 * net_lobby_next(). NULL: the stage has failed. */
NetLobby *net_lobby_new (WeirStage *stage, int epoll, const NetTlsOptions *options, void (*gone) (gpointer owner),
                         gpointer owner);
/* Takes the connection, which is plain so far. */
void net_lobby_enter (NetLobby *lobby, NetConnection *connection);
/* The next one that is ready, the caller's; NULL: none. */
NetConnection *net_lobby_next (NetLobby *lobby);
/* How many are in it. */
guint net_lobby_count (const NetLobby *lobby);
/* Closes them. */
void net_lobby_free (NetLobby *lobby);
