#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A fatal signal names the stage, plugin and callback before it dumps core. Not under a sanitizer, which has its own last words.
. "$(dirname "$0")/lib.sh"

export WEIR_PLUGIN_PATH=$WEIR_TEST_MODULES
cat >wrong.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 10 } },
  "consumers": { "bad": { "plugin": "wrong", "from": "gen", "how": "segv" } } }
END

# crash OPTION...: bash says on its own standard error what became of its child.
crash () {
  { run bash -c 'ulimit -c 0; exec "$0" run --quiet "$@" wrong.json' "$WEIR" "$@"; } 2>/dev/null
}

begin "a bad access, in each callback"
for where in open start close; do
  crash --set bad.in=$where
  expect_status 139
  expect_stderr "weir: bad (wrong, consumer): fatal signal SIGSEGV in $where()"
done
crash
expect_status 139
expect_stderr 'weir: bad (wrong, consumer): fatal signal SIGSEGV in consume()'

begin "abort()"
crash --set bad.how=abort
expect_status 134
expect_stderr 'weir: bad (wrong, consumer): fatal signal SIGABRT in consume()'

begin "a stack that is used up"
crash --set bad.how=stack
expect_status 139
expect_stderr 'weir: bad (wrong, consumer): fatal signal SIGSEGV in consume()'

begin "a signal that comes from outside"
mkfifo input
cat >read.json <<'END'
{ "producers": { "in": { "plugin": "stdio" } }, "consumers": { "out": { "plugin": "null", "from": "in" } } }
END
"$WEIR" run --quiet read.json <input 2>stderr &
pid=$!
exec 3>input
is_crash_ready () { [ $((0x$(sed -n 's/^SigCgt:\s*//p' "/proc/$pid/status") & 0x4400)) = $((0x4400)) ]; }
wait_until is_crash_ready
kill -SEGV "$pid"
wait "$pid" 2>/dev/null
status=$?
exec 3>&-
expect_status 139
expect_match stderr '^weir: fatal signal SIGSEGV in no worker.s thread$'

finish
