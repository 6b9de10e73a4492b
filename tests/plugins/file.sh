#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The plugin `file` in whole pipelines: what is on disk, what is said and the exit code, also where it cannot work. What each option
# does is tested in tests/unit/test-plugin-file.c and test-plugin-file-write.c.
. "$(dirname "$0")/../cli/lib.sh"

# copy PRODUCER-OPTIONS [CONSUMER-OPTIONS [TRANSFORMS]]: writes copy.json: `log` -> (lines `last`) -> `out`.
copy () {
  local from=log transforms=
  [ $# -lt 3 ] || { from=last; transforms="\"transforms\": { $3 },"; }
  cat >copy.json <<END
{
  "producers": { "log": { "plugin": "file", $1 } },
  $transforms
  "consumers": { "out": { "plugin": "file", "from": "$from", ${2:-"\"path\": \"out\""} } }
}
END
}

LINES='"last": { "plugin": "lines", "from": "log" }'

# start: runs copy.json in the background; its number is in $pid.
start () {
  : >stderr # what the one before has said is not read again
  "$WEIR" run copy.json >stdout 2>stderr &
  pid=$!
}

# stop: ends it by SIGTERM and waits; its exit code is in $status.
stop () {
  kill -TERM $pid
  wait $pid
  status=$?
}

has () { [ -e "$1" ] && cmp -s "$1" <(printf "$2"); }

begin "file to file is byte-exact"
head -c 3000001 /dev/urandom >in
copy '"path": "in"'
run "$WEIR" run --quiet copy.json
expect_status 0
expect_stderr ''
expect_file out in

begin "file to lines to file is byte-exact, without a newline at the end too"
rm -f out
copy '"path": "in"' '"path": "out"' "$LINES"
run "$WEIR" run --quiet copy.json
expect_status 0
expect_file out in

begin "small chunks and small queues change nothing"
rm -f out
head -c 100000 in >small
copy '"path": "small", "chunk": 777' '"path": "out", "queue": { "records": 3 }' '"last": { "plugin": "lines", "from": "log", "queue": { "bytes": 1000 } }'
run "$WEIR" run --quiet copy.json
expect_status 0
expect_file out small

begin "globs are read in order, one file after another"
rm -f out
mkdir logs
for i in 3 1 2; do printf 'file %s\n' $i >logs/$i.log; done
copy '"path": "logs/*.log"'
run "$WEIR" run --quiet copy.json
expect_status 0
expect_text out $'file 1\nfile 2\nfile 3'

begin "a missing file fails in open, and nothing is left"
rm -f out
copy '"path": "missing.log"'
run "$WEIR" run --quiet copy.json
expect_status 1
expect_stdout ''
expect_stderr 'weir: log (file, producer): cannot open missing.log: No such file or directory'
expect_missing out

begin "what was there stays as it was where another stage cannot be opened"
echo old >out
copy '"path": "missing.log"' '"path": "out", "append": false'
run "$WEIR" run --quiet copy.json
expect_status 1
expect_text out old

begin "a folder for a file to read"
rm -f out
copy '"path": "logs"'
run "$WEIR" run --quiet copy.json
expect_status 1
expect_stderr 'weir: log (file, producer): cannot open logs: Is a directory'
expect_missing out

begin "a folder for a file to write"
copy '"path": "in"' '"path": "logs"'
run "$WEIR" run --quiet copy.json
expect_status 1
expect_stderr 'weir: out (file, consumer): cannot open logs: Is a directory'

begin "a folder that is missing"
copy '"path": "in"' '"path": "none/out"'
run "$WEIR" run --quiet copy.json
expect_status 1
expect_stderr 'weir: out (file, consumer): cannot open none/out: No such file or directory'
expect_missing none

begin "a full disk fails, and what was not written is told"
printf 'one\ntwo\n' >small
copy '"path": "small"' '"path": "/dev/full"' "$LINES"
run "$WEIR" run --quiet copy.json
expect_status 1
expect_match stderr '^weir: out \(file, consumer\): cannot write /dev/full: No space left on device$'
run "$WEIR" run --quiet --summary summary.json copy.json
expect_status 1
expect_match summary.json '"result": ?"failed"'

begin "a full disk is waited for, which is said once, and a stop says what is left"
copy '"path": "small"' '"path": "/dev/full", "when_full_disk": "wait"' "$LINES"
sed -i '1s/{/{ "engine": { "shutdown": "200ms" },/' copy.json
start
wait_until grep -q 'trying again' stderr
stop
expect_status 3
[ "$(grep -c 'trying again' stderr)" = 1 ] || fail "said more than once" "$(cat stderr)"
expect_match stderr 'out \(file, consumer\): cannot write /dev/full: No space left on device; trying again each second$'

begin "a file that vanishes before its turn"
rm -f out
mkfifo first
printf 'second\n' >second
copy '"path": ["first", "second"]'
start
exec 3>first
wait_until test -e out
rm second
printf 'first\n' >&3
exec 3>&-
wait $pid
status=$?
expect_status 1
expect_match stderr '^weir: log \(file, producer\): cannot open second: No such file or directory$'
expect_text out first

begin "follow: growth, rotation by rename, truncation; SIGTERM drains"
rm -f out
printf 'one\n' >app.log
copy '"path": "app.log", "follow": true' '"path": "out"' "$LINES"
start
wait_until has out 'one\n'
printf 'two\n' >>app.log
wait_until has out 'one\ntwo\n'
mv app.log app.log.1
printf 'three\n' >>app.log.1
printf 'four\n' >app.log
wait_until has out 'one\ntwo\nthree\nfour\n'
: >app.log
printf 'five\n' >>app.log
wait_until has out 'one\ntwo\nthree\nfour\nfive\n'
printf 'half' >>app.log
stop
expect_status 0
expect_match out '^five$'

# pause, resume: nothing is looked at in between.
pause () {
  kill -STOP $pid
  wait_until is_stopped
}
is_stopped () { ! grep -h '^State:' "/proc/$pid"/task/*/status | grep -q -v stopped; }
resume () { kill -CONT $pid; }
# rotate NAME...: app.log, and what it was before, are renamed to the first name, what that was to the next.
rotate () {
  local i
  for ((i = $#; i > 1; i--)); do
    [ ! -e "${!i}" ] || fail "${!i} is in the way"
    local before=$((i - 1))
    [ ! -e "${!before}" ] || mv "${!before}" "${!i}"
  done
  mv app.log "$1"
}

begin "follow: rotated three times between two looks, each file in its order"
rm -f out app.log*
printf 'long ago\n' >app.log.old
printf 'one\n' >app.log
start
wait_until has out 'one\n'
pause
printf 'two\n' >>app.log
rotate app.log.1 app.log.2 app.log.3
printf 'three\n' >app.log
rotate app.log.1 app.log.2 app.log.3
printf 'four\nhalf' >app.log
rotate app.log.1 app.log.2 app.log.3
printf 'five\n' >app.log
resume
wait_until has out 'one\ntwo\nthree\nfour\nhalf\nfive\n'
stop
expect_status 0
expect_match stderr '^  log: files 4, rotated 3$'

begin "follow: rotated by date, in a folder, by a glob; what was removed meanwhile is gone"
rm -rf out app.log* logs
mkdir logs
printf 'one\n' >logs/app.log
copy '"path": ".//l*/*.log", "follow": true' '"path": "out"' "$LINES"
start
wait_until has out 'one\n'
pause
mv logs/app.log logs/app.log-20260101
printf 'two\n' >logs/app.log
mv logs/app.log logs/app.log-20260102
printf 'lost\n' >logs/app.log
mv logs/app.log logs/app.log-20260103
rm logs/app.log-20260103
printf 'three\n' >logs/app.log
resume
wait_until has out 'one\ntwo\nthree\n'
stop
expect_status 0

begin "follow: what comes and is rotated before the first look at it"
rm -rf out app.log*
printf 'other\n' >other.log
copy '"path": ["app.log", "other.log"], "follow": true' '"path": "out"' "$LINES"
start
wait_until has out 'other\n'
pause
printf 'one\n' >app.log
mv app.log app.log.1
printf 'two\n' >app.log
resume
wait_until has out 'other\none\ntwo\n'
stop
expect_status 0
rm -f app.log* other.log
copy '"path": "app.log", "follow": true' '"path": "out"' "$LINES"

begin "follow waits for what is missing"
rm -f out app.log
start
wait_until grep -q 'app.log is not there yet' stderr
printf 'one\n' >app.log
wait_until has out 'one\n'
stop
expect_status 0
expect_text out one

begin "rotation by size keeps lines whole and loses none"
rm -f out*
seq 1 20000 >in
copy '"path": "in"' '"path": "out", "rotate": "10KB", "keep": 100' "$LINES"
run "$WEIR" run --quiet copy.json
expect_status 0
[ -e out.10 ] && [ ! -e out.11 ] || fail "not ten rotations: $(ls out*)"
for i in 10 9 8 7 6 5 4 3 2 1; do cat out.$i; done >joined
cat out >>joined
expect_file joined in
[ "$(find . -name 'out*' -size +10000c)" = '' ] || fail "too large: $(ls -l out*)"

begin "append, and begin anew"
rm -f out*
printf 'one\n' >small
copy '"path": "small"'
run "$WEIR" run --quiet copy.json
run "$WEIR" run --quiet copy.json
expect_text out $'one\none'
copy '"path": "small"' '"path": "out", "append": false, "sync": "batch"'
run "$WEIR" run --quiet copy.json
expect_status 0
expect_text out one

finish
