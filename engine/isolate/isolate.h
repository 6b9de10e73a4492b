/* SPDX-License-Identifier: Apache-2.0 */
/* isolate.h: a stage that runs in a child process ("isolate": true). The stage of the pipeline keeps its name, plugin, ports and
 * counters, and gets a role of ours, which feeds the child and takes what it makes: a producer, or a duplex stage. In the child the
 * real stage runs between hidden ends (ends.h). Made on the main thread by the engine; lives until the pipeline has been freed. */
#pragma once

#include "stage.h"

#include <json-c/json.h>

typedef struct _WeirIsolate WeirIsolate;

/* real, name, plugin, file and options are borrowed. inputs: how many links lead to it. NULL: the error says why. */
WeirIsolate *weir_isolate_new (WeirKind kind, const WeirRole *real, const char *file, json_object *options,
                               guint inputs, GError **error);
void weir_isolate_free (WeirIsolate *isolate);
/* The role, and the state, taken by the stage that is made of them. */
const WeirRole *weir_isolate_role (WeirIsolate *isolate);
gpointer weir_isolate_state (WeirIsolate *isolate);
/* Before the pipeline runs. */
void weir_isolate_adopt (WeirIsolate *isolate, WeirStage *stage);
