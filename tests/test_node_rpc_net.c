/* SPDX-License-Identifier: MIT */
/*
 * The methods of the network and of consensus, as JSON in and JSON out: over
 * two or three real networks of the loopback, with a state that is made up, and
 * without a network.
 */
#include "net_fixture.h"

#include "chain_fixture.h"
#include "net/addr.h"
#include "node/rpc.h"

/* 64 digits that are no node's id here, and the quote before them. */
#define OTHER \
	"\"1111111111111111111111111111111111111111111111111111111111111111"

static struct chain_params params;
static struct ds_committee committee;
static struct node_status_board board;
static struct node_rpc rpc;

static int set_up(void **state)
{
	const struct base_hash genesis = {{7}};
	const struct node_status first = {.self = 1};

	(void)state;
	memset(&rpc, 0, sizeof(rpc));
	fixture_params(&params);
	ds_committee_init(&committee, &params, &genesis, 0);
	node_status_init(&board, &first);
	rpc.params = &params;
	rpc.committee = &committee;
	rpc.board = &board;
	return node_status_open_rounds(&board);
}

static int tear_down(void **state)
{
	(void)state;
	node_status_close(&board);
	return 0;
}

/* The whole reply to @method with these @params, the inside of an array. */
static json_t *ask(const char *method, const char *args)
{
	const struct api_table table = node_rpc_table(&rpc);
	struct api_writer w;
	char body[1024];
	json_t *reply;

	(void)snprintf(body, sizeof(body),
		       "{\"id\":1,\"method\":\"%s\",\"params\":[%s]}", method,
		       args);
	api_writer_init(&w, API_REPLY_MAX);
	(void)api_json_rpc(&w, &table, body, strlen(body));
	reply = json_loadb(w.data, w.len, 0, NULL);
	assert_non_null(reply);
	api_writer_free(&w);
	return reply;
}

/* The result of a call that must succeed; the caller lets it go. */
static json_t *result_of(const char *method, const char *args)
{
	json_t *reply = ask(method, args);
	json_t *result = json_incref(json_object_get(reply, "result"));

	if (!json_is_null(json_object_get(reply, "error")))
		fail_msg("%s(%s): %s", method, args,
			 json_string_value(json_object_get(
				 json_object_get(reply, "error"), "message")));
	json_decref(reply);
	return result;
}

static void expect_null(const char *method, const char *args)
{
	json_t *result = result_of(method, args);

	assert_true(json_is_null(result));
	json_decref(result);
}

static void expect_error(int code, const char *words, const char *method,
			 const char *args)
{
	json_t *reply = ask(method, args);
	const json_t *e = json_object_get(reply, "error");
	const char *message = json_string_value(json_object_get(e, "message"));

	assert_non_null(message);
	if (!strstr(message, words))
		fail_msg("%s(%s): %s", method, args, message);
	assert_int_equal(json_integer_value(json_object_get(e, "code")), code);
	json_decref(reply);
}

static json_int_t number(const json_t *in, const char *key)
{
	const json_t *v = json_object_get(in, key);

	assert_true(json_is_integer(v));
	return json_integer_value(v);
}

static const char *text(const json_t *in, const char *key)
{
	const char *v = json_string_value(json_object_get(in, key));

	assert_non_null(v);
	return v;
}

/* Until the method lists @count things; they. */
static json_t *await_list(const char *method, size_t count)
{
	json_t *list = NULL;

	for (int i = 0; i < WAIT_TURNS; i++) {
		json_decref(list);
		list = result_of(method, "");
		if (json_array_size(list) == count)
			break;
		pause_ms(1);
	}
	assert_int_equal(json_array_size(list), count);
	return list;
}

static void await_count(const char *method, size_t count)
{
	json_decref(await_list(method, count));
}

/* "\"ID@HOST:PORT\"", with more behind it. */
static const char *quoted(const struct node *n, const char *more)
{
	static char out[1024];
	char id[2 * NET_ID_SIZE + 1];

	base_to_hex(id, n->id, NET_ID_SIZE);
	(void)snprintf(out, sizeof(out), "\"%s@%s\"%s", id, n->self.address,
		       more);
	return out;
}

static const char *quoted_id(const struct node *n, const char *more)
{
	static char out[256];
	char id[2 * NET_ID_SIZE + 1];

	base_to_hex(id, n->id, NET_ID_SIZE);
	(void)snprintf(out, sizeof(out), "\"%s\"%s", id, more);
	return out;
}

/* As Bitcoin Core with its networking off. */
static void without_a_network(void **state)
{
	json_t *v;

	(void)state;
	await_count("getpeerinfo", 0);
	await_count("listbanned", 0);
	v = result_of("getconnectioncount", "");
	assert_int_equal(json_integer_value(v), 0);
	json_decref(v);
	v = result_of("getnetworkinfo", "");
	assert_true(json_is_false(json_object_get(v, "networkactive")));
	assert_true(json_is_null(json_object_get(v, "nodeid")));
	json_decref(v);
	expect_error(-31, "disabled", "addnode", OTHER "@h:1\",\"add\"");
	expect_error(-31, "disabled", "disconnectnode", "\"\",1");
	expect_error(-31, "disabled", "setban", "\"1.2.3.4\",\"add\"");
	expect_error(-31, "disabled", "clearbanned", "");
	expect_error(-31, "disabled", "ping", "");
	expect_error(-31, "disabled", "requestaccess", "");
	expect_error(-31, "disabled", "grantaccess", OTHER "\",\"add\"");
}

/* Two nodes; @b is a member to @a, which rpc is about. */
static void begin_with_member(struct node *a, struct node *b)
{
	struct net_endpoint member[FIXTURE_MEMBERS] = {{.address = ""}};
	struct net_options o;

	node_begin(b, 2);
	memcpy(params.member[2].node_id, b->id, sizeof(b->id));
	for (uint32_t i = 0; i < FIXTURE_MEMBERS; i++)
		memcpy(member[i].id, params.member[i].node_id, NET_ID_SIZE);
	node_key(a, 1);
	o = node_options(a);
	o.member = member;
	o.members = FIXTURE_MEMBERS;
	node_start(a, &o);
	rpc.net = a->net;
}

static void peers_are_shown(void **state)
{
	struct node a, b;
	json_t *list;
	json_t *v;

	(void)state;
	begin_with_member(&a, &b);
	node_join(&b, &a, NULL, NULL);
	list = await_list("getpeerinfo", 1);
	v = json_array_get(list, 0);
	assert_int_equal(number(v, "id"), 0);
	assert_string_equal(text(v, "network"), "ipv4");
	assert_true(strncmp(text(v, "addr"), "127.0.0.1:", 10) == 0);
	assert_string_equal(text(v, "member"), "member-2");
	assert_string_equal(text(v, "mode"), "full");
	assert_string_equal(text(v, "connection_type"), "inbound");
	assert_true(json_is_true(json_object_get(v, "inbound")));
	assert_int_equal(number(v, "version"), NET_VERSION);
	assert_int_equal(number(v, "score"), 100);
	assert_true(number(v, "bytesrecv") > 0);
	assert_true(number(v, "conntime") > 1700000000);
	assert_int_equal(strlen(text(v, "nodeid")), 64);
	json_decref(list);
	v = result_of("getnetworkinfo", "");
	assert_true(json_is_true(json_object_get(v, "networkactive")));
	assert_int_equal(number(v, "connections"), 1);
	assert_int_equal(number(v, "connections_in"), 1);
	assert_int_equal(number(v, "connections_out"), 0);
	assert_int_equal(number(v, "members"), 1);
	assert_string_equal(text(v, "listen"), net_address(a.net));
	assert_int_equal(number(json_object_get(v, "counters"), "accepted"), 1);
	json_decref(v);
	v = result_of("getconnectioncount", "");
	assert_int_equal(json_integer_value(v), 1);
	json_decref(v);
	expect_null("ping", "");
	/* The committee: us, nobody, and the peer. */
	v = result_of("getcommittee", "");
	list = json_object_get(v, "members");
	assert_int_equal(json_array_size(list), FIXTURE_MEMBERS);
	assert_true(json_is_false(
		json_object_get(json_array_get(list, 1), "connected")));
	assert_true(json_is_true(
		json_object_get(json_array_get(list, 2), "connected")));
	assert_true(
		json_is_null(json_object_get(json_array_get(list, 2), "mode")));
	json_decref(v);
	node_end(&b);
	node_end(&a);
}

static void nodes_are_added(void **state)
{
	struct node a, b;
	char args[128];

	(void)state;
	node_begin(&a, 1);
	node_begin(&b, 2);
	rpc.net = a.net;
	expect_error(-8, "ID@HOST:PORT", "addnode", "\"127.0.0.1\",\"add\"");
	expect_error(-8, "ID@HOST:PORT", "addnode", OTHER "\",\"add\"");
	expect_error(-8, "ID@HOST:PORT", "addnode", OTHER "@h\",\"add\"");
	expect_error(-8, "ID@HOST:PORT", "addnode", OTHER "@h:0\",\"onetry\"");
	expect_error(-8, "this node", "addnode", quoted(&a, ",\"add\""));
	expect_error(-1, "addnode \"node\"", "addnode", quoted(&b, ",\"ad\""));
	expect_error(-24, "added previously", "addnode",
		     quoted(&b, ",\"remove\""));
	expect_null("addnode", quoted(&b, ",\"onetry\""));
	(void)expect_up(&a);
	(void)expect_up(&b);
	await_count("getpeerinfo", 1);
	expect_error(-24, "added previously", "addnode",
		     quoted(&b, ",\"remove\""));
	expect_null("addnode", quoted(&b, ",\"add\",true"));
	expect_error(-23, "already added", "addnode", quoted(&b, ",\"add\""));
	expect_null("addnode", quoted(&b, ",\"remove\""));
	for (uint32_t i = 0; i < NODE_RPC_ADDED_MAX; i++) {
		(void)snprintf(args, sizeof(args), "\"%064x@[::1]:1\",\"add\"",
			       i + 1);
		expect_null("addnode", args);
	}
	expect_error(-34, "were added", "addnode", quoted(&b, ",\"add\""));
	node_end(&a);
	node_end(&b);
}

/* A peer is named in four ways; each time it is connected to anew. */
static void peers_are_disconnected(void **state)
{
	static const char *const nobody[] = {
		"\"127.0.0.1:1\"",	"\"\",99",	"null,-1", OTHER "\"",
		OTHER "@127.0.0.1:1\"", "\"127.0.0.1\""};
	struct node a, b;
	char args[1024];
	json_t *list;

	(void)state;
	node_begin(&a, 1);
	node_begin(&b, 2);
	rpc.net = a.net;
	for (size_t i = 0; i < BASE_COUNT(nobody); i++)
		expect_error(-29, "not found", "disconnectnode", nobody[i]);
	expect_error(-32602, "Only one", "disconnectnode", "");
	expect_error(-32602, "Only one", "disconnectnode", "\"\"");
	expect_error(-32602, "Only one", "disconnectnode", "\"h:1\",1");
	expect_error(-3, "nodeid", "disconnectnode", "\"\",\"1\"");
	for (int i = 0; i < 4; i++) {
		expect_null("addnode", quoted(&b, ",\"onetry\""));
		(void)expect_up(&a);
		(void)expect_up(&b);
		list = await_list("getpeerinfo", 1);
		if (i == 0)
			(void)snprintf(args, sizeof(args), "\"%s\"",
				       text(json_array_get(list, 0), "addr"));
		else if (i == 1)
			(void)snprintf(
				args, sizeof(args), "\"\",%d",
				(int)number(json_array_get(list, 0), "id"));
		else
			(void)snprintf(args, sizeof(args), "%s",
				       i == 2 ? quoted(&b, "")
					      : quoted_id(&b, ""));
		json_decref(list);
		expect_null("disconnectnode", args);
		(void)expect_down(&a);
		(void)expect_down(&b);
		await_count("getpeerinfo", 0);
	}
	node_end(&a);
	node_end(&b);
}

static void strangers_are_banned(void **state)
{
	static const char *const bad[] = {"\"\",\"add\"",
					  "\"host\",\"add\"",
					  "\"1.2.3\",\"add\"",
					  "\"1.2.3.0/24\",\"add\"",
					  "\"1.2.3.4:5\",\"add\"",
					  "\"::/128\",\"add\"",
					  "\"[::1]\",\"remove\"",
					  "\"1.2.3.4/32/32\",\"add\"",
					  "\"0123456789\",\"remove\""};
	struct node a, b;
	json_t *list;
	json_t *v;

	(void)state;
	node_begin(&a, 1);
	node_begin(&b, 2);
	rpc.net = a.net;
	node_join(&b, &a, NULL, NULL);
	for (size_t i = 0; i < BASE_COUNT(bad); i++)
		expect_error(-30, "Invalid IP/Subnet", "setban", bad[i]);
	expect_error(-1, "setban \"subnet\"", "setban", "\"1.2.3.4\",\"ad\"");
	expect_error(-1, "out of range", "setban", "\"1.2.3.4\",\"add\",-1");
	expect_error(-1, "out of range", "setban", "\"1.2.3.4\",\"add\",1.5");
	expect_error(-3, "bantime", "setban", "\"1.2.3.4\",\"add\",\"1\"");
	expect_error(-8, "in the past", "setban",
		     "\"1.2.3.4\",\"add\",1700000000,true");
	expect_error(-8, "this node", "setban", quoted_id(&a, ",\"add\""));
	expect_error(-30, "Unban failed", "setban", "\"1.2.3.4\",\"remove\"");
	expect_null("setban", quoted_id(&b, ",\"add\",3600"));
	assert_int_equal(expect_down(&a).down, NET_BANNED);
	(void)expect_down(&b);
	list = await_list("listbanned", 1);
	v = json_array_get(list, 0);
	assert_null(json_object_get(v, "address"));
	assert_int_equal(strlen(text(v, "nodeid")), 64);
	assert_true(number(v, "time_remaining") > 3000);
	assert_true(number(v, "time_remaining") <= 3600);
	assert_true(json_is_true(json_object_get(v, "manual")));
	json_decref(list);
	expect_error(-23, "already banned", "setban",
		     quoted_id(&b, ",\"add\""));
	expect_null("setban", quoted_id(&b, ",\"remove\""));
	await_count("listbanned", 0);
	expect_null("setban", "\"::1\",\"add\",99999999999,true");
	expect_null("setban", "\"10.0.0.1/32\",\"add\"");
	list = await_list("listbanned", 2);
	assert_string_equal(text(json_array_get(list, 0), "address"),
			    "::1/128");
	assert_int_equal(number(json_array_get(list, 0), "banned_until"),
			 99999999999);
	v = json_array_get(list, 1);
	assert_string_equal(text(v, "address"), "10.0.0.1/32");
	assert_true(number(v, "time_remaining") > 86000);
	json_decref(list);
	expect_null("setban", "\"10.0.0.1\",\"remove\"");
	await_count("listbanned", 1);
	expect_null("clearbanned", "");
	await_count("listbanned", 0);
	node_end(&b);
	node_end(&a);
}

/* Neither by an address, known or seen, nor for longer than a minute. */
static void members_are_not_banned(void **state)
{
	struct node a, b;

	(void)state;
	(void)strcpy(params.member[1].address, "10.1.2.3:9444");
	begin_with_member(&a, &b);
	expect_error(-8, "'member-1'", "setban", "\"10.1.2.3\",\"add\"");
	node_join(&b, &a, NULL, NULL);
	await_count("getpeerinfo", 1);
	expect_error(-8, "'member-2'", "setban", "\"127.0.0.1/32\",\"add\"");
	expect_null("setban", quoted_id(&b, ",\"add\""));
	assert_int_equal(expect_down(&a).down, NET_BANNED);
	await_count("getpeerinfo", 0);
	await_count("listbanned", 0);
	/* The minute can be cut short. */
	expect_null("setban", quoted_id(&b, ",\"remove\""));
	(void)expect_up(&a);
	node_end(&b);
	node_end(&a);
}

/* Until the only peer's answer is @wish. */
static void await_wish(const char *wish, const char *refusal)
{
	for (int i = 0; i < WAIT_TURNS; i++) {
		json_t *list = result_of("getpeerinfo", "");
		const json_t *v = json_array_get(list, 0);
		const char *said =
			json_string_value(json_object_get(v, "chainaccess"));
		const char *why =
			json_string_value(json_object_get(v, "refusal"));
		bool done = said && strcmp(said, wish) == 0 &&
			    (refusal ? why && strcmp(why, refusal) == 0 : !why);

		json_decref(list);
		if (done)
			return;
		pause_ms(1);
	}
	fail_msg("the peer does not say '%s'", wish);
}

/* Open, a light node, and a list on which we are not, and then are. */
static void access_is_asked_for(void **state)
{
	struct net_options o;
	struct node a, b;
	char args[256];

	(void)state;
	node_begin(&a, 1);
	rpc.net = a.net;
	expect_error(-29, "not found", "requestaccess", OTHER "\"");
	expect_error(-8, "no node id", "grantaccess", "\"x\",\"add\"");
	expect_error(-1, "grantaccess \"nodeid\"", "grantaccess",
		     OTHER "\",\"ad\"");
	expect_null("requestaccess", "");
	for (int i = 0; i < 3; i++) {
		node_key(&b, (uint8_t)(2 + i));
		o = node_options(&b);
		o.mode = i == 1 ? NET_LIGHT : NET_FULL_NODE;
		o.access = i == 2 ? NET_ACCESS_LIST : NET_ACCESS_OPEN;
		node_start(&b, &o);
		node_join(&a, &b, NULL, NULL);
		await_count("getpeerinfo", 1);
		expect_null("requestaccess", i == 0 ? "" : quoted_id(&b, ""));
		await_wish(i == 0   ? "granted"
			   : i == 1 ? "not-full"
				    : "refused",
			   i == 2 ? "access" : NULL);
		if (i == 2) {
			(void)snprintf(args, sizeof(args), "%s",
				       quoted_id(&a, ",\"add\""));
			rpc.net = b.net;
			expect_null("grantaccess", args);
			rpc.net = a.net;
			await_wish("granted", NULL);
		}
		expect_null("disconnectnode", quoted_id(&b, ""));
		expect_null("setban", quoted_id(&b, ",\"add\""));
		(void)expect_down(&a);
		node_end(&b);
		await_count("getpeerinfo", 0);
	}
	node_end(&a);
}

static void the_agreement_is_shown(void **state)
{
	static struct ds_rounds_view r;
	const struct base_hash hash = {{0xab}};
	json_t *info = result_of("getconsensusinfo", "");
	json_t *v;

	(void)state;
	/* Before the first tick. */
	assert_string_equal(text(info, "mode"), "SYNC");
	assert_true(json_is_null(json_object_get(info, "tick")));
	assert_int_equal(json_array_size(json_object_get(info, "rounds")), 0);
	json_decref(info);
	rpc.status = (struct node_status){
		.mode = DS_ACTIVE,
		.ticking = 1,
		.tick = {50},
		.self = 1,
		.late_ms = 30,
		.late_minute_ms = 20,
		.beats = {.tick = {49}, .heard = 7, .strong = 3, .active = 1},
	};
	rpc.status.reason[DS_LATE] = 4;
	r.tick.n = 50;
	r.height.n = 9;
	r.rounds = 2;
	r.vote_count = 1;
	r.vote[0] = (struct ds_vote_view){.voter = 2, .hash = hash};
	r.instance_count = 1;
	r.instance[0] = (struct ds_instance_view){
		.tick = {49}, .sender = 1, .values = 3, .extracted = 1};
	r.instance[0].value[0].hash = hash;
	r.instance[0].value[0].verified = 6;
	node_status_publish_rounds(&board, &r);
	info = result_of("getconsensusinfo", "");
	assert_string_equal(text(info, "mode"), "ACTIVE");
	assert_int_equal(number(info, "tick"), 50);
	assert_int_equal(number(info, "late_minute_ms"), 20);
	assert_int_equal(number(info, "late_allowed_ms"), 250);
	v = json_object_get(info, "beats");
	assert_string_equal(text(v, "mask"), "0000000000000007");
	assert_int_equal(json_array_size(json_object_get(v, "heard")), 3);
	v = json_object_get(info, "reasons");
	assert_int_equal(number(v, "LATE"), 4);
	assert_int_equal(json_object_size(v), DS_REASONS - 1);
	v = json_array_get(json_object_get(info, "votes"), 0);
	assert_int_equal(number(v, "voter"), 2);
	v = json_array_get(json_object_get(info, "rounds"), 0);
	assert_int_equal(number(v, "settles"), 51);
	assert_int_equal(number(v, "count"), 3);
	v = json_object_get(v, "values");
	assert_int_equal(json_array_size(v), 2);
	v = json_array_get(v, 0);
	assert_string_equal(text(v, "mask"), "0000000000000006");
	assert_true(json_is_true(json_object_get(v, "extracted")));
	assert_int_equal(json_integer_value(json_array_get(
				 json_object_get(v, "signers"), 1)),
			 2);
	json_decref(info);
	info = result_of("getcommittee", "");
	assert_int_equal(number(info, "quorum"), 2);
	v = json_object_get(info, "members");
	assert_string_equal(text(json_array_get(v, 0), "mode"), "ACTIVE");
	assert_string_equal(text(json_array_get(v, 1), "mode"), "SHADOW");
	assert_string_equal(text(json_array_get(v, 2), "mode"), "SYNC");
	assert_true(
		json_is_true(json_object_get(json_array_get(v, 0), "self")));
	json_decref(info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_a_network, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(peers_are_shown, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nodes_are_added, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(peers_are_disconnected, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(strangers_are_banned, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(members_are_not_banned, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(access_is_asked_for, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_agreement_is_shown, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
