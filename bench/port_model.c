/* SPDX-License-Identifier: MIT */
#include "port_model.h"

#include <string.h>

#if defined(__x86_64__)

#include <cpuid.h>

/* The vector type of the kernels, with one lane that only counts. */
typedef unsigned vec;

#define VEC_LANES 1
#define VEC_OP static inline

/* Operations by kind since the last reset. */
static struct {
	unsigned big_sigma;
	unsigned small_sigma;
	unsigned choose;
	unsigned majority;
	unsigned other; /* additions, byte swaps, comparisons */
} ops;

VEC_OP vec vec_set(unsigned x)
{
	return x;
}

VEC_OP vec vec_add(vec x, vec y)
{
	ops.other++;
	return x + y;
}

VEC_OP vec vec_big_sigma0(vec x)
{
	ops.big_sigma++;
	return x;
}

VEC_OP vec vec_big_sigma1(vec x)
{
	ops.big_sigma++;
	return x;
}

VEC_OP vec vec_small_sigma0(vec x)
{
	ops.small_sigma++;
	return x;
}

VEC_OP vec vec_small_sigma1(vec x)
{
	ops.small_sigma++;
	return x;
}

VEC_OP vec vec_choose(vec e, vec f, vec g)
{
	ops.choose++;
	return e ^ f ^ g;
}

VEC_OP vec vec_majority(vec a, vec b, vec c, vec *bc)
{
	(void)bc;
	ops.majority++;
	return a ^ b ^ c;
}

VEC_OP vec vec_nonces(unsigned n)
{
	ops.other += 2;
	return n;
}

VEC_OP unsigned vec_at_most(vec x, unsigned top)
{
	(void)x;
	(void)top;
	ops.other += 2;
	return 0;
}

#include "pow/kernel_vec.h"

/* Ports for shifts and rotations, and for all operations together. */
struct ports {
	const char *name;
	unsigned narrow_shift, narrow_all; /* up to 256 bits */
	unsigned wide_shift, wide_all;	   /* 512 bits */
	unsigned sha_cycles;		   /* of sha256rnds2 */
};

static const struct ports intel = {
	"Intel: 512 bits: shifts on 1 port, all on 2; 256 bits: 2 and 3; "
	"sha256rnds2 every 2 cycles",
	2,
	3,
	1,
	2,
	2};
static const struct ports zen5 = {
	"AMD Zen 5: shifts on 2 ports, all on 4, 256 and 512 bits alike; "
	"sha256rnds2 every 2 cycles",
	2,
	4,
	2,
	4,
	2};
static const struct ports zen4 = {
	"AMD Zen 3 and 4: 256 bits: shifts on 2 ports, all on 4; 512 bits "
	"half of it; sha256rnds2 every cycle (Zen 4)",
	2,
	4,
	1,
	2,
	1};
static const struct ports assumed = {
	"CPU unknown, Intel's ports assumed: 512 bits: shifts on 1 port, all "
	"on 2; 256 bits: 2 and 3; sha256rnds2 every 2 cycles",
	2,
	3,
	1,
	2,
	2};

static const struct ports *ports_here(void)
{
	unsigned a, b, c, d;
	char vendor[13] = "";
	unsigned family;

	if (!__get_cpuid(0, &a, &b, &c, &d))
		return &assumed;
	memcpy(vendor, &b, 4);
	memcpy(vendor + 4, &d, 4);
	memcpy(vendor + 8, &c, 4);
	if (strcmp(vendor, "GenuineIntel") == 0)
		return &intel;
	if (strcmp(vendor, "AuthenticAMD") != 0 ||
	    !__get_cpuid(1, &a, &b, &c, &d))
		return &assumed;
	family = (a >> 8 & 0xf) + (a >> 20 & 0xff);
	return family == 0x1a ? &zen5 : family == 0x19 ? &zen4 : &assumed;
}

const char *port_model_name(void)
{
	return ports_here()->name;
}

static double vector_bound(const struct minerd_pow_backend *b,
			   uint32_t midstates)
{
	const struct ports *p = ports_here();
	bool wide = strcmp(b->name, "avx512") == 0;
	struct minerd_pow_job job;
	struct minerd_pow_hits hits;
	double shifts;
	double all;
	double by_shifts;
	double by_all;

	memset(&job, 0, sizeof(job));
	memset(&ops, 0, sizeof(ops));
	job.midstate_count = midstates;
	(void)vec_scan(&job, 0, VEC_STEP, &hits);
	if (wide) {
		shifts = 3.0 * (ops.big_sigma + ops.small_sigma);
		all = shifts + ops.big_sigma + ops.small_sigma + ops.choose +
		      ops.majority + ops.other;
	} else {
		/* No rotation, no logic of three operands. */
		shifts = 6.0 * ops.big_sigma + 5.0 * ops.small_sigma;
		all = shifts + 5.0 * ops.big_sigma + 4.0 * ops.small_sigma +
		      3.0 * (ops.choose + ops.majority) + ops.other;
	}
	by_shifts = shifts / (wide ? p->wide_shift : p->narrow_shift);
	by_all = all / (wide ? p->wide_all : p->narrow_all);
	/* The count was of VEC_STEP vectors, each of b->lanes lanes. */
	return (by_shifts > by_all ? by_shifts : by_all) /
	       ((double)VEC_STEP * b->lanes * midstates);
}

/* Three hashes by the SHA extensions beside one of AVX-512VL's lanes, which
 * make the words of all. Known where sha256rnds2 takes a port for a cycle. */
static double mixed_bound(void)
{
	const struct ports *p = ports_here();
	/* Of 8 lanes: words 18 to 61 with their constants, 16 and 17. */
	double words = 44 * 14 + 5 + 6 + 2;
	/* Rounds; words, made pairs, and the digest. */
	double sha = 62 + (words + 46 + 8 + 16 + 16) / 8.0;
	/* 120 rounds, words, and the digest. */
	double lane = (120 * 16 + words + 16) / 8.0;

	if (p->sha_cycles != 1)
		return 0;
	return (3 * sha + lane) / 4 / p->narrow_all;
}

double port_model_bound(const struct minerd_pow_backend *b, uint32_t midstates)
{
	if (strcmp(b->name, "mixed") == 0)
		return mixed_bound();
	/* Rounds 2 to 63 of the first hash, 0 to 61 of the second. */
	if (strcmp(b->name, "shani") == 0)
		return 62.0 * ports_here()->sha_cycles;
	if (strcmp(b->name, "sse41") == 0 || strcmp(b->name, "avx2") == 0 ||
	    strcmp(b->name, "avx512") == 0)
		return vector_bound(b, midstates);
	return 0;
}

#else

const char *port_model_name(void)
{
	return "none for this architecture";
}

double port_model_bound(const struct minerd_pow_backend *b, uint32_t midstates)
{
	(void)b;
	(void)midstates;
	return 0;
}

#endif
