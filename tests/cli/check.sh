#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir check: every mistake at once, what is said of a pipeline that is right, and its exit codes.
. "$(dirname "$0")/lib.sh"

cat >right.json <<'END'
{ "producers": { "gen": { "plugin": "generate" } }, "consumers": { "out": { "plugin": "null", "from": "gen" } } }
END
cat >fan.json <<'END'
{ "producers": { "gen": { "plugin": "generate" } },
  "consumers": { "a": { "plugin": "null", "from": "gen" }, "b": { "plugin": "null", "from": "gen" } } }
END
cat >bad.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "cuont": 1, "rate": -1 } },
  "consumers": { "out": { "plugin": "nul", "from": "gne" } } }
END

begin "a pipeline that is right: its memory at worst, exit 0"
run "$WEIR" check right.json
expect_status 0
expect_stderr ''
expect_match stdout '^right\.json: worst case [0-9.]+ MiB: links [0-9.]+ \(1 x [0-9.]+\), stages [0-9.]+; '
[ "$(wc -l <stdout)" = 1 ] || fail "$(cat stdout)"

begin "every mistake at once, exit 2"
run "$WEIR" check bad.json
expect_status 2
expect_stdout ''
expect_match stderr '^bad\.json:1:49: error: producers\.gen\.cuont: unknown key "cuont"; did you mean "count"\?$'
expect_match stderr '^bad\.json:1:69: error: producers\.gen\.rate: found -1, expected a number of at least 0$'
expect_match stderr '^bad\.json:2:37: error: consumers\.out\.plugin: unknown plugin "nul"; did you mean "null"\?'
expect_match stderr '^bad\.json:2:52: error: consumers\.out\.from: no stage "gne"; did you mean "gen"\?$'
[ "$(wc -l <stderr)" = 4 ] || fail "$(cat stderr)"

begin "several files: one mistake fails all, and each is told"
run "$WEIR" check right.json missing.json fan.json
expect_status 2
[ "$(wc -l <stdout)" = 2 ] || fail "$(cat stdout)"
expect_match stdout '^fan\.json: worst case '
expect_match stderr '^missing\.json: error: cannot open: No such file or directory$'

begin "a stall is warned of, exit 0; with --strict, 2"
run "$WEIR" check fan.json
expect_status 0
expect_stderr 'fan.json:2:93: warning: "b" can stall "a" at "gen" (both pause; when_full on gen:b?)'
run "$WEIR" check --strict fan.json
expect_status 2
run "$WEIR" check --strict right.json
expect_status 0

begin "nothing is opened"
cat >opens.json <<'END'
{ "producers": { "gen": { "plugin": "generate" } },
  "consumers": { "out": { "plugin": "file", "from": "gen", "path": "made" } } }
END
run "$WEIR" check opens.json
expect_status 0
expect_missing made

begin "- is standard input, and --set is checked too"
run_with right.json "$WEIR" check - --set gen.count=many
expect_status 2
expect_match stderr '^--set:1:11: error: producers\.gen\.count: found "many", expected a whole number'

begin "no file"
run "$WEIR" check
expect_status 2
expect_stderr 'weir: check: no file given; see weir check --help'

begin "--help"
run "$WEIR" check --help
expect_status 0
expect_match stdout '^  --strict '

begin "standard output that cannot be written to"
"$WEIR" check right.json >/dev/full 2>stderr
status=$?
expect_status 1
expect_stderr 'weir: check: cannot write to standard output: No space left on device'

finish
