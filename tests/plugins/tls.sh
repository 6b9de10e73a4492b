#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TLS on tcp: the whole program against the openssl program and against itself, on loopback. Ports are any free ones.
. "$(dirname "$0")/../cli/lib.sh"
command -v openssl >/dev/null || { echo "tls.sh: there is no openssl program" >&2; exit 99; }

# ---- certificates ----

# certificate NAME SUBJECT SIGNER OPTION...: NAME.pem and NAME.key, signed by SIGNER ("-": by itself).
certificate () {
  local name=$1 subject=$2 signer=$3 authority=()
  shift 3
  [ "$signer" = - ] || authority=(-CA "$signer.pem" -CAkey "$signer.key" -addext 'basicConstraints=critical,CA:false')
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$subject" "${authority[@]}" \
    -out "$name.pem" -keyout "$name.key" "$@" 2>openssl.log || { cat openssl.log >&2; exit 99; }
}
names='subjectAltName=DNS:good.example,DNS:localhost,IP:127.0.0.1'
certificate ca '/CN=Test authority' - -days 2
certificate other-ca '/CN=Other authority' - -days 2
certificate server '/CN=server' ca -days 2 -addext "$names"
certificate second '/CN=second' ca -days 2 -addext "$names"
certificate client '/O=Weir/CN=client seven' ca -days 2
certificate stranger '/CN=stranger' other-ca -days 2
certificate own '/CN=own' - -days 2 -addext "$names"
# `openssl req` makes none that is over already; `openssl ca` does.
: >index.txt
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\npolicy=p\n[p]\ncommonName=supplied\n[e]\n%s\n' \
  "$names" >ca.conf
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=expired -keyout expired.key -out expired.csr \
  2>/dev/null &&
  openssl ca -batch -config ca.conf -create_serial -md sha256 -cert ca.pem -keyfile ca.key -in expired.csr -out expired.pem -extensions e \
    -startdate 20200101000000Z -enddate 20200102000000Z -notext >openssl.log 2>&1 || { cat openssl.log >&2; exit 99; }

# ---- the program, and what it talks to ----

# start NAME OPTION...: runs NAME.json in the background; its standard error is NAME.err, its standard output NAME.out, its process $NAME.
start () {
  : >"$1.err" # not that of the one before
  "$WEIR" run --quiet --summary "$1.summary" "${@:2}" "$1.json" </dev/null >"$1.out" 2>"$1.err" &
  eval "$1=$!"
}

# port_of NAME: sets $port, once it listens.
port_of () {
  wait_until grep -q 'listening on' "$1.err"
  port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$1.err" | head -n 1)
}

# stop NAME [STATUS]: asks it to end; its status.
stop () {
  kill -TERM "${!1}" 2>/dev/null
  ended "$@"
}

# ended NAME [STATUS]: waits until it has ended by itself.
ended () {
  local status
  wait "${!1}"
  status=$?
  [ "$status" = "${2:-0}" ] || fail "$1 ended with $status, expected ${2:-0}" "$(cat "$1.err")"
}

# listen_with CERTIFICATE OPTIONS: the producer `in` of a server.
listen_with () {
  printf '"in": { "plugin": "tcp", "listen": "127.0.0.1:0", "tls": true, "certificate": "%s.pem", "key": "%s.key"%s }' "$1" "$1" "$2"
}

# server CERTIFICATE OPTIONS [FORMAT]: listens, and writes what comes, or a line for each of its lines, to `received`.
server () {
  local from=in lines=''
  if [ $# = 3 ]; then
    from=text
    lines="\"lines\": { \"plugin\": \"lines\", \"from\": \"in\" }, \"text\": { \"plugin\": \"format\", \"from\": \"lines\", \"text\": \"$3\" }"
  fi
  cat >server.json <<END
{ "producers": { $(listen_with "$1" "$2") }, "transforms": { $lines },
  "consumers": { "out": { "plugin": "file", "from": "$from", "path": "received", "append": false } } }
END
  rm -f received
  start server
  port_of server
}

# client OPTIONS: client.json sends the file `data` to $port, once.
client () {
  cat >client.json <<END
{ "producers": { "in": { "plugin": "file", "path": "data" } },
  "consumers": { "out": { "plugin": "tcp", "from": "in", "connect": "127.0.0.1:$port", "reconnect": false, "tls": true$1 } } }
END
}

# s_client OPTION...: sends standard input, and then says so by TLS, by going.
s_client () {
  timeout 60 openssl s_client -connect "127.0.0.1:$port" -CAfile ca.pem -verify_return_error "$@" -no_ign_eof >s_client.out 2>&1
}

# s_server OPTION...: a server of openssl's, which reports on standard output, s_server.out; sets $port.
s_server () {
  : >s_server.out
  openssl s_server -accept 127.0.0.1:0 -naccept 1 -cert server.pem -key server.key "$@" <stay >s_server.out 2>&1 &
  s_server=$!
  wait_until grep -q '^ACCEPT' s_server.out
  port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' s_server.out | head -n 1)
}
stop_s_server () { kill $s_server; wait $s_server; } 2>/dev/null
mkfifo stay
exec 9<>stay

has_line () { [ -s "$1" ] && grep -q "$2" "$1"; }

# ---- who is let in ----

begin "an openssl client is read, and its end is one"
server server ''
printf 'one\ntwo\n' >data
{ cat data; wait_until has_line received two; } | s_client -quiet
wait_until has_line received two
stop server
expect_file received data
expect_no_match server.err 'lost|refused'

begin "its own client is trusted by a given authority, and by address"
server server ''
client ', "ca": "ca.pem"'
run "$WEIR" run --quiet client.json
expect_status 0
wait_until has_line received two
stop server
expect_file received data
expect_no_match server.err 'lost|refused'

begin "the unended last line of one stream is parted from the next"
server server ''
client ', "ca": "ca.pem"'
printf 'half' >data2
run "$WEIR" run --quiet --set 'in.path=["data2", "data"]' client.json
expect_status 0
wait_until has_line received two
stop server
expect_text received $'half\none\ntwo'

# refused OPTIONS MESSAGE: the client does not send to this server.
refused () {
  client "$1"
  run "$WEIR" run --quiet client.json
  expect_status 1
  expect_match stderr "^weir: out \(tcp, consumer\): cannot connect to 127\.0\.0\.1:$port: $2$"
}

begin "a wrong name is refused"
server server ''
refused ', "ca": "ca.pem", "server_name": "bad.example"' "the peer's certificate is refused: it is not for \"bad\.example\""
begin "an unknown authority is refused"
refused ', "ca": "other-ca.pem"' "the peer's certificate is refused: no authority that is trusted has signed it"
begin "the system's authorities do not know a test's"
refused '' "the peer's certificate is refused: no authority that is trusted has signed it"
begin "without verify it is not looked at"
client ', "verify": false'
run "$WEIR" run --quiet client.json
expect_status 0
wait_until has_line received two
stop server

begin "an expired certificate is refused"
server expired ''
refused ', "ca": "ca.pem"' "the peer's certificate is refused: it has expired"
stop server

begin "a certificate signed by itself is trusted as its own authority"
s_server -cert own.pem -key own.key
client ', "ca": "own.pem"'
run "$WEIR" run --quiet client.json
expect_status 0
wait_until has_line s_server.out two
stop_s_server

begin "the name is asked for (SNI)"
s_server -servername good.example -cert2 second.pem -key2 second.key
client ', "ca": "ca.pem", "server_name": "good.example"'
run "$WEIR" run --quiet client.json
expect_status 0
wait_until has_line s_server.out two
expect_match s_server.out 'Hostname in TLS extension: "good\.example"'
stop_s_server

begin "an address is not asked for"
s_server -servername good.example -cert2 second.pem -key2 second.key
client ', "ca": "ca.pem"'
run "$WEIR" run --quiet client.json
expect_status 0
wait_until has_line s_server.out two
expect_no_match s_server.out 'Hostname in TLS extension'
stop_s_server

# ---- mutual ----

begin "a client with a certificate is let in, and its name is a tag"
server server ', "client_ca": "ca.pem"' '{peer_subject}: {}'
client ', "ca": "ca.pem", "certificate": "client.pem", "key": "client.key"'
run "$WEIR" run --quiet client.json
expect_status 0
wait_until has_line received two
expect_text received 'client seven: one
client seven: two'
begin "a client without one is not"
: | s_client -quiet -tls1_2
wait_until grep -q 'refused' server.err
expect_match server.err '^weir: in \(tcp, producer\): refused 127\.0\.0\.1:[0-9]+: the peer has no certificate$'
begin "a client of another authority is not"
: | s_client -quiet -cert stranger.pem -key stranger.key
wait_until grep -q 'certificate is refused' server.err
expect_match server.err "refused 127\.0\.0\.1:[0-9]+: the peer's certificate is refused: no authority that is trusted has signed it$"
stop server

begin "where none is required, a client without one is let in without a name"
server server ', "client_ca": "ca.pem", "require_client": false' '{peer_subject}: {}'
client ', "ca": "ca.pem"'
run "$WEIR" run --quiet client.json
expect_status 0
wait_until has_line received two
expect_text received ': one
: two'
stop server

# ---- versions ----

begin "an older version is refused before a byte is read"
server server ', "tls_minimum": "1.3"'
echo secret | s_client -quiet -tls1_2
wait_until grep -q 'refused' server.err
expect_match server.err 'refused 127\.0\.0\.1:[0-9]+: the peer speaks TLS 1\.2, expected at least TLS 1\.3$'
begin "and the newer one is let in"
client ', "ca": "ca.pem", "tls_minimum": "1.3"'
run "$WEIR" run --quiet client.json
expect_status 0
wait_until has_line received two
stop server
expect_file received data

begin "an older version is refused before a byte is sent"
s_server -tls1_2
refused ', "ca": "ca.pem", "tls_minimum": "1.3"' 'the peer speaks TLS 1\.2, expected at least TLS 1\.3'
expect_no_match s_server.out 'one|two'
stop_s_server

# ---- who speaks none ----

begin "plain text to a TLS port is that connection's own affair"
server server ''
{ exec 8<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null
printf 'GET / HTTP/1.1\r\n' >&8
wait_until grep -q 'refused' server.err
expect_match server.err 'refused 127\.0\.0\.1:[0-9]+: expected a TLS handshake, found "GET / HTTP/1\.1\\x0d\\x0a"$'
exec 8>&-
begin "one that says nothing is given up, and holds up nobody"
stop server
server server ', "handshake_timeout": "3s"' # which is that of whom it does let in, too
silent=()
for _ in {1..30}; do
  { exec {fd}<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null
  silent+=("$fd")
done
client ', "ca": "ca.pem"'
run "$WEIR" run --quiet client.json
expect_status 0
wait_until has_line received two
all_given_up () { [ "$(grep -c 'no TLS handshake came in time$' server.err)" = 30 ]; }
wait_until all_given_up
for fd in "${silent[@]}"; do exec {fd}>&-; done
stop server
expect_match server.summary '"handshakes_failed": *30'

begin "who is in the handshake counts toward max"
server server ', "max": 1, "handshake_timeout": "3s"'
{ exec 8<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null
client ', "ca": "ca.pem"'
run "$WEIR" run --quiet client.json
expect_status 0
wait_until has_line received two
expect_match server.err 'refused 127\.0\.0\.1:[0-9]+: no TLS handshake came in time$'
exec 8>&-
stop server

begin "TLS to a plain port"
cat >plain.json <<END
{ "producers": { "in": { "plugin": "tcp", "listen": "127.0.0.1:0" } },
  "consumers": { "answer": { "plugin": "file", "from": "in", "path": "plain" } } }
END
start plain
port_of plain
refused ', "ca": "ca.pem", "handshake_timeout": "300ms"' 'the TLS handshake was not over in time'
stop plain

# ---- renewal ----

subject_of () { : | timeout 60 openssl s_client -connect "127.0.0.1:$port" 2>/dev/null | openssl x509 -noout -subject 2>/dev/null; }

begin "a renewed certificate is picked up without a restart"
cp server.pem now.pem && cp server.key now.key
server now ''
[ "$(subject_of)" = 'subject=CN = server' ] || fail "$(subject_of)"
cp second.key next && mv next now.key && cp second.pem next && mv next now.pem
[ "$(subject_of)" = 'subject=CN = second' ] || fail "$(subject_of)"
expect_no_match server.err 'cannot'
begin "one that cannot be loaded leaves the old one in use, and that is said once"
echo nonsense >now.pem
[ "$(subject_of)" = 'subject=CN = second' ] || fail "$(subject_of)"
[ "$(subject_of)" = 'subject=CN = second' ] || fail "$(subject_of)"
[ "$(grep -c 'cannot use the certificate now.pem with the key now.key: .*; the certificate that was loaded before stays in use$' server.err)" = 1 ] ||
  fail "$(cat server.err)"
stop server

# ---- much, slowly, and cut off ----

begin "64 MiB through the program and back are exact, and so is the end of each way"
# No line of it is a command of openssl's, which are capitals.
openssl rand -hex 33554432 | tr -d '\n' >large
cat >echo.json <<END
{ "producers": { $(listen_with server ', "per_connection": true') },
  "consumers": { "back": { "plugin": "reply", "to": "in", "from": "in" } } }
END
start echo
port_of echo
cat >both.json <<END
{ "producers": { "large": { "plugin": "file", "path": "large" } },
  "transforms": { "far": { "plugin": "tcp", "from": "large", "connect": "127.0.0.1:$port", "tls": true, "ca": "ca.pem" } },
  "consumers": { "out": { "plugin": "file", "from": "far", "path": "returned" } } }
END
run "$WEIR" run --quiet both.json
expect_status 0
expect_stderr ''
expect cmp large returned
stop echo
expect_no_match echo.err 'lost|refused|cut off'

begin "where listener and reply live in a child, what comes back is exact, and who is refused is told of, as here"
head -c 1000000 large >some
sed 's/"large"/"some"/g' both.json >some.json
for isolate in false true; do
  rm -f returned
  sed -i "s/\"per_connection\": true[^}]*}/\"per_connection\": true, \"isolate\": $isolate }/" echo.json
  start echo
  port_of echo
  sed -i "s/127.0.0.1:[0-9]*/127.0.0.1:$port/" some.json
  run "$WEIR" run --quiet some.json
  expect_status 0
  expect_stderr ''
  expect cmp some returned
  exec 8<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET / HTTP/1.0\r\n' >&8
  wait_until grep -q 'refused' echo.err
  exec 8>&-
  stop echo
  sed 's/127.0.0.1:[0-9]*/ADDRESS/g' echo.err >"told.$isolate"
done
expect_match told.false 'refused ADDRESS: expected a TLS handshake, found "GET / HTTP'
expect_file told.true told.false

begin "64 MiB to and from openssl are exact"
server server ''
received_all () { [ "$(stat -c %s received 2>/dev/null)" = 67108864 ]; }
{ cat large; wait_until received_all; } | s_client -quiet
wait_until received_all
stop server
expect cmp large received
rm -f received returned

# sends_all WHEN_FULL: one who listens sends `large` to one who connects.
sends_all () {
  cat >sender.json <<END
{ "producers": { "large": { "plugin": "file", "path": "large" } },
  "consumers": { $(listen_with server ", \"from\": \"large\", \"when_full\": \"$1\", \"peer_queue\": \"1GiB\"") } }
END
  start sender
  port_of sender
  cat >taker.json <<END
{ "producers": { "in": { "plugin": "tcp", "connect": "localhost:$port", "tls": true, "ca": "ca.pem" } },
  "consumers": { "out": { "plugin": "file", "from": "in", "path": "returned", "append": false } } }
END
  run "$WEIR" run --quiet taker.json
  expect_status 0
  expect_stderr ''
  ended sender
  expect cmp large returned
}

begin "64 MiB from one who listens are exact, found by name"
sends_all pause
begin "and so they are from its queue for each peer"
sends_all drop_oldest
rm -f returned

begin "a slow reader stops the sender, whose memory stays bounded"
cat >slow.json <<END
{ "producers": { $(listen_with server ', "receive_buffer": "64KiB"') },
  "transforms": { "slow": { "plugin": "throttle", "from": "in", "bytes_per_second": "64KiB" } },
  "consumers": { "out": { "plugin": "null", "from": "slow" } } }
END
start slow
port_of slow
cat >fast.json <<END
{ "engine": { "shutdown": "100ms" }, "producers": { "in": { "plugin": "generate", "count": 0, "size": 1000 } },
  "consumers": { "out": { "plugin": "tcp", "from": "in", "connect": "127.0.0.1:$port", "tls": true, "ca": "ca.pem", "send_buffer": "64KiB" } } }
END
# queued: the bytes that the kernel of this host holds for the server.
queued () { awk -v to="$(printf ':%04X$' "$port")" '$3 ~ to { split ($5, q, ":"); print q[1] }' /proc/net/tcp; }
start fast --progress
wait_until grep -q '; paused: in$' fast.err
# It rests once all that is between them is full, and the kernel holds what nobody takes.
is_full () {
  local before
  before=$(queued)
  [ -n "$before" ] && [ "$before" != 00000000 ] || return 1
  read -r -t 0.2 <> <(:) || :
  [ "$(queued)" = "$before" ]
}
wait_until is_full
for name in fast slow; do
  peak=$(awk '/VmHWM/ { print $2 }' "/proc/${!name}/status")
  [ "$peak" -lt 65536 ] || fail "$name held $peak KiB"
done
stop fast 3
kill -KILL "$slow" && wait "$slow" 2>/dev/null
tr -d ' \n' <fast.summary >flat
expect_match flat '"name":"in:out".*"pauses":[1-9]'

# cut_off OPTIONS: an openssl client that has sent a line is killed.
cut_off () {
  server server "$1"
  openssl s_client -connect "127.0.0.1:$port" -quiet <stay >s_client.out 2>&1 &
  local peer=$!
  echo some >&9
  wait_until has_line received some
  kill -KILL $peer
  wait $peer 2>/dev/null
}

begin "a peer that is cut off is an error of its connection"
cut_off ''
wait_until grep -q 'lost' server.err
expect_match server.err 'lost 127\.0\.0\.1:[0-9]+: the peer closed the connection without saying so by TLS: what it sent is cut off$'
stop server
expect_match server.summary '"resets": *1'
begin "without close_notify it has ended"
cut_off ', "close_notify": false'
stop server
expect_match server.summary '"resets": *0'
expect_no_match server.err 'lost'

begin "one that wants to renegotiate is not obeyed"
server server ''
{ echo some; wait_until has_line received some; echo R; wait_until grep -q lost server.err; } | s_client -tls1_2
wait_until grep -q 'lost' server.err
expect_match server.err 'lost 127\.0\.0\.1:[0-9]+: the peer wants to renegotiate, which is refused$'
client ', "ca": "ca.pem"'
run "$WEIR" run --quiet client.json
expect_status 0
wait_until has_line received two
stop server

# ---- where it cannot work ----

begin "a certificate that is not there"
sed 's/server\.pem/none.pem/' server.json >bad.json
run "$WEIR" run --quiet bad.json
expect_status 1
expect_stderr 'weir: in (tcp, producer): cannot read the certificate none.pem: No such file or directory'

begin "options that contradict each other are found by check"
cat >bad.json <<'END'
{ "producers": {
    "a": { "plugin": "tcp", "listen": "127.0.0.1:0", "tls": true },
    "b": { "plugin": "tcp", "connect": "127.0.0.1:1", "tls": true, "key": "k.pem" },
    "c": { "plugin": "tcp", "connect": "127.0.0.1:1", "ca": "ca.pem" },
    "d": { "plugin": "tcp", "connect": "127.0.0.1:1", "tls": true, "client_ca": "ca.pem" } },
  "consumers": { "out": { "plugin": "null", "from": ["a", "b", "c", "d"] } } }
END
run "$WEIR" check bad.json
expect_status 2
expect_stderr 'bad.json:2:61: error: producers.a.tls: found true without "certificate", which listen needs
bad.json:3:75: error: producers.b.key: found a key without "certificate"
bad.json:4:61: error: producers.c.ca: is of no use without "tls": true
bad.json:5:81: error: producers.d.client_ca: is for listen; with connect, the peer is verified against "ca"'

begin "without a library for TLS it is refused"
GIO_MODULE_DIR=$SCRATCH run "$WEIR" run server.json
expect_status 2
expect_match stderr '^server\.json:1:[0-9]+: error: producers\.in\.tls: found true, but GIO has no TLS here; install the package glib-networking$'

finish
