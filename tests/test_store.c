/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "store_fixture.h"

#define CHAIN_LENGTH 300 /* enough for pages to split several times */
#define WALKS 200

#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#endif

static int open_fails(const struct fixture *f, bool read_only)
{
	struct store_options options = {
		.dir = f->dir, .map_bytes = MAP, .read_only = read_only};
	struct base_error err = {""};
	struct store *s = NULL;
	int rc = store_open(&s, &options, &err);

	assert_null(s);
	assert_true(rc < 0);
	assert_true(strlen(err.text) > 20);
	return rc;
}

static void a_new_store_is_empty(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct chain_context tip;
	struct base_error err = {""};
	struct test_block b;

	assert_int_equal(store_tip(&tip, s, &err), -ENODATA);
	assert_int_equal(verify(s, f, &err), -ENODATA);
	test_next(&b, &f->p, &f->genesis.ctx, 0);
	assert_int_equal(test_append(s, &b, &err), -EINVAL);
	assert_int_equal(test_append(s, &f->genesis, &err), -EINVAL);
	assert_int_equal(test_init_chain(s, &b, &err), -EINVAL);
	assert_int_equal(store_tip(&tip, s, &err), -ENODATA);
	store_close(s);
}

static void the_default_map_fits(void **state)
{
#ifdef THREAD_SANITIZER
	(void)state;
	print_message("# ThreadSanitizer leaves no room for 1 TiB\n");
	skip();
#else
	const struct fixture *f = *state;
	struct store *s = open_with(f, 0, false);
	struct test_block b;

	init(s, f);
	grow(s, f, 1, &b);
	assert_tip(s, &b.ctx);
	store_close(s);
#endif
}

static void blocks_come_back_after_reopening(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct chain_context ctx = f->genesis.ctx;
	struct base_error err = {""};
	struct test_block last;
	struct store_reader *r;

	init(s, f);
	assert_int_equal(verify(s, f, &err), 0);
	grow(s, f, CHAIN_LENGTH, &last);
	store_close(s);
	s = open_with(f, MAP, false);
	assert_tip(s, &last.ctx);
	assert_int_equal(verify(s, f, &err), 0);
	assert_int_equal(store_read_begin(&r, s, &err), 0);
	for (uint32_t h = 1; h <= CHAIN_LENGTH; h++) {
		struct base_height height = {h}, found;
		struct base_hash hash;
		struct test_block want;
		const uint8_t *block;
		size_t len;

		test_next(&want, &f->p, &ctx, 0);
		ctx = want.ctx;
		assert_int_equal(store_block_at(&block, &len, r, height), 0);
		assert_int_equal(len, want.len);
		assert_memory_equal(block, want.data, len);
		assert_int_equal(store_hash_at(&hash, r, height), 0);
		assert_true(base_hash_equal(&hash, &ctx.hash));
		assert_int_equal(store_height_of(&found, r, &hash), 0);
		assert_int_equal(found.n, h);
	}
	store_read_end(r);
	store_close(s);
}

static void what_is_not_there_is_said_so(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct base_height height = {77};
	struct base_hash hash = {{9}};
	struct base_error err = {""};
	const uint8_t *block = NULL;
	struct store_reader *r;
	size_t len = 5;

	init(s, f);
	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(
		store_block_at(&block, &len, r, (struct base_height){1}),
		-ENOENT);
	assert_null(block);
	assert_int_equal(len, 5);
	assert_int_equal(store_hash_at(&hash, r, (struct base_height){1}),
			 -ENOENT);
	assert_int_equal(hash.b[0], 9);
	assert_int_equal(store_height_of(&height, r, &hash), -ENOENT);
	assert_int_equal(height.n, 77);
	store_read_end(r);
	store_close(s);
}

static void only_the_next_block_is_taken(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct test_block one, two, other, three;
	struct chain_context lie;
	struct base_error err = {""};

	init(s, f);
	grow(s, f, 1, &one);
	grow(s, f, 1, &two);
	test_next(&other, &f->p, &one.ctx, 1);
	test_next(&three, &f->p, &two.ctx, 0);
	/* again; a brother; genesis; the right block with a wrong context */
	assert_int_equal(test_append(s, &two, &err), -EINVAL);
	assert_int_equal(test_append(s, &other, &err), -EINVAL);
	assert_int_equal(test_init_chain(s, &f->genesis, &err), -EINVAL);
	lie = three.ctx;
	lie.height.n++;
	assert_int_equal(
		test_append_as(s, &three, three.data, three.len, &lie, &err),
		-EINVAL);
	lie = three.ctx;
	lie.hash.b[3] ^= 1;
	assert_int_equal(
		test_append_as(s, &three, three.data, three.len, &lie, &err),
		-EINVAL);
	assert_int_equal(
		test_append_as(s, &three, three.data, 79, &three.ctx, &err),
		-EINVAL);
	assert_tip(s, &two.ctx);
	assert_int_equal(test_append(s, &three, &err), 0);
	assert_int_equal(verify(s, f, &err), 0);
	store_close(s);
}

static void a_full_map_is_a_full_disk(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, 192 << 10, false);
	struct chain_context tip;
	struct base_error err = {""};
	struct test_block b;
	int rc = 0;

	init(s, f);
	tip = f->genesis.ctx;
	for (int i = 0; i < 1000 && !rc; i++) {
		test_next(&b, &f->p, &tip, 0);
		rc = test_append(s, &b, &err);
		if (!rc)
			tip = b.ctx;
	}
	assert_int_equal(rc, -ENOSPC);
	assert_non_null(strstr(err.text, "--db-map"));
	assert_true(tip.height.n > 10);
	assert_tip(s, &tip);
	assert_int_equal(verify(s, f, &err), 0);
	store_close(s);
	/* A map smaller than the store: full, but still readable. */
	s = open_with(f, 16 << 10, false);
	assert_int_equal(test_append(s, &b, &err), -ENOSPC);
	assert_tip(s, &tip);
	store_close(s);
	s = open_with(f, 1 << 20, false);
	assert_int_equal(test_append(s, &b, &err), 0);
	assert_int_equal(verify(s, f, &err), 0);
	store_close(s);
}

static bool exists(const struct fixture *f, const char *name)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return access(path, F_OK) == 0;
}

static int entries_in(const char *folder)
{
	DIR *dir = opendir(folder);
	int n = -2; /* itself and its parent */

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static void read_only_makes_nothing(void **state)
{
	const struct fixture *f = *state;
	struct base_error err = {""};
	struct test_block last;
	struct store *s, *reader;
	char path[4096];

	assert_int_equal(open_fails(f, true), -ENOENT);
	assert_false(exists(f, "data.mdb"));
	assert_false(exists(f, "lock.mdb"));
	assert_false(exists(f, "creating"));
	s = open_with(f, MAP, false);
	init(s, f);
	grow(s, f, 3, &last);
	store_close(s);
	(void)snprintf(path, sizeof(path), "%s/lock.mdb", f->dir);
	assert_int_equal(unlink(path), 0);
	reader = open_with(f, MAP, true);
	assert_tip(reader, &last.ctx);
	assert_int_equal(verify(reader, f, &err), 0);
	assert_int_equal(entries_in(f->dir), 1); /* what it verified in went */
	store_close(reader);
}

static void what_cannot_be_opened_is_refused(void **state)
{
	struct fixture f = *(struct fixture *)*state;
	char *dir = f.dir;
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/nowhere", dir);
	f.dir = path;
	assert_int_equal(open_fails(&f, false), -ENOENT);
	f.dir = dir;
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(open_fails(&f, false), -EBADMSG);
	assert_int_equal(rmdir(path), 0);
	if (geteuid() == 0) {
		print_message("# root may read everything\n");
		return;
	}
	store_close(open_with(&f, MAP, false));
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(open_fails(&f, false), -EACCES);
	assert_int_equal(open_fails(&f, true), -EACCES);
}

static void readers_are_bounded(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct store_reader *r[STORE_READERS_MAX], *more = NULL;
	struct base_error err = {""};
	struct chain_context tip;

	init(s, f);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < STORE_READERS_MAX; i++)
			assert_int_equal(store_read_begin(&r[i], s, &err), 0);
		assert_int_equal(store_read_begin(&more, s, &err), -EBUSY);
		assert_null(more);
		assert_non_null(strstr(err.text, "readers"));
		/* The store's own reads have their place. */
		assert_int_equal(store_tip(&tip, s, &err), 0);
		for (int i = 0; i < STORE_READERS_MAX; i++)
			store_read_end(r[i]);
	}
	store_close(s);
}

static void a_reader_keeps_its_snapshot(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct store_reader *before, *after;
	struct base_error err = {""};
	struct base_height height = {1};
	const uint8_t *block;
	struct test_block b;
	size_t len;

	init(s, f);
	assert_int_equal(store_read_begin(&before, s, &err), 0);
	grow(s, f, 20, &b);
	assert_int_equal(store_read_begin(&after, s, &err), 0);
	assert_int_equal(store_block_at(&block, &len, before, height), -ENOENT);
	assert_int_equal(store_block_at(&block, &len, after, height), 0);
	store_read_end(before);
	store_read_end(after);
	store_close(s);
}

struct walker {
	struct store *s;
	int broken;
};

/* Reads the newest chain there is, from another thread than the writer's. */
static void *walk(void *arg)
{
	struct walker *w = arg;

	for (int i = 0; i < WALKS; i++) {
		struct base_height h = {0};
		struct base_error err;
		struct store_reader *r;
		const uint8_t *block;
		size_t len;

		if (store_read_begin(&r, w->s, &err)) {
			w->broken++;
			continue;
		}
		while (store_block_at(&block, &len, r, h) == 0) {
			struct chain_header header;
			struct base_hash hash, want;

			chain_header_read(&header, block);
			chain_header_hash(&hash, &header);
			if (store_hash_at(&want, r, h) ||
			    !base_hash_equal(&hash, &want))
				w->broken++;
			h.n++;
		}
		if (h.n == 0)
			w->broken++;
		store_read_end(r);
	}
	return NULL;
}

static void threads_read_while_one_appends(void **state)
{
	const struct fixture *f = *state;
	struct walker w[2] = {{0}};
	pthread_t thread[2];
	struct base_error err = {""};
	struct store *s = open_with(f, MAP, false);
	struct test_block b;

	init(s, f);
	for (int i = 0; i < 2; i++) {
		w[i].s = s;
		assert_int_equal(pthread_create(&thread[i], NULL, walk, &w[i]),
				 0);
	}
	grow(s, f, 100, &b);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(w[i].broken, 0);
	}
	assert_int_equal(verify(s, f, &err), 0);
	store_close(s);
}

static void large_blocks_come_back(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	size_t len = 3u << 20;
	uint8_t *big = calloc(1, len);
	struct base_error err = {""};
	struct store_reader *r;
	struct test_block b;
	const uint8_t *block;
	size_t found;

	assert_non_null(big);
	init(s, f);
	/* The store does not look beyond the header. */
	test_next(&b, &f->p, &f->genesis.ctx, 0);
	memcpy(big, b.data, b.len);
	big[len - 1] = 0x5a;
	assert_int_equal(test_append_as(s, &b, big, len, &b.ctx, &err), 0);
	store_close(s);
	s = open_with(f, MAP, false);
	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(
		store_block_at(&block, &found, r, (struct base_height){1}), 0);
	assert_int_equal(found, len);
	assert_memory_equal(block, big, len);
	store_read_end(r);
	assert_int_equal(verify(s, f, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "height 1"));
	store_close(s);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_store_is_empty),
		TEST(the_default_map_fits),
		TEST(blocks_come_back_after_reopening),
		TEST(what_is_not_there_is_said_so),
		TEST(only_the_next_block_is_taken),
		TEST(a_full_map_is_a_full_disk),
		TEST(read_only_makes_nothing),
		TEST(what_cannot_be_opened_is_refused),
		TEST(readers_are_bounded),
		TEST(a_reader_keeps_its_snapshot),
		TEST(threads_read_while_one_appends),
		TEST(large_blocks_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
