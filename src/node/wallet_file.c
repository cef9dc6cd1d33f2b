/* SPDX-License-Identifier: MIT */
#include "node/wallet_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/bytes.h"

#define FILE_MAX 1024

static int take(struct node_wallet *w, json_t *root)
{
	struct node_xpub account;
	const char *hex;
	json_int_t format, receive, change;
	int scanned;

	_Static_assert(sizeof(account) == 65, "key and chain code, no gap");
	if (json_unpack(root, "{s:I, s:s, s:I, s:I, s:b !}", "format", &format,
			"account", &hex, "receive", &receive, "change", &change,
			"scanned", &scanned) < 0)
		return -EBADMSG;
	if (receive < 0 || receive > NODE_WALLET_KEYS_MAX || change < 0 ||
	    change > NODE_WALLET_KEYS_MAX ||
	    base_from_hex((uint8_t *)&account, sizeof(account), hex) < 0)
		return -EBADMSG;
	w->account = account;
	w->next[NODE_RECEIVE] = (uint32_t)receive;
	w->next[NODE_CHANGE] = (uint32_t)change;
	w->scanned = scanned;
	return 0;
}

int node_wallet_file_read(struct node_wallet *w, struct base_error *err)
{
	char path[NODE_PATH_MAX];
	char text[FILE_MAX];
	size_t len;
	json_t *root;
	json_int_t format = 0;
	int rc = node_datadir_path(path, w->datadir, NODE_WALLET_FILE, err);

	if (rc == 0)
		rc = node_file_read(text, &len, sizeof(text), path, err);
	if (rc < 0)
		return rc;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (root)
		format = json_integer_value(json_object_get(root, "format"));
	if (format > NODE_WALLET_FORMAT)
		rc = base_fail(err, -EPROTO,
			       "%.300s was written by a newer minerd; use that "
			       "one",
			       path);
	else if (format != NODE_WALLET_FORMAT || take(w, root) < 0)
		rc = base_fail(err, -EBADMSG,
			       "%.300s is damaged; restore it from your "
			       "backup, or remove it: it is made again from "
			       "the seed",
			       path);
	json_decref(root);
	return rc;
}

int node_wallet_file_write(const struct node_wallet *w, struct base_error *err)
{
	char path[NODE_PATH_MAX];
	char account[2 * sizeof(w->account) + 1];
	char text[FILE_MAX];
	int len;
	int rc = node_datadir_path(path, w->datadir, NODE_WALLET_FILE, err);

	if (rc < 0)
		return rc;
	base_to_hex(account, (const uint8_t *)&w->account, sizeof(w->account));
	len = snprintf(text, sizeof(text),
		       "{\"format\": %d,\n \"account\": \"%s\",\n"
		       " \"receive\": %u,\n \"change\": %u,\n"
		       " \"scanned\": %s}\n",
		       NODE_WALLET_FORMAT, account, w->next[NODE_RECEIVE],
		       w->next[NODE_CHANGE], w->scanned ? "true" : "false");
	return node_file_write(path, text, (size_t)len, 0600, err);
}
