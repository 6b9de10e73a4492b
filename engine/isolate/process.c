/* SPDX-License-Identifier: Apache-2.0 */
/* process.c: the child process of a stage that is isolated (see process.h). Runs on the stage's worker; owns the process's number. */
#include "isolate/process.h"

#include "isolate/plan.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between fork and exec: what is async-signal-safe, and nothing else. */
static void
set_up_child (gpointer data)
{
  const pid_t *parent = data;
  sigset_t none;
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (getppid () != *parent) {
    _exit (127);
  }
}

gboolean
weir_process_start (WeirProcess *process, const char *name, const int *fds, gsize count, guint sockets, char **message)
{
  const char *const arguments[] = { "/proc/self/exe", "weir", "isolated", name, NULL };
  int sources[WEIR_SOCKETS_MOST + 8], targets[WEIR_SOCKETS_MOST + 8];
  g_autoptr (GError) error = NULL;
  pid_t self = getpid ();
  *process = (WeirProcess){ 0 };
  g_assert (count + WEIR_SOCKETS_MOST <= G_N_ELEMENTS (targets));
  if (sockets > WEIR_SOCKETS_MOST) {
    *message = g_strdup_printf ("the service manager has passed %u sockets, and at most %d can be handed on", sockets,
                                WEIR_SOCKETS_MOST);
    return FALSE;
  }
  for (gsize i = 0; i < count; i++) {
    sources[i] = fds[i];
    targets[i] = WEIR_PLAN_FD + (int) i;
  }
  for (guint i = 0; i < sockets; i++) {
    sources[count + i] = targets[count + i] = WEIR_SOCKETS_FD + (int) i;
  }
  GSpawnFlags flags = G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_FILE_AND_ARGV_ZERO | G_SPAWN_CHILD_INHERITS_STDIN;
  if (!g_spawn_async_with_pipes_and_fds (NULL, arguments, NULL, flags, set_up_child, &self, -1, -1, -1, sources,
                                         targets, count + sockets, &process->pid, NULL, NULL, NULL, &error)) {
    *message = g_strdup (error->message);
    process->pid = 0;
    return FALSE;
  }
  process->number = process->pid;
  return TRUE;
}

void
weir_process_reap (WeirProcess *process)
{
  siginfo_t info = { 0 };
  if (process->pid == 0) {
    return;
  }
  kill (process->pid, SIGKILL); /* no harm to one that is already on its way out: its status is fixed */
  int result;
  while ((result = waitid (P_PID, (id_t) process->pid, &info, WEXITED)) < 0 && errno == EINTR) {}
  if (result == 0) {
    process->code = info.si_code;
    process->status = info.si_status;
  }
  process->pid = 0;
}

char *
weir_process_outcome (const WeirProcess *process)
{
  switch (process->code) {
  case CLD_EXITED:
    return g_strdup_printf ("exited with status %d", process->status);
  case CLD_KILLED:
  case CLD_DUMPED:
    return g_strdup_printf ("was killed by signal %d (%s)", process->status, g_strsignal (process->status));
  default:
    return g_strdup ("has exited, and its status is lost");
  }
}
