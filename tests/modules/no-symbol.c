/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that is no plugin of Weir.
 * Opened by tests of the registry. */
#include <weir/weir.h>

WEIR_EXPORT int other_plugin (void);

int
other_plugin (void)
{
  return 0;
}
