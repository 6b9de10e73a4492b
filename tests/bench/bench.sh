#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench.sh [CASE...]: weir beside the peers that are installed, on this machine, now. Every command of a case runs in turn, several
# times over, and a table shows medians; what a command has written is compared before its time counts. Nothing here passes or fails.
# Cases: hop isolate copy match random memory idle (tests/bench/local.sh), proxy proxy-100 isolate-proxy serve slow idle-serve idle-proxy (tests/bench/net.sh).
# Environment: RUNS (5), GIB (1: size of the input on tmpfs), QUICK=1 (one short run of each, to see that it works; its figures mean
# nothing), BENCH_FOLDER (/dev/shm), WEIR, WEIR_SOURCE, WEIR_BUILD.
set -eu
quick=${QUICK:-}
runs=${RUNS:-${quick:+1}} runs=${runs:-5}
mib=$((${GIB:-1} * 1024))
[ -z "$quick" ] || mib=64
warm_up=(--warm-up)
[ -z "$quick" ] || warm_up=()
bench=$WEIR_SOURCE/tests/bench
programs=$WEIR_BUILD/tests/bench
folder=$(mktemp -d "${BENCH_FOLDER:-/dev/shm}/weir-bench.XXXXXX")
export TMPDIR=$folder LC_ALL=C

# Whatever runs is a child of measure, which takes it along when it is ended.
measuring=
finish () {
  [ -z "$measuring" ] || { kill "$measuring" 2>/dev/null && wait "$measuring" || :; }
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

measure () { measure_runs "$runs" "${warm_up[@]}" "$@"; }

measure_runs () { # RUNS OPTION...: without a round that does not count
  "$programs/measure" --runs "$@" &
  measuring=$!
  wait "$measuring" || :
  measuring=
}

cases=("$@")
case_is () { [ ${#cases[@]} = 0 ] || printf '%s\n' "${cases[@]}" | grep -qx -- "$1"; }
title () { echo; echo "$1: $2"; }
note () { echo "  ($1)"; }

# find_peer PROGRAM: prints where it is; what peers.sh unpacked is below peers/.
unpacked=$WEIR_BUILD/peers/root
find_peer () {
  if [ -x "$unpacked/usr/sbin/$1" ]; then
    echo "$unpacked/usr/sbin/$1"
  else
    PATH=$PATH:/usr/sbin:/sbin command -v "$1"
  fi
}
unpacked_libraries=$unpacked/usr/lib/$(uname -m)-linux-gnu:$unpacked/usr/lib/syslog-ng
missing () { note "$1 is not installed: make bench-peers"; }

pipeline () { # NAME: from standard input
  cat >"$folder/$1.json"
  echo "exec $WEIR run --quiet $folder/$1.json"
}

input () { # 200-byte lines, 1 % of them with status 503
  if [ -s "$folder/input" ]; then return; fi
  awk 'BEGIN {
    pad = "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789"
    for (i = 0; i < 5243; i++) {
      line = sprintf ("%08d GET /path/%06d %s ", i, (i * 7919) % 1000000, i % 100 == 0 ? "503" : "200")
      print substr (line pad pad pad, 1, 199)
    }
  }' >"$folder/mebibyte"
  for ((i = 0; i < mib; i++)); do cat "$folder/mebibyte"; done >"$folder/input"
}

echo "weir $("$WEIR" --version | head -n 1 | sed 's/^weir //'), $(nproc) CPUs, $(uname -m), Linux $(uname -r), medians of $runs interleaved runs${quick:+; quick}"

# shellcheck source=local.sh
. "$bench/local.sh"
# shellcheck source=net.sh
. "$bench/net.sh"
