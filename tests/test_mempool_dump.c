/* SPDX-License-Identifier: MIT */
/* The mempool across a restart, and its dump under damage. */
#include "mempool_fixture.h"

#include <errno.h>

#include "base/prng.h"
#include "chain/mempool_dump.h"

#define NOW UINT64_C(1700000000)
#define PIECES_MAX 100
#define TXS 60
#define FEE 100000

static struct chain_mempool *from, *to;
static struct fixture_tx txs[TXS];
static uint32_t tx_count;

static struct piece {
	uint8_t *data;
	size_t len;
} pieces[PIECES_MAX];
static uint32_t piece_count;

static int setup(void **state)
{
	(void)state;
	from = fixture_pool((size_t)4 << 20);
	to = fixture_pool((size_t)4 << 20);
	tx_count = 0;
	return 0;
}

static void drop_pieces(void)
{
	for (uint32_t i = 0; i < piece_count; i++)
		free(pieces[i].data);
	piece_count = 0;
}

static int teardown(void **state)
{
	(void)state;
	drop_pieces();
	for (uint32_t i = 0; i < tx_count; i++)
		free(txs[i].bytes);
	free(from);
	free(to);
	return 0;
}

/* Adds a transaction of about @pad bytes, each second one a child of the one
 * before; the clock steps back now and then. */
static void put(uint32_t pad)
{
	uint32_t n = tx_count;
	struct fixture_shape s = fixture_shape(fixture_coin(n));

	if (n % 2 == 1)
		s.in[0] = (struct fixture_in){.txid = txs[n - 1].txid};
	s.pad = pad;
	txs[n] = fixture_build(&s);
	assert_int_equal(
		fixture_add(from, &txs[n], FEE, NOW + n - 10 * (n % 3)),
		CHAIN_MEMPOOL_OK);
	tx_count++;
}

static void add_again(void *context, const struct chain_tx_view *tx,
		      uint64_t time_s)
{
	uint32_t *calls = context;
	uint8_t *scratch = malloc(tx->len);
	struct base_hash txid, wtxid;

	chain_txid(&txid, scratch, tx);
	chain_wtxid(&wtxid, tx);
	free(scratch);
	++*calls;
	assert_int_equal(chain_mempool_add(to, tx, &txid, &wtxid,
					   (struct base_amount){.units = FEE},
					   time_s),
			 CHAIN_MEMPOOL_OK);
}

static bool dump_piece(struct chain_mempool_dump *d)
{
	uint8_t *data = malloc(CHAIN_MEMPOOL_PIECE_MIN);
	size_t len = chain_mempool_dump(d, data, CHAIN_MEMPOOL_PIECE_MIN, from);

	/* Cut to size, so that a sanitizer sees reads beyond it. */
	pieces[piece_count].data = realloc(data, len > 0 ? len : 1);
	pieces[piece_count].len = len;
	piece_count++;
	assert_true(piece_count < PIECES_MAX);
	return len > 0;
}

static void dump(void)
{
	struct chain_mempool_dump d = {0};

	while (dump_piece(&d))
		;
}

static int restore(struct chain_mempool_restore *r, uint32_t *calls)
{
	int rc = 0;

	for (uint32_t i = 0; i < piece_count && rc == 0; i++)
		rc = chain_mempool_restore(r, to, pieces[i].data, pieces[i].len,
					   add_again, calls);
	return rc;
}

static void same_pools(void)
{
	const struct chain_mempool_entry *a, *b;

	for (int o = 0; o < CHAIN_MEMPOOL_ORDERS; o++) {
		enum chain_mempool_order by = (enum chain_mempool_order)o;

		a = chain_mempool_first(from, by);
		b = chain_mempool_first(to, by);
		for (; a && b; a = chain_mempool_next(a, by),
			       b = chain_mempool_next(b, by)) {
			assert_memory_equal(&a->wtxid, &b->wtxid, 32);
			assert_int_equal(a->time_s, b->time_s);
			assert_int_equal(a->delta, b->delta);
			assert_int_equal(a->pinned, b->pinned);
			assert_int_equal(a->excluded, b->excluded);
			assert_int_equal(a->len, b->len);
			assert_memory_equal(a->data, b->data, a->len);
		}
		assert_null(a);
		assert_null(b);
	}
}

static void same_block(void)
{
	const struct chain_mempool_entry *a[TXS], *b[TXS];
	struct chain_mempool_room room = {2000000, 1000, TXS};
	struct chain_mempool_selection x, y;

	chain_mempool_select(&x, a, from, &room);
	chain_mempool_select(&y, b, to, &room);
	assert_int_equal(x.count, y.count);
	for (uint32_t i = 0; i < x.count; i++)
		assert_memory_equal(&a[i]->txid, &b[i]->txid, 32);
}

static void a_pool_survives(void **state)
{
	struct chain_mempool_restore r = {0};
	struct base_hash unknown = {{7}};
	uint32_t calls = 0;

	(void)state;
	for (uint32_t i = 0; i < TXS; i++)
		put(i % 5 == 0 ? 100000 : 64);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(chain_mempool_prioritise(from, &txs[i].txid,
							  3 - (int64_t)i),
				 0);
	for (uint32_t i = 20; i > 10; i--)
		assert_int_equal(chain_mempool_pin(from, &txs[i].txid), 0);
	assert_int_equal(chain_mempool_pin(from, &unknown), 0);
	assert_int_equal(chain_mempool_exclude(from, &txs[30].txid), 0);
	dump();
	assert_true(piece_count > 3);
	assert_int_equal(restore(&r, &calls), 0);
	assert_true(chain_mempool_restored(&r));
	assert_int_equal(calls, TXS);
	same_pools();
	same_block();
	/* A pin made now comes after those that were restored. */
	assert_int_equal(chain_mempool_pin(from, &txs[40].txid), 0);
	assert_int_equal(chain_mempool_pin(to, &txs[40].txid), 0);
	same_block();
}

static void an_empty_pool_has_a_dump(void **state)
{
	struct chain_mempool_restore r = {0};
	uint32_t calls = 0;

	(void)state;
	assert_false(chain_mempool_restored(&r));
	dump();
	assert_int_equal(restore(&r, &calls), 0);
	assert_true(chain_mempool_restored(&r));
	assert_int_equal(calls, 0);
}

static void a_changing_pool_can_be_dumped(void **state)
{
	struct chain_mempool_restore r = {0};
	struct chain_mempool_dump d = {0};
	uint32_t calls = 0;

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		put(100000);
	assert_true(dump_piece(&d));
	/* What was written last goes, and more comes. */
	for (uint32_t i = 0; i < 10; i++)
		(void)chain_mempool_remove(from, &txs[i].txid);
	put(64);
	while (dump_piece(&d))
		;
	assert_int_equal(restore(&r, &calls), 0);
	assert_true(chain_mempool_restored(&r));
	for (uint32_t i = 10; i < tx_count; i++)
		assert_non_null(chain_mempool_find(to, &txs[i].txid));
}

static void count_only(void *context, const struct chain_tx_view *tx,
		       uint64_t time_s)
{
	(void)tx;
	(void)time_s;
	++*(uint32_t *)context;
}

static int restore_bytes(const uint8_t *data, size_t len, bool *complete)
{
	struct chain_mempool_restore r = {0};
	uint8_t *copy = malloc(len > 0 ? len : 1);
	uint32_t calls = 0;
	int rc;

	memcpy(copy, data, len);
	rc = chain_mempool_restore(&r, to, copy, len, count_only, &calls);
	*complete = chain_mempool_restored(&r);
	free(copy);
	return rc;
}

static void damage_is_found(void **state)
{
	uint8_t *data;
	size_t len;
	bool complete;

	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		put(64);
	assert_int_equal(chain_mempool_pin(from, &txs[0].txid), 0);
	dump();
	data = pieces[0].data;
	len = pieces[0].len;
	assert_int_equal(restore_bytes(data, len, &complete), 0);
	assert_true(complete);
	for (size_t i = 0; i < len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			data[i] ^= (uint8_t)(1u << bit);
			assert_int_equal(restore_bytes(data, len, &complete),
					 -EBADMSG);
			assert_false(complete);
			data[i] ^= (uint8_t)(1u << bit);
		}
		/* Cut between records it is well-formed, but not complete. */
		(void)restore_bytes(data, i, &complete);
		assert_false(complete);
	}
}

/* A record with a right checksum after one with checksum @before. */
static size_t forge(uint8_t *out, uint64_t before, uint8_t kind,
		    const void *body, size_t len)
{
	struct chain_siphash_key key = {{before, 0}};
	struct base_writer w = base_writer_init(out, 1000);

	base_write_u8(&w, kind);
	base_write_le32(&w, (uint32_t)len);
	base_write_bytes(&w, body, len);
	base_write_le64(&w, chain_siphash(&key, out, w.len));
	assert_true(base_writer_ok(&w));
	return w.len;
}

/* The length of the record at @at. */
static size_t record_len(const uint8_t *at)
{
	return 5 + base_load_le32(at + 1) + 8;
}

static void records_have_one_order(void **state)
{
	static uint8_t bytes[4000];
	const uint8_t *data;
	size_t first, second, len;
	bool complete;

	(void)state;
	put(64);
	dump();
	data = pieces[0].data;
	len = pieces[0].len;
	first = record_len(data);
	second = record_len(data + first);
	/* without the first; the first twice; something after the end */
	assert_int_equal(restore_bytes(data + first, len - first, &complete),
			 -EBADMSG);
	memcpy(bytes, data, first);
	memcpy(bytes + first, data, len);
	assert_int_equal(restore_bytes(bytes, first + len, &complete),
			 -EBADMSG);
	memcpy(bytes, data, len);
	memcpy(bytes + len, data + first, second);
	assert_int_equal(restore_bytes(bytes, len + second, &complete),
			 -EBADMSG);
	assert_false(complete);
	/* the end twice, with right checksums */
	len += forge(bytes + len, base_load_le64(data + len - 8), 3, "", 0);
	assert_int_equal(restore_bytes(bytes, len, &complete), -EBADMSG);
	assert_false(complete);
}

static void another_version_is_refused(void **state)
{
	uint8_t body[] = "mempool\n\x01\0\0";
	uint8_t bytes[1000];
	bool complete;

	(void)state;
	assert_int_equal(
		restore_bytes(bytes, forge(bytes, 0, 0, body, 12), &complete),
		0);
	body[8] = CHAIN_MEMPOOL_DUMP_VERSION + 1;
	assert_int_equal(
		restore_bytes(bytes, forge(bytes, 0, 0, body, 12), &complete),
		-EBADMSG);
	body[8] = CHAIN_MEMPOOL_DUMP_VERSION;
	body[0] = 'M';
	assert_int_equal(
		restore_bytes(bytes, forge(bytes, 0, 0, body, 12), &complete),
		-EBADMSG);
}

#define WITH_POOLS(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_POOLS(a_pool_survives),
		WITH_POOLS(an_empty_pool_has_a_dump),
		WITH_POOLS(a_changing_pool_can_be_dumped),
		WITH_POOLS(damage_is_found),
		WITH_POOLS(records_have_one_order),
		WITH_POOLS(another_version_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
