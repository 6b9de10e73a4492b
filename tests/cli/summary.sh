#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The JSON summary of weir run: its shape, and that every figure of the ledger is right.
. "$(dirname "$0")/lib.sh"

export WEIR_PLUGIN_PATH=$WEIR_TEST_MODULES
cat >numbers.json <<'END'
{ "producers": { "log": { "plugin": "file", "path": "in" } },
  "transforms": { "split": { "plugin": "lines", "from": "log" }, "some": { "plugin": "random", "from": "split" } },
  "consumers": { "out": { "plugin": "null", "from": "some" }, "few": { "plugin": "head", "count": 1, "from": "some" },
                 "junk": { "plugin": "null", "from": "some.rejected" } } }
END
printf '3\npony\n2\n' >in

# figure OBJECT KEY: the number in the object that begins with OBJECT.
figure () { tr -d ' \n' <summary.json | grep -o "$1[^}]*" | grep -o "\"$2\":[^,}]*" | head -n 1 | cut -d: -f2; }
# expect_figure OBJECT KEY VALUE
expect_figure () {
  [ "$(figure "$1" "$2")" = "$3" ] || fail "$1 ... $2 is $(figure "$1" "$2"), expected $3"
}

begin "its shape, key by key"
run "$WEIR" run --quiet --summary summary.json numbers.json
expect_status 0
expect_stdout ''
expect_no_match stderr '^weir: '
sed -E 's/: -?[0-9.]+(,?)$/: N\1/' summary.json >shape
{
  printf '{\n  "pipeline": "numbers",\n  "result": "done",\n  "seconds": N,\n  "stages": {\n'
  last=junk
  for stage in log:file:producer:done split:lines:transform:done some:random:transform:done out:null:consumer:done \
    few:head:consumer:done junk:null:consumer:done; do
    IFS=: read -r name plugin role state <<<"$stage"
    printf '    "%s": {\n      "plugin": "%s",\n      "role": "%s",\n      "state": "%s",\n' "$name" "$plugin" "$role" "$state"
    for key in records_in records_out bytes_in bytes_out working_s starved_s blocked_s waiting_s rejected refused errors restarts redelivered; do
      printf '      "%s": N,\n' $key
    done
    printf '      "counters": {@}\n    }'
    [ "$name" = $last ] || printf ,
    echo
  done
  printf '  },\n  "links": [\n'
  for link in log:split split:some some:out some:few some.rejected:junk; do
    from=${link%:*}
    printf '    {\n      "name": "%s",\n      "from": "%s",\n      "to": "%s",\n' "$link" "${from%.*}" "${link#*:}"
    printf '      "in": N,\n      "out": N,\n      "dropped": N,\n      "dropped_by": {\n'
    printf '        "full": N,\n        "expired": N,\n        "taker_finished": N,\n        "refused": N,\n        "connection_lost": N,\n        "held": N\n      },\n'
    for key in queued bytes_in bytes_out pauses resumes paused_s peak_records peak_bytes; do
      printf '      "%s": N,\n' $key
    done
    printf '      "peak_pinned": N\n    }'
    [ "$link" = some.rejected:junk ] || printf ,
    echo
  done
  printf '  ]\n}\n'
} >wanted
# A plugin's own counters are its own affair.
sed -e ':a' -e '/"counters": {$/{N;s/\n *}$/@}/;t;s/\n *"[a-z_]*": N,\{0,1\}$//;ba' -e '}' shape >plain
expect_file plain wanted

begin "its figures: the ledger balances, a record with several takers counts once"
expect_figure '"log":' records_out 1
expect_figure '"log":' bytes_out 9
expect_figure '"split":' records_in 1
expect_figure '"split":' records_out 3
expect_figure '"split":' bytes_out 9
expect_figure '"some":' records_in 3
expect_figure '"some":' records_out 5
expect_figure '"some":' rejected 1
expect_figure '"out":' records_in 5
expect_figure '"few":' records_in 1
expect_figure '"name":"some:out"' in 5
expect_figure '"name":"some:out"' out 5
expect_figure '"name":"some:out"' dropped 0
expect_figure '"name":"some:few"' in 5
expect_figure '"name":"some:few"' out 1
expect_figure '"name":"some:few"' dropped 4
expect_figure '"name":"some:few"' taker_finished 4
expect_figure '"name":"some.rejected:junk"' in 1
expect_figure '"name":"some.rejected:junk"' out 1

begin "what a full link drops is counted as such"
cat >drop.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 5000 } },
  "consumers": { "bad": { "plugin": "wrong", "how": "fail", "from": { "gen": { "records": 10, "hard": 1.5, "when_full": "drop_newest" } } } } }
END
run "$WEIR" run --quiet --summary summary.json drop.json
expect_status 1
expect_match summary.json '^  "result": "failed",$'
expect_match summary.json '^      "state": "failed",$'
in=$(figure '"name":"gen:bad"' in) out=$(figure '"name":"gen:bad"' out)
dropped=$(figure '"name":"gen:bad"' dropped) queued=$(tr -d ' \n' <summary.json | grep -o '"queued":[0-9]*' | cut -d: -f2)
[ "$in" = $((out + dropped + queued)) ] || fail "in $in is not out $out + dropped $dropped + queued $queued"
[ "$in" -gt 0 ] || fail "nothing came in"

begin "a name in the file is the pipeline's"
sed '1s/{/{ "name": "my \\"numbers\\"",/' numbers.json >named.json
run "$WEIR" run --quiet --summary summary.json named.json
expect_status 0
expect_match summary.json '^  "pipeline": "my \\"numbers\\"",$'

begin "- is standard output"
run "$WEIR" run --quiet --summary - numbers.json
expect_status 0
expect_match stdout '^  "pipeline": "numbers",$'
expect_no_match stderr '^weir: '

begin "- and a stage that writes to standard output are bad usage"
cat >both.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 1 } }, "consumers": { "out": { "plugin": "stdio", "from": "gen" } } }
END
run "$WEIR" run --quiet --summary - both.json
expect_status 2
expect_stdout ''
expect_stderr 'weir: run: --summary - and stage "out" would both write to standard output; see weir run --help'

begin "a file that cannot be written: nothing is started"
rm -f made
cat >make.json <<'END'
{ "producers": { "gen": { "plugin": "generate", "count": 1 } }, "consumers": { "out": { "plugin": "file", "from": "gen", "path": "made" } } }
END
run "$WEIR" run --summary no/such/folder make.json
expect_status 1
expect_stdout ''
expect_stderr 'weir: cannot open summary file no/such/folder: No such file or directory'
expect_missing made

begin "a full disk under the summary is an error, though the run was fine"
run "$WEIR" run --quiet --summary /dev/full make.json
expect_status 1
expect_stderr 'weir: cannot write summary to /dev/full: No space left on device'

begin "a pipeline with mistakes leaves the last summary alone"
echo kept >summary.json
run "$WEIR" run --quiet --summary summary.json --set gen.count=x make.json
expect_status 2
expect_text summary.json kept

begin "the readable summary says in words where the stream was held up"
cat >slow.json <<'END'
{ "producers": { "source": { "plugin": "generate", "count": 600 } },
  "transforms": { "slow": { "plugin": "throttle", "from": "source", "records_per_second": 500, "burst": "2ms",
                            "queue": { "records": 4 } } },
  "consumers": { "out": { "plugin": "null", "from": "slow" } } }
END
run "$WEIR" run slow.json
expect_status 0
expect_match stderr '^  held up by slow \(throttle\): source:slow was full [0-9]+% of the time, in which slow was waiting [0-9]+%$'
expect_no_match stderr 'held up by out'

# refuse_file OPTION FILE WHAT: a file that the pipeline needs is not written over.
refuse_file () {
  cp "$2" before 2>/dev/null
  run "$WEIR" run --quiet "$1" "$2" own.json
  expect_status 2
  expect_stdout ''
  expect_stderr "weir: run: $1 $2 would overwrite $3; see weir run --help"
  [ ! -e before ] || expect_file "$2" before
  rm -f before
  expect_missing made
}
rm -f made
cat >own.json <<'END'
{ "include": "parts/more.json", "producers": { "log": { "plugin": "file", "path": ["first", "logs/*.log"] } } }
END
mkdir parts logs
echo '{ "consumers": { "out": { "plugin": "file", "from": "log", "path": "made" } } }' >parts/more.json
echo first >first
echo a >logs/a.log
ln -s ../own.json parts/link
ln first hard

begin "the summary and the pid file are not written over the pipeline"
for option in --summary --pid-file; do
  refuse_file $option own.json 'own.json, which describes the pipeline'
  refuse_file $option ./own.json 'own.json, which describes the pipeline'
  refuse_file $option parts/link 'own.json, which describes the pipeline'
  refuse_file $option parts/more.json 'parts/more.json, which describes the pipeline'
done

begin "nor over what a stage reads or writes"
for option in --summary --pid-file; do
  refuse_file $option first 'the path of stage "log"'
  refuse_file $option hard 'the path of stage "log"'
  refuse_file $option logs/a.log 'the path of stage "log"'
  refuse_file $option parts/../made 'the path of stage "out"'
done

begin "nor over each other"
run "$WEIR" run --quiet --summary ./one --pid-file one own.json
expect_status 2
expect_stderr 'weir: run: --summary and --pid-file would both write ./one; see weir run --help'
expect_missing one made

begin "a device is anyone's"
run "$WEIR" run --quiet --summary /dev/null --set out.path=/dev/null own.json
expect_status 0
expect_stderr ''

finish
