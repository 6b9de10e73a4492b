#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plugin built with the headers of each ABI that has been still does all that it did: tests/abi/N/ has its sources and the headers of
# then, neither of which is ever changed. A binary of then could not be kept for each machine; a plugin's own share of it is its tables,
# the layout of records and the functions it calls, which is what the headers say.
. "$(dirname "$0")/../cli/lib.sh"

export WEIR_PLUGIN_PATH=$WEIR_BUILD/tests/abi/1/.libs

cat >all.json <<'END'
{ "producers": { "in": { "plugin": "abi-1", "pairs": { "k": "v" } } },
  "transforms": { "middle": { "plugin": "abi-1", "from": "in" } },
  "consumers": { "out": { "plugin": "abi-1", "from": "middle.main", "path": "out" },
                 "other": { "plugin": "file", "from": { "middle.other": { "when_full": "drop_newest" } }, "path": "other" },
                 "bad": { "plugin": "file", "from": ["middle.rejected", "out.rejected"], "path": "bad" } } }
END
cat >one.json <<'END'
{ "producers": { "in": { "plugin": "abi-1", "how": "source" } }, "consumers": { "out": { "plugin": "abi-1", "from": "in", "path": "out" } } }
END

# runs ARGUMENT...: a pipeline runs to its end, and says nothing.
runs () {
  rm -f out other bad
  run "$WEIR" run --quiet --summary summary.json "$@"
  expect_status 0
  expect_stdout ''
  expect_stderr ''
}

# What a plugin sees: not the harness, which its tests use.
mapfile -t seen < <(sed -n 's|^#include <weir/\(.*\)>$|\1|p' "$WEIR_SOURCE/tests/abi/1/weir/weir.h")
seen=("${seen[@]/#/$WEIR_SOURCE/tests/abi/1/weir/}")

begin "it was built with the headers of ABI 1 alone"
if cat "$WEIR_BUILD"/tests/abi/1/.deps/*.Plo >depends 2>/dev/null; then # which a build may go without
  for header in "${seen[@]}"; do
    grep -q "tests/abi/1/weir/${header##*/}" depends || fail "not ${header##*/}"
  done
  expect_no_match depends '(headers|engine)/weir/'
fi

begin "it uses all that the headers of ABI 1 declare"
bash "$WEIR_SOURCE/tests/abi/declared.sh" "${seen[@]}" >declared
nm -D --undefined-only "$WEIR_PLUGIN_PATH/abi-1.so" | grep -o '\bweir_[a-z_0-9]*' | sort >used
expect_file used declared

begin "it is inspected"
run "$WEIR" inspect abi-1
expect_status 0
expect_stderr ''
for line in 'abi-1 1.0, built for Weir 0.1' '  words      strings; default ["a","b"]' '  how        choice: pull, source, thread; default pull' \
  '  flags: connections' '  counters: seen' '  ports: main, other' 'Reply: Sends to the peer'; do
  grep -q -x -F -e "$line" stdout || fail "it does not say: $line" "$(cat stdout)"
done

begin "records, tags, streams, slices, ports, rejections and kept records are what they were"
runs all.json
expect_text out 'hello ab k=v 1 80 0.5 65536 100000
1 1 copy
copy
wrapped
begun
one
two
of a stream
of it too
a stream of 2
slice fused
once
once
reject later
the end'
expect_text other other
sort bad >sorted
expect_text sorted 're
reject
reject later'
expect_match summary.json '^        "seen": 14$'

begin "options are filled in as they were"
runs --set in.greeting=bye --set 'in.words=["x", "y"]' --set in.yes=false --set in.port=1 --set in.rate=0.25 --set in.chunk=1KiB \
  --set in.wait=1ms --set 'in.pairs={"a": "b"}' all.json
head -n 1 out >first
expect_text first 'bye xy a=b 0 1 0.2 1024 1000'

begin "options are checked as they were"
run "$WEIR" check --set in.port=70000 one.json
expect_status 2
expect_stderr '--set:1:9: error: producers.in.port: found 70000, expected a whole number from 1 to 65535'
run "$WEIR" check --set in.port=81 one.json
expect_status 2
expect_stderr '--set:1:9: error: producers.in.port: found 81, expected any other'

begin "a source of its own emits"
runs one.json
expect_text out 'by a source'

begin "a thread of its own hands records in"
runs --set in.how=thread one.json
expect_text out "by a thread
by a thread's buffer
by a thread"

begin "it may have had enough"
runs --set in.how=thread --set out.most=1 one.json
expect_text out 'by a thread'

begin "it fails as it did"
for how in 'text:fails by text' 'errno:fails: No space left on device' 'error:fails by an error'; do
  run "$WEIR" run --quiet --set "out.fails=${how%%:*}" one.json
  expect_status 1
  expect_stderr "weir: out (abi-1, consumer): ${how#*:}"
done

begin "it accepts connections and answers them"
cat >connections.json <<'END'
{ "producers": { "in": { "plugin": "abi-1", "per_connection": true, "path": "answered" } },
  "consumers": { "back": { "plugin": "reply", "to": "in", "from": "in" } } }
END
runs connections.json
expect_text answered 'to the peer'

finish
