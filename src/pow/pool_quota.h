/* SPDX-License-Identifier: MIT */
/*
 * pool_quota.h: how many CPUs' worth of time the cgroups grant.
 *
 * Floor 4 (reads files). Main thread, at start.
 *
 * Reads cpu.max (cgroup v2) and cpu.cfs_quota_us over cpu.cfs_period_us
 * (v1) of the process's own cgroup and of all its ancestors that are
 * visible; the smallest counts. Sources: Linux, cgroup-v2.rst and
 * scheduler/sched-bwc.rst; proc(5) for the two tables that lead there.
 */
#ifndef POW_POOL_QUOTA_H
#define POW_POOL_QUOTA_H

#include "base/types.h"

/* Whole CPUs, rounded up; 0: no quota, or none that can be read. @root is
 * put before every path: "" for this machine, a directory for tests. */
uint32_t pow_quota_read(const char *root);

#endif
