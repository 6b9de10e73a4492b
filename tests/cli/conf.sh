#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every pipeline in conf/ runs as it is; only what makes it slow to watch is set aside.
. "$(dirname "$0")/lib.sh"
export WEIR_EXAMPLES=$WEIR_SOURCE/conf TMPDIR=$SCRATCH

begin "every pipeline in conf/ is checked without a mistake"
for file in "$WEIR_SOURCE"/conf/*.json; do
  run "$WEIR" check --strict "$file"
  expect_status 0
done

begin "quickstart finds the failed requests of the log, in order"
run "$WEIR" run --quiet --summary summary.json --set slow.records_per_second=100000 "$WEIR_SOURCE/conf/quickstart.json"
expect_status 0
expect_stderr ''
grep '" 5[0-9][0-9] ' "$WEIR_EXAMPLES/access.log" >wanted
expect_file weir-quickstart.log wanted

begin "quickstart pauses what feeds its slow stage, and loses nothing"
run "$WEIR" run --quiet --summary summary.json --set slow.records_per_second=2000 --set slow.burst=1ms "$WEIR_SOURCE/conf/quickstart.json"
expect_status 0
tr -d ' \n' <summary.json >flat
expect_match flat '"name":"failed:slow","from":"failed","to":"slow","in":343,"out":343,"dropped":0'
expect_no_match flat '"name":"failed:slow"[^}]*"pauses":0'
expect_file weir-quickstart.log wanted

finish
