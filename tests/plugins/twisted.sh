#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pipelines of conf/ and plain ones against real Twisted peers (tests/twisted), that pause and resume at random: byte for byte.
python=/usr/bin/python3
if ! $python -c 'import twisted' 2>/dev/null; then
  echo "twisted.sh: $python has no Twisted"
  [ "${CI:-}" != true ] || { echo "0%: Checks: 1, Failures: 0, Errors: 1"; exit 1; }
  exit 77
fi
. "$(dirname "$0")/../cli/lib.sh"

client=$WEIR_SOURCE/tests/twisted/client.py
server=$WEIR_SOURCE/tests/twisted/server.py
export PORT=0 TMPDIR=$SCRATCH PYTHONDONTWRITEBYTECODE=1

# serve FILE: runs it, and waits until it listens; $port is where.
serve () {
  : >log # what the last one has said is not read again
  "$WEIR" run --quiet --summary summary.json "$1" </dev/null 2>log &
  pipeline=$!
  wait_until grep -q 'listening on ' log || return
  port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' log)
}

# A stop drains, and nothing was wrong.
stop_serving () {
  kill -TERM $pipeline
  wait $pipeline
  status=$?
  cp log stderr
  expect_status 0
}

# serve_twisted ARGUMENT...: a Twisted server for one connection; $port is where.
serve_twisted () {
  : >report
  $python "$server" "$@" >report 2>fault &
  peer=$!
  wait_until grep -q '^port ' report || return
  port=$(sed -n 's/^port //p' report)
}

# Sets $bytes, $digest and $pauses of the report.
end_of_twisted () {
  wait $peer
  status=$?
  cp fault stderr
  expect_status 0
  read -r bytes digest pauses < <(sed 1d report)
}

sum_of () { sha256sum <"$1" | cut -d ' ' -f 1; }

# ---- a Twisted client, our server ----

serve "$WEIR_SOURCE/conf/serve-random.json"
for seed in 1 2 3; do
  begin "serve-random, as many numbers as a client asks for that pauses at random ($seed)"
  run $python "$client" numbers "127.0.0.1:$port" $seed 10 0 1 300000 7 100000
  expect_status 0
  expect_stdout '400018 numbers, paused often'
done

begin "serve-random, what is no number gets a line that says so, and the connection goes on"
run $python "$client" errors "127.0.0.1:$port" 4
expect_status 0
range='expected a count, a whole number from 0 to 9223372036854775807'
expect_stdout "error: found \"pony\", $range
error: found an empty record, $range
error: found \"-1\", $range
error: found \"9223372036854775808\", $range
error: found \"1 2\", $range
error: found \"\\xff\\xfe\", $range"

begin "serve-random, a client that never reads holds up nobody else, and its numbers are not made"
mkfifo held
$python "$client" never "127.0.0.1:$port" 5 <held >never 2>&1 &
never=$!
exec 9>held
wait_until grep -q '^asked$' never
run $python "$client" numbers "127.0.0.1:$port" 6 300000
expect_status 0
expect_stdout '300000 numbers, paused often'
resident=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\) kB$/\1/p' /proc/$pipeline/status)
# A sanitizer has memory of its own.
grep -q -a -E '__asan_init|__tsan_init' "$WEIR" || [ "${resident:-65536}" -lt 65536 ] || fail "resident: $resident KiB"
exec 9>&-
wait $never
status=$?
expect_status 0
expect_text never 'asked
held'

begin "serve-random, a stop drains"
stop_serving

serve "$WEIR_SOURCE/conf/echo.json"
for seed in 1 2 3; do
  begin "echo, every byte comes back to a client that sends and reads at its own pace ($seed)"
  run $python "$client" echo "127.0.0.1:$port" $seed 4000000
  expect_status 0
  expect_stdout '4000000 bytes, paused often'
done

begin "echo, a stop drains"
stop_serving

begin "proxy, in front of echo: every byte comes back"
serve "$WEIR_SOURCE/conf/echo.json"
echo_pipeline=$pipeline
UPSTREAM=127.0.0.1:$port serve "$WEIR_SOURCE/conf/proxy.json"
run $python "$client" echo "127.0.0.1:$port" 8 4000000
expect_status 0
expect_stdout '4000000 bytes, paused often'
stop_serving
pipeline=$echo_pipeline
stop_serving

# ---- our client, a Twisted server ----

begin "a Twisted push producer is paused by our slow reader, and all that it wrote comes"
serve_twisted numbers 9 300000
cat >read.json <<END
{ "producers":  { "numbers": { "plugin": "tcp", "connect": "127.0.0.1:$port" } },
  "transforms": { "slow": { "plugin": "throttle", "from": "numbers", "bytes_per_second": "4MB" } },
  "consumers":  { "out": { "plugin": "file", "from": "slow", "path": "numbers.txt" } } }
END
run "$WEIR" run --quiet --summary summary.json read.json
expect_status 0
end_of_twisted
expect [ "$(wc -l <numbers.txt)" = 300000 ]
expect [ "$(sum_of numbers.txt)" = "$digest" ]
expect [ "$pauses" -gt 0 ]

begin "a Twisted server that pauses at random gets all that our client sends, in order"
head -c 4000000 /dev/urandom >sent
serve_twisted sink 10
cat >send.json <<END
{ "producers": { "in": { "plugin": "file", "path": "sent" } },
  "consumers": { "out": { "plugin": "tcp", "from": "in", "connect": "127.0.0.1:$port" } } }
END
run "$WEIR" run --quiet --summary summary.json send.json
expect_status 0
end_of_twisted
expect [ "$bytes" = 4000000 ]
expect [ "$digest" = "$(sum_of sent)" ]
expect [ "$pauses" -gt 0 ]

finish
