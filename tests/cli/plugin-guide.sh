#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/plugin-guide.md is true: its plugins are built out of the tree against what `make install` has put below a scratch prefix, are no
# longer than it says, pass the tests that it shows and those of plugin-guide.c, and its commands print what it shows; and no public
# name is missing from it. "## C++" is cplusplus.sh's.
. "$(dirname "$0")/lib.sh"
. "$WEIR_SOURCE/tests/cli/guide.sh"

unset MAKEFLAGS MAKELEVEL MFLAGS
makefile_value () { make -s -C "$WEIR_BUILD" --eval="print-it: ; @echo \$($1)" print-it; }
guide=$WEIR_SOURCE/docs/plugin-guide.md
chmod 755 .

begin "it is installed"
run make -s -C "$WEIR_BUILD" install DESTDIR="$SCRATCH/root"
expect_status 0
prefix=$(makefile_value prefix) libdir=$(makefile_value libdir) bindir=$(makefile_value bindir)
root=$SCRATCH/root
# weir.pc and the program name the final place: here it is below DESTDIR.
mkdir pkgconfig page
sed "s|=$prefix|=$root$prefix|" "$root$libdir/pkgconfig/weir.pc" >pkgconfig/weir.pc
export PKG_CONFIG_PATH=$SCRATCH/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} LD_LIBRARY_PATH=$root$libdir
WEIR_PLUGIN_PATH=$(pkg-config --variable=plugindir weir)
export WEIR_PLUGIN_PATH
PATH=$root$bindir:$PATH
cd page || exit 99

awk '/^## / { here = $0 != "## C++" } here' "$guide" >../section.md
follow_guide ../section.md 30

# at_most LINES FILE...
at_most () {
  local most=$1 file lines
  shift
  for file; do
    begin "$file has at most $most lines"
    lines=$(wc -l <"$file")
    [ "$lines" -gt 0 ] && [ "$lines" -le "$most" ] || fail "found $lines"
  done
}
at_most 30 sample.c
at_most 20 trim.c alert.c
at_most 45 device.c
at_most 6 Makefile

plugins=$(sed -n 's/^WEIR_PLUGIN ("\([a-z]*\)".*/\1/p' ./*.c)

begin "its plugins compile without a warning"
read -r -a cflags <<<"$(pkg-config --cflags weir)"
[ "$(wc -w <<<"$plugins")" -ge 15 ] || fail "found only $plugins"
for compiler in gcc clang; do
  command -v $compiler >/dev/null || continue
  for file in ./*.c; do
    run $compiler -Wall -Wextra -Wshadow -Wstrict-prototypes -Werror -fsyntax-only "${cflags[@]}" "$file"
    expect_status 0
  done
done

begin "its listings are written as all of the code is"
if command -v clang-format >/dev/null; then
  run clang-format --style="file:$WEIR_SOURCE/.clang-format" --dry-run -Werror ./*.c
  expect_status 0
fi

begin "its other plugins are built and tested"
# shellcheck disable=SC2046,SC2086
run make -s $(printf '%s.so ' $plugins)
expect_status 0
read -r -a libs <<<"$(pkg-config --libs weir)"
run cc -Wall -Wextra -Werror "${cflags[@]}" "$WEIR_SOURCE/tests/cli/plugin-guide.c" "${libs[@]}" -o plugin-tests
expect_status 0
run ./plugin-tests -l
tests=$(grep '^/' stdout)
for test in $tests; do
  begin "harness: $test"
  run ./plugin-tests -p "$test"
  expect_status 0
  expect_match stdout '^ok 1'
done

begin "each of its plugins has a harness test"
for plugin in $plugins; do
  case $plugin in
    trim | sample | device) expect [ -x "test-$plugin" ] ;;
    *) grep -q "^/$plugin/" <<<"$tests" || fail "none of $plugin" ;;
  esac
done

begin "no public name is missing from it"
for header in emit option origin plugin record stage types writer; do
  grep -o -w -E '(weir_[a-z_]*[a-z]|WEIR_[A-Z_]*[A-Z]|Weir[A-Z][A-Za-z]*)' "$WEIR_SOURCE/engine/weir/$header.h"
done | sort -u | grep -v -x -E 'WEIR_[A-Z]+_H|weir_plugin|WeirOptionKind' >names # those that end with _ are no one's
[ "$(wc -l <names)" -gt 100 ] || fail "found only $(wc -l <names)"
while read -r name; do
  grep -q -w -e "$name" "$guide" || echo "$name"
done <names >missing
expect_text missing ''

finish
