/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: text compiled into pieces, each a stretch of literal text, the payload, the time or a tag, and written from a record.
 * The one thing that changes in a compiled template is the second it wrote last, kept as text; so it belongs to one thread at a
 * time. A cache owns its templates, a template its text. */
#include "template.h"

#include <string.h>
#include <time.h>

typedef enum { LITERAL, PAYLOAD, TIME, TAG } PieceKind;

typedef struct {
  PieceKind kind;
  gsize offset, size; /* LITERAL: in `literals`; TAG: its name there, ended by NUL */
} Piece;

struct _WeirTemplate {
  char *text;        /* as it was written */
  GString *literals; /* what the pieces point into */
  GArray *pieces;
  gint64 second;  /* the one that is in `stamp` */
  char stamp[48]; /* 2026-01-31T12:00:00 */
  gsize stamp_size;
  gboolean uses_time;
};

static void
add_piece (WeirTemplate *template, PieceKind kind, const char *text, gsize size)
{
  GArray *pieces = template->pieces;
  Piece *last = pieces->len == 0 ? NULL : &g_array_index (pieces, Piece, pieces->len - 1);
  Piece piece = { kind, template->literals->len, size };

  if (size == 0 && kind == LITERAL) {
    return;
  }
  g_string_append_len (template->literals, text, (gssize) size);
  if (kind == TAG) {
    g_string_append_c (template->literals, '\0');
  }
  if (kind == LITERAL && last != NULL && last->kind == LITERAL) {
    last->size += size;
  } else {
    g_array_append_val (pieces, piece);
  }
}

/* A tag may have nearly any name, as a column of a CSV file has; but {"a": 1} and { x } are text whose braces were forgotten. */
static gboolean
name_is_sane (const char *name, gsize size)
{
  if (name[0] == ' ' || name[size - 1] == ' ') {
    return FALSE;
  }
  for (gsize i = 0; i < size; i++) {
    if ((guchar) name[i] < ' ' || name[i] == '"' || name[i] == 127) {
      return FALSE;
    }
  }
  return TRUE;
}

static void
add_name (WeirTemplate *template, const char *name, gsize size)
{
  if (size == 0) {
    add_piece (template, PAYLOAD, "", 0);
  } else if (size == 4 && memcmp (name, "time", 4) == 0) {
    add_piece (template, TIME, "", 0);
    template->uses_time = TRUE;
  } else if (size == 4 && memcmp (name, "host", 4) == 0) {
    add_piece (template, LITERAL, g_get_host_name (), strlen (g_get_host_name ()));
  } else {
    add_piece (template, TAG, name, size);
  }
}

static WeirTemplate *
template_new (const char *text)
{
  WeirTemplate *template = g_new0 (WeirTemplate, 1);
  template->text = g_strdup (text);
  template->literals = g_string_new (NULL);
  template->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  template->second = G_MININT64;
  return template;
}

void
weir_template_free (WeirTemplate *template)
{
  if (template == NULL) {
    return;
  }
  g_array_free (template->pieces, TRUE);
  g_string_free (template->literals, TRUE);
  g_free (template->text);
  g_free (template);
}

static WeirTemplate *
give_up (WeirTemplate *template, const char *at, const char *problem, char **message)
{
  if (message != NULL) {
    *message = g_strdup_printf ("a template: the \"%c\" at byte %" G_GSIZE_FORMAT " %s", *at,
                                (gsize) (at - template->text) + 1, problem);
  }
  weir_template_free (template);
  return NULL;
}

WeirTemplate *
weir_template_compile (const char *text, char **message)
{
  WeirTemplate *template = template_new (text);
  const char *at = template->text;

  while (TRUE) {
    gsize plain = strcspn (at, "{}");
    add_piece (template, LITERAL, at, plain);
    at += plain;
    if (*at == '\0') {
      return template;
    }
    if (at[1] == at[0]) {
      add_piece (template, LITERAL, at, 1);
      at += 2;
      continue;
    }
    if (*at == '}') {
      return give_up (template, at, "closes nothing; \"}}\" is a brace", message);
    }
    gsize size = strcspn (at + 1, "{}");
    if (at[1 + size] != '}') {
      return give_up (template, at, "is not closed; \"{{\" is a brace", message);
    }
    if (size > 0 && !name_is_sane (at + 1, size)) {
      return give_up (template, at, "begins no name; \"{{\" is a brace", message);
    }
    add_name (template, at + 1, size);
    at += size + 2;
  }
}

gboolean
weir_template_uses_time (const WeirTemplate *template)
{
  return template->uses_time;
}

/* GLib's append, without its call where there is room. */
static inline void
append (GString *out, const char *data, gsize size)
{
  if (G_UNLIKELY (out->allocated_len - out->len <= size)) {
    g_string_append_len (out, data, (gssize) size);
    return;
  }
  memcpy (out->str + out->len, data, size);
  out->len += size;
  out->str[out->len] = '\0';
}

static void
append_time (WeirTemplate *template, gint64 time, GString *out)
{
  gint64 second = time / G_USEC_PER_SEC, rest = time % G_USEC_PER_SEC;
  if (rest < 0) {
    rest += G_USEC_PER_SEC;
    second--;
  }
  if (second != template->second) {
    time_t when = (time_t) second;
    struct tm parts;
    gmtime_r (&when, &parts);
    template->second = second;
    template->stamp_size = (gsize) g_snprintf (template->stamp, sizeof template->stamp, "%04d-%02d-%02dT%02d:%02d:%02d",
                                               parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                                               parts.tm_min, parts.tm_sec);
  }
  char fraction[8] = ".000000Z";
  for (int i = 6; rest > 0; i--, rest /= 10) {
    fraction[i] = (char) ('0' + rest % 10);
  }
  append (out, template->stamp, template->stamp_size);
  append (out, fraction, sizeof fraction);
}

void
weir_template_expand (WeirTemplate *template, const WeirRecord *record, gint64 wall, GString *out)
{
  const Piece *pieces = &g_array_index (template->pieces, Piece, 0);
  const char *literals = template->literals->str, *value;

  for (guint i = 0; i < template->pieces->len; i++) {
    switch (pieces[i].kind) {
    case LITERAL:
      append (out, literals + pieces[i].offset, pieces[i].size);
      break;
    case PAYLOAD:
      if (record != NULL) {
        append (out, (const char *) record->data, record->size);
      }
      break;
    case TIME:
      append_time (template, record != NULL && record->time != 0 ? record->time : wall, out);
      break;
    case TAG:
      value = record == NULL || record->context == NULL ? NULL : weir_record_tag (record, literals + pieces[i].offset);
      if (value != NULL) {
        append (out, value, strlen (value));
      }
      break;
    }
  }
}

/* ---- the cache ---- */

/* Templates that one stage writes in turn; one more, and the oldest is compiled again each time. */
#define CACHED 16

struct _WeirTemplateCache {
  struct {
    const char *key; /* where the text was */
    WeirTemplate *template;
  } entries[CACHED];
  guint count, oldest;
};

WeirTemplateCache *
weir_template_cache_new (void)
{
  return g_new0 (WeirTemplateCache, 1);
}

void
weir_template_cache_free (WeirTemplateCache *cache)
{
  if (cache == NULL) {
    return;
  }
  for (guint i = 0; i < cache->count; i++) {
    weir_template_free (cache->entries[i].template);
  }
  g_free (cache);
}

WeirTemplate *
weir_template_cache_get (WeirTemplateCache *cache, const char *text)
{
  guint place = 0;
  while (place < cache->count && cache->entries[place].key != text) {
    place++;
  }
  if (place < cache->count) {
    /* Another text may lie where a freed one was. */
    if (strcmp (cache->entries[place].template->text, text) == 0) {
      return cache->entries[place].template;
    }
  } else if (place < CACHED) {
    cache->entries[cache->count++].template = NULL;
  } else {
    place = cache->oldest++ % CACHED;
  }

  WeirTemplate *template = weir_template_compile (text, NULL);
  if (template == NULL) {
    template = template_new (text);
    add_piece (template, LITERAL, text, strlen (text));
  }
  weir_template_free (cache->entries[place].template);
  cache->entries[place].key = text;
  cache->entries[place].template = template;
  return template;
}
