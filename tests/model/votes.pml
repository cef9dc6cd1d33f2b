/* SPDX-License-Identifier: MIT */
/*
 * votes.pml - votes and certificates at one height and epoch: rules R2.e, R3
 * and R4 of the consensus page, under no synchrony at all.
 *
 * Members 0 .. N-B-1 are honest, the rest vote for everything. The core may
 * have told each honest member another block, or none, so an honest member
 * that has not voted may vote for either of two blocks at any time; that
 * covers every condition under which R2.e and R3 let it. It crashes at any
 * time and keeps only what is on its disk. A vote once sent can be shown to
 * anyone, at once or never, so only the sets of votes sent are kept.
 */
#ifndef N
#define N 4
#endif
#ifndef F
#define F 1
#endif
#ifndef B
#define B F		/* Byzantine members */
#endif

#define H (N - B)
#define HONEST ((1 << H) - 1)
#define BYZANTINE (((1 << N) - 1) & ~HONEST)

#ifdef MUTANT_QUORUM
#define Q (F + 1)
#else
#define Q (N - F)
#endif

#define BIT(m, k) (((m) >> (k)) & 1)
#define POP(m) (BIT(m, 0) + BIT(m, 1) + BIT(m, 2) + BIT(m, 3) + BIT(m, 4) + \
		BIT(m, 5) + BIT(m, 6))

#define NONE 2
byte disk[H] = NONE;	/* the vote that a crash leaves */
byte memory[H] = NONE;	/* the vote that the member knows of */
byte cast[2];		/* honest votes sent for each block */
byte i;			/* chosen; 0 between events */

#define CERTIFIED(v) (POP(cast[v] | BYZANTINE) >= Q)

inline check()
{
#ifndef CERTIFICATES_ONLY
	assert((cast[0] & cast[1]) == 0);
#endif
#ifdef BLAME
	/* Both certified: this many are proved to have voted twice. */
	assert(!CERTIFIED(0) || !CERTIFIED(1) ||
	       POP((cast[0] & cast[1]) | BYZANTINE) >= N - 2 * F);
#else
	assert(!CERTIFIED(0) || !CERTIFIED(1));
#endif
}

#ifdef MUTANT_PERSIST
#define MAY_SEND true
#else
#define MAY_SEND (disk[i] == memory[i])
#endif

active proctype schedule()
{
	byte v;

	do
	:: atomic {
		select(i : 0 .. H - 1);
		if
		:: memory[i] == NONE ->
			select(v : 0 .. 1);
			memory[i] = v;
			printf("event: %d makes a vote for %d\n", i, v)
		:: memory[i] != NONE && disk[i] != memory[i] ->
			disk[i] = memory[i];
			printf("event: %d has its vote on disk\n", i)
		:: memory[i] != NONE && MAY_SEND &&
		   !BIT(cast[memory[i]], i) ->
			printf("event: %d sends its vote for %d\n", i,
			       memory[i]);
			cast[memory[i]] = cast[memory[i]] | (1 << i);
			check()
		:: memory[i] != NONE ->
			printf("event: %d crashes\n", i);
#ifdef MUTANT_AMNESIA
			memory[i] = NONE
#else
			memory[i] = disk[i]
#endif
		fi;
		i = 0;
		v = 0
	}
	od
}
