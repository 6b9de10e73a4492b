#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the Spin models of DESIGN section 4 (see README.md here): each must hold, and each mutant must break the property
# that is named beside it. Needs spin and a C compiler, not the built program. `run.sh NAME` runs only NAME.pml's.
# `make check` runs it; the last line is for .ci/run.
set -u
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
only=${1:-}
cases=0 failures=0 errors=0

if ! command -v spin >/dev/null; then
  echo "run.sh: spin is not installed"
  [ "${CI:-}" != true ] || { echo "0%: Checks: 1, Failures: 0, Errors: 1"; exit 1; }
  exit 77
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/weir-model.XXXXXX") || exit 99
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cp "$here"/*.pml "$scratch" && cd "$scratch" || exit 99

# search MODEL safety|progress OPTION...: leaves what pan says in ./found. Fails when the search was not whole and found
# no error of the model either.
search () {
  local model=$1 kind=$2 build=-DSAFETY look=
  shift 2
  [ "$kind" = safety ] || { build=-DNP look=-l; }
  rm -f pan pan.*
  spin -a "$@" "$model.pml" >found 2>&1 || { echo "spin: status $?" >>found; return 1; }
  ${CC:-cc} -w -O0 $build -DMEMLIM=1500 -o pan pan.c >found 2>&1 || { echo "${CC:-cc}: status $?" >>found; return 1; }
  ./pan -m100000 -w22 $look >found 2>&1
  echo "pan: status $?" >>found
  grep -q '^pan:1: [ain]' found && return 0
  grep -q 'errors: 0$' found &&
    ! grep -q -e 'max search depth too small' -e 'Search not completed' -e 'reached -DMEMLIM' found
}

count () { # count NAME ok|failed|error
  cases=$((cases + 1))
  case $2 in
    ok) echo "ok: $1" ;;
    failed) failures=$((failures + 1)); echo "FAILED: $1"; grep . found | head -n 5 ;;
    error) errors=$((errors + 1)); echo "ERROR: $1"; grep . found | tail -n 5 ;;
  esac
}

wanted () { [ -z "$only" ] || [ "$only" = "$1" ]; }

# holds MODEL KIND WHAT OPTION...: no property is broken.
holds () {
  local model=$1 kind=$2 what=$3
  wanted "$model" || return 0
  shift 3
  if ! search "$model" "$kind" "$@"; then
    count "$model: $what" error
  elif grep -q 'errors: 0$' found; then
    count "$model: $what ($(awk '/states, stored/ { print $1; exit }' found) states)" ok
  else
    count "$model: $what" failed
  fi
}

# breaks MODEL KIND MUTANT PROPERTY OPTION...: the mutant is found out, by this property.
breaks () {
  local model=$1 kind=$2 mutant=$3 property=$4
  wanted "$model" || return 0
  shift 4
  if ! search "$model" "$kind" "-DMUTANT=$mutant" "$@"; then
    count "$model: $mutant" error
  elif grep -q "^pan:1: .*$property" found; then
    count "$model: $mutant breaks $property" ok
  else
    count "$model: $mutant must break $property" failed
  fi
}

# R1 to R4 and sleeping.
holds link safety 'pauses, resumes, waits and sleep: nothing is lost'
holds link safety 'capacity 1' -DLOW=0 -DHIGH=1 -DHARD=1
holds link progress 'no livelock' -DLOW=0 -DHIGH=1 -DHARD=1 -DRECORDS=3
for mutant in NO_FENCE_IN_WAKE NO_FENCE_IN_SLEEP NO_LOOK_BEFORE_SLEEP; do
  breaks link safety $mutant lost_wake
done
for mutant in NO_FENCE_IN_POP NO_FENCE_AFTER_PUT WAKE_BEFORE_PUBLISH NO_WAKE_AFTER_EARLY_PUBLISH; do
  breaks link safety $mutant lost_record
done
for mutant in NO_FENCE_IN_HOLD NO_LOOK_IN_HOLD NO_POP_IN_HOLD; do
  breaks link safety $mutant lost_hold
done
for mutant in NO_FENCE_AFTER_FULL NO_LOOK_AFTER_FULL NO_FENCE_AFTER_DONE RESUME_BEFORE_FENCE TAKER_CLEARS_FULL; do
  breaks link safety $mutant lost_resume
done
breaks link safety FLAG_AFTER_CALLBACK pause_and_resume_alternate
breaks link safety RESUME_ABOVE_LOW resumed_at_low_and_with_no_link_full
breaks link safety NO_WAIT_AT_HARD level_is_bounded
breaks link safety PUBLISH_BEFORE_APPEND order_is_kept
breaks link safety DONE_BEFORE_CONSUMED order_is_kept -DLOW=0 -DHIGH=1 -DHARD=1

closing=(-DCLOSE -DLOW=0 -DHIGH=1 -DHARD=1 -DRECORDS=3)
holds link safety 'a taker that has enough ends the wait at the hard limit' "${closing[@]}"
for mutant in NO_FENCE_AFTER_CLOSED CLOSE_TELLS_NOBODY NO_END_AT_CLOSED; do
  breaks link safety $mutant lost_hold "${closing[@]}"
done
holds link safety 'a stop ends the wait at the hard limit' -DSTOP
breaks link safety NO_FENCE_AFTER_REQUEST lost_request -DSTOP
breaks link safety REQUEST_TELLS_NOBODY lost_hold -DSTOP
breaks link safety NO_END_AT_STOP lost_hold -DSTOP
breaks link safety NO_REFUSAL_AFTER_STOP level_is_bounded -DSTOP

two_links=(-DLINKS=2 -DSTRONG -DNO_EARLY_PUBLISH -DRECORDS=2 -DLOW=0 -DHIGH=1)
holds link safety 'two links: one set of reasons' "${two_links[@]}" -DHARD=1
breaks link safety RESUME_AT_FIRST_LINK resumed_at_low_and_with_no_link_full "${two_links[@]}" -DHARD=1
breaks link safety TELL_BEFORE_LAST_LINK order_is_kept "${two_links[@]}" -DHARD=2

# The ready list of links.
holds fan-in safety 'no link is lost from the ready list'
breaks fan-in safety NO_FENCE_AFTER_PUT lost_record
breaks fan-in safety NO_FENCE_AFTER_LISTED lost_link
breaks fan-in safety NO_FENCE_IN_POP lost_link
breaks fan-in safety NO_EXCHANGE_OF_READY listed_once
for mutant in NO_FENCE_IN_TAKE_IDLE NO_LOOK_IN_TAKE_IDLE IDLE_FORGETS_ACTIVE; do
  breaks fan-in safety $mutant lost_record
done

# R11.
holds drop-oldest safety 'the ledger balances, order and level are kept'
breaks drop-oldest safety DROP_OF_TAKEN no_taken_record_is_dropped
breaks drop-oldest safety NO_LOCK order_is_kept
breaks drop-oldest safety PUBLISH_AFTER_UNLOCK level_is_bounded
breaks drop-oldest safety HELD_NOT_COUNTED level_is_bounded
breaks drop-oldest safety DROP_NOT_COUNTED ledger_balances
breaks drop-oldest safety WAKE_BEFORE_MOVE_IN lost_record

# R14, R15 and the releaser.
holds keep safety 'releases are noticed, and a batch never holds up its link'
holds keep progress 'no livelock' -DWINDOW=1
for mutant in NO_FENCE_AFTER_RELEASED NO_FENCE_IN_POP NO_FENCE_IN_TAKE_IDLE NO_LOOK_IN_TAKE_IDLE RELEASE_BEFORE_MARK; do
  breaks keep safety $mutant lost_release
done
breaks keep progress NO_NOTICE_IN_RUN 'non-progress cycle'
breaks keep safety DONE_PASSES_KEPT kept_records_are_never_done
breaks keep safety NO_SETTLE lost_settle
breaks keep safety SETTLE_TOLD_FOR_EVER lost_settle
breaks keep safety SETTLE_AT_EACH_VISIT settle_is_told_once
holds keep safety 'a window of kept records' -DWINDOW=1
breaks keep safety RELEASE_TELLS_LINK_ONLY lost_release -DWINDOW=1
holds keep safety 'full by age' -DAGE -DRECORDS=1
breaks keep safety NO_FENCE_AFTER_FULL lost_resume -DAGE -DRECORDS=1
breaks keep safety FULL_READ_BEFORE_IDLE lost_settle -DAGE -DRECORDS=1

percent=100
[ $cases = 0 ] || percent=$(((cases - failures - errors) * 100 / cases))
echo "$percent%: Checks: $cases, Failures: $failures, Errors: $errors"
[ $((failures + errors)) = 0 ]
