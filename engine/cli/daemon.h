/* SPDX-License-Identifier: Apache-2.0 */
/* Running in the background: the process that was started waits until all stages are ready and ends with the daemon's exit code.
 * Main thread, before there are others. */
#ifndef WEIR_CLI_DAEMON_H
#define WEIR_CLI_DAEMON_H

#include <glib.h>

/* Returns in the daemon alone: it has a session of its own, and is not its leader. Others end here. FALSE: *message. */
gboolean weir_daemon_fork (char **message);
/* In the daemon: all is ready; the process that was started ends with 0, and the terminal is left. */
void weir_daemon_ready (void);

#endif
