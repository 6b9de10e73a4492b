/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a pipeline file that the engine itself reads, a table for each kind of object. The loader reads by these tables, the
 * schema is made from them, and no option of a plugin may have a name of weir_stage_keys. Constant data; any thread. */
#ifndef WEIR_KEYS_H
#define WEIR_KEYS_H

#include <weir/weir.h>

G_BEGIN_DECLS

/* What more there is to say of a key than its option says. */
typedef enum {
  WEIR_KEY_OPTION, /* nothing */
  /* Of a file. */
  WEIR_KEY_SCHEMA, /* not read: a string for editors */
  WEIR_KEY_NAME,
  WEIR_KEY_INCLUDE,
  WEIR_KEY_ENGINE, /* an object of weir_engine_keys */
  WEIR_KEY_PRODUCERS,
  WEIR_KEY_TRANSFORMS,
  WEIR_KEY_CONSUMERS, /* an object of stages, as the two before it, in the order of WeirKind */
  /* Of a stage. */
  WEIR_KEY_PLUGIN,
  WEIR_KEY_FROM,           /* not of a producer */
  WEIR_KEY_QUEUE,          /* likewise; an object of weir_queue_keys */
  WEIR_KEY_THREAD,         /* not of a role that may block */
  WEIR_KEY_PER_CONNECTION, /* true for a role that accepts connections alone */
  WEIR_KEY_SHARED,         /* true neither for a producer nor for a reply */
  WEIR_KEY_TO,             /* of a reply alone, which must have it */
  WEIR_KEY_LATER           /* of a later version; nobody else may use the word */
} WeirKeyForm;

typedef struct {
  WeirOption option; /* of kind WEIR_OPTION_END_ where a key's value is not one that an option can say */
  WeirKeyForm form;
} WeirKey;

/* What weir_stage_keys fill. */
typedef struct {
  const char *plugin, *thread, *to;
  int on_error, log;
  gboolean per_connection, shared, isolate;
} WeirStageValues;

/* What weir_engine_keys fill. */
typedef struct {
  const char *const *plugins;
  gint64 shutdown;
  guint64 record_max;
  gint64 workers;
} WeirEngineValues;

/* What weir_queue_keys fill: WeirQueueSettings with the fields of options. */
typedef struct {
  gint64 records;
  guint64 bytes;
  gint64 age;
  double low, hard;
  int when_full;
} WeirQueueValues;

/* Each ends with an entry without a name. */
extern const WeirKey weir_file_keys[], weir_stage_keys[];
extern const WeirOption weir_engine_keys[], weir_queue_keys[];

/* NULL: the table has no such key. */
const WeirKey *weir_key_find (const WeirKey *keys, const char *name);

/* The names that may be written today, for suggestions: ended by NULL; g_free() the list, not the names. */
const char **weir_key_names (const WeirKey *keys);

G_END_DECLS

#endif
