/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline as a drawing: text for a terminal, or the languages of Graphviz and Mermaid. Pure functions. */
#ifndef WEIR_CLI_DRAWING_H
#define WEIR_CLI_DRAWING_H

#include "config.h"

/* A tree from each producer, at most `width` columns; a stage with several inputs is drawn where it is met first. ascii: no box
 * drawing characters. g_free() it, as what the others return. */
char *weir_draw_text (const WeirConfig *config, guint width, gboolean ascii);
char *weir_draw_dot (const WeirConfig *config);
char *weir_draw_mermaid (const WeirConfig *config);

#endif
