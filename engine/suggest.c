/* SPDX-License-Identifier: Apache-2.0 */
/* "did you mean": the word of a list that is nearest to a mistyped one, by the edit distance of insertions, deletions,
 * replacements and swaps of neighbours, letters compared without case. GLib has no edit distance.
 * Pure functions, any thread; nothing is owned. */
#include "suggest.h"

#include <string.h>

/* Longer words are not compared: nobody's option has such a name, and the cost stays bounded. */
#define LONGEST 64

static guint
distance (const char *word, gsize word_size, const char *candidate, gsize candidate_size)
{
  guint rows[3][LONGEST + 1];
  guint *two_back = rows[0], *one_back = rows[1], *row = rows[2];

  for (gsize column = 0; column <= candidate_size; column++) {
    one_back[column] = (guint) column;
    two_back[column] = 0;
  }
  for (gsize i = 1; i <= word_size; i++) {
    row[0] = (guint) i;
    for (gsize j = 1; j <= candidate_size; j++) {
      char a = g_ascii_tolower (word[i - 1]);
      char b = g_ascii_tolower (candidate[j - 1]);
      guint best = MIN (one_back[j] + 1, row[j - 1] + 1);

      best = MIN (best, one_back[j - 1] + (a != b));
      if (i > 1 && j > 1 && a == g_ascii_tolower (candidate[j - 2]) && g_ascii_tolower (word[i - 2]) == b) {
        best = MIN (best, two_back[j - 2] + 1);
      }
      row[j] = best;
    }
    guint *oldest = two_back;
    two_back = one_back;
    one_back = row;
    row = oldest;
  }
  return one_back[candidate_size];
}

const char *
weir_suggest (const char *word, const char *const *candidates)
{
  const char *nearest = NULL;
  gsize word_size = strlen (word);
  guint least = G_MAXUINT;

  if (candidates == NULL || word_size == 0 || word_size > LONGEST) {
    return NULL;
  }
  for (gsize i = 0; candidates[i] != NULL; i++) {
    gsize size = strlen (candidates[i]);
    if (size == 0 || size > LONGEST) {
      continue;
    }
    /* One slip for each three letters, three at most; a word is never replaced as a whole. */
    guint allowed = (guint) MIN (3, (MAX (word_size, size) + 2) / 3);
    guint found = distance (word, word_size, candidates[i], size);

    if (found <= allowed && found < MAX (word_size, size) && found < least) {
      least = found;
      nearest = candidates[i];
    }
  }
  return nearest;
}

void
weir_suggest_append (GString *message, const char *word, const char *const *candidates)
{
  const char *nearest = weir_suggest (word, candidates);

  if (nearest != NULL) {
    g_string_append_printf (message, "; did you mean \"%s\"?", nearest);
  }
}
