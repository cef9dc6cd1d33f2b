/* SPDX-License-Identifier: MIT */
#include "api/decimal.h"

#include <errno.h>

#define FIXED_MAX INT64_C(1000000000000000000) /* 10^18 */
#define FIXED_DIGITS_MAX 64		       /* of each part */

/* A decimal number being read: @mantissa * 10^@exponent, the mantissa without
 * zeros at its end; @zeros of them wait for a digit behind them. */
struct fixed {
	int64_t mantissa;
	int exponent;
	int zeros;
};

/* Digits of the whole or of the fraction; how many, or -EINVAL. */
static int fixed_digits(struct fixed *f, const char **text)
{
	int count = 0;

	for (; **text >= '0' && **text <= '9'; (*text)++, count++) {
		if (count > FIXED_DIGITS_MAX)
			return -EINVAL;
		if (**text == '0') {
			f->zeros++;
			continue;
		}
		for (; f->zeros >= 0; f->zeros--) {
			if (f->mantissa >= FIXED_MAX / 10)
				return -EINVAL;
			f->mantissa *= 10;
		}
		f->zeros = 0;
		f->mantissa += **text - '0';
	}
	return count;
}

static int fixed_exponent(int *out, const char **text)
{
	bool negative = **text == '-';
	int n = 0;

	if (negative || **text == '+')
		(*text)++;
	if (**text < '0' || **text > '9')
		return -EINVAL;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		n = 10 * n + (**text - '0');
		if (n > FIXED_DIGITS_MAX)
			return -EINVAL;
	}
	*out = negative ? -n : n;
	return 0;
}

static int fixed_value(int64_t *out, const struct fixed *f, int shift)
{
	int64_t v = f->mantissa;

	if (v == 0)
		shift = 0;
	if (shift < 0)
		return -EINVAL;
	for (; shift > 0; shift--) {
		if (v >= FIXED_MAX / 10)
			return -EINVAL;
		v *= 10;
	}
	*out = v;
	return 0;
}

int api_decimal_parse(int64_t *out, const char *text, unsigned decimals)
{
	struct fixed f = {0};
	bool negative = *text == '-';
	int exponent = 0;
	int fraction = 0;
	int digits;
	int64_t v;
	int rc;

	text += negative;
	if (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
		return -EINVAL;
	digits = fixed_digits(&f, &text);
	if (digits > 0 && *text == '.') {
		text++;
		digits = fraction = fixed_digits(&f, &text);
	}
	if (digits <= 0)
		return digits < 0 ? digits : -EINVAL;
	if (*text == 'e' || *text == 'E') {
		text++;
		if (fixed_exponent(&exponent, &text) < 0)
			return -EINVAL;
	}
	if (*text)
		return -EINVAL;
	rc = fixed_value(&v, &f, f.zeros - fraction + exponent + (int)decimals);
	if (rc == 0)
		*out = negative ? -v : v;
	return rc;
}
