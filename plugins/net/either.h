/* SPDX-License-Identifier: Apache-2.0 */
/* either.h: the options of a role that either listens or connects.
 * Main thread; nothing is kept. */
#pragma once

#include "acceptor.h"
#include "client.h"

/* What is wrong with them, to be freed; NULL: nothing. neither: what to say where it does neither. *option names the one at fault. */
char *net_either_check (const NetAcceptSettings *accept, const char *connect, NetFamily family,
                        const NetSettings *settings, const char *neither, const char **option);
