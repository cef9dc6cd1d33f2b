/* SPDX-License-Identifier: MIT */
/*
 * test_store_damage: whatever is wrong with data.mdb, it is an error that
 * names it; never a crash, and never a chain that is not the one stored.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "store_blocks.h"

#define LENGTH 70u /* height of the tip */
#define MERGED 5u  /* a height whose coins are in the table */
#define MAP (UINT64_C(4) << 20)
#define IMAGE_MAX (1u << 20)
#define NOISE_ROUNDS 3000
#define APPEND_EVERY 10 /* rounds: each costs durable commits */

struct fixture {
	char *dir;
	char path[4096];
	struct chain_params p;
	struct test_block block[LENGTH + 1];
	uint8_t *image; /* of a sound data.mdb with all of them */
	size_t image_len;
};

static size_t slurp(uint8_t *out, const char *path)
{
	FILE *f = fopen(path, "r");
	size_t len;

	assert_non_null(f);
	len = fread(out, 1, IMAGE_MAX, f);
	assert_true(len < IMAGE_MAX);
	(void)fclose(f);
	return len;
}

static void spill(const char *path, const uint8_t *data, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static int open_store(struct store **out, const struct fixture *f,
		      bool read_only, struct base_error *err)
{
	struct store_options options = {
		.dir = f->dir, .map_bytes = MAP, .read_only = read_only};

	return store_open(out, &options, err);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct base_error err = {""};
	struct store *s;
	int rc;

	assert_non_null(f);
	f->dir = test_dir_make();
	(void)snprintf(f->path, sizeof(f->path), "%s/data.mdb", f->dir);
	f->p = test_params();
	f->image = malloc(IMAGE_MAX);
	assert_non_null(f->image);
	test_genesis(&f->block[0], &f->p);
	assert_int_equal(open_store(&s, f, false, &err), 0);
	rc = test_init_chain(s, &f->block[0], &err);
	assert_int_equal(rc, 0);
	for (uint32_t h = 1; h <= LENGTH; h++) {
		struct test_block *b = &f->block[h];

		test_next(b, &f->p, &f->block[h - 1].ctx, 0);
		rc = test_append(s, b, &err);
		assert_int_equal(rc, 0);
	}
	store_close(s);
	f->image_len = slurp(f->image, f->path);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	test_dir_remove(f->dir);
	free(f->image);
	free(f);
	return 0;
}

/* Opens and verifies what is in the directory. */
static int examine(struct chain_context *tip, const struct fixture *f,
		   struct base_error *err)
{
	struct store *s;
	int rc = open_store(&s, f, true, err);

	if (rc)
		return rc;
	rc = store_verify(tip, s, &f->p, f->block[0].data, f->block[0].len,
			  NULL, NULL, err);
	store_close(s);
	return rc;
}

static void assert_refused(const struct fixture *f, int code, const char *word)
{
	struct base_error err = {""};
	struct chain_context tip;
	int rc = examine(&tip, f, &err);

	if (rc != code || !strstr(err.text, word))
		print_message("# %d %s (not '%s')\n", rc, err.text, word);
	assert_int_equal(rc, code);
	assert_non_null(strstr(err.text, word));
	assert_non_null(strstr(err.text, "data.mdb"));
}

static void a_file_of_noise_is_refused(void **state)
{
	static const size_t size[] = {0,    1,	   79,	  151,	 152,
				      4096, 5000,  8191,  8192,	 8193,
				      9000, 20000, 65536, 200000};
	const struct fixture *f = *state;
	struct base_prng prng = base_prng_init(1);
	uint8_t *noise = malloc(IMAGE_MAX);
	struct base_error err;
	struct store *s = NULL;

	assert_non_null(noise);
	base_prng_fill(&prng, noise, IMAGE_MAX);
	for (size_t i = 0; i < BASE_COUNT(size); i++) {
		spill(f->path, noise, size[i]);
		assert_refused(f, -EBADMSG, "damaged");
		assert_int_equal(open_store(&s, f, false, &err), -EBADMSG);
		assert_null(s);
	}
	free(noise);
}

/* An environment of somebody else: @flags of its one table @name (NULL: the
 * main one), with one entry. */
static void make_foreign(const struct fixture *f, const char *name,
			 unsigned int flags)
{
	char text[] = "value";
	MDB_val key = {3, text}, value = {5, text};
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	test_dir_clear(f->dir);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
	assert_int_equal(mdb_env_open(env, f->dir, MDB_NOSYNC, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, name, MDB_CREATE | flags, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
	value.mv_size = 4;
	if (flags & MDB_DUPSORT)
		assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void an_environment_of_others_is_refused(void **state)
{
	const struct fixture *f = *state;

	make_foreign(f, NULL, 0);
	assert_refused(f, -EBADMSG, "not a minerd store");
	make_foreign(f, NULL, MDB_DUPSORT);
	assert_refused(f, -EBADMSG, "not a minerd store");
	make_foreign(f, "things", 0);
	assert_refused(f, -EBADMSG, "not a minerd store");
	make_foreign(f, "things", MDB_DUPSORT);
	assert_refused(f, -EBADMSG, "not a minerd store");
	make_foreign(f, "meta", 0);
	assert_refused(f, -EBADMSG, "not a minerd store");
	make_foreign(f, "meta", MDB_DUPSORT);
	assert_refused(f, -EBADMSG, "not a minerd store");
}

/* Sets (or, without @value, deletes) one entry behind the store's back. */
static void edit(const struct fixture *f, const char *table, const void *key,
		 size_t key_len, const void *value, size_t len)
{
	MDB_val k = {key_len, (void *)(uintptr_t)key};
	MDB_val v = {len, (void *)(uintptr_t)value};
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	spill(f->path, f->image, f->image_len);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
	assert_int_equal(mdb_env_set_mapsize(env, MAP), 0);
	assert_int_equal(mdb_env_open(env, f->dir, MDB_NOSYNC, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
	if (value)
		assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
	else
		assert_int_equal(mdb_del(txn, dbi, &k, NULL), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void edit_at(const struct fixture *f, const char *table, uint32_t height,
		    const void *value, size_t len)
{
	uint8_t key[4];

	base_store_be32(key, height);
	edit(f, table, key, sizeof(key), value, len);
}

static void another_format_is_refused(void **state)
{
	const struct fixture *f = *state;
	uint8_t format[4];

	base_store_le32(format, STORE_FORMAT + 1);
	edit(f, "meta", "format", 6, format, 4);
	assert_refused(f, -EPROTO, "newer");
	base_store_le32(format, UINT32_MAX);
	edit(f, "meta", "format", 6, format, 4);
	assert_refused(f, -EPROTO, "newer");
	base_store_le32(format, 1);
	edit(f, "meta", "format", 6, format, 4);
	assert_refused(f, -EPROTO, "older minerd");
	base_store_le32(format, 2);
	edit(f, "meta", "format", 6, format, 4);
	assert_refused(f, -EPROTO, "older minerd");
	base_store_le32(format, 0);
	edit(f, "meta", "format", 6, format, 4);
	assert_refused(f, -EBADMSG, "format");
	edit(f, "meta", "format", 6, format, 3);
	assert_refused(f, -EBADMSG, "format");
	edit(f, "meta", "format", 6, NULL, 0);
	assert_refused(f, -EBADMSG, "format");
}

static void height_index_damage_is_found(void **state)
{
	const struct fixture *f = *state;
	const uint8_t *hash = f->block[17].ctx.hash.b;

	edit_at(f, "heights", 17, NULL, 0);
	assert_refused(f, -EBADMSG, "height 17: the height index has no");
	edit_at(f, "heights", 17, hash, 31);
	assert_refused(f, -EBADMSG, "height 17: the height index has an unr");
	edit_at(f, "heights", 18, hash, 32);
	assert_refused(f, -EBADMSG, "height 18: the block has another height");
	edit_at(f, "heights", 17, f->p.name, 32);
	assert_refused(f, -EBADMSG, "height 17: the block is missing");
	edit_at(f, "heights", LENGTH + 1, hash, 32);
	assert_refused(f, -EBADMSG, "the height index goes beyond the tip");
}

static void header_table_damage_is_found(void **state)
{
	const struct fixture *f = *state;
	uint8_t header[CHAIN_HEADER_SIZE];

	memcpy(header, f->block[23].data, sizeof(header));
	edit_at(f, "headers", 23, NULL, 0);
	assert_refused(f, -EBADMSG, "height 23: the table of headers has no");
	edit_at(f, "headers", 23, header, 79);
	assert_refused(f, -EBADMSG, "height 23: the table of headers has an");
	edit_at(f, "headers", LENGTH + 1, header, sizeof(header));
	assert_refused(f, -EBADMSG, "the table of headers goes beyond");
	header[79] ^= 0x80;
	edit_at(f, "headers", 23, header, sizeof(header));
	assert_refused(f, -EBADMSG, "height 23: header and block differ");
}

/* The stored form of block @height, to be spoilt. */
static size_t stored(uint8_t *out, const struct fixture *f, uint32_t height)
{
	const struct test_block *b = &f->block[height];

	base_store_le32(out, height);
	memcpy(out + 4, b->data, b->len);
	return 4 + b->len;
}

static void block_damage_is_found(void **state)
{
	const struct fixture *f = *state;
	const uint8_t *hash = f->block[31].ctx.hash.b;
	uint8_t value[4 + CHAIN_GENESIS_MAX];
	size_t len = stored(value, f, 31);

	edit(f, "blocks", hash, 32, NULL, 0);
	assert_refused(f, -EBADMSG, "height 31: the block is missing");
	edit(f, "blocks", hash, 32, value, 83);
	assert_refused(f, -EBADMSG, "height 31: the block is unreadable");
	edit(f, "blocks", hash, 32, value, len - 1);
	assert_refused(f, -EBADMSG, "height 31: bad-blk");
	edit(f, "blocks", f->p.name, 32, value, len);
	assert_refused(f, -EBADMSG, "no height leads to block");
	edit(f, "blocks", "?", 1, value, len);
	assert_refused(f, -EBADMSG, "stray");
	base_store_le32(value, 30);
	edit(f, "blocks", hash, 32, value, len);
	assert_refused(f, -EBADMSG, "height 31: the block has another height");
	/* Every byte of a block counts. */
	for (size_t i = 4; i < len; i += 7) {
		(void)stored(value, f, 31);
		value[i] ^= 0x20;
		edit(f, "blocks", hash, 32, value, len);
		assert_refused(f, -EBADMSG, "height 31: ");
	}
	(void)stored(value, f, 32);
	base_store_le32(value, 31);
	edit(f, "blocks", hash, 32, value, 4 + f->block[32].len);
	assert_refused(f, -EBADMSG, "height 31: header and block differ");
}

/* The coin named in the message that ends with @how. */
static void assert_coin_refused(const struct fixture *f,
				const struct chain_outpoint *at,
				const char *how)
{
	char hex[BASE_HASH_HEX_SIZE], want[128];

	base_hash_to_hex(hex, &at->txid);
	(void)snprintf(want, sizeof(want), "the coin %s:%u %s", hex, at->index,
		       how);
	assert_refused(f, -EBADMSG, want);
}

static void coin_damage_is_found(void **state)
{
	const struct fixture *f = *state;
	const struct chain_change *old = f->block[MERGED].change;
	const struct chain_outpoint *spent = &f->block[0].change[1].at;
	struct chain_outpoint stray = *spent;
	uint8_t key[CHAIN_OUTPOINT_SIZE], value[CHAIN_COIN_SIZE + 1];

	chain_coin_write(value, &old->coin);
	value[CHAIN_COIN_SIZE] = 0;
	chain_outpoint_write(key, &old->at);
	edit(f, "coins", key, sizeof(key), NULL, 0);
	assert_coin_refused(f, &old->at, "is missing");
	edit(f, "coins", key, sizeof(key), value, CHAIN_COIN_SIZE + 1);
	assert_coin_refused(f, &old->at, "is not what its block made");
	edit(f, "coins", key, sizeof(key), value, CHAIN_COIN_SIZE - 1);
	assert_coin_refused(f, &old->at, "is not what its block made");
	for (size_t i = 0; i < CHAIN_COIN_SIZE; i++) {
		value[i] ^= 0x20;
		edit(f, "coins", key, sizeof(key), value, CHAIN_COIN_SIZE);
		assert_coin_refused(f, &old->at, "is not what its block made");
		value[i] ^= 0x20;
	}
	chain_outpoint_write(key, spent);
	edit(f, "coins", key, sizeof(key), value, CHAIN_COIN_SIZE);
	assert_coin_refused(f, spent, "does not exist");
	/* Before the first coin, and behind the last. */
	memset(stray.txid.b, 0, sizeof(stray.txid.b));
	chain_outpoint_write(key, &stray);
	edit(f, "coins", key, sizeof(key), value, CHAIN_COIN_SIZE);
	assert_coin_refused(f, &stray, "does not exist");
	memset(stray.txid.b, 0xff, sizeof(stray.txid.b));
	chain_outpoint_write(key, &stray);
	edit(f, "coins", key, sizeof(key), value, CHAIN_COIN_SIZE);
	assert_coin_refused(f, &stray, "does not exist");
	edit(f, "coins", key, sizeof(key) - 1, value, CHAIN_COIN_SIZE);
	assert_refused(f, -EBADMSG, "an entry that is none");
}

/* The value of the tip's run: one coin made, and room for another change. */
#define RUN_HEAD 16
#define RUN_ENTRY 40
#define RUN_COIN (RUN_HEAD + RUN_ENTRY)
#define RUN_SIZE (RUN_COIN + CHAIN_COIN_SIZE)

static void make_run(uint8_t out[RUN_SIZE], const struct fixture *f)
{
	const struct chain_change *last = f->block[LENGTH].change;

	base_store_le32(out, 1);
	base_store_le32(out + 4, 1);
	base_store_le64(out + 8, LENGTH + 2 * TEST_SPENDS);
	chain_outpoint_write(out + RUN_HEAD, &last->at);
	base_store_le32(out + RUN_COIN - 4, 0);
	chain_coin_write(out + RUN_COIN, &last->coin);
}

static void run_damage_is_found(void **state)
{
	static const char not_newest[] = "not those of the newest blocks";
	const struct fixture *f = *state;
	const struct chain_change *last = f->block[LENGTH].change;
	uint8_t run[RUN_SIZE], key[CHAIN_OUTPOINT_SIZE];
	struct base_error err = {""};
	struct chain_context tip;
	struct store *s;

	make_run(run, f);
	edit_at(f, "runs", LENGTH, run, sizeof(run));
	assert_int_equal(examine(&tip, f, &err), 0);
	edit_at(f, "runs", LENGTH, NULL, 0);
	assert_refused(f, -EBADMSG, not_newest);
	assert_int_equal(open_store(&s, f, false, &err), -EBADMSG);
	edit_at(f, "runs", LENGTH - 20, NULL, 0);
	assert_refused(f, -EBADMSG, not_newest);
	edit_at(f, "runs", LENGTH + 1, run, sizeof(run));
	assert_refused(f, -EBADMSG, not_newest);
	edit_at(f, "runs", 0, run, sizeof(run));
	assert_refused(f, -EBADMSG, not_newest);
	for (size_t len = 0; len < sizeof(run); len += 7) {
		edit_at(f, "runs", LENGTH, run, len);
		assert_refused(f, -EBADMSG, not_newest);
		assert_int_equal(open_store(&s, f, false, &err), -EBADMSG);
	}
	/* Every byte of it counts. */
	for (size_t i = 0; i < sizeof(run); i++) {
		run[i] ^= 0x20;
		edit_at(f, "runs", LENGTH, run, sizeof(run));
		assert_refused(f, -EBADMSG, "is damaged");
		run[i] ^= 0x20;
	}
	run[8]++;
	edit_at(f, "runs", LENGTH, run, sizeof(run));
	assert_refused(f, -EBADMSG, "the number of coins is wrong");
	run[8]--;
	/* A coin that was made twice, or taken and never there. */
	chain_outpoint_write(key, &last->at);
	edit(f, "coins", key, sizeof(key), run + RUN_COIN, CHAIN_COIN_SIZE);
	assert_coin_refused(f, &last->at, "does not go with its changes");
	base_store_le32(run + RUN_COIN - 4, UINT32_MAX);
	edit_at(f, "runs", LENGTH, run, sizeof(run));
	assert_coin_refused(f, &last->at, "does not go with its changes");
}

static int count_coin(void *ctx, const struct chain_outpoint *at,
		      const struct chain_coin *coin)
{
	(void)ctx;
	(void)at;
	(void)coin;
	return 0;
}

static void an_unreadable_coin_is_an_error(void **state)
{
	const struct fixture *f = *state;
	const struct chain_change *old = f->block[MERGED].change;
	uint8_t key[CHAIN_OUTPOINT_SIZE];
	struct base_error err = {""};
	struct store_reader *r;
	struct chain_coin coin;
	struct store *s;

	chain_outpoint_write(key, &old->at);
	edit(f, "coins", key, sizeof(key), "?", 1);
	assert_int_equal(open_store(&s, f, true, &err), 0);
	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(store_coin_at(&coin, r, &old->at), -EBADMSG);
	assert_int_equal(store_coins_each(r, count_coin, NULL), -EBADMSG);
	store_read_end(r);
	store_close(s);
}

static void transaction_index_damage_is_found(void **state)
{
	const struct fixture *f = *state;
	const uint8_t *txid = f->block[0].change[0].at.txid.b;
	uint8_t count[4];

	edit(f, "txs", txid, 32, "1234", 4);
	assert_refused(f, -EBADMSG, "the transaction index has a stray entry");
	base_store_le32(count, 1);
	edit(f, "meta", "indexed", 7, count, 4);
	assert_refused(f, -EBADMSG, "height 0: the transaction index is wrong");
	base_store_le32(count, LENGTH + 2);
	edit(f, "meta", "indexed", 7, count, 4);
	assert_refused(f, -EBADMSG, "the record of what is indexed is wrong");
	edit(f, "meta", "indexed", 7, count, 3);
	assert_refused(f, -EBADMSG, "the record of what is indexed is wrong");
}

static void meta_damage_is_found(void **state)
{
	const struct fixture *f = *state;
	struct chain_context ctx = f->block[LENGTH].ctx;
	uint8_t tip[CHAIN_CONTEXT_SIZE];

	edit(f, "meta", "tip", 3, NULL, 0);
	assert_refused(f, -EBADMSG, "the tip record is missing");
	memset(tip, 0xff, sizeof(tip));
	edit(f, "meta", "tip", 3, tip, sizeof(tip));
	assert_refused(f, -EBADMSG, "the tip record is unreadable");
	edit(f, "meta", "tip", 3, tip, 7);
	assert_refused(f, -EBADMSG, "the tip record is unreadable");
	ctx.tau_s++;
	chain_context_write(tip, &ctx);
	edit(f, "meta", "tip", 3, tip, sizeof(tip));
	assert_refused(f, -EBADMSG, "not what the blocks yield");
	ctx.hash.b[0] ^= 1;
	chain_context_write(tip, &ctx);
	edit(f, "meta", "tip", 3, tip, sizeof(tip));
	assert_refused(f, -EBADMSG, "the tip's block is missing");
	/* An older tip: the blocks after it belong to nothing. */
	chain_context_write(tip, &f->block[LENGTH - 1].ctx);
	edit(f, "meta", "tip", 3, tip, sizeof(tip));
	assert_refused(f, -EBADMSG, "goes beyond the tip");
	edit(f, "meta", "genesis", 7, tip, 32);
	assert_refused(f, -EBADMSG, "genesis hash");
	edit(f, "meta", "genesis", 7, NULL, 0);
	assert_refused(f, -EBADMSG, "genesis hash");
}

static void another_chain_is_refused(void **state)
{
	struct fixture *f = *state;

	spill(f->path, f->image, f->image_len);
	f->block[0].data[f->block[0].len - 1] ^= 1;
	assert_refused(f, -EBADMSG, "height 0");
	f->block[0].data[f->block[0].len - 1] ^= 1;
}

/* It says it is sound: then it is the chain that was stored, but for the last
 * block (a flipped meta page is the one before it). */
static void assert_sound(const struct fixture *f,
			 const struct chain_context *tip)
{
	assert_true(tip->height.n == LENGTH || tip->height.n == LENGTH - 1);
	assert_true(test_context_equal(tip, &f->block[tip->height.n].ctx));
}

static void a_truncated_file_is_refused(void **state)
{
	const struct fixture *f = *state;
	uint32_t refused = 0, cuts = 0;

	for (size_t len = 0; len < f->image_len; len += 1365) {
		struct base_error err = {""};
		struct chain_context tip;
		int rc;

		spill(f->path, f->image, len);
		rc = examine(&tip, f, &err);
		if (!rc)
			assert_sound(f, &tip); /* only free pages went */
		else
			assert_int_equal(rc, -EBADMSG);
		refused += rc != 0;
		cuts++;
	}
	print_message("# %u of %u cuts were felt\n", refused, cuts);
	assert_true(refused > cuts / 2);
}

/* Overwrites some bytes of @image: one, a few, or all of a page. */
static void spoil(uint8_t *image, size_t len, struct base_prng *prng)
{
	size_t page = base_prng_below(prng, len / 4096) * 4096;
	size_t at = page, count = 4096;

	switch (base_prng_below(prng, 4)) {
	case 0: /* headers and pointers are where it hurts */
		at += base_prng_below(prng, 64);
		count = 1 + base_prng_below(prng, 4);
		break;
	case 1:
		at += base_prng_below(prng, 4096);
		count = 1;
		break;
	case 2:
		at += base_prng_below(prng, 4000);
		count = 1 + base_prng_below(prng, 96);
		break;
	default:
		break;
	}
	base_prng_fill(prng, image + at, count);
}

/* Writing into it must not crash either; LMDB takes free pages then. */
static void append_to(const struct fixture *f)
{
	struct base_error err;
	struct chain_context tip;
	struct test_block next;
	struct store *s;

	if (open_store(&s, f, false, &err))
		return;
	for (int i = 0; i < 3 && store_tip(&tip, s, &err) == 0; i++) {
		if (tip.time[0] > UINT32_MAX - 5 || tip.height.n > 2 * LENGTH)
			break;
		test_next(&next, &f->p, &tip, 0);
		if (test_append(s, &next, &err))
			break;
	}
	store_close(s);
}

static void noise_never_crashes_and_never_passes(void **state)
{
	const struct fixture *f = *state;
	struct base_prng prng = base_prng_init(2);
	uint8_t *image = malloc(f->image_len);
	uint32_t refused = 0;

	assert_non_null(image);
	for (int i = 0; i < NOISE_ROUNDS; i++) {
		struct base_error err = {""};
		struct chain_context tip;
		int rc;

		memcpy(image, f->image, f->image_len);
		spoil(image, f->image_len, &prng);
		spill(f->path, image, f->image_len);
		rc = examine(&tip, f, &err);
		if (!rc)
			assert_sound(f, &tip);
		else
			assert_true(rc == -EBADMSG || rc == -EPROTO);
		refused += rc != 0;
		if (i % APPEND_EVERY == 0)
			append_to(f);
	}
	print_message("# %u of %d were refused\n", refused, NOISE_ROUNDS);
	assert_true(refused > NOISE_ROUNDS / 4);
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_noise_is_refused),
		cmocka_unit_test(an_environment_of_others_is_refused),
		cmocka_unit_test(another_format_is_refused),
		cmocka_unit_test(height_index_damage_is_found),
		cmocka_unit_test(header_table_damage_is_found),
		cmocka_unit_test(block_damage_is_found),
		cmocka_unit_test(coin_damage_is_found),
		cmocka_unit_test(run_damage_is_found),
		cmocka_unit_test(an_unreadable_coin_is_an_error),
		cmocka_unit_test(transaction_index_damage_is_found),
		cmocka_unit_test(meta_damage_is_found),
		cmocka_unit_test(another_chain_is_refused),
		cmocka_unit_test(a_truncated_file_is_refused),
		cmocka_unit_test(noise_never_crashes_and_never_passes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
