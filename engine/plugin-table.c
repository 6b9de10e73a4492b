/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a plugin, checked before any of it is used: the ABI and the sizes of its structs, its name, and that each role has
 * the callbacks it cannot do without and none that contradicts it. A table of an older header is copied into one of this version's
 * size, so that nobody else sees the difference. Constant data; any thread; copies belong to the caller's `owned`. */
#include "plugin-object.h"

#include "found.h"
#include "options.h"

#include <string.h>

typedef enum { PRODUCER, TRANSFORM, CONSUMER, REPLY } Part;

static const char *const part_names[] = { "producer", "transform", "consumer", "reply" };

#define KNOWN_FLAGS (WEIR_BLOCKING | WEIR_STATELESS | WEIR_IN_ORDER | WEIR_BYTES | WEIR_DUPLEX | WEIR_CONNECTIONS)
#define LATER "which this version of Weir does not know"

/* More bytes of state than that are a table that is none. */
#define MOST_STATE (64 * 1024 * 1024)

gboolean
weir_name_is_sane (const char *name)
{
  if (name == NULL || !(g_ascii_isalpha (*name) || *name == '_')) {
    return FALSE;
  }
  for (; *name != '\0'; name++) {
    if (!g_ascii_isalnum (*name) && *name != '_' && *name != '-') {
      return FALSE;
    }
  }
  return TRUE;
}

/* ---- sizes ---- */

static char *
wrong_size (const WeirPlugin *table, const char *what, gsize found, gsize least, gsize most)
{
  if (found >= least && found <= most && found % sizeof (gpointer) == 0) {
    return NULL;
  }
  g_autofree char *version = table->built_for == NULL ? g_strdup ("another version")
                                                      : weir_found_text (table->built_for);
  g_autofree char *expected = least == most ? g_strdup_printf ("%" G_GSIZE_FORMAT, most)
                                            : g_strdup_printf ("%" G_GSIZE_FORMAT " to %" G_GSIZE_FORMAT, least, most);
  return g_strdup_printf ("found a %s of %" G_GSIZE_FORMAT
                          " bytes, expected %s: it was built for %s of Weir, and this is "
                          "\"%s\"; rebuild the plugin against this weir's headers",
                          what, found, expected, version, PACKAGE_VERSION);
}

static char *
wrong_sizes (const WeirPlugin *table)
{
  char *wrong = wrong_size (table, "WeirPlugin", table->size, WEIR_PLUGIN_SIZE_LEAST, sizeof (WeirPlugin));
  if (wrong == NULL) {
    wrong = wrong_size (table, "WeirRole", table->role_size, WEIR_ROLE_SIZE_LEAST, sizeof (WeirRole));
  }
  if (wrong == NULL) {
    wrong = wrong_size (table, "WeirOption", table->option_size, WEIR_OPTION_SIZE_LEAST, sizeof (WeirOption));
  }
  return wrong;
}

/* The options as this version has them: what they lack is zero. Behind too many an end is put, which is noticed later. */
static const WeirOption *
widen_options (const WeirPlugin *table, const WeirOption *options, GPtrArray *owned)
{
  if (options == NULL || table->option_size == sizeof (WeirOption)) {
    return options;
  }
  const char *old = (const char *) options;
  gsize count = 0;
  while (count <= WEIR_OPTIONS_MOST &&
         ((const WeirOption *) (old + count * table->option_size))->kind != WEIR_OPTION_END_) {
    count++;
  }
  WeirOption *copy = g_new0 (WeirOption, count + 1);
  g_ptr_array_add (owned, copy);
  for (gsize i = 0; i < count; i++) {
    memcpy (&copy[i], old + i * table->option_size, table->option_size);
  }
  return copy;
}

/* The role as this version has it: what it lacks is NULL. */
static const WeirRole *
widen_role (const WeirPlugin *table, const WeirRole *role, GPtrArray *owned)
{
  if (role == NULL) {
    return NULL;
  }
  WeirRole *copy = g_new0 (WeirRole, 1);
  g_ptr_array_add (owned, copy);
  memcpy (copy, role, table->role_size);
  copy->options = widen_options (table, copy->options, owned);
  return copy;
}

static const WeirPlugin *
widen (const WeirPlugin *table, GPtrArray *owned)
{
  if (table->size == sizeof (WeirPlugin) && table->role_size == sizeof (WeirRole) &&
      table->option_size == sizeof (WeirOption)) {
    return table;
  }
  WeirPlugin *copy = g_new0 (WeirPlugin, 1);
  g_ptr_array_add (owned, copy);
  memcpy (copy, table, table->size);
  copy->producer = widen_role (table, table->producer, owned);
  copy->transform = widen_role (table, table->transform, owned);
  copy->consumer = widen_role (table, table->consumer, owned);
  copy->reply = widen_role (table, copy->reply, owned);
  return copy;
}

/* ---- texts and lists of names ---- */

/* Shown on one line of a terminal, and inside JSON. */
static gboolean
text_is_sane (const char *text)
{
  if (text == NULL) {
    return TRUE;
  }
  if (!g_utf8_validate (text, -1, NULL)) {
    return FALSE;
  }
  for (; *text != '\0'; text = g_utf8_next_char (text)) {
    if (g_unichar_iscntrl (g_utf8_get_char (text))) {
      return FALSE;
    }
  }
  return TRUE;
}

static char *
wrong_texts (const WeirRole *role)
{
  const char *expected = "expected one line of UTF-8";
  if (!text_is_sane (role->summary)) {
    return g_strdup_printf ("its summary: %s", expected);
  }
  for (const WeirOption *option = role->options; option != NULL && option->kind != WEIR_OPTION_END_; option++) {
    if (!text_is_sane (option->help)) {
      return g_strdup_printf ("option \"%s\": its help: %s", option->name, expected);
    }
    if (!text_is_sane (option->range)) {
      return g_strdup_printf ("option \"%s\": its range: %s", option->name, expected);
    }
    if (option->initial != NULL && !g_utf8_validate (option->initial, -1, NULL)) {
      return g_strdup_printf ("option \"%s\": its default: expected UTF-8", option->name);
    }
  }
  return NULL;
}

static char *
wrong_names (const char *what, const char *const *names)
{
  for (gsize i = 0; names != NULL && names[i] != NULL; i++) {
    if (!weir_name_is_sane (names[i])) {
      g_autofree char *found = weir_found_text (names[i]);
      return g_strdup_printf ("found the %s %s, expected a name of letters, digits, _ and -", what, found);
    }
    for (gsize j = 0; j < i; j++) {
      if (strcmp (names[i], names[j]) == 0) {
        return g_strdup_printf ("its %s \"%s\" is there twice", what, names[i]);
      }
    }
  }
  return NULL;
}

/* ---- callbacks ---- */

static char *
wrong_flags (const WeirRole *role)
{
  if ((role->flags & WEIR_IN_ORDER) != 0 && role->delivered == NULL) {
    return g_strdup ("has the flag WEIR_IN_ORDER without delivered()");
  }
  if ((role->flags & ~(guint) KNOWN_FLAGS) != 0) {
    return g_strdup_printf ("found flags 0x%x, expected those of this version only", role->flags);
  }
  if (role->take_over != NULL) {
    return g_strdup ("has take_over(), " LATER);
  }
  if (role->changed != NULL) {
    return g_strdup ("has changed(), " LATER);
  }
  if (role->interrupt != NULL && (role->flags & WEIR_BLOCKING) == 0) {
    return g_strdup ("has interrupt() without the flag WEIR_BLOCKING");
  }
  if ((role->pause == NULL) != (role->resume == NULL)) {
    return g_strdup_printf ("has %s() without %s()", role->pause != NULL ? "pause" : "resume",
                            role->pause != NULL ? "resume" : "pause");
  }
  return NULL;
}

static char *
misplaced (const char *what, const char *whose)
{
  return g_strdup_printf ("has %s, which %s", what, whose);
}

static char *
misplaced_flags (const WeirRole *role, Part part)
{
  if ((role->flags & WEIR_DUPLEX) != 0 && part != TRANSFORM) {
    return misplaced ("the flag WEIR_DUPLEX", "only transforms have");
  }
  if ((role->flags & WEIR_CONNECTIONS) != 0 && part != PRODUCER) {
    return misplaced ("the flag WEIR_CONNECTIONS", "only producers have");
  }
  if (role->delivered != NULL && part != PRODUCER) {
    return misplaced ("delivered()", "only producers have");
  }
  return NULL;
}

static char *
wrong_producer (const WeirRole *role)
{
  const char *whose = "only transforms and consumers have";
  if (role->produce == NULL && role->start == NULL) {
    return g_strdup ("has neither produce() nor start()");
  }
  if (role->consume != NULL) {
    return misplaced ("consume()", whose);
  }
  if (role->flush != NULL) {
    return misplaced ("flush()", whose);
  }
  if (role->settle != NULL) {
    return misplaced ("settle()", whose);
  }
  if (role->end_stream != NULL) {
    return misplaced ("end_stream()", whose);
  }
  if (role->end != NULL) {
    return misplaced ("end()", whose);
  }
  return role->stream_size != 0 ? misplaced ("a stream_size", whose) : NULL;
}

static char *
wrong_transform (const WeirRole *role)
{
  /* The consuming half of a duplex one may be a flush() alone, as in a consumer. */
  if (role->consume == NULL && ((role->flags & WEIR_DUPLEX) == 0 || role->flush == NULL)) {
    return g_strdup ("has no consume()");
  }
  if ((role->flags & WEIR_DUPLEX) != 0 && role->produce == NULL && role->start == NULL) {
    return g_strdup ("has the flag WEIR_DUPLEX and neither produce() nor start(): nothing makes what it emits");
  }
  return NULL;
}

static char *
wrong_consumer (const WeirRole *role)
{
  const char *whose = "only producers and transforms have";
  if (role->consume == NULL && role->flush == NULL) {
    return g_strdup ("has neither consume() nor flush()");
  }
  if (role->produce != NULL) {
    return misplaced ("produce()", whose);
  }
  if (role->ports != NULL && role->ports[0] != NULL) {
    return misplaced ("ports", whose);
  }
  if (role->tags != NULL && role->tags[0] != NULL) {
    return misplaced ("tags", whose);
  }
  return (role->flags & WEIR_BYTES) != 0 ? misplaced ("the flag WEIR_BYTES", whose) : NULL;
}

static char *
wrong_ports (const WeirRole *role)
{
  for (gsize i = 0; role->ports != NULL && role->ports[i] != NULL; i++) {
    if (strcmp (role->ports[i], "rejected") == 0) {
      return g_strdup ("its port \"rejected\" is the engine's");
    }
  }
  return wrong_names ("port", role->ports);
}

static char *
wrong_role (const WeirRole *role, Part part)
{
  static char *(*const wrong_part[]) (const WeirRole *) = { wrong_producer, wrong_transform, wrong_consumer,
                                                            wrong_consumer };
  char *wrong = wrong_flags (role);
  if (wrong == NULL) {
    wrong = misplaced_flags (role, part);
  }
  if (wrong == NULL) {
    wrong = wrong_part[part](role);
  }
  if (wrong == NULL && MAX (role->state_size, role->stream_size) > MOST_STATE) {
    wrong = g_strdup_printf ("found a state of %" G_GSIZE_FORMAT " bytes, expected at most %d",
                             MAX (role->state_size, role->stream_size), MOST_STATE);
  }
  if (wrong == NULL) {
    wrong = wrong_names ("counter", role->counters);
  }
  if (wrong == NULL) {
    wrong = wrong_ports (role);
  }
  if (wrong == NULL) {
    wrong = wrong_names ("tag", role->tags);
  }
  if (wrong == NULL) {
    weir_options_sane (role, &wrong);
  }
  return wrong != NULL ? wrong : wrong_texts (role);
}

static char *
wrong_table (const WeirPlugin *plugin, const char *name)
{
  const WeirRole *const roles[] = { plugin->producer, plugin->transform, plugin->consumer, plugin->reply };
  if (plugin->name == NULL || strcmp (plugin->name, name) != 0) {
    g_autofree char *found = plugin->name == NULL ? g_strdup ("no name") : weir_found_text (plugin->name);
    return g_strdup_printf ("found %s as its name, expected \"%s\", as its file is called", found, name);
  }
  if (plugin->version == NULL || *plugin->version == '\0' || !text_is_sane (plugin->version) ||
      !text_is_sane (plugin->built_for)) {
    return g_strdup ("found no version, expected one such as \"1.0\"");
  }
  if (plugin->producer == NULL && plugin->transform == NULL && plugin->consumer == NULL) {
    return g_strdup ("found no role, expected a producer, a transform or a consumer");
  }
  for (Part part = PRODUCER; part <= REPLY; part++) {
    g_autofree char *wrong = roles[part] == NULL ? NULL : wrong_role (roles[part], part);
    if (wrong != NULL) {
      return g_strdup_printf ("%s: %s", part_names[part], wrong);
    }
  }
  if (plugin->reply != NULL && (plugin->producer == NULL || (plugin->producer->flags & WEIR_CONNECTIONS) == 0)) {
    return g_strdup ("reply: is there without a producer that has the flag WEIR_CONNECTIONS");
  }
  return NULL;
}

const WeirPlugin *
weir_plugin_table_check (const char *name, const WeirPlugin *table, GPtrArray *owned, char **message)
{
  if (table->abi != WEIR_ABI) {
    *message = g_strdup_printf ("ABI %u, this weir has ABI %d; rebuild the plugin against this weir's headers",
                                table->abi, WEIR_ABI);
    return NULL;
  }
  *message = wrong_sizes (table);
  if (*message != NULL) {
    return NULL;
  }
  const WeirPlugin *plugin = widen (table, owned);
  *message = wrong_table (plugin, name);
  return *message == NULL ? plugin : NULL;
}
