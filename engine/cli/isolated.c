/* SPDX-License-Identifier: Apache-2.0 */
/* `weir isolated`: the child process of a stage with "isolate": true, started by `weir run` and by nobody else. It runs the one stage
 * between hidden ends, of one that listens with what belongs to its connections, and says to its parent what happens there. Main thread:
 * the loop here takes what the parent says. */
#include "cli/isolated.h"

#include "cli/command.h"
#include "cli/crash.h"
#include "isolate/control.h"
#include "isolate/ends.h"
#include "options.h"
#include "plugin-object.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* How long a callback may go on behind the deadline, before the stage is told to be stuck. */
#define GRACE G_USEC_PER_SEC

typedef struct {
  WeirPlan plan;
  WeirPipeline *pipeline;
  WeirEnds *ends;
  WeirShared *shared;
  GMainLoop *loop;
  gboolean failed, over;
} Isolated;

static void
say (WeirSaying what, const char *text)
{
  weir_control_say (WEIR_CONTROL_FD, what, text);
}

/* ---- messages ---- */

/* "": there is none. */
static const char *
field (const GLogField *fields, gsize count, const char *key)
{
  for (gsize i = 0; i < count; i++) {
    if (g_str_equal (fields[i].key, key)) {
      return fields[i].value;
    }
  }
  return "";
}

/* Any thread. */
static GLogWriterOutput
send_message (GLogLevelFlags level, const GLogField *fields, gsize count, G_GNUC_UNUSED gpointer data)
{
  const char *domain = field (fields, count, "GLIB_DOMAIN"), *stage = field (fields, count, "WEIR_STAGE");
  gboolean ours = g_str_equal (domain, G_LOG_DOMAIN);
  gboolean passes = ours && ((level & G_LOG_LEVEL_DEBUG) == 0 || *stage != '\0');
  if (passes || !g_log_writer_default_would_drop (level, *domain != '\0' ? domain : NULL)) {
    g_autofree char *number = g_strdup_printf ("%d", (int) (level & G_LOG_LEVEL_MASK));
    g_autofree char *text = g_strjoin (WEIR_CONTROL_BETWEEN, number, domain, stage,
                                       field (fields, count, "WEIR_PLUGIN"), field (fields, count, "MESSAGE"), NULL);
    say (WEIR_SAY_LOG, text);
  }
  return G_LOG_WRITER_HANDLED;
}

/* ---- what the pipeline tells ---- */

static void
on_opened (G_GNUC_UNUSED WeirPipeline *pipeline, G_GNUC_UNUSED gpointer data)
{
  say (WEIR_SAY_OPENED, NULL);
}

static void
on_started (G_GNUC_UNUSED WeirPipeline *pipeline, G_GNUC_UNUSED gpointer data)
{
  say (WEIR_SAY_STARTED, NULL);
}

static void
on_ready (G_GNUC_UNUSED WeirPipeline *pipeline, G_GNUC_UNUSED gpointer data)
{
  say (WEIR_SAY_READY, NULL);
}

static void
on_failed (G_GNUC_UNUSED WeirPipeline *pipeline, G_GNUC_UNUSED WeirStage *stage, const char *message, gpointer data)
{
  Isolated *isolated = data;
  isolated->failed = TRUE;
  say (WEIR_SAY_FAILED, message);
}

/* The parent puts the name of its own stage in front. */
static void
on_stuck (G_GNUC_UNUSED WeirPipeline *pipeline, WeirStage *stage, const char *callback, gpointer data)
{
  Isolated *isolated = data;
  gboolean another = strcmp (stage->name, isolated->plan.name) != 0;
  g_autofree char *text = another ? g_strdup_printf ("%s (%s, %s): %s%s", stage->name, stage->plugin,
                                                     weir_kind_names[stage->kind], callback,
                                                     weir_callback_is_named (callback) ? "()" : "")
                                  : g_strdup (callback);
  say (WEIR_SAY_STUCK, text);
  _exit (WEIR_EXIT_FAILED);
}

static void
on_over (G_GNUC_UNUSED WeirPipeline *pipeline, G_GNUC_UNUSED WeirResult result, gpointer data)
{
  Isolated *isolated = data;
  isolated->over = TRUE;
  g_main_loop_quit (isolated->loop);
}

static const WeirPipelineEvents events = {
  .opened = on_opened, .started = on_started, .ready = on_ready, .failed = on_failed, .stuck = on_stuck, .over = on_over
};

/* ---- what the parent says ---- */

/* Of one that listens all stop that is here, its connections as well. */
static void
request (Isolated *isolated, guint32 what)
{
  WeirStage *stage = weir_ends_stage (isolated->ends);
  if (isolated->plan.listens) {
    weir_pipeline_stop (isolated->pipeline);
    return;
  }
  weir_stage_request (stage, what);
  weir_stage_interrupt (stage);
}

static void
take (Isolated *isolated, int type, const char *text)
{
  switch (type) {
  case WEIR_SAY_START:
    weir_pipeline_go (isolated->pipeline);
    break;
  case WEIR_SAY_STOP:
    request (isolated, WEIR_REQUEST_DRAIN | WEIR_REQUEST_STOP);
    break;
  case WEIR_SAY_DRAIN:
    request (isolated, WEIR_REQUEST_DRAIN);
    break;
  case WEIR_SAY_SETTLE:
    weir_stage_request (weir_ends_stage (isolated->ends), WEIR_REQUEST_SETTLE);
    break;
  case WEIR_SAY_UNWANTED:
    if (isolated->plan.listens) {
      weir_pipeline_stop (isolated->pipeline);
    } else {
      weir_ends_unwanted (isolated->ends);
      weir_stage_interrupt (weir_ends_stage (isolated->ends));
    }
    break;
  case WEIR_SAY_DELIVERED:
    weir_ends_hear_over (isolated->ends, text);
    break;
  case WEIR_SAY_HALT:
    weir_pipeline_halt (isolated->pipeline);
    break;
  default:
    _exit (WEIR_EXIT_FAILED); /* nobody is there any more */
  }
}

static gboolean
on_control (G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition, gpointer data)
{
  for (;;) {
    g_autofree char *text = NULL;
    int type = weir_control_hear (WEIR_CONTROL_FD, &text);
    if (type == 0) {
      return G_SOURCE_CONTINUE;
    }
    take (data, type, text);
  }
}

/* ---- the run ---- */

static void
note_problem (const char *key, const char *message, gpointer data)
{
  char **first = data;
  if (*first == NULL) {
    *first = g_strdup_printf ("%s%s%s", key != NULL ? key : "", key != NULL ? ": " : "", message);
  }
}

/* NULL: *message. */
static gpointer
fill_state (const WeirRole *role, json_object *options, GPtrArray *owned, char **message)
{
  gpointer state = g_malloc0 (MAX (role->state_size, 1));
  weir_options_check (role, options, state, owned, note_problem, message);
  if (*message != NULL) {
    g_clear_pointer (&state, g_free);
  }
  return state;
}

/* FALSE: *message. */
static gboolean
add_connections (Isolated *isolated, const WeirPlugin *plugin, GPtrArray *owned, char **message)
{
  const WeirPlan *plan = &isolated->plan;
  g_autofree gpointer *replies = g_new0 (gpointer, plan->replies->len + 1);
  g_autoptr (GError) error = NULL;
  gpointer first = fill_state (plugin->producer, plan->options, owned, message);
  for (guint i = 0; i < plan->replies->len && *message == NULL; i++) {
    if (plugin->reply == NULL) {
      *message = g_strdup_printf ("%s cannot be replied to any more", plan->file);
    } else {
      replies[i] = fill_state (plugin->reply, g_array_index (plan->replies, WeirPlanReply, i).options, owned, message);
    }
  }
  if (*message != NULL) {
    g_free (first);
  } else if (!weir_ends_accept (isolated->ends, isolated->pipeline, plan, first, plugin->reply, replies, &error)) {
    *message = g_strdup (error->message);
  }
  for (guint i = 0; i < plan->replies->len; i++) {
    g_free (replies[i]);
  }
  return *message == NULL;
}

static void
run_pipeline (Isolated *isolated)
{
  isolated->loop = g_main_loop_new (NULL, FALSE);
  guint source = g_unix_fd_add (WEIR_CONTROL_FD, G_IO_IN | G_IO_HUP, on_control, isolated);
  weir_crash_know (isolated->pipeline);
  weir_pipeline_start (isolated->pipeline, &events, isolated);
  if (!isolated->over) {
    g_main_loop_run (isolated->loop);
  }
  weir_crash_forget ();
  g_source_remove (source);
  g_main_loop_unref (isolated->loop);
  weir_ends_store_figures (isolated->ends);
}

/* FALSE: *message, or it was told. */
static gboolean
run_stage (Isolated *isolated, GPtrArray *owned, char **message)
{
  const WeirPlan *plan = &isolated->plan;
  const WeirPlugin *plugin = weir_plugin_object_open (plan->plugin, plan->file, owned, message);
  if (plugin == NULL) {
    return FALSE;
  }
  const WeirRole *role = (const WeirRole *[]){ plugin->producer, plugin->transform, plugin->consumer }[plan->kind];
  guint counters = role != NULL && role->counters != NULL ? g_strv_length ((char **) role->counters) : 0;
  isolated->shared = weir_shared_map (WEIR_SHARED_FD, plan->inputs->len, counters);
  if (role == NULL || isolated->shared == NULL) {
    *message = g_strdup_printf ("%s is not the plugin any more that it was", plan->file);
    return FALSE;
  }
  gpointer state = fill_state (role, plan->options, owned, message);
  if (state == NULL) {
    return FALSE;
  }
  g_autoptr (GError) error = NULL;
  isolated->pipeline = weir_pipeline_new (plan->name);
  weir_pipeline_set_record_max (isolated->pipeline, plan->record_max);
  weir_pipeline_set_shutdown (isolated->pipeline, (gint64) G_MAXINT * 1000);
  weir_pipeline_set_grace (isolated->pipeline, GRACE);
  isolated->ends = weir_ends_new (isolated->pipeline, plan, role, state, isolated->shared, &error);
  if (isolated->ends == NULL) {
    *message = g_strdup (error->message);
    return FALSE;
  }
  gboolean right = !plan->listens || add_connections (isolated, plugin, owned, message);
  if (right) {
    run_pipeline (isolated);
  }
  weir_pipeline_free (isolated->pipeline);
  weir_ends_free (isolated->ends);
  if (!right) {
    return FALSE;
  }
  if (!isolated->failed) {
    weir_store_release (&isolated->shared->over, 1);
  }
  return !isolated->failed;
}

/* ---- set up ---- */

static void
do_nothing (G_GNUC_UNUSED int number)
{
}

/* Whoever ends the pipeline tells the parent, which tells us; a terminal or a service manager tells us too. Handlers, as what is ignored
 * would be so in what a plugin starts. */
static void
set_up_signals (void)
{
  static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
  struct sigaction action = { .sa_handler = do_nothing, .sa_flags = SA_RESTART };
  sigemptyset (&action.sa_mask);
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++) {
    sigaction (numbers[i], &action, NULL);
  }
  signal (SIGPIPE, SIG_IGN);
}

static gboolean
has_descriptors (void)
{
  for (int fd = WEIR_PLAN_FD; fd <= WEIR_SHARED_FD; fd++) {
    if (fcntl (fd, F_SETFD, FD_CLOEXEC) < 0) {
      return FALSE;
    }
  }
  return TRUE;
}

/* By the manager's protocol they are for the process of that number, and stay with it. */
static void
take_sockets (guint count)
{
  g_autofree char *pid = g_strdup_printf ("%d", (int) getpid ());
  for (guint i = 0; i < count; i++) {
    fcntl (WEIR_SOCKETS_FD + (int) i, F_SETFD, FD_CLOEXEC);
  }
  if (count > 0) {
    g_setenv ("LISTEN_PID", pid, TRUE);
  }
}

int
weir_isolated_command (G_GNUC_UNUSED int argc, G_GNUC_UNUSED char **argv)
{
  Isolated isolated = { 0 };
  if (!has_descriptors () || !weir_plan_read (WEIR_PLAN_FD, &isolated.plan)) {
    fprintf (stderr, "weir: isolated: weir starts it by itself, for a stage with \"isolate\": true\n");
    return WEIR_EXIT_USAGE;
  }
  close (WEIR_PLAN_FD);
  take_sockets (isolated.plan.sockets);
  g_set_prgname ("weir isolated");
  set_up_signals ();
  g_log_set_writer_func (send_message, NULL, NULL);
  weir_crash_open ();
  weir_crash_tell (WEIR_CONTROL_FD, WEIR_SAY_CRASHED_HEAD);
  g_main_context_default ();
  weir_streams_side = WEIR_STREAM_ELSEWHERE;
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *message = NULL;
  gboolean right = run_stage (&isolated, owned, &message);
  if (message != NULL) {
    say (WEIR_SAY_FAILED, message);
  }
  weir_shared_free (isolated.shared);
  weir_plan_clear (&isolated.plan);
  return right ? WEIR_EXIT_DONE : WEIR_EXIT_FAILED;
}
