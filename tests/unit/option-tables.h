/* SPDX-License-Identifier: Apache-2.0 */
/* option-tables.h: a table with an option of each kind, and the state that it fills, for the tests of options. */
#pragma once

#include "options.h"

typedef struct {
  const char *text, *path, *line, *token;
  const char *const *list;
  const WeirPair *map;
  gboolean flag;
  gint64 port, count;
  double rate;
  guint64 size, chunk;
  gint64 wait, pause;
  int mode;
} State;

G_GNUC_UNUSED static const WeirOption table[] = {
  WEIR_STRING (State, text, "some", 0, "A text"),
  WEIR_STRING (State, path, NULL, WEIR_REQUIRED | WEIR_PATH, "File to read"),
  WEIR_STRING (State, line, NULL, WEIR_TEMPLATE, "A line"),
  WEIR_STRING (State, token, NULL, WEIR_SECRET, "A token"),
  WEIR_STRINGS (State, list, "[\"a\", \"b\"]", 0, "A list"),
  WEIR_MAP (State, map, 0, "A map"),
  WEIR_BOOLEAN (State, flag, "true", 0, "A flag"),
  WEIR_INTEGER (State, port, "80", "1..65535", 0, "A port"),
  WEIR_INTEGER (State, count, NULL, "-5..", 0, "A count"),
  WEIR_NUMBER (State, rate, "0.25", "0..1", 0, "A rate"),
  WEIR_SIZE (State, size, "64KiB", "1..1MiB", 0, "A size"),
  WEIR_SIZE (State, chunk, NULL, NULL, 0, "A chunk"),
  WEIR_DURATION (State, wait, "100ms", "..1h", 0, "A wait"),
  WEIR_DURATION (State, pause, NULL, NULL, 0, "A pause"),
  WEIR_CHOICE (State, mode, "batch", "none|batch|record", 0, "A mode"),
  WEIR_OPTIONS_END,
};
