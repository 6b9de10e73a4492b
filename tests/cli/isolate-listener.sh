#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "isolate": true on what accepts connections, or on a reply to them: both live in one child, in which connections are accepted, and what
# lies between exists here; to the byte and to the figure as without. What goes wrong there, or here, ends what it has to, by name.
. "$(dirname "$0")/lib.sh"
. "$WEIR_SOURCE/tests/cli/isolated-lib.sh"

# gate: a producer that goes wrong as its peers tell it, its reply likewise; with all that lies between in the program.
cat >gate.json <<'END'
{ "engine": { "shutdown": "5s" },
  "producers": { "in": { "plugin": "gate", "path": "serve.socket", "per_connection": true } },
  "transforms": { "split": { "plugin": "lines", "from": "in" } },
  "consumers": { "back": { "plugin": "reply", "to": "in", "from": "split" },
                 "log": { "plugin": "file", "path": "log", "append": false, "sync": "none", "shared": true, "from": "split" } } }
END
cat >unix.json <<'END'
{ "engine": { "shutdown": "5s" },
  "producers": { "in": { "plugin": "unix", "listen": "serve.socket", "per_connection": true } },
  "transforms": { "split": { "plugin": "lines", "from": "in" },
                  "odd": { "plugin": "match", "pattern": "[13579]$", "from": "split" } },
  "consumers": { "back": { "plugin": "reply", "to": "in", "from": "odd" } } }
END
# meet NUMBER: a peer that stays, with the write end of its questions at descriptor 3 + NUMBER and its answers in got.NUMBER; it has had one.
mkfifo ask.1 ask.2
declare -a peers
meet () {
  rm -f "got.$1"
  timeout 50 "$WEIR" run --quiet peer.json <"ask.$1" >"got.$1" 2>&1 4>&- 5>&- &
  peers[$1]=$!
  case $1 in 1) exec 4>ask.1 ;; 2) exec 5>ask.2 ;; esac
  say "$1" 1
  wait_until test -s "got.$1"
}
# say NUMBER LINE: a peer asks; where its connection has ended, nobody hears it.
say () { (trap '' PIPE && echo "$2" >&$((3 + $1))) 2>/dev/null; }
# part NUMBER...: these peers have nothing more to say, and hear the rest.
part () {
  local peer
  for peer in "$@"; do
    case $peer in 1) exec 4>&- ;; 2) exec 5>&- ;; esac
    wait "${peers[$peer]}"
  done
}
files_of () { find "/proc/$1/fd" -mindepth 1 | wc -l; }
same_child () { [ "$(child_of $pid)" = "$child" ]; }
# comparable FIGURES: without what depends on how the bytes of a peer come.
comparable () { figures summary | sed '/"bytes_out": /d;/"records_out": /d;/"records_in": /d;/"in": /d;/"out": /d' >"$1"; }

begin "a listener and its reply: one child, and each peer gets what it would get here, with the same figures"
for where in none in back both; do
  case $where in
    none) set -- ;;
    both) set -- --set in.isolate=true --set back.isolate=true ;;
    *) set -- --set $where.isolate=true ;;
  esac
  serve unix.json "$@"
  child=$(child_of $pid)
  for last in 1 10 3000; do
    ask $last
    expect_text got "$(seq 1 2 $last)"
  done
  [ "$(printf '%s' "$child" | grep -c .)" = "$([ $where = none ] && echo 0 || echo 1)" ] || fail "$where: children $child"
  expect same_child
  stop
  expect_status 0
  expect_stderr 'weir: in (unix, producer): listening on serve.socket'
  comparable "figures.$where"
  expect_file "figures.$where" figures.none
  [ "$(tr -d ' \n' <summary | grep -o '"connections":3,"records_in":3011,"records_out":1506')" != '' ] || fail "$(cat summary)"
done

begin "much both ways, through small links"
seq 1 2 200000 >wanted
serve unix.json --set in.isolate=true --set split.queue.records=3 --set odd.queue.records=2 --set back.queue.records=3
ask 200000
expect_file got wanted
stop
expect_status 0
balanced 3

begin "several replies to a connection end each for itself, and the peer is told once the last has"
sed 's/"odd": /"even": { "plugin": "match", "pattern": "[02468]$", "from": "split" },\n "pace": { "plugin": "throttle", "records_per_second": 200, "from": "even" },\n &/
     s/"consumers": {/& "also": { "plugin": "reply", "to": "in", "from": "pace" },/' unix.json >several.json
for isolate in false true; do
  serve several.json --set in.isolate=$isolate
  ask 60
  sort -n got >sorted
  expect_text sorted "$(seq 1 60)"
  stop
  expect_status 0
  expect_no_match stderr 'connection from'
  balanced 6
done

begin "what is between may have children of its own, and what connections share, too"
sed 's/"from": "odd" }/&, "log": { "plugin": "file", "path": "log", "append": false, "sync": "none", "shared": true, "from": "odd", "isolate": true }/' \
  unix.json >more.json
serve more.json --set in.isolate=true --set odd.isolate=true
for last in 10 500; do
  ask $last
  expect_text got "$(seq 1 2 $last)"
done
stop
expect_status 0
[ "$(sort -n log | uniq -c | awk '$1 == 2' | wc -l)" = 5 ] || fail "log: $(head log)"
[ "$(wc -l <log)" = 255 ] || fail "log: $(wc -l <log) lines"
balanced 4

begin "thirty short connections leave no descriptor and no thread behind, neither here nor there"
serve unix.json --set in.isolate=true
child=$(child_of $pid)

threads_of () { find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l; }
all_of () { echo "$(files_of $pid) $(threads_of $pid) $(files_of "$child") $(threads_of "$child")"; }
wait_until at_rest
before=$(all_of)
for round in 1 2 3 4 5 6; do
  asking=''
  for peer in 1 2 3 4 5; do
    seq 1 $((round * 100 + peer)) | timeout 50 "$WEIR" run --quiet peer.json >"got.$peer" 2>&1 &
    asking="$asking $!"
  done
  wait $asking
  for peer in 1 2 3 4 5; do expect_text "got.$peer" "$(seq 1 2 $((round * 100 + peer)))"; done
done
# no_more_than BEFORE: none of the numbers that all_of gives is greater.
no_more_than () { paste -d ' ' <(tr ' ' '\n' <<<"$1") <(all_of | tr ' ' '\n') | awk '$2 > $1 { exit 1 }'; }
wait_until no_more_than "$before" || fail "before: $before, now: $(all_of)"
expect same_child
stop
expect_status 0
expect_match summary '"connections": 30'

begin "the drawing says what is isolated, also where it is so with another"
run "$WEIR" graph unix.json --set back.isolate=true
expect_status 0
expect_stdout 'in (unix, producer, per connection, isolated)
> split (lines)
> odd (match)
> back (reply to in, isolated)'

# ---- what goes wrong there ----

begin "the child is killed: that is the listener's failure, and its connections end"
serve gate.json --set in.isolate=true
meet 1
kill -KILL "$(child_of $pid)"
part 1
ended
expect_status 1
expect_match stderr '^weir: in \(gate, producer\): its child process N was killed by signal 9 \(Killed\)$'
expect_match stderr '^weir: warning: .*: connection from peer 1: its child process N has gone$'
expect_text log 1

for order in read-segv reply-segv; do
  begin "$order: a crash there is the listener's failure, by the name of the stage"
  serve gate.json --set in.isolate=true
  meet 1
  say 1 $order
  part 1
  ended
  expect_status 1
  case $order in
    read*) expect_match stderr '^weir: in \(gate, producer\): its child process N has crashed: fatal signal SIGSEGV in produce\(\)' ;;
    *) expect_match stderr '^weir: in \(gate, producer\): its child process N has crashed: back \(reply, consumer\): fatal signal SIGSEGV in consume\(\)' ;;
  esac
done

begin "with on_error restart others are let in by another child; what was there is lost with its connection, and counted"
serve gate.json --set in.isolate=true --set in.on_error=restart
child=$(child_of $pid)
meet 1
say 1 read-abort
part 1
listens_again () { [ "$(grep -c 'listening on serve.socket$' stderr)" = 2 ]; }
wait_until listens_again
expect test "$(child_of $pid)" != "$child"
meet 2
say 2 7
wait_until grep -q 7 got.2
part 2
stop
expect_status 0
expect_match summary '"restarts": 1,'
balanced 3

begin "a connection fails there, on either side: it is told once, by the stage, and the others run on"
for order in none read-fail reply-fail; do
  for isolate in false true; do
    serve gate.json --set in.isolate=$isolate
    meet 1
    meet 2
    [ $order = none ] || say 1 $order
    part 1
    say 2 3
    wait_until grep -q 3 got.2
    part 2
    stop
    expect_status 0
    cp stderr "stderr.$isolate"
    expect_text got.2 "1
3"
    sort log >"log.$isolate"
    comparable "figures.$isolate"
  done
  expect_file stderr.true stderr.false
  expect_file log.true log.false
  [ $order != none ] || expect_file figures.true figures.false
  case $order in
    read-fail) expect_match stderr '^weir: warning: in \(gate, producer\): connection from peer 1: was told to fail$' ;;
    reply-fail) expect_match stderr '^weir: warning: back \(reply, consumer\): connection from peer 1: was told to fail$' ;;
  esac
done

begin "what is on its way when a connection fails there is still drained, within its time"
sed 's/"transforms": {/& "pace": { "plugin": "throttle", "records_per_second": 200, "from": "split" },/
     s/"to": "in", "from": "split"/"to": "in", "from": "pace"/' gate.json >paced.json
for isolate in false true; do
  serve paced.json --set in.isolate=$isolate
  meet 1
  say 1 "$(seq 2 100)"
  wait_until grep -q '^100$' log
  say 1 read-fail
  part 1
  expect_text got.1 "$(seq 1 100)
read-fail"
  stop
  expect_status 0
  balanced 4
  expect_match stderr '^weir: warning: in \(gate, producer\): connection from peer 1: was told to fail$'
done
sed -i 's/"5s"/"100ms"/' paced.json
serve paced.json --set in.isolate=true --set pace.records_per_second=1
meet 1
say 1 "$(seq 2 100)"
wait_until grep -q '^100$' log
say 1 read-fail
part 1
wait_until grep -q 'was told to fail' stderr
stop
expect_status 0
balanced 4

begin "a stage here fails: its connection ends there, and the others run on"
sed 's/"transforms": {/& "words": { "plugin": "match", "pattern": "words", "from": "split" },/
     s/"consumers": {/& "strict": { "plugin": "wrong", "how": "fail", "from": "words" },/' gate.json >strict.json
serve strict.json --set in.isolate=true
meet 1
meet 2
say 1 words
part 1
say 2 3
wait_until grep -q 3 got.2
part 2
stop
expect_status 0
expect_match stderr '^weir: warning: strict \(wrong, consumer\): connection from peer 1: cannot go on$'

begin "one that hangs there is told by name when the time to drain is over, and ended"
sed -i 's/"5s"/"100ms"/' gate.json
for order in read-hang reply-hang; do
  serve gate.json --set in.isolate=true
  meet 1
  child=$(child_of $pid)
  say 1 $order
  wait_until grep -q hanging stdout
  stop
  part 1
  expect_status 1
  case $order in
    read*) expect_match stderr '^weir: in \(gate, producer\): produce\(\) does not return; its child process N was ended$' ;;
    *) expect_match stderr '^weir: in \(gate, producer\): back \(reply, consumer\): consume\(\) does not return; its child process N was ended$' ;;
  esac
  expect is_gone "$child"
done
sed -i 's/"100ms"/"5s"/' gate.json

begin "what nobody here wants any more ends there, also behind the end of its producer, which may be over before what it has made is here"
cat >rest.json <<'END'
{ "engine": { "shutdown": "1h" },
  "producers": { "in": { "plugin": "unix", "listen": "serve.socket", "per_connection": true, "isolate": true } },
  "consumers": { "takes": { "plugin": "wrong", "how": "wait", "from": "in", "isolate": true } } }
END
cat >give.json <<'END'
{ "producers": { "much": { "plugin": "stdio" } },
  "consumers": { "peer": { "plugin": "unix", "connect": "serve.socket", "from": "much" } } }
END
serve rest.json
child=$(child_of $pid)
wait_until at_rest
before="$(files_of $pid) $(files_of "$child")"
as_before () { [ "$(files_of $pid) $(files_of "$child")" = "$before" ]; }
head -c 1700000 /dev/zero | timeout 50 "$WEIR" run --quiet give.json
taker () { children_of $pid | tr ' ' '\n' | while read -r c; do ! tr '\0' ' ' <"/proc/$c/cmdline" | grep -q 'isolated takes' || echo "$c"; done; }
has_taker () { [ -n "$(taker)" ]; }
wait_until has_taker
kill -KILL "$(taker)"
wait_until as_before || fail "before: $before, now: $(files_of $pid) $(files_of "$child")"
stop
expect_status 0

# ---- stops ----

begin "a stop drains what is on its way, and nobody outlives us"
serve gate.json --set in.isolate=true
meet 1
meet 2
child=$(child_of $pid)
stop
part 1 2
expect_status 0
balanced 3
expect is_gone "$child"
serve gate.json --set in.isolate=true
meet 1
child=$(child_of $pid)
kill -KILL $pid
wait $pid 2>/dev/null
part 1
wait_until is_gone "$child"

begin "a peer that takes nothing holds its own connection up alone, no more than links allow is on its way, and the deadline ends it"
cat >stuck.json <<'END'
{ "producers": { "much": { "plugin": "generate", "count": 0, "text": "{seq} {seq} {seq} {seq} {seq} {seq} {seq} {seq} {seq}" } },
  "transforms": { "peer": { "plugin": "unix", "connect": "serve.socket", "from": "much" } },
  "consumers": { "out": { "plugin": "wrong", "how": "wait", "from": "peer" } } }
END
sed 's/"5s"/"300ms"/' unix.json >small.json
serve small.json --set in.isolate=true --set odd.pattern=. --set back.queue.records=50
: >told.stuck
"$WEIR" run --progress --set much.log=error stuck.json >/dev/null 2>told.stuck &
stuck=$!
wait_until grep -q 'produced [1-9][0-9]* (0/s), .*; paused: much, peer' told.stuck
ask 3
expect_text got "1
2
3"
stop
kill -KILL $stuck
wait $stuck 2>/dev/null
expect_status 3
expect_match stderr '^weir: warning: odd:back holds [0-9]+ records'
[ "$(awk '/"name": "odd:back"/ { here = 1 } here && /"peak_records"/ { print $2 + 0; exit }' summary)" -le 100 ] || fail "$(cat summary)"

begin "what a reply keeps there is settled where the link is full of it, and at a stop"
serve gate.json --set in.isolate=true --set back.keep=true --set back.queue.records=20
ask 500
expect_text got "$(seq 1 500)"
meet 1
stop
part 1
expect_status 0
expect_match summary '"settled": [1-9]'
balanced 3

# ---- origins ----

begin "what became of each record is told to the producer there"
rm -f told
serve gate.json --set in.isolate=true --set in.told=told
meet 1
for n in 2 3 4; do
  say 1 $n
  wait_until grep -q $n got.1
done
told () { [ "$(sort told)" = "$(printf '%s delivered\n' 1 2 3 4)" ]; }
wait_until told
part 1
stop
expect_status 0
expect_text told "$(printf '%s delivered\n' 1 2 3 4)"

begin "and what is lost with its connection"
rm -f told
sed 's/"log": {[^}]*}/"log": { "plugin": "wrong", "how": "wait", "from": "split" }/; s/"5s"/"100ms"/' gate.json >waits.json
serve waits.json --set in.isolate=true --set in.told=told
meet 1
stop
part 1
expect_status 3
expect_text told '1 abandoned'

begin "a child that hears nothing holds up nobody else on the worker; what it was to be told it is told once it does"
cat >two.json <<'END'
{ "engine": { "workers": 1 },
  "producers": { "in": { "plugin": "gate", "path": "serve.socket", "told": "told", "per_connection": true, "isolate": true },
                 "other": { "plugin": "unix", "listen": "other.socket", "per_connection": true } },
  "transforms": { "split": { "plugin": "lines", "from": "in" }, "lines": { "plugin": "lines", "from": "other" } },
  "consumers": { "kept": { "plugin": "keeps", "most": 1001, "shared": true, "from": ["split", "lines"] },
                 "back": { "plugin": "reply", "to": "other", "from": "lines" } } }
END
rm -f told other.socket
serve two.json --progress
child=$(child_of $pid)
mkfifo open
{ awk 'BEGIN { for (i = 0; i < 1000; i++) printf "%1023d\n", i }'; cat open; } | timeout 50 "$WEIR" run --quiet peer.json >/dev/null 2>&1 &
asking=$!
exec 6>open
wait_until grep -q ', consumed 1000 ' stderr
kill -STOP "$child"
sed 's/serve.socket/other.socket/' peer.json >other.json
timeout 50 "$WEIR" run --quiet other.json <ask.1 >got.1 2>&1 4>&- 6>&- &
peers[1]=$!
exec 4>ask.1
for n in 1 2 3; do
  say 1 $n
  wait_until grep -q $n got.1
done
kill -CONT "$child"
part 1
exec 6>&-
wait $asking
stop
expect_status 0
[ "$(wc -l <told)" -ge 1000 ] || fail "$(wc -l <told) were told of"
expect_no_match told '[^d]$'
expect_match told ' delivered$'

# ---- limits ----

begin "without room for a connection's descriptors here it is closed, and told; others come in once there is"
serve gate.json --set in.isolate=true
meet 1
used=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)
prlimit --pid $pid --nofile=$((used + 1)):4096
ask 1
expect_no_match got '^1$'
prlimit --pid $pid --nofile=1024:4096
ask 2
expect_text got "1
2"
part 1
stop
expect_status 0
expect_match stderr '^weir: warning: in \(gate, producer\): connection from peer 2: it is closed, as [0-5] of 6 descriptors came from the child process N'

begin "without room for what a connection needs there it is closed, and told, of many in a second only of the first"
serve gate.json --set in.isolate=true
child=$(child_of $pid)
meet 1
used=$(files_of "$child")
prlimit --pid "$child" --nofile=$((used + 3)):4096
kill -STOP "$child"
for peer in $(seq 40); do
  "$WEIR" run --quiet peer.json </dev/null >/dev/null 2>&1 &
  peers[peer + 2]=$!
  knocks () { readlink /proc/"${peers[peer + 2]}"/fd/* | grep -q socket; }
  wait_until knocks
done
kill -CONT "$child"
for peer in $(seq 40); do wait "${peers[peer + 2]}"; done
prlimit --pid "$child" --nofile=1024:4096
ask 2
expect_text got "1
2"
part 1
stop
expect_status 0
expect_match stderr '^weir: warning: in \(gate, producer\): connection from peer 2: cannot hand it over: Too many open files$'
[ "$(grep -c 'cannot hand it over' stderr)" -lt 40 ] || fail "$(cat stderr)"
expect_match stderr '^weir: warning: in \(gate, producer\): [0-9]+ more connections? ha(s|ve) failed$'

begin "more replies than wires can be handed over for"
awk 'BEGIN { print "{ \"producers\": { \"in\": { \"plugin\": \"unix\", \"listen\": \"s\", \"per_connection\": true, \"isolate\": true } }, \"consumers\": {"
  for (i = 1; i <= 64; i++) printf "\"r%d\": { \"plugin\": \"reply\", \"to\": \"in\", \"from\": \"in\" }%s\n", i, i < 64 ? "," : " } }" }' >many.json
run "$WEIR" check many.json
expect_status 2
expect_stderr 'many.json:1:24: error: producers.in: 64 stages reply to its connections, which are isolated; expected at most 63'

finish
