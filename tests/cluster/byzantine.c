/* SPDX-License-Identifier: MIT */
/*
 * byzantine.c: a member that breaks the rules, for tests.
 *
 * It is minerd, whose messages go through here (the linker's --wrap). What it
 * does to them is in the file that the variable BYZANTINE names, read again at
 * every tick; without the file it is honest. The file holds words:
 *
 *   quiet       passes nothing on, and says nothing but its beats
 *   mute        its own votes are not sent, and no certificates
 *   deaf        votes and certificates do not reach it
 *   shy         its own proposals are not sent
 *   twins=M     each own proposal is sent to the members in M (in hex, bit i:
 *               member i); all others get another block of the same tick
 *   double      votes for another block, too
 *   echo=M      votes for whatever a member in M votes for, to that member only
 *   flood=N     N more blocks of the tick go with each proposal
 *   lie         its beats name a tip of its own
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "chain/block.h"
#include "node/consensus_internal.h"
#include "pow/target.h"

#define WORDS_MAX 256
#define FLOOD_MAX 256
#define NONCES_MAX 100000 /* blocks are easy in these tests */

void __real_node_net_send(struct node_consensus *c, const struct ds_action *a);
void __wrap_node_net_send(struct node_consensus *c, const struct ds_action *a);
void __real_node_net_have(struct node_consensus *c,
			  const struct base_hash *hash);
void __wrap_node_net_have(struct node_consensus *c,
			  const struct base_hash *hash);
void __real_ds_message(struct ds *ds, uint64_t now, uint32_t peer,
		       enum ds_message_kind kind, const uint8_t *data,
		       size_t len);
void __wrap_ds_message(struct ds *ds, uint64_t now, uint32_t peer,
		       enum ds_message_kind kind, const uint8_t *data,
		       size_t len);

static struct node_consensus *self; /* of this process, once it spoke */
static struct {
	bool quiet, mute, deaf, shy, twins, doubles, lie;
	ds_mask firsts; /* of twins */
	ds_mask echo;
	unsigned long flood;
} how;

static void read_words(void)
{
	const char *path = getenv("BYZANTINE");
	FILE *f = path ? fopen(path, "r") : NULL;
	char word[WORDS_MAX];

	memset(&how, 0, sizeof(how));
	if (!f)
		return;
	while (fscanf(f, "%255s", word) == 1) {
		how.quiet |= strcmp(word, "quiet") == 0;
		how.mute |= strcmp(word, "mute") == 0;
		how.deaf |= strcmp(word, "deaf") == 0;
		how.shy |= strcmp(word, "shy") == 0;
		how.doubles |= strcmp(word, "double") == 0;
		how.lie |= strcmp(word, "lie") == 0;
		if (strncmp(word, "twins=", 6) == 0) {
			how.twins = true;
			how.firsts = strtoull(word + 6, NULL, 16);
		}
		if (strncmp(word, "echo=", 5) == 0)
			how.echo = strtoull(word + 5, NULL, 16);
		if (strncmp(word, "flood=", 6) == 0)
			how.flood = strtoul(word + 6, NULL, 10);
	}
	if (how.flood > FLOOD_MAX)
		how.flood = FLOOD_MAX;
	(void)fclose(f);
}

static void sign(uint8_t out[static DS_SIGNATURE_SIZE],
		 const struct base_hash *hash)
{
	const struct ds_signer s = node_signer_of(self->signer);

	s.sign(s.ctx, out, hash);
}

/* Of @all those who are members in @mask, or the others. */
static struct ds_peers choose(const struct ds_peers *all, ds_mask mask, bool in)
{
	struct ds_peers out = {{0}};

	for (uint32_t i = 0; i < DS_PEERS_MAX; i++) {
		const int m = self->peer[i].member;
		const bool is = m >= 0 && ds_mask_has(mask, (uint32_t)m);

		if (all->word[i / 64] >> i % 64 & 1 && is == in)
			out.word[i / 64] |= UINT64_C(1) << i % 64;
	}
	return out;
}

/* The next nonce with which the block is one. */
static bool next_block(struct base_hash *hash, uint8_t *block)
{
	struct chain_header h;
	struct base_u256 target;

	chain_header_read(&h, block);
	if (pow_target_from_bits(&target, h.bits) < 0)
		return false;
	for (int i = 0; i < NONCES_MAX; i++) {
		h.nonce++;
		chain_header_hash(hash, &h);
		if (pow_target_met(&target, hash)) {
			chain_header_write(block, &h);
			return true;
		}
	}
	return false;
}

/* Others of the same tick, signed as the first. */
static void send_others(const struct ds_action *a, unsigned long count,
			const struct ds_peers *to)
{
	const struct ds_proposal *m = &a->send.proposal;
	uint8_t signature[DS_SIGNATURE_SIZE];
	uint8_t *block = malloc(m->block_len);
	struct ds_action other = *a;
	struct base_hash hash;
	struct base_hash preimage;

	if (!block)
		return;
	memcpy(block, m->block, m->block_len);
	other.send.to = *to;
	other.send.bare = (struct ds_peers){{0}};
	other.send.proposal.block = block;
	other.send.proposal.signatures = signature;
	for (unsigned long i = 0; i < count && next_block(&hash, block); i++) {
		ds_hash_proposal(&preimage, self->options.committee, m->tick,
				 m->sender, &hash);
		sign(signature, &preimage);
		__real_node_net_send(self, &other);
	}
	free(block);
}

static void propose(const struct ds_action *a)
{
	struct ds_action first = *a;
	struct ds_peers rest;

	if (how.shy)
		return;
	if (how.twins) {
		first.send.to = choose(&a->send.to, how.firsts, true);
		rest = choose(&a->send.to, how.firsts, false);
		send_others(a, 1, &rest);
	}
	__real_node_net_send(self, &first);
	send_others(a, how.flood, &a->send.to);
}

static void vote(const struct ds_vote *like, const struct base_hash *hash,
		 const struct ds_peers *to)
{
	uint8_t signature[DS_SIGNATURE_SIZE];
	struct ds_action a = {.kind = DS_ACT_SEND};
	struct base_hash preimage;

	a.send.kind = DS_VOTE;
	a.send.to = *to;
	a.send.again = true; /* the id is of the voter's first */
	a.send.vote = *like;
	a.send.vote.voter = (uint8_t)self->options.self;
	a.send.vote.hash = *hash;
	a.send.vote.signature = signature;
	ds_hash_vote(&preimage, self->options.committee, like->epoch,
		     like->height, hash);
	sign(signature, &preimage);
	__real_node_net_send(self, &a);
}

static void lie(struct ds_action *a, uint8_t signature[static 64])
{
	struct ds_beat *b = &a->send.beat;
	struct base_hash preimage;

	b->claim.tip.b[0] ^= 1;
	ds_hash_beat(&preimage, self->options.committee, &b->claim);
	sign(signature, &preimage);
	b->signature = signature;
}

void __wrap_node_net_send(struct node_consensus *c, const struct ds_action *a)
{
	const struct ds_proposal *p = &a->send.proposal;
	const int me = c->options.self;
	uint8_t signature[DS_SIGNATURE_SIZE];
	struct ds_action changed = *a;
	struct base_hash hash;

	self = c;
	switch (a->send.kind) {
	case DS_BEAT:
		if (a->send.beat.voter != me)
			break;
		read_words();
		if (how.lie)
			lie(&changed, signature);
		__real_node_net_send(c, &changed);
		return;
	case DS_PROPOSAL:
		if (p->sender != me || p->mask != ds_mask_of((uint32_t)me) ||
		    !p->has_body)
			break;
		if (!how.quiet || how.twins)
			propose(a);
		return;
	case DS_VOTE:
		if (a->send.vote.voter != me)
			break;
		if (how.mute)
			return;
		hash = a->send.vote.hash;
		hash.b[0] ^= 1;
		if (how.doubles)
			vote(&a->send.vote, &hash, &a->send.to);
		break;
	case DS_CERT:
		if (how.mute)
			return;
		break;
	case DS_EVID:
		break;
	}
	if (!how.quiet)
		__real_node_net_send(c, a);
}

void __wrap_node_net_have(struct node_consensus *c,
			  const struct base_hash *hash)
{
	if (!how.quiet)
		__real_node_net_have(c, hash);
}

void __wrap_ds_message(struct ds *ds, uint64_t now, uint32_t peer,
		       enum ds_message_kind kind, const uint8_t *data,
		       size_t len)
{
	struct ds_peers to = {{0}};
	struct ds_vote v;

	if (self && kind == DS_VOTE && how.echo &&
	    ds_vote_read(&v, self->options.committee, data, len) == 0 &&
	    ds_mask_has(how.echo, v.voter) &&
	    self->peer[peer].member == v.voter) {
		to.word[peer / 64] = UINT64_C(1) << peer % 64;
		vote(&v, &v.hash, &to);
	}
	if (!how.deaf || (kind != DS_VOTE && kind != DS_CERT))
		__real_ds_message(ds, now, peer, kind, data, len);
}
