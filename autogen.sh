#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From a fresh clone to configure, to a running pipeline, or to a tested build. POSIX sh; it needs nothing that a bare system lacks.
set -eu

usage () {
  cat <<'END'
Usage: ./autogen.sh [run|check] [--no-install]

  (nothing)      only generates configure
  run            installs what is missing, builds in ./build, and runs conf/quickstart.json;
                 a second call only runs it
  check          installs what is missing (for the tests too), builds in ./build, and runs the whole test suite
  --no-install   installs nothing: where something is missing, prints the command that would install it, and ends

Packages are installed with apt-get, dnf, pacman or apk, through sudo when you are not root.
END
}

say () { printf 'autogen.sh: %s\n' "$*" >&2; }
die () { say "$@"; exit 1; }

command='' install=yes
for argument in "$@"; do
  case $argument in
    run | check)
      [ -z "$command" ] || { usage >&2; exit 2; }
      command=$argument ;;
    --no-install) install=no ;;
    -h | --help) usage; exit 0 ;;
    *) say "unknown argument \"$argument\""; usage >&2; exit 2 ;;
  esac
done

cd "$(dirname "$0")"

# ---- what is needed ---------------------------------------------------------------------------------------------------------
# A line a need: for what (generate, build, test), what it is called here, how it is found, and its packages with apt, dnf, pacman
# and apk; - where that distribution has none: the tests that need it are then skipped. Nothing that is found is installed again.
needs () {
  cat <<'END'
generate|autoconf|have autoreconf|autoconf|autoconf|autoconf|autoconf
generate|automake|have automake|automake|automake|automake|automake
generate|libtool|have libtoolize|libtool|libtool|libtool|libtool
build|pkg-config|have pkg-config|pkg-config|pkgconf-pkg-config|pkgconf|pkgconf
build|a C compiler|compiles|gcc libc6-dev|gcc glibc-devel|gcc|gcc musl-dev
build|make|have make|make|make|make|make
build|GLib 2.74|glib|libglib2.0-dev|glib2-devel|glib2-devel|glib-dev
build|json-c|library json-c|libjson-c-dev|json-c-devel|json-c|json-c-dev
build|PCRE2|library libpcre2-8|libpcre2-dev|pcre2-devel|pcre2|pcre2-dev
test|abidiff|have abidiff|abigail-tools|libabigail|-|-
test|a C++ compiler|have c++|g++|gcc-c++|gcc|g++
test|bash|have bash|bash|bash|bash|bash
test|Check|library check|check|check-devel|check|check-dev
test|diff|have diff|diffutils|diffutils|diffutils|diffutils
test|a JSON Schema validator|jsonschema|python3-jsonschema|python3-jsonschema|python-jsonschema|py3-jsonschema
test|GLib's TLS|glib_tls|glib-networking|glib-networking|glib-networking|glib-networking
test|Meson|have meson|meson|meson|meson|meson
test|openssl|have openssl|openssl|openssl|openssl|openssl
test|Spin|have spin|spin|-|-|-
test|Twisted|twisted|python3-twisted|python3-twisted|python-twisted|py3-twisted
test|Valgrind|have valgrind|valgrind|valgrind|valgrind|valgrind
END
}

have () { command -v "$1" >/dev/null 2>&1; }

library () {
  have pkg-config || return 1
  for module in "$@"; do
    case $module in
      glib-2.0) pkg-config --exists 'glib-2.0 >= 2.74' || return 1 ;;
      *) pkg-config --exists "$module" || return 1 ;;
    esac
  done
}

glib () { library glib-2.0 gio-2.0 gio-unix-2.0 gmodule-2.0 && have glib-compile-resources; }

# GIO's module for TLS, which it loads when it is asked to.
glib_tls () {
  modules=${GIO_MODULE_DIR:-$(have pkg-config && pkg-config --variable=giomoduledir gio-2.0)}
  [ -e "$modules/libgiognutls.so" ] || [ -e "$modules/libgioopenssl.so" ]
}

# Those of the system's own Python, which may not be the one in PATH.
jsonschema () { "${PYTHON:-/usr/bin/python3}" -c 'from jsonschema import Draft202012Validator' >/dev/null 2>&1; }
twisted () { "${PYTHON:-/usr/bin/python3}" -c 'import twisted' >/dev/null 2>&1; }

compiles () {
  for compiler in ${CC:+"$CC"} gcc cc clang; do
    if have "${compiler%% *}"; then
      printf '#include <stdio.h>\n' | $compiler -E - >/dev/null 2>&1
      return
    fi
  done
  return 1
}

manager () {
  if have apt-get; then echo apt
  elif have dnf; then echo dnf
  elif have pacman; then echo pacman
  elif have apk; then echo apk
  else echo none
  fi
}

# find_missing PURPOSE...: sets $missing (names) and $packages.
find_missing () {
  missing='' packages=''
  manager=$(manager)
  needs_file=$(needs)
  while IFS='|' read -r purpose name probe apt dnf pacman apk; do
    case " $* " in *" $purpose "*) ;; *) continue ;; esac
    if $probe </dev/null; then continue; fi
    case $manager in
      apt) wanted=$apt ;;
      dnf) wanted=$dnf ;;
      pacman) wanted=$pacman ;;
      apk) wanted=$apk ;;
      none) wanted='' ;;
    esac
    if [ "$wanted" = - ]; then
      say "$manager has no package of $name: the tests that need it are skipped"
      continue
    fi
    missing="$missing${missing:+, }$name"
    packages="$packages${packages:+ }$wanted"
  done <<END
$needs_file
END
}

install_command () {
  case $manager in
    apt) echo "apt-get install -y --no-install-recommends $packages" ;;
    dnf) echo "dnf install -y $packages" ;;
    pacman) echo "pacman -S --needed --noconfirm $packages" ;;
    apk) echo "apk add $packages" ;;
  esac
}

# What makes the package lists new, where there are none or they are too old to serve.
refresh_command () {
  case $manager in
    apt) echo 'apt-get update' ;;
    dnf) echo 'dnf makecache' ;;
    pacman) echo 'pacman -Sy' ;;
    apk) echo 'apk update' ;;
  esac
}

lists_are_absent () {
  case $manager in
    apt) [ -z "$(find /var/lib/apt/lists -name '*_Packages*' 2>/dev/null | head -n 1)" ] ;;
    pacman) [ -z "$(find /var/lib/pacman/sync -name '*.db' 2>/dev/null | head -n 1)" ] ;;
    apk) [ -z "$(find /var/cache/apk /etc/apk/cache/ -name 'APKINDEX*' 2>/dev/null | head -n 1)" ] ;;
    *) false ;;
  esac
}

# as_root COMMAND: words without blanks in them; through sudo when need be; says what it runs.
as_root () {
  printf '+ %s%s\n' "$sudo" "$1" >&2
  ${sudo}env DEBIAN_FRONTEND=noninteractive $1
}

# provide PURPOSE...: installs what is missing; sets $installed.
provide () {
  installed=no
  find_missing "$@"
  [ -n "$missing" ] || return 0
  [ "$manager" != none ] || die "missing: $missing; found none of apt-get, dnf, pacman and apk to install it with"
  sudo=''
  [ "$(id -u)" = 0 ] || sudo='sudo '
  say "missing: $missing"
  if [ $install = no ]; then
    if lists_are_absent; then
      printf '%s && ' "$sudo$(refresh_command)"
    fi
    printf '%s\n' "$sudo$(install_command)"
    exit 1
  fi
  [ -z "$sudo" ] || have sudo || die "not root, and there is no sudo; as root run: $(install_command)"
  say "installing: $packages"
  if lists_are_absent; then
    as_root "$(refresh_command)"
  fi
  as_root "$(install_command)" || { as_root "$(refresh_command)" && as_root "$(install_command)"; } ||
    die "could not install $packages"
  find_missing "$@"
  [ -z "$missing" ] || die "installed, and still missing: $missing"
  installed=yes
}

# ---- the steps --------------------------------------------------------------------------------------------------------------
generate () {
  mkdir -p m4 build-aux
  autoreconf --install --force
}

build () {
  [ -x configure ] || { say 'generating configure'; generate; }
  if [ ! -f build/Makefile ] || [ $installed = yes ] || { [ "$command" = check ] && ! has_check; }; then
    say 'configuring in build/'
    mkdir -p build
    if [ -f build/config.status ]; then
      (cd build && ./config.status -q --recheck && ./config.status -q)
    else
      (cd build && ../configure -q)
    fi
  fi
  jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
  make -C build -s -j "$jobs" --no-print-directory
}

# Whether ./build was configured when Check was there.
has_check () { grep -q '^S\["HAVE_CHECK_TRUE"\]=""' build/config.status; }

# A release brings its configure along; a clone's is made, and made again when configure.ac changes.
steps='generate build'
if [ -x configure ] && [ ! -e .git ]; then steps=build; fi

case $command in
  '')
    find_missing generate
    [ -z "$missing" ] || die "missing: $missing; ./autogen.sh run installs what it needs, ./autogen.sh check what the tests need too"
    generate
    echo 'configure is there. Next: mkdir -p build && cd build && ../configure && make && make check' ;;
  run)
    provide $steps
    build
    exec build/weir run --progress conf/quickstart.json ;;
  check)
    provide $steps test
    build
    make -C build -s -j "$jobs" --no-print-directory check VERBOSE=1 ;;
esac
