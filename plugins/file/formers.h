/* SPDX-License-Identifier: Apache-2.0 */
/* formers.h: files that had a path that is followed and were renamed since, one after another: what the second of two rotations
 * between two looks would hide. One a follower, used on the stage's worker. */
#pragma once

#include <glib.h>

typedef struct _FileFormers FileFormers;

/* Of these paths and globs. */
FileFormers *file_formers_new (const char *const *paths);
void file_formers_free (FileFormers *formers);

/* As FileChangesEvents has it: names of file_changes_name(); to NULL: it is gone. */
void file_formers_rename (FileFormers *formers, const char *from, const char *to);

gboolean file_formers_is_empty (const FileFormers *formers);
/* Tells of each that is still there the path that it had and what it is called now, the earliest first, and forgets them all. */
void file_formers_take (FileFormers *formers, void (*former) (const char *path, const char *now, gpointer data),
                        gpointer data);
