/* SPDX-License-Identifier: Apache-2.0 */
/* ready-links.pml: the ready list of a taker's links, included by the models of fan-in and of kept records.
 * weir_link_make_ready(), weir_ready_links_take() and weir_link_take_idle() of link-take.c. The includer defines
 * link_ready(link), link_head (a bit a link), TAKER and the mutant NO_FENCE_AFTER_LISTED. */

bool link_listed_once = true;

inline weir_link_make_ready(me, link)
{
  if
  :: load (me, link_ready (link)) != 0
  :: else ->
    exchange (me, link_ready (link), 1, old);
    if
    :: old != 0
    :: else ->
      exchange (me, link_head, memory[link_head] | (1 << (link)), old);
      link_listed_once = ((old & (1 << (link))) == 0);
      assert (link_listed_once);
      fence (me, NO_FENCE_AFTER_LISTED);
      weir_task_make_ready (me, TAKER)
    fi
  fi;
  old = 0
}
