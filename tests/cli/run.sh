#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir run: what it takes, what it leaves, what it says, and its exit codes.
. "$(dirname "$0")/lib.sh"

cat >copy.json <<'END'
{ "producers": { "log": { "plugin": "file", "path": "in" } },
  "transforms": { "split": { "plugin": "lines", "from": "log" } },
  "consumers": { "out": { "plugin": "file", "from": "split", "path": "out", "append": false } } }
END
cat >wrong.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 10 } },
  "consumers": { "bad": { "plugin": "wrong", "from": "gen", "how": "fail" } } }
END
printf 'one\ntwo\nthree' >in

begin "a pipeline runs to its end"
run "$WEIR" run copy.json
expect_status 0
expect_stdout ''
expect_file out in
expect_match stderr '^weir: copy: done after [0-9]+\.[0-9]{3} s$'
expect_match stderr '^  split +lines +done +[1-9]'
expect_match stderr '^  log:split +[0-9]+ +[0-9]+ +0 +0 '

begin "--quiet says nothing"
rm -f out
run "$WEIR" run --quiet copy.json
expect_status 0
expect_stdout ''
expect_stderr ''
expect_file out in

begin "- is standard input"
rm -f out
run_with copy.json "$WEIR" run --quiet -
expect_status 0
expect_stderr ''
expect_file out in

begin "--set changes options, and wins"
run "$WEIR" run --quiet --set out.path=other --set split.queue.records=1 --set 'log={"x":1}' copy.json
expect_status 2
run "$WEIR" run --quiet --set out.path=first --set out.path=other --set split.queue.records=1 copy.json
expect_status 0
expect_stderr ''
expect_file other in
expect_missing first

begin "an unknown option of --set is told with its place"
run "$WEIR" run --quiet --set log.paht=other copy.json
expect_status 2
expect_stderr '--set:1:5: error: producers.log.paht: unknown key "paht"; did you mean "path"?'

begin "a plugin is found by --plugin-path and by WEIR_PLUGIN_PATH"
run "$WEIR" run --quiet wrong.json
expect_status 2
expect_match stderr '^wrong\.json:2:37: error: consumers\.bad\.plugin: unknown plugin "wrong"; looked in '
run "$WEIR" run --quiet --plugin-path nowhere --plugin-path "$WEIR_TEST_MODULES" wrong.json
expect_status 1
run env WEIR_PLUGIN_PATH="nowhere:$WEIR_TEST_MODULES" "$WEIR" run --quiet wrong.json
expect_status 1

export WEIR_PLUGIN_PATH=$WEIR_TEST_MODULES

begin "no file"
run "$WEIR" run
expect_status 2
expect_stdout ''
expect_stderr 'weir: run: no file given; see weir run --help'

begin "two files"
run "$WEIR" run copy.json copy.json
expect_status 2
expect_stderr 'weir: run: found 2 files, expected one; see weir run --help'

begin "an unknown option"
run "$WEIR" run --sumary x copy.json
expect_status 2
expect_stderr 'weir: run: Unknown option --sumary; see weir run --help'

begin "--help"
run "$WEIR" run --help
expect_status 0
expect_match stdout '^  weir run \[OPTION'
expect_match stdout '^  --set=STAGE\.OPTION=VALUE '
expect_stderr ''

begin "a command that was mistyped"
run "$WEIR" chekc copy.json
expect_status 2
expect_stderr 'weir: unknown command "chekc"; did you mean "check"?; see weir --help'

begin "a stage that fails is named, and the exit code is 1"
for where in open start call close; do
  run "$WEIR" run --quiet --summary summary.json --set bad.in=$where wrong.json
  expect_status 1
  expect_stdout ''
  expect_stderr 'weir: bad (wrong, consumer): cannot go on'
  expect_match summary.json '^  "result": "failed",$'
done

begin "all that fail to open are told"
cat >two.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 10 } },
  "consumers": { "bad": { "plugin": "wrong", "from": "gen", "how": "fail", "in": "open" },
                 "out": { "plugin": "file", "from": "gen", "path": "no/such/folder" } } }
END
run "$WEIR" run --quiet two.json
expect_status 1
sort stderr >sorted
expect_text sorted 'two.json:3:53: warning: "out" can stall "bad" at "gen" (both pause; when_full on gen:out?)
weir: bad (wrong, consumer): cannot go on
weir: out (file, consumer): cannot open no/such/folder: No such file or directory'

begin "a stall is warned of, with --quiet too"
cat >fan.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 10 } },
  "consumers": { "a": { "plugin": "null", "from": "gen" }, "b": { "plugin": "null", "from": "gen" } } }
END
run "$WEIR" run fan.json
expect_status 0
expect_match stderr '^fan\.json:2:[0-9]+: warning: "b" can stall "a" at "gen" \(both pause; when_full on gen:b\?\)$'
run "$WEIR" run --quiet fan.json
expect_status 0
expect_stderr 'fan.json:2:93: warning: "b" can stall "a" at "gen" (both pause; when_full on gen:b?)'

begin "messages of a stage, from its level on, each one line"
run "$WEIR" run --quiet --set bad.how=log --set gen.count=1 wrong.json
expect_status 0
expect_stderr 'weir: bad (wrong, consumer): an info\x0amessage
weir: warning: bad (wrong, consumer): a warning'
run "$WEIR" run --quiet --set bad.how=log --set gen.count=1 --set bad.log=warning wrong.json
expect_stderr 'weir: warning: bad (wrong, consumer): a warning'
run "$WEIR" run --quiet --set bad.how=log --set gen.count=1 --set bad.log=debug wrong.json
expect_stderr 'weir: debug: bad (wrong, consumer): a debug message
weir: bad (wrong, consumer): an info\x0amessage
weir: warning: bad (wrong, consumer): a warning'

begin "standard descriptors that are closed are not taken by a stage"
rm -f out
"$WEIR" run copy.json <&- >&- 2>&-
status=$?
expect_status 0
expect_file out in

begin "a reader that goes away ends it, with success"
cat >endless.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "text": "x" } },
  "consumers": { "out": { "plugin": "stdio", "from": "gen" } } }
END
"$WEIR" run --quiet endless.json </dev/null 2>stderr | head -n 1 >stdout
status=${PIPESTATUS[0]}
expect_status 0
expect_stdout x
expect_stderr ''

begin "the soft limit of descriptors is raised"
{
  echo '{ "producers": { "gen": { "plugin": "generate", "count": 10 } }, "consumers": {'
  for i in $(seq 60); do
    echo "\"c$i\": { \"plugin\": \"null\", \"from\": \"gen\" },"
  done
  echo '"last": { "plugin": "null", "from": "gen" } } }'
} >many.json
run bash -c 'ulimit -Sn 64 && "$0" run --quiet many.json' "$WEIR"
expect_status 0
expect_no_match stderr '^weir: '

begin "no locale changes a number"
mkdir locales
if localedef -i de_DE -f UTF-8 locales/de_DE.UTF-8 >/dev/null 2>&1; then
  language=de_DE.UTF-8
else # no sources of locales here: what is left to see is that an unknown one does no harm
  language=xx_XX
fi
# glibc's setlocale() itself loses a few bytes where LOCPATH is set, which a sanitizer would count as ours.
run env ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" LOCPATH="$PWD/locales" LC_ALL="$language" "$WEIR" run --summary summary.json --set gen.rate=1000.5 fan.json
expect_status 0
expect_match stderr '^weir: fan: done after [0-9]+\.[0-9]{3} s$'
expect_match summary.json '^  "seconds": [0-9]+\.[0-9]{6},$'

begin "a pipeline from standard input cannot have a stage that reads it too"
echo '{ "producers": { "in": { "plugin": "stdio" } }, "consumers": { "out": { "plugin": "null", "from": "in" } } }' >both.json
run_with both.json "$WEIR" run --quiet -
expect_status 2
expect_stderr 'weir: run: - and stage "in" would both read standard input; see weir run --help'

finish
