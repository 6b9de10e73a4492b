/* SPDX-License-Identifier: Apache-2.0 */
/* either.c: what a role that listens or connects expects of its options (see either.h).
 * Main thread; nothing is kept. */
#include "either.h"

char *
net_either_check (const NetAcceptSettings *accept, const char *connect, NetFamily family, const NetSettings *settings,
                  const char *neither, const char **option)
{
  gboolean listens = accept->listen != NULL && accept->listen[0] != NULL;
  if (listens == (connect != NULL)) {
    *option = listens ? "connect" : NULL;
    return g_strdup (listens ? "found together with listen, expected one of them" : neither);
  }
  char *message;
  if (listens) {
    message = net_accept_check (accept, family, option);
  } else {
    message = net_connect_check (connect, family, option);
  }
  return message != NULL || family != NET_TCP ? message : net_tls_options_check (&settings->tls, listens, option);
}
