/* SPDX-License-Identifier: Apache-2.0 */
/* tsan.c: tells ThreadSanitizer what GLib orders; empty in every other build.
 * GLib is not built for it, and its locks are futexes of its own, so that what they order would look like races. The few
 * functions by which threads of Weir meet through GLib are put in front of GLib's here, and say so. Runs on any thread. */
#ifdef WEIR_TSAN

#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

#define REAL(name) ((__typeof__ (&name)) (gsize) dlsym (RTLD_NEXT, #name))

void
g_mutex_lock (GMutex *mutex)
{
  REAL (g_mutex_lock) (mutex);
  __tsan_acquire (mutex);
}

gboolean
g_mutex_trylock (GMutex *mutex)
{
  gboolean locked = REAL (g_mutex_trylock) (mutex);
  if (locked) {
    __tsan_acquire (mutex);
  }
  return locked;
}

void
g_mutex_unlock (GMutex *mutex)
{
  __tsan_release (mutex);
  REAL (g_mutex_unlock) (mutex);
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  __tsan_release (mutex);
  REAL (g_cond_wait) (cond, mutex);
  __tsan_acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  __tsan_release (mutex);
  gboolean signalled = REAL (g_cond_wait_until) (cond, mutex, end_time);
  __tsan_acquire (mutex);
  return signalled;
}

/* What is handed to a context's thread. */
typedef struct {
  GSourceFunc function;
  gpointer data;
  GDestroyNotify notify;
} Handed;

static gboolean
take (gpointer data)
{
  Handed *handed = data;
  __tsan_acquire (handed);
  return handed->function (handed->data);
}

static void
done (gpointer data)
{
  Handed *handed = data;
  if (handed->notify != NULL) {
    handed->notify (handed->data);
  }
  g_free (handed);
}

void
g_main_context_invoke_full (GMainContext *context, gint priority, GSourceFunc function, gpointer data,
                            GDestroyNotify notify)
{
  Handed *handed = g_new (Handed, 1);
  *handed = (Handed){ function, data, notify };
  __tsan_release (handed);
  REAL (g_main_context_invoke_full) (context, priority, take, handed, done);
}

#else

/* ISO C wants a declaration in every file. */
typedef int WeirNotTsan;

#endif
