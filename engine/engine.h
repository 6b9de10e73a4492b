/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h: a configuration made into a pipeline: every stage with its options filled in, every link with its limits.
 * Made and freed on the main thread. It owns the pipeline and the memory of the options, which is freed behind the last close();
 * the roles are the registry's, which therefore outlives it. The configuration is not needed once it is made. */
#ifndef WEIR_ENGINE_H
#define WEIR_ENGINE_H

#include "config.h"
#include "pipeline.h"

typedef struct _WeirEngine WeirEngine;

/* Makes the pipeline; nothing of it runs yet. NULL: the error names the stage or link. */
WeirEngine *weir_engine_new (const WeirConfig *config, GError **error);
/* One whose pipeline is over or was never started. NULL is fine. */
void weir_engine_free (WeirEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirEngine, weir_engine_free)

/* The engine's. */
WeirPipeline *weir_engine_pipeline (WeirEngine *engine);

#endif
