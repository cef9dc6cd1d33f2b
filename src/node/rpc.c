/* SPDX-License-Identifier: MIT */
#include "node/rpc.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "node/clock.h"
#include "pow/target.h"

void node_rpc_begin(struct node_rpc *rpc)
{
	struct base_error err;

	/* The status first: its tip is on disk, hence in the snapshot. */
	node_status_read(&rpc->status, rpc->board);
	rpc->reader = NULL;
	if (store_read_begin(&rpc->reader, rpc->store, &err) < 0)
		rpc->reader = NULL;
}

void node_rpc_end(struct node_rpc *rpc)
{
	if (rpc->reader)
		store_read_end(rpc->reader);
	rpc->reader = NULL;
}

enum api_code node_rpc_block_at(struct node_rpc_block *out,
				struct api_call *call,
				struct base_height height)
{
	const struct node_rpc *rpc = call->ctx;
	struct node_rpc_block b = {.height = height};
	int rc = -EIO;

	if (height.n > rpc->status.tip.height.n)
		return api_fail(call, API_NOT_FOUND, "Block not found");
	if (rpc->reader)
		rc = store_block_at(&b.data, &b.len, rpc->reader, height);
	if (rc < 0 || b.len < CHAIN_HEADER_SIZE)
		return api_fail(call, API_DATABASE,
				"block %u cannot be read from disk", height.n);
	chain_header_read(&b.header, b.data);
	chain_header_hash(&b.hash, &b.header);
	*out = b;
	return API_OK;
}

enum api_code node_rpc_block_by_hash(struct node_rpc_block *out,
				     struct api_call *call,
				     const struct base_hash *hash)
{
	const struct node_rpc *rpc = call->ctx;
	struct base_height height;
	int rc = -EIO;

	if (rpc->reader)
		rc = store_height_of(&height, rpc->reader, hash);
	if (rc == -ENOENT)
		return api_fail(call, API_NOT_FOUND, "Block not found");
	if (rc < 0)
		return api_fail(call, API_DATABASE,
				"the chain cannot be read from disk");
	return node_rpc_block_at(out, call, height);
}

double node_rpc_difficulty(uint32_t bits)
{
	double difficulty = 65535.0 / (double)(bits & 0x00ffffff);
	int exponent = (int)(bits >> 24);

	for (; exponent < 29; exponent++)
		difficulty *= 256.0;
	for (; exponent > 29; exponent--)
		difficulty /= 256.0;
	return difficulty;
}

void node_rpc_put_work(struct api_writer *w, const char *key,
		       const struct base_u256 *work)
{
	struct base_hash hash;

	base_u256_to_hash(&hash, work);
	api_put_hash(w, key, &hash);
}

void node_rpc_put_target(struct api_writer *w, uint32_t bits)
{
	struct base_u256 target = {{0}};
	char text[9];

	(void)snprintf(text, sizeof(text), "%08x", bits);
	api_put_string(w, "bits", text);
	/* Bits of the chain are a target; genesis' are checked at start. */
	if (pow_target_from_bits(&target, bits) == 0)
		node_rpc_put_work(w, "target", &target);
}

static enum api_code uptime(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;

	api_int(call->out,
		(int64_t)((node_monotonic_ms() - rpc->started_ms) / 1000));
	return API_OK;
}

static enum api_code stop(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;

	rpc->stop(rpc->stop_ctx);
	api_string(call->out, "minerd stopping");
	return API_OK;
}

static const struct api_method methods[] = {
	{"getbestblockhash",
	 "blockchain",
	 "Returns the hash of the tip, the last block on disk.",
	 {{NULL, 0, false}},
	 node_rpc_getbestblockhash},
	{"getblock",
	 "blockchain",
	 "Returns a block: verbosity 0 its bytes in hex, 1 (the default) an\n"
	 "object with the ids of its transactions, 2 with the transactions.",
	 {{"blockhash", API_STRING, true},
	  {"verbosity", API_NUMBER | API_BOOLEAN, false}},
	 node_rpc_getblock},
	{"getblockchaininfo",
	 "blockchain",
	 "Returns the state of the chain.",
	 {{NULL, 0, false}},
	 node_rpc_getblockchaininfo},
	{"getblockcount",
	 "blockchain",
	 "Returns the height of the tip; genesis has height 0.",
	 {{NULL, 0, false}},
	 node_rpc_getblockcount},
	{"getblockhash",
	 "blockchain",
	 "Returns the hash of the block at a height.",
	 {{"height", API_NUMBER, true}},
	 node_rpc_getblockhash},
	{"getblockheader",
	 "blockchain",
	 "Returns a header: an object, or with verbose false its 80 bytes in\n"
	 "hex.",
	 {{"blockhash", API_STRING, true}, {"verbose", API_BOOLEAN, false}},
	 node_rpc_getblockheader},
	{"getchaintips",
	 "blockchain",
	 "Returns the tips of all branches. Blocks are final here, so there\n"
	 "is one.",
	 {{NULL, 0, false}},
	 node_rpc_getchaintips},
	{"getdifficulty",
	 "blockchain",
	 "Returns the difficulty of the tip, in multiples of that of target\n"
	 "1d00ffff.",
	 {{NULL, 0, false}},
	 node_rpc_getdifficulty},
	{"help",
	 "control",
	 "Lists all methods, or explains one.",
	 {{"command", API_STRING, false}},
	 api_help},
	{"stop",
	 "control",
	 "Stops the node cleanly.",
	 {{NULL, 0, false}},
	 stop},
	{"uptime",
	 "control",
	 "Returns the seconds since the node started.",
	 {{NULL, 0, false}},
	 uptime},
	{"getmininginfo",
	 "mining",
	 "Returns the state of mining; \"threads\" and \"hashespersec\" are "
	 "of\n"
	 "this node's own miners.",
	 {{NULL, 0, false}},
	 node_rpc_getmininginfo},
	{"getnetworkhashps",
	 "mining",
	 "Returns the hashes per second that the last nblocks (default 120)\n"
	 "blocks up to height (default -1, the tip) stand for. The difficulty\n"
	 "may change at every block, so nblocks -1 means one block.",
	 {{"nblocks", API_NUMBER, false}, {"height", API_NUMBER, false}},
	 node_rpc_getnetworkhashps},
};

struct api_table node_rpc_table(struct node_rpc *rpc)
{
	return (struct api_table){
		.method = methods, .count = BASE_COUNT(methods), .ctx = rpc};
}
