#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir --version, --help, and a command line without a command.
. "$(dirname "$0")/lib.sh"

begin "--version names the program and its libraries"
run "$WEIR" --version
expect_status 0
expect_match stdout '^weir [0-9]+\.[0-9]+\.[0-9]+, plugin ABI 1$'
expect_match stdout '^plugins in .*/plugins/\.libs, .*/weir$'
expect_match stdout '^GLib [0-9.]+, json-c [0-9.]+, PCRE2 [0-9.]+ [0-9-]+$'
expect_stderr ''

begin "--help goes to standard output"
run "$WEIR" --help
expect_status 0
expect_match stdout '^Usage:$'
expect_match stdout '^  --version '
expect_stderr ''

begin "help says what --help says"
cp stdout wanted
for arguments in help 'help help' 'help --help' 'help -h'; do
  run "$WEIR" $arguments
  expect_status 0
  expect_file stdout wanted
  expect_stderr ''
done
expect_match stdout '^  help  '

begin "help COMMAND says what COMMAND --help says"
for command in run check graph inspect schema new-plugin; do
  run "$WEIR" $command --help
  expect_status 0
  cp stdout wanted
  run "$WEIR" help $command
  expect_status 0
  expect_file stdout wanted
  expect_match stdout "^  weir $command \\[OPTION"
  expect_stderr ''
done

begin "help of what is no command"
run "$WEIR" help chekc
expect_status 2
expect_stdout ''
expect_stderr 'weir: unknown command "chekc"; did you mean "check"?; see weir --help'

begin "help of two commands"
run "$WEIR" help run check
expect_status 2
expect_stdout ''
expect_stderr 'weir: help: found 2 arguments, expected one command or none; see weir help --help'

begin "no command is bad usage"
run "$WEIR"
expect_status 2
expect_stdout ''
expect_stderr 'weir: no command given; see weir --help'

begin "an unknown command is bad usage"
run "$WEIR" nonsense
expect_status 2
expect_stdout ''
expect_stderr 'weir: unknown command "nonsense"; see weir --help'

begin "an unknown option is bad usage"
run "$WEIR" --nonsense
expect_status 2
expect_stdout ''
expect_stderr 'weir: Unknown option --nonsense; see weir --help'

finish
