/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <time.h>

#include "base/bytes.h"
#include "node/console_internal.h"
#include "node/parse.h"

#define BLOCKS_SHOWN 10
#define TXS_SHOWN 20

static const char *text_of(const json_t *in, const char *key)
{
	const char *text = json_string_value(json_object_get(in, key));

	return text ? text : "";
}

static long long number_of(const json_t *in, const char *key)
{
	return (long long)json_number_value(json_object_get(in, key));
}

static double real_of(const json_t *in, const char *key)
{
	return json_number_value(json_object_get(in, key));
}

/* How long ago that Unix time was. */
static void age_text(char out[static NODE_CONSOLE_TEXT_MAX], long long at)
{
	double age = (double)(time(NULL) - at);

	node_console_time_text(out, age < 0 ? 0 : age);
	(void)strcat(out, " ago");
}

static void show_peer(const struct node_console *c, const json_t *p)
{
	const char *member = text_of(p, "member");
	const char *access = text_of(p, "chainaccess");
	const double ping = real_of(p, "pingtime");
	char time[32] = "";

	if (ping > 0)
		(void)snprintf(time, sizeof(time), ", %.1f ms", 1000 * ping);
	node_console_say(
		c, NODE_PLAIN, "%-12.12s %s %s, at height %lld when %s%s%s%s",
		*member ? member : text_of(p, "nodeid"), text_of(p, "addr"),
		text_of(p, "mode"), number_of(p, "startingheight"),
		json_is_true(json_object_get(p, "inbound")) ? "it came to us"
							    : "we went there",
		time, *access ? ", access " : "", access);
}

void node_console_peers(struct node_console *c, char **piece)
{
	json_t *peers = node_console_call(c, "getpeerinfo", NULL);
	json_t *p;
	size_t i;

	(void)piece;
	json_array_foreach(peers, i, p)
	{
		show_peer(c, p);
	}
	if (peers && json_array_size(peers) == 0)
		node_console_say(c, NODE_PLAIN, "nobody is connected");
	json_decref(peers);
}

/* The block at @height, as getblock with @verbosity; NULL: it was said. */
static json_t *block_at(struct node_console *c, long long height, int verbosity)
{
	json_t *hash = node_console_call(c, "getblockhash",
					 json_pack("[I]", (json_int_t)height));

	if (!hash)
		return NULL;
	return node_console_call(c, "getblock",
				 json_pack("[o,i]", hash, verbosity));
}

void node_console_chain(struct node_console *c, char **piece)
{
	json_t *top = node_console_call(c, "getblockcount", NULL);
	long long height = (long long)json_integer_value(top);
	const int digits = c->columns > 76 ? 40 : c->columns > 40 ? 12 : 6;

	(void)piece;
	for (int i = 0; top && i < BLOCKS_SHOWN && height >= 0; i++) {
		json_t *b = block_at(c, height--, 1);
		char age[NODE_CONSOLE_TEXT_MAX];

		if (!b)
			break;
		age_text(age, number_of(b, "time"));
		/* The leading zeros of all hashes are alike. */
		node_console_say(c, NODE_PLAIN, "%7lld ..%s %3lld tx, %s",
				 number_of(b, "height"),
				 text_of(b, "hash") + 64 - digits,
				 number_of(b, "nTx"), age);
		json_decref(b);
	}
	json_decref(top);
}

static double output_sum(const json_t *tx)
{
	double sum = 0;
	json_t *out;
	size_t i;

	json_array_foreach(json_object_get(tx, "vout"), i, out)
	{
		sum += real_of(out, "value");
	}
	return sum;
}

static void show_txs(const struct node_console *c, const json_t *b)
{
	const json_t *txs = json_object_get(b, "tx");
	json_t *tx;
	size_t i;

	json_array_foreach(txs, i, tx)
	{
		if (i == TXS_SHOWN) {
			node_console_say(c, NODE_DIM, "and %zu more",
					 json_array_size(txs) - i);
			return;
		}
		node_console_say(c, NODE_PLAIN, "%s pays %.8f%s",
				 text_of(tx, "txid"), output_sum(tx),
				 i == 0 ? " (coinbase)" : "");
	}
}

void node_console_block(struct node_console *c, char **piece)
{
	const char *which = piece[0];
	char age[NODE_CONSOLE_TEXT_MAX];
	uint64_t height;
	json_t *b;

	if (strlen(which) < 64) {
		if (node_parse_u64(&height, which, 0, UINT32_MAX) < 0) {
			node_console_say(c, NODE_RED,
					 "'%.70s' is neither a height nor the "
					 "64 hex digits of a hash",
					 which);
			return;
		}
		b = block_at(c, (long long)height, 2);
	} else {
		b = node_console_call(c, "getblock",
				      json_pack("[s,i]", which, 2));
	}
	if (!b)
		return;
	age_text(age, number_of(b, "time"));
	node_console_say(c, NODE_BOLD, "block %lld", number_of(b, "height"));
	node_console_say(c, NODE_PLAIN, "hash  %s", text_of(b, "hash"));
	node_console_say(c, NODE_PLAIN, "after %s",
			 text_of(b, "previousblockhash"));
	node_console_say(c, NODE_PLAIN,
			 "%s, %lld confirmations, difficulty %.6g, %lld bytes",
			 age, number_of(b, "confirmations"),
			 real_of(b, "difficulty"), number_of(b, "size"));
	show_txs(c, b);
	json_decref(b);
}

void node_console_pool(struct node_console *c, char **piece)
{
	json_t *info = node_console_call(c, "getmempoolinfo", NULL);
	json_t *pool = info ? node_console_call(c, "getrawmempool",
						json_pack("[b]", 1))
			    : NULL;
	const char *txid;
	json_t *e;
	int shown = 0;

	(void)piece;
	if (pool)
		node_console_say(c, NODE_BOLD, "%zu waiting, %lld bytes",
				 json_object_size(pool),
				 number_of(info, "bytes"));
	json_object_foreach(pool, txid, e)
	{
		if (shown++ == TXS_SHOWN) {
			node_console_say(c, NODE_DIM, "and %zu more",
					 json_object_size(pool) - TXS_SHOWN);
			break;
		}
		node_console_say(c, NODE_PLAIN, "%s %lld vbytes, fee %.8f%s%s",
				 txid, number_of(e, "vsize"),
				 real_of(json_object_get(e, "fees"), "base"),
				 json_is_true(json_object_get(e, "pinned"))
					 ? ", pinned"
					 : "",
				 json_is_true(json_object_get(e, "excluded"))
					 ? ", excluded"
					 : "");
	}
	json_decref(pool);
	json_decref(info);
}

void node_console_hashrate(struct node_console *c, char **piece)
{
	json_t *m = node_console_call(c, "getmininginfo", NULL);
	char own[NODE_CONSOLE_TEXT_MAX];
	char all[NODE_CONSOLE_TEXT_MAX];

	(void)piece;
	if (!m)
		return;
	node_console_rate_text(own, real_of(m, "hashespersec"));
	node_console_rate_text(all, real_of(m, "networkhashps"));
	if (number_of(m, "threads") == 0)
		node_console_say(c, NODE_PLAIN,
				 "this node does not mine; the network does "
				 "%s",
				 all);
	else
		node_console_say(c, NODE_PLAIN,
				 "hash rate: %s on %lld threads%s; the network "
				 "%s, difficulty %.6g",
				 own, number_of(m, "threads"),
				 json_is_true(json_object_get(m, "paused"))
					 ? " (paused)"
					 : "",
				 all, real_of(m, "difficulty"));
	json_decref(m);
}

void node_console_balance(struct node_console *c, char **piece)
{
	json_t *b = node_console_call(c, "getbalances", NULL);
	const json_t *mine = json_object_get(b, "mine");

	(void)piece;
	if (b) {
		node_console_say(c, NODE_PLAIN, "balance %.8f",
				 real_of(mine, "trusted"));
		node_console_say(c, NODE_PLAIN, "pending %.8f",
				 real_of(mine, "untrusted_pending"));
		node_console_say(c, NODE_PLAIN,
				 "mined, not yet to be spent "
				 "%.8f",
				 real_of(mine, "immature"));
	}
	json_decref(b);
}

static void show_network(struct node_console *c)
{
	json_t *n = node_console_call(c, "getnetworkinfo", NULL);
	const char *id = text_of(n, "nodeid");
	const char *at = text_of(n, "listen");

	if (n && *at)
		node_console_say(c, NODE_PLAIN, "others: connect %s@%s", id,
				 at);
	else if (n && *id)
		node_console_say(c, NODE_PLAIN, "node id %s, not listening",
				 id);
	json_decref(n);
}

void node_console_status(struct node_console *c, char **piece)
{
	char text[NODE_CONSOLE_TEXT_MAX];
	char hash[BASE_HASH_HEX_SIZE];

	(void)piece;
	node_console_look(c, true);
	node_console_status_text(text, c, NODE_CONSOLE_COLUMNS_MAX);
	node_console_say(c, NODE_BOLD, "%s", text);
	if (node_console_sync_text(text, c, c->columns))
		node_console_say(c, NODE_PLAIN, "%s", text);
	age_text(text, c->status.tip.time[0]);
	base_hash_to_hex(hash, &c->status.tip.hash);
	node_console_say(c, NODE_PLAIN, "tip %s, %s", hash, text);
	show_network(c);
}
