/* SPDX-License-Identifier: Apache-2.0 */
/* stdio-ends.h: standard input and output of the test's own process made into pipes, sockets and files. Each test case is a process of
 * its own. Everything static: one test program includes it once. */
#pragma once

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int other; /* the test's end of the pipe or socket */

/* The pipe's other end becomes `other`. */
G_GNUC_UNUSED static void
use_pipe (int fd)
{
  int ends[2];
  ck_assert_int_eq (pipe2 (ends, O_CLOEXEC), 0);
  gboolean input = fd == STDIN_FILENO;
  ck_assert_int_eq (dup2 (ends[input ? 0 : 1], fd), fd);
  close (ends[input ? 0 : 1]);
  other = ends[input ? 1 : 0];
}

G_GNUC_UNUSED static void
use_socket (int fd)
{
  int ends[2];
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ck_assert_int_eq (dup2 (ends[0], fd), fd);
  close (ends[0]);
  other = ends[1];
}

G_GNUC_UNUSED static void
use_file (int fd, const char *path, int flags)
{
  int opened = open (path, flags);
  ck_assert_int_eq (dup2 (opened, fd), fd);
  close (opened);
}

G_GNUC_UNUSED static void
send_bytes (const char *text)
{
  ck_assert_int_eq (write (other, text, strlen (text)), (ssize_t) strlen (text));
}
