/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that `weir plugin check` holds each role of a plugin to (see conform.h). Constant data. */
#include "cli/conform.h"

const WeirConformRule weir_conform_rules[] = {
  { "open", "open() and close() work, and nothing is emitted between them", weir_conform_open },
  { "answers", "callbacks answer what they may, and nothing is emitted before start() or after the end",
    weir_conform_answers },
  { "end", "once all inputs have ended, the stage comes to its end and keeps nothing", weir_conform_end_of_input },
  { "stop-open", "stopped before its start, it closes", weir_conform_stop_open },
  { "stop-running", "stopped while it runs, it closes, and emits nothing more", weir_conform_stop_running },
  { "stop-paused", "stopped while it is paused, it closes, and emits nothing more", weir_conform_stop_paused },
  { "stop-ending", "stopped while it ends, it closes", weir_conform_stop_ending },
  { "halt", "closed at once in the middle of its work, it leaves nothing that runs", weir_conform_halt },
  { "failure", "failed from outside, it closes", weir_conform_failure },
  { "restart", "failed and opened again, it begins anew", weir_conform_restart },
  { "close", "its state is left alone behind close()", weir_conform_close },
  { "pause", "paused by a full link it emits nothing more, and goes on once there is room", weir_conform_pause },
  { "operator", "paused by an operator it emits nothing, and goes on afterwards", weir_conform_operator },
  { "enough", "when nobody takes from it any more, it stops and closes", weir_conform_enough },
  { "rest", "with nothing to do it does nothing: produce() does not answer MORE for nothing", weir_conform_rest },
  { "wake", "an answer WAIT has something armed that will wake it", weir_conform_wake },
  { "blocking", "callbacks do not block, or the role is flagged WEIR_BLOCKING", weir_conform_blocking },
  { "settle", "records that are kept are given back when the input is full of them", weir_conform_settle },
  { "ledger", "on each link in = out + dropped + queued, at any time", weir_conform_ledger },
  { "options", "each value that its option table allows is refused or works", weir_conform_options },
  { "cycles", "opened and closed again and again (--cycles), it leaves no memory, descriptor or thread",
    weir_conform_cycles },
  { "lives", "run to its end again and again, it leaves no memory, descriptor or thread", weir_conform_lives },
  { "streams", "streams that are over leave no memory", weir_conform_streams },
  { NULL, NULL, NULL },
};
