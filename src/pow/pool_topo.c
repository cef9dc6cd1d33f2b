/* SPDX-License-Identifier: MIT */
#include "pow/pool_topo.h"

#include "pow/pool_quota.h"

#include <errno.h>
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>

/* The ancestor of that type by hwloc's logical number, or @otherwise where
 * hwloc knows of none. */
static uint32_t ancestor(hwloc_topology_t t, hwloc_obj_t pu,
			 hwloc_obj_type_t type, uint32_t otherwise)
{
	hwloc_obj_t o = hwloc_get_ancestor_obj_by_type(t, type, pu);

	return o ? o->logical_index : otherwise;
}

/* The first memory that is local to @pu; further ones (high-bandwidth,
 * persistent) come after it and are not what first touch uses. */
static uint32_t numa_of(hwloc_topology_t t, hwloc_obj_t pu)
{
	hwloc_obj_t node = NULL;

	while ((node = hwloc_get_next_obj_by_type(t, HWLOC_OBJ_NUMANODE,
						  node)) != NULL) {
		if (hwloc_bitmap_isset(node->cpuset, pu->os_index))
			return node->os_index;
	}
	return 0;
}

static uint32_t efficiency_of(hwloc_topology_t t, hwloc_obj_t pu)
{
	int kind = hwloc_cpukinds_get_by_cpuset(t, pu->cpuset, 0);
	int efficiency = -1;

	if (kind < 0 || hwloc_cpukinds_get_info(t, (unsigned)kind, NULL,
						&efficiency, NULL, NULL, 0) < 0)
		return 0;
	return efficiency > 0 ? (uint32_t)efficiency : 0;
}

static bool fits(const struct pow_cpu *cpu)
{
	return cpu->os_index < POW_CPUS_MAX && cpu->core < POW_CPUS_MAX &&
	       cpu->package < POW_CPUS_MAX && cpu->numa < POW_CPUS_MAX;
}

static int by_os_index(const void *a, const void *b)
{
	const struct pow_cpu *x = a;
	const struct pow_cpu *y = b;

	return (x->os_index > y->os_index) - (x->os_index < y->os_index);
}

static int read_cpus(struct pow_topo *out, hwloc_topology_t t,
		     hwloc_const_cpuset_t allowed, struct base_error *err)
{
	hwloc_obj_t pu = NULL;

	while ((pu = hwloc_get_next_obj_by_type(t, HWLOC_OBJ_PU, pu)) != NULL) {
		struct pow_cpu cpu = {
			.os_index = pu->os_index,
			.core = ancestor(t, pu, HWLOC_OBJ_CORE,
					 pu->logical_index),
			.package = ancestor(t, pu, HWLOC_OBJ_PACKAGE, 0),
			.numa = numa_of(t, pu),
			.efficiency = efficiency_of(t, pu),
			.allowed = hwloc_bitmap_isset(allowed, pu->os_index),
		};

		if (out->cpu_count == POW_CPUS_MAX || !fits(&cpu))
			return base_fail(err, -E2BIG,
					 "the topology has more than %d CPUs; "
					 "restrict minerd to fewer (taskset)",
					 POW_CPUS_MAX);
		out->cpu[out->cpu_count++] = cpu;
	}
	if (out->cpu_count == 0)
		return base_fail(err, -EIO, "hwloc found no CPU");
	qsort(out->cpu, out->cpu_count, sizeof(out->cpu[0]), by_os_index);
	return 0;
}

static int load(hwloc_topology_t t, const char *source, struct base_error *err)
{
	int failed = 0;

	/* Disallowed CPUs stay in the table, marked, for people to see. */
	failed |= hwloc_topology_set_flags(
		t, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
	if (source && strstr(source, ".xml"))
		failed |= hwloc_topology_set_xml(t, source);
	else if (source)
		failed |= hwloc_topology_set_synthetic(t, source);
	if (failed || hwloc_topology_load(t))
		return base_fail(err, -EIO, "hwloc cannot read %s: %s",
				 source ? source : "this machine's topology",
				 strerror(errno));
	return 0;
}

static int read_topology(struct pow_topo *out, hwloc_topology_t t,
			 hwloc_bitmap_t allowed, const char *source,
			 struct base_error *err)
{
	int rc = load(t, source, err);

	if (rc)
		return rc;
	/* On this machine what the process may run on (taskset) counts; it
	 * lies within the cpuset. */
	if (!hwloc_topology_is_thissystem(t) ||
	    hwloc_get_cpubind(t, allowed, HWLOC_CPUBIND_THREAD) < 0)
		rc = hwloc_bitmap_copy(allowed,
				       hwloc_topology_get_allowed_cpuset(t));
	if (rc)
		return base_fail(err, -EIO, "hwloc: out of memory");
	return read_cpus(out, t, allowed, err);
}

int pow_topo_read(struct pow_topo *out, const char *source,
		  struct base_error *err)
{
	hwloc_bitmap_t allowed = hwloc_bitmap_alloc();
	struct pow_topo topo = {0};
	hwloc_topology_t t;
	int rc;

	if (!allowed || hwloc_topology_init(&t)) {
		hwloc_bitmap_free(allowed);
		return base_fail(err, -EIO, "hwloc: out of memory");
	}
	rc = read_topology(&topo, t, allowed, source, err);
	hwloc_topology_destroy(t);
	hwloc_bitmap_free(allowed);
	if (rc)
		return rc;
	if (!source)
		topo.quota = pow_quota_read("");
	*out = topo;
	return 0;
}
