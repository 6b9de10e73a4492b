#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "isolate": true: a stage in a child process does what it would do here, to the byte and to the figure; where it crashes, is killed,
# hangs or fails, that is the stage's failure, told by name, and the rest of the program lives on.
. "$(dirname "$0")/lib.sh"
. "$WEIR_SOURCE/tests/cli/isolated-lib.sh"

# run_quiet ARGUMENT...: with the child's number taken out of what was said.
run_quiet () {
  run "$WEIR" run --quiet --summary summary "$@"
  sed -i 's/process [0-9][0-9]*/process N/' stderr
}
# same STAGE ARGUMENT...: isolated or not, its output, messages, status and figures are the same. Output is what was written to `out`, if
# anything was.
same () {
  local stage=$1
  shift
  rm -f out out.here
  run_quiet "$@"
  local here=$status
  mv stdout stdout.here && mv stderr stderr.here
  figures summary >figures.here
  [ ! -e out ] || mv out out.here
  run_quiet "$@" --set "$stage.isolate=true"
  expect_status $here
  expect_file stdout stdout.here
  expect_file stderr stderr.here
  figures summary >figures.isolated
  expect_file figures.isolated figures.here
  [ ! -e out.here ] || expect_file out out.here
}
awk 'BEGIN { for (i = 0; i < 20000; i++) print i, "line", i * 7919 % 1000; printf "the last one is not ended" }' >input

begin "a producer, a transform, a consumer: chunks, lines and trails, and the last line that is none"
cat >lines.json <<'END'
{ "producers": { "in": { "plugin": "file", "path": "input" } },
  "transforms": { "split": { "plugin": "lines", "from": "in" } },
  "consumers": { "to": { "plugin": "file", "path": "out", "from": "split" } } }
END
for stage in in split to; do
  rm -f out
  run_quiet lines.json --set $stage.isolate=true
  expect_status 0
  expect_stderr ''
  expect_file out input
done

begin "all three at once"
rm -f out
run_quiet lines.json --set in.isolate=true --set split.isolate=true --set to.isolate=true
expect_status 0
expect_file out input

begin "figures are those of the same stage here"
cat >match.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 50000, "text": "line {seq}" } },
  "transforms": { "some": { "plugin": "match", "pattern": "7", "from": "gen" } },
  "consumers": { "to": { "plugin": "stdio", "from": "some" } } }
END
for stage in gen some to; do same $stage match.json; done

begin "what is rejected, with its tags"
cat >reject.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 5000, "text": "{seq}x" } },
  "transforms": { "none": { "plugin": "random", "from": "gen" },
                  "why": { "plugin": "format", "text": "{stage}: {reason}: {}", "from": "none.rejected" } },
  "consumers": { "to": { "plugin": "stdio", "from": ["none", "why"] } } }
END
for stage in gen none why to; do same $stage reject.json; done

begin "a rejection that nobody takes"
same none reject.json --set 'why.from="none"' --set 'to.from=["why"]' --set gen.count=1

begin "a transform that makes much out of one record, through small links"
cat >random.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 200, "text": "{seq}" } },
  "transforms": { "numbers": { "plugin": "random", "seed": 3, "from": "gen", "queue": { "records": 5 } } },
  "consumers": { "to": { "plugin": "stdio", "from": "numbers", "queue": { "records": 3 } } } }
END
for stage in gen numbers to; do same $stage random.json; done

begin "a duplex stage, which has a child of its own"
cat >duplex.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 100000, "text": "{seq}" } },
  "transforms": { "sort": { "plugin": "exec", "command": ["sort", "-r"], "from": "gen" } },
  "consumers": { "to": { "plugin": "file", "path": "out", "append": false, "from": "sort" } } }
END
seq 0 99999 | sort -r >wanted
run_quiet duplex.json --set sort.isolate=true
expect_status 0
expect_file out wanted

begin "one that has had enough: what it left is dropped, and counted"
cat >head.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 0, "text": "{seq}" } },
  "transforms": { "ten": { "plugin": "head", "from": "gen" } },
  "consumers": { "to": { "plugin": "stdio", "from": "ten" } } }
END
for stage in gen ten to; do
  run_quiet head.json --set $stage.isolate=true
  expect_status 0
  expect_stdout "$(seq 0 9)"
  expect_stderr ''
  [ "$(grep -c '"queued":0' <(tr -d ' ' <summary))" = 2 ] || fail "something is queued" "$(cat summary)"
done

begin "messages, by their levels"
cat >wrong.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 10 } },
  "consumers": { "bad": { "plugin": "wrong", "from": "gen", "how": "log" } } }
END
for level in debug info warning error; do same bad wrong.json --set bad.log=$level; done

begin "a failure in each callback"
for where in open start close; do same bad wrong.json --set bad.how=fail --set bad.in=$where; done
same bad wrong.json --set bad.how=fail

begin "a mistake in an option is told by check, as ever"
run "$WEIR" check wrong.json --set bad.isolate=true --set bad.how=nothing
expect_status 2
expect_stderr '--set:2:9: error: consumers.bad.how: found "nothing", expected one of "segv", "abort", "stack", "hang", "wait", "fail", "log"'

# ---- crashes ----

begin "a crash in each callback"
for where in open start call close; do
  case $where in call) callback=consume ;; *) callback=$where ;; esac
  for how in segv:SIGSEGV abort:SIGABRT; do
    run_quiet wrong.json --set bad.isolate=true --set bad.how=${how%:*} --set bad.in=$where
    expect_status 1
    expect_stderr "weir: bad (wrong, consumer): its child process N has crashed: fatal signal ${how#*:} in $callback()"
  done
done

begin "a crash in each role"
for stage in 'a:producer' 'b:transform' 'c:consumer'; do
  printf '{ "producers": { "gen": { "plugin": "generate", "count": 5 }%s },
    "transforms": { "pass": { "plugin": "head", "count": 3, "from": "gen" }%s },
    "consumers": { %s } }' \
    "$([ $stage != a:producer ] || echo ', "a": { "plugin": "faulty", "isolate": true, "in": "produce" }')" \
    "$([ $stage != b:transform ] || echo ', "b": { "plugin": "faulty", "isolate": true, "in": "consume", "from": "pass" }')" \
    "$(case $stage in
      a:*) echo '"x": { "plugin": "null", "from": "pass" }, "y": { "plugin": "null", "from": "a" }' ;;
      b:*) echo '"x": { "plugin": "null", "from": "b" }' ;;
      c:*) echo '"c": { "plugin": "faulty", "isolate": true, "in": "flush", "from": "pass" }' ;;
    esac)" >one.json
  run_quiet one.json
  expect_status 1
  case $stage in a:*) callback=produce ;; b:*) callback=consume ;; c:*) callback=flush ;; esac
  expect_stderr "weir: ${stage%:*} (faulty, ${stage#*:}): its child process N has crashed: fatal signal SIGSEGV in $callback()"
done

begin "what was not done when it crashed is queued"
run_quiet wrong.json --set bad.isolate=true --set bad.how=segv
[ "$(tr -d ' \n' <summary | grep -o '"out":0,"dropped":0,.*"queued":10')" != '' ] || fail "$(cat summary)"

# ---- a child that is killed, or hangs ----

mkfifo feed
cat >feed.json <<'END'
{ "producers": { "in": { "plugin": "file", "path": "feed" }, "other": { "plugin": "generate", "count": 100, "text": "{seq}" } },
  "transforms": { "split": { "plugin": "lines", "from": "in" } },
  "consumers": { "to": { "plugin": "file", "path": "killed", "append": false, "from": "split", "sync": "none" },
                 "rest": { "plugin": "file", "path": "rest", "append": false, "from": "other" } } }
END
for stage in in split to; do
  begin "$stage is killed: that is its failure, and the rest lives on"
  rm -f killed rest
  start feed.json --set $stage.isolate=true --set other.count=0 --set other.rate=1000
  exec 3>feed
  printf 'one\ntwo\nhalf' >&3
  arrived () { [ "$(cat killed)" = "one
two" ]; }
  wait_until arrived && wait_until has_child $pid && wait_until test -s rest
  kill -KILL "$(child_of $pid)"
  exec 3>&-
  wait $pid
  status=$?
  sed -i 's/process [0-9][0-9]*/process N/' stderr
  expect_status 1
  case $stage in in) who='in (file, producer)' ;; split) who='split (lines, transform)' ;; to) who='to (file, consumer)' ;; esac
  expect_stderr "weir: $who: its child process N was killed by signal 9 (Killed)"
  made=$(tr -d ' \n' <summary | sed 's/.*"other":{[^}]*"records_out":\([0-9]*\).*/\1/')
  expect_text rest "$(seq 0 $((made - 1)))"
done

begin "no descriptor of ours is the child's, and none of its is lost"
start feed.json --set split.isolate=true
exec 3>feed
wait_until has_child $pid
child=$(child_of $pid)
is_writing () { find "/proc/$pid/fd" -lname '*/killed' | grep -q .; }
wait_until is_writing
expect test -z "$(find "/proc/$child/fd" \( -lname '*/killed' -o -lname '*/feed' -o -lname '*/rest' \))"
exec 3>&-
wait $pid
expect is_gone "$child"

begin "it does not outlive us"
start feed.json --set split.isolate=true
exec 3>feed
wait_until has_child $pid
child=$(child_of $pid)
kill -KILL $pid
wait $pid 2>/dev/null
wait_until is_gone "$child"
exec 3>&-

begin "signals for all of us are ours to hear"
rm -f killed
start feed.json --set split.isolate=true
exec 3>feed
printf 'one\ntwo\nhalf' >&3
wait_until arrived
kill -TERM "$(child_of $pid)" && kill -INT "$(child_of $pid)"
printf ' more\n' >&3
arrived_more () { [ "$(tail -n 1 killed)" = "half more" ]; }
wait_until arrived_more
exec 3>&-
wait $pid
status=$?
expect_status 0

begin "one that hangs is told by name when the time to drain is over"
cat >hang.json <<'END'
{ "engine": { "shutdown": "100ms" }, "producers": { "gen": { "plugin": "generate", "count": 100 } },
  "consumers": { "bad": { "plugin": "wrong", "from": "gen", "how": "hang", "isolate": true } } }
END
for where in call close; do
  start hang.json --set bad.in=$where
  wait_until grep -q hanging stdout
  child=$(child_of $pid)
  kill -TERM $pid
  wait $pid
  status=$?
  expect_status 1
  case $where in call) callback=consume ;; *) callback=$where ;; esac
  sed -i 's/process [0-9][0-9]*/process N/' stderr
  expect_match stderr "^weir: bad \(wrong, consumer\): $callback\(\) does not return; its child process N was ended\$"
  expect is_gone "$child"
done

# ---- backpressure, and what it bounds ----

begin "one that takes nothing holds its producer up, and no more than the link allows is in its hands"
cat >wait.json <<'END'
{ "engine": { "shutdown": "100ms" }, "producers": { "gen": { "plugin": "generate", "count": 0 } },
  "consumers": { "bad": { "plugin": "wrong", "from": "gen", "how": "wait", "isolate": true, "queue": { "records": 100 } } } }
END
start wait.json --progress
wait_until grep -q 'produced [1-9].*; paused: gen$' stderr && wait_until at_rest
kill -TERM $pid
wait $pid
status=$?
expect_status 3
[ "$(tr -d ' \n' <summary | grep -o '"in":[0-9]*,"out":[0-9]*' | tail -n 1)" = '"in":100,"out":0' ] || fail "$(cat summary)"

begin "a consumer downstream holds up what is isolated upstream of it"
sed -i 's/"isolate": true, //; s/"plugin": "generate"/"isolate": true, "plugin": "generate"/' wait.json
start wait.json --progress
wait_until grep -q 'produced [1-9].*; paused: gen$' stderr && wait_until at_rest
peak=$(awk '/^VmHWM:/ { print $2 }' "/proc/$(child_of $pid)/status")
kill -TERM $pid
wait $pid
status=$?
expect_status 3
expect_match stderr '^weir: warning: gen \(generate, producer\): [0-9]+ records that it had made were lost with its child process$'
case "${ASAN_OPTIONS:-}$(ldd "$WEIR")" in *libasan*) ;; *) [ "${peak:-999999}" -lt 32768 ] || fail "$peak KiB resident in the child" ;; esac

begin "what is kept in the child is settled where the link is full of it, by records or by what they hold down"
cat >keeps.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 20000, "text": "{seq}" }, "bytes": { "plugin": "file", "path": "input" } },
  "transforms": { "split": { "plugin": "lines", "from": "bytes" } },
  "consumers": { "batch": { "plugin": "keeps", "from": ["gen", "split"], "isolate": true, "queue": { "records": 700, "bytes": "8KiB" } } } }
END
run_quiet keeps.json
expect_status 0
expect_stderr ''
expect_match summary '"settled": [1-9]'
[ "$(tr -d ' \n' <summary | grep -o '"queued":0' | wc -l)" = 3 ] || fail "$(cat summary)"

begin "what is kept in the child is settled at a stop"
start keeps.json --set gen.count=0 --set batch.queue.records=100000 --set batch.queue.bytes=0 --set gen.rate=1000 --progress
wait_until grep -q ', consumed [1-9]' stderr
kill -TERM $pid
wait $pid
status=$?
expect_status 0
[ "$(tr -d ' \n' <summary | grep -o '"queued":0' | wc -l)" = 3 ] || fail "$(cat summary)"

begin "a stop drains the child"
cat >stop.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 0, "text": "{seq}" } },
  "transforms": { "all": { "plugin": "match", "pattern": ".", "from": "gen" } },
  "consumers": { "to": { "plugin": "file", "path": "stopped", "append": false, "from": "all" } } }
END
for stage in gen all to; do
  rm -f stopped
  start stop.json --set $stage.isolate=true
  is_flowing () { [ -s stopped ]; }
  wait_until is_flowing
  kill -TERM $pid
  wait $pid
  status=$?
  expect_status 0
  expect_stderr ''
  [ "$(tail -n 1 stopped)" = $(($(wc -l <stopped) - 1)) ] || fail "a gap before $(tail -n 1 stopped)"
  [ "$(tr -d ' \n' <summary | grep -o '"queued":0' | wc -l)" = 2 ] || fail "$(cat summary)"
done

begin "nobody starts the child's program by hand"
run "$WEIR" isolated
expect_status 2
expect_stderr 'weir: isolated: weir starts it by itself, for a stage with "isolate": true'

finish
