#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir run --daemon and --pid-file: who waits for whom, what the first process answers, and one daemon a pid file.
. "$(dirname "$0")/lib.sh"

export WEIR_PLUGIN_PATH=$WEIR_TEST_MODULES
cat >tick.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "text": "{seq}", "rate": 1000 } },
  "consumers": { "out": { "plugin": "file", "from": "gen", "path": "out", "append": false } } }
END
cat >wrong.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 10 } },
  "consumers": { "bad": { "plugin": "wrong", "from": "gen", "how": "fail" } } }
END

is_gone () { ! kill -0 "$1" 2>/dev/null; }
# A test that ends early leaves no daemon.
end_daemon () { [ ! -s weir.pid ] || kill "$(cat weir.pid)" 2>/dev/null; }
trap 'end_daemon; leave' EXIT

# of_process PID N: the Nth field behind the name in /proc/PID/stat; 4 is its session, 5 its terminal.
of_process () { sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f "$2"; }

begin "it goes to the background when every stage is ready"
run "$WEIR" run --daemon --pid-file weir.pid --summary summary.json tick.json
expect_status 0
expect_stdout ''
expect_stderr ''
pid=$(cat weir.pid)
expect kill -0 "$pid"
[ -e out ] || fail "a stage is not open yet"
[ "$(of_process "$pid" 4)" != "$(of_process $$ 4)" ] || fail "it has our session"
[ "$(of_process "$pid" 5)" = 0 ] || fail "it has a terminal"
for fd in 0 1 2; do
  [ "$(readlink "/proc/$pid/fd/$fd")" = /dev/null ] || fail "descriptor $fd is $(readlink "/proc/$pid/fd/$fd")"
done

begin "a second start is refused and names the first; the first is not harmed"
run "$WEIR" run --daemon --pid-file weir.pid --set out.path=second tick.json
expect_status 1
expect_stdout ''
expect_stderr "weir: pid file weir.pid is held by process $pid, which is running"
expect_missing second
run "$WEIR" run --quiet --pid-file weir.pid --set out.path=second tick.json
expect_status 1
expect_stderr "weir: pid file weir.pid is held by process $pid, which is running"
expect_text weir.pid "$pid"
expect kill -0 "$pid"

begin "SIGTERM drains it, and the pid file goes"
wait_until test -s out
kill -TERM "$pid"
wait_until is_gone "$pid"
expect_missing weir.pid
expect_match summary.json '^  "result": "stopped",$'
made=$(sed -n '/"gen": {/,/}/s/.*"records_out": \([0-9]*\),/\1/p' summary.json)
[ "$(wc -l <out)" = "$made" ] || fail "made $made records, wrote $(wc -l <out)"

begin "a pid file that was left behind by a dead process is taken over"
echo 999999 >weir.pid
run "$WEIR" run --quiet --pid-file weir.pid --set gen.count=1 --set gen.rate=0 tick.json
expect_status 0
expect_stderr ''
expect_missing weir.pid

begin "a pid file that cannot be made: nothing is started"
rm -f out
run "$WEIR" run --quiet --pid-file no/such/file tick.json
expect_status 1
expect_stderr 'weir: cannot open pid file no/such/file: No such file or directory'
expect_missing out

begin "what goes wrong before it is ready is told by the first process"
for where in open start; do
  run "$WEIR" run --daemon --pid-file weir.pid --set bad.in=$where wrong.json
  expect_status 1
  expect_stdout ''
  expect_stderr 'weir: bad (wrong, consumer): cannot go on'
  expect_missing weir.pid
done

begin "a mistake in the file: exit 2, nothing left"
run "$WEIR" run --daemon --pid-file weir.pid --set bad.how=x wrong.json
expect_status 2
expect_match stderr '^--set:1:9: error: consumers\.bad\.how: found "x", expected one of '
expect_missing weir.pid

begin "stages and summaries that need what a daemon leaves are refused"
cat >print.json <<'END'
{ "producers": { "in": { "plugin": "stdio" } }, "consumers": { "out": { "plugin": "file", "from": "in", "path": "made" } } }
END
run "$WEIR" run --daemon print.json
expect_status 2
expect_stderr 'weir: run: stage "in" uses standard input, which --daemon leaves; see weir run --help'
run "$WEIR" run --daemon --summary - tick.json
expect_status 2
expect_stderr 'weir: run: --summary - writes to standard output, which --daemon leaves; see weir run --help'
expect_missing made

if command -v systemd-analyze >/dev/null; then
  begin "systemd takes the unit as it is, and finds it well shut in"
  sed "s|@bindir@/weir|$WEIR|" "$WEIR_SOURCE/conf/weir@.service.in" >weir@tick.service
  run systemd-analyze verify --man=no ./weir@tick.service
  expect_status 0
  expect_stdout ''
  expect_stderr ''
  run systemd-analyze security --offline=true --threshold=25 ./weir@tick.service
  expect_status 0
fi

finish
