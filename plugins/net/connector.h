/* SPDX-License-Identifier: Apache-2.0 */
/* connector.h: one attempt to connect: the name is looked up, its addresses are tried, each a quarter of a second after the one
 * before, and the first that answers is taken. Runs on the stage's worker, by sources in its context. */
#pragma once

#include "socket.h"

typedef struct _NetConnector NetConnector;

/* fd: connected, non-blocking, the callee's; -1: error says why (borrowed). The connector may be freed from it. */
typedef void (*NetConnected) (gpointer owner, int fd, const GError *error);

/* connected is called once, later, unless the connector is freed before. address and settings are borrowed. */
NetConnector *net_connector_new (WeirStage *stage, const NetAddress *address, const NetSettings *settings,
                                 NetConnected connected, gpointer owner);
void net_connector_free (NetConnector *connector);
