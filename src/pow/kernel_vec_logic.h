/* SPDX-License-Identifier: MIT */
/*
 * kernel_vec_logic.h: SHA-256's functions where the CPU has neither a
 * rotation nor ternary logic.
 *
 * Floor 1, pure, private. Made of vec_xor, vec_and, vec_left and vec_right of
 * the including kernel; defines what kernel_vec.h asks for.
 */
#ifndef POW_KERNEL_VEC_LOGIC_H
#define POW_KERNEL_VEC_LOGIC_H

/* A sigma is an exclusive or of shifts, two to a rotation: one after the
 * other, so that few registers are live. */
VEC_OP vec vec_big_sigma0(vec x)
{
	vec y = vec_right(x, 2);

	y = vec_xor(y, vec_left(x, 30));
	y = vec_xor(y, vec_right(x, 13));
	y = vec_xor(y, vec_left(x, 19));
	y = vec_xor(y, vec_right(x, 22));
	y = vec_xor(y, vec_left(x, 10));
	return y;
}

VEC_OP vec vec_big_sigma1(vec x)
{
	vec y = vec_right(x, 6);

	y = vec_xor(y, vec_left(x, 26));
	y = vec_xor(y, vec_right(x, 11));
	y = vec_xor(y, vec_left(x, 21));
	y = vec_xor(y, vec_right(x, 25));
	y = vec_xor(y, vec_left(x, 7));
	return y;
}

VEC_OP vec vec_small_sigma0(vec x)
{
	vec y = vec_right(x, 7);

	y = vec_xor(y, vec_left(x, 25));
	y = vec_xor(y, vec_right(x, 18));
	y = vec_xor(y, vec_left(x, 14));
	y = vec_xor(y, vec_right(x, 3));
	return y;
}

VEC_OP vec vec_small_sigma1(vec x)
{
	vec y = vec_right(x, 17);

	y = vec_xor(y, vec_left(x, 15));
	y = vec_xor(y, vec_right(x, 19));
	y = vec_xor(y, vec_left(x, 13));
	y = vec_xor(y, vec_right(x, 10));
	return y;
}

VEC_OP vec vec_choose(vec e, vec f, vec g)
{
	return vec_xor(vec_and(vec_xor(f, g), e), g);
}

/* b, unless a and c agree against it: three operations, one of which is the
 * next round's b ^ c. */
VEC_OP vec vec_majority(vec a, vec b, vec c, vec *bc)
{
	vec ab = vec_xor(a, b);
	vec result = vec_xor(vec_and(ab, *bc), b);

	(void)c;
	*bc = ab;
	return result;
}

#endif
