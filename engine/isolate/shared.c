/* SPDX-License-Identifier: Apache-2.0 */
/* shared.c: memory shared with the child process of a stage that is isolated (see shared.h). Any thread; the mapping belongs to
 * whoever has made it. */
#include "isolate/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static gsize
size_of (guint inputs, guint counters)
{
  return sizeof (WeirShared) + ((gsize) inputs + counters) * sizeof (guint64);
}

static WeirShared *
map (int fd, gsize size)
{
  gpointer memory = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  /* cppcheck-suppress memleak; it is the caller's */
  return memory != MAP_FAILED ? memory : NULL;
}

WeirShared *
weir_shared_new (guint inputs, guint counters, int *fd)
{
  gsize size = size_of (inputs, counters);
  *fd = memfd_create ("weir-isolate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  WeirShared *shared = NULL;
  /* Sealed, so that nobody can take the memory away below the other. */
  if (*fd >= 0 && ftruncate (*fd, (off_t) size) == 0 &&
      fcntl (*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
    shared = map (*fd, size);
  }
  if (shared == NULL) {
    int error = errno;
    if (*fd >= 0) {
      close (*fd);
    }
    *fd = -1;
    errno = error;
    return NULL;
  }
  shared->inputs = inputs;
  shared->counters = counters;
  return shared;
}

WeirShared *
weir_shared_map (int fd, guint inputs, guint counters)
{
  struct stat status;
  gsize size = size_of (inputs, counters);
  int seals = fcntl (fd, F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat (fd, &status) < 0 || (gsize) status.st_size != size) {
    errno = EINVAL;
    return NULL;
  }
  return map (fd, size);
}

void
weir_shared_renew (WeirShared *shared)
{
  weir_store_relaxed (&shared->wants, 0);
  weir_store_relaxed (&shared->over, 0);
  weir_store_relaxed (&shared->made, 0);
  for (guint i = 0; i < shared->inputs; i++) {
    weir_store_relaxed (weir_shared_released (shared, i), 0);
  }
}

void
weir_shared_free (WeirShared *shared)
{
  if (shared != NULL) {
    munmap (shared, size_of (shared->inputs, shared->counters));
  }
}
