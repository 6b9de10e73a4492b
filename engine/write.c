/* SPDX-License-Identifier: Apache-2.0 */
/* write.c: weir_write_records() and weir_send_records() of weir/record.h: a run of records to a descriptor by writev(2), or to a
 * socket by sendmsg(2).
 * Any thread; owns nothing. A record takes its bytes, its trail and, behind a message that has none, the delimiter; where the
 * next piece lies right behind the last one in memory, both leave as one. */
#include <weir/record.h>

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* What one writev() is given at most. */
#define PIECES MIN (IOV_MAX, 1024)

typedef ssize_t (*Write) (int fd, const struct iovec *pieces, int count, gboolean more);

typedef struct {
  Write write;
  struct iovec pieces[PIECES];
  int count;
  gsize skip; /* bytes at the front of the run that are out already */
} Batch;

static inline gboolean
is_message_without_trail (const WeirRecord *record)
{
  return record->trail == 0 && (record->flags & WEIR_RECORD_CHUNK) == 0;
}

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

static gboolean
put_records (Write write, int fd, const WeirRecord *records, gsize count, gconstpointer delimiter, gsize delimiter_size,
             gboolean more, gsize *progress)
{
  Batch batch;
  batch.write = write;
  batch.count = 0;
  batch.skip = *progress;
  for (gsize i = 0; i < count; i++) {
    const WeirRecord *record = &records[i];
    /* A record adds two pieces at most. */
    if (G_UNLIKELY (batch.count > PIECES - 2) && !write_batch (fd, &batch, TRUE, progress)) {
      return FALSE;
    }
    add_piece (&batch, record->data, record->size + record->trail);
    if (is_message_without_trail (record)) {
      add_piece (&batch, delimiter, delimiter_size);
    }
  }
  if (!write_batch (fd, &batch, more, progress)) {
    return FALSE;
  }
  *progress = 0;
  return TRUE;
}

gboolean
weir_write_records (int fd, const WeirRecord *records, gsize count, gconstpointer delimiter, gsize delimiter_size,
                    gsize *progress)
{
  return put_records (write_pieces, fd, records, count, delimiter, delimiter_size, FALSE, progress);
}

gboolean
weir_send_records (int fd, const WeirRecord *records, gsize count, gconstpointer delimiter, gsize delimiter_size,
                   gboolean more, gsize *progress)
{
  return put_records (send_pieces, fd, records, count, delimiter, delimiter_size, more, progress);
}
