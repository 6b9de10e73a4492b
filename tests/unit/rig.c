/* SPDX-License-Identifier: Apache-2.0 */
/* rig.c: the pipeline around the fakes, and what the main thread waits for (see fakes.h).
 * Runs on the main thread, but for what a look does on the fake's worker. */
#include "fakes.h"

#include <sched.h>

Rig *
rig_new (void)
{
  Rig *rig = g_new0 (Rig, 1);
  rig->pipeline = weir_pipeline_new ("rules");
  rig->fakes = g_ptr_array_new ();
  rig->journal = g_string_new (NULL);
  rig->words = g_string_chunk_new (256);
  pthread_mutex_init (&rig->lock, NULL);
  return rig;
}

Fake *
rig_add (Rig *rig, const char *name, WeirKind kind, const Script *script, const char *thread)
{
  Fake *fake = fake_new (rig, name, script);
  g_autoptr (GError) error = NULL;
  fake->stage = weir_pipeline_add (rig->pipeline, name, kind, "fake", &fake->role, fake_state (fake), thread, &error);
  ck_assert_msg (fake->stage != NULL, "%s", error != NULL ? error->message : "no error");
  return fake;
}

static void
say_nothing (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED GLogLevelFlags level, G_GNUC_UNUSED const char *text)
{
}

void
rig_restarts (Fake *fake)
{
  weir_restart_enable (fake->stage, 3600 * (gint64) G_USEC_PER_SEC);
  weir_stage_set_log (fake->stage, say_nothing);
  fake->restarts = fake->restarts_at_once = TRUE;
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
on_stuck (G_GNUC_UNUSED WeirPipeline *pipeline, WeirStage *stage, const char *callback, gpointer data)
{
  Rig *rig = data;
  if (rig->stuck == NULL) {
    rig->stuck = g_strdup_printf ("%s: %s", weir_stage_name (stage), callback);
  }
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
  static const WeirPipelineEvents events = {
    .ready = on_ready, .failed = on_failed, .late = on_late, .stuck = on_stuck, .over = on_over
  };
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
  guint timeout = g_timeout_add_seconds (45, too_long, rig);
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

typedef struct {
  Fake *fake;
  const char *word;
  guint times;
  _Atomic gboolean over;
} Look;

/* Between turns: when it has come once more than there are stages here, whatever was ready before has had its turn. */
static gboolean
look (gpointer data)
{
  Look *looks = data;
  if (looks->times-- > 0) {
    return G_SOURCE_CONTINUE;
  }
  if (looks->word != NULL) {
    fake_note (looks->fake, "%s", looks->word);
  }
  atomic_store (&looks->over, TRUE);
  g_main_context_wakeup (NULL);
  return G_SOURCE_REMOVE;
}

static gboolean
looked (gpointer data)
{
  return atomic_load (&((Look *) data)->over);
}

void
fake_look (Fake *fake, const char *word)
{
  Look looks = { .fake = fake, .word = word, .times = fake->stage->worker->stages };
  g_main_context_invoke_full (weir_stage_context (fake->stage), G_PRIORITY_DEFAULT, look, &looks, NULL);
  rig_until (fake->rig, looked, &looks);
}

void
fake_operator_pauses (Fake *fake, gboolean pause)
{
  if (pause) {
    atomic_fetch_or (&fake->stage->reasons, WEIR_PAUSED_OPERATOR);
  } else {
    atomic_fetch_and (&fake->stage->reasons, ~(guint32) WEIR_PAUSED_OPERATOR);
  }
  weir_task_make_ready (&fake->stage->task);
}

void
fake_allow (Fake *fake, gint64 allowed)
{
  WeirStage *stage = weir_stage_ref (fake->stage);
  atomic_store (&fake->allowed, allowed);
  weir_stage_wake (stage);
  weir_stage_unref (stage);
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
      guint64 queued = weir_link_stands_for (link) != NULL ? figures.queued : weir_link_count_queued (link);
      ck_assert_uint_eq (figures.in, figures.out + figures.dropped + queued);
    }
  }
  weir_pipeline_free (rig->pipeline);
  ck_assert_int_eq (atomic_load (&rig->peers), 0);
  for (guint i = 0; i < rig->fakes->len; i++) {
    Fake *fake = g_ptr_array_index (rig->fakes, i);
    ck_assert_msg (fake->opened == fake->closed, "%s was not closed", fake->name);
    if (fake->of != NULL) {
      g_free ((char *) fake->name);
    }
    g_string_free (fake->events, TRUE);
    g_ptr_array_unref (fake->kept);
    g_clear_pointer (&fake->tokens, g_hash_table_unref);
    g_free (fake);
  }
  g_ptr_array_unref (rig->fakes);
  g_string_free (rig->journal, TRUE);
  g_string_chunk_free (rig->words);
  pthread_mutex_destroy (&rig->lock);
  g_free (rig->failure);
  g_free (rig->stuck);
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
  tcase_set_timeout (tcase, 60); /* longer than rig_until() waits, which shows the journal */
  add (tcase);
  suite_add_tcase (suite, tcase);
  SRunner *runner = srunner_create (suite);
  srunner_run_all (runner, CK_NORMAL);
  int failures = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failures != 0;
}
