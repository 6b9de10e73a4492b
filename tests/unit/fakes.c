/* SPDX-License-Identifier: Apache-2.0 */
/* fakes.c: strict fake stages in a real pipeline (see fakes.h).
 * The checks run on the workers, and fail the test from there: each test case is a process of its own. */
#include "fakes.h"

#include <string.h>

/* A fake's state, which the engine frees. */
typedef struct {
  Fake *fake;
} State;

#define FAKE(self) (((State *) (self))->fake)

/* ---- the checks ---- */

static void
illegal (Fake *fake, const char *callback, const char *why)
{
  g_autofree char *events = fake_events (fake);
  ck_abort_msg ("%s: illegal %s(): %s; before it: %s", fake->name, callback, why, events);
}

static void
check (Fake *fake, gboolean legal, const char *callback, const char *why)
{
  if (!legal) {
    illegal (fake, callback, why);
  }
}

static void
enter (Fake *fake, const char *callback, gboolean noted)
{
  guint32 depth = atomic_fetch_add (&fake->depth, 1);
  if (!fake->has_worker) {
    fake->has_worker = TRUE;
    fake->worker = pthread_self ();
  }
  check (fake, pthread_equal (fake->worker, pthread_self ()), callback, "on another thread");
  check (fake, weir_worker_current () == fake->stage->worker, callback, "not on its worker");
  gboolean in_emit = g_str_equal (callback, "pause") && fake->emitting;
  check (fake, depth == 0 || (depth == 1 && in_emit), callback, "nested, or two at once");
  check (fake, !fake->closed, callback, "after close()");
  check (fake, fake->opened || g_str_equal (callback, "open"), callback, "before open()");
  if (noted) {
    fake_note (fake, "%s", callback);
  }
}

static void
leave (Fake *fake)
{
  atomic_fetch_sub (&fake->depth, 1);
}

static gboolean
is_duplex (Fake *fake)
{
  return (fake->role.flags & WEIR_DUPLEX) != 0;
}

/* The producing half of a duplex pauses alone. */
static void
check_input (Fake *fake, const char *callback)
{
  check (fake, !fake->paused || is_duplex (fake), callback, "while paused");
}

/* What only a running stage is called for. */
static void
check_running (Fake *fake, const char *callback)
{
  check (fake, fake->started, callback, "before start()");
  check (fake, !fake->stopped, callback, "after stop()");
  check (fake, !fake->ended, callback, "after its own end");
}

static WeirNext
on_open (WeirStage *stage, gpointer self)
{
  if (FAKE (self)->stage != stage) {
    FAKE (self) = fake_of_connection (FAKE (self), stage);
  }
  Fake *fake = FAKE (self);
  check (fake, !fake->opened, "open", "a second time");
  check (fake, stage == fake->stage, "open", "with another stage");
  fake->opened = TRUE;
  enter (fake, "open", TRUE);
  WeirNext next = fake->script->open != NULL ? fake->script->open (fake) : WEIR_MORE;
  leave (fake);
  return next;
}

static WeirNext
on_start (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Fake *fake = FAKE (self);
  enter (fake, "start", TRUE);
  check (fake, !fake->started && !fake->stopped, "start", "a second time, or after stop()");
  fake->started = TRUE;
  WeirNext next = fake->script->start != NULL ? fake->script->start (fake) : WEIR_MORE;
  leave (fake);
  return next;
}

static WeirNext
on_produce (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Fake *fake = FAKE (self);
  enter (fake, "produce", !fake->quiet && fake->script->produce != NULL);
  check_running (fake, "produce");
  check (fake, !fake->paused, "produce", "while paused");
  check (fake, !fake->output_ended, "produce", "after the end of its output");
  WeirNext next = fake->script->produce != NULL ? fake->script->produce (fake) : WEIR_WAIT;
  fake->ended = fake->ended || (next == WEIR_DONE && fake->stage->kind == WEIR_PRODUCER);
  fake->output_ended = fake->output_ended || (next == WEIR_DONE && is_duplex (fake));
  leave (fake);
  return next;
}

static void
on_pause (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Fake *fake = FAKE (self);
  enter (fake, "pause", TRUE);
  check_running (fake, "pause");
  check (fake, !fake->paused, "pause", "while paused");
  check (fake, !fake->output_ended, "pause", "after the end of its output");
  fake->paused = TRUE;
  if (fake->script->pause != NULL) {
    fake->script->pause (fake);
  }
  leave (fake);
}

static void
on_resume (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Fake *fake = FAKE (self);
  enter (fake, "resume", TRUE);
  check_running (fake, "resume");
  check (fake, fake->paused, "resume", "without a pause");
  check (fake, !fake->output_ended, "resume", "after the end of its output");
  fake->paused = FALSE;
  if (fake->script->resume != NULL) {
    fake->script->resume (fake);
  }
  leave (fake);
}

static WeirNext
on_consume (G_GNUC_UNUSED WeirStage *stage, gpointer self, const WeirRecord *record)
{
  Fake *fake = FAKE (self);
  enter (fake, "consume", FALSE);
  if (!fake->quiet) {
    fake_note (fake, "consume(%.*s)", (int) MIN (record->size, 24), (const char *) record->data);
  }
  check_running (fake, "consume");
  check_input (fake, "consume");
  check (fake, !fake->enough && !fake->end_told, "consume", "after DONE or end()");
  WeirNext next = fake->script->consume (fake, record);
  fake->enough = fake->enough || next == WEIR_DONE;
  leave (fake);
  return next;
}

static WeirNext
on_flush (G_GNUC_UNUSED WeirStage *stage, gpointer self, const WeirRecord *records, gsize count)
{
  Fake *fake = FAKE (self);
  enter (fake, "flush", FALSE);
  if (!fake->quiet) {
    fake_note (fake, "flush(%zu)", count);
  }
  check_running (fake, "flush");
  check (fake, !fake->end_told, "flush", "after end()");
  check (fake, count > 0, "flush", "with nothing");
  WeirNext next = fake->script->flush (fake, records, count);
  leave (fake);
  return next;
}

static WeirNext
on_settle (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Fake *fake = FAKE (self);
  enter (fake, "settle", TRUE);
  check_running (fake, "settle");
  check_input (fake, "settle");
  WeirNext next = fake->script->settle (fake);
  leave (fake);
  return next;
}

static WeirNext
on_end_stream (G_GNUC_UNUSED WeirStage *stage, gpointer self, gpointer state)
{
  Fake *fake = FAKE (self);
  enter (fake, "end_stream", TRUE);
  check_running (fake, "end_stream");
  WeirNext next = fake->script->end_stream (fake, state);
  leave (fake);
  return next;
}

static WeirNext
on_end (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Fake *fake = FAKE (self);
  enter (fake, "end", TRUE);
  check_running (fake, "end");
  check_input (fake, "end");
  check (fake, !fake->enough && !fake->end_told, "end", "after DONE or end()");
  WeirNext next = fake->script->end != NULL ? fake->script->end (fake) : WEIR_MORE;
  fake->end_told = next != WEIR_WAIT;
  leave (fake);
  return next;
}

static void
on_delivered (G_GNUC_UNUSED WeirStage *stage, gpointer self, gpointer token, WeirOutcome outcome)
{
  Fake *fake = FAKE (self);
  enter (fake, "delivered", FALSE);
  fake_told (fake, token, outcome);
  fake->script->delivered (fake, token, outcome);
  leave (fake);
}

static void
on_stop (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Fake *fake = FAKE (self);
  enter (fake, "stop", TRUE);
  check (fake, !fake->stopped, "stop", "a second time");
  check (fake, !fake->ended, "stop", "after its own end");
  fake->stopped = TRUE;
  if (fake->script->stop != NULL) {
    fake->script->stop (fake);
  }
  leave (fake);
}

static void
on_close (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Fake *fake = FAKE (self);
  enter (fake, "close", TRUE);
  if (fake->script->close != NULL) {
    fake->script->close (fake); /* joins the thread, whose last word may be refused only now */
  }
  check (fake, fake_open_origins (fake) == 0, "close", "with origins that were not told");
  fake->closed = TRUE;
  leave (fake);
  if (fake->restarts && fake->stage->life == WEIR_LIFE_DOWN) {
    /* Another life. What it has kept is no longer its own. */
    fake->paused = fake->enough = fake->ended = fake->output_ended = fake->stopped = FALSE;
    fake->closed = fake->started = fake->opened = fake->end_told = FALSE;
    g_ptr_array_set_size (fake->kept, 0);
    if (fake->restarts_at_once) {
      weir_stage_request (fake->stage, WEIR_REQUEST_RESTART);
    }
  }
}

static void
on_interrupt (G_GNUC_UNUSED WeirStage *stage, gpointer self)
{
  Fake *fake = FAKE (self);
  check (fake, fake->opened && !fake->closed, "interrupt", "before open() or after close()");
  fake->script->interrupt (fake);
}

/* ---- what scripts do ---- */

static gboolean
emitted (Fake *fake, gboolean go_on)
{
  fake->emitting = FALSE;
  check (fake, !go_on || !fake->stopped, "emit", "answered TRUE after stop()");
  check (fake, !go_on || !(fake->ended || fake->output_ended), "emit", "answered TRUE after its own end");
  fake->refused = !go_on;
  return go_on;
}

gboolean
fake_emit (Fake *fake, const char *text)
{
  fake->emitting = TRUE;
  return emitted (fake, weir_emit_copy (fake->stage, text, strlen (text)));
}

gboolean
fake_forward (Fake *fake, const WeirRecord *record)
{
  fake->emitting = TRUE;
  return emitted (fake, weir_emit (fake->stage, record));
}

void
fake_finish (Fake *fake)
{
  *(is_duplex (fake) ? &fake->output_ended : &fake->ended) = TRUE;
  weir_stage_finish (fake->stage);
}

typedef struct {
  FakeAct act;
  FakeActWith act_with;
  gint64 number;
} Act;

static void
act_now (G_GNUC_UNUSED WeirStage *stage, gpointer self, gpointer data)
{
  Act *act = data;
  Fake *fake = FAKE (self);
  enter (fake, "invoke", FALSE);
  if (act->act != NULL) {
    act->act (fake);
  } else {
    act->act_with (fake, act->number);
  }
  leave (fake);
}

void
fake_do (Fake *fake, FakeAct act)
{
  Act *copy = g_new (Act, 1);
  *copy = (Act){ .act = act };
  WeirStage *stage = weir_stage_ref (fake->stage); /* one of a connection may be over before this returns */
  weir_stage_invoke (stage, act_now, copy, g_free);
  weir_stage_unref (stage);
}

void
fake_do_with (Fake *fake, FakeActWith act, gint64 number)
{
  Act *copy = g_new (Act, 1);
  *copy = (Act){ .act_with = act, .number = number };
  WeirStage *stage = weir_stage_ref (fake->stage); /* one of a connection may be over before this returns */
  weir_stage_invoke (stage, act_now, copy, g_free);
  weir_stage_unref (stage);
}

Fake *
fake_new (Rig *rig, const char *name, const Script *script)
{
  Fake *fake = g_new0 (Fake, 1);
  *fake = (Fake){ .rig = rig, .name = name, .script = script, .events = g_string_new (NULL) };
  fake->kept = g_ptr_array_new ();
  fake->role = (WeirRole){
    .summary = "Is strict",
    .state_size = sizeof (State),
    .flags = script->flags,
    .stream_size = script->stream_size,
    .ports = script->ports,
    .counters = script->counters,
    .open = on_open,
    .start = on_start,
    .pause = script->deaf ? NULL : on_pause,
    .resume = script->deaf ? NULL : on_resume,
    .end = on_end,
    .stop = on_stop,
    .close = on_close,
    .produce = script->produce != NULL ? on_produce : NULL,
    .consume = script->consume != NULL ? on_consume : NULL,
    .flush = script->flush != NULL ? on_flush : NULL,
    .settle = script->settle != NULL ? on_settle : NULL,
    .end_stream = script->end_stream != NULL ? on_end_stream : NULL,
    .delivered = script->delivered != NULL ? on_delivered : NULL,
    .interrupt = script->interrupt != NULL ? on_interrupt : NULL,
  };
  pthread_mutex_lock (&rig->lock);
  g_ptr_array_add (rig->fakes, fake);
  pthread_mutex_unlock (&rig->lock);
  return fake;
}

gpointer
fake_state (Fake *fake)
{
  State *state = g_new0 (State, 1);
  state->fake = fake;
  return state;
}
