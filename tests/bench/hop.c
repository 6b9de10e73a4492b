/* SPDX-License-Identifier: Apache-2.0 */
/* hop.c: the yardsticks for one hop between two threads, in plain C.
 * hop mutex MILLIONS: a bounded ring under a mutex with two condition variables; every record is a malloc of 16 bytes, freed by
 * the taker. hop batched MILLIONS: a lock-free ring of bare pointers for one producer and one taker, published and handed back 64 at
 * a time, each side waiting by yielding: no sleep, no payload, no callback; the bound of what a ring can do here. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1024, BATCH = 64, SPINS = 256, RECORD = 16 };

typedef struct {
  uint64_t number, filler;
} Record;

_Static_assert(sizeof (Record) == RECORD, "a record of 16 bytes");

static uint64_t count, sum;
static void *ring[SLOTS];

/* ---- a mutex ------------------------------------------------------------------------------------------------------------------ */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, freed = PTHREAD_COND_INITIALIZER;
static unsigned used;

static void *
mutex_producer (void *unused)
{
  (void) unused;
  for (uint64_t n = 0; n < count; n++) {
    Record *record = malloc (sizeof *record);
    if (record == NULL) {
      abort ();
    }
    record->number = n;
    pthread_mutex_lock (&mutex);
    while (used == SLOTS) {
      pthread_cond_wait (&freed, &mutex);
    }
    ring[n % SLOTS] = record;
    if (used++ == 0) {
      pthread_cond_signal (&filled);
    }
    pthread_mutex_unlock (&mutex);
  }
  return NULL;
}

static void
mutex_taker (void)
{
  for (uint64_t n = 0; n < count; n++) {
    pthread_mutex_lock (&mutex);
    while (used == 0) {
      pthread_cond_wait (&filled, &mutex);
    }
    Record *record = ring[n % SLOTS];
    if (used-- == SLOTS) {
      pthread_cond_signal (&freed);
    }
    pthread_mutex_unlock (&mutex);
    sum += record->number;
    free (record);
  }
}

/* ---- a lock-free ring, batched ------------------------------------------------------------------------------------------------ */
static _Alignas(128) _Atomic uint64_t head;
static _Alignas(128) _Atomic uint64_t tail;

/* Waits until the other side's cursor is beyond LAST. */
static uint64_t
await (_Atomic uint64_t *cursor, uint64_t last)
{
  for (unsigned spins = 0;; spins++) {
    uint64_t now = atomic_load_explicit (cursor, memory_order_acquire);
    if (now > last) {
      return now;
    }
    if (spins >= SPINS) {
      sched_yield ();
    }
  }
}

static void *
batched_producer (void *unused)
{
  (void) unused;
  uint64_t limit = SLOTS;
  for (uint64_t n = 0; n < count;) {
    if (n == limit) {
      limit = await (&tail, n - SLOTS) + SLOTS;
    }
    uint64_t end = n + BATCH < limit ? n + BATCH : limit;
    for (end = end < count ? end : count; n < end; n++) {
      ring[n % SLOTS] = (void *) (uintptr_t) n;
    }
    atomic_store_explicit (&head, n, memory_order_release);
  }
  return NULL;
}

static void
batched_taker (void)
{
  uint64_t limit = 0;
  for (uint64_t n = 0; n < count;) {
    if (n == limit) {
      limit = await (&head, n);
    }
    uint64_t end = n + BATCH < limit ? n + BATCH : limit;
    for (; n < end; n++) {
      sum += (uintptr_t) ring[n % SLOTS];
    }
    atomic_store_explicit (&tail, n, memory_order_release);
  }
}

int
main (int argc, char **argv)
{
  if (argc != 3 || (strcmp (argv[1], "mutex") != 0 && strcmp (argv[1], "batched") != 0) || atoi (argv[2]) <= 0) {
    fprintf (stderr, "usage: hop mutex|batched MILLIONS\n");
    return 2;
  }
  int batched = strcmp (argv[1], "batched") == 0;
  count = (uint64_t) atoi (argv[2]) * 1000000;
  pthread_t producer;
  if (pthread_create (&producer, NULL, batched ? batched_producer : mutex_producer, NULL) != 0) {
    return 1;
  }
  if (batched) {
    batched_taker ();
  } else {
    mutex_taker ();
  }
  pthread_join (producer, NULL);
  if (sum != count * (count - 1) / 2) {
    fprintf (stderr, "hop: records were lost\n");
    return 1;
  }
  return 0;
}
