/* SPDX-License-Identifier: Apache-2.0 */
/* blocks.h: what one peer of a listening consumer has still to be sent, where a slow one may lose records: a bounded queue of
 * blocks, each of whole records as they go over the wire, shared by all the peers that wait for it.
 * Runs on the stage's worker. */
#pragma once

#include "connection.h"

typedef struct {
  guint references;
  guint records;
  guint64 number;    /* one more than that of the block before it */
  WeirRecord view;   /* all its bytes, as a chunk of its first record's stream */
  WeirWriter behind; /* as it is behind the last record */
  guint8 bytes[];
} NetBlock;

/* The next records of a run in one block of about `most` bytes, or of one larger record; *next moves on. */
NetBlock *net_block_new (const WeirRecord *records, gsize count, gsize *next, const char *delimiter, gsize most,
                         guint64 number);
void net_block_unref (NetBlock *block);

typedef struct {
  GQueue queue; /* NetBlock */
  gsize bytes;
  gsize progress;    /* bytes of the first one, and of a delimiter before it, that are out */
  WeirWriter writer; /* as it is behind the last one that is wholly out */
  guint64 number;    /* of that */
} NetBlocks;

void net_blocks_init (NetBlocks *blocks, const char *delimiter); /* from zero */
void net_blocks_push (NetBlocks *blocks, NetBlock *block);       /* takes a reference of its own */
/* Drops the first block that is not being sent; the answer is how many records that were, 0: there is none. */
guint net_blocks_drop_oldest (NetBlocks *blocks);
/* Writes what the peer takes: OK is all of it. */
NetResult net_blocks_write (NetBlocks *blocks, NetConnection *connection, GIOCondition *wait, GError **error);
/* Drops all; the answer is how many records that were. */
guint net_blocks_clear (NetBlocks *blocks);
