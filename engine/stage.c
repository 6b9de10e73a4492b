/* SPDX-License-Identifier: Apache-2.0 */
/* stage.c: making and freeing a stage, what the pipeline asks of it, and how it says things (weir/stage.h).
 * Made and freed on the main thread; requests come from there and are carried out by the stage's next turn. */
#include "stage.h"

#include "connections.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

const WeirRecord weir_no_record = { .data = (const guint8 *) "" };

const char *const weir_kind_names[] = { "producer", "transform", "consumer" };

static guint
count_names (const char *const *names)
{
  return names != NULL ? g_strv_length ((char **) names) : 0;
}

static void
init_stage (WeirStage *stage, WeirKind kind, const WeirRole *role, gpointer self)
{
  atomic_init (&stage->references, 1);
  stage->role = role;
  stage->kind = kind;
  stage->watched = WEIR_WATCHED_NONE;
  stage->duplex = (role->flags & WEIR_DUPLEX) != 0;
  stage->self = self;
  stage->record_max = 16 * 1024 * 1024;
  stage->log_level = G_LOG_LEVEL_INFO;
  stage->port_count = MAX (count_names (role->ports), 1);
  stage->ports = stage->port_count == 1 ? &stage->only_port : g_new0 (WeirPort, stage->port_count);
  stage->port = &stage->ports[0];
  stage->refusing = TRUE; /* until start */
  stage->current = &weir_no_record;
  stage->counter_count = count_names (role->counters);
  if (role->interrupt != NULL) {
    weir_stage_extras (stage); /* before another thread asks for the lock */
  }
}

WeirStage *
weir_stage_new (const char *name, WeirKind kind, const char *plugin, const WeirRole *role, gpointer self)
{
  WeirStage *stage = g_aligned_alloc0 (1, sizeof (WeirStage), 64);
  init_stage (stage, kind, role, self);
  stage->name = g_strdup (name);
  stage->plugin = g_strdup (plugin);
  stage->counters = g_new0 (_Atomic guint64, stage->counter_count);
  return stage;
}

static gsize
rounded (gsize size)
{
  return (size + WEIR_STATE_ALIGNMENT - 1) & ~(gsize) (WEIR_STATE_ALIGNMENT - 1);
}

gsize
weir_stage_state_size (const WeirStage *original)
{
  return rounded (rounded (original->role->state_size) + original->counter_count * sizeof (guint64));
}

void
weir_stage_copy (WeirStage *stage, gpointer state, const WeirStage *original)
{
  memcpy (state, original->self, original->role->state_size);
  init_stage (stage, original->kind, original->role, state);
  stage->counters = (gpointer) ((guint8 *) state + rounded (original->role->state_size));
  stage->name = original->name;
  stage->plugin = original->plugin;
  stage->log_level = original->log_level;
  stage->elsewhere = original->elsewhere;
}

void
weir_stage_set_worker (WeirStage *stage, WeirWorker *worker)
{
  stage->worker = weir_worker_ref (worker);
  stage->task.queue = &worker->queue;
  stage->packer.pool = worker->pool;
  worker->stages += worker->pooled ? 0 : 1;
}

/* To a list that has `count` of them, and begins as the place for one; room for more is doubled. */
static void
append_link (WeirLink ***links, WeirLink **only, guint count, WeirLink *link)
{
  if (*links == NULL) {
    *links = only;
  } else if (*links == only) {
    *links = g_new (WeirLink *, 2);
    (*links)[0] = *only;
  } else if ((count & (count - 1)) == 0) {
    *links = g_renew (WeirLink *, *links, MAX (count * 2, 2));
  }
  (*links)[count] = link;
}

static void
add_link (WeirPort *port, WeirLink *link)
{
  append_link (&port->links, &port->only, port->count++, link);
}

void
weir_stage_wire (WeirLink *link, WeirStage *from, guint port, WeirStage *to)
{
  link->from = from;
  link->to = to;
  if (!link->is_copy) {
    link->identity->from_port = port;
  }
  link->producer = &from->task;
  link->taker = &to->task;
  link->taker_links = &to->ready_links;
  link->packer = &from->packer;
  if (from->worker != NULL) {
    link->pool = from->worker->pool;
  }
  if (from->worker != NULL && link->limits->settings.when_full == WEIR_WHEN_FULL_DROP_OLDEST) {
    weir_link_use_front (link, to->worker->pool);
  }
  add_link (port == WEIR_PORT_REJECTED ? &from->rejected : &from->ports[port], link);
}

void
weir_stage_add_input (WeirStage *stage, WeirLink *link)
{
  if (!link->is_copy || link->connection != NULL || stage->elsewhere != NULL) {
    weir_link_extras (link)->input_index = stage->input_count;
  }
  append_link (&stage->inputs, &stage->only_input, stage->input_count++, link);
}

/* The stages of a connection are freed together. */
WeirStage *
weir_stage_ref (WeirStage *stage)
{
  _Atomic gint *references = stage->connection != NULL ? &stage->connection->references : &stage->references;
  atomic_fetch_add_explicit (references, 1, memory_order_relaxed);
  return stage;
}

static void
free_links (WeirLink **links, WeirLink **only)
{
  if (links != only) {
    g_free (links);
  }
}

void
weir_stage_unref (WeirStage *stage)
{
  if (stage->connection != NULL) {
    weir_connection_unref (stage->connection);
  } else if (atomic_fetch_sub_explicit (&stage->references, 1, memory_order_acq_rel) == 1) {
    weir_stage_free (stage);
  }
}

void
weir_stage_free (WeirStage *stage)
{
  if (stage->elsewhere != NULL && stage->elsewhere->forget != NULL) {
    stage->elsewhere->forget (stage);
  }
  weir_posts_free (stage);
  weir_origins_free (stage);
  weir_joins_free (stage);
  weir_packer_clear (&stage->packer);
  g_clear_pointer (&stage->worker, weir_worker_unref); /* behind its pool's last use */
  for (guint i = 0; i < stage->port_count; i++) {
    free_links (stage->ports[i].links, &stage->ports[i].only);
  }
  free_links (stage->rejected.links, &stage->rejected.only);
  free_links (stage->inputs, &stage->only_input);
  g_clear_pointer (&stage->pending_ends, g_array_unref);
  weir_stage_free_extras (stage);
  if (stage->ports != &stage->only_port) {
    g_free (stage->ports);
  }
  g_free (stage->failure);
  if (stage->connection != NULL) {
    return; /* the rest is the connection's */
  }
  g_free (stage->counters);
  g_free (stage->self);
  g_free (stage->name);
  g_free (stage->plugin);
  g_aligned_free (stage);
}

void
weir_stage_request (WeirStage *stage, guint32 request)
{
  atomic_fetch_or_explicit (&stage->requests, request, memory_order_release);
  weir_task_make_ready (&stage->task);
}

static _Thread_local WeirStage *interrupting;

WeirStage *
weir_stage_interrupting (void)
{
  return interrupting;
}

void
weir_stage_interrupt (WeirStage *stage)
{
  if (stage->role->interrupt == NULL) {
    return;
  }
  g_mutex_lock (&stage->extras->interrupt_lock);
  if (stage->extras->interruptible) {
    interrupting = stage;
    stage->role->interrupt (stage, stage->self);
    interrupting = NULL;
  }
  g_mutex_unlock (&stage->extras->interrupt_lock);
}

void
weir_stage_set_interruptible (WeirStage *stage, gboolean interruptible)
{
  if (stage->role->interrupt == NULL) {
    return;
  }
  g_mutex_lock (&stage->extras->interrupt_lock);
  stage->extras->interruptible = interruptible;
  g_mutex_unlock (&stage->extras->interrupt_lock);
}

void
weir_stage_mark_dirty (WeirStage *stage)
{
  if (!stage->dirty) {
    stage->dirty = TRUE;
    stage->next_dirty = stage->worker->dirty;
    stage->worker->dirty = stage;
  }
}

const char *
weir_stage_name (WeirStage *stage)
{
  return stage->name;
}

static WeirNext
fail (WeirStage *stage, char *message)
{
  weir_add_relaxed (&stage->errors, 1);
  if (stage->failed) {
    g_free (message);
    return WEIR_FAIL;
  }
  stage->failed = TRUE;
  g_free (stage->failure);
  stage->failure = message;
  /* Said outside of a turn: the next turn sees to it. */
  weir_task_make_ready (&stage->task);
  return WEIR_FAIL;
}

WeirNext
weir_stage_fail (WeirStage *stage, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return fail (stage, message);
}

WeirNext
weir_stage_fail_errno (WeirStage *stage, const char *format, ...)
{
  int error = errno;
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return fail (stage, g_strdup_printf ("%s: %s", what, g_strerror (error)));
}

WeirNext
weir_stage_fail_error (WeirStage *stage, GError *error)
{
  char *message = g_strdup (error->message);
  g_error_free (error);
  return fail (stage, message);
}

gboolean
weir_stage_check_answer (WeirStage *stage, const char *callback, WeirNext next, guint32 allowed)
{
  static const char *const names[] = { "MORE", "WAIT", "DONE", "PRODUCE", "REJECT", "FAIL" };
  if (next == WEIR_FAIL) {
    if (!stage->failed) {
      stage->at_fault = TRUE;
      weir_stage_fail (stage, "%s() answered FAIL without saying why", callback);
    }
    return FALSE;
  }
  if ((guint) next >= G_N_ELEMENTS (names) || (allowed & WEIR_CAN (next)) == 0) {
    stage->at_fault = TRUE;
    weir_stage_fail (stage, "%s() answered %s, which it may not", callback,
                     (guint) next < G_N_ELEMENTS (names) ? names[next] : "a number that is no answer");
    return FALSE;
  }
  return TRUE;
}

WeirNext
weir_stage_reject (WeirStage *stage, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  WeirStageExtras *extras = weir_stage_extras (stage);
  g_free (extras->rejection);
  extras->rejection = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  return WEIR_REJECT;
}

void
weir_stage_set_log (WeirStage *stage, void (*log) (WeirStage *stage, GLogLevelFlags level, const char *text))
{
  weir_stage_extras (stage)->log = log;
  stage->logs_apart = log != NULL;
}

void
weir_stage_log (WeirStage *stage, GLogLevelFlags level, const char *format, ...)
{
  if ((level & G_LOG_LEVEL_MASK) > stage->log_level) {
    return;
  }
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (stage->logs_apart) {
    stage->extras->log (stage, level, text);
    return;
  }
  g_log_structured (G_LOG_DOMAIN, level, "WEIR_STAGE", stage->name, "WEIR_PLUGIN", stage->plugin, "MESSAGE",
                    "%s (%s, %s): %s", stage->name, stage->plugin, weir_kind_names[stage->kind], text);
}

void
weir_stage_count (WeirStage *stage, guint counter, guint64 n)
{
  g_return_if_fail (counter < stage->counter_count);
  atomic_fetch_add_explicit (&stage->counters[counter], n, memory_order_relaxed);
}

void
weir_stage_window (WeirStage *stage, gsize kept)
{
  stage->window = kept;
}

void
weir_template_write (WeirStage *stage, const char *text, const WeirRecord *record, GString *out)
{
  WeirStageExtras *extras = weir_stage_extras (stage);
  if (extras->templates == NULL) {
    extras->templates = weir_template_cache_new ();
  }
  WeirTemplate *template = weir_template_cache_get (extras->templates, text);
  weir_template_expand (template, record, weir_template_uses_time (template) ? weir_stage_wall (stage) : 0, out);
}
