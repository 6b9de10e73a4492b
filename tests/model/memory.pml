/* SPDX-License-Identifier: Apache-2.0 */
/* memory.pml: shared words behind store buffers, included by runqueue.pml. Each process has a buffer of two stores
 * that reach the memory later, in order; it sees its own first. A fence waits until its buffer is empty. An
 * exchange is atomic but no fence: it may overtake the stores before it, and the loads behind it may overtake its
 * store (as on machines with load-linked and store-conditional). The includer defines PROCESSES and WORDS. */

#ifndef MUTANT
#define MUTANT 0
#endif

byte memory[WORDS];

byte stores[PROCESSES]; /* in the buffer, 0 to 2 */
byte word0[PROCESSES];
byte value0[PROCESSES];
byte word1[PROCESSES];
byte value1[PROCESSES];
bool owned[PROCESSES]; /* the only store is that of an exchange: nobody else writes its word before it is out */

#define load(me, word) \
  (stores[me] == 2 && word1[me] == (word) -> value1[me] : \
   (stores[me] > 0 && word0[me] == (word) -> value0[me] : memory[word]))

#define holds_back(me, word) ((stores[me] > 0 && word0[me] == (word)) || (stores[me] == 2 && word1[me] == (word)))

#define owns(other, word) (owned[other] && word0[other] == (word))
#if PROCESSES == 2
#define taken_by_other(me, word) owns (1 - (me), word)
#else
#define taken_by_other(me, word) (owns (((me) + 1) % 3, word) || owns (((me) + 2) % 3, word))
#endif

/* Where the question is another: no store buffers, and coarser steps. */
#ifdef STRONG
#define step atomic
inline store(me, word, value)
{
  memory[word] = value
}

inline exchange(me, word, value, old)
{
  atomic {
    old = memory[word];
    memory[word] = value
  }
}
#else
#define step
inline store(me, word, value)
{
  atomic {
    stores[me] < 2 && !owned[me] ->
    if
    :: stores[me] == 0 -> word0[me] = word; value0[me] = value
    :: else -> word1[me] = word; value1[me] = value
    fi;
    stores[me]++
  }
}

inline exchange(me, word, value, old)
{
  atomic {
    !holds_back (me, word) && !taken_by_other (me, word) ->
    old = memory[word];
    if
    :: memory[word] = value
#ifndef EXCHANGE_AT_ONCE
    :: stores[me] == 0 -> word0[me] = word; value0[me] = value; owned[me] = true; stores[me] = 1
#endif
    fi
  }
}

#endif

/* Taking a fence away is the mutant that bears the fence's name. */
#define fence(me, name) (MUTANT == name || stores[me] == 0)

#ifndef STRONG
inline write_out(me)
{
  atomic {
    stores[me] > 0 && !taken_by_other (me, word0[me]) ->
    memory[word0[me]] = value0[me];
    word0[me] = word1[me];
    value0[me] = value1[me];
    word1[me] = 0;
    value1[me] = 0;
    owned[me] = false;
    stores[me]--
  }
}

active proctype store_buffers()
{
end:
  do
  :: write_out (0)
  :: write_out (1)
#if PROCESSES == 3
  :: write_out (2)
#endif
  od
}
#endif
