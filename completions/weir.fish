# SPDX-License-Identifier: Apache-2.0
# fish completion for weir(1)
complete -c weir -f -n __fish_use_subcommand -a run -d 'Run a pipeline'
complete -c weir -f -n __fish_use_subcommand -a check -d 'Tell every mistake in a pipeline file'
complete -c weir -f -n __fish_use_subcommand -a graph -d 'Draw a pipeline'
complete -c weir -f -n __fish_use_subcommand -a inspect -d 'Show plugins and their options'
complete -c weir -n __fish_use_subcommand -l version -d 'Print the version and the libraries in use'
complete -c weir -l help -d 'Show help'
complete -c weir -n '__fish_seen_subcommand_from run check graph inspect' -l plugin-path -r -a '(__fish_complete_directories)' -d 'Look for plugins here first'
complete -c weir -n '__fish_seen_subcommand_from run check graph' -l set -x -d 'STAGE.OPTION=VALUE'
complete -c weir -n '__fish_seen_subcommand_from run' -l progress -d 'Show what every link does'
complete -c weir -n '__fish_seen_subcommand_from run' -l quiet -d 'Neither progress nor summary'
complete -c weir -n '__fish_seen_subcommand_from run' -l summary -r -d 'Also write the summary as JSON'
complete -c weir -n '__fish_seen_subcommand_from run' -l daemon -d 'Go to the background when ready'
complete -c weir -n '__fish_seen_subcommand_from run' -l pid-file -r -d 'Write and lock a pid file'
complete -c weir -n '__fish_seen_subcommand_from check' -l strict -d 'Warnings count as errors'
complete -c weir -n '__fish_seen_subcommand_from graph' -l format -x -a 'text dot mermaid' -d 'Of the drawing'
complete -c weir -f -n '__fish_seen_subcommand_from inspect' -l json -d 'As JSON'
complete -c weir -f -n '__fish_seen_subcommand_from inspect' -a "(weir inspect 2>/dev/null | awk '/^  [a-z]/ { print \$1 }')"
