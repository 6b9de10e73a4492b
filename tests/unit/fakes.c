/* SPDX-License-Identifier: Apache-2.0 */
/* fakes.c: strict fake stages in a real pipeline (see fakes.h).
 * The checks run on the workers, and fail the test from there: each test case is a process of its own. */
#include "fakes.h"

#include <sched.h>
#include <stdarg.h>
#include <string.h>

/* A fake's state, which the engine frees. */
typedef struct {
  Fake *fake;
} State;

#define FAKE(self) (((State *) (self))->fake)

static void
wake_main (void)
{
  g_main_context_wakeup (NULL);
}

void
fake_note (Fake *fake, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *event = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  pthread_mutex_lock (&fake->rig->lock);
  g_string_append_printf (fake->events, "%s%s", fake->events->len > 0 ? " " : "", event);
  g_string_append_printf (fake->rig->journal, "%s%s.%s", fake->rig->journal->len > 0 ? " " : "", fake->name, event);
  pthread_mutex_unlock (&fake->rig->lock);
  wake_main ();
}

char *
fake_events (Fake *fake)
{
  pthread_mutex_lock (&fake->rig->lock);
  char *events = g_strdup (fake->events->str);
  pthread_mutex_unlock (&fake->rig->lock);
  return events;
}

guint
fake_count (Fake *fake, const char *event)
{
  g_autofree char *events = fake_events (fake);
  g_auto (GStrv) list = g_strsplit (events, " ", -1);
  guint count = 0;
  for (guint i = 0; list[i] != NULL; i++) {
    count += g_str_equal (list[i], event) ? 1 : 0;
  }
  return count;
}

void
fake_flag (Fake *fake, gint64 flag)
{
  atomic_store (&fake->flag, flag);
  wake_main ();
}

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
  enter (fake, "produce", !fake->quiet);
  check_running (fake, "produce");
  check (fake, !fake->paused, "produce", "while paused");
  WeirNext next = fake->script->produce (fake);
  fake->ended = fake->ended || (next == WEIR_DONE && fake->stage->kind == WEIR_PRODUCER);
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
  check (fake, !fake->paused, "consume", "while paused");
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
  check (fake, !fake->paused, "settle", "while paused");
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
  check (fake, !fake->paused, "end", "while paused");
  check (fake, !fake->enough && !fake->end_told, "end", "after DONE or end()");
  WeirNext next = fake->script->end != NULL ? fake->script->end (fake) : WEIR_MORE;
  fake->end_told = next != WEIR_WAIT;
  leave (fake);
  return next;
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
    fake->script->close (fake);
  }
  fake->closed = TRUE;
  leave (fake);
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
  check (fake, !go_on || !fake->ended, "emit", "answered TRUE after its own end");
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
fake_emit_size (Fake *fake, gsize size)
{
  g_autofree char *bytes = g_strnfill (size, 'x');
  return fake_emit (fake, bytes);
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
  fake->ended = TRUE;
  weir_stage_finish (fake->stage);
}

void
fake_keep (Fake *fake, const WeirRecord *record)
{
  WeirRecord *kept = weir_record_keep (fake->stage, record);
  ck_assert_ptr_nonnull (kept);
  g_ptr_array_add (fake->kept, kept);
}

void
fake_release_all (Fake *fake)
{
  for (guint i = 0; i < fake->kept->len; i++) {
    weir_record_release (g_ptr_array_index (fake->kept, i));
  }
  g_ptr_array_set_size (fake->kept, 0);
}

WeirNext
produce_number (Fake *fake)
{
  if (fake->next == fake->most) {
    return WEIR_DONE;
  }
  char text[32];
  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, fake->next++);
  fake_emit (fake, text);
  return WEIR_MORE;
}

WeirNext
take (Fake *fake, G_GNUC_UNUSED const WeirRecord *record)
{
  atomic_fetch_add (&fake->counted, 1);
  return WEIR_MORE;
}

WeirNext
hand_on (Fake *fake, const WeirRecord *record)
{
  fake_forward (fake, record);
  return WEIR_MORE;
}

WeirNext
take_allowed (Fake *fake, const WeirRecord *record)
{
  return atomic_load (&fake->counted) < atomic_load (&fake->allowed) ? take (fake, record) : WEIR_WAIT;
}

const Script numbers = { .produce = produce_number }, taker = { .consume = take }, passer = { .consume = hand_on };
const Script valve = { .consume = take_allowed }, pusher = { 0 };

/* ---- the rig ---- */

Rig *
rig_new (void)
{
  Rig *rig = g_new0 (Rig, 1);
  rig->pipeline = weir_pipeline_new ("rules");
  rig->fakes = g_ptr_array_new ();
  rig->journal = g_string_new (NULL);
  pthread_mutex_init (&rig->lock, NULL);
  return rig;
}

Fake *
rig_add (Rig *rig, const char *name, WeirKind kind, const Script *script, const char *thread)
{
  Fake *fake = g_new0 (Fake, 1);
  *fake = (Fake){ .rig = rig, .name = name, .script = script, .events = g_string_new (NULL) };
  fake->kept = g_ptr_array_new ();
  fake->role = (WeirRole){
    .summary = "Is strict", .state_size = sizeof (State), .flags = script->flags, .stream_size = script->stream_size,
    .ports = script->ports, .counters = script->counters,
    .open = on_open, .start = on_start, .pause = on_pause, .resume = on_resume, .end = on_end, .stop = on_stop, .close = on_close,
    .produce = script->produce != NULL ? on_produce : NULL,
    .consume = script->consume != NULL ? on_consume : NULL,
    .flush = script->flush != NULL ? on_flush : NULL,
    .settle = script->settle != NULL ? on_settle : NULL,
    .end_stream = script->end_stream != NULL ? on_end_stream : NULL,
    .interrupt = script->interrupt != NULL ? on_interrupt : NULL,
  };
  State *state = g_new0 (State, 1);
  state->fake = fake;
  g_autoptr (GError) error = NULL;
  fake->stage = weir_pipeline_add (rig->pipeline, name, kind, "fake", &fake->role, state, thread, &error);
  ck_assert_msg (fake->stage != NULL, "%s", error != NULL ? error->message : "no error");
  g_ptr_array_add (rig->fakes, fake);
  return fake;
}

WeirQueueSettings
queue_of (guint64 records)
{
  WeirQueueSettings settings = WEIR_QUEUE_DEFAULTS;
  settings.records = records;
  return settings;
}

WeirLink *
rig_link_with (Rig *rig, Fake *from, guint port, Fake *to, WeirQueueSettings settings)
{
  g_autoptr (GError) error = NULL;
  WeirLink *link = weir_pipeline_link (rig->pipeline, from->stage, port, to->stage, &settings, &error);
  ck_assert_msg (link != NULL, "%s", error != NULL ? error->message : "no error");
  return link;
}

WeirLink *
rig_link (Rig *rig, Fake *from, Fake *to, guint64 records)
{
  return rig_link_with (rig, from, 0, to, queue_of (records));
}

static void
on_ready (G_GNUC_UNUSED WeirPipeline *pipeline, gpointer data)
{
  Rig *rig = data;
  ck_assert (!rig->ready);
  rig->ready = TRUE;
}

static void
on_failed (G_GNUC_UNUSED WeirPipeline *pipeline, WeirStage *stage, const char *message, gpointer data)
{
  Rig *rig = data;
  if (rig->failure == NULL) {
    rig->failure = g_strdup_printf ("%s: %s", weir_stage_name (stage), message);
  }
}

static void
on_late (G_GNUC_UNUSED WeirPipeline *pipeline, gpointer data)
{
  ((Rig *) data)->late = TRUE;
}

static void
on_over (G_GNUC_UNUSED WeirPipeline *pipeline, WeirResult result, gpointer data)
{
  Rig *rig = data;
  ck_assert (!rig->over);
  rig->over = TRUE;
  rig->result = result;
}

void
rig_start (Rig *rig)
{
  static const WeirPipelineEvents events = { .ready = on_ready, .failed = on_failed, .late = on_late, .over = on_over };
  weir_pipeline_start (rig->pipeline, &events, rig);
}

void
rig_stop (Rig *rig)
{
  weir_pipeline_stop (rig->pipeline);
}

static gboolean
too_long (gpointer data)
{
  const GString *journal = ((Rig *) data)->journal;
  ck_abort_msg ("waited too long; journal: %s", journal->str + (journal->len > 2000 ? journal->len - 2000 : 0));
  return G_SOURCE_REMOVE;
}

void
rig_until (Rig *rig, gboolean (*holds) (gpointer data), gpointer data)
{
  guint timeout = g_timeout_add_seconds (15, too_long, rig);
  while (!holds (data)) {
    ck_assert_msg (!rig->over || holds (data), "it is over before what was waited for; journal: %s", rig->journal->str);
    g_main_context_iteration (NULL, TRUE);
  }
  g_source_remove (timeout);
}

typedef struct {
  Fake *fake;
  const char *event;
  gint64 times;
} Awaited;

static gboolean
noted (gpointer data)
{
  Awaited *awaited = data;
  return fake_count (awaited->fake, awaited->event) >= awaited->times;
}

void
rig_until_noted (Rig *rig, Fake *fake, const char *event, guint times)
{
  rig_until (rig, noted, &(Awaited){ fake, event, times });
}

static gboolean
flagged (gpointer data)
{
  Awaited *awaited = data;
  return atomic_load (&awaited->fake->flag) >= awaited->times;
}

void
rig_until_flag (Rig *rig, Fake *fake, gint64 flag)
{
  rig_until (rig, flagged, &(Awaited){ fake, NULL, flag });
}

static gboolean
is_ready (gpointer data)
{
  return ((Rig *) data)->ready;
}

void
rig_begin (Rig *rig)
{
  rig_start (rig);
  rig_until (rig, is_ready, rig);
}

void
rig_until_held (Rig *rig, Fake *fake)
{
  while (weir_load_acquire (&fake->stage->worker->queue.sleeping) != WEIR_HELD_UP) {
    ck_assert (!rig->over);
    g_main_context_iteration (NULL, FALSE);
    sched_yield ();
  }
}

static gboolean
is_over (gpointer data)
{
  return ((Rig *) data)->over;
}

WeirResult
rig_finish (Rig *rig)
{
  rig_until (rig, is_over, rig);
  return rig->result;
}

WeirResult
rig_run (Rig *rig)
{
  rig_start (rig);
  return rig_finish (rig);
}

static void
act_now (G_GNUC_UNUSED WeirStage *stage, gpointer self, gpointer data)
{
  FakeAct *act = data;
  Fake *fake = FAKE (self);
  enter (fake, "invoke", FALSE);
  (*act) (fake);
  leave (fake);
}

void
fake_do (Fake *fake, FakeAct act)
{
  FakeAct *copy = g_new (FakeAct, 1);
  *copy = act;
  weir_stage_invoke (fake->stage, act_now, copy, g_free);
}

typedef struct {
  Fake *fake;
  const char *word;
  guint times;
} Look;

/* Between turns: when it has come once more than there are stages here, whatever was ready before has had its turn. */
static gboolean
look (gpointer data)
{
  Look *looks = data;
  if (looks->times-- > 0) {
    return G_SOURCE_CONTINUE;
  }
  fake_note (looks->fake, "%s", looks->word);
  return G_SOURCE_REMOVE;
}

void
fake_look (Fake *fake, const char *word)
{
  guint before = fake_count (fake, word);
  Look *looks = g_new (Look, 1);
  *looks = (Look){ fake, word, fake->stage->worker->stages };
  g_main_context_invoke_full (weir_stage_context (fake->stage), G_PRIORITY_DEFAULT, look, looks, g_free);
  rig_until_noted (fake->rig, fake, word, before + 1);
}

void
fake_allow (Fake *fake, gint64 allowed)
{
  atomic_store (&fake->allowed, allowed);
  weir_stage_wake (fake->stage);
}

WeirLinkFigures
figures_of (WeirLink *link)
{
  WeirLinkFigures figures;
  weir_link_figures (link, &figures);
  return figures;
}

void
rig_free (Rig *rig)
{
  if (rig->over) {
    WeirLink *link;
    for (guint i = 0; (link = weir_pipeline_link_at (rig->pipeline, i)) != NULL; i++) {
      WeirLinkFigures figures = figures_of (link);
      ck_assert_uint_eq (figures.in, figures.out + figures.dropped + weir_link_count_queued (link));
    }
  }
  weir_pipeline_free (rig->pipeline);
  for (guint i = 0; i < rig->fakes->len; i++) {
    Fake *fake = g_ptr_array_index (rig->fakes, i);
    ck_assert_msg (fake->opened == fake->closed, "%s was not closed", fake->name);
    g_string_free (fake->events, TRUE);
    g_ptr_array_unref (fake->kept);
    g_free (fake);
  }
  g_ptr_array_unref (rig->fakes);
  g_string_free (rig->journal, TRUE);
  pthread_mutex_destroy (&rig->lock);
  g_free (rig->failure);
  g_free (rig);
}

void
gate_open (Gate *gate)
{
  pthread_mutex_lock (&gate->lock);
  gate->open = TRUE;
  pthread_cond_broadcast (&gate->cond);
  pthread_mutex_unlock (&gate->lock);
}

void
gate_pass (Gate *gate)
{
  pthread_mutex_lock (&gate->lock);
  while (!gate->open) {
    pthread_cond_wait (&gate->cond, &gate->lock);
  }
  pthread_mutex_unlock (&gate->lock);
}

int
run_suite (const char *name, void (*add) (TCase *tcase))
{
  Suite *suite = suite_create (name);
  TCase *tcase = tcase_create ("rules");
  tcase_set_timeout (tcase, 20);
  add (tcase);
  suite_add_tcase (suite, tcase);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failures = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failures != 0;
}
