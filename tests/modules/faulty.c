/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that dies by a signal in the callback it is told, in each role, or in what GLib or a thread of its own calls; in all
 * others it does as little as it may. Run by tests/cli/hostile.sh and crash.sh. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weir/weir.h>

enum {
  OPEN,
  START,
  PRODUCE,
  CONSUME,
  FLUSH,
  END,
  CLOSE,
  HELPER,
  SOURCE,
  CUSTOM,
  FINALIZE,
  CALL,
  DESTROY,
  ASYNC,
  UNWRAP,
  INTERRUPT
};
enum { SEGV, ABORT, BUS, FPE, ILL, TRAP, LOG, READ, HANG };

typedef struct {
  int in, by;
} Faulty;

static const WeirOption options[] = {
  WEIR_CHOICE (Faulty, in, "consume",
               "open|start|produce|consume|flush|end|close|helper|source|custom|finalize|call|destroy|async|unwrap|"
               "interrupt",
               0, "Where"),
  WEIR_CHOICE (Faulty, by, "segv", "segv|abort|bus|fpe|ill|trap|log|read|hang", 0, "Of what"),
  WEIR_OPTIONS_END,
};

static void
die (const Faulty *self)
{
  static const int signals[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTRAP };
  const char *volatile nowhere = NULL;
  switch (self->by) {
  case LOG:
    g_error ("so it is");
  case READ: /* by a function of another object */
    puts (nowhere);
    break;
  case HANG: /* and says so to who waits for it */
    (void) !write (STDOUT_FILENO, "hanging\n", strlen ("hanging\n"));
    for (;;) {
      pause ();
    }
  default:
    raise (signals[self->by]);
  }
  __asm__ volatile(""); /* something to come back to: a call at the very end leaves no frame of this object */
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

/* ---- a source of which everything is its own ---- */

typedef struct {
  GSource source;
  const Faulty *self;
} Custom;

static gboolean
is_ready (GSource *source)
{
  return ((Custom *) source)->self->in == CUSTOM;
}

static gboolean
dispatch (GSource *source, G_GNUC_UNUSED GSourceFunc callback, G_GNUC_UNUSED gpointer data)
{
  die (((Custom *) source)->self);
  return G_SOURCE_CONTINUE;
}

static void
finalize (GSource *source)
{
  if (((Custom *) source)->self->in == FINALIZE) {
    die (((Custom *) source)->self);
  }
}

static gboolean
prepare (GSource *source, int *timeout)
{
  *timeout = -1;
  return is_ready (source);
}

static void
attach_custom (WeirStage *stage, const Faulty *self)
{
  static GSourceFuncs funcs = { .prepare = prepare, .check = is_ready, .dispatch = dispatch, .finalize = finalize };
  Custom *custom = (Custom *) g_source_new (&funcs, sizeof (Custom));
  custom->self = self;
  weir_stage_attach (stage, &custom->source);
}

/* ---- calls handed in by a thread ---- */

static void
on_call (G_GNUC_UNUSED WeirStage *stage, gpointer self, G_GNUC_UNUSED gpointer data)
{
  if (((Faulty *) self)->in == CALL) {
    die (self);
  }
}

static void
on_destroy (gpointer data)
{
  const Faulty *self = data;
  if (self->in != CALL) {
    die (self);
  }
}

typedef struct {
  WeirStage *stage;
  Faulty *self;
} Caller;

static gpointer
hand_in (gpointer data)
{
  Caller *caller = data;
  weir_stage_invoke (caller->stage, on_call, caller->self, on_destroy);
  g_free (caller);
  return NULL;
}

/* ---- GIO ---- */

static void
on_read (G_GNUC_UNUSED GObject *object, G_GNUC_UNUSED GAsyncResult *result, gpointer self)
{
  die (self);
}

/* Done at once, and told by the thread's default context. */
static void
read_async (Faulty *self)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, on_read, self);
  g_task_return_boolean (task, TRUE);
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
  } else if (self->in == CUSTOM || self->in == FINALIZE) {
    attach_custom (stage, self);
    return self->in == CUSTOM ? WEIR_WAIT : WEIR_MORE;
  } else if (self->in == CALL || self->in == DESTROY) {
    Caller *caller = g_new (Caller, 1);
    *caller = (Caller){ stage, self };
    g_thread_join (g_thread_new ("caller", hand_in, caller));
    /* cppcheck-suppress memleak; the thread frees it */
    return WEIR_WAIT;
  } else if (self->in == ASYNC) {
    read_async (self);
    return WEIR_WAIT;
  }
  return pass (self, START, WEIR_MORE);
}

static WeirNext
faulty_produce (WeirStage *stage, gpointer self)
{
  static const char text[] = "x";
  if (((Faulty *) self)->in == UNWRAP) {
    weir_emit_buffer (stage, weir_buffer_wrap ((gpointer) text, 1, on_destroy, self), text, 1);
  } else {
    weir_emit_copy (stage, text, 1);
  }
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

static void
faulty_interrupt (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  pass (self, INTERRUPT, WEIR_MORE);
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
  .flags = WEIR_BLOCKING,
  .open = faulty_open,
  .start = faulty_start,
  .consume = faulty_consume,
  .end = faulty_end,
  .close = faulty_close,
  .interrupt = faulty_interrupt,
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
