/* SPDX-License-Identifier: Apache-2.0 */
/* process.h: the child process that runs a stage which is isolated: started, reaped, and what became of it.
 * The stage's worker. The child has no other descriptor than standard input, output and error and those it is given; it does not outlive
 * the worker. It stays unreaped until weir_process_reap(), so that its number is nobody else's while it is signalled. */
#pragma once

#include <glib.h>
#include <sys/types.h>

typedef struct {
  pid_t pid;        /* 0: there is none, or it was reaped */
  pid_t number;     /* what it was, for messages */
  int code, status; /* of waitid(2), once it was reaped; code 0: lost */
} WeirProcess;

/* Starts this program anew, for the stage of that name. fds: those that it begins with, from WEIR_PLAN_FD on, beside so many sockets of a
 * service manager. FALSE: *message. */
gboolean weir_process_start (WeirProcess *process, const char *name, const int *fds, gsize count, guint sockets,
                             char **message);
/* Kills what still runs, and waits for its end. */
void weir_process_reap (WeirProcess *process);
/* Has it come to its end in good order? "exited with status 3", "was killed by signal 9 (Killed)"; g_free() it. */
char *weir_process_outcome (const WeirProcess *process);
