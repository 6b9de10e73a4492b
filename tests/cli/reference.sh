#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/reference.md is what the plugins of this build say of themselves; `make reference` writes it anew.
. "$(dirname "$0")/lib.sh"

unset MAKEFLAGS MAKELEVEL MFLAGS
export WEIR_PLUGIN_PATH=

begin "the reference is not stale"
run make -s -C "$WEIR_BUILD" reference REFERENCE="$SCRATCH/reference.md"
expect_status 0
expect_file "$WEIR_SOURCE/docs/reference.md" reference.md
[ $case_failed = no ] || echo "  run make reference"

begin "every plugin that is built is in it"
for name in $(make -s -C "$WEIR_BUILD" --eval='print-it: ; @echo $(pkglib_LTLIBRARIES)' print-it); do
  name=${name##*/}
  expect_match reference.md "^## ${name%.la}\$"
done

begin "every link in it leads somewhere"
grep -o '(#[a-z0-9-]*)' reference.md | tr -d '(#)' | sort >links
sed -n 's/^### \(.*\): \(.*\)$/\1-\2/p' reference.md | sort >headings
expect_file links headings

begin "what is no plugin writes no reference"
run make -s -C "$WEIR_BUILD" reference REFERENCE="$SCRATCH/none.md" reference_plugins=no-such
[ "$status" != 0 ] || fail "exit status 0"
expect_missing none.md none.md.new

finish
