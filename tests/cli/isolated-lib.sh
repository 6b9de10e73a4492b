# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# Sourced, behind lib.sh, by the tests of stages in child processes.

export WEIR_PLUGIN_PATH=$WEIR_TEST_MODULES
unset NOTIFY_SOCKET JOURNAL_STREAM
# A crash is meant to be one: no core, and under a sanitizer no report instead of ours.
ulimit -c 0
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:handle_segv=0:handle_abort=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:use_sigaltstack=0"

# A peer that asks by the lines of its standard input, and prints what it is answered.
cat >peer.json <<'END'
{ "producers": { "ask": { "plugin": "stdio" } },
  "transforms": { "peer": { "plugin": "unix", "connect": "serve.socket", "from": "ask" } },
  "consumers": { "out": { "plugin": "stdio", "from": "peer" } } }
END

# What does not depend on time, of a summary.
figures () { sed '/_s":/d;/"seconds":/d;/"pauses":/d;/"resumes":/d;/"peak_/d;s/,$//' "$1"; }
# balanced NUMBER: so many links of the summary have nothing queued.
balanced () { [ "$(tr -d ' \n' <summary | grep -o '"queued":0' | wc -l)" = "$1" ] || fail "something is queued" "$(cat summary)"; }
# start ARGUMENT...: in the background, as $pid; nothing that another has said is there any more.
start () {
  : >stdout
  : >stderr
  "$WEIR" run --quiet --summary summary "$@" >stdout 2>stderr 3>&- 4>&- 5>&- 6>&- &
  pid=$!
}
# ended: what was started comes to its end; with the child's number taken out of what was said. stop: it is told to.
ended () {
  wait $pid
  status=$?
  sed -i 's/process [0-9][0-9]*/process N/' stderr
}
stop () {
  kill -TERM $pid
  ended
}
children_of () { cat /proc/"$1"/task/*/children; }
# child_of PID: the one child that it has, once it has become the program.
child_of () { children_of "$1" | tr ' ' '\n' | while read -r c; do [ -z "$c" ] || ! tr '\0' ' ' <"/proc/$c/cmdline" | grep -q '^weir isolated ' || echo "$c"; done; }
has_child () { [ -n "$(child_of "$1")" ]; }
is_gone () { [ ! -e "/proc/$1" ]; }
# at_rest: no thread of it or of its children runs, wants to, or has done so while it was looked at: nothing will happen but by a timer,
# or from outside. So is one that has only begun to wait for its first file; what it is to have done by then is awaited first.
schedstat () { cat "/proc/$pid"/task/*/schedstat; for c in $(children_of $pid); do cat "/proc/$c"/task/*/schedstat; done; }
states () { sed -s 's/.*) //; s/ .*//' "/proc/$pid"/task/*/stat; for c in $(children_of $pid); do sed -s 's/.*) //; s/ .*//' "/proc/$c"/task/*/stat; done; }
at_rest () {
  local before
  before=$(schedstat)
  ! states | grep -q -v S && [ "$before" = "$(schedstat)" ]
}
# serve ARGUMENT...: in the background, and listening; the socket is there a little before it does.
serve () {
  rm -f serve.socket log
  start "$@"
  wait_until is_listening
}
is_listening () { grep -q 'listening on serve.socket$' stderr; }
# ask NUMBER: what a peer that sends 1 to NUMBER gets is in got.
ask () { seq 1 "$1" | timeout 50 "$WEIR" run --quiet peer.json >got 2>&1; }
