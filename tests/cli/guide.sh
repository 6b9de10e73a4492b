# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced behind lib.sh by tests of pages in docs/: what a page shows is true. Its blocks that name a file (```json file=NAME) are written,
# its ```console commands run in order, and their output is compared line by line; "..." stands for any text within a line, a line
# of "..." alone for any number of lines.

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
  [[ "$(cat stdout)"$'\n' == ${wanted:-$'\n'} ]] || fail "its output is not what the page shows: $(cat stdout)"
  command=''
}

# follow_guide PAGE COMMANDS: at least so many commands are in it.
follow_guide () {
  local kind='' command='' count=0 expected=() line
  while IFS= read -r line; do
    case $line in
      '```'*' file='*) kind=${line#*file=} && : >"$kind" ;;
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
  done <"$1"
  begin "the page has commands"
  [ $count -ge "$2" ] || fail "only $count were found"
}
