# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# local.sh: the cases within one machine, sourced by bench.sh: a hop, files, memory, idleness.

# The configurations are the fastest that was found by trying each program's documented settings: rsyslog with batches through a queue
# (direct, asynchronous writing and late flushing were slower), syslog-ng without threads. Both hold their input back, lose nothing and
# do not sync.
syslog_ng_copy () { # INPUT OUTPUT
  local program=$1
  cat >"$folder/syslog-ng.conf" <<END
@version: 3.38
options { threaded(no); stats-freq(0); mark-freq(0); use-dns(no); dns-cache(no); use-fqdn(no); keep-hostname(yes);
  chain-hostnames(no); normalize-hostnames(no); create-dirs(no); log-msg-size(65536); flush-lines(1000); };
source s { file("$2" follow-freq(0.01) flags(no-parse) log-iw-size(10000) log-fetch-limit(5000) program-override("b") host-override("h")); };
destination d { file("$3" template("\$MSG\n") template-escape(no) log-fifo-size(1000000) fsync(no)); };
log { source(s); destination(d); flags(flow-control); };
END
  syslog_ng_command "$program" syslog-ng.conf
}

syslog_ng_command () { # PROGRAM CONF: below $folder
  local modules=
  case $1 in "$unpacked"/*) modules="--module-path $(echo "$unpacked"/usr/lib/syslog-ng/[0-9]*)" ;; esac
  echo "rm -f $folder/$2.persist; LD_LIBRARY_PATH=$unpacked_libraries exec $1 --no-caps --foreground --cfgfile $folder/$2 $modules" \
    "--persist-file $folder/$2.persist --control $folder/$2.control --pidfile $folder/$2.pid 2>$folder/$2.log"
}

rsyslog_copy () {
  cat >"$folder/rsyslog.conf" <<END
global(workDirectory="$folder/rsyslog" net.enableDNS="off" maxMessageSize="64k" localHostname="h" processInternalMessages="off")
module(load="imfile" mode="inotify")
template(name="line" type="list") { property(name="msg") constant(value="\n") }
main_queue(queue.type="Direct")
ruleset(name="r" queue.type="LinkedList" queue.size="50000" queue.dequeueBatchSize="1024") {
  action(type="omfile" file="$3" template="line" ioBufferSize="256k" flushOnTXEnd="on")
}
input(type="imfile" file="$2" tag="b" ruleset="r" addMetadata="off")
END
  rsyslog_command "$1" rsyslog.conf
}

rsyslog_command () { # PROGRAM CONF
  local modules=
  case $1 in "$unpacked"/*) modules="-M $unpacked/usr/lib/$(uname -m)-linux-gnu/rsyslog" ;; esac
  echo "rm -rf $folder/rsyslog; mkdir $folder/rsyslog; LD_LIBRARY_PATH=$unpacked_libraries exec $1 -n -i NONE -f $folder/$2 $modules 2>$folder/$2.log"
}

syslog_ng_version () { LD_LIBRARY_PATH=$unpacked_libraries "$1" --version 2>/dev/null | sed -n '1s/.*(\(.*\)).*/\1/p'; }
rsyslog_version () { LD_LIBRARY_PATH=$unpacked_libraries "$1" -v 2>/dev/null | sed -n '1s/^rsyslogd  *\([^ ]*\).*/\1/p'; }

if case_is hop; then
  records=${RECORDS:-${quick:+1}} records=${records:-50} # millions
  fewer=$((records > 10 ? records / 5 : 1))
  title hop "one producer, one queue, one consumer; records of 16 bytes, a unit is a million"
  set -- --units "$records" "weir generate -> null" "$(pipeline hop <<<"{ \"producers\": { \"from\": { \"plugin\": \"generate\", \"size\": 16, \"count\": ${records}000000 } },
    \"consumers\": { \"to\": { \"plugin\": \"null\", \"from\": \"from\" } } }")"
  if command -v gst-launch-1.0 >/dev/null; then
    set -- "$@" --units 1 "GStreamer $(gst-launch-1.0 --version | sed -n 's/^GStreamer //p'), fakesrc ! queue" \
      "exec gst-launch-1.0 -q fakesrc num-buffers=1000000 sizetype=fixed sizemax=16 ! queue ! fakesink"
  else
    missing GStreamer
  fi
  if command -v node >/dev/null; then
    set -- "$@" --units "$fewer" "Node $(node --version), Readable -> Writable" "exec node $bench/node-hop.js ${fewer}000000"
  else
    missing Node
  fi
  measure --word "M records/s" "$@" --units "$fewer" "mutex ring in C, malloc a record" "exec $programs/hop mutex $fewer" \
    --units "$records" "lock-free ring of pointers in C" "exec $programs/hop batched $records"
fi

if case_is isolate; then
  records=${RECORDS:-${quick:+1}} records=${records:-20} # millions
  title isolate "the hop again, with each of its ends in a child process; records of 16 bytes, a unit is a million"
  set --
  for isolated in none from to; do
    set -- "$@" "weir generate -> null, isolated: $isolated" \
      "$(pipeline "isolate-$isolated" <<<"{ \"producers\": { \"from\": { \"plugin\": \"generate\", \"size\": 16, \"count\": ${records}000000, \"isolate\": $([ $isolated = from ] && echo true || echo false) } },
    \"consumers\": { \"to\": { \"plugin\": \"null\", \"from\": \"from\", \"isolate\": $([ $isolated = to ] && echo true || echo false) } } }")"
  done
  measure --word "M records/s" --units "$records" "$@"
  input
  set --
  for isolated in false true; do
    set -- "$@" "weir file -> lines -> file, lines isolated: $isolated" \
      "$(pipeline "isolate-lines-$isolated" <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/input\" } },
      \"transforms\": { \"split\": { \"plugin\": \"lines\", \"from\": \"in\", \"isolate\": $isolated } },
      \"consumers\": { \"out\": { \"plugin\": \"file\", \"from\": \"split\", \"path\": \"$folder/output\", \"append\": false } } }")"
  done
  title isolate "file -> lines -> file, $mib MiB of 200-byte lines on tmpfs, outputs compared; a unit is a GiB"
  measure --word "GiB/s" --units "$(awk "BEGIN { print $mib / 1024 }")" --output "$folder/output" --check "cmp -s $folder/input $folder/output" "$@"
fi

if case_is copy; then
  input
  title copy "file -> lines -> file, $mib MiB of 200-byte lines on tmpfs, outputs compared; a unit is a GiB"
  size=$(stat -c %s "$folder/input")
  set -- \
    "weir file -> lines -> file" "$(pipeline lines <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/input\" } },
      \"transforms\": { \"split\": { \"plugin\": \"lines\", \"from\": \"in\" } },
      \"consumers\": { \"out\": { \"plugin\": \"file\", \"from\": \"split\", \"path\": \"$folder/output\", \"append\": false } } }")" \
    "weir file -> file" "$(pipeline copy <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/input\" } },
      \"consumers\": { \"out\": { \"plugin\": \"file\", \"from\": \"in\", \"path\": \"$folder/output\", \"append\": false } } }")" \
    "cat ($(cat --version | sed -n '1s/.* //p'))" "exec cat $folder/input >$folder/output" \
    "read and write loop in C, 64 KiB" "exec $programs/copy <$folder/input >$folder/output" \
    "getline loop in C" "exec $programs/getline <$folder/input >$folder/output"
  if command -v node >/dev/null; then
    set -- "$@" "Node $(node --version), Transform to lines" "exec node $bench/node-lines.js $folder/input $folder/output"
  else
    missing Node
  fi
  if program=$(find_peer syslog-ng); then
    set -- "$@" --until "$size" "syslog-ng $(syslog_ng_version "$program")" "$(syslog_ng_copy "$program" "$folder/input" "$folder/output")"
  else
    missing syslog-ng
  fi
  if program=$(find_peer rsyslogd); then
    set -- "$@" --until "$size" "rsyslog $(rsyslog_version "$program")" "$(rsyslog_copy "$program" "$folder/input" "$folder/output")"
  else
    missing rsyslog
  fi
  measure --word "GiB/s" --units "$(awk "BEGIN { print $size / 1073741824 }")" --output "$folder/output" \
    --check "cmp -s $folder/input $folder/output" "$@"
  note "Fluent Bit is not in Debian 12"
fi

if case_is match; then
  input
  title match "1 % of $mib MiB of 200-byte lines, outputs compared; a unit is a GiB"
  grep ' 5[0-9][0-9] ' "$folder/input" >"$folder/matching"
  measure --word "GiB/s" --units "$(awk "BEGIN { print $mib / 1024 }")" --output "$folder/output" --check "cmp -s $folder/matching $folder/output" \
    "weir file -> lines -> match -> file" "$(pipeline match <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/input\" } },
      \"transforms\": { \"split\": { \"plugin\": \"lines\", \"from\": \"in\" }, \"bad\": { \"plugin\": \"match\", \"from\": \"split\", \"pattern\": \" 5[0-9][0-9] \" } },
      \"consumers\": { \"out\": { \"plugin\": \"file\", \"from\": \"bad\", \"path\": \"$folder/output\", \"append\": false } } }")" \
    "grep ($(grep --version | sed -n '1s/.* //p')), C locale" "exec grep ' 5[0-9][0-9] ' $folder/input >$folder/output"
fi
rm -f "$folder/output" "$folder/matching"

if case_is random; then
  million=${quick:+1} million=${million:-100}
  title random "one record \"${million}000000\" in, that many integers out; a unit is a million"
  printf '%s000000\n' "$million" >"$folder/count"
  measure --word "M records/s" --units "$million" \
    "weir file -> lines -> random -> null" "$(pipeline random <<<"{ \"producers\": { \"in\": { \"plugin\": \"file\", \"path\": \"$folder/count\" } },
      \"transforms\": { \"split\": { \"plugin\": \"lines\", \"from\": \"in\" }, \"numbers\": { \"plugin\": \"random\", \"from\": \"split\" } },
      \"consumers\": { \"out\": { \"plugin\": \"null\", \"from\": \"numbers\" } } }")"
fi

if case_is memory; then
  title memory "peak resident MiB where much goes in and little may stay"
  blocks=4096
  [ -z "$quick" ] || blocks=64
  truncate -s "$((blocks * 10240 / 4096))M" "$folder/zeros"
  head -c 65525 /dev/zero | tr '\0' ' ' >"$folder/blank"
  for ((i = 0; i < blocks; i++)); do cat "$folder/blank"; printf '\nERROR %03d\n' $((i % 1000)); done >"$folder/sparse"
  head -c $((blocks * 65536)) /dev/zero | tr '\0' '\n' >"$folder/newlines"
  [ -s "$folder/count" ] || printf '%s000000\n' "$([ -n "$quick" ] && echo 1 || echo 100)" >"$folder/count"
  slow_file='"plugin": "throttle", "records_per_second": 2000, "burst": "10ms"'
  set -- \
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
  "$programs/measure" --runs 1 "$@"
  rm -f "$folder/zeros" "$folder/blank" "$folder/sparse" "$folder/newlines"
fi

if case_is idle; then
  title idle "CPU seconds of a pipeline that waits 5 seconds for its input, beyond those of its start and end"
  command=$(pipeline idle <<<'{ "producers": { "in": { "plugin": "stdio" } },
    "transforms": { "split": { "plugin": "lines", "from": "in" }, "bad": { "plugin": "match", "from": "split", "pattern": "x" } },
    "consumers": { "out": { "plugin": "null", "from": "bad" } } }')
  "$programs/measure" --runs 3 "ends at once" ": | { $command; }" "ends after 5 seconds" "sleep ${quick:+0.}5 | { $command; }"
fi
rm -f "$folder/input"
