#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir schema, judged by a validator: what it prints is a schema, and it says of pipelines what the loader says of them, of those in
# conf/, of all that the loader's own tests load or refuse, and of every option with every kind of value.
python=/usr/bin/python3
if ! $python -c 'from jsonschema import Draft202012Validator' 2>/dev/null; then
  echo "schema.sh: $python has no jsonschema"
  [ "${CI:-}" != true ] || { echo "0%: Checks: 1, Failures: 0, Errors: 1"; exit 1; }
  exit 77
fi
. "$(dirname "$0")/lib.sh"

unset WEIR_PLUGIN_PATH
export WEIR_SOURCE WEIR_BUILD WEIR_TEST_MODULES

# judge WHAT ARGUMENT...: tests/cli/schema-check.py finds nothing wrong.
judge () {
  run $python "$WEIR_SOURCE/tests/cli/schema-check.py" "$1" schema.json "${@:2}"
  [ "$status" = 0 ] || fail "$(head -c 4000 stdout)" "$(tail -n 5 stderr)"
}

mkdir modules broken none
chmod 755 . modules broken
for name in doors noisy probe sample taker turnstile; do
  cp "$WEIR_TEST_MODULES/$name.so" modules/ || exit 99
done
cp "$WEIR_TEST_MODULES/crashes.so" "$WEIR_TEST_MODULES/other-abi.so" broken/

begin "it is a schema, and its defaults are allowed by it"
run "$WEIR" schema --plugin-path modules
expect_status 0
expect_stderr ''
mv stdout schema.json
judge meta

begin "it is the same each time"
run "$WEIR" schema --plugin-path modules
expect_file stdout schema.json

begin "a plugin that crashes is told and left out; the others are in it"
run "$WEIR" schema --plugin-path modules --plugin-path broken
expect_status 0
expect_stderr "weir: schema: left out: plugin \"crashes\" ($SCRATCH/broken/crashes.so): it crashes while it is opened (signal 11, Segmentation fault)
weir: schema: left out: plugin \"other-abi\" ($SCRATCH/broken/other-abi.so): ABI 2, this weir has ABI 1; rebuild the plugin against this weir's headers"
expect_file stdout schema.json

begin "every pipeline in conf/ fits"
judge valid "$WEIR_SOURCE"/conf/*.json

begin "a file that is only included fits its part"
cat >part.json <<'SCHEMA'
{ "consumers": { "out": { "plugin": "null", "from": "gen" } } }
SCHEMA
judge invalid part.json
sed 's|^{|{ "include": "part.json",|' part.json >includes.json
judge valid includes.json
cp schema.json whole.json
sed -i '2,/"\$defs"/{/"\$defs"/!d;}; s|^{|{ "$ref": "#/$defs/file",|' schema.json
judge valid part.json
mv whole.json schema.json

# what NAME EXPECTED TEXT: a pipeline of one consumer that is written with ' for ".
what () {
  begin "$1"
  printf '%s\n' "{'producers': {'gen': {'plugin': 'generate'}}, 'consumers': {'out': {$3}}}" | tr "'" '"' >case.json
  judge "$2" case.json
}

what "a variable may stand for any value of a string" valid \
  "'plugin': 'file', 'from': '\${A}', 'path': '\${B:-x}', 'append': '\${C}', 'rotate': '\${D}MiB', 'keep': '\${E:-3}', 'sync': '\${F}'"
what "a variable as a plugin: any option" valid "'plugin': '\${P:-tcp}', 'from': 'gen', 'connect': 'a:1'"
what "a variable that is not closed" invalid "'plugin': 'null', 'from': 'gen', 'thread': '\${A'"
what "a dollar sign that stands for itself is no way out" invalid "'plugin': 'null', 'from': 'gen', 'thread': '\$\${A}'"
what "a variable's text may hold what begins another" valid "'plugin': 'null', 'from': 'gen', 'thread': '\${A:-\${ }'"
what "a reply has the options of what it may reply through" valid "'plugin': 'reply', 'from': 'gen', 'to': 'gen', 'delimiter': 'nul'"
what "a reply has no others" invalid "'plugin': 'reply', 'from': 'gen', 'to': 'gen', 'connect': 'a:1'"
what "a reply needs to know to whom" invalid "'plugin': 'reply', 'from': 'gen'"
what "a word of a later version" invalid "'plugin': 'null', 'from': 'gen', 'copies': 2"
what "a link that is bounded again" valid "'plugin': 'null', 'queue': {'records': 0}, 'from': {'gen': {'bytes': 0, 'records': 5}}"
what "low that is not below high" invalid "'plugin': 'null', 'queue': {'low': 1.0}, 'from': 'gen'"
what "a link that loses its bound" invalid "'plugin': 'null', 'queue': {'records': 0}, 'from': {'gen': {'bytes': '0KiB'}}"
what "a link that loses its other bound" invalid "'plugin': 'null', 'queue': {'bytes': '0'}, 'from': {'gen': {'records': '0'}}"

# ---- the loader's own tests: what they load and what they refuse ----
mkdir kept
for test in "$WEIR_BUILD"/tests/unit/test-config*; do
  case ${test##*/} in *[.]*) ;; *) tests="${tests-} $test" ;; esac
done

begin "the loader's tests keep what they load"
for test in $tests; do
  run env WEIR_TEST_KEEP="$SCRATCH/kept" "$test"
  expect_status 0
done

begin "bad-input.sh tells what it refuses"
cat >keeper <<'KEEPER'
#!/bin/bash
# Stands in for weir: keeps what is checked, and what was said.
[ "$1" = check ] && [ $# = 2 ] && [ -f "$2" ] && [ "$(stat -c %s "$2")" -lt 1000000 ] || exit 0
kept=$KEEP/bad-input-$$
"$WEIR_REAL" "$@" >/dev/null 2>"$kept.lines"
cp "$2" "$kept.json"
{ echo "$2"; cat "$kept.lines"; } >"$kept.said"
cat "$kept.lines" >&2
KEEPER
chmod +x keeper
run env KEEP="$SCRATCH/kept" WEIR_REAL="$WEIR" WEIR="$SCRATCH/keeper" bash "$WEIR_SOURCE/tests/cli/bad-input.sh"
expect [ "$(find kept -name 'bad-input-*.json' | wc -l)" -ge 30 ]

begin "what they load fits, and each mistake is told that a schema can tell"
judge kept kept

# ---- every option ----
begin "every option, with every kind of value"
run "$WEIR" inspect --json --plugin-path modules
mv stdout inspect.json
judge values inspect.json value-
for file in value-*.json; do
  run "$WEIR" check --plugin-path modules "$file"
  expect_status 2
  cp stderr "$file.said"
  judge compare "$file" "$file.said"
done

# ---- the command ----
begin "an argument is bad usage"
run "$WEIR" schema tcp
expect_status 2
expect_stdout ''
expect_stderr 'weir: schema: found an argument, "tcp", expected none; see weir schema --help'

begin "an unknown option is bad usage"
run "$WEIR" schema --nonsense
expect_status 2
expect_stderr 'weir: schema: Unknown option --nonsense; see weir schema --help'

begin "a folder of plugins that is none is told, and the schema is of what there is"
run "$WEIR" schema --plugin-path nowhere
expect_status 0
expect_stderr 'weir: schema: --plugin-path: cannot open nowhere: No such file or directory'
expect_match stdout '"\$schema": "https://json-schema.org/draft/2020-12/schema"'

begin "a full disk is told"
if [ -w /dev/full ]; then
  "$WEIR" schema >/dev/full 2>stderr
  status=$?
  expect_status 1
  expect_stderr 'weir: schema: cannot write to standard output: No space left on device'
fi

finish
