# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by the whole-program tests (bash). `make check` sets WEIR (the built program), WEIR_SOURCE and WEIR_BUILD (the top folders)
# and WEIR_TEST_MODULES; by hand, run a test from the top of the build tree. The test's working directory is a new folder $SCRATCH
# that goes away with it. A test is a list of cases:
#
#   . "$(dirname "$0")/lib.sh"
#   begin "an unknown command is refused"
#   run "$WEIR" nonsense
#   expect_status 2
#   expect_stdout ''
#   expect_stderr 'weir: unknown command "nonsense"; see weir --help'
#   finish
#
# A case fails with its first expectation that does not hold; each is counted once. `finish` ends the last case, prints the line
# that .ci/run adds up, and exits 1 when a case failed.
set -u
umask 022
unset CDPATH

export LC_ALL=C
: "${WEIR_BUILD:=$PWD}"
: "${WEIR:=$WEIR_BUILD/weir}"
: "${WEIR_SOURCE:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${WEIR_TEST_MODULES:=$WEIR_BUILD/tests/modules/.libs}"
[ -x "$WEIR" ] || { echo "lib.sh: no program at $WEIR; set WEIR" >&2; exit 99; }

SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/weir-test.XXXXXX") || exit 99
cases=0 failures=0 errors=0 case_name='' case_failed=no finished=no

# Processes that a case left in the background are ended with the test. A test that never reached `finish` has failed.
leave () {
  local status=$?
  [ "$BASHPID" = $$ ] || exit $status # a copy of this script that a signal has met before it became a program
  local children
  children=$(jobs -p)
  [ -z "$children" ] || kill $children 2>/dev/null
  cd / && rm -rf "$SCRATCH"
  if [ "$finished" = no ]; then
    echo "the script ended before its time, in \"$case_name\" (status $status)"
    errors=$((errors + 1)) finished=yes
    print_totals
    exit 1
  fi
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$SCRATCH" || exit 99

print_totals () {
  local percent=100
  [ $cases = 0 ] || percent=$(((cases - failures - errors) * 100 / cases))
  [ $percent -ge 0 ] || percent=0
  echo "$percent%: Checks: $cases, Failures: $failures, Errors: $errors"
}

end_case () {
  [ -n "$case_name" ] || return 0
  if [ $case_failed = yes ]; then
    failures=$((failures + 1))
  else
    echo "ok: $case_name"
  fi
  case_name=''
}

# begin NAME: the next case.
begin () {
  end_case
  case_name=$1 case_failed=no
  cases=$((cases + 1))
}

# fail TEXT...: this case has failed.
fail () {
  case_failed=yes
  echo "FAILED: $case_name (line ${BASH_LINENO[${#BASH_LINENO[@]} - 2]})"
  printf '  %s\n' "$@"
}

# finish: the last line of a test.
finish () {
  end_case
  finished=yes
  print_totals
  [ $((failures + errors)) = 0 ]
  exit
}

# run COMMAND...: runs it with nothing on standard input; its output is in the files stdout and stderr, its status in $status.
run () {
  "$@" </dev/null >stdout 2>stderr
  status=$?
}

# run_with FILE COMMAND...: the same, with FILE on standard input.
run_with () {
  local input=$1
  shift
  "$@" <"$input" >stdout 2>stderr
  status=$?
}

# expect_status NUMBER
expect_status () {
  [ "$status" = "$1" ] || fail "exit status $status, expected $1" "standard error: $(head -c 2000 stderr)"
}

# expect_stdout TEXT, expect_stderr TEXT: the whole output, to the byte but for the newline at its end.
expect_stdout () { expect_text stdout "$1"; }
expect_stderr () { expect_text stderr "$1"; }

# expect_text FILE TEXT: FILE holds TEXT and a newline; nothing at all when TEXT is empty.
expect_text () {
  local wanted=$SCRATCH/.wanted
  if [ -n "$2" ]; then printf '%s\n' "$2" >"$wanted"; else : >"$wanted"; fi
  same_file "$1" "$wanted"
}

# expect_file FILE WANTED: FILE is byte for byte what WANTED is.
expect_file () { same_file "$1" "$2"; }

same_file () {
  [ -e "$1" ] || { fail "$1 is missing"; return; }
  cmp -s "$1" "$2" || fail "$1 differs (-: expected, +: found)" "$(diff -a -u "$2" "$1" | tail -n +3 | head -n 40)"
}

# expect_match FILE PATTERN: a line of FILE matches the extended regular expression; for what cannot be known to the byte.
expect_match () {
  grep -E -q -e "$2" "$1" || fail "no line of $1 matches: $2" "$(head -c 2000 "$1")"
}

# expect_no_match FILE PATTERN
expect_no_match () {
  ! grep -E -q -e "$2" "$1" || fail "$1 matches: $2" "$(grep -E -e "$2" "$1" | head -n 5)"
}

# expect_missing PATH...: nothing was left there.
expect_missing () {
  local path
  for path in "$@"; do
    [ ! -e "$path" ] || fail "$path was left behind"
  done
}

# expect COMMAND...: the command succeeds.
expect () {
  "$@" || fail "failed with status $?: $*"
}

# has_each FILE WANTED: each line of WANTED ends one of FILE; of one that somebody was killed in, a part may stand in front of it.
has_each () {
  comm -13 <(sort -u "$1") <(sort -u "$2") | while read -r line; do
    grep -q -e "$line\$" "$1" || return 1
  done
}

# wait_until COMMAND...: waits, at most a minute, until the command succeeds; for what another process does.
wait_until () {
  local deadline=$((SECONDS + 60))
  until "$@" 2>/dev/null; do
    [ $SECONDS -lt $deadline ] || { fail "after a minute still not: $*"; return 1; }
    read -r -t 0.01 <> <(:) || :
  done
}
