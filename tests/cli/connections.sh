#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A pipeline per connection in the program's own words: the drawing, the reply, memory, progress and the summary.
. "$(dirname "$0")/lib.sh"

cat >serve.json <<'EOF'
{ "producers": { "client": { "plugin": "unix", "listen": "serve.socket", "per_connection": true, "max": 2 } },
  "transforms": { "ask": { "plugin": "lines", "from": "client" },
                  "numbers": { "plugin": "random", "from": "ask" },
                  "sorry": { "plugin": "format", "from": "numbers.rejected", "text": "error" } },
  "consumers": { "answer": { "plugin": "reply", "to": "client", "from": ["numbers", "sorry"] },
                 "log": { "plugin": "file", "path": "log", "shared": true,
                          "from": { "ask": { "when_full": "drop_oldest" } } } } }
EOF

begin "the drawing says what exists once for each connection"
run "$WEIR" graph serve.json
expect_status 0
expect_stderr ''
expect_stdout 'client (unix, producer, per connection)
> ask (lines)
+-> numbers (random)
|   +-> [rejected] sorry (format)
|   |   > answer (reply to client)
|   `-> answer (see above)
`-> [drop_oldest] log (file, consumer, shared)'

begin "as dot: a cluster, and a dotted line back"
run "$WEIR" graph --format dot serve.json
expect_status 0
expect_stdout 'digraph "serve" {
  rankdir=LR;
  node [fontname="sans-serif"];
  edge [fontname="sans-serif"];
  "client" [shape=cds, label="client\nunix"];
  "log" [shape=oval, label="log\nfile"];
  subgraph "cluster_client" {
    label="per connection of client";
    fontname="sans-serif";
    style=dashed;
    "ask" [shape=box, label="ask\nlines"];
    "numbers" [shape=box, label="numbers\nrandom"];
    "sorry" [shape=box, label="sorry\nformat"];
    "answer" [shape=oval, label="answer\nreply"];
  }
  "client" -> "ask";
  "ask" -> "numbers";
  "numbers" -> "sorry" [label="rejected", style=dashed];
  "numbers" -> "answer";
  "sorry" -> "answer";
  "answer" -> "client" [style=dotted, constraint=false];
  "ask" -> "log" [label="drop_oldest"];
}'

begin "as mermaid: a subgraph, and a dotted line back"
run "$WEIR" graph --format mermaid serve.json
expect_status 0
expect_stdout '---
title: "serve"
---
flowchart LR
  s0(["client<br/>unix"])
  s5[["log<br/>file"]]
  subgraph c0["per connection of client"]
    s1["ask<br/>lines"]
    s2["numbers<br/>random"]
    s3["sorry<br/>format"]
    s4[["answer<br/>reply"]]
  end
  s0 --> s1
  s1 --> s2
  s2 -.->|"rejected"| s3
  s2 --> s4
  s3 --> s4
  s1 -->|"drop_oldest"| s5
  s4 -.-> s0'

begin "check counts the memory of each connection"
run "$WEIR" check serve.json
expect_status 0
expect_stderr ''
expect_match stdout '^serve\.json: worst case [0-9.]+ MiB: links 100\.6 \(12 x 8\.4\), stages '
run "$WEIR" check --set client.max=0 serve.json
expect_status 0
expect_match stdout ', and 50\.5 for each connection of "client"; and one record of up to 16\.0 MiB a link$'

begin "inspect reply says what it is, and whose options it has"
run "$WEIR" inspect reply
expect_status 0
expect_stderr ''
expect_match stdout '^reply is the other half of a connection$'
expect_match stdout '^To tcp: Answers on the connection '
expect_match stdout '^To unix: Answers on the connection '
expect_no_match stdout '.{81}'
run "$WEIR" inspect
expect_match stdout '^ +reply +Answers on the connection '

begin "inspect reply as JSON"
run "$WEIR" inspect --json reply
expect_status 0
expect_match stdout '^  "role": "consumer",$'
expect_match stdout '^      "name": "unix",$'
expect_match stdout '^      "reply": \{$'

begin "inspect reply where no plugin offers it"
mkdir none
run env WEIR_PLUGIN_PATH="$SCRATCH/none" "$WEIR" inspect --plugin-path "$WEIR_TEST_MODULES" reply
expect_status 0
expect_match stdout '^To doors: Sees off$'

begin "the mistakes are told by run and check alike"
for command in run check; do
  run "$WEIR" $command --set answer.to=ask --set log.shared=false serve.json
  expect_status 2
  expect_stdout ''
  expect_stderr 'serve.json:6:53: error: consumers.log.path: each connection of "client" would write it; expected "shared": true
--set:1:11: error: consumers.answer.to: "ask" has no connections to reply to; expected a producer that is "per_connection"'
  expect_missing serve.socket log
done

begin "progress counts connections; the summary says of how many its figures are"
cat >peer.json <<'EOF'
{ "producers": { "ask": { "plugin": "stdio" } },
  "transforms": { "peer": { "plugin": "unix", "connect": "serve.socket", "from": "ask" } },
  "consumers": { "out": { "plugin": "stdio", "from": "peer" } } }
EOF
"$WEIR" run --progress --summary summary.json --set client.log=debug serve.json >served 2>&1 &
server=$!
wait_until grep -q 'listening on serve.socket$' served
run sh -c "printf '3\nx\n2\n' | '$WEIR' run --quiet peer.json"
expect_status 0
[ "$(wc -l <stdout)" = 6 ] || fail "$(wc -l <stdout) lines came, not 6"
mkfifo questions
"$WEIR" run --quiet peer.json <questions >/dev/null &
peer=$!
exec 3>questions
both_were_there () { [ "$(grep -c 'connection from' served)" = 2 ]; }
wait_until both_were_there && wait_until grep -q ', 1 connection; ' served
kill -TERM $server
wait $server || fail "the server's exit code is $?"
exec 3>&-
wait $peer
expect_match served '^  client  +unix +stopped '
expect_match served '^  ask x 2 +lines +stopped +[0-9]+ +3 '
expect_match served '^  answer x 2 +reply +stopped +6 +0 '
expect_match served '^  log +file +done +3 '
expect_match served '^  numbers: 1 rejected$'
expect_match served '^  client: connections 2$'
expect_match summary.json '^      "connections": 2,$'

finish
