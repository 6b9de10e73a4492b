/* SPDX-License-Identifier: Apache-2.0 */
/* A fatal signal names the stage, plugin and callback of its thread before the process dies of it. Outside of callbacks the code
 * that the thread was in tells the plugin: a source of the plugin's own, an asynchronous call, a helper thread. */
#ifndef WEIR_CLI_CRASH_H
#define WEIR_CLI_CRASH_H

#include "pipeline.h"

/* Main thread, before there are others, behind weir_log_open(). */
void weir_crash_open (void);
/* From now on it is said to this socket, behind the head. */
void weir_crash_tell (int socket, const char *head);
/* Standard error is nobody's from now on: what is said goes to the journal or else to syslog. Main thread. */
void weir_crash_detach (void);
/* Notes the stages of a pipeline that is about to start, and where their code lies. Main thread. */
void weir_crash_know (WeirPipeline *pipeline);
/* Forgets them, before the pipeline is freed. Main thread, its workers are joined. */
void weir_crash_forget (void);

#endif
