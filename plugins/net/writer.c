/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c: what all who write records to a connection share (see writer.h).
 * Any thread; owns nothing. */
#include "writer.h"

#include <string.h>

gsize
net_writer_delimiter (const char **delimiter)
{
  if (g_str_equal (*delimiter, "nul")) {
    *delimiter = "";
    return 1;
  }
  return strlen (*delimiter);
}

gsize
net_writer_whole (const WeirRecord *records, gsize count, gsize delimiter_size, gsize bytes)
{
  gsize whole = 0;
  while (whole < count) {
    gsize size = net_writer_size (&records[whole], delimiter_size);
    if (size > bytes) {
      break;
    }
    bytes -= size;
    whole++;
  }
  return whole;
}
