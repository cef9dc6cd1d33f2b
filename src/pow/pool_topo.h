/* SPDX-License-Identifier: MIT */
/*
 * pool_topo.h: reads a machine's topology through hwloc.
 *
 * Floor 4. Main thread, at start.
 */
#ifndef POW_POOL_TOPO_H
#define POW_POOL_TOPO_H

#include "base/error.h"
#include "pow/pool_plan.h"

/*
 * Fills @out from this machine (@source NULL, with cpuset and the cgroup v2
 * or v1 CPU quota), from an hwloc synthetic description ("package:2 ..."),
 * or from an hwloc XML file (@source contains ".xml").
 * 0; -EIO: hwloc refused it; -E2BIG: more than POW_CPUS_MAX CPUs.
 */
BASE_MUST_CHECK int pow_topo_read(struct pow_topo *out, const char *source,
				  struct base_error *err);

#endif
