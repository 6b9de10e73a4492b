#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/getting-started.md is true.
. "$(dirname "$0")/lib.sh"
. "$WEIR_SOURCE/tests/cli/guide.sh"

PATH=$(dirname "$WEIR"):$PATH
follow_guide "$WEIR_SOURCE/docs/getting-started.md" 10

finish
