#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir inspect: what is found where, one plugin, JSON, and what goes wrong.
. "$(dirname "$0")/lib.sh"
finish
