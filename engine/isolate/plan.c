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

/* ---- made ---- */

static void
clear_reply (gpointer data)
{
  WeirPlanReply *reply = data;
  g_free (reply->name);
  json_object_put (reply->options);
  g_array_unref (reply->inputs);
}

WeirPlan
weir_plan_new (void)
{
  WeirPlan plan = { .inputs = g_array_new (FALSE, FALSE, sizeof (WeirQueueSettings)),
                    .outputs = g_array_new (FALSE, FALSE, sizeof (WeirPlanOutput)),
                    .replies = g_array_new (FALSE, FALSE, sizeof (WeirPlanReply)) };
  g_array_set_clear_func (plan.replies, clear_reply);
  return plan;
}

void
weir_plan_add_reply (WeirPlan *plan, const char *name, json_object *options, GLogLevelFlags log_level, GArray *inputs)
{
  WeirPlanReply reply = { g_strdup (name), json_object_get (options), log_level, g_array_ref (inputs) };
  g_array_append_val (plan->replies, reply);
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
  g_array_unref (plan->replies);
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
describe_queues (GArray *queues)
{
  json_object *list = json_object_new_array ();
  for (guint i = 0; i < queues->len; i++) {
    json_object_array_add (list, describe_queue (&g_array_index (queues, WeirQueueSettings, i)));
  }
  return list;
}

static json_object *
describe_reply (const WeirPlanReply *reply)
{
  json_object *object = json_object_new_object ();
  json_object_object_add (object, "name", json_object_new_string (reply->name));
  json_object_object_add (object, "options", json_object_get (reply->options));
  json_object_object_add (object, "log", json_object_new_int ((int) reply->log_level));
  json_object_object_add (object, "inputs", describe_queues (reply->inputs));
  return object;
}

static json_object *
describe (const WeirPlan *plan)
{
  json_object *object = json_object_new_object (), *outputs = json_object_new_array (),
              *replies = json_object_new_array ();
  json_object_object_add (object, "name", json_object_new_string (plan->name));
  json_object_object_add (object, "plugin", json_object_new_string (plan->plugin));
  json_object_object_add (object, "file", json_object_new_string (plan->file));
  json_object_object_add (object, "kind", json_object_new_int ((int) plan->kind));
  json_object_object_add (object, "options", json_object_get (plan->options));
  json_object_object_add (object, "log", json_object_new_int ((int) plan->log_level));
  json_object_object_add (object, "record_max", json_object_new_uint64 (plan->record_max));
  json_object_object_add (object, "sockets", json_object_new_int ((int) plan->sockets));
  for (guint i = 0; i < plan->outputs->len; i++) {
    const WeirPlanOutput *output = &g_array_index (plan->outputs, WeirPlanOutput, i);
    json_object_array_add (outputs, output->taken ? describe_queue (&output->queue) : NULL);
  }
  for (guint i = 0; i < plan->replies->len; i++) {
    json_object_array_add (replies, describe_reply (&g_array_index (plan->replies, WeirPlanReply, i)));
  }
  json_object_object_add (object, "inputs", describe_queues (plan->inputs));
  json_object_object_add (object, "outputs", outputs);
  json_object_object_add (object, "shared", json_object_new_boolean (plan->shared));
  json_object_object_add (object, "rejected", plan->rejects ? describe_queue (&plan->rejected) : NULL);
  json_object_object_add (object, "listens", json_object_new_boolean (plan->listens));
  json_object_object_add (object, "workers", json_object_new_int ((int) plan->workers));
  json_object_object_add (object, "replies", replies);
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
read_queues (json_object *list, GArray *queues)
{
  for (gsize i = 0; i < json_object_array_length (list); i++) {
    WeirQueueSettings queue;
    if (!read_queue (json_object_array_get_idx (list, i), &queue)) {
      return FALSE;
    }
    g_array_append_val (queues, queue);
  }
  return TRUE;
}

static char *
text_of (json_object *object, const char *key)
{
  json_object *value = json_object_object_get (object, key);
  return json_object_is_type (value, json_type_string) ? g_strdup (json_object_get_string (value)) : NULL;
}

static gboolean
read_replies (json_object *list, WeirPlan *plan)
{
  for (gsize i = 0; i < json_object_array_length (list); i++) {
    json_object *object = json_object_array_get_idx (list, i), *options = json_object_object_get (object, "options"),
                *queues = json_object_object_get (object, "inputs");
    g_autofree char *name = text_of (object, "name");
    g_autoptr (GArray) inputs = g_array_new (FALSE, FALSE, sizeof (WeirQueueSettings));
    if (name == NULL || !json_object_is_type (options, json_type_object) ||
        !json_object_is_type (queues, json_type_array) || !read_queues (queues, inputs)) {
      return FALSE;
    }
    weir_plan_add_reply (plan, name, options,
                         (GLogLevelFlags) json_object_get_int (json_object_object_get (object, "log")), inputs);
  }
  return TRUE;
}

gboolean
weir_plan_read (int fd, WeirPlan *plan)
{
  g_autofree char *text = read_all (fd);
  json_object *object = json_tokener_parse (text);
  *plan = weir_plan_new ();
  json_object *inputs = json_object_object_get (object, "inputs"),
              *outputs = json_object_object_get (object, "outputs"),
              *rejected = json_object_object_get (object, "rejected"),
              *replies = json_object_object_get (object, "replies");
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
  plan->listens = json_object_get_boolean (json_object_object_get (object, "listens"));
  plan->workers = (guint) json_object_get_int (json_object_object_get (object, "workers"));
  gboolean right = plan->name != NULL && plan->plugin != NULL && plan->file != NULL && plan->kind <= WEIR_CONSUMER &&
                   json_object_is_type (plan->options, json_type_object) &&
                   json_object_is_type (inputs, json_type_array) && json_object_is_type (outputs, json_type_array) &&
                   json_object_is_type (replies, json_type_array) && read_queues (inputs, plan->inputs) &&
                   read_outputs (outputs, plan) && read_replies (replies, plan) &&
                   (rejected == NULL || read_queue (rejected, &plan->rejected));
  json_object_put (object);
  return right;
}
