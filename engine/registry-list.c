/* SPDX-License-Identifier: Apache-2.0 */
/* Listings: each plugin is opened in a child process of its own, which sends its description through a pipe. One that crashes,
 * exits, hangs or prints in a constructor is named with what it did, and the others are listed all the same.
 * Main thread, while it is the only one: a child of a threaded process could not safely open anything. */
#include "registry.h"

#include "plugin-object.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the child ---- */

static void
write_all (int fd, const char *text)
{
  gsize size = strlen (text), done = 0;
  while (done < size) {
    gssize written = write (fd, text + done, size - done);
    if (written < 0 && errno != EINTR)
      return;
    done += (gsize) MAX (written, 0);
  }
}

G_GNUC_NORETURN static void
probe (const char *name, const char *file, int answer)
{
  /* A crash is the parent's to tell: no core, no handler of ours, and nothing of the plugin's in our output. */
  static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGTERM, SIGINT };
  for (gsize i = 0; i < G_N_ELEMENTS (fatal); i++)
    signal (fatal[i], SIG_DFL);
  setrlimit (RLIMIT_CORE, &(const struct rlimit){ 0, 0 });
  int nowhere = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere >= 0) {
    dup2 (nowhere, STDIN_FILENO);
    dup2 (nowhere, STDOUT_FILENO);
    dup2 (nowhere, STDERR_FILENO);
  }
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *message = NULL;
  const WeirPlugin *plugin = weir_plugin_object_open (name, file, owned, &message);
  json_object *description = plugin != NULL ? weir_plugin_table_describe (plugin) : json_object_new_string (message);
  write_all (answer, json_object_to_json_string_ext (description, JSON_C_TO_STRING_PLAIN));
  /* No destructor of the plugin's, and none of the parent's buffers. */
  _exit (0);
}

/* ---- the parent ---- */

/* Reads all that the child says. FALSE: it said nothing more for too long. */
static gboolean
read_answer (int fd, gint64 patience, GString *answer)
{
  char block[4096];
  gint64 deadline = g_get_monotonic_time () + patience;
  while (TRUE) {
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    gint64 left = deadline - g_get_monotonic_time ();
    int count = left > 0 ? poll (&ready, 1, (int) (left / 1000) + 1) : 0;
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return FALSE;
    gssize size = read (fd, block, sizeof block);
    if (size == 0)
      return TRUE;
    if (size > 0)
      g_string_append_len (answer, block, size);
    else if (errno != EINTR)
      return TRUE;
  }
}

static char *
tell_end (gboolean in_time, int status)
{
  if (!in_time)
    return g_strdup ("it hangs while it is opened");
  if (WIFSIGNALED (status))
    return g_strdup_printf ("it crashes while it is opened (signal %d, %s)", WTERMSIG (status),
                            g_strsignal (WTERMSIG (status)));
  return g_strdup_printf ("it ends the process while it is opened (exit status %d)", WEXITSTATUS (status));
}

/* Opens the file in a child process: its description, or NULL and what is wrong. */
static json_object *
ask_child (const char *name, const char *file, gint64 patience, char **message)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) != 0) {
    *message = g_strdup_printf ("cannot be opened in a child process: %s", g_strerror (errno));
    return NULL;
  }
  pid_t child = fork ();
  if (child == 0) {
    close (ends[0]);
    probe (name, file, ends[1]);
  }
  int fork_error = errno;
  close (ends[1]);
  if (child < 0) {
    close (ends[0]);
    *message = g_strdup_printf ("cannot be opened in a child process: %s", g_strerror (fork_error));
    return NULL;
  }
  g_autoptr (GString) answer = g_string_new (NULL);
  gboolean in_time = read_answer (ends[0], patience, answer);
  close (ends[0]);
  if (!in_time)
    kill (child, SIGKILL);
  int status = 0;
  while (waitpid (child, &status, 0) < 0 && errno == EINTR)
    ;
  json_object *description = answer->len > 0 ? json_tokener_parse (answer->str) : NULL;
  if (json_object_is_type (description, json_type_object) && WIFEXITED (status))
    return description;
  if (json_object_is_type (description, json_type_string))
    *message = g_strdup (json_object_get_string (description));
  else
    *message = tell_end (in_time, status);
  json_object_put (description);
  return NULL;
}

static json_object *
place_object (const WeirPluginFile *file)
{
  json_object *object = json_object_new_object ();
  json_object_object_add (object, "name", json_object_new_string (file->name));
  json_object_object_add (object, "file", json_object_new_string (file->file));
  return object;
}

static json_object *
list_folders (WeirRegistry *registry)
{
  json_object *list = json_object_new_array ();
  const char *const *folders = weir_registry_folders (registry);
  for (gsize i = 0; folders[i] != NULL; i++) {
    json_object *object = json_object_new_object ();
    json_object_array_add (list, object);
    json_object_object_add (object, "folder", json_object_new_string (folders[i]));
    g_autoptr (GDir) dir = g_dir_open (folders[i], 0, NULL);
    if (dir == NULL)
      json_object_object_add (object, "problem", json_object_new_string (g_strerror (errno)));
  }
  return list;
}

json_object *
weir_registry_list (WeirRegistry *registry)
{
  json_object *listing = json_object_new_object (), *plugins = json_object_new_array ();
  json_object *hidden = json_object_new_array (), *broken = json_object_new_array ();
  json_object_object_add (listing, "plugins", plugins);
  json_object_object_add (listing, "hidden", hidden);
  json_object_object_add (listing, "broken", broken);
  json_object_object_add (listing, "folders", list_folders (registry));

  g_autoptr (GPtrArray) files = weir_registry_files (registry);
  for (guint i = 0; i < files->len; i++) {
    const WeirPluginFile *file = files->pdata[i];
    json_object *object = NULL;
    if (file->hidden_by != NULL) {
      object = place_object (file);
      json_object_object_add (object, "hidden_by", json_object_new_string (file->hidden_by));
      json_object_array_add (hidden, object);
      continue;
    }
    g_autofree char *message = NULL;
    object = ask_child (file->name, file->file, weir_registry_patience (registry), &message);
    if (object != NULL) {
      json_object_object_add (object, "file", json_object_new_string (file->file));
      json_object_array_add (plugins, object);
    } else {
      object = place_object (file);
      json_object_object_add (object, "error", json_object_new_string (message));
      json_object_array_add (broken, object);
    }
  }
  return listing;
}

json_object *
weir_registry_describe (WeirRegistry *registry, const char *name, GError **error)
{
  g_autoptr (GPtrArray) files = weir_registry_files (registry);
  json_object *description = NULL, *hidden = json_object_new_array ();
  for (guint i = 0; i < files->len; i++) {
    const WeirPluginFile *file = files->pdata[i];
    g_autofree char *message = NULL;
    if (strcmp (file->name, name) != 0)
      continue;
    if (file->hidden_by != NULL) {
      json_object_array_add (hidden, json_object_new_string (file->file));
      continue;
    }
    description = ask_child (name, file->file, weir_registry_patience (registry), &message);
    if (description == NULL) {
      g_set_error (error, WEIR_REGISTRY_ERROR, WEIR_REGISTRY_ERROR_BROKEN, "plugin \"%s\" (%s): %s", name, file->file,
                   message);
      json_object_put (hidden);
      return NULL;
    }
    json_object_object_add (description, "file", json_object_new_string (file->file));
  }
  if (description == NULL) {
    g_propagate_error (error, weir_registry_unknown (registry, name));
    json_object_put (hidden);
    return NULL;
  }
  json_object_object_add (description, "hides", hidden);
  return description;
}
