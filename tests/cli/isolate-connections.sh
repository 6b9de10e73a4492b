#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "isolate": true on a stage that exists once for each connection, which has a child for each of them, and on one that connections share,
# which has one for all: what a connection gets is what it would get here, and what goes wrong is its own.
. "$(dirname "$0")/lib.sh"
. "$WEIR_SOURCE/tests/cli/isolated-lib.sh"

cat >serve.json <<'END'
{ "producers": { "in": { "plugin": "unix", "listen": "serve.socket", "per_connection": true } },
  "transforms": { "split": { "plugin": "lines", "from": "in" },
                  "odd": { "plugin": "match", "pattern": "[13579]$", "from": "split", "isolate": true } },
  "consumers": { "back": { "plugin": "reply", "to": "in", "from": "odd" } } }
END
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

finish
