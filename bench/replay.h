/* SPDX-License-Identifier: MIT */
/*
 * replay.h: the inputs of one state machine, kept and put in again.
 *
 * Again, all at once and alone, they show what CPU time the state machine
 * takes, without the clock being read around each of them. Bytes are
 * borrowed and must stay until the replay. One thread.
 */
#ifndef BENCH_REPLAY_H
#define BENCH_REPLAY_H

#include "consensus/ds.h"

enum replay_kind {
	REPLAY_ADVANCE,
	REPLAY_MESSAGE,
	REPLAY_VERIFIED,
	REPLAY_PERSISTED,
	REPLAY_OWN_BLOCK,
	REPLAY_PEER_UP,
	REPLAY_STATUS,
	REPLAY_BLOCK,
	REPLAY_HAVE,
	REPLAY_MARK, /* no input: the end of a block's time */
};

struct replay_input {
	uint8_t kind;
	uint8_t message; /* enum ds_message_kind */
	uint16_t peer;
	uint32_t len;
	uint64_t now;
	union {
		const uint8_t *data;
		uint64_t id;
		int member;
	};
};

/* Puts @in into @ds. */
void replay_put(struct ds *ds, const struct replay_input *in);

/* Inputs kept so far; full: no more of them are. */
struct replay {
	struct replay_input *input;
	size_t count, room;
	bool full;
	uint64_t actions; /* that they made, while not full */
};

void replay_add(struct replay *r, const struct replay_input *in);

/* Nanoseconds of CPU time between marks into @ns; returns their number, at
 * most @max. @ds is as it was when the first input was kept, its signer
 * too. */
uint32_t replay_run(double *ns, uint32_t max, const struct replay *r,
		    struct ds *ds);
void replay_free(struct replay *r);

#endif
