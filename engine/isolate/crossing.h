/* SPDX-License-Identifier: Apache-2.0 */
/* crossing.h: origins that cross between a stage that is isolated and its child process. The end on whose side they began refers to
 * them, by a number for each time that one crosses; the other end has a stage of the engine's begin one of its own for each number, the
 * token, and says what became of that. What the other end makes under such a one crosses back under the number. Any thread, but for what
 * calls on the stage. */
#pragma once

#include "link.h"
#include "origins.h"

typedef struct {
  WeirOrigin *origin; /* one reference */
  WeirLink *link;     /* its records were taken from there, from `at` on; only compared */
  guint64 at;
} WeirCrossed;

typedef struct {
  GMutex lock;
  GHashTable *origins; /* number -> WeirCrossed */
  gsize last;
  WeirStage *stage; /* that begins one for each number; NULL: they begin on this side */
  WeirLink *link;   /* whose records are being sent */
} WeirCrossing;

void weir_crossing_init (WeirCrossing *crossing, WeirStage *stage);
/* What is left is over, and what is_lost() says so of has been lost with the other end; NULL: nothing. */
void weir_crossing_clear (WeirCrossing *crossing, gboolean (*is_lost) (const WeirCrossed *crossed, gpointer data),
                          gpointer data);
/* For a WeirSender and a WeirReceiver, whose data is the crossing. */
void weir_crossing_number (gpointer crossing, WeirOrigin *origin, guint64 at, GArray *numbers);
WeirOrigin *weir_crossing_resolve (gpointer crossing, const guint64 *numbers, gsize count);
/* The other end has said so. */
void weir_crossing_over (WeirCrossing *crossing, guint64 number, WeirOutcome outcome);

/* What the other end is told, as text: g_free() it; and what it hears. FALSE: it is not that. */
char *weir_crossing_text (guint64 number, WeirOutcome outcome);
gboolean weir_crossing_hear (const char *text, guint64 *number, WeirOutcome *outcome);
