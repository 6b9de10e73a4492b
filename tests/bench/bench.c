/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c: process groups that are started, watched through /proc and ended, for the programs of the bench; Linux only, main thread. */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_SECONDS = 10, STEP_MICROSECONDS = 2000 };

const int bench_ends[4] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

void
bench_fail (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  fprintf (stderr, "bench: ");
  vfprintf (stderr, format, arguments);
  fprintf (stderr, "\n");
  va_end (arguments);
  exit (1);
}

pid_t
bench_start (const char *command, int out)
{
  pid_t parent = getpid (), group = fork ();
  if (group < 0) {
    bench_fail ("cannot start \"%s\": %s", command, g_strerror (errno));
  }
  if (group > 0) {
    setpgid (group, group);
    return group;
  }
  setpgid (0, 0);
  prctl (PR_SET_PDEATHSIG, SIGTERM);
  if (getppid () != parent) {
    _exit (127);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (bench_ends); i++) {
    signal (bench_ends[i], SIG_DFL);
  }
  int nothing = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2 (nothing, STDIN_FILENO);
  if (out >= 0) {
    dup2 (out, STDOUT_FILENO);
  }
  execl ("/bin/sh", "sh", "-c", command, (char *) NULL);
  _exit (127);
}

gboolean
bench_has_ended (pid_t leader)
{
  siginfo_t ended = { 0 };
  return waitid (P_PID, (id_t) leader, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == leader;
}

void
bench_stop (pid_t group)
{
  kill (-group, SIGTERM);
  gint64 limit = g_get_monotonic_time () + STOP_SECONDS * G_USEC_PER_SEC;
  while (!bench_has_ended (group) && g_get_monotonic_time () < limit) {
    g_usleep (STEP_MICROSECONDS);
  }
  /* Whoever of the group has outlived its leader goes too: the leader is still a zombie, so the id is still the group's. */
  kill (-group, SIGKILL);
  waitpid (group, NULL, 0);
}

/* Nanoseconds on a CPU of all threads that live: finer than the ticks of /proc/PID/stat, which know those that have ended. */
static double
thread_seconds (const char *pid)
{
  g_autofree char *folder = g_strdup_printf ("/proc/%s/task", pid);
  g_autoptr (GDir) tasks = g_dir_open (folder, 0, NULL);
  double sum = 0;
  for (const char *task; tasks != NULL && (task = g_dir_read_name (tasks)) != NULL;) {
    g_autofree char *path = g_build_filename (folder, task, "schedstat", NULL);
    g_autofree char *text = NULL;
    if (g_file_get_contents (path, &text, NULL, NULL)) {
      sum += g_ascii_strtod (text, NULL) / 1e9;
    }
  }
  return sum;
}

static gint64
status_kib (const char *status, const char *name)
{
  const char *line = strstr (status, name);
  return line == NULL ? 0 : g_ascii_strtoll (line + strlen (name), NULL, 10);
}

static void
add_process (BenchUsage *usage, pid_t group, const char *pid)
{
  g_autofree char *stat_path = g_build_filename ("/proc", pid, "stat", NULL);
  g_autofree char *status_path = g_build_filename ("/proc", pid, "status", NULL);
  g_autofree char *stat = NULL, *status = NULL;
  if (!g_file_get_contents (stat_path, &stat, NULL, NULL)) {
    return;
  }
  /* After the name: state, parent, group, ...; times in ticks are the 12th to 15th word. */
  const char *rest = strrchr (stat, ')');
  int its_group;
  unsigned long user, kernel, waited_user, waited_kernel;
  if (rest == NULL ||
      sscanf (rest + 1, " %*c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu", &its_group, &user, &kernel,
              &waited_user, &waited_kernel) != 5 ||
      its_group != group) {
    return;
  }
  double tick = 1.0 / (double) sysconf (_SC_CLK_TCK);
  usage->processes++;
  usage->cpu_seconds += MAX ((double) (user + kernel) * tick, thread_seconds (pid)) +
                        (double) (waited_user + waited_kernel) * tick;
  if (g_file_get_contents (status_path, &status, NULL, NULL)) {
    usage->peak_mib += (double) status_kib (status, "VmHWM:") / 1024;
    usage->resident_bytes += status_kib (status, "VmRSS:") * 1024;
  }
  g_autofree char *folder = g_build_filename ("/proc", pid, "fd", NULL);
  g_autoptr (GDir) descriptors = g_dir_open (folder, 0, NULL);
  while (descriptors != NULL && g_dir_read_name (descriptors) != NULL) {
    usage->descriptors++;
  }
}

BenchUsage
bench_usage (pid_t group)
{
  BenchUsage usage = { 0 };
  g_autoptr (GDir) processes = g_dir_open ("/proc", 0, NULL);
  for (const char *name; processes != NULL && (name = g_dir_read_name (processes)) != NULL;) {
    if (g_ascii_isdigit (*name)) {
      add_process (&usage, group, name);
    }
  }
  return usage;
}

guint16
bench_free_port (void)
{
  int probe = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  if (probe < 0 || bind (probe, (struct sockaddr *) &address, sizeof address) != 0 ||
      getsockname (probe, (struct sockaddr *) &address, &length) != 0) {
    bench_fail ("no free port: %s", g_strerror (errno));
  }
  close (probe);
  return ntohs (address.sin_port);
}

static gboolean
listens (const char *table, guint16 port)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents (table, &text, NULL, NULL)) {
    return FALSE;
  }
  g_autofree char *wanted = g_strdup_printf (":%04X ", port);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    /* "  0: 0100007F:1F90 00000000:0000 0A ...": 0A is a listener. */
    const char *local = strchr (*line, ':');
    local = local != NULL ? strchr (local + 1, ':') : NULL;
    if (local != NULL && g_str_has_prefix (local, wanted) && strstr (local, ":0000 0A ") != NULL) {
      return TRUE;
    }
  }
  return FALSE;
}

void
bench_await_listener (pid_t group, guint16 port)
{
  gint64 limit = g_get_monotonic_time () + BENCH_PATIENCE_SECONDS * G_USEC_PER_SEC;
  while (!listens ("/proc/net/tcp", port) && !listens ("/proc/net/tcp6", port)) {
    if (bench_has_ended (group)) {
      bench_fail ("the peer ended before it listened on port %u", port);
    }
    if (g_get_monotonic_time () > limit) {
      bench_stop (group);
      bench_fail ("the peer does not listen on port %u", port);
    }
    g_usleep (STEP_MICROSECONDS);
  }
}
