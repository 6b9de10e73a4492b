#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bounded memory: pipelines that would hold gigabytes if anything were unbounded stay below 32 MiB of resident memory, and an idle
# one uses no CPU. The peak is the kernel's (VmHWM), which is gone with the process: so `out` writes into a FIFO, whose end
# tells that all has come through, and the producer `hold` keeps the program running until the peak is read. With
# WEIR_TEST_LONG=1 as much as it takes to see a slow leak. Not under a sanitizer, whose memory is not the program's.
. "$(dirname "$0")/lib.sh"

unset WEIR_PLUGIN_PATH NOTIFY_SOCKET JOURNAL_STREAM
long=${WEIR_TEST_LONG:-0}
mkfifo hold through

# pipeline PRODUCER TRANSFORMS LAST: writes p.json.
pipeline () {
  cat >p.json <<END_OF_CONFIG
{
  "producers": { "in": { $1 }, "hold": { "plugin": "file", "path": "hold" } },
  "transforms": { $2 },
  "consumers": { "out": { "plugin": "file", "path": "through", "from": "$3" }, "rest": { "plugin": "null", "from": "hold" } }
}
END_OF_CONFIG
}

# has_opened PID PROGRAM FIFO: it does; not the shell's child that is yet to become the program and still has the shell's own.
has_opened () {
  [ "/proc/$1/exe" -ef "$2" ] && find "/proc/$1/fd" -lname "*/$3" | grep -q .
}

# peak: runs p.json with what is on standard input; its peak is below the limit. Sets $lines to what came through.
peak () {
  local pid reader kilobytes
  exec 4<>through 5<>hold
  wc -l <through >count 4<&- 5<&- &
  reader=$!
  "$WEIR" run --quiet --summary summary.json p.json <&0 >stdout 2>stderr 4<&- 5<&- &
  pid=$!
  wait_until has_opened $reader "$(command -v wc)" through
  wait_until has_opened $pid "$WEIR" through && wait_until has_opened $pid "$WEIR" hold
  exec 4<&-
  wait $reader
  kilobytes=$(awk '/^VmHWM:/ { print $2 }' "/proc/$pid/status")
  exec 5<&-
  wait $pid
  status=$?
  expect_status 0
  lines=$(cat count)
  [ "${kilobytes:-99999999}" -lt 32768 ] || fail "$kilobytes KiB resident, expected less than 32768"
}

# paused LINK: it was full at least once, or the case has tested nothing.
paused () {
  [ "$(tr -d ' \n' <summary.json | grep -o "\"name\":\"$1\".*" | grep -o '"pauses":[0-9]*' | head -n 1 | cut -d: -f2)" -gt 0 ] ||
    fail "$1 never paused anybody"
}

begin "a throttled pipeline fed gigabytes"
truncate -s "$([ "$long" = 1 ] && echo 10G || echo 1G)" big
pipeline '"plugin": "file", "path": "big"' '"slow": { "plugin": "throttle", "from": "in", "bytes_per_second": "1GB", "burst": "1ms" },
  "none": { "plugin": "match", "from": "slow", "pattern": "^x" }' none
peak </dev/null
paused in:slow
rm big

begin "random with millions out of one record"
count=$([ "$long" = 1 ] && echo 100000000 || echo 10000000)
pipeline "\"plugin\": \"generate\", \"count\": 1, \"text\": \"$count\"" '"many": { "plugin": "random", "from": "in" }' many
peak </dev/null
expect [ "$lines" = "$count" ]
paused many:out

begin "a sparse match into a slow consumer"
pipeline '"plugin": "stdio"' '"cut": { "plugin": "lines", "from": "in" }, "few": { "plugin": "match", "from": "cut", "pattern": "^keep" },
  "slow": { "plugin": "throttle", "from": "few", "records_per_second": 2000, "burst": "1ms" }' slow
count=$([ "$long" = 1 ] && echo 30000 || echo 3000)
peak < <(awk -v n="$count" 'BEGIN { for (i = 0; i < n; i++) printf "%65525s\nkeep00000\n", "" }')
expect [ "$lines" = "$count" ]

begin "a flood of newlines"
head -c "$([ "$long" = 1 ] && echo 64M || echo 2M)" /dev/zero | tr '\0' '\n' >newlines
pipeline '"plugin": "file", "path": "newlines"' '"cut": { "plugin": "lines", "from": "in" },
  "slow": { "plugin": "throttle", "from": "cut", "records_per_second": 1000000, "burst": "1ms" }' slow
peak </dev/null
expect [ "$lines" = "$(stat -c %s newlines)" ]
paused cut:slow
paused in:cut

# The one case in which time has to pass.
begin "an idle pipeline uses no CPU"
echo start >idle.log
cat >p.json <<'END_OF_CONFIG'
{
  "producers": { "in": { "plugin": "file", "path": "idle.log", "follow": true } },
  "transforms": { "cut": { "plugin": "lines", "from": "in" }, "slow": { "plugin": "throttle", "from": "cut", "records_per_second": 1000 } },
  "consumers": { "out": { "plugin": "file", "path": "out.txt", "from": "slow" } }
}
END_OF_CONFIG
came () { [ -s out.txt ]; }
ticks () { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }
switches () { cat "/proc/$1"/task/*/status | awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n }'; }
"$WEIR" run --quiet p.json </dev/null 2>stderr &
pid=$!
wait_until came
# On a machine that is slow it may still have something to do; what is never idle has no idle half second at all.
for _ in {1..20}; do
  used=$(ticks $pid) woken=$(switches $pid)
  read -r -t 0.5 <> <(:) || :
  used=$(($(ticks $pid) - used)) woken=$(($(switches $pid) - woken))
  [ $used -gt 1 ] || [ $woken -gt 2 ] || break
done
[ $used -le 1 ] && [ $woken -le 2 ] || fail "used $used ticks and woke up $woken times in half a second"
kill -TERM $pid
wait $pid
status=$?
expect_status 0

finish
