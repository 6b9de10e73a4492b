#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Plugins that cannot be used, as their authors and who installs them meet them: for each the whole message of inspect, check and run, and
# the exit code. Those with a wrong table are written and compiled here.
. "$(dirname "$0")/lib.sh"

unset WEIR_PLUGIN_PATH MAKEFLAGS MAKELEVEL MFLAGS
read -r -a cc <<<"$(make -s -C "$WEIR_BUILD" --eval='print-it: ; @echo $(CC)' print-it)"
read -r -a flags <<<"$(pkg-config --cflags gio-2.0)"
chmod 755 .
mkdir plugins

# refused NAME MESSAGE: plugins/NAME.so is named with this message by all three, and nothing runs.
refused () {
  local whole="plugin \"$1\" ($SCRATCH/plugins/$1.so): $2"
  echo "{ \"producers\": { \"in\": { \"plugin\": \"generate\" } }, \"consumers\": { \"out\": { \"plugin\": \"$1\", \"from\": \"in\" } } }" >p.json
  run "$WEIR" inspect --plugin-path plugins "$1"
  expect_status 2
  expect_stdout ''
  expect_stderr "weir: $whole"
  for command in check run; do
    run "$WEIR" $command --plugin-path plugins p.json
    expect_status 2
    expect_stdout ''
    expect_stderr "p.json:1:86: error: consumers.out.plugin: $whole"
  done
  run "$WEIR" inspect --json --plugin-path plugins
  expect_status 0
  grep -q -F "\"error\": \"${2//\"/\\\"}\"" stdout || fail "the listing does not say it" "$(head -c 2000 stdout)"
}

# wrong NAME MESSAGE: the same of a plugin `wrong` whose options and role are on standard input.
wrong () {
  begin "$1"
  {
    echo '#include <weir/weir.h>'
    echo 'typedef struct { const char *text; gint64 number; int choice; } State;'
    echo 'static WeirNext consume (WeirStage *stage, gpointer self, const WeirRecord *record)'
    echo '{ (void) stage; (void) self; (void) record; return WEIR_MORE; }'
    cat
    echo 'WEIR_PLUGIN ("wrong", "1.0", NULL, NULL, &role);'
  } >wrong.c
  run "${cc[@]}" -std=c11 -Wall -O0 -fPIC -shared -I"$WEIR_BUILD/headers" "${flags[@]}" wrong.c -o plugins/wrong.so
  expect_status 0
  refused wrong "$2"
}

# option NAME MESSAGE OPTION: a plugin with this one option, or more.
option () {
  wrong "$1" "consumer: $2" <<END
static const WeirOption options[] = { $3, WEIR_OPTIONS_END };
static const WeirRole role = { .options = options, .state_size = sizeof (State), .consume = consume };
END
}

# ---- no plugin at all ----------------------------------------------------------------------------------------------------------

begin "a text file"
echo 'not an object' >plugins/text.so
refused text 'found a file that is no ELF object, expected a shared object'

begin "a truncated object"
cp "$WEIR_TEST_MODULES/sample.so" plugins/cut.so
truncate -s 3000 plugins/cut.so
run "$WEIR" inspect --plugin-path plugins cut
wanted=$(sed -n 's/.* bytes, expected \([0-9]*\)$/\1/p' stderr)
[ "${wanted:-0}" -gt 3000 ] || fail "expected ${wanted:-nothing} bytes"
refused cut "found an object cut off at 3000 bytes, expected $wanted"

begin "an object without the symbol"
cp "$WEIR_TEST_MODULES/no-symbol.so" plugins/
refused no-symbol 'found no symbol "weir_plugin", expected the table that WEIR_PLUGIN() makes'

begin "another ABI"
cp "$WEIR_TEST_MODULES/other-abi.so" plugins/
refused other-abi "ABI 2, this weir has ABI 1; rebuild the plugin against this weir's headers"

begin "a constructor that crashes: listings survive it"
cp "$WEIR_TEST_MODULES/crashes.so" plugins/
refused crashes 'it crashes while it is opened (signal 11, Segmentation fault)'
cp "$WEIR_TEST_MODULES/sample.so" plugins/
run "$WEIR" inspect --plugin-path plugins
expect_status 0
expect_match stdout '^  sample +1\.2  producer   Makes samples$'
expect_match stdout '^  crashes +broken: it crashes while it is opened '
rm plugins/*

# ---- tables that contradict themselves --------------------------------------------------------------------------------------------

wrong "missing callbacks" 'consumer: has neither consume() nor flush()' <<'END'
static const WeirRole role = { .summary = (consume == NULL ? NULL : "Takes nothing") };
END
wrong "a callback of another role" 'consumer: has pause() without resume()' <<'END'
static void pause_it (WeirStage *stage, gpointer self) { (void) stage; (void) self; }
static const WeirRole role = { .consume = consume, .pause = pause_it };
END
option "an option with an engine's name" 'option "queue": this key belongs to the engine' \
  '{ "queue", NULL, NULL, NULL, 0, WEIR_OPTION_STRING_, 0 }'
option "an option that is there twice" 'option "text": it is there twice' \
  'WEIR_STRING (State, text, NULL, 0, "A"), WEIR_STRING (State, text, NULL, 0, "B")'
option "a default outside of its range" 'option "number": its default: found "0", expected a whole number from 1 to 10' \
  'WEIR_INTEGER (State, number, "0", "1..10", 0, "A number")'
option "a default that is no choice" 'option "choice": its default: found "c", expected one of "a", "b"' \
  'WEIR_CHOICE (State, choice, "c", "a|b", 0, "A choice")'
option "a choice without words" 'option "choice": it is a choice and names nothing to choose from' \
  'WEIR_CHOICE (State, choice, NULL, NULL, 0, "A choice")'
option "a required option with a default" 'option "text": it is required and has a default' \
  'WEIR_STRING (State, text, "x", WEIR_REQUIRED, "A text")'
option "a range upside down" 'option "number": found the range "10..1", expected LOW..HIGH, LOW.. or ..HIGH' \
  'WEIR_INTEGER (State, number, NULL, "10..1", 0, "A number")'
option "two options that share a field" 'option "b": it shares its field with "a"' \
  '{ "a", NULL, NULL, NULL, 0, WEIR_OPTION_STRING_, 0 }, { "b", NULL, NULL, NULL, 0, WEIR_OPTION_STRING_, 0 }'
option "a field outside of the state" 'option "a": its field, bytes 800 to 808, lies outside the state of 24 bytes' \
  '{ "a", NULL, NULL, NULL, 800, WEIR_OPTION_STRING_, 0 }'
rm plugins/*

# ---- what others may have put there --------------------------------------------------------------------------------------------

begin "a folder that everybody writes to"
cp "$WEIR_TEST_MODULES/sample.so" plugins/
chmod 1777 plugins
refused sample 'found its folder writable by everyone (mode 1777), expected only its owner or group to be'
chmod 755 plugins

begin "an object that everybody writes to"
chmod 666 plugins/sample.so
refused sample 'found the file writable by everyone (mode 0666), expected only its owner or group to be'
chmod 644 plugins/sample.so

begin "a link into a folder that everybody writes to"
mkdir shared
mv plugins/sample.so shared/
ln -s ../shared/sample.so plugins/
chmod 777 shared
refused sample 'found the folder that it is linked to writable by everyone (mode 0777), expected only its owner or group to be'
chmod 755 shared
run "$WEIR" inspect --plugin-path plugins sample
expect_status 0

# Only root can give files away.
if [ "$(id -u)" = 0 ]; then
  begin "an object and a folder of somebody else"
  chown 4321 shared/sample.so
  refused sample "found the file owned by user 4321, expected root, user 0 who runs this, or the owner of weir itself"
  chown 0 shared/sample.so
  chown 4321 plugins
  refused sample "found its folder owned by user 4321, expected root, user 0 who runs this, or the owner of weir itself"
  chown 0 plugins
fi

# ---- two of one name -------------------------------------------------------------------------------------------------------------

mkdir more
cp "$WEIR_TEST_MODULES/taker.so" plugins/
cp "$WEIR_TEST_MODULES/taker.so" more/
echo '{ "producers": { "in": { "plugin": "generate", "count": 1 } },
  "consumers": { "a": { "plugin": "taker", "from": "in" }, "b": { "plugin": "taker", "from": "a.rejected" } } }' >two.json
told="plugin \"taker\" is $SCRATCH/plugins/taker.so, which hides $SCRATCH/more/taker.so"

begin "two plugins of one name: check says which one it is, once, and strictly that is no mistake"
run "$WEIR" check --strict --plugin-path plugins --plugin-path more two.json
expect_status 0
expect_stderr "two.json: note: $told"
run "$WEIR" check --plugin-path plugins two.json
expect_status 0
expect_stderr ''

begin "two plugins of one name: run says it too, where it says anything"
run "$WEIR" run --plugin-path plugins --plugin-path more two.json
expect_status 0
head -n 1 stderr >first
expect_text first "weir: $told"
run "$WEIR" run --quiet --plugin-path plugins --plugin-path more two.json
expect_status 0
expect_stderr ''

begin "two plugins of one name: inspect names both"
run "$WEIR" inspect --plugin-path plugins --plugin-path more taker
expect_status 0
expect_match stdout "^$SCRATCH/plugins/taker\.so$"
expect_match stdout "^hides $SCRATCH/more/taker\.so$"
run "$WEIR" inspect --plugin-path plugins --plugin-path more
expect_match stdout "^  taker +hidden by $SCRATCH/plugins/taker\.so$"

begin "two plugins of one name: the first is not passed over where it is broken"
echo 'a text' >plugins/taker.so
run "$WEIR" check --plugin-path plugins --plugin-path more two.json
expect_status 2
expect_stderr "two.json:2:35: error: consumers.a.plugin: plugin \"taker\" ($SCRATCH/plugins/taker.so): found a file that is no ELF object, expected a shared object
two.json:2:77: error: consumers.b.plugin: plugin \"taker\" ($SCRATCH/plugins/taker.so): found a file that is no ELF object, expected a shared object"

finish
