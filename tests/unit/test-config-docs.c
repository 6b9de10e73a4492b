/* SPDX-License-Identifier: Apache-2.0 */
/* docs/configuration.md is true: each pipeline in it loads, or is told exactly what the page says. */
#include "config-files.h"

/* The text between the next two fences of this kind at or behind *at, which moves behind it; NULL: none. */
static char *
next_block (const char **at, const char *kind)
{
  g_autofree char *fence = g_strdup_printf ("\n```%s\n", kind);
  const char *start = strstr (*at, fence);

  if (start == NULL) {
    return NULL;
  }
  start += strlen (fence);
  const char *end = strstr (start, "\n```\n");
  ck_assert_ptr_nonnull (end);
  *at = end + 4;
  return g_strndup (start, (gsize) (end + 1 - start));
}

START_TEST (the_pages_pipelines_are_what_it_says)
{
  const char *source = g_getenv ("WEIR_SOURCE"), *build = g_getenv ("WEIR_BUILD");
  ck_assert_msg (source != NULL && build != NULL, "WEIR_SOURCE and WEIR_BUILD are not set");
  g_autofree char *plugins = g_build_filename (build, "plugins", ".libs", NULL);
  g_autofree char *path = g_build_filename (source, "docs", "configuration.md", NULL);
  g_autofree char *page = NULL;
  guint examples = 0;

  weir_registry_free (files_registry);
  files_registry = weir_registry_new ();
  weir_registry_add_folder (files_registry, plugins, WEIR_FOLDER_ARGUMENT);
  ck_assert (g_file_get_contents (path, &page, NULL, NULL));
  const char *at = page;
  for (char *text; (text = next_block (&at, "json")) != NULL; g_free (text), examples++) {
    const char *after = at, *next = strstr (at, "\n```json\n");
    g_autofree char *expected = next_block (&after, "text");
    g_autofree char *said = NULL;
    gboolean told = expected != NULL && (next == NULL || after < next);
    ck_assert (g_file_set_contents ("p.json", text, -1, NULL));
    WeirConfig *config = load_file ("p.json", NULL, &said);
    weir_config_free (config);
    ck_assert_str_eq (said, told ? expected : "");
  }
  ck_assert_uint_ge (examples, 4);
}
END_TEST

int
main (void)
{
  TCase *cases = tcase_create ("config-docs");

  tcase_add_test (cases, the_pages_pipelines_are_what_it_says);
  return run_suite ("config-docs", cases);
}
