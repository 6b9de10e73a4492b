# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# generate, null, match, format, throttle, head and random in whole runs of weir, with stdio as the end that is looked at; and what
# a user reads when an option cannot work. What each does record by record is tested in tests/unit/test-plugin-NAME.c.
. "$(dirname "$0")/../cli/lib.sh"

# pipeline TRANSFORMS [PRODUCER]: writes pipeline.json: the producer `in`, the transforms, and stdio as the consumer `out` of `last`.
pipeline () {
  local producer='{ "plugin": "stdio" }'
  [ $# = 1 ] || producer=$2
  cat >pipeline.json <<END
{
  "producers": { "in": $producer },
  "transforms": { $1 },
  "consumers": { "out": { "plugin": "stdio", "from": "last" } }
}
END
}

LINES='"cut": { "plugin": "lines", "from": "in" }'

begin "generate numbers its records"
pipeline '"last": { "plugin": "head", "from": "in", "count": 3 }' '{ "plugin": "generate", "text": "n {seq}" }'
run "$WEIR" run --quiet pipeline.json
expect_status 0
expect_stdout $'n 0\nn 1\nn 2'
expect_stderr ''

begin "generate ends after count, and null takes it all"
echo '{ "producers": { "in": { "plugin": "generate", "count": 100000 } }, "consumers": { "out": { "plugin": "null", "from": "in" } } }' \
  >pipeline.json
run "$WEIR" run --quiet --summary summary.json pipeline.json
expect_status 0
expect_match summary.json '"records_in": ?100000'

begin "head as a consumer ends what is endless"
echo '{ "producers": { "in": { "plugin": "generate" } }, "consumers": { "out": { "plugin": "head", "from": "in" } } }' >pipeline.json
run "$WEIR" run --quiet --summary summary.json pipeline.json
expect_status 0
expect_match summary.json '"records_in": ?10\b'

begin "match and format work on lines as grep and sed do"
printf '%s\n' 'GET /a 200' 'GET /b 503' 'PUT /c 500' >input
pipeline "$LINES"', "bad": { "plugin": "match", "from": "cut", "pattern": " (?<code>5[0-9]+)$", "capture": true },
  "last": { "plugin": "format", "from": "bad", "text": "{code}: {}" }'
run_with input "$WEIR" run --quiet pipeline.json
expect_status 0
expect_stdout $'503: GET /b 503\n500: PUT /c 500'

begin "match on real input passes what grep passes, and its inverse the rest"
for i in $(seq 2000); do echo "line $i of $((i * 7919 % 1000))"; done >input
LC_ALL=C grep -e ' 1[0-9]* of .*9' input >wanted
pipeline "$LINES"', "last": { "plugin": "match", "from": "cut", "pattern": " 1[0-9]* of .*9" }'
run_with input "$WEIR" run --quiet pipeline.json
expect_status 0
expect_file stdout wanted
LC_ALL=C grep -v -e ' 1[0-9]* of .*9' input >wanted
run_with input "$WEIR" run --quiet --set last.invert=true pipeline.json
expect_status 0
expect_file stdout wanted

begin "match rejects a record that takes too long"
printf '%s\n' aaa 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' aa >input
cat >pipeline.json <<'END'
{
  "producers": { "in": { "plugin": "stdio" } },
  "transforms": {
    "cut": { "plugin": "lines", "from": "in" },
    "slow": { "plugin": "match", "from": "cut", "pattern": "^(a+)+$" },
    "why": { "plugin": "format", "from": "slow.rejected", "text": "{stage}: {reason}" },
    "last": { "plugin": "head", "from": ["slow", "why"] }
  },
  "consumers": { "out": { "plugin": "stdio", "from": "last" } }
}
END
run_with input "$WEIR" run --quiet pipeline.json
expect_status 0
LC_ALL=C sort stdout >sorted
expect_text sorted $'aa\naaa\nslow: the pattern "^(a+)+$" reached its match limit (1000000) on a record of 53 bytes'

begin "throttle slows bytes down and changes none"
for i in $(seq 3000); do printf '%s\n' "line $i"; done | head -c 30000 >input
pipeline '"last": { "plugin": "throttle", "from": "in", "bytes_per_second": "1MB", "burst": "1ms" }'
run_with input "$WEIR" run --quiet pipeline.json
expect_status 0
expect_file stdout input

begin "random answers each count"
printf '3\r\n0\n2\n' >input
pipeline "$LINES"', "last": { "plugin": "random", "from": "cut", "max": 0 }'
run_with input "$WEIR" run --quiet pipeline.json
expect_status 0
printf '0\r\n0\r\n0\r\n0\r\n0\r\n' >wanted
expect_file stdout wanted

begin "random fails on what is no count when nobody takes its rejected records"
printf '1\nmany\n' >input
run_with input "$WEIR" run --quiet pipeline.json
expect_status 1
expect_match stderr '^weir: last \(random, transform\): rejected a record, and nobody takes last\.rejected: found "many", expected a count, a whole number from 0 to 9223372036854775807$'

begin "a stage without its required option is refused before anything runs"
pipeline '"last": { "plugin": "match", "from": "in" }'
run "$WEIR" run --quiet pipeline.json
expect_status 2
expect_stdout ''
expect_match stderr '^pipeline\.json:[0-9]+:[0-9]+: error: transforms\.last: missing key "pattern"'

finish
