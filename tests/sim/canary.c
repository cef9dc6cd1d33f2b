/* SPDX-License-Identifier: MIT */
/* Canaries: each checker is handed something wrong, and must see it. */
#include "sim.h"

#define TRIES 60

/* Seeds until one shows a violation; it must be of that checker. */
static bool canary(struct sim_world *w, int check)
{
	for (uint64_t seed = 0; seed < TRIES; seed++) {
		uint64_t trace;

		w->options.break_check = check;
		if (sim_run(w, seed)) {
			if (check != SIM_CHECK_9)
				continue;
			trace = w->trace;
			w->options.break_check = 0;
			/* Another seed's trace, passed off as the same. */
			return sim_run(w, seed + 1) && w->trace != trace;
		}
		return w->violated == (enum sim_check)check;
	}
	return false;
}

int sim_canaries(struct sim_world *w)
{
	int failed = 0;
	int number = 0;
	int planned = 0;

	for (int i = 1; i < SIM_CHECK_KINDS; i++)
		planned += *sim_check_name(i) != 0;
	printf("1..%d\n", planned);
	for (int i = 1; i < SIM_CHECK_KINDS; i++) {
		bool seen;

		if (!*sim_check_name(i))
			continue;
		seen = canary(w, i);
		failed += !seen;
		printf("%s %d - canary: %s\n", seen ? "ok" : "not ok", ++number,
		       sim_check_name(i));
		if (!seen)
			printf("# %s\n", w->violation);
	}
	return failed ? 1 : 0;
}
