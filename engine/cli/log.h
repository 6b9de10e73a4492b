/* SPDX-License-Identifier: Apache-2.0 */
/* Where messages go: under the journal with fields, detached to the journal or else to syslog, otherwise to standard error as
 * one line, `weir: NAME (plugin, role): text`. Set up before any thread runs; messages come from any thread. */
#ifndef WEIR_CLI_LOG_H
#define WEIR_CLI_LOG_H

#include "problem.h"
#include "stage.h"

#define WEIR_LOG_JOURNAL "/run/systemd/journal/socket"
#define WEIR_LOG_SYSLOG "/dev/log"

/* Takes over the messages of the process. */
void weir_log_open (void);
/* From now on standard error is nobody's. */
void weir_log_detach (void);
/* Messages go to somebody who reads them later, not to who has started the program. */
gboolean weir_log_is_kept (void);

/* An error; stage NULL: the program's own. */
void weir_log_error (WeirStage *stage, const char *format, ...) G_GNUC_PRINTF (2, 3);
void weir_log_warning (const char *format, ...) G_GNUC_PRINTF (1, 2);
void weir_log_info (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* The mistakes and warnings of a configuration, a line each. */
void weir_log_problems (const WeirProblems *problems);

#endif
