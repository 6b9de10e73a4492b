#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir inspect: what is found where, one plugin, JSON, and what goes wrong. The plugins are those of tests/modules.
. "$(dirname "$0")/lib.sh"

unset WEIR_PLUGIN_PATH
mkdir first second empty
chmod 755 . first second empty
for name in crashes noisy other-abi sample; do
  cp "$WEIR_TEST_MODULES/$name.so" first/ || exit 99
done
cp first/sample.so second/

begin "a list says what is found where, what is broken and what is hidden"
run "$WEIR" inspect --plugin-path first --plugin-path second
expect_status 0
expect_stderr ''
sed -n "/hidden by/q;p" stdout >own
expect_text own "$SCRATCH/first
  noisy      1.0  consumer   Prints when it is opened
  sample     1.2  producer   Makes samples
                  transform  Parts the even samples from the odd ones, and says
                             so in a summary that is too long for one line
                  consumer   Takes samples
  crashes    broken: it crashes while it is opened (signal 11, Segmentation
             fault)
  other-abi  broken: ABI 2, this weir has ABI 1; rebuild the plugin against this
             weir's headers

$SCRATCH/second"
expect_match stdout "^  sample     hidden by $SCRATCH/first/sample\.so$"

begin "WEIR_PLUGIN_PATH comes behind --plugin-path"
run env WEIR_PLUGIN_PATH="$SCRATCH/first:$SCRATCH/empty" "$WEIR" inspect --plugin-path second
expect_status 0
expect_match stdout "^  sample     hidden by $SCRATCH/second/sample\.so$"
grep "^$SCRATCH" stdout >folders
expect_text folders "$SCRATCH/second
$SCRATCH/first
$SCRATCH/empty"
expect_match stdout '^  no plugins$'

begin "a folder that is missing is said to be"
run "$WEIR" inspect --plugin-path nowhere
expect_status 0
expect_match stdout "^$SCRATCH/nowhere: No such file or directory$"

begin "one plugin is shown with all its options"
run "$WEIR" inspect sample --plugin-path first --plugin-path second
expect_status 0
expect_stderr ''
expect_stdout "sample 1.2, built for Weir 0.1
$SCRATCH/first/sample.so
hides $SCRATCH/second/sample.so

Producer: Makes samples

  path      string, path; required
            File to read
  token     string, secret
            What is never shown
  line      string, template; default \"{time} {}\"
            How a line is made of a record
  names     strings; default [\"a\",\"b\"]
            Some names
  headers   map
            Headers to send along with everything that is sent, so many that
            this text needs two lines
  follow    boolean; default false
            Wait for more at the end
  port      integer from 1 to 65535; default 80
            A port
  rate      number of at least 0; default 0.5
            A rate
  chunk     size from 1 to 1MiB; default 64KiB
            Bytes read at a time
  wait      duration of at most 1h; default 100ms
            How long to wait
  mode      choice: none, batch; default none

  counters: reopened, truncated
  tags: path, line_number
  flags: blocking, bytes

Transform: Parts the even samples from the odd ones, and says so in a summary
  that is too long for one line

  ports: even, odd
  flags: stateless

Consumer: Takes samples"

begin "no line is longer than 80 columns"
expect_no_match stdout '.{81}'

begin "one plugin as JSON"
run "$WEIR" inspect noisy --json --plugin-path first
expect_status 0
expect_stderr ''
tr -d ' \n' <stdout >packed
echo "{\"name\":\"noisy\",\"version\":\"1.0\",\"abi\":1,\"built_for\":\"0.1\",\"roles\":{\"consumer\":{\"summary\":\"Printswhenitisopened\",\
\"flags\":[],\"options\":[],\"counters\":[],\"ports\":[],\"tags\":[]}},\"file\":\"$SCRATCH/first/noisy.so\",\"hides\":[]}" | tr -d '\n' >wanted
expect_file packed wanted

begin "a list as JSON"
run "$WEIR" inspect --json --plugin-path first --plugin-path second
expect_status 0
expect_stderr ''
expect_match stdout "^      \"file\": \"$SCRATCH/first/sample\.so\"$"
expect_match stdout "^      \"hidden_by\": \"$SCRATCH/first/sample\.so\"$"
expect_match stdout '^      "error": "it crashes while it is opened \(signal 11, Segmentation fault\)"$'
expect_match stdout "^      \"folder\": \"$SCRATCH/first\"$"

begin "one plugin as Markdown"
run "$WEIR" inspect sample --markdown --plugin-path first --plugin-path second
expect_status 0
expect_stderr ''
cat >wanted <<'MARKDOWN'
## sample

Version 1.2.

### sample: producer

Makes samples.

| option | type | default | |
| --- | --- | --- | --- |
| `path` | string, path | required | File to read |
| `token` | string, secret |  | What is never shown |
| `line` | string, template | `"{time} {}"` | How a line is made of a record |
| `names` | strings | `["a","b"]` | Some names |
| `headers` | map |  | Headers to send along with everything that is sent, so many that this text needs two lines |
| `follow` | boolean | `false` | Wait for more at the end |
| `port` | integer from 1 to 65535 | `80` | A port |
| `rate` | number of at least 0 | `0.5` | A rate |
| `chunk` | size from 1 to 1MiB | `64KiB` | Bytes read at a time |
| `wait` | duration of at most 1h | `100ms` | How long to wait |
| `mode` | choice: `none`, `batch` | `none` |  |

- tags: `path`, `line_number`
- counters: `reopened`, `truncated`
- flags: `blocking`, `bytes`

### sample: transform

Parts the even samples from the odd ones, and says so in a summary that is too long for one line.

- outputs: `even`, `odd`
- flags: `stateless`

### sample: consumer

Takes samples.
MARKDOWN
expect_file stdout wanted

begin "all plugins as Markdown, without those that are hidden; one that crashes is said to"
run "$WEIR" inspect --markdown --plugin-path first --plugin-path second
expect_status 0
expect_stderr ''
expect_match stdout '^# Plugins$'
expect_match stdout '^\| \[noisy\]\(#noisy-consumer\) \| consumer \| Prints when it is opened \|$'
expect_match stdout '^\| crashes \| broken \| it crashes while it is opened \(signal 11, Segmentation fault\) \|$'
expect [ "$(grep -c '^## sample$' stdout)" = 1 ]
expect_no_match stdout "$SCRATCH"

begin "some plugins as Markdown"
run "$WEIR" inspect --markdown --plugin-path first sample noisy
expect_status 0
grep '^## ' stdout >headings
expect_text headings $'## sample\n## noisy'

begin "one of several that crashes: nothing but that is said"
run "$WEIR" inspect --markdown --plugin-path first sample crashes
expect_status 2
expect_stdout ''
expect_stderr "weir: plugin \"crashes\" ($SCRATCH/first/crashes.so): it crashes while it is opened (signal 11, Segmentation fault)"

begin "JSON and Markdown at once is bad usage"
run "$WEIR" inspect --markdown --json
expect_status 2
expect_stdout ''
expect_stderr 'weir: inspect: found --json and --markdown, expected one of them; see weir inspect --help'

begin "a secret's default is nowhere"
run "$WEIR" inspect sample --json --plugin-path first
expect_status 0
expect_no_match stdout 'hush'
run "$WEIR" inspect sample --markdown --plugin-path first
expect_no_match stdout 'hush'
run "$WEIR" schema --plugin-path first
expect_match stdout 'What is never shown'
expect_no_match stdout 'hush'

begin "an unknown plugin is guessed at"
run "$WEIR" inspect smaple --plugin-path first
expect_status 2
expect_stdout ''
expect_stderr 'weir: unknown plugin "smaple"; did you mean "sample"?'

begin "a plugin's file is not its name: what to give instead"
for file in ./sample.so first/sample sample.so; do
  run "$WEIR" inspect --plugin-path first "$file"
  expect_status 2
  expect_stdout ''
  expect_stderr "weir: unknown plugin \"$file\"; expected a plugin's name, not its file: where that lies is given by --plugin-path FOLDER"
done

begin "an unknown plugin like no other names the folders"
run "$WEIR" inspect xyzzy --plugin-path first --plugin-path nowhere
expect_status 2
expect_stdout ''
expect_match stderr "^weir: unknown plugin \"xyzzy\"; looked in $SCRATCH/first, $SCRATCH/nowhere \(No such file or directory\), "

begin "a plugin that crashes is told"
run "$WEIR" inspect crashes --plugin-path first
expect_status 2
expect_stdout ''
expect_stderr "weir: plugin \"crashes\" ($SCRATCH/first/crashes.so): it crashes while it is opened (signal 11, Segmentation fault)"

begin "a plugin that writes to the pipe by which it is described is told, and does no harm"
mkdir talking && cp "$WEIR_TEST_MODULES/babbles.so" "$WEIR_TEST_MODULES/noisy.so" talking/
run "$WEIR" inspect babbles --plugin-path talking
expect_status 2
expect_stderr "weir: plugin \"babbles\" ($SCRATCH/talking/babbles.so): it writes to what is not its own while it is opened"
run "$WEIR" inspect --plugin-path talking
expect_status 0
expect_match stdout '^  babbles +broken: it writes to what is not its own while it is opened$'
expect_match stdout '^  noisy +1\.0  consumer   Prints when it is opened$'
cat >talking.json <<'JSON'
{ "producers": { "gen": { "plugin": "generate" } },
  "consumers": { "a": { "plugin": "babbles", "from": "gen" }, "b": { "plugin": "noisy", "from": "gen" } } }
JSON
run "$WEIR" check --plugin-path talking talking.json
expect_status 0

begin "a plugin for another ABI is told"
run "$WEIR" inspect --json other-abi --plugin-path first
expect_status 2
expect_stdout ''
expect_stderr "weir: plugin \"other-abi\" ($SCRATCH/first/other-abi.so): ABI 2, this weir has ABI 1; \
rebuild the plugin against this weir's headers"

begin "a folder that everybody writes to is not trusted"
mkdir open && chmod 777 open && cp first/sample.so open/
run "$WEIR" inspect sample --plugin-path open
expect_status 2
expect_stdout ''
expect_stderr "weir: plugin \"sample\" ($SCRATCH/open/sample.so): found its folder writable by everyone (mode 0777), \
expected only its owner or group to be"

begin "two plugins are bad usage"
run "$WEIR" inspect sample noisy
expect_status 2
expect_stdout ''
expect_stderr 'weir: inspect: found 2 arguments, expected one plugin or none; see weir inspect --help'

begin "an unknown option is bad usage"
run "$WEIR" inspect --nonsense
expect_status 2
expect_stdout ''
expect_stderr 'weir: inspect: Unknown option --nonsense; see weir inspect --help'

begin "--help"
run "$WEIR" inspect --help
expect_status 0
expect_match stdout '^  weir inspect \[OPTION.*\] \[PLUGIN\]$'
expect_stderr ''

begin "a full disk is told"
if [ -w /dev/full ]; then
  "$WEIR" inspect --plugin-path first >/dev/full 2>stderr
  status=$?
  expect_status 1
  expect_stderr 'weir: inspect: cannot write to standard output: No space left on device'
fi

finish
