/* SPDX-License-Identifier: Apache-2.0 */
/* The shared object of one plugin, from its file to its table. dlopen() maps what the program headers say and dies of a bus error
 * where the file ends before; so they are read here first. Main thread, or the child process of a listing; an object that was
 * opened stays for good, as no one could say that nothing of it is in use. */
#include "plugin-object.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gmodule.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whom code is taken from: root, who runs this, and whoever owns this very program, who could change that as well. */
static gboolean
is_trusted (uid_t owner)
{
  struct stat program;
  return owner == 0 || owner == geteuid () || (stat ("/proc/self/exe", &program) == 0 && owner == program.st_uid);
}

static char *
wrong_place (const char *what, const struct stat *status)
{
  if ((status->st_mode & S_IWOTH) != 0) {
    return g_strdup_printf ("found %s writable by everyone (mode %04o), expected only its owner or group to be", what,
                            status->st_mode & 07777);
  }
  if (!is_trusted (status->st_uid)) {
    return g_strdup_printf (
      "found %s owned by user %u, expected root, user %u who runs this, or the owner of weir itself", what,
      status->st_uid, geteuid ());
  }
  return NULL;
}

/* Anybody who may write there may run code as whoever starts weir. Where it is a link, that is the link's folder and the file's. */
static char *
open_to_others (const char *file, const struct stat *status)
{
  char *wrong = wrong_place ("the file", status);
  char *real = realpath (file, NULL);
  const char *const paths[] = { file, real };
  for (gsize i = 0; wrong == NULL && i < G_N_ELEMENTS (paths) && paths[i] != NULL; i++) {
    g_autofree char *folder = g_path_get_dirname (paths[i]);
    struct stat folder_status;
    if (stat (folder, &folder_status) == 0) {
      wrong = wrong_place (i == 0 ? "its folder" : "the folder that it is linked to", &folder_status);
    }
  }
  free (real);
  return wrong;
}

static gboolean
read_header (int fd, ElfW (Ehdr) * header)
{
  memset (header, 0, sizeof *header);
  return pread (fd, header, sizeof *header, 0) == (gssize) sizeof *header;
}

/* The header of this very program: what an object must be made for. */
static gboolean
read_own_header (ElfW (Ehdr) * header)
{
  int fd = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  gboolean read = fd >= 0 && read_header (fd, header);
  if (fd >= 0) {
    close (fd);
  }
  return read;
}

static char *
cut_off (guint64 size, guint64 wanted)
{
  return g_strdup_printf ("found an object cut off at %" G_GUINT64_FORMAT " bytes, expected %" G_GUINT64_FORMAT, size,
                          wanted);
}

static char *
wrong_object (int fd, guint64 size)
{
  ElfW (Ehdr) header, own;
  if (size == 0) {
    return g_strdup ("found an empty file, expected a shared object");
  }
  gboolean whole = read_header (fd, &header);
  if (memcmp (header.e_ident, ELFMAG, SELFMAG) != 0) {
    return g_strdup ("found a file that is no ELF object, expected a shared object");
  }
  if (!whole) {
    return cut_off (size, sizeof header);
  }
  if (read_own_header (&own) && (header.e_ident[EI_CLASS] != own.e_ident[EI_CLASS] ||
                                 header.e_ident[EI_DATA] != own.e_ident[EI_DATA] || header.e_machine != own.e_machine))
    return g_strdup_printf ("found an object for another machine (ELF machine %u, class %u), expected %u, class %u",
                            header.e_machine, header.e_ident[EI_CLASS], own.e_machine, own.e_ident[EI_CLASS]);
  if (header.e_type != ET_DYN || header.e_phentsize != sizeof (ElfW (Phdr))) {
    return g_strdup_printf ("found an ELF file of type %u, expected a shared object", header.e_type);
  }

  guint64 wanted = (guint64) header.e_phnum * sizeof (ElfW (Phdr));
  if (!g_uint64_checked_add (&wanted, wanted, header.e_phoff) || wanted > size) {
    return cut_off (size, wanted);
  }
  for (guint i = 0; i < header.e_phnum; i++) {
    ElfW (Phdr) segment;
    if (pread (fd, &segment, sizeof segment, (off_t) (header.e_phoff + i * sizeof segment)) !=
        (gssize) sizeof segment) {
      return cut_off (size, wanted);
    }
    guint64 end = segment.p_offset;
    if (segment.p_type == PT_LOAD && (!g_uint64_checked_add (&end, end, segment.p_filesz) || end > size)) {
      return cut_off (size, end);
    }
  }
  return NULL;
}

static char *
wrong_file (const char *file)
{
  struct stat status;
  int fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 || fstat (fd, &status) != 0) {
    char *wrong = g_strdup_printf ("cannot be read: %s", g_strerror (errno));
    if (fd >= 0) {
      close (fd);
    }
    return wrong;
  }
  char *wrong = NULL;
  if (S_ISDIR (status.st_mode)) {
    wrong = g_strdup ("found a directory, expected a shared object");
  } else if (!S_ISREG (status.st_mode)) {
    wrong = g_strdup ("found a special file, expected a shared object");
  }
  if (wrong == NULL) {
    wrong = open_to_others (file, &status);
  }
  if (wrong == NULL) {
    wrong = wrong_object (fd, (guint64) status.st_size);
  }
  close (fd);
  return wrong;
}

gboolean
weir_plugin_object_check (const char *file, char **message)
{
  *message = wrong_file (file);
  return *message == NULL;
}

const WeirPlugin *
weir_plugin_object_open (const char *name, const char *file, GPtrArray *owned, char **message)
{
  if (!weir_plugin_object_check (file, message)) {
    return NULL;
  }
  /* All symbols at once: a function that this weir lacks is told here, and not in the middle of a stream. */
  g_autoptr (GError) error = NULL;
  GModule *module = g_module_open_full (file, G_MODULE_BIND_LOCAL, &error);
  if (module == NULL) {
    g_autofree char *own_prefix = g_strconcat (file, ": ", NULL);
    const char *reason = error->message;
    if (g_str_has_prefix (reason, own_prefix)) {
      reason += strlen (own_prefix);
    }
    *message = g_strdup_printf ("cannot be opened: %s", reason);
    return NULL;
  }
  g_module_make_resident (module);
  gpointer table;
  if (!g_module_symbol (module, "weir_plugin", &table) || table == NULL) {
    *message = g_strdup ("found no symbol \"weir_plugin\", expected the table that WEIR_PLUGIN() makes");
    return NULL;
  }
  return weir_plugin_table_check (name, table, owned, message);
}
