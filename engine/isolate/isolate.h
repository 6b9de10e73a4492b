/* SPDX-License-Identifier: Apache-2.0 */
/* isolate.h: a stage that runs in a child process ("isolate": true). The stage of the pipeline keeps its name, plugin, ports and
 * counters, and gets a role of ours, which feeds the child and takes what it makes: a producer, or a duplex stage. In the child the
 * real stage runs between hidden ends (ends.h). What all copies of the stage have in common is made on the main thread by the engine,
 * and lives until the pipeline has been freed; each copy, one for each connection, is a state of that role, with a child of its own.
 * A listener and the replies to its connections share a connection by pointer, so they share a child: the listener's, which accepts, and
 * tells of each connection, and the copies here of its producer and of the replies are wired to their ends there (accepted.h). */
#pragma once

#include "stage.h"

#include <json-c/json.h>

typedef struct _WeirIsolation WeirIsolation;

/* real, file and options are borrowed. */
WeirIsolation *weir_isolation_new (WeirKind kind, const WeirRole *real, const char *file, json_object *options);
void weir_isolation_free (WeirIsolation *isolation);
/* It accepts connections, which are spread over so many workers; so many stages of each live in its child. */
void weir_isolation_listen (WeirIsolation *isolation, guint places, guint workers);
/* A reply, the so manyth, from 1 on, of those that live in the child of a listener. */
void weir_isolation_join (WeirIsolation *isolation, guint place);
/* The role, and the state, taken by the stage that is made of them. */
const WeirRole *weir_isolation_role (WeirIsolation *isolation);
gpointer weir_isolation_state (WeirIsolation *isolation);
/* Likewise, for one more stage like this. */
gpointer weir_isolation_state_of (WeirStage *stage);
/* Before the stage has links. */
void weir_isolation_adopt (WeirStage *stage);
