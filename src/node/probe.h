/* SPDX-License-Identifier: MIT */
/*
 * probe.h: how late this machine runs who wants to run.
 *
 * Floor 5; any thread. A virtual machine can lose its processor for some
 * tenths of a second whatever its priority; a network whose delta is shorter
 * than that cannot agree (consensus.md, Clock).
 */
#ifndef NODE_PROBE_H
#define NODE_PROBE_H

#include "base/types.h"

#define NODE_PROBE_MS 2000u
#define NODE_PROBE_TIMES 4u /* delta is so many times the worst lateness */
#define NODE_PROBE_STEP_MS 250u

/* Sleeps again and again for @ms; the most that it woke too late, in
 * milliseconds, rounded up. */
uint32_t node_probe_lateness(uint32_t ms);

/* The delta for a machine so late: NODE_PROBE_TIMES @late_ms, rounded up to
 * steps of NODE_PROBE_STEP_MS, at least one; at most CHAIN_DELTA_MAX_MS. */
uint32_t node_probe_delta(uint32_t late_ms);

#endif
