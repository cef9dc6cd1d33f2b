/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "pow/pool_quota.h"
#include "pow/pool_topo.h"

#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

static struct pow_topo topo;
static struct base_error err;

static void expect_counts(uint32_t cpus, uint32_t cores, uint32_t packages,
			  uint32_t nodes)
{
	uint32_t core = 0, package = 0, node = 0;

	assert_int_equal(topo.cpu_count, cpus);
	for (uint32_t i = 0; i < cpus; i++) {
		const struct pow_cpu *c = &topo.cpu[i];

		assert_int_equal(c->os_index, i);
		core = c->core >= core ? c->core + 1 : core;
		package = c->package >= package ? c->package + 1 : package;
		node = c->numa >= node ? c->numa + 1 : node;
	}
	assert_int_equal(core, cores);
	assert_int_equal(package, packages);
	assert_int_equal(node, nodes);
}

static void synthetic_machines(void **state)
{
	static const struct {
		const char *source;
		uint32_t cpus, cores, packages, nodes;
	} machines[] = {
		{"package:1 core:1 pu:1", 1, 1, 1, 1},
		{"package:1 core:2 pu:1", 2, 2, 1, 1},
		{"package:1 core:8 pu:2", 16, 8, 1, 1},
		{"package:2 [numa] core:64 pu:2", 256, 128, 2, 2},
		{"package:2 numa:2 core:4 pu:1", 16, 16, 2, 4},
		{"package:2 core:256 pu:2", 1024, 512, 2, 1},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(machines); i++) {
		assert_int_equal(pow_topo_read(&topo, machines[i].source, &err),
				 0);
		expect_counts(machines[i].cpus, machines[i].cores,
			      machines[i].packages, machines[i].nodes);
		assert_int_equal(topo.quota, 0);
		for (uint32_t c = 0; c < topo.cpu_count; c++) {
			assert_true(topo.cpu[c].allowed);
			assert_int_equal(topo.cpu[c].efficiency, 0);
		}
	}
}

static void what_hwloc_refuses(void **state)
{
	(void)state;
	topo.cpu_count = 77;
	err.text[0] = '\0';
	assert_int_equal(pow_topo_read(&topo, "nonsense", &err), -EIO);
	assert_non_null(strstr(err.text, "nonsense"));
	err.text[0] = '\0';
	assert_int_equal(pow_topo_read(&topo, "/nowhere/at-all.xml", &err),
			 -EIO);
	assert_non_null(strstr(err.text, "at-all.xml"));
	assert_int_equal(pow_topo_read(&topo, "package:2 core:512 pu:2", &err),
			 -E2BIG);
	assert_int_equal(topo.cpu_count, 77);
}

/* Exports a synthetic machine whose CPUs 0..3 are fast cores of two threads,
 * 4..7 slow ones, and where CPU 5 is not ours to use. */
static void write_hybrid_xml(const char *path)
{
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	hwloc_topology_t t;

	assert_int_equal(hwloc_topology_init(&t), 0);
	assert_int_equal(hwloc_topology_set_flags(
				 t, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED),
			 0);
	assert_int_equal(hwloc_topology_set_synthetic(t, "core:4 pu:2"), 0);
	assert_int_equal(hwloc_topology_load(t), 0);
	hwloc_bitmap_set_range(set, 0, 3);
	assert_int_equal(hwloc_cpukinds_register(t, set, 20, 0, NULL, 0), 0);
	hwloc_bitmap_zero(set);
	hwloc_bitmap_set_range(set, 4, 7);
	assert_int_equal(hwloc_cpukinds_register(t, set, 10, 0, NULL, 0), 0);
	hwloc_bitmap_set_range(set, 0, 7);
	hwloc_bitmap_clr(set, 5);
	assert_int_equal(
		hwloc_topology_allow(t, set, NULL, HWLOC_ALLOW_FLAG_CUSTOM), 0);
	assert_int_equal(hwloc_topology_export_xml(t, path, 0), 0);
	hwloc_topology_destroy(t);
	hwloc_bitmap_free(set);
}

static void xml_with_kinds_and_a_cpuset(void **state)
{
	static struct pow_plan plan;
	const struct pow_plan_request all = {0};
	static const uint32_t want[] = {0, 2, 4, 6, 1, 3, 7};
	char path[64];

	(void)state;
	(void)snprintf(path, sizeof(path), "/tmp/test_pool_topo-%d.xml",
		       (int)getpid());
	write_hybrid_xml(path);
	assert_int_equal(pow_topo_read(&topo, path, &err), 0);
	assert_int_equal(unlink(path), 0);
	expect_counts(8, 4, 1, 1);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(topo.cpu[i].efficiency, i < 4);
		assert_int_equal(topo.cpu[i].allowed, i != 5);
	}
	assert_int_equal(pow_plan_make(&plan, &topo, &all), 0);
	assert_int_equal(plan.worker_count, BASE_COUNT(want));
	for (uint32_t i = 0; i < BASE_COUNT(want); i++)
		assert_int_equal(plan.cpu[i], want[i]);
}

static void this_machine(void **state)
{
	cpu_set_t old, one;
	uint32_t allowed = 0;
	size_t first = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(old), &old), 0);
	while (first < CPU_SETSIZE - 1 && !CPU_ISSET(first, &old))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(pow_topo_read(&topo, NULL, &err), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(old), &old), 0);
	for (uint32_t i = 0; i < topo.cpu_count; i++) {
		if (!topo.cpu[i].allowed)
			continue;
		assert_int_equal(topo.cpu[i].os_index, first);
		allowed++;
	}
	assert_int_equal(allowed, 1);
}

/* A directory that plays the root of a file system. */
static char root[64];

static void put(const char *path, const char *text)
{
	char full[256];
	FILE *f;

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(full, 0700);
		*p = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void drop(const char *path)
{
	char full[256];

	(void)snprintf(full, sizeof(full), "%s%s", root, path);
	assert_int_equal(remove(full), 0);
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test_pool_topo-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static void quota_of_version_2(void **state)
{
	(void)state;
	assert_int_equal(pow_quota_read(root), 0); /* no files at all */
	put("/proc/self/cgroup", "0::/a/b\n");
	put("/proc/self/mountinfo",
	    "22 27 0:21 / /proc rw - proc proc rw\n"
	    "41 31 0:38 / /cg rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
	assert_int_equal(pow_quota_read(root), 0);
	put("/cg/a/b/cpu.max", "max 100000\n");
	assert_int_equal(pow_quota_read(root), 0);
	put("/cg/a/b/cpu.max", "250000 100000\n");
	assert_int_equal(pow_quota_read(root), 3);
	put("/cg/a/cpu.max", "150000 100000\n"); /* an ancestor is tighter */
	assert_int_equal(pow_quota_read(root), 2);
	put("/cg/a/cpu.max", "900000 100000\n"); /* or wider */
	assert_int_equal(pow_quota_read(root), 3);
	put("/cg/cpu.max", "1000 100000\n");
	assert_int_equal(pow_quota_read(root), 1);
	drop("/cg/cpu.max");
	/* A container: the host's path is out of sight, its root is not. */
	put("/cg/cpu.max", "400000 100000\n");
	put("/proc/self/cgroup", "0::/../../elsewhere\n");
	assert_int_equal(pow_quota_read(root), 4);
	put("/cg/cpu.max", "garbage");
	assert_int_equal(pow_quota_read(root), 0);
	put("/cg/cpu.max", "100000 0\n");
	assert_int_equal(pow_quota_read(root), 0);
	drop("/cg/cpu.max");
	drop("/cg/a/cpu.max");
	drop("/cg/a/b/cpu.max");
	drop("/cg/a/b");
	drop("/cg/a");
	drop("/cg");
}

static void quota_of_version_1(void **state)
{
	(void)state;
	put("/proc/self/cgroup",
	    "5:cpuset:/x\n4:cpu,cpuacct:/docker/c1/s\n2:memory:/y\n0::/\n");
	/* As a container sees it: its own cgroup is the mount's root. */
	put("/proc/self/mountinfo",
	    "32 31 0:29 /docker/c1 /cg/cpu,cpuacct rw - cgroup cgroup "
	    "rw,cpu,cpuacct\n"
	    "33 31 0:30 /docker/c1 /cg/cpuset rw - cgroup cgroup rw,cpuset\n");
	put("/cg/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
	put("/cg/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	assert_int_equal(pow_quota_read(root), 0);
	put("/cg/cpu,cpuacct/cpu.cfs_quota_us", "500001\n");
	assert_int_equal(pow_quota_read(root), 6);
	put("/cg/cpu,cpuacct/s/cpu.cfs_quota_us", "40000\n");
	assert_int_equal(pow_quota_read(root), 6); /* no period: no quota */
	put("/cg/cpu,cpuacct/s/cpu.cfs_period_us", "20000\n");
	assert_int_equal(pow_quota_read(root), 2);
	drop("/cg/cpu,cpuacct/s/cpu.cfs_quota_us");
	drop("/cg/cpu,cpuacct/s/cpu.cfs_period_us");
	drop("/cg/cpu,cpuacct/s");
	drop("/cg/cpu,cpuacct/cpu.cfs_quota_us");
	drop("/cg/cpu,cpuacct/cpu.cfs_period_us");
	drop("/cg/cpu,cpuacct");
	drop("/cg");
}

static int remove_root(void **state)
{
	(void)state;
	drop("/proc/self/cgroup");
	drop("/proc/self/mountinfo");
	drop("/proc/self");
	drop("/proc");
	return remove(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(synthetic_machines),
		cmocka_unit_test(what_hwloc_refuses),
		cmocka_unit_test(xml_with_kinds_and_a_cpuset),
		cmocka_unit_test(this_machine),
		cmocka_unit_test(quota_of_version_2),
		cmocka_unit_test(quota_of_version_1),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
