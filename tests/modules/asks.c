/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for tests alone that asks for the delivery of what it makes: a producer of lines, cut into chunks, each chunk under an origin
 * of its own, a few of them at a time, and a line in a file for what became of each. Runs on the stage's worker. */
#include <weir/weir.h>

#include <string.h>

typedef struct {
  const char *path;
  gint64 chunks, window;
  gint64 made, open;
  guint32 stream;
  GString *told;
} Asks;

static const WeirOption options[] = {
  WEIR_STRING (Asks, path, NULL, WEIR_REQUIRED | WEIR_PATH, "What became of each is written there"),
  WEIR_INTEGER (Asks, chunks, "20", "1..", 0, "How many"),
  WEIR_INTEGER (Asks, window, "3", "1..", 0, "How many are open at a time"),
  WEIR_OPTIONS_END,
};

static WeirNext
asks_open (WeirStage *stage, gpointer state)
{
  Asks *self = state;
  (void) stage;
  self->told = g_string_new (NULL);
  return WEIR_MORE;
}

static WeirNext
asks_produce (WeirStage *stage, gpointer state)
{
  Asks *self = state;
  if (self->made == self->chunks) {
    return WEIR_DONE;
  }
  if (self->open == self->window) {
    return WEIR_WAIT; /* delivered() wakes */
  }
  if (self->stream == 0) {
    self->stream = weir_stream_open (stage, NULL);
  }
  g_autofree char *text = g_strdup_printf ("of %d\nline %d", (int) self->made, (int) self->made + 1);
  self->open++;
  self->made++;
  weir_origin_begin (stage, GSIZE_TO_POINTER ((gsize) self->made));
  weir_stream_use (stage, self->stream);
  weir_emit_copy (stage, text, strlen (text));
  weir_origin_end (stage);
  return WEIR_MORE;
}

static void
asks_delivered (WeirStage *stage, gpointer state, gpointer token, WeirOutcome outcome)
{
  static const char *const names[] = { "delivered", "dropped", "rejected", "abandoned" };
  Asks *self = state;
  (void) stage;
  self->open--;
  g_string_append_printf (self->told, "%d %s\n", (int) GPOINTER_TO_SIZE (token), names[outcome]);
}

static void
asks_close (WeirStage *stage, gpointer state)
{
  Asks *self = state;
  (void) stage;
  g_file_set_contents (self->path, self->told->str, (gssize) self->told->len, NULL);
  g_string_free (self->told, TRUE);
}

static const WeirRole producer = { .summary = "Asks",
                                   .options = options,
                                   .state_size = sizeof (Asks),
                                   .flags = WEIR_BYTES | WEIR_IN_ORDER,
                                   .open = asks_open,
                                   .produce = asks_produce,
                                   .delivered = asks_delivered,
                                   .close = asks_close };

WEIR_PLUGIN ("asks", "1.0", &producer, NULL, NULL);
