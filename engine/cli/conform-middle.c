/* SPDX-License-Identifier: Apache-2.0 */
/* What stands between a connection's producer and its reply when `weir plugin check` looks at them (see conform-server.h): it takes as
 * many records as it may, compares them with what peers send, and echoes them or answers by itself.
 * In the child, on its main thread; its state is copied for each connection. */
#include "cli/conform-server.h"

typedef struct {
  WeirConformServer *server;
  guint64 taken;  /* bytes of this connection */
  guint answered; /* lines */
} Middle;

static WeirNext
middle_consume (WeirStage *stage, gpointer data, const WeirRecord *record)
{
  Middle *self = data;
  WeirConformServer *server = self->server;
  if (server->allowed == 0) {
    return WEIR_WAIT;
  }
  server->allowed -= server->allowed != G_MAXSIZE ? 1 : 0;
  for (gsize i = 0; i < record->size + record->trail && !server->inexact; i++) {
    server->inexact = record->data[i] != weir_conform_pattern (self->taken + i);
  }
  self->taken += record->size + record->trail;
  if (server->counted == NULL || server->counted == stage->connection) {
    server->records++;
    server->bytes += record->size + record->trail;
  }
  if (server->does == WEIR_CONFORM_ECHO && server->reply != NULL) {
    weir_emit (stage, record);
  }
  return WEIR_MORE;
}

static WeirNext
middle_produce (WeirStage *stage, gpointer data)
{
  Middle *self = data;
  WeirConformServer *server = self->server;
  if (self->answered == server->answers) {
    return server->answers_end ? WEIR_DONE : WEIR_WAIT; /* weir_conform_server_allow() wakes it */
  }
  char line[WEIR_CONFORM_LINE];
  for (gsize i = 0; i < sizeof line; i++) {
    line[i] = (char) weir_conform_pattern ((guint64) self->answered * WEIR_CONFORM_LINE + i);
  }
  self->answered++;
  weir_stage_set_trail (stage, 1);
  weir_emit_copy (stage, line, sizeof line);
  return WEIR_MORE;
}

void
weir_conform_make_middle (WeirConformServer *server)
{
  static const WeirRole echo = { .state_size = sizeof (Middle), .flags = WEIR_BYTES, .consume = middle_consume };
  static const WeirRole answer = {
    .state_size = sizeof (Middle), .flags = WEIR_DUPLEX, .consume = middle_consume, .produce = middle_produce
  };
  Middle *middle = g_new0 (Middle, 1);
  middle->server = server;
  gboolean answers = server->does == WEIR_CONFORM_ANSWER;
  WeirKind kind = server->conform->plugin->reply != NULL ? WEIR_TRANSFORM : WEIR_CONSUMER;
  server->middle = weir_stage_new ("middle", kind, "check", answers ? &answer : &echo, middle);
}

void
weir_conform_server_allow (WeirConformServer *server, gsize records)
{
  server->allowed = records;
  guint index = server->middle->template_index;
  WeirWorker *before = weir_worker_enter (server->worker);
  for (WeirConnection *connection = server->connections->alive; connection != NULL; connection = connection->next) {
    weir_stage_wake (&connection->stages[index]);
  }
  weir_worker_leave (server->worker, before);
}
