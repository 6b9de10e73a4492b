/* SPDX-License-Identifier: Apache-2.0 */
/* wire.c: socket pairs and a page between a stage that is isolated and its ends (see wire.h). Any thread. */
#include "isolate/wire.h"

#include "isolate/control.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS = 3 };

G_STATIC_ASSERT (WEIR_WIRES_MOST *FDS <= WEIR_CONTROL_FDS);

static void
close_fd (int *fd)
{
  if (*fd >= 0) {
    close (*fd);
    *fd = -1;
  }
}

void
weir_wire_close (WeirWire *wire)
{
  close_fd (&wire->data);
  close_fd (&wire->control);
  close_fd (&wire->page);
}

WeirShared *
weir_wire_new (WeirWire *near, WeirWire *far, guint inputs, guint counters)
{
  int data[2] = { -1, -1 }, control[2] = { -1, -1 }, page = -1;
  WeirShared *shared = NULL;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, data) == 0 &&
      socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == 0) {
    shared = weir_shared_new (inputs, counters, &page);
  }
  int error = errno;
  *near = (WeirWire){ data[0], control[0], -1 };
  *far = (WeirWire){ data[1], control[1], page };
  if (shared == NULL) {
    weir_wire_close (near);
    weir_wire_close (far);
    errno = error;
  }
  return shared;
}

gboolean
weir_wires_take (WeirWire *wires, guint count, const int *fds, gsize fd_count)
{
  for (guint i = 0; i < count && fd_count == (gsize) count * FDS; i++) {
    wires[i] = (WeirWire){ fds[i * FDS], fds[i * FDS + 1], fds[i * FDS + 2] };
  }
  return fd_count == (gsize) count * FDS;
}

gsize
weir_wires_give (const WeirWire *wires, guint count, int *fds)
{
  for (guint i = 0; i < count; i++) {
    fds[i * FDS] = wires[i].data;
    fds[i * FDS + 1] = wires[i].control;
    fds[i * FDS + 2] = wires[i].page;
  }
  return (gsize) count * FDS;
}
