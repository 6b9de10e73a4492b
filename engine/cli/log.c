/* SPDX-License-Identifier: Apache-2.0 */
/* Where messages go (see log.h). The writer is called on any thread; where it writes to is set on the main thread before there
 * are others, and once more when the program detaches. Errors of stages do not pass through g_log(), which could be told to end
 * the process at them. */
#include "cli/log.h"

#include "cli/screen.h"

#include <stdarg.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

typedef enum { TO_SCREEN, TO_JOURNAL, TO_SYSLOG } Destination;

static _Atomic Destination destination;

static const char *
field (const GLogField *fields, gsize count, const char *key)
{
  for (gsize i = 0; i < count; i++) {
    if (g_str_equal (fields[i].key, key)) {
      return fields[i].value;
    }
  }
  return NULL;
}

/* What stands before the text. An error of the engine or of a stage is nothing but itself. */
static const char *
level_word (GLogLevelFlags level, gboolean ours)
{
  switch (level & G_LOG_LEVEL_MASK) {
  case G_LOG_LEVEL_ERROR:
    return "fatal: ";
  case G_LOG_LEVEL_CRITICAL:
    return ours ? "" : "critical: ";
  case G_LOG_LEVEL_WARNING:
    return "warning: ";
  case G_LOG_LEVEL_DEBUG:
    return "debug: ";
  default:
    return "";
  }
}

/* One line: what would break it is written as an escape. */
static char *
make_line (GLogLevelFlags level, const char *domain, const char *message)
{
  gboolean ours = domain == NULL || g_str_equal (domain, G_LOG_DOMAIN);
  GString *line = g_string_new ("weir: ");
  g_string_append (line, level_word (level, ours));
  if (!ours) {
    g_string_append_printf (line, "%s: ", domain);
  }
  for (const char *at = message; *at != '\0'; at++) {
    if (g_ascii_iscntrl (*at) && *at != '\t') {
      g_string_append_printf (line, "\\x%02x", (guint) (guchar) *at);
    } else {
      g_string_append_c (line, *at);
    }
  }
  g_string_append_c (line, '\n');
  return g_string_free (line, FALSE);
}

static int
syslog_priority (GLogLevelFlags level)
{
  switch (level & G_LOG_LEVEL_MASK) {
  case G_LOG_LEVEL_ERROR:
    return LOG_CRIT;
  case G_LOG_LEVEL_CRITICAL:
    return LOG_ERR;
  case G_LOG_LEVEL_WARNING:
    return LOG_WARNING;
  case G_LOG_LEVEL_DEBUG:
    return LOG_DEBUG;
  default:
    return LOG_INFO;
  }
}

/* The fields that the journal takes, and ours: without it journalctl -t would not find them. */
static gboolean
write_journal (GLogLevelFlags level, const GLogField *fields, gsize count)
{
  g_autofree GLogField *all = g_new (GLogField, count + 1);
  memcpy (all, fields, count * sizeof *fields);
  all[count] = (GLogField){ "SYSLOG_IDENTIFIER", "weir", -1 };
  return g_log_writer_journald (level, all, count + 1, NULL) == G_LOG_WRITER_HANDLED;
}

static GLogWriterOutput
write_message (GLogLevelFlags level, const GLogField *fields, gsize count, G_GNUC_UNUSED gpointer data)
{
  const char *domain = field (fields, count, "GLIB_DOMAIN"), *message = field (fields, count, "MESSAGE");
  gboolean ours = g_strcmp0 (domain, G_LOG_DOMAIN) == 0;
  /* What stages say has passed their own level, and of what is the engine's own only debug messages are too much. */
  gboolean passes = ours && ((level & G_LOG_LEVEL_DEBUG) == 0 || field (fields, count, "WEIR_STAGE") != NULL);
  if (!passes && g_log_writer_default_would_drop (level, domain)) {
    return G_LOG_WRITER_HANDLED;
  }
  Destination to = atomic_load_explicit (&destination, memory_order_relaxed);
  if (to == TO_JOURNAL && write_journal (level, fields, count)) {
    return G_LOG_WRITER_HANDLED;
  }
  g_autofree char *line = make_line (level, domain, message != NULL ? message : "");
  if (to == TO_SYSLOG) {
    syslog (syslog_priority (level), "%s", line + strlen ("weir: "));
  } else {
    weir_screen_write (line);
  }
  return G_LOG_WRITER_HANDLED;
}

void
weir_log_open (void)
{
  destination = g_log_writer_is_journald (STDERR_FILENO) ? TO_JOURNAL : TO_SCREEN;
  g_log_set_writer_func (write_message, NULL, NULL);
}

void
weir_log_detach (void)
{
  if (access (WEIR_LOG_JOURNAL, W_OK) == 0) {
    destination = TO_JOURNAL;
    return;
  }
  openlog ("weir", LOG_PID | LOG_NDELAY, LOG_DAEMON);
  destination = TO_SYSLOG;
}

gboolean
weir_log_is_kept (void)
{
  return destination != TO_SCREEN;
}

static void
write_own (GLogLevelFlags level, const char *priority, WeirStage *stage, const char *text)
{
  GLogField fields[5] = {
    { "PRIORITY", priority, -1 },
    { "GLIB_DOMAIN", G_LOG_DOMAIN, -1 },
    { "MESSAGE", text, -1 },
  };
  gsize count = 3;
  if (stage != NULL) {
    fields[count++] = (GLogField){ "WEIR_STAGE", stage->name, -1 };
    fields[count++] = (GLogField){ "WEIR_PLUGIN", stage->plugin, -1 };
  }
  write_message (level, fields, count, NULL);
}

void
weir_log_error (WeirStage *stage, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (stage == NULL) {
    write_own (G_LOG_LEVEL_CRITICAL, "3", NULL, text);
    return;
  }
  g_autofree char *whole = g_strdup_printf ("%s (%s, %s): %s", stage->name, stage->plugin, weir_kind_names[stage->kind],
                                            text);
  write_own (G_LOG_LEVEL_CRITICAL, "3", stage, whole);
}

void
weir_log_warning (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  write_own (G_LOG_LEVEL_WARNING, "4", NULL, text);
}

void
weir_log_problems (const WeirProblems *problems)
{
  g_autofree char *text = weir_problems_format (problems);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  if (!weir_log_is_kept ()) {
    weir_screen_write (text);
    return;
  }
  for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++) {
    gboolean warning = i < weir_problems_kept (problems) &&
                       weir_problems_get (problems, i)->severity == WEIR_SEVERITY_WARNING;
    write_own (warning ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_CRITICAL, warning ? "4" : "3", NULL, lines[i]);
  }
}

void
weir_log_info (const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  write_own (G_LOG_LEVEL_INFO, "6", NULL, text);
}
