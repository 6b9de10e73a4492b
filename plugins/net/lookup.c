/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.c: asks GResolver on a thread of GIO's (see lookup.h). The lookup belongs to its GTask, so that it goes with it
 * however that ends; the thread reads the host alone. */
#include "lookup.h"

#include <string.h>

struct _NetLookup {
  char *host;
  GCancellable *cancellable;
  NetFound found; /* NULL: cancelled */
  gpointer owner;
};

static void
free_lookup (gpointer data)
{
  NetLookup *lookup = data;
  g_object_unref (lookup->cancellable);
  g_free (lookup->host);
  g_free (lookup);
}

static void
free_addresses (gpointer addresses)
{
  g_resolver_free_addresses (addresses);
}

static void
ask (GTask *task, G_GNUC_UNUSED gpointer source, gpointer data, GCancellable *cancellable)
{
  const NetLookup *lookup = data;
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  GError *error = NULL;
  GList *addresses = g_resolver_lookup_by_name (resolver, lookup->host, cancellable, &error);
  if (addresses == NULL) {
    g_task_return_error (task, error);
  } else {
    g_task_return_pointer (task, addresses, free_addresses);
  }
}

/* GIO puts "Error resolving ..." in front, in the user's language. */
static void
shorten (GError *error)
{
  const char *last = g_strrstr (error->message, ": ");
  if (last != NULL) {
    char *rest = g_strdup (last + 2);
    g_free (error->message);
    error->message = rest;
  }
}

static void
answered (G_GNUC_UNUSED GObject *source, GAsyncResult *result, G_GNUC_UNUSED gpointer data)
{
  GTask *task = G_TASK (result);
  NetLookup *lookup = g_task_get_task_data (task);
  GError *error = NULL;
  GList *addresses = g_task_propagate_pointer (task, &error);
  if (error != NULL) {
    shorten (error);
  }
  if (lookup->found != NULL) {
    lookup->found (lookup->owner, addresses, error);
  }
  g_clear_error (&error);
  if (addresses != NULL) {
    free_addresses (addresses);
  }
}

NetLookup *
net_lookup_begin (const char *host, NetFound found, gpointer owner)
{
  NetLookup *lookup = g_new (NetLookup, 1);
  *lookup = (NetLookup){ .host = g_strdup (host), .cancellable = g_cancellable_new (), .found = found, .owner = owner };
  g_autoptr (GTask) task = g_task_new (NULL, lookup->cancellable, answered, NULL);
  g_task_set_task_data (task, lookup, free_lookup);
  g_task_set_return_on_cancel (task, TRUE);
  g_task_run_in_thread (task, ask);
  return lookup;
}

void
net_lookup_cancel (NetLookup *lookup)
{
  lookup->found = NULL;
  g_cancellable_cancel (lookup->cancellable);
}
