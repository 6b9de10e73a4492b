/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the service manager how it stands, as sd_notify(3) does, over the socket that NOTIFY_SOCKET names. Main thread. */
#ifndef WEIR_CLI_NOTIFY_H
#define WEIR_CLI_NOTIFY_H

#include <glib.h>

/* Takes NOTIFY_SOCKET out of the environment, so that no child of a plugin speaks in our name. Before any thread runs. */
void weir_notify_open (void);
/* "READY=1\nSTATUS=..."; nothing where nobody listens. */
void weir_notify (const char *format, ...) G_GNUC_PRINTF (1, 2);

#endif
