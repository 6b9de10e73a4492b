/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for tests alone that goes wrong in the ways that a plugin may: a consumer that crashes, overflows its stack, hangs,
 * waits for ever or fails, when it is opened, started, called or closed. Runs on the stage's worker, owns nothing. */
#include <weir/weir.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  int how, in;
} Wrong;

enum { SEGV, ABORT, STACK, HANG, WAIT, FAIL, LOG };
enum { OPEN, START, CALL, CLOSE };

static const WeirOption options[] = {
  WEIR_CHOICE (Wrong, how, NULL, "segv|abort|stack|hang|wait|fail|log", WEIR_REQUIRED, "What goes wrong"),
  WEIR_CHOICE (Wrong, in, "call", "open|start|call|close", 0, "Where"),
  WEIR_OPTIONS_END,
};

/* Deep enough for any stack; what it fills keeps the compiler from making a loop of it. */
static int
dive (volatile int *above)
{
  volatile int room[1024];
  room[0] = *above + 1;
  return room[0] > 0 ? dive (room) + room[0] : 0;
}

static WeirNext
go_wrong (WeirStage *stage, const Wrong *wrong)
{
  volatile int zero = 0;
  switch (wrong->how) {
  case SEGV:
    raise (SIGSEGV);
    break;
  case ABORT:
    abort ();
  case STACK:
    return dive (&zero) == 0 ? WEIR_DONE : WEIR_MORE;
  case HANG: /* and says so to who waits for it */
    (void) !write (STDOUT_FILENO, "hanging\n", strlen ("hanging\n"));
    for (;;) {
      pause ();
    }
  case WAIT:
    return WEIR_WAIT;
  case FAIL:
    return weir_stage_fail (stage, "cannot go on");
  case LOG:
    weir_stage_log (stage, G_LOG_LEVEL_DEBUG, "a debug message");
    weir_stage_log (stage, G_LOG_LEVEL_INFO, "an info\nmessage");
    weir_stage_log (stage, G_LOG_LEVEL_WARNING, "a warning");
    break;
  default:
    break;
  }
  return WEIR_MORE;
}

static WeirNext
wrong_open (WeirStage *stage, gpointer self)
{
  const Wrong *wrong = self;
  return wrong->in == OPEN ? go_wrong (stage, wrong) : WEIR_MORE;
}

static WeirNext
wrong_start (WeirStage *stage, gpointer self)
{
  const Wrong *wrong = self;
  return wrong->in == START ? go_wrong (stage, wrong) : WEIR_MORE;
}

static WeirNext
wrong_consume (WeirStage *stage, gpointer self, G_GNUC_UNUSED const WeirRecord *record)
{
  const Wrong *wrong = self;
  return wrong->in == CALL ? go_wrong (stage, wrong) : WEIR_MORE;
}

static void
wrong_close (WeirStage *stage, gpointer self)
{
  const Wrong *wrong = self;
  if (wrong->in == CLOSE) {
    go_wrong (stage, wrong);
  }
}

static const WeirRole consumer = {
  .summary = "Goes wrong",
  .options = options,
  .state_size = sizeof (Wrong),
  .open = wrong_open,
  .start = wrong_start,
  .consume = wrong_consume,
  .close = wrong_close,
};

WEIR_PLUGIN ("wrong", "1.0", NULL, NULL, &consumer);
