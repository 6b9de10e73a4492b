/* SPDX-License-Identifier: Apache-2.0 */
/* No plugin, but a library that is preloaded: a system that has WEIR_TEST_THREADS threads left for this process, and then no more.
 * Called on whatever thread makes another. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef int (*Create) (pthread_t *thread, const pthread_attr_t *attributes, void *(*start) (void *), void *argument);

__attribute__ ((visibility ("default"))) int
pthread_create (pthread_t *thread, const pthread_attr_t *attributes, void *(*start) (void *), void *argument)
{
  static _Atomic int made;
  const char *left = getenv ("WEIR_TEST_THREADS");
  if (left != NULL && atomic_fetch_add (&made, 1) >= atoi (left)) {
    return EAGAIN;
  }
  return ((Create) dlsym (RTLD_NEXT, "pthread_create")) (thread, attributes, start, argument);
}
