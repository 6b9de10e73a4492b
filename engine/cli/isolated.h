/* SPDX-License-Identifier: Apache-2.0 */
/* The command that is none of the user's: the child process of a stage that is isolated (see isolated.c). */
#ifndef WEIR_CLI_ISOLATED_H
#define WEIR_CLI_ISOLATED_H

#define WEIR_ISOLATED_COMMAND "isolated"

/* Returns the exit code. */
int weir_isolated_command (int argc, char **argv);

#endif
