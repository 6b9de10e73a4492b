/* SPDX-License-Identifier: Apache-2.0 */
/* control.c: short messages between a stage that is isolated and its child process (see control.h). Any thread; owns nothing. */
#include "isolate/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

gboolean
weir_control_say (int fd, WeirSaying type, const char *text)
{
  char head[] = { *WEIR_CONTROL_VERSION, (char) type };
  gsize size = text != NULL ? MIN (strlen (text), WEIR_CONTROL_TEXT) : 0;
  struct iovec parts[] = { { head, sizeof head }, { (char *) text, size } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1 };
  ssize_t sent;
  do {
    sent = sendmsg (fd, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

int
weir_control_hear (int fd, char **text)
{
  g_autofree char *room = g_malloc (WEIR_CONTROL_TEXT + 3);
  ssize_t got;
  *text = NULL;
  do {
    got = recv (fd, room, WEIR_CONTROL_TEXT + 2, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) {
    return 0;
  }
  if (got < 2 || room[0] != *WEIR_CONTROL_VERSION) {
    return -1;
  }
  room[got] = '\0';
  *text = g_strdup (room + 2);
  return (guint8) room[1];
}
