#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the public headers promise in binary is what tests/abi/baseline.abi says, as abidiff sees it, and what libweir.so exports is
# what they declare. Each kind of change is seen, so that none comes in unseen: headers with a change in them are compared too. The
# baseline is that of x86_64: on other machines nothing is compared. docs/abi.md says which changes are allowed.
. "$(dirname "$0")/../cli/lib.sh"

here=$WEIR_SOURCE/tests/abi
missing=''
if [ "$(uname -m)" != x86_64 ]; then
  missing="the baseline is that of x86_64, and this is $(uname -m)"
elif ! command -v abidiff >/dev/null || ! command -v abidw >/dev/null; then
  missing='abidiff and abidw are not installed'
fi
if [ -n "$missing" ]; then
  echo "diff.sh: skipped: $missing"
  finished=yes
  exit 77
fi
unset MAKEFLAGS MAKELEVEL MFLAGS
CC=$(make -s -C "$WEIR_BUILD" --eval='print-it: ; @echo $(CC)' print-it)
export CC

# compare HEADERS: what abidiff says of them is in the file told, its status in $status.
compare () {
  status=none
  bash "$here/abi-of.sh" "$1" new.abi >told 2>&1 || { fail "abi-of.sh: $(cat told)"; return; }
  abidiff "$here/baseline.abi" new.abi >told 2>&1
  status=$?
}

# changed NAME FILE SCRIPT LINE...: with the headers changed by sed's SCRIPT in FILE, abidiff tells it, and says each LINE.
changed () {
  local name=$1 file=$2 script=$3 line
  shift 3
  begin "$name"
  rm -rf changed
  mkdir -p changed
  cp -r "$WEIR_SOURCE/engine/weir" changed/
  sed -i -E "$script" "changed/weir/$file"
  ! cmp -s "changed/weir/$file" "$WEIR_SOURCE/engine/weir/$file" || fail "$file has nothing to change"
  compare changed
  [ "$status" != none ] || return 0
  [ $((status & 4)) = 4 ] || fail "abidiff ended with $status: $(cat told)"
  for line in "$@"; do
    grep -q -F -e "$line" told || fail "abidiff does not say: $line" "$(cat told)"
  done
}

begin "the public headers are those of the baseline"
compare "$WEIR_BUILD/headers"
if [ "$status" != 0 ]; then
  fail "$(cat told)" "docs/abi.md says which changes are allowed with this ABI number. One that is: make abi-baseline, and commit it too."
fi

begin "the library exports what the headers declare"
bash "$here/declared.sh" "$WEIR_SOURCE"/engine/weir/*.h >declared
nm -D --defined-only "$WEIR_BUILD/.libs/libweir.so" | sed -n 's/.* T \(weir_[a-z_0-9]*\)$/\1/p' | sort >exported
expect_file exported declared

begin "the baseline knows every function, table and constant"
for name in $(cat declared) WeirPlugin WeirRole WeirOption WeirRecord WeirPair WeirNext WeirOutcome WeirFunc WEIR_ABI WEIR_WAIT \
  WEIR_REQUIRED WEIR_BLOCKING WEIR_RECORD_CHUNK; do
  grep -q "elf-symbol name='abi_$name' " "$here/baseline.abi" || fail "not $name"
done

begin "where the headers lie and which compiler reads them changes nothing"
mkdir -p elsewhere
cp -r "$WEIR_SOURCE/engine/weir" elsewhere/
sed -i 's|^#define WEIR_[A-Z]*_H|/* a line more */\n&|' elsewhere/weir/*.h
own=$CC
for CC in gcc clang; do
  if command -v $CC >/dev/null; then
    compare elsewhere
    [ "$status" = 0 ] || fail "$CC: $(cat told)"
  fi
done
CC=$own

changed "a function is gone" stage.h '/ weir_stage_wake /d' '1 Removed variable' 'abi_weir_stage_wake'
changed "a function has another parameter" emit.h 's/(weir_emit_copy \(WeirStage \*stage, gconstpointer data, g)size/\1int16/' \
  "changed to 'typedef gboolean (WeirStage*, typedef gconstpointer, typedef gint16)* const abi_weir_emit_copy'"
changed "a function answers another type" stage.h 's/gint64 weir_stage_now/gint16 weir_stage_now/' \
  "changed to 'typedef gint16 (WeirStage*)* const abi_weir_stage_now'"
changed "a field is in front of the others" plugin.h 's/^  const char \*summary; /  const char *title;\n&/' \
  "'const char* title', at offset 0 (in bits)" "'const WeirOption* options' offset changed from 64 to 128"
changed "two fields of a record are exchanged" record.h \
  's/^  gint64 time; /  WeirContext *context_;/; s/^  WeirContext \*context; /  gint64 time;/; s/context_/context/' \
  "'gint64 time' offset changed from 192 to 256"
changed "a field is wider" option.h 's/^  guint16 kind, flags;/  guint32 kind, flags;/' \
  "type of 'guint16 kind' changed" 'and offset changed from 336 to 352'
changed "a callback has another parameter" plugin.h 's/\(\*open\) \(WeirStage \*stage, /&int how, /' "open' changed" "entity changed from 'typedef gpointer' to 'int'"
changed "the answers are numbered anew" types.h 's/^  WEIR_WAIT,/  WEIR_LATER,\n&/' "'WeirNext::WEIR_WAIT' from value '1' to '2'"
changed "a flag has another value" plugin.h 's/^  WEIR_STATELESS = 2/  WEIR_STATELESS = 64/' \
  "'char abi_WEIR_STATELESS[3]' was changed to 'char abi_WEIR_STATELESS[65]'"
changed "a field more at the end of a table" plugin.h 's/^\} WeirRole;/  void (*more) (WeirStage *stage);\n&/' \
  "underlying type 'struct WeirRole' changed" "'void (WeirStage*)* more', at offset "
changed "a function more" stage.h 's/^G_END_DECLS/WEIR_EXPORT void weir_stage_more (WeirStage *stage);\n&/' \
  '1 Added variable' 'abi_weir_stage_more'
changed "another number" types.h 's/WEIR_ABI 1/WEIR_ABI 2/' "'char abi_WEIR_ABI[2]' was changed to 'char abi_WEIR_ABI[3]'"

finish
