/* SPDX-License-Identifier: Apache-2.0 */
/* What a pipeline has done, with the ledger of its links: for people, and as JSON. Main thread. */
#ifndef WEIR_CLI_SUMMARY_H
#define WEIR_CLI_SUMMARY_H

#include "pipeline.h"

#include <json-c/json.h>

/* For people, several lines; g_free() it. */
char *weir_summary_text (WeirPipeline *pipeline, WeirResult result);
/* json_object_put() it. */
json_object *weir_summary_json (WeirPipeline *pipeline, WeirResult result);
/* What lies in the links, a warning for each that holds something. */
void weir_summary_log_queued (WeirPipeline *pipeline);

/* A file that the JSON summary goes to, opened before anything runs: "-" is standard output. NULL: *message. */
typedef struct _WeirSummaryFile WeirSummaryFile;
WeirSummaryFile *weir_summary_file_new (const char *path, char **message);
/* FALSE: *message. */
gboolean weir_summary_file_write (WeirSummaryFile *file, WeirPipeline *pipeline, WeirResult result, char **message);
void weir_summary_file_free (WeirSummaryFile *file); /* NULL is fine */

#endif
