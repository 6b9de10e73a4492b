/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer of abi-1: keeps, releases, rejects, has enough, lingers, fails. Never changed; see abi-1.c. */
#include "abi-1.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

typedef struct {
  const char *path, *line;
  gint64 most;
  int fails, fd;
  gint64 taken;
  WeirRecord *kept;
  WeirWriter writer;
} Consumer;

enum { NONE, TEXT, ERRNO, ERROR };

static const WeirOption consumer_options[] = {
  WEIR_STRING (Consumer, path, NULL, WEIR_REQUIRED | WEIR_PATH | WEIR_WRITES, "File to write"),
  WEIR_STRING (Consumer, line, "{n} {m} {}\n", WEIR_TEMPLATE, "What is written of a record with tags"),
  WEIR_INTEGER (Consumer, most, "0", "0..", 0, "How many are enough"),
  WEIR_CHOICE (Consumer, fails, "none", "none|text|errno|error", 0, "How it fails"),
  WEIR_OPTIONS_END,
};

static WeirNext
consumer_open (WeirStage *stage, gpointer state)
{
  Consumer *self = state;
  self->fd = open (self->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  weir_writer_init (&self->writer, "nul");
  weir_writer_init (&self->writer, "\n");
  weir_writer_restart (&self->writer);
  errno = ENOSPC;
  weir_stage_window (stage, 2);
  return self->fails == TEXT    ? weir_stage_fail (stage, "fails by %s", "text")
         : self->fails == ERRNO ? weir_stage_fail_errno (stage, "fails")
         : self->fails == ERROR
           ? weir_stage_fail_error (stage, g_error_new (G_FILE_ERROR, G_FILE_ERROR_FAILED, "fails by an error"))
           : WEIR_MORE;
}

/* One record is kept until the next one comes. */
static WeirNext
give_back (WeirStage *stage, gpointer state)
{
  Consumer *self = state;
  (void) stage;
  if (self->kept != NULL && is (self->kept, "reject later")) {
    weir_record_reject (self->kept, "by %s", "the consumer");
  } else if (self->kept != NULL) {
    weir_record_release (self->kept);
  }
  self->kept = NULL;
  return WEIR_MORE;
}

static void
count_tag (const char *key, const char *value, gpointer data)
{
  *(guint *) data += key != NULL && value != NULL;
}

/* By the engine's writer, or by what it says for who writes by other means. */
static gboolean
write_record (Consumer *self, const WeirRecord *record)
{
  char copy[64];
  guint64 bytes = 0;
  if (!is (record, "begun")) {
    return weir_writer_write (&self->writer, self->fd, record, 1);
  }
  gsize size = weir_writer_copy (&self->writer, record, 1, copy, sizeof copy);
  gboolean fits = weir_writer_fit (&self->writer, record, 1, size, &bytes) == 1 && bytes == size;
  weir_writer_done (&self->writer, record, 1);
  return fits && write (self->fd, copy, size) == (ssize_t) size;
}

static WeirNext
consumer_consume (WeirStage *stage, gpointer state, const WeirRecord *record)
{
  Consumer *self = state;
  guint tags = 0;
  weir_record_tags (record, count_tag, &tags);
  g_autoptr (GString) line = g_string_new (NULL);
  if (weir_record_tag (record, "m") != NULL && tags == 2 && record->time == 1) {
    weir_template_write (stage, self->line, record, line);
  }
  if (write (self->fd, line->str, line->len) != (ssize_t) line->len || !write_record (self, record)) {
    return weir_stage_fail_errno (stage, "cannot write");
  }
  give_back (stage, self);
  self->kept = weir_record_keep (stage, record);
  if (++self->taken == self->most) {
    weir_stage_enough (stage);
    return WEIR_DONE;
  }
  return WEIR_MORE;
}

static gboolean
on_lingered (gpointer stage)
{
  weir_stage_linger (stage, FALSE);
  return G_SOURCE_REMOVE;
}

static WeirNext
consumer_end (WeirStage *stage, gpointer self)
{
  if (weir_stage_draining (stage)) {
    return weir_stage_fail (stage, "was not told to stop");
  }
  GSource *source = g_idle_source_new ();
  g_source_set_callback (source, on_lingered, stage, NULL);
  weir_stage_linger (stage, TRUE);
  weir_stage_attach (stage, source);
  return give_back (stage, self);
}

static void
consumer_close (WeirStage *stage, gpointer state)
{
  (void) stage;
  close (((Consumer *) state)->fd);
}

const WeirRole abi_consumer = {
  .summary = "Takes in each way there is",
  .options = consumer_options,
  .state_size = sizeof (Consumer),
  .open = consumer_open,
  .consume = consumer_consume,
  .settle = give_back,
  .end = consumer_end,
  .close = consumer_close,
};
