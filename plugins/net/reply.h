/* SPDX-License-Identifier: Apache-2.0 */
/* reply.h: the role `reply`: the writing half of a connection that the producer has accepted with per_connection.
 * Runs on the connection's worker; the state is the stage's. */
#pragma once

#include <weir/weir.h>

extern const WeirRole net_reply_role;
