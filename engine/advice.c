/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` says of a pipeline that is right: stalls and worst-case memory. Reads the configuration on the main thread, owns
 * nothing. The figures follow from the limits of link.c: pinned bytes are full at 4 times `bytes`, 1 MiB at least. */
#include "advice.h"

#include "options.h"
#include "pool.h"

#include <math.h>
#include <string.h>

#define MIB 1048576.0
/* Sizes of links that the line shows. */
#define GROUPS_SHOWN 4

/* ---- stalls -------------------------------------------------------------------------------------------------------- */

typedef struct {
  const WeirConfigStage *taker;
  const WeirConfigInput *input;
} Branch;

static void
warn (const WeirConfigStage *stage, GArray *branches, WeirProblems *problems)
{
  const Branch *last = &g_array_index (branches, Branch, branches->len - 1);
  g_autoptr (GString) others = g_string_new (NULL);

  for (guint i = 0; i + 1 < branches->len; i++) {
    g_string_append_printf (others, "%s\"%s\"", i == 0 ? "" : ", ", g_array_index (branches, Branch, i).taker->name);
  }
  weir_problems_add (problems, WEIR_SEVERITY_WARNING, last->input->place, NULL,
                     "\"%s\" can stall %s at \"%s\" (%s pause; when_full on %s?)", last->taker->name, others->str,
                     stage->name, branches->len == 2 ? "both" : "all", last->input->name);
}

/* Rejected records are meant to be few: their taker is no branch. */
void
weir_advise_stalls (const WeirConfig *config, WeirProblems *problems)
{
  g_autoptr (GPtrArray) outputs = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);

  for (guint i = 0; i < config->stages->len; i++) {
    g_ptr_array_add (outputs, g_array_new (FALSE, FALSE, sizeof (Branch)));
  }
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *taker = g_ptr_array_index (config->stages, i);
    for (guint j = 0; j < taker->inputs->len; j++) {
      Branch branch = { taker, g_ptr_array_index (taker->inputs, j) };
      if (!branch.input->rejected && branch.input->queue.when_full == WEIR_WHEN_FULL_PAUSE) {
        g_array_append_val (g_ptr_array_index (outputs, branch.input->from->index), branch);
      }
    }
  }
  for (guint i = 0; i < config->stages->len; i++) {
    GArray *branches = g_ptr_array_index (outputs, i);
    if (branches->len > 1) {
      warn (g_ptr_array_index (config->stages, i), branches, problems);
    }
  }
}

/* ---- memory -------------------------------------------------------------------------------------------------------- */

static double
link_bytes (const WeirQueueSettings *queue, double record_max)
{
  double slot = sizeof (WeirRecord) + 1; /* and its byte of state */
  double bytes = ceil ((double) queue->bytes * queue->hard);
  double records = queue->records > 0 ? ceil ((double) queue->records * queue->hard) : bytes; /* of a byte each */

  /* Payload lies within the buffers that are pinned. Without a limit in bytes each record may be as large as records may be. */
  double pinned = queue->bytes > 0 ? MAX (4.0 * (double) queue->bytes, MIB) * queue->hard
                                   : records * MAX (record_max, (double) WEIR_ARENA);
  return records * slot + pinned;
}

/* Whose connections a link exists for; NULL: it exists once. */
static const WeirConfigStage *
listener_of (const WeirConfigInput *input)
{
  return input->from->per_connection ? input->from : input->from->listener;
}

/* Behind or before a stage in a child process, what is queued may be there once more. */
static double
places_of (const WeirConfigStage *taker, const WeirConfigInput *input)
{
  return 1 + (taker->isolate ? 1 : 0) + (input->from->isolate ? 1 : 0);
}

gint64
weir_advise_connections (const WeirConfigStage *listener)
{
  const WeirOption *option = listener->role->options;
  json_object *value;

  while (option != NULL && option->name != NULL && strcmp (option->name, "max") != 0) {
    option++;
  }
  if (option == NULL || option->name == NULL || option->kind != WEIR_OPTION_INTEGER_) {
    return 0;
  }
  if (json_object_object_get_ex (listener->options, option->name, &value)) {
    return json_object_get_int64 (value); /* of a string, too */
  }
  value = weir_option_default (option);
  gint64 most = json_object_get_int64 (value);
  json_object_put (value);
  return most;
}

/* So often it may exist; what any number of connections have is told for one of them, apart. */
static double
times_of (const WeirConfigStage *listener)
{
  return listener == NULL ? 1 : (double) weir_advise_connections (listener);
}

/* The links and the copies of stages that exist once for each connection of the listener, or, where that is NULL, once. */
static WeirMemory
memory_of (const WeirConfig *config, const WeirConfigStage *listener)
{
  WeirMemory memory = { 0, 0, (double) config->record_max };

  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (stage->listener == listener || (listener != NULL && stage->index == listener->index)) {
      memory.stages += (double) stage->role->state_size + (stage->kind == WEIR_CONSUMER ? 0 : WEIR_ARENA);
    }
    for (guint j = 0; j < stage->inputs->len; j++) {
      const WeirConfigInput *input = g_ptr_array_index (stage->inputs, j);
      if (listener_of (input) == listener) {
        memory.links += link_bytes (&input->queue, memory.record) * places_of (stage, input);
      }
    }
  }
  return memory;
}

WeirMemory
weir_advise_memory (const WeirConfig *config)
{
  WeirMemory memory = memory_of (config, NULL);

  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (!stage->per_connection) {
      continue;
    }
    WeirMemory one = memory_of (config, stage);
    memory.links += one.links * times_of (stage);
    memory.stages += one.stages * times_of (stage);
  }
  return memory;
}

/* One decimal, in any locale. */
static void
append_figure (GString *text, double bytes, double unit)
{
  char figure[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (text, g_ascii_formatd (figure, sizeof figure, "%.1f", bytes / unit));
}

/* Links of one size, as it is shown. */
typedef struct {
  char *figure;
  double count, bytes; /* of them all */
} Group;

static void
clear_group (gpointer group)
{
  g_free (((Group *) group)->figure);
}

/* What is too small for a decimal is shown all the same: there may be many of it. */
static char *
link_figure (double bytes, double unit)
{
  char figure[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strdup (g_ascii_formatd (figure, sizeof figure, bytes < 0.05 * unit ? "%.1g" : "%.1f", bytes / unit));
}

static GArray *
group_links (const WeirConfig *config, double unit)
{
  GArray *groups = g_array_new (FALSE, FALSE, sizeof (Group));
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal); /* figure -> number of the group, from 1 */

  g_array_set_clear_func (groups, clear_group);
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    for (guint j = 0; j < stage->inputs->len; j++) {
      const WeirConfigInput *input = g_ptr_array_index (stage->inputs, j);
      double bytes = link_bytes (&input->queue, (double) config->record_max),
             times = times_of (listener_of (input)) * places_of (stage, input);
      g_autofree char *figure = link_figure (bytes, unit);
      guint number = GPOINTER_TO_UINT (g_hash_table_lookup (known, figure));
      if (number == 0) {
        Group group = { g_steal_pointer (&figure), 0, 0 };
        g_array_append_val (groups, group);
        number = groups->len;
        g_hash_table_insert (known, group.figure, GUINT_TO_POINTER (number));
      }
      g_array_index (groups, Group, number - 1).count += times;
      g_array_index (groups, Group, number - 1).bytes += bytes * times;
    }
  }
  return groups;
}

/* " (3 x 8.4, 1 x 18.1)", without what does not show in the sum. */
static void
append_links (GString *line, const WeirConfig *config, double unit)
{
  g_autoptr (GArray) groups = group_links (config, unit);
  guint shown = 0;
  double more = 0;

  for (guint i = 0; i < groups->len; i++) {
    const Group *group = &g_array_index (groups, Group, i);
    if (group->bytes < 0.05 * unit) {
      continue;
    }
    if (shown < GROUPS_SHOWN) {
      g_string_append_printf (line, "%s%.0f x %s", shown++ == 0 ? " (" : ", ", group->count, group->figure);
    } else {
      more += group->count;
    }
  }
  if (more > 0) {
    g_string_append_printf (line, ", %.0f more", more);
  }
  if (shown > 0) {
    g_string_append_c (line, ')');
  }
}

/* ", and 8.4 for each connection of "client"", where nothing limits their number. */
static void
append_unlimited (GString *line, const WeirConfig *config, double unit)
{
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (!stage->per_connection || weir_advise_connections (stage) > 0) {
      continue;
    }
    WeirMemory one = memory_of (config, stage);
    g_string_append (line, ", and ");
    append_figure (line, one.links + one.stages, unit);
    g_string_append_printf (line, " for each connection of \"%s\"", stage->name);
  }
}

char *
weir_advise_memory_line (const WeirConfig *config)
{
  WeirMemory memory = weir_advise_memory (config);
  double total = memory.links + memory.stages;
  gboolean large = total >= 1024 * MIB;
  double unit = large ? 1024 * MIB : MIB;
  GString *line = g_string_new ("worst case ");

  append_figure (line, total, unit);
  g_string_append (line, large ? " GiB: links " : " MiB: links ");
  append_figure (line, memory.links, unit);
  append_links (line, config, unit);
  g_string_append (line, ", stages ");
  append_figure (line, memory.stages, unit);
  append_unlimited (line, config, unit);
  g_string_append (line, "; and one record of up to ");
  append_figure (line, memory.record, MIB);
  g_string_append (line, " MiB a link");
  return g_string_free (line, FALSE);
}
