#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bad input that takes more to arrange than bad-input.sh: what cannot be read or written, half texts, signals; the whole message, the
# exit code and what is left on disk.
. "$(dirname "$0")/lib.sh"

unset WEIR_PLUGIN_PATH NOTIFY_SOCKET JOURNAL_STREAM
ulimit -c 0
chmod 755 .

# config TEXT...: writes p.json.
config () { printf "$@" >p.json; }

# around STAGE: a pipeline of generate -> STAGE (its options) as the consumer `out`.
around () { echo "{ \"producers\": { \"in\": { \"plugin\": \"generate\", \"count\": 100000 } }, \"consumers\": { \"out\": { $1, \"from\": \"in\" } } }" >p.json; }

# reading STAGE [CONSUMER]: a pipeline of STAGE as the producer `in`, and a file out.txt.
reading () { echo "{ \"producers\": { \"in\": { $1 } }, \"consumers\": { \"out\": { \"plugin\": \"file\", \"path\": \"out.txt\", \"from\": \"in\"${2-} } } }" >p.json; }

# refused FILE MESSAGE: check and run both refuse it with this message, and run has made nothing.
refused () {
  run "$WEIR" check "$1"
  expect_status 2
  expect_stdout ''
  expect_stderr "$2"
  run "$WEIR" run --summary made.json --pid-file made.pid "$1"
  expect_status 2
  expect_stdout ''
  expect_stderr "$2"
  expect_missing made.json made.pid out.txt
}

# fails STATUS MESSAGE: p.json stops with this message alone.
fails () {
  run "$WEIR" run --quiet p.json
  expect_status "$1"
  expect_stdout ''
  expect_stderr "$2"
}

good='{"producers": {"in": {"plugin": "generate", "count": 5%s}},\n "consumers": {"out": {"plugin": "file", "path": "out.txt", "from": "in"%s}}}\n'

# ---- the text ---------------------------------------------------------------------------------------------------------------

begin "a config that may not be read"
mkdir locked
echo '{}' >locked/p.json
chmod 0 locked/p.json
as=()
if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid=65534 --regid=65534 --clear-groups); fi
if [ ${#as[@]} = 0 ] || "${as[@]}" test -x "$WEIR" 2>/dev/null; then
  run "${as[@]}" "$WEIR" run locked/p.json
  expect_status 2
  expect_stdout ''
  expect_stderr 'locked/p.json: error: cannot open: Permission denied'
fi

begin "a config of nothing but white space and comments"
config ' // x\n/* y */\n'
refused p.json 'p.json:3:1: error: the text ends, expected a value'

begin "a config of 100 MiB from a pipe"
head -c 100M /dev/zero 2>/dev/null | "$WEIR" run - >stdout 2>stderr
status=$?
expect_status 2
expect_stderr '-: error: larger than 16 MiB'

begin "a config that is nested deeply"
{ printf '{"name": '; head -c 1000000 /dev/zero | tr '\0' '['; } >p.json
places=$(printf '[0]%.0s' {1..63})
refused p.json "p.json:1:73: error: name$places: nested deeper than 64"

begin "a config that is truncated, anywhere"
config "$good" '' ''
cp p.json whole.json
size=$(stat -c %s whole.json)
for ((cut = 1; cut < size - 2; cut += 3)); do
  head -c "$cut" whole.json >p.json
  run "$WEIR" check p.json
  expect_status 2
  expect_match stderr '^p\.json:[12]:[0-9]+: error: .*(the text ends|the string is not closed|unknown word|is no number of JSON)'
done
head -c 40 whole.json >p.json
refused p.json 'p.json:1:33: error: producers.in.plugin: the string is not closed'

begin "a config that is not UTF-8"
config '{"name": "a\xc3("}'
refused p.json 'p.json:1:12: error: name: not UTF-8: byte 0xC3'

begin "a config in UTF-16, and with a byte order mark"
printf '\xff\xfe{\0}\0' >p.json
refused p.json 'p.json:1:1: error: not UTF-8: byte 0xFF'
printf '\xef\xbb\xbf{}' >p.json
refused p.json 'p.json:1:1: error: byte order mark; save the file as UTF-8 without one'

begin "a config of wrong types"
config '{"producers": [],\n "consumers": 5,\n "name": 7,\n "transforms": "x"}'
refused p.json 'p.json:1:15: error: producers: found [], expected an object
p.json:2:15: error: consumers: found 5, expected an object
p.json:3:10: error: name: found 7, expected a name of 1 to 100 bytes without "/"
p.json:4:16: error: transforms: found "x", expected an object'

begin "a config that is a list, and one that is a number"
config '[]'
refused p.json 'p.json:1:1: error: found [], expected an object'
config '1'
refused p.json 'p.json:1:1: error: found 1, expected an object'

begin "options of wrong types"
config "$good" ', "rate": "fast", "size": true' ', "append": "perhaps", "keep": 1.5, "rotate": "1 elephant"'
refused p.json 'p.json:1:65: error: producers.in.rate: found "fast", expected a number of at least 0
p.json:1:81: error: producers.in.size: found true, expected a size such as "64KiB" (bytes, or units KiB, MiB, GiB, KB, MB, GB)
p.json:2:85: error: consumers.out.append: found "perhaps", expected true or false
p.json:2:104: error: consumers.out.keep: found 1.5, expected a whole number from 1 to 1000
p.json:2:119: error: consumers.out.rotate: found "1 elephant", expected a size such as "64KiB" (bytes, or units KiB, MiB, GiB, KB, MB, GB)'

begin "duplicate keys"
config "$good" ', "count": 6' ', "from": "in"'
refused p.json 'p.json:1:57: error: producers.in.count: duplicate key "count"; the first is at p.json:1:45
p.json:2:75: error: consumers.out.from: duplicate key "from"; the first is at p.json:2:61'

begin "numbers out of range"
config "$good" '' ', "queue": {"records": 18446744073709551616, "bytes": 1e309, "low": 1, "hard": 0.5}, "keep": 0'
refused p.json 'p.json:2:96: error: consumers.out.queue.records: "18446744073709551616" is out of range; integers go from -9223372036854775808 to 18446744073709551615
p.json:2:127: error: consumers.out.queue.bytes: "1e309" is out of range; numbers go to 1.8e308
p.json:2:152: error: consumers.out.queue.hard: found 0.5, expected a number from 1 to 1000000
p.json:2:166: error: consumers.out.keep: found 0, expected a whole number from 1 to 1000'

begin "trailing commas"
config "$good" ',' ', "queue": {"records": 5,}'
refused p.json 'p.json:1:55: error: producers.in: trailing comma
p.json:2:97: error: consumers.out.queue: trailing comma'

begin "NUL in strings"
config '{"name": "a\\u0000/b",\n "include": ["a\0b", "c\\u0000"]}'
refused p.json 'p.json:1:12: error: name: \u0000: a string cannot hold a NUL
p.json:2:16: error: include[0]: NUL byte in a string
p.json:2:23: error: include[1]: \u0000: a string cannot hold a NUL'

begin "a setting that is no text, and one for nothing"
config "$good" '' ''
run "$WEIR" run --set $'in.text=\xff' --set 'out.pth=x' p.json
expect_status 2
expect_stdout ''
expect_stderr $'--set:1:1: error: found "in.text=\xef\xbf\xbd", expected STAGE.OPTION=VALUE\n--set:2:5: error: consumers.out.pth: unknown key "pth"; did you mean "path"?'
expect_missing out.txt

# ---- plugins ----------------------------------------------------------------------------------------------------------------

mkdir mods
chmod 755 mods
for name in faulty lacking other-name; do cp "$WEIR_TEST_MODULES/$name.so" mods/ || exit 99; done
: >mods/void.so

# broken PLUGIN MESSAGE
broken () {
  config "$good" '' ''
  sed -i "s/\"file\"/\"$1\"/" p.json
  run "$WEIR" run --plugin-path mods p.json
  expect_status 2
  expect_stdout ''
  expect_stderr "p.json:2:34: error: consumers.out.plugin: $2"
  expect_missing out.txt
}

begin "a shared object that is empty"
broken void "plugin \"void\" ($SCRATCH/mods/void.so): found an empty file, expected a shared object"

begin "a shared object that needs what this engine has not"
broken lacking "plugin \"lacking\" ($SCRATCH/mods/lacking.so): cannot be opened: undefined symbol: weir_function_of_the_future"

begin "a shared object of another plugin"
broken other-name "plugin \"other-name\" ($SCRATCH/mods/other-name.so): found \"another\" as its name, expected \"other-name\", as its file is called"

# ---- input ------------------------------------------------------------------------------------------------------------------

begin "a missing file leaves the output as it was"
echo precious >out.txt
reading '"plugin": "file", "path": "absent.log"' ', "append": false'
fails 1 'weir: in (file, producer): cannot open absent.log: No such file or directory'
expect_text out.txt precious
rm out.txt

begin "a pattern that matches no file"
reading '"plugin": "file", "path": "absent/*.log"'
fails 1 'weir: in (file, producer): no file matches absent/*.log'
expect_missing out.txt

begin "an input that vanishes before it is its turn"
seq 100000 >first.log
echo second >second.log
mkfifo gate
cat >p.json <<'END_OF_CONFIG'
{ "producers": { "in": { "plugin": "file", "path": ["first.log", "gate", "second.log"] } },
  "consumers": { "out": { "plugin": "file", "path": "out.txt", "from": "in" } } }
END_OF_CONFIG
"$WEIR" run --quiet --summary summary.json p.json </dev/null >stdout 2>stderr &
exec 3>gate
rm second.log
exec 3>&-
wait $!
status=$?
expect_status 1
expect_stdout ''
expect_stderr 'weir: in (file, producer): cannot open second.log: No such file or directory'
expect_file out.txt first.log
rm -f out.txt gate first.log

begin "standard input that cannot be read"
reading '"plugin": "stdio"'
run_with mods "$WEIR" run --quiet p.json
expect_status 1
expect_stderr 'weir: in (stdio, producer): cannot read standard input: Is a directory'
rm -f out.txt

begin "standard input that is closed"
"$WEIR" run --quiet p.json <&- >stdout 2>stderr
status=$?
expect_status 1
expect_stderr 'weir: in (stdio, producer): cannot read standard input: Bad file descriptor'
rm -f out.txt

# ---- output -----------------------------------------------------------------------------------------------------------------

begin "a folder for an output"
around '"plugin": "file", "path": "mods"'
fails 1 'weir: out (file, consumer): cannot open mods: Is a directory'

begin "an output below what is missing, and below a file"
around '"plugin": "file", "path": "absent/out.txt"'
fails 1 'weir: out (file, consumer): cannot open absent/out.txt: No such file or directory'
around '"plugin": "file", "path": "p.json/out.txt"'
fails 1 'weir: out (file, consumer): cannot open p.json/out.txt: Not a directory'

# ledger LINK: its figures in summary.json as in, out, dropped and queued; nothing lost uncounted.
ledger () {
  local figures
  figures=$(tr -d '\n' <summary.json | grep -o "\"name\": *\"$1\"[^}]*}[^}]*}" | tr ',{' '\n' |
    sed -n 's/^ *"\(in\|out\|dropped\|queued\)": *\([0-9]*\)$/\1=\2/p')
  local in=-1 out=-2 dropped=-3 queued=-4
  eval "$figures"
  [ "$in" = $((out + dropped + queued)) ] || fail "the ledger of $1 does not balance: $figures"
  ledger_queued=$queued
}

begin "standard output that is full"
around '"plugin": "stdio"'
"$WEIR" run --quiet p.json </dev/null >/dev/full 2>stderr
status=$?
expect_status 1
expect_stderr 'weir: out (stdio, consumer): cannot write standard output: No space left on device'

begin "standard output that is closed is not taken for an empty one"
"$WEIR" run --quiet p.json </dev/null >&- 2>stderr
status=$?
expect_status 1
expect_stderr 'weir: out (stdio, consumer): cannot write standard output: Bad file descriptor'

begin "a full file system"
if unshare -m true 2>/dev/null; then
  around '"plugin": "file", "path": "tiny/out.txt"'
  mkdir tiny
  unshare -m bash -c 'mount -t tmpfs -o size=64k tmpfs tiny && { "$0" run --quiet --summary summary.json p.json; code=$?; cp tiny/out.txt left.txt; exit $code; }' \
    "$WEIR" </dev/null >stdout 2>stderr
  status=$?
  expect_status 1
  expect_stderr 'weir: out (file, consumer): cannot write tiny/out.txt: No space left on device'
  run "$WEIR" run --quiet --set out.path=whole.txt p.json
  head -c 65536 whole.txt >wanted
  expect_file left.txt wanted
  ledger in:out
  expect [ "$ledger_queued" -gt 0 ]
  rm -rf tiny whole.txt left.txt wanted
fi

begin "a file that grows beyond the limit of the process"
around '"plugin": "file", "path": "out.txt"'
(ulimit -f 8; exec "$WEIR" run --quiet p.json </dev/null >stdout 2>stderr)
status=$?
expect_status 1
expect_stderr 'weir: out (file, consumer): cannot write out.txt: File too large'
expect [ "$(stat -c %s out.txt)" = 8192 ]
rm -f out.txt

begin "a summary that cannot be written"
config "$good" '' ''
run "$WEIR" run --quiet --summary absent/summary.json p.json
expect_status 1
expect_stderr 'weir: cannot open summary file absent/summary.json: No such file or directory'
expect_missing out.txt
run "$WEIR" run --quiet --summary mods p.json
expect_status 1
expect_stderr 'weir: cannot open summary file mods: Is a directory'
expect_missing out.txt
run "$WEIR" run --quiet --summary /dev/full p.json
expect_status 1
expect_stderr 'weir: cannot write summary to /dev/full: No space left on device'
rm -f out.txt

begin "a pid file that cannot be written"
run "$WEIR" run --quiet --pid-file absent/weir.pid p.json
expect_status 1
expect_stderr 'weir: cannot open pid file absent/weir.pid: No such file or directory'
expect_missing out.txt
run "$WEIR" run --quiet --pid-file mods p.json
expect_status 1
expect_stderr 'weir: cannot open pid file mods: Is a directory'
expect_missing out.txt

# ---- the surroundings -------------------------------------------------------------------------------------------------------

begin "a locale changes no number and no message"
locale=$(locale -a 2>/dev/null | grep -i -m 1 -E '^(de|fr|nl|pt)_.*utf-?8$') || locale=C.UTF-8
config '{"producers": {"in": {"plugin": "generate", "count": 3, "rate": "1000.5"}},\n "consumers": {"out": {"plugin": "null", "from": "in", "queue": {"low": 0.25}}}}'
run env LC_ALL="$locale" "$WEIR" run --summary summary.json p.json
expect_status 0
expect_match stderr '^weir: p: done after [0-9]+\.[0-9]{3} s$'
expect_match summary.json '"seconds": ?[0-9]+\.[0-9]{6},'
run env LC_ALL="$locale" "$WEIR" check --set in.rate=1,5 p.json
expect_status 2
expect_stderr '--set:1:9: error: producers.in.rate: found "1,5", expected a number of at least 0'

begin "the soft limit of descriptors is raised to the hard one"
mkfifo gate
reading '"plugin": "file", "path": "gate"'
(ulimit -S -n 100; exec "$WEIR" run --quiet p.json </dev/null >stdout 2>stderr) &
exec 3>gate
expect [ "$(awk '/^Max open files/ { print $4 }' "/proc/$!/limits")" = "$(ulimit -H -n)" ]
exec 3>&-
wait $!
status=$?
expect_status 0
rm -f gate out.txt

begin "too few descriptors for all workers"
{
  printf '{ "producers": { "in": { "plugin": "generate", "count": 10 } }, "consumers": {'
  for i in {1..60}; do printf '%s "out%s": { "plugin": "file", "from": "in", "path": "out%s.txt" }' "${comma-}" "$i" "$i"; comma=,; done
  printf ' } }\n'
} >p.json
(ulimit -n 60; exec "$WEIR" run --quiet p.json </dev/null >stdout 2>stderr)
status=$?
expect_status 1
expect_match stderr '^weir: out[0-9]+ \(file, consumer\): cannot make an (eventfd for its worker|epoll set): Too many open files$'
expect [ "$(grep -c -v ': warning: ' stderr)" = 1 ]
expect_missing out*.txt

sanitized=no
! grep -q -a -E '__asan_init|__tsan_init' "$WEIR" || sanitized=yes

# A sanitizer needs descriptors and threads of its own.
if [ $sanitized = no ]; then
  cat >p.json <<'END'
{ "producers": { "log": { "plugin": "file", "path": "in" }, "gen": { "plugin": "generate", "count": 5 } },
  "transforms": { "split": { "plugin": "lines", "from": ["log", "gen"], "thread": "one" },
                  "some": { "plugin": "match", "from": "split", "pattern": "1", "thread": "one" } },
  "consumers": { "out": { "plugin": "file", "from": "some", "path": "out.txt" } } }
END
  seq 100 >in

  begin "any limit of descriptors is an error like any other, until they are enough"
  status=1
  for ((limit = 4; limit < 60 && status != 0; limit++)); do
    run bash -c 'ulimit -n "$0" && exec "$@"' $limit "$WEIR" run --quiet --pid-file weir.pid --summary summary.json p.json
    [ $status = 0 ] || expect_status 1
    ! grep -v -E '^weir: .*: Too many open files$' stderr >others || fail "with $limit descriptors: $(cat others)"
    [ $status = 0 ] || [ -s stderr ] || fail "nothing was said with $limit descriptors"
    expect_missing weir.pid
    rm -f summary.json
  done
  expect_status 0
  [ "$limit" -gt 15 ] || fail "$limit descriptors are too few to have been enough"

  begin "any limit of threads, likewise"
  rm -f out.txt
  for left in 0 1 2 3 4; do
    run env LD_PRELOAD="$WEIR_TEST_MODULES/few-threads.so" WEIR_TEST_THREADS=$left \
      "$WEIR" run --quiet --pid-file weir.pid --summary summary.json p.json
    if [ $left = 4 ]; then
      expect_status 0
      expect_stderr ''
      expect_match summary.json '^  "result": "done",$'
      break
    fi
    expect_status 1
    expect_stdout ''
    expect_match stderr '^weir: [a-z]+ \([a-z]+, [a-z]+\): cannot start its thread: Resource temporarily unavailable$'
    expect [ "$(wc -l <stderr)" = 1 ]
    expect_match summary.json '^  "result": "failed",$'
    expect_missing weir.pid out.txt
    rm summary.json
  done
fi

# ---- fatal signals ----------------------------------------------------------------------------------------------------------

# dies ROLE CALLBACK SIGNAL STATUS MESSAGE: the plugin `faulty`, as stage "bad" in ROLE, dies there.
dies () {
  case $1 in
    producer) config '{"producers": {"bad": {"plugin": "faulty"}}, "consumers": {"out": {"plugin": "null", "from": "bad"}}}' ;;
    transform) config '{"producers": {"in": {"plugin": "generate", "count": 5}},
      "transforms": {"bad": {"plugin": "faulty", "from": "in"}}, "consumers": {"out": {"plugin": "null", "from": "bad"}}}' ;;
    consumer) config '{"producers": {"in": {"plugin": "generate", "count": 5}}, "consumers": {"bad": {"plugin": "faulty", "from": "in"}}}' ;;
  esac
  { run "$WEIR" run --quiet --plugin-path mods --summary summary.json --set "bad.in=$2" --set "bad.by=$3" p.json; } 2>/dev/null
  expect_status "$4"
  expect_stdout ''
  expect_stderr "$5"
  expect_missing summary.json
}

rm -f summary.json

begin "a fatal signal names stage, plugin and callback, in each callback"
for callback in open start produce close; do
  dies producer $callback abort 134 "weir: bad (faulty, producer): fatal signal SIGABRT in $callback()"
done
for callback in open start consume end close; do
  dies transform $callback abort 134 "weir: bad (faulty, transform): fatal signal SIGABRT in $callback()"
done
for callback in open start consume flush end close; do
  dies consumer $callback abort 134 "weir: bad (faulty, consumer): fatal signal SIGABRT in $callback()"
done

begin "a fatal signal in a source of the plugin's own"
dies consumer source abort 134 'weir: bad (faulty, consumer): fatal signal SIGABRT in a source of its own'

begin "a fatal signal in a thread of the plugin's own"
dies consumer helper abort 134 'weir: bad (faulty, consumer): fatal signal SIGABRT in a thread of its own'

begin "each fatal signal"
dies consumer consume trap 133 'weir: bad (faulty, consumer): fatal signal SIGTRAP in consume()'
dies consumer consume log 133 'weir: fatal: so it is
weir: bad (faulty, consumer): fatal signal SIGTRAP in consume()'
if [ $sanitized = no ]; then
  dies consumer consume segv 139 'weir: bad (faulty, consumer): fatal signal SIGSEGV in consume()'
  dies consumer consume bus 135 'weir: bad (faulty, consumer): fatal signal SIGBUS in consume()'
  dies consumer consume fpe 136 'weir: bad (faulty, consumer): fatal signal SIGFPE in consume()'
  dies consumer consume ill 132 'weir: bad (faulty, consumer): fatal signal SIGILL in consume()'
fi

finish
