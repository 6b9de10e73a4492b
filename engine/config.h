/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline as its files describe it, checked as a whole: the one loader of `run` and `check`. Loaded on the main thread while
 * there is no worker; constant from then on, so that any thread may read it. */
#ifndef WEIR_CONFIG_H
#define WEIR_CONFIG_H

#include "problem.h"
#include "registry.h"
#include "stage.h"

#include <json-c/json.h>

G_BEGIN_DECLS

/* The plugin of a consumer that is the other half of a connection: a role of the plugin that has accepted it. */
#define WEIR_REPLY "reply"

typedef struct _WeirConfigStage WeirConfigStage;

/* A link: one word of a stage's "from". */
typedef struct {
  char *name; /* "split:bad", "route.even:out", "bad.rejected:junk" */
  WeirConfigStage *from;
  gboolean rejected; /* FROM.rejected; then there is no port */
  guint port;        /* its number in the role's ports; 0 where there is one output */
  WeirQueueSettings queue;
  WeirPlace place;
} WeirConfigInput;

struct _WeirConfigStage {
  guint index; /* in the pipeline's stages */
  WeirKind kind;
  char *name;
  char *plugin_name;
  const WeirPlugin *plugin; /* the registry's, as is the role */
  const WeirRole *role;
  json_object *options;      /* the plugin's own, expanded and overridden: what weir_options_check() is to be given */
  char *thread;              /* the worker it shares; NULL: one of its own */
  GLogLevelFlags log;        /* the least important level that is logged; 0: as the program */
  GPtrArray *inputs;         /* WeirConfigInput, in the order of the file */
  gboolean per_connection;   /* what lies downstream exists once for each connection that it accepts ... */
  gboolean shared;           /* ... up to this one */
  gboolean isolate;          /* it runs in a child process */
  gboolean restarts;         /* "on_error": "restart" */
  char *file;                /* the plugin's shared object; NULL: not isolated */
  char *to;                  /* of a reply: the listening stage */
  WeirConfigStage *listener; /* it exists once for each connection of that one; NULL: once */
  WeirPlace place;           /* of its name */
};

typedef struct {
  char *name;        /* "name", else the file's name without .json; "stdin" for standard input */
  GPtrArray *stages; /* WeirConfigStage, in the order of the files */
  gint64 shutdown;   /* microseconds that a drain may take */
  guint64 record_max;
  guint workers;    /* that connections are spread over; 0: as many as there are CPUs */
  GPtrArray *files; /* names of the inputs, where the places' are */
} WeirConfig;

/* Reads a pipeline ("-": standard input) with what it includes, applies the settings (NULL-ended "STAGE.OPTION=VALUE"; NULL:
 * none), adds engine.plugins to the registry, opens the plugins, and checks all of it. Each mistake and each warning is added
 * to problems, in order. NULL: there was at least one mistake. */
WeirConfig *weir_config_load (const char *input, const char *const *settings, WeirRegistry *registry,
                              WeirProblems *problems);
/* Before the registry is freed. */
void weir_config_free (WeirConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirConfig, weir_config_free)

/* NULL: it has none; *message says which it has. */
const WeirRole *weir_plugin_role (const WeirPlugin *plugin, WeirKind kind, char **message);
/* The limits of a link out of what stands under "queue". FALSE: *message, a mistake a line, "KEY: MESSAGE" each. */
gboolean weir_queue_settings_read (json_object *object, WeirQueueSettings *settings, char **message);

/* NULL: there is none of that name. */
WeirConfigStage *weir_config_stage (const WeirConfig *config, const char *name);

G_END_DECLS
#endif
