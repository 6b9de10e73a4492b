/* SPDX-License-Identifier: Apache-2.0 */
/* link-put.h: what the files of a link's producing end share: link-put.c, link-full.c and link-run.c. The producer's worker. */
#pragma once

#include "link.h"

/* Publishing is a store every so many records or bytes. */
#define WEIR_QUANTUM 64
#define WEIR_QUANTUM_BYTES 65536

/* ---- link-put.c ---- */
/* Every put takes the rare path, or again only the one that comes to a segment's end. */
void weir_link_set_rare (WeirLink *link, gboolean rare);
void weir_link_wake_taker (WeirLink *link);

/* ---- link-full.c ---- */
/* Reads done again. */
void weir_link_see_done (WeirLink *link);
guint64 weir_link_level_pinned (WeirLink *link);
/* Has it reached a high mark, or a record become too old, by what was seen of done? */
gboolean weir_link_at_high (WeirLink *link);
/* R11: only where control entries alone reach high does a lossy link pause its producer. */
gboolean weir_link_controls_at_high (WeirLink *link);
/* R3: the reason is set, unless a second look finds the link low. */
void weir_link_set_full (WeirLink *link);
/* How far the next slow path is. */
void weir_link_rearm (WeirLink *link);

/* ---- link-run.c ---- */
/* Closes the runs: what was put can be published. */
void weir_link_end_run (WeirLink *link);
