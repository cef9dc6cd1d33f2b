/* SPDX-License-Identifier: MIT */
/*
 * preimage.h: what members sign.
 *
 * Floor 3, pure. BIP340 tagged hashes, tag "minerd/1/KIND", over the genesis
 * hash and the vote epoch, so that no signature means anything on another
 * chain, in another epoch or as another kind; then the fields, integers
 * little-endian, hashes in header byte order (consensus.md, Signed
 * preimages).
 */
#ifndef DS_PREIMAGE_H
#define DS_PREIMAGE_H

#include "consensus/committee.h"

/* Proposal and endorsement of a block by @sender at @tick. */
void ds_hash_proposal(struct base_hash *out, const struct ds_committee *c,
		      struct base_tick tick, uint8_t sender,
		      const struct base_hash *block);

/* Vote for a block at a height, in @epoch. */
void ds_hash_vote(struct base_hash *out, const struct ds_committee *c,
		  uint32_t epoch, struct base_height height,
		  const struct base_hash *block);

/* What a beat says under its signature. */
struct ds_beat_claim {
	struct base_tick tick;
	struct base_height tip_height; /* D */
	struct base_hash tip;
	struct base_height final_height; /* F */
	uint8_t flags;			 /* enum ds_mode */
};

void ds_hash_beat(struct base_hash *out, const struct ds_committee *c,
		  const struct ds_beat_claim *claim);

#endif
