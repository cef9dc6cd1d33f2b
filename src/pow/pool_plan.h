/* SPDX-License-Identifier: MIT */
/*
 * pool_plan.h: which worker goes to which CPU, as a pure function.
 *
 * No hwloc, no system call: the topology comes in as a table (pool_topo.h
 * reads it from hwloc), so that machines nobody owns can be tested.
 */
#ifndef POW_POOL_PLAN_H
#define POW_POOL_PLAN_H

#include "base/types.h"

#define POW_CPUS_MAX 1024 /* CPUs of one machine */
#define POW_WORKERS_MAX 1024

/* One hardware thread. */
struct pow_cpu {
	uint32_t os_index;   /* as in /proc/cpuinfo; < POW_CPUS_MAX */
	uint32_t core;	     /* machine-wide number of its physical core */
	uint32_t package;    /* machine-wide number of its socket */
	uint32_t numa;	     /* number of its NUMA node, as Linux has it */
			     /* all three < POW_CPUS_MAX */
	uint32_t efficiency; /* hwloc CPU kind: higher is faster; 0 if one */
	bool allowed;	     /* in the process's cpuset */
};

struct pow_topo {
	uint32_t cpu_count;		  /* 1..POW_CPUS_MAX */
	struct pow_cpu cpu[POW_CPUS_MAX]; /* ascending os_index */
	/* Whole CPUs of the cgroup's quota, rounded up; 0 is no quota. */
	uint32_t quota;
};

struct pow_plan_request {
	uint32_t threads; /* 0: one for each usable CPU */
	bool affinity_set;
	/* Bit os_index: CPUs that workers may use; when affinity_set. */
	uint64_t affinity[POW_CPUS_MAX / 64];
};

struct pow_plan {
	uint32_t worker_count;
	uint32_t cpu[POW_WORKERS_MAX]; /* os_index of each worker */
	uint32_t numa[POW_WORKERS_MAX];
	/* CPUs for the net and consensus threads: away from the workers'
	 * cores when one is to spare, else service_shared is set and the
	 * service CPUs are all those of the cpuset. */
	uint64_t service[POW_CPUS_MAX / 64];
	bool service_shared;
	uint32_t usable;     /* CPUs in cpuset and affinity, capped by quota */
	bool oversubscribed; /* threads > usable */
};

/*
 * Order of workers: one per physical core before any sibling, among those
 * faster cores first, spread over packages and NUMA nodes in turn;
 * deterministic. Threads beyond a quota go to CPUs of their own while there
 * are any; more threads than CPUs start over from the first CPU.
 * 0; -EINVAL: no CPU is both allowed and in the affinity mask, or
 * request->threads > POW_WORKERS_MAX; @out is untouched then.
 */
BASE_MUST_CHECK int pow_plan_make(struct pow_plan *out,
				  const struct pow_topo *topo,
				  const struct pow_plan_request *request);

#endif
