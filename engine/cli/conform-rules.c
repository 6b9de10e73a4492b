/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that `weir plugin check` holds each role of a plugin to (see conform.h): constant data, and its list for --help. */
#include "cli/conform.h"

const WeirConformRule weir_conform_rules[] = {
  { WEIR_CONFORM_EVERY_ROLE, "open", "open() and close() work, and nothing is emitted between them",
    weir_conform_open },
  { WEIR_CONFORM_EVERY_ROLE, "answers",
    "callbacks answer what they may, and nothing is emitted before start() or after the end", weir_conform_answers },
  { WEIR_CONFORM_EVERY_ROLE, "end", "once all inputs have ended, the stage comes to its end and keeps nothing",
    weir_conform_end_of_input },
  { WEIR_CONFORM_EVERY_ROLE, "stop-open", "stopped before its start, it closes", weir_conform_stop_open },
  { WEIR_CONFORM_EVERY_ROLE, "stop-running", "stopped while it runs, it closes, and emits nothing more",
    weir_conform_stop_running },
  { WEIR_CONFORM_EVERY_ROLE, "stop-paused", "stopped while it is paused, it closes, and emits nothing more",
    weir_conform_stop_paused },
  { WEIR_CONFORM_EVERY_ROLE, "stop-ending", "stopped while it ends, it closes", weir_conform_stop_ending },
  { WEIR_CONFORM_EVERY_ROLE, "halt", "closed at once in the middle of its work, it leaves nothing that runs",
    weir_conform_halt },
  { WEIR_CONFORM_EVERY_ROLE, "failure", "failed from outside, it closes", weir_conform_failure },
  { WEIR_CONFORM_EVERY_ROLE, "restart", "failed and opened again, it begins anew", weir_conform_restart },
  { WEIR_CONFORM_EVERY_ROLE, "close", "its state is left alone behind close()", weir_conform_close },
  { WEIR_CONFORM_EVERY_ROLE, "pause", "paused by a full link it emits nothing more, and goes on once there is room",
    weir_conform_pause },
  { WEIR_CONFORM_EVERY_ROLE, "operator", "paused by an operator it emits nothing, and goes on afterwards",
    weir_conform_operator },
  { WEIR_CONFORM_EVERY_ROLE, "enough", "when nobody takes from it any more, it stops and closes", weir_conform_enough },
  { WEIR_CONFORM_EVERY_ROLE, "rest", "with nothing to do it does nothing: produce() does not answer MORE for nothing",
    weir_conform_rest },
  { WEIR_CONFORM_EVERY_ROLE, "wake", "an answer WAIT has something armed that will wake it", weir_conform_wake },
  { WEIR_CONFORM_EVERY_ROLE, "blocking", "callbacks do not block, or the role is flagged WEIR_BLOCKING",
    weir_conform_blocking },
  { WEIR_CONFORM_EVERY_ROLE, "settle", "records that are kept are given back when the input is full of them",
    weir_conform_settle },
  { WEIR_CONFORM_EVERY_ROLE, "ledger", "on each link in = out + dropped + queued, at any time", weir_conform_ledger },
  { WEIR_CONFORM_EVERY_ROLE, "options", "each value that its option table allows is refused or works",
    weir_conform_options },
  { WEIR_CONFORM_EVERY_ROLE, "cycles",
    "opened and closed again and again (--cycles), it leaves no memory, descriptor or thread", weir_conform_cycles },
  { WEIR_CONFORM_EVERY_ROLE, "lives", "run to its end again and again, it leaves no memory, descriptor or thread",
    weir_conform_lives },
  { WEIR_CONFORM_EVERY_ROLE, "streams", "streams that are over leave no memory", weir_conform_streams },
  { WEIR_CONFORM_EVERY_ROLE, "origins",
    "delivered() is told each outcome, at any end of the stage, and leaves nothing of what it was told",
    weir_conform_origins },
  { WEIR_CONFORM_LISTENER, "listen", "the listening stage emits nothing, accepts one peer after another, and stops",
    weir_conform_listens },
  { WEIR_CONFORM_LISTENER, "connection",
    "a connection runs, has nothing to do while its peer is silent, and ends with it", weir_conform_connection },
  { WEIR_CONFORM_LISTENER, "connection-pause",
    "paused, a connection emits nothing more, loses nothing, and others go on", weir_conform_connection_pause },
  { WEIR_CONFORM_LISTENER, "connection-lost", "a peer that is gone in the midst of it ends its own connection only",
    weir_conform_connection_lost },
  { WEIR_CONFORM_LISTENER, "connection-stop", "stopped and halted in each state of a connection, all is closed",
    weir_conform_connection_stop },
  { WEIR_CONFORM_LISTENER, "connection-ledger", "on each link of each connection in = out + dropped + queued",
    weir_conform_connection_ledger },
  { WEIR_CONFORM_LISTENER, "connections", "many short ones (a fifth of --cycles) leave no memory, descriptor or thread",
    weir_conform_connections },
  { WEIR_CONFORM_REPLY, "reply", "what it is given reaches the peer", weir_conform_reply },
  { WEIR_CONFORM_REPLY, "reply-end", "behind its end the connection's producer goes on, or ends in good order",
    weir_conform_reply_end },
  { WEIR_CONFORM_REPLY, "reply-wait", "while its peer takes nothing it waits, and loses nothing",
    weir_conform_reply_wait },
  { WEIR_CONFORM_EVERY_ROLE, NULL, NULL, NULL },
};

char *
weir_conform_list_rules (void)
{
  GString *list = g_string_new ("Rules, each for each role of the plugin, each in a process of its own:\n");
  for (const WeirConformRule *rule = weir_conform_rules; rule->name != NULL; rule++) {
    g_string_append_printf (list, "  %-17s %s\n", rule->name, rule->summary);
  }
  return g_string_free (list, FALSE);
}
