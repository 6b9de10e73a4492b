/* SPDX-License-Identifier: Apache-2.0 */
/* child.c: a child process (see child.h).
 * Runs on the stage's worker. What happens to the child comes by sources of the stage's context, a pidfd and a timer, which run also
 * while the stage is paused, has nothing to take, or lingers behind its end. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_SIZE (1024 * 1024)

/* ---- starting ---- */

typedef struct {
  int ours, its; /* -1: none */
} Pipe;

/* Only our end is O_NONBLOCK: its end is as any program expects it. */
static gboolean
open_pipe (Pipe *pipe, gboolean to_child, gboolean large)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) < 0) {
    return FALSE;
  }
  pipe->ours = ends[to_child ? 1 : 0];
  pipe->its = ends[to_child ? 0 : 1];
  if (large) {
    (void) fcntl (pipe->ours, F_SETPIPE_SZ, PIPE_SIZE); /* as large as the system lets us have it */
  }
  return fcntl (pipe->ours, F_SETFL, O_NONBLOCK) == 0;
}

static void
close_end (int *fd)
{
  if (*fd >= 0) {
    close (*fd);
    *fd = -1;
  }
}

/* Between fork and exec: what is async-signal-safe, and nothing else. */
static void
set_up_child (gpointer data)
{
  const pid_t *parent = data;
  sigset_t none;
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  signal (SIGPIPE, SIG_DFL);
  signal (SIGXFSZ, SIG_DFL);
  setpgid (0, 0);
  /* It does not outlive us, even if we are killed. */
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  if (getppid () != *parent) {
    _exit (127);
  }
}

static char **
make_environment (const WeirPair *pairs)
{
  char **environment = g_get_environ ();
  for (; pairs != NULL && pairs->key != NULL; pairs++) {
    environment = g_environ_setenv (environment, pairs->key, pairs->value, TRUE);
  }
  return environment;
}

/* What GLib has made of the errno. */
static const char *
reason_of (const GError *error)
{
  static const struct {
    int code, number;
  } reasons[] = { { G_SPAWN_ERROR_ACCES, EACCES },  { G_SPAWN_ERROR_PERM, EPERM },
                  { G_SPAWN_ERROR_TOO_BIG, E2BIG }, { G_SPAWN_ERROR_NOEXEC, ENOEXEC },
                  { G_SPAWN_ERROR_NOENT, ENOENT },  { G_SPAWN_ERROR_NAMETOOLONG, ENAMETOOLONG },
                  { G_SPAWN_ERROR_NOMEM, ENOMEM },  { G_SPAWN_ERROR_NOTDIR, ENOTDIR },
                  { G_SPAWN_ERROR_LOOP, ELOOP },    { G_SPAWN_ERROR_TXTBUSY, ETXTBSY },
                  { G_SPAWN_ERROR_ISDIR, EISDIR },  { G_SPAWN_ERROR_LIBBAD, ELIBBAD } };
  for (gsize i = 0; i < G_N_ELEMENTS (reasons); i++) {
    if (error->domain == G_SPAWN_ERROR && error->code == reasons[i].code) {
      return g_strerror (reasons[i].number);
    }
  }
  return error->message;
}

/* Before the fork, as there a failure could not be told from that of the program. */
static gboolean
can_be_entered (const char *directory)
{
  int fd = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return FALSE;
  }
  close (fd);
  return faccessat (AT_FDCWD, directory, X_OK, AT_EACCESS) == 0;
}

static gboolean
check_directory (WeirStage *stage, const ChildPlan *plan)
{
  if (plan->directory != NULL && !can_be_entered (plan->directory)) {
    weir_stage_fail_errno (stage, "cannot enter directory \"%s\"", plan->directory);
    return FALSE;
  }
  return TRUE;
}

/* FALSE: errno says why not. One that is looked for in PATH from a directory of its own may yet be found there. */
static gboolean
can_be_executed (const ChildPlan *plan)
{
  const char *program = plan->command[0];
  if (strchr (program, '/') == NULL) {
    g_autofree char *found = g_find_program_in_path (program);
    errno = ENOENT;
    return found != NULL || plan->directory != NULL;
  }
  g_autofree char *path = plan->directory != NULL && !g_path_is_absolute (program)
                            ? g_build_filename (plan->directory, program, NULL)
                            : g_strdup (program);
  return faccessat (AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

gboolean
child_check (WeirStage *stage, const ChildPlan *plan)
{
  if (!check_directory (stage, plan)) {
    return FALSE;
  }
  if (!can_be_executed (plan)) {
    weir_stage_fail_errno (stage, "cannot execute \"%s\"", plan->command[0]);
    return FALSE;
  }
  return TRUE;
}

static gboolean
spawn (WeirStage *stage, Child *child, const ChildPlan *plan, int input, int output, int errors)
{
  if (!check_directory (stage, plan)) {
    return FALSE;
  }
  GSpawnFlags flags = G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH |
                      (plan->errors == ERRORS_DISCARD ? G_SPAWN_STDERR_TO_DEV_NULL : 0);
  g_auto (GStrv) environment = make_environment (plan->environment);
  g_autoptr (GError) error = NULL;
  pid_t self = getpid ();
  if (!g_spawn_async_with_pipes_and_fds (plan->directory, plan->command, (const char *const *) environment, flags,
                                         set_up_child, &self, input, output, errors, NULL, NULL, 0, &child->pid, NULL,
                                         NULL, NULL, &error)) {
    child->pid = 0;
    weir_stage_fail (stage, "cannot execute \"%s\": %s", plan->command[0], reason_of (error));
    return FALSE;
  }
  child->name = g_strdup_printf ("child %d (%s)", child->pid, plan->command[0]);
  return TRUE;
}

/* ---- its exit ---- */

static gboolean
on_exited (G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition, gpointer data)
{
  Child *child = data;
  siginfo_t info = { 0 };
  if (waitid (P_PID, (id_t) child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
    if (info.si_pid == 0) {
      return G_SOURCE_CONTINUE;
    }
    child->code = info.si_code;
    child->status = info.si_status;
  }
  child->exited = TRUE;
  report_drain (&child->errors); /* why, before that */
  child->on_exit (child->stage, child->data);
  return G_SOURCE_REMOVE;
}

static gboolean
watch (WeirStage *stage, Child *child)
{
  child->watch = (int) syscall (SYS_pidfd_open, child->pid, 0);
  if (child->watch < 0) {
    weir_stage_fail_errno (stage, "cannot watch %s", child->name);
    return FALSE;
  }
  GSource *source = g_unix_fd_source_new (child->watch, G_IO_IN);
  g_source_set_callback (source, G_SOURCE_FUNC (on_exited), child, NULL);
  weir_stage_attach (stage, source);
  return TRUE;
}

char *
child_outcome (const Child *child)
{
  switch (child->code) {
  case CLD_EXITED:
    return g_strdup_printf ("%s exited with status %d", child->name, child->status);
  case CLD_KILLED:
  case CLD_DUMPED:
    return g_strdup_printf ("%s was killed by signal %d (%s)", child->name, child->status, g_strsignal (child->status));
  default:
    return g_strdup_printf ("%s has exited, and its status is lost", child->name);
  }
}

gboolean
child_start (WeirStage *stage, Child *child, const ChildPlan *plan, void (*on_exit) (WeirStage *stage, gpointer data),
             gpointer data)
{
  Pipe input = { -1, -1 }, output = { -1, -1 }, errors = { -1, -1 };
  child->stage = stage;
  child->on_exit = on_exit;
  child->data = data;
  child->watch = child->input = child->output = -1;
  gboolean piped = (!plan->feeds || open_pipe (&input, TRUE, TRUE)) &&
                   (!plan->reads || open_pipe (&output, FALSE, TRUE)) &&
                   (plan->errors != ERRORS_LOG || open_pipe (&errors, FALSE, FALSE));
  if (!piped) {
    weir_stage_fail_errno (stage, "cannot make a pipe");
  }
  gboolean spawned = piped && spawn (stage, child, plan, input.its, output.its, errors.its);
  close_end (&input.its);
  close_end (&output.its);
  close_end (&errors.its);
  if (!spawned) {
    close_end (&input.ours);
    close_end (&output.ours);
    close_end (&errors.ours);
    return FALSE;
  }
  child->input = input.ours;
  child->output = output.ours;
  if (errors.ours >= 0) {
    report_open (stage, &child->errors, errors.ours);
  }
  return watch (stage, child);
}

/* ---- ending ---- */

void
child_close_input (Child *child)
{
  if (child->input >= 0) {
    weir_stage_close_fd (child->stage, child->input);
    child->input = -1;
  }
}

void
child_close_output (Child *child)
{
  if (child->output >= 0) {
    weir_stage_close_fd (child->stage, child->output);
    child->output = -1;
  }
}

/* The group, and itself in case it has left that. */
static void
signal_all (const Child *child, int number)
{
  if ((kill (-child->pid, number) < 0 || number == SIGKILL) && !child->exited) {
    kill (child->pid, number);
  }
}

static gboolean
on_kill_after (gpointer data)
{
  Child *child = data;
  if (!child->exited) {
    child_kill (child);
  }
  return G_SOURCE_REMOVE;
}

void
child_end (Child *child, gint64 kill_after)
{
  if (child->ending) {
    return;
  }
  child->ending = TRUE;
  signal_all (child, SIGTERM);
  GSource *source = g_timeout_source_new ((guint) MIN (kill_after / 1000, G_MAXINT));
  g_source_set_callback (source, on_kill_after, child, NULL);
  weir_stage_attach (child->stage, source);
}

void
child_kill (Child *child)
{
  signal_all (child, SIGKILL);
}

void
child_close (Child *child)
{
  if (child->pid == 0) {
    return;
  }
  if (!child->exited) {
    child_kill (child);
  }
  siginfo_t info;
  while (waitid (P_PID, (id_t) child->pid, &info, WEXITED) < 0 && errno == EINTR) {}
  child_close_input (child);
  child_close_output (child);
  report_drain (&child->errors);
  report_close (&child->errors);
  close_end (&child->watch);
  g_clear_pointer (&child->name, g_free);
  child->pid = 0;
}
