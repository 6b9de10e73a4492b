/* SPDX-License-Identifier: Apache-2.0 */
/* net-pattern.c: streams of numbered lines, cheap enough to write and to check at the speed of loopback: of a line of NET_LINE bytes only
 * the stamp differs from its neighbours', and of the stamps of 256 lines only the last two digits. Each thread has a pattern of its own. */
#include "net.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

static void
stamp (char *out, guint64 number)
{
  out[0] = NET_MARK;
  for (int i = NET_STAMP - 1; i > 0; i--, number >>= 4) {
    out[i] = digits[number & 15];
  }
}

void
net_pattern_init (NetPattern *pattern)
{
  for (gsize at = 0; at < sizeof pattern->bytes; at++) {
    gsize column = at % NET_LINE;
    pattern->bytes[at] = column == NET_LINE - 1 ? '\n' : (char) ('a' + column % 26);
  }
}

const char *
net_pattern_at (NetPattern *pattern, guint stream, guint64 offset, gsize length)
{
  g_assert (length <= NET_BLOCK);
  guint64 line = offset / NET_LINE, end = (offset + length + NET_LINE - 1) / NET_LINE;
  char prefix[NET_STAMP];
  for (char *at = pattern->bytes; line < end; line++, at += NET_LINE) {
    if (at == pattern->bytes || line % 256 == 0) {
      stamp (prefix, (guint64) stream << 32 | line);
    }
    memcpy (at, prefix, NET_STAMP - 2);
    at[NET_STAMP - 2] = digits[line >> 4 & 15];
    at[NET_STAMP - 1] = digits[line & 15];
  }
  return pattern->bytes + offset % NET_LINE;
}

gboolean
net_pattern_holds (NetPattern *pattern, guint stream, guint64 offset, const char *data, gsize length, gboolean full)
{
  if (full) {
    return memcmp (net_pattern_at (pattern, stream, offset, length), data, length) == 0;
  }
  char wanted[NET_STAMP];
  gsize first = (NET_LINE - offset % NET_LINE) % NET_LINE;
  for (gsize at = first; at + NET_LINE <= length; at += NET_LINE) {
    guint64 line = (offset + at) / NET_LINE;
    if (at == first || line % 256 == 0) {
      stamp (wanted, (guint64) stream << 32 | line);
    }
    wanted[NET_STAMP - 2] = digits[line >> 4 & 15];
    wanted[NET_STAMP - 1] = digits[line & 15];
    if (memcmp (data + at, wanted, NET_STAMP) != 0) {
      return FALSE;
    }
  }
  return TRUE;
}

guint64
net_pattern_stamp (const char *line)
{
  if (*line != NET_MARK) {
    return G_MAXUINT64;
  }
  guint64 number = 0;
  for (int i = 1; i < NET_STAMP; i++) {
    int digit = g_ascii_xdigit_value (line[i]);
    if (digit < 0) {
      return G_MAXUINT64;
    }
    number = number << 4 | (guint64) digit;
  }
  return number;
}
