/* SPDX-License-Identifier: MIT */
/*
 * light.h: what a node knows that keeps headers and certificates alone.
 *
 * Floor 3, pure (R4, R6, R7: light). It knows the genesis header and the
 * committee; the rest it is told by peers of whom any may lie. A header that
 * passes the rules is on the way to somewhere; it is final when a certificate
 * names it or a later one, for a certificate vouches for all ancestors. A
 * quorum signs whatever its vote epoch is, so certificates of any are good: two
 * at one height contradict each other, and all stops.
 *
 * Use: ds_light_cert() with every certificate that comes; the highest is the
 * target. ds_light_headers() with the headers from tip.height + 1 on, never
 * beyond the target. The answers say what happened and whose fault it was; the
 * caller keeps on disk what it needs to begin here again.
 */
#ifndef DS_LIGHT_H
#define DS_LIGHT_H

#include "chain/run.h"
#include "consensus/message.h"

/* Ends of runs on the way that a certificate may make final. */
#define DS_LIGHT_MARKS 64

/* A certificate that outlives its message. */
struct ds_kept_cert {
	bool set;
	struct ds_cert cert; /* its signatures are below */
	uint8_t signature[DS_MEMBERS_MAX * DS_SIGNATURE_SIZE];
};

struct ds_light {
	const struct ds_committee *c;
	const struct chain_params *p;
	struct chain_context final; /* certified, or genesis */
	struct chain_context tip;   /* rules passed; final or above it */
	struct ds_kept_cert cert;   /* of final */
	struct ds_kept_cert target; /* the highest above final */
	struct ds_kept_cert other;  /* after a HALT: against cert or target */
	bool halted;
	uint32_t mark_count;
	struct chain_context mark[DS_LIGHT_MARKS]; /* a ring */
	/* Headers that lead to the target, but not from final. */
	bool is_away;
	struct base_hash away;
	struct base_height away_height;
};

/* Every signature is its member's, and there is a quorum. Takes some 40 us
 * for each. */
bool ds_cert_valid(const struct ds_committee *c, const struct ds_cert *cert);

/* Begins at @final, with its certificate (NULL: at genesis), and with @tip,
 * whose headers from @final on are kept. @c makes certificates. */
void ds_light_init(struct ds_light *out, const struct ds_committee *c,
		   const struct chain_params *p,
		   const struct chain_context *final,
		   const struct chain_context *tip, const struct ds_cert *cert);

enum ds_light_news {
	DS_LIGHT_KNOWN,	   /* nothing new */
	DS_LIGHT_FORGED,   /* a signature is wrong: the sender's fault */
	DS_LIGHT_TARGET,   /* the target is new */
	DS_LIGHT_FINAL,	   /* final has moved */
	DS_LIGHT_ASTRAY,   /* headers above final are not the chain: tip is
			    * final again; the fault of who sent them */
	DS_LIGHT_CONFLICT, /* R4: halted */
};

/* @held is the hash of the header kept at its height, where that is not above
 * tip; else NULL. */
enum ds_light_news ds_light_cert(struct ds_light *l, const struct ds_cert *in,
				 const struct base_hash *held);

/*
 * @count (1..CHAIN_RUN_MAX) headers on tip, not beyond the target. @verdict
 * is the first broken rule's; *@good were appended before it, which is 0 where
 * ASTRAY. CHAIN_BAD_PREV of the first may be the fault of who sent those
 * before; all other verdicts but CHAIN_OK are this sender's. @hash has room
 * for @count.
 */
enum ds_light_news ds_light_headers(struct ds_light *l,
				    enum chain_verdict *verdict, size_t *good,
				    struct base_hash *hash,
				    const uint8_t *headers, size_t count);

/* What is not certified is forgotten: tip is final. */
void ds_light_back(struct ds_light *l);

/*
 * R4: the target's sender insists that its headers above final do not descend
 * from it: @count of them, from where the last call ended, or first from
 * final.height + 1 on. KNOWN: go on; FORGED: they do not lead to the target;
 * CONFLICT: they do, and a quorum signed both chains.
 */
enum ds_light_news ds_light_away(struct ds_light *l, struct base_hash *hash,
				 const uint8_t *headers, size_t count);

#endif
