/* SPDX-License-Identifier: MIT */
/*
 * network_make.h: the parameters of a network that is new.
 *
 * Floor 5. Pure but for node_machine_hps(). From members and a few wishes
 * follow all values of a network file, by integer arithmetic alone: equal
 * wishes make equal files on every machine.
 */
#ifndef NODE_NETWORK_MAKE_H
#define NODE_NETWORK_MAKE_H

#include "base/error.h"
#include "chain/params.h"

/* What is advised, and below what one is warned: spacings in W * delta
 * (consensus.md, Parameters). */
#define NODE_SPACING_ADVISED 10u
#define NODE_SPACING_LEAST 5u

struct node_network_wish {
	const char *name;
	uint64_t genesis_time_ms;
	uint32_t faults;
	uint32_t delta_ms;
	uint32_t spacing_s;
	uint32_t max_block_bytes; /* 0: the default, or what fits */
	uint64_t hps;		  /* hashes per second of all miners, >= 1 */
};

/* The spacing of @times * W * @delta_ms, rounded up to whole seconds; at
 * most 86,400 s. */
uint32_t node_spacing(uint32_t times, uint32_t faults, uint32_t delta_ms);

/* The most that max_block_bytes may be for @members and @faults: as much as
 * 2n(W+4) of them in memory allow (consensus.md, State); may exceed
 * CHAIN_BLOCK_BYTES_MAX. */
uint32_t node_block_bytes_most(uint32_t members, uint32_t faults);

/* Whether so many members may be, and @faults of them faulty. 0 or -EINVAL. */
BASE_MUST_CHECK int node_network_check_faults(uint32_t members, uint32_t faults,
					      struct base_error *err);

/*
 * Fills the rest of @p, whose members are there in any order: they are
 * sorted by name, byte by byte, and a member's place in that order is its
 * index. Difficulty is set so that all miners find a block every spacing.
 * 0; -EINVAL: a value out of range, @err names it.
 */
BASE_MUST_CHECK int node_network_make(struct chain_params *p,
				      const struct node_network_wish *wish,
				      struct base_error *err);

/* Hashes per second that @threads (0: one for each usable CPU) of this
 * machine are expected to search with the kernel @backend, as pow_load_backend
 * has it. Errors as pow_load_backend() and pow_topo_read(). */
BASE_MUST_CHECK int node_machine_hps(uint64_t *out, const char *backend,
				     uint32_t threads, struct base_error *err);

#endif
