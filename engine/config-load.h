/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the loader share while they load; one concept a file: config-spot.c (a value, its place and path),
 * config-include.c, config-expand.c, config-set.c, config-stage.c, config-inputs.c, config-graph.c, config-connections.c, config-paths.c. Main thread;
 * all of it is freed at the end of weir_config_load(). */
#ifndef WEIR_CONFIG_LOAD_H
#define WEIR_CONFIG_LOAD_H

#include "config.h"
#include "document.h"

#include <stdarg.h>

G_BEGIN_DECLS

#define WEIR_INCLUDE_MAX 64
#define WEIR_SET_WORDS_MAX 64

/* A value of a file, by where it hangs: its parents make the path, the node the place. Lives on the stack of who walks. */
typedef struct _WeirSpot {
  const struct _WeirSpot *parent;
  const char *key; /* NULL: the root, or an element */
  guint32 index;
  WeirPlaces *places;
  WeirNode node;
  json_object *value;
} WeirSpot;

/* A stage while it is loaded. */
typedef struct {
  WeirConfigStage *stage; /* the configuration's */
  WeirSpot *spot;
  gboolean taken;  /* somebody names one of its outputs, or seems to have meant it */
  gboolean doubts; /* a mistake in "from" has been told: that no stage is left need not be */
} WeirLoadStage;

typedef struct {
  WeirConfig *config;
  WeirProblems *problems;
  WeirRegistry *registry;
  GPtrArray *documents; /* WeirDocument */
  GPtrArray *spots;     /* those that outlive a walk */
  GPtrArray *stages;    /* WeirLoadStage, beside config->stages */
  GHashTable *names;    /* stage name -> WeirLoadStage */
  GHashTable *settings; /* path -> WeirDocument, of what --set has put there */
  GHashTable *included; /* canonical name of a file -> WeirSpot of the word that includes it */
  gboolean incomplete;  /* a file or a section could not be read: what seems to be missing may be there */
  gboolean unread;      /* likewise the inputs of a stage: an output that nobody seems to take may be taken there */
  WeirSpot *root;       /* of the first file */
  WeirSpot *name, *engine, *sections[3];
  GPtrArray *owned;         /* strings of the tables below */
  const char **stage_names; /* for suggestions; NULL: too many */
} WeirLoad;

/* ---- config-spot.c ---- */
/* A member or element; the value is NULL and the node WEIR_NODE_NONE where there is none. */
WeirSpot weir_spot_member (WeirLoad *load, const WeirSpot *parent, const char *key);
WeirSpot weir_spot_element (const WeirSpot *parent, guint32 index, WeirNode node);
WeirSpot *weir_spot_keep (WeirLoad *load, WeirSpot spot);
char *weir_spot_path (const WeirSpot *spot);
WeirPlace weir_spot_key_place (const WeirSpot *spot);
WeirPlace weir_spot_value_place (const WeirSpot *spot);
/* A mistake in a key, or in a value; what the scan has told of it is not told twice. */
void weir_load_wrong_key (WeirLoad *load, const WeirSpot *spot, const char *format, ...) G_GNUC_PRINTF (3, 4);
void weir_load_wrong (WeirLoad *load, const WeirSpot *spot, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* TRUE, or tells what was found and that an object was expected. */
gboolean weir_load_is_object (WeirLoad *load, const WeirSpot *spot);
/* An unknown key, and which of the words (NULL-ended) may be meant. */
void weir_load_unknown_key (WeirLoad *load, const WeirSpot *spot, const char *const *words);
/* Parses an object by a table: unknown keys and bad values are told, what is absent is left as it is. */
void weir_load_table (WeirLoad *load, const WeirSpot *spot, const WeirOption *table, gpointer state);
/* Fills in what the table has as defaults. */
void weir_load_defaults (WeirLoad *load, const WeirOption *table, gpointer state);
gboolean weir_load_option (WeirLoad *load, const WeirSpot *spot, const WeirOption *option, gpointer state);

/* ---- the others ---- */
/* Is this [A-Za-z_][A-Za-z0-9_-]*? */
gboolean weir_name_is_plain (const char *name);
void weir_load_expand (WeirLoad *load, const WeirSpot *spot);
/* A new text, or NULL: *message is NULL where there was nothing to expand. */
char *weir_expand (const char *text, char **message);
void weir_load_files (WeirLoad *load, const char *input);
void weir_load_set (WeirLoad *load, guint number, const char *setting);
void weir_load_stage (WeirLoad *load, WeirLoadStage *stage);
void weir_load_inputs (WeirLoad *load, WeirLoadStage *stage);
void weir_load_graph (WeirLoad *load);
/* The role of a stage whose plugin is "reply": that of the plugin which it replies through. All stages have theirs by now. */
void weir_load_reply (WeirLoad *load, WeirLoadStage *stage);
void weir_load_connections (WeirLoad *load);
/* Checks a stage's options by its role's table. */
void weir_load_options (WeirLoad *load, WeirLoadStage *stage);
void weir_load_paths (WeirLoad *load);

G_END_DECLS
#endif
