/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <strings.h>

#include "base/bytes.h"
#include "node/clock.h"
#include "node/console_internal.h"
#include "node/passphrase.h"

/* What peers answer is waited for, and looked for that often. */
#define ANSWER_MS 5000
#define LOOK_MS 100
#define SHOWN_MS 1000 /* getpeerinfo is half a second old */
#define UNLOCK_S 300
#define UNLOCK_TRIES 3

/* What a refusal means for someone at a terminal. */
static const struct {
	int code;
	const char *words;
} hints[] = {
	{API_NO_NETWORK,
	 "this node has no network: start it with --listen or --connect"},
	{API_METHOD_NOT_FOUND, "a light node keeps no blocks, no pool and no "
			       "rounds: a full node has them"},
	{API_UNLOCK_NEEDED, "the wallet is locked: 'unlock' asks for the "
			    "passphrase"},
};

static void refused(struct node_console *c, const json_t *error)
{
	const char *text = json_string_value(json_object_get(error, "message"));
	json_int_t code = json_integer_value(json_object_get(error, "code"));

	for (size_t i = 0; i < BASE_COUNT(hints); i++)
		if (hints[i].code == code)
			text = hints[i].words;
	node_console_say(c, NODE_RED, "%s", text ? text : "no answer");
}

json_t *node_console_call(struct node_console *c, const char *method,
			  json_t *params)
{
	json_t *request = json_pack("{s:i,s:s,s:o}", "id", 1, "method", method,
				    "params", params ? params : json_array());
	char *body = request ? json_dumps(request, 0) : NULL;
	json_t *result = NULL;
	struct api_writer out;
	json_t *reply;

	json_decref(request);
	if (!body) { /* what was typed is not UTF-8 */
		node_console_say(c, NODE_RED, "that is no text");
		return NULL;
	}
	api_writer_init(&out, API_REPLY_MAX);
	(void)node_reader_ask(c->o.reader, &out, body, strlen(body), &c->asker);
	base_wipe(body, strlen(body)); /* it may hold a passphrase */
	free(body);
	reply = json_loadb(out.data, out.len, 0, NULL);
	api_writer_free(&out);
	if (json_is_object(json_object_get(reply, "error")) || !reply)
		refused(c, json_object_get(reply, "error"));
	else
		result = json_incref(json_object_get(reply, "result"));
	json_decref(reply);
	return result;
}

/* A call that gives nothing but its effect. */
static bool do_call(struct node_console *c, const char *method, json_t *params)
{
	json_t *result = node_console_call(c, method, params);

	json_decref(result);
	return result != NULL;
}

/* ---- peers ---- */

static const char *text_of(const json_t *in, const char *key)
{
	const char *text = json_string_value(json_object_get(in, key));

	return text ? text : "";
}

static bool is_asked(const json_t *peer, const char *which)
{
	return !*which || strcmp(text_of(peer, "addr"), which) == 0 ||
	       strcasecmp(text_of(peer, "nodeid"), which) == 0;
}

static void tell_access(struct node_console *c, const json_t *peer)
{
	const char *said = text_of(peer, "chainaccess");
	const char *addr = text_of(peer, "addr");
	char sync[NODE_CONSOLE_TEXT_MAX];

	if (strcmp(said, "refused") == 0)
		node_console_say(c, NODE_RED, "%s: REFUSED, for '%s'", addr,
				 text_of(peer, "refusal"));
	else if (strcmp(said, "not-full") == 0)
		node_console_say(c, NODE_YELLOW,
				 "%s: NOT_FULL, it keeps no chain; ask a full "
				 "node or a miner",
				 addr);
	else if (strcmp(said, "granted") != 0)
		node_console_say(c, NODE_YELLOW,
				 "%s: no answer yet; 'peers' "
				 "shows it later",
				 addr);
	else if (node_console_sync_text(sync, c, c->columns))
		node_console_say(c, NODE_GREEN, "%s: granted, catching up: %s",
				 addr, sync);
	else
		node_console_say(c, NODE_GREEN, "%s: granted", addr);
}

/* Peers that were asked and have not answered, or with @c tells all. */
static size_t look_at_access(struct node_console *c, const json_t *peers,
			     const char *which)
{
	size_t open = 0;
	json_t *peer;
	size_t i;

	json_array_foreach(peers, i, peer)
	{
		if (!is_asked(peer, which))
			continue;
		open += strcmp(text_of(peer, "chainaccess"), "asked") == 0 ||
			!*text_of(peer, "chainaccess");
		if (c)
			tell_access(c, peer);
	}
	return open;
}

/* Peers that were asked have not answered, or are not shown yet. */
static bool access_is_open(const json_t *peers, const char *which,
			   uint64_t waited_ms)
{
	if (json_array_size(peers) == 0)
		return waited_ms < SHOWN_MS;
	return waited_ms < ANSWER_MS && look_at_access(NULL, peers, which) > 0;
}

void node_console_access(struct node_console *c, char **piece)
{
	const uint64_t begin = node_monotonic_ms();
	json_t *params = *piece[0] ? json_pack("[s]", piece[0]) : NULL;
	json_t *peers = NULL;

	if (!do_call(c, "requestaccess", params))
		return;
	do {
		json_decref(peers);
		node_wake_wait(&c->asker, LOOK_MS);
		peers = node_console_call(c, "getpeerinfo", NULL);
	} while (peers && !node_console_over(c) &&
		 access_is_open(peers, piece[0], node_monotonic_ms() - begin));
	node_console_look(c, true);
	if (peers && json_array_size(peers) == 0)
		node_console_say(c, NODE_YELLOW,
				 "nobody is connected; 'connect' to someone "
				 "first");
	else if (peers)
		(void)look_at_access(c, peers, piece[0]);
	json_decref(peers);
}

static bool is_connected(const json_t *peers, const char *id)
{
	json_t *peer;
	size_t i;

	json_array_foreach(peers, i, peer)
	{
		if (strncasecmp(text_of(peer, "nodeid"), id,
				(size_t)2 * NET_ID_SIZE) == 0)
			return true;
	}
	return false;
}

void node_console_connect(struct node_console *c, char **piece)
{
	const uint64_t end = node_monotonic_ms() + ANSWER_MS;
	bool connected = false;

	if (!do_call(c, "addnode", json_pack("[s,s]", piece[0], "add")))
		return;
	while (!connected && node_monotonic_ms() < end &&
	       !node_console_over(c)) {
		json_t *peers = node_console_call(c, "getpeerinfo", NULL);

		if (!peers)
			return;
		connected = is_connected(peers, piece[0]);
		json_decref(peers);
		if (!connected)
			node_wake_wait(&c->asker, LOOK_MS);
	}
	if (connected)
		node_console_say(c, NODE_GREEN, "connected");
	else
		node_console_say(c, NODE_YELLOW,
				 "it does not answer; it is tried again and "
				 "again until the node stops. Is the address "
				 "right, and is a node of this network there?");
}

/* ---- transactions ---- */

void node_console_send(struct node_console *c, char **piece)
{
	json_t *params =
		json_pack("{s:s,s:s}", "address", piece[0], "amount", piece[1]);
	json_t *txid;

	if (params && *piece[2])
		(void)json_object_set_new(params, "memo",
					  json_string(piece[2]));
	txid = node_console_call(c, "sendtoaddress", params);
	if (txid)
		node_console_say(c, NODE_GREEN, "sent: %s",
				 json_string_value(txid));
	json_decref(txid);
}

void node_console_pin(struct node_console *c, char **piece)
{
	if (do_call(c, "pintransaction", json_pack("[s]", piece[0])))
		node_console_say(c, NODE_GREEN,
				 "pinned: it goes into this node's next block");
}

void node_console_unpin(struct node_console *c, char **piece)
{
	if (do_call(c, "unpintransaction", json_pack("[s]", piece[0])))
		node_console_say(c, NODE_GREEN, "not pinned any more");
}

void node_console_address(struct node_console *c, char **piece)
{
	json_t *address = node_console_call(c, "getnewaddress", NULL);

	(void)piece;
	if (address)
		node_console_say(c, NODE_PLAIN, "%s",
				 json_string_value(address));
	json_decref(address);
}

/* Three tries, as elsewhere; then it is left to another time. */
void node_console_unlock(struct node_console *c, char **piece)
{
	(void)piece;
	for (int i = 0; i < UNLOCK_TRIES; i++) {
		char *text = node_console_ask_hidden(c, "passphrase: ");
		bool done;

		if (!text || !*text)
			break;
		done = do_call(c, "walletpassphrase",
			       json_pack("[s,i]", text, UNLOCK_S));
		base_wipe(c->line, sizeof(c->line));
		if (done) {
			node_console_say(c, NODE_GREEN,
					 "unlocked for %d minutes",
					 UNLOCK_S / 60);
			return;
		}
	}
	node_console_say(c, NODE_PLAIN, "the wallet stays as it is");
}

/* ---- mining ---- */

void node_console_broadcast(struct node_console *c, char **piece)
{
	(void)piece;
	if (do_call(c, "broadcastblock", NULL))
		node_console_say(c, NODE_GREEN,
				 "it is proposed at the next tick");
}

void node_console_hold(struct node_console *c, char **piece)
{
	bool on = strcasecmp(piece[0], "on") == 0;

	if (!on && strcasecmp(piece[0], "off") != 0) {
		node_console_say(c, NODE_RED, "'%.60s' is neither on nor off",
				 piece[0]);
		return;
	}
	if (!do_call(c, "holdblocks", json_pack("[b]", on)))
		return;
	node_console_say(c, NODE_GREEN,
			 on ? "the next block that is found waits for "
			      "'broadcast block'"
			    : "what is found is proposed by itself");
}

void node_console_pause(struct node_console *c, char **piece)
{
	(void)piece;
	if (do_call(c, "pausemining", NULL))
		node_console_say(c, NODE_YELLOW,
				 "mining is paused; 'resume' goes on");
}

void node_console_resume(struct node_console *c, char **piece)
{
	(void)piece;
	if (do_call(c, "resumemining", NULL))
		node_console_say(c, NODE_GREEN, "mining goes on");
}

void node_console_halt(struct node_console *c, char **piece)
{
	(void)piece;
	if (!do_call(c, "stop", NULL))
		return;
	node_console_say(c, NODE_PLAIN, "the node stops");
	/* Not as if the input had ended: nothing is said of that. */
	node_wake_wait(&c->wake, -1);
}
