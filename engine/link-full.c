/* SPDX-License-Identifier: Apache-2.0 */
/* link-full.c: the producing end of a link: its level, its marks, and the reason to pause (R1, R3, R17).
 * Runs on the producer's worker alone. It owns the link's pause reason `full`; of the taker it reads done and closed. The fence
 * between full and done is R3's (tests/model). */
#include "link-put.h"

void
weir_link_see_done (WeirLink *link)
{
  link->done_seen = weir_load_acquire (&link->done);
  link->done_bytes_seen = weir_load_relaxed (&link->done_bytes);
  link->done_pinned_seen = weir_load_relaxed (&link->done_pinned);
}

guint64
weir_link_level_pinned (WeirLink *link)
{
  /* The taker counts a buffer off when it meets the next one; an empty link pins nothing. */
  return link->put_private == link->done_seen ? 0 : link->put_pinned_private - link->done_pinned_seen;
}

static gint64
oldest_stamp (WeirLink *link)
{
  /* Pairs of (cursor behind the publication, time of it). */
  guint gone = 0;
  while (gone + 1 < link->stamps->len &&
         (gint64) ((guint64) g_array_index (link->stamps, gint64, gone) - link->done_seen) <= 0) {
    gone += 2;
  }
  if (gone > 0) {
    g_array_remove_range (link->stamps, 0, gone);
  }
  return link->stamps->len > 0 ? g_array_index (link->stamps, gint64, 1) : 0;
}

static gboolean
too_old (WeirLink *link, guint64 age)
{
  gint64 stamp = link->stamps != NULL ? oldest_stamp (link) : 0;
  return stamp != 0 && (guint64) (weir_clock_now () - stamp) >= age;
}

/* Without so many of the entries. */
static gboolean
reached (WeirLink *link, gsize offset, guint64 without)
{
#define MARK(marks) G_STRUCT_MEMBER (guint64, &(marks), offset)
  guint64 entries = link->put_private - link->done_seen;
  return entries - MIN (entries, without) >= MARK (link->limits->records) ||
         link->put_bytes_private - link->done_bytes_seen >= MARK (link->limits->bytes) ||
         weir_link_level_pinned (link) >= MARK (link->limits->pinned) || too_old (link, MARK (link->limits->age));
#undef MARK
}

gboolean
weir_link_at_high (WeirLink *link)
{
  return reached (link, G_STRUCT_OFFSET (WeirMarks, high), 0);
}

gboolean
weir_link_at_low (WeirLink *link)
{
  weir_link_see_done (link);
  return link->put_private - link->done_seen <= link->limits->records.low &&
         link->put_bytes_private - link->done_bytes_seen <= link->limits->bytes.low &&
         weir_link_level_pinned (link) <= link->limits->pinned.low && !too_old (link, link->limits->age.low);
}

/* Control entries are never refused, and whoever puts them is not told to stop: they do not count here. */
static gboolean
at_hard (WeirLink *link)
{
  guint64 controls = link->controls_private - weir_load_relaxed (&link->controls_done);
  return reached (link, G_STRUCT_OFFSET (WeirMarks, hard), controls);
}

gboolean
weir_link_below_hard (WeirLink *link)
{
  if (link->limits->settings.when_full != WEIR_WHEN_FULL_PAUSE || !at_hard (link)) {
    return TRUE;
  }
  weir_link_see_done (link);
  return !at_hard (link);
}

guint64
weir_link_room (WeirLink *link)
{
  if (weir_load_relaxed (&link->full) != 0) {
    return 0;
  }
  if (link->limits->settings.when_full != WEIR_WHEN_FULL_PAUSE) {
    return link->limits->records.high;
  }
  guint64 level = link->put_private - link->done_seen;
  return level < link->limits->records.high ? link->limits->records.high - level : 0;
}

void
weir_link_rearm (WeirLink *link)
{
  guint64 level = link->put_private - link->done_seen;
  guint64 unpublished = link->put_private - weir_load_relaxed (&link->put);
  guint64 quantum = link->limits->eighth > 0 && level - unpublished > link->limits->eighth ? link->limits->eighth
                                                                                           : WEIR_QUANTUM;
  guint64 countdown = unpublished < quantum ? quantum - unpublished : 1;
  guint64 unpublished_bytes = link->put_bytes_private - weir_load_relaxed (&link->put_bytes);
  guint64 unwoken_bytes = link->put_bytes_private - link->woken_bytes;
  guint64 room = unpublished_bytes < WEIR_QUANTUM_BYTES ? WEIR_QUANTUM_BYTES - unpublished_bytes : 1;
  room = MIN (room, unwoken_bytes < link->limits->quarter_bytes ? link->limits->quarter_bytes - unwoken_bytes : 1);
  if (weir_load_relaxed (&link->full) == 0) {
    guint64 bytes = link->put_bytes_private - link->done_bytes_seen;
    countdown = MIN (countdown, level < link->limits->records.high ? link->limits->records.high - level : 1);
    room = MIN (room, bytes < link->limits->bytes.high ? link->limits->bytes.high - bytes : 1);
  }
  link->put_room = (gint64) room;
  link->put_countdown = (gint64) countdown;
}

/* R3, the producer's half: state first, then everything published, the fence, the taker, and a second look. */
void
weir_link_set_full (WeirLink *link)
{
  weir_store_relaxed (&link->full, 1);
  weir_link_publish (link);
  weir_fence (&link->full);
  weir_link_wake_taker (link);
  gboolean closed = weir_load_relaxed (&link->closed) != WEIR_LINK_OPEN;
  if (closed) {
    /* It pauses nobody any more, so it takes nothing any more. */
    weir_link_set_rare (link, TRUE);
  }
  if (closed || weir_link_at_low (link)) {
    weir_store_relaxed (&link->full, 0);
    return;
  }
  weir_link_tell_pause (link);
}

gboolean
weir_link_recheck (WeirLink *link)
{
  if (weir_load_relaxed (&link->full) == 0 ||
      (weir_load_acquire (&link->closed) == WEIR_LINK_OPEN && !weir_link_at_low (link))) {
    return FALSE;
  }
  weir_store_relaxed (&link->full, 0);
  weir_link_tell_resume (link);
  weir_link_rearm (link);
  return TRUE;
}

gboolean
weir_link_controls_at_high (WeirLink *link)
{
  return link->controls_private - weir_load_relaxed (&link->controls_done) >= link->limits->records.high;
}

gint64
weir_link_age_deadline (WeirLink *link)
{
  weir_link_see_done (link);
  gint64 stamp = link->stamps != NULL ? oldest_stamp (link) : 0;
  return stamp != 0 ? stamp + (gint64) link->limits->age.high : 0;
}

void
weir_link_age_full (WeirLink *link)
{
  weir_link_see_done (link);
  if (weir_load_relaxed (&link->full) == 0 && link->limits->settings.when_full == WEIR_WHEN_FULL_PAUSE &&
      too_old (link, link->limits->age.high)) {
    weir_link_set_full (link);
    weir_link_rearm (link);
  }
}
