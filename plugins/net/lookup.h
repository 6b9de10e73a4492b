/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.h: a host's addresses, asked for on a thread of GIO's, so that no worker waits for DNS.
 * Made, cancelled and answered on the stage's worker. */
#pragma once

#include <gio/gio.h>

typedef struct _NetLookup NetLookup;

/* addresses: GInetAddress, at least one, in the order to be tried; NULL: error says why. Both are borrowed. */
typedef void (*NetFound) (gpointer owner, GList *addresses, const GError *error);

/* found is called once, later, unless it is cancelled; the lookup is over then, and freed by itself. */
NetLookup *net_lookup_begin (const char *host, NetFound found, gpointer owner);
void net_lookup_cancel (NetLookup *lookup);
