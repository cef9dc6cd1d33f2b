/* SPDX-License-Identifier: MIT */
#include "node/parse.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "net/addr.h"

/* Takes digits off *@text; fails on none and on overflow. */
static int take_u64(uint64_t *out, const char **text)
{
	const char *p = *text;
	uint64_t v = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -EINVAL;
	*out = v;
	*text = p;
	return 0;
}

int node_parse_u64(uint64_t *out, const char *text, uint64_t least,
		   uint64_t most)
{
	uint64_t v;

	if (take_u64(&v, &text) < 0 || *text || v < least || v > most)
		return -EINVAL;
	*out = v;
	return 0;
}

int node_parse_size(uint64_t *out, const char *text, uint64_t least,
		    uint64_t most)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	uint64_t v;

	if (take_u64(&v, &text) < 0)
		return -EINVAL;
	suffix = *text ? strchr(suffixes, *text) : NULL;
	if (suffix) {
		uint64_t unit = UINT64_C(1024) << 10 * (suffix - suffixes);

		if (__builtin_mul_overflow(v, unit, &v))
			return -EINVAL;
		text++;
	}
	if (*text || v < least || v > most)
		return -EINVAL;
	*out = v;
	return 0;
}

static void set_bit(uint64_t *bits, uint64_t n)
{
	bits[n / 64] |= UINT64_C(1) << n % 64;
}

int node_parse_list(uint64_t *bits, uint32_t count, const char *text)
{
	const char *p = text;

	/* Two passes: look first, so that failure leaves @bits untouched. */
	for (int pass = 0; pass < 2; pass++) {
		p = text;
		for (;;) {
			uint64_t first;
			uint64_t last;

			if (take_u64(&first, &p) < 0)
				return -EINVAL;
			last = first;
			if (*p == '-') {
				p++;
				if (take_u64(&last, &p) < 0)
					return -EINVAL;
			}
			if (first > last || last >= count)
				return -EINVAL;
			for (uint64_t n = first; pass == 1 && n <= last; n++)
				set_bit(bits, n);
			if (*p != ',')
				break;
			p++;
		}
		if (*p)
			return -EINVAL;
	}
	return 0;
}

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

int node_parse_mask(uint64_t *bits, uint32_t count, const char *text)
{
	size_t len = strlen(text);
	bool any = false;

	if (len == 0 || len > count / 4)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (hex_value(text[i]) < 0)
			return -EINVAL;
		any |= hex_value(text[i]) != 0;
	}
	if (!any)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		size_t at = 4 * (len - 1 - i);

		bits[at / 64] |= (uint64_t)hex_value(text[i]) << at % 64;
	}
	return 0;
}

static int parse_address(uint8_t out[static 16], const char *text)
{
	static const uint8_t none[16];
	char number[NET_ADDR_TEXT_MAX];
	char with_port[NET_ADDR_TEXT_MAX + 8];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct net_addr a;
	bool v6;

	if (len == 0 || len >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	v6 = strchr(number, ':') != NULL;
	if (slash && strcmp(slash, v6 ? "/128" : "/32") != 0)
		return -EINVAL;
	(void)snprintf(with_port, sizeof(with_port), v6 ? "[%s]:0" : "%s:0",
		       number);
	if (net_addr_parse(&a, with_port) < 0 ||
	    memcmp(a.ip, none, sizeof(none)) == 0)
		return -EINVAL;
	memcpy(out, a.ip, sizeof(a.ip));
	return 0;
}

int node_parse_ban(struct net_ban *out, const char *text)
{
	struct net_ban ban = {.until_s = 0};

	if (base_from_hex(ban.id, sizeof(ban.id), text) < 0 &&
	    parse_address(ban.address, text) < 0)
		return -EINVAL;
	*out = ban;
	return 0;
}

size_t node_edit_distance(const char *a, const char *b)
{
	size_t row[NODE_EDIT_MAX + 1];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (a_len > NODE_EDIT_MAX || b_len > NODE_EDIT_MAX)
		return NODE_EDIT_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t least =
				row[j] < row[j - 1] ? row[j] : row[j - 1];

			diagonal = row[j];
			row[j] = change < least + 1 ? change : least + 1;
		}
	}
	return row[b_len];
}

bool node_is_nearer(size_t *distance, const char *name, const char *candidate)
{
	size_t d = node_edit_distance(name, candidate);

	if (d >= *distance || d > 1 + strlen(candidate) / 2)
		return false;
	*distance = d;
	return true;
}

int node_parse_endpoint(struct net_endpoint *out, const char *text)
{
	const char *at = strchr(text, '@');
	char id[2 * NET_ID_SIZE + 1];
	char host[NET_ENDPOINT_MAX];
	struct net_endpoint e;
	uint16_t port;

	if (!at || at - text != 2 * NET_ID_SIZE ||
	    strlen(at + 1) >= sizeof(e.address))
		return -EINVAL;
	memcpy(id, text, sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	if (base_from_hex(e.id, sizeof(e.id), id) < 0 ||
	    net_addr_split(host, &port, at + 1) < 0 || port == 0)
		return -EINVAL;
	(void)strcpy(e.address, at + 1);
	*out = e;
	return 0;
}
