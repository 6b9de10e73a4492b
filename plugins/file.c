/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: the plugin `file`. Its producer is in file/reader.c; here is the consumer.
 * Runs on the stage's worker and writes from flush(), a run at a time. It is not flagged WEIR_BLOCKING: a write to a regular file
 * cannot be interrupted anyhow, and what can block for long, a FIFO, is opened with O_NONBLOCK and waited for. */
#include "file/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { SYNC_NONE, SYNC_BATCH };

enum { FULL_FAIL, FULL_WAIT };

enum { ROTATIONS, FULL_WAITS };

typedef struct {
  const char *path, *mode, *delimiter;
  gboolean append;
  int sync, when_full_disk;
  guint64 rotate;
  gint64 keep;

  int fd; /* -1: not open */
  mode_t bits;
  WeirWriter writer;
  gboolean regular, full;
  gboolean made, started; /* the file was not there before open(); start() was called */
  guint64 size;           /* of the file, where it is rotated */
  gsize done;             /* records of the run that are out; the writer's progress is behind them */
} Writer;

/* ---- opening and closing ---- */

/* So that the new file's name is on disk when its bytes are. */
static void
sync_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    fsync (fd);
    close (fd);
  }
}

/* FALSE: errno says why. */
static gboolean
open_file (Writer *self)
{
  int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  self->fd = open (self->path, flags | O_EXCL, self->bits);
  gboolean made = self->fd >= 0;
  if (!made && errno == EEXIST) {
    self->fd = open (self->path, flags, self->bits);
  }
  struct stat status;
  if (self->fd < 0 || fstat (self->fd, &status) < 0) {
    return FALSE;
  }
  self->regular = S_ISREG (status.st_mode);
  self->size = (guint64) status.st_size;
  self->made = made;
  if (made) {
    (void) fchmod (self->fd, self->bits); /* whatever the umask is */
  }
  if (made && self->sync == SYNC_BATCH) {
    sync_folder (self->path);
  }
  return TRUE;
}

static gboolean
sync_file (const Writer *self)
{
  return self->sync == SYNC_NONE || !self->regular || self->fd < 0 || fdatasync (self->fd) == 0;
}

/* Some file systems tell only now that they could not write. */
static gboolean
close_file (WeirStage *stage, Writer *self)
{
  int fd = self->fd;
  self->fd = -1;
  if (fd >= 0 && !self->regular) {
    weir_stage_close_fd (stage, fd); /* it may be waited for */
    return TRUE;
  }
  return fd < 0 || close (fd) == 0 || errno == EINTR;
}

static char *
writer_check (gconstpointer state, const char **option)
{
  const Writer *self = state;
  if (g_ascii_string_to_unsigned (self->mode, 8, 0, 0777, NULL, NULL)) {
    return NULL;
  }
  *option = "mode";
  return g_strdup_printf ("found \"%s\", expected an octal number from 0 to 0777, such as 0640", self->mode);
}

static WeirNext
writer_open (WeirStage *stage, gpointer state)
{
  Writer *self = state;
  guint64 bits = 0;
  self->fd = -1;
  g_ascii_string_to_unsigned (self->mode, 8, 0, 0777, &bits, NULL);
  self->bits = (mode_t) bits;
  weir_writer_init (&self->writer, self->delimiter);
  if (!open_file (self)) {
    return weir_stage_fail_errno (stage, "cannot open %s", self->path);
  }
  if (self->rotate > 0 && !self->regular) {
    return weir_stage_fail (stage, "cannot rotate %s: not a regular file", self->path);
  }
  return WEIR_MORE;
}

/* Only now, as what was there stays as it is where another stage cannot be opened. */
static WeirNext
writer_start (WeirStage *stage, gpointer state)
{
  Writer *self = state;
  self->started = TRUE;
  if (!self->append && self->regular) {
    self->size = 0;
    return ftruncate (self->fd, 0) == 0 ? WEIR_MORE : weir_stage_fail_errno (stage, "cannot empty %s", self->path);
  }
  return WEIR_MORE;
}

/* ---- writing ---- */

static WeirNext
trouble (WeirStage *stage, Writer *self, const char *what)
{
  if (errno == EAGAIN) {
    return weir_stage_wait_fd (stage, self->fd, G_IO_OUT);
  }
  if ((errno != ENOSPC && errno != EDQUOT) || self->when_full_disk == FULL_FAIL) {
    return weir_stage_fail_errno (stage, "cannot %s %s", what, self->path);
  }
  if (!self->full) {
    self->full = TRUE;
    weir_stage_log (stage, G_LOG_LEVEL_WARNING, "cannot %s %s: %s; trying again each second", what, self->path,
                    g_strerror (errno));
  }
  weir_stage_count (stage, FULL_WAITS, 1);
  return weir_stage_wait_time (stage, G_USEC_PER_SEC);
}

/* How many records, of *bytes bytes, the file takes before it is to be rotated; at least one into an empty file. */
static gsize
fitting (const Writer *self, const WeirRecord *records, gsize count, guint64 *bytes)
{
  if (self->rotate == 0) {
    *bytes = 0;
    return count;
  }
  guint64 room = self->rotate - MIN (self->size, self->rotate);
  gsize fit = weir_writer_fit (&self->writer, records, count, room, bytes);
  return fit > 0 || self->size > 0 ? fit : weir_writer_fit (&self->writer, records, 1, G_MAXUINT64, bytes);
}

/* PATH becomes PATH.1, what was that PATH.2, up to PATH.keep; the last one goes. */
static gboolean
rotate (WeirStage *stage, Writer *self)
{
  if (!sync_file (self) || !close_file (stage, self)) {
    weir_stage_fail_errno (stage, "cannot finish %s", self->path);
    return FALSE;
  }
  for (gint64 i = self->keep; i > 0; i--) {
    g_autofree char *from = i > 1 ? g_strdup_printf ("%s.%" G_GINT64_FORMAT, self->path, i - 1) : g_strdup (self->path);
    g_autofree char *to = g_strdup_printf ("%s.%" G_GINT64_FORMAT, self->path, i);
    if (rename (from, to) < 0 && errno != ENOENT) {
      weir_stage_fail_errno (stage, "cannot rename %s to %s", from, to);
      return FALSE;
    }
  }
  weir_writer_restart (&self->writer);
  weir_stage_count (stage, ROTATIONS, 1);
  return TRUE;
}

static WeirNext
writer_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  Writer *self = state;
  while (self->done < count) {
    if (self->fd < 0 && !open_file (self)) {
      return trouble (stage, self, "open");
    }
    guint64 bytes;
    gsize now = fitting (self, records + self->done, count - self->done, &bytes);
    if (now == 0) {
      if (!rotate (stage, self)) {
        return WEIR_FAIL;
      }
      continue;
    }
    if (!weir_writer_write (&self->writer, self->fd, records + self->done, now)) {
      return trouble (stage, self, "write");
    }
    self->size += bytes;
    self->done += now;
  }
  if (self->full) {
    self->full = FALSE;
    weir_stage_log (stage, G_LOG_LEVEL_MESSAGE, "%s can be written again", self->path);
  }
  if (!sync_file (self)) {
    return weir_stage_fail_errno (stage, "cannot sync %s", self->path);
  }
  self->done = 0;
  return WEIR_MORE;
}

static WeirNext
writer_end (WeirStage *stage, gpointer state)
{
  Writer *self = state;
  return close_file (stage, self) ? WEIR_MORE : weir_stage_fail_errno (stage, "cannot close %s", self->path);
}

static void
writer_close (WeirStage *stage, gpointer state)
{
  Writer *self = state;
  close_file (stage, self);
  if (self->made && !self->started) {
    unlink (self->path);
  }
}

/* ---- the role ---- */

static const WeirOption options[] = {
  WEIR_STRING (Writer, path, NULL, WEIR_REQUIRED | WEIR_PATH | WEIR_WRITES, "File to write"),
  WEIR_BOOLEAN (Writer, append, "true", 0, "Write behind what is there; false: begin with an empty file"),
  WEIR_STRING (Writer, mode, "0640", 0, "Permissions of a file that is made, octal"),
  WEIR_DELIMITER_OPTION (Writer),
  WEIR_CHOICE (Writer, sync, "none", "none|batch", 0,
               "When bytes are forced to disk: never, or behind each run of records"),
  WEIR_SIZE (Writer, rotate, "0", NULL, 0, "Size that the file does not grow beyond: it becomes PATH.1; 0: no limit"),
  WEIR_INTEGER (Writer, keep, "5", "1..1000", 0, "Rotated files that are kept; PATH.1 is the newest"),
  WEIR_CHOICE (Writer, when_full_disk, "fail", "fail|wait", 0, "On a full disk, fail or try again each second"),
  WEIR_OPTIONS_END
};

static const char *const counters[] = { "rotations", "full_waits", NULL };

static const WeirRole consumer = { .summary = "Writes a file",
                                   .options = options,
                                   .counters = counters,
                                   .state_size = sizeof (Writer),
                                   .open = writer_open,
                                   .start = writer_start,
                                   .flush = writer_flush,
                                   .end = writer_end,
                                   .close = writer_close,
                                   .check = writer_check };

WEIR_PLUGIN ("file", "1.0", &file_reader_role, NULL, &consumer);
