#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The plugin `exec` in whole pipelines: real children that do what they should, and those that do not: that die, hang, flood, ignore
# signals, close their ends early or leave others behind.
. "$(dirname "$0")/../cli/lib.sh"

cat >from.json <<'END'
{
  "engine": { "shutdown": "20s" },
  "producers": { "child": { "plugin": "exec", "command": "true" } },
  "consumers": { "out": { "plugin": "file", "from": "child", "path": "out", "append": false } }
}
END
cat >to.json <<'END'
{
  "engine": { "shutdown": "20s" },
  "producers": { "in": { "plugin": "stdio" } },
  "consumers": { "child": { "plugin": "exec", "from": "in", "command": "true" } }
}
END
cat >endless.json <<'END'
{
  "engine": { "shutdown": "20s" },
  "producers": { "in": { "plugin": "generate", "text": "{seq}" } },
  "consumers": { "child": { "plugin": "exec", "from": "in", "command": "true" } }
}
END

cat >through.json <<'END'
{
  "engine": { "shutdown": "20s" },
  "producers": { "in": { "plugin": "stdio" } },
  "transforms": { "child": { "plugin": "exec", "from": "in", "command": "true" } },
  "consumers": { "out": { "plugin": "file", "from": "child", "path": "out", "append": false } }
}
END

# from COMMAND [OPTION...]: the child as a producer; COMMAND is a list in JSON; OPTION as in child.OPTION=VALUE. to: as a consumer;
# through: as a transform.
from () { run_child run from.json "$@"; }
to () { run_child "run_with $input" to.json "$@"; }
through () { run_child "run_with $input" through.json "$@"; }
endless () { run_child run endless.json "$@"; }
run_child () {
  local how=$1 file=$2 command=$3 settings=()
  shift 3
  for option; do settings+=(--set "child.$option"); done
  $how "$WEIR" run --quiet --summary summary.json --set "child.command=$command" "${settings[@]}" "$file"
}
# start FILE COMMAND [OPTION...]: the same in the background; $pid.
start () {
  local file=$1 command=$2 settings=()
  shift 2
  for option; do settings+=(--set "child.$option"); done
  "$WEIR" run --quiet --summary summary.json --set "child.command=$command" "${settings[@]}" "$file" >stdout 2>stderr <"$input" 8>&- &
  pid=$!
}
await () { wait "$pid"; status=$?; }
# Children's numbers are not known before: they become N.
expect_said () {
  sed -E 's/child [0-9]+/child N/' stderr >said
  expect_text said "$1"
}
is_gone () { [ ! -e "/proc/$(cat "$1")" ] || grep -q '^State:.Z' "/proc/$(cat "$1")/status"; }
has_no_child () { ! grep -l -E "^[0-9]+ \(.*\) . $pid " /proc/[0-9]*/stat >/dev/null 2>&1; }
input=/dev/null
head -c 3000001 /dev/urandom >random

# ---- what it is for ----

begin "its output, byte for byte"
from '["cat", "random"]'
expect_status 0
expect_stderr ''
expect_file out random

begin "its input, byte for byte"
input=random
to '["sh", "-c", "cat >out"]'
input=/dev/null
expect_status 0
expect_stderr ''
expect_file out random

begin "a consumer's own output is ours"
echo hello >hello
input=hello
to '["tr", "a-z", "A-Z"]'
input=/dev/null
expect_status 0
expect_stdout HELLO

begin "a producer's input is empty"
from '["cat"]'
expect_status 0
expect_text out ''

begin "arguments are passed as they are: there is no shell"
from '["printf", "%s\n", "a b", "$HOME", "*", "", "\"; exit 1"]'
expect_status 0
expect_text out $'a b\n$HOME\n*\n\n"; exit 1'

begin "a string is a program without arguments"
from '"true"'
expect_status 0
expect_text out ''

begin "a string with blanks is the name of a program"
from 'echo hello'
expect_status 1
expect_stderr 'weir: child (exec, producer): cannot execute "echo hello": No such file or directory'

# ---- options ----

begin "environment is added to ours"
WEIR_TEST_A=ours WEIR_TEST_B=ours from '["sh", "-c", "echo $WEIR_TEST_A $WEIR_TEST_B $WEIR_TEST_C"]' \
  'environment={"WEIR_TEST_B": "its", "WEIR_TEST_C": "a = b"}'
expect_status 0
expect_text out 'ours its a = b'

begin "directory is where it runs"
mkdir folder
from pwd directory=folder
expect_status 0
expect_text out "$(cd folder && pwd -P)"

begin "a directory that is not there"
from pwd directory=nowhere
expect_status 1
expect_stderr 'weir: child (exec, producer): cannot enter directory "nowhere": No such file or directory'

begin "a directory that is a file"
from pwd directory=random
expect_status 1
expect_stderr 'weir: child (exec, producer): cannot enter directory "random": Not a directory'

begin "stderr: a line each in the log, long ones in pieces, and the last one without its newline"
from '["sh", "-c", "echo one >&2; echo >&2; printf %02500d 7 >&2; printf \"\\ntab\\there\\r\\nlast\" >&2"]'
expect_status 0
zeros=$(printf %01000d 0)
expect_stderr "weir: child (exec, producer): one
weir: child (exec, producer): $zeros
weir: child (exec, producer): $zeros
weir: child (exec, producer): $(printf %0500d 7)
weir: child (exec, producer): tab	here
weir: child (exec, producer): last"

begin "stderr: inherit, it goes where ours goes"
from '["sh", "-c", "echo plain >&2"]' stderr=inherit
expect_status 0
expect_stderr plain

begin "stderr: discard"
from '["sh", "-c", "echo plain >&2"]' stderr=discard
expect_status 0
expect_stderr ''

begin "a message goes with the delimiter"
run "$WEIR" run --quiet --set in.count=3 --set 'child.command=["od", "-An", "-c"]' --set child.delimiter='; ' endless.json
expect_stdout '   0  \n   1  \n   2  \n'
cat >messages.json <<'END'
{ "producers": { "in": { "plugin": "exec", "command": ["printf", "mm"], "chunk": 1 } },
  "transforms": { "bare": { "plugin": "match", "from": "in", "pattern": "m" } },
  "consumers": { "child": { "plugin": "exec", "from": "bare", "command": ["od", "-An", "-c"] } } }
END
run "$WEIR" run --quiet messages.json
expect_stdout '   m  \n   m  \n'
run "$WEIR" run --quiet --set child.delimiter='; ' messages.json
expect_stdout '   m   ;       m   ;    '
run "$WEIR" run --quiet --set child.delimiter=nul messages.json
expect_stdout '   m  \0   m  \0'
run "$WEIR" run --quiet --set child.delimiter= messages.json
expect_stdout '   m   m'

begin "chunk bounds what is read at a time"
from '["printf", "12345678"]' chunk=3
expect_status 0
expect_text <(tr -d ' \n' <summary.json | grep -o '"child":{[^}]*' | grep -o '"records_out":[0-9]*') '"records_out":3'

begin "bad options are told by check"
for option in command= 'environment={"A=B": "c"}' 'environment={"": "c"}' 'success="256"' 'success=["0", "one"]' 'success=[]'; do
  run "$WEIR" check --set "child.$option" from.json
  expect_status 2
  sed 's/^--set:1:[0-9]*: //' stderr >>told
done
expect_text told 'error: producers.child.command: found an empty name, expected a program and its arguments
error: producers.child.environment: found "A=B", expected names without "="
error: producers.child.environment: found "", expected names without "="
error: producers.child.success: found "256", expected exit statuses from 0 to 255
error: producers.child.success: found "one", expected exit statuses from 0 to 255
error: producers.child.success: found an empty list, expected at least one exit status from 0 to 255'

# ---- what it is given ----

begin "it has no descriptors of ours"
exec 7<random
from '["ls", "/proc/self/fd"]'
exec 7<&-
expect_status 0
expect_text out $'0\n1\n2\n3'

begin "it blocks no signal, and ignores only what whoever started us has ignored"
from '["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]'
expect_status 0
# Those that weir handles (HUP, INT, USR1, USR2, TERM) it does not hand on as ignored.
ignored () { echo $((0x$(sed -n 's/^SigIgn:\s*//p' "$1") & 0x7fffffff & ~0x4a03)); }
expect_match out '^SigBlk:\s0+$'
[ "$(ignored out)" = "$(ignored /proc/self/status)" ] || fail "$(cat out)"

begin "it has a process group of its own"
from '["cut", "-d", " ", "-f", "1,5", "/proc/self/stat"]'
expect_status 0
expect_match out '^([0-9]+) \1$'

# ---- how it ends ----

begin "a program that is not there"
from '["/nowhere/program", "argument"]'
expect_status 1
expect_stderr 'weir: child (exec, producer): cannot execute "/nowhere/program": No such file or directory'

begin "a file that cannot be executed"
from ./random
expect_status 1
expect_stderr 'weir: child (exec, producer): cannot execute "./random": Permission denied'

begin "a consumer that cannot be executed"
to /nowhere/program
expect_status 1
expect_stderr 'weir: child (exec, consumer): cannot execute "/nowhere/program": No such file or directory'

begin "a program that is found only from directory, or not there"
mkdir -p place
printf '#!/bin/sh\necho placed\n' >place/program
chmod +x place/program
from ./program directory=place
expect_status 0
expect_text out placed
from ./program
expect_status 1
expect_stderr 'weir: child (exec, producer): cannot execute "./program": No such file or directory'

begin "a folder is no program"
from ./place
expect_status 1
expect_stderr 'weir: child (exec, producer): cannot execute "./place": Permission denied'

begin "what is seen only as it is executed"
{ printf '{ "producers": { "child": { "plugin": "exec", "command": ["echo", "'
  head -c 200000 /dev/zero | tr '\0' x
  printf '"] } }, "consumers": { "out": { "plugin": "null", "from": "child" } } }\n'; } >long.json
run "$WEIR" run --quiet long.json
expect_status 1
expect_stderr 'weir: child (exec, producer): cannot execute "echo": Argument list too long'

begin "no child is started where another stage cannot be opened"
rm -f ran
cat >neither.json <<'END'
{ "producers": { "in": { "plugin": "exec", "command": ["sh", "-c", "echo in >>ran; sleep 1000"] },
                 "count": { "plugin": "generate" } },
  "transforms": { "child": { "plugin": "exec", "from": "in", "command": ["sh", "-c", "echo child >>ran; cat"] } },
  "consumers": { "sink": { "plugin": "exec", "from": "child", "command": ["sh", "-c", "echo sink >>ran; cat"] },
                 "out": { "plugin": "file", "from": "count", "path": "missing/out" } } }
END
run "$WEIR" run --quiet neither.json
expect_status 1
expect_stderr 'weir: out (file, consumer): cannot open missing/out: No such file or directory'
expect_missing ran

begin "a status is a failure, told behind what it wrote and said"
from '["sh", "-c", "echo written; echo said >&2; exit 3"]'
expect_status 1
expect_text out written
expect_said 'weir: child (exec, producer): said
weir: child (exec, producer): child N (sh) exited with status 3'

begin "a status that is among success is none"
from '["sh", "-c", "exit 3"]' 'success=["0", "3"]'
expect_status 0
expect_stderr ''

begin "0 is a failure where it is not among success"
from '["true"]' 'success="3"'
expect_status 1
expect_said 'weir: child (exec, producer): child N (true) exited with status 0'

begin "a signal is a failure"
from '["sh", "-c", "kill -KILL $$"]' 'success=["0", "9"]'
expect_status 1
expect_said 'weir: child (exec, producer): child N (sh) was killed by signal 9 (Killed)'

begin "a consumer that fails at the end"
input=hello
to '["sh", "-c", "cat >/dev/null; exit 4"]'
input=/dev/null
expect_status 1
expect_said 'weir: child (exec, consumer): child N (sh) exited with status 4'

begin "a consumer that fails in the middle"
endless '["sh", "-c", "head -c 100000 >/dev/null; exit 5"]'
expect_status 1
expect_said 'weir: child (exec, consumer): child N (sh) exited with status 5'

begin "a consumer that has enough: that is success, and ends what feeds it"
endless '["head", "-n", "2"]'
expect_status 0
expect_stdout $'0\n1'
expect_stderr ''

begin "a consumer that closes its input early, and takes its time to exit"
endless '["sh", "-c", "head -n 1; exec <&-; sleep 0.2; echo later"]'
expect_status 0
expect_stdout $'0\nlater'
expect_stderr ''

begin "a consumer that exits while nothing comes in"
mkfifo fifo
exec 8<>fifo
input=fifo
start to.json '["sh", "-c", "exit 6"]'
await
expect_status 1
expect_said 'weir: child (exec, consumer): child N (sh) exited with status 6'
start to.json '["true"]'
await
expect_status 0
expect_stderr ''

begin "a consumer that is killed while nothing comes in"
rm -f number
start to.json '["sh", "-c", "echo $$ >number; exec sleep 1000"]'
wait_until test -s number
kill -KILL "$(cat number)"
await
expect_status 1
expect_said 'weir: child (exec, consumer): child N (sh) was killed by signal 9 (Killed)'
input=/dev/null
exec 8>&-

begin "a consumer that does not end behind its input"
to '["sleep", "1000"]' exit_timeout=50ms
expect_status 1
expect_said 'weir: child (exec, consumer): child N (sleep) was killed by signal 15 (Terminated): it had not exited 50 ms after its input came to an end (exit_timeout)'

begin "a consumer that does not end behind its input, and ignores SIGTERM"
rm -f number
exec 8<>fifo
input=fifo
start to.json '["sh", "-c", "trap \"\" TERM; echo $$ >number; while :; do sleep 1000; done"]' exit_timeout=200ms kill_after=50ms
input=/dev/null
wait_until test -s number # its trap is set
exec 8>&-
await
expect_status 1
expect_said 'weir: child (exec, consumer): child N (sh) was killed by signal 9 (Killed): it had not exited 200 ms after its input came to an end (exit_timeout)'
expect is_gone number

begin "a consumer that never reads is killed at the deadline"
rm -f number
sed 's/"text": "{seq}"/"size": 2000000/; s/"20s"/"300ms"/' endless.json >large.json
start large.json '["sh", "-c", "head -c 1 >/dev/null; echo $$ >number; exec sleep 1000"]'
wait_until test -s number
kill -TERM "$pid"
await
expect_status 3
expect is_gone number

begin "a consumer that was given all and does not end by the deadline has failed"
rm -f number
sed 's/"20s"/"100ms"/' to.json >short.json
input=hello
start short.json '["sh", "-c", "read line; echo $$ >number; exec sleep 1000"]'
input=/dev/null
wait_until test -s number
kill -TERM "$pid"
await
expect_status 1
expect_said 'weir: warning: short: the time to drain is over
weir: child (exec, consumer): child N (sh) had not exited when the time to stop was over'
expect is_gone number

begin "a producer that closes its output and goes on"
from '["sh", "-c", "echo said; exec >&- 2>&-; exec sleep 1000"]' exit_timeout=50ms
expect_status 1
expect_text out said
expect_said 'weir: child (exec, producer): child N (sh) was killed by signal 15 (Terminated): it had not exited 50 ms after its output came to an end (exit_timeout)'

begin "what it has left behind goes on with its output"
from '["sh", "-c", "(sleep 0.2; echo late) & echo early"]'
expect_status 0
expect_text out $'early\nlate'
expect_stderr ''

begin "what it has left behind and says nothing is killed"
rm -f number
from '["sh", "-c", "sleep 1000 & echo $! >number; echo early"]' exit_timeout=50ms stderr=discard
expect_status 0
expect_text out early
expect_said 'weir: warning: child (exec, producer): child N (sh) has exited, but what it has started holds its output open; killed'
wait_until is_gone number

begin "a flood of errors is a line each, and holds up nobody but the child"
from '["sh", "-c", "yes error | head -n 20000 >&2; echo written"]'
expect_status 0
expect_text out written
[ "$(grep -c '^weir: child (exec, producer): error$' stderr)" = 20000 ] || fail "$(wc -l <stderr) lines"

begin "a flood of errors while its output is held up"
cat >held.json <<'END'
{ "producers": { "child": { "plugin": "exec", "command": ["sh", "-c", "yes error | head -n 20000 >&2; yes | head -c 300000; yes error | head -n 20000 >&2; echo end >end; exec cat"] } },
  "consumers": { "out": { "plugin": "stdio", "from": "child", "queue": { "records": 1 } } } }
END
mkfifo reader
"$WEIR" run --quiet --set 'child.chunk=1000' held.json >reader 2>stderr &
pid=$!
exec 8<reader
wait_until grep -q error stderr
[ "$(wc -c <&8)" = 300000 ] || fail "the output is not whole"
await
exec 8<&-
expect_status 0
[ "$(grep -c '^weir: child (exec, producer): error$' stderr)" = 40000 ] || fail "$(wc -l <stderr) lines"

# ---- both ways ----

begin "64 MiB through a child both ways, byte for byte"
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do cat random; done | head -c 67108864 >large
input=large
through '["cat"]'
expect_status 0
expect_stderr ''
expect_file out large
rm -f large out

begin "a child that answers only when its input is over"
seq 100000 -1 1 >numbers
input=numbers
through '["sort", "-n"]'
expect_status 0
seq 1 100000 >wanted
expect_file out wanted

begin "a child that reads nothing before its output is taken"
through '["sh", "-c", "head -c 3000000 /dev/zero; cat"]'
expect_status 0
expect_text <(head -c 3000000 out | tr -d '\0') ''
tail -c +3000001 out >rest
expect_file rest numbers

begin "a child that fails: what it wrote comes out first"
input=hello
through '["sh", "-c", "read line; echo $line; exit 3"]'
expect_status 1
expect_text out hello
expect_said 'weir: child (exec, transform): child N (sh) exited with status 3'

begin "a child that fails while much comes in"
input=numbers
through '["sh", "-c", "head -n 1; exit 3"]'
expect_status 1
expect_text out 100000
expect_said 'weir: child (exec, transform): child N (sh) exited with status 3'

begin "a child that has enough ends what feeds it"
cat >first.json <<'END'
{ "producers": { "in": { "plugin": "generate", "text": "{seq}" } },
  "transforms": { "child": { "plugin": "exec", "from": "in", "command": ["head", "-n", "2"] } },
  "consumers": { "out": { "plugin": "stdio", "from": "child" } } }
END
run "$WEIR" run --quiet first.json
expect_status 0
expect_stdout $'0\n1'
expect_stderr ''

begin "a child that exits while nothing comes in ends what feeds it"
exec 8<>fifo
input=fifo
start through.json '["echo", "short"]'
await
expect_status 0
expect_text out short
start through.json '["sh", "-c", "echo short; exit 3"]'
await
expect_status 1
expect_text out short
exec 8>&-

begin "a child that closes its input early and goes on"
input=numbers
through '["sh", "-c", "head -n 1; exec <&-; sleep 0.2; echo later"]'
expect_status 0
expect_text out $'100000\nlater'

begin "a child that closes its output early and reads on"
rm -f read slept
exec 8<>fifo
input=fifo
start through.json '["sh", "-c", "echo said; exec >&-; sleep 2.2; echo >slept; cat >read"]' exit_timeout=2s
exec 9>fifo 8>&-
wait_until test -e slept
cat hello >&9
exec 9>&-
await
input=numbers
expect_status 0
expect_text out said
expect_file read hello

begin "a child that does not end behind its input"
rm -f number out
exec 8<>fifo
input=fifo
start through.json '["sh", "-c", "echo $$ >number; cat; exec sleep 1000"]' exit_timeout=50ms
exec 9>fifo 8>&-
cat numbers >&9
wait_until cmp -s out numbers # so that it is silent behind its input
exec 9>&-
await
expect_status 1
expect_file out numbers
expect_said 'weir: child (exec, transform): child N (sh) was killed by signal 15 (Terminated): it had not exited 50 ms after its input came to an end (exit_timeout)'
expect is_gone number

begin "a child that is slow, but not silent, behind its input has its time"
input=hello
through '["sh", "-c", "cat; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.25; echo $i; done"]' exit_timeout=2s
expect_status 0
expect_text out $'hello\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10'

begin "a child whose output nobody wants any more is ended"
cat >unwanted.json <<'END'
{ "producers": { "in": { "plugin": "generate", "text": "{seq}" } },
  "transforms": { "child": { "plugin": "exec", "from": "in", "command": ["sh", "-c", "echo $$ >number; exec cat"] },
                  "few": { "plugin": "head", "from": "child", "count": 1 } },
  "consumers": { "out": { "plugin": "null", "from": "few" } } }
END
rm -f number
run "$WEIR" run --quiet unwanted.json
expect_status 0
expect_stderr ''
expect is_gone number

begin "a stop drains through a child"
cat >drain.json <<'END'
{ "producers": { "in": { "plugin": "generate", "text": "{seq}" } },
  "transforms": { "slow": { "plugin": "throttle", "from": "in", "records_per_second": 100000, "burst": "1ms" },
                  "child": { "plugin": "exec", "from": "slow", "command": "cat" } },
  "consumers": { "out": { "plugin": "file", "from": "child", "path": "out", "append": false } } }
END
rm -f out
start drain.json '["cat"]'
wait_until test -s out
kill -TERM "$pid"
await
expect_status 0
expect_stderr ''
expect_no_match summary.json '"(queued|dropped)": [1-9]'
expect_match summary.json "\"out\": $(wc -l <out),"
input=/dev/null

# ---- docs/configuration.md ----

begin "the page's stage in sh does what it says"
sed -n '/^## exec/,/^## /p' "$WEIR_SOURCE/docs/configuration.md" >page
sed -n '/^```sh$/,/^```$/p' page | sed '/^```/d' >redact.sh
sed -n '/^```json$/,/^```$/p' page | sed '/^```/d' >redact.json
chmod +x redact.sh
printf 'one\n\nuser=me password=secret end\nlast' >log
run_with log "$WEIR" run --quiet redact.json
expect_status 0
expect_stderr ''
expect_stdout $'one\nuser=me password=...'

# ---- stopping ----

begin "a stop tells a producer to end, and waits until it has"
rm -f number cleaned out
start from.json '["sh", "-c", "trap \"sleep 0.1; echo done >cleaned; exit 9\" TERM; echo $$ >number; echo x; while :; do sleep 1000 & wait; done"]'
wait_until test -s out # its trap is set
kill -TERM "$pid"
await
expect_status 0
expect_stderr ''
expect_text cleaned 'done'
expect is_gone number

begin "a producer that ignores SIGTERM is killed, with all of its group"
rm -f number
start from.json '["sh", "-c", "trap \"\" TERM; sleep 1000 & echo $! >number; echo $$ >leader; while :; do sleep 1000; done"]' kill_after=50ms
wait_until test -s number
wait_until test -s leader
kill -TERM "$pid"
await
expect_status 0
wait_until is_gone leader
wait_until is_gone number

begin "a producer that ignores SIGTERM is killed at the deadline at the latest"
rm -f number
sed 's/"20s"/"100ms"/' from.json >short.json
start short.json '["sh", "-c", "trap \"\" TERM; echo $$ >number; while :; do sleep 1000; done"]' kill_after=1h
wait_until test -s number
kill -TERM "$pid"
await
expect_status 0
expect is_gone number

begin "Ctrl-C drains: the child does not hear of it"
rm -f out heard
cat >drain.json <<'END'
{ "producers": { "in": { "plugin": "generate", "text": "{seq}" } },
  "transforms": { "slow": { "plugin": "throttle", "from": "in", "records_per_second": 100000, "burst": "1ms" } },
  "consumers": { "child": { "plugin": "exec", "from": "slow", "command": ["sh", "-c", "trap \"echo heard >heard\" INT; cat >out"] } } }
END
setsid "$WEIR" run --quiet --summary summary.json drain.json >stdout 2>stderr &
pid=$!
wait_until test -s out
kill -INT -- "-$pid"
await
expect_status 0
expect_stderr ''
expect_missing heard
expect_no_match summary.json '"(queued|dropped)": [1-9]'
expect_match summary.json "\"out\": $(wc -l <out),"

begin "Ctrl-C on a terminal drains too"
rm -f out heard
script -q -e -c "$WEIR run --quiet drain.json" typescript <fifo >/dev/null 2>&1 &
pid=$!
exec 8>fifo
wait_until test -s out
printf '\003' >&8
await
exec 8>&-
expect_status 0
expect_missing heard
[ "$(tail -n 1 out)" = $(($(wc -l <out) - 1)) ] || fail "$(wc -l <out) lines, the last one is $(tail -n 1 out)"

begin "a child does not outlive us, even if we are killed"
rm -f number
start from.json '["sh", "-c", "echo $$ >number; exec sleep 1000"]'
wait_until test -s number
kill -KILL "$pid"
{ await; } 2>/dev/null
wait_until is_gone number

begin "its status is known though whoever started us ignores SIGCHLD"
run env --ignore-signal=CHLD "$WEIR" run --quiet --set 'child.command=["false"]' from.json
expect_status 1
expect_said 'weir: child (exec, producer): child N (false) exited with status 1'

begin "a child that has exited is no zombie while the others go on"
cat >both.json <<'END'
{ "producers": { "in": { "plugin": "stdio" },
                 "child": { "plugin": "exec", "command": ["echo", "short"] } },
  "consumers": { "out": { "plugin": "stdio", "from": ["in", "child"] } } }
END
exec 8<>fifo
"$WEIR" run --quiet both.json <fifo >stdout 2>stderr &
pid=$!
wait_until grep -q short stdout
wait_until has_no_child
kill -TERM "$pid"
await
exec 8>&-
expect_status 0

finish
