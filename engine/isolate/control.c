/* SPDX-License-Identifier: Apache-2.0 */
/* control.c: short messages between a stage that is isolated and its child process (see control.h). Any thread; owns nothing. */
#include "isolate/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Room for as many descriptors as may come, aligned as the kernel wants it. */
typedef union {
  struct cmsghdr head;
  guint8 bytes[CMSG_SPACE (WEIR_CONTROL_FDS * sizeof (int))];
} Rights;

static gboolean
send_message (int fd, WeirSaying type, const char *text, const int *fds, gsize count, int flags)
{
  char head[] = { *WEIR_CONTROL_VERSION, (char) type };
  gsize size = text != NULL ? MIN (strlen (text), WEIR_CONTROL_TEXT) : 0;
  struct iovec parts[] = { { head, sizeof head }, { (char *) text, size } };
  struct msghdr message = { .msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1 };
  Rights rights = { 0 };
  if (count > 0) {
    message.msg_control = &rights;
    message.msg_controllen = CMSG_SPACE (count * sizeof (int));
    struct cmsghdr *with = CMSG_FIRSTHDR (&message);
    with->cmsg_level = SOL_SOCKET;
    with->cmsg_type = SCM_RIGHTS;
    with->cmsg_len = CMSG_LEN (count * sizeof (int));
    memcpy (CMSG_DATA (with), fds, count * sizeof (int));
  }
  ssize_t sent;
  do {
    sent = sendmsg (fd, &message, MSG_NOSIGNAL | flags);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

gboolean
weir_control_say (int fd, WeirSaying type, const char *text)
{
  return send_message (fd, type, text, NULL, 0, 0);
}

gboolean
weir_control_try (int fd, WeirSaying type, const char *text)
{
  return send_message (fd, type, text, NULL, 0, MSG_DONTWAIT);
}

gboolean
weir_control_say_with (int fd, WeirSaying type, const char *text, const int *fds, gsize count)
{
  g_return_val_if_fail (count <= WEIR_CONTROL_FDS, FALSE);
  return send_message (fd, type, text, fds, count, 0);
}

static void
take_descriptors (struct msghdr *message, int *fds, gsize *count)
{
  for (struct cmsghdr *head = CMSG_FIRSTHDR (message); head != NULL; head = CMSG_NXTHDR (message, head)) {
    if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
      gsize more = MIN ((head->cmsg_len - CMSG_LEN (0)) / sizeof (int), WEIR_CONTROL_FDS - *count);
      memcpy (fds + *count, CMSG_DATA (head), more * sizeof (int));
      *count += more;
    }
  }
}

int
weir_control_hear_with (int fd, char **text, int *fds, gsize *count)
{
  g_autofree char *room = g_malloc (WEIR_CONTROL_TEXT + 3);
  struct iovec part = { room, WEIR_CONTROL_TEXT + 2 };
  Rights rights;
  struct msghdr message;
  ssize_t got;
  *text = NULL;
  *count = 0;
  do {
    message = (struct msghdr){ .msg_iov = &part, .msg_iovlen = 1 };
    if (fds != NULL) {
      message.msg_control = &rights;
      message.msg_controllen = sizeof rights;
    }
    got = recvmsg (fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    /* One that has gone before it heard all says so once, ahead of what it has said before. */
  } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
  if (got < 0 && errno == EAGAIN) {
    return 0;
  }
  if (got >= 0 && fds != NULL) {
    take_descriptors (&message, fds, count);
  }
  if (got < 2 || room[0] != *WEIR_CONTROL_VERSION) {
    return -1;
  }
  room[got] = '\0';
  *text = g_strdup (room + 2);
  return (guint8) room[1];
}

int
weir_control_hear (int fd, char **text)
{
  gsize none;
  return weir_control_hear_with (fd, text, NULL, &none);
}
