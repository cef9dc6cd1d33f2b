/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "folder.h"

#include "consensus/ds.h"
#include "node/bip86.h"
#include "node/datadir.h"
#include "node/network_file.h"
#include "node/network_make.h"
#include "node/probe.h"
#include "pow/target.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const struct node_network_wish plain = {
	.name = "test",
	.genesis_time_ms = UINT64_C(1700000000123),
	.faults = 1,
	.delta_ms = 250,
	.spacing_s = 5,
	.hps = 1000000,
};

static void make_member(struct chain_member *m, uint32_t i)
{
	uint8_t secret[NODE_SECRET_SIZE] = {0};

	memset(m, 0, sizeof(*m));
	secret[NODE_SECRET_SIZE - 1] = (uint8_t)(i + 1);
	(void)snprintf(m->name, sizeof(m->name), "m%u", i);
	(void)snprintf(m->address, sizeof(m->address), "10.0.0.%u:%u", i + 1,
		       7000 + i);
	assert_int_equal(node_xonly_public(m->signing_key, secret), 0);
	memset(m->node_id, (int)(0xf0 - i), sizeof(m->node_id));
}

static struct chain_params *make_params(uint32_t n)
{
	struct chain_params *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->member_count = n;
	for (uint32_t i = 0; i < n; i++)
		make_member(&p->member[i], i);
	return p;
}

/* Every order of four members makes the same bytes, in order of names. */
static void order_does_not_matter(void **state)
{
	struct base_error err;
	char *first = NULL;
	uint32_t orders = 0;

	(void)state;
	for (uint32_t code = 0; code < 256; code++) {
		const uint32_t at[4] = {code & 3, code >> 2 & 3, code >> 4 & 3,
					code >> 6};
		struct chain_params *p;
		char *text;

		if ((1u << at[0] | 1u << at[1] | 1u << at[2] | 1u << at[3]) !=
		    0xf)
			continue;
		p = make_params(4);
		for (uint32_t i = 0; i < 4; i++)
			make_member(&p->member[i], at[i]);
		assert_int_equal(node_network_make(p, &plain, &err), 0);
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(p->member[i].name[1], '0' + i);
		text = node_network_text(p);
		assert_non_null(text);
		if (!first)
			first = strdup(text);
		assert_string_equal(text, first);
		free(text);
		free(p);
		orders++;
	}
	assert_int_equal(orders, 24);
	free(first);
}

/* For every size the bodies in flight fit, and one byte more does not. */
static void blocks_in_flight_fit(void **state)
{
	static const struct {
		uint32_t n;
		uint32_t f;
	} sizes[] = {{1, 0},   {4, 1},	 {7, 2},   {16, 5}, {25, 8},
		     {64, 21}, {64, 31}, {64, 63}, {2, 1}};
	struct base_error err;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
		struct chain_params *p = make_params(sizes[i].n);
		struct node_network_wish wish = plain;
		uint64_t slots = 2 * sizes[i].n * (sizes[i].f + 1 + 4);
		uint32_t most = node_block_bytes_most(sizes[i].n, sizes[i].f);

		wish.faults = sizes[i].f;
		assert_int_equal(node_network_make(p, &wish, &err), 0);
		assert_true(slots * p->max_block_bytes <= DS_BODIES_MAX_BYTES);
		assert_true(slots * (most + UINT64_C(1)) > DS_BODIES_MAX_BYTES);
		assert_true(p->max_block_bytes == CHAIN_BLOCK_BYTES_DEFAULT ||
			    p->max_block_bytes == most);
		if (most < CHAIN_BLOCK_BYTES_MAX) {
			wish.max_block_bytes = most;
			assert_int_equal(node_network_make(p, &wish, &err), 0);
			wish.max_block_bytes = most + 1;
			assert_int_equal(node_network_make(p, &wish, &err),
					 -EINVAL);
			assert_non_null(strstr(err.text, "max_block_bytes"));
			assert_non_null(strstr(err.text, "256 MiB"));
		}
		free(p);
	}
}

static void bad_wishes(void **state)
{
	struct chain_params *p = make_params(4);
	struct node_network_wish wish = plain;
	struct base_error err;

	(void)state;
	wish.faults = 4;
	assert_int_equal(node_network_make(p, &wish, &err), -EINVAL);
	assert_non_null(strstr(err.text, "f=4"));
	assert_non_null(strstr(err.text, "0 to 3"));
	wish = plain;
	wish.name = "Capital";
	assert_int_equal(node_network_make(p, &wish, &err), -EINVAL);
	wish.name = "a-name-of-more-than-thirty-two-characters";
	assert_int_equal(node_network_make(p, &wish, &err), -EINVAL);
	wish = plain;
	p->member_count = 0;
	assert_int_equal(node_network_make(p, &wish, &err), -EINVAL);
	p->member_count = CHAIN_MEMBERS_MAX + 1;
	assert_int_equal(node_network_make(p, &wish, &err), -EINVAL);
	assert_non_null(strstr(err.text, "1 to 64"));
	free(p);
}

static void difficulty_follows_the_rate(void **state)
{
	const uint64_t rates[] = {1, 1000000, UINT64_MAX};
	struct chain_params *p = make_params(1);
	struct node_network_wish wish = plain;
	struct base_u256 last;
	struct base_error err;

	(void)state;
	wish.faults = 0;
	for (size_t i = 0; i < BASE_COUNT(rates); i++) {
		struct base_u256 target;

		wish.hps = rates[i];
		assert_int_equal(node_network_make(p, &wish, &err), 0);
		assert_int_equal(pow_target_from_bits(&target, p->genesis_bits),
				 0);
		if (i > 0)
			assert_true(base_u256_compare(&target, &last) < 0);
		last = target;
	}
	free(p);
}

static void spacings_are_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(node_spacing(5, 1, 250), 3);
	assert_int_equal(node_spacing(10, 0, 500), 5);
	assert_int_equal(node_spacing(5, 0, 1), 1);
	assert_int_equal(node_spacing(10, 63, 3600000), 86400);
}

static void delta_by_lateness(void **state)
{
	(void)state;
	assert_int_equal(node_probe_delta(0), 250);
	assert_int_equal(node_probe_delta(62), 250);
	assert_int_equal(node_probe_delta(63), 500);
	assert_int_equal(node_probe_delta(300), 1250);
	assert_int_equal(node_probe_delta(UINT32_MAX), 3600000);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* What is written is read back; each thing that may be wrong is named. */
static void descriptors(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"name\": \"m0\"}",
		"{\"name\": \"M\", \"address\": \"a:1\", \"node_id\": \"\"}",
	};
	char folder[] = "/tmp/minerd-descriptor-XXXXXX";
	char path[sizeof(folder) + 16];
	struct chain_member m;
	struct chain_member back;
	struct base_error err;
	char *text;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/m.json", folder);
	assert_int_equal(node_descriptor_load(&back, path, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	make_member(&m, 3);
	text = node_descriptor_text(&m);
	assert_non_null(text);
	write_text(path, text);
	assert_int_equal(node_descriptor_load(&back, path, &err), 0);
	assert_memory_equal(&m, &back, sizeof(m));
	free(text);
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		write_text(path, bad[i]);
		assert_int_equal(node_descriptor_load(&back, path, &err),
				 -EBADMSG);
		assert_non_null(strstr(err.text, path));
	}
	memset(m.signing_key, 0xff, sizeof(m.signing_key));
	text = node_descriptor_text(&m);
	assert_non_null(text);
	write_text(path, text);
	assert_int_equal(node_descriptor_load(&back, path, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "signing_key"));
	free(text);
	assert_int_equal(test_remove_folder(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_does_not_matter),
		cmocka_unit_test(blocks_in_flight_fit),
		cmocka_unit_test(bad_wishes),
		cmocka_unit_test(difficulty_follows_the_rate),
		cmocka_unit_test(spacings_are_rounded_up),
		cmocka_unit_test(delta_by_lateness),
		cmocka_unit_test(descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
