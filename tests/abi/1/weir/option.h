/* SPDX-License-Identifier: Apache-2.0 */
/* option.h: the one table from which a role's options are parsed, checked, shown by `weir inspect` and filled in.
 * Constant data of the plugin; the engine writes the fields before open() and owns every string, list and map in them
 * until close() has returned: read them, never free or replace them. */
#ifndef WEIR_OPTION_H
#define WEIR_OPTION_H

#include <weir/types.h>

G_BEGIN_DECLS

typedef enum {
  WEIR_OPTION_END_,
  WEIR_OPTION_STRING_,
  WEIR_OPTION_STRINGS_,
  WEIR_OPTION_BOOLEAN_,
  WEIR_OPTION_INTEGER_,
  WEIR_OPTION_NUMBER_,
  WEIR_OPTION_SIZE_,
  WEIR_OPTION_DURATION_,
  WEIR_OPTION_CHOICE_,
  WEIR_OPTION_MAP_
} WeirOptionKind;

/* Flags of an option. */
enum {
  WEIR_REQUIRED = 1,  /* has no default; its absence is a mistake told at load */
  WEIR_SECRET = 2,    /* never shown */
  WEIR_LIVE = 4,      /* changed() takes a new value without a restart */
  WEIR_PATH = 8,      /* names a file or folder; relative to the working directory */
  WEIR_TEMPLATE = 16, /* weir_template_write() fills it from a record */
  WEIR_READS = 32,    /* with WEIR_PATH: names files, also by globs, whose bytes the stage reads as its input */
  WEIR_WRITES = 64 /* with WEIR_PATH: names a file that it writes; nobody else in the pipeline may read or write that */
};

/* One pair of a MAP option; the list ends with key NULL. */
typedef struct {
  const char *key, *value;
} WeirPair;

typedef struct {
  const char *name;    /* as in JSON */
  const char *initial; /* the default, as written in JSON; NULL: zero */
  const char *range;   /* "1..65535", "1..", or the choices "a|b|c"; NULL: any */
  const char *help;    /* one sentence without a full stop */
  gsize offset;        /* of the field in the role's state */
  guint16 kind, flags;
} WeirOption;

/* The offset of a field, and a compile error where the field has another type. */
#define WEIR_FIELD_(State, field, Type) (offsetof (State, field) + 0 * sizeof (1 ? &((State *) 0)->field : (Type *) 0))
/* clang-format off */
#define WEIR_OPTION_(State, field, Type, kind, initial, range, flags, help) \
  { #field, initial, range, help, WEIR_FIELD_ (State, field, Type), kind, flags }

/* const char * */
#define WEIR_STRING(State, field, initial, flags, help) \
  WEIR_OPTION_ (State, field, const char *, WEIR_OPTION_STRING_, initial, NULL, flags, help)
/* const char *const *, ended by NULL; takes one string or a list in JSON. */
#define WEIR_STRINGS(State, field, initial, flags, help) \
  WEIR_OPTION_ (State, field, const char *const *, WEIR_OPTION_STRINGS_, initial, NULL, flags, help)
/* const WeirPair *, ended by key NULL; an object of strings in JSON. */
#define WEIR_MAP(State, field, flags, help) \
  WEIR_OPTION_ (State, field, const WeirPair *, WEIR_OPTION_MAP_, NULL, NULL, flags, help)
/* gboolean */
#define WEIR_BOOLEAN(State, field, initial, flags, help) \
  WEIR_OPTION_ (State, field, gboolean, WEIR_OPTION_BOOLEAN_, initial, NULL, flags, help)
/* gint64 */
#define WEIR_INTEGER(State, field, initial, range, flags, help) \
  WEIR_OPTION_ (State, field, gint64, WEIR_OPTION_INTEGER_, initial, range, flags, help)
/* double */
#define WEIR_NUMBER(State, field, initial, range, flags, help) \
  WEIR_OPTION_ (State, field, double, WEIR_OPTION_NUMBER_, initial, range, flags, help)
/* guint64, bytes */
#define WEIR_SIZE(State, field, initial, range, flags, help) \
  WEIR_OPTION_ (State, field, guint64, WEIR_OPTION_SIZE_, initial, range, flags, help)
/* gint64, microseconds */
#define WEIR_DURATION(State, field, initial, range, flags, help) \
  WEIR_OPTION_ (State, field, gint64, WEIR_OPTION_DURATION_, initial, range, flags, help)
/* int, the index of the word in "none|batch" */
#define WEIR_CHOICE(State, field, initial, choices, flags, help) \
  WEIR_OPTION_ (State, field, int, WEIR_OPTION_CHOICE_, initial, choices, flags, help)
#define WEIR_OPTIONS_END { NULL, NULL, NULL, NULL, 0, WEIR_OPTION_END_, 0 }
/* clang-format on */

G_END_DECLS

#endif
