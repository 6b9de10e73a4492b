#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/getting-started.md is true: its files are written, its commands run in order, and their output compared line by line; "..."
# stands for any text within a line, a line of "..." alone for any number of lines.
. "$(dirname "$0")/lib.sh"

PATH=$(dirname "$WEIR"):$PATH
guide=$WEIR_SOURCE/docs/getting-started.md
kind='' command='' count=0

# Turns an expected line into a glob for [[ == ]].
glob () {
  local text=$1
  text=${text//\\/\\\\} text=${text//\*/\\*} text=${text//\?/\\?} text=${text//\[/\\[}
  printf '%s' "${text//.../*}"
}

check_command () {
  [ -n "$command" ] || return 0
  begin "$command"
  count=$((count + 1))
  run bash -c "exec 2>&1; $command"
  expect_status 0
  local wanted='' line
  for line in ${expected[@]+"${expected[@]}"}; do
    wanted+="$(glob "$line")"$'\n'
  done
  # shellcheck disable=SC2053
  [[ "$(cat stdout)"$'\n' == ${wanted:-$'\n'} ]] || fail "its output is not what the guide shows: $(cat stdout)"
  command=''
}

expected=()
while IFS= read -r line; do
  case $line in
    '```json file='*) kind=${line#*file=} && : >"$kind" ;;
    '```console') kind=console ;;
    '```')
      [ "$kind" != console ] || check_command
      kind=''
      ;;
    *)
      case $kind in
        '') ;;
        console)
          if [ "${line#\$ }" != "$line" ]; then
            check_command
            command=${line#\$ } expected=()
          else
            expected+=("$line")
          fi
          ;;
        *) printf '%s\n' "$line" >>"$kind" ;;
      esac
      ;;
  esac
done <"$guide"

begin "the guide has commands"
[ $count -ge 10 ] || fail "only $count were found"

finish
