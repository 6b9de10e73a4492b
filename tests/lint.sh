#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lint.sh BUILD: checks the sources that git knows, from the top of the source tree; BUILD holds config.h and headers/.
# `make lint` runs it. Each finding is printed as it comes; exits 1 when there is one, 2 when a tool is missing.
set -u
build=$1
found=0

for tool in git clang clang-format cppcheck shellcheck; do
  command -v $tool >/dev/null || { echo "lint: $tool is missing" >&2; exit 2; }
done

report () { echo "lint: $*"; found=1; }

mapfile -t sources < <(git ls-files '*.c')
mapfile -t headers < <(git ls-files '*.h')
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)

echo '== every source says its license and has its line in Makefile.am'
for file in "${sources[@]}" "${headers[@]}"; do
  [ "$(head -n 1 "$file")" = '/* SPDX-License-Identifier: Apache-2.0 */' ] || report "$file: the first line is not the license's"
  case $file in
    plugins/*/*.c) entry=$file ;;
    plugins/*.c | tests/modules/*.c | tests/unit/*.c | tests/bench/*.c | tests/fuzz/*.c) entry=${file%.c} ;;
    *) entry=$file ;;
  esac
  grep -q -E "[ =]$entry(\.la|\.c)?( |\$)" Makefile.am || report "$file: not in Makefile.am"
done

echo '== clang-format'
clang-format --dry-run -Werror "${sources[@]}" "${headers[@]}" || found=1
for file in engine/cli/templates/*.c.in; do
  clang-format --assume-filename="${file%.in}" <"$file" | cmp -s - "$file" || report "$file: not as clang-format has it"
done

echo '== clang, with the warnings of gcc'
for file in "${sources[@]}"; do
  case $file in
    plugins/* | tests/modules/*) internal=() ;;
    *) internal=(-iquote engine -iquote .) ;;
  esac
  clang -fsyntax-only -std=c11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror \
    -include "$build/config.h" -I"$build/headers" "${internal[@]}" -DWEIR_PLUGIN_DIR='""' -DG_LOG_DOMAIN='""' \
    ${CPPFLAGS-} "$file" || found=1
done

echo '== cppcheck'
cppcheck -q -j 2 --std=c11 --language=c --library=gtk --library=posix --enable=warning,performance,portability \
  --inline-suppr --suppressions-list=tests/cppcheck.supp --error-exitcode=1 -Iengine -I"$build/headers" \
  -D__GNUC__ -DG_LOG_DOMAIN='"weir"' -DWEIR_PLUGIN_DIR='""' -DPACKAGE_VERSION='""' "${sources[@]}" || found=1

echo '== shellcheck'
shellcheck -x --severity=warning -e SC1091,SC2154,SC2034 "${scripts[@]}" || found=1

exit $found
