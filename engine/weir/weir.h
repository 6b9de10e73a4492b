/* SPDX-License-Identifier: Apache-2.0 */
/* weir.h: all that a plugin of Weir may see; include this one and nothing else of the engine's.
 * C11 and C++17, no GNU extension. In each "Thread:" line, "worker" means: only inside a callback of that stage (or a
 * GSource attached to it), which all run on the stage's own worker; "any" means: from every thread, while a reference to
 * the stage is held. */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <weir/emit.h>
#include <weir/option.h>
#include <weir/origin.h>
#include <weir/plugin.h>
#include <weir/record.h>
#include <weir/stage.h>
#include <weir/writer.h>

#endif
