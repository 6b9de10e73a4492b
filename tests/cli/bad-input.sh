#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What cannot work: for each the whole message, the exit code, and what is left on disk. run and check say the same of a file.
. "$(dirname "$0")/lib.sh"

export WEIR_PLUGIN_PATH=$SCRATCH/modules
mkdir modules
# The time that a constructor may take is long: two that hang are waited for while all else goes on.
mkdir hanging
cp "$WEIR_TEST_MODULES/hangs.so" hanging/ || exit 99
echo '{ "producers": { "in": { "plugin": "file", "path": "in" } }, "consumers": { "out": { "plugin": "hangs", "from": "in" } } }' >hanging.json
for command in run check; do
  "$WEIR" $command --plugin-path hanging hanging.json </dev/null >hanging.$command.out 2>hanging.$command &
done
after='"consumers": { "out": { "plugin": "file", "from": "gen", "path": "made" } }'

# refuse NAME MESSAGE: bad.json is refused by check and by run, nothing is made.
refuse () {
  begin "$1"
  run "$WEIR" check bad.json
  expect_status 2
  expect_stdout ''
  expect_stderr "$2"
  run "$WEIR" run --summary summary.json --pid-file weir.pid bad.json
  expect_status 2
  expect_stdout ''
  expect_stderr "$2"
  expect_missing made summary.json weir.pid
}

rm -f bad.json
refuse "a file that is not there" 'bad.json: error: cannot open: No such file or directory'

begin "a file that cannot be read"
: >plain
run "$WEIR" run plain/bad.json
expect_status 2
expect_stdout ''
expect_stderr 'plain/bad.json: error: cannot open: Not a directory'

mkdir bad.json
refuse "a folder" 'bad.json: error: is a folder, not a file'
rmdir bad.json

: >bad.json
refuse "an empty file" 'bad.json:1:1: error: the text is empty'

rm -f bad.json && truncate -s 100M bad.json
refuse "100 MiB" 'bad.json: error: larger than 16 MiB'
rm -f bad.json

printf '[%.0s' $(seq 100000) >bad.json
refuse "nested deeply" "bad.json:1:65: error: $(printf '[0]%.0s' $(seq 64)): nested deeper than 64"

printf '{ "producers": { "gen": {' >bad.json
refuse "cut off" \
  'bad.json:1:26: error: producers.gen: the text ends, expected a key in double quotes; "{" at 1:25 is not closed'

printf '{ "name": "\xff", "producers": { "gen": { "plugin": "generate" } }, %s }' "$after" >bad.json
refuse "no UTF-8" 'bad.json:1:12: error: name: not UTF-8: byte 0xFF'

echo '[ 1 ]' >bad.json
refuse "no object" 'bad.json:1:1: error: found [1], expected an object'

echo "{ \"producers\": { \"gen\": { \"plugin\": \"generate\", \"count\": true } }, $after }" >bad.json
refuse "a value of another type" 'bad.json:1:58: error: producers.gen.count: found true, expected a whole number of at least 0'

echo "{ \"producers\": { \"gen\": { \"plugin\": \"generate\", \"count\": 1, \"count\": 2 } }, $after }" >bad.json
refuse "a key twice" 'bad.json:1:61: error: producers.gen.count: duplicate key "count"; the first is at bad.json:1:49'

echo "{ \"producers\": { \"gen\": { \"plugin\": \"generate\", \"count\": 99999999999999999999 } }, $after }" >bad.json
refuse "a number out of range" 'bad.json:1:58: error: producers.gen.count: "99999999999999999999" is out of range; integers go from -9223372036854775808 to 18446744073709551615'

echo "{ \"producers\": { \"gen\": { \"plugin\": \"generate\", } }, $after }" >bad.json
refuse "a trailing comma" 'bad.json:1:47: error: producers.gen: trailing comma'

echo "{ \"producers\": { \"gen\": { \"plugin\": \"generate\", \"text\": \"a\\u0000b\" } }, $after }" >bad.json
refuse "a NUL in a string" 'bad.json:1:59: error: producers.gen.text: \u0000: a string cannot hold a NUL'

# ---- options that a plugin itself finds wrong ----
# between TRANSFORM [PRODUCER]: bad.json puts the transform `mid` on a line of its own.
between () {
  printf '{ "producers": { "gen": %s },\n  "transforms": { "mid": %s },\n  %s }\n' "${2:-{ \"plugin\": \"generate\" \}}" "$1" \
    '"consumers": { "out": { "plugin": "file", "from": "mid", "path": "made" } }' >bad.json
}

between '{ "plugin": "match", "from": "gen", "pattern": "a(b" }'
refuse "a pattern that does not compile" \
  'bad.json:2:73: error: transforms.mid.pattern: found "a(b", which is wrong at byte 4: missing closing parenthesis'

between '{ "plugin": "match", "from": "gen", "pattern": "a(b)", "literal": true, "capture": true }'
refuse "capture without a group" \
  'bad.json:2:109: error: transforms.mid.capture: found true and pattern "a(b)", expected a pattern with groups (?<NAME>...)'

between '{ "plugin": "lines", "from": "gen", "delimiter": "seventeen letters" }'
refuse "a delimiter that is too long" \
  'bad.json:2:75: error: transforms.mid.delimiter: found 17 bytes, expected 1 to 16, or "nul"'

between '{ "plugin": "throttle", "from": "gen" }'
refuse "a throttle without a rate" \
  'bad.json:2:26: error: transforms.mid: found no rate, expected records_per_second, bytes_per_second or both above 0'

between '{ "plugin": "format", "from": "gen", "text": "{" }'
refuse "a template that is none" \
  'bad.json:2:71: error: transforms.mid.text: found "{", expected a template: the "{" at byte 1 is not closed; "{{" is a brace'

between '{ "plugin": "head", "from": "gen" }' '{ "plugin": "generate", "text": "a", "size": 64 }'
refuse "generate with both text and size" 'bad.json:1:70: error: producers.gen.size: found beside text, expected one of them'

between '{ "plugin": "head", "from": "gen" }' '{ "plugin": "generate", "text": "{user}" }'
refuse "generate with a name that it does not know" \
  'bad.json:1:57: error: producers.gen.text: found {user} in "{user}", expected {seq}, {time} or {host}'

between '{ "plugin": "head", "from": "gen" }' '{ "plugin": "file", "path": "in", "start_at": "end" }'
refuse "the end of a file that is not followed" \
  'bad.json:1:71: error: producers.gen.start_at: found "end" without follow, expected both: nothing would be read'

echo "{ \"producers\": { \"gen\": { \"plugin\": \"generate\" } }, ${after/made\"/made\", \"mode\": \"0888\"} }" >bad.json
refuse "a mode that is none" \
  'bad.json:1:134: error: consumers.out.mode: found "0888", expected an octal number from 0 to 0777, such as 0640'

# The input stays as it is: append is false, and the run never begins.
{
  echo '{ "producers": { "gen": { "plugin": "file", "path": "folder/*.log", "follow": true } },'
  echo '"consumers": { "out": { "plugin": "file", "from": "gen", "path": "link", "append": false } } }'
} >bad.json
mkdir folder && echo precious >folder/a.log && ln -s folder/a.log link
refuse "a file that is written and read" \
  'bad.json:2:66: error: consumers.out.path: found "link", the file that "gen" reads as "folder/*.log" at bad.json:1:53; expected another one'
expect_text folder/a.log precious
rm -r folder link

{
  echo '{ "producers": { "gen": { "plugin": "generate" } }, "consumers": {'
  echo '"a": { "plugin": "file", "from": "gen", "path": "made", "queue": { "when_full": "drop_newest" } },'
  echo '"b": { "plugin": "file", "from": "gen", "path": "./made" } } }'
} >bad.json
refuse "a file that two stages write" \
  'bad.json:3:49: error: consumers.b.path: found "./made", the file that "a" writes as "made" at bad.json:2:49; expected one of its own'

begin "several options are told in one go, also those that are set"
between '{ "plugin": "match", "from": "gen", "pattern": "[" }' '{ "plugin": "generate", "text": "a" }'
run "$WEIR" check --set gen.size=5 --set mid.capture=true bad.json
expect_status 2
expect_stderr 'bad.json:2:73: error: transforms.mid.pattern: found "[", which is wrong at byte 2: missing terminating ] for character class
--set:1:10: error: producers.gen.size: found beside text, expected one of them'

# plugin NAME FILE: modules/NAME.so is a copy of FILE, and bad.json uses it.
plugin () {
  rm -rf modules/*
  [ -z "$2" ] || cp -R "$2" "modules/$1.so"
  echo "{ \"producers\": { \"gen\": { \"plugin\": \"$1\" } }, $after }" >bad.json
}
place='bad.json:1:37: error: producers.gen.plugin: plugin'

begin "a shared object that is missing"
plugin nowhere ''
run "$WEIR" run bad.json
expect_status 2
expect_stdout ''
expect_match stderr "^bad\.json:1:37: error: producers\.gen\.plugin: unknown plugin \"nowhere\"; looked in $SCRATCH/modules, /[^:]*$"
[ "$(wc -l <stderr)" = 1 ] || fail "$(cat stderr)"
expect_missing made

echo 'a text' >text
plugin broken text
refuse "a shared object that is none" \
  "$place \"broken\" ($SCRATCH/modules/broken.so): found a file that is no ELF object, expected a shared object"

mkdir folder
plugin broken folder
refuse "a folder as a shared object" \
  "$place \"broken\" ($SCRATCH/modules/broken.so): found a directory, expected a shared object"

head -c 2000 "$WEIR_TEST_MODULES/wrong.so" >half
plugin broken half
begin "half a shared object"
run "$WEIR" run bad.json
expect_status 2
sed -E 's/expected [0-9]+$/expected N/' stderr >told
expect_text told "$place \"broken\" ($SCRATCH/modules/broken.so): found an object cut off at 2000 bytes, expected N"
expect_missing made

plugin other-abi "$WEIR_TEST_MODULES/other-abi.so"
refuse "a shared object with another ABI" \
  "$place \"other-abi\" ($SCRATCH/modules/other-abi.so): ABI 2, this weir has ABI 1; rebuild the plugin against this weir's headers"

plugin no-symbol "$WEIR_TEST_MODULES/no-symbol.so"
refuse "a shared object without a table" \
  "$place \"no-symbol\" ($SCRATCH/modules/no-symbol.so): found no symbol \"weir_plugin\", expected the table that WEIR_PLUGIN() makes"

plugin renamed "$WEIR_TEST_MODULES/sample.so"
refuse "a shared object under another name" \
  "$place \"renamed\" ($SCRATCH/modules/renamed.so): found \"sample\" as its name, expected \"renamed\", as its file is called"

plugin crashes "$WEIR_TEST_MODULES/crashes.so"
refuse "a shared object whose constructor crashes" \
  "$place \"crashes\" ($SCRATCH/modules/crashes.so): it crashes while it is opened (signal 11, Segmentation fault)"

plugin exits "$WEIR_TEST_MODULES/exits.so"
refuse "a shared object whose constructor ends the process" \
  "$place \"exits\" ($SCRATCH/modules/exits.so): it ends the process while it is opened (exit status 7)"

plugin crashes "$WEIR_TEST_MODULES/crashes.so"
cp "$WEIR_TEST_MODULES/exits.so" "$WEIR_TEST_MODULES/no-symbol.so" modules/
cat >bad.json <<'END'
{ "producers": { "a": { "plugin": "generate", "conut": 1 }, "b": { "plugin": "exits" } },
  "transforms": { "c": { "plugin": "lines", "from": "a" }, "d": { "plugin": "no-symbol", "from": "b" } },
  "consumers": { "out": { "plugin": "crashes", "from": ["c", "d"] }, "more": { "plugin": "file", "from": "a" },
                 "same": { "plugin": "exits", "from": "c" } } }
END
refuse "several of them, and all other mistakes with them" \
  "bad.json:1:47: error: producers.a.conut: unknown key \"conut\"; did you mean \"count\"?
bad.json:1:78: error: producers.b.plugin: plugin \"exits\" ($SCRATCH/modules/exits.so): it ends the process while it is opened (exit status 7)
bad.json:2:77: error: transforms.d.plugin: plugin \"no-symbol\" ($SCRATCH/modules/no-symbol.so): found no symbol \"weir_plugin\", expected the table that WEIR_PLUGIN() makes
bad.json:3:37: error: consumers.out.plugin: plugin \"crashes\" ($SCRATCH/modules/crashes.so): it crashes while it is opened (signal 11, Segmentation fault)
bad.json:3:78: error: consumers.more: missing key \"path\" (File to write)
bad.json:4:38: error: consumers.same.plugin: plugin \"exits\" ($SCRATCH/modules/exits.so): it ends the process while it is opened (exit status 7)"

# ---- what only shows when it runs: exit 1 ----
cat >copy.json <<'END'
{ "producers": { "log": { "plugin": "file", "path": "in" } },
  "consumers": { "out": { "plugin": "file", "from": "log", "path": "made" } } }
END
rm -f made in

begin "an input that is not there: no byte is written"
run "$WEIR" run --quiet --summary summary.json copy.json
expect_status 1
expect_stdout ''
expect_stderr 'weir: log (file, producer): cannot open in: No such file or directory'
[ ! -s made ] || fail "$(wc -c <made) bytes were written"
expect_match summary.json '^  "result": "failed",$'

begin "a folder as an input"
run "$WEIR" run --quiet --set log.path=folder copy.json
expect_status 1
expect_stdout ''
expect_stderr 'weir: log (file, producer): cannot open folder: Is a directory'

begin "a folder as an output"
echo x >in
run "$WEIR" run --quiet --set out.path=folder copy.json
expect_status 1
expect_stdout ''
expect_stderr 'weir: out (file, consumer): cannot open folder: Is a directory'

begin "a full disk: what was not written is counted"
head -c 100000 /dev/zero | tr '\0' x >in
run "$WEIR" run --quiet --summary summary.json --set out.path=/dev/full copy.json
expect_status 1
expect_stdout ''
expect_stderr 'weir: out (file, consumer): cannot write /dev/full: No space left on device'
link=$(tr -d ' \n' <summary.json | grep -o '"name":"log:out".*')
number () { grep -o "\"$1\":[0-9]*" <<<"$link" | head -n 1 | cut -d: -f2; }
[ "$(number in)" = $(($(number out) + $(number dropped) + $(number queued))) ] && [ "$(number in)" -gt 0 ] ||
  fail "in $(number in), out $(number out), dropped $(number dropped), queued $(number queued)"
[ "$(number out)" = 0 ] || fail "$(number out) records count as written"

begin "a file that vanishes between check and run"
run "$WEIR" check copy.json
expect_status 0
rm in
run "$WEIR" run --quiet copy.json
expect_status 1
expect_stderr 'weir: log (file, producer): cannot open in: No such file or directory'

begin "a shared object whose constructor hangs"
for job in %1 %2; do
  wait $job
  status=$?
  [ "$status" = 2 ] || fail "exit status $status, expected 2"
done
for command in run check; do
  expect_text hanging.$command "hanging.json:1:96: error: consumers.out.plugin: plugin \"hangs\" ($SCRATCH/hanging/hangs.so): it hangs while it is opened"
  expect_text hanging.$command.out ''
done

finish
