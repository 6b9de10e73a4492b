/* SPDX-License-Identifier: Apache-2.0 */
/* crossing.c: origins that have crossed to the other process (see crossing.h). Any thread, under its lock; no reference is dropped
 * under it, as that may tell who waits. */
#include "isolate/crossing.h"

#include <stdio.h>

void
weir_crossing_init (WeirCrossing *crossing, WeirStage *stage)
{
  g_mutex_init (&crossing->lock);
  crossing->origins = g_hash_table_new (NULL, NULL);
  crossing->last = 0;
  crossing->stage = stage;
}

static void
end (WeirCrossed *crossed, WeirOutcome outcome)
{
  if (outcome != WEIR_DELIVERED) {
    weir_origin_note (crossed->origin, outcome);
  }
  weir_origin_unref (crossed->origin);
  g_free (crossed);
}

void
weir_crossing_clear (WeirCrossing *crossing, gboolean (*is_lost) (const WeirCrossed *crossed, gpointer data),
                     gpointer data)
{
  if (crossing->origins == NULL) {
    return;
  }
  GHashTableIter iter;
  gpointer crossed;
  g_hash_table_iter_init (&iter, crossing->origins);
  while (g_hash_table_iter_next (&iter, NULL, &crossed)) {
    end (crossed, is_lost != NULL && is_lost (crossed, data) ? WEIR_ABANDONED : WEIR_DELIVERED);
  }
  g_clear_pointer (&crossing->origins, g_hash_table_unref);
  g_mutex_clear (&crossing->lock);
}

static guint64
add (WeirCrossing *crossing, WeirOrigin *origin, guint64 at)
{
  WeirCrossed *crossed = g_new (WeirCrossed, 1);
  *crossed = (WeirCrossed){ weir_origin_ref (origin), crossing->link, at };
  g_mutex_lock (&crossing->lock);
  gsize number = ++crossing->last;
  g_hash_table_insert (crossing->origins, GSIZE_TO_POINTER (number), crossed);
  g_mutex_unlock (&crossing->lock);
  return number;
}

typedef struct {
  WeirCrossing *crossing;
  guint64 at;
  GArray *numbers;
} Numbering;

static void
number (WeirOpened *opened, gpointer data)
{
  Numbering *numbering = data;
  gboolean back = numbering->crossing->stage != NULL && opened->stage == numbering->crossing->stage;
  guint64 one = back ? (guint64) GPOINTER_TO_SIZE (opened->token)
                     : add (numbering->crossing, &opened->origin, numbering->at);
  g_array_append_val (numbering->numbers, one);
}

void
weir_crossing_number (gpointer crossing, WeirOrigin *origin, guint64 at, GArray *numbers)
{
  weir_origin_each (origin, number, &(Numbering){ crossing, at, numbers });
}

static WeirOrigin *
find (WeirCrossing *crossing, guint64 number)
{
  g_mutex_lock (&crossing->lock);
  WeirCrossed *crossed = g_hash_table_lookup (crossing->origins, GSIZE_TO_POINTER ((gsize) number));
  WeirOrigin *origin = crossed != NULL ? weir_origin_ref (crossed->origin) : NULL;
  g_mutex_unlock (&crossing->lock);
  return origin;
}

/* One that the other end has given up by now is none. */
WeirOrigin *
weir_crossing_resolve (gpointer data, const guint64 *numbers, gsize count)
{
  WeirCrossing *crossing = data;
  g_autoptr (GPtrArray) origins = g_ptr_array_new ();
  for (gsize i = 0; i < count; i++) {
    WeirOrigin *origin = crossing->stage != NULL
                           ? weir_origins_open (crossing->stage, GSIZE_TO_POINTER ((gsize) numbers[i]))
                           : find (crossing, numbers[i]);
    if (origin != NULL) {
      g_ptr_array_add (origins, origin);
    }
  }
  return origins->len > 0 ? weir_origin_bundle ((WeirOrigin *const *) origins->pdata, origins->len) : NULL;
}

void
weir_crossing_over (WeirCrossing *crossing, guint64 number, WeirOutcome outcome)
{
  gpointer crossed = NULL;
  g_mutex_lock (&crossing->lock);
  g_hash_table_steal_extended (crossing->origins, GSIZE_TO_POINTER ((gsize) number), NULL, &crossed);
  g_mutex_unlock (&crossing->lock);
  if (crossed != NULL) {
    end (crossed, outcome);
  }
}

char *
weir_crossing_text (guint64 number, WeirOutcome outcome)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %u", number, (guint) outcome);
}

gboolean
weir_crossing_hear (const char *text, guint64 *number, WeirOutcome *outcome)
{
  guint found;
  if (text == NULL || sscanf (text, "%" G_GUINT64_FORMAT " %u", number, &found) != 2 || found > WEIR_ABANDONED) {
    return FALSE;
  }
  *outcome = (WeirOutcome) found;
  return TRUE;
}
