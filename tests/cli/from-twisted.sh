#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/from-twisted.md is true: its pipelines are those of conf/, its C is that of plugins/random.c, its commands do what it shows, here at
# free ports instead of 1234 and 1235.
. "$(dirname "$0")/lib.sh"
. "$WEIR_SOURCE/tests/cli/guide.sh"

PATH=$(dirname "$WEIR"):$PATH
export TMPDIR=$SCRATCH

# Ports that nobody had a moment ago.
free_port () {
  local port
  for port in $(shuf -i 20000-32000 -n 200); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}
server=$(free_port) proxy=$(free_port)
while [ "$proxy" = "$server" ]; do proxy=$(free_port); done
sed -e "/^\\$ /s/1234/$server/g; /^\\$ /s/1235/$proxy/g; s/:-1234/:-$server/; s/:-1235/:-$proxy/; s/127.0.0.1:1234/127.0.0.1:$server/; s/127.0.0.1:1235/127.0.0.1:$proxy/" \
  "$WEIR_SOURCE/docs/from-twisted.md" >shown.md
# Who reads the page takes longer from one command to the next than a stop does: here it is waited for.
sed '/^\$ kill /s/$/; timeout 60 sh -c "while [ -e server.pid ]; do sleep 0.02; done"/' shown.md >page.md

# What fails in between leaves no server behind.
end_servers () {
  local file pid
  for file in server.pid proxy.pid; do
    [ ! -e $file ] || { read -r pid <$file && kill "$pid" 2>/dev/null; }
  done
}
trap 'end_servers; leave' EXIT

follow_guide page.md 8

begin "the pipelines are those of conf/"
for file in serve-random proxy; do
  sed -n '/^{$/,$p' "$WEIR_SOURCE/conf/$file.json" | sed -e "s/:-1234/:-$server/; s/:-1235/:-$proxy/; s/127.0.0.1:1234/127.0.0.1:$server/" >wanted
  expect_file $file.json wanted
done

begin "the C is that of plugins/random.c"
[[ "$(cat "$WEIR_SOURCE/plugins/random.c")" == *"$(cat random.c)"* ]] || fail "it is not"

finish
