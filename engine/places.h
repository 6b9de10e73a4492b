/* SPDX-License-Identifier: Apache-2.0 */
/* Where each key and value of a JSON text stands: a table that the scan fills and that is walked along the parsed object.
 * 20 bytes a value; lines and columns are worked out when asked for. One thread at a time; owns the text. */
#ifndef WEIR_PLACES_H
#define WEIR_PLACES_H

#include "problem.h"

G_BEGIN_DECLS

typedef struct _WeirPlaces WeirPlaces;

/* A value of the text; the first one is the root. */
typedef guint32 WeirNode;
#define WEIR_NODE_ROOT ((WeirNode) 0)
#define WEIR_NODE_NONE G_MAXUINT32

/* Takes the text (size bytes and a NUL behind them, from g_malloc); file must stay. What lies before `from` is no JSON. */
WeirPlaces *weir_places_new (const char *file, guint line, char *text, gsize size, gsize from);
void weir_places_free (WeirPlaces *places);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirPlaces, weir_places_free)

char *weir_places_text (WeirPlaces *places, gsize *size, gsize *from);

/* Fills: the scan adds each value when it meets it. key: offset of the quote before its key; WEIR_NODE_NONE: no member. */
WeirNode weir_places_add_root (WeirPlaces *places, guint32 key, guint32 value);
WeirNode weir_places_add_element (WeirPlaces *places, WeirNode parent, guint32 index, guint32 value);
/* *first: the earlier member of this parent with the same key, or WEIR_NODE_NONE; a second one has a path, but no walk finds it. */
WeirNode weir_places_add_member (WeirPlaces *places, WeirNode parent, guint32 key, WeirNode *first);
/* Its value follows its key. */
void weir_places_set_value (WeirPlaces *places, WeirNode node, guint32 value);
/* A value that the scan had to replace: a mistake in it has been told. */
void weir_places_set_told (WeirPlaces *places, WeirNode node);
gboolean weir_places_is_told (const WeirPlaces *places, WeirNode node);
/* Likewise a key. */
void weir_places_set_key_told (WeirPlaces *places, WeirNode node);
gboolean weir_places_is_key_told (const WeirPlaces *places, WeirNode node);

/* Walks. Any of them may be asked for WEIR_NODE_NONE and says WEIR_NODE_NONE. */
WeirNode weir_places_member (WeirPlaces *places, WeirNode parent, const char *key);
WeirNode weir_places_first (const WeirPlaces *places, WeirNode parent);
WeirNode weir_places_next (const WeirPlaces *places, WeirNode node);
guint32 weir_places_offset (const WeirPlaces *places, WeirNode node);

/* The place of a byte, of a value, or of a value's key (of the value itself where it is no member). */
WeirPlace weir_places_at (WeirPlaces *places, gsize offset);
WeirPlace weir_places_value (WeirPlaces *places, WeirNode node);
WeirPlace weir_places_key (WeirPlaces *places, WeirNode node);

/* "producers.log.path[2]"; keys that are no plain words as ["..."]. The root is "". */
char *weir_places_path (WeirPlaces *places, WeirNode node);
void weir_path_append_key (GString *path, const char *key);
void weir_path_append_index (GString *path, guint32 index);

G_END_DECLS
#endif
