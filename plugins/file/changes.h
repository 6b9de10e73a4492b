/* SPDX-License-Identifier: Apache-2.0 */
/* changes.h: what tells a following reader that files grew, came or went: inotify, and where that cannot, a look once a second.
 * One a stage, used on its worker. */
#pragma once

#include <weir/weir.h>

typedef struct _FileChanges FileChanges;

FileChanges *file_changes_new (WeirStage *stage);
void file_changes_free (FileChanges *changes);

/* The folders in which files of these paths and globs may come to be; called again whenever folders have changed. */
void file_changes_watch_folders (FileChanges *changes, const char *const *paths);
/* An open file, whatever it is called now. Answers a number that file_changes_read() names it by, or -1. */
int file_changes_watch_file (FileChanges *changes, int fd, const char *path);
void file_changes_forget_file (FileChanges *changes, int number);

/* What file_changes_read() tells, in the order in which it happened. */
typedef struct {
  /* A file has grown, shrunk or lost a name; -1: any of them. */
  void (*changed) (int number, gpointer data);
  /* A file in a watched folder is called otherwise now; to NULL: it is gone from there. Names as file_changes_name() has them. */
  void (*renamed) (const char *from, const char *to, gpointer data);
} FileChangesEvents;

/* Takes what there is to take. TRUE: files may have come or gone. */
gboolean file_changes_read (FileChanges *changes, const FileChangesEvents *events, gpointer data);
/* The one name by which renamed() calls a path, however often it has a "/" or a "." to spare. */
char *file_changes_name (const char *path);
/* Arms what wakes the stage. */
WeirNext file_changes_wait (FileChanges *changes);
