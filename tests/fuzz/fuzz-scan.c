/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer's entry for the scan: `make fuzz` builds it with clang and runs it for a while on tests/fuzz/scan. */
#include "agree.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *answer = agree ((const char *) data, size);

  if (answer != NULL && strcmp (answer, "broken") != 0) {
    g_error ("%s", answer);
  }
  return 0;
}
