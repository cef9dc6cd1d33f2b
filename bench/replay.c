/* SPDX-License-Identifier: MIT */
#include "replay.h"

#include <stdlib.h>

#include "base/assert.h"
#include "measure.h"

#define INPUTS_MAX (UINT32_C(1) << 24)

void replay_put(struct ds *ds, const struct replay_input *in)
{
	struct base_hash hash;

	switch ((enum replay_kind)in->kind) {
	case REPLAY_ADVANCE:
		ds_advance(ds, in->now);
		break;
	case REPLAY_MESSAGE:
		ds_message(ds, in->now, in->peer,
			   (enum ds_message_kind)in->message, in->data,
			   in->len);
		break;
	case REPLAY_VERIFIED:
		ds_verified(ds, in->now, in->id, true);
		break;
	case REPLAY_PERSISTED:
		ds_persisted(ds, in->now, in->id, true);
		break;
	case REPLAY_OWN_BLOCK:
		ds_own_block(ds, in->now, in->data, in->len);
		break;
	case REPLAY_PEER_UP:
		ds_peer_up(ds, in->now, in->peer, in->member);
		break;
	case REPLAY_STATUS:
		ds_status(ds, in->now, in->peer, in->data, in->len);
		break;
	case REPLAY_BLOCK:
		ds_block(ds, in->now, in->peer, in->data, in->len);
		break;
	case REPLAY_HAVE:
		memcpy(hash.b, in->data, sizeof(hash.b));
		ds_have(ds, in->now, in->peer, &hash);
		break;
	case REPLAY_MARK:
		break;
	}
}

void replay_add(struct replay *r, const struct replay_input *in)
{
	if (r->count == r->room && !r->full) {
		size_t room = r->room ? 2 * r->room : 4096;
		void *more =
			room > INPUTS_MAX
				? NULL
				: realloc(r->input, room * sizeof(*r->input));

		if (more) {
			r->input = more;
			r->room = room;
		}
		r->full = !more;
	}
	if (!r->full)
		r->input[r->count++] = *in;
}

uint32_t replay_run(double *ns, uint32_t max, const struct replay *r,
		    struct ds *ds)
{
	uint64_t began = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t actions = 0;
	struct ds_action a;
	uint32_t marks = 0;

	for (size_t i = 0; i < r->count; i++) {
		uint64_t now;

		if (r->input[i].kind != REPLAY_MARK) {
			replay_put(ds, &r->input[i]);
			while (ds_next(ds, &a))
				actions++;
			continue;
		}
		now = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);
		if (marks < max)
			ns[marks++] = (double)(now - began);
		began = now;
	}
	/* The same inputs give the same actions. */
	BASE_ASSERT(r->full || actions == r->actions);
	return marks;
}

void replay_free(struct replay *r)
{
	free(r->input);
	*r = (struct replay){0};
}
