#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The plugin `stdio` in whole pipelines: pipes, files, a reader that leaves, a writer that says nothing.
. "$(dirname "$0")/../cli/lib.sh"

cat >cat.json <<'END'
{
  "producers": { "in": { "plugin": "stdio" } },
  "consumers": { "out": { "plugin": "stdio", "from": "in" } }
}
END
cat >endless.json <<'END'
{
  "engine": { "shutdown": "200ms" },
  "producers": { "in": { "plugin": "generate", "text": "{seq}" } },
  "consumers": { "out": { "plugin": "stdio", "from": "in" } }
}
END

begin "a pipe to a pipe is byte-exact"
head -c 3000001 /dev/urandom >in
cat in | "$WEIR" run --quiet cat.json 2>stderr | cat >stdout
status=${PIPESTATUS[1]}
expect_status 0
expect_stderr ''
expect_file stdout in

begin "a file to a file is byte-exact"
run_with in "$WEIR" run --quiet cat.json
expect_status 0
expect_file stdout in

begin "nothing in, nothing out"
run "$WEIR" run --quiet cat.json
expect_status 0
expect_stdout ''
expect_stderr ''

begin "a file's shared place is kept: the output lies behind what was written before"
{ echo before; echo middle | "$WEIR" run --quiet cat.json; echo after; } >stdout
expect_stdout $'before\nmiddle\nafter'

begin "a reader that leaves is an end"
"$WEIR" run --quiet endless.json 2>stderr | head -n 2 >stdout
status=${PIPESTATUS[0]}
expect_status 0
expect_stdout $'0\n1'
expect_stderr ''

begin "a reader that has left before is an end"
{ "$WEIR" run --quiet endless.json 2>stderr; echo $? >code; } | :
status=$(cat code)
expect_status 0
expect_stderr ''

begin "a stop while nothing comes in"
mkfifo pipe
"$WEIR" run --quiet cat.json <pipe >stdout 2>stderr &
pid=$!
exec 3>pipe
printf 'one\n' >&3
wait_until grep -q one stdout
kill -TERM $pid
wait $pid
status=$?
exec 3>&-
expect_status 0
expect_stdout one

begin "a stop while nobody reads: what is left is told"
sed 's/"text": "{seq}"/"size": 200000/' endless.json >large.json
"$WEIR" run large.json >pipe 2>stderr &
pid=$!
exec 3<pipe
first=$(head -c 3 <&3)
kill -TERM $pid
wait $pid
status=$?
exec 3<&-
expect_status 3
[ "$first" = abc ] || fail "the first bytes are $first"
expect_match stderr '^ +in:out .* [1-9][0-9]* +[0-9]+ +[0-9.]+ +[0-9]+ '
expect_match stderr '^weir: warning: in:out holds [0-9]+ records, [0-9]+ bytes$'

begin "a second signal while nobody reads ends at once"
sed 's/200ms/1h/' large.json >patient.json
"$WEIR" run --quiet patient.json >pipe 2>stderr &
pid=$!
exec 3<pipe
first=$(head -c 3 <&3)
kill -TERM $pid
kill -INT $pid
wait $pid
status=$?
exec 3<&-
[ "$status" = 130 ] || [ "$status" = 143 ] || fail "exit status $status"
expect_match stderr '^weir: warning: patient: ended by a second signal$'
expect_match stderr '^weir: warning: in:out holds [0-9]+ records, [0-9]+ bytes$'

begin "a full disk fails"
"$WEIR" run --quiet endless.json >/dev/full 2>stderr
status=$?
expect_status 1
expect_match stderr '^weir: out \(stdio, consumer\): cannot write standard output: No space left on device$'

begin "a closed standard output fails"
"$WEIR" run --quiet endless.json >&- 2>stderr
status=$?
expect_status 1
expect_match stderr '^weir: out \(stdio, consumer\): cannot write standard output: Bad file descriptor$'

begin "a closed standard input fails"
"$WEIR" run --quiet cat.json <&- >stdout 2>stderr
status=$?
expect_status 1
expect_stderr 'weir: in (stdio, producer): cannot read standard input: Bad file descriptor'

begin "the descriptors stay blocking"
(echo in; wait_until grep -q in stdout) | { "$WEIR" run --quiet cat.json; grep flags /proc/self/fdinfo/0 >flags; } | cat >stdout
expect_no_match flags '[4567]...$'

finish
