/* SPDX-License-Identifier: Apache-2.0 */
/* Bad plugins, each of which breaks one rule, made of this file by tests/cli/plugin-check.sh with -DHOW=WORD -DNAME="NAME"; as it stands
 * it is one that breaks none. Each is a producer or a consumer, and does all else as little as it may. */
#include <weir/weir.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  BEHAVES,
  EMITS_IN_OPEN,
  ANSWERS_NUMBER,
  NEVER_ENDS,
  HANGS_IN_STOP,
  EMITS_IN_CLOSE,
  DIES_PAUSED,
  WANTS_STOP,
  WANTS_RUN,
  WRITES_BEHIND_CLOSE,
  PASSES_PAUSE,
  IGNORES_PAUSE,
  PASSES_HARD,
  LINGERS,
  SPINS,
  WAITS_UNARMED,
  SLEEPS,
  BLOCKS,
  KEEPS,
  KEEPS_UNSETTLED,
  RELEASES_TWICE,
  RELEASES_STALE,
  OPENS_ONCE,
  CRASHES_ON_VALUE,
  LEAKS_MEMORY,
  LEAKS_DESCRIPTOR,
  LEAKS_RECORDS,
  LEAKS_STREAMS,
  READS_FREED,
  DIES_REJECTED,
  LEAKS_TOKENS,
  EXITS
};

#ifndef HOW
#define HOW BEHAVES
#define NAME "misbehaves"
#endif

typedef struct {
  gint64 size;
  const char *text;
  guint calls;
  gboolean ran, stopped;
  guint8 *run;
  WeirRecord *kept;
  gpointer last;
} State;

static const WeirOption options[] = {
  WEIR_INTEGER (State, size, "7", "1..1000", 0, "A size"),
  WEIR_STRING (State, text, "x", 0, "A text"),
  WEIR_OPTIONS_END,
};

static gboolean
on_time (gpointer data)
{
  ((State *) data)->calls++;
  return G_SOURCE_CONTINUE;
}

typedef struct {
  WeirStage *stage;
} Ticking;

static gboolean
on_tick (gpointer data)
{
  weir_emit_copy (((Ticking *) data)->stage, "tick", 4);
  return G_SOURCE_CONTINUE;
}

static void
crash (const volatile int *nowhere)
{
  if (nowhere == NULL) {
    raise (SIGSEGV);
    return;
  }
  (void) *nowhere;
}

static gboolean is_open;   /* OPENS_ONCE */
static WeirRecord *unheld; /* RELEASES_STALE */

static WeirNext
bad_open (WeirStage *stage, gpointer data)
{
  State *self = data;
  if (HOW == EMITS_IN_OPEN) {
    weir_emit_copy (stage, "early", 5);
  } else if (HOW == WRITES_BEHIND_CLOSE) {
    GSource *source = g_timeout_source_new (1);
    g_source_set_callback (source, on_time, self, NULL);
    g_source_attach (source, weir_stage_context (stage)); /* and not weir_stage_attach() */
    g_source_unref (source);
  } else if (HOW == LEAKS_MEMORY) {
    self->last = g_malloc (16);
  } else if (HOW == LEAKS_DESCRIPTOR) {
    self->calls = (guint) dup (STDIN_FILENO);
  } else if (HOW == OPENS_ONCE && is_open) {
    return weir_stage_fail (stage, "its lock is held");
  } else if (HOW == CRASHES_ON_VALUE && self->size == 1000) {
    crash (NULL);
  }
  is_open = TRUE;
  return WEIR_MORE;
}

static WeirNext
bad_start (WeirStage *stage, gpointer data)
{
  State *self = data;
  self->ran = TRUE;
  if (HOW == RELEASES_STALE && unheld != NULL) {
    weir_record_release (unheld);
  } else if (HOW == WANTS_RUN) {
    self->run = g_malloc0 (8);
  } else if (HOW == IGNORES_PAUSE) {
    GSource *source = g_timeout_source_new (10 * 1000);
    Ticking *ticking = g_new (Ticking, 1);
    ticking->stage = stage;
    g_source_set_callback (source, on_tick, ticking, g_free);
    weir_stage_attach (stage, source);
  }
  return WEIR_MORE;
}

static WeirNext
bad_produce (WeirStage *stage, gpointer data)
{
  State *self = data;
  switch (HOW) {
  case DIES_REJECTED:
  case LEAKS_TOKENS:
    weir_origin_begin (stage, g_malloc (100));
    weir_emit_printf (stage, "%u", self->calls++);
    weir_origin_end (stage);
    return self->calls < 200 ? WEIR_MORE : weir_stage_wait_time (stage, 1000);
  case SPINS:
    return WEIR_MORE;
  case IGNORES_PAUSE:
    return weir_stage_wait_time (stage, G_USEC_PER_SEC);
  case PASSES_PAUSE:
  case PASSES_HARD:
    for (guint i = 0; i < (HOW == PASSES_HARD ? 40 : 12); i++) {
      weir_emit_copy (stage, "more", 4);
    }
    return WEIR_MORE;
  default:
    weir_emit_printf (stage, "%u", self->calls++);
    return self->calls < 200 ? WEIR_MORE : weir_stage_wait_time (stage, 1000);
  }
}

static WeirNext
bad_consume (WeirStage *stage, gpointer data, const WeirRecord *record)
{
  State *self = data;
  switch (HOW) {
  case ANSWERS_NUMBER:
    return (WeirNext) 42;
  case WAITS_UNARMED:
    return WEIR_WAIT;
  case SLEEPS:
    g_usleep (600 * 1000);
    break;
  case BLOCKS:
    for (;;) {
      pause ();
    }
  case EXITS:
    exit (3);
  case KEEPS:
  case KEEPS_UNSETTLED:
    weir_record_keep (stage, record);
    break;
  case RELEASES_TWICE:
    self->kept = weir_record_keep (stage, record);
    weir_record_release (self->kept);
    weir_record_release (self->kept);
    break;
  case RELEASES_STALE:
    if (unheld == NULL) {
      unheld = weir_record_keep (stage, record);
    }
    break;
  case LEAKS_RECORDS:
    self->last = g_memdup2 (record->data, record->size);
    break;
  case LEAKS_STREAMS:
    if (record->stream != 0) {
      *(gpointer *) weir_stream_state (stage) = g_malloc (32);
    }
    break;
  default:
    break;
  }
  return WEIR_MORE;
}

static void
bad_delivered (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED gpointer data, gpointer token, WeirOutcome outcome)
{
  if (HOW == DIES_REJECTED && outcome == WEIR_REJECTED) {
    crash (NULL);
  }
  if (HOW != LEAKS_TOKENS || outcome != WEIR_ABANDONED) {
    g_free (token);
  }
}

static WeirNext
bad_settle (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
  return WEIR_MORE;
}

static WeirNext
bad_end (WeirStage *stage, G_GNUC_UNUSED gpointer self)
{
  return HOW == NEVER_ENDS ? weir_stage_wait_time (stage, 3600 * (gint64) G_USEC_PER_SEC) : WEIR_MORE;
}

static void
bad_pause (G_GNUC_UNUSED WeirStage *stage, gpointer data)
{
  ((State *) data)->last = HOW == DIES_PAUSED ? data : NULL;
}

static void
bad_resume (G_GNUC_UNUSED WeirStage *stage, gpointer data)
{
  ((State *) data)->last = NULL;
}

static void
bad_stop (WeirStage *stage, gpointer data)
{
  State *self = data;
  self->stopped = TRUE;
  while (HOW == HANGS_IN_STOP) {
    pause ();
  }
  if (HOW == DIES_PAUSED && self->last != NULL) {
    crash (NULL);
  } else if (HOW == LINGERS) {
    weir_stage_linger (stage, TRUE);
  }
}

static void
bad_close (WeirStage *stage, gpointer data)
{
  State *self = data;
  if (HOW == WANTS_STOP && self->ran && !self->stopped) {
    crash (NULL);
  } else if (HOW == WANTS_RUN) {
    crash ((const int *) self->run); /* as if there were no close() without start() */
    g_free (self->run);
  } else if (HOW == READS_FREED) {
    self->run = g_malloc0 (8);
    g_free (self->run);
    crash ((const int *) self->run);
  } else if (HOW == EMITS_IN_CLOSE) {
    weir_emit_copy (stage, "late", 4);
  }
}

static const WeirRole producer = {
  .summary = "Makes records as it should not",
  .options = options,
  .state_size = sizeof (State),
  .open = bad_open,
  .start = bad_start,
  .produce = bad_produce,
  .pause = bad_pause,
  .resume = bad_resume,
  .delivered = HOW == DIES_REJECTED || HOW == LEAKS_TOKENS ? bad_delivered : NULL,
  .stop = bad_stop,
  .close = bad_close,
};

static const WeirRole consumer = {
  .summary = "Takes records as it should not",
  .options = options,
  .state_size = sizeof (State),
  .stream_size = HOW == LEAKS_STREAMS ? sizeof (gpointer) : 0,
  .open = bad_open,
  .start = bad_start,
  .consume = bad_consume,
  .settle = HOW == KEEPS_UNSETTLED ? NULL : bad_settle,
  .end = bad_end,
  .stop = bad_stop,
  .close = bad_close,
};

WEIR_PLUGIN (NAME, "1.0", &producer, NULL, &consumer);
