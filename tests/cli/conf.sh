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

# ---- servers, at any free port ----

export PORT=0

# serve NAME: runs conf/NAME.json, and waits until it listens; $port is where.
serve () {
  : >"$1.log" # not that of the one before
  "$WEIR" run --quiet --summary "$1.summary" "$WEIR_SOURCE/conf/$1.json" </dev/null 2>"$1.log" &
  pipeline=$!
  wait_until grep -q 'listening on ' "$1.log" || return
  port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$1.log")
}

# stop_serving NAME
stop_serving () {
  kill -TERM $pipeline
  wait $pipeline
  status=$?
  cp "$1.log" stderr
  expect_status 0
  expect_match "$1.summary" '"result": *"stopped"'
}

# ask LINES REQUEST...: sends the request, leaves so many lines of the answer in ./answer.
ask () {
  local lines=$1
  shift
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf "$@" >&3
  head -n "$lines" <&3 >answer
  exec 3>&-
}

begin "serve-random answers each line with so many numbers, and what is none with a line that says so"
serve serve-random
ask 3 '3\r\n'
expect [ "$(grep -c -E '^[0-9]{1,5}'$'\r''$' answer)" = 3 ]
ask 1 'pony\n'
expect_text answer 'error: found "pony", expected a count, a whole number from 0 to 9223372036854775807'
stop_serving serve-random

begin "echo sends back what comes"
serve echo
ask 2 'one\ntwo\n'
expect_text answer $'one\ntwo'
stop_serving echo

begin "proxy passes on what its server answers"
serve echo
behind=$pipeline
UPSTREAM=127.0.0.1:$port serve proxy
ask 2 'one\ntwo\n'
expect_text answer $'one\ntwo'
stop_serving proxy
pipeline=$behind
stop_serving echo

begin "proxy-tls does so for peers who speak TLS, with the certificate of its own advice"
command=$(sed -n '/openssl req/,/keyout/p' "$WEIR_SOURCE/conf/proxy-tls.json")
eval "$command" 2>openssl.log || fail "$(cat openssl.log)"
serve echo
behind=$pipeline
UPSTREAM=127.0.0.1:$port serve proxy-tls
rm -f answer
{ printf 'one\ntwo\n'; wait_until grep -q two answer; } |
  timeout 60 openssl s_client -connect "127.0.0.1:$port" -CAfile server.pem -verify_return_error -quiet -no_ign_eof >answer 2>openssl.log
expect_text answer $'one\ntwo'
stop_serving proxy-tls
pipeline=$behind
stop_serving echo

begin "collect-syslog-tcp writes the lines of many peers whole, each with its peer in front"
serve collect-syslog-tcp
for peer in 4 5 6; do
  exec {descriptor}<>"/dev/tcp/127.0.0.1/$port"
  declare "peer_$peer=$descriptor"
  printf '<13>first %s\n<13>sec' $peer >&$descriptor
done
for peer in 4 5 6; do
  name=peer_$peer
  printf 'ond %s\n' $peer >&${!name}
done
log_has_six () { [ "$(wc -l <weir-syslog.log)" = 6 ]; }
wait_until log_has_six
for peer in 4 5 6; do
  name=peer_$peer
  exec {name}>&-
done
cut -d ' ' -f 2- weir-syslog.log | sort >answer
expect_text answer "$(printf '<13>first %s\n' 4 5 6; printf '<13>second %s\n' 4 5 6)"
expect [ "$(grep -c -E '^127\.0\.0\.1:[0-9]+ <13>' weir-syslog.log)" = 6 ]
stop_serving collect-syslog-tcp

finish
