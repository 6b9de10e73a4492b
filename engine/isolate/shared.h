/* SPDX-License-Identifier: Apache-2.0 */
/* shared.h: the page that a stage which is isolated shares with its child process: what has been released, and its figures.
 * The child writes, but for `wants`; the parent reads, and trusts nothing: what has been released is at most what was sent. It outlives
 * the child, so that after a crash it is known to the record what was undone. */
#pragma once

#include "figures.h"

typedef struct {
  _Atomic guint32 wants; /* the parent is to be told of the next release */
  _Atomic guint32 over;  /* the child has come to its end in good order */
  _Atomic guint64 records_in, bytes_in, rejected, refused, errors, made; /* made: records put on its outputs */
  _Atomic guint64 clocks[WEIR_CLOCKS];
  guint32 inputs, counters;
  _Atomic guint64 cells[]; /* positions up to which each input is released, then the counters */
} WeirShared;

/* NULL: errno says why. *fd is the memory's, closed on exec. */
WeirShared *weir_shared_new (guint inputs, guint counters, int *fd);
/* Maps what was made by another process, whose sizes are checked. */
WeirShared *weir_shared_map (int fd, guint inputs, guint counters);
/* For another child: figures stay, what was released and made does not. No child is there. */
void weir_shared_renew (WeirShared *shared);
void weir_shared_free (WeirShared *shared);

static inline _Atomic guint64 *
weir_shared_released (WeirShared *shared, guint input)
{
  return &shared->cells[input];
}

/* inputs: as this process knows them. */
static inline _Atomic guint64 *
weir_shared_counter (WeirShared *shared, guint inputs, guint counter)
{
  return &shared->cells[inputs + counter];
}
