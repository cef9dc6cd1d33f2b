/* SPDX-License-Identifier: MIT */
/*
 * core.pml - one Dolev-Strong instance (T, s) among members who all hear each
 * other: rules R0, R1.2, R1.7 and R2.c of the consensus page.
 *
 * Members 0 .. H-1 are honest, H .. N-1 Byzantine; there are F of them, since
 * a faulty member may always behave well. Byzantine members share all they
 * know and see each signature the moment it is made; at any time they hand any
 * honest member any set of signatures that exist, under any of V values. They
 * cannot sign for the honest.
 *
 * Time: a round delta is two steps, the instant of the tick and the rest, so
 * that < and <= differ. Each member has its own clock; clocks differ by up to
 * SKEW steps. What an honest member sends when its clock shows x arrives while
 * the receiver's shows at most x + DELAY: skew and delay together are delta.
 * Byzantine members can replay anything at once, hence only the last moment
 * of each honest message has to be modelled: it is handed over before the
 * receiver's clock may move on (tick()).
 */
#ifndef N
#define N 4
#endif
#ifndef F
#define F 2
#endif
#ifndef V
#define V 3
#endif
#ifndef SKEW
#define SKEW 2		/* at least 1: one clock must be first */
#endif

#define H (N - F)
#ifdef HONEST_SENDER
#define S 0
#else
#define S (N - 1)
#endif

#ifdef MUTANT_F_ROUNDS
#define W F
#else
#define W (F + 1)
#endif

#ifdef MUTANT_ONE_VALUE
#define CAP 1
#else
#define CAP 2
#endif

#ifdef MUTANT_DELTA
#define DELAY 3
#else
#define DELAY 2
#endif

/* A proposal leaves at the tick: it must take less than delta, not delta. */
#ifdef MUTANT_PROPOSAL
#define PROPOSAL 2
#else
#define PROPOSAL 1
#endif

#define BIT(m, k) (((m) >> (k)) & 1)
#define POP(m) (BIT(m, 0) + BIT(m, 1) + BIT(m, 2) + BIT(m, 3) + BIT(m, 4))
#define ALL ((1 << N) - 1)
#define BYZANTINE (ALL & ~((1 << H) - 1))
#define CAPPED(r) ((r) < W -> (r) : W)

/* R1.2: a message of r signatures counts while the clock shows less. */
#ifdef MUTANT_LATE_EQUAL
#define IN_TIME(x, r) ((x) <= 2 * CAPPED(r))
#elif defined(MUTANT_NO_DEADLINE)
#define IN_TIME(x, r) true
#elif defined(MUTANT_COUNT)
#define IN_TIME(x, r) ((x) < 2 * CAPPED((r) + 1))
#else
#define IN_TIME(x, r) ((x) < 2 * CAPPED(r))
#endif

#ifdef MUTANT_SIGN
#define SIGNS(r) ((r) < F)
#else
#define SIGNS(r) ((r) <= F)
#endif

/* R1.7: values that fill the two places of the instance at member j. */
#ifdef MUTANT_SLOTS
#define TAKEN(j, v) (BIT(extracted[j], v) || known[(j) * V + (v)])
#else
#define TAKEN(j, v) BIT(extracted[j], v)
#endif
#define VALUES(j) (TAKEN(j, 0) + TAKEN(j, 1) + TAKEN(j, 2))
#define FULL(j, v) (VALUES(j) - TAKEN(j, v) >= CAP)

byte clock[H];		/* steps since t(T) */
byte extracted[H];	/* values, as a mask */
byte known[H * V];	/* union of verified signatures, not yet extracted */
byte sent[H * V];	/* union with own signature, as sent by R1.7 */
byte due[H * V];	/* .. and when the slowest receiver gets it */
byte signers[V];	/* honest signatures that exist */
byte newest;		/* values are named in the order they appear */

byte j, v, m, c;	/* what the adversary chooses; 0 between events */
byte a, i, k, r, yes;	/* of one event only; 0 between them */

/* Drops what is left of a value that each honest member has or cannot take. */
inline forget(w)
{
	yes = true;
	for (k : 0 .. H - 1) {
		yes = yes && (BIT(extracted[k], w) || FULL(k, w));
	}
	if
	:: yes ->
		signers[w] = 0;
		for (k : 0 .. H - 1) {
#ifndef MUTANT_SLOTS
			known[k * V + w] = 0;
#endif
			sent[k * V + w] = 0;
			due[k * V + w] = 0;
		}
	:: else
	fi
}

/* R1.2, R1.7: member j gets the signatures m under value w. */
inline receive(w)
{
	if
	:: !BIT(extracted[j], w) && !FULL(j, w) ->
		known[j * V + w] = known[j * V + w] | m;
		r = POP(known[j * V + w]);
		if
		:: IN_TIME(clock[j], r) ->
			extracted[j] = extracted[j] | (1 << w);
			if
			:: SIGNS(r) ->
				sent[j * V + w] = known[j * V + w] | (1 << j);
				due[j * V + w] = clock[j] + DELAY;
				signers[w] = signers[w] | (1 << j);
			:: else
			fi;
			known[j * V + w] = 0;
		:: else
		fi
	:: else
	fi
}

/* Hands member j what must not take longer; then its clock moves on. */
inline tick()
{
	for (a : 0 .. V - 1) {
		for (i : 0 .. H - 1) {
			m = sent[i * V + a];
			if
			:: m != 0 && !BIT(m, j) &&
			   due[i * V + a] == clock[j] ->
				printf("event: %d gets value %d of %d, {%d}\n",
				       j, a, i, m);
				receive(a);
			:: else
			fi
		}
	}
	clock[j]++;
	for (a : 0 .. V - 1) {
		forget(a);
	}
}

/* R2.c: exactly one extracted value is decided; 0 is none. */
#define DECIDES(j) (POP(extracted[j]) == 1 -> extracted[j] : 0)

inline check()
{
	for (k : 1 .. H - 1) {
		assert(DECIDES(k) == DECIDES(0));
	}
#ifdef HONEST_SENDER
	assert(DECIDES(0) == 1);
#endif
}

inline may_tick()
{
	yes = clock[j] < 2 * W;
	for (k : 0 .. H - 1) {
		yes = yes && clock[j] < clock[k] + SKEW;
	}
}

inline clean()
{
	j = 0;
	v = 0;
	m = 0;
	a = 0;
	i = 0;
	k = 0;
	r = 0;
	yes = 0;
}

#define ALL_DONE (clock[0] == 2 * W && clock[H - 1] == 2 * W && \
		  clock[(H - 1) / 2] == 2 * W)

/*
 * Byzantine members choose a set of signatures that exist, the sender's among
 * them; a choice that changes nothing is no event.
 */
inline choose_signatures()
{
	m = 1 << S;
	c = 0;
	do
	:: c < N && c != S && BIT(signers[v] | BYZANTINE, c) ->
		m = m | (1 << c);
		c++
	:: c < N -> c++
	:: else -> break
	od;
	c = 0
}

#define NEW_TO(j) (!BIT(extracted[j], v) && (m & ~known[j * V + v]) != 0 && \
		   (m & ~(signers[v] | BYZANTINE)) == 0)

active proctype adversary()
{
#ifdef HONEST_SENDER
	d_step {
		extracted[S] = 1;
		signers[0] = 1 << S;
		sent[S * V] = 1 << S;
		due[S * V] = PROPOSAL;
		newest = 1;
	}
#endif
	do
	:: atomic {
		ALL_DONE ->
		d_step {
			check();
			clean();
		}
		break
	}
	:: atomic {
		!ALL_DONE ->
		select(j : 0 .. H - 1);
		d_step {
			may_tick();
			if
			:: yes ->
				printf("event: clock of %d to %d\n", j,
				       clock[j] + 1);
				tick();
			:: else
			fi;
			clean();
		}
	}
	:: atomic {
		!ALL_DONE ->
		select(j : 0 .. H - 1);
		if
		:: clock[j] < 2 * W && VALUES(j) < CAP ->
			select(v : 0 .. newest);
			choose_signatures()
		:: else
		fi;
		d_step {
			if
			:: m != 0 && NEW_TO(j) ->
				printf("event: %d is given value %d, {%d}\n",
				       j, v, m);
				if
				:: newest == v && v < V - 1 -> newest++;
				:: else
				fi;
				receive(v);
				forget(v);
			:: else
			fi;
			clean();
		}
	}
	od
}
