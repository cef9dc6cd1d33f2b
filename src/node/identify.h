/* SPDX-License-Identifier: MIT */
/*
 * identify.h: the canonical ids of gossip (network.md).
 *
 * Floor 5, pure; any thread. What makes two messages copies of each other: TX
 * its wtxid; VOTE (epoch, height, hash, voter); BEAT (epoch, tick, voter);
 * CERT (height, hash), whoever signed it; HAVE its hash. Signatures are not
 * part of it, so an id counts as seen only once a message was found valid.
 */
#ifndef NODE_IDENTIFY_H
#define NODE_IDENTIFY_H

#include "consensus/message.h"
#include "net/net.h"

void node_id_of_vote(uint8_t id[static 32], const struct ds_vote *m);
void node_id_of_beat(uint8_t id[static 32], const struct ds_beat *m);
void node_id_of_cert(uint8_t id[static 32], const struct ds_cert *m);
void node_id_of_have(uint8_t id[static 32], const struct base_hash *hash);

/* As net_identify wants it; @ctx is a const struct ds_committee. False: not a
 * message of this committee; ds_message() or nobody takes it then. */
bool node_identify(void *ctx, uint8_t id[static 32], uint8_t type,
		   const uint8_t *data, size_t len);

#endif
