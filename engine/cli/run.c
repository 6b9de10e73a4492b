/* SPDX-License-Identifier: Apache-2.0 */
/* `weir run FILE`: loads a pipeline, runs it until it is over or told to stop, and says what it has done. Main thread only: the
 * loop here takes signals and what the pipeline tells; records never come by. */
#include "cli/command.h"
#include "cli/crash.h"
#include "cli/daemon.h"
#include "cli/log.h"
#include "cli/notify.h"
#include "cli/overwrite.h"
#include "cli/pidfile.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "cli/signals.h"
#include "cli/summary.h"
#include "engine.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  char **files, **folders, **settings;
  char *summary, *pid_file;
  gboolean progress, quiet, daemon;
} Arguments;

typedef struct {
  const Arguments *arguments;
  WeirPipeline *pipeline;
  WeirPidFile *pid_file;
  WeirSummaryFile *summary;
  WeirProgress *progress;
  GMainLoop *loop;
  WeirResult result;
  gboolean over;
} Run;

/* ---- what is told at the end ---- */

/* FALSE: the summary could not be written. */
static gboolean
summarize (Run *run)
{
  g_clear_pointer (&run->progress, weir_progress_free);
  if (weir_log_is_kept ()) {
    weir_log_info ("%s: %s", weir_pipeline_name (run->pipeline), weir_result_names[run->result]);
  }
  if (!run->arguments->quiet && !run->arguments->daemon) {
    g_autofree char *text = weir_summary_text (run->pipeline, run->result);
    weir_screen_write (text);
  }
  g_autofree char *message = NULL;
  if (run->summary != NULL && !weir_summary_file_write (run->summary, run->pipeline, run->result, &message)) {
    weir_log_error (NULL, "%s", message);
    return FALSE;
  }
  return TRUE;
}

/* Ends with threads still running: nothing is freed. */
_Noreturn static void
end_now (Run *run, int code)
{
  weir_pid_file_free (run->pid_file);
  fflush (stdout);
  _exit (code);
}

/* ---- what the pipeline tells ---- */

static void
on_ready (WeirPipeline *pipeline, gpointer data)
{
  Run *run = data;
  weir_progress_set_state (run->progress, "running");
  weir_notify ("READY=1\nSTATUS=%s: running", weir_pipeline_name (pipeline));
  if (run->arguments->daemon) {
    weir_log_detach ();
    weir_crash_detach ();
    weir_daemon_ready ();
  }
  if (weir_log_is_kept ()) {
    weir_log_info ("%s: running", weir_pipeline_name (pipeline));
  }
}

static void
on_failed (WeirPipeline *pipeline, WeirStage *stage, const char *message, gpointer data)
{
  Run *run = data;
  weir_log_error (stage, "%s", message);
  weir_progress_set_state (run->progress, "failed");
  weir_notify ("STOPPING=1\nSTATUS=%s: %s has failed: %s", weir_pipeline_name (pipeline), stage->name, message);
}

static void
on_late (WeirPipeline *pipeline, G_GNUC_UNUSED gpointer data)
{
  weir_log_warning ("%s: the time to drain is over", weir_pipeline_name (pipeline));
  weir_summary_log_queued (pipeline);
}

static void
on_stuck (G_GNUC_UNUSED WeirPipeline *pipeline, WeirStage *stage, const char *callback, gpointer data)
{
  Run *run = data;
  weir_log_error (stage, "%s%s does not return; the program ends without it", callback,
                  weir_callback_is_named (callback) ? "()" : "");
  run->result = WEIR_RESULT_FAILED;
  summarize (run);
  end_now (run, WEIR_EXIT_FAILED);
}

static void
on_over (G_GNUC_UNUSED WeirPipeline *pipeline, WeirResult result, gpointer data)
{
  Run *run = data;
  run->result = result;
  run->over = TRUE;
  g_main_loop_quit (run->loop);
}

static const WeirPipelineEvents events = {
  .ready = on_ready, .failed = on_failed, .late = on_late, .stuck = on_stuck, .over = on_over
};

static void
on_signal (int number, gboolean again, gpointer data)
{
  Run *run = data;
  if (again) {
    g_clear_pointer (&run->progress, weir_progress_free);
    weir_log_warning ("%s: ended by a second signal", weir_pipeline_name (run->pipeline));
    weir_summary_log_queued (run->pipeline);
    end_now (run, 128 + number);
  }
  weir_progress_set_state (run->progress, "draining");
  weir_notify ("STOPPING=1\nSTATUS=%s: draining", weir_pipeline_name (run->pipeline));
  weir_pipeline_stop (run->pipeline);
}

/* ---- before it runs ---- */

/* The stage that reads standard input (a producer) or writes to standard output (a consumer), or NULL. */
static const WeirConfigStage *
find_stdio (const WeirConfig *config, WeirKind kind)
{
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (stage->kind == kind && strcmp (stage->plugin_name, "stdio") == 0) {
      return stage;
    }
  }
  return NULL;
}

static gboolean
outputs_are_one_terminal (void)
{
  struct stat output, error;
  return isatty (STDOUT_FILENO) && isatty (STDERR_FILENO) && fstat (STDOUT_FILENO, &output) == 0 &&
         fstat (STDERR_FILENO, &error) == 0 && output.st_rdev == error.st_rdev;
}

static gboolean
wants_progress (const Arguments *arguments, const WeirConfig *config)
{
  if (arguments->daemon || (find_stdio (config, WEIR_CONSUMER) != NULL && outputs_are_one_terminal ())) {
    return FALSE;
  }
  return arguments->progress || (!arguments->quiet && isatty (STDERR_FILENO));
}

static int
check_arguments (const Arguments *arguments)
{
  if (arguments->files == NULL) {
    return weir_command_refuse ("run", "no file given");
  }
  if (arguments->files[1] != NULL) {
    return weir_command_refuse ("run", "found %u files, expected one", g_strv_length (arguments->files));
  }
  if (arguments->summary != NULL && arguments->pid_file != NULL &&
      weir_overwrite_is_same (arguments->summary, arguments->pid_file)) {
    return weir_command_refuse ("run", "--summary and --pid-file would both write %s", arguments->summary);
  }
  if (arguments->daemon && g_strcmp0 (arguments->summary, "-") == 0) {
    return weir_command_refuse ("run", "--summary - writes to standard output, which --daemon leaves");
  }
  return WEIR_EXIT_DONE;
}

/* What the option names would be written over. */
static int
check_overwrite (const char *option, const char *file, const WeirConfig *config)
{
  g_autofree char *own = file != NULL && strcmp (file, "-") != 0 ? weir_overwrite_find (config, file) : NULL;
  return own == NULL ? WEIR_EXIT_DONE : weir_command_refuse ("run", "%s %s would overwrite %s", option, file, own);
}

static int
check_config (const Arguments *arguments, const WeirConfig *config)
{
  if (check_overwrite ("--summary", arguments->summary, config) != WEIR_EXIT_DONE ||
      check_overwrite ("--pid-file", arguments->pid_file, config) != WEIR_EXIT_DONE) {
    return WEIR_EXIT_USAGE;
  }
  const WeirConfigStage *writer = find_stdio (config, WEIR_CONSUMER), *reader = find_stdio (config, WEIR_PRODUCER);
  if (reader != NULL && strcmp (arguments->files[0], "-") == 0) {
    return weir_command_refuse ("run", "- and stage \"%s\" would both read standard input", reader->name);
  }
  if (writer != NULL && g_strcmp0 (arguments->summary, "-") == 0) {
    return weir_command_refuse ("run", "--summary - and stage \"%s\" would both write to standard output",
                                writer->name);
  }
  for (guint i = 0; arguments->daemon && i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (strcmp (stage->plugin_name, "stdio") == 0) {
      return weir_command_refuse ("run", "stage \"%s\" uses standard %s, which --daemon leaves", stage->name,
                                  stage->kind == WEIR_PRODUCER ? "input" : "output");
    }
  }
  return WEIR_EXIT_DONE;
}

/* Thousands of stages and connections need descriptors: as many as there may be. */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
}

/* ---- the run ---- */

static int
exit_code (WeirResult result)
{
  switch (result) {
  case WEIR_RESULT_FAILED:
    return WEIR_EXIT_FAILED;
  case WEIR_RESULT_UNDELIVERED:
    return WEIR_EXIT_UNDELIVERED;
  case WEIR_RESULT_DONE:
  case WEIR_RESULT_STOPPED:
    break;
  }
  return WEIR_EXIT_DONE;
}

static int
run_pipeline (Run *run, const WeirConfig *config)
{
  g_autofree char *message = NULL;
  if (!weir_signals_open (on_signal, run, &message)) {
    weir_log_error (NULL, "%s", message);
    return WEIR_EXIT_FAILED;
  }
  run->loop = g_main_loop_new (NULL, FALSE);
  if (wants_progress (run->arguments, config)) {
    run->progress = weir_progress_new (run->pipeline);
  }
  weir_signals_hold ();
  weir_crash_know (run->pipeline);
  weir_pipeline_start (run->pipeline, &events, run);
  weir_signals_unhold ();
  if (!run->over) {
    g_main_loop_run (run->loop);
  }
  weir_crash_forget ();
  weir_signals_close ();
  g_main_loop_unref (run->loop);
  gboolean told = summarize (run);
  int code = exit_code (run->result);
  return told || code != WEIR_EXIT_DONE ? code : WEIR_EXIT_FAILED;
}

/* What can fail before anything of the pipeline runs, and leaves nothing half-started. */
static int
prepare_and_run (const Arguments *arguments, const WeirConfig *config, WeirEngine *engine)
{
  Run run = { .arguments = arguments, .pipeline = weir_engine_pipeline (engine) };
  g_autofree char *message = NULL;
  int code = WEIR_EXIT_FAILED;
  if (arguments->pid_file != NULL && (run.pid_file = weir_pid_file_new (arguments->pid_file, &message)) == NULL) {
    weir_log_error (NULL, "%s", message);
  } else if (arguments->summary != NULL &&
             (run.summary = weir_summary_file_new (arguments->summary, &message)) == NULL) {
    weir_log_error (NULL, "%s", message);
  } else {
    code = run_pipeline (&run, config);
  }
  weir_summary_file_free (run.summary);
  weir_pid_file_free (run.pid_file);
  return code;
}

static void
tell_note (const char *line, G_GNUC_UNUSED gpointer data)
{
  weir_log_info ("%s", line);
}

static int
load_and_run (const Arguments *arguments)
{
  g_auto (WeirLoaded) loaded = weir_command_load (arguments->files[0], arguments->folders, arguments->settings);
  weir_log_problems (loaded.problems);
  if (loaded.config == NULL) {
    return WEIR_EXIT_USAGE;
  }
  if (!arguments->quiet) {
    weir_command_tell_hidden (&loaded, tell_note, NULL);
  }
  int code = check_config (arguments, loaded.config);
  if (code != WEIR_EXIT_DONE) {
    return code;
  }
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirEngine) engine = NULL;
  /* The main loop takes its descriptor before the workers may take the last. */
  if (weir_worker_can_have_context ("the main loop", &error)) {
    g_main_context_default ();
    engine = weir_engine_new (loaded.config, &error);
  }
  if (engine == NULL) {
    weir_log_error (NULL, "%s", error->message);
    return WEIR_EXIT_FAILED;
  }
  return prepare_and_run (arguments, loaded.config, engine);
}

static int
run_arguments (const Arguments *arguments)
{
  int code = check_arguments (arguments);
  if (code != WEIR_EXIT_DONE) {
    return code;
  }
  g_autofree char *message = NULL;
  if (arguments->daemon && !weir_daemon_fork (&message)) {
    weir_log_error (NULL, "%s", message);
    return WEIR_EXIT_FAILED;
  }
  weir_notify_open ();
  raise_descriptor_limit ();
  weir_log_open ();
  weir_crash_open ();
  return load_and_run (arguments);
}

int
weir_run_command (int argc, char **argv)
{
  Arguments arguments = { 0 };
  const GOptionEntry entries[] = {
    { "progress", 0, 0, G_OPTION_ARG_NONE, &arguments.progress,
      "Show how it is doing: on a terminal a table (the default there), elsewhere a line a second", NULL },
    { "quiet", 0, 0, G_OPTION_ARG_NONE, &arguments.quiet,
      "Show neither progress nor summary; errors and warnings are told all the same", NULL },
    { "summary", 0, 0, G_OPTION_ARG_FILENAME, &arguments.summary,
      "Write what was done as JSON to FILE in the end; - is standard output", "FILE" },
    { "plugin-path", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments.folders,
      "Look for plugins in DIR first; more than once if need be", "DIR" },
    { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments.settings, "Change an option; more than once if need be",
      "STAGE.OPTION=VALUE" },
    { "daemon", 0, 0, G_OPTION_ARG_NONE, &arguments.daemon, "Go to the background once every stage is ready", NULL },
    { "pid-file", 0, 0, G_OPTION_ARG_FILENAME, &arguments.pid_file,
      "Write the process's number to FILE and keep it locked", "FILE" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments.files, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  gboolean right = weir_command_parse ("run", "FILE", "Runs the pipeline that FILE describes; - is standard input.",
                                       entries, argc, argv);
  int code = right ? run_arguments (&arguments) : WEIR_EXIT_USAGE;
  g_strfreev (arguments.files);
  g_strfreev (arguments.folders);
  g_strfreev (arguments.settings);
  g_free (arguments.summary);
  g_free (arguments.pid_file);
  return code;
}
