/* SPDX-License-Identifier: Apache-2.0 */
/* report.c: standard error of a child process, into the log (see report.h).
 * Runs on the stage's worker. One read a dispatch, so that a child that floods it is held up by its pipe, and nobody else is. */
#include "report.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

/* What is drained at most: a child's child may write without end. */
#define DRAIN_READS 64

static void
log_line (Report *report)
{
  gsize size = report->used;
  report->used = 0;
  if (size > 0 && report->line[size - 1] == '\r') {
    size--;
  }
  if (size == 0) {
    return;
  }
  for (char *nul; (nul = memchr (report->line, '\0', size)) != NULL;) {
    *nul = ' ';
  }
  weir_stage_log (report->stage, G_LOG_LEVEL_INFO, "%.*s", (int) size, report->line);
}

static void
take (Report *report, const char *bytes, gsize size)
{
  while (size > 0) {
    const char *newline = memchr (bytes, '\n', size);
    gsize piece = newline != NULL ? (gsize) (newline - bytes) : size;
    gsize room = MIN (piece, REPORT_LINE - report->used);
    memcpy (report->line + report->used, bytes, room);
    report->used += room;
    gboolean whole = newline != NULL && room == piece;
    if (whole || report->used == REPORT_LINE) {
      log_line (report);
    }
    bytes += room + (whole ? 1 : 0);
    size -= room + (whole ? 1 : 0);
  }
}

void
report_close (Report *report)
{
  if (report->source != NULL) {
    g_source_destroy (report->source);
    g_clear_pointer (&report->source, g_source_unref);
    close (report->fd);
  }
}

/* FALSE: nothing is there, now or for good. */
static gboolean
read_some (Report *report)
{
  char bytes[4096];
  ssize_t got = read (report->fd, bytes, sizeof (bytes));
  if (got > 0) {
    take (report, bytes, (gsize) got);
    return TRUE;
  }
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    log_line (report);
    report_close (report);
  }
  return FALSE;
}

static gboolean
on_readable (G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition, gpointer data)
{
  read_some (data);
  return G_SOURCE_CONTINUE; /* or destroyed */
}

void
report_open (WeirStage *stage, Report *report, int fd)
{
  report->stage = stage;
  report->fd = fd;
  report->source = g_unix_fd_source_new (fd, G_IO_IN);
  g_source_set_callback (report->source, G_SOURCE_FUNC (on_readable), report, NULL);
  weir_stage_attach (stage, g_source_ref (report->source));
}

void
report_drain (Report *report)
{
  for (guint i = 0; i < DRAIN_READS && report->source != NULL && read_some (report); i++) {}
  log_line (report);
}
