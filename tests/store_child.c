/* SPDX-License-Identifier: MIT */
/*
 * store_child DIR COUNT: appends COUNT blocks to the store in DIR (making
 * it first), each height printed after its commit. For tests/
 * test_store_faults.c, under fault_preload.c.
 *
 * An append that fails prints "failed ERRNO", shows that the tip is as it
 * was, and is tried again once. Exit status: 0 done; 3 failed twice, or the
 * store could not be opened; 1 something was wrong.
 */
#include "store_blocks.h"

#include <errno.h>

static int wrong(const char *what, const struct base_error *err)
{
	(void)fprintf(stderr, "store_child: %s: %s\n", what, err->text);
	return 1;
}

/* After a failed append: the store says what it said before. */
static int check_unchanged(struct store *s, const struct chain_context *before,
			   struct base_error *err)
{
	struct chain_context tip;
	int rc = store_tip(&tip, s, err);

	if (!before)
		return rc == -ENODATA ? 0 : -1;
	return !rc && base_hash_equal(&tip.hash, &before->hash) ? 0 : -1;
}

static int append(struct store *s, const struct test_block *b,
		  const struct chain_context *before)
{
	struct base_error err = {""};
	int rc = 0;

	for (int try = 0; try < 2; try++) {
		if (before)
			rc = test_append(s, b, &err);
		else
			rc = test_init_chain(s, b, &err);
		if (!rc)
			break;
		(void)printf("failed %d\n", -rc);
		(void)fflush(stdout);
		if (rc != -ENOSPC && rc != -EIO)
			return wrong("append", &err);
		if (check_unchanged(s, before, &err))
			return wrong("the tip after a failure", &err);
	}
	if (rc)
		return 3;
	(void)printf("%u\n", b->ctx.height.n);
	(void)fflush(stdout);
	return 0;
}

static int run(struct store *s, uint32_t count)
{
	struct chain_params p = test_params();
	struct chain_context before;
	struct base_error err;
	struct test_block b;
	int rc = store_tip(&before, s, &err);

	if (rc == -ENODATA) {
		test_genesis(&b, &p);
		rc = append(s, &b, NULL);
		before = b.ctx;
	}
	if (rc)
		return rc > 0 ? rc : wrong("store_tip", &err);
	for (uint32_t i = 0; i < count && !rc; i++) {
		test_next(&b, &p, &before, 0);
		rc = append(s, &b, &before);
		before = b.ctx;
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct store_options options = {.map_bytes = 1u << 20};
	struct base_error err;
	struct store *s;
	int rc;

	if (argc != 3)
		return 2;
	options.dir = argv[1];
	rc = store_open(&s, &options, &err);
	if (rc) {
		(void)printf("failed %d\n", -rc);
		(void)fflush(stdout);
		if (rc == -ENOSPC || rc == -EIO)
			return 3;
		return wrong("store_open", &err);
	}
	rc = run(s, (uint32_t)strtoul(argv[2], NULL, 10));
	store_close(s);
	return rc;
}
