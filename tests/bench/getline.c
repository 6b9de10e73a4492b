/* SPDX-License-Identifier: Apache-2.0 */
/* getline.c: the yardstick for lines: standard input to standard output by getline(3) and fwrite(3), one thread, stdio's buffers of
 * 256 KiB instead of 4, and without stdio's locks. */
#include <stdio.h>
#include <stdlib.h>

int
main (void)
{
  static char in[262144], out[262144];
  setvbuf (stdin, in, _IOFBF, sizeof in);
  setvbuf (stdout, out, _IOFBF, sizeof out);
  char *line = NULL;
  size_t size = 0;
  for (ssize_t length; (length = getline (&line, &size, stdin)) > 0;) {
    if (fwrite_unlocked (line, 1, (size_t) length, stdout) != (size_t) length) {
      return 1;
    }
  }
  free (line);
  return ferror (stdin) || fflush (stdout) != 0;
}
