/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of the scan: strings, numbers and words, and how a mistake in the text is told and taken out of it. For scan.c alone.
 * On the thread of the loader; the text is that of places. */
#ifndef WEIR_SCAN_TOKEN_H
#define WEIR_SCAN_TOKEN_H

#include "scan.h"

G_BEGIN_DECLS

typedef struct {
  WeirPlaces *places;
  WeirProblems *problems;
  char *text;
  gsize size;
  gsize limit; /* the first byte that is no UTF-8, or size */
  gsize at;
  guint depth, values, containers;
  gsize opened[WEIR_SCAN_DEPTH];
} WeirScan;

/* The byte at the cursor, or -1. */
static inline int
weir_scan_peek (const WeirScan *scan)
{
  return scan->at < scan->limit ? (guchar) scan->text[scan->at] : -1;
}

void weir_scan_tell (WeirScan *scan, WeirNode node, gsize offset, const char *format, ...) G_GNUC_PRINTF (4, 5);
/* The text is no JSON here: says what stands where the expected should. FALSE. */
gboolean weir_scan_refuse (WeirScan *scan, WeirNode node, const char *expected);
void weir_scan_blank (WeirScan *scan, gsize from, gsize to);

/* The cursor is at the token's first byte, and behind the token afterwards. FALSE: a string is not closed. */
gboolean weir_scan_string (WeirScan *scan, WeirNode node);
void weir_scan_number (WeirScan *scan, WeirNode node);
void weir_scan_word (WeirScan *scan, WeirNode node);

G_END_DECLS
#endif
