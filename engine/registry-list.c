/* SPDX-License-Identifier: Apache-2.0 */
/* Listings: each plugin is opened in a child process of its own (registry-child.c); one that is broken is named with what it did,
 * and the others are listed all the same. Main thread, while it is the only one. */
#include "registry.h"

#include <errno.h>
#include <string.h>

static json_object *
place_object (const WeirPluginFile *file)
{
  json_object *object = json_object_new_object ();
  json_object_object_add (object, "name", json_object_new_string (file->name));
  json_object_object_add (object, "file", json_object_new_string (file->file));
  return object;
}

static json_object *
list_folders (WeirRegistry *registry)
{
  json_object *list = json_object_new_array ();
  const char *const *folders = weir_registry_folders (registry);
  for (gsize i = 0; folders[i] != NULL; i++) {
    json_object *object = json_object_new_object ();
    json_object_array_add (list, object);
    json_object_object_add (object, "folder", json_object_new_string (folders[i]));
    g_autoptr (GDir) dir = g_dir_open (folders[i], 0, NULL);
    if (dir == NULL) {
      json_object_object_add (object, "problem", json_object_new_string (g_strerror (errno)));
    }
  }
  return list;
}

json_object *
weir_registry_list (WeirRegistry *registry)
{
  json_object *listing = json_object_new_object (), *plugins = json_object_new_array ();
  json_object *hidden = json_object_new_array (), *broken = json_object_new_array ();
  json_object_object_add (listing, "plugins", plugins);
  json_object_object_add (listing, "hidden", hidden);
  json_object_object_add (listing, "broken", broken);
  json_object_object_add (listing, "folders", list_folders (registry));

  g_autoptr (GPtrArray) files = weir_registry_files (registry);
  for (guint i = 0; i < files->len; i++) {
    const WeirPluginFile *file = files->pdata[i];
    json_object *object = NULL;
    if (file->hidden_by != NULL) {
      object = place_object (file);
      json_object_object_add (object, "hidden_by", json_object_new_string (file->hidden_by));
      json_object_array_add (hidden, object);
      continue;
    }
    g_autofree char *message = NULL;
    object = weir_registry_ask_child (file, weir_registry_patience (registry), &message);
    if (object != NULL) {
      json_object_object_add (object, "file", json_object_new_string (file->file));
      json_object_array_add (plugins, object);
    } else {
      object = place_object (file);
      json_object_object_add (object, "error", json_object_new_string (message));
      json_object_array_add (broken, object);
    }
  }
  return listing;
}

json_object *
weir_registry_describe (WeirRegistry *registry, const char *name, GError **error)
{
  g_autoptr (GPtrArray) files = weir_registry_files (registry);
  json_object *description = NULL, *hidden = json_object_new_array ();
  for (guint i = 0; i < files->len; i++) {
    const WeirPluginFile *file = files->pdata[i];
    g_autofree char *message = NULL;
    if (strcmp (file->name, name) != 0) {
      continue;
    }
    if (file->hidden_by != NULL) {
      json_object_array_add (hidden, json_object_new_string (file->file));
      continue;
    }
    description = weir_registry_ask_child (file, weir_registry_patience (registry), &message);
    if (description == NULL) {
      g_set_error (error, WEIR_REGISTRY_ERROR, WEIR_REGISTRY_ERROR_BROKEN, "plugin \"%s\" (%s): %s", name, file->file,
                   message);
      json_object_put (hidden);
      return NULL;
    }
    json_object_object_add (description, "file", json_object_new_string (file->file));
  }
  if (description == NULL) {
    g_propagate_error (error, weir_registry_unknown (registry, name));
    json_object_put (hidden);
    return NULL;
  }
  json_object_object_add (description, "hides", hidden);
  return description;
}
