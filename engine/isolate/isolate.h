/* SPDX-License-Identifier: Apache-2.0 */
/* isolate.h: a stage that runs in a child process ("isolate": true). The stage of the pipeline keeps its name, plugin, ports and
 * counters, and gets a role of ours, which feeds the child and takes what it makes: a producer, or a duplex stage. In the child the
 * real stage runs between hidden ends (ends.h). What all copies of the stage have in common is made on the main thread by the engine,
 * and lives until the pipeline has been freed; each copy, one for each connection, is a state of that role, with a child of its own. */
#pragma once

#include "stage.h"

#include <json-c/json.h>

typedef struct _WeirIsolation WeirIsolation;

/* real, file and options are borrowed. */
WeirIsolation *weir_isolation_new (WeirKind kind, const WeirRole *real, const char *file, json_object *options);
void weir_isolation_free (WeirIsolation *isolation);
/* The role, and the state, taken by the stage that is made of them. */
const WeirRole *weir_isolation_role (WeirIsolation *isolation);
gpointer weir_isolation_state (WeirIsolation *isolation);
/* Before the stage has links. */
void weir_isolation_adopt (WeirStage *stage);
