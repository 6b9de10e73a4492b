#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plugin in C++: the section of docs/plugin-guide.md is true, the headers are C++17 to the letter, and the tables of such a plugin are
# constant data that no constructor makes.
. "$(dirname "$0")/lib.sh"
. "$WEIR_SOURCE/tests/cli/guide.sh"

if ! command -v c++ >/dev/null; then
  echo 'cplusplus.sh: skipped: there is no C++ compiler'
  finished=yes
  exit 77
fi
unset WEIR_PLUGIN_PATH
chmod 755 .
# As if this build were installed.
mkdir pkgconfig
printf 'Name: weir\nDescription: weir\nVersion: 0\nRequires: gio-2.0\nCflags: -I%s\n' "$WEIR_BUILD/headers" >pkgconfig/weir.pc
export PKG_CONFIG_PATH=$SCRATCH/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
PATH=$(dirname "$WEIR"):$PATH

awk '/^## / { here = $0 == "## C++" } here' "$WEIR_SOURCE/docs/plugin-guide.md" >section.md
follow_guide section.md 4

read -r -a flags <<<"$(pkg-config --cflags weir)"
compilers=()
for compiler in g++ clang++; do
  if command -v $compiler >/dev/null; then compilers+=("$compiler"); fi
done

# section_of FILE SYMBOL: in which section of the object the symbol lies.
section_of () {
  local index
  index=$(readelf -sW "$1" | awk -v name="$2" '$8 ~ name "(@|$)" && $7 ~ /^[0-9]+$/ { print $7; exit }')
  readelf -SW "$1" | sed -n "s/^ *\[ *${index:-none}\] \([^ ]*\) .*/\1/p"
}

# is_constant FILE: its table and its roles lie where nothing is written behind the loader, and nothing runs when it is opened.
is_constant () {
  local symbol
  for symbol in weir_plugin '_ZN12_GLOBAL__N_1L?9transformE' '_ZN12_GLOBAL__N_1L?7optionsE'; do
    case $(section_of "$1" "$symbol") in
      .rodata | .data.rel.ro | .data.rel.ro.local) ;;
      *) echo "$symbol lies in \"$(section_of "$1" "$symbol")\""; return 1 ;;
    esac
  done
  ! nm "$1" | grep -E '_GLOBAL__sub_I|__cxx_global_var_init'
}

for compiler in "${compilers[@]}"; do
  begin "$compiler says nothing of the headers"
  for header in "$WEIR_BUILD"/headers/weir/*.h; do
    echo "#include <weir/${header##*/}>" >one.cc
    run $compiler -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "${flags[@]}" one.cc
    expect_status 0
    expect_stderr ''
  done

  begin "$compiler makes constant data of the tables, optimized or not"
  for level in -O0 -O2; do
    run $compiler -std=c++17 -Wall -Wextra -Wpedantic -Werror $level -fPIC -shared "${flags[@]}" unique.cc -o $compiler.so
    expect_status 0
    is_constant $compiler.so >why || fail "$level: $(cat why)"
  done

  begin "$compiler: a table that a constructor makes is seen to be none"
  sed 's/^constexpr WeirRole$/WeirRole/; s/^constexpr WeirRole transform/const WeirRole transform/' unique.cc >made.cc
  run $compiler -std=c++17 -O0 -fPIC -shared "${flags[@]}" made.cc -o made.so
  expect_status 0
  if is_constant made.so >why; then fail "it was not"; fi
  expect_text why '_ZN12_GLOBAL__N_1L?9transformE lies in ".bss"'
done

finish
