/* SPDX-License-Identifier: Apache-2.0 */
/* Finds what a file is to a pipeline (see overwrite.h): one of those that describe it, or one that an option of a stage names,
 * by a glob too. Main thread, before anything runs; looks at the file system as it is then. */
#include "cli/overwrite.h"

#include <glob.h>
#include <string.h>
#include <sys/stat.h>

gboolean
weir_overwrite_is_same (const char *one, const char *other)
{
  struct stat one_status, other_status;
  gboolean one_is = stat (one, &one_status) == 0, other_is = stat (other, &other_status) == 0;
  if (one_is && other_is) {
    return S_ISREG (one_status.st_mode) && one_status.st_dev == other_status.st_dev &&
           one_status.st_ino == other_status.st_ino;
  }
  g_autofree char *one_path = g_canonicalize_filename (one, NULL), *other_path = g_canonicalize_filename (other, NULL);
  return !one_is && !other_is && strcmp (one_path, other_path) == 0;
}

static gboolean
matches (const char *pattern, const char *file)
{
  glob_t found;
  gboolean same = FALSE;
  if (weir_overwrite_is_same (pattern, file)) {
    return TRUE;
  }
  if (strpbrk (pattern, "*?[") == NULL || glob (pattern, GLOB_NOSORT | GLOB_NOESCAPE, NULL, &found) != 0) {
    return FALSE;
  }
  for (gsize i = 0; i < found.gl_pathc && !same; i++) {
    same = weir_overwrite_is_same (found.gl_pathv[i], file);
  }
  globfree (&found);
  return same;
}

/* One path, or a list of them. */
static gboolean
value_matches (json_object *value, const char *file)
{
  if (json_object_is_type (value, json_type_string)) {
    return matches (json_object_get_string (value), file);
  }
  for (gsize i = 0; json_object_is_type (value, json_type_array) && i < json_object_array_length (value); i++) {
    if (value_matches (json_object_array_get_idx (value, i), file)) {
      return TRUE;
    }
  }
  return FALSE;
}

/* The option of the stage that names the file, or NULL. */
static const WeirOption *
find_option (const WeirConfigStage *stage, const char *file)
{
  for (const WeirOption *option = stage->role->options; option != NULL && option->name != NULL; option++) {
    json_object *value;
    if ((option->flags & WEIR_PATH) != 0 && json_object_object_get_ex (stage->options, option->name, &value) &&
        value_matches (value, file)) {
      return option;
    }
  }
  return NULL;
}

char *
weir_overwrite_find (const WeirConfig *config, const char *file)
{
  for (guint i = 0; i < config->files->len; i++) {
    const char *own = g_ptr_array_index (config->files, i);
    if (weir_overwrite_is_same (own, file)) {
      return g_strdup_printf ("%s, which describes the pipeline", own);
    }
  }
  for (guint i = 0; i < config->stages->len; i++) {
    const WeirConfigStage *stage = g_ptr_array_index (config->stages, i);
    const WeirOption *option = find_option (stage, file);
    if (option != NULL) {
      return g_strdup_printf ("the %s of stage \"%s\"", option->name, stage->name);
    }
  }
  return NULL;
}
