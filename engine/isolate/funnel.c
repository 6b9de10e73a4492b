/* SPDX-License-Identifier: Apache-2.0 */
/* funnel.c: several links as one (see funnel.h). The stage's worker. A record without a stream belongs to its link, whose end ends what was
 * joined of them: on the way they are a stream too. */
#include "isolate/funnel.h"

#include "stage.h"

/* What was sent of a link, up to a position of the child's and one of the link's. */
typedef struct {
  WeirLink *link;
  guint64 to, link_to;
} Piece;

struct _WeirFunnel {
  guint64 sent;
  GArray *pieces; /* Piece; before `first` all are released */
  guint first;
  GHashTable *links;   /* link -> table of its streams: number here -> number on the way */
  GHashTable *streams; /* number on the way -> number here */
  gboolean ends_come_back;
  guint32 last; /* number given */
  /* Of the records that are being sent. */
  GHashTable *current;
  guint32 stream, number; /* looked up last; number 0: nothing was */
};

/* How many that are released may lie about. */
#define RELEASED 256

WeirFunnel *
weir_funnel_new (gboolean ends_come_back)
{
  WeirFunnel *funnel = g_new0 (WeirFunnel, 1);
  funnel->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  funnel->links = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_hash_table_unref);
  funnel->streams = g_hash_table_new (NULL, NULL);
  funnel->ends_come_back = ends_come_back;
  return funnel;
}

void
weir_funnel_free (WeirFunnel *funnel)
{
  if (funnel == NULL) {
    return;
  }
  g_array_unref (funnel->pieces);
  g_hash_table_unref (funnel->links);
  g_hash_table_unref (funnel->streams);
  g_free (funnel);
}

/* ---- streams ---- */

static guint32
new_number (WeirFunnel *funnel)
{
  do {
    funnel->last = (funnel->last + 1) & WEIR_STREAM_NUMBERS;
  } while (funnel->last == 0 || g_hash_table_contains (funnel->streams, GUINT_TO_POINTER (funnel->last)));
  return funnel->last;
}

static guint32
number_of (guint32 stream, gpointer data)
{
  WeirFunnel *funnel = data;
  if (funnel->number != 0 && funnel->stream == stream) {
    return funnel->number;
  }
  gpointer number = g_hash_table_lookup (funnel->current, GUINT_TO_POINTER (stream));
  if (number == NULL) {
    number = GUINT_TO_POINTER (new_number (funnel));
    g_hash_table_insert (funnel->current, GUINT_TO_POINTER (stream), number);
    g_hash_table_insert (funnel->streams, number, GUINT_TO_POINTER (stream));
  }
  funnel->stream = stream;
  funnel->number = GPOINTER_TO_UINT (number);
  return funnel->number;
}

guint32
weir_funnel_stream (WeirFunnel *funnel, guint32 number)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (funnel->streams, GUINT_TO_POINTER (number)));
}

void
weir_funnel_forget_stream (WeirFunnel *funnel, guint32 number)
{
  g_hash_table_remove (funnel->streams, GUINT_TO_POINTER (number));
}

/* ---- to the child ---- */

/* So many entries, which end there on the link. */
static void
note (WeirFunnel *funnel, WeirLink *link, guint64 entries, guint64 link_to)
{
  funnel->sent += entries;
  Piece piece = { link, funnel->sent, link_to };
  g_array_append_val (funnel->pieces, piece);
}

void
weir_funnel_records (WeirFunnel *funnel, WeirSender *sender, WeirLink *link, const WeirRecord *records, gsize count)
{
  funnel->current = g_hash_table_lookup (funnel->links, link);
  if (funnel->current == NULL) {
    funnel->current = g_hash_table_new (NULL, NULL);
    g_hash_table_insert (funnel->links, link, funnel->current);
  }
  funnel->number = 0;
  weir_sender_renumber (sender, number_of, funnel);
  weir_sender_records (sender, 0, records, count, link->taken - count);
  note (funnel, link, count, link->taken);
}

static void
send_end (WeirFunnel *funnel, WeirSender *sender, gpointer number)
{
  weir_sender_control (sender, WEIR_FRAME_IS_END_STREAM, 0, GPOINTER_TO_UINT (number));
  if (!funnel->ends_come_back) {
    g_hash_table_remove (funnel->streams, number);
  }
}

void
weir_funnel_control (WeirFunnel *funnel, WeirSender *sender, WeirLink *link, const WeirRecord *control)
{
  GHashTable *streams = g_hash_table_lookup (funnel->links, link);
  guint64 ends = 0;
  if (control->flags != WEIR_CONTROL_END && streams != NULL) {
    gpointer number = g_hash_table_lookup (streams, GUINT_TO_POINTER (control->stream));
    if (number != NULL) {
      send_end (funnel, sender, number);
      g_hash_table_remove (streams, GUINT_TO_POINTER (control->stream));
      ends++;
    }
  } else if (streams != NULL) {
    GHashTableIter iter;
    gpointer number;
    g_hash_table_iter_init (&iter, streams);
    while (g_hash_table_iter_next (&iter, NULL, &number)) {
      send_end (funnel, sender, number);
      ends++;
    }
    g_hash_table_remove (funnel->links, link);
  }
  note (funnel, link, ends, link->taken + 1);
}

/* ---- what is released ---- */

guint64
weir_funnel_sent (const WeirFunnel *funnel)
{
  return funnel->sent;
}

gboolean
weir_funnel_waits (const WeirFunnel *funnel)
{
  return funnel->first < funnel->pieces->len;
}

gboolean
weir_funnel_release (WeirFunnel *funnel, guint64 released, void (*granted) (WeirLink *link, gpointer data),
                     gpointer data)
{
  gboolean more = FALSE;
  for (guint64 left = 0; left == 0 && weir_funnel_waits (funnel);) {
    Piece piece = g_array_index (funnel->pieces, Piece, funnel->first);
    left = piece.to - MIN (piece.to, released);
    guint64 position = piece.link_to - MIN (piece.link_to, left);
    funnel->first += left == 0 ? 1 : 0;
    if (position > piece.link->extras->granted) {
      piece.link->extras->granted = position;
      granted (piece.link, data);
      more = TRUE;
    }
  }
  if (funnel->first == funnel->pieces->len || funnel->first >= MAX (RELEASED, funnel->pieces->len / 2)) {
    g_array_remove_range (funnel->pieces, 0, funnel->first);
    funnel->first = 0;
  }
  return more;
}

gboolean
weir_funnel_any (const WeirFunnel *funnel, gboolean (*is) (WeirLink *link))
{
  for (guint i = funnel->first; i < funnel->pieces->len; i++) {
    if (is (g_array_index (funnel->pieces, Piece, i).link)) {
      return TRUE;
    }
  }
  return FALSE;
}
