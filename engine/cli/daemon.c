/* SPDX-License-Identifier: Apache-2.0 */
/* Running in the background (see daemon.h). Three processes: the one that was started waits for the second, which has a new
 * session and waits for a byte from the third, the daemon: ready. When the pipe ends without it, the daemon has ended before it was
 * ready, and its exit code goes up the same way. Main thread, before there are others. */
#include "cli/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready_fd = -1;

/* Ends as the child does. */
_Noreturn static void
end_as (pid_t child)
{
  int status = 0;
  while (waitpid (child, &status, 0) < 0 && errno == EINTR) {}
  _exit (WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status));
}

_Noreturn static void
wait_until_ready (int fd, pid_t daemon_pid)
{
  char byte;
  ssize_t size;
  do {
    size = read (fd, &byte, 1);
  } while (size < 0 && errno == EINTR);
  if (size == 1) {
    _exit (0);
  }
  end_as (daemon_pid);
}

gboolean
weir_daemon_fork (char **message)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) != 0) {
    *message = g_strdup_printf ("cannot make a pipe: %s", g_strerror (errno));
    return FALSE;
  }
  pid_t second = fork ();
  if (second > 0) {
    close (ends[0]);
    close (ends[1]);
    end_as (second);
  }
  if (second == 0) {
    setsid ();
    pid_t third = fork ();
    if (third > 0) {
      close (ends[1]);
      wait_until_ready (ends[0], third);
    }
    if (third == 0) {
      close (ends[0]);
      ready_fd = ends[1];
      return TRUE;
    }
    g_printerr ("weir: run: cannot fork: %s\n", g_strerror (errno));
    _exit (1);
  }
  *message = g_strdup_printf ("cannot fork: %s", g_strerror (errno));
  close (ends[0]);
  close (ends[1]);
  return FALSE;
}

void
weir_daemon_ready (void)
{
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) {
    dup2 (null, STDIN_FILENO);
    dup2 (null, STDOUT_FILENO);
    dup2 (null, STDERR_FILENO);
    if (null > STDERR_FILENO) {
      close (null);
    }
  }
  while (write (ready_fd, "", 1) < 0 && errno == EINTR) {}
  close (ready_fd);
  ready_fd = -1;
}
