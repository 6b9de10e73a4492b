/* SPDX-License-Identifier: Apache-2.0 */
/* listeners.c: opens the sockets of a list of addresses (see listeners.h). Runs on the stage's worker. */
#include "listeners.h"

#include "lookup.h"

#include <unistd.h>

typedef struct {
  NetListeners *listeners;
  NetAddress address;
  NetLookup *lookup;
} Name;

struct _NetListeners {
  WeirStage *stage;
  NetListenOptions options;
  GArray *sockets;  /* NetListening */
  GPtrArray *names; /* Name, to be looked up */
  guint lookups;    /* that are not over */
  void (*opened) (gpointer owner);
  gpointer owner;
};

/* ---- options ---- */

static gboolean
parse_mode (const char *text, mode_t *mode)
{
  guint64 bits;
  if (!g_ascii_string_to_unsigned (text, 8, 0, 0777, &bits, NULL)) {
    return FALSE;
  }
  *mode = (mode_t) bits;
  return TRUE;
}

char *
net_listeners_check (const char *const *listen, const char *mode, NetFamily family, const char **option)
{
  mode_t bits;
  for (guint i = 0; listen[i] != NULL; i++) {
    NetAddress address;
    char *message = net_address_parse (&address, listen[i], family, TRUE);
    net_address_clear (&address);
    if (message != NULL) {
      *option = "listen";
      return message;
    }
  }
  if (mode != NULL && !parse_mode (mode, &bits)) {
    *option = "mode";
    return g_strdup_printf ("found \"%s\", expected an octal number from 0 to 0777, such as 0660", mode);
  }
  return NULL;
}

/* ---- opening ---- */

static void
free_name (gpointer data)
{
  Name *name = data;
  if (name->lookup != NULL) {
    net_lookup_cancel (name->lookup);
  }
  net_address_clear (&name->address);
  g_free (name);
}

static gboolean
add_address (NetListeners *listeners, const char *text, GError **error)
{
  NetAddress address;
  g_autofree char *message = net_address_parse (&address, text, listeners->options.family, TRUE);
  if (message != NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "listen: %s", message);
    return FALSE;
  }
  if (address.kind == NET_ADDRESS_NAME) {
    Name *name = g_new (Name, 1);
    *name = (Name){ .listeners = listeners, .address = address };
    g_ptr_array_add (listeners->names, name);
    return TRUE;
  }
  gboolean good;
  if (address.kind == NET_ADDRESS_SYSTEMD) {
    good = net_listening_inherit (listeners->sockets, &address, &listeners->options, error);
  } else {
    NetListening listening;
    good = net_listening_open (&listening, &address, &listeners->options, error);
    if (good) {
      g_array_append_val (listeners->sockets, listening);
    }
  }
  net_address_clear (&address);
  return good;
}

NetListeners *
net_listeners_new (WeirStage *stage, const char *const *listen, const char *mode, const NetListenOptions *options)
{
  NetListeners *listeners = g_new (NetListeners, 1);
  *listeners = (NetListeners){ .stage = stage,
                               .options = *options,
                               .sockets = g_array_new (FALSE, FALSE, sizeof (NetListening)),
                               .names = g_ptr_array_new_with_free_func (free_name) };
  if (mode != NULL) {
    (void) parse_mode (mode, &listeners->options.mode);
  }
  for (guint i = 0; listen[i] != NULL; i++) {
    GError *error = NULL;
    if (!add_address (listeners, listen[i], &error)) {
      weir_stage_fail_error (stage, error);
      net_listeners_free (listeners);
      return NULL;
    }
  }
  return listeners;
}

static void
say_listening (NetListeners *listeners)
{
  for (guint i = 0; i < listeners->sockets->len; i++) {
    weir_stage_log (listeners->stage, G_LOG_LEVEL_INFO, "listening on %s",
                    g_array_index (listeners->sockets, NetListening, i).text);
  }
}

/* A name may stand for addresses that this host has not: one that can be had is enough. */
static gboolean
bind_found (NetListeners *listeners, const NetAddress *address, GList *addresses, GError **error)
{
  guint bound = 0;
  for (GList *item = addresses; item != NULL; item = item->next) {
    g_autoptr (GSocketAddress) one = g_inet_socket_address_new (item->data, address->port);
    NetListening listening;
    g_autoptr (GError) trouble = NULL;
    if (net_listening_bind (&listening, address, one, &listeners->options, &trouble)) {
      g_array_append_val (listeners->sockets, listening);
      bound++;
    } else if ((bound == 0 && item->next == NULL) || g_error_matches (trouble, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)) {
      g_propagate_error (error, g_steal_pointer (&trouble));
      return FALSE;
    }
  }
  return TRUE;
}

static void
found (gpointer owner, GList *addresses, const GError *error)
{
  Name *name = owner;
  NetListeners *listeners = name->listeners;
  name->lookup = NULL;
  listeners->lookups--;
  GError *trouble = NULL;
  if (addresses == NULL) {
    weir_stage_fail (listeners->stage, "cannot listen on %s: %s", name->address.text, error->message);
  } else if (!bind_found (listeners, &name->address, addresses, &trouble)) {
    weir_stage_fail_error (listeners->stage, trouble);
  } else if (listeners->lookups == 0) {
    listeners->opened (listeners->owner);
    say_listening (listeners);
    weir_stage_ready (listeners->stage);
  }
}

WeirNext
net_listeners_start (NetListeners *listeners, void (*opened) (gpointer owner), gpointer owner)
{
  listeners->opened = opened;
  listeners->owner = owner;
  if (listeners->names->len == 0) {
    opened (owner);
    say_listening (listeners);
    return WEIR_MORE;
  }
  listeners->lookups = listeners->names->len;
  for (guint i = 0; i < listeners->names->len; i++) {
    Name *name = listeners->names->pdata[i];
    name->lookup = net_lookup_begin (name->address.host, found, name);
  }
  return WEIR_WAIT;
}

gboolean
net_listeners_opened (const NetListeners *listeners)
{
  return listeners->lookups == 0;
}

guint
net_listeners_count (const NetListeners *listeners)
{
  return listeners->sockets->len;
}

const NetListening *
net_listeners_get (const NetListeners *listeners, guint index)
{
  return &g_array_index (listeners->sockets, NetListening, index);
}

void
net_listeners_free (NetListeners *listeners)
{
  g_ptr_array_unref (listeners->names);
  for (guint i = 0; i < listeners->sockets->len; i++) {
    NetListening *listening = &g_array_index (listeners->sockets, NetListening, i);
    net_listening_remove (listening);
    weir_stage_close_fd (listeners->stage, listening->fd);
  }
  g_array_unref (listeners->sockets);
  g_free (listeners);
}
