/* SPDX-License-Identifier: MIT */
#include "node/peers.h"

#include <errno.h>
#include <stdlib.h>

#include "net/addr.h"
#include "node/identify.h"
#include "node/serve.h"

/* A member tries to reach another at least this often, in deltas. */
#define RETRY_DELTAS 4

struct node_peers {
	struct node_peers_options options;
	struct net *net;
	struct node_serve *serve;
	struct node_wake reader; /* of the serving thread */
	struct net_endpoint member[NET_MEMBERS_MAX];
	char listen[NET_ENDPOINT_MAX + 8];
	char path[NODE_PATH_MAX];
	uint8_t saved[NET_SAVED_MAX];
};

static void ring(void *ctx)
{
	node_wake_ring(ctx);
}

static void log_line(void *ctx, const char *line)
{
	node_log(ctx, NODE_LOG_DEBUG, "net", "%s", line);
}

/* A member listens on its port of the network file: on loopback where the
 * network is all on one machine, else on every address. */
static void choose_listen(struct node_peers *p)
{
	const struct node_peers_options *o = &p->options;
	char host[NET_ENDPOINT_MAX];
	const char *any = "0.0.0.0";
	uint16_t port;

	*p->listen = '\0';
	if (*o->config->listen) {
		if (strcmp(o->config->listen, "off") != 0)
			(void)strcpy(p->listen, o->config->listen);
		return;
	}
	if (o->self < 0 || o->chain->params.member_count == 1 ||
	    net_addr_split(host, &port,
			   o->chain->params.member[o->self].address) < 0)
		return;
	if (strncmp(host, "127.", 4) == 0)
		any = host;
	else if (strcmp(host, "::1") == 0)
		any = "[::1]";
	else if (strchr(host, ':'))
		any = "[::]";
	(void)snprintf(p->listen, sizeof(p->listen), "%s:%u", any, port);
}

static void fill_members(struct node_peers *p)
{
	const struct chain_params *params = &p->options.chain->params;

	for (uint32_t i = 0; i < params->member_count; i++) {
		const struct chain_member *m = &params->member[i];

		memcpy(p->member[i].id, m->node_id, NET_ID_SIZE);
		(void)strcpy(p->member[i].address, m->address);
	}
}

static int start_net(struct node_peers *p, struct base_error *err)
{
	const struct node_peers_options *o = &p->options;
	const struct node_config *c = o->config;
	const struct chain_params *params = &o->chain->params;
	struct node_status status;
	size_t saved = 0;
	struct net_options net = {
		.genesis = o->chain->genesis_hash,
		.max_block_bytes = params->max_block_bytes,
		.mode = c->mode,
		.listen = *p->listen ? p->listen : NULL,
		.member = p->member,
		.members = params->member_count,
		.self = o->self,
		.connect = c->connect,
		.connects = c->connects,
		.discover = params->member_count > 1,
		.access = c->access,
		.access_list = c->access_id,
		.access_count = c->access_count,
		.identify = node_identify,
		.identify_ctx = (void *)(uintptr_t)o->committee,
		.timing = {.retry_member = RETRY_DELTAS * params->delta_ms},
		.wake = {ring, ring},
		.wake_ctx = {&o->asks->wake, &p->reader},
		.log = log_line,
		.log_ctx = o->log,
	};

	node_status_read(&status, o->status);
	net.height = status.tip.height.n;
	memcpy(net.secret, o->keys->node_secret, sizeof(net.secret));
	/* What cannot be read is learnt again. */
	if (node_file_read((char *)p->saved, &saved, sizeof(p->saved), p->path,
			   err) == 0) {
		net.saved = p->saved;
		net.saved_len = saved;
	}
	return net_start(&p->net, &net, err);
}

static int start(struct node_peers *p, struct base_error *err)
{
	struct node_serve_options serve = {
		.store = p->options.store,
		.status = p->options.status,
		.log = p->options.log,
		.max_block_bytes = p->options.chain->params.max_block_bytes,
		.wake = &p->reader};
	int rc = node_datadir_path(p->path, p->options.datadir, NODE_PEERS_FILE,
				   err);

	if (rc < 0)
		return rc;
	rc = node_wake_open(&p->reader);
	if (rc < 0)
		return base_fail(err, rc, "cannot make an eventfd: %s",
				 strerror(-rc));
	fill_members(p);
	rc = start_net(p, err);
	if (rc < 0)
		return rc;
	/* The net thread says that a light node is none of the full. */
	if (p->options.config->mode == NET_LIGHT)
		return 0;
	serve.net = p->net;
	return node_serve_start(&p->serve, &serve, err);
}

int node_peers_start(struct node_peers **out,
		     const struct node_peers_options *options,
		     struct base_error *err)
{
	struct node_peers *p = calloc(1, sizeof(*p));
	int rc;

	*out = NULL;
	if (!p)
		return base_fail(err, -ENOMEM, "no memory for the network");
	p->options = *options;
	p->reader.fd = -1;
	choose_listen(p);
	if (!*p->listen && options->config->connects == 0 &&
	    options->chain->params.member_count == 1 && options->self >= 0) {
		node_peers_stop(p);
		return 0;
	}
	rc = start(p, err);
	if (rc < 0) {
		node_peers_stop(p);
		return rc;
	}
	if (*net_address(p->net))
		node_log(options->log, NODE_LOG_INFO, "listen",
			 "other nodes connect to %s", net_address(p->net));
	*out = p;
	return 0;
}

struct net *node_peers_net(const struct node_peers *p)
{
	return p ? p->net : NULL;
}

const struct node_wake *node_peers_bell(const struct node_peers *p)
{
	return p ? &p->reader : NULL;
}

void node_peers_save(const struct node_peers *p)
{
	struct base_error err;
	uint8_t *bytes;
	size_t len;

	if (!p || !p->net)
		return;
	bytes = malloc(NET_SAVED_MAX);
	if (!bytes)
		return;
	len = net_save(bytes, p->net);
	if (node_file_write(p->path, bytes, len, 0600, &err) < 0)
		node_log(p->options.log, NODE_LOG_WARN, "peers_lost",
			 "addresses and bans were not kept: %s", err.text);
	free(bytes);
}

void node_peers_stop(struct node_peers *p)
{
	if (!p)
		return;
	node_serve_stop(p->serve);
	node_peers_save(p);
	net_stop(p->net);
	node_wake_close(&p->reader);
	free(p);
}
