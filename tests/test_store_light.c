/* SPDX-License-Identifier: MIT */
/* A light node's store: headers on the way, what is final, and its own. */
#include "store_fixture.h"

#include "store/light.h"

#define HEADERS 200u

static uint8_t headers[(HEADERS + 1) * CHAIN_HEADER_SIZE]; /* any bytes */
static struct chain_context at[HEADERS + 1];

static void make_headers(const struct fixture *f)
{
	at[0] = f->genesis.ctx;
	memcpy(headers, f->genesis.data, CHAIN_HEADER_SIZE);
	for (uint32_t i = 1; i <= HEADERS; i++) {
		struct chain_header h = {.version = CHAIN_VERSION,
					 .prev = at[i - 1].hash,
					 .time = at[i - 1].time[0] + 5,
					 .nonce = i};

		at[i] = at[i - 1];
		chain_context_append(&at[i], &f->p, &h);
		chain_header_write(headers + i * CHAIN_HEADER_SIZE, &h);
	}
}

static struct store *open_light(const struct fixture *f)
{
	const struct store_options options = {
		.dir = f->dir, .map_bytes = MAP, .light = true};
	struct base_error err = {""};
	struct store *s;
	int rc = store_open(&s, &options, &err);

	if (rc)
		print_message("# %s\n", err.text);
	assert_int_equal(rc, 0);
	return s;
}

/* Headers @from..@to; @final: the last one is. */
static int step(struct store *s, uint32_t from, uint32_t to, bool final)
{
	struct base_error err = {""};
	const struct store_light_step step = {
		.headers = headers + from * CHAIN_HEADER_SIZE,
		.count = to + 1 - from,
		.tip = at[to],
		.final = final ? &at[to] : NULL,
		.cert = final && to > 0 ? (const uint8_t *)&at[to].hash : NULL,
		.cert_len = 32};

	return store_light_step(s, &step, &err);
}

static void assert_state(struct store *s, uint32_t final, uint32_t tip)
{
	struct base_error err = {""};
	struct store_reader *r;
	struct store_light state;
	uint8_t bytes[CHAIN_HEADER_SIZE];

	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(store_light_state(&state, r), 0);
	assert_true(test_context_equal(&state.final, &at[final]));
	assert_true(test_context_equal(&state.tip, &at[tip]));
	assert_int_equal(state.cert_len, final ? 32 : 0);
	if (final)
		assert_memory_equal(state.cert, &at[final].hash, 32);
	assert_null(state.conflict[0]);
	for (uint32_t i = 0; i <= tip; i++) {
		assert_int_equal(
			store_light_header(bytes, r, (struct base_height){i}),
			0);
		assert_memory_equal(bytes, headers + i * CHAIN_HEADER_SIZE,
				    sizeof(bytes));
	}
	assert_int_equal(
		store_light_header(bytes, r, (struct base_height){tip + 1}),
		-ENOENT);
	store_read_end(r);
}

static void headers_are_there_again(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_light(f);
	struct base_error err = {""};
	struct store_light light;
	struct store_reader *r;

	make_headers(f);
	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(store_light_state(&light, r), -ENODATA);
	assert_int_equal(
		store_light_header(headers, r, (struct base_height){0}),
		-ENOENT);
	store_read_end(r);
	assert_int_equal(step(s, 1, 1, true), -EINVAL);
	assert_int_equal(step(s, 0, 0, true), 0);
	assert_state(s, 0, 0);
	for (uint32_t i = 1; i < 60; i++) {
		assert_int_equal(step(s, i, i, i % 7 == 0), 0);
		assert_state(s, i - i % 7, i);
	}
	assert_int_equal(step(s, 61, 70, false), -EINVAL);
	assert_int_equal(step(s, 60, 171, false), 0);
	store_close(s);
	s = open_light(f);
	assert_state(s, 56, 171);
	store_close(s);
}

/* Back to what is final, and on by shorter steps over the leftovers. */
static void another_way(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_light(f);

	make_headers(f);
	assert_int_equal(step(s, 0, 0, true), 0);
	assert_int_equal(step(s, 1, 30, true), 0);
	assert_int_equal(step(s, 31, HEADERS, false), 0);
	assert_int_equal(step(s, 31, 30, false), 0);
	assert_state(s, 30, 30);
	memset(headers + 31 * CHAIN_HEADER_SIZE, 0xab,
	       (HEADERS - 30) * CHAIN_HEADER_SIZE);
	assert_int_equal(step(s, 31, 33, false), 0);
	assert_state(s, 30, 33);
	assert_int_equal(step(s, 34, 76, true), 0);
	assert_state(s, 76, 76);
	assert_int_equal(step(s, 77, HEADERS, true), 0);
	store_close(s);
	s = open_light(f);
	assert_state(s, HEADERS, HEADERS);
	store_close(s);
}

struct seen {
	struct store_light_key key[4];
	uint8_t tx[4][8];
	unsigned count;
};

static int see_key(void *ctx, const struct store_light_key *key)
{
	struct seen *seen = ctx;

	assert_true(seen->count < BASE_COUNT(seen->key));
	seen->key[seen->count++] = *key;
	return 0;
}

static int see_pending(void *ctx, const struct base_hash *txid,
		       const uint8_t *tx, size_t len)
{
	struct seen *seen = ctx;

	assert_int_equal(len, 2 + seen->count);
	assert_int_equal(txid->b[0], tx[0]);
	memcpy(seen->tx[seen->count++], tx, len);
	return 0;
}

static void what_is_ours(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_light(f);
	struct base_error err = {""};
	struct store_light_tx tx[3] = {{{700}, 2, (const uint8_t *)"abc", 3},
				       {{3}, 900, (const uint8_t *)"de", 2},
				       {{700}, 1, (const uint8_t *)"f", 1}};
	struct store_light_key key[2] = {{{1}, {5}}, {{2}, {9}}};
	const struct base_hash one = {{'x'}}, two = {{'y'}};
	struct store_reader *r;
	struct store_light_tx got = {.height = {0}};
	struct seen seen = {.count = 0};

	assert_int_equal(store_light_found(s, tx, 3, key, 2, &err), 0);
	key[0].next.n = 50;
	assert_int_equal(store_light_found(s, tx, 1, key, 1, &err), 0);
	assert_int_equal(
		store_light_pend(s, &one, (const uint8_t *)"x1", 2, &err), 0);
	assert_int_equal(
		store_light_pend(s, &two, (const uint8_t *)"y22", 3, &err), 0);
	store_close(s);
	s = open_light(f);
	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(store_light_tx(&got, r, got.height, 0), 0);
	assert_int_equal(got.height.n, 3);
	assert_int_equal(got.index, 900);
	assert_memory_equal(got.proof, "de", 2);
	assert_int_equal(store_light_tx(&got, r, got.height, 901), 0);
	assert_int_equal(got.index, 1);
	assert_int_equal(store_light_tx(&got, r, got.height, 2), 0);
	assert_int_equal(got.len, 3);
	assert_int_equal(store_light_tx(&got, r, got.height, 3), -ENOENT);
	assert_int_equal(store_light_keys(r, see_key, &seen), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.key[0].next.n, 50);
	assert_int_equal(seen.key[1].next.n, 9);
	seen.count = 0;
	assert_int_equal(store_light_pending(r, see_pending, &seen), 0);
	assert_int_equal(seen.count, 2);
	store_read_end(r);
	assert_int_equal(store_light_pend(s, &one, NULL, 0, &err), 0);
	assert_int_equal(store_light_pend(s, &one, NULL, 0, &err), 0);
	assert_int_equal(store_light_pend(s, &two, NULL, 0, &err), 0);
	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(store_light_pending(r, see_pending, NULL), 0);
	store_read_end(r);
	store_close(s);
}

static void a_contradiction_stays(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_light(f);
	struct base_error err = {""};
	struct store_reader *r;
	struct store_light light;

	make_headers(f);
	assert_int_equal(step(s, 0, 0, true), 0);
	assert_int_equal(store_light_conflict(s, (const uint8_t *)"one", 3,
					      (const uint8_t *)"two!", 4, &err),
			 0);
	store_close(s);
	s = open_light(f);
	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(store_light_state(&light, r), 0);
	assert_int_equal(light.conflict_len[0], 3);
	assert_memory_equal(light.conflict[1], "two!", 4);
	store_read_end(r);
	store_close(s);
}

/* A full node's store has none of these tables, and is refused. */
static void a_full_store_is_no_light_one(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	const struct store_options options = {
		.dir = f->dir, .map_bytes = MAP, .light = true};
	struct base_error err = {""};

	init(s, f);
	store_close(s);
	assert_int_equal(store_open(&s, &options, &err), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(headers_are_there_again),
		TEST(another_way),
		TEST(what_is_ours),
		TEST(a_contradiction_stays),
		TEST(a_full_store_is_no_light_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
