/* SPDX-License-Identifier: Apache-2.0 */
/* How a producer that listens is made, with what stands behind each of its connections, and found (see conform-server.h): options, stages,
 * links, and guesses where it is to listen. In the child, on its main thread. */
#include "cli/conform-server.h"

#include "options.h"

#include <string.h>
#include <unistd.h>

#define SECOND ((gint64) G_USEC_PER_SEC)
#define SHUTDOWN (10 * SECOND)

/* ---- making it ---- */

static void
note_problem (const char *key, const char *message, gpointer data)
{
  GString *lines = data;
  g_string_append_printf (lines, "%s%s%s%s", lines->len > 0 ? "; " : "", key != NULL ? key : "",
                          key != NULL ? ": " : "", message);
}

static gpointer
make_state (WeirConformServer *server, const WeirRole *role, json_object *options)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  gpointer state = g_malloc0 (MAX (role->state_size, 1));
  weir_options_check (role, options, state, server->owned, note_problem, lines);
  if (lines->len > 0) {
    g_free (server->conform->said);
    server->conform->said = g_string_free (g_steal_pointer (&lines), FALSE);
    g_clear_pointer (&state, g_free);
  }
  return state;
}

static void
report (G_GNUC_UNUSED WeirStage *stage, G_GNUC_UNUSED WeirStageEvent event, G_GNUC_UNUSED gpointer data)
{
}

typedef struct {
  WeirConformServer *server;
} Ours;

static WeirNext
count_emitted (G_GNUC_UNUSED WeirStage *stage, gpointer self, G_GNUC_UNUSED const WeirRecord *record)
{
  ((Ours *) self)->server->from_listener++;
  return WEIR_MORE;
}

static WeirLink *
join (WeirConformServer *server, const char *name, const WeirQueueSettings *queue, WeirStage *from, guint port,
      WeirStage *to)
{
  WeirLink *link = weir_link_new (name, queue);
  weir_stage_wire (link, from, port, to);
  weir_stage_add_input (to, link);
  g_ptr_array_add (server->links, link);
  return link;
}

/* Links of connections, from each port of the producer, and for what is rejected. */
static void
wire (WeirConformServer *server, const WeirQueueSettings *queue)
{
  static const WeirQueueSettings defaults = WEIR_QUEUE_DEFAULTS;
  WeirStage *first = weir_connections_first (server->connections);
  for (guint i = 0; i < first->port_count; i++) {
    weir_connections_add_link (server->connections, join (server, "client", queue, first, i, server->middle));
  }
  weir_connections_add_link (server->connections,
                             join (server, "client.rejected", &defaults, first, WEIR_PORT_REJECTED, server->bin));
  if (server->reply != NULL) {
    weir_connections_add_link (server->connections, join (server, "reply", queue, server->middle, 0, server->reply));
    weir_connections_add_link (
      server->connections, join (server, "reply.rejected", &defaults, server->reply, WEIR_PORT_REJECTED, server->bin));
  }
}

static WeirStage *
add_ours (WeirConformServer *server, const char *name, const WeirRole *role)
{
  Ours *ours = g_new (Ours, 1);
  ours->server = server;
  return weir_stage_new (name, WEIR_CONSUMER, "check", role, ours);
}

/* FALSE: conform->said. */
static gboolean
build (WeirConformServer *server, json_object *options, const WeirQueueSettings *queue)
{
  static const WeirRole takes = { .state_size = sizeof (Ours), .consume = count_emitted };
  static const WeirRole bins = { .state_size = sizeof (Ours) };
  static const WeirQueueSettings small = { WEIR_CONFORM_HIGH, 1024 * 1024, 0, 0.5, 2.0, WEIR_WHEN_FULL_PAUSE };
  WeirConform *conform = server->conform;
  const WeirRole *role = conform->plugin->producer, *reply = conform->plugin->reply;
  gpointer states[3] = { make_state (server, role, options), NULL, NULL };
  states[1] = states[0] != NULL ? make_state (server, role, options) : NULL;
  if (states[1] != NULL && reply != NULL) {
    json_object *given = weir_conform_options_of (conform, reply, "reply");
    states[2] = make_state (server, reply, given);
    json_object_put (given);
  }
  if (states[1] == NULL || (reply != NULL && states[2] == NULL)) {
    g_free (states[0]);
    g_free (states[1]);
    return FALSE;
  }
  server->listener = weir_stage_new ("client", WEIR_PRODUCER, conform->plan->name, role, states[0]);
  weir_stage_set_worker (server->listener, server->worker);
  server->listener->report = report;
  server->listener->report_data = server;
  server->connections = weir_connections_new (server->listener, states[1]);
  weir_conform_make_middle (server);
  weir_connections_add_stage (server->connections, server->middle);
  server->bin = add_ours (server, "bin", &bins);
  weir_connections_add_stage (server->connections, server->bin);
  if (reply != NULL) {
    server->reply = weir_stage_new ("reply", WEIR_CONSUMER, conform->plan->name, reply, states[2]);
    weir_connections_add_stage (server->connections, server->reply);
  }
  wire (server, queue != NULL ? queue : &small);
  server->emitted = add_ours (server, "emitted", &takes);
  weir_stage_set_worker (server->emitted, server->worker);
  server->emitted->report = report;
  join (server, "listener", &small, server->listener, 0, server->emitted);
  weir_connections_set_up (server->connections, server->owned->pdata[0], SHUTDOWN, server->listener->record_max);
  return TRUE;
}

static gboolean
listens_or_failed (WeirConformServer *server, G_GNUC_UNUSED gpointer data)
{
  return server->listener->failed || server->listener->life >= WEIR_LIFE_ENDED ||
         (server->listener->life == WEIR_LIFE_RUNNING && weir_conform_find_listening (server));
}

/* FALSE: it is not open, or nobody knows where it listens. */
static gboolean
begin (WeirConformServer *server)
{
  weir_conform_note_listening (server);
  weir_conform_server_request (server, server->emitted, WEIR_REQUEST_OPEN);
  weir_conform_server_request (server, server->listener, WEIR_REQUEST_OPEN);
  weir_conform_server_crank (server, 0);
  if (server->listener->failed) {
    return FALSE;
  }
  weir_conform_server_request (server, server->emitted, WEIR_REQUEST_START);
  weir_conform_server_request (server, server->listener, WEIR_REQUEST_START);
  weir_conform_server_wait (server, listens_or_failed, NULL, MIN (weir_conform_server_patience (server), SECOND));
  return !server->listener->failed && server->listening >= 0;
}

static WeirConformServer *
make (WeirConform *conform, json_object *options, const WeirQueueSettings *queue, WeirConformMiddle does)
{
  g_autoptr (GError) error = NULL;
  WeirWorker *worker = weir_worker_new ("check", &error);
  if (worker == NULL) {
    weir_conform_skip (conform, "%s", error->message);
    return NULL;
  }
  WeirConformServer *server = g_new0 (WeirConformServer, 1);
  *server = (WeirConformServer){ .conform = conform, .worker = worker, .does = does, .allowed = G_MAXSIZE };
  server->listening = -1;
  server->clock = (WeirCrankedClock){ SECOND, g_get_real_time () - SECOND };
  worker->clock = &server->clock;
  worker->pooled = TRUE;
  worker->stages = 2; /* so that the hard limit fails a stage (R4) */
  server->links = g_ptr_array_new ();
  server->owned = g_ptr_array_new ();
  GPtrArray *pool = g_ptr_array_new ();
  g_ptr_array_add (pool, worker);
  g_ptr_array_add (server->owned, pool);
  conform->server = server;
  if (!build (server, options, queue)) {
    weir_conform_server_drop (conform);
    return NULL;
  }
  return server;
}

/* ---- where it is to listen ---- */

/* The option that says where, by its name; NULL: none is called so. */
static const WeirOption *
address_option (const WeirRole *role)
{
  static const char *const names[] = { "listen", "address", "bind", "path", "socket", "port" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    for (const WeirOption *option = role->options; option != NULL && option->kind != WEIR_OPTION_END_; option++) {
      gboolean text = option->kind == WEIR_OPTION_STRING_ || option->kind == WEIR_OPTION_STRINGS_;
      if ((text || option->kind == WEIR_OPTION_INTEGER_) && strcmp (option->name, names[i]) == 0) {
        return option;
      }
    }
  }
  return NULL;
}

/* A path and a port of the loopback device, in turn; any that is free. NULL: no more. */
static json_object *
guess (const WeirOption *option, const char *path, guint round)
{
  gboolean number = option->kind == WEIR_OPTION_INTEGER_;
  if (round > (number ? 0 : 1)) {
    return NULL;
  }
  return number ? json_object_new_int (0) : json_object_new_string (round == 0 ? path : "127.0.0.1:0");
}

static WeirConformServer *
serve_guessed (WeirConform *conform, const WeirOption *option, const WeirQueueSettings *queue, WeirConformMiddle does)
{
  g_autofree char *path = g_build_filename (conform->plan->scratch, "socket", NULL);
  WeirConformServer *server = NULL;
  json_object *value;
  for (guint round = 0; (value = guess (option, path, round)) != NULL; round++) {
    json_object *options = NULL;
    json_object_deep_copy (conform->options, &options, NULL);
    json_object_object_add (options, option->name, value);
    weir_conform_server_drop (conform);
    server = make (conform, options, queue, does);
    json_object_put (options);
    if (server != NULL && begin (server)) {
      return server;
    }
    /* What takes any text as a path shall not leave a file in somebody's folder. */
    if (server != NULL && chdir (conform->plan->scratch) != 0) {
      break;
    }
  }
  return conform->server;
}

WeirConformServer *
weir_conform_serve (WeirConform *conform, const WeirQueueSettings *queue, WeirConformMiddle does,
                    WeirConformResult *result)
{
  const WeirRole *role = conform->plugin->producer;
  const WeirOption *option = address_option (role);
  weir_conform_server_drop (conform);
  WeirConformServer *server;
  if (option != NULL && !weir_conform_is_set (conform, "producer", option->name)) {
    server = serve_guessed (conform, option, queue, does);
  } else {
    server = make (conform, conform->options, queue, does);
    if (server != NULL) {
      begin (server);
    }
  }
  g_autofree char *hint = option != NULL
                            ? g_strdup_printf ("; give --set producer.%s=VALUE to make it listen here", option->name)
                            : g_strdup ("; give the option that makes it listen by --set producer.OPTION=VALUE");
  if (server == NULL) {
    g_autofree char *said = g_steal_pointer (&conform->said);
    *result = weir_conform_skip (conform, "%s%s", said, hint);
    return NULL;
  }
  *result = weir_conform_server_end (server);
  if (*result != WEIR_CONFORM_OK) {
    return NULL;
  }
  if (server->listener->failed) {
    *result = weir_conform_skip (conform, "it fails: %s%s", server->listener->failure, hint);
    return NULL;
  }
  if (server->listening < 0) {
    *result = weir_conform_skip (conform, "behind its start it listens at no socket of this process%s", hint);
    return NULL;
  }
  g_clear_pointer (&conform->said, g_free); /* of a guess that was none */
  return server;
}
