#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What comes out is what went in, to the byte and to the record; and where something was left behind, the ledger says how much.
. "$(dirname "$0")/lib.sh"

unset WEIR_PLUGIN_PATH NOTIFY_SOCKET JOURNAL_STREAM

FILE_IN='"in": { "plugin": "file", "path": "input" }'
STDIO_IN='"in": { "plugin": "stdio" }'
CUT='"cut": { "plugin": "lines", "from": "in" }'

# pipeline PRODUCERS TRANSFORMS CONSUMERS: writes p.json.
pipeline () { echo "{ \"producers\": { $1 }, \"transforms\": { $2 }, \"consumers\": { $3 } }" >p.json; }

# file_out FROM
file_out () { echo "\"out\": { \"plugin\": \"file\", \"path\": \"out.txt\", \"append\": false, \"from\": \"$1\" }"; }

# figure LINK KEY: a number of a link in summary.json; stage_figure STAGE KEY: one of a stage.
figure () {
  tr -d ' \n' <summary.json | sed 's/.*"links"://' | grep -o "\"name\":\"$1\".*" | grep -o "\"$2\":[0-9]*" | head -n 1 | cut -d: -f2
}
stage_figure () {
  tr -d ' \n' <summary.json | sed 's/"links":.*//' | grep -o "\"$1\":{\"plugin\".*" | grep -o "\"$2\":[0-9]*" | head -n 1 | cut -d: -f2
}

# balanced LINK...: in = out + dropped + queued.
balanced () {
  local link
  for link; do
    [ "$(figure "$link" in)" = $(($(figure "$link" out) + $(figure "$link" dropped) + $(figure "$link" queued))) ] ||
      fail "$link: in $(figure "$link" in), out $(figure "$link" out), dropped $(figure "$link" dropped), queued $(figure "$link" queued)"
  done
}

# ---- bytes ------------------------------------------------------------------------------------------------------------------

mkdir inputs
: >inputs/empty
printf 'no newline at the end' >inputs/unfinished
printf 'a\r\nb\r\n\r\nc\r' >inputs/crlf
printf 'a\0b\n\0\n\0' >inputs/nul
head -c 5M /dev/zero | tr '\0' x >inputs/long-line
{ cat inputs/long-line; echo; echo short; } >inputs/long-and-short
head -c 300000 /dev/zero | tr '\0' '\n' >inputs/newlines
printf '\n' >inputs/newline
head -c 3000000 /dev/urandom >inputs/random
seq 200000 >inputs/numbers
{ head -c 65535 /dev/zero | tr '\0' y; echo; head -c 65536 /dev/zero | tr '\0' z; echo; } >inputs/borders

begin "file -> file is byte-exact"
pipeline "$FILE_IN" '' "$(file_out in)"
for input in inputs/*; do
  run "$WEIR" run --quiet --set "in.path=$input" p.json
  expect_status 0
  expect_file out.txt "$input"
done

begin "file -> lines -> file is byte-exact"
pipeline "$FILE_IN" "$CUT" "$(file_out cut)"
for input in inputs/*; do
  run "$WEIR" run --quiet --set "in.path=$input" p.json
  expect_status 0
  expect_file out.txt "$input"
done

begin "file -> lines -> file is byte-exact with the smallest queues, chunks and lines"
for input in inputs/unfinished inputs/crlf inputs/nul inputs/borders; do
  run "$WEIR" run --quiet --set "in.path=$input" --set in.chunk=4096 --set cut.max=7 --set cut.queue.records=1 --set out.queue.records=1 p.json
  expect_status 0
  expect_file out.txt "$input"
done

begin "stdio -> lines -> stdio is byte-exact, from a file and from a pipe"
pipeline "$STDIO_IN" "$CUT" '"out": { "plugin": "stdio", "from": "cut" }'
for input in inputs/*; do
  run_with "$input" "$WEIR" run --quiet p.json
  expect_status 0
  expect_file stdout "$input"
  dd if="$input" bs=1009 2>/dev/null | "$WEIR" run --quiet p.json 2>stderr | cat >stdout
  expect_file stdout "$input"
done

begin "stages that share a worker change nothing"
pipeline "$FILE_IN" "$CUT" "$(file_out cut)"
for input in inputs/long-and-short inputs/newlines inputs/numbers inputs/random; do
  run "$WEIR" run --quiet --set "in.path=$input" --set in.thread=w --set cut.thread=w --set out.thread=w p.json
  expect_status 0
  expect_file out.txt "$input"
done

begin "many files come one behind the other, each its own stream"
printf 'half' >inputs2 && printf 'other half\n' >inputs3
pipeline '"in": { "plugin": "file", "path": ["inputs2", "inputs3", "inputs/crlf"] }' "$CUT" "$(file_out cut)"
run "$WEIR" run --quiet --summary summary.json p.json
expect_status 0
{ cat inputs2; echo; cat inputs3 inputs/crlf; } >wanted
expect_file out.txt wanted
expect [ "$(figure cut:out in)" = 6 ]

begin "many files come out as cat has them, where no delimiter is wanted"
for from in in cut; do
  pipeline '"in": { "plugin": "file", "path": ["inputs2", "inputs/random", "inputs3", "inputs/crlf"] }' \
    "$([ $from = in ] || echo "$CUT")" "$(file_out $from)"
  run "$WEIR" run --quiet --set out.delimiter= p.json
  expect_status 0
  cat inputs2 inputs/random inputs3 inputs/crlf >wanted
  expect_file out.txt wanted
done

# ---- records ----------------------------------------------------------------------------------------------------------------

begin "a diamond loses nothing and doubles nothing"
pipeline "$FILE_IN" "$CUT, \"odd\": { \"plugin\": \"match\", \"from\": \"cut\", \"pattern\": \"[13579]\$\", \"queue\": { \"records\": 3 } },
  \"even\": { \"plugin\": \"match\", \"from\": \"cut\", \"pattern\": \"[13579]\$\", \"invert\": true }" \
  '"out": { "plugin": "file", "path": "out.txt", "append": false, "from": ["odd", "even"] }'
run "$WEIR" run --quiet --summary summary.json --set in.path=inputs/numbers p.json
expect_status 0
sort -n out.txt >sorted
expect_file sorted inputs/numbers
for stage in odd even; do expect [ "$(stage_figure $stage records_in)" = 200000 ]; done
expect [ "$(stage_figure out records_in)" = 200000 ]
balanced in:cut cut:odd cut:even odd:out even:out
grep -E '[13579]$' out.txt >odd
grep -E '[13579]$' inputs/numbers >wanted
expect_file odd wanted

begin "match passes what grep passes"
pipeline "$FILE_IN" "$CUT, \"m\": { \"plugin\": \"match\", \"from\": \"cut\", \"pattern\": \"(7.*){2}\" }" "$(file_out m)"
run "$WEIR" run --quiet --set in.path=inputs/numbers p.json
expect_status 0
grep -E '(7.*){2}' inputs/numbers >wanted
expect_file out.txt wanted
run "$WEIR" run --quiet --set in.path=inputs/numbers --set m.invert=true p.json
grep -v -E '(7.*){2}' inputs/numbers >wanted
expect_file out.txt wanted
run "$WEIR" run --quiet --set in.path=inputs/random --set m.pattern=ab. --set m.literal=false p.json
expect_status 0
grep -a -e 'ab.' inputs/random >wanted
expect_file out.txt wanted

begin "format does what sed does"
pipeline "$FILE_IN" "$CUT, \"f\": { \"plugin\": \"format\", \"from\": \"cut\", \"text\": \"<{}>\" }" "$(file_out f)"
run "$WEIR" run --quiet --set in.path=inputs/numbers p.json
expect_status 0
sed 's/.*/<&>/' inputs/numbers >wanted
expect_file out.txt wanted

begin "head takes as many as it is told, from any amount"
pipeline "$FILE_IN" "$CUT, \"h\": { \"plugin\": \"head\", \"from\": \"cut\" }" "$(file_out h)"
for count in 1 10 4096 199999 200000 200001; do
  run "$WEIR" run --quiet --summary summary.json --set in.path=inputs/numbers --set "h.count=$count" p.json
  expect_status 0
  head -n "$count" inputs/numbers >wanted
  expect_file out.txt wanted
  balanced in:cut cut:h h:out
done

begin "what a lossy link drops is counted, and what passes keeps its order"
pipeline '"in": { "plugin": "generate", "count": 200000, "text": "{seq}" }' '' \
  '"out": { "plugin": "file", "path": "out.txt", "append": false, "from": "slow" }'
sed -i 's/"transforms": {  }/"transforms": { "slow": { "plugin": "throttle", "from": "in", "records_per_second": 20000, "burst": "1ms", "queue": { "records": 50 } } }/' p.json
for policy in drop_newest drop_oldest; do
  run "$WEIR" run --quiet --summary summary.json --set slow.queue.when_full=$policy p.json
  expect_status 0
  balanced in:slow slow:out
  expect [ "$(figure in:slow in)" = 200000 ]
  expect [ "$(figure in:slow dropped)" -gt 0 ]
  expect [ "$(figure in:slow queued)" = 0 ]
  expect [ "$(figure in:slow pauses)" = 0 ]
  expect [ "$(figure in:slow out)" = "$(wc -l <out.txt)" ]
  expect sort -c -n -u out.txt
done
expect [ "$(tail -n 1 out.txt)" = 199999 ]

# ---- being stopped ----------------------------------------------------------------------------------------------------------

# stop SIGNAL CONDITION OPTION...: runs p.json with its summary, and stops it once CONDITION holds.
written () { [ -s out.txt ]; }
is_full () { grep -q '; paused: in$' stderr; }
stop () {
  local signal=$1 condition=$2 pid
  shift 2
  rm -f out.txt summary.json stderr
  "$WEIR" run --quiet --summary summary.json "$@" p.json </dev/null >stdout 2>stderr &
  pid=$!
  wait_until "$condition"
  kill "-$signal" $pid
  wait $pid 2>/dev/null
  status=$?
}

begin "SIGTERM in full flight: all that was made is delivered, or counted as queued"
pipeline '"in": { "plugin": "generate", "text": "{seq}" }' '"slow": { "plugin": "throttle", "from": "in", "records_per_second": 100000, "burst": "1ms" }' \
  "$(file_out slow)"
stop TERM written
expect_status 0
expect_stderr ''
balanced in:slow slow:out
expect [ "$(figure slow:out out)" = "$(wc -l <out.txt)" ]
expect [ "$(figure in:slow in)" = "$(wc -l <out.txt)" ]
seq 0 $(($(wc -l <out.txt) - 1)) >wanted
expect_file out.txt wanted
expect_match summary.json '"result": ?"stopped"'

begin "SIGTERM with too little time to drain: what is left is said and counted, exit code 3"
pipeline '"in": { "plugin": "generate", "text": "{seq}" }' '"slow": { "plugin": "throttle", "from": "in", "records_per_second": 1000, "burst": "1ms" }' \
  "$(file_out slow)"
sed -i 's/^{/{ "engine": { "shutdown": "50ms" },/' p.json
stop TERM is_full --progress
expect_status 3
balanced in:slow slow:out
expect [ "$(figure in:slow queued)" -gt 0 ]
expect [ "$(figure slow:out out)" = "$(wc -l <out.txt)" ]
expect_match stderr '^weir: warning: p: the time to drain is over$'
expect_match stderr '^weir: warning: in:slow holds [0-9]+ records, [0-9]+ bytes$'
expect_match summary.json '"result": ?"undelivered"'

begin "SIGKILL leaves whole lines and no part of a summary"
stop KILL written
expect_status 137
expect_missing summary.json
expect [ "$(tail -c 1 out.txt | od -An -tx1)" = ' 0a' ]
seq 0 $(($(wc -l <out.txt) - 1)) >wanted
expect_file out.txt wanted
echo old >summary.json
rm out.txt
"$WEIR" run --quiet --summary summary.json p.json </dev/null >stdout 2>stderr &
pid=$!
wait_until written
kill -KILL $pid
wait $pid 2>/dev/null
expect_text summary.json old
set -- summary.json?*
[ "$1" = 'summary.json?*' ] || fail "left behind: $*"

begin "two pipelines at once, out of one file into one"
pipeline "$FILE_IN" "$CUT" '"out": { "plugin": "file", "path": "both.txt", "from": "cut" }'
"$WEIR" run --quiet --set in.path=inputs/numbers p.json </dev/null 2>stderr1 &
"$WEIR" run --quiet --set in.path=inputs/numbers p.json </dev/null 2>stderr2
status=$?
wait $!
expect [ "$?$status" = 00 ]
expect [ ! -s stderr1 -a ! -s stderr2 ]
sort -n both.txt | uniq -c | awk '$1 != 2' >wrong
expect [ ! -s wrong ]
expect [ "$(wc -l <both.txt)" = 400000 ]

# ---- following --------------------------------------------------------------------------------------------------------------

has () { [ "$(tail -n 1 out.txt)" = "$1" ]; }

begin "a followed log goes on over renames and truncations, and SIGTERM ends it well"
pipeline '"in": { "plugin": "file", "path": "app.log", "follow": true }' "$CUT" "$(file_out cut)"
seq 1 1000 >app.log
rm -f out.txt summary.json
"$WEIR" run --quiet --summary summary.json p.json </dev/null >stdout 2>stderr &
pid=$!
wait_until has 1000
seq 1001 2000 >>app.log
wait_until has 2000
for round in 1 2 3; do
  mv app.log app.log.$round
  echo "late $round" >>app.log.$round
  seq $((1000 + round * 1000 + 1)) $((2000 + round * 1000)) >app.log
  wait_until has $((2000 + round * 1000))
done
: >app.log
seq 5001 5010 >>app.log
wait_until has 5010
kill -TERM $pid
wait $pid
status=$?
expect_status 0
expect_stderr 'weir: in (file, producer): app.log was truncated: reading it from its beginning'
{ seq 5010; echo late 1; echo late 2; echo late 3; } | sort >wanted
sort out.txt >sorted
expect_file sorted wanted
balanced in:cut cut:out

begin "a file that is rotated by size: as many as are kept, together the last of it, cut at lines"
pipeline "$FILE_IN" "$CUT" '"out": { "plugin": "file", "path": "rotated", "rotate": "100KiB", "keep": 3, "from": "cut" }'
run "$WEIR" run --quiet --summary summary.json --set in.path=inputs/numbers p.json
expect_status 0
expect_missing rotated.4
for file in rotated rotated.1 rotated.2 rotated.3; do
  expect [ "$(stat -c %s $file)" -le 102400 ]
  expect [ "$(tail -c 1 $file | od -An -tx1)" = ' 0a' ]
done
cat rotated.3 rotated.2 rotated.1 rotated >out.txt
tail -c "$(stat -c %s out.txt)" inputs/numbers >wanted
expect_file out.txt wanted
expect [ "$(stage_figure out rotations)" -ge $(($(stat -c %s inputs/numbers) / 102400)) ]

finish
