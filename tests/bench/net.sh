# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# net.sh: the cases between sockets of 127.0.0.1, sourced by bench.sh. A peer is a command that finds its port in $LISTEN and the port
# that it connects to in $UPSTREAM; tests/bench/net starts it, loads it, checks what comes and prints what it used.
# Each peer as its documentation has it for this: socat with 64 KiB blocks (8 by default), nginx with 64 KiB buffers (16 by default) and
# a worker a CPU, haproxy by default and with splice, as the issue asks.
net=$programs/net
busy_mib=${MIB:-${quick:+64}} busy_mib=${busy_mib:-4096}
peer_names=() peer_commands=() peer_sizes=()
peer () { peer_names+=("$1") peer_commands+=("$2"); }
forget_peers () { peer_names=() peer_commands=() peer_sizes=(); }

# For each peer as many integers as take a second or so.
size_peers () {
  local name millions
  for name in "${peer_names[@]}"; do
    case $name in
      *snprintf | Node*) millions=50 ;;
      *', one a write') millions=3 ;;
      Twisted*) millions=20 ;;
      *) millions=200 ;;
    esac
    [ -z "$quick" ] || millions=2
    peer_sizes+=("--integers $millions")
  done
}

# run_peers RUNS WORD CASE OPTION...: all peers through one case of tests/bench/net, which warms up itself.
run_peers () {
  local i arguments=() runs=$1 word=$2
  shift 2
  for i in "${!peer_names[@]}"; do
    arguments+=("${peer_names[i]}" "exec $net $* ${peer_sizes[i]:-} '${peer_commands[i]}'")
  done
  measure_runs "$runs" ${word:+--word "$word"} --figures "${arguments[@]}"
}

# weir_peer FILE SET...: our own row, once FILE can be run; called $as.
weir_peer () {
  local file=$bench/$1 setting command="exec $WEIR run --quiet"
  "$WEIR" check "$file" >/dev/null 2>&1 || { note "weir does not take $1"; return 0; }
  for setting in "${@:2}"; do command+=" --set $setting"; done
  peer "${as:-weir}" "$command $file"
}
weir_proxy () { weir_peer proxy.json client.listen=127.0.0.1:\$LISTEN upstream.connect=127.0.0.1:\$UPSTREAM "$@"; }
weir_random () { weir_peer serve-random.json client.listen=127.0.0.1:\$LISTEN "$@"; }

loop_proxy () { peer "read and write loop in C, 64 KiB" "exec $programs/net-loop"; }

haproxy_proxy () { # [OPTION]
  local program file=$folder/haproxy${1:+-$1}.conf
  program=$(find_peer haproxy) || { missing haproxy; return 0; }
  cat >"$file" <<END
global
  maxconn 6000
defaults
  mode tcp
  ${1:+option $1}
  timeout connect 10s
  timeout client 1h
  timeout server 1h
listen bench
  bind "127.0.0.1:\${LISTEN}"
  server upstream "127.0.0.1:\${UPSTREAM}"
END
  peer "haproxy $("$program" -v | sed -n '1s/.*version \([0-9.]*\).*/\1/p')${1:+, $1}" "exec $program -f $file 2>$folder/haproxy.log"
}

nginx_proxy () {
  local program module
  program=$(find_peer nginx) || { missing nginx; return 0; }
  for module in "$unpacked" ''; do
    module=$module/usr/lib/nginx/modules/ngx_stream_module.so
    [ ! -e "$module" ] || break
  done
  [ -e "$module" ] || { missing "nginx's stream module"; return 0; }
  mkdir -p "$folder/nginx"
  cat >"$folder/nginx.sh" <<END
cat >$folder/nginx.conf <<CONF
load_module $module;
daemon off;
worker_processes auto;
worker_rlimit_nofile $(ulimit -Hn);
pid $folder/nginx/pid;
events { worker_connections 16000; }
stream {
  proxy_buffer_size 64k;
  server { listen 127.0.0.1:\$LISTEN backlog=4096; proxy_pass 127.0.0.1:\$UPSTREAM; proxy_timeout 1h; }
}
CONF
exec $program -p $folder/nginx -c $folder/nginx.conf -e $folder/nginx/log
END
  peer "nginx $("$program" -v 2>&1 | sed 's/.*nginx\///'), stream" "exec sh $folder/nginx.sh"
}

socat_proxy () {
  command -v socat >/dev/null || { missing socat; return 0; }
  peer "socat $(socat -V | sed -n 's/^socat version \([^ ]*\).*/\1/p'), a process each" \
    "exec socat -b 65536 TCP-LISTEN:\$LISTEN,bind=127.0.0.1,reuseaddr,fork,backlog=4096 TCP:127.0.0.1:\$UPSTREAM 2>$folder/socat.log"
}

twisted=$(for python in python3 /usr/bin/python3; do
  if "$python" -c 'import twisted' 2>/dev/null; then echo "$python"; break; fi
done)
twisted_version () { "$twisted" -c 'import twisted; print(twisted.__version__)'; }
twisted_proxy () {
  [ -n "$twisted" ] || { missing Twisted; return 0; }
  peer "Twisted $(twisted_version), portforward" "exec $twisted $bench/twisted-proxy.py 2>$folder/twisted.log"
}

node_proxy () {
  command -v node >/dev/null || { missing Node; return 0; }
  peer "Node $(node --version), pipe" "exec node $bench/node-proxy.js 2>$folder/node.log"
}

proxies () { weir_proxy; loop_proxy; haproxy_proxy; haproxy_proxy splice-auto; nginx_proxy; socat_proxy; twisted_proxy; node_proxy; }

if case_is proxy; then
  title proxy "bytes from client to upstream on one connection, $busy_mib MiB of numbered lines, the numbers checked"
  forget_peers
  proxies
  run_peers "$runs" GiB/s proxy --mib "$busy_mib"
fi

if case_is proxy-100; then
  title proxy-100 "the same on 100 connections together, $busy_mib MiB"
  forget_peers
  proxies
  run_peers "$runs" GiB/s proxy --mib "$busy_mib" --connections 100
fi

if case_is isolate-proxy; then
  title isolate-proxy "bytes from client to upstream on one connection, $busy_mib MiB, with what accepts and answers in a child process"
  forget_peers
  weir_proxy
  as="weir, client isolated" weir_proxy client.isolate=true
  run_peers "$runs" GiB/s proxy --mib "$busy_mib"
fi

if case_is serve; then
  title serve "random integers asked for by one connection, counted"
  forget_peers
  weir_random
  peer "C, table of texts" "exec $programs/net-random table"
  peer "C, snprintf" "exec $programs/net-random snprintf"
  [ -z "$twisted" ] || peer "Twisted, one a write" "exec $twisted $bench/twisted-random.py"
  [ -z "$twisted" ] || peer "Twisted, 4,096 a write" "exec $twisted $bench/twisted-random.py 4096"
  if command -v node >/dev/null; then peer "Node, 4,096 a write" "exec node $bench/node-random.js"; fi
  size_peers
  run_peers "$runs" M/s serve
fi

if case_is slow; then
  seconds=${quick:+2} seconds=${seconds:-20}
  title slow "a source of 200 MB/s into a taker of 1 MB/s for $seconds seconds, then all that is left; lines of 256 bytes"
  forget_peers
  proxies
  if command -v gst-launch-1.0 >/dev/null; then
    peer "GStreamer, tcpserversrc ! queue" \
      "exec gst-launch-1.0 -q tcpserversrc host=127.0.0.1 port=\$LISTEN ! queue ! tcpclientsink host=127.0.0.1 port=\$UPSTREAM 2>$folder/gst.log"
  fi
  if program=$(find_peer syslog-ng); then
    for flow in '' flow-control; do
      cat >"$folder/syslog-ng-tcp-$flow.sh" <<END
cat >$folder/syslog-ng-tcp.conf <<CONF
@version: 3.38
options { stats-freq(0); mark-freq(0); use-dns(no); dns-cache(no); keep-hostname(yes); };
source s { network(ip(127.0.0.1) port(\$LISTEN) transport(tcp) flags(no-parse)); };
destination d { network("127.0.0.1" port(\$UPSTREAM) transport(tcp) template("\\\$MSG\n")); };
log { source(s); destination(d); ${flow:+flags($flow);} };
CONF
$(syslog_ng_command "$program" syslog-ng-tcp.conf)
END
      peer "syslog-ng, ${flow:-default}" "exec sh $folder/syslog-ng-tcp-$flow.sh"
    done
  fi
  if program=$(find_peer rsyslogd); then
    for queue in default direct; do
      cat >"$folder/rsyslog-tcp-$queue.sh" <<END
cat >$folder/rsyslog-tcp.conf <<CONF
global(workDirectory="$folder/rsyslog" net.enableDNS="off" processInternalMessages="off")
$([ $queue = default ] || echo 'main_queue(queue.type="Direct")')
module(load="imtcp")
template(name="line" type="list") { property(name="rawmsg") constant(value="\n") }
input(type="imtcp" address="127.0.0.1" port="\$LISTEN" ruleset="r")
ruleset(name="r") { action(type="omfwd" target="127.0.0.1" port="\$UPSTREAM" protocol="tcp" template="line") }
CONF
$(rsyslog_command "$program" rsyslog-tcp.conf)
END
      peer "rsyslog, $queue queue" "exec sh $folder/rsyslog-tcp-$queue.sh"
    done
  fi
  # One run of each: what is looked at are bounds.
  run_peers 1 "" slow --seconds "$seconds"
fi

# A run compares before, beside and after by itself.
idle_runs=$((runs > 3 ? 3 : runs))

if case_is idle-serve; then
  idle=${IDLE:-${quick:+500}} idle=${idle:-10000}
  title idle-serve "$idle idle connections to a server of random integers: resident bytes each; 100 busy ones beside them, M/s"
  forget_peers
  weir_random
  # Five descriptors a connection in the child.
  if [ "$(ulimit -Hn)" -ge $((6 * idle)) ]; then
    as="weir, client isolated" weir_random client.isolate=true
  else
    note "an isolated listener would need a limit of $((6 * idle)) open files"
  fi
  peer "C, a thread each" "exec $programs/net-random table"
  [ -z "$twisted" ] || peer "Twisted, 4,096 a write" "exec $twisted $bench/twisted-random.py 4096"
  if command -v node >/dev/null; then peer "Node, 4,096 a write" "exec node $bench/node-random.js"; fi
  size_peers
  run_peers "$idle_runs" "" idle --idle "$idle" --connections 100
fi

if case_is idle-proxy; then
  idle=${IDLE:-${quick:+250}} idle=${idle:-5000}
  title idle-proxy "$idle idle connections through a proxy: resident bytes each; 100 busy ones beside them, GiB/s"
  forget_peers
  weir_proxy
  haproxy_proxy
  nginx_proxy
  twisted_proxy
  node_proxy
  run_peers "$idle_runs" "" idle --proxy --idle "$idle" --connections 100 --mib $((busy_mib / 2))
fi
