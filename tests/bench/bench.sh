#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench.sh [CASE...]: weir beside the peers that are installed, on this machine, now. Every command of a case runs in turn, several
# times over, and the table shows medians. Peers: gst-launch-1.0, cat, grep, and a read/write loop in C (tests/bench/copy.c).
# Environment: RUNS (5), GIB (1: size of the input on tmpfs), WEIR, WEIR_BUILD. Nothing here passes or fails.
set -eu
runs=${RUNS:-5} gib=${GIB:-1}
measure=$WEIR_BUILD/tests/bench/measure
folder=$(mktemp -d "${BENCH_FOLDER:-/dev/shm}/weir-bench.XXXXXX")
trap 'rm -rf "$folder"' EXIT
export TMPDIR=$folder LC_ALL=C

has () { command -v "$1" >/dev/null; }
cases=("$@")
case_is () { [ ${#cases[@]} = 0 ] || printf '%s\n' "${cases[@]}" | grep -qx -- "$1"; }

pipeline () { # NAME: from standard input
  cat >"$folder/$1.json"
  echo "$WEIR run --quiet $folder/$1.json"
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
  for ((i = 0; i < gib * 1024; i++)); do cat "$folder/mebibyte"; done >"$folder/input"
}

echo "weir $("$WEIR" --version | head -n 1 | sed 's/^weir //'), $(nproc) CPUs, $(uname -m), medians of $runs interleaved runs"

if case_is hop; then
  records=${RECORDS:-50} # millions
  echo; echo "hop: one producer, one queue, one consumer; records of 16 bytes"
  set -- weir "$(pipeline hop <<<"{ \"producers\": { \"from\": { \"plugin\": \"generate\", \"size\": 16, \"count\": ${records}000000 } },
    \"consumers\": { \"to\": { \"plugin\": \"null\", \"from\": \"from\" } } }")"
  "$measure" "$runs" "$records" "M records/s" "$@"
  if has gst-launch-1.0; then
    set -- "gstreamer ($(gst-launch-1.0 --version | sed -n 's/^GStreamer //p')), 1 M" \
      "gst-launch-1.0 -q fakesrc num-buffers=1000000 sizetype=fixed sizemax=16 ! queue ! fakesink"
    "$measure" "$runs" 1 "M records/s" "$@"
  fi
fi

if case_is copy; then
  input
  echo; echo "copy: file -> lines -> file, $gib GiB of 200-byte lines on tmpfs"
  "$measure" "$runs" "$gib" "GiB/s" \
    "weir file -> lines -> file" "$(pipeline lines <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/input\" } },
      \"transforms\": { \"split\": { \"plugin\": \"lines\", \"from\": \"in\" } },
      \"consumers\": { \"out\": { \"plugin\": \"file\", \"from\": \"split\", \"path\": \"$folder/output\", \"append\": false } } }")" \
    "weir file -> file" "$(pipeline copy <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/input\" } },
      \"consumers\": { \"out\": { \"plugin\": \"file\", \"from\": \"in\", \"path\": \"$folder/output\", \"append\": false } } }")" \
    "cat" "cat $folder/input >$folder/output" \
    "read and write loop in C, 64 KiB" "$WEIR_BUILD/tests/bench/copy <$folder/input >$folder/output"
fi

if case_is match; then
  input
  echo; echo "match: 1 % of $gib GiB of 200-byte lines"
  "$measure" "$runs" "$gib" "GiB/s" \
    "weir file -> lines -> match -> file" "$(pipeline match <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/input\" } },
      \"transforms\": { \"split\": { \"plugin\": \"lines\", \"from\": \"in\" }, \"bad\": { \"plugin\": \"match\", \"from\": \"split\", \"pattern\": \" 5[0-9][0-9] \" } },
      \"consumers\": { \"out\": { \"plugin\": \"file\", \"from\": \"bad\", \"path\": \"$folder/output\", \"append\": false } } }")" \
    "grep ($(grep --version | sed -n '1s/.* //p'))" "grep ' 5[0-9][0-9] ' $folder/input >$folder/output"
fi

if case_is random; then
  echo; echo "random: one record \"100000000\" in, that many integers out"
  printf '100000000\n' >"$folder/count"
  "$measure" "$((runs > 3 ? 3 : runs))" 100 "M records/s" \
    "weir file -> lines -> random -> null" "$(pipeline random <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/count\" } },
      \"transforms\": { \"split\": { \"plugin\": \"lines\", \"from\": \"in\" }, \"numbers\": { \"plugin\": \"random\", \"from\": \"split\" } },
      \"consumers\": { \"out\": { \"plugin\": \"null\", \"from\": \"numbers\" } } }")"
fi

if case_is memory; then
  echo; echo "memory: peak resident MiB where much goes in and little may stay"
  truncate -s 10G "$folder/zeros"
  head -c 65525 /dev/zero | tr '\0' ' ' >"$folder/blank"
  for ((i = 0; i < 4096; i++)); do cat "$folder/blank"; printf '\nERROR %03d\n' $((i % 1000)); done >"$folder/sparse"
  head -c 268435456 /dev/zero | tr '\0' '\n' >"$folder/newlines"
  [ -s "$folder/count" ] || printf '100000000\n' >"$folder/count"
  slow_file='"plugin": "throttle", "records_per_second": 2000, "burst": "10ms"'
  "$measure" 1 1 "runs/s" \
    "10 GiB through throttle" "$(pipeline throttled <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/zeros\" } },
      \"transforms\": { \"slow\": { \"plugin\": \"throttle\", \"from\": \"in\", \"bytes_per_second\": \"2GiB\" } },
      \"consumers\": { \"out\": { \"plugin\": \"null\", \"from\": \"slow\" } } }")" \
    "random, 100 million" "$(pipeline random-memory <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/count\" } },
      \"transforms\": { \"split\": { \"plugin\": \"lines\", \"from\": \"in\" }, \"numbers\": { \"plugin\": \"random\", \"from\": \"split\" } },
      \"consumers\": { \"out\": { \"plugin\": \"null\", \"from\": \"numbers\" } } }")" \
    "10 bytes of each 64 KiB, slow taker" "$(pipeline sparse <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/sparse\" } },
      \"transforms\": { \"split\": { \"plugin\": \"lines\", \"from\": \"in\" }, \"bad\": { \"plugin\": \"match\", \"from\": \"split\", \"pattern\": \"^ERROR\" },
        \"slow\": { $slow_file, \"from\": \"bad\" } },
      \"consumers\": { \"out\": { \"plugin\": \"null\", \"from\": \"slow\" } } }")" \
    "a flood of newlines" "$(pipeline flood <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/newlines\" } },
      \"transforms\": { \"split\": { \"plugin\": \"lines\", \"from\": \"in\" } },
      \"consumers\": { \"out\": { \"plugin\": \"null\", \"from\": \"split\" } } }")"
  rm -f "$folder/zeros" "$folder/blank" "$folder/sparse" "$folder/newlines"
fi

if case_is idle; then
  echo; echo "idle: CPU seconds of a pipeline that waits 5 seconds for its input, beyond those of its start and end"
  command=$(pipeline idle <<<'{ "producers": { "in": { "plugin": "stdio" } },
    "transforms": { "split": { "plugin": "lines", "from": "in" }, "bad": { "plugin": "match", "from": "split", "pattern": "x" } },
    "consumers": { "out": { "plugin": "null", "from": "bad" } } }')
  "$measure" 3 1 "runs/s" "ends at once" ": | $command" "ends after 5 seconds" "sleep 5 | $command"
fi
