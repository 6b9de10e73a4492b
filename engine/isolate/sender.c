/* SPDX-License-Identifier: Apache-2.0 */
/* sender.c: records made into frames and written to a socket (see sender.h).
 * One thread. Neighbours in memory leave as one piece, with no copy. */
#include "isolate/sender.h"

#include "context.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#define PIECES MIN (IOV_MAX, 1024)

/* data NULL: they lie in the head, which may still move. */
typedef struct {
  const guint8 *data;
  gsize offset, size;
} Piece;

void
weir_sender_init (WeirSender *sender)
{
  *sender = (WeirSender){ .pieces = g_array_new (FALSE, FALSE, sizeof (Piece)),
                          .head = g_byte_array_new (),
                          .passing = g_byte_array_new () };
}

void
weir_sender_clear (WeirSender *sender)
{
  for (guint i = 0; i < WEIR_FRAME_SLOTS && sender->contexts != NULL; i++) {
    g_clear_pointer (&sender->contexts[i], weir_context_unref);
  }
  g_clear_pointer (&sender->contexts, g_free);
  g_clear_pointer (&sender->pieces, g_array_unref);
  g_clear_pointer (&sender->head, g_byte_array_unref);
  g_clear_pointer (&sender->passing, g_byte_array_unref);
}

gboolean
weir_sender_is_idle (const WeirSender *sender)
{
  return sender->next == sender->pieces->len;
}

static void
add_piece (WeirSender *sender, Piece piece)
{
  if (piece.size == 0) {
    return;
  }
  Piece *last = sender->pieces->len > 0 ? &g_array_index (sender->pieces, Piece, sender->pieces->len - 1) : NULL;
  gboolean adjoins = last != NULL &&
                     (piece.data == NULL ? last->data == NULL && last->offset + last->size == piece.offset
                                         : last->data != NULL && last->data + last->size == piece.data);
  if (adjoins) {
    last->size += piece.size;
  } else {
    g_array_append_val (sender->pieces, piece);
  }
}

static void
add_head (WeirSender *sender, gconstpointer data, gsize size)
{
  add_piece (sender, (Piece){ NULL, sender->head->len, size });
  g_byte_array_append (sender->head, data, (guint) size);
}

static void
add_tag (const char *key, const char *value, gpointer data)
{
  g_byte_array_append (data, (const guint8 *) key, (guint) strlen (key) + 1);
  g_byte_array_append (data, (const guint8 *) value, (guint) strlen (value) + 1);
}

static guint8
slot_of (const WeirContext *context)
{
  return context == NULL ? 0 : (guint8) (1 + (GPOINTER_TO_SIZE (context) >> 4) % WEIR_FRAME_CONTEXTS);
}

static gboolean
is_known (const WeirSender *sender, const WeirContext *context)
{
  return context == NULL || (sender->contexts != NULL && context == sender->contexts[slot_of (context)]);
}

static void
add_origins (WeirSender *sender, WeirOrigin *origin, GByteArray *bytes)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (guint64));
  sender->number (sender->number_data, origin, sender->at, numbers);
  guint32 count = numbers->len;
  g_byte_array_append (bytes, (const guint8 *) &count, sizeof count);
  g_byte_array_append (bytes, (const guint8 *) numbers->data, count * (guint) sizeof (guint64));
}

static void
tell_context (WeirSender *sender, const WeirRecord *record)
{
  guint8 slot = slot_of (record->context);
  if (sender->contexts == NULL) {
    sender->contexts = g_new0 (WeirContext *, WEIR_FRAME_SLOTS);
  }
  g_clear_pointer (&sender->contexts[slot], weir_context_unref);
  sender->contexts[slot] = record->context;
  weir_context_ref (record->context);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gboolean crosses = sender->number != NULL && record->context->origin != NULL;
  if (crosses) {
    add_origins (sender, record->context->origin, bytes);
  }
  if (record->context->origin != NULL) {
    g_byte_array_append (sender->passing, &slot, 1);
  }
  weir_record_tags (record, add_tag, bytes);
  WeirFrame frame = { WEIR_FRAME_VERSION, WEIR_FRAME_IS_CONTEXT, crosses ? 1 : 0, slot, bytes->len };
  add_head (sender, &frame, sizeof frame);
  add_head (sender, bytes->data, bytes->len);
}

static void
forget_passing (WeirSender *sender)
{
  for (guint i = 0; i < sender->passing->len; i++) {
    guint8 slot = sender->passing->data[i];
    WeirFrame frame = { WEIR_FRAME_VERSION, WEIR_FRAME_IS_CONTEXT, 0, slot, 0 };
    add_head (sender, &frame, sizeof frame);
    g_clear_pointer (&sender->contexts[slot], weir_context_unref);
  }
  g_byte_array_set_size (sender->passing, 0);
}

/* As many records as one frame takes, their contexts known. */
static gsize
add_frame (WeirSender *sender, guint16 port, const WeirRecord *records, gsize most)
{
  gsize count = 0, payload = 0;
  while (count < most && (count == 0 || payload < WEIR_FRAME_PAYLOAD) && is_known (sender, records[count].context)) {
    payload += records[count].size + records[count].trail;
    count++;
  }
  WeirFrame frame = { WEIR_FRAME_VERSION, WEIR_FRAME_IS_RECORDS, port, (guint32) count,
                      count * sizeof (WeirFrameRecord) + payload };
  add_head (sender, &frame, sizeof frame);
  gsize heads = sender->head->len;
  add_piece (sender, (Piece){ NULL, heads, count * sizeof (WeirFrameRecord) });
  g_byte_array_set_size (sender->head, (guint) (heads + count * sizeof (WeirFrameRecord)));
  WeirFrameRecord *head = (gpointer) (sender->head->data + heads);
  for (gsize i = 0; i < count; i++) {
    const WeirRecord *record = &records[i];
    guint32 stream = sender->renumber != NULL ? sender->renumber (record->stream, sender->renumber_data)
                                              : record->stream;
    WeirFrameRecord one = { record->time,  record->size,           stream,
                            record->trail, (guint8) record->flags, slot_of (record->context) };
    memcpy (&head[i], &one, sizeof one); /* tags before it may be of any length */
    add_piece (sender, (Piece){ record->data, 0, record->size + record->trail });
  }
  return count;
}

void
weir_sender_renumber (WeirSender *sender, guint32 (*renumber) (guint32 stream, gpointer data), gpointer data)
{
  sender->renumber = renumber;
  sender->renumber_data = data;
}

void
weir_sender_records (WeirSender *sender, guint16 port, const WeirRecord *records, gsize count, guint64 at)
{
  for (gsize done = 0; done < count;) {
    if (!is_known (sender, records[done].context)) {
      sender->at = at + done;
      tell_context (sender, &records[done]);
    }
    done += add_frame (sender, port, records + done, MIN (count - done, WEIR_FRAME_RECORDS));
  }
  forget_passing (sender);
}

void
weir_sender_control (WeirSender *sender, WeirFrameType type, guint16 port, guint32 stream)
{
  WeirFrame frame = { WEIR_FRAME_VERSION, (guint8) type, port, stream, 0 };
  add_head (sender, &frame, sizeof frame);
}

static void
advance (WeirSender *sender, gsize sent)
{
  while (sent > 0) {
    gsize left = g_array_index (sender->pieces, Piece, sender->next).size - sender->skip;
    if (sent < left) {
      sender->skip += sent;
      return;
    }
    sent -= left;
    sender->skip = 0;
    sender->next++;
  }
}

gboolean
weir_sender_push (WeirSender *sender, int fd)
{
  while (!weir_sender_is_idle (sender)) {
    struct iovec pieces[PIECES];
    gsize count = 0;
    for (guint i = sender->next; i < sender->pieces->len && count < PIECES; i++) {
      Piece *piece = &g_array_index (sender->pieces, Piece, i);
      guint8 *data = piece->data != NULL ? (guint8 *) piece->data : sender->head->data + piece->offset;
      gsize skip = i == sender->next ? sender->skip : 0;
      pieces[count++] = (struct iovec){ data + skip, piece->size - skip };
    }
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
    ssize_t sent = sendmsg (fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent < 0) {
      return FALSE;
    }
    advance (sender, (gsize) sent);
  }
  g_array_set_size (sender->pieces, 0);
  g_byte_array_set_size (sender->head, 0);
  sender->next = 0;
  return TRUE;
}
