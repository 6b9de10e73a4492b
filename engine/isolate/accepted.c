/* SPDX-License-Identifier: Apache-2.0 */
/* accepted.c: a connection that was accepted in a child process begins here (see accepted.h). Runs on the listener's worker. */
#include "isolate/accepted.h"

#include "connections.h"

#include "connections.h"

#include <unistd.h>

static void
accepted_free (gpointer handle)
{
  WeirAccepted *accepted = handle;
  for (guint i = 0; i < accepted->count; i++) {
    weir_wire_close (&accepted->wires[i]);
  }
  g_free (accepted);
}

void
weir_accepted_begin (WeirStage *listener, int process, guint places, const char *peer, const int *fds, gsize count)
{
  WeirAccepted *accepted = g_malloc0 (sizeof (WeirAccepted) + places * sizeof (WeirWire));
  accepted->process = process;
  accepted->count = places;
  if (weir_wires_take (accepted->wires, places, fds, count)) {
    weir_stage_accept (listener, accepted, accepted_free, peer);
    return;
  }
  /* The kernel keeps back what this process has no room for. The child sees that nobody is at the other end. */
  if (weir_connections_may_tell (listener->connections)) {
    weir_connections_tell_untold (listener->connections);
    weir_stage_log (listener, G_LOG_LEVEL_WARNING,
                    "connection from %s: it is closed, as %" G_GSIZE_FORMAT
                    " of %u descriptors came from the child process %d: "
                    "expected a higher limit of open files",
                    peer, count, places * 3, process);
  }
  for (gsize i = 0; i < count; i++) {
    close (fds[i]);
  }
  g_free (accepted);
}
