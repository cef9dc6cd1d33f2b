/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/types.h"
#include "pow/pool_plan.h"

#include <errno.h>

/* Tables are large for a stack. */
static struct pow_topo topo;
static struct pow_plan plan;

static const struct pow_plan_request all;

/* The usual numbering of servers: first threads of all cores, package by
 * package, then their siblings. One NUMA node a package. */
static void make_server(uint32_t packages, uint32_t cores, uint32_t threads)
{
	uint32_t n = 0;

	memset(&topo, 0, sizeof(topo));
	for (uint32_t t = 0; t < threads; t++) {
		for (uint32_t c = 0; c < packages * cores; c++, n++) {
			topo.cpu[n] = (struct pow_cpu){
				.os_index = n,
				.core = c,
				.package = c / cores,
				.numa = c / cores,
				.allowed = true,
			};
		}
	}
	topo.cpu_count = n;
}

/* Two fast cores of two threads (CPUs 0..3, neighbours are siblings) and
 * four slow ones (4..7). */
static void make_hybrid(void)
{
	make_server(1, 8, 1);
	for (uint32_t i = 0; i < 4; i++) {
		topo.cpu[i].core = i / 2;
		topo.cpu[i].efficiency = 1;
		topo.cpu[4 + i].core = 2 + i;
	}
}

static void set_bit(uint64_t *set, uint32_t bit)
{
	set[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void expect_cpus(const uint32_t *cpus, uint32_t count)
{
	assert_int_equal(plan.worker_count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(plan.cpu[i], cpus[i]);
}

#define EXPECT_CPUS(...)                             \
	expect_cpus((const uint32_t[]){__VA_ARGS__}, \
		    sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void one_cpu(void **state)
{
	(void)state;
	make_server(1, 1, 1);
	assert_int_equal(pow_plan_make(&plan, &topo, &all), 0);
	EXPECT_CPUS(0);
	assert_int_equal(plan.usable, 1);
	assert_false(plan.oversubscribed);
	assert_true(plan.service_shared);
	assert_true(plan.service[0] == 1);
}

static void two_cores_and_a_spare_one(void **state)
{
	struct pow_plan_request one = {.threads = 1};

	(void)state;
	make_server(1, 2, 1);
	assert_int_equal(pow_plan_make(&plan, &topo, &all), 0);
	EXPECT_CPUS(0, 1);
	assert_true(plan.service_shared);
	assert_true(plan.service[0] == 3);

	assert_int_equal(pow_plan_make(&plan, &topo, &one), 0);
	EXPECT_CPUS(0);
	assert_int_equal(plan.usable, 2);
	assert_false(plan.service_shared);
	assert_true(plan.service[0] == 2);
}

static void a_sibling_is_no_spare_core(void **state)
{
	struct pow_plan_request one = {.threads = 1};

	(void)state;
	make_server(1, 1, 2);
	assert_int_equal(pow_plan_make(&plan, &topo, &one), 0);
	EXPECT_CPUS(0);
	assert_true(plan.service_shared);
	assert_true(plan.service[0] == 3);
}

static void packages_take_turns_and_siblings_come_last(void **state)
{
	struct pow_plan_request six = {.threads = 6};

	(void)state;
	make_server(2, 4, 2);
	assert_int_equal(pow_plan_make(&plan, &topo, &all), 0);
	EXPECT_CPUS(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(plan.numa[i], i % 2);
	assert_true(plan.service_shared);

	assert_int_equal(pow_plan_make(&plan, &topo, &six), 0);
	EXPECT_CPUS(0, 4, 1, 5, 2, 6);
	assert_false(plan.service_shared);
	assert_true(plan.service[0] == 0x8888); /* cores 3 and 7 */
}

static void numa_nodes_of_a_package_take_turns(void **state)
{
	(void)state;
	make_server(2, 4, 1);
	for (uint32_t i = 0; i < 8; i++)
		topo.cpu[i].numa = i / 2;
	assert_int_equal(pow_plan_make(&plan, &topo, &all), 0);
	EXPECT_CPUS(0, 4, 2, 6, 1, 5, 3, 7);
}

static void faster_cores_come_first(void **state)
{
	struct pow_plan_request three = {.threads = 3};

	(void)state;
	make_hybrid();
	assert_int_equal(pow_plan_make(&plan, &topo, &all), 0);
	EXPECT_CPUS(0, 2, 4, 5, 6, 7, 1, 3);

	assert_int_equal(pow_plan_make(&plan, &topo, &three), 0);
	EXPECT_CPUS(0, 2, 4);
	assert_false(plan.service_shared);
	assert_true(plan.service[0] == 0xe0);
}

static void only_cpus_of_the_cpuset(void **state)
{
	(void)state;
	make_server(2, 4, 2);
	for (uint32_t i = 0; i < 16; i++)
		topo.cpu[i].allowed = i >= 9 && i <= 12;
	assert_int_equal(pow_plan_make(&plan, &topo, &all), 0);
	EXPECT_CPUS(9, 12, 10, 11);
	assert_int_equal(plan.usable, 4);
	assert_true(plan.service_shared);
	assert_true(plan.service[0] == 0x1e00);
}

static void only_cpus_of_the_affinity_mask(void **state)
{
	struct pow_plan_request request = {.affinity_set = true};

	(void)state;
	make_server(2, 4, 2);
	topo.cpu[7].allowed = false;
	topo.cpu[15].allowed = false;
	set_bit(request.affinity, 1);
	set_bit(request.affinity, 7);
	set_bit(request.affinity, 9);
	set_bit(request.affinity, 12);
	assert_int_equal(pow_plan_make(&plan, &topo, &request), 0);
	EXPECT_CPUS(1, 12, 9);
	assert_int_equal(plan.usable, 3);
	/* Everything allowed but cores 1 (1, 9) and 4 (4, 12). */
	assert_false(plan.service_shared);
	assert_true(plan.service[0] == 0x6d6d);
}

static void a_quota_caps_the_default(void **state)
{
	struct pow_plan_request four = {.threads = 4};

	(void)state;
	make_server(2, 4, 2);
	topo.quota = 3;
	assert_int_equal(pow_plan_make(&plan, &topo, &all), 0);
	EXPECT_CPUS(0, 4, 1);
	assert_int_equal(plan.usable, 3);
	assert_false(plan.oversubscribed);

	assert_int_equal(pow_plan_make(&plan, &topo, &four), 0);
	EXPECT_CPUS(0, 4, 1, 5);
	assert_int_equal(plan.usable, 3);
	assert_true(plan.oversubscribed);

	topo.quota = 100;
	assert_int_equal(pow_plan_make(&plan, &topo, &all), 0);
	assert_int_equal(plan.usable, 16);
}

static void too_many_threads_start_over(void **state)
{
	struct pow_plan_request request = {.threads = 5};

	(void)state;
	make_server(1, 2, 1);
	assert_int_equal(pow_plan_make(&plan, &topo, &request), 0);
	EXPECT_CPUS(0, 1, 0, 1, 0);
	assert_int_equal(plan.usable, 2);
	assert_true(plan.oversubscribed);
	assert_true(plan.service_shared);
	request.threads = POW_WORKERS_MAX;
	assert_int_equal(pow_plan_make(&plan, &topo, &request), 0);
	assert_int_equal(plan.worker_count, POW_WORKERS_MAX);
}

static void impossible_requests_leave_the_plan_alone(void **state)
{
	struct pow_plan_request request = {.threads = POW_WORKERS_MAX + 1};
	static struct pow_plan before;

	(void)state;
	make_server(1, 2, 1);
	memset(&plan, 0x5a, sizeof(plan));
	before = plan;
	assert_int_equal(pow_plan_make(&plan, &topo, &request), -EINVAL);
	request = (struct pow_plan_request){.affinity_set = true};
	set_bit(request.affinity, 2);
	assert_int_equal(pow_plan_make(&plan, &topo, &request), -EINVAL);
	topo.cpu[0].allowed = topo.cpu[1].allowed = false;
	assert_int_equal(pow_plan_make(&plan, &topo, &all), -EINVAL);
	assert_memory_equal(&plan, &before, sizeof(plan));
}

/* What every plan without oversubscription keeps, at every prefix. */
static void check_properties(void)
{
	static uint8_t core_uses[POW_CPUS_MAX], cpu_uses[POW_CPUS_MAX];
	uint32_t packages[2] = {0};
	uint32_t cores = 0;

	memset(core_uses, 0, sizeof(core_uses));
	memset(cpu_uses, 0, sizeof(cpu_uses));
	for (uint32_t i = 0; i < plan.worker_count; i++) {
		const struct pow_cpu *cpu = &topo.cpu[plan.cpu[i]];

		assert_int_equal(cpu->os_index, plan.cpu[i]);
		assert_int_equal(cpu_uses[plan.cpu[i]]++, 0);
		if (core_uses[cpu->core]++ == 0)
			assert_int_equal(cores++, i); /* cores come first */
		packages[cpu->package]++;
		assert_in_range(packages[0] - packages[1] + 1, 0, 2);
	}
}

static void two_large_packages(void **state)
{
	(void)state;
	make_server(2, 64, 2);
	for (uint32_t n = 0; n <= 256; n++) {
		struct pow_plan_request request = {.threads = n};
		uint32_t service = 0;

		assert_int_equal(pow_plan_make(&plan, &topo, &request), 0);
		assert_int_equal(plan.worker_count, n ? n : 256);
		assert_false(plan.oversubscribed);
		check_properties();
		for (uint32_t i = 0; i < POW_CPUS_MAX / 64; i++)
			service +=
				(uint32_t)__builtin_popcountll(plan.service[i]);
		assert_int_equal(plan.service_shared, n == 0 || n >= 128);
		assert_int_equal(service,
				 plan.service_shared ? 256 : 256 - 2 * n);
	}
}

static void the_largest_machine(void **state)
{
	(void)state;
	make_server(2, 256, 2);
	assert_int_equal(topo.cpu_count, POW_CPUS_MAX);
	assert_int_equal(pow_plan_make(&plan, &topo, &all), 0);
	assert_int_equal(plan.worker_count, POW_WORKERS_MAX);
	check_properties();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cpu),
		cmocka_unit_test(two_cores_and_a_spare_one),
		cmocka_unit_test(a_sibling_is_no_spare_core),
		cmocka_unit_test(packages_take_turns_and_siblings_come_last),
		cmocka_unit_test(numa_nodes_of_a_package_take_turns),
		cmocka_unit_test(faster_cores_come_first),
		cmocka_unit_test(only_cpus_of_the_cpuset),
		cmocka_unit_test(only_cpus_of_the_affinity_mask),
		cmocka_unit_test(a_quota_caps_the_default),
		cmocka_unit_test(too_many_threads_start_over),
		cmocka_unit_test(impossible_requests_leave_the_plan_alone),
		cmocka_unit_test(two_large_packages),
		cmocka_unit_test(the_largest_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
