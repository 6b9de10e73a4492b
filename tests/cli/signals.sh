#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What signals do to a running pipeline: drain, the deadline, a second signal, a callback that never returns.
. "$(dirname "$0")/lib.sh"

export WEIR_PLUGIN_PATH=$WEIR_TEST_MODULES
cat >copy.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "text": "{seq}" } },
  "transforms": { "slow": { "plugin": "throttle", "from": "gen", "records_per_second": 100000, "burst": "1ms" } },
  "consumers": { "out": { "plugin": "file", "from": "slow", "path": "out", "append": false } } }
END
cat >wrong.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 1000000, "size": 9 } },
  "consumers": { "bad": { "plugin": "wrong", "from": "gen", "how": "wait", "queue": { "records": 100 } },
                 "seen": { "plugin": "file", "from": "gen", "path": "seen", "append": false } },
  "engine": { "shutdown": "50ms" } }
END
sed 's/"50ms"/"1h"/' wrong.json >patient.json

# start OPTION...: runs weir in the background, $pid, and waits until it runs.
start () {
  rm -f out seen
  "$WEIR" run --summary summary.json "$@" </dev/null >stdout 2>stderr &
  pid=$!
  wait_until is_running
}
# It is weir by now, no copy of this script, and catches SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2.
is_running () {
  local caught
  [ "$(cat "/proc/$pid/comm")" = weir ] && caught=$(sed -n 's/^SigCgt:\s*//p' "/proc/$pid/status") && [ $((0x$caught & 0x4a03)) = $((0x4a03)) ]
}
# start_wrong OPTION... FILE: likewise, until there are as many records in front of `bad` as there may be, and no others elsewhere.
start_wrong () {
  start --quiet "$@"
  wait_until has_seen 100
}
has_seen () { [ "$(wc -l <seen)" = "$1" ]; }
# await: its end, in $status.
await () {
  wait "$pid"
  status=$?
}

begin "SIGTERM stops the producers and drains: nothing is lost"
start copy.json
wait_until test -s out
kill -TERM "$pid"
await
expect_status 0
expect_stdout ''
expect_match summary.json '^  "result": "stopped",$'
expect_no_match summary.json '"queued": [1-9]'
expect_no_match summary.json '"dropped": [1-9]'
made=$(sed -n '/"gen": {/,/}/s/.*"records_out": \([0-9]*\),/\1/p' summary.json)
[ "$(wc -l <out)" = "$made" ] || fail "made $made records, wrote $(wc -l <out)"
[ "$(tail -n 1 out)" = $((made - 1)) ] || fail "the last one written is $(tail -n 1 out) of $made"

begin "SIGINT does the same"
start --quiet copy.json
wait_until test -s out
kill -INT "$pid"
await
expect_status 0
expect_stderr ''

begin "SIGHUP, SIGUSR1 and SIGUSR2 are logged and ignored"
start --quiet copy.json
for name in HUP USR1 USR2; do
  kill -$name "$pid"
  wait_until grep -q "SIG$name" stderr
done
kill -TERM "$pid"
await
expect_status 0
expect_stderr 'weir: SIGHUP is ignored
weir: SIGUSR1 is ignored
weir: SIGUSR2 is ignored'

begin "SIGPIPE is ignored"
start --quiet copy.json
kill -PIPE "$pid"
kill -TERM "$pid"
await
expect_status 0
expect_stderr ''

begin "the deadline of a drain: what is left is said, and the exit code is 3"
start_wrong wrong.json
kill -TERM "$pid"
await
expect_status 3
expect_match stderr '^weir: warning: wrong: the time to drain is over$'
expect_match stderr '^weir: warning: gen:bad holds [0-9]+ records, [0-9]+ bytes$'
[ "$(grep -c '^weir: ' stderr)" = 2 ] || fail "$(cat stderr)"
expect_match summary.json '^  "result": "undelivered",$'
expect_match summary.json '"queued": [1-9]'

begin "a failure wins over what is left"
run "$WEIR" run --quiet --summary summary.json --set bad.how=fail patient.json
expect_status 1
expect_no_match stderr '^weir: .*[^n]$'
expect_match stderr '^weir: bad \(wrong, consumer\): cannot go on$'
expect_match summary.json '^  "result": "failed",$'

begin "a stop while a stage is not ready yet: what waits for it is said"
start_wrong --set bad.in=start wrong.json
kill -TERM "$pid"
await
expect_status 3
expect_match stderr '^weir: warning: gen:bad holds [0-9]+ records, [0-9]+ bytes$'

begin "a second signal ends at once, and says what is left"
start_wrong patient.json
kill -TERM "$pid"
kill -INT "$pid"
await
expect_match stderr '^weir: warning: patient: ended by a second signal$'
expect_match stderr '^weir: warning: gen:bad holds [0-9]+ records, [0-9]+ bytes$'
[ "$status" = 130 ] || [ "$status" = 143 ] || fail "exit status $status"

# is_taken: no SIGTERM is on its way to it.
is_taken () {
  local key value
  [ -e "/proc/$pid/status" ] || return 0
  while read -r key value; do
    [ "$key" != ShdPnd: ] || return $((0x$value & 0x4000 ? 1 : 0))
  done <"/proc/$pid/status"
}
# twice CONDITION: SIGTERM, and again as soon as CONDITION holds. FALSE: the second may have come too late to be the same.
twice () {
  local before=${EPOCHREALTIME/./}
  kill -TERM "$pid"
  wait_until "$1"
  kill -TERM "$pid" 2>/dev/null
  wait_until is_taken
  [ $((${EPOCHREALTIME/./} - before)) -lt 80000 ]
}

begin "the same signal twice at once, as timeout(1) sends it, is one wish: it drains"
judged=0
for _ in {1..20}; do
  start --quiet copy.json
  wait_until test -s out
  twice is_taken # or the kernel makes one of them
  late=$?
  await
  [ $late = 0 ] || continue
  [ $((judged += 1)) -le 3 ] || break
  expect_status 0
  expect_stderr ''
done

begin "also where it has drained, and only its last words are left; another signal ends it then"
mkfifo full
# start_full: likewise, its summary to somebody who does not read.
start_full () {
  exec 4<>full
  head -c 65536 /dev/zero >&4
  rm -f out
  "$WEIR" run --quiet --summary - copy.json </dev/null >full 2>stderr 4>&- &
  pid=$!
  wait_until is_running
  wait_until test -s out
}
# has_drained: and ignores SIGHUP, where it would have told so.
has_drained () {
  local key value
  while read -r key value; do
    [ "$key" != SigIgn: ] || return $((0x$value & 1 ? 0 : 1))
  done <"/proc/$pid/status"
}
judged=0
for _ in {1..20}; do
  start_full
  twice has_drained
  late=$?
  head -c 65536 <&4 >/dev/null
  await
  exec 4>&-
  [ $late = 0 ] || continue
  [ $((judged += 1)) -le 3 ] || break
  expect_status 0
  expect_stderr ''
done
start_full
kill -TERM "$pid"
wait_until has_drained
kill -INT "$pid"
{ await; } 2>/dev/null
exec 4>&-
expect_status 130

begin "a callback that never returns is named"
start --quiet --set bad.how=hang wrong.json
wait_until grep -q hanging stdout
kill -TERM "$pid"
await
expect_status 1
expect_match stderr '^weir: bad \(wrong, consumer\): consume\(\) does not return; the program ends without it$'
expect_match summary.json '^  "result": "failed",$'

begin "and so is a source of its own that does not"
cat >faulty.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "text": "x" } },
  "consumers": { "good": { "plugin": "null", "from": "gen", "thread": "both" },
                 "bad": { "plugin": "faulty", "from": "gen", "thread": "both", "in": "consume", "by": "hang" } },
  "engine": { "shutdown": "50ms" } }
END
sed 's/, "thread": "both"//g' faulty.json >own.json
start --quiet --set bad.in=source own.json
wait_until grep -q hanging stdout
kill -TERM "$pid"
await
expect_status 1
expect_match stderr '^weir: bad \(faulty, consumer\): a source of its own does not return; the program ends without it$'

begin "of those who share a worker, the one who does not return is named"
start --quiet faulty.json
wait_until grep -q hanging stdout
kill -TERM "$pid"
await
expect_status 1
expect_match stderr '^weir: bad \(faulty, consumer\): consume\(\) does not return; the program ends without it$'

finish
