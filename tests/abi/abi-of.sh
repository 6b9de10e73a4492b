#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# abi-of.sh HEADERS OUT: writes to OUT what the public headers in the folder HEADERS/weir promise in binary, as abidw says it. A small
# library is made of them for that, with debug information and a variable of each thing they declare: a pointer of each function's
# type, one to each table, an array as long as each constant is high. So the engine's own structs, how it is compiled and where have
# no part in it. $CC, or else cc; `make abi-baseline` and tests/abi/diff.sh call it.
set -eu
export LC_ALL=C
headers=$1 out=$2
scratch=$(mktemp -d "${TMPDIR:-/tmp}/weir-abi.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# A variable that is exported: TYPE NAME = VALUE
variable () { echo "WEIR_EXPORT extern $1 $2$3; $1 $2$3 $4;"; }

{
  for header in "$headers"/weir/*.h; do
    echo "#include <weir/${header##*/}>"
  done
  bash "$(dirname "$0")/declared.sh" "$headers"/weir/*.h | while read -r name; do
    variable "__typeof__ (&$name) const" "abi_$name" '' "= $name"
  done
  grep -h -o -E '^} Weir[A-Za-z]+;' "$headers"/weir/*.h | sed 's/^} \(.*\);/\1/' | sort | while read -r name; do
    variable "$name *const" "abi_$name" '' '= NULL'
  done
  echo 'WEIR_EXPORT extern const WeirFunc abi_WeirFunc; const WeirFunc abi_WeirFunc = NULL;'
  { echo WEIR_ABI; sed -n -E 's@^ +(WEIR_[A-Z_]+) *(=.*|,.*|/\*.*|)$@\1@p' "$headers"/weir/*.h | sort -u; } | while read -r name; do
    variable char "abi_$name" "[$name + 1]" "= \"\""
  done
} >"$scratch/abi.c"

# shellcheck disable=SC2046,SC2086
${CC:-cc} -std=gnu11 -w -g -O0 -fPIC -shared -I"$headers" $(pkg-config --cflags gio-2.0) "$scratch/abi.c" -o "$scratch/abi.so"
abidw --headers-dir "$headers/weir" --drop-private-types --no-show-locs --no-comp-dir-path --no-corpus-path --no-elf-needed \
  --no-parameter-names --no-architecture --type-id-style hash --out-file "$scratch/abi.xml" "$scratch/abi.so"
# Where it was compiled is nobody's business.
sed "s|path='[^']*'|path='abi.c'|" "$scratch/abi.xml" >"$out"
