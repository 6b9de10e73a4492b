/* SPDX-License-Identifier: Apache-2.0 */
/* context.c: tags and contexts of records (see context.h).
 * Immutable once made, counted, any thread. Tags are one allocation: the pairs, then their text. */
#include "context.h"

#include "origins.h"

#include <string.h>

typedef struct {
  const char *key, *value;
} Pair;

struct _WeirTags {
  _Atomic gint64 references;
  gsize count;
  Pair pairs[];
};

WeirTags *
weir_tags_with (const WeirTags *base, const char *key, const char *value)
{
  gsize count = base != NULL ? base->count : 0;
  gsize at = 0;
  while (at < count && strcmp (base->pairs[at].key, key) != 0) {
    at++;
  }
  gsize new_count = at < count ? count : count + 1;
  gsize text = strlen (key) + strlen (value) + 2;
  for (gsize i = 0; i < count; i++) {
    text += i == at ? 0 : strlen (base->pairs[i].key) + strlen (base->pairs[i].value) + 2;
  }
  WeirTags *tags = g_malloc (sizeof (WeirTags) + new_count * sizeof (Pair) + text);
  atomic_init (&tags->references, 1);
  tags->count = new_count;
  char *end = (char *) &tags->pairs[new_count];
  for (gsize i = 0; i < new_count; i++) {
    Pair from = i == at ? (Pair){ key, value } : base->pairs[i];
    tags->pairs[i].key = end;
    end = g_stpcpy (end, from.key) + 1;
    tags->pairs[i].value = end;
    end = g_stpcpy (end, from.value) + 1;
  }
  return tags;
}

const char *
weir_tags_get (const WeirTags *tags, const char *key)
{
  for (gsize i = 0; tags != NULL && i < tags->count; i++) {
    if (strcmp (tags->pairs[i].key, key) == 0) {
      return tags->pairs[i].value;
    }
  }
  return NULL;
}

WeirTags *
weir_tags_ref (WeirTags *tags)
{
  atomic_fetch_add_explicit (&tags->references, 1, memory_order_relaxed);
  return tags;
}

void
weir_tags_unref (WeirTags *tags)
{
  if (atomic_fetch_sub_explicit (&tags->references, 1, memory_order_acq_rel) == 1) {
    g_free (tags);
  }
}

WeirContext *
weir_context_new_under (WeirTags *tags, WeirOrigin *origin)
{
  WeirContext *context = g_new (WeirContext, 1);
  *context = (WeirContext){ .tags = tags, .origin = origin != NULL ? weir_origin_ref (origin) : NULL };
  atomic_init (&context->references, 1);
  return context;
}

WeirContext *
weir_context_new (WeirTags *tags)
{
  return weir_context_new_under (tags, NULL);
}

WeirContext *
weir_context_with (const WeirContext *base, const char *key, const char *value)
{
  return weir_context_new (weir_tags_with (base != NULL ? base->tags : NULL, key, value));
}

void
weir_context_unref (WeirContext *context)
{
  if (atomic_fetch_sub_explicit (&context->references, 1, memory_order_acq_rel) == 1) {
    g_clear_pointer (&context->tags, weir_tags_unref);
    g_clear_pointer (&context->origin, weir_origin_unref);
    g_free (context);
  }
}

const char *
weir_record_tag (const WeirRecord *record, const char *key)
{
  return record->context != NULL ? weir_tags_get (record->context->tags, key) : NULL;
}

void
weir_record_tags (const WeirRecord *record, void (*each) (const char *key, const char *value, gpointer data),
                  gpointer data)
{
  const WeirTags *tags = record->context != NULL ? record->context->tags : NULL;
  for (gsize i = 0; tags != NULL && i < tags->count; i++) {
    each (tags->pairs[i].key, tags->pairs[i].value, data);
  }
}
