/* SPDX-License-Identifier: Apache-2.0 */
/* "did you mean": the word of a list that is nearest to a mistyped one. Pure functions, any thread. */
#ifndef WEIR_SUGGEST_H
#define WEIR_SUGGEST_H

#include <glib.h>

G_BEGIN_DECLS

/* The nearest of the NULL-ended candidates (NULL: none), or NULL if none is near enough to be meant. The pointer is one of
 * the list's; of equally near ones the first wins. */
const char *weir_suggest (const char *word, const char *const *candidates);

/* Appends `; did you mean "X"?` to a message when there is an X. */
void weir_suggest_append (GString *message, const char *word, const char *const *candidates);

G_END_DECLS
#endif
