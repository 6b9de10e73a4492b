/* SPDX-License-Identifier: Apache-2.0 */
/* The check of a JSON text that runs before json-c sees it: UTF-8, RFC 8259 and comments, depth, duplicate keys, number
 * range, and the place of each key and value. Pure but for what it writes into the text; any one thread. */
#ifndef WEIR_SCAN_H
#define WEIR_SCAN_H

#include "places.h"

G_BEGIN_DECLS

#define WEIR_SCAN_DEPTH 64
/* json-c spends some 800 bytes on an empty object: 16 MiB of them would be gigabytes. */
#define WEIR_SCAN_VALUES 1000000
#define WEIR_SCAN_CONTAINERS 100000

/* Checks the text of places, fills places and adds what it finds to problems. FALSE: the syntax broke, nothing can be said
 * about what follows, and the text must not be parsed. TRUE: the text now holds strict JSON that json-c takes with equal
 * values: comments are blanked, and so is what a mistake was told about (a second member of one key, a trailing comma); a value
 * that cannot stand is 0 and its node is marked as told. */
gboolean weir_scan (WeirPlaces *places, WeirNode *root, guint32 key, WeirProblems *problems);

G_END_DECLS
#endif
