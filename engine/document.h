/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON text with all that is known of it: the values as json-c has them and the place of each.
 * Read and used on one thread; owns both. */
#ifndef WEIR_DOCUMENT_H
#define WEIR_DOCUMENT_H

#include "places.h"

#include <json-c/json.h>

G_BEGIN_DECLS

#define WEIR_DOCUMENT_MAX ((gsize) 16 << 20)

typedef struct {
  WeirPlaces *places;
  WeirNode root;
  json_object *value; /* NULL is JSON's null */
} WeirDocument;

/* Reads a file ("-": standard input), at most WEIR_DOCUMENT_MAX bytes; a larger file is refused by its size. NULL: *message
 * says why, without the file's name. The text has a NUL behind it. */
char *weir_document_read (const char *path, gsize *size, char **message);

/* Scans and parses a text from an offset, and takes it. NULL: its syntax is broken; each mistake is in problems, and there
 * may be some with a document too. key: see weir_scan(). */
WeirDocument *weir_document_new (const char *file, guint line, char *text, gsize size, gsize from, guint32 key,
                                 WeirProblems *problems);
void weir_document_free (WeirDocument *document);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirDocument, weir_document_free)

G_END_DECLS
#endif
