#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `weir plugin check`: every plugin that is shipped passes, with options where it needs them; bad ones, made here of
# tests/modules/misbehaves.c and, with connections, of mislistens.c, are caught, each rule by at least one, with the whole line; and what the command itself is given wrongly.
. "$(dirname "$0")/lib.sh"

unset WEIR_PLUGIN_PATH MAKEFLAGS MAKELEVEL MFLAGS
read -r -a cc <<<"$(make -s -C "$WEIR_BUILD" --eval='print-it: ; @echo $(CC)' print-it)"
read -r -a flags <<<"$(pkg-config --cflags gio-2.0)"
chmod 755 .

source=misbehaves.c

# make_bad NAME: NAME.so, which misbehaves as its name says.
make_bad () {
  local how=${1^^}
  "${cc[@]}" -std=c11 -Wall -O1 -fPIC -shared -I"$WEIR_BUILD/headers" "${flags[@]}" -DHOW="${how//-/_}" -DNAME="\"$1\"" \
    "$WEIR_SOURCE/tests/modules/$source" -o "$1.so" || fail "cannot make $1.so"
}

# caught NAME ROLE RULE TEXT [ARGUMENT...]: it is, by this rule, in these words.
caught () {
  local name=$1 role=$2 rule=$3 text=$4
  shift 4
  begin "$name: $rule"
  [ -e "$name.so" ] || make_bad "$name"
  run "$WEIR" plugin check --quiet --role "$role" --rule "$rule" "$@" "$name.so"
  expect_status 1
  expect_stdout "FAILED $role $rule: $text"
  expect_stderr ''
}

# takes_connections: none of the rules of connections was skipped.
takes_connections () {
  for rule in listen connection connection-pause connection-lost connection-stop connection-ledger connections; do
    expect_match stdout "^ok producer $rule\$"
  done
  for rule in reply reply-end reply-wait; do
    expect_match stdout "^ok reply $rule\$"
  done
}

# ---- bad ones, rule by rule --------------------------------------------------------------------------------------------------

late='emitted a record outside of its running time; expected none before start() and after its end'
twice="weir: give_back: assertion '(before & WEIR_SLOT_KEPT) != 0 && (before & (WEIR_SLOT_RELEASED | WEIR_SLOT_REJECTED)) == 0' failed; expected no such message"
hang=(--limit 2)

caught emits-in-open producer open 'emitted a record before start(); expected none before start() and after its end'
caught wants-run consumer open 'it crashes (SIGSEGV) in close()'
caught answers-number consumer answers 'consume() answered a number that is no answer, which it may not'
caught emits-in-close producer answers "$late"
caught exits consumer answers 'it ends the process in consume()'
caught blocks consumer answers 'it hangs in consume(); expected an end within 2 s' "${hang[@]}"
caught releases-twice consumer answers "$twice"
caught never-ends consumer end 'behind the end of all inputs it is still "ending", its last callback was end(); expected it to close' --limit 8
caught keeps consumer end 'behind the end of all inputs it is still "ending", and keeps 400 records, its last callback was settle(); expected it to close' --limit 8
caught wants-run producer stop-open 'it crashes (SIGSEGV) in close()'
caught hangs-in-stop producer stop-running 'it hangs in stop(); expected an end within 2 s' "${hang[@]}"
caught lingers producer stop-running 'stopped at its start it is still "ended", its last callback was stop(); expected it to close' --limit 8
caught dies-paused producer stop-paused 'it crashes (SIGSEGV) in stop()'
caught never-ends consumer stop-ending 'stopped while it ends it is still "ending", its last callback was end(); expected it to close' --limit 8
caught hangs-in-stop consumer halt 'it hangs in stop(); expected an end within 2 s' "${hang[@]}"
caught wants-stop producer failure 'it crashes (SIGSEGV) in close()'
caught opens-once consumer restart 'fails when it is opened again: its lock is held'
caught releases-stale consumer restart "$twice"
caught writes-behind-close consumer close 'byte 16 of its state was written behind close(); expected nothing of it to run then'
caught passes-pause producer pause 'emitted past the pause: 12 records lay on a link of 8; expected 8 at most'
caught passes-hard producer pause 'emitted past a full link: output is at its hard limit (16 records queued), and the stage cannot wait there as it shares worker "harness"; stop emitting when an emit answers FALSE'
caught ignores-pause producer operator 'emitted 12 records while it was paused; expected none'
caught lingers producer enough 'is still "ended" when nobody takes from it any more; expected it to close' --limit 8
caught spins producer rest 'produce() answers MORE and emits nothing, again and again; expected WAIT'
caught waits-unarmed consumer wake 'consume() answered WAIT with nothing armed that could wake it; expected a descriptor, a time, a source or a thread'
caught sleeps consumer blocking 'consume() slept for more than half a second; expected an answer WAIT, or a role flagged WEIR_BLOCKING'
caught keeps consumer settle 'keeps 8 records while its input is full of them, also behind settle(); expected it to give some back' --limit 8
caught keeps-unsettled consumer settle 'keeps 8 records while its input is full of them, and has no settle()'
caught releases-twice consumer ledger "$twice"
caught crashes-on-value consumer options 'it crashes (SIGSEGV) in open(), with "size": "1000"'

# leaks NAME ROLE RULE PATTERN: the same where the figure is not known to the byte.
leaks () {
  begin "$1: $3"
  make_bad "$1"
  run "$WEIR" plugin check --quiet --role "$2" --rule "$3" "$1.so"
  expect_status 1
  expect_match stdout "^FAILED $2 $3: $4; expected none$"
}
leaks leaks-memory producer cycles '[0-9]+ cycles of open\(\) and close\(\) leave [0-9]+ bytes each'
leaks leaks-descriptor consumer cycles '([0-9]+) cycles of open\(\) and close\(\) leave \1 descriptors open'
leaks leaks-records consumer lives '[0-9]+ lives from open\(\) to close\(\) leave [0-9]+ bytes each'
leaks leaks-streams consumer streams '[0-9]+ streams that are over leave [0-9]+ bytes each'

# ---- bad ones with connections ------------------------------------------------------------------------------------------------

source=mislistens.c
soon=(--limit 8)

caught emits-itself producer listen 'the listening stage itself has emitted 1 records; expected none but of its connections'
caught accepts-none producer listen 'leaves a peer waiting that has connected; expected it to be accepted' "${soon[@]}"
caught stays-open producer listen 'stopped while it listens it is still "ended", with 0 connections; expected all to be closed' "${soon[@]}"
caught stays producer connection 'once its peer is gone its connection is still there (running, its reply running); expected it to end' "${soon[@]}"
leaks ticks-paused producer connection-pause 'a connection emitted [0-9]+ records while it was paused'
leaks reads-paused producer connection-pause 'a connection emitted [0-9]+ records while it was paused'
caught pauses-all producer connection-pause 'another connection emits nothing while one is paused; expected it to go on' "${soon[@]}"
begin "drops-paused: connection-pause"
make_bad drops-paused
run "$WEIR" plugin check --quiet --role producer --rule connection-pause drops-paused.so
expect_status 1
expect_match stdout '^FAILED producer connection-pause: of [0-9]+ bytes that a peer has sent, [0-9]+ came, and not as they were; expected all, in order$'
caught dies-with-peer producer connection-lost 'it crashes (SIGSEGV) in produce()'
caught fails-with-peer producer connection-lost 'once a peer has gone in the midst of a line, the listening stage fails: a peer was lost; expected it to go on'
caught wants-begin producer connection-stop 'it crashes (SIGSEGV) in close(), with a connection that is handed over'
caught emits-elsewhere producer connection-ledger 'emitted past a full link: client is at its hard limit (8 records queued), and the stage cannot wait there as it shares worker "check"; stop emitting when an emit answers FALSE'
leaks leaks-sockets producer connections '([0-9]+) short connections leave \1 descriptors open'
leaks leaks-peers producer connections '[0-9]+ short connections leave [0-9]+ bytes each'
caught writes-nothing reply reply 'a peer gets nothing of 20 lines; expected them to reach it' "${soon[@]}"
caught loses-lines reply reply 'a peer got 640 bytes of 1280, and not as they were; expected all, in order' "${soon[@]}"
caught hangs-up reply reply-end 'behind its own end, a peer got 1280 bytes of 1536; expected all, in order' "${soon[@]}"
caught closes-twice reply reply-end "its connection's descriptor is closed twice, and may be another's by then; expected it to be left to what was handed over" "${soon[@]}"
caught ends-never reply reply-end 'once its peer has sent its end and is gone its connection is still there (closed, its reply ending); expected it to end' "${soon[@]}"
caught gathers reply reply-wait 'takes 262144 lines while its peer takes nothing; expected it to wait'
caught drops-full reply reply-wait 'takes 262144 lines while its peer takes nothing; expected it to wait'
caught writes-blocking reply reply-wait 'it hangs in consume(); expected an end within 2 s' "${hang[@]}"

begin "one that behaves, and has nothing to do but for connections, passes"
make_bad listens
run "$WEIR" plugin check --cycles 500 listens.so
expect_status 0
expect_stderr ''
takes_connections
expect_match stdout '^skipped producer pause: it fails: has nothing to do but for "per_connection"$'

begin "one of which nobody knows where it listens: which option would say so; with it, it passes"
make_bad cannot-be-found
run "$WEIR" plugin check --rule listen --rule reply cannot-be-found.so
expect_status 0
expect_stdout 'skipped producer listen: it fails: found no place to listen at; give the option that makes it listen by --set producer.OPTION=VALUE
skipped reply reply: it fails: found no place to listen at; give the option that makes it listen by --set producer.OPTION=VALUE
cannot-be-found: 0 ok, 0 failed, 2 skipped'
run "$WEIR" plugin check --rule listen --rule reply --set "producer.whereabouts=$SCRATCH/here" cannot-be-found.so
expect_status 0
expect_stdout 'ok producer listen
ok reply reply
cannot-be-found: 2 ok, 0 failed, 0 skipped'

begin "one that is given where it listens, and cannot: the option is named"
run "$WEIR" plugin check --rule listen --set "producer.path=$SCRATCH/none/here" listens.so
expect_status 0
expect_stdout "skipped producer listen: it fails: cannot listen at \"$SCRATCH/none/here\": No such file or directory; give --set producer.path=VALUE to make it listen here
listens: 0 ok, 0 failed, 1 skipped"

source=misbehaves.c

# ---- origins

caught dies-rejected producer origins 'it crashes (SIGSEGV) in delivered(), told WEIR_REJECTED'
leaks leaks-tokens producer origins '[0-9]+ lives with origins that were abandoned leave [0-9]+ bytes each'

begin "leaks-tokens: it leaks those of a halt, and nothing else"
run "$WEIR" plugin check --cycles 200 --rule open --rule lives --rule origins leaks-tokens.so
expect_match stdout '^ok producer lives$'
expect_match stdout '^skipped consumer origins: it has no delivered\(\)$'

begin "one that behaves passes, a line a rule"
make_bad behaves
run "$WEIR" plugin check --cycles 200 behaves.so
expect_status 0
expect_stderr ''
expect_match stdout '^ok producer pause$'
expect_match stdout '^skipped consumer pause: a consumer has no output$'
expect_match stdout '^behaves: [0-9]+ ok, 0 failed, [0-9]+ skipped$'
[ "$(grep -c -E '^(ok|skipped) (producer|consumer) [a-z-]+' stdout)" = 48 ] || fail "not a line a rule"

begin "what one rule has found is not said again"
run "$WEIR" plugin check --role producer --rule open --rule halt --rule answers emits-in-close.so
expect_status 1
expect_stdout "FAILED producer open: $late
skipped producer answers: as open
skipped producer halt: as open
emits-in-close: 0 ok, 1 failed, 2 skipped"

# ---- below valgrind ----------------------------------------------------------------------------------------------------------

if command -v valgrind >/dev/null && ! ldd "$WEIR" | grep -q -E 'asan|tsan'; then
  begin "--valgrind tells what goes well without it"
  make_bad reads-freed
  run "$WEIR" plugin check --role consumer --rule open reads-freed.so
  expect_status 0
  run "$WEIR" plugin check --valgrind --quiet --role consumer --rule open reads-freed.so
  expect_status 1
  expect_match stdout '^FAILED consumer open: valgrind says:$'
  expect_match stdout 'Invalid read of size 4'
  expect_match stdout 'bad_close'

  begin "--valgrind finds nothing in a plugin that behaves"
  run "$WEIR" plugin check --valgrind --quiet --rule open --rule end --rule lives behaves.so
  expect_status 0
  expect_stdout ''
fi

begin "--valgrind without valgrind"
PATH=$SCRATCH run "$WEIR" plugin check --valgrind behaves.so
expect_status 2
expect_stderr 'weir: plugin check: --valgrind: found no program "valgrind" in PATH'

# ---- those that are shipped --------------------------------------------------------------------------------------------------

plugins=$WEIR_BUILD/plugins/.libs

# passes NAME [ARGUMENT...]
passes () {
  local name=$1
  shift
  begin "$name passes"
  run "$WEIR" plugin check --cycles 300 "$@" "$plugins/$name.so"
  expect_status 0
  expect_no_match stdout '^FAILED'
  expect_match stdout '^ok [a-z]+ (end|stop-running)$'
  expect_stderr ''
}

passes exec --set kill_after=4s --set 'command=["cat"]' --set 'producer.command=["yes"]'
passes file
passes format
passes generate
passes head
passes lines
passes match
passes null
passes random
passes stdio
passes throttle --set records_per_second=5
passes udp --set listen=127.0.0.1:0 --set connect=127.0.0.1:9

# sink PLUGIN ADDRESS PATTERN: takes what comes there; $address is where.
sink () {
  echo "{ \"producers\": { \"in\": { \"plugin\": \"$1\", \"listen\": \"$2\" } },
    \"consumers\": { \"out\": { \"plugin\": \"null\", \"from\": \"in\" } } }" >"$1.json"
  "$WEIR" run --plugin-path "$plugins" "$1.json" >"$1.log" 2>&1 &
  wait_until grep -q "$3" "$1.log"
}

sink tcp 127.0.0.1:0 'listening on 127.0.0.1:'
port=$(sed -n 's/.*listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' tcp.log)
passes tcp --set producer.listen=127.0.0.1:0 --set "transform.connect=127.0.0.1:$port" --set "consumer.connect=127.0.0.1:$port"
takes_connections

sink unix "$SCRATCH/sink" 'listening on '
passes unix --set "producer.listen=$SCRATCH/own" --set "transform.connect=$SCRATCH/sink" --set "consumer.connect=$SCRATCH/sink"
takes_connections

# ---- what the command is given ------------------------------------------------------------------------------------------------

begin "options that nobody can guess: the role is skipped by name"
run "$WEIR" plugin check --rule open --rule pause "$plugins/throttle.so"
expect_status 2
expect_stdout 'skipped transform open: found no rate, expected records_per_second, bytes_per_second or both above 0
skipped transform pause: found no rate, expected records_per_second, bytes_per_second or both above 0
throttle: 0 ok, 0 failed, 2 skipped'
expect_stderr 'weir: plugin check: the transform was not checked: found no rate, expected records_per_second, bytes_per_second or both above 0; give --set transform.OPTION=VALUE'

begin "a plugin that cannot open here: its own message, and its options are tried"
run "$WEIR" plugin check --rule open --rule pause --rule options --role producer --set "path=$SCRATCH/none" "$plugins/file.so"
expect_status 0
expect_match stdout '^skipped producer pause: it fails: .*none'
expect_match stdout '^ok producer options$'

begin "a plugin that fails once it runs, as nobody is there: that is no fault of its restart"
run "$WEIR" plugin check --rule restart --role transform --set "connect=$SCRATCH/nobody" "$plugins/unix.so"
expect_status 0
expect_match stdout '^skipped transform restart: it fails by itself'

begin "JSON"
run "$WEIR" plugin check --json --rule open --rule wake "$plugins/null.so"
expect_status 0
{ tr -d ' \n' <stdout; echo; } >packed
expect_text packed '[{"rule":"open","role":"consumer","result":"ok"},{"rule":"wake","role":"consumer","result":"skipped","message":"itdoesnotwaithere"}]'

# wrong NAME MESSAGE ARGUMENT...: a wrong use.
wrong () {
  begin "$1"
  local message=$2
  shift 2
  run "$WEIR" plugin check "$@"
  expect_status 2
  expect_stdout ''
  expect_stderr "weir: plugin check: $message; see weir plugin check --help"
}
wrong "no file" 'found 0 files, expected one'
wrong "two files" 'found 2 files, expected one' a.so b.so
wrong "no name of a file" 'found "", expected a file called after its plugin, NAME.so' ''
wrong "a folder" 'found ".", expected a file called after its plugin, NAME.so' .
wrong "a file with a newline in its name" 'found "a\nb.so", expected a file called after its plugin, NAME.so' $'a\nb.so'
wrong "a role that it has not" '--role: plugin "null" is no producer' --role producer "$plugins/null.so"
wrong "a rule that is none" '--rule: unknown rule "pauze"; did you mean "pause"?' --rule pauze "$plugins/null.so"
wrong "an option that it has not" '--set: unknown option "patern"; did you mean "pattern"?' --set patern=x "$plugins/match.so"
wrong "a setting that is no UTF-8" $'--set: unknown option "\xef\xbf\xbd"' --set $'\xff=x' "$plugins/match.so"
wrong "a setting that is none" '--set: found "pattern", expected OPTION=VALUE or ROLE.OPTION=VALUE' --set pattern "$plugins/match.so"
wrong "a setting for a role that it has not" '--set: the plugin is no consumer' --set consumer.pattern=x "$plugins/match.so"
wrong "a limit out of range" '--limit: found 0, expected a number from 1 to 86400' --limit 0 "$plugins/null.so"
wrong "a number of cycles out of range" '--cycles: found 1, expected a number from 100 to 10000000' --cycles 1 "$plugins/null.so"

begin "an object that is no plugin"
echo 'not an object' >text.so
run "$WEIR" plugin check text.so
expect_status 2
expect_stdout ''
expect_stderr "weir: plugin check: plugin \"text\" (text.so): found a file that is no ELF object, expected a shared object"
run "$WEIR" plugin check "$WEIR_TEST_MODULES/crashes.so"
expect_status 2
expect_match stderr 'it crashes while it is opened \(signal 11, Segmentation fault\)$'

begin "files that are none: a folder, a pipe, a device, a loop of links, nothing"
mkdir folder.so
mkfifo pipe.so
ln -s loop-2.so loop.so
ln -s loop.so loop-2.so
# refused FILE TEXT
refused () {
  local name=${1##*/}
  run timeout 60 "$WEIR" plugin check "$1"
  expect_status 2
  expect_stdout ''
  expect_stderr "weir: plugin check: plugin \"${name%.so}\" ($1): $2"
}
refused folder.so 'found a directory, expected a shared object'
refused pipe.so 'found a special file, expected a shared object'
refused /dev/null 'found a special file, expected a shared object'
refused loop.so 'cannot be read: Too many levels of symbolic links'
refused none.so 'cannot be read: No such file or directory'

if [ -w /dev/full ]; then
  begin "nothing takes what it prints"
  "$WEIR" plugin check --rule wake "$plugins/null.so" >/dev/full 2>stderr
  [ $? = 1 ] || fail "its exit status is not 1"
  expect_stderr 'weir: plugin check: cannot write to standard output: No space left on device'
  for words in --help --version 'plugin check --help' 'new-plugin --help' 'help run'; do
    # shellcheck disable=SC2086
    "$WEIR" $words >/dev/full 2>stderr
    [ $? = 1 ] || fail "$words: the exit status is not 1"
    expect_stderr 'weir: cannot write to standard output: No space left on device'
  done
fi

begin "weir plugin without a command, with a wrong one, its help"
run "$WEIR" plugin
expect_status 2
expect_stderr 'weir: plugin: no command given; see weir plugin --help'
run "$WEIR" plugin chek
expect_status 2
expect_stderr 'weir: plugin: unknown command "chek"; did you mean "check"?; see weir plugin --help'
run "$WEIR" plugin --help
expect_status 0
expect_match stdout '^  check      Hold a plugin'
run "$WEIR" plugin check --help
expect_status 0
expect_match stdout '^  pause             paused by a full link'

begin "nothing is left in the folder of temporary files"
mkdir tmp
TMPDIR=$SCRATCH/tmp run "$WEIR" plugin check --cycles 100 "$plugins/file.so"
expect_status 0
[ -z "$(ls tmp)" ] || fail "left: $(ls tmp)"

finish
