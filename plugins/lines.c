/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c: cuts the bytes of each stream at a delimiter.
 * Runs on its stage's worker. A line that lies in one buffer is a slice of it, with the delimiter behind it as trail; only a line
 * that crosses from one record into the next is copied: its first half is kept in the stream's state, which owns it until
 * the line is whole or the stream ends. A message is cut by itself: its end is the end of a line. */
#include <weir/weir.h>

#include <string.h>

#define DELIMITER_MAX 16

enum { SPLIT, TRUNCATE, REJECT };

enum { TOO_LONG };

/* Of one stream. */
typedef struct {
  guint8 *half; /* the beginning of a line; allocated, NULL where there is none */
  gsize used, capacity;
  gboolean beyond;  /* in a line that was too long, behind what was emitted of it */
  WeirOrigin *held; /* of the records that the half line is copied from */
} Stream;

typedef struct {
  const char *delimiter;
  guint64 max;
  int too_long;

  guint8 cut[DELIMITER_MAX];
  gsize cut_size;
  char *reason;             /* of a rejected line */
  gsize most;               /* bytes from a line's start within which its delimiter must have ended */
  const WeirRecord *record; /* the one at hand, while its lines are handed out */
  gsize offset;             /* of the next line in it */
  Stream *stream;           /* that it belongs to */
  Stream message;           /* of a message of its own: never a half line behind it */
} Lines;

/* ---- finding ---- */

/* The end of the first delimiter in data, or 0. Looks for its last byte, which for most is the rare one. */
static inline gsize
find_end (const Lines *self, const guint8 *data, gsize size)
{
  gsize last = self->cut_size - 1;
  if (G_LIKELY (last == 0)) {
    const guint8 *found = memchr (data, self->cut[0], size);
    return found != NULL ? (gsize) (found - data) + 1 : 0;
  }
  for (gsize at = last; at < size; at++) {
    const guint8 *found = memchr (data + at, self->cut[last], size - at);
    if (found == NULL) {
      return 0;
    }
    at = (gsize) (found - data);
    if (memcmp (found - last, self->cut, last) == 0) {
      return at + 1;
    }
  }
  return 0;
}

/* Likewise for a delimiter that may have begun in the half line: the end in data. */
static gsize
find_end_behind (const Lines *self, const Stream *stream, const guint8 *data, gsize size)
{
  gsize before = MIN (stream->used, self->cut_size - 1), behind = MIN (size, self->cut_size - 1);
  if (before > 0 && behind > 0) {
    guint8 border[2 * DELIMITER_MAX];
    memcpy (border, stream->half + stream->used - before, before);
    memcpy (border + before, data, behind);
    gsize end = find_end (self, border, before + behind);
    if (end > 0) {
      return end - before;
    }
  }
  return find_end (self, data, size);
}

/* ---- the half line ---- */

static void
keep (WeirStage *stage, const Lines *self, Stream *stream, const guint8 *data, gsize size)
{
  if (size == 0) {
    return;
  }
  stream->held = weir_origin_hold (stage, stream->held, self->record);
  if (stream->used + size > stream->capacity) {
    gsize wanted = MAX (stream->used + size, MIN (2 * stream->capacity, self->most));
    stream->capacity = MAX (wanted, 256);
    stream->half = g_realloc (stream->half, stream->capacity);
  }
  memcpy (stream->half + stream->used, data, size);
  stream->used += size;
}

/* Nothing is left of the half line. */
static void
forget_half (WeirStage *stage, Stream *stream)
{
  stream->used = 0;
  weir_origin_let_go (stage, g_steal_pointer (&stream->held));
}

/* Emits the beginning of the half line and the next bytes of the record as one. `trail` of them, at the end, are a delimiter;
 * with `add` it is not in there but put behind. */
static gboolean
emit_joined (WeirStage *stage, Lines *self, Stream *stream, gsize from_half, gsize from_record, guint trail,
             gboolean add)
{
  gsize size = from_half + from_record + (add ? trail : 0);
  guint8 *to = weir_emit_begin (stage, size);
  if (from_half > 0) {
    memcpy (to, stream->half, from_half);
    stream->used -= from_half;
    memmove (stream->half, stream->half + from_half, stream->used);
  }
  if (from_record > 0) {
    memcpy (to + from_half, self->record->data + self->offset, from_record);
    self->offset += from_record;
  }
  if (add) {
    memcpy (to + from_half + from_record, self->cut, trail);
  }
  /* One long line is no reason to hold much for as long as its stream lives. */
  if (stream->used == 0 && stream->capacity > 65536) {
    g_clear_pointer (&stream->half, g_free);
    stream->capacity = 0;
  }
  weir_stage_set_trail (stage, trail);
  if (G_LIKELY (stream->held == NULL)) {
    return weir_emit_end (stage, size);
  }
  weir_origin_join_held (stage, stream->held);
  gboolean go_on = weir_emit_end (stage, size);
  weir_origin_join (stage, NULL);
  if (stream->used == 0) {
    forget_half (stage, stream);
  }
  return go_on;
}

/* The half line and the next bytes of the record, the last `trail` of them a delimiter. */
static inline gboolean
emit_line (WeirStage *stage, Lines *self, Stream *stream, gsize from_record, guint trail)
{
  if (G_UNLIKELY (stream->used > 0)) {
    return emit_joined (stage, self, stream, stream->used, from_record, trail, FALSE);
  }
  gsize offset = self->offset;
  self->offset += from_record;
  return weir_emit_slice (stage, self->record, offset, from_record - trail, trail);
}

/* ---- lines that are too long ---- */

static inline gboolean
is_dropped (const Lines *self, const Stream *stream)
{
  return stream->beyond && self->too_long == TRUNCATE;
}

/* What is emitted next is part of a line to be rejected. */
static inline void
set_rejected (WeirStage *stage, const Lines *self, const Stream *stream)
{
  if (G_UNLIKELY (self->too_long == REJECT)) {
    weir_stage_set_rejected (stage, stream->beyond ? self->reason : NULL);
  }
}

/* More than `max` bytes and no delimiter: that many go out, and the rest is dealt with as it comes. */
static gboolean
cut_too_long (WeirStage *stage, Lines *self, Stream *stream)
{
  if (!stream->beyond) {
    weir_stage_count (stage, TOO_LONG, 1);
    stream->beyond = TRUE;
  }
  gsize from_half = MIN (stream->used, self->max), from_record = self->max - from_half;
  if (self->too_long == TRUNCATE) {
    return emit_joined (stage, self, stream, from_half, from_record, (guint) self->cut_size, TRUE);
  }
  set_rejected (stage, self, stream);
  gboolean go_on = from_half < stream->used ? emit_joined (stage, self, stream, from_half, 0, 0, FALSE)
                                            : emit_line (stage, self, stream, from_record, 0);
  return go_on;
}

/* The rest of a truncated line, up to its delimiter; of what may be the beginning of one, no more is kept than that. */
static void
drop_rest (WeirStage *stage, Lines *self, Stream *stream)
{
  const guint8 *data = self->record->data + self->offset;
  gsize left = self->record->size - self->offset, end = find_end_behind (self, stream, data, left);
  if (end > 0) {
    self->offset += end;
    forget_half (stage, stream);
    stream->beyond = FALSE;
    return;
  }
  gsize tail = self->cut_size - 1, from_record = MIN (left, tail), from_half = MIN (stream->used, tail - from_record);
  if (from_half > 0) {
    memmove (stream->half, stream->half + stream->used - from_half, from_half);
  }
  stream->used = from_half;
  keep (stage, self, stream, data + left - from_record, from_record);
  self->offset += left;
}

/* ---- cutting ---- */

static inline gboolean
end_line (WeirStage *stage, Lines *self, Stream *stream, gsize from_record, guint trail)
{
  set_rejected (stage, self, stream);
  stream->beyond = FALSE;
  return emit_line (stage, self, stream, from_record, trail);
}

/* The end of a message is the end of a line: the one with the message's own trail or, where it has none, a delimiter. TRUE: done. */
static gboolean
end_message (WeirStage *stage, Lines *self, Stream *stream)
{
  gsize left = self->record->size - self->offset;
  /* What might have been the beginning of a delimiter is not one, and may be too much. */
  for (; stream->used + left > self->max && !is_dropped (self, stream); left = self->record->size - self->offset) {
    if (!cut_too_long (stage, self, stream)) {
      return FALSE;
    }
  }
  if (is_dropped (self, stream)) {
    forget_half (stage, stream);
  } else if (self->record->trail > 0) {
    end_line (stage, self, stream, left + self->record->trail, self->record->trail);
  } else if (stream->used + left > 0 || self->record->size == 0) {
    set_rejected (stage, self, stream);
    emit_joined (stage, self, stream, stream->used, left, (guint) self->cut_size, TRUE);
  }
  stream->beyond = FALSE;
  return TRUE;
}

/* Hands out the lines of the record at hand from the offset on. TRUE: that was all; FALSE: stop here for now. */
static gboolean
cut (WeirStage *stage, Lines *self)
{
  const WeirRecord *record = self->record;
  Stream *stream = self->stream;
  gboolean go_on = TRUE, is_chunk = (record->flags & WEIR_RECORD_CHUNK) != 0;
  while (self->offset < record->size && go_on) {
    if (G_UNLIKELY (is_dropped (self, stream))) {
      drop_rest (stage, self, stream);
      continue;
    }
    const guint8 *data = record->data + self->offset;
    gsize left = record->size - self->offset, room = self->most - stream->used, look = MIN (left, room);
    gsize end = stream->used > 0 ? find_end_behind (self, stream, data, look) : find_end (self, data, look);
    if (G_LIKELY (end > 0)) {
      go_on = end_line (stage, self, stream, end, (guint) self->cut_size);
    } else if (left >= room) {
      go_on = cut_too_long (stage, self, stream);
    } else if (is_chunk) {
      keep (stage, self, stream, data, left);
      self->offset += left;
    } else {
      break;
    }
  }
  if (is_chunk) {
    return self->offset >= record->size;
  }
  return go_on && end_message (stage, self, stream);
}

/* ---- the role ---- */

static char *
lines_check (gconstpointer state, const char **option)
{
  const Lines *self = state;
  gsize size = strlen (self->delimiter);
  if (size >= 1 && size <= DELIMITER_MAX) {
    return NULL;
  }
  *option = "delimiter";
  return g_strdup_printf ("found %" G_GSIZE_FORMAT " bytes, expected 1 to %d, or \"nul\"", size, DELIMITER_MAX);
}

static WeirNext
lines_open (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Lines *self = state;
  gboolean nul = g_str_equal (self->delimiter, "nul");
  self->cut_size = nul ? 1 : strlen (self->delimiter);
  memcpy (self->cut, nul ? "" : self->delimiter, self->cut_size);
  self->most = self->max + self->cut_size;
  self->reason = g_strdup_printf ("a line is longer than %" G_GUINT64_FORMAT " bytes", self->max);
  return WEIR_MORE;
}

static WeirNext
lines_consume (WeirStage *stage, gpointer state, const WeirRecord *record)
{
  Lines *self = state;
  gboolean in_stream = (record->flags & WEIR_RECORD_CHUNK) != 0 || record->stream != 0;
  self->record = record;
  self->offset = 0;
  self->stream = in_stream ? weir_stream_state (stage) : &self->message;
  return cut (stage, self) ? WEIR_MORE : WEIR_PRODUCE;
}

static WeirNext
lines_produce (WeirStage *stage, gpointer state)
{
  return cut (stage, state) ? WEIR_DONE : WEIR_MORE;
}

/* The last line, which nothing ended: it stays without a delimiter, so that the bytes of the stream are what they were. */
static WeirNext
lines_end_stream (WeirStage *stage, gpointer state, gpointer stream_state)
{
  Lines *self = state;
  Stream *stream = stream_state;
  while (stream->used > self->max && !is_dropped (self, stream)) {
    cut_too_long (stage, self, stream);
  }
  if (stream->used > 0 && !is_dropped (self, stream)) {
    set_rejected (stage, self, stream);
    emit_joined (stage, self, stream, stream->used, 0, 0, FALSE);
  }
  g_clear_pointer (&stream->half, g_free);
  weir_origin_let_go (stage, stream->held);
  *stream = (Stream){ .half = NULL };
  return WEIR_MORE;
}

static void
lines_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Lines *self = state;
  g_free (self->reason);
  g_free (self->message.half);
}

static const WeirOption options[] = {
  WEIR_STRING (Lines, delimiter, "\n", 0, "What ends a line, 1 to 16 bytes; nul for a zero byte"),
  WEIR_SIZE (Lines, max, "1MiB", "1..1GiB", 0, "Bytes that a line may have, its delimiter not counted"),
  WEIR_CHOICE (Lines, too_long, "split", "split|truncate|reject", 0,
               "A longer line is cut into pieces, loses what is too much, or is rejected"),
  WEIR_OPTIONS_END
};

static const char *const counters[] = { "too_long", NULL };

static const WeirRole transform = { .summary = "Cuts streams of bytes into lines",
                                    .options = options,
                                    .counters = counters,
                                    .state_size = sizeof (Lines),
                                    .stream_size = sizeof (Stream),
                                    .flags = WEIR_BYTES,
                                    .open = lines_open,
                                    .consume = lines_consume,
                                    .produce = lines_produce,
                                    .end_stream = lines_end_stream,
                                    .close = lines_close,
                                    .check = lines_check };

WEIR_PLUGIN ("lines", "1.0", NULL, &transform, NULL);
