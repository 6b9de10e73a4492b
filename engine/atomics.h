/* SPDX-License-Identifier: Apache-2.0 */
/* atomics.h: the C11 atomics of the engine in one place, with their short names.
 * Runs on every thread, owns nothing. ThreadSanitizer does not see atomic_thread_fence(), so under --enable-tsan a fence is a
 * seq_cst read-modify-write on the word it guards. */
#pragma once

#include <glib.h>
#include <stdatomic.h>

#define weir_load_relaxed(p) atomic_load_explicit (p, memory_order_relaxed)
#define weir_load_acquire(p) atomic_load_explicit (p, memory_order_acquire)
#define weir_store_relaxed(p, v) atomic_store_explicit (p, v, memory_order_relaxed)
#define weir_store_release(p, v) atomic_store_explicit (p, v, memory_order_release)
#define weir_exchange(p, v) atomic_exchange_explicit (p, v, memory_order_acq_rel)

/* A full fence between a store to one word and a load of another (Dekker); `word` is the one that was just stored. */
#ifdef WEIR_TSAN
#define weir_fence(word) ((void) atomic_fetch_add_explicit (word, 0, memory_order_seq_cst))
#else
#define weir_fence(word) atomic_thread_fence (memory_order_seq_cst)
#endif

/* A counter that one thread writes and others may read. */
static inline void
weir_add_relaxed (_Atomic guint64 *counter, guint64 n)
{
  weir_store_relaxed (counter, weir_load_relaxed (counter) + n);
}

static inline void
weir_cpu_relax (void)
{
#if defined __x86_64__ || defined __i386__
  __builtin_ia32_pause ();
#elif defined __aarch64__
  __asm__ volatile("yield");
#endif
}
