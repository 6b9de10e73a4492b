#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Is a schema right? schema-check.py WHAT SCHEMA ARGUMENT..., for tests/cli/schema.sh; Debian's python3-jsonschema is the judge.

  meta                      the schema is one, and each default in it is allowed where it stands
  valid FILE...             each pipeline fits
  invalid FILE...           none does
  kept FOLDER               NAME.json with what the loader has said of it in NAME.said: the schema says the same, mistake by mistake,
                            but for those of CANNOT and SOMETIMES
  values INSPECT FILE       writes FILE1.json, FILE2.json, ...: in them every kind of option of INSPECT (weir inspect --json) and the
                            keys of the engine have every kind of value
  compare FILE SAID         what the loader has said of such a file, and what the schema says, stage by stage
"""
import json
import os
import re
import sys

from jsonschema import Draft202012Validator

# The text itself: a schema sees values, once they are read. What else is told of such a text is not compared.
TEXT = [
    r'duplicate key ', r'trailing comma', r' is no number of JSON', r'unknown word ', r'is no escape of JSON',
    r'half of a surrogate pair', r'a string cannot hold a NUL', r'control character ', r'four hexadecimal digits', r'not UTF-8',
    r'the text ends, ', r'the text is empty', r'nested deeper than', r'NUL byte in a string', r' is out of range; ',
    r'expected (a value|a key in double quotes|":" behind the key|"," or|the end of the text)', r'is not closed on its line',
    r'the comment is not closed', r'byte order mark', r'larger than 16 MiB', r'is a folder, not a file', r'cannot open',
    r'more than 1000000? ',
]

# What a schema cannot say, by the loader's message.
CANNOT = [
    # The environment and other files.
    r'the environment has no ', r'is included twice', r'more than 64 files', r'standard input cannot be included',
    # Which names there are elsewhere in the file: a schema cannot look a value up.
    r'no stage "[A-Za-z_][A-Za-z0-9_-]*"', r'the name .* is taken', r'"[^"]*" has the ports ',
    r'is a consumer and has no output but', r'cycle: ',
    # What exists how often, which is said of one stage and follows for others.
    r'exists once for each connection of', r'each connection of ', r'belongs to no connection of',
    r'has no connections to reply to', r'" cannot be replied to',
    # Files on disk.
    r', the file that ',
    # What plugins check by code of their own.
    r'which is wrong at byte', r'expected a pattern', r'found beside text', r'found no rate', r'expected 1 to 16, or "nul"',
    r'without follow, expected both', r'expected an octal number', r'expected \{seq\}', r'expected "batch"$',
    r'without mode "batch", expected both',
]

# What it can say of some values, and not of others.
SOMETIMES = [
    r'nobody takes its output',                           # where there is no consumer at all
    r'"[^"]*" has no port ',                              # where no plugin has one of that name
    r'nothing that feeds it exists once for each',        # where it is a producer
    r'plugin "[^"]*" \(/',                                # broken: where no other folder has one of that name
    r'^low is ',                                          # where it is no string
]


# Of numbers in strings: a range, and whole bytes and microseconds.
RANGES = [
    r'found "-?[0-9.eE+-]+", expected (a whole number|a number)( from| of|$)',
    r'found "[0-9.]+[A-Za-z]*", expected a (size|duration)( from| of)', r'expected a whole number of (bytes|microseconds)',
]


def load(file):
    """A pipeline's values: comments are blanked. ValueError: that is no JSON."""
    with open(file, 'rb') as stream:
        data = stream.read()
    text = re.sub(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/',
                  lambda found: found[0] if found[0].startswith('"') else ' ', data.decode(), flags=re.S)
    return json.loads(text)


def leaves(error):
    """Paths of an error and of those that it is made of."""
    yield [str(step) for step in error.absolute_path]
    for inner in error.context or []:
        yield from leaves(inner)


def refusals(validator, document):
    return [path for error in validator.iter_errors(document) for path in leaves(error)]


def steps(path):
    """'a.b[0]["c d"]' as ['a', 'b', '0', 'c d']"""
    return [key or index or json.loads('"' + quoted + '"')
            for key, index, quoted in re.findall(r'([A-Za-z_][A-Za-z0-9_-]*)|\[([0-9]+)\]|\["((?:[^"\\]|\\.)*)"\]', path)]


def mistakes(said, file):
    """(path, message) of each line of the loader that is of the file."""
    for line in said.splitlines():
        found = re.match(r'(.+?):(?:[0-9]+:[0-9]+:)? error: (?:((?:[A-Za-z_][A-Za-z0-9_-]*|\[[0-9]+\]|\["(?:[^"\\]|\\.)*"\]|\.)+): )?(.*)', line)
        if found and found[1] == file:
            yield steps(found[2] or ''), found[3]


def matches(message, expressions, used=None):
    for expression in expressions:
        if re.search(expression, message):
            if used is not None:
                used.add(expression)
            return True
    return False


def is_told(path, paths):
    """At the mistake, in what holds it, or in it."""
    return any(other in (path, path[:-1]) or other[:len(path)] == path for other in paths)


def meta(schema, validator):
    Draft202012Validator.check_schema(schema)
    wrong = []

    def walk(node, where):
        if isinstance(node, dict):
            if 'default' in node and not isinstance(node['default'], dict):
                wrong.extend(f'{where}: default: {error.message}' for error in validator.evolve(schema=node).iter_errors(node['default']))
            for key, value in node.items():
                walk(value, f'{where}/{key}')
        elif isinstance(node, list):
            for item in node:
                walk(item, where)

    walk(schema, '')
    return wrong


def valid(validator, *files):
    wrong = []
    for file in files:
        wrong += [f'{file}: {error.json_path}: {error.message}' for error in validator.iter_errors(load(file))]
    return wrong


def invalid(validator, *files):
    return [f'{file} fits' for file in files if validator.is_valid(load(file))]


def kept(validator, folder):
    wrong, used, judged = [], set(), 0
    for name in sorted(name for name in os.listdir(folder) if name.endswith('.json')):
        with open(os.path.join(folder, name[:-5] + '.said'), encoding='utf-8', errors='replace') as stream:
            file, _, said = stream.read().partition('\n')
        told = list(mistakes(said, file))
        if any(matches(message, TEXT, used) for _, message in told):
            continue
        document, judged = load(os.path.join(folder, name)), judged + 1
        paths = refusals(validator, document)
        plain = [(path, message) for path, message in told if not matches(message, CANNOT + SOMETIMES, used)]
        if paths and not any(not matches(message, CANNOT) for _, message in told):
            wrong.append(f'{name}: refused at {paths}, and the loader says: {said or "nothing"}')
        wrong += [f'{name}: {".".join(path)}: {message}: fits: {json.dumps(document)[:2000]}'
                  for path, message in plain if not is_told(path, paths)]
    print(judged, 'pipelines')
    wrong += [f'nothing is told any more that matches {expression}' for expression in CANNOT + SOMETIMES if expression not in used]
    return wrong if judged >= 100 else wrong + ['fewer than 100']


# ---- every option with every kind of value ----

VALUES = [None, True, False, 'true', 'false', 'maybe', 0, 1, -1, 1.0, 1.5, 1000.0, 2 ** 63, 2 ** 64 - 1, '0', '1', '-1', '-0', '00',
          '1.5', '1.0', '1e3', '5KiB', '5 KiB', '1.5KiB', '5MB', '100ms', '0s', '-1s', '1.5s', '5potatoes', '5kib', '', 'x', '1x',
          '${WEIR_TEST_UNSET:-1}', '-${WEIR_TEST_UNSET:-1}', 'a${', '${1}', '${}', '$${x}', '$$${x}', '$', '$$', '{', '{a}', '{}', '{{',
          '}', '{ a }', '{a b}', '{"a": 1}', '{time}}', [], ['a'], [''], [1], ['${', 'b'], {}, {'a': 'b'}, {'a': 1}, {'a': '${'}]
SECTIONS = {'producer': 'producers', 'transform': 'transforms', 'consumer': 'consumers'}


def values(schema, inspect, file):
    with open(inspect, encoding='utf-8') as stream:
        plugins = json.load(stream)['plugins']
    pipeline = {section: {} for section in SECTIONS.values()}
    keys = [key for key, value in schema['$defs']['consumer']['properties'].items()
            if value is not False and key not in ('plugin', 'from', 'queue', 'to')]
    queue = list(schema['$defs']['queue']['properties'])
    count, seen = 0, set()

    def add(kind, stage):
        nonlocal count
        count += 1
        # A key that nobody knows: with a mistake in its table's part a role's own check() has no say.
        pipeline[SECTIONS[kind]][f's{count}'] = {**stage, 'nobody_knows': 1} if kind == 'producer' else {**stage, 'from': 'source', 'nobody_knows': 1}

    pipeline['producers']['source'] = {'plugin': 'generate'}
    for plugin in plugins:
        for kind, role in plugin['roles'].items():
            if kind in SECTIONS:
                for option in role['options']:
                    form = json.dumps({**option, 'name': '', 'help': '', 'default': ''})
                    if form in seen:
                        continue
                    seen.add(form)
                    for value in VALUES + option.get('choices', []):
                        add(kind, {'plugin': plugin['name'], option['name']: value})
    for value in VALUES + ['stop', 'debug']:
        for key in keys:
            add('consumer', {'plugin': 'null', key: value})
            add('producer', {'plugin': 'tcp', key: value})
            add('producer', {'plugin': 'stdio', key: value})
    for value in VALUES + ['pause', 0.25, 2]:
        for key in queue:
            add('consumer', {'plugin': 'null', 'queue': {key: value}})
    # The loader stops telling at 1000 mistakes: parts of that size, with all that they take from.
    stages = [(section, name, stage) for section in pipeline for name, stage in pipeline[section].items() if name != 'source']
    parts = 0
    for first in range(0, len(stages), 300):
        part = {'producers': {'source': {'plugin': 'generate'}}, 'transforms': {}, 'consumers': {}}
        for section, name, stage in stages[first:first + 300]:
            part[section][name] = stage
        parts += 1
        with open(f'{file}{parts}.json', 'w', encoding='utf-8') as stream:
            json.dump(part, stream)
    return []


def compare(validator, file, said):
    document, wrong, judged = load(file), [], 0
    with open(said, encoding='utf-8') as stream:
        told = {}
        for path, message in mistakes(stream.read(), file):
            told.setdefault(tuple(path[:2]), []).append((path[2:], message))
    paths = {}
    for path in refusals(validator, document):
        paths.setdefault(tuple(path[:2]), []).append(path[2:])
    for section in SECTIONS.values():
        for name, stage in document[section].items():
            for key, value in stage.items():
                if key in ('plugin', 'from', 'nobody_knows') or name == 'source':
                    continue
                loader = [message for path, message in told.get((section, name), []) if path[:1] == [key]]
                schema = any(path[:1] == [key] for path in paths.get((section, name), []))
                judged += 1
                plain = [message for message in loader if not matches(message, CANNOT + SOMETIMES + RANGES)]
                if 'WEIR_TEST_UNSET' in json.dumps(value):
                    plain = []
                if plain and not schema and not any(key == 'thread' and 'may block' in message for message in plain):
                    wrong.append(f'{section}.{name}: {json.dumps(stage)}: fits, and the loader says: {plain}')
                if schema and not loader:
                    wrong.append(f'{section}.{name}: {json.dumps(stage)}: refused, and the loader takes it')
    print(judged, 'values')
    return wrong if judged > 0 else ['nothing to compare']


def main():
    what, schema_file, *rest = sys.argv[1:]
    with open(schema_file, encoding='utf-8') as stream:
        schema = json.load(stream)
    validator = Draft202012Validator(schema)
    if what == 'meta':
        wrong = meta(schema, validator)
    elif what == 'values':
        wrong = values(schema, *rest)
    else:
        wrong = {'valid': valid, 'invalid': invalid, 'kept': kept, 'compare': compare}[what](validator, *rest)
    for line in wrong:
        print(line)
    return 1 if wrong else 0


sys.exit(main())
