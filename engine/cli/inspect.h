/* SPDX-License-Identifier: Apache-2.0 */
/* `weir inspect [PLUGIN]`: which plugins are found where, or one of them with all its options. Main thread only. */
#ifndef WEIR_CLI_INSPECT_H
#define WEIR_CLI_INSPECT_H

/* argv[0] is the command's name. Returns the exit code. */
int weir_inspect_command (int argc, char **argv);

#endif
