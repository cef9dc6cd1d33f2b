/* SPDX-License-Identifier: MIT */
/*
 * member.h: the datadir of a member, before there is a network.
 *
 * Floor 5. Main thread. Beside keys and wallet it holds `member.json`, the
 * member's descriptor (node/network_file.h): what it told the others, written
 * once, so that it says the same whenever it is asked again.
 */
#ifndef NODE_MEMBER_H
#define NODE_MEMBER_H

#include "base/error.h"
#include "chain/params.h"
#include "node/datadir.h"

#define NODE_MEMBER_FILE "member.json"
#define NODE_MEMBER_ADDRESS "127.0.0.1:9444" /* where nothing else is said */

/*
 * Makes the datadir at @datadir, with keys and wallet (encrypted as the files
 * of passphrases in @config say; NULL: plain), a member's of @name at @address;
 * what is there stays. NULL
 * for @name or @address: as it is there, or for the address
 * NODE_MEMBER_ADDRESS. *@out is the member.
 * 0; -EBUSY: a node holds the datadir; -EINVAL: a name that is needed, or
 * name or address out of range; -EEXIST: the datadir belongs to a network
 * already, or to a member of another name or address; -EBADMSG: a file is
 * damaged; -ENOENT: a key is missing; others of the files. @err says.
 */
BASE_MUST_CHECK int node_member_init(struct chain_member *out,
				     const char *datadir, const char *name,
				     const char *address,
				     const struct node_config *config,
				     struct base_error *err);

/* Whether the datadir is a member's: others may know its keys, and wait for
 * its part in a network. */
bool node_member_described(const struct node_datadir *d);

/* `minerd init`: @argv[0] is "init"; prints the descriptor and its own
 * errors; the exit status. */
int node_init(int argc, char **argv);

#endif
