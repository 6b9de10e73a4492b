#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tables can grow: the plugin of ABI 1 is opened by checks that were compiled with headers in which each table has a field more, and
# what it lacks reads as zero; and a plugin that was built with such headers is refused by today's weir, which says both versions.
. "$(dirname "$0")/../cli/lib.sh"

unset MAKEFLAGS MAKELEVEL MFLAGS WEIR_PLUGIN_PATH
read -r -a cc <<<"$(make -s -C "$WEIR_BUILD" --eval='print-it: ; @echo $(CC)' print-it)"
read -r -a libraries <<<"$(pkg-config --cflags --libs gio-2.0 gmodule-2.0 json-c)"

# grow FOLDER TABLE...: the headers in FOLDER are those of a later version, in which each TABLE has a field more at its end.
grow () {
  local folder=$1 table
  shift
  mkdir -p "$folder"
  cp -r "$WEIR_SOURCE/engine/weir" "$folder/"
  for table in "$@"; do
    sed -i "s/^} $table;/  gpointer more;\n&/" "$folder"/weir/*.h
    grep -q -B 1 "^} $table;" "$folder"/weir/*.h || fail "no $table"
  done
  sed -i 's/"0\.1", \\/"0.9", \\/' "$folder/weir/plugin.h"
  grep -q '"0\.9", ' "$folder/weir/plugin.h" || fail "no version in plugin.h"
}

begin "the checks compile with tables that have grown"
grow later WeirPlugin WeirRole WeirOption
sources=(tests/abi/grown.c)
for name in found option-table option-value options plugin-object plugin-table suggest template units; do
  sources+=("engine/$name.c")
done
run "${cc[@]}" -std=gnu11 -w -g -O0 -include "$WEIR_BUILD/config.h" -Ilater -iquote "$WEIR_SOURCE/engine" \
  "${sources[@]/#/$WEIR_SOURCE/}" -Wl,--no-as-needed -L"$WEIR_BUILD/.libs" -lweir "${libraries[@]}" -lm -o grown
expect_status 0

begin "what the plugin of ABI 1 lacks reads as zero"
run env LD_LIBRARY_PATH="$WEIR_BUILD/.libs" ./grown abi-1 "$WEIR_BUILD/tests/abi/1/.libs/abi-1.so"
expect_stdout 'abi-1: 8 and 8 bytes more a role and an option, 10 and 4 options, the rest zero'
expect_status 0

# longer FOLDER TABLE: a plugin that was built with such headers is refused.
longer () {
  local folder=$1
  grow "$folder" "$2"
  mkdir "$folder/plugins"
  "${cc[@]}" -std=gnu11 -w -O0 -fPIC -shared -I"$folder" "$WEIR_SOURCE/tests/modules/sample.c" "${libraries[@]}" \
    -o "$folder/plugins/sample.so" || fail "it does not compile"
  run "$WEIR" inspect sample --plugin-path "$folder/plugins"
  expect_status 2
  expect_stdout ''
}
version=$("$WEIR" --version | sed 's/^weir //; s/,.*//; q')
advice="it was built for \"0.9\" of Weir, and this is \"$version\"; rebuild the plugin against this weir's headers"

begin "a plugin with a longer table is refused, and both versions are named"
longer plugin WeirPlugin
expect_stderr "weir: plugin \"sample\" ($SCRATCH/plugin/plugins/sample.so): found a WeirPlugin of 80 bytes, expected 64 to 72: $advice"

begin "a plugin with a longer role"
longer role WeirRole
expect_stderr "weir: plugin \"sample\" ($SCRATCH/role/plugins/sample.so): found a WeirRole of 200 bytes, expected 56 to 192: $advice"

begin "a plugin with longer options"
longer option WeirOption
expect_stderr "weir: plugin \"sample\" ($SCRATCH/option/plugins/sample.so): found a WeirOption of 56 bytes, expected 48: $advice"

finish
