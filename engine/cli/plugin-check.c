/* SPDX-License-Identifier: Apache-2.0 */
/* `weir plugin check FILE.so`: holds each role of a plugin to the rules of conform-rules.c, each in a process of its own, and prints a
 * line a rule. The object is never opened in this process. Main thread only, which stays the only one. */
#include "cli/command.h"
#include "cli/conform.h"

#include "found.h"
#include "plugin-object.h"
#include "suggest.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COMMAND "plugin check"
#define INPUT (700 * 1024) /* bytes of the file that there is to read: some chunks */
#define VALGRIND \
  "WEIR_PLUGIN_CHECK_VALGRIND" /* in our own environment, when valgrind runs us: the folder of its logs */

typedef struct {
  gboolean quiet, json, valgrind;
  char *role;
  char **settings, **files, **rules;
  int limit, cycles; /* seconds; of open() and close() */
} Arguments;

static void
arguments_clear (Arguments *arguments)
{
  g_strfreev (arguments->settings);
  g_strfreev (arguments->files);
  g_strfreev (arguments->rules);
  g_free (arguments->role);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

typedef struct {
  const Arguments *arguments;
  json_object *lines;
  guint ok, failed, skipped;
  GString *unusable; /* a line a role */
} Report;

/* ---- what is printed ---- */

static void
tell (Report *report, WeirConformResult result, const char *rule, const char *role, const char *said)
{
  gboolean ok = result == WEIR_CONFORM_OK, failed = result == WEIR_CONFORM_FAILED;
  const char *word = ok ? "ok" : failed ? "FAILED" : "skipped";
  *(ok ? &report->ok : failed ? &report->failed : &report->skipped) += 1;
  if (report->arguments->json) {
    json_object *line = json_object_new_object ();
    json_object_object_add (line, "rule", json_object_new_string (rule));
    json_object_object_add (line, "role", json_object_new_string (role));
    json_object_object_add (line, "result", json_object_new_string (failed ? "failed" : word));
    if (*said != '\0') {
      json_object_object_add (line, "message", json_object_new_string (said));
    }
    json_object_array_add (report->lines, line);
  } else if (failed || !report->arguments->quiet) {
    printf ("%s %s %s%s%s\n", word, role, rule, *said != '\0' ? ": " : "", said);
    fflush (stdout);
  }
}

static gboolean
is_wanted (const Arguments *arguments, const WeirConformRule *rule)
{
  return arguments->rules == NULL || g_strv_contains ((const char *const *) arguments->rules, rule->name);
}

/* What one rule has found already is not said again by others. */
static void
tell_once (Report *report, GHashTable *said_before, WeirConformResult result, const char *rule, const char *role,
           const char *said)
{
  const char *before = result == WEIR_CONFORM_FAILED ? g_hash_table_lookup (said_before, said) : NULL;
  if (before != NULL) {
    g_autofree char *as = g_strconcat ("as ", before, NULL);
    tell (report, WEIR_CONFORM_SKIPPED, rule, role, as);
    return;
  }
  g_hash_table_insert (said_before, g_strdup (said), (gpointer) rule);
  tell (report, result, rule, role, said);
}

static void
check_role (Report *report, const WeirConformPlan *plan, WeirKind kind)
{
  const char *role = weir_kind_names[kind];
  const WeirConformRule *open = &weir_conform_rules[0];
  g_autofree char *first = NULL;
  g_autoptr (GHashTable) said_before = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  WeirConformResult opens = weir_conform_run (plan, open, kind, &first);
  if (opens == WEIR_CONFORM_UNUSABLE) {
    g_string_append_printf (report->unusable,
                            "weir: " COMMAND ": the %s was not checked: %s; give --set %s.OPTION=VALUE\n", role, first,
                            role);
  }
  for (const WeirConformRule *rule = open; rule->name != NULL; rule++) {
    if (rule->subject != WEIR_CONFORM_EVERY_ROLE || !is_wanted (report->arguments, rule)) {
      continue;
    }
    /* One that cannot be opened here is held to what its options are. */
    gboolean known = rule == open || opens == WEIR_CONFORM_UNUSABLE ||
                     (opens == WEIR_CONFORM_SKIPPED && rule->run != weir_conform_options);
    g_autofree char *said = known ? g_strdup (first) : NULL;
    WeirConformResult result = known ? opens : weir_conform_run (plan, rule, kind, &said);
    tell_once (report, said_before, result, rule->name, role, said);
  }
}

/* Those of connections: each makes its own that listens, or says why it cannot. */
static void
check_connections (Report *report, const WeirConformPlan *plan, WeirConformSubject subject, const char *role,
                   GHashTable *said_before)
{
  for (const WeirConformRule *rule = weir_conform_rules; rule->name != NULL; rule++) {
    if (rule->subject == subject && is_wanted (report->arguments, rule)) {
      g_autofree char *said = NULL;
      WeirConformResult result = weir_conform_run (plan, rule, WEIR_PRODUCER, &said);
      tell_once (report, said_before, result, rule->name, role, said);
    }
  }
}

static gboolean
has_connections (json_object *roles)
{
  json_object *producer = json_object_object_get (roles, "producer");
  const char *flags = json_object_get_string (json_object_object_get (producer, "flags"));
  return strstr (flags, "\"connections\"") != NULL;
}

static gboolean
is_asked (const Arguments *arguments, json_object *roles, const char *role)
{
  return json_object_object_get_ex (roles, role, NULL) &&
         (arguments->role == NULL || strcmp (arguments->role, role) == 0);
}

static void
check_roles (Report *report, const WeirConformPlan *plan, json_object *roles)
{
  g_autoptr (GHashTable) said_before = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (WeirKind kind = WEIR_PRODUCER; kind <= WEIR_CONSUMER; kind++) {
    if (is_asked (report->arguments, roles, weir_kind_names[kind])) {
      check_role (report, plan, kind);
    }
    if (kind == WEIR_PRODUCER && is_asked (report->arguments, roles, "producer") && has_connections (roles)) {
      check_connections (report, plan, WEIR_CONFORM_LISTENER, "producer", said_before);
    }
  }
  if (is_asked (report->arguments, roles, "reply")) {
    check_connections (report, plan, WEIR_CONFORM_REPLY, "reply", said_before);
  }
}

/* ---- the scratch folder ---- */

static int
remove_one (const char *path, G_GNUC_UNUSED const struct stat *status, G_GNUC_UNUSED int type,
            G_GNUC_UNUSED struct FTW *at)
{
  return remove (path);
}

static char *
make_scratch (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("weir-plugin-check-XXXXXX", &error);
  g_autofree char *input = folder != NULL ? g_build_filename (folder, "input", NULL) : NULL;
  g_autofree char *output = folder != NULL ? g_build_filename (folder, "output", NULL) : NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  while (text->len < INPUT) {
    g_string_append_printf (text, "line %" G_GSIZE_FORMAT " of a file\n", text->len);
  }
  g_string_append (text, "and no newline");
  if (folder == NULL || !g_file_set_contents (input, text->str, (gssize) text->len, &error) ||
      !g_file_set_contents (output, "", 0, &error)) {
    fprintf (stderr, "weir: " COMMAND ": %s\n", error->message);
    if (folder != NULL) {
      nftw (folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
    g_clear_pointer (&folder, g_free);
  }
  return folder;
}

/* ---- valgrind ---- */

/* Runs this command again, below valgrind. Comes back only on a failure. */
static int
run_below_valgrind (int argc, char **argv)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL), *valgrind = g_find_program_in_path ("valgrind");
  if (valgrind == NULL || self == NULL) {
    fprintf (stderr, "weir: " COMMAND ": --valgrind: found no program \"valgrind\" in PATH\n");
    return WEIR_EXIT_USAGE;
  }
  g_autofree char *logs = g_dir_make_tmp ("weir-plugin-check-XXXXXX", NULL);
  if (logs == NULL) {
    fprintf (stderr, "weir: " COMMAND ": cannot make a folder for valgrind: %s\n", g_strerror (errno));
    return WEIR_EXIT_FAILED;
  }
  g_autofree char *log = g_strconcat ("--log-file=", logs, "/%p", NULL);
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  const char *const first[] = { valgrind,
                                "-q",
                                "--leak-check=full",
                                "--errors-for-leak-kinds=definite",
                                "--show-leak-kinds=definite",
                                "--num-callers=8",
                                log,
                                self,
                                "plugin" };
  for (gsize i = 0; i < G_N_ELEMENTS (first); i++) {
    g_ptr_array_add (words, (gpointer) first[i]);
  }
  for (int i = 0; i < argc; i++) {
    g_ptr_array_add (words, argv[i]);
  }
  g_ptr_array_add (words, NULL);
  g_setenv (VALGRIND, logs, TRUE);
  execv (valgrind, (char **) words->pdata);
  fprintf (stderr, "weir: " COMMAND ": cannot run \"%s\": %s\n", valgrind, g_strerror (errno));
  return WEIR_EXIT_FAILED;
}

/* ---- the command ---- */

/* What the plugin says of itself, out of a child; NULL: that has been told. */
static json_object *
describe (const char *file, const char *name, char **absolute)
{
  char *message = NULL;
  *absolute = g_canonicalize_filename (file, NULL);
  const WeirPluginFile plugin = { .name = (char *) name, .file = *absolute };
  json_object *description = weir_registry_ask_child (&plugin, 10 * G_USEC_PER_SEC, &message);
  if (description == NULL) {
    fprintf (stderr, "weir: " COMMAND ": plugin \"%s\" (%s): %s\n", name, file, message);
  }
  g_free (message);
  return description;
}

static int
finish (const Report *report, const char *name)
{
  if (report->arguments->json) {
    printf ("%s\n", json_object_to_json_string_ext (report->lines, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                                     JSON_C_TO_STRING_NOSLASHESCAPE));
  } else if (!report->arguments->quiet) {
    printf ("%s: %u ok, %u failed, %u skipped\n", name, report->ok, report->failed, report->skipped);
  }
  if (fflush (stdout) != 0 || ferror (stdout) != 0) {
    fprintf (stderr, "weir: " COMMAND ": cannot write to standard output: %s\n", g_strerror (errno));
    return WEIR_EXIT_FAILED;
  }
  fputs (report->unusable->str, stderr);
  return report->failed > 0 ? WEIR_EXIT_FAILED : report->unusable->len > 0 ? WEIR_EXIT_USAGE : WEIR_EXIT_DONE;
}

static int
check (const Arguments *arguments, const char *file, const char *name)
{
  g_autofree char *absolute = NULL;
  json_object *description = describe (file, name, &absolute);
  if (description == NULL) {
    return WEIR_EXIT_USAGE;
  }
  json_object *roles = json_object_object_get (description, "roles");
  if (arguments->role != NULL && !json_object_object_get_ex (roles, arguments->role, NULL)) {
    json_object_put (description);
    return weir_command_refuse (COMMAND, "--role: plugin \"%s\" is no %s", name, arguments->role);
  }
  if (!weir_conform_check_settings (roles, arguments->settings)) {
    json_object_put (description);
    return WEIR_EXIT_USAGE;
  }
  g_autofree char *scratch = make_scratch ();
  if (scratch == NULL) {
    json_object_put (description);
    return WEIR_EXIT_FAILED;
  }
  const WeirConformPlan plan = { .name = name,
                                 .file = absolute,
                                 .scratch = scratch,
                                 .settings = arguments->settings,
                                 .valgrind_logs = g_getenv (VALGRIND),
                                 .limit = arguments->limit * (gint64) G_USEC_PER_SEC,
                                 .cycles = (guint) arguments->cycles };
  Report report = { .arguments = arguments, .lines = json_object_new_array (), .unusable = g_string_new (NULL) };
  check_roles (&report, &plan, roles);
  int status = finish (&report, name);
  nftw (scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  json_object_put (report.lines);
  json_object_put (description);
  g_string_free (report.unusable, TRUE);
  return status;
}

/* FALSE: one that is none has been told. */
static gboolean
check_rules (char **rules)
{
  for (guint i = 0; rules != NULL && rules[i] != NULL; i++) {
    g_autoptr (GPtrArray) names = g_ptr_array_new ();
    for (const WeirConformRule *rule = weir_conform_rules; rule->name != NULL; rule++) {
      g_ptr_array_add (names, (gpointer) rule->name);
    }
    g_ptr_array_add (names, NULL);
    const char *const *known = (const char *const *) names->pdata;
    if (!g_strv_contains (known, rules[i])) {
      g_autofree char *found = weir_found_text (rules[i]);
      g_autoptr (GString) message = g_string_new ("--rule: unknown rule ");
      g_string_append (message, found);
      weir_suggest_append (message, rules[i], known);
      weir_command_refuse (COMMAND, "%s", message->str);
      return FALSE;
    }
  }
  return TRUE;
}

int
weir_plugin_check_command (int argc, char **argv)
{
  g_auto (Arguments) arguments = { .limit = 60, .cycles = 10000 };
  const GOptionEntry entries[] = {
    { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments.settings,
      "Give an option; more than once if need be. VALUE is JSON, or else a string", "[ROLE.]OPTION=VALUE" },
    { "role", 0, 0, G_OPTION_ARG_STRING, &arguments.role, "Check this role only", "ROLE" },
    { "rule", 0, 0, G_OPTION_ARG_STRING_ARRAY, &arguments.rules, "Check this rule only; more than once if need be",
      "RULE" },
    { "limit", 0, 0, G_OPTION_ARG_INT, &arguments.limit, "Seconds that a rule may take; 60", "SECONDS" },
    { "cycles", 0, 0, G_OPTION_ARG_INT, &arguments.cycles, "How often it is opened and closed; 10000", "NUMBER" },
    { "valgrind", 0, 0, G_OPTION_ARG_NONE, &arguments.valgrind, "Run it under valgrind, with fewer cycles", NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &arguments.quiet, "Print only what fails", NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &arguments.json, "Print JSON", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arguments.files, NULL, NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE.so");
  g_autofree char *rules = weir_conform_list_rules ();
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) words = g_new0 (char *, argc + 1);
  for (int i = 0; i < argc; i++) {
    words[i] = g_strdup (argv[i]);
  }
  g_option_context_set_summary (context, "Holds a plugin to the rules that every stage keeps, without its source.");
  g_option_context_set_description (context, rules);
  g_option_context_add_main_entries (context, entries, NULL);
  g_set_prgname ("weir " COMMAND);
  gboolean parsed = g_option_context_parse (context, &argc, &argv, &error);
  char **files = arguments.files;
  if (!parsed) {
    return weir_command_refuse (COMMAND, "%s", error->message);
  }
  if (files == NULL || files[1] != NULL) {
    return weir_command_refuse (COMMAND, "found %u files, expected one", files != NULL ? g_strv_length (files) : 0);
  }
  if (!check_rules (arguments.rules)) {
    return WEIR_EXIT_USAGE;
  }
  if (arguments.limit < 1 || arguments.limit > 86400) {
    return weir_command_refuse (COMMAND, "--limit: found %d, expected a number from 1 to 86400", arguments.limit);
  }
  if (arguments.cycles < 100 || arguments.cycles > 10000000) {
    return weir_command_refuse (COMMAND, "--cycles: found %d, expected a number from 100 to 10000000",
                                arguments.cycles);
  }
  if (arguments.valgrind && g_getenv (VALGRIND) == NULL) {
    return run_below_valgrind ((int) g_strv_length (words), words);
  }
  g_autofree char *name = g_path_get_basename (files[0]);
  if (g_str_has_suffix (name, ".so")) {
    name[strlen (name) - strlen (".so")] = '\0';
  }
  if (!weir_name_is_sane (name)) {
    g_autofree char *found = weir_found_text (files[0]);
    return weir_command_refuse (COMMAND, "found %s, expected a file called after its plugin, NAME.so", found);
  }
  int status = check (&arguments, files[0], name);
  if (g_getenv (VALGRIND) != NULL) {
    nftw (g_getenv (VALGRIND), remove_one, 8, FTW_DEPTH | FTW_PHYS);
  }
  return status;
}
