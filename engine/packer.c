/* SPDX-License-Identifier: Apache-2.0 */
/* packer.c: turns to the next packing buffer (see packer.h).
 * The stage's worker only. */
#include "packer.h"

#include <string.h>

#define SMALL 3968 /* the data of a 4 KiB block */
#define LARGE 65536
#define CREDIT (1 << 20)

void
weir_packer_clear (WeirPacker *packer)
{
  if (packer->buffer != NULL) {
    weir_buffer_unref_many (packer->buffer, packer->credit);
    packer->buffer = NULL;
  }
  packer->used = 0;
  packer->want = 0;
}

void
weir_packer_new_buffer (WeirPacker *packer, gsize size)
{
  gsize want = packer->want;
  weir_packer_clear (packer);
  want = want == 0 ? SMALL : MIN (want * 4, LARGE);
  packer->want = want;
  packer->buffer = weir_buffer_new (packer->pool, MAX (want, size), CREDIT);
  packer->credit = CREDIT;
}

void
weir_packer_copy (WeirPacker *packer, WeirRecord *record)
{
  gsize size = record->size + record->trail;
  guint8 *to = weir_packer_reserve (packer, size);
  memcpy (to, record->data, size);
  weir_packer_commit (packer, size);
  record->data = to;
  record->buffer = packer->buffer;
}
