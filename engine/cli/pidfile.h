/* SPDX-License-Identifier: Apache-2.0 */
/* A file with the process's number, locked for as long as the process lives, so that it runs once. Main thread. */
#ifndef WEIR_CLI_PIDFILE_H
#define WEIR_CLI_PIDFILE_H

#include <glib.h>

typedef struct _WeirPidFile WeirPidFile;

/* After the last fork. NULL: *message names the file, and the process that holds it. */
WeirPidFile *weir_pid_file_new (const char *path, char **message);
/* Removes the file. NULL is fine. */
void weir_pid_file_free (WeirPidFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirPidFile, weir_pid_file_free)

#endif
