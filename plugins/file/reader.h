/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h: the producer of the plugin `file`, and what its two ways of reading share: files one after another, and following
 * them. Everything runs on the stage's worker and belongs to the stage's Reader. */
#pragma once

#include "changes.h"

#include <sys/stat.h>
#include <weir/weir.h>

extern const WeirRole file_reader_role;

typedef struct _Follower Follower;

typedef struct {
  const char *const *path;
  gboolean follow;
  int start_at;
  guint64 chunk;

  GPtrArray *paths; /* in order, where nothing is followed */
  guint next;
  struct _OpenFile *current;
  Follower *follower;
} Reader;

enum { START_AT_BEGINNING, START_AT_END };

enum { FILES, ROTATED, TRUNCATED };

/* A file being read. */
typedef struct _OpenFile {
  char *path; /* what it is called now */
  int fd;
  dev_t device;
  ino_t inode;
  gint64 offset, size; /* read, and known to be there */
  guint32 stream;      /* 0 before its first byte */
  gboolean regular, fifo;

  /* Followed files only. */
  guint8 tail[64]; /* the last bytes that were read */
  guint tail_size;
  struct timespec modified;         /* when it was looked at last */
  int change;                       /* the number that file_changes_read() names it by */
  struct _OpenFile *before, *after; /* of the same path, in the order in which they had it */
  gboolean ready;                   /* in the queue of those that may have something to read */
  gboolean seen;                    /* some path that is followed leads to it */
  gboolean from_glob;
  gint64 unseen_since; /* monotonic, microseconds */
} OpenFile;

/* NULL: errno says why. */
OpenFile *file_open (const char *path);
/* Ends its stream too. */
void file_close (WeirStage *stage, OpenFile *file);
/* The next bytes are those of another stream. */
void file_end_stream (WeirStage *stage, OpenFile *file);

typedef enum {
  READ_SOME,  /* and emitted it */
  READ_END,   /* nothing is left */
  READ_WAIT,  /* a pipe or device has nothing yet; what wakes is armed */
  READ_FAILED /* the stage has failed */
} ReadResult;

ReadResult file_read (WeirStage *stage, const Reader *self, OpenFile *file);

/* Opens what is there; nothing is read yet. */
WeirNext file_follow_open (WeirStage *stage, Reader *self);
WeirNext file_follow_produce (WeirStage *stage, Reader *self);
void file_follow_close (WeirStage *stage, Reader *self);
