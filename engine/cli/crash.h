/* SPDX-License-Identifier: Apache-2.0 */
/* A fatal signal names the stage, plugin and callback of its thread before the process dies of it. */
#ifndef WEIR_CLI_CRASH_H
#define WEIR_CLI_CRASH_H

/* Main thread, before there are others. */
void weir_crash_open (void);

#endif
