/* SPDX-License-Identifier: MIT */
/* json_rpc.h: requests good and bad, each with the reply and the status that
 * Bitcoin Core gives. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "api/json_rpc.h"

static int calls;

static enum api_code count_calls(struct api_call *call)
{
	calls++;
	api_int(call->out, *(const int *)call->ctx);
	return API_OK;
}

static enum api_code add(struct api_call *call)
{
	int64_t a = 0;
	int64_t b = 7;
	enum api_code rc = api_param_int(&a, call, 0, INT64_MIN, INT64_MAX);

	if (rc == API_OK && call->param[1])
		rc = api_param_int(&b, call, 1, -1000, 1000);
	if (rc != API_OK)
		return rc;
	api_int(call->out, a + b);
	return API_OK;
}

static enum api_code hash(struct api_call *call)
{
	struct base_hash h;
	enum api_code rc = api_param_hash(&h, call, 0);

	if (rc == API_OK)
		api_hash(call->out, &h);
	return rc;
}

static enum api_code amount(struct api_call *call)
{
	struct base_amount a;
	enum api_code rc = api_param_amount(&a, call, 0);

	if (rc == API_OK)
		api_int(call->out, a.units);
	return rc;
}

/* Writes a part of its result before it fails. */
static enum api_code half(struct api_call *call)
{
	api_object_begin(call->out);
	api_put_string(call->out, "lost", "x");
	return api_fail(call, API_NOT_FOUND, "no \"such\" thing");
}

static enum api_code huge(struct api_call *call)
{
	static const char block[1 << 16];

	api_array_begin(call->out);
	for (int i = 0; i < 2048; i++)
		api_hex(call->out, (const uint8_t *)block, sizeof(block));
	api_array_end(call->out);
	return API_OK;
}

/* Leaves room for a hundred bytes. */
static enum api_code most(struct api_call *call)
{
	const size_t len = (API_REPLY_MAX - 200) / 2;
	uint8_t *data = calloc(len, 1);

	assert_non_null(data);
	api_hex(call->out, data, len);
	free(data);
	return API_OK;
}

static const struct api_method methods[] = {
	{"most", "blockchain", "Nearly.", {{NULL, 0, false}}, most},
	{"help",
	 "control",
	 "Lists methods.",
	 {{"command", API_STRING, false}},
	 api_help},
	{"count", "blockchain", "Counts.", {{NULL, 0, false}}, count_calls},
	{"add",
	 "blockchain",
	 "Adds.",
	 {{"a", API_NUMBER, true}, {"b", API_NUMBER, false}},
	 add},
	{"hash",
	 "blockchain",
	 "A hash.",
	 {{"blockhash", API_STRING, true}},
	 hash},
	{"amount",
	 "blockchain",
	 "An amount.",
	 {{"a", API_NUMBER | API_STRING, true}},
	 amount},
	{"half", "blockchain", "Fails.", {{NULL, 0, false}}, half},
	{"huge", "blockchain", "Too much.", {{NULL, 0, false}}, huge},
};

static int context = 42;
static const struct api_table table = {methods, BASE_COUNT(methods), &context};

static void expect_len(const char *body, size_t len, unsigned status,
		       const char *reply)
{
	struct api_writer out;
	unsigned got;

	api_writer_init(&out, API_REPLY_MAX);
	got = api_json_rpc(&out, &table, body, len);
	if (got != status || strlen(reply) != out.len ||
	    memcmp(out.data, reply, out.len) != 0)
		print_message("# for %.200s: %u %.*s\n", body, got,
			      (int)out.len, out.data);
	assert_int_equal(got, status);
	assert_int_equal(out.len, strlen(reply));
	if (out.len > 0)
		assert_memory_equal(out.data, reply, out.len);
	api_writer_free(&out);
}

static void expect(const char *body, unsigned status, const char *reply)
{
	expect_len(body, strlen(body), status, reply);
}

#define FAILED(code, message)                         \
	"{\"result\":null,\"error\":{\"code\":" #code \
	",\"message\":\"" message "\"},\"id\":"

static void version_one(void **state)
{
	(void)state;
	expect("{\"method\":\"count\",\"id\":1}", 200,
	       "{\"result\":42,\"error\":null,\"id\":1}\n");
	expect("{\"jsonrpc\":\"1.0\",\"method\":\"count\",\"params\":[],"
	       "\"id\":\"curl\"}",
	       200, "{\"result\":42,\"error\":null,\"id\":\"curl\"}\n");
	expect("{\"jsonrpc\":\"1.1\",\"method\":\"count\",\"params\":null}",
	       200, "{\"result\":42,\"error\":null,\"id\":null}\n");
	expect("{\"method\":\"count\",\"id\":{\"a\":[1,null]}}", 200,
	       "{\"result\":42,\"error\":null,\"id\":{\"a\":[1,null]}}\n");
	expect("{\"method\":\"nope\",\"id\":2}", 404,
	       FAILED(-32601, "Method not found") "2}\n");
	expect("{\"method\":\"half\",\"id\":3}", 500,
	       FAILED(-5, "no \\\"such\\\" thing") "3}\n");
}

static void version_two(void **state)
{
	(void)state;
	expect("{\"jsonrpc\":\"2.0\",\"method\":\"count\",\"id\":1}", 200,
	       "{\"jsonrpc\":\"2.0\",\"result\":42,\"id\":1}\n");
	expect("{\"jsonrpc\":\"2.0\",\"method\":\"nope\",\"id\":null}", 200,
	       "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":"
	       "\"Method not found\"},\"id\":null}\n");
	expect("{\"jsonrpc\":\"2.0\",\"method\":\"half\",\"id\":1}", 200,
	       "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-5,\"message\":"
	       "\"no \\\"such\\\" thing\"},\"id\":1}\n");
	calls = 0;
	expect("{\"jsonrpc\":\"2.0\",\"method\":\"count\"}", 204, "");
	assert_int_equal(calls, 1);
}

static void not_requests(void **state)
{
	(void)state;
	expect("", 500, FAILED(-32700, "Parse error") "null}\n");
	expect("{", 500, FAILED(-32700, "Parse error") "null}\n");
	expect("{\"method\":\"count\"} x", 500,
	       FAILED(-32700, "Parse error") "null}\n");
	expect("{\"id\":99999999999999999999}", 500,
	       FAILED(-32700, "Parse error") "null}\n");
	expect("{\"id\":1,\"id\":2}", 500,
	       FAILED(-32700, "Parse error") "null}\n");
	expect_len("{\"id\":\"a\0b\"}", 12, 500,
		   FAILED(-32700, "Parse error") "null}\n");
	expect("{\"id\":\"\xff\"}", 500,
	       FAILED(-32700, "Parse error") "null}\n");
	expect("7", 500,
	       FAILED(-32700, "Top-level object parse error") "null}\n");
	expect("{\"id\":5}", 400, FAILED(-32600, "Missing method") "5}\n");
	expect("{\"method\":null}", 400,
	       FAILED(-32600, "Missing method") "null}\n");
	expect("{\"method\":1,\"id\":5}", 400,
	       FAILED(-32600, "Method must be a string") "5}\n");
	expect("{\"method\":\"count\",\"params\":3,\"id\":5}", 400,
	       FAILED(-32600, "Params must be an array or object") "5}\n");
	expect("{\"jsonrpc\":2,\"method\":\"count\",\"id\":5}", 400,
	       FAILED(-32600, "jsonrpc field must be a string") "5}\n");
	expect("{\"jsonrpc\":\"3.0\",\"method\":\"count\",\"id\":5}", 400,
	       FAILED(-32600, "JSON-RPC version not supported") "5}\n");
}

static void parameters(void **state)
{
	(void)state;
	expect("{\"method\":\"add\",\"params\":[1,2],\"id\":0}", 200,
	       "{\"result\":3,\"error\":null,\"id\":0}\n");
	expect("{\"method\":\"add\",\"params\":[9223372036854775000],\"id\":0}",
	       200,
	       "{\"result\":9223372036854775007,\"error\":null,"
	       "\"id\":0}\n");
	expect("{\"method\":\"add\",\"params\":{\"b\":2,\"a\":1},\"id\":0}",
	       200, "{\"result\":3,\"error\":null,\"id\":0}\n");
	expect("{\"method\":\"add\",\"params\":[1,null],\"id\":0}", 200,
	       "{\"result\":8,\"error\":null,\"id\":0}\n");
	expect("{\"method\":\"add\",\"params\":{\"a\":1,\"c\":2},\"id\":0}",
	       500, FAILED(-8, "Unknown named parameter c") "0}\n");
	expect("{\"method\":\"add\",\"params\":[],\"id\":0}", 500,
	       FAILED(-1, "add a ( b )\\n\\nAdds.") "0}\n");
	expect("{\"method\":\"add\",\"params\":[1,2,3],\"id\":0}", 500,
	       FAILED(-1, "add a ( b )\\n\\nAdds.") "0}\n");
	expect("{\"method\":\"add\",\"params\":[\"1\"],\"id\":0}", 500,
	       FAILED(-3, "Wrong type passed:\\n{\\n    \\\"Position 1 (a)\\\":"
			  " \\\"JSON value of type string is not of expected "
			  "type number\\\"\\n}") "0}\n");
	expect("{\"method\":\"add\",\"params\":[1.5],\"id\":0}", 500,
	       FAILED(-1, "JSON integer out of range") "0}\n");
	expect("{\"method\":\"add\",\"params\":[1,1001],\"id\":0}", 500,
	       FAILED(-1, "JSON integer out of range") "0}\n");
	expect("{\"method\":\"hash\",\"params\":[\"abc\"],\"id\":0}", 500,
	       FAILED(-8, "blockhash must be of length 64 (not 3, for "
			  "'abc')") "0}\n");
}

static void batches(void **state)
{
	(void)state;
	expect("[]", 200, "[]\n");
	expect("[{\"method\":\"count\",\"id\":1},7,{\"jsonrpc\":\"2.0\","
	       "\"method\":\"nope\",\"id\":2}]",
	       200,
	       "[{\"result\":42,\"error\":null,\"id\":1}," FAILED(
		       -32600,
		       "Invalid Request object") "null},"
						 "{\"jsonrpc\":\"2.0\","
						 "\"error\":{\"code\":-32601,"
						 "\"message\":"
						 "\"Method not "
						 "found\"},\"id\":2}]\n");
	expect("[{\"jsonrpc\":\"2.0\",\"method\":\"count\"},"
	       "{\"jsonrpc\":\"2.0\",\"method\":\"count\",\"id\":9},"
	       "{\"jsonrpc\":\"2.0\",\"method\":\"count\"}]",
	       200, "[{\"jsonrpc\":\"2.0\",\"result\":42,\"id\":9}]\n");
	expect("[{\"jsonrpc\":\"2.0\",\"method\":\"count\"}]", 204, "");
}

static void bounds(void **state)
{
	static char text[8 * API_BATCH_MAX];
	size_t n = 0;

	(void)state;
	text[n++] = '[';
	for (int i = 0; i < API_BATCH_MAX; i++)
		n += (size_t)sprintf(text + n, "1,");
	n += (size_t)sprintf(text + n, "1]");
	expect_len(text, n, 400,
		   FAILED(-32600,
			  "a batch holds at most 1000 requests") "null}\n");
	memset(text, '[', 2000);
	expect_len(text, 2000, 500, FAILED(-32700, "Parse error") "null}\n");
	/* Brackets in a string are text. */
	n = (size_t)sprintf(text, "{\"method\":\"count\",\"id\":\"");
	memset(text + n, '[', 100);
	n += 100;
	n += (size_t)sprintf(text + n, "\\\"\"}");
	expect_len(text, n, 200,
		   "{\"result\":42,\"error\":null,\"id\":\"[[[[[[[[[[[[[[[[[[[["
		   "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
		   "[[[[[[[[[[[[[[[[[[[[[[\\\"\"}\n");
	expect("{\"method\":\"huge\",\"id\":1}", 500,
	       FAILED(-32603,
		      "the result is larger than 67108864 bytes") "1}\n");
	/* At some point not even an error fits; what follows is not done. */
	calls = 0;
	expect("[{\"method\":\"most\"},{\"method\":\"nope\"},"
	       "{\"method\":\"nope\"},{\"method\":\"nope\"},"
	       "{\"method\":\"count\"}]",
	       500, FAILED(-32603, "the reply is too large") "null}\n");
	assert_int_equal(calls, 0);
}

static void help(void **state)
{
	(void)state;
	expect("{\"method\":\"help\",\"id\":1}", 200,
	       "{\"result\":\"== Blockchain ==\\nadd a ( b )\\namount "
	       "\\\"a\\\"\\ncount\\nhalf\\n"
	       "hash \\\"blockhash\\\"\\nhuge\\nmost\\n\\n== Control ==\\nhelp "
	       "( "
	       "\\\"command\\\" )\",\"error\":null,\"id\":1}\n");
	expect("{\"method\":\"help\",\"params\":[\"add\"],\"id\":1}", 200,
	       "{\"result\":\"add a ( b )\\n\\nAdds.\",\"error\":null,"
	       "\"id\":1}\n");
	expect("{\"method\":\"help\",\"params\":[\"x\"],\"id\":1}", 200,
	       "{\"result\":\"help: unknown command: x\",\"error\":null,"
	       "\"id\":1}\n");
	expect("{\"method\":\"help\",\"params\":[\"\xc3\xa9\"],\"id\":1}", 200,
	       "{\"result\":\"help: unknown command: ?\?\",\"error\":null,"
	       "\"id\":1}\n");
}

static void numbers_and_text(void **state)
{
	static const int64_t units[] = {
		0, 1, -1, 5000000000, BASE_MAX_MONEY, INT64_MIN};
	static const char want[] =
		"{\"a\":[0.00000000,0.00000001,-0.00000001,50.00000000,"
		"21000000.00000000,-92233720368.54775808],\"r\":"
		"4.656542373906925e-10,\"n\":null,\"i\":-9223372036854775808,"
		"\"t\":\"\\u0001\\n\\\"\\\\\\u007f\xc3\xa9\",\"h\":\"00ff\","
		"\"b\":true}";
	struct api_writer w;

	(void)state;
	api_writer_init(&w, 1000);
	api_object_begin(&w);
	api_key(&w, "a");
	api_array_begin(&w);
	for (size_t i = 0; i < BASE_COUNT(units); i++)
		api_amount(&w, (struct base_amount){units[i]});
	api_array_end(&w);
	api_put_real(&w, "r", 4.656542373906925e-10);
	api_put_real(&w, "n", 1e308 * 10);
	api_put_int(&w, "i", INT64_MIN);
	api_put_string(&w, "t", "\x01\n\"\\\x7f\xc3\xa9");
	api_put_hex(&w, "h", (const uint8_t *)"\x00\xff", 2);
	api_put_bool(&w, "b", true);
	api_object_end(&w);
	assert_true(api_writer_ok(&w));
	assert_int_equal(w.len, strlen(want));
	assert_memory_equal(w.data, want, w.len);
	api_writer_free(&w);

	api_writer_init(&w, 4);
	api_string(&w, "abc");
	assert_false(api_writer_ok(&w));
	api_writer_free(&w);
}

static void expect_amount(const char *text, const char *reply)
{
	char body[128];
	char out[128];

	(void)snprintf(body, sizeof(body),
		       "{\"method\":\"amount\",\"params\":[%s]}", text);
	(void)snprintf(out, sizeof(out),
		       *reply == 'A' || *reply == 'I'
			       ? FAILED(-3, "%s") "null}\n"
			       : "{\"result\":%s,\"error\":null,"
				 "\"id\":null}\n",
		       reply);
	expect(body, *reply == 'A' || *reply == 'I' ? 500 : 200, out);
}

static void amounts(void **state)
{
	static const char invalid[] = "Invalid amount";
	static const char range[] = "Amount out of range";
	static const char *const refused[] = {
		"\"\"",	       "\".\"",	  "\"-\"",
		"\"1.2.3\"",   "\" 1\"",  "\".5\"",
		"\"5.\"",      "\"0x1\"", "\"0.000000001\"",
		"0.000000001", "1e300",	  "\"99999999999999999999\"",
		"0.123456789"};

	(void)state;
	expect_amount("0", "0");
	expect_amount("0.1", "10000000");
	expect_amount("\"0.1\"", "10000000");
	expect_amount("\"1e-8\"", "1");
	expect_amount("\"1e2\"", "10000000000");
	expect_amount("\"1.00000000000\"", "100000000");
	expect_amount("1e-8", "1");
	expect_amount("0.00000001", "1");
	expect_amount("20999999.99999999", "2099999999999999");
	expect_amount("21000000", "2100000000000000");
	expect_amount("21000000.00000001", range);
	expect_amount("-1", range);
	expect_amount("\"-0.00000001\"", range);
	for (size_t i = 0; i < BASE_COUNT(refused); i++)
		expect_amount(refused[i], invalid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts),
		cmocka_unit_test(version_one),
		cmocka_unit_test(version_two),
		cmocka_unit_test(not_requests),
		cmocka_unit_test(parameters),
		cmocka_unit_test(batches),
		cmocka_unit_test(bounds),
		cmocka_unit_test(help),
		cmocka_unit_test(numbers_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
