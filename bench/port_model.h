/* SPDX-License-Identifier: MIT */
/*
 * port_model.h: the fewest cycles a kernel can take, from its operations and
 * the execution ports of the CPU.
 *
 * The operations are counted by running the kernels' own source over numbers
 * that count (port_model.c). An operation needs a port for one cycle; shifts
 * and rotations have fewer ports than the rest. Loads, stores and the front
 * end are assumed to keep up: the bound is one from below.
 */
#ifndef BENCH_PORT_MODEL_H
#define BENCH_PORT_MODEL_H

#include "minerd/pow_backend.h"

/* Which model applies to this CPU, for people. */
const char *port_model_name(void);

/* Core cycles per hash of built-in backend @b with @midstates per job; 0
 * when there is no model of it. */
double port_model_bound(const struct minerd_pow_backend *b, uint32_t midstates);

#endif
