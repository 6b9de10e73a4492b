/* SPDX-License-Identifier: Apache-2.0 */
/* halves.h: the two halves of one connection, as callbacks of the stages that have them: a producer or a reply of a connection's
 * own pipeline, and the duplex transform. What goes wrong fails the stage.
 * Runs on the worker that both halves share. */
#pragma once

#include "reader.h"

/* Arms what wakes for the condition, and for the connection's idle_timeout. FALSE: that is over already, and error says so. */
gboolean net_half_wait (WeirStage *stage, const NetConnection *connection, int fd, GIOCondition condition,
                        GError **error);
/* Something was read or written. */
static inline void
net_half_active (WeirStage *stage, NetConnection *connection)
{
  if (connection->idle_timeout > 0) {
    connection->active = weir_stage_now (stage);
  }
}

/* produce(): MORE, WAIT, DONE when the peer has sent all, or FAIL. */
WeirNext net_half_read (WeirStage *stage, NetReader *reader, gsize chunk);
/* flush(): MORE, WAIT or FAIL. */
WeirNext net_half_write (WeirStage *stage, NetConnection *connection, WeirWriter *writer, const WeirRecord *records,
                         gsize count);
/* end(): the peer is told that nothing follows. */
WeirNext net_half_end (WeirStage *stage, NetConnection *connection);
