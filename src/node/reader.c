/* SPDX-License-Identifier: MIT */
#include "node/reader.h"

#include <errno.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "node/clock.h"
#include "node/rest.h"
#include "node/wake.h"

#define COOKIE_BYTES 32
#define COOKIE_USER "__cookie__:"

/* What node_reader_ask() waits for. */
struct call {
	struct api_writer *out;
	const char *body;
	size_t len;
	unsigned status;
	const struct node_wake *asker;
	_Atomic bool answered;
};

struct node_reader {
	struct node_rpc rpc;
	struct api_server *server; /* NULL: none */
	_Atomic(struct call *) call;
	struct node_wake wake;
	pthread_t thread;
	bool wanted;
	bool running;
	_Atomic bool stopping;
	char cookie_path[NODE_PATH_MAX];
	char address_path[NODE_PATH_MAX];
};

static unsigned run_methods(struct node_reader *r, struct api_writer *out,
			    const char *body, size_t len)
{
	const struct api_table table = node_rpc_table(&r->rpc);
	unsigned status;

	node_rpc_begin(&r->rpc);
	status = api_json_rpc(out, &table, body, len);
	node_rpc_end(&r->rpc);
	return status;
}

static void answer(struct node_reader *r, struct api_request *request)
{
	const char *type = "application/json";
	struct api_writer out;
	unsigned status;

	api_writer_init(&out, API_REPLY_MAX);
	if (request->rest) {
		status = node_rest(&out, &type, &r->rpc, request);
		api_complete(request, status, &out, type);
		return;
	}
	status = run_methods(r, &out, request->body, request->len);
	api_complete(request, status, &out, type);
}

/* Whether a thread of our own asked. */
static bool answer_call(struct node_reader *r)
{
	/* Pairs with the release in node_reader_ask(). */
	struct call *call =
		atomic_exchange_explicit(&r->call, NULL, memory_order_acquire);
	const struct node_wake *asker;

	if (!call)
		return false;
	asker = call->asker;
	call->status = run_methods(r, call->out, call->body, call->len);
	/* Pairs with the acquire in node_reader_ask(). */
	atomic_store_explicit(&call->answered, true, memory_order_release);
	node_wake_ring(asker);
	return true;
}

unsigned node_reader_ask(struct node_reader *r, struct api_writer *out,
			 const char *body, size_t len,
			 const struct node_wake *asker)
{
	struct call call = {
		.out = out, .body = body, .len = len, .asker = asker};

	/* Pairs with the acquire in answer_call(). */
	atomic_store_explicit(&r->call, &call, memory_order_release);
	node_wake_ring(&r->wake);
	/* The bell first, as in node_ask(). Pairs with the release in
	 * answer_call(). */
	do {
		node_wake_wait(asker, -1);
	} while (!atomic_load_explicit(&call.answered, memory_order_acquire));
	return call.status;
}

static void *reader_main(void *arg)
{
	struct node_reader *r = arg;

	(void)pthread_setname_np(pthread_self(), "reader");
	/* Pairs with the release in node_reader_stop(). */
	while (!atomic_load_explicit(&r->stopping, memory_order_acquire)) {
		struct api_request *request =
			r->server ? api_server_take(r->server) : NULL;

		if (request)
			answer(r, request);
		if (!answer_call(r) && !request)
			node_wake_wait(&r->wake,
				       node_wallet_tick(r->rpc.wallet));
	}
	return NULL;
}

static void wake_reader(void *ctx)
{
	const struct node_reader *r = ctx;

	node_wake_ring(&r->wake);
}

/* Readable by its owner from its first byte on: node_file_write() creates
 * the file with the mode it is given. */
static int make_cookie(struct node_reader *r, char *cookie,
		       struct base_error *err)
{
	uint8_t secret[COOKIE_BYTES];

	_Static_assert(sizeof(COOKIE_USER) + 2 * COOKIE_BYTES <= API_COOKIE_MAX,
		       "the cookie fits");
	if (RAND_bytes(secret, sizeof(secret)) != 1)
		return base_fail(err, -EIO, "no randomness for the cookie");
	(void)strcpy(cookie, COOKIE_USER);
	base_to_hex(cookie + strlen(cookie), secret, sizeof(secret));
	base_wipe(secret, sizeof(secret));
	return node_file_write(r->cookie_path, cookie, strlen(cookie), 0600,
			       err);
}

static int start_server(struct node_reader *r,
			const struct node_reader_options *o,
			struct base_error *err)
{
	struct api_server_options server = {.address = o->config->rpc,
					    .auth = o->config->rpcauth,
					    .rest = o->config->rest &&
						    !o->is_light,
					    .wake = wake_reader,
					    .wake_ctx = r};
	int rc = make_cookie(r, server.auth.cookie, err);

	if (rc == 0)
		rc = api_server_start(&r->server, &server, err);
	base_wipe(&server.auth, sizeof(server.auth));
	if (rc == -EADDRINUSE)
		rc = base_fail(err, rc,
			       "cannot listen for RPC on %s: the address is in "
			       "use; choose another with --rpc ADDR:PORT, or "
			       "--rpc off",
			       o->config->rpc);
	if (rc == 0) {
		const char *address = api_server_address(r->server);

		rc = node_file_write(r->address_path, address, strlen(address),
				     0644, err);
	}
	return rc;
}

static void fill_rpc(struct node_rpc *rpc, const struct node_reader_options *o)
{
	rpc->params = o->params;
	rpc->store = o->store;
	rpc->board = o->status;
	rpc->asks = o->asks;
	rpc->log = o->log;
	rpc->wallet = o->wallet;
	rpc->committee = o->committee;
	rpc->is_light = o->is_light;
	rpc->stop = o->stop;
	rpc->stop_ctx = o->stop_ctx;
	rpc->started_ms = node_monotonic_ms();
}

static int start(struct node_reader *r, const struct node_reader_options *o,
		 struct base_error *err)
{
	int rc = node_datadir_path(r->cookie_path, o->datadir, NODE_COOKIE_FILE,
				   err);

	if (rc == 0)
		rc = node_datadir_path(r->address_path, o->datadir,
				       NODE_RPC_ADDRESS_FILE, err);
	if (rc == 0)
		rc = node_datadir_path(r->rpc.data_path, o->datadir,
				       "chain/data.mdb", err);
	if (rc < 0)
		return rc;
	/* What a crash left behind would lead clients astray. */
	(void)unlink(r->cookie_path);
	(void)unlink(r->address_path);
	r->wanted = o->console || (o->serve && *o->config->rpc);
	if (!r->wanted)
		return 0;
	fill_rpc(&r->rpc, o);
	rc = node_wake_open(&r->wake);
	if (rc == 0)
		rc = node_wake_open(&r->rpc.answered);
	if (rc < 0)
		return base_fail(err, rc, "cannot make an eventfd: %s",
				 strerror(-rc));
	return o->serve && *o->config->rpc ? start_server(r, o, err) : 0;
}

int node_reader_start(struct node_reader **out,
		      const struct node_reader_options *options,
		      struct base_error *err)
{
	struct node_reader *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return base_fail(err, -ENOMEM, "no memory for the reader");
	r->wake.fd = -1;
	r->rpc.answered.fd = -1;
	rc = start(r, options, err);
	if (rc < 0 || !r->wanted) {
		node_reader_stop(r);
		r = NULL;
	}
	*out = r;
	return rc;
}

int node_reader_run(struct node_reader *r, struct net *net,
		    struct base_error *err)
{
	int rc;

	if (!r)
		return 0;
	r->rpc.net = net;
	rc = -pthread_create(&r->thread, NULL, reader_main, r);
	if (rc < 0)
		return base_fail(err, rc, "cannot start the reader thread: %s",
				 strerror(-rc));
	r->running = true;
	return 0;
}

void node_reader_set_light(struct node_reader *r, struct node_light *light)
{
	if (r)
		r->rpc.light = light;
}

const char *node_reader_address(const struct node_reader *r)
{
	return r && r->server ? api_server_address(r->server) : NULL;
}

void node_reader_stop(struct node_reader *r)
{
	if (!r)
		return;
	if (r->running) {
		/* Pairs with the acquire in reader_main(). */
		atomic_store_explicit(&r->stopping, true, memory_order_release);
		node_wake_ring(&r->wake);
		(void)pthread_join(r->thread, NULL);
	}
	api_server_stop(r->server);
	node_wake_close(&r->wake);
	node_wake_close(&r->rpc.answered);
	if (*r->cookie_path)
		(void)unlink(r->cookie_path);
	if (*r->address_path)
		(void)unlink(r->address_path);
	node_work_free(&r->rpc.work);
	free(r);
}
