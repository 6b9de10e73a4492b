/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c: the producer of the plugin `file`: its options, one file's bytes, and files read one after another.
 * Runs on the stage's worker, as a pull producer: a chunk a call, read straight into the buffer that leaves with it. */
#include "reader.h"

#include "paths.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* ---- one file ---- */

OpenFile *
file_open (const char *path)
{
  /* O_NONBLOCK, so that a FIFO that nobody writes to yet does not hold up the worker. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat status;
  if (fd < 0) {
    return NULL;
  }
  int error = fstat (fd, &status) < 0 ? errno : S_ISDIR (status.st_mode) ? EISDIR : 0;
  if (error != 0) {
    close (fd);
    errno = error;
    return NULL;
  }
  OpenFile *file = g_new (OpenFile, 1);
  *file = (OpenFile){ .path = g_strdup (path),
                      .fd = fd,
                      .device = status.st_dev,
                      .inode = status.st_ino,
                      .size = status.st_size,
                      .regular = S_ISREG (status.st_mode),
                      .fifo = S_ISFIFO (status.st_mode),
                      .change = -1 };
  if (file->regular) {
    posix_fadvise (fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  return file;
}

void
file_end_stream (WeirStage *stage, OpenFile *file)
{
  if (file->stream != 0) {
    weir_stream_close (stage, file->stream);
    file->stream = 0;
  }
}

void
file_close (WeirStage *stage, OpenFile *file)
{
  file_end_stream (stage, file);
  weir_stage_close_fd (stage, file->fd);
  g_free (file->path);
  g_free (file);
}

/* So that a file that was truncated, and has grown again as far or farther before it was looked at, is not taken for the old. */
static void
remember_tail (OpenFile *file, const guint8 *bytes, gsize size)
{
  gsize kept = MIN (file->tail_size, sizeof (file->tail) - MIN (size, sizeof (file->tail)));
  gsize added = MIN (size, sizeof (file->tail));
  memmove (file->tail, file->tail + file->tail_size - kept, kept);
  memcpy (file->tail + kept, bytes + size - added, added);
  file->tail_size = (guint) (kept + added);
}

static gboolean
is_rewritten (const OpenFile *file)
{
  guint8 now[sizeof (file->tail)];
  ssize_t got = pread (file->fd, now, file->tail_size, file->offset - file->tail_size);
  return got == (ssize_t) file->tail_size && memcmp (now, file->tail, file->tail_size) != 0;
}

/* What is there now; a file that has become shorter, or another, begins anew. */
static gboolean
look_at_size (WeirStage *stage, OpenFile *file)
{
  struct stat status;
  if (fstat (file->fd, &status) < 0) {
    return FALSE;
  }
  gboolean touched = status.st_mtim.tv_sec != file->modified.tv_sec || status.st_mtim.tv_nsec != file->modified.tv_nsec;
  file->size = status.st_size;
  file->modified = status.st_mtim;
  if (file->size >= file->offset && !(touched && is_rewritten (file))) {
    return TRUE;
  }
  weir_stage_log (stage, G_LOG_LEVEL_INFO, "%s was truncated: reading it from its beginning", file->path);
  weir_stage_count (stage, TRUNCATED, 1);
  file_end_stream (stage, file);
  file->offset = 0;
  file->tail_size = 0;
  return lseek (file->fd, 0, SEEK_SET) == 0;
}

/* A buffer for the whole chunk, or for as much as there is. */
static gsize
room_for (const Reader *self, const OpenFile *file)
{
  gint64 left = file->size - file->offset;
  if (!file->regular || file->size == 0) {
    return self->chunk; /* also files of the kernel, which say 0 and have more */
  }
  return left > 0 ? MIN (self->chunk, (guint64) left) : MIN (self->chunk, 4096);
}

static void
begin_stream (WeirStage *stage, OpenFile *file)
{
  if (file->stream == 0) {
    g_autoptr (WeirTags) tags = weir_tags_with (NULL, "path", file->path);
    file->stream = weir_stream_open (stage, tags);
    weir_stage_count (stage, FILES, 1);
  }
  weir_stream_use (stage, file->stream);
}

/* A FIFO without a writer looks like one at its end; only poll(2) tells. */
static gboolean
is_fifo_without_bytes (const OpenFile *file)
{
  struct pollfd polled = { file->fd, POLLIN, 0 };
  return file->fifo && poll (&polled, 1, 0) == 0;
}

ReadResult
file_read (WeirStage *stage, const Reader *self, OpenFile *file)
{
  if (is_fifo_without_bytes (file)) {
    weir_stage_wait_fd (stage, file->fd, G_IO_IN);
    return READ_WAIT;
  }
  for (gboolean looked = FALSE;;) {
    if (self->follow && file->offset >= file->size) {
      if (!look_at_size (stage, file)) {
        weir_stage_fail_errno (stage, "cannot read %s", file->path);
        return READ_FAILED;
      }
      looked = TRUE;
      if (file->offset >= file->size) {
        return READ_END;
      }
    }
    gsize size = room_for (self, file);
    gpointer room = weir_emit_begin (stage, size);
    ssize_t got = read (file->fd, room, size);
    int error = errno;
    if (got > 0) {
      begin_stream (stage, file);
      file->offset += got;
      if (self->follow) {
        remember_tail (file, room, (gsize) got);
      }
      weir_emit_end (stage, (gsize) got);
      return READ_SOME;
    }
    weir_emit_end (stage, 0);
    if (got == 0 && self->follow && !looked) {
      file->size = file->offset; /* shorter than it was */
      continue;
    }
    if (got == 0) {
      return READ_END;
    }
    if (error == EAGAIN) {
      weir_stage_wait_fd (stage, file->fd, G_IO_IN);
      return READ_WAIT;
    }
    if (error != EINTR) {
      errno = error;
      weir_stage_fail_errno (stage, "cannot read %s", file->path);
      return READ_FAILED;
    }
  }
}

/* ---- one after another ---- */

static gboolean
open_next (WeirStage *stage, Reader *self)
{
  const char *path = g_ptr_array_index (self->paths, self->next++);
  self->current = file_open (path);
  if (self->current == NULL) {
    weir_stage_fail_errno (stage, "cannot open %s", path);
    return FALSE;
  }
  return TRUE;
}

/* What can be told of the files before their turn comes: a FIFO is not opened for it, as its writer would notice. */
static gboolean
can_be_opened (const char *path)
{
  struct stat status;
  if (stat (path, &status) < 0) {
    return FALSE;
  }
  errno = EISDIR;
  return !S_ISDIR (status.st_mode) && faccessat (AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
}

static char *
reader_check (gconstpointer state, const char **option)
{
  const Reader *self = state;
  if (self->follow || self->start_at == START_AT_BEGINNING) {
    return NULL;
  }
  *option = "start_at";
  return g_strdup ("found \"end\" without follow, expected both: nothing would be read");
}

static WeirNext
reader_open (WeirStage *stage, gpointer state)
{
  Reader *self = state;
  if (self->follow) {
    return file_follow_open (stage, self);
  }
  self->paths = file_paths_find (self->path);
  for (gsize i = 0; self->path[i] != NULL; i++) {
    if (file_path_is_glob (self->path[i])) {
      const char *const one[] = { self->path[i], NULL };
      g_autoptr (GPtrArray) matches = file_paths_find (one);
      if (matches->len == 0) {
        return weir_stage_fail (stage, "no file matches %s", self->path[i]);
      }
    }
  }
  for (guint i = 0; i < self->paths->len; i++) {
    const char *path = g_ptr_array_index (self->paths, i);
    if (!can_be_opened (path)) {
      return weir_stage_fail_errno (stage, "cannot open %s", path);
    }
  }
  return open_next (stage, self) ? WEIR_MORE : WEIR_FAIL;
}

static WeirNext
reader_produce (WeirStage *stage, gpointer state)
{
  Reader *self = state;
  if (self->follow) {
    return file_follow_produce (stage, self);
  }
  for (;;) {
    switch (file_read (stage, self, self->current)) {
    case READ_SOME:
      return WEIR_MORE;
    case READ_WAIT:
      return WEIR_WAIT;
    case READ_FAILED:
      return WEIR_FAIL;
    case READ_END:
      file_close (stage, g_steal_pointer (&self->current));
      if (self->next == self->paths->len) {
        return WEIR_DONE;
      }
      if (!open_next (stage, self)) {
        return WEIR_FAIL;
      }
      break;
    }
  }
}

static void
reader_close (WeirStage *stage, gpointer state)
{
  Reader *self = state;
  if (self->current != NULL) {
    file_close (stage, self->current);
  }
  g_clear_pointer (&self->paths, g_ptr_array_unref);
  file_follow_close (stage, self);
}

/* ---- the role ---- */

static const WeirOption options[] = {
  WEIR_STRINGS (Reader, path, NULL, WEIR_REQUIRED | WEIR_PATH | WEIR_READS,
                "Files to read: a path or a list, with globs"),
  WEIR_BOOLEAN (Reader, follow, "false", 0, "Go on reading as they grow, and as they are rotated or truncated"),
  WEIR_CHOICE (Reader, start_at, "beginning", "beginning|end", 0,
               "Where to begin in files that are there at the start"),
  WEIR_SIZE (Reader, chunk, "64KiB", "1..16MiB", 0, "Bytes read at a time"), WEIR_OPTIONS_END
};

static const char *const counters[] = { "files", "rotated", "truncated", NULL };

static const char *const tags[] = { "path", NULL };

const WeirRole file_reader_role = { .summary = "Reads files",
                                    .options = options,
                                    .counters = counters,
                                    .tags = tags,
                                    .state_size = sizeof (Reader),
                                    .flags = WEIR_BYTES,
                                    .open = reader_open,
                                    .produce = reader_produce,
                                    .close = reader_close,
                                    .check = reader_check };
