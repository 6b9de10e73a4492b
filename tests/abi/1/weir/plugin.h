/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.h: a role's callbacks and the one symbol that a plugin exports, both constant data.
 * All callbacks of a stage run on its worker, never two at once, no lock held; the one exception is interrupt(). */
#ifndef WEIR_PLUGIN_H
#define WEIR_PLUGIN_H

#include <weir/option.h>
#include <weir/record.h>

G_BEGIN_DECLS

/* Flags of a role. */
enum {
  WEIR_BLOCKING =
    1, /* callbacks may block: the stage always has a worker of its own, and interrupt() breaks the block */
  WEIR_STATELESS = 2, /* what it does to a record depends on that record alone */
  WEIR_IN_ORDER = 4,  /* delivered() comes in the order in which the origins began */
  WEIR_DUPLEX = 8,    /* a transform whose two halves are independent: a socket, a child process */
  WEIR_BYTES = 16, /* what it makes is chunks of streams, not messages (but what a producer emits outside of its streams
                         is one); what it hands on stays as it is */
  WEIR_CONNECTIONS =
    32 /* a producer that accepts connections, so that "per_connection" is allowed: see weir_stage_accept() */
};

typedef struct {
  const char *summary;         /* one line, no full stop */
  const WeirOption *options;   /* ended by WEIR_OPTIONS_END; NULL: none */
  const char *const *counters; /* names, ended by NULL; NULL: none */
  const char *const *ports;    /* names of the outputs, ended by NULL; NULL: one output */
  gsize state_size;            /* bytes; zeroed, filled from the options, freed after close() */
  gsize stream_size; /* bytes of state per input stream, zeroed at first use; 0: none. It may outlive `self`: where the
                                  stage is restarted, it is passed on */
  guint flags;

  /* In the order of a stage's life. NULL: not needed. */
  WeirNext (*open) (WeirStage *stage, gpointer self); /* acquire; nothing may be emitted. FAIL: close() still comes */
  WeirNext (*take_over) (WeirStage *stage, gpointer self,
                         gpointer previous); /* kept for reload; NULL in this version */
  WeirNext (*start) (WeirStage *stage,
                     gpointer self); /* every stage is open: push producers begin. WAIT: not ready yet */
  WeirNext (*produce) (WeirStage *stage,
                       gpointer self);              /* pull producers, and transforms after WEIR_PRODUCE (R5, R7) */
  void (*pause) (WeirStage *stage, gpointer self);  /* stop emitting; strictly alternates with resume(), first (R2) */
  void (*resume) (WeirStage *stage, gpointer self); /* there is room again (R3) */
  WeirNext (*consume) (WeirStage *stage, gpointer self, const WeirRecord *record);
  WeirNext (*flush) (WeirStage *stage, gpointer self, const WeirRecord *records,
                     gsize count); /* the run just consumed, of
      one link, in order; it is done when flush answers MORE. WAIT: the same run again. Without consume(): the whole consumer */
  WeirNext (*settle) (WeirStage *stage,
                      gpointer self); /* start to finish all that is kept: the input is full of it, or a
      stop waits for it (R15) */
  WeirNext (*end_stream) (WeirStage *stage, gpointer self, gpointer stream_state); /* emit the rest of that stream */
  WeirNext (*end) (WeirStage *stage,
                   gpointer self); /* inputs ended, all taken and flushed; kept records may still be out */
  void (*delivered) (
    WeirStage *stage, gpointer self, gpointer token,
    WeirOutcome outcome); /* producers: what weir_origin_begin() began is over; it counts as a wake-up. Also
      while paused, and behind stop() or the stage's own end, but before close() */
  WeirNext (*changed) (WeirStage *stage, gpointer self); /* kept for reload; NULL in this version */
  void (*stop) (WeirStage *stage, gpointer self); /* emit no more; at most once, never after the stage's own end (R9) */
  void (*close) (WeirStage *stage, gpointer self); /* release; exactly once after open(), also after a failed one */
  void (*interrupt) (WeirStage *stage,
                     gpointer self); /* WEIR_BLOCKING only: break the block; from another thread, more than
      once if need be, but only between the end of open() and the beginning of close() */
  /* Do the options agree with each other, and can they be used? Called on the main thread when a configuration is loaded, also
   * by `weir check`, with a state that is filled in and thrown away; acquires and keeps nothing. NULL: yes. Else one line that
   * says what was found and expected, freed by the engine with g_free(), and *option names the option at fault (left NULL: the
   * stage as a whole). */
  char *(*check) (gconstpointer self, const char **option);
  const char *const
    *tags; /* names of the tags that it puts on records, ended by NULL, for `weir inspect`; NULL: none whose
                              names are known beforehand */
} WeirRole;

typedef struct {
  guint32 abi, size, role_size, option_size;       /* WEIR_ABI and the sizes of the structs at build time */
  const char *name;                                /* equals the file's name without .so */
  const char *version;                             /* the plugin's own */
  const char *built_for;                           /* the version of Weir whose headers it was built with */
  const WeirRole *producer, *transform, *consumer; /* NULL: not in this role */
  const WeirRole
    *reply; /* a consumer: the other half of a connection that the producer has accepted ("plugin": "reply") */
} WeirPlugin;

#ifdef __cplusplus
#define WEIR_EXTERN_ extern "C" WEIR_EXPORT
#else
#define WEIR_EXTERN_ extern WEIR_EXPORT
#endif

/* The one exported symbol: WEIR_PLUGIN ("null", "1.0", NULL, NULL, &consumer); */
#define WEIR_PLUGIN(name, version, producer, transform, consumer) \
  WEIR_PLUGIN_WITH_REPLY (name, version, producer, transform, consumer, NULL)

/* Likewise, of a plugin whose producer has the flag WEIR_CONNECTIONS. */
#define WEIR_PLUGIN_WITH_REPLY(name, version, producer, transform, consumer, reply) \
  WEIR_EXTERN_ const WeirPlugin weir_plugin; \
  const WeirPlugin weir_plugin = { WEIR_ABI, \
                                   sizeof (WeirPlugin), \
                                   sizeof (WeirRole), \
                                   sizeof (WeirOption), \
                                   name, \
                                   version, \
                                   "0.1", \
                                   producer, \
                                   transform, \
                                   consumer, \
                                   reply }

G_END_DECLS

#endif
