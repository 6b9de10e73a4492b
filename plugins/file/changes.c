/* SPDX-License-Identifier: Apache-2.0 */
/* changes.c: inotify, and a look once a second where it cannot (see changes.h).
 * Runs on the stage's worker. A file is watched by its descriptor, so that it is the file that was opened and not one that has
 * taken its name; a folder by its path. */
#include "changes.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FILE_EVENTS (IN_MODIFY | IN_ATTRIB)
#define FOLDER_EVENTS \
  (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct _FileChanges {
  WeirStage *stage;
  int inotify;         /* -1: there is none */
  gboolean looks;      /* once a second, as some file or folder cannot be watched */
  gint64 looked;       /* monotonic, microseconds */
  guint round;         /* of file_changes_watch_folders() */
  GHashTable *folders; /* watch -> Folder */
  /* The first half of a rename, which the second follows at once. */
  guint32 moved; /* its cookie; 0: none */
  char *moved_from;
};

typedef struct {
  char *path;
  guint round; /* the one that wanted it last */
} Folder;

static void
free_folder (gpointer data)
{
  Folder *folder = data;
  g_free (folder->path);
  g_free (folder);
}

static void
look_instead (FileChanges *changes, const char *path, const char *why)
{
  if (!changes->looks) {
    changes->looks = TRUE;
    changes->looked = weir_stage_now (changes->stage);
    weir_stage_log (changes->stage, G_LOG_LEVEL_WARNING, "inotify cannot watch %s (%s): it is looked at once a second",
                    path, why);
  }
}

FileChanges *
file_changes_new (WeirStage *stage)
{
  FileChanges *changes = g_new0 (FileChanges, 1);
  changes->stage = stage;
  changes->folders = g_hash_table_new_full (NULL, NULL, NULL, free_folder);
  changes->inotify = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  if (changes->inotify < 0) {
    look_instead (changes, "files", g_strerror (errno));
  }
  return changes;
}

void
file_changes_free (FileChanges *changes)
{
  if (changes->inotify >= 0) {
    weir_stage_close_fd (changes->stage, changes->inotify);
  }
  g_hash_table_unref (changes->folders);
  g_free (changes->moved_from);
  g_free (changes);
}

/* File systems on which others write without this kernel seeing it. */
static gboolean
is_remote (const char *path)
{
  static const guint32 types[] = { 0x6969,     /* NFS */
                                   0x517b,     /* SMB */
                                   0xff534d42, /* CIFS */
                                   0xfe534d42, /* SMB2 */
                                   0x65735546, /* FUSE */
                                   0x01021997, /* 9P */
                                   0x00c36400, /* Ceph */
                                   0x5346414f, /* AFS */
                                   0x0bd00bd0, /* Lustre */
                                   0x47504653 /* GPFS */ };
  struct statfs status;
  if (statfs (path, &status) < 0) {
    return FALSE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++) {
    if ((guint32) status.f_type == types[i]) {
      return TRUE;
    }
  }
  return FALSE;
}

static int
watch (FileChanges *changes, const char *path, const char *name, guint32 events)
{
  if (changes->inotify < 0) {
    return -1;
  }
  if (is_remote (path)) {
    look_instead (changes, name, "its file system is remote");
  }
  int number = inotify_add_watch (changes->inotify, path, events);
  if (number < 0 && errno != ENOENT && errno != ENOTDIR) {
    look_instead (changes, name, errno == ENOSPC ? "the user's inotify watches are used up" : g_strerror (errno));
  }
  return number;
}

/* ---- folders ---- */

static void
watch_folder (FileChanges *changes, const char *folder)
{
  int number = watch (changes, folder, folder, FOLDER_EVENTS);
  if (number < 0) {
    return;
  }
  Folder *watched = g_hash_table_lookup (changes->folders, GINT_TO_POINTER (number));
  if (watched == NULL) {
    watched = g_new (Folder, 1);
    watched->path = g_strdup (folder);
    g_hash_table_insert (changes->folders, GINT_TO_POINTER (number), watched);
  }
  watched->round = changes->round;
}

static void watch_below (FileChanges *changes, const char *folder, const char *rest);

/* The folders that match one part of a glob. */
static void
watch_matches (FileChanges *changes, const char *folder, const char *part, const char *rest)
{
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  for (const char *name; entries != NULL && (name = g_dir_read_name (entries)) != NULL;) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (fnmatch (part, name, FNM_PERIOD | FNM_NOESCAPE) == 0 && g_file_test (path, G_FILE_TEST_IS_DIR)) {
      watch_below (changes, path, rest);
    }
  }
}

/* A folder is watched where the next part of the path may come to be in it, or another in its place: behind its last folder,
 * before a glob, before what is missing and before a symbolic link. */
static void
watch_below (FileChanges *changes, const char *folder, const char *rest)
{
  rest += strspn (rest, "/");
  gsize length = strcspn (rest, "/");
  if (rest[length] == '\0') {
    watch_folder (changes, folder);
    return;
  }
  if (length == 1 && *rest == '.') {
    watch_below (changes, folder, rest + 1);
    return;
  }
  g_autofree char *part = g_strndup (rest, length);
  g_autofree char *path = g_build_filename (folder, part, NULL);
  struct stat status;
  gboolean there = lstat (path, &status) == 0;
  if (!there && strpbrk (part, "*?[") != NULL) {
    watch_folder (changes, folder);
    watch_matches (changes, folder, part, rest + length);
    return;
  }
  if (!there || S_ISLNK (status.st_mode)) {
    watch_folder (changes, folder);
    there = lstat (path, &status) == 0; /* it may have come before it was watched for */
  }
  if (there) {
    watch_below (changes, path, rest + length);
  }
}

void
file_changes_watch_folders (FileChanges *changes, const char *const *paths)
{
  changes->round++;
  for (gsize i = 0; paths[i] != NULL; i++) {
    watch_below (changes, paths[i][0] == '/' ? "/" : ".", paths[i]);
  }
  GHashTableIter iter;
  gpointer number, folder;
  g_hash_table_iter_init (&iter, changes->folders);
  while (g_hash_table_iter_next (&iter, &number, &folder)) {
    if (((const Folder *) folder)->round != changes->round) {
      inotify_rm_watch (changes->inotify, GPOINTER_TO_INT (number));
      g_hash_table_iter_remove (&iter);
    }
  }
}

/* ---- files ---- */

int
file_changes_watch_file (FileChanges *changes, int fd, const char *path)
{
  char opened[64];
  g_snprintf (opened, sizeof (opened), "/proc/self/fd/%d", fd);
  return watch (changes, opened, path, FILE_EVENTS);
}

void
file_changes_forget_file (FileChanges *changes, int number)
{
  if (number >= 0) {
    inotify_rm_watch (changes->inotify, number);
  }
}

/* ---- what has changed ---- */

char *
file_changes_name (const char *path)
{
  GString *name = g_string_new (*path == '/' ? NULL : ".");
  while (*(path += strspn (path, "/")) != '\0') {
    gsize length = strcspn (path, "/");
    if (length != 1 || *path != '.') {
      g_string_append_c (name, '/');
      g_string_append_len (name, path, (gssize) length);
    }
    path += length;
  }
  return g_string_free (name, FALSE);
}

/* What was waiting for its second half has left the folders that are watched. */
static void
end_rename (FileChanges *changes, const char *to, const FileChangesEvents *events, gpointer data)
{
  if (changes->moved != 0) {
    events->renamed (changes->moved_from, to, data);
    g_clear_pointer (&changes->moved_from, g_free);
    changes->moved = 0;
  }
}

static void
take_folder_event (FileChanges *changes, const Folder *folder, const struct inotify_event *event,
                   const FileChangesEvents *events, gpointer data)
{
  if (event->len == 0 || (event->mask & (IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)) == 0) {
    return;
  }
  g_autofree char *path = g_build_filename (folder->path, event->name, NULL);
  if ((event->mask & IN_MOVED_FROM) != 0) {
    changes->moved = event->cookie;
    changes->moved_from = g_steal_pointer (&path);
  } else if ((event->mask & IN_DELETE) != 0) {
    events->renamed (path, NULL, data);
  } else {
    end_rename (changes, path, events, data);
  }
}

gboolean
file_changes_read (FileChanges *changes, const FileChangesEvents *events, gpointer data)
{
  _Alignas(struct inotify_event) char buffer[16384];
  gboolean folders = FALSE;
  for (ssize_t got; changes->inotify >= 0 && (got = read (changes->inotify, buffer, sizeof (buffer))) > 0;) {
    const struct inotify_event *event;
    for (const char *at = buffer; at < buffer + got; at += sizeof (*event) + event->len) {
      event = (const struct inotify_event *) (const void *) at;
      if ((event->mask & IN_MOVED_TO) == 0 || event->cookie != changes->moved) {
        end_rename (changes, NULL, events, data);
      }
      const Folder *folder = g_hash_table_lookup (changes->folders, GINT_TO_POINTER (event->wd));
      if ((event->mask & IN_Q_OVERFLOW) != 0) {
        events->changed (-1, data);
        folders = TRUE;
      } else if (folder != NULL) {
        folders = TRUE;
        take_folder_event (changes, folder, event, events, data);
        if ((event->mask & IN_IGNORED) != 0) {
          g_hash_table_remove (changes->folders, GINT_TO_POINTER (event->wd));
        }
      } else {
        events->changed (event->wd, data);
      }
    }
  }
  gint64 now = changes->looks ? weir_stage_now (changes->stage) : 0;
  if (changes->looks && now - changes->looked >= G_USEC_PER_SEC) {
    changes->looked = now;
    events->changed (-1, data);
    folders = TRUE;
  }
  return folders;
}

WeirNext
file_changes_wait (FileChanges *changes)
{
  if (changes->looks) {
    gint64 since = weir_stage_now (changes->stage) - changes->looked;
    weir_stage_wait_time (changes->stage, MAX (G_USEC_PER_SEC - since, 0));
  }
  return changes->inotify >= 0 ? weir_stage_wait_fd (changes->stage, changes->inotify, G_IO_IN) : WEIR_WAIT;
}
