/* SPDX-License-Identifier: MIT */
#include "chain/changes.h"

#include <errno.h>

#include "base/assert.h"

#define CAP_MAX (1u << 30)
#define SLOTS_MIN 16

/* At most half of the slots are taken. */
static size_t slots_for(size_t cap)
{
	size_t n = SLOTS_MIN;

	while (n < 2 * cap)
		n *= 2;
	return n;
}

size_t chain_changes_size(size_t cap)
{
	return cap * sizeof(struct chain_change) +
	       slots_for(cap) * sizeof(uint32_t);
}

void chain_changes_init(struct chain_changes *out, void *memory, size_t cap,
			const uint8_t salt[static CHAIN_SALT_SIZE])
{
	uint8_t *bytes = memory;

	BASE_ASSERT(cap >= 1 && cap <= CAP_MAX);
	*out = (struct chain_changes){
		.change = memory,
		.cap = cap,
		.slot = (void *)(bytes + cap * sizeof(struct chain_change)),
		.slot_cap = slots_for(cap),
		.salt.k = {base_load_le64(salt), base_load_le64(salt + 8)},
	};
	chain_changes_clear(out, cap);
}

void chain_changes_clear(struct chain_changes *c, size_t need)
{
	size_t slots = slots_for(need);

	BASE_ASSERT(need <= c->cap && slots <= c->slot_cap);
	memset(c->slot, 0, slots * sizeof(*c->slot));
	c->mask = slots - 1;
	c->count = 0;
	c->tx = 0;
}

void chain_changes_next_tx(struct chain_changes *c)
{
	c->tx++;
}

static uint64_t hash_of(const struct chain_changes *c,
			const struct chain_outpoint *at)
{
	uint8_t bytes[CHAIN_OUTPOINT_SIZE];

	chain_outpoint_write(bytes, at);
	return chain_siphash(&c->salt, bytes, sizeof(bytes));
}

/* The slot that has @at, or the empty one where it belongs; half of them are
 * empty, so the walk ends. */
static uint32_t *find(struct chain_changes *c, const struct chain_outpoint *at)
{
	size_t i = (size_t)hash_of(c, at) & c->mask;

	while (c->slot[i] != 0 &&
	       !chain_outpoint_equal(&c->change[c->slot[i] - 1].at, at))
		i = (i + 1) & c->mask;
	return &c->slot[i];
}

static struct chain_change *append(struct chain_changes *c, uint32_t *slot,
				   const struct chain_outpoint *at,
				   const struct chain_coin *coin)
{
	struct chain_change *change = &c->change[c->count];

	BASE_ASSERT(*slot == 0);
	BASE_ASSERT(c->count < c->cap && 2 * c->count <= c->mask);
	*change = (struct chain_change){.at = *at, .coin = *coin};
	c->count++;
	*slot = (uint32_t)c->count;
	return change;
}

int chain_changes_spend(struct chain_coin *out, struct chain_changes *c,
			const struct chain_coins *under,
			const struct chain_outpoint *at)
{
	uint32_t *slot = find(c, at);
	struct chain_change *change;

	if (*slot == 0) {
		struct chain_coin coin;
		int rc = under->get(under->ctx, &coin, at);

		if (rc < 0)
			return rc;
		change = append(c, slot, at, &coin);
	} else {
		change = &c->change[*slot - 1];
		if (change->spent)
			return change->spender == c->tx ? -EEXIST : -ENOENT;
	}
	change->spent = true;
	change->spender = c->tx;
	*out = change->coin;
	return 0;
}

void chain_changes_create(struct chain_changes *c,
			  const struct chain_outpoint *at,
			  const struct chain_coin *coin)
{
	append(c, find(c, at), at, coin)->created = true;
}
