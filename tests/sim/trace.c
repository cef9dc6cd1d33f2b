/* SPDX-License-Identifier: MIT */
/* The hash of all that happens in a seed, and what people read of it. */
#include "sim.h"

#include <stdarg.h>

#include "base/assert.h"

uint64_t sim_mix(uint64_t hash, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint64_t word;

	hash ^= len * UINT64_C(0x9e3779b97f4a7c15);
	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, at, len);
	hash = (hash ^ word) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 29;
}

void sim_trace(struct sim_world *w, const void *data, size_t len)
{
	w->trace = sim_mix(w->trace, data, len);
}

void sim_trace_u64(struct sim_world *w, uint64_t value)
{
	w->trace = sim_mix(w->trace, &value, sizeof(value));
}

const char *sim_fault_name(int fault)
{
	static const char *const name[SIM_FAULT_KINDS] = {
#define X(id, text) [SIM_##id] = (text),
		SIM_FAULTS(X)
#undef X
	};

	return name[fault];
}

const char *sim_check_name(int check)
{
	static const char *const name[SIM_CHECK_KINDS] = {
#define X(number, text) [number] = (text),
		SIM_CHECKS(X)
#undef X
	};

	return name[check] ? name[check] : "";
}

const char *sim_mode_name(enum ds_mode mode)
{
	static const char *const name[] = {"SYNC", "SHADOW", "ACTIVE", "HALT"};

	BASE_ASSERT(mode <= DS_HALT);
	return name[mode];
}

/* Time is told as tick.milliseconds of the world, not of a node. */
void sim_say(struct sim_world *w, const struct sim_node *n, const char *format,
	     ...)
{
	int64_t since = (int64_t)w->now - (int64_t)w->committee.t0_ms;
	va_list args;

	if (!w->options.verbose)
		return;
	printf("%4lld.%03lld ", (long long)(since / SIM_DELTA_MS),
	       (long long)((since < 0 ? -since : since) % SIM_DELTA_MS));
	if (n)
		printf("%s%u: ", n->liar ? "liar " : "node ", n->index);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	printf("\n");
}

static char value_letter(struct base_hash *known, uint32_t *count,
			 const struct base_hash *hash)
{
	for (uint32_t i = 0; i < *count; i++)
		if (base_hash_equal(&known[i], hash))
			return (char)('A' + i);
	if (*count == 26)
		return '?';
	known[(*count)++] = *hash;
	return (char)('A' + *count - 1);
}

/* One instance: which member signed which value in which round. */
static void instance_grid(const struct sim_world *w, uint64_t tick,
			  uint8_t sender)
{
	struct base_hash known[26];
	uint32_t values = 0;
	uint32_t rounds = w->committee.rounds;

	printf("# tick %llu, sender %u: member x round, letters are values\n",
	       (unsigned long long)tick, sender);
	for (uint32_t m = 0; m < w->members; m++) {
		printf("#   %2u%s |", m, w->node[m].liar ? " liar" : "     ");
		for (uint32_t r = 0; r <= rounds + 1; r++) {
			char cell[3] = "..";
			uint32_t at = 0;

			for (uint32_t i = 0; i < SIM_SIGNED_MAX; i++) {
				const struct sim_signed *s = &w->endorsed[i];

				if (i >= w->endorsed_count || s->tick != tick ||
				    s->sender != sender || s->node != m ||
				    s->round != (int8_t)r || at == 2)
					continue;
				cell[at++] =
					value_letter(known, &values, &s->hash);
			}
			printf(" %s", cell);
		}
		printf("\n");
	}
	for (uint32_t i = 0; i < values; i++) {
		char hex[BASE_HASH_HEX_SIZE];

		base_hash_to_hex(hex, &known[i]);
		printf("#   %c = %.16s\n", 'A' + (char)i, hex);
	}
}

#define GRIDS 6

/* The last instances that anybody signed in. */
void sim_grid(const struct sim_world *w)
{
	uint64_t tick[GRIDS];
	uint8_t sender[GRIDS];
	uint32_t found = 0;

	for (uint32_t back = 0; back < SIM_SIGNED_MAX && found < GRIDS;
	     back++) {
		const struct sim_signed *s;
		bool old = false;

		if (back >= w->endorsed_count)
			break;
		s = &w->endorsed[(w->endorsed_count - 1 - back) %
				 SIM_SIGNED_MAX];
		for (uint32_t i = 0; i < found; i++)
			old |= tick[i] == s->tick && sender[i] == s->sender;
		if (old)
			continue;
		tick[found] = s->tick;
		sender[found++] = s->sender;
	}
	while (found > 0) {
		found--;
		instance_grid(w, tick[found], sender[found]);
	}
}
