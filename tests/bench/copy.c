/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c: the yardstick: standard input to standard output by read(2) and write(2), 64 KiB at a time, one thread. */
#include <unistd.h>

int
main (void)
{
  static char block[65536];
  for (;;) {
    ssize_t got = read (0, block, sizeof block);
    if (got <= 0) {
      return got < 0;
    }
    for (ssize_t out = 0; out < got;) {
      ssize_t written = write (1, block + out, (size_t) (got - out));
      if (written < 0) {
        return 1;
      }
      out += written;
    }
  }
}
