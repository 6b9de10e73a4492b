/* SPDX-License-Identifier: Apache-2.0 */
/* receiver.c: frames taken apart (see receiver.h).
 * One thread. A frame is looked at once it is whole, and checked before anything of it is given. A buffer is read into until it is
 * full; what is left of a frame then moves to the next one. */
#include "isolate/receiver.h"

#include "context.h"
#include "origins.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER 65536u
/* Less room than this is not worth a read. */
#define ROOM_LEAST 8192u

void
weir_receiver_init (WeirReceiver *receiver, WeirPool *pool, guint ports, gboolean rejected, gsize record_max)
{
  *receiver = (WeirReceiver){ .pool = pool, .ports = ports, .rejected = rejected, .record_max = record_max };
  receiver->need = sizeof (WeirFrame);
}

void
weir_receiver_clear (WeirReceiver *receiver)
{
  for (guint i = 0; i < WEIR_FRAME_SLOTS && receiver->contexts != NULL; i++) {
    g_clear_pointer (&receiver->contexts[i], weir_context_unref);
  }
  g_clear_pointer (&receiver->contexts, g_free);
  g_clear_pointer (&receiver->buffer, weir_buffer_unref);
  g_clear_pointer (&receiver->fault, g_free);
}

const char *
weir_receiver_fault (const WeirReceiver *receiver)
{
  return receiver->fault;
}

gboolean
weir_receiver_is_torn (const WeirReceiver *receiver)
{
  return receiver->begin != receiver->end;
}

/* Room behind what has been read, in this buffer or, where that is at its end, in another. */
static void
make_room (WeirReceiver *receiver)
{
  gsize held = receiver->end - receiver->begin;
  gsize wanted = MAX (receiver->need, held + ROOM_LEAST);
  if (receiver->buffer != NULL && receiver->begin + wanted <= receiver->buffer->capacity) {
    return;
  }
  WeirBuffer *next = weir_buffer_new (receiver->pool, MAX (BUFFER, wanted), 1);
  if (held > 0) {
    memcpy (next->data, receiver->buffer->data + receiver->begin, held);
  }
  g_clear_pointer (&receiver->buffer, weir_buffer_unref);
  receiver->buffer = next;
  receiver->begin = 0;
  receiver->end = held;
}

gssize
weir_receiver_fill (WeirReceiver *receiver, int fd)
{
  make_room (receiver);
  gssize got;
  do {
    got = recv (fd, receiver->buffer->data + receiver->end, receiver->buffer->capacity - receiver->end, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  receiver->end += (gsize) MAX (got, 0);
  if (got < 0 && receiver->begin == receiver->end) {
    /* What waits, maybe for ever, holds nothing: there may be thousands. */
    int error = errno;
    g_clear_pointer (&receiver->buffer, weir_buffer_unref);
    receiver->begin = receiver->end = 0;
    errno = error;
  }
  return got;
}

G_GNUC_PRINTF (2, 3)
static WeirReceived
refuse (WeirReceiver *receiver, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_free (receiver->fault);
  receiver->fault = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return WEIR_RECEIVED_BAD;
}

/* TRUE: it may be waited for. */
static gboolean
check_frame (WeirReceiver *receiver, const WeirFrame *frame)
{
  gboolean of_port = frame->type != WEIR_FRAME_IS_CONTEXT;
  guint64 most = frame->type == WEIR_FRAME_IS_RECORDS ? WEIR_FRAME_RECORDS * sizeof (WeirFrameRecord) +
                                                          WEIR_FRAME_PAYLOAD + receiver->record_max + G_MAXUINT16
                 : frame->type == WEIR_FRAME_IS_CONTEXT ? WEIR_FRAME_TAGS
                                                        : 0;
  if (frame->version != WEIR_FRAME_VERSION) {
    refuse (receiver, "a frame of version %u, expected %u", frame->version, WEIR_FRAME_VERSION);
  } else if (frame->type < WEIR_FRAME_IS_RECORDS || frame->type > WEIR_FRAME_IS_END) {
    refuse (receiver, "a frame of the unknown type %u", frame->type);
  } else if (of_port && frame->port >= receiver->ports && !(receiver->rejected && frame->port == WEIR_FRAME_REJECTED)) {
    refuse (receiver, "a frame of port %u, and there are %u", frame->port, receiver->ports);
  } else if (frame->size > most) {
    refuse (receiver, "a frame of %" G_GUINT64_FORMAT " bytes, more than %" G_GUINT64_FORMAT, frame->size, most);
  } else if (frame->type == WEIR_FRAME_IS_CONTEXT && (frame->count == 0 || frame->count > WEIR_FRAME_CONTEXTS)) {
    refuse (receiver, "context number %u, which is not from 1 to %u", frame->count, WEIR_FRAME_CONTEXTS);
  }
  return receiver->fault == NULL;
}

/* All its heads, before the first record is given. */
static gboolean
check_records (WeirReceiver *receiver, const WeirFrame *frame, const guint8 *bytes)
{
  guint64 left = frame->size - MIN (frame->size, (guint64) frame->count * sizeof (WeirFrameRecord));
  if (frame->count == 0 || frame->count > WEIR_FRAME_RECORDS ||
      frame->size < (guint64) frame->count * sizeof (WeirFrameRecord)) {
    refuse (receiver, "a frame of %u records in %" G_GUINT64_FORMAT " bytes", frame->count, frame->size);
    return FALSE;
  }
  for (guint i = 0; i < frame->count; i++) {
    WeirFrameRecord head;
    memcpy (&head, bytes + i * sizeof head, sizeof head);
    if ((head.flags & ~(WEIR_RECORD_CHUNK | WEIR_RECORD_GAP)) != 0) {
      refuse (receiver, "a record with the unknown flags %u", head.flags);
    } else if (head.context != 0 && (receiver->contexts == NULL || receiver->contexts[head.context] == NULL)) {
      refuse (receiver, "a record of context %u, which was not sent", head.context);
    } else if (head.size > left || head.trail > left - head.size) {
      refuse (receiver, "a record of %" G_GUINT64_FORMAT " bytes where %" G_GUINT64_FORMAT " are left", head.size,
              left);
    }
    if (receiver->fault != NULL) {
      return FALSE;
    }
    left -= head.size + head.trail;
  }
  if (left > 0) {
    refuse (receiver, "a frame with %" G_GUINT64_FORMAT " bytes behind its records", left);
  }
  return left == 0;
}

/* In front of the tags, where there are any. FALSE: cut off. */
static gboolean
take_origins (WeirReceiver *receiver, const WeirFrame *frame, const char **bytes, WeirOrigin **origin)
{
  guint32 count = 0;
  if (frame->port == 0) {
    return TRUE;
  }
  if (frame->port != 1 || receiver->resolve == NULL) {
    refuse (receiver, "origins, which are not expected");
    return FALSE;
  }
  gsize size = sizeof count;
  if (frame->size >= size) {
    memcpy (&count, *bytes, sizeof count);
    size += count * sizeof (guint64);
  }
  if (frame->size < size) {
    refuse (receiver, "origins that are cut off");
    return FALSE;
  }
  g_autofree guint64 *numbers = g_memdup2 (*bytes + sizeof count, count * sizeof (guint64));
  *origin = receiver->resolve (receiver->resolve_data, numbers, count);
  *bytes += size;
  return TRUE;
}

static gboolean
take_context (WeirReceiver *receiver, const WeirFrame *frame, const char *bytes)
{
  WeirTags *tags = NULL;
  WeirOrigin *origin = NULL;
  const char *end = bytes + frame->size;
  if (!take_origins (receiver, frame, &bytes, &origin)) {
    return FALSE;
  }
  while (bytes < end) {
    const char *key = bytes, *value = memchr (key, '\0', (gsize) (end - key));
    const char *stop = value != NULL && value + 1 < end ? memchr (value + 1, '\0', (gsize) (end - value - 1)) : NULL;
    if (stop == NULL) {
      g_clear_pointer (&tags, weir_tags_unref);
      g_clear_pointer (&origin, weir_origin_unref);
      refuse (receiver, "tags that are cut off");
      return FALSE;
    }
    WeirTags *more = weir_tags_with (tags, key, value + 1);
    g_clear_pointer (&tags, weir_tags_unref);
    tags = more;
    bytes = stop + 1;
  }
  if (receiver->contexts == NULL) {
    receiver->contexts = g_new0 (WeirContext *, WEIR_FRAME_SLOTS);
  }
  g_clear_pointer (&receiver->contexts[frame->count], weir_context_unref);
  receiver->contexts[frame->count] = weir_context_new_under (tags, origin);
  g_clear_pointer (&origin, weir_origin_unref);
  return TRUE;
}

static void
give_record (WeirReceiver *receiver, WeirRecord *record)
{
  WeirFrameRecord head;
  const guint8 *bytes = receiver->buffer->data;
  memcpy (&head, bytes + receiver->heads, sizeof head);
  *record = (WeirRecord){ .data = bytes + receiver->payload,
                          .size = head.size,
                          .buffer = receiver->buffer,
                          .time = head.time,
                          .context = head.context != 0 ? receiver->contexts[head.context] : NULL,
                          .stream = head.stream,
                          .trail = head.trail,
                          .flags = head.flags };
  receiver->heads += sizeof head;
  receiver->payload += head.size + head.trail;
  if (--receiver->left == 0) {
    receiver->begin = receiver->payload;
    receiver->need = sizeof (WeirFrame);
  }
}

WeirReceived
weir_receiver_next (WeirReceiver *receiver, guint16 *port, WeirRecord *record, guint32 *stream)
{
  while (receiver->left == 0) {
    WeirFrame frame;
    if (receiver->fault != NULL) {
      return WEIR_RECEIVED_BAD;
    }
    if (receiver->end - receiver->begin < sizeof frame) {
      return WEIR_RECEIVED_NOTHING;
    }
    const guint8 *bytes = receiver->buffer->data + receiver->begin;
    memcpy (&frame, bytes, sizeof frame);
    if (!check_frame (receiver, &frame)) {
      return WEIR_RECEIVED_BAD;
    }
    receiver->need = sizeof frame + frame.size;
    if (receiver->end - receiver->begin < receiver->need) {
      return WEIR_RECEIVED_NOTHING;
    }
    bytes += sizeof frame;
    if (frame.type == WEIR_FRAME_IS_RECORDS) {
      if (!check_records (receiver, &frame, bytes)) {
        return WEIR_RECEIVED_BAD;
      }
      receiver->frame = frame;
      receiver->left = frame.count;
      receiver->heads = receiver->begin + sizeof frame;
      receiver->payload = receiver->heads + frame.count * sizeof (WeirFrameRecord);
      break;
    }
    if (frame.type == WEIR_FRAME_IS_CONTEXT && !take_context (receiver, &frame, (const char *) bytes)) {
      return WEIR_RECEIVED_BAD;
    }
    receiver->begin += receiver->need;
    receiver->need = sizeof frame;
    if (frame.type != WEIR_FRAME_IS_CONTEXT) {
      *port = frame.port;
      *stream = frame.count;
      return frame.type == WEIR_FRAME_IS_END ? WEIR_RECEIVED_END : WEIR_RECEIVED_END_STREAM;
    }
  }
  *port = receiver->frame.port;
  give_record (receiver, record);
  return WEIR_RECEIVED_RECORD;
}
