/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c: a stage as its child process is told of it (see plan.h). One thread; a plan owns all that it names. */
#include "isolate/plan.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- sockets of a service manager ---- */

static gboolean
names_socket (json_object *value)
{
  gboolean names = json_object_is_type (value, json_type_string) &&
                   g_str_has_prefix (json_object_get_string (value), "systemd:");
  for (gsize i = 0; json_object_is_type (value, json_type_array) && i < json_object_array_length (value); i++) {
    names = names || names_socket (json_object_array_get_idx (value, i));
  }
  return names;
}

guint
weir_plan_count_sockets (json_object *options)
{
  const char *pid = g_getenv ("LISTEN_PID"), *count = g_getenv ("LISTEN_FDS");
  guint64 whose = 0, sockets = 0;
  gboolean wanted = FALSE;
  json_object_object_foreach (options, key, value)
  {
    (void) key;
    wanted = wanted || names_socket (value);
  }
  gboolean passed = wanted && pid != NULL && count != NULL &&
                    g_ascii_string_to_unsigned (pid, 10, 1, G_MAXINT, &whose, NULL) && (pid_t) whose == getpid () &&
                    g_ascii_string_to_unsigned (count, 10, 0, 10000, &sockets, NULL);
  return passed ? (guint) sockets : 0;
}

/* ---- written ---- */

static json_object *
describe_queue (const WeirQueueSettings *queue)
{
  json_object *list = json_object_new_array ();
  json_object_array_add (list, json_object_new_uint64 (queue->records));
  json_object_array_add (list, json_object_new_uint64 (queue->bytes));
  json_object_array_add (list, json_object_new_double (queue->low));
  json_object_array_add (list, json_object_new_double (queue->hard));
  return list;
}

static json_object *
describe (const WeirPlan *plan)
{
  json_object *object = json_object_new_object (), *inputs = json_object_new_array (),
              *outputs = json_object_new_array ();
  json_object_object_add (object, "name", json_object_new_string (plan->name));
  json_object_object_add (object, "plugin", json_object_new_string (plan->plugin));
  json_object_object_add (object, "file", json_object_new_string (plan->file));
  json_object_object_add (object, "kind", json_object_new_int ((int) plan->kind));
  json_object_object_add (object, "options", json_object_get (plan->options));
  json_object_object_add (object, "log", json_object_new_int ((int) plan->log_level));
  json_object_object_add (object, "record_max", json_object_new_uint64 (plan->record_max));
  json_object_object_add (object, "sockets", json_object_new_int ((int) plan->sockets));
  for (guint i = 0; i < plan->inputs->len; i++) {
    json_object_array_add (inputs, describe_queue (&g_array_index (plan->inputs, WeirQueueSettings, i)));
  }
  for (guint i = 0; i < plan->outputs->len; i++) {
    const WeirPlanOutput *output = &g_array_index (plan->outputs, WeirPlanOutput, i);
    json_object_array_add (outputs, output->taken ? describe_queue (&output->queue) : NULL);
  }
  json_object_object_add (object, "inputs", inputs);
  json_object_object_add (object, "outputs", outputs);
  json_object_object_add (object, "shared", json_object_new_boolean (plan->shared));
  json_object_object_add (object, "rejected", plan->rejects ? describe_queue (&plan->rejected) : NULL);
  return object;
}

int
weir_plan_write (const WeirPlan *plan)
{
  int fd = memfd_create ("weir-plan", MFD_CLOEXEC);
  json_object *object = describe (plan);
  const char *text = json_object_to_json_string_ext (object, JSON_C_TO_STRING_PLAIN);
  gsize size = strlen (text), done = 0;
  while (fd >= 0 && done < size) {
    ssize_t written = write (fd, text + done, size - done);
    if (written < 0 && errno != EINTR) {
      int error = errno;
      close (fd);
      fd = -1;
      errno = error;
    }
    done += (gsize) MAX (written, 0);
  }
  json_object_put (object);
  return fd;
}

/* ---- read ---- */

static char *
read_all (int fd)
{
  GString *text = g_string_new (NULL);
  char block[4096];
  ssize_t got;
  off_t at = 0;
  while ((got = pread (fd, block, sizeof block, at)) > 0) {
    g_string_append_len (text, block, got);
    at += got;
  }
  return g_string_free (text, FALSE);
}

static gboolean
read_queue (json_object *list, WeirQueueSettings *queue)
{
  if (!json_object_is_type (list, json_type_array) || json_object_array_length (list) != 4) {
    return FALSE;
  }
  *queue = (WeirQueueSettings) WEIR_QUEUE_DEFAULTS;
  queue->records = json_object_get_uint64 (json_object_array_get_idx (list, 0));
  queue->bytes = json_object_get_uint64 (json_object_array_get_idx (list, 1));
  queue->low = json_object_get_double (json_object_array_get_idx (list, 2));
  queue->hard = json_object_get_double (json_object_array_get_idx (list, 3));
  return TRUE;
}

static gboolean
read_outputs (json_object *list, WeirPlan *plan)
{
  for (gsize i = 0; i < json_object_array_length (list); i++) {
    WeirPlanOutput output = { .taken = json_object_array_get_idx (list, i) != NULL };
    if (output.taken && !read_queue (json_object_array_get_idx (list, i), &output.queue)) {
      return FALSE;
    }
    g_array_append_val (plan->outputs, output);
  }
  return TRUE;
}

static gboolean
read_inputs (json_object *list, WeirPlan *plan)
{
  for (gsize i = 0; i < json_object_array_length (list); i++) {
    WeirQueueSettings queue;
    if (!read_queue (json_object_array_get_idx (list, i), &queue)) {
      return FALSE;
    }
    g_array_append_val (plan->inputs, queue);
  }
  return TRUE;
}

static char *
text_of (json_object *object, const char *key)
{
  json_object *value = json_object_object_get (object, key);
  return json_object_is_type (value, json_type_string) ? g_strdup (json_object_get_string (value)) : NULL;
}

gboolean
weir_plan_read (int fd, WeirPlan *plan)
{
  g_autofree char *text = read_all (fd);
  json_object *object = json_tokener_parse (text);
  *plan = (WeirPlan){ .inputs = g_array_new (FALSE, FALSE, sizeof (WeirQueueSettings)),
                      .outputs = g_array_new (FALSE, FALSE, sizeof (WeirPlanOutput)) };
  json_object *inputs = json_object_object_get (object, "inputs"),
              *outputs = json_object_object_get (object, "outputs"),
              *rejected = json_object_object_get (object, "rejected");
  plan->name = text_of (object, "name");
  plan->plugin = text_of (object, "plugin");
  plan->file = text_of (object, "file");
  plan->kind = (WeirKind) json_object_get_int (json_object_object_get (object, "kind"));
  plan->options = json_object_get (json_object_object_get (object, "options"));
  plan->log_level = (GLogLevelFlags) json_object_get_int (json_object_object_get (object, "log"));
  plan->record_max = json_object_get_uint64 (json_object_object_get (object, "record_max"));
  plan->sockets = (guint) json_object_get_int (json_object_object_get (object, "sockets"));
  plan->shared = json_object_get_boolean (json_object_object_get (object, "shared"));
  plan->rejects = rejected != NULL;
  gboolean right = plan->name != NULL && plan->plugin != NULL && plan->file != NULL && plan->kind <= WEIR_CONSUMER &&
                   json_object_is_type (plan->options, json_type_object) &&
                   json_object_is_type (inputs, json_type_array) && json_object_is_type (outputs, json_type_array) &&
                   read_inputs (inputs, plan) && read_outputs (outputs, plan) &&
                   (rejected == NULL || read_queue (rejected, &plan->rejected));
  json_object_put (object);
  return right;
}

void
weir_plan_clear (WeirPlan *plan)
{
  g_free (plan->name);
  g_free (plan->plugin);
  g_free (plan->file);
  json_object_put (plan->options);
  g_array_unref (plan->inputs);
  g_array_unref (plan->outputs);
}
