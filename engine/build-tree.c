/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the plugins of the build tree. The installed program is the same file as the built one, so the place is asked for at run
 * time: configure leaves the file weir.build-tree at the top of the build tree, where the program is made. Any thread. */
#include "build-tree.h"

#include <sys/stat.h>

#define MARKER "weir.build-tree"

/* The plugin folder beside `program`, when a marker stands there too; else NULL. Free with g_free(). */
char *
weir_build_tree_plugins_beside (const char *program)
{
  g_autofree char *folder = g_path_get_dirname (program);
  g_autofree char *marker = g_build_filename (folder, MARKER, NULL);
  struct stat program_status, marker_status;
  if (stat (program, &program_status) != 0 || stat (marker, &marker_status) != 0) {
    return NULL;
  }
  /* Code is loaded from here: in a folder that others write to, such as /tmp, their marker does not count. */
  if (!S_ISREG (marker_status.st_mode) || marker_status.st_uid != program_status.st_uid) {
    return NULL;
  }
  return g_build_filename (folder, "plugins", ".libs", NULL);
}

/* The plugin folder of the build tree that this program runs from; NULL: it runs from elsewhere. Free with g_free(). */
char *
weir_build_tree_plugins (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  return program == NULL ? NULL : weir_build_tree_plugins_beside (program);
}
