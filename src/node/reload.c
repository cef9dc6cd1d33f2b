/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "net/addr.h"
#include "node/run_internal.h"

/* Bans of the configuration last until they are taken out of it. */
#define UNTIL_S (UINT64_C(1) << 40)
#define NAMES_MAX 512

static bool same_endpoint(const struct net_endpoint *a,
			  const struct net_endpoint *b)
{
	return memcmp(a->id, b->id, sizeof(a->id)) == 0 &&
	       strcmp(a->address, b->address) == 0;
}

static bool connects(const struct node_config *c, const struct net_endpoint *e)
{
	for (uint32_t i = 0; i < c->connects; i++)
		if (same_endpoint(&c->connect[i], e))
			return true;
	return false;
}

static bool lists(const struct node_config *c, const uint8_t *id)
{
	for (uint32_t i = 0; i < c->access_count; i++)
		if (memcmp(c->access_id[i], id, NET_ID_SIZE) == 0)
			return true;
	return false;
}

static bool same_ban(const struct net_ban *a, const struct net_ban *b)
{
	return memcmp(a->id, b->id, sizeof(a->id)) == 0 &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static bool bans(const struct node_config *c, const struct net_ban *ban)
{
	for (uint32_t i = 0; i < c->bans; i++)
		if (same_ban(&c->ban[i], ban))
			return true;
	return false;
}

/* The member that @ban would shut out; NULL: none. */
static const char *member_of(const struct node *n, const struct net_ban *ban)
{
	const struct chain_params *p = &n->chain.params;
	struct net_addr a;

	for (uint32_t i = 0; i < p->member_count; i++)
		if (memcmp(p->member[i].node_id, ban->id, NET_ID_SIZE) == 0 ||
		    (net_addr_parse(&a, p->member[i].address) == 0 &&
		     memcmp(a.ip, ban->address, sizeof(a.ip)) == 0))
			return p->member[i].name;
	return NULL;
}

/* How many of the net's commands did not fit. */
static int ban(const struct node *n, struct net *net, struct net_ban what,
	       bool banned)
{
	const char *member = member_of(n, &what);

	if (member && banned) {
		node_log(n->log, NODE_LOG_WARN, "ban_refused",
			 "a ban of the configuration names member '%s', and "
			 "members are never banned",
			 member);
		return 0;
	}
	what.manual = true;
	what.until_s = banned ? UNTIL_S : 0;
	return net_set_ban(net, &what) < 0;
}

void node_reload_bans(const struct node *n)
{
	struct net *net = node_peers_net(n->peers);
	int failed = 0;

	for (uint32_t i = 0; i < n->config->bans && net; i++)
		failed += ban(n, net, n->config->ban[i], true);
	if (failed > 0)
		node_log(n->log, NODE_LOG_WARN, "bans_lost",
			 "%d bans of the configuration were not taken; send "
			 "SIGHUP",
			 failed);
}

/* Makes the net of @old's configuration that of @now's. */
static int change_net(const struct node *n, struct net *net,
		      const struct node_config *old,
		      const struct node_config *now)
{
	int failed = 0;

	for (uint32_t i = 0; i < old->connects; i++)
		if (!connects(now, &old->connect[i]))
			failed += net_connect(net, &old->connect[i], true) < 0;
	for (uint32_t i = 0; i < now->connects; i++)
		if (!connects(old, &now->connect[i]))
			failed += net_connect(net, &now->connect[i], false) < 0;
	for (uint32_t i = 0; i < old->access_count; i++)
		if (!lists(now, old->access_id[i]))
			failed += net_grant(net, old->access_id[i], false) < 0;
	for (uint32_t i = 0; i < now->access_count; i++)
		if (!lists(old, now->access_id[i]))
			failed += net_grant(net, now->access_id[i], true) < 0;
	for (uint32_t i = 0; i < old->bans; i++)
		if (!bans(now, &old->ban[i]))
			failed += ban(n, net, old->ban[i], false);
	/* All of them: one that was lifted by hand is back. */
	for (uint32_t i = 0; i < now->bans; i++)
		failed += ban(n, net, now->ban[i], true);
	return failed;
}

/* What of it needs a restart after all; it stays as it was. */
static void keep_old(struct node_config *now, const struct node_config *old,
		     bool no_net, char *names)
{
	size_t at = strlen(names);

	if (now->access != old->access) {
		at += (size_t)snprintf(names + at, NAMES_MAX - at, "%saccess",
				       at > 0 ? ", " : "");
		now->access = old->access;
		now->access_count = old->access_count;
		memcpy(now->access_id, old->access_id, sizeof(now->access_id));
	}
	if (no_net && at < NAMES_MAX &&
	    (now->connects > 0 || now->access_count != old->access_count ||
	     now->bans != old->bans))
		(void)snprintf(names + at, NAMES_MAX - at,
			       "%sconnect, access and ban (it has no peers)",
			       at > 0 ? ", " : "");
}

static void tell(const struct node *n, const char *names, int failed)
{
	if (*names)
		node_log(n->log, NODE_LOG_WARN, "restart_needed",
			 "cannot change while the node runs: %s; the rest of "
			 "the configuration is in force",
			 names);
	if (failed > 0)
		node_log(n->log, NODE_LOG_WARN, "reload_incomplete",
			 "%d peers, grants or bans were not changed: the "
			 "network thread is busy; send SIGHUP again",
			 failed);
}

void node_reload(struct node *n)
{
	struct net *net = node_peers_net(n->peers);
	struct node_config *now = malloc(sizeof(*now));
	struct base_error err;
	char names[NAMES_MAX];
	int failed = 0;
	int rc = now ? node_config_reload(now, n->latest, names, sizeof(names),
					  &err)
		     : base_fail(&err, -ENOMEM, "no memory to read it");

	if (rc < 0) {
		node_log(n->log, NODE_LOG_ERROR, "reload_failed",
			 "the configuration stays as it was: %s", err.text);
		free(now);
		return;
	}
	keep_old(now, n->latest, !net, names);
	node_log_set_level(n->log, now->log_level);
	if (net)
		failed = change_net(n, net, n->latest, now);
	node_log(n->log, NODE_LOG_INFO, "reloaded",
		 "configuration read again: log level %s, %u peers to connect "
		 "to, %u on the access list, %u banned",
		 node_log_level_name(now->log_level), now->connects,
		 now->access_count, now->bans);
	tell(n, names, failed);
	if (n->latest != n->config)
		free((void *)(uintptr_t)n->latest);
	n->latest = now;
}

void node_reload_settle(struct node *n)
{
	if (n->latest == n->config)
		return;
	if (n->config != n->first)
		free((void *)(uintptr_t)n->config);
	n->config = n->latest;
}

void node_reload_close(struct node *n)
{
	node_reload_settle(n);
	if (n->config != n->first)
		free((void *)(uintptr_t)n->config);
}
