/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: text with "{tag}", "{}" (the payload), "{time}" (RFC 3339, UTC, microseconds), "{host}", "{{" and "}}" (a brace).
 * Compiled once, written millions of times. A template and a cache belong to one thread at a time: the stage's worker. */
#ifndef WEIR_TEMPLATE_H
#define WEIR_TEMPLATE_H

#include <weir/weir.h>

G_BEGIN_DECLS

typedef struct _WeirTemplate WeirTemplate;
typedef struct _WeirTemplateCache WeirTemplateCache;

/* NULL: *message says what the text should have been, fit to follow "expected ": `a template: ...`. message may be NULL. */
WeirTemplate *weir_template_compile (const char *text, char **message);
void weir_template_free (WeirTemplate *template); /* NULL is fine */

/* Appends what the template gives for the record (NULL: no payload, no tags) to out. wall: now, microseconds since the Unix
 * epoch, taken where the record has no time; it is looked at only if weir_template_uses_time(). */
void weir_template_expand (WeirTemplate *template, const WeirRecord *record, gint64 wall, GString *out);
gboolean weir_template_uses_time (const WeirTemplate *template);

/* The templates that a stage has lately written, by their text. A stage owns one, made at its first weir_template_write(). */
WeirTemplateCache *weir_template_cache_new (void);
void weir_template_cache_free (WeirTemplateCache *cache); /* NULL is fine */
/* The compiled text, the cache's; a text that is no template stands for itself, literally. */
WeirTemplate *weir_template_cache_get (WeirTemplateCache *cache, const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirTemplate, weir_template_free)

G_END_DECLS

#endif
