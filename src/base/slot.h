/* SPDX-License-Identifier: MIT */
/*
 * slot.h: a record that one thread overwrites and others copy, lock-free.
 *
 * Floor 0, pure. A slot holds the words of one *generation*; a copy succeeds
 * only when the whole record is of the generation that was asked for. Put
 * several slots in a ring, publish the newest generation beside them, and a
 * reader starts over only when the writer has lapped it (pow/pool_board.h,
 * node/status.h). One writer, any readers; ThreadSanitizer-clean, hence no
 * fences.
 */
#ifndef BASE_SLOT_H
#define BASE_SLOT_H

#include <stdatomic.h>

#include "base/types.h"

/* Fills @word[0..count) from @from as generation @next; before it, the slot
 * holds another one. */
void base_slot_write(_Atomic uint32_t *generation, _Atomic uint64_t *word,
		     const uint64_t *from, size_t count, uint32_t next);

/* Copies the words of generation @wanted. False, and @out is torn, when the
 * slot is of another one or was overwritten meanwhile. */
BASE_MUST_CHECK bool base_slot_read(uint64_t *out,
				    const _Atomic uint32_t *generation,
				    const _Atomic uint64_t *word, size_t count,
				    uint32_t wanted);

#endif
