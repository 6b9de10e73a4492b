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
# at_rest: no thread of it or of its children runs, wants to, or has done so while it was looked at: nothing will happen but by a timer,
# or from outside. So is one that has only begun to wait for its first file; what it is to have done by then is awaited first.
schedstat () { cat "/proc/$pid"/task/*/schedstat; for c in $(children_of $pid); do cat "/proc/$c"/task/*/schedstat; done; }
states () { sed -s 's/.*) //; s/ .*//' "/proc/$pid"/task/*/stat; for c in $(children_of $pid); do sed -s 's/.*) //; s/ .*//' "/proc/$c"/task/*/stat; done; }
at_rest () {
  local before
  before=$(schedstat)
  ! states | grep -q -v S && [ "$before" = "$(schedstat)" ]
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

# ---- connections ----

cat >serve.json <<'END'
{ "producers": { "in": { "plugin": "unix", "listen": "serve.socket", "per_connection": true } },
  "transforms": { "split": { "plugin": "lines", "from": "in" },
                  "odd": { "plugin": "match", "pattern": "[13579]$", "from": "split", "isolate": true } },
  "consumers": { "back": { "plugin": "reply", "to": "in", "from": "odd" } } }
END
# serve ARGUMENT...: in the background, and listening; the socket is there a little before it does.
serve () {
  rm -f serve.socket
  start "$@"
  wait_until grep -q 'listening on serve.socket$' stderr
}
# ask NUMBER: what a peer that sends 1 to NUMBER gets is in got.
ask () { seq 1 "$1" | timeout 50 "$WEIR" run --quiet peer.json >got 2>&1; }
answers () { [ "$(child_of $pid | wc -l)" = "$1" ]; }
open_files () { find "/proc/$pid/fd" -mindepth 1 | wc -l; }
threads () { find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l; }

begin "each connection has a child of its own, and gets what it would get here"
serve serve.json
for last in 1 10 3000; do
  ask $last
  expect_text got "$(seq 1 2 $last)"
done
stop
expect_status 0
expect_stderr 'weir: in (unix, producer): listening on serve.socket'
[ "$(tr -d ' \n' <summary | grep -o '"connections":3,"records_in":3011,"records_out":1506')" != '' ] || fail "$(cat summary)"

begin "thirty short connections leave no child, descriptor or thread behind"
serve serve.json
files=$(open_files) tasks=$(threads)
for round in 1 2 3 4 5 6; do
  peers=''
  for peer in 1 2 3 4 5; do
    seq 1 $((round * 100 + peer)) | timeout 50 "$WEIR" run --quiet peer.json >"got.$peer" 2>&1 &
    peers="$peers $!"
  done
  wait $peers
  for peer in 1 2 3 4 5; do expect_text "got.$peer" "$(seq 1 2 $((round * 100 + peer)))"; done
done
wait_until answers 0
files_are_back () { [ "$(open_files)" -le "$files" ]; }
wait_until files_are_back
threads_are_back () { [ "$(threads)" -le "$tasks" ]; }
wait_until threads_are_back
stop
expect_status 0

# meet: two peers stay, with the write ends of their questions at 4 and 5.
mkfifo ask.1 ask.2
meet () {
  rm -f got.1 got.2
  timeout 50 "$WEIR" run --quiet peer.json <ask.1 >got.1 2>&1 3>&- 4>&- 5>&- &
  first=$!
  exec 4>ask.1
  echo 1 >&4
  wait_until test -s got.1
  child=$(child_of $pid)
  timeout 50 "$WEIR" run --quiet peer.json <ask.2 >got.2 2>&1 3>&- 4>&- 5>&- &
  second=$!
  exec 5>ask.2
  echo 1 >&5
  wait_until test -s got.2
}
# part: the second peer has had what it has asked for since.
part () {
  echo 3 >&5
  exec 4>&- 5>&-
  wait $first
  wait $second
  expect_text got.2 "1
3"
}

begin "where one connection's child is killed, that connection ends, and the others run on"
serve serve.json
meet
kill -KILL "$child"
wait_until answers 1
part
stop
expect_status 0
expect_match stderr '^weir: warning: odd \(match, transform\): connection from .*: its child process N was killed by signal 9 \(Killed\)$'

begin "where it crashes, hangs or fails likewise"
sed 's/"consumers": {/& "bad": { "plugin": "wrong", "from": "split", "how": "segv", "isolate": true },/' serve.json >wrongs.json
serve wrongs.json
timeout 50 "$WEIR" run --quiet peer.json <ask.2 >got.2 2>&1 &
second=$!
exec 5>ask.2
wait_until answers 2
ask 1
wait_until answers 2
exec 5>&-
wait $second
stop
expect_status 0
expect_match stderr '^weir: warning: bad \(wrong, consumer\): connection from .*: its child process N has crashed: fatal signal SIGSEGV in consume\(\)$'
for where in open start close; do
  serve wrongs.json --set bad.in=$where
  ask 1
  wait_until answers 0
  stop
  expect_status 0
  expect_match stderr "^weir: warning: bad \\(wrong, consumer\\): connection from .*: its child process N has crashed: fatal signal SIGSEGV in $where\\(\\)\$"
done
sed 's/^{/{ "engine": { "shutdown": "2s" },/' wrongs.json >hangs.json
serve hangs.json --set bad.how=hang
timeout 50 "$WEIR" run --quiet peer.json <ask.2 >got.2 2>&1 &
second=$!
exec 5>ask.2
echo 1 >&5
wait_until grep -q hanging stdout
both=$(child_of $pid)
stop
exec 5>&-
wait $second
for one in $both; do expect is_gone "$one"; done
expect_match stderr '^weir: warning: bad \(wrong, consumer\): connection from .*: consume\(\) does not return; its child process N was ended$'

begin "a stop drains what is on its way, and nobody outlives us"
serve serve.json
meet
both=$(child_of $pid)
stop
exec 4>&- 5>&-
wait $first
wait $second
expect_status 0
for one in $both; do expect is_gone "$one"; done
serve serve.json
meet
both=$(child_of $pid)
kill -KILL $pid
wait $pid 2>/dev/null
exec 4>&- 5>&-
wait $first
wait $second
for one in $both; do wait_until is_gone "$one"; done

# ---- what connections share ----

cat >share.json <<'END'
{ "producers": { "in": { "plugin": "unix", "listen": "serve.socket", "per_connection": true } },
  "transforms": { "split": { "plugin": "lines", "from": "in" } },
  "consumers": { "log": { "plugin": "file", "path": "log", "append": false, "sync": "none", "shared": true, "from": "split", "isolate": true } } }
END
cat >tell.json <<'END'
{ "producers": { "text": { "plugin": "stdio" } },
  "consumers": { "peer": { "plugin": "unix", "connect": "serve.socket", "from": "text" } } }
END
# tell FIRST LAST LINES: so many peers at once, each with so many lines of its own.
tell () {
  local peers='' peer
  for peer in $(seq "$1" "$2"); do
    seq -f "$peer %.0f of a line that is long enough" 1 "$3" | timeout 50 "$WEIR" run --quiet tell.json 2>"told.$peer" &
    peers="$peers $!"
  done
  wait $peers
}
share () {
  rm -f log
  serve "$@"
}
# all_there FILE FIRST LAST LINES: every line of each, in its order, and nothing else.
all_there () {
  local peer
  [ "$(wc -l <"$1")" = $((($3 - $2 + 1) * $4)) ] || return 1
  for peer in $(seq "$2" "$3"); do
    seq -f "$peer %.0f of a line that is long enough" 1 "$4" | cmp -s - <(grep "^$peer " "$1") || return 1
  done
}
begin "a consumer that twenty connections share: every line is there, in order and unmixed"
share share.json
tell 1 20 500
wait_until all_there log 1 20 500
expect answers 1
stop
expect_status 0
expect_stderr 'weir: in (unix, producer): listening on serve.socket'
all_there log 1 20 500 || fail "log: $(wc -l <log) lines"
[ "$(tr -d ' \n' <summary | grep -o '"records_in":10000' | wc -l)" = 1 ] || fail "$(cat summary)"
balanced 2

begin "a transform that connections share joins the pieces of each, behind small links"
sed 's/"transforms": {/& "all": { "plugin": "lines", "shared": true, "from": "in", "isolate": true, "queue": { "records": 3 } },/; s/"split", "isolate": true/["all", "split"], "queue": { "records": 3 }/' \
  share.json >shared-transform.json
share shared-transform.json
tell 1 10 300
twice () { sort log | uniq -c | awk '$1 != 2 { exit 1 }' && [ "$(wc -l <log)" = 6000 ]; }
wait_until twice
stop
expect_status 0
balanced 4

begin "a shared one that is killed is restarted, and loses nothing"
share share.json --set log.on_error=restart --set log.append=true
wait_until has_child $pid
tell 1 5 200
kill -KILL "$(child_of $pid)"
tell 6 15 200
for peer in $(seq 1 15); do seq -f "$peer %.0f of a line that is long enough" 1 200; done >wanted
wait_until has_each log wanted
stop
expect_status 0
balanced 2
[ "$(tr -d ' \n' <summary | grep -o '"restarts":1' | wc -l)" = 1 ] || fail "$(cat summary)"

begin "what a shared one keeps is settled where links are full of it"
cat >shared-keeps.json <<'END'
{ "producers": { "in": { "plugin": "unix", "listen": "serve.socket", "per_connection": true } },
  "transforms": { "split": { "plugin": "lines", "from": "in" } },
  "consumers": { "log": { "plugin": "keeps", "shared": true, "from": "split", "isolate": true, "queue": { "records": 50 } } } }
END
share shared-keeps.json --progress
tell 1 5 400
wait_until grep -q ', consumed 2000 ' stderr
stop
expect_status 0
[ "$(tr -d ' \n' <summary | grep -o '"records_in":2000' | wc -l)" -ge 1 ] || fail "$(cat summary)"
balanced 2

begin "what a shared one keeps of each is no more than each link allows: nobody settles for their sum"
share shared-keeps.json --progress
mkfifo open
exec 4<>open
keeping=''
for peer in 1 2 3 4 5 6 7 8; do
  { seq 20; cat open; } 4>&- | timeout 50 "$WEIR" run --quiet tell.json 2>"told.$peer" 4>&- &
  keeping="$keeping $!"
done
wait_until grep -q ', consumed 160 ' stderr
stop
expect_status 0
expect_match summary '"settled": [01]$' # at the stop, where it comes before the end of all that they send
balanced 2
exec 4>&-
kill $keeping
wait $keeping

begin "a shared one that takes nothing holds connections up"
sed 's/"plugin": "keeps"/"plugin": "wrong", "how": "wait"/' shared-keeps.json >shared-stuck.json
sed -i 's/^{/{ "engine": { "shutdown": "300ms" },/' shared-stuck.json
share shared-stuck.json --progress
tell 1 3 1000 &
telling=$!
wait_until grep -q ', 3 connections; produced [1-9].*; paused: split$' stderr && wait_until at_rest
stop
expect_status 3
[ "$(tr -d ' \n' <summary | grep -o '"in":[0-9]*,"out":[0-9]*' | tail -n 1)" = '"in":150,"out":0' ] || fail "$(cat summary)"
wait $telling

begin "nobody starts the child's program by hand"
run "$WEIR" isolated
expect_status 2
expect_stderr 'weir: isolated: weir starts it by itself, for a stage with "isolate": true'

finish
