#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "on_error": "restart": a stage that fails is opened again, by and by, and has what it had not done once more; nothing is lost, and
# the program says what happens. With a plugin that fails, or crashes in a child process, as often as it is told to.
. "$(dirname "$0")/lib.sh"

export WEIR_PLUGIN_PATH=$WEIR_TEST_MODULES
seq 1 200 >numbers
cat >write.json <<'END'
{ "producers": { "log": { "plugin": "file", "path": "numbers" } },
  "transforms": { "split": { "plugin": "lines", "from": "log" } },
  "consumers": { "out": { "plugin": "stumbles", "from": "split", "path": "written", "count": "count", "every": 60, "times": 3,
                          "keep": 7, "on_error": "restart" } } }
END
cat >pass.json <<'END'
{ "producers": { "log": { "plugin": "file", "path": "numbers" } },
  "transforms": { "split": { "plugin": "lines", "from": "log" },
                  "pass": { "plugin": "stumbles", "from": "split", "count": "count", "every": 60, "times": 3,
                            "on_error": "restart" } },
  "consumers": { "out": { "plugin": "file", "from": "pass", "path": "written" } } }
END

# weir OPTION... FILE: a run with an empty past.
weir () {
  rm -f count written
  run "$WEIR" run --quiet --summary summary.json "$@"
}

# figure STAGE KEY
figure () {
  sed -n "/^    \"$1\": {/,/^    }/s/.*\"$2\": \([0-9]*\),/\1/p" summary.json
}

# came_back STAGE TIMES
came_back () {
  [ "$(figure "$1" restarts)" = "$2" ] || fail "$1 was restarted $(figure "$1" restarts) times"
  [ "$(grep -c "^weir: $1 (stumbles, .*; it restarts in [0-9.]* s\$" stderr)" = "$2" ] || fail "said: $(cat stderr)"
}

begin "a consumer: what it had kept comes again, and all is written once"
weir write.json
expect_status 0
expect_file written numbers
came_back out 3
expect_match stderr '^weir: out \(stumbles, consumer\): has stumbled; it restarts in 0\.(0[5-9]|1[0-9]|2[0-9]|3[0-9]|4[0-9]) s$'
# The 60th is the fourth of a batch of seven: each time four are handed out again.
[ "$(figure out redelivered)" -ge 9 ] || fail "$(figure out redelivered) were handed out again"

begin "a transform"
weir pass.json
expect_status 0
expect_file written numbers
came_back pass 3

begin "a producer begins anew"
cat >count.json <<'END'
{ "producers": { "count": { "plugin": "stumbles", "count": "count", "every": 4, "times": 2, "on_error": "restart" } },
  "consumers": { "out": { "plugin": "file", "from": "count", "path": "written" } } }
END
weir count.json
expect_status 0
printf '1\n2\n3\n1\n2\n3\n1\n2\n3\n' >wanted
expect_file written wanted
came_back count 2

begin "start() may fail, also the first"
weir --set out.in=start write.json
expect_status 0
expect_file written numbers
came_back out 3

begin "the first open() may not: what cannot be opened is told at once"
weir --set out.in=open write.json
expect_status 1
expect_stderr 'weir: out (stumbles, consumer): has stumbled'
[ ! -s written ] || fail "it has written"

begin "at the end of its input, what it had kept comes again before the end does"
weir --set out.in=end write.json
expect_status 0
expect_file written numbers
came_back out 3

begin "the default is to stop"
weir --set out.on_error=stop write.json
expect_status 1
expect_stderr 'weir: out (stumbles, consumer): has stumbled'

begin "the summary says so in words"
run "$WEIR" run write.json
rm -f count written
run "$WEIR" run write.json
expect_status 0
expect_match stderr '^  out: 3 errors, restarted 3 times, [0-9]+ records handed out again$'

begin "a child process that crashes is started again, and has what it had not done once more"
weir --set out.isolate=true --set out.how=segv write.json
expect_status 0
came_back out 3
expect_match stderr '^weir: out \(stumbles, consumer\): its child process [0-9]+ has crashed: fatal signal SIGSEGV in consume\(\); it restarts in [0-9.]* s$'
# What was written and not yet told to be done when it crashed is written twice; nothing is missing.
sort -nu written >once
expect_file once numbers
[ "$(figure out records_in)" -ge 200 ] || fail "$(figure out records_in) records in"

begin "one that is killed, too, while the stream goes on"
rm -f count written
cat >steady.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "rate": 2000, "text": "{seq}" } },
  "consumers": { "out": { "plugin": "stumbles", "from": "gen", "path": "written", "count": "count", "times": 0, "keep": 7,
                          "isolate": true, "on_error": "restart" } } }
END
is_gone () { [ ! -e "/proc/$1" ]; }
# has_written LINES: more than so many, and there is a child.
has_written () { pgrep -P $pid -f '^weir isolated' >/dev/null && [ "$(cat written 2>/dev/null | wc -l)" -gt "$1" ]; }
"$WEIR" run --quiet --summary summary.json steady.json 2>stderr &
pid=$!
lines=0
for _ in 1 2 3; do
  wait_until has_written $((lines + 100))
  child=$(pgrep -P $pid -f '^weir isolated')
  kill -9 "$child"
  wait_until is_gone "$child"
  lines=$(wc -l <written)
done
wait_until has_written $((lines + 100))
kill -TERM $pid
wait $pid
status=$?
expect_status 0
[ "$(figure out restarts)" = 3 ] || fail "restarted $(figure out restarts) times: $(cat stderr)"
seq 0 $(($(figure gen records_out) - 1)) >wanted
expect has_each written wanted

begin "an isolated transform that crashes"
weir --set pass.isolate=true --set pass.how=segv pass.json
expect_status 0
came_back pass 3
sort -nu written >once
expect_file once numbers

begin "an isolated producer that crashes"
weir --set count.isolate=true --set count.how=segv count.json
expect_status 0
came_back count 2
expect_match written '^3$'

begin "one that is down when the program stops is tried once more, and what is left is told"
rm -f count written stderr
sed '1s/{/{ "engine": { "shutdown": "300ms" },/' write.json >short.json
"$WEIR" run --quiet --progress --set out.times=1000 --set out.every=1 short.json 2>stderr &
pid=$!
wait_until grep -q ', queued 200, .*; down: out$' stderr
kill -TERM $pid
wait $pid
status=$?
expect_status 3
expect_match stderr '^weir: warning: split:out holds 200 records, '

begin "progress says who is down"
rm -f count written stderr
"$WEIR" run --quiet --progress --set out.times=1000 --set out.every=1 short.json 2>stderr &
pid=$!
wait_until grep -q '; down: out$' stderr
kill -TERM $pid
wait $pid
expect_match stderr '; down: out$'

begin "exec: a child that fails is started again"
cat >exec.json <<'END'
{ "producers": { "child": { "plugin": "exec", "on_error": "restart",
                            "command": ["sh", "-c", "echo x >>count; wc -l <count; test $(wc -l <count) -ge 3"] } },
  "consumers": { "out": { "plugin": "file", "from": "child", "path": "written" } } }
END
weir exec.json
expect_status 0
printf '1\n2\n3\n' >wanted
expect_file written wanted
expect_match stderr '^weir: child \(exec, producer\): child [0-9]+ \(sh\) exited with status 1; it restarts in [0-9.]+ s$'

begin "exec: a transform whose child takes no more and fails has the rest of its input still"
cat >exec.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "rate": 100, "size": 10 } },
  "transforms": { "child": { "plugin": "exec", "from": "gen", "on_error": "restart",
                             "command": ["sh", "-c", "echo x >>count; test $(wc -l <count) -ge 3 || exit 1; exec cat"] } },
  "consumers": { "out": { "plugin": "file", "from": "child", "path": "written" } } }
END
rm -f count written stderr
"$WEIR" run --quiet --summary summary.json exec.json 2>stderr &
pid=$!
wait_until test -s written
kill -TERM $pid
wait $pid
status=$?
expect_status 0
[ "$(figure child restarts)" = 2 ] || fail "restarted $(figure child restarts) times: $(cat stderr)"
finish
