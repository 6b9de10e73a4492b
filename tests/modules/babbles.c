/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin whose constructor writes to a pipe that is not its own: that by which a listing's child process answers.
 * Opened by tests of the registry; no callback of it is ever called. */
#include <weir/weir.h>

#include <fcntl.h>
#include <unistd.h>

__attribute__ ((constructor)) static void
babble (void)
{
  for (int fd = 3; fd < 64; fd++) {
    int flags = fcntl (fd, F_GETFD);
    /* Only what is closed on exec is this program's, and not its parents'. */
    if (flags >= 0 && (flags & FD_CLOEXEC) != 0 && (fcntl (fd, F_GETFL) & O_ACCMODE) == O_WRONLY) {
      (void) !write (fd, "{\0[\0?", 6);
    }
  }
}

static WeirNext
consume (WeirStage *stage, gpointer self, const WeirRecord *record)
{
  (void) stage;
  (void) self;
  (void) record;
  return WEIR_MORE;
}

static const WeirRole consumer = { .summary = "Talks out of turn", .consume = consume };

WEIR_PLUGIN ("babbles", "1.0", NULL, NULL, &consumer);
