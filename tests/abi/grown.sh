#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tables can grow: a weir that is compiled with headers in which each table has a field more runs the plugins of this build and that of
# ABI 1, and what they lack reads as zero; and a plugin that was built with such headers is refused by today's weir, which says both
# versions.
. "$(dirname "$0")/../cli/lib.sh"

unset MAKEFLAGS MAKELEVEL MFLAGS WEIR_PLUGIN_PATH
read -r -a cc <<<"$(make -s -C "$WEIR_BUILD" --eval='print-it: ; @echo $(CC)' print-it)"
read -r -a libraries <<<"$(pkg-config --cflags --libs gio-2.0 gio-unix-2.0 gmodule-2.0 json-c libpcre2-8)"

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

# compile FOLDER SOURCE...: object files in FOLDER, with the later headers.
compile () {
  mkdir -p "$1"
  (cd "$1" && shift &&
    printf '%s\0' "$@" | xargs -0 -P 2 -n 10 "${cc[@]}" -std=gnu11 -w -O0 -c -include "$WEIR_BUILD/config.h" -I"$SCRATCH/later" \
      -iquote "$WEIR_SOURCE/engine" -DG_LOG_DOMAIN='"weir"' -DWEIR_PLUGIN_DIR='""' "${libraries[@]}")
}

begin "a weir compiles whose tables have grown"
grow later WeirPlugin WeirRole WeirOption
run compile engine "$WEIR_SOURCE"/engine/*.c "$WEIR_SOURCE"/engine/isolate/*.c
expect_status 0
run compile cli "$WEIR_SOURCE"/engine/cli/*.c "$WEIR_BUILD/engine/cli/templates.c"
expect_status 0
run compile test "$WEIR_SOURCE/tests/abi/grown.c"
expect_status 0
for program in cli/*.o:later-weir test/grown.o:grown; do
  run "${cc[@]}" -pthread -rdynamic ${program%:*} engine/*.o "${libraries[@]}" -lm -o "${program#*:}"
  expect_status 0
done

begin "what the plugin of ABI 1 lacks reads as zero"
run ./grown abi-1 "$WEIR_BUILD/tests/abi/1/.libs/abi-1.so"
expect_status 0
expect_match stdout '^abi-1: [1-9][0-9]* and [1-9][0-9]* bytes more a role and an option, 10 and 4 options, the rest zero$'

begin "the plugin of ABI 1 runs in it, beside those of this build"
echo '{ "producers": { "in": { "plugin": "generate", "count": 1000, "text": "{seq}" } },
  "transforms": { "middle": { "plugin": "abi-1", "from": "in" }, "some": { "plugin": "match", "from": "middle.main", "pattern": "99[78]|end" } },
  "consumers": { "out": { "plugin": "abi-1", "from": "some", "path": "out" } } }' >p.json
run ./later-weir run --quiet --plugin-path "$WEIR_BUILD/tests/abi/1/.libs" --plugin-path "$WEIR_BUILD/plugins/.libs" p.json
expect_status 0
expect_stderr ''
expect_text out '997
998
the end'

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
cat >sizes.c <<'END'
#include <weir/weir.h>
#include <stdio.h>
int main (void)
{
  printf ("plugin=%zu plugin_least=%zu role=%zu role_least=%zu option=%zu\n", sizeof (WeirPlugin), offsetof (WeirPlugin, reply),
          sizeof (WeirRole), offsetof (WeirRole, open), sizeof (WeirOption));
}
END
"${cc[@]}" -w -I"$WEIR_BUILD/headers" sizes.c "${libraries[@]}" -o sizes
eval "$(./sizes | tr ' ' '\n')"
version=$("$WEIR" --version | sed 's/^weir //; s/,.*//; q')
advice="it was built for \"0.9\" of Weir, and this is \"$version\"; rebuild the plugin against this weir's headers"

begin "a plugin with a longer table is refused, and both versions are named"
longer plugin WeirPlugin
expect_stderr "weir: plugin \"sample\" ($SCRATCH/plugin/plugins/sample.so): found a WeirPlugin of $((plugin + 8)) bytes, expected $plugin_least to $plugin: $advice"

begin "a plugin with a longer role"
longer role WeirRole
expect_stderr "weir: plugin \"sample\" ($SCRATCH/role/plugins/sample.so): found a WeirRole of $((role + 8)) bytes, expected $role_least to $role: $advice"

begin "a plugin with longer options"
longer option WeirOption
expect_stderr "weir: plugin \"sample\" ($SCRATCH/option/plugins/sample.so): found a WeirOption of $((option + 8)) bytes, expected $option: $advice"

finish
