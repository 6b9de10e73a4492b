#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Origins in whole programs: what a producer is told of what it has emitted, wherever the stages behind it run, each in a child process of
# its own too. The producer (tests/modules/asks.c) cuts lines into chunks, so that each line but the first is of two of them.
. "$(dirname "$0")/lib.sh"

export WEIR_PLUGIN_PATH=$WEIR_TEST_MODULES
cat >asks.json <<'END'
{ "producers": { "asks": { "plugin": "asks", "path": "told" } },
  "transforms": { "split": { "plugin": "lines", "from": "asks" } },
  "consumers": { "out": { "plugin": "file", "from": "split", "path": "written" } } }
END
# Line 11 and all that follow are too long.
cat >bad.json <<'END'
{ "producers": { "asks": { "plugin": "asks", "path": "told" } },
  "transforms": { "split": { "plugin": "lines", "from": "asks", "max": 10, "too_long": "reject" } },
  "consumers": { "out": { "plugin": "file", "from": "split", "path": "written" },
                 "bad": { "plugin": "file", "from": "split.rejected", "path": "bad" } } }
END
cat >crash.json <<'END'
{ "producers": { "asks": { "plugin": "asks", "path": "told", "chunks": 100, "window": 20 } },
  "transforms": { "split": { "plugin": "lines", "from": "asks" },
                  "pass": { "plugin": "stumbles", "from": "split", "count": "count", "every": 30, "times": 2, "on_error": "restart" } },
  "consumers": { "out": { "plugin": "file", "from": "pass", "path": "written" } } }
END

# weir OPTION... FILE: a run with an empty past, within a minute.
weir () {
  rm -f told written bad count
  run timeout 60 "$WEIR" run --quiet "$@"
}

# told_so TEXT: how many were told what, in the order of the outcomes' names.
told_so () {
  local found
  found=$(cut -d' ' -f2 told | sort | uniq -c | sed 's/^ *//' | paste -s -d,)
  [ "$found" = "$1" ] || fail "told: $found" "expected: $1" "$(cat stderr)"
}

isolated=()
for where in '' split out asks 'split out' 'asks split out'; do
  isolated=()
  for stage in $where; do
    isolated+=(--set "$stage.isolate=true")
  done

  begin "each chunk is told to be delivered, in order (isolated: ${where:-none})"
  weir "${isolated[@]}" asks.json
  expect_status 0
  told_so '20 delivered'
  seq 1 20 | sed 's/$/ delivered/' >wanted
  expect_file told wanted
  { echo 'of 0' && seq 1 19 | sed 's/.*/line &of &/' && echo 'line 20'; } >wanted
  head -c -1 wanted >whole
  expect_file written whole

  begin "many, with a long window (isolated: ${where:-none})"
  weir "${isolated[@]}" --set asks.chunks=5000 --set asks.window=400 asks.json
  expect_status 0
  told_so '5000 delivered'
done

for where in split 'asks split'; do
  isolated=()
  for stage in $where; do
    isolated+=(--set "$stage.isolate=true")
  done
  begin "rejected, each that a rejected line has a part of (isolated: $where)"
  weir bad.json
  cp told wanted
  expect_match wanted '^20 rejected$'
  expect_match wanted '^3 delivered$'
  weir "${isolated[@]}" bad.json
  expect_status 0
  expect_file told wanted
done

begin "dropped by a lossy link"
weir --set 'out.queue={"records": 1, "when_full": "drop_oldest"}' --set asks.chunks=2000 --set asks.window=2000 asks.json
expect_status 0
expect_no_match told 'rejected|abandoned'
[ "$(wc -l <told)" = 2000 ] || fail "$(wc -l <told) were told"

begin "dropped by a taker that has enough"
cat >enough.json <<'END'
{ "producers": { "asks": { "plugin": "asks", "path": "told", "chunks": 1000, "window": 1000 } },
  "transforms": { "some": { "plugin": "head", "from": "asks", "count": 5 } },
  "consumers": { "out": { "plugin": "null", "from": "some" } } }
END
weir enough.json
expect_status 0
expect_match told '^1 delivered$'
expect_match told ' dropped$'

begin "a stop waits until all are told"
rm -f told written
mkfifo slow
"$WEIR" run --quiet --set out.path=slow --set asks.chunks=1000000 asks.json 2>stderr &
pid=$!
exec 3<slow
IFS= read -r _ <&3
kill -TERM $pid
cat <&3 >rest
wait $pid
status=$?
exec 3<&-
expect_status 0
expect_no_match told 'abandoned|dropped|rejected'

begin "a deadline abandons those that are left"
cat >stuck.json <<'END'
{ "engine": { "shutdown": "100ms" },
  "producers": { "asks": { "plugin": "asks", "path": "told", "chunks": 1000000, "window": 10 } },
  "transforms": { "slow": { "plugin": "throttle", "from": "asks", "bytes_per_second": 1, "burst": "1s" } },
  "consumers": { "out": { "plugin": "null", "from": "slow" } } }
END
rm -f told stderr
"$WEIR" run --quiet --progress stuck.json 2>stderr &
pid=$!
wait_until grep -q 'produced [1-9]' stderr
kill -TERM $pid
wait $pid
status=$?
expect_status 3
expect_match told ' abandoned$'

begin "a stage that fails and is restarted has nothing abandoned"
weir crash.json
expect_status 0
told_so '100 delivered'
[ "$(sort -u written | wc -l)" = 101 ] || fail "$(sort -u written | wc -l) lines"

begin "nor has one that crashes in a child process, and is restarted"
weir --set pass.isolate=true --set pass.how=segv crash.json
expect_status 0
told_so '100 delivered'
[ "$(sort -u written | wc -l)" = 101 ] || fail "$(sort -u written | wc -l) lines"

begin "one that fails for good has what it left abandoned"
weir --set pass.on_error=stop crash.json
expect_status 1
expect_match told ' abandoned$'
expect_no_match told 'dropped|rejected'
finish
