/* SPDX-License-Identifier: Apache-2.0 */
/* A locked file with the process's number (see pidfile.h). Main thread. The lock is flock()'s: it belongs to the open file and is
 * not lost when a plugin opens and closes the same path. The kernel gives it back however the process ends. */
#include "cli/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct _WeirPidFile {
  char *path;
  int fd;
};

static char *
held_by (int fd, const char *path)
{
  char text[24] = "";
  ssize_t size = pread (fd, text, sizeof text - 1, 0);
  gint64 pid = size > 0 ? g_ascii_strtoll (text, NULL, 10) : 0;
  return pid > 0 ? g_strdup_printf ("pid file %s is held by process %" G_GINT64_FORMAT ", which is running", path, pid)
                 : g_strdup_printf ("pid file %s is held by another process", path);
}

/* The holder before may have removed the file between our open() and our lock. */
static gboolean
is_still_there (int fd, const char *path)
{
  struct stat ours, there;
  return fstat (fd, &ours) == 0 && stat (path, &there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino;
}

/* -1: *message. */
static int
open_locked (const char *path, char **message)
{
  for (;;) {
    int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
      *message = g_strdup_printf ("cannot open pid file %s: %s", path, g_strerror (errno));
      return -1;
    }
    if (flock (fd, LOCK_EX | LOCK_NB) != 0) {
      *message = errno == EWOULDBLOCK ? held_by (fd, path)
                                      : g_strdup_printf ("cannot lock pid file %s: %s", path, g_strerror (errno));
      close (fd);
      return -1;
    }
    if (is_still_there (fd, path)) {
      return fd;
    }
    close (fd);
  }
}

WeirPidFile *
weir_pid_file_new (const char *path, char **message)
{
  int fd = open_locked (path, message);
  if (fd < 0) {
    return NULL;
  }
  g_autofree char *text = g_strdup_printf ("%d\n", (int) getpid ());
  if (ftruncate (fd, 0) != 0 || pwrite (fd, text, strlen (text), 0) != (ssize_t) strlen (text)) {
    *message = g_strdup_printf ("cannot write pid file %s: %s", path, g_strerror (errno));
    close (fd);
    return NULL;
  }
  WeirPidFile *file = g_new (WeirPidFile, 1);
  file->path = g_canonicalize_filename (path, NULL); /* a plugin may change the working directory */
  file->fd = fd;
  return file;
}

void
weir_pid_file_free (WeirPidFile *file)
{
  if (file == NULL) {
    return;
  }
  unlink (file->path);
  close (file->fd);
  g_free (file->path);
  g_free (file);
}
