/* SPDX-License-Identifier: MIT */
/* Scenes: what went wrong once in somebody's head, or in a seed, by name. */
#include "sim.h"

#include "base/assert.h"

#define STEPS_MAX 6
#define MAJORITY_SEEDS 40

struct step {
	uint64_t at_ms; /* after tick 0 */
	void (*act)(struct sim_world *w);
};

struct scene {
	const char *name;
	uint32_t n, f;
	uint64_t liars; /* a bit each */
	uint64_t lies;
	uint64_t mining_ms;
	uint64_t end_tick;
	struct step step[STEPS_MAX];
	bool (*good)(struct sim_world *w);
	void (*connect)(struct sim_world *w); /* NULL: each with each */
};

static const struct scene *playing;

static void reconnect_all(struct sim_world *w)
{
	for (uint32_t a = 0; a < w->count; a++) {
		for (uint32_t b = 0; b < a; b++) {
			w->link[a][b].cut = false;
			w->link[b][a].cut = false;
			sim_link_down(w, a, b);
			sim_link_up(w, a, b);
		}
	}
}

static bool all_active(const struct sim_world *w)
{
	for (uint32_t i = 0; i < w->members; i++)
		if (!w->node[i].up || w->node[i].mode != DS_ACTIVE)
			return false;
	return true;
}

/* All honest members have the same final chain, at least @height long, but
 * for one block on its way. */
static bool all_final(const struct sim_world *w, uint32_t height)
{
	for (uint32_t i = 0; i < w->members; i++) {
		const struct sim_disk *d = &w->node[i].disk;

		if (!w->node[i].liar &&
		    (d->height < height || d->height + 1 < w->highest_decided))
			return false;
	}
	return true;
}

static bool active_and_final(struct sim_world *w)
{
	return all_active(w) && all_final(w, 5);
}

static bool honest_final(struct sim_world *w)
{
	return all_final(w, 8);
}

static void excuse(struct sim_world *w, uint32_t i, uint64_t ticks)
{
	w->node[i].bad_until = w->now + ticks * SIM_DELTA_MS;
}

/* ---- an archived proposal comes back after 1,000 ticks ---- */

static struct sim_buf *kept;

static bool keep_proposal(struct sim_world *w, struct sim_node *from,
			  struct sim_node *to, uint8_t wire,
			  const struct sim_buf *buf)
{
	(void)w;
	(void)from;
	(void)to;
	if (wire == DS_PROPOSAL && !kept)
		kept = sim_buf_new(buf->bytes, buf->len, buf->len);
	return false;
}

static void start_keeping(struct sim_world *w)
{
	kept = NULL;
	w->scene_filter = keep_proposal;
}

static void replay_kept(struct sim_world *w)
{
	BASE_ASSERT(kept);
	for (uint32_t to = 1; to < w->count; to++)
		sim_send_after(w, &w->node[0], to, DS_PROPOSAL, kept, 1);
	sim_buf_put(kept);
}

/* ---- a crash while a vote is on its way to the disk ---- */

static void crash_at_vote(struct sim_world *w)
{
	excuse(w, 1, 40);
	w->node[1].crash_at_vote = true;
}

static void start_again(struct sim_world *w)
{
	BASE_ASSERT(!w->node[1].up);
	sim_boot(w, &w->node[1], false);
}

/* ---- votes are lost between two halves ---- */

static bool lose_votes(struct sim_world *w, struct sim_node *from,
		       struct sim_node *to, uint8_t wire,
		       const struct sim_buf *buf)
{
	(void)w;
	(void)buf;
	return (wire == DS_VOTE || wire == DS_CERT || wire == SIM_HAVE) &&
	       (from->index < 2) != (to->index < 2);
}

static void begin_losing(struct sim_world *w)
{
	w->scene_filter = lose_votes;
}

static void end_losing(struct sim_world *w)
{
	w->scene_filter = NULL;
	reconnect_all(w);
}

/* ---- two of four late at the deciding tick, the fourth dead ---- */

static void kill_fourth(struct sim_world *w)
{
	w->healed = true;
	for (uint32_t i = 0; i < 4; i++)
		w->node[i].bad_until = SIM_NEVER;
	sim_crash(w, &w->node[3]);
}

static void mine_at_zero(struct sim_world *w)
{
	sim_mined(w, &w->node[0], w->node[0].template_number);
}

static void pause_two(struct sim_world *w)
{
	w->node[1].paused_until = w->now + 900;
	w->node[2].paused_until = w->now + 900;
}

static void fourth_returns(struct sim_world *w)
{
	w->mining_ms = 4000;
	sim_boot(w, &w->node[3], false);
	for (uint32_t i = 0; i < 4; i++)
		if (w->node[i].has_template)
			sim_mine_next(w, &w->node[i]);
}

static bool went_on(struct sim_world *w)
{
	return all_active(w) && all_final(w, 1);
}

/* ---- a block found between a certificate and the next tick ---- */

static void mine_at_one(struct sim_world *w)
{
	BASE_ASSERT(w->node[1].final_height == 1);
	sim_mined(w, &w->node[1], w->node[1].template_number);
}

static bool second_decided(struct sim_world *w)
{
	for (uint32_t i = 0; i < w->members; i++)
		if (w->node[i].decided_height != 2)
			return false;
	return true;
}

/* ---- node 2 hears of certificates beside blocks only, if at all ---- */

static bool no_certs_to_two(struct sim_world *w, struct sim_node *from,
			    struct sim_node *to, uint8_t wire,
			    const struct sim_buf *buf)
{
	(void)w;
	(void)from;
	(void)buf;
	return to->index == 2 && (wire == DS_CERT || wire == DS_VOTE) &&
	       from->index != 1;
}

static void hide_certs(struct sim_world *w)
{
	w->scene_filter = no_certs_to_two;
}

/* ---- a member that lost its disk, in a storm of blocks ---- */

static void lose_disk(struct sim_world *w)
{
	w->node[2].amnesic = true;
	sim_crash(w, &w->node[2]);
	sim_disk_format(w, &w->node[2].disk);
}

static void boot_two(struct sim_world *w)
{
	sim_boot(w, &w->node[2], false);
}

/* ---- two members, cut and healed, without certificates ---- */

static void cut_two(struct sim_world *w)
{
	w->node[0].bad_until = SIM_NEVER;
	w->node[1].bad_until = SIM_NEVER;
	w->link[0][1].cut = true;
	w->link[1][0].cut = true;
}

static bool both_say_fork(struct sim_world *w)
{
	return w->totals->reason[DS_FORK] >= 2 &&
	       !base_hash_equal(&w->node[0].decided, &w->node[1].decided);
}

/* ---- a clock that was wrong is set right ---- */

static void clock_wrong(struct sim_world *w)
{
	excuse(w, 1, 40);
	sim_step_clock(w, &w->node[1], 3000);
}

static void clock_right(struct sim_world *w)
{
	sim_step_clock(w, &w->node[1], -3000);
}

/* ---- 0 - 1 - follower - 2 - 3, and a liar at 1 and the follower ---- */

static void join(struct sim_world *w, uint32_t a, uint32_t b)
{
	w->link[a][b].exists = true;
	w->link[b][a].exists = true;
}

static void line_over_follower(struct sim_world *w)
{
	w->count = 6;
	w->node[5].index = 5;
	w->node[5].member = -1;
	w->node[5].clock.since = w->now;
	for (uint32_t i = 0; i < w->count; i++)
		w->node[i].clock.offset_ms = 0;
	join(w, 0, 1);
	join(w, 1, 5);
	join(w, 5, 2);
	join(w, 2, 3);
	join(w, 4, 1);
	join(w, 4, 5);
}

/* Too late for 2 with one signature; in time with that of 1, if the follower
 * passes it on though it knows the value. */
static void show_late(struct sim_world *w)
{
	struct sim_buf *buf = sim_lie_proposal(w, &w->node[4], 20);

	sim_send_after(w, &w->node[4], 1, DS_PROPOSAL, buf, 1);
	sim_send_after(w, &w->node[4], 5, DS_PROPOSAL, buf, 1);
	sim_buf_put(buf);
}

static bool first_decided(struct sim_world *w)
{
	for (uint32_t i = 0; i < 4; i++)
		if (w->node[i].decided_height != 1)
			return false;
	return true;
}

/* ---- certificates off: who follows decides, and nobody else says so ---- */

static void crash_two(struct sim_world *w)
{
	w->node[2].bad_until = SIM_NEVER;
	sim_crash(w, &w->node[2]);
}

static void trust_two(struct sim_world *w)
{
	sim_people_restart(w, &w->node[2]);
	w->node[2].bad_until = w->now + 5 * SIM_DELTA_MS;
}

static bool all_decided_two(struct sim_world *w)
{
	return all_active(w) && second_decided(w);
}

static bool no_beats_to_two(struct sim_world *w, struct sim_node *from,
			    struct sim_node *to, uint8_t wire,
			    const struct sim_buf *buf)
{
	(void)w;
	(void)from;
	(void)buf;
	return wire == DS_BEAT && to->index == 2;
}

static void hide_beats(struct sim_world *w)
{
	w->scene_filter = no_beats_to_two;
}

static void show_beats(struct sim_world *w)
{
	w->scene_filter = NULL;
}

static bool nothing_from_two(struct sim_world *w, struct sim_node *from,
			     struct sim_node *to, uint8_t wire,
			     const struct sim_buf *buf)
{
	(void)w;
	(void)to;
	(void)buf;
	return wire == DS_PROPOSAL && from->index == 2;
}

/* To 2 alone, in time there and too late wherever it could pass it on. */
static void show_to_two(struct sim_world *w)
{
	w->scene_filter = nothing_from_two;
	struct sim_buf *buf = sim_lie_proposal(w, &w->node[3], 28);

	sim_send_after(w, &w->node[3], 2, DS_PROPOSAL, buf, 1);
	sim_buf_put(buf);
}

static bool first_by_all(struct sim_world *w)
{
	for (uint32_t i = 0; i < 3; i++)
		if (w->node[i].disk.height != 1 || w->node[i].mode != DS_ACTIVE)
			return false;
	return true;
}

/* ---- 0, 1 and 2 know each other, 3 an observer alone ---- */

static void hang_on_observer(struct sim_world *w)
{
	w->count = 5;
	w->node[4].index = 4;
	w->node[4].member = -1;
	w->node[4].clock.since = w->now;
	join(w, 0, 1);
	join(w, 1, 2);
	join(w, 2, 0);
	join(w, 2, 4);
	join(w, 4, 3);
}

#define T(tick, ms) ((tick)*SIM_DELTA_MS + (ms))

static const struct scene scenes[] = {
	{.name = "replay-after-1000-ticks",
	 .n = 4,
	 .f = 1,
	 .mining_ms = 10000,
	 .end_tick = 1110,
	 .step = {{T(10, 0), start_keeping}, {T(1095, 0), replay_kept}},
	 .good = active_and_final},
	{.name = "crash-between-vote-and-block",
	 .n = 4,
	 .f = 1,
	 .mining_ms = 4000,
	 .end_tick = 90,
	 .step = {{T(20, 0), crash_at_vote}, {T(40, 0), start_again}},
	 .good = active_and_final},
	{.name = "votes-lost-in-a-2-2-cut",
	 .n = 4,
	 .f = 1,
	 .mining_ms = 3000,
	 .end_tick = 60,
	 .step = {{T(20, 0), begin_losing}, {T(26, 500), end_losing}},
	 .good = active_and_final},
	{.name = "two-of-four-late-fourth-dead",
	 .n = 4,
	 .f = 1,
	 .mining_ms = 1u << 30,
	 .end_tick = 150,
	 .step = {{T(18, 0), kill_fourth},
		  {T(20, 300), mine_at_zero},
		  {T(22, 700), pause_two},
		  {T(40, 0), fourth_returns}},
	 .good = went_on},
	{.name = "own-block-between-two-ticks",
	 .n = 4,
	 .f = 1,
	 .mining_ms = 1u << 30,
	 .end_tick = 27,
	 .step = {{T(20, 300), mine_at_zero}, {T(23, 700), mine_at_one}},
	 .good = second_decided},
	{.name = "certificate-stripped-by-a-relay",
	 .n = 4,
	 .f = 1,
	 .liars = 8,
	 .lies = SIM_BIT(SIM_STRIP),
	 .mining_ms = 4000,
	 .end_tick = 100,
	 .step = {{T(14, 0), hide_certs}},
	 .good = honest_final},
	{.name = "flood-at-pow-limit",
	 .n = 4,
	 .f = 1,
	 .liars = 8,
	 .lies = SIM_BIT(SIM_FLOOD),
	 .mining_ms = 4000,
	 .end_tick = 150,
	 .good = honest_final},
	{.name = "rejoiner-in-a-block-storm",
	 .n = 4,
	 .f = 1,
	 .mining_ms = 500,
	 .end_tick = 120,
	 .step = {{T(60, 0), lose_disk}, {T(70, 0), boot_two}},
	 .good = active_and_final},
	{.name = "two-members-cut-and-healed",
	 .n = 2,
	 .f = 1,
	 .mining_ms = 2000,
	 .end_tick = 60,
	 .step = {{T(20, 0), cut_two}, {T(35, 0), reconnect_all}},
	 .good = both_say_fork},
	{.name = "clock-stepped-back-to-right",
	 .n = 4,
	 .f = 1,
	 .mining_ms = 4000,
	 .end_tick = 80,
	 .step = {{T(20, 0), clock_wrong}, {T(30, 0), clock_right}},
	 .good = active_and_final},
	{.name = "new-signature-over-a-relay",
	 .n = 5,
	 .f = 1,
	 .liars = 16,
	 .mining_ms = 1u << 30,
	 .end_tick = 24,
	 .connect = line_over_follower,
	 .step = {{T(20, 992), show_late}},
	 .good = first_decided},
	/* Follows from tick 26, decides at 30, misses a beat, hears at 31
	 * what is decided at 34, when it may be ACTIVE again. */
	{.name = "decided-by-who-follows",
	 .n = 3,
	 .f = 2,
	 .mining_ms = 1u << 30,
	 .end_tick = 44,
	 .step = {{T(20, 500), crash_two},
		  {T(25, 300), trust_two},
		  {T(26, 500), mine_at_zero},
		  {T(27, 900), hide_beats},
		  {T(28, 900), show_beats},
		  {T(30, 500), mine_at_one}},
	 .good = all_decided_two},
	{.name = "shown-to-who-follows-only",
	 .n = 4,
	 .f = 2,
	 .liars = 8,
	 .mining_ms = 1u << 30,
	 .end_tick = 60,
	 .step = {{T(20, 500), crash_two},
		  {T(25, 300), trust_two},
		  {T(28, 950), show_to_two},
		  {T(50, 500), mine_at_zero}},
	 .good = first_by_all},
	{.name = "an-observer-is-the-only-link",
	 .n = 4,
	 .f = 1,
	 .mining_ms = 4000,
	 .end_tick = 80,
	 .connect = hang_on_observer,
	 .good = active_and_final},
};

#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

static void act(struct sim_world *w, const struct sim_event *e)
{
	if (e->id == STEPS_MAX)
		w->stop = true;
	else
		playing->step[e->id].act(w);
}

static void prepare(struct sim_world *w, const struct scene *s)
{
	sim_world_begin(w, 1);
	sim_draw_params(w, s->n, s->f);
	w->count = s->n;
	for (uint32_t i = 0; i < s->n; i++) {
		w->node[i].index = i;
		w->node[i].member = (int)i;
		w->node[i].liar = s->liars >> i & 1;
		w->liars += w->node[i].liar;
		w->node[i].clock.since = w->now;
		w->node[i].clock.offset_ms = (int64_t)i * 7;
		w->node[i].bad_until = sim_start_over(w);
	}
	w->lies = s->lies;
	w->hop_ms = 100;
	w->late_ms = 10;
	w->skew_ms = 30;
	w->verify_ms = 3;
	w->mining_ms = s->mining_ms;
	w->keep_order = true;
	w->scene = act;
	if (s->connect)
		s->connect(w);
	else
		sim_connect_all(w);
}

static bool play(struct sim_world *w, const struct scene *s)
{
	playing = s;
	memset(w->totals, 0, sizeof(*w->totals));
	prepare(w, s);
	sim_world_boot(w);
	for (uint32_t i = 0; i < STEPS_MAX; i++)
		if (s->step[i].act)
			sim_at(w, SIM_START_MS + s->step[i].at_ms,
			       &(struct sim_event){.kind = SIM_EV_SCENE,
						   .id = i});
	sim_at(w, sim_tick_time(w, s->end_tick) + 500,
	       &(struct sim_event){.kind = SIM_EV_SCENE, .id = STEPS_MAX});
	sim_world_loop(w);
	if (!w->violated)
		sim_check_end(w);
	if (w->violated)
		printf("# %s\n", w->violation);
	return w->violated == SIM_CHECK_NONE && s->good(w);
}

/* Agreement and termination where most members lie, certificates off. */
static bool majority(struct sim_world *w, uint32_t n, uint32_t f,
		     uint32_t liars)
{
	struct sim_options before = w->options;
	bool good = true;

	w->options.nodes = n;
	w->options.f = f;
	w->options.liars = liars;
	w->options.calm = true;
	w->options.faults = SIM_BIT(SIM_EQUIVOCATE) | SIM_BIT(SIM_WITHHOLD) |
			    SIM_BIT(SIM_LAST_ROUND) | SIM_BIT(SIM_OFFSET);
	for (uint64_t seed = 0; seed < MAJORITY_SEEDS && good; seed++) {
		good = sim_run(w, seed);
		if (!good)
			printf("# seed %llu: %s\n", (unsigned long long)seed,
			       w->violation);
	}
	w->options = before;
	return good;
}

static bool majority_5_4(struct sim_world *w)
{
	return majority(w, 5, 4, 3);
}

static bool majority_7_5(struct sim_world *w)
{
	return majority(w, 7, 5, 4);
}

static const struct {
	const char *name;
	bool (*play)(struct sim_world *w);
} majorities[] = {
	{"dishonest-majority-5-4", majority_5_4},
	{"dishonest-majority-7-5", majority_7_5},
};

#define MAJORITIES (sizeof(majorities) / sizeof(majorities[0]))

static bool report(uint32_t number, const char *name, bool good)
{
	printf("%s %u - scene: %s\n", good ? "ok" : "not ok", number, name);
	return good;
}

/* One by name, or (NULL) all of them, as TAP. */
int sim_scene(struct sim_world *w, const char *name)
{
	uint32_t number = 0;
	uint32_t failed = 0;

	if (!name)
		printf("1..%zu\n", SCENES + MAJORITIES);
	for (size_t i = 0; i < SCENES; i++)
		if (!name || strcmp(name, scenes[i].name) == 0)
			failed += !report(++number, scenes[i].name,
					  play(w, &scenes[i]));
	for (size_t i = 0; i < MAJORITIES; i++)
		if (!name || strcmp(name, majorities[i].name) == 0)
			failed += !report(++number, majorities[i].name,
					  majorities[i].play(w));
	if (number == 0) {
		(void)fprintf(stderr, "no such scene: %s\n", name);
		return 2;
	}
	return failed ? 1 : 0;
}

void sim_scenes_list(void)
{
	for (size_t i = 0; i < SCENES; i++)
		printf("%s\n", scenes[i].name);
	for (size_t i = 0; i < MAJORITIES; i++)
		printf("%s\n", majorities[i].name);
}
