/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c: records as bytes (see weir/writer.h).
 * Any thread; owns nothing. A record adds up to three pieces: the delimiter in front of it, where the chunk before it is of another
 * stream and does not end with one; its bytes and trail; the delimiter behind a message that has no trail. */
#include <weir/writer.h>

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* What one writev() is given at most. */
#define PIECES MIN (IOV_MAX, 1024)

void
weir_writer_init (WeirWriter *writer, const char *delimiter)
{
  gboolean nul = g_strcmp0 (delimiter, "nul") == 0;
  *writer = (WeirWriter){ .delimiter = nul || delimiter == NULL ? "" : delimiter };
  writer->delimiter_size = nul ? 1 : strlen (writer->delimiter);
}

void
weir_writer_restart (WeirWriter *writer)
{
  writer->progress = 0;
  writer->open = FALSE;
}

/* ---- where delimiters go ---- */

static inline gboolean
is_message_without_trail (const WeirRecord *record)
{
  return record->trail == 0 && (record->flags & WEIR_RECORD_CHUNK) == 0;
}

/* How many bytes of the delimiter a chunk ends with, that begins behind the first `matched` of one. Many a delimiter's bytes may come
 * in chunks of one each. */
static gsize
match_delimiter (const WeirWriter *writer, gsize matched, const guint8 *data, gsize size)
{
  const char *delimiter = writer->delimiter;
  for (gsize length = MIN (writer->delimiter_size, matched + size); length > 0; length--) {
    gsize before = length > size ? length - size : 0, behind = length - before;
    if (memcmp (delimiter, delimiter + matched - before, before) == 0 &&
        memcmp (delimiter + before, data + size - behind, behind) == 0) {
      return length;
    }
  }
  return 0;
}

/* Something is behind the unended chunk that does not go on with it. An empty chunk says nothing of its own stream. */
static inline gboolean
is_cut_off (const WeirWriter *writer, const WeirRecord *record)
{
  if (G_LIKELY (!writer->open)) {
    return FALSE;
  }
  if (record->stream == writer->stream) {
    return (record->flags & WEIR_RECORD_GAP) != 0;
  }
  return record->size + record->trail > 0 || (record->flags & WEIR_RECORD_CHUNK) == 0;
}

/* The record is behind what was written by now. Only a chunk leaves a line open. */
static inline void
follow (WeirWriter *writer, const WeirRecord *record, gboolean cut_off)
{
  if (G_LIKELY ((record->flags & WEIR_RECORD_CHUNK) == 0)) {
    writer->open = FALSE;
    return;
  }
  gsize size = record->size + record->trail;
  gsize matched = writer->open && !cut_off ? writer->matched : 0;
  if (size > 0 && writer->delimiter_size > 0) {
    writer->stream = record->stream;
    writer->matched = G_LIKELY (writer->delimiter_size == 1) ? record->data[size - 1] == (guint8) writer->delimiter[0]
                                                             : match_delimiter (writer, matched, record->data, size);
    writer->open = writer->matched < writer->delimiter_size;
  } else if (cut_off) {
    writer->open = FALSE;
  }
}

/* ---- writing ---- */

typedef ssize_t (*Write) (int fd, const struct iovec *pieces, int count, gboolean more);

typedef struct {
  Write write;
  struct iovec pieces[PIECES];
  int count;
  gsize skip; /* bytes at the front of the run that are out already */
} Batch;

static inline void
add_piece (Batch *batch, const guint8 *data, gsize size)
{
  if (G_UNLIKELY (batch->skip > 0)) {
    gsize out = MIN (batch->skip, size);
    batch->skip -= out;
    data += out;
    size -= out;
  }
  if (size == 0) {
    return;
  }
  struct iovec *piece = &batch->pieces[batch->count];
  if (batch->count > 0 && (const guint8 *) piece[-1].iov_base + piece[-1].iov_len == data) {
    piece[-1].iov_len += size;
  } else {
    *piece = (struct iovec){ (void *) data, size };
    batch->count++;
  }
}

/* Out of line, so that add_piece() is not. */
static G_NO_INLINE void
add_delimiter (Batch *batch, const WeirWriter *writer)
{
  add_piece (batch, (const guint8 *) writer->delimiter, writer->delimiter_size);
}

/* Writes all pieces; *progress grows by what is out, also where it fails. */
static gboolean
write_batch (int fd, Batch *batch, gboolean more, gsize *progress)
{
  struct iovec *next = batch->pieces, *end = batch->pieces + batch->count;
  while (next < end) {
    ssize_t written = batch->write (fd, next, (int) (end - next), more);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      /* Nothing written and no reason given: no descriptor should, but it must not become an endless loop. */
      errno = written == 0 ? EIO : errno;
      return FALSE;
    }
    *progress += (gsize) written;
    gsize left = (gsize) written;
    while (next < end && left >= next->iov_len) {
      left -= next->iov_len;
      next++;
    }
    if (left > 0) {
      next->iov_base = (guint8 *) next->iov_base + left;
      next->iov_len -= left;
    }
  }
  batch->count = 0;
  return TRUE;
}

static ssize_t
write_pieces (int fd, const struct iovec *pieces, int count, G_GNUC_UNUSED gboolean more)
{
  return writev (fd, pieces, count);
}

static ssize_t
send_pieces (int fd, const struct iovec *pieces, int count, gboolean more)
{
  struct msghdr message = { .msg_iov = (struct iovec *) pieces, .msg_iovlen = (size_t) count };
  return sendmsg (fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

/* How many records, from the first on, are lines with their trails that lie side by side, and so one piece; *bytes: of how many. */
static inline gsize
lines_side_by_side (const WeirRecord *records, gsize count, gsize *bytes)
{
  const guint8 *end = records->data;
  gsize lines = 0;
  while (lines < count && records[lines].data == end && records[lines].trail > 0 &&
         (records[lines].flags & WEIR_RECORD_CHUNK) == 0) {
    end += records[lines].size + records[lines].trail;
    lines++;
  }
  *bytes = (gsize) (end - records->data);
  return lines;
}

static gboolean
put_records (WeirWriter *writer, Write write, int fd, const WeirRecord *records, gsize count, gboolean more)
{
  WeirWriter next = *writer; /* it moves on with the whole run only */
  gboolean open = next.open;
  Batch batch;
  batch.write = write;
  batch.count = 0;
  batch.skip = writer->progress;
  for (gsize i = 0; i < count; i++) {
    const WeirRecord *record = &records[i];
    /* A record adds three pieces at most. */
    if (G_UNLIKELY (batch.count > PIECES - 3) && !write_batch (fd, &batch, TRUE, &writer->progress)) {
      return FALSE;
    }
    gsize bytes, lines = open ? 0 : lines_side_by_side (record, count - i, &bytes);
    if (lines > 0) {
      add_piece (&batch, record->data, bytes);
      i += lines - 1;
      continue;
    }
    gboolean cut_off = G_UNLIKELY (open) && is_cut_off (&next, record);
    if (G_UNLIKELY (cut_off)) {
      add_delimiter (&batch, &next);
    }
    add_piece (&batch, record->data, record->size + record->trail);
    if (is_message_without_trail (record)) {
      add_piece (&batch, (const guint8 *) next.delimiter, next.delimiter_size);
    }
    /* A run of messages has nothing to follow. */
    if (open || (record->flags & WEIR_RECORD_CHUNK) != 0) {
      follow (&next, record, cut_off);
      open = next.open;
    }
  }
  if (!write_batch (fd, &batch, more, &writer->progress)) {
    return FALSE;
  }
  *writer = next;
  writer->progress = 0;
  return TRUE;
}

gboolean
weir_writer_write (WeirWriter *writer, int fd, const WeirRecord *records, gsize count)
{
  return put_records (writer, write_pieces, fd, records, count, FALSE);
}

gboolean
weir_writer_send (WeirWriter *writer, int fd, const WeirRecord *records, gsize count, gboolean more)
{
  return put_records (writer, send_pieces, fd, records, count, more);
}

/* ---- by other means ---- */

typedef struct {
  guint8 *to;
  gsize size, used;
  gsize skip;
} Copy;

/* FALSE: it is full. */
static gboolean
copy_piece (Copy *copy, gconstpointer data, gsize size)
{
  gsize skipped = MIN (copy->skip, size);
  copy->skip -= skipped;
  gsize taken = MIN (size - skipped, copy->size - copy->used);
  if (taken > 0) {
    memcpy (copy->to + copy->used, (const guint8 *) data + skipped, taken);
    copy->used += taken;
  }
  return skipped + taken == size;
}

gsize
weir_writer_copy (const WeirWriter *writer, const WeirRecord *records, gsize count, gpointer to, gsize size)
{
  WeirWriter next = *writer;
  Copy copy = { .to = to, .size = size, .skip = writer->progress };
  for (gsize i = 0; i < count; i++) {
    const WeirRecord *record = &records[i];
    gboolean cut_off = is_cut_off (&next, record);
    if ((cut_off && !copy_piece (&copy, next.delimiter, next.delimiter_size)) ||
        !copy_piece (&copy, record->data, record->size + record->trail) ||
        (is_message_without_trail (record) && !copy_piece (&copy, next.delimiter, next.delimiter_size))) {
      break;
    }
    follow (&next, record, cut_off);
  }
  return copy.used;
}

void
weir_writer_done (WeirWriter *writer, const WeirRecord *records, gsize count)
{
  for (gsize i = 0; i < count; i++) {
    follow (writer, &records[i], is_cut_off (writer, &records[i]));
  }
  writer->progress = 0;
}

gsize
weir_writer_fit (const WeirWriter *writer, const WeirRecord *records, gsize count, guint64 most, guint64 *bytes)
{
  WeirWriter next = *writer;
  guint64 used = 0;
  gsize i;
  for (i = 0; i < count; i++) {
    const WeirRecord *record = &records[i];
    gboolean cut_off = is_cut_off (&next, record);
    gsize delimiters = (cut_off ? 1 : 0) + (is_message_without_trail (record) ? 1 : 0);
    gsize size = record->size + record->trail + delimiters * next.delimiter_size;
    if (size > most - used) {
      break;
    }
    used += size;
    follow (&next, record, cut_off);
  }
  if (bytes != NULL) {
    *bytes = used;
  }
  return i;
}
