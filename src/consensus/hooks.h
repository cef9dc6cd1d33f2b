/* SPDX-License-Identifier: MIT */
/*
 * hooks.h: marks in the code for the simulator: which rule fired, and where
 * a mutant differs.
 *
 * Floor 3, pure. In minerd both are nothing at all. The simulator builds the
 * same files with DS_HOOKS, counts the rules, and runs one mutant at a time
 * to show that its checkers would notice.
 */
#ifndef DS_HOOKS_H
#define DS_HOOKS_H

#include "base/types.h"

/* The rules of consensus.md that the code cites. */
#define DS_RULES(X)                     \
	X(R0, "R0")                     \
	X(R1_1, "R1.1")                 \
	X(R1_2, "R1.2")                 \
	X(R1_3, "R1.3")                 \
	X(R1_4, "R1.4")                 \
	X(R1_5, "R1.5")                 \
	X(R1_6, "R1.6")                 \
	X(R1_7, "R1.7")                 \
	X(R1L, "R1L")                   \
	X(R2_a, "R2.a")                 \
	X(R2_b, "R2.b")                 \
	X(R2_c, "R2.c")                 \
	X(R2_d, "R2.d")                 \
	X(R2_e, "R2.e")                 \
	X(R2_f, "R2.f")                 \
	X(R2_g, "R2.g")                 \
	X(R2_h, "R2.h")                 \
	X(R2_i, "R2.i")                 \
	X(R2_j, "R2.j")                 \
	X(R3_VOTE, "R3.vote")           \
	X(R3_CERT, "R3.cert")           \
	X(R3_RESEND, "R3.resend")       \
	X(R3_HELP, "R3.help")           \
	X(R3_SPLIT, "R3.split")         \
	X(R3_EVIDENCE, "R3.evidence")   \
	X(R4_NEXT, "R4.next")           \
	X(R4_OVERRULED, "R4.overruled") \
	X(R4_HIGHER, "R4.higher")       \
	X(R4_HALT, "R4.halt")           \
	X(R5_DIVERGED, "R5.diverged")   \
	X(R5_SKEW, "R5.skew")           \
	X(R5_FORK, "R5.fork")           \
	X(R6, "R6")                     \
	X(R7_SHADOW, "R7.shadow")       \
	X(R7_ACTIVE, "R7.active")       \
	X(R7_TAINT, "R7.taint")

/* What each mutant does:
 *   f-rounds    decides after f rounds
 *   late        one more round is in time
 *   off-by-one  r signatures do for r + 1
 *   one-value   extracts one value only
 *   dedupe      relays a value once
 *   vote-first  sends a vote before it is durable
 *   vote-bare   keeps a vote without its block
 *   quorum      makes certificates of f + 1
 *   context     judges on the present tip
 *   tick-free   signatures bind no tick
 *   no-cert     relays bodies without certificates
 *   no-resend   sends no votes on peer_up
 *   replay      lets what is old taint
 *   two-votes   forgets that it voted
 */
#define DS_MUTANTS(X)               \
	X(NONE, "none")             \
	X(F_ROUNDS, "f-rounds")     \
	X(LATE, "late")             \
	X(OFF_BY_ONE, "off-by-one") \
	X(ONE_VALUE, "one-value")   \
	X(DEDUPE, "dedupe")         \
	X(VOTE_FIRST, "vote-first") \
	X(VOTE_BARE, "vote-bare")   \
	X(QUORUM, "quorum")         \
	X(CONTEXT, "context")       \
	X(TICK_FREE, "tick-free")   \
	X(NO_CERT, "no-cert")       \
	X(NO_RESEND, "no-resend")   \
	X(REPLAY, "replay")         \
	X(TWO_VOTES, "two-votes")

#define DS_HOOK_RULE(name, text) DS_RULE_##name,
#define DS_HOOK_MUTANT(name, text) DS_MUTANT_##name,
enum ds_rule { DS_RULES(DS_HOOK_RULE) DS_RULES_COUNT };
enum ds_mutant_id { DS_MUTANTS(DS_HOOK_MUTANT) DS_MUTANTS_COUNT };

#ifdef DS_HOOKS
extern uint64_t ds_rule_hits[DS_RULES_COUNT];
extern int ds_mutant;
const char *ds_rule_name(unsigned rule);
const char *ds_mutant_name(unsigned mutant);
#define DS_RULE(name) ((void)ds_rule_hits[DS_RULE_##name]++)
#define DS_MUTANT(name) (ds_mutant == DS_MUTANT_##name)
#else
#define DS_RULE(name) ((void)0)
#define DS_MUTANT(name) false
#endif

#endif
