/* SPDX-License-Identifier: Apache-2.0 */
/* What `weir plugin check` is made of: conform-rules.c has the table of rules, conform-life.c, conform-flow.c, conform-growth.c,
 * conform-options.c and conform-origins.c hold a role to them, conform-bed.c is what they share, conform-settings.c fills their options in, and
 * conform-child.c runs each rule on each role in a process of its own. Those of connections are in conform-connections.c and
 * conform-reply.c, with conform-server.h. plugin-check.c, the command, opens no plugin itself.
 * All on the main thread, of the command or of a child; who is in a child owns what it likes and just ends. */
#ifndef WEIR_CLI_CONFORM_H
#define WEIR_CLI_CONFORM_H

#include "harness.h"

#include <json-c/json.h>

/* What a child says first. */
typedef enum {
  WEIR_CONFORM_OK = 'o',
  WEIR_CONFORM_FAILED = 'F',
  WEIR_CONFORM_SKIPPED = 's',
  WEIR_CONFORM_UNUSABLE = 'u' /* skipped, as options are missing or wrong */
} WeirConformResult;

/* What is to be checked, and how. */
typedef struct {
  const char *name, *file;
  const char *scratch;       /* a folder for what the plugin reads and writes, absolute */
  char *const *settings;     /* "OPTION=VALUE" or "ROLE.OPTION=VALUE"; NULL: none */
  const char *valgrind_logs; /* where it runs under valgrind: the folder of what that says; NULL: it does not */
  gint64 limit;              /* of a rule, microseconds */
  guint cycles;              /* of the rules that look for growth */
} WeirConformPlan;

typedef struct _WeirConform WeirConform;

/* What a rule is of. */
typedef enum {
  WEIR_CONFORM_EVERY_ROLE, /* producer, transform, consumer: one stage in a harness */
  WEIR_CONFORM_LISTENER,   /* a producer flagged WEIR_CONNECTIONS, which listens; told under "producer" */
  WEIR_CONFORM_REPLY       /* the reply to its connections */
} WeirConformSubject;

typedef struct {
  WeirConformSubject subject;
  const char *name;
  const char *summary; /* what holds */
  WeirConformResult (*run) (WeirConform *conform);
} WeirConformRule;

/* One rule on one role, in the child. */
struct _WeirConform {
  const WeirConformPlan *plan;
  const WeirPlugin *plugin;
  const WeirRole *role;
  WeirKind kind;
  json_object *options;              /* as given, and guessed where they are required */
  WeirHarness *harness;              /* the one at hand */
  guint threads, polled;             /* of the process and of the harness's context, before the stage is opened */
  gboolean restarts;                 /* so do harnesses that are made from now on */
  struct _WeirConformServer *server; /* the one at hand, of rules of connections */
  char *said;                        /* with the result */
};

/* The rules, ended by one without a name; the first one is that the role can be opened: without it none of the others is run. */
extern const WeirConformRule weir_conform_rules[];
/* Their names, and what holds; g_free() it. */
char *weir_conform_list_rules (void);

/* Are the settings for options that there are? roles: as the plugin describes them. FALSE: that has been told. */
gboolean weir_conform_check_settings (json_object *roles, char *const *settings);
/* Runs a rule in a child process. said: g_free() it. */
WeirConformResult weir_conform_run (const WeirConformPlan *plan, const WeirConformRule *rule, WeirKind kind,
                                    char **said);

/* ---- in the child: conform-bed.c ------------------------------------------------------------------------------------------ */

/* What a rule answers. */
WeirConformResult weir_conform_fail (WeirConform *conform, const char *format, ...) G_GNUC_PRINTF (2, 3);
WeirConformResult weir_conform_skip (WeirConform *conform, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* From here on what libraries say is kept. */
void weir_conform_listen (void);
/* Fills options in: conform-settings.c. */
void weir_conform_set_up (WeirConform *conform);
/* Those of a role, as given, and guessed where they are required; json_object_put() them. name: "producer", ..., "reply". */
json_object *weir_conform_options_of (const WeirConform *conform, const WeirRole *role, const char *name);
/* Was the option given? */
gboolean weir_conform_is_set (const WeirConform *conform, const char *role, const char *name);
/* A harness at hand with these options (NULL: those that were set up); the one before is freed. All outputs are taken. FALSE: the
 * options are refused, and said says why. */
gboolean weir_conform_make (WeirConform *conform, json_object *options);
void weir_conform_drop (WeirConform *conform);
/* The same, opened and started, with queues of this many records (0: the default), of which each taker takes so many. FALSE: the
 * rule cannot be looked at, or has been broken already: weir_conform_end() answers. */
gboolean weir_conform_start (WeirConform *conform, guint records, gsize allowed);
/* Pushes lines and chunks of two streams, so many of each; what is closed takes none. */
void weir_conform_feed (WeirConform *conform, guint count);
/* What comes out of all outputs. */
void weir_conform_allow (WeirConform *conform, gsize records);
guint64 weir_conform_count (WeirConform *conform);
/* Cranks until nothing is left to be done, and the clock so far. FALSE: it does not come to rest. */
gboolean weir_conform_crank (WeirConform *conform, gint64 microseconds);
/* Waits, in real time and with a live clock, until it holds; for children, sockets and threads. */
gboolean weir_conform_wait (WeirConform *conform, WeirHarnessHolds holds, gint64 patience);
/* Does the stage wait for anything but the clock: a descriptor, a source, a thread? */
gboolean weir_conform_waits_outside (WeirConform *conform);
guint weir_conform_count_threads (void);
/* The name of the callback that was called last; "": there was none. */
const char *weir_conform_last_call (WeirConform *conform);
/* Does it still answer WAIT to what it was given first (R6)? It may, for as long as the outside is not there. */
gboolean weir_conform_is_held_up (WeirConform *conform);
/* Ends the input, or stops a producer, and waits for the close with outputs that are taken; the clock goes on a day. */
gboolean weir_conform_finish (WeirConform *conform);
/* The end of each rule: what every plugin keeps to at any time; else OK. */
WeirConformResult weir_conform_end (WeirConform *conform);
/* What is to be told of a crash beside the callback, borrowed for good; NULL: nothing. */
void weir_conform_note (const char *what);
/* Something that is no plugin's to cause was said by a library of the process; NULL: nothing was. */
const char *weir_conform_critical (void);

/* ---- in the child: conform-growth.c ---- */

/* Many rounds of one thing, as many as were asked for, or as go into the time, leave nothing. */
WeirConformResult weir_conform_repeat (WeirConform *conform, guint rounds, const char *what,
                                       WeirConformResult (*once) (WeirConform *conform));

/* ---- the rules ---- */
WeirConformResult weir_conform_open (WeirConform *conform);
WeirConformResult weir_conform_answers (WeirConform *conform);
WeirConformResult weir_conform_end_of_input (WeirConform *conform);
WeirConformResult weir_conform_stop_open (WeirConform *conform);
WeirConformResult weir_conform_stop_running (WeirConform *conform);
WeirConformResult weir_conform_stop_paused (WeirConform *conform);
WeirConformResult weir_conform_stop_ending (WeirConform *conform);
WeirConformResult weir_conform_halt (WeirConform *conform);
WeirConformResult weir_conform_failure (WeirConform *conform);
WeirConformResult weir_conform_restart (WeirConform *conform);
WeirConformResult weir_conform_close (WeirConform *conform);
WeirConformResult weir_conform_pause (WeirConform *conform);
WeirConformResult weir_conform_operator (WeirConform *conform);
WeirConformResult weir_conform_enough (WeirConform *conform);
WeirConformResult weir_conform_rest (WeirConform *conform);
WeirConformResult weir_conform_wake (WeirConform *conform);
WeirConformResult weir_conform_blocking (WeirConform *conform);
WeirConformResult weir_conform_settle (WeirConform *conform);
WeirConformResult weir_conform_ledger (WeirConform *conform);
WeirConformResult weir_conform_options (WeirConform *conform);
WeirConformResult weir_conform_cycles (WeirConform *conform);
WeirConformResult weir_conform_lives (WeirConform *conform);
WeirConformResult weir_conform_streams (WeirConform *conform);
WeirConformResult weir_conform_origins (WeirConform *conform);
WeirConformResult weir_conform_listens (WeirConform *conform);
WeirConformResult weir_conform_connection (WeirConform *conform);
WeirConformResult weir_conform_connection_pause (WeirConform *conform);
WeirConformResult weir_conform_connection_lost (WeirConform *conform);
WeirConformResult weir_conform_connection_stop (WeirConform *conform);
WeirConformResult weir_conform_connection_ledger (WeirConform *conform);
WeirConformResult weir_conform_connections (WeirConform *conform);
WeirConformResult weir_conform_reply (WeirConform *conform);
WeirConformResult weir_conform_reply_end (WeirConform *conform);
WeirConformResult weir_conform_reply_wait (WeirConform *conform);

#endif
