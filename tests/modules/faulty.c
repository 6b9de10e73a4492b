/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that dies by a signal in the callback it is told, in each role; in all others it does as little as it may.
 * Run by tests/cli/bad-input.sh; what its thread, `helper`, dies of is no worker's business. */
#include <signal.h>
#include <weir/weir.h>

enum { OPEN, START, PRODUCE, CONSUME, FLUSH, END, CLOSE, HELPER, SOURCE };
enum { SEGV, ABORT, BUS, FPE, ILL, TRAP, LOG };

typedef struct {
  int in, by;
} Faulty;

static const WeirOption options[] = {
  WEIR_CHOICE (Faulty, in, "consume", "open|start|produce|consume|flush|end|close|helper|source", 0, "Where"),
  WEIR_CHOICE (Faulty, by, "segv", "segv|abort|bus|fpe|ill|trap|log", 0, "Of what"),
  WEIR_OPTIONS_END,
};

static void
die (Faulty *self)
{
  static const int signals[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
  if (self->by == LOG) {
    g_error ("so it is");
  }
  raise (signals[self->by]);
}

static gpointer
help (gpointer self)
{
  die (self);
  return NULL;
}

static gboolean
on_source (gpointer self)
{
  die (self);
  return G_SOURCE_REMOVE;
}

static WeirNext
pass (Faulty *self, int callback, WeirNext next)
{
  if (self->in == callback) {
    die (self);
  }
  return next;
}

static WeirNext
faulty_open (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  return pass (self, OPEN, WEIR_MORE);
}

static WeirNext
faulty_start (WeirStage *stage, gpointer state)
{
  Faulty *self = state;
  if (self->in == HELPER) {
    g_thread_join (g_thread_new ("helper", help, self));
  } else if (self->in == SOURCE) {
    GSource *source = g_idle_source_new ();
    g_source_set_callback (source, on_source, self, NULL);
    weir_stage_attach (stage, source);
    return WEIR_WAIT;
  }
  return pass (self, START, WEIR_MORE);
}

static WeirNext
faulty_produce (WeirStage *stage, gpointer self)
{
  weir_emit_copy (stage, "x", 1);
  return pass (self, PRODUCE, WEIR_DONE);
}

static WeirNext
faulty_consume (G_GNUC_UNUSED WeirStage *stage, gpointer self, G_GNUC_UNUSED const WeirRecord *record)
{
  return pass (self, CONSUME, WEIR_MORE);
}

static WeirNext
faulty_flush (G_GNUC_UNUSED WeirStage *stage, gpointer self, G_GNUC_UNUSED const WeirRecord *records,
              G_GNUC_UNUSED gsize count)
{
  return pass (self, FLUSH, WEIR_MORE);
}

static WeirNext
faulty_end (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  return pass (self, END, WEIR_MORE);
}

static void
faulty_close (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  pass (self, CLOSE, WEIR_MORE);
}

static const WeirRole producer = {
  .summary = "Dies while it makes records",
  .options = options,
  .state_size = sizeof (Faulty),
  .open = faulty_open,
  .start = faulty_start,
  .produce = faulty_produce,
  .close = faulty_close,
};

static const WeirRole transform = {
  .summary = "Dies while it passes records on",
  .options = options,
  .state_size = sizeof (Faulty),
  .open = faulty_open,
  .start = faulty_start,
  .consume = faulty_consume,
  .end = faulty_end,
  .close = faulty_close,
};

static const WeirRole consumer = {
  .summary = "Dies while it takes records",
  .options = options,
  .state_size = sizeof (Faulty),
  .open = faulty_open,
  .start = faulty_start,
  .consume = faulty_consume,
  .flush = faulty_flush,
  .end = faulty_end,
  .close = faulty_close,
};

WEIR_PLUGIN ("faulty", "1.0", &producer, &transform, &consumer);
