/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for tests alone that fails or crashes now and then: each time that so many records have come, as often as it may in all
 * (its lives share the count in a file). The consumer keeps records, and writes and gives them back several at a time; the transform
 * hands them on, the producer counts. Runs on the stage's worker; owns its descriptor and what it keeps. */
#include <weir/weir.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  const char *path, *count;
  int how, in;
  gint64 every, times, keep;
  int fd;
  gint64 seen;
  GPtrArray *kept;
} Stumbles;

enum { FAIL, SEGV };
enum { CALL, OPEN, START, END };

#define COMMON_OPTIONS \
  WEIR_STRING (Stumbles, count, NULL, WEIR_REQUIRED | WEIR_PATH, "File with a byte for each time"), \
    WEIR_INTEGER (Stumbles, every, "10", "1..", 0, "Records between two times"), \
    WEIR_INTEGER (Stumbles, times, "1", "0..", 0, "How often"), \
    WEIR_CHOICE (Stumbles, how, "fail", "fail|segv", 0, "How"), \
    WEIR_CHOICE (Stumbles, in, "call", "call|open|start|end", 0, "Where")

static const WeirOption options[] = { COMMON_OPTIONS, WEIR_OPTIONS_END };
static const WeirOption consumer_options[] = {
  COMMON_OPTIONS, WEIR_STRING (Stumbles, path, NULL, WEIR_REQUIRED | WEIR_PATH, "File that it writes"),
  WEIR_INTEGER (Stumbles, keep, "1", "1..", 0, "Records kept at a time"), WEIR_OPTIONS_END
};

static gboolean
is_time (const Stumbles *self)
{
  struct stat status;
  int fd = open (self->count, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  gboolean is = fd >= 0 && fstat (fd, &status) == 0 && status.st_size < self->times && write (fd, "x", 1) == 1;
  close (fd);
  if (is && self->how == SEGV) {
    raise (SIGSEGV);
  }
  return is;
}

static WeirNext
stumble (WeirStage *stage, const Stumbles *self, int in)
{
  return self->in == in && is_time (self) ? weir_stage_fail (stage, "has stumbled") : WEIR_MORE;
}

static WeirNext
common_open (WeirStage *stage, gpointer state)
{
  Stumbles *self = state;
  self->fd = -1;
  self->kept = g_ptr_array_new ();
  if (self->path != NULL) {
    self->fd = open (self->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  }
  return self->path != NULL && self->fd < 0 ? weir_stage_fail_errno (stage, "cannot open %s", self->path)
                                            : stumble (stage, self, OPEN);
}

static WeirNext
common_start (WeirStage *stage, gpointer state)
{
  return stumble (stage, state, START);
}

static void
common_close (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Stumbles *self = state;
  g_ptr_array_unref (self->kept);
  if (self->fd >= 0) {
    close (self->fd);
  }
}

static WeirNext
common_end (WeirStage *stage, gpointer state)
{
  return stumble (stage, state, END);
}

static WeirNext
consumer_settle (G_GNUC_UNUSED WeirStage *stage, gpointer state)
{
  Stumbles *self = state;
  for (guint i = 0; i < self->kept->len; i++) {
    WeirRecord *record = g_ptr_array_index (self->kept, i);
    (void) !write (self->fd, record->data, record->size);
    (void) !write (self->fd, "\n", 1);
    weir_record_release (record);
  }
  g_ptr_array_set_size (self->kept, 0);
  return WEIR_MORE;
}

static WeirNext
consumer_consume (WeirStage *stage, gpointer state, const WeirRecord *record)
{
  Stumbles *self = state;
  g_ptr_array_add (self->kept, weir_record_keep (stage, record));
  if (++self->seen % self->every == 0 && stumble (stage, self, CALL) == WEIR_FAIL) {
    return WEIR_FAIL;
  }
  return self->kept->len < (guint) self->keep ? WEIR_MORE : consumer_settle (stage, state);
}

static WeirNext
consumer_end (WeirStage *stage, gpointer state)
{
  return stumble (stage, state, END) == WEIR_FAIL ? WEIR_FAIL : consumer_settle (stage, state);
}

static WeirNext
transform_consume (WeirStage *stage, gpointer state, const WeirRecord *record)
{
  Stumbles *self = state;
  if (++self->seen % self->every == 0 && stumble (stage, self, CALL) == WEIR_FAIL) {
    return WEIR_FAIL;
  }
  weir_emit (stage, record);
  return WEIR_MORE;
}

static WeirNext
producer_produce (WeirStage *stage, gpointer state)
{
  Stumbles *self = state;
  if (++self->seen % self->every == 0) {
    return stumble (stage, self, CALL) == WEIR_FAIL ? WEIR_FAIL : WEIR_DONE;
  }
  weir_emit_printf (stage, "%" G_GINT64_FORMAT, self->seen);
  return WEIR_MORE;
}

static const WeirRole producer = { .summary = "Counts, and stumbles",
                                   .state_size = sizeof (Stumbles),
                                   .options = options,
                                   .open = common_open,
                                   .start = common_start,
                                   .produce = producer_produce,
                                   .close = common_close };
static const WeirRole transform = { .summary = "Hands on, and stumbles",
                                    .state_size = sizeof (Stumbles),
                                    .options = options,
                                    .open = common_open,
                                    .start = common_start,
                                    .consume = transform_consume,
                                    .end = common_end,
                                    .close = common_close };
static const WeirRole consumer = { .summary = "Writes, and stumbles",
                                   .state_size = sizeof (Stumbles),
                                   .options = consumer_options,
                                   .open = common_open,
                                   .start = common_start,
                                   .consume = consumer_consume,
                                   .settle = consumer_settle,
                                   .end = consumer_end,
                                   .close = common_close };

WEIR_PLUGIN ("stumbles", "1.0", &producer, &transform, &consumer);
