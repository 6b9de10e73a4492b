/* SPDX-License-Identifier: Apache-2.0 */
/* follow.c: follows files: all at once, as they grow, are renamed away and made anew, truncated, removed, or join a glob.
 * Runs on the stage's worker. A file is known by its inode, whatever it is called. Files that had the same path one after
 * another form a chain: the later one is opened at once, but read only when the earlier one is at its end and the later one
 * has bytes, as writers go on with the old file for a while. What had the path and lost it between two looks is found by the names
 * that inotify says it was given since; where that cannot tell, or the file has left its folder, it is missed. */
#include "reader.h"

#include "formers.h"
#include "paths.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* How long a file that was matched by a glob and no longer is stays open after it was last seen. */
#define FORGOTTEN (60 * G_USEC_PER_SEC)

struct _Follower {
  FileChanges *changes;
  GHashTable *by_inode;  /* OpenFile, owned; by device and inode */
  GHashTable *by_path;   /* path -> the last OpenFile of that path */
  GHashTable *by_change; /* number -> OpenFile */
  GHashTable *unopened;  /* paths that could not be opened, and were told */
  GQueue ready;          /* OpenFile: what may have something to read, one chunk each in turn */
  FileFormers *formers;  /* since the last look */
  guint turns;
  gboolean started;
};

static guint
hash_inode (gconstpointer key)
{
  const OpenFile *file = key;
  guint64 inode = file->inode ^ (guint64) file->device << 32;
  return g_int64_hash (&inode);
}

static gboolean
same_inode (gconstpointer a, gconstpointer b)
{
  const OpenFile *one = a, *other = b;
  return one->inode == other->inode && one->device == other->device;
}

/* Its turn will come; or that of the one that has to be at its end first. */
static void
make_ready (Follower *follower, OpenFile *file)
{
  while (file->before != NULL) {
    file = file->before;
  }
  if (!file->ready) {
    file->ready = TRUE;
    g_queue_push_tail (&follower->ready, file);
  }
}

/* ---- joining and leaving ---- */

/* name: what it is called now, which is the path or what it was renamed to. */
static void
join (WeirStage *stage, Reader *self, const char *path, const char *name, gboolean from_glob)
{
  Follower *follower = self->follower;
  OpenFile *file = file_open (name);
  if (file != NULL && !file->regular) {
    file_close (stage, file);
    file = NULL;
    errno = EINVAL;
  }
  if (file == NULL) {
    if (errno != ENOENT && g_hash_table_add (follower->unopened, g_strdup (path))) {
      weir_stage_log (stage, G_LOG_LEVEL_WARNING, "cannot open %s: %s", path, g_strerror (errno));
    }
    return;
  }
  g_hash_table_remove (follower->unopened, path);
  if (g_hash_table_contains (follower->by_inode, file)) {
    file_close (stage, file); /* it has got this name only now */
    return;
  }
  file->seen = TRUE;
  file->from_glob = from_glob;
  g_free (file->path);
  file->path = g_strdup (path);
  g_hash_table_add (follower->by_inode, file);
  file->before = g_hash_table_lookup (follower->by_path, path);
  if (file->before != NULL) {
    file->before->after = file;
    weir_stage_count (stage, ROTATED, 1);
  }
  g_hash_table_replace (follower->by_path, file->path, file);
  file->change = file_changes_watch_file (follower->changes, file->fd, path);
  if (file->change >= 0) {
    g_hash_table_insert (follower->by_change, GINT_TO_POINTER (file->change), file);
  }
  if (!follower->started && self->start_at == START_AT_END) {
    file->offset = MAX (lseek (file->fd, 0, SEEK_END), 0);
  }
  make_ready (follower, file);
}

static void
leave (WeirStage *stage, Follower *follower, OpenFile *file)
{
  g_hash_table_remove (follower->by_inode, file);
  if (g_hash_table_lookup (follower->by_path, file->path) == file) {
    g_hash_table_remove (follower->by_path, file->path);
  }
  if (file->change >= 0) {
    g_hash_table_remove (follower->by_change, GINT_TO_POINTER (file->change));
    file_changes_forget_file (follower->changes, file->change);
  }
  if (file->after != NULL) {
    file->after->before = NULL;
    make_ready (follower, file->after);
  }
  file_close (stage, file);
}

/* It has been read to its end: is that the end of it? */
static void
at_end (WeirStage *stage, Follower *follower, OpenFile *file)
{
  struct stat status;
  if (file->after != NULL) {
    if (file->after->after != NULL || (fstat (file->after->fd, &status) == 0 && status.st_size > 0)) {
      leave (stage, follower, file);
    }
  } else if (!file->seen && file->from_glob) {
    /* A single file is waited for to come back; of those that come and go, nothing may stay open for good. */
    gboolean removed = fstat (file->fd, &status) == 0 && status.st_nlink == 0;
    if (removed || weir_stage_now (stage) - file->unseen_since > FORGOTTEN) {
      leave (stage, follower, file);
    }
  }
}

/* ---- what is there ---- */

typedef struct {
  const char *path;
  OpenFile *file; /* NULL: not followed yet */
} Found;

/* Those that are called otherwise now, but are still followed, go by the new name. */
static void
rename_files (Follower *follower, GArray *found)
{
  for (guint i = 0; i < found->len; i++) {
    const Found *one = &g_array_index (found, Found, i);
    if (one->file == NULL || strcmp (one->file->path, one->path) == 0) {
      continue;
    }
    OpenFile key = *one->file;
    struct stat status;
    if (stat (one->file->path, &status) == 0 && status.st_dev == key.device && status.st_ino == key.inode) {
      continue; /* one of two names */
    }
    if (g_hash_table_lookup (follower->by_path, one->file->path) == one->file) {
      g_hash_table_remove (follower->by_path, one->file->path);
    }
    g_free (one->file->path);
    one->file->path = g_strdup (one->path);
    g_hash_table_replace (follower->by_path, one->file->path, one->file);
  }
}

static void
mark_unseen (WeirStage *stage, Follower *follower)
{
  GHashTableIter iter;
  gpointer key;
  g_hash_table_iter_init (&iter, follower->by_inode);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    OpenFile *file = key;
    if (!file->seen) {
      file->unseen_since = file->unseen_since != 0 ? file->unseen_since : weir_stage_now (stage);
      make_ready (follower, file);
    }
  }
}

static void
forget_seen (gpointer key, G_GNUC_UNUSED gpointer value, G_GNUC_UNUSED gpointer data)
{
  ((OpenFile *) key)->seen = FALSE;
}

static gboolean
is_listed (const Reader *self, const char *path)
{
  return g_strv_contains (self->path, path);
}

static void
add_name (gpointer path, G_GNUC_UNUSED gpointer value, gpointer names)
{
  g_hash_table_insert (names, file_changes_name (path), path);
}

typedef struct {
  WeirStage *stage;
  Reader *self;
  GHashTable *by_name; /* paths that are followed */
} Missed;

static void
join_missed (const char *name, const char *now, gpointer data)
{
  const Missed *missed = data;
  g_autofree char *path = g_strdup (g_hash_table_lookup (missed->by_name, name));
  if (path != NULL) {
    join (missed->stage, missed->self, path, now, !is_listed (missed->self, path));
  }
}

/* What had a path and lost it again before anybody looked; the others are followed already. */
static void
join_formers (WeirStage *stage, Reader *self, const GPtrArray *paths)
{
  Follower *follower = self->follower;
  if (file_formers_is_empty (follower->formers)) {
    return;
  }
  g_autoptr (GHashTable) by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_foreach (follower->by_path, add_name, by_name);
  for (guint i = 0; i < paths->len; i++) {
    add_name (g_ptr_array_index (paths, i), NULL, by_name);
  }
  Missed missed = { stage, self, by_name };
  file_formers_take (follower->formers, join_missed, &missed);
}

/* Folders first: what comes to be after that is told. */
static void
look_around (WeirStage *stage, Reader *self)
{
  Follower *follower = self->follower;
  file_changes_watch_folders (follower->changes, self->path);
  g_autoptr (GPtrArray) paths = file_paths_find (self->path);
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (Found));
  g_hash_table_foreach (follower->by_inode, forget_seen, NULL);
  for (guint i = 0; i < paths->len; i++) {
    struct stat status;
    const char *path = g_ptr_array_index (paths, i);
    if (stat (path, &status) < 0) {
      continue;
    }
    OpenFile key = { .device = status.st_dev, .inode = status.st_ino };
    Found one = { path, g_hash_table_lookup (follower->by_inode, &key) };
    if (one.file != NULL) {
      one.file->seen = TRUE;
      one.file->unseen_since = 0;
    }
    g_array_append_val (found, one);
  }
  rename_files (follower, found);
  join_formers (stage, self, paths);
  for (guint i = 0; i < found->len; i++) {
    const Found *one = &g_array_index (found, Found, i);
    if (one->file == NULL) {
      join (stage, self, one->path, one->path, !is_listed (self, one->path));
    }
  }
  mark_unseen (stage, follower);
}

static void
changed (int number, gpointer data)
{
  Follower *follower = data;
  if (number >= 0) {
    OpenFile *file = g_hash_table_lookup (follower->by_change, GINT_TO_POINTER (number));
    if (file != NULL) {
      make_ready (follower, file);
    }
    return;
  }
  GHashTableIter iter;
  gpointer key;
  g_hash_table_iter_init (&iter, follower->by_inode);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    make_ready (follower, key);
  }
}

static void
renamed (const char *from, const char *to, gpointer data)
{
  file_formers_rename (((Follower *) data)->formers, from, to);
}

static const FileChangesEvents events = { changed, renamed };

/* ---- for the role ---- */

/* A path that is there must be a file that can be read; what is missing is waited for. */
static WeirNext
check (WeirStage *stage, const char *path)
{
  struct stat status;
  if (stat (path, &status) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    weir_stage_log (stage, G_LOG_LEVEL_INFO, "%s is not there yet: waiting for it", path);
    return WEIR_MORE;
  }
  OpenFile *file = file_open (path);
  if (file == NULL) {
    return weir_stage_fail_errno (stage, "cannot open %s", path);
  }
  gboolean regular = file->regular;
  file_close (stage, file);
  return regular ? WEIR_MORE : weir_stage_fail (stage, "cannot follow %s: not a regular file", path);
}

WeirNext
file_follow_open (WeirStage *stage, Reader *self)
{
  Follower *follower = g_new0 (Follower, 1);
  self->follower = follower;
  follower->by_inode = g_hash_table_new (hash_inode, same_inode);
  follower->by_path = g_hash_table_new (g_str_hash, g_str_equal);
  follower->by_change = g_hash_table_new (NULL, NULL);
  follower->unopened = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  follower->changes = file_changes_new (stage);
  g_queue_init (&follower->ready);
  follower->formers = file_formers_new (self->path);
  g_autoptr (GPtrArray) paths = file_paths_find (self->path);
  for (guint i = 0; i < paths->len; i++) {
    if (check (stage, g_ptr_array_index (paths, i)) == WEIR_FAIL) {
      return WEIR_FAIL;
    }
  }
  look_around (stage, self);
  follower->started = TRUE;
  return WEIR_MORE;
}

WeirNext
file_follow_produce (WeirStage *stage, Reader *self)
{
  Follower *follower = self->follower;
  /* Also where there is always something to read, now and then. */
  if ((follower->turns++ % 16 == 0 || g_queue_is_empty (&follower->ready)) &&
      file_changes_read (follower->changes, &events, follower)) {
    look_around (stage, self);
  }
  for (OpenFile *file; (file = g_queue_pop_head (&follower->ready)) != NULL;) {
    file->ready = FALSE;
    switch (file_read (stage, self, file)) {
    case READ_SOME:
      make_ready (follower, file);
      return WEIR_MORE;
    case READ_FAILED:
      return WEIR_FAIL;
    case READ_END:
    case READ_WAIT:
      at_end (stage, follower, file);
      break;
    }
  }
  return file_changes_wait (follower->changes);
}

void
file_follow_close (WeirStage *stage, Reader *self)
{
  Follower *follower = g_steal_pointer (&self->follower);
  if (follower == NULL) {
    return;
  }
  GHashTableIter iter;
  gpointer key;
  g_hash_table_iter_init (&iter, follower->by_inode);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    g_hash_table_iter_steal (&iter);
    file_close (stage, key);
  }
  file_changes_free (follower->changes);
  g_queue_clear (&follower->ready);
  file_formers_free (follower->formers);
  g_hash_table_unref (follower->by_inode);
  g_hash_table_unref (follower->by_path);
  g_hash_table_unref (follower->by_change);
  g_hash_table_unref (follower->unopened);
  g_free (follower);
}
