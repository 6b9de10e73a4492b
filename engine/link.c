/* SPDX-License-Identifier: Apache-2.0 */
/* link.c: a link's limits, its making and freeing, and its figures (see link.h).
 * Made and freed by the pipeline while both ends are parked; the figures are read from any thread. The producing end is in
 * link-put.c, link-full.c and link-run.c, the taking end in link-take.c. */
#include "connections.h"
#include "origins.h"
#include "front.h"
#include "link.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const weir_drop_reason_names[WEIR_DROP_REASONS] = { "full",    "expired",         "taker_finished",
                                                                "refused", "connection_lost", "held" };

static WeirMarks
marks (guint64 limit, double low, double hard)
{
  if (limit == 0) {
    return (WeirMarks){ G_MAXUINT64, G_MAXUINT64, G_MAXUINT64 };
  }
  /* As doubles, limits above 2^53 are rounded. */
  double least = (double) limit * low, most = ceil ((double) limit * hard);
  return (WeirMarks){ least < 9e18 ? MIN ((guint64) least, limit - 1) : limit - 1, limit,
                      most < 9e18 ? MAX ((guint64) most, limit) : G_MAXUINT64 - 1 };
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

static WeirLimits *
limits_new (const WeirQueueSettings *settings)
{
  WeirLimits *limits = g_new (WeirLimits, 1);
  limits->settings = *settings;
  /* Without a limit of records a record counts as one byte at least, or empty ones would be bounded by nothing. */
  guint64 records = settings->records == 0 ? settings->bytes : settings->records;
  limits->records = marks (records, settings->low, settings->hard);
  limits->bytes = marks (settings->bytes, settings->low, settings->hard);
  guint64 pinned = settings->bytes > G_MAXUINT64 / 8 ? settings->bytes : settings->bytes * 4;
  limits->pinned = marks (settings->bytes == 0 ? 0 : MAX (pinned, 1024 * 1024), settings->low, settings->hard);
  limits->sparse = limits->bytes.high;
  limits->age = marks ((guint64) settings->age, settings->low, settings->hard);
  limits->age.hard = G_MAXUINT64; /* age alone never holds anybody */
  guint64 high = settings->records == 0 ? 4096 : settings->records;
  limits->eighth = high / 8 >= 64 ? high / 8 : 0;
  limits->quarter = MAX (high / 4, 1);
  limits->quarter_bytes = MAX ((settings->bytes == 0 ? 1024 * 1024 : settings->bytes) / 4, 1);
  return limits;
}

static void
init_link (WeirLink *link, const WeirLimits *limits)
{
  link->limits = limits;
  if (limits->settings.age > 0) {
    link->stamps = g_array_new (FALSE, FALSE, sizeof (gint64));
  }
  link->put_countdown = 1;
  link->put_room = 1;
}

WeirLink *
weir_link_new (const char *name, const WeirQueueSettings *settings)
{
  WeirLink *link = g_aligned_alloc0 (1, sizeof (WeirLink), 64);
  init_link (link, limits_new (settings));
  link->identity = g_new0 (WeirLinkIdentity, 1);
  link->identity->name = g_strdup (name);
  return link;
}

WeirLink *
weir_link_copy (gpointer place, const WeirLink *original)
{
  WeirLink *link = place;
  init_link (link, original->limits);
  link->identity = original->identity;
  link->is_copy = link->borrows_limits = TRUE;
  return link;
}

static void
free_limits (WeirLink *link)
{
  if (!link->borrows_limits) {
    g_free ((WeirLimits *) link->limits);
  }
}

void
weir_link_lift_limits (WeirLink *link, guint64 sparse)
{
  WeirLimits *none = g_memdup2 (link->limits, sizeof (WeirLimits));
  none->records = none->bytes = none->pinned = none->age = marks (0, 0, 0);
  none->sparse = sparse;
  free_limits (link);
  link->limits = none;
  link->borrows_limits = FALSE;
  g_clear_pointer (&link->stamps, g_array_unref);
}

/* Walks the slots from done to put. */
static void
each_up_to (WeirLink *link, guint64 put, WeirLinkEach each, gpointer data)
{
  guint64 at = link->done_private;
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

void
weir_link_each_queued (WeirLink *link, WeirLinkEach each, gpointer data)
{
  each_up_to (link, weir_load_acquire (&link->put), each, data);
}

void
weir_link_each_taken (WeirLink *link, WeirLinkEach each, gpointer data)
{
  each_up_to (link, link->taken, each, data);
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
  weir_link_each_queued (link, count_record, &queued);
  if (link->front != NULL) {
    WeirLinkFigures figures = { 0 };
    weir_front_figures (link->front, &figures);
    queued += figures.queued;
  }
  return queued;
}

guint64
weir_link_check_ledger (WeirLink *link)
{
  WeirLinkFigures figures;
  weir_link_figures (link, &figures);
  /* Each connection's own links have been walked when it ended. */
  guint64 queued = weir_link_stands_for (link) != NULL ? figures.queued : weir_link_count_queued (link);
  if (figures.in != figures.out + figures.dropped + queued) {
    g_error ("link %s does not balance: in %" G_GUINT64_FORMAT " is not out %" G_GUINT64_FORMAT
             " + dropped %" G_GUINT64_FORMAT " + queued %" G_GUINT64_FORMAT,
             link->identity->name, figures.in, figures.out, figures.dropped, queued);
  }
  return queued;
}

/* Of what was taken from there on and is not done: what is kept and not given back, or what is not kept. */
static void
discard_taken (WeirLink *link, guint64 from, gboolean kept)
{
  WeirSegment *segment = link->done_segment;
  guint32 index = link->done_index;
  for (guint64 at = link->done_private; at != link->taken; at++, index++) {
    if (index == segment->slots) {
      segment = segment->next;
      index = 0;
    }
    _Atomic guint8 *state = &weir_segment_states (segment)[index];
    guint8 before = weir_load_acquire (state);
    if (at < from || ((before & WEIR_SLOT_KEPT) != 0) != kept || (before & WEIR_SLOT_RELEASED) != 0) {
      continue;
    }
    if (kept) {
      weir_store_relaxed (state, before | WEIR_SLOT_RELEASED);
    }
    link->discarded++;
    weir_record_note (weir_segment_records (segment) + index, WEIR_DROPPED);
  }
}

void
weir_link_discard_taken (WeirLink *link, gsize count, WeirDropReason reason)
{
  weir_link_note_given_up (link, link->taken - count);
  discard_taken (link, link->taken - count, FALSE);
  link->discarded_as = (guint8) reason;
}

void
weir_link_abandon (WeirLink *link, WeirDropReason reason)
{
  if (link->kept > 0) {
    discard_taken (link, link->done_private, TRUE);
  }
  if (link->held) {
    guint64 controls = link->controls_taken - weir_load_relaxed (&link->controls_done);
    link->discarded = link->taken - link->done_private - controls;
    link->extras->granted = G_MAXUINT64;
  }
  link->discarded_as = (guint8) reason;
  weir_link_discard (link, reason);
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

static void
free_rejections (WeirRejection *rejection)
{
  for (WeirRejection *next; rejection != NULL; rejection = next) {
    next = rejection->next;
    g_free (rejection->reason);
    g_free (rejection);
  }
}

void
weir_link_free (WeirLink *link)
{
  weir_link_publish (link);
  weir_link_each_queued (link, drop_record, NULL);
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
  free_rejections (weir_load_acquire (&link->rejections));
  if (link->extras != NULL) {
    free_rejections (link->extras->reasons);
    g_free (link->extras);
  }
  if (link->copies != NULL) {
    weir_packer_clear (link->copies);
    g_free (link->copies);
  }
  g_aligned_free (weir_load_acquire (&link->tally));
  g_clear_pointer (&link->front, weir_front_free);
  g_clear_pointer (&link->gap_streams, g_hash_table_unref);
  g_clear_pointer (&link->stamps, g_array_unref);
  free_limits (link);
  if (!link->is_copy) {
    g_free (link->identity->name);
    g_free (link->identity);
    g_aligned_free (link);
  }
}

WeirLinkExtras *
weir_link_extras (WeirLink *link)
{
  if (G_UNLIKELY (link->extras == NULL)) {
    link->extras = g_new0 (WeirLinkExtras, 1);
  }
  return link->extras;
}

void
weir_link_note_given_up (WeirLink *link, guint64 from)
{
  if (link->extras != NULL && link->extras->given_up == 0) {
    link->extras->given_up = from + 1;
  }
}

WeirTally *
weir_link_tally (WeirLink *link)
{
  WeirTally *tally = weir_load_acquire (&link->tally);
  if (G_LIKELY (tally != NULL)) {
    return tally;
  }
  WeirTally *made = g_aligned_alloc0 (1, sizeof (WeirTally), 64);
  if (atomic_compare_exchange_strong_explicit (&link->tally, &tally, made, memory_order_acq_rel,
                                               memory_order_acquire)) {
    return made;
  }
  g_aligned_free (made);
  return tally;
}

void
weir_link_tell_pause (WeirLink *link)
{
  WeirTally *tally = weir_link_tally (link);
  weir_add_relaxed (&tally->pauses, 1);
  weir_store_relaxed (&tally->paused_since, (guint64) weir_clock_now ());
}

void
weir_link_tell_resume (WeirLink *link)
{
  WeirTally *tally = weir_link_tally (link);
  weir_add_relaxed (&tally->resumes, 1);
  weir_add_relaxed (&tally->paused_us, (guint64) weir_clock_now () - weir_load_relaxed (&tally->paused_since));
  weir_store_relaxed (&tally->paused_since, 0);
}

/* What is read later may be newer: then a difference is nothing, never huge. */
static guint64
less (guint64 a, guint64 b)
{
  return a > b ? a - b : 0;
}

void
weir_link_figures (WeirLink *link, WeirLinkFigures *figures)
{
  *figures = (WeirLinkFigures){ 0 };
  if (weir_link_stands_for (link) != NULL) {
    weir_connections_link_figures (weir_link_stands_for (link), link, figures);
    return;
  }
  /* Done before put: what comes in between shows as queued, never as a negative level. */
  guint64 done = weir_load_acquire (&link->done), controls_done = weir_load_relaxed (&link->controls_done);
  guint64 done_bytes = weir_load_relaxed (&link->done_bytes);
  guint64 taken_drops = 0;
  WeirTally *tally = weir_load_acquire (&link->tally);
  for (guint i = 0; i < WEIR_DROP_REASONS && tally != NULL; i++) {
    guint64 dropped = weir_load_relaxed (&tally->dropped_taken[i]);
    taken_drops += dropped;
    figures->dropped_by[i] = dropped + weir_load_relaxed (&tally->dropped_put[i]);
    figures->dropped += figures->dropped_by[i];
  }
  guint64 controls_put = weir_load_acquire (&link->controls_put), put = weir_load_acquire (&link->put);
  guint64 put_bytes = weir_load_relaxed (&link->put_bytes);
  figures->in = less (put, controls_put) + figures->dropped - taken_drops;
  figures->out = less (less (done, controls_done), taken_drops);
  figures->queued = less (put - done, less (controls_put, controls_done));
  figures->bytes_in = put_bytes;
  figures->bytes_out = done_bytes;
  figures->level_bytes = less (put_bytes, done_bytes);
  /* The taker notes peaks when it looks; now is one too. */
  figures->peak_records = MAX (weir_load_relaxed (&link->peak_records), figures->queued);
  figures->peak_bytes = MAX (weir_load_relaxed (&link->peak_bytes), figures->level_bytes);
  figures->peak_pinned = weir_load_relaxed (&link->peak_pinned);
  figures->paused = weir_load_relaxed (&link->full) != 0;
  if (tally != NULL) {
    figures->pauses = weir_load_relaxed (&tally->pauses);
    figures->resumes = weir_load_relaxed (&tally->resumes);
    figures->paused_us = (gint64) weir_load_relaxed (&tally->paused_us);
    guint64 since = weir_load_relaxed (&tally->paused_since);
    if (figures->paused && since != 0) {
      figures->paused_us += weir_clock_now () - (gint64) since;
    }
  }
  if (link->front != NULL) {
    weir_front_figures (link->front, figures);
  }
}
