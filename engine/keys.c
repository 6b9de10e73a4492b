/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the keys that the engine reads, and how one is found (see keys.h). Constant data; any thread. */
#include "keys.h"

#include <string.h>

/* clang-format off */
/* A key whose value no option can say. */
#define KEY(name, form, help) { { name, NULL, NULL, help, 0, WEIR_OPTION_END_, 0 }, form }
#define KEYS_END { WEIR_OPTIONS_END, WEIR_KEY_OPTION }
/* clang-format on */

const WeirKey weir_file_keys[] = {
  KEY ("$schema", WEIR_KEY_SCHEMA, "Where an editor finds the schema of this file; not read"),
  KEY ("name", WEIR_KEY_NAME, "The pipeline's name; without it the file's"),
  KEY ("include", WEIR_KEY_INCLUDE, "Files that belong to the pipeline too, relative to this one"),
  KEY ("engine", WEIR_KEY_ENGINE, "Settings of the engine"),
  KEY ("producers", WEIR_KEY_PRODUCERS, "Stages that make records, by name"),
  KEY ("transforms", WEIR_KEY_TRANSFORMS, "Stages that turn records into records, by name"),
  KEY ("consumers", WEIR_KEY_CONSUMERS, "Stages that take records out, by name"),
  KEYS_END,
};

const WeirOption weir_engine_keys[] = {
  WEIR_STRINGS (WeirEngineValues, plugins, NULL, WEIR_PATH, "Folders of plugins"),
  WEIR_DURATION (WeirEngineValues, shutdown, "10s", "0..", 0, "How long a stop may drain"),
  WEIR_SIZE (WeirEngineValues, record_max, "16MiB", "1..4GiB", 0, "Largest payload of one record"),
  WEIR_INTEGER (WeirEngineValues, workers, NULL, "1..1024", 0, "Threads that connections are spread over"),
  WEIR_OPTIONS_END,
};

/* The plugin comes first: what is wrong with it is told before what depends on it. */
const WeirKey weir_stage_keys[] = {
  { WEIR_STRING (WeirStageValues, plugin, NULL, WEIR_REQUIRED, "Plugin that the stage is an instance of"),
    WEIR_KEY_PLUGIN },
  KEY ("from", WEIR_KEY_FROM,
       "Whose records it takes: STAGE, STAGE.PORT or STAGE.rejected, a list of them, or an "
       "object with the settings of each link"),
  KEY ("queue", WEIR_KEY_QUEUE, "Settings of the links that feed it"),
  { WEIR_STRING (WeirStageValues, thread, NULL, 0, "Worker that it shares with the other stages of that name"),
    WEIR_KEY_THREAD },
  { WEIR_BOOLEAN (WeirStageValues, per_connection, NULL, 0, "What lies downstream exists once for each connection"),
    WEIR_KEY_PER_CONNECTION },
  { WEIR_BOOLEAN (WeirStageValues, shared, NULL, 0, "All connections share it"), WEIR_KEY_SHARED },
  { WEIR_BOOLEAN (WeirStageValues, isolate, NULL, 0, "It runs in a child process"), WEIR_KEY_OPTION },
  { WEIR_STRING (WeirStageValues, to, NULL, 0, "Stage that accepted the connection which a reply goes to"),
    WEIR_KEY_TO },
  { WEIR_CHOICE (WeirStageValues, on_error, "stop", "stop|restart", 0, "What happens when it fails"), WEIR_KEY_OPTION },
  { WEIR_CHOICE (WeirStageValues, log, NULL, "debug|info|warning|error", 0,
                 "Least important messages of it that are logged"),
    WEIR_KEY_OPTION },
  KEY ("copies", WEIR_KEY_LATER, NULL),
  KEY ("order", WEIR_KEY_LATER, NULL),
  KEYS_END,
};

const WeirOption weir_queue_keys[] = {
  WEIR_INTEGER (WeirQueueValues, records, "4096", "0..1000000000", 0,
                "Records from which the link is full; 0: any number"),
  WEIR_SIZE (WeirQueueValues, bytes, "1MiB", "0..1048576GiB", 0, "Payload from which it is full; 0: any"),
  WEIR_DURATION (WeirQueueValues, age, "0", NULL, 0, "Age of the oldest record from which it is full; 0: any"),
  WEIR_NUMBER (WeirQueueValues, low, "0.5", "0..1", 0, "Share of each limit at which it takes more again"),
  WEIR_NUMBER (WeirQueueValues, hard, "2", "1..1000000", 0,
               "Multiple of each limit that is never passed by more than one record"),
  WEIR_CHOICE (WeirQueueValues, when_full, "pause", "pause|drop_newest|drop_oldest", 0, "What happens when it is full"),
  WEIR_OPTIONS_END,
};

const WeirKey *
weir_key_find (const WeirKey *keys, const char *name)
{
  while (keys->option.name != NULL && strcmp (keys->option.name, name) != 0) {
    keys++;
  }
  return keys->option.name == NULL ? NULL : keys;
}

const char **
weir_key_names (const WeirKey *keys)
{
  GPtrArray *names = g_ptr_array_new ();

  for (; keys->option.name != NULL; keys++) {
    if (keys->form != WEIR_KEY_LATER) {
      g_ptr_array_add (names, (gpointer) keys->option.name);
    }
  }
  g_ptr_array_add (names, NULL);
  return (const char **) g_ptr_array_free (names, FALSE);
}
