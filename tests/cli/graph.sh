#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir graph: the drawing as text, for Graphviz and for Mermaid.
. "$(dirname "$0")/lib.sh"

cat >shop.json <<'END'
{ "name": "a \"shop\"",
  "producers": { "log": { "plugin": "file", "path": "x" }, "end": { "plugin": "generate" } },
  "transforms": { "split": { "plugin": "lines", "from": "log" },
                  "even": { "plugin": "random", "from": "split" } },
  "consumers": { "copy": { "plugin": "null", "from": { "split": { "when_full": "drop_oldest" } } },
                 "out": { "plugin": "file", "from": ["even", "end"], "path": "y" },
                 "junk": { "plugin": "null", "from": "even.rejected" } } }
END

begin "as text"
run "$WEIR" graph shop.json
expect_status 0
expect_stderr ''
expect_stdout 'log (file, producer)
> split (lines)
+-> even (random)
|   +-> out (file, consumer)
|   `-> [rejected] junk (null, consumer)
`-> [drop_oldest] copy (null, consumer)

end (generate, producer)
> out (see above)'

begin "with lines in a locale that has them"
run env LC_ALL=C.UTF-8 "$WEIR" graph --format text shop.json
expect_status 0
expect_match stdout '^├─→ even \(random\)$'
expect_match stdout '^│   └─→ \[rejected\] junk \(null, consumer\)$'

begin "as dot, names quoted"
run "$WEIR" graph --format dot shop.json
expect_status 0
expect_stderr ''
expect_stdout 'digraph "a \"shop\"" {
  rankdir=LR;
  node [fontname="sans-serif"];
  edge [fontname="sans-serif"];
  "log" [shape=cds, label="log\nfile"];
  "end" [shape=cds, label="end\ngenerate"];
  "split" [shape=box, label="split\nlines"];
  "even" [shape=box, label="even\nrandom"];
  "copy" [shape=oval, label="copy\nnull"];
  "out" [shape=oval, label="out\nfile"];
  "junk" [shape=oval, label="junk\nnull"];
  "log" -> "split";
  "split" -> "even";
  "split" -> "copy" [label="drop_oldest"];
  "even" -> "out";
  "end" -> "out";
  "even" -> "junk" [label="rejected", style=dashed];
}'

begin "as mermaid, nodes numbered"
run "$WEIR" graph --format=mermaid shop.json
expect_status 0
expect_stderr ''
expect_stdout '---
title: "a \"shop\""
---
flowchart LR
  s0(["log<br/>file"])
  s1(["end<br/>generate"])
  s2["split<br/>lines"]
  s3["even<br/>random"]
  s4[["copy<br/>null"]]
  s5[["out<br/>file"]]
  s6[["junk<br/>null"]]
  s0 --> s2
  s2 --> s3
  s2 -->|"drop_oldest"| s4
  s3 --> s5
  s1 --> s5
  s3 -.->|"rejected"| s6'

begin "a long chain and deep branches stay within 80 columns, and each stage is drawn once"
{
  echo '{ "producers": { "p": { "plugin": "generate" } }, "transforms": { "t0": { "plugin": "head", "from": "p" }'
  for i in $(seq 300); do
    echo ", \"t$i\": { \"plugin\": \"head\", \"from\": \"t$((i - 1))\" }"
    [ $i -gt 40 ] || echo ", \"u$i\": { \"plugin\": \"head\", \"from\": \"t$((i - 1))\" }"
  done
  echo '}, "consumers": { "a_stage_with_quite_a_long_name_that_is_as_long_as_the_names_that_nobody_ever_gives_to_a_stage": {'
  echo '"plugin": "null", "from": ["t300"'
  for i in $(seq 40); do echo ", \"u$i\""; done
  echo '] } } }'
} >deep.json
run "$WEIR" graph deep.json
expect_status 0
expect_stderr ''
expect_no_match stdout '.{81}'
expect_match stdout '\.\.\.$'
for name in t0 t40 t300 u1 u40; do
  [ "$(grep -c "[> -]$name (head)$" stdout)" = 1 ] || fail "$name is drawn $(grep -c "$name (head)$" stdout) times"
done

begin "a pipeline with mistakes"
run "$WEIR" graph --set log.chunk=x shop.json
expect_status 2
expect_stdout ''
expect_match stderr '^--set:1:11: error: producers\.log\.chunk: found "x", expected a size'

begin "an unknown format, no file, two files"
run "$WEIR" graph --format svg shop.json
expect_status 2
expect_stderr 'weir: graph: found format "svg", expected text, dot or mermaid; see weir graph --help'
run "$WEIR" graph
expect_status 2
expect_stderr 'weir: graph: no file given; see weir graph --help'
run "$WEIR" graph a b
expect_status 2
expect_stderr 'weir: graph: found 2 files, expected one; see weir graph --help'

finish
