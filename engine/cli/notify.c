/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the service manager how it stands (see notify.h). Main thread; owns the socket's address for the life of the program.
 * A message that does not get through is not worth an error: the manager has a time limit of its own. */
#include "cli/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un address;
static socklen_t address_size; /* 0: nobody listens */

void
weir_notify_open (void)
{
  const char *name = g_getenv ("NOTIFY_SOCKET");
  gsize size = name != NULL ? strlen (name) : 0;
  if (size > 1 && size < sizeof address.sun_path && (name[0] == '/' || name[0] == '@')) {
    address.sun_family = AF_UNIX;
    memcpy (address.sun_path, name, size);
    /* A name in the abstract space begins with a NUL and ends where the address does. */
    if (name[0] == '@') {
      address.sun_path[0] = '\0';
    }
    address_size = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + size + (name[0] == '/' ? 1 : 0));
  }
  g_unsetenv ("NOTIFY_SOCKET");
}

void
weir_notify (const char *format, ...)
{
  if (address_size == 0) {
    return;
  }
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return;
  }
  while (sendto (fd, text, strlen (text), MSG_NOSIGNAL, (struct sockaddr *) &address, address_size) < 0 &&
         errno == EINTR) {}
  close (fd);
}
