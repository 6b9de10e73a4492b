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

# ---- what is no callback of the role's ----
cat >faulty.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 10 } },
  "consumers": { "bad": { "plugin": "faulty", "from": "gen" } } }
END
# With neighbours of the same plugin, one on the same worker, one on its own.
cat >pair.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 10 } },
  "transforms": { "good": { "plugin": "lines", "from": "gen", "thread": "both" } },
  "consumers": { "near": { "plugin": "faulty", "from": "good", "thread": "both", "in": "produce" },
                 "bad": { "plugin": "faulty", "from": "good", "thread": "both" },
                 "far": { "plugin": "faulty", "from": "gen", "in": "produce" } } }
END
# dies FILE IN BY: its last words; that one stage can stall another is not what is meant here.
dies () {
  { run bash -c 'ulimit -c 0; exec "$0" run --quiet "$@"' "$WEIR" --set bad.in="$2" --set bad.by="$3" "$1"; } 2>/dev/null
  sed -i '/: warning: /d' stderr
}

begin "a source of its own"
dies faulty.json source read
expect_status 139
expect_stderr 'weir: bad (faulty, consumer): fatal signal SIGSEGV in a source of its own'

begin "a source of which all is its own"
dies faulty.json custom read
expect_status 139
expect_stderr 'weir: bad (faulty, consumer): fatal signal SIGSEGV in a source of its own'

begin "a source that is freed"
dies faulty.json finalize abort
expect_status 134
expect_stderr 'weir: bad (faulty, consumer): fatal signal SIGABRT in a source of its own'

begin "a source of one of those that share a worker"
dies pair.json source read
expect_status 139
expect_stderr 'weir: bad (faulty, consumer): fatal signal SIGSEGV in a source of its own'

begin "a call handed in, and its destroy function"
for where in call destroy; do
  dies faulty.json $where read
  expect_status 139
  expect_stderr 'weir: bad (faulty, consumer): fatal signal SIGSEGV in a call handed in'
done

begin "an asynchronous call of GIO's"
dies faulty.json async read
expect_status 139
expect_stderr 'weir: bad (faulty, consumer): fatal signal SIGSEGV in an asynchronous call of its own'

begin "an asynchronous call, where stages of one plugin share the worker"
dies pair.json async abort
expect_status 134
expect_stderr 'weir: near or bad (faulty): fatal signal SIGABRT in an asynchronous call of its own'

begin "a thread of its own"
dies faulty.json helper read
expect_status 139
expect_stderr 'weir: bad (faulty, consumer): fatal signal SIGSEGV in a thread of its own'
dies faulty.json helper log
expect_status 133
expect_stderr 'weir: fatal: so it is
weir: bad (faulty, consumer): fatal signal SIGTRAP in a thread of its own'

begin "a thread of a plugin that several stages have"
dies pair.json helper read
expect_status 139
expect_stderr 'weir: near or bad or far (faulty): fatal signal SIGSEGV in a thread of its own'

begin "interrupt(), which another thread calls"
cat >block.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 10 } },
  "transforms": { "bad": { "plugin": "faulty", "from": "gen" } },
  "consumers": { "out": { "plugin": "wrong", "from": "bad", "how": "fail", "in": "start" } } }
END
dies block.json interrupt read
expect_status 139
grep -v 'cannot go on' stderr >told # which comes before or behind it
expect_text told 'weir: bad (faulty, transform): fatal signal SIGSEGV in interrupt()'

begin "a buffer's destroy function, in the turn of who was the last to have it"
cat >unwrap.json <<'END'
{ "producers": { "bad": { "plugin": "faulty" } }, "consumers": { "out": { "plugin": "null", "from": "bad" } } }
END
dies unwrap.json unwrap read
expect_status 139
expect_match stderr '^weir: out \(null, consumer\): fatal signal SIGSEGV in .*, in code of plugin "faulty"$'
[ "$(wc -l <stderr)" = 1 ] || fail "$(cat stderr)"

begin "a signal that comes from outside"
mkfifo input
cat >read.json <<'END'
{ "producers": { "in": { "plugin": "stdio" } }, "consumers": { "out": { "plugin": "null", "from": "in" } } }
END
"$WEIR" run --quiet read.json <input 2>stderr &
pid=$!
exec 3>input
is_crash_ready () { [ "$(cat "/proc/$pid/comm")" = weir ] && [ $((0x$(sed -n 's/^SigCgt:\s*//p' "/proc/$pid/status") & 0x4400)) = $((0x4400)) ]; }
wait_until is_crash_ready
kill -SEGV "$pid"
wait "$pid" 2>/dev/null
status=$?
exec 3>&-
expect_status 139
expect_match stderr '^weir: fatal signal SIGSEGV in no worker.s thread$'

finish
