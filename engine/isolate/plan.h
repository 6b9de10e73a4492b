/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h: what a child process is told of the stage that it is to run: JSON in a memory file that it inherits.
 * Made by the parent's worker, read by the child's main thread. */
#pragma once

#include "link.h"
#include "stage.h"

#include <json-c/json.h>

/* The descriptors that the child begins with: those of a service manager, where it has them by the manager's protocol, and ours behind. */
enum { WEIR_SOCKETS_FD = 3, WEIR_SOCKETS_MOST = 64 };
enum { WEIR_PLAN_FD = WEIR_SOCKETS_FD + WEIR_SOCKETS_MOST, WEIR_DATA_FD, WEIR_CONTROL_FD, WEIR_SHARED_FD };

typedef struct {
  char *name, *plugin, *file; /* file: the plugin's shared object */
  WeirKind kind;
  json_object *options;
  GLogLevelFlags log_level;
  gsize record_max;
  guint sockets;    /* of a service manager */
  GArray *inputs;   /* WeirQueueSettings, one a link */
  GArray *outputs;  /* WeirPlanOutput, one a port; nothing is taken of a consumer */
  gboolean shared;  /* its input is that of many links, which bound it each for itself */
  gboolean rejects; /* somebody takes what it rejects */
  WeirQueueSettings rejected;
  gboolean listens; /* it accepts connections, and its outputs are those of each */
  guint workers;    /* that connections are spread over */
  GArray *replies;  /* WeirPlanReply: stages that write to its connections, and run in the same child */
} WeirPlan;

typedef struct {
  char *name;
  json_object *options;
  GLogLevelFlags log_level;
  GArray *inputs; /* WeirQueueSettings */
} WeirPlanReply;

typedef struct {
  gboolean taken;
  WeirQueueSettings queue; /* of its first taker */
} WeirPlanOutput;

/* An empty one. */
WeirPlan weir_plan_new (void);
void weir_plan_add_reply (WeirPlan *plan, const char *name, json_object *options, GLogLevelFlags log_level,
                          GArray *inputs);
/* How many sockets a service manager has passed to this process, if an option says "systemd:NAME"; else none. */
guint weir_plan_count_sockets (json_object *options);
/* A memory file, closed on exec; -1: errno says why. */
int weir_plan_write (const WeirPlan *plan);
/* FALSE: it is no plan. */
gboolean weir_plan_read (int fd, WeirPlan *plan);
/* Frees it with all that it names. */
void weir_plan_clear (WeirPlan *plan);
