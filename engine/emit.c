/* SPDX-License-Identifier: Apache-2.0 */
/* emit.c: the public emit functions (weir/emit.h): how records leave a stage.
 * Runs on the stage's worker. A record is made on the stack out of what the plugin gives and what it inherits, and copied
 * into every link of the port; its bytes are shared. */
#include "front.h"
#include "stage.h"

#include <stdio.h>
#include <string.h>

static gboolean
refuse (WeirStage *stage, const WeirRecord *record)
{
  weir_record_note (record, stage->failed ? WEIR_ABANDONED : WEIR_DROPPED);
  if (!stage->refusal_told && !stage->dropping_streams) {
    stage->refusal_told = TRUE;
    weir_stage_log (stage, G_LOG_LEVEL_WARNING,
                    "emitted after its end or outside its running time; such records are refused and counted");
  }
  weir_add_relaxed (&stage->refused, 1);
  return FALSE;
}

static gboolean
emit_rare (WeirStage *stage, WeirRecord record)
{
  if (stage->refusing) {
    return refuse (stage, &record);
  }
  if (record.size <= stage->record_max) {
    weir_reject_record (stage, &record, stage->set_rejected);
    return !stage->failed && !weir_stage_paused (stage);
  }
  g_autofree char *reason = g_strdup_printf ("a record of %" G_GSIZE_FORMAT
                                             " bytes is larger than record_max, %" G_GSIZE_FORMAT " bytes",
                                             record.size, stage->record_max);
  weir_reject_record (stage, &record, reason);
  return FALSE;
}

/* Behind the last link: pause() may emit, and every link has what was emitted before that. */
static inline gboolean
emitted (WeirStage *stage)
{
  if (G_UNLIKELY (weir_load_relaxed (&stage->reasons) != 0)) {
    weir_outputs_tell (stage);
  }
  if (G_UNLIKELY (!stage->in_turn)) {
    weir_stage_mark_dirty (stage);
  }
  return weir_load_relaxed (&stage->reasons) == 0;
}

/* The record is passed on in registers, and written once, into its slot: a copy of what has just been written in parts stalls, as
 * the loads are wider than the stores. Where its address is needed, a copy has it. */
static G_ALWAYS_INLINE inline gboolean
emit (WeirStage *stage, WeirRecord record)
{
  if (G_UNLIKELY (stage->refusing || record.size > stage->record_max || stage->overrides >= WEIR_SET_REJECTED)) {
    return emit_rare (stage, record);
  }
  WeirPort *port = stage->port;
  stage->turn_records++;
  stage->turn_bytes += record.size + record.trail;
  for (guint i = 0; i < port->count; i++) {
    WeirLink *link = port->links[i];
    if (G_UNLIKELY (weir_load_relaxed (&link->full) != 0 || link->front != NULL)) {
      WeirRecord copy = record;
      weir_outputs_put (stage, link, &copy);
      continue;
    }
    weir_link_put (link, &record);
    weir_outputs_count (stage, link);
  }
  return emitted (stage);
}

/* Is there more to look at than the context that is set? */
static inline gboolean
has_origins (const WeirStage *stage, const WeirContext *base)
{
  return (stage->overrides & WEIR_SET_ORIGINS) != 0 || (base != NULL && base->origin != NULL);
}

/* own: its bytes are the stage's own, and not a record handed on. */
static G_ALWAYS_INLINE inline WeirRecord
overridden (WeirStage *stage, WeirRecord record, gboolean own)
{
  WeirContext *base = record.context;
  if ((stage->overrides & WEIR_SET_TIME) != 0) {
    record.time = stage->set_time;
  }
  if ((stage->overrides & WEIR_SET_CONTEXT) != 0) {
    record.context = stage->set_context;
  }
  if ((stage->overrides & WEIR_SET_STREAM) != 0) {
    record.stream = stage->use_stream;
  }
  if (G_UNLIKELY (has_origins (stage, base))) {
    record.context = weir_joins_compose (stage, record.context, base, own);
  }
  return record;
}

/* CHUNK is for the bytes of streams: what a role flagged BYTES emits without a delimiter. What a producer emits outside of all its
 * streams, such as a datagram, is a message. */
static inline guint16
chunk_flag (WeirStage *stage, guint trail, guint32 stream)
{
  gboolean bytes = (stage->role->flags & WEIR_BYTES) != 0 && (stream != 0 || stage->kind != WEIR_PRODUCER);
  return bytes && trail == 0 ? WEIR_RECORD_CHUNK : 0;
}

/* What a record of bytes of the plugin's own inherits; its trail is still to be cut off them. */
static G_ALWAYS_INLINE inline WeirRecord
inherit (WeirStage *stage, WeirBuffer *buffer, const guint8 *data, gsize size)
{
  const WeirRecord *from = stage->current;
  WeirRecord record = {
    .data = data, .size = size, .buffer = buffer, .time = from->time, .context = from->context, .stream = from->stream
  };
  /* An origin that is open is that of the base already. */
  if (G_UNLIKELY ((stage->overrides & ~(guint32) WEIR_SET_ORIGIN) != 0)) {
    record = overridden (stage, record, TRUE);
    if ((stage->overrides & WEIR_SET_TRAIL) != 0) {
      record.trail = (guint16) MIN (stage->set_trail, size);
      record.size -= record.trail;
    }
  }
  record.flags = chunk_flag (stage, record.trail, record.stream);
  return record;
}

static G_ALWAYS_INLINE inline gboolean
emit_bytes (WeirStage *stage, WeirBuffer *buffer, const guint8 *data, gsize size)
{
  return emit (stage, inherit (stage, buffer, data, size));
}

gboolean
weir_emit (WeirStage *stage, const WeirRecord *record)
{
  WeirRecord copy = *record;
  /* What is handed on as it is stays what it is: behind a role flagged BYTES a chunk is a chunk still, a message a message. */
  copy.flags &= WEIR_RECORD_GAP | ((stage->role->flags & WEIR_BYTES) != 0 ? WEIR_RECORD_CHUNK : 0);
  if (G_UNLIKELY (stage->overrides != 0)) {
    copy = overridden (stage, copy, FALSE);
  }
  return emit (stage, copy);
}

gboolean
weir_emit_slice (WeirStage *stage, const WeirRecord *record, gsize offset, gsize size, guint trail)
{
  WeirRecord slice = { .data = record->data + offset,
                       .size = size,
                       .buffer = record->buffer,
                       .time = record->time,
                       .context = record->context,
                       .stream = record->stream,
                       .trail = (guint16) trail };
  if (G_UNLIKELY (stage->overrides != 0)) {
    slice = overridden (stage, slice, FALSE);
  }
  slice.flags = chunk_flag (stage, trail, slice.stream) | (offset == 0 ? record->flags & WEIR_RECORD_GAP : 0);
  return emit (stage, slice);
}

gboolean
weir_emit_copy (WeirStage *stage, gconstpointer data, gsize size)
{
  guint8 *to = weir_packer_reserve (&stage->packer, size);
  memcpy (to, data, size);
  weir_packer_commit (&stage->packer, size);
  return emit_bytes (stage, stage->packer.buffer, to, size);
}

gboolean
weir_emit_printf (WeirStage *stage, const char *format, ...)
{
  gsize room = 256;
  for (;;) {
    char *to = (char *) weir_packer_reserve (&stage->packer, room);
    va_list arguments;
    va_start (arguments, format);
    int size = vsnprintf (to, room, format, arguments);
    va_end (arguments);
    g_return_val_if_fail (size >= 0, FALSE);
    if ((gsize) size < room) {
      weir_packer_commit (&stage->packer, (gsize) size);
      return emit_bytes (stage, stage->packer.buffer, (guint8 *) to, (gsize) size);
    }
    room = (gsize) size + 1;
  }
}

gboolean
weir_emit_buffer (WeirStage *stage, WeirBuffer *buffer, gconstpointer data, gsize size)
{
  gboolean go_on = emit_bytes (stage, buffer, data, size);
  /* The link's run holds one of its own by now; it may end at this very record, so it is closed before ours goes. */
  weir_buffer_unref (buffer);
  return go_on;
}

gpointer
weir_emit_begin (WeirStage *stage, gsize size)
{
  stage->emit_begin = weir_packer_reserve (&stage->packer, size);
  stage->emit_begin_size = size;
  return stage->emit_begin;
}

gboolean
weir_emit_end (WeirStage *stage, gsize used)
{
  const guint8 *data = stage->emit_begin;
  stage->emit_begin = NULL;
  g_return_val_if_fail (data != NULL && used <= stage->emit_begin_size, FALSE);
  if (used == 0) {
    return TRUE;
  }
  weir_packer_commit (&stage->packer, used);
  return emit_bytes (stage, stage->packer.buffer, data, used);
}

/* One link that is neither full nor lossy, and nothing to look at record by record. */
static gboolean
may_put_many (WeirStage *stage, gsize bytes)
{
  return !stage->refusing && bytes <= stage->record_max && stage->overrides < WEIR_SET_REJECTED &&
         weir_load_relaxed (&stage->reasons) == 0 && stage->port->count == 1 && stage->port->links[0]->front == NULL &&
         weir_load_relaxed (&stage->port->links[0]->full) == 0;
}

static gsize
put_many (WeirStage *stage, WeirRecord *record, const guint32 *sizes, gsize count)
{
  WeirLink *link = stage->port->links[0];
  guint64 bytes_before = link->put_bytes_private;
  gsize put = weir_link_put_many (link, record, sizes, count);
  stage->turn_records += put;
  stage->turn_bytes += link->put_bytes_private - bytes_before;
  weir_outputs_count (stage, link);
  emitted (stage);
  return put;
}

static gsize
put_one_by_one (WeirStage *stage, const guint8 *data, const guint32 *sizes, gsize count)
{
  guint64 refused = weir_load_relaxed (&stage->refused);
  gboolean go_on = TRUE;
  gsize i = 0;
  for (; i < count && go_on; i++) {
    go_on = emit_bytes (stage, stage->packer.buffer, data, sizes[i]);
    data += sizes[i];
  }
  return i - (gsize) (weir_load_relaxed (&stage->refused) - refused);
}

gsize
weir_emit_end_many (WeirStage *stage, const guint32 *sizes, gsize count)
{
  const guint8 *data = stage->emit_begin;
  stage->emit_begin = NULL;
  g_return_val_if_fail (data != NULL, 0);
  gsize bytes = 0;
  guint32 least = G_MAXUINT32;
  for (gsize i = 0; i < count; i++) {
    bytes += sizes[i];
    least = MIN (least, sizes[i]);
  }
  g_return_val_if_fail (bytes <= stage->emit_begin_size, 0);
  if (count == 0) {
    return 0;
  }
  weir_packer_commit (&stage->packer, bytes); /* where not all are emitted, a gap is left */
  WeirRecord record = inherit (stage, stage->packer.buffer, data, least);
  return may_put_many (stage, bytes) && record.size > 0 ? put_many (stage, &record, sizes, count)
                                                        : put_one_by_one (stage, data, sizes, count);
}

gsize
weir_stage_room (WeirStage *stage)
{
  if (weir_stage_paused (stage)) {
    return 0;
  }
  guint64 room = G_MAXSIZE;
  for (guint i = 0; i < stage->port->count; i++) {
    room = MIN (room, weir_link_room (stage->port->links[i]));
  }
  return (gsize) room;
}

/* For the rest of this callback; in a source of the plugin's own, until the worker has looked. */
static void
override (WeirStage *stage, guint32 what)
{
  stage->overrides |= what;
  if (!stage->in_turn) {
    weir_stage_mark_dirty (stage);
  }
}

void
weir_stage_set_trail (WeirStage *stage, guint bytes)
{
  stage->set_trail = MIN (bytes, G_MAXUINT16);
  override (stage, WEIR_SET_TRAIL);
}

void
weir_stage_set_time (WeirStage *stage, gint64 unix_microseconds)
{
  stage->set_time = unix_microseconds;
  override (stage, WEIR_SET_TIME);
}

static void
set_context (WeirStage *stage, WeirContext *context)
{
  g_clear_pointer (&stage->set_context, weir_context_unref);
  stage->set_context = context;
  override (stage, WEIR_SET_CONTEXT);
}

void
weir_stage_set_tags (WeirStage *stage, const WeirTags *tags)
{
  set_context (stage, tags != NULL ? weir_context_new (weir_tags_ref ((WeirTags *) tags)) : NULL);
}

void
weir_stage_set_port (WeirStage *stage, guint port)
{
  g_return_if_fail (port < stage->port_count || port == G_MAXUINT);
  static WeirPort nowhere;
  stage->port = port < stage->port_count ? &stage->ports[port] : &nowhere;
  override (stage, WEIR_SET_PORT);
}

void
weir_stage_set_rejected (WeirStage *stage, const char *reason)
{
  stage->set_rejected = reason;
  stage->overrides = reason != NULL ? stage->overrides | WEIR_SET_REJECTED
                                    : stage->overrides & ~(guint32) WEIR_SET_REJECTED;
}

guint
weir_stage_port (WeirStage *stage, const char *name)
{
  for (guint i = 0; stage->role->ports != NULL && stage->role->ports[i] != NULL; i++) {
    if (g_str_equal (stage->role->ports[i], name)) {
      return stage->ports[i].count > 0 ? i : G_MAXUINT;
    }
  }
  return G_MAXUINT;
}

void
weir_stream_use (WeirStage *stage, guint32 stream)
{
  gpointer context;
  if (!weir_streams_find (stage, stream, &context)) {
    context = NULL;
  }
  stage->use_stream = stream;
  override (stage, WEIR_SET_STREAM);
  if (context != NULL) {
    weir_context_ref (context);
  }
  set_context (stage, context);
}

void
weir_stage_clear_overrides (WeirStage *stage)
{
  if ((stage->overrides & WEIR_SET_JOINED) != 0) {
    weir_joins_forget_said (stage);
  }
  stage->overrides &= WEIR_SET_FOR_LONG;
  stage->set_trail = 0;
  stage->port = &stage->ports[0];
  g_clear_pointer (&stage->set_context, weir_context_unref);
}
