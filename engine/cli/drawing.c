/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline as a drawing (see drawing.h). Pure functions on a configuration; a graph may be a long chain, so that a chain is drawn
 * straight down, and what would be indented too far begins anew at the left. */
#include "cli/drawing.h"

#include "found.h"

#include <string.h>

/* ---- what a stage and a link are called ---- */

/* The part of a link's name before the colon says which output it is. */
static char *
port_of (const WeirConfigInput *input)
{
  gsize size = strlen (input->from->name);
  const char *end = strchr (input->name, ':');
  gboolean named = input->name[size] == '.' && end != NULL;
  return named ? g_strndup (input->name + size + 1, (gsize) (end - input->name) - size - 1) : NULL;
}

/* What a link may lose; NULL: nothing. */
static const char *
loss_of (const WeirConfigInput *input)
{
  switch (input->queue.when_full) {
  case WEIR_WHEN_FULL_DROP_NEWEST:
    return "drop_newest";
  case WEIR_WHEN_FULL_DROP_OLDEST:
    return "drop_oldest";
  case WEIR_WHEN_FULL_PAUSE:
    break;
  }
  return NULL;
}

/* "rejected, drop_oldest", or "". */
static char *
label_of (const WeirConfigInput *input)
{
  g_autofree char *port = port_of (input);
  const char *loss = loss_of (input);
  return g_strdup_printf ("%s%s%s", port != NULL ? port : "", port != NULL && loss != NULL ? ", " : "",
                          loss != NULL ? loss : "");
}

/* What stands behind a stage's name: "tcp, producer, per connection", "reply to client, isolated". */
static char *
note_of (const WeirConfigStage *stage)
{
  const char *isolated = stage->isolate ? ", isolated" : "";
  if (stage->to != NULL) {
    return g_strdup_printf ("%s to %s%s", stage->plugin_name, stage->to, isolated);
  }
  return g_strdup_printf ("%s%s%s%s%s%s", stage->plugin_name, stage->kind == WEIR_TRANSFORM ? "" : ", ",
                          stage->kind == WEIR_TRANSFORM ? "" : weir_kind_names[stage->kind],
                          stage->per_connection ? ", per connection" : "", stage->shared ? ", shared" : "", isolated);
}

/* ---- text ---- */

typedef struct {
  const WeirConfigStage *to;
  const WeirConfigInput *input;
} Output;

typedef struct {
  const WeirConfig *config;
  GPtrArray *outputs; /* a GArray of Output for each stage */
  gboolean *drawn;
  GQueue *later; /* stages that would be indented too far */
  GString *out;
  guint width;
  const char *down, *tee, *corner, *bar, *blank, *ellipsis;
} Drawing;

static void
collect_outputs (Drawing *drawing)
{
  const GPtrArray *stages = drawing->config->stages;
  drawing->outputs = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  for (guint i = 0; i < stages->len; i++) {
    g_ptr_array_add (drawing->outputs, g_array_new (FALSE, FALSE, sizeof (Output)));
  }
  for (guint i = 0; i < stages->len; i++) {
    const WeirConfigStage *to = g_ptr_array_index (stages, i);
    for (guint j = 0; j < to->inputs->len; j++) {
      const WeirConfigInput *input = g_ptr_array_index (to->inputs, j);
      Output output = { to, input };
      g_array_append_val (g_ptr_array_index (drawing->outputs, input->from->index), output);
    }
  }
}

/* Cut where it is wider than the drawing. */
static void
end_line (Drawing *drawing, const char *line)
{
  if (g_utf8_strlen (line, -1) > (glong) drawing->width) {
    g_autofree char *cut = g_utf8_substring (line, 0, (glong) drawing->width - g_utf8_strlen (drawing->ellipsis, -1));
    g_string_append_printf (drawing->out, "%s%s\n", cut, drawing->ellipsis);
  } else {
    g_string_append_printf (drawing->out, "%s\n", line);
  }
}

/* input NULL: where a tree begins. */
static void
draw_line (Drawing *drawing, const char *lead, const WeirConfigStage *stage, const WeirConfigInput *input,
           const char *note)
{
  g_autoptr (GString) line = g_string_new (lead);
  g_autofree char *label = input != NULL ? label_of (input) : g_strdup ("");
  if (label[0] != '\0') {
    g_string_append_printf (line, "[%s] ", label);
  }
  g_string_append (line, stage->name);
  g_autofree char *own = note == NULL ? note_of (stage) : NULL;
  g_string_append_printf (line, " (%s)", note != NULL ? note : own);
  end_line (drawing, line->str);
}

static void draw_outputs (Drawing *drawing, const WeirConfigStage *stage, const char *indent);

/* Draws a stage, or says where it is drawn. TRUE: what comes behind it is to be drawn here. */
static gboolean
draw_stage (Drawing *drawing, const char *lead, const char *indent, const Output *output)
{
  const WeirConfigStage *stage = output->to;
  const GArray *outputs = g_ptr_array_index (drawing->outputs, stage->index);
  gboolean far = g_utf8_strlen (indent, -1) * 2 > (glong) drawing->width && outputs->len > 0;
  if (drawing->drawn[stage->index]) {
    draw_line (drawing, lead, stage, output->input, "see above");
    return FALSE;
  }
  if (far) {
    if (g_queue_find (drawing->later, stage) == NULL) {
      g_queue_push_tail (drawing->later, (gpointer) stage);
    }
    draw_line (drawing, lead, stage, output->input, "see below");
    return FALSE;
  }
  drawing->drawn[stage->index] = TRUE;
  draw_line (drawing, lead, stage, output->input, NULL);
  return TRUE;
}

/* A stage that is the only taker stands straight below; several are branches. */
static void
draw_outputs (Drawing *drawing, const WeirConfigStage *stage, const char *indent)
{
  const GArray *outputs = g_ptr_array_index (drawing->outputs, stage->index);
  while (outputs->len == 1) {
    const Output *output = &g_array_index (outputs, Output, 0);
    g_autofree char *lead = g_strconcat (indent, drawing->down, NULL);
    if (!draw_stage (drawing, lead, "", output)) {
      return;
    }
    outputs = g_ptr_array_index (drawing->outputs, output->to->index);
  }
  for (guint i = 0; i < outputs->len; i++) {
    const Output *output = &g_array_index (outputs, Output, i);
    gboolean last = i + 1 == outputs->len;
    g_autofree char *lead = g_strconcat (indent, last ? drawing->corner : drawing->tee, NULL);
    g_autofree char *deeper = g_strconcat (indent, last ? drawing->blank : drawing->bar, NULL);
    if (draw_stage (drawing, lead, deeper, output)) {
      draw_outputs (drawing, output->to, deeper);
    }
  }
}

static void
draw_tree (Drawing *drawing, const WeirConfigStage *stage)
{
  if (drawing->drawn[stage->index]) {
    return;
  }
  if (drawing->out->len > 0) {
    g_string_append_c (drawing->out, '\n');
  }
  drawing->drawn[stage->index] = TRUE;
  draw_line (drawing, "", stage, NULL, NULL);
  draw_outputs (drawing, stage, "");
}

char *
weir_draw_text (const WeirConfig *config, guint width, gboolean ascii)
{
  Drawing drawing = { .config = config, .out = g_string_new (NULL), .later = g_queue_new (), .width = width };
  drawing.drawn = g_new0 (gboolean, config->stages->len + 1);
  drawing.down = ascii ? "> " : "↓ ";
  drawing.tee = ascii ? "+-> " : "├─→ ";
  drawing.corner = ascii ? "`-> " : "└─→ ";
  drawing.bar = ascii ? "|   " : "│   ";
  drawing.blank = "    ";
  drawing.ellipsis = ascii ? "..." : "…";
  collect_outputs (&drawing);
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (stage->kind == WEIR_PRODUCER) {
      draw_tree (&drawing, stage);
    }
    while (!g_queue_is_empty (drawing.later)) {
      draw_tree (&drawing, g_queue_pop_head (drawing.later));
    }
  }
  g_ptr_array_unref (drawing.outputs);
  g_queue_free (drawing.later);
  g_free (drawing.drawn);
  return g_string_free (drawing.out, FALSE);
}

/* ---- dot ---- */

static void
append_dot_string (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\') {
      g_string_append_c (out, '\\');
    }
    g_string_append_c (out, *text);
  }
  g_string_append_c (out, '"');
}

/* The stages that exist once for each connection of the listener, or, where that is NULL, those that exist once. */
static void
append_dot_stages (GString *out, const WeirConfig *config, const WeirConfigStage *listener)
{
  static const char *const shapes[] = { "cds", "box", "oval" };
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (stage->listener == listener) {
      g_string_append_printf (out, "%s  \"%s\" [shape=%s, label=\"%s\\n%s\"];\n", listener != NULL ? "  " : "",
                              stage->name, shapes[stage->kind], stage->name, stage->plugin_name);
    }
  }
}

static void
append_dot_clusters (GString *out, const WeirConfig *config)
{
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (stage->per_connection) {
      g_string_append_printf (out,
                              "  subgraph \"cluster_%s\" {\n    label=\"per connection of %s\";\n"
                              "    fontname=\"sans-serif\";\n    style=dashed;\n",
                              stage->name, stage->name);
      append_dot_stages (out, config, stage);
      g_string_append (out, "  }\n");
    }
  }
}

char *
weir_draw_dot (const WeirConfig *config)
{
  GString *out = g_string_new ("digraph ");
  append_dot_string (out, config->name);
  g_string_append (out, " {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n");
  append_dot_stages (out, config, NULL);
  append_dot_clusters (out, config);
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    for (guint j = 0; j < stage->inputs->len; j++) {
      const WeirConfigInput *input = g_ptr_array_index (stage->inputs, j);
      g_autofree char *label = label_of (input);
      g_string_append_printf (out, "  \"%s\" -> \"%s\"", input->from->name, stage->name);
      if (label[0] != '\0') {
        g_string_append_printf (out, " [label=\"%s\"%s]", label, input->rejected ? ", style=dashed" : "");
      }
      g_string_append (out, ";\n");
    }
    if (stage->to != NULL) {
      g_string_append_printf (out, "  \"%s\" -> \"%s\" [style=dotted, constraint=false];\n", stage->name, stage->to);
    }
  }
  g_string_append (out, "}\n");
  return g_string_free (out, FALSE);
}

/* ---- mermaid ---- */

static void
append_mermaid_stages (GString *out, const WeirConfig *config, const WeirConfigStage *listener)
{
  static const char *const shapes[][2] = { { "([", "])" }, { "[", "]" }, { "[[", "]]" } };
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (stage->listener == listener) {
      g_string_append_printf (out, "%s  s%u%s\"%s<br/>%s\"%s\n", listener != NULL ? "  " : "", stage->index,
                              shapes[stage->kind][0], stage->name, stage->plugin_name, shapes[stage->kind][1]);
    }
  }
}

static void
append_mermaid_replies (GString *out, const WeirConfig *config)
{
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (stage->to != NULL) {
      g_string_append_printf (out, "  s%u -.-> s%u\n", stage->index, stage->listener->index);
    }
  }
}

/* Nodes are numbered: some words that a stage may be called mean something to Mermaid ("end"). */
char *
weir_draw_mermaid (const WeirConfig *config)
{
  g_autofree char *title = weir_found_text (config->name);
  GString *out = g_string_new (NULL);
  g_string_append_printf (out, "---\ntitle: %s\n---\nflowchart LR\n", title);
  append_mermaid_stages (out, config, NULL);
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    if (stage->per_connection) {
      g_string_append_printf (out, "  subgraph c%u[\"per connection of %s\"]\n", stage->index, stage->name);
      append_mermaid_stages (out, config, stage);
      g_string_append (out, "  end\n");
    }
  }
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    for (guint j = 0; j < stage->inputs->len; j++) {
      const WeirConfigInput *input = g_ptr_array_index (stage->inputs, j);
      g_autofree char *label = label_of (input);
      g_string_append_printf (out, "  s%u %s", input->from->index, input->rejected ? "-.->" : "-->");
      if (label[0] != '\0') {
        g_string_append_printf (out, "|\"%s\"|", label);
      }
      g_string_append_printf (out, " s%u\n", stage->index);
    }
  }
  append_mermaid_replies (out, config);
  return g_string_free (out, FALSE);
}
