/* SPDX-License-Identifier: Apache-2.0 */
/* Signals of a running program, on the main thread: SIGTERM and SIGINT ask for an end, the second of them for one at once;
 * SIGHUP, SIGUSR1 and SIGUSR2 are logged and ignored, SIGPIPE is ignored. Set up before any other thread runs. */
#ifndef WEIR_CLI_SIGNALS_H
#define WEIR_CLI_SIGNALS_H

#include <glib.h>

/* number: the signal; again: it is not the first. Called on the main thread. */
typedef void (*WeirSignalHandler) (int number, gboolean again, gpointer data);

/* FALSE: there is no descriptor left; the message is one line. */
gboolean weir_signals_open (WeirSignalHandler handler, gpointer data, char **message);
void weir_signals_close (void);
/* Threads that are made in between leave these signals to the main thread, so that none of their system calls is cut short. */
void weir_signals_hold (void);
void weir_signals_unhold (void);

#endif
