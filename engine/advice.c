/* SPDX-License-Identifier: Apache-2.0 */
/* What `check` says of a pipeline that is right: stalls and worst-case memory. Reads the configuration on the main thread, owns
 * nothing. The figures follow from the limits of link.c: pinned bytes are full at 4 times `bytes`, 1 MiB at least. */
#include "advice.h"

#include "pool.h"

#include <math.h>

#define MIB 1048576.0
/* Groups of equal links that the line shows. */
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

  for (guint i = 0; i + 1 < branches->len; i++)
    g_string_append_printf (others, "%s\"%s\"", i == 0 ? "" : ", ", g_array_index (branches, Branch, i).taker->name);
  weir_problems_add (problems, WEIR_SEVERITY_WARNING, last->input->place, NULL,
                     "\"%s\" can stall %s at \"%s\" (%s pause; when_full on %s?)", last->taker->name, others->str,
                     stage->name, branches->len == 2 ? "both" : "all", last->input->name);
}

/* Rejected records are meant to be few: their taker is no branch. */
void
weir_advise_stalls (const WeirConfig *config, WeirProblems *problems)
{
  g_autoptr (GPtrArray) outputs = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);

  for (guint i = 0; i < config->stages->len; i++)
    g_ptr_array_add (outputs, g_array_new (FALSE, FALSE, sizeof (Branch)));
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *taker = g_ptr_array_index (config->stages, i);
    for (guint j = 0; j < taker->inputs->len; j++) {
      Branch branch = { taker, g_ptr_array_index (taker->inputs, j) };
      if (!branch.input->rejected && branch.input->queue.when_full == WEIR_WHEN_FULL_PAUSE)
        g_array_append_val (g_ptr_array_index (outputs, branch.input->from->index), branch);
    }
  }
  for (guint i = 0; i < config->stages->len; i++) {
    GArray *branches = g_ptr_array_index (outputs, i);
    if (branches->len > 1)
      warn (g_ptr_array_index (config->stages, i), branches, problems);
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

WeirMemory
weir_advise_memory (const WeirConfig *config)
{
  WeirMemory memory = { 0, 0, (double) config->record_max };

  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    memory.stages += (double) stage->role->state_size + (stage->kind == WEIR_CONSUMER ? 0 : WEIR_ARENA);
    for (guint j = 0; j < stage->inputs->len; j++) {
      const WeirConfigInput *input = g_ptr_array_index (stage->inputs, j);
      memory.links += link_bytes (&input->queue, memory.record);
    }
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

typedef struct {
  double bytes;
  guint count;
} Group;

/* "3 x 8.4, 1 x 18.1" */
static void
append_links (GString *line, const WeirConfig *config, double unit)
{
  g_autoptr (GArray) groups = g_array_new (FALSE, FALSE, sizeof (Group));

  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    for (guint j = 0; j < stage->inputs->len; j++) {
      const WeirConfigInput *input = g_ptr_array_index (stage->inputs, j);
      Group group = { link_bytes (&input->queue, (double) config->record_max), 1 };
      guint k = 0;
      while (k < groups->len && k < GROUPS_SHOWN && g_array_index (groups, Group, k).bytes != group.bytes)
        k++;
      if (k < groups->len && k < GROUPS_SHOWN)
        g_array_index (groups, Group, k).count++;
      else
        g_array_append_val (groups, group);
    }
  }
  for (guint i = 0; i < groups->len && i < GROUPS_SHOWN; i++) {
    const Group *group = &g_array_index (groups, Group, i);
    g_string_append_printf (line, "%s%u x ", i == 0 ? "" : ", ", group->count);
    append_figure (line, group->bytes, unit);
  }
  if (groups->len > GROUPS_SHOWN)
    g_string_append_printf (line, ", %u more", groups->len - GROUPS_SHOWN);
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
  g_string_append (line, " (");
  append_links (line, config, unit);
  g_string_append (line, "), stages ");
  append_figure (line, memory.stages, unit);
  g_string_append (line, "; and one record of up to ");
  append_figure (line, memory.record, MIB);
  g_string_append (line, " MiB a link");
  return g_string_free (line, FALSE);
}
