/* SPDX-License-Identifier: Apache-2.0 */
/* fake-notes.c: what fakes note of the calls that they get, and the flags they set (see fakes.h).
 * Runs on any thread, under the rig's lock; the main loop is woken, as rigs await what is noted. */
#include "fakes.h"

#include <stdarg.h>

static void
wake_main (void)
{
  g_main_context_wakeup (NULL);
}

void
fake_note (Fake *fake, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *event = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  pthread_mutex_lock (&fake->rig->lock);
  g_string_append_printf (fake->events, "%s%s", fake->events->len > 0 ? " " : "", event);
  g_string_append_printf (fake->rig->journal, "%s%s.%s", fake->rig->journal->len > 0 ? " " : "", fake->name, event);
  pthread_mutex_unlock (&fake->rig->lock);
  wake_main ();
}

char *
fake_events (Fake *fake)
{
  pthread_mutex_lock (&fake->rig->lock);
  char *events = g_strdup (fake->events->str);
  pthread_mutex_unlock (&fake->rig->lock);
  return events;
}

guint
fake_count (Fake *fake, const char *event)
{
  g_autofree char *events = fake_events (fake);
  g_auto (GStrv) list = g_strsplit (events, " ", -1);
  guint count = 0;
  for (guint i = 0; list[i] != NULL; i++) {
    count += g_str_equal (list[i], event) ? 1 : 0;
  }
  return count;
}

void
fake_flag (Fake *fake, gint64 flag)
{
  atomic_store (&fake->flag, flag);
  wake_main ();
}
