#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# peers.sh FOLDER: gets the peers that Debian 12 has, for `make bench`. What only brings programs is installed by apt; what would bring
# a service or replace the system's logger (rsyslog and syslog-ng exclude each other) is only unpacked below FOLDER, with the
# libraries that it needs, and started by the bench alone. Fluent Bit is not in Debian 12.
set -eu
folder=$1
command -v apt-get >/dev/null || { echo "peers.sh: needs apt-get" >&2; exit 1; }
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1

missing=
want () { command -v "$1" >/dev/null || missing="$missing ${*:2}"; }
want gst-launch-1.0 gstreamer1.0-tools gstreamer1.0-plugins-base
want node nodejs
want socat socat
/usr/bin/python3 -c 'import twisted' 2>/dev/null || missing="$missing python3-twisted"
# shellcheck disable=SC2086
[ -z "$missing" ] || $as_root apt-get install -y --no-install-recommends $missing

mkdir -p "$folder/archives/partial" "$folder/root"
chmod 755 "$folder"
for name in 'rsyslogd rsyslog' 'syslog-ng syslog-ng-core' 'haproxy haproxy' 'nginx nginx-light libnginx-mod-stream'; do
  read -r -a words <<<"$name"
  if PATH=$PATH:/usr/sbin:/sbin command -v "${words[0]}" >/dev/null || [ -x "$folder/root/usr/sbin/${words[0]}" ]; then continue; fi
  apt-get -y --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$folder/archives" --download-only \
    install "${words[@]:1}"
done
for archive in "$folder"/archives/*.deb; do
  if [ -f "$archive" ]; then dpkg-deb -x "$archive" "$folder/root" && rm -f "$archive"; fi
done
echo "peers.sh: the peers are in place"
