/* SPDX-License-Identifier: Apache-2.0 */
/* `weir inspect [PLUGIN]`: which plugins are found where, or one of them with all its options, as text, JSON or Markdown. What is
 * laid out are the registry's descriptions. Main thread only. */
#ifndef WEIR_CLI_INSPECT_H
#define WEIR_CLI_INSPECT_H

#include <glib.h>
#include <json-c/json.h>

/* argv[0] is the command's name. Returns the exit code. */
int weir_inspect_command (int argc, char **argv);

/* ---- of a description ---- */
/* "producer", ...; ended by NULL. */
extern const char *const weir_inspect_roles[];
const char *weir_inspect_text (json_object *object, const char *key); /* "" where it has none */
gsize weir_inspect_count (json_object *object, const char *key);      /* of a list */
json_object *weir_inspect_item (json_object *object, const char *key, gsize i);
/* An option's range in words, with a blank in front; "" where it has none. */
char *weir_inspect_range (json_object *option);
/* An option's default: sizes, durations and choices as one writes them, texts in quotes. NULL: none. */
char *weir_inspect_default (json_object *option);

/* ---- inspect-text.c: for a terminal ---- */
void weir_inspect_put_listing (GString *out, json_object *listing);
void weir_inspect_put_plugin (GString *out, json_object *plugin);
void weir_inspect_put_reply (GString *out, json_object *reply);

/* ---- inspect-markdown.c ---- */
/* The reference of these plugins, and which others are broken: lists of a listing. */
void weir_inspect_put_reference (GString *out, json_object *plugins, json_object *broken);
/* One of them, or "reply". */
void weir_inspect_put_markdown (GString *out, json_object *plugin);

#endif
