/* SPDX-License-Identifier: Apache-2.0 */
/* The files that `weir new-plugin` writes, compiled into the program by glib-compile-resources from engine/cli/templates/.
 * Constant data; main thread. */
#ifndef WEIR_CLI_TEMPLATES_H
#define WEIR_CLI_TEMPLATES_H

/* From then on g_resources_lookup_data() finds "/weir/templates/FILE". */
void weir_templates_register_resource (void);

#endif
