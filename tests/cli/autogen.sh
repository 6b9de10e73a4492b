#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# autogen.sh's words and what it installs, on systems made of stand-ins: a folder with the few tools that a bare system has, an
# `apt-get` (dnf, ...) that notes how it was called and "installs" by adding the tools. Nothing is installed on this machine.
. "$(dirname "$0")/lib.sh"

system=$SCRATCH/system
packages_apt='autoconf automake libtool pkg-config gcc libc6-dev make libglib2.0-dev libjson-c-dev libpcre2-dev'

# stand_in NAME: standard input is the script.
stand_in () {
  { echo '#!/bin/sh'; cat; } >"$system/$1"
  chmod +x "$system/$1"
}

# new_system MANAGER UID: bare, with package lists present.
new_system () {
  local tool
  rm -rf "$system" tree calls
  mkdir -p "$system" tree
  cp "$WEIR_SOURCE/autogen.sh" tree/
  : >tree/.git
  for tool in sh env dirname cat head mkdir grep getconf chmod; do
    ln -s "$(command -v $tool)" "$system/$tool"
  done
  echo "echo $2" | stand_in id
  echo 'echo /lists/main_Packages.db.APKINDEX' | stand_in find
  stand_in "$1" <<END
echo "\${0##*/} \$*" >>"$SCRATCH/calls"
case "\$*" in *install*) ;; *) exit 0 ;; esac
[ ! -e "$SCRATCH/broken" ] || { echo 'no such package' >&2; exit 100; }
for tool in automake libtoolize pkg-config gcc glib-compile-resources abidiff c++ check diff libgiognutls.so meson openssl spin python3 bash valgrind; do printf '#!/bin/sh\n' >"$system/\$tool"; done
printf '#!/bin/sh\nprintf "#!/bin/sh\\\\necho configured; : >Makefile; : >config.status" >configure; chmod +x configure\n' >"$system/autoreconf"
printf '#!/bin/sh\necho "made \$*" >>"$SCRATCH/calls"\n' >"$system/make"
chmod +x "$system"/*
END
}

autogen () {
  run env -i PATH="$system" HOME="$SCRATCH" PYTHON="$system/python3" GIO_MODULE_DIR="$system" "$system/sh" tree/autogen.sh "$@"
}

begin "an unknown argument is bad usage"
new_system apt-get 0
autogen build
expect_status 2
expect_stdout ''
expect_match stderr '^autogen\.sh: unknown argument "build"$'
expect_missing calls

begin "two commands are bad usage"
new_system apt-get 0
autogen run check
expect_status 2
expect_match stderr '^Usage: \./autogen\.sh '

begin "--help tells and does nothing"
new_system apt-get 0
autogen --help
expect_status 0
expect_match stdout '^Usage: \./autogen\.sh \[run\|check\] \[--no-install\]$'
expect_stderr ''
expect_missing calls tree/configure

begin "alone it installs nothing and says what it lacks"
new_system apt-get 0
autogen
expect_status 1
expect_stdout ''
expect_stderr "autogen.sh: missing: autoconf, automake, libtool; ./autogen.sh run installs what it needs, ./autogen.sh check what the tests need too"
expect_missing calls

begin "--no-install only prints the command: apt"
new_system apt-get 0
autogen run --no-install
expect_status 1
expect_stdout "apt-get install -y --no-install-recommends $packages_apt"
expect_stderr 'autogen.sh: missing: autoconf, automake, libtool, pkg-config, a C compiler, make, GLib 2.74, json-c, PCRE2'
expect_missing calls tree/configure

begin "--no-install for the tests, through sudo, without package lists"
new_system apt-get 1000
echo : | stand_in find
autogen --no-install check
expect_status 1
expect_stdout "sudo apt-get update && sudo apt-get install -y --no-install-recommends $packages_apt abigail-tools g++ bash check diffutils python3-jsonschema glib-networking meson openssl spin python3-twisted valgrind"
expect_missing calls

begin "--no-install only prints the command: dnf"
new_system dnf 0
autogen check --no-install
expect_status 1
expect_stdout "dnf install -y autoconf automake libtool pkgconf-pkg-config gcc glibc-devel make glib2-devel json-c-devel pcre2-devel libabigail gcc-c++ bash check-devel diffutils python3-jsonschema glib-networking meson openssl python3-twisted valgrind"
expect_match stderr '^autogen\.sh: dnf has no package of Spin: the tests that need it are skipped$'

begin "--no-install only prints the command: pacman"
new_system pacman 0
autogen run --no-install
expect_status 1
expect_stdout "pacman -S --needed --noconfirm autoconf automake libtool pkgconf gcc make glib2-devel json-c pcre2"

begin "--no-install only prints the command: apk"
new_system apk 0
autogen run --no-install
expect_status 1
expect_stdout "apk add autoconf automake libtool pkgconf gcc musl-dev make glib-dev json-c-dev pcre2-dev"

begin "no package manager that it knows"
new_system apt-get 0
rm "$system/apt-get"
autogen run
expect_status 1
expect_match stderr '^autogen\.sh: missing: .*; found none of apt-get, dnf, pacman and apk to install it with$'

begin "not root and no sudo"
new_system apt-get 1000
autogen run
expect_status 1
expect_match stderr "^autogen\.sh: not root, and there is no sudo; as root run: apt-get install -y .* libpcre2-dev$"
expect_missing calls

begin "what cannot be installed is said, after one look at newer lists"
new_system apt-get 0
: >broken
autogen run
rm broken
expect_status 1
expect_match stderr '^autogen\.sh: could not install autoconf automake .* libpcre2-dev$'
expect_text calls "apt-get install -y --no-install-recommends $packages_apt
apt-get update
apt-get install -y --no-install-recommends $packages_apt"

begin "check installs, generates, configures, builds and tests; again, it only makes"
new_system apt-get 1000
echo 'exec "$@"' | stand_in sudo
autogen check
expect_status 0
expect_match stderr '^autogen\.sh: installing: autoconf '
expect_match stderr '^\+ sudo apt-get install '
expect_match stderr '^autogen\.sh: generating configure$'
expect_match stderr '^autogen\.sh: configuring in build/$'
expect_match stdout '^configured$'
expect_match calls '^made -C build -s -j [0-9]+ --no-print-directory$'
expect_match calls '^made -C build -s -j [0-9]+ --no-print-directory check VERBOSE=1$'
rm calls
echo 'S["HAVE_CHECK_TRUE"]=""' >tree/build/config.status
autogen check
expect_status 0
expect_no_match calls 'apt-get'
expect_no_match stderr 'install|generating|configuring'

begin "run ends by running the quickstart; again, it only runs"
new_system apt-get 0
autogen run
mkdir -p tree/build
printf '#!/bin/sh\necho "weir $*"\n' >tree/build/weir
chmod +x tree/build/weir
rm calls
printf '#!/bin/sh\necho "made $*" >>"%s/calls"\n' "$SCRATCH" >"$system/make"
autogen run
expect_status 0
expect_stdout 'weir run --progress conf/quickstart.json'
expect_stderr ''
expect_text calls "made -C build -s -j $(getconf _NPROCESSORS_ONLN) --no-print-directory"

finish
