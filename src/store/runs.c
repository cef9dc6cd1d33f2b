/* SPDX-License-Identifier: MIT */
#include "store/runs.h"

#include "base/assert.h"
#include "store/filter.h"

_Static_assert(STORE_RUNS_MAX < STORE_FILTER_BLOCKS,
	       "the filter knows those of the tip while the next is made");

static uint64_t prefix_of(const uint8_t *key)
{
	return __builtin_bswap64(base_load_le64(key));
}

static const uint8_t *key_at(const struct store_run *r, uint32_t i)
{
	return r->entry + (size_t)i * STORE_RUN_ENTRY;
}

int store_run_read(struct store_run *out, const MDB_val *value)
{
	const uint8_t *p = value->mv_data;
	uint64_t size = STORE_RUN_HEAD;

	if (value->mv_size < STORE_RUN_HEAD)
		return MDB_CORRUPTED;
	out->count = base_load_le32(p);
	out->made = base_load_le32(p + 4);
	out->coins = base_load_le64(p + 8);
	out->entry = p + STORE_RUN_HEAD;
	out->coin = out->entry + (size_t)out->count * STORE_RUN_ENTRY;
	size += (uint64_t)out->count * STORE_RUN_ENTRY;
	size += (uint64_t)out->made * CHAIN_COIN_SIZE;
	return size == value->mv_size ? 0 : MDB_CORRUPTED;
}

static int load(struct store_runs *out, MDB_cursor *cursor, uint32_t tip)
{
	uint8_t want[4];
	MDB_val key = store_val(want, sizeof(want)), value;
	int rc;

	out->first = tip < STORE_RUNS_MAX ? 0 : tip + 1 - STORE_RUNS_MAX;
	base_store_be32(want, out->first);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY);
	while (!rc && out->count < STORE_RUNS_MAX) {
		base_store_be32(want, out->first + out->count);
		if (key.mv_size != sizeof(want) ||
		    memcmp(key.mv_data, want, sizeof(want)) != 0)
			return MDB_CORRUPTED;
		rc = store_run_read(&out->run[out->count], &value);
		if (rc)
			return rc;
		if (out->first + out->count++ == tip)
			return 0;
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

int store_runs_load(struct store_runs *out, const struct store *s, MDB_txn *txn)
{
	struct chain_context tip;
	MDB_cursor *cursor;
	int rc = store_get_tip(&tip, s, txn);

	out->count = 0;
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	rc = mdb_cursor_open(txn, s->table[STORE_RUNS], &cursor);
	if (rc)
		return rc;
	rc = load(out, cursor, tip.height.n);
	mdb_cursor_close(cursor);
	return rc;
}

uint32_t store_runs_slice(const uint8_t *key)
{
	return ((uint32_t)key[0] << 8 | key[1]) * STORE_RUNS_MAX >> 16;
}

/* How many of the newest have changes of @slice that are not merged. */
static uint32_t unmerged(const struct store_runs *runs, uint32_t slice)
{
	uint32_t tip = runs->first + runs->count - 1;
	/* Blocks since the one that merged it. */
	uint32_t since = (tip % STORE_RUNS_MAX + STORE_RUNS_MAX - slice) %
			 STORE_RUNS_MAX;

	return since < runs->count ? since + 1 : runs->count;
}

/* Where a key of @prefix lies if keys are spread evenly, as hashes are that
 * nobody chose; looked at once, and corrected by what is there. */
static uint32_t guess(const struct store_run *r, uint64_t prefix)
{
	uint32_t at = (uint32_t)((prefix >> 32) * r->count >> 32);
	uint64_t there = prefix_of(key_at(r, at));
	uint64_t off = (prefix > there ? prefix - there : there - prefix) >> 32;
	uint32_t by = (uint32_t)(off * r->count >> 32);

	if (prefix <= there)
		return at > by ? at - by : 0;
	return r->count - 1 - at > by ? at + by : r->count - 1;
}

/* The first entry whose key is not below @key. From a guess on in growing
 * steps, then by halves: O(log count) however bad the guess. */
static uint32_t lower_bound(const struct store_run *r, const uint8_t *key)
{
	uint32_t low = 0, high = r->count, step = 4;
	uint32_t at = high > 0 ? guess(r, prefix_of(key)) : 0;

	while (low < high) {
		bool up = memcmp(key_at(r, at), key, CHAIN_OUTPOINT_SIZE) < 0;

		if (up)
			low = at + 1;
		else
			high = at;
		if (step >= high - low || (low > 0 && high < r->count))
			at = low + (high - low) / 2;
		else
			at = up ? low + step : high - step;
		step *= 2;
	}
	return low;
}

/* The coin that entry @i makes; NULL: it takes one. */
static int coin_at(const uint8_t **coin, const struct store_run *r, uint32_t i)
{
	uint32_t place = base_load_le32(key_at(r, i) + CHAIN_OUTPOINT_SIZE);

	if (place != STORE_RUN_TAKEN && place >= r->made)
		return MDB_CORRUPTED;
	*coin = place == STORE_RUN_TAKEN
			? NULL
			: r->coin + (size_t)place * CHAIN_COIN_SIZE;
	return 0;
}

int store_runs_find(const uint8_t **coin, const struct store_runs *runs,
		    uint64_t perhaps, const uint8_t *key)
{
	uint32_t left = unmerged(runs, store_runs_slice(key));

	if (left < STORE_FILTER_BLOCKS)
		perhaps &= ~(UINT64_MAX >> left);
	while (perhaps) {
		unsigned back = (unsigned)__builtin_clzll(perhaps);
		const struct store_run *r = &runs->run[runs->count - 1 - back];
		uint32_t at = lower_bound(r, key);

		if (at < r->count &&
		    memcmp(key_at(r, at), key, CHAIN_OUTPOINT_SIZE) == 0)
			return coin_at(coin, r, at);
		perhaps &= ~(UINT64_C(1) << (63 - back));
	}
	return MDB_NOTFOUND;
}

/* Same key: the older block first. */
static bool before(const struct store_merge *m, const struct store_source *a,
		   const struct store_source *b)
{
	int order;

	if (a->prefix != b->prefix)
		return a->prefix < b->prefix;
	order = memcmp(key_at(&m->runs->run[a->run], a->at),
		       key_at(&m->runs->run[b->run], b->at),
		       CHAIN_OUTPOINT_SIZE);
	return order != 0 ? order < 0 : a->run < b->run;
}

static void sink(struct store_merge *m, uint32_t i)
{
	struct store_source moved = m->source[i];

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= m->sources)
			break;
		if (child + 1 < m->sources &&
		    before(m, &m->source[child + 1], &m->source[child]))
			child++;
		if (!before(m, &m->source[child], &moved))
			break;
		m->source[i] = m->source[child];
		i = child;
	}
	m->source[i] = moved;
}

static void begin(struct store_merge *m, const struct store_runs *runs,
		  const uint8_t *from, const uint8_t *to)
{
	m->runs = runs;
	m->sources = 0;
	for (uint32_t i = 0; i < runs->count; i++) {
		const struct store_run *r = &runs->run[i];
		struct store_source *s = &m->source[m->sources];

		*s = (struct store_source){.run = i, .end = r->count};
		if (from)
			s->at = lower_bound(r, from);
		if (to)
			s->end = lower_bound(r, to);
		if (s->at >= s->end)
			continue;
		s->prefix = prefix_of(key_at(r, s->at));
		m->sources++;
	}
	for (uint32_t i = m->sources / 2; i-- > 0;)
		sink(m, i);
}

void store_merge_all(struct store_merge *m, const struct store_runs *runs)
{
	begin(m, runs, NULL, NULL);
}

/* Where @slice begins. */
static void first_key(uint8_t out[CHAIN_OUTPOINT_SIZE], uint32_t slice)
{
	uint32_t first = ((slice << 16) + STORE_RUNS_MAX - 1) / STORE_RUNS_MAX;

	memset(out, 0, CHAIN_OUTPOINT_SIZE);
	out[0] = (uint8_t)(first >> 8);
	out[1] = (uint8_t)first;
}

void store_merge_slice(struct store_merge *m, const struct store_runs *runs,
		       uint32_t slice)
{
	uint8_t from[CHAIN_OUTPOINT_SIZE], to[CHAIN_OUTPOINT_SIZE];

	first_key(from, slice);
	first_key(to, slice + 1);
	begin(m, runs, from, slice + 1 < STORE_RUNS_MAX ? to : NULL);
}

/* Moves the first source past its key. */
static int advance(struct store_merge *m)
{
	struct store_source *s = &m->source[0];
	const struct store_run *r = &m->runs->run[s->run];
	const uint8_t *key = key_at(r, s->at);

	if (++s->at == s->end) {
		*s = m->source[--m->sources];
	} else {
		const uint8_t *next = key_at(r, s->at);

		if (memcmp(next, key, CHAIN_OUTPOINT_SIZE) <= 0)
			return MDB_CORRUPTED;
		s->prefix = prefix_of(next);
	}
	sink(m, 0);
	return 0;
}

/* Its key is in the table already, as far as its block goes. */
static bool merged(const struct store_merge *m, const struct store_source *s)
{
	const uint8_t *key = key_at(&m->runs->run[s->run], s->at);

	return s->run <
	       m->runs->count - unmerged(m->runs, store_runs_slice(key));
}

int store_merge_next(struct store_merged *out, struct store_merge *m)
{
	out->key = NULL;
	while (m->sources > 0) {
		const struct store_source *s = &m->source[0];
		const struct store_run *r = &m->runs->run[s->run];
		const uint8_t *key = key_at(r, s->at), *coin;
		int rc;

		if (out->key && memcmp(key, out->key, CHAIN_OUTPOINT_SIZE) != 0)
			break;
		if (!merged(m, s)) {
			rc = coin_at(&coin, r, s->at);
			/* Made and taken in turn. */
			if (!rc && out->key && !coin == !out->coin)
				rc = MDB_CORRUPTED;
			if (rc)
				return rc;
			if (!out->key)
				out->fresh = coin;
			out->key = key;
			out->coin = coin;
		}
		rc = advance(m);
		if (rc)
			return rc;
	}
	return out->key ? 0 : MDB_NOTFOUND;
}
