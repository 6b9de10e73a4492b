/* SPDX-License-Identifier: Apache-2.0 */
/* Where each key and value of a JSON text stands. Nodes lie in one array in the order of the text, linked as a tree; members
 * are found through one open hash table over (parent, key as it reads unescaped). Filled by the scan, read by the loader,
 * both on the main thread; the table owns the text, not the name of the file. */
#include "places.h"

#include "found.h"

#include <string.h>

typedef struct {
  guint32 key : 31; /* offset of the key's quote; of an element: its index; of the root: NO_CHILD */
  guint32 key_told : 1;
  guint32 value : 31;
  guint32 told : 1;
  guint32 parent, next;
  guint32 last : 31; /* while it is filled the last child, then the first: the last one's next is the first */
  guint32 element : 1;
} Node;

typedef struct {
  guint32 hash, node; /* node + 1; 0: free */
} Slot;

struct _WeirPlaces {
  const char *file;
  guint line;
  char *text;
  gsize size, from;
  GArray *nodes;
  GArray *line_starts;
  Slot *slots;
  gsize slot_count, used;
};

#define NO_CHILD 0x7fffffffu

static Node *
get (const WeirPlaces *places, WeirNode node)
{
  return &g_array_index (places->nodes, Node, node);
}

WeirPlaces *
weir_places_new (const char *file, guint line, char *text, gsize size, gsize from)
{
  WeirPlaces *places = g_new0 (WeirPlaces, 1);

  places->file = file;
  places->line = line;
  places->text = text;
  places->size = size;
  places->from = from;
  places->nodes = g_array_new (FALSE, FALSE, sizeof (Node));
  places->slot_count = 64;
  places->slots = g_new0 (Slot, places->slot_count);
  return places;
}

void
weir_places_free (WeirPlaces *places)
{
  if (places == NULL) {
    return;
  }
  g_array_unref (places->nodes);
  g_clear_pointer (&places->line_starts, g_array_unref);
  g_free (places->slots);
  g_free (places->text);
  g_free (places);
}

char *
weir_places_text (WeirPlaces *places, gsize *size, gsize *from)
{
  *size = places->size;
  *from = places->from;
  return places->text;
}

/* ---- keys ---------------------------------------------------------------------------------------------------------- */

static guint
four_digits (const char *at)
{
  guint value = 0;

  for (int i = 0; i < 4; i++) {
    value = value << 4 | (guint) g_ascii_xdigit_value (at[i]);
  }
  return value;
}

/* The key as it reads, unescaped; valid until scratch changes. The scan has checked it. */
static const char *
key_text (const WeirPlaces *places, guint32 quote, GString *scratch)
{
  const char *at = places->text + quote + 1;

  g_string_truncate (scratch, 0);
  for (;;) {
    gsize plain = strcspn (at, "\"\\");
    g_string_append_len (scratch, at, (gssize) plain);
    at += plain;
    if (*at != '\\') {
      return scratch->str;
    }
    at++;
    if (*at == 'u') {
      gunichar letter = four_digits (at + 1);
      at += 5;
      if (letter >= 0xd800 && letter < 0xdc00) {
        letter = 0x10000 + ((letter & 0x3ff) << 10) + (four_digits (at + 2) & 0x3ff);
        at += 6;
      }
      g_string_append_unichar (scratch, letter);
      continue;
    }
    static const char escapes[] = "b\bf\fn\nr\rt\t";
    const char *found = strchr (escapes, *at);
    g_string_append_c (scratch, found != NULL ? found[1] : *at);
    at++;
  }
}

static guint32
hash_of (WeirNode parent, const char *key)
{
  return g_str_hash (key) ^ parent * 2654435761u;
}

/* The slot with this member, or the free one where it belongs. */
static Slot *
find_slot (const WeirPlaces *places, WeirNode parent, const char *key, guint32 hash)
{
  g_autoptr (GString) scratch = g_string_new (NULL);
  gsize mask = places->slot_count - 1;

  for (gsize i = hash & mask;; i = (i + 1) & mask) {
    Slot *slot = &places->slots[i];
    if (slot->node == 0) {
      return slot;
    }
    const Node *node = get (places, slot->node - 1);
    if (slot->hash == hash && node->parent == parent && strcmp (key_text (places, node->key, scratch), key) == 0) {
      return slot;
    }
  }
}

static void
grow (WeirPlaces *places)
{
  Slot *old = places->slots;
  gsize old_count = places->slot_count, mask = old_count * 2 - 1;

  places->slot_count = old_count * 2;
  places->slots = g_new0 (Slot, places->slot_count);
  for (gsize i = 0; i < old_count; i++) {
    gsize to = old[i].hash & mask;
    if (old[i].node == 0) {
      continue;
    }
    while (places->slots[to].node != 0) {
      to = (to + 1) & mask;
    }
    places->slots[to] = old[i];
  }
  g_free (old);
}

/* ---- filling ------------------------------------------------------------------------------------------------------- */

static WeirNode
add (WeirPlaces *places, Node node)
{
  node.next = WEIR_NODE_NONE;
  node.last = NO_CHILD;
  g_array_append_val (places->nodes, node);
  return places->nodes->len - 1;
}

/* Children form a ring, the parent knows the last: appending is O(1) in four bytes. */
static void
link_child (WeirPlaces *places, WeirNode parent, WeirNode child)
{
  Node *above = get (places, parent);

  if (above->last == NO_CHILD) {
    get (places, child)->next = child;
  } else {
    Node *last = get (places, above->last);
    get (places, child)->next = last->next;
    last->next = child;
  }
  above->last = child & NO_CHILD;
}

WeirNode
weir_places_add_root (WeirPlaces *places, guint32 key, guint32 value)
{
  return add (places, (Node){ .key = key & NO_CHILD, .value = value & NO_CHILD, .parent = WEIR_NODE_NONE });
}

WeirNode
weir_places_add_element (WeirPlaces *places, WeirNode parent, guint32 index, guint32 value)
{
  WeirNode node = add (places,
                       (Node){ .key = index & NO_CHILD, .value = value & NO_CHILD, .parent = parent, .element = 1 });

  link_child (places, parent, node);
  return node;
}

WeirNode
weir_places_add_member (WeirPlaces *places, WeirNode parent, guint32 key, WeirNode *first)
{
  g_autoptr (GString) scratch = g_string_new (NULL);
  const char *text = key_text (places, key, scratch);
  guint32 hash = hash_of (parent, text);
  Slot *slot = find_slot (places, parent, text, hash);
  WeirNode node = add (places, (Node){ .key = key & NO_CHILD, .value = key & NO_CHILD, .parent = parent });

  *first = slot->node == 0 ? WEIR_NODE_NONE : slot->node - 1;
  if (slot->node != 0) {
    return node;
  }
  slot->hash = hash;
  slot->node = node + 1;
  link_child (places, parent, node);
  if (++places->used * 2 > places->slot_count) {
    grow (places);
  }
  return node;
}

void
weir_places_set_value (WeirPlaces *places, WeirNode node, guint32 value)
{
  get (places, node)->value = value & NO_CHILD;
}

void
weir_places_set_told (WeirPlaces *places, WeirNode node)
{
  get (places, node)->told = 1;
}

/* ---- walking ------------------------------------------------------------------------------------------------------- */

void
weir_places_set_key_told (WeirPlaces *places, WeirNode node)
{
  get (places, node)->key_told = 1;
}

gboolean
weir_places_is_key_told (const WeirPlaces *places, WeirNode node)
{
  return node != WEIR_NODE_NONE && get (places, node)->key_told;
}

gboolean
weir_places_is_told (const WeirPlaces *places, WeirNode node)
{
  return node != WEIR_NODE_NONE && get (places, node)->told;
}

WeirNode
weir_places_member (WeirPlaces *places, WeirNode parent, const char *key)
{
  if (parent == WEIR_NODE_NONE) {
    return WEIR_NODE_NONE;
  }
  Slot *slot = find_slot (places, parent, key, hash_of (parent, key));
  return slot->node == 0 ? WEIR_NODE_NONE : slot->node - 1;
}

WeirNode
weir_places_first (const WeirPlaces *places, WeirNode parent)
{
  if (parent == WEIR_NODE_NONE || get (places, parent)->last == NO_CHILD) {
    return WEIR_NODE_NONE;
  }
  return get (places, get (places, parent)->last)->next;
}

WeirNode
weir_places_next (const WeirPlaces *places, WeirNode node)
{
  if (node == WEIR_NODE_NONE) {
    return WEIR_NODE_NONE;
  }
  const Node *at = get (places, node);
  if (at->parent == WEIR_NODE_NONE || get (places, at->parent)->last == node) {
    return WEIR_NODE_NONE;
  }
  return at->next;
}

guint32
weir_places_offset (const WeirPlaces *places, WeirNode node)
{
  return node == WEIR_NODE_NONE ? 0 : get (places, node)->value;
}

/* ---- places and paths ---------------------------------------------------------------------------------------------- */

static void
find_lines (WeirPlaces *places)
{
  gsize start = 0;

  places->line_starts = g_array_new (FALSE, FALSE, sizeof (gsize));
  g_array_append_val (places->line_starts, start);
  for (const char *at = places->text; (at = memchr (at, '\n', places->size - (gsize) (at - places->text))) != NULL;
       at++) {
    start = (gsize) (at - places->text) + 1;
    g_array_append_val (places->line_starts, start);
  }
}

WeirPlace
weir_places_at (WeirPlaces *places, gsize offset)
{
  if (places->line_starts == NULL) {
    find_lines (places);
  }
  guint low = 0, high = places->line_starts->len;
  while (high - low > 1) {
    guint middle = low + (high - low) / 2;
    if (g_array_index (places->line_starts, gsize, middle) <= offset) {
      low = middle;
    } else {
      high = middle;
    }
  }
  guint column = (guint) (offset - g_array_index (places->line_starts, gsize, low)) + 1;
  return (WeirPlace){ places->file, places->line + low, column };
}

WeirPlace
weir_places_value (WeirPlaces *places, WeirNode node)
{
  return weir_places_at (places, weir_places_offset (places, node));
}

WeirPlace
weir_places_key (WeirPlaces *places, WeirNode node)
{
  if (node == WEIR_NODE_NONE || get (places, node)->element || get (places, node)->key == NO_CHILD) {
    return weir_places_value (places, node);
  }
  return weir_places_at (places, get (places, node)->key);
}

void
weir_path_append_key (GString *path, const char *key)
{
  gsize word = strspn (key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

  if (word > 0 && key[word] == '\0' && word <= 64) {
    g_string_append_printf (path, "%s%s", path->len > 0 ? "." : "", key);
    return;
  }
  g_autofree char *quoted = weir_found_text (key);
  g_string_append_printf (path, "[%s]", quoted);
}

void
weir_path_append_index (GString *path, guint32 index)
{
  g_string_append_printf (path, "[%u]", index);
}

static void
append_path (WeirPlaces *places, WeirNode node, GString *path, GString *scratch)
{
  const Node *at = get (places, node);

  if (at->parent == WEIR_NODE_NONE) {
    return;
  }
  append_path (places, at->parent, path, scratch); /* at most as deep as the text may be nested */
  if (at->element) {
    weir_path_append_index (path, at->key);
  } else {
    weir_path_append_key (path, key_text (places, at->key, scratch));
  }
}

char *
weir_places_path (WeirPlaces *places, WeirNode node)
{
  GString *path = g_string_new (NULL);
  g_autoptr (GString) scratch = g_string_new (NULL);

  if (node != WEIR_NODE_NONE) {
    append_path (places, node, path, scratch);
  }
  return g_string_free (path, FALSE);
}
