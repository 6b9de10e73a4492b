#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The plugin `lines` in whole pipelines. What it cuts where is tested in tests/unit/test-plugin-lines.c.
. "$(dirname "$0")/../cli/lib.sh"

# pipeline OPTIONS [CONSUMERS]: writes lines.json: stdio -> `cut` -> stdio.
pipeline () {
  cat >lines.json <<END
{
  "producers": { "in": { "plugin": "stdio" } },
  "transforms": { "cut": { "plugin": "lines", "from": "in"${1:+, $1} } },
  "consumers": { "out": { "plugin": "stdio", "from": "cut" }${2:+, $2} }
}
END
}

begin "lines are counted, the last one without a newline too"
printf 'one\ntwo\n\nlast' >in
pipeline ''
run_with in "$WEIR" run --quiet --summary summary.json lines.json
expect_status 0
expect_file stdout in
expect_match summary.json '"records_out": ?4\b'

begin "a flood of newlines"
head -c 1000000 /dev/zero | tr '\0' '\n' >in
pipeline ''
run_with in "$WEIR" run --quiet --summary summary.json lines.json
expect_status 0
expect_file stdout in
expect_match summary.json '"records_out": ?1000000\b'

begin "nul, for what find -print0 writes"
printf 'one\0two\nlines\0' >in
pipeline '"delimiter": "nul", "max": 9'
run_with in "$WEIR" run --quiet --summary summary.json lines.json
expect_status 0
expect_file stdout in
expect_match summary.json '"records_out": ?2\b'

begin "a line that is too long is split, and its bytes stay the same"
printf 'short\nmuch too long\n' >in
pipeline '"max": 5'
run_with in "$WEIR" run --quiet --summary summary.json lines.json
expect_status 0
expect_file stdout in
expect_match summary.json '"records_out": ?4\b'
expect_match summary.json '"too_long": ?1\b'

begin "a line that is too long is truncated"
pipeline '"max": 5, "too_long": "truncate"'
run_with in "$WEIR" run --quiet lines.json
expect_status 0
expect_stdout $'short\nmuch '

begin "a line that is too long is rejected, whole, and others are not"
printf 'short\nmuch too long\nfine\n' >in
pipeline '"max": 5, "too_long": "reject"' '"bad": { "plugin": "file", "path": "bad", "from": "cut.rejected" }'
run_with in "$WEIR" run --quiet lines.json
expect_status 0
expect_stdout $'short\nfine'
expect_text bad 'much too long'

begin "a rejected line fails the pipeline where nobody takes it"
pipeline '"max": 5, "too_long": "reject"'
run_with in "$WEIR" run --quiet lines.json
expect_status 1
expect_match stderr '^weir: cut \(lines, transform\): rejected a record, and nobody takes cut\.rejected: a line is longer than 5 bytes$'

begin "a maximum of nothing"
pipeline '"max": 0'
run_with in "$WEIR" run --quiet lines.json
expect_status 2
expect_stdout ''
expect_match stderr '^lines\.json:3:[0-9]+: error: transforms\.cut\.max: '

finish
