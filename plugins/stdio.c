/* SPDX-License-Identifier: Apache-2.0 */
/* stdio.c: standard input as a producer, standard output as a consumer.
 * Both block in poll(2), so they have a worker of their own; an eventfd breaks the block. The descriptors are shared with
 * whoever started us: O_NONBLOCK is never set on them. */
#include <weir/weir.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  guint64 chunk;
  int wake;
  guint32 stream;
} Input;

typedef struct {
  const char *delimiter;
  int fd, wake;
  gboolean own;    /* fd is a descriptor of our own */
  gboolean socket; /* fd is one */
  WeirWriter writer;
} Output;

/* ---- both ---- */

static WeirNext
open_wake (WeirStage *stage, int *wake)
{
  *wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  return *wake < 0 ? weir_stage_fail_errno (stage, "cannot make an eventfd") : WEIR_MORE;
}

/* Waits until fd is ready. FALSE: interrupted. */
static gboolean
wait_ready (int fd, short events, int wake)
{
  struct pollfd polled[] = { { fd, events, 0 }, { wake, POLLIN, 0 } };
  while (poll (polled, G_N_ELEMENTS (polled), -1) < 0) {
    if (errno != EINTR) {
      return TRUE; /* what is wrong with it, reading or writing will say */
    }
  }
  if (polled[1].revents == 0) {
    return TRUE;
  }
  eventfd_t times;
  (void) eventfd_read (wake, &times);
  return FALSE;
}

static void
close_own (int fd)
{
  if (fd >= 0) {
    close (fd);
  }
}

/* ---- standard input ---- */

static WeirNext
input_open (WeirStage *stage, gpointer state)
{
  Input *self = state;
  return open_wake (stage, &self->wake);
}

/* A line typed at a terminal needs no buffer for a whole chunk. */
static gsize
room_for (const Input *self)
{
  int there;
  return ioctl (STDIN_FILENO, FIONREAD, &there) == 0 ? CLAMP ((gsize) MAX (there, 0), 1, self->chunk) : self->chunk;
}

static WeirNext
input_produce (WeirStage *stage, gpointer state)
{
  Input *self = state;
  if (self->stream == 0) {
    self->stream = weir_stream_open (stage, NULL);
  }
  if (!wait_ready (STDIN_FILENO, POLLIN, self->wake)) {
    return weir_stage_wait_fd (stage, STDIN_FILENO, G_IO_IN);
  }
  gsize size = room_for (self);
  gpointer room = weir_emit_begin (stage, size);
  ssize_t got = read (STDIN_FILENO, room, size);
  if (got > 0) {
    weir_stream_use (stage, self->stream);
    weir_emit_end (stage, (gsize) got);
    return WEIR_MORE;
  }
  weir_emit_end (stage, 0);
  if (got == 0) {
    weir_stream_close (stage, self->stream);
    return WEIR_DONE;
  }
  if (errno == EINTR || errno == EAGAIN) {
    return weir_stage_wait_fd (stage, STDIN_FILENO, G_IO_IN);
  }
  return weir_stage_fail_errno (stage, "cannot read standard input");
}

static void
input_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Input *self = state;
  close_own (self->wake);
}

static void
input_interrupt (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Input *self = state;
  (void) eventfd_write (self->wake, 1);
}

/* ---- standard output ---- */

/* A reader that does not read must not hold this thread for good. A pipe or a terminal opened once more is a description of our own,
 * which may be O_NONBLOCK. Not so for a file, whose place is shared, and not possible for a socket, which can be told each time. */
static void
open_output (Output *self)
{
  struct stat status;
  gboolean known = fstat (STDOUT_FILENO, &status) == 0;
  self->socket = known && S_ISSOCK (status.st_mode);
  if (known && (S_ISFIFO (status.st_mode) || isatty (STDOUT_FILENO))) {
    self->fd = open ("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    self->own = self->fd >= 0;
  }
  if (!self->own) {
    self->fd = STDOUT_FILENO;
  }
}

static WeirNext
output_open (WeirStage *stage, gpointer state)
{
  Output *self = state;
  if (open_wake (stage, &self->wake) == WEIR_FAIL) {
    return WEIR_FAIL;
  }
  open_output (self);
  weir_writer_init (&self->writer, self->delimiter);
  return WEIR_MORE;
}

static WeirNext
output_flush (WeirStage *stage, gpointer state, const WeirRecord *records, gsize count)
{
  Output *self = state;
  do {
    if (!wait_ready (self->fd, POLLOUT, self->wake)) {
      return weir_stage_wait_fd (stage, self->fd, G_IO_OUT);
    }
    if (self->socket ? weir_writer_send (&self->writer, self->fd, records, count, weir_stage_has_more (stage))
                     : weir_writer_write (&self->writer, self->fd, records, count)) {
      return WEIR_MORE;
    }
  } while (errno == EAGAIN);
  /* Whoever reads has enough, like head. */
  return errno == EPIPE ? WEIR_DONE : weir_stage_fail_errno (stage, "cannot write standard output");
}

static void
output_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Output *self = state;
  close_own (self->wake);
  if (self->own) {
    close (self->fd);
  }
}

static void
output_interrupt (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Output *self = state;
  (void) eventfd_write (self->wake, 1);
}

/* ---- the roles ---- */

static const WeirOption input_options[] = {
  WEIR_SIZE (Input, chunk, "64KiB", "1..16MiB", 0, "Bytes read at a time, at most"), WEIR_OPTIONS_END
};

static const WeirRole producer = { .summary = "Reads standard input",
                                   .options = input_options,
                                   .state_size = sizeof (Input),
                                   .flags = WEIR_BLOCKING | WEIR_BYTES,
                                   .open = input_open,
                                   .produce = input_produce,
                                   .close = input_close,
                                   .interrupt = input_interrupt };

static const WeirOption output_options[] = { WEIR_DELIMITER_OPTION (Output), WEIR_OPTIONS_END };

static const WeirRole consumer = { .summary = "Writes standard output",
                                   .options = output_options,
                                   .state_size = sizeof (Output),
                                   .flags = WEIR_BLOCKING,
                                   .open = output_open,
                                   .flush = output_flush,
                                   .close = output_close,
                                   .interrupt = output_interrupt };

WEIR_PLUGIN ("stdio", "1.0", &producer, NULL, &consumer);
