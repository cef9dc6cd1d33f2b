/* SPDX-License-Identifier: MIT */
/*
 * relay.pml - one Dolev-Strong instance over a graph that is not complete:
 * rules R1.2, R1.6, R1.7 and R2.c of the consensus page.
 *
 * Honest nodes 0 .. H-1 stand in a line; those in MEMBERS are members, the
 * others only relay. F Byzantine members H .. H+F-1 are linked to all of them
 * and to each other (core.pml says what they can do). A graph in which fewer
 * links exist only takes choices from them.
 *
 * Time: a hop takes at most one step, so delta is H - 1 steps, end to end.
 * What a hop may take is forced only for messages with an honest signature
 * and at the last moment; anything earlier the Byzantine members can do
 * themselves. The nodes at the ends forward nothing for others.
 */
#ifndef H
#define H 3
#endif
#ifndef MEMBERS
#define MEMBERS 5
#endif
#ifndef F
#define F 2
#endif
#ifndef V
#define V 3
#endif

#define W (F + 1)
#define DELTA (H - 1)
#define BITS (H + F)
#define S (BITS - 1)
#define HONEST ((1 << H) - 1)
#define BYZANTINE (((1 << BITS) - 1) & ~HONEST)
#define LINKS (2 * (H - 1)) /* 2k: from k to k+1; 2k+1: from k+1 to k */
#define TARGET(l) (((l) / 2) + 1 - ((l) % 2))

#define BIT(m, k) (((m) >> (k)) & 1)
#define POP(m) (BIT(m, 0) + BIT(m, 1) + BIT(m, 2) + BIT(m, 3) + BIT(m, 4) + \
		BIT(m, 5))
#define CAPPED(r) ((r) < W -> (r) : W)
#define IN_TIME(r) (now_ < DELTA * CAPPED(r))
#define IS_END(i) ((i) == 0 || (i) == H - 1)
#define AT(i, v) ((i) * V + (v))

byte now_;		/* steps since t(T) */
byte extracted[H];	/* values, as a mask */
byte met[H * V];	/* signatures sent on; at the ends, none */
#ifdef KEEP_LATE
byte known[H * V];	/* verified signatures, late ones too */
#endif
#ifdef AS_IS
byte reach[H * V];	/* most signatures sent in one message */
#define REACH(i, v) reach[AT(i, v)]
#else
#define REACH(i, v) POP(met[AT(i, v)])
#endif
byte fresh[LINKS * V];	/* sent in this step */
byte aged[LINKS * V];	/* sent in the last step: arrive now at the latest */
byte signers[V];	/* honest signatures that exist */
byte settled;		/* values that honest members signed rounds ago */
byte newest;		/* values are named in the order they appear */

byte j, v, m, c;	/* what the adversary chooses; 0 between events */
byte a, k, l, r, u, x, yes, go;	/* of one event only; 0 between them */

/* Values but w on which node i has counted signer k. */
#define COUNTED(i, w, k) (((w) != 0 && BIT(met[AT(i, 0)], k)) + \
			  ((w) != 1 && BIT(met[AT(i, 1)], k)) + \
			  ((w) != 2 && BIT(met[AT(i, 2)], k)))
#define SEEN(i, w) (((w) != 0 && met[AT(i, 0)]) + \
		    ((w) != 1 && met[AT(i, 1)]) + ((w) != 2 && met[AT(i, 2)]))
#define VALUES(i) POP(extracted[i])

/*
 * R1.6: sets go if node i relays value w; u is what it would send, of r
 * signatures, m the message that came. It must hold more signatures than any
 * sent before for this value, up to W, and a signer counted on fewer than two
 * others. The page's first rule, which is wrong, is MUTANT_NEW_SIGNER.
 */
inline judge(i, w)
{
#if defined(MUTANT_DEDUPE)
	yes = met[AT(i, w)] == 0;
#elif defined(MUTANT_CAP)
	yes = CAPPED(r) > REACH(i, w) && SEEN(i, w) < 2;
#elif defined(MUTANT_NEW_SIGNER)
	yes = true;
#else
	yes = CAPPED(r) > REACH(i, w);
#endif
	for (k : 0 .. BITS - 1) {
		if
#ifdef MUTANT_NEW_SIGNER
		:: BIT(m & ~met[AT(i, w)], k) && COUNTED(i, w, k) < 2 ->
			go = yes;
#else
		:: BIT(u, k) && COUNTED(i, w, k) < 2 -> go = yes;
#endif
		:: else
		fi
	}
	k = 0;
}

/* What node i sends to t. */
#ifdef MUTANT_MEMBERS_ONLY
#define FOR(i, t) (BIT(MEMBERS, t) -> u : u & ~(1 << (i)))
#else
#define FOR(i, t) u
#endif

/* Forgeries that the Byzantine could send by themselves need no forcing. */
#ifdef AS_IS
#define FORCED true
#else
#define FORCED ((u & HONEST) != 0)
#endif

/* The union u to the neighbours of node i whose own bit is not in it. */
inline send(i, w)
{
	if
	:: i < H - 1 && !BIT(u, i + 1) ->
		fresh[AT(2 * (i), w)] = FOR(i, i + 1);
	:: else
	fi;
	if
	:: i > 0 && !BIT(u, i - 1) ->
		fresh[AT(2 * (i) - 1, w)] = FOR(i, i - 1);
	:: else
	fi
}

/* R1.2, R1.6, R1.7: node i gets the signatures m under value w. */
inline receive(i, w)
{
	u = m | met[AT(i, w)];
#ifdef KEEP_LATE
	u = u | known[AT(i, w)];
	known[AT(i, w)] = u;
#endif
#ifdef AS_IS
	u = m;
#endif
	r = POP(u);
	go = 0;
	if
	:: IN_TIME(r) ->
		judge(i, w);
		if
		:: BIT(MEMBERS, i) && !BIT(extracted[i], w) && VALUES(i) < 2 ->
			extracted[i] = extracted[i] | (1 << w);
			if
			:: r <= F ->
				u = u | (1 << i);
				signers[w] = signers[w] | (1 << i);
				go = 1;
			:: else
			fi
		:: else
		fi;
		if
		:: go != 0 && (!IS_END(i) || BIT(u, i)) ->
			if
			:: FORCED -> send(i, w);
			:: else
			fi;
			met[AT(i, w)] = met[AT(i, w)] | u;
#ifdef AS_IS
			reach[AT(i, w)] = POP(u);
#endif
		:: else
		fi;
		if
		:: IS_END(i) && (BIT(extracted[i], w) || VALUES(i) == 2) ->
			met[AT(i, w)] = 0;
#ifdef AS_IS
			reach[AT(i, w)] = 0;
#endif
#ifdef KEEP_LATE
			known[AT(i, w)] = 0;
#endif
		:: else
		fi
	:: else
	fi
}

/* Sets yes if each honest member has value w or two others. */
inline all_have(w)
{
	yes = true;
	for (k : 0 .. H - 1) {
		yes = yes && (!BIT(MEMBERS, k) || BIT(extracted[k], w) ||
			      VALUES(k) == 2);
	}
	k = 0;
}

inline forget(w)
{
	all_have(w);
	if
	:: yes ->
		signers[w] = 0;
		for (k : 0 .. H - 1) {
			met[AT(k, w)] = met[AT(k, w)] & BYZANTINE;
#ifdef KEEP_LATE
			known[AT(k, w)] = 0;
#endif
		}
		for (k : 0 .. LINKS - 1) {
			fresh[AT(k, w)] = 0;
			aged[AT(k, w)] = 0;
		}
	:: else
	fi
}

/* Hands over what must not take longer; then the time moves on. */
inline tick()
{
	for (l : 0 .. LINKS - 1) {
		for (a : 0 .. V - 1) {
			m = aged[AT(l, a)];
			aged[AT(l, a)] = 0;
			if
			:: m != 0 ->
				x = TARGET(l);
				printf("event: %d gets value %d from %d, {%d}\n",
				       x, a, TARGET(l ^ 1), m);
				receive(x, a);
			:: else
			fi
		}
	}
	now_++;
	for (a : 0 .. V - 1) {
		for (l : 0 .. LINKS - 1) {
			aged[AT(l, a)] = fresh[AT(l, a)];
			fresh[AT(l, a)] = 0;
		}
		l = 0;
		if
		:: now_ % DELTA == 0 ->
			if
			:: BIT(settled, a) ->
				all_have(a);
#ifndef AGREEMENT_ONLY
				assert(yes);
#endif
			:: else
			fi;
			if
			:: signers[a] != 0 -> settled = settled | (1 << a);
			:: else -> settled = settled & ~(1 << a);
			fi
		:: else
		fi;
		forget(a);
	}
}

/* R2.c: exactly one extracted value is decided; 0 is none. */
#define DECIDES(k) (POP(extracted[k]) == 1 -> extracted[k] : 0)

inline check()
{
	for (k : 1 .. H - 1) {
		assert(!BIT(MEMBERS, k) || DECIDES(k) == DECIDES(0));
	}
	k = 0;
}

inline clean()
{
	j = 0;
	v = 0;
	m = 0;
	a = 0;
	k = 0;
	l = 0;
	r = 0;
	u = 0;
	x = 0;
	yes = 0;
	go = 0;
}

inline choose_signatures()
{
	m = 1 << S;
	c = 0;
	do
	:: c < BITS && c != S && BIT(signers[v] | BYZANTINE, c) ->
		m = m | (1 << c);
		c++
	:: c < BITS -> c++
	:: else -> break
	od;
	c = 0
}

/* Whether m under value v may change something at j. */
#define OPEN(j) (!IS_END(j) || (!BIT(extracted[j], v) && VALUES(j) < 2))

active proctype adversary()
{
	do
	:: atomic {
		now_ == DELTA * W ->
		d_step {
			check();
			clean();
		}
		break
	}
	:: atomic {
		now_ < DELTA * W ->
		d_step {
			tick();
			printf("event: the time is %d\n", now_);
			clean();
		}
	}
	:: atomic {
		now_ < DELTA * W ->
		select(j : 0 .. H - 1);
		select(v : 0 .. newest);
		if
		:: OPEN(j) -> choose_signatures()
		:: else
		fi;
		d_step {
			if
			:: m != 0 ->
				printf("event: %d is given value %d, {%d}\n",
				       j, v, m);
				if
				:: newest == v && v < V - 1 -> newest++;
				:: else
				fi;
				receive(j, v);
				forget(v);
			:: else
			fi;
			clean();
		}
	}
	od
}
