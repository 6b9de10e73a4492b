#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The progress of weir run: a table on a terminal (made by script(1)), a line a second elsewhere.
. "$(dirname "$0")/lib.sh"

cat >slow.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 1200 } },
  "transforms": { "slow": { "plugin": "throttle", "from": "gen", "records_per_second": 1000, "burst": "10ms", "queue": { "records": 100 } } },
  "consumers": { "out": { "plugin": "null", "from": "slow" } } }
END
cat >print.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 600, "text": "a line" } },
  "transforms": { "slow": { "plugin": "throttle", "from": "gen", "records_per_second": 1000, "burst": "10ms" } },
  "consumers": { "out": { "plugin": "stdio", "from": "slow" } } }
END

# on_terminal COLUMNS LINES COMMAND: what a terminal of that size gets to see, in the file screen; its status.
on_terminal () {
  script -q -e -c "stty cols $1 rows $2; $3" typescript </dev/null >/dev/null 2>&1
  status=$?
  look
}
look () { tr -d '\r' <typescript | sed -e '1d' >screen; }

# endless COLUMNS LINES CONDITION OPTION... FILE: likewise, with a producer that goes on until CONDITION holds of the screen; what it prints
# is elsewhere.
endless () {
  local columns=$1 lines=$2 condition=$3 watched
  shift 3
  rm -f number typescript
  script -q -e -f -c "stty cols $columns rows $lines; echo \$\$ >number; exec '$WEIR' run --set gen.count=0 $* >printed" typescript \
    </dev/null >/dev/null 2>&1 &
  watched=$!
  wait_until is_seen "$condition"
  kill -TERM "$(cat number)"
  wait $watched
  status=$?
  look
}
is_seen () { [ -s number ] && look && "$1"; }

begin "on a terminal: a table that is drawn in place, and taken away for the summary"
is_redrawn () { [ "$(grep -c 'running, ' screen)" -ge 3 ] && grep -q 'gen is paused$' screen; }
endless 80 24 is_redrawn slow.json
expect_status 0
expect_match screen '^.{0,12}slow: running, [0-9.]+ s$'
expect_match screen '^  link +queue +in +out +pauses'
expect_match screen '^  gen:slow +\[[#.]{10}\] +[0-9]+% +[0-9.]+( k)?/s +[0-9.]+( k)?/s +[0-9]+  gen is paused$'
expect_match screen '^  slow:out +\[[#.]{10}\] +[0-9]+% '
escape=$(printf '\033')
expect_match screen "$escape\[4A$escape\[Kslow: running, "
expect_match screen "$escape\[4A$escape\[Jweir: slow: stopped after "

begin "no line is wider, and no table higher, than the terminal"
is_drawn () { grep -q '^  gen:slow ' screen; }
endless 41 8 is_drawn --quiet --progress slow.json
expect_status 0
expect_match screen '^  gen:slow '
sed "s/$escape\[[0-9]*[AJK]//g" screen | grep -v '^Script done' >text
expect_no_match text '.{41}'

begin "--quiet: nothing"
on_terminal 80 24 "'$WEIR' run --quiet slow.json"
expect_status 0
expect_no_match screen 'running|gen:slow'

begin "off where a stage writes to the same terminal"
on_terminal 80 24 "'$WEIR' run --progress print.json"
expect_status 0
expect_no_match screen 'running,'
[ "$(grep -c '^a line$' screen)" = 600 ] || fail "$(grep -c '^a line$' screen) lines were printed"

begin "on where it writes elsewhere"
is_running () { grep -q 'print: running, ' screen; }
endless 80 24 is_running print.json
expect_status 0
[ "$(sort -u printed)" = 'a line' ] || fail "printed: $(sort -u printed)"

begin "without a terminal: nothing, or one line a second when it is asked for"
run "$WEIR" run slow.json
expect_status 0
expect_no_match stderr 'running,'
before=$SECONDS
"$WEIR" run --quiet --progress --set gen.count=0 slow.json </dev/null >stdout 2>stderr &
pid=$!
wait_until grep -q 'running, .*; paused: gen$' stderr
kill -TERM $pid
wait $pid
status=$?
expect_status 0
expect_stdout ''
[ "$(wc -l <stderr)" -le $((SECONDS - before)) ] || fail "in $((SECONDS - before)) s: $(cat stderr)"
expect_match stderr '^weir: slow: running, [0-9]+\.[0-9] s; produced [0-9]+ \([0-9.]+( k)?/s\), queued [0-9]+, consumed [0-9]+ \([0-9.]+( k)?/s\); paused: gen$'

finish
