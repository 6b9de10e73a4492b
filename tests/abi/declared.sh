#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# declared.sh HEADER...: the names of the functions that the headers export, sorted, a line each.
sed -z -E 's@/\*([^*]|\*+[^*/])*\*+/@@g; s@\\\n@ @g; s@(^|\n)#[^\n]*@@g; s@\n@ @g' "$@" | tr '\0' ' ' | grep -o 'WEIR_EXPORT [^;]*;' |
  sed -n -E 's/^WEIR_EXPORT [^(]*\b(weir_[a-z_0-9]+) \(.*/\1/p' | LC_ALL=C sort -u
