/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin opened in a child process of its own, which answers through a pipe: one that crashes, exits, hangs or prints in a
 * constructor does no harm there. Main thread, while it is the only one: a child of a threaded process could not safely open
 * anything. */
#include "registry.h"

#include "plugin-object.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the child ---- */

static void
write_all (int fd, const char *text, gsize size)
{
  gsize done = 0;
  while (done < size) {
    gssize written = write (fd, text + done, size - done);
    if (written < 0 && errno != EINTR) {
      return;
    }
    done += (gsize) MAX (written, 0);
  }
}

typedef struct {
  const WeirPluginFile *files;
  gsize count;
  gboolean describe;
  pid_t process;
  int answers; /* one a file, each ended by a NUL; the parent's end */
} Child;

/* Its description, or in a string what is wrong. */
static json_object *
open_file (const WeirPluginFile *file, gboolean describe)
{
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *message = NULL;
  const WeirPlugin *plugin = weir_plugin_object_open (file->name, file->file, owned, &message);
  return plugin == NULL ? json_object_new_string (message)
         : describe     ? weir_plugin_table_describe (plugin)
                        : json_object_new_object ();
}

G_GNUC_NORETURN static void
be_child (const Child *child, int answers)
{
  /* A crash is the parent's to tell: no core, no handler of ours, and nothing of the plugin's in our output. */
  static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGTERM, SIGINT };
  for (gsize i = 0; i < G_N_ELEMENTS (fatal); i++) {
    signal (fatal[i], SIG_DFL);
  }
  prctl (PR_SET_PDEATHSIG, SIGKILL); /* one that hangs outlives nobody */
  setrlimit (RLIMIT_CORE, &(const struct rlimit){ 0, 0 });
  int nowhere = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere >= 0) {
    dup2 (nowhere, STDIN_FILENO);
    dup2 (nowhere, STDOUT_FILENO);
    dup2 (nowhere, STDERR_FILENO);
  }
  for (gsize i = 0; i < child->count; i++) {
    json_object *answer = open_file (&child->files[i], child->describe);
    const char *text = json_object_to_json_string_ext (answer, JSON_C_TO_STRING_PLAIN);
    write_all (answers, text, strlen (text) + 1);
    json_object_put (answer);
  }
  /* No destructor of the plugin's, and none of the parent's buffers. */
  _exit (0);
}

/* ---- the parent ---- */

/* Reads all that the child says. FALSE: it said nothing more for too long. */
static gboolean
read_answers (int fd, gint64 patience, GString *answers)
{
  char block[4096];
  gint64 deadline = g_get_monotonic_time () + patience;
  while (TRUE) {
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    gint64 left = deadline - g_get_monotonic_time ();
    int count = left > 0 ? poll (&ready, 1, (int) (left / 1000) + 1) : 0;
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return FALSE;
    }
    gssize size = read (fd, block, sizeof block);
    if (size == 0) {
      return TRUE;
    }
    if (size > 0) {
      g_string_append_len (answers, block, size);
      deadline = g_get_monotonic_time () + patience;
    } else if (errno != EINTR) {
      return TRUE;
    }
  }
}

static char *
tell_end (gboolean in_time, int status)
{
  if (!in_time) {
    return g_strdup ("it hangs while it is opened");
  }
  if (WIFSIGNALED (status)) {
    return g_strdup_printf ("it crashes while it is opened (signal %d, %s)", WTERMSIG (status),
                            g_strsignal (WTERMSIG (status)));
  }
  return g_strdup_printf ("it ends the process while it is opened (exit status %d)", WEXITSTATUS (status));
}

/* FALSE: there is no child, and errno says why. */
static gboolean
start_child (Child *child)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) != 0) {
    return FALSE;
  }
  child->process = fork ();
  int fork_error = errno;
  if (child->process == 0) {
    close (ends[0]);
    be_child (child, ends[1]);
  }
  close (ends[1]);
  child->answers = ends[0];
  if (child->process < 0) {
    close (ends[0]);
  }
  errno = fork_error;
  return child->process > 0;
}

static void
put_object (gpointer object)
{
  json_object_put (object);
}

/* Waits for the child's end. Returns what it has said; message: what has kept it from saying all, or NULL; hangs: it is that. */
static GPtrArray *
await_child (const Child *child, gint64 patience, char **message, gboolean *hangs)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean in_time = read_answers (child->answers, patience, text);
  *hangs = !in_time;
  close (child->answers);
  if (!in_time) {
    kill (child->process, SIGKILL);
  }
  int status = 0;
  while (waitpid (child->process, &status, 0) < 0 && errno == EINTR) {
    ;
  }
  GPtrArray *answers = g_ptr_array_new_with_free_func (put_object);
  for (const char *at = text->str, *end; (end = memchr (at, '\0', text->len - (gsize) (at - text->str))) != NULL;
       at = end + 1) {
    g_ptr_array_add (answers, json_tokener_parse (at));
  }
  *message = answers->len < child->count ? tell_end (in_time, status) : NULL;
  return answers;
}

json_object *
weir_registry_ask_child (const WeirPluginFile *file, gint64 patience, char **message)
{
  Child child = { .files = file, .count = 1, .describe = TRUE };
  if (!start_child (&child)) {
    *message = g_strdup_printf ("cannot be opened in a child process: %s", g_strerror (errno));
    return NULL;
  }
  gboolean hangs;
  g_autoptr (GPtrArray) answers = await_child (&child, patience, message, &hangs);
  if (answers->len == 0) {
    return NULL;
  }
  json_object *answer = answers->pdata[0];
  if (json_object_is_type (answer, json_type_object)) {
    return json_object_get (answer);
  }
  *message = g_strdup (json_object_is_type (answer, json_type_string)
                         ? json_object_get_string (answer)
                         : "it writes to what is not its own while it is opened");
  return NULL;
}

/* The link count of a process's folder of threads is two more than they are. */
static gboolean
has_threads (void)
{
  struct stat status;
  return stat ("/proc/self/task", &status) != 0 || status.st_nlink != 3;
}

gsize
weir_registry_try_in_child (const WeirPluginFile *files, gsize count, gint64 patience, char **message)
{
  Child child = { .files = files, .count = count };
  if (has_threads () || !start_child (&child)) {
    return count;
  }
  gboolean hangs;
  g_autoptr (GPtrArray) answers = await_child (&child, patience, message, &hangs);
  gsize survived = MIN (answers->len, count); /* one that writes to our pipe answers more than it is asked */
  if (survived == 0 || survived == count || hangs) {
    return survived;
  }
  /* It may have died of what an earlier one has left running there: alone it shows. */
  g_clear_pointer (message, g_free);
  return survived + weir_registry_try_in_child (files + survived, 1, patience, message);
}
