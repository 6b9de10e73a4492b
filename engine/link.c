/* SPDX-License-Identifier: Apache-2.0 */
/* link.c: a link's limits, its making and freeing, and its figures (see link.h).
 * Made and freed by the pipeline while both ends are parked; the figures are read from any thread. The producing end is in
 * link-put.c, the taking end in link-take.c. */
#include "front.h"
#include "link.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const weir_drop_reason_names[WEIR_DROP_REASONS] = { "full", "expired", "taker_finished", "refused",
                                                                "held" };

static WeirMarks
marks (guint64 limit, double low, double hard)
{
  if (limit == 0) {
    return (WeirMarks){ G_MAXUINT64, G_MAXUINT64, G_MAXUINT64 };
  }
  double most = ceil ((double) limit * hard);
  return (WeirMarks){ (guint64) ((double) limit * low), limit, most < 9e18 ? (guint64) most : G_MAXUINT64 - 1 };
}

gboolean
weir_queue_settings_check (const WeirQueueSettings *settings, char **message)
{
  if (settings->records == 0 && settings->bytes == 0) {
    *message = g_strdup ("neither records nor bytes are limited; a link must be bounded by one of them");
    return FALSE;
  }
  if (!(settings->low >= 0 && settings->low < 1)) {
    *message = g_strdup_printf ("low is %g; it must be at least 0 and below 1, as low < high", settings->low);
    return FALSE;
  }
  if (!(settings->hard >= 1 && settings->hard <= 1e6)) {
    *message = g_strdup_printf ("hard is %g; it must be at least 1, as high <= hard, and at most 1000000",
                                settings->hard);
    return FALSE;
  }
  return TRUE;
}

WeirLink *
weir_link_new (const char *name, const WeirQueueSettings *settings)
{
  WeirLink *link = aligned_alloc (64, sizeof (WeirLink));
  if (link == NULL) {
    g_error ("out of memory: cannot allocate a link");
  }
  memset (link, 0, sizeof (WeirLink));
  link->name = g_strdup (name);
  link->settings = *settings;
  link->records = marks (settings->records, settings->low, settings->hard);
  link->bytes = marks (settings->bytes, settings->low, settings->hard);
  link->pinned = marks (settings->bytes == 0 ? 0 : MAX (settings->bytes * 4, 1024 * 1024), settings->low,
                        settings->hard);
  link->age = marks ((guint64) settings->age, settings->low, settings->hard);
  link->age.hard = G_MAXINT64; /* compared as signed; age alone never holds anybody */
  if (settings->age > 0) {
    link->stamps = g_array_new (FALSE, FALSE, sizeof (gint64));
  }
  guint64 high = settings->records == 0 ? 4096 : settings->records;
  link->eighth = high / 8 >= 64 ? high / 8 : 0;
  link->quarter = MAX (high / 4, 1);
  link->quarter_bytes = MAX ((settings->bytes == 0 ? 1024 * 1024 : settings->bytes) / 4, 1);
  link->put_countdown = 1;
  link->put_room = 1;
  return link;
}

void
weir_link_use_front (WeirLink *link, WeirPool *takers_pool)
{
  link->front = weir_front_new (link, takers_pool);
  /* The ring behind the front only holds what the taker has: the front keeps the limits. */
  link->records = link->bytes = link->pinned = marks (0, 0, 0);
}

/* Walks the slots from done to put. */
static void
each_queued (WeirLink *link, void (*each) (WeirRecord *record, guint8 state, gpointer data), gpointer data)
{
  guint64 at = link->done_private, put = weir_load_acquire (&link->put);
  WeirSegment *segment = link->done_segment;
  guint32 index = link->done_index;
  if (at != put && link->fresh_at == link->taken && at == link->taken) {
    segment = link->fresh;
    index = 0;
  }
  for (; at != put; at++, index++) {
    if (index == segment->slots) {
      segment = segment->next;
      index = 0;
    }
    each (weir_segment_records (segment) + index, weir_load_acquire (&weir_segment_states (segment)[index]), data);
  }
}

static void
count_record (WeirRecord *record, guint8 state, gpointer data)
{
  (void) record;
  *(guint64 *) data += (state & WEIR_SLOT_CONTROL) == 0 ? 1 : 0;
}

guint64
weir_link_count_queued (WeirLink *link)
{
  guint64 queued = 0;
  each_queued (link, count_record, &queued);
  if (link->front != NULL) {
    WeirLinkFigures figures = { 0 };
    weir_front_figures (link->front, &figures);
    queued += figures.queued;
  }
  return queued;
}

static void
drop_record (WeirRecord *record, guint8 state, gpointer data)
{
  (void) data;
  if ((state & WEIR_SLOT_LAST_BUFFER) != 0) {
    weir_buffer_unref (record->buffer);
  }
  if ((state & WEIR_SLOT_LAST_CONTEXT) != 0) {
    weir_context_unref (record->context);
  }
}

void
weir_link_free (WeirLink *link)
{
  weir_link_publish (link);
  each_queued (link, drop_record, NULL);
  WeirSegment *segment = NULL;
  gboolean freed_by_taker = link->handed_over && weir_load_relaxed (&link->handed_at) == 0;
  if (link->put_segment != NULL && !freed_by_taker) {
    gboolean unseen = weir_load_acquire (&link->put) != link->taken && link->fresh_at == link->taken &&
                      link->done_private == link->taken;
    segment = unseen ? link->fresh : link->done_segment;
  }
  while (segment != NULL) {
    WeirSegment *next = segment->next;
    weir_pool_give (&segment->block);
    segment = next;
  }
  g_clear_pointer (&link->front, weir_front_free);
  g_clear_pointer (&link->gap_streams, g_hash_table_unref);
  g_clear_pointer (&link->stamps, g_array_unref);
  g_free (link->name);
  free (link);
}

void
weir_link_figures (WeirLink *link, WeirLinkFigures *figures)
{
  *figures = (WeirLinkFigures){ 0 };
  /* Done before put: what comes in between shows as queued, never as a negative level. */
  guint64 done = weir_load_acquire (&link->done), controls_done = weir_load_relaxed (&link->controls_done);
  guint64 done_bytes = weir_load_relaxed (&link->done_bytes);
  guint64 taken_drops = 0;
  for (guint i = 0; i < WEIR_DROP_REASONS; i++) {
    guint64 dropped = weir_load_relaxed (&link->dropped_taken[i]);
    taken_drops += dropped;
    figures->dropped_by[i] = dropped + weir_load_relaxed (&link->dropped_put[i]);
    figures->dropped += figures->dropped_by[i];
  }
  guint64 put = weir_load_acquire (&link->put), controls_put = weir_load_relaxed (&link->controls_put);
  guint64 put_bytes = weir_load_relaxed (&link->put_bytes);
  figures->in = put - controls_put + figures->dropped - taken_drops;
  figures->out = done - controls_done - MIN (taken_drops, done - controls_done);
  figures->queued = put - done - MIN (controls_put - controls_done, put - done);
  figures->bytes_in = put_bytes;
  figures->bytes_out = done_bytes;
  figures->level_bytes = put_bytes - MIN (done_bytes, put_bytes);
  figures->peak_records = weir_load_relaxed (&link->peak_records);
  figures->peak_bytes = weir_load_relaxed (&link->peak_bytes);
  figures->peak_pinned = weir_load_relaxed (&link->peak_pinned);
  figures->pauses = weir_load_relaxed (&link->pauses);
  figures->resumes = weir_load_relaxed (&link->resumes);
  figures->paused = weir_load_relaxed (&link->full) != 0;
  figures->paused_us = (gint64) weir_load_relaxed (&link->paused_us);
  guint64 since = weir_load_relaxed (&link->paused_since);
  if (figures->paused && since != 0) {
    figures->paused_us += g_get_monotonic_time () - (gint64) since;
  }
  if (link->front != NULL) {
    weir_front_figures (link->front, figures);
  }
}
