/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of the program share: exit codes, the way they refuse a command line, and the one way to load a pipeline.
 * Main thread only. */
#ifndef WEIR_CLI_COMMAND_H
#define WEIR_CLI_COMMAND_H

#include "config.h"

/* Exit codes; 128 + n: ended by a second signal n. */
enum {
  WEIR_EXIT_DONE = 0,
  WEIR_EXIT_FAILED = 1,     /* a stage, also while it was opened; or the system */
  WEIR_EXIT_USAGE = 2,      /* command line or configuration: trying again cannot help */
  WEIR_EXIT_UNDELIVERED = 3 /* stopped with records queued */
};

/* A command: argv[0] is its name. Returns the exit code. */
int weir_run_command (int argc, char **argv);
int weir_check_command (int argc, char **argv);
int weir_graph_command (int argc, char **argv);
int weir_schema_command (int argc, char **argv);
int weir_new_plugin_command (int argc, char **argv);

/* Parses a command's line by its entries. FALSE: the mistake has been told in one line. */
gboolean weir_command_parse (const char *command, const char *arguments, const char *summary,
                             const GOptionEntry *entries, int argc, char **argv);
/* Says what is wrong with a command line and where help is. Returns WEIR_EXIT_USAGE. */
int weir_command_refuse (const char *command, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* A pipeline as it is loaded, with the plugins that it names. */
typedef struct {
  WeirRegistry *registry;
  WeirProblems *problems;
  WeirConfig *config; /* NULL: there was a mistake */
} WeirLoaded;

/* folders: of --plugin-path, settings: of --set; either may be NULL. weir_loaded_clear() it in any case. */
WeirLoaded weir_command_load (const char *file, char *const *folders, char *const *settings);
void weir_loaded_clear (WeirLoaded *loaded);
/* Calls tell() with a line for each plugin of the pipeline that hides another one of its name. */
void weir_command_tell_hidden (const WeirLoaded *loaded, void (*tell) (const char *line, gpointer data), gpointer data);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (WeirLoaded, weir_loaded_clear)

#endif
