/* SPDX-License-Identifier: MIT */
/*
 * network_file.h: network.json, the file that defines a chain, and the
 * descriptors that it is assembled of.
 *
 * Floor 5. Main thread, at start. Its canonical form is RFC 8785 restricted
 * to printable-ASCII strings and integers below 2^53: keys sorted, no
 * spaces, every key present. The SHA-256 of that form is in the genesis
 * block, so a file that means the same is the same chain however it is
 * indented, and one that differs in a single value is another.
 *
 * A descriptor is what one member tells the others: the object of its entry
 * in `members`, as a file of its own.
 */
#ifndef NODE_NETWORK_FILE_H
#define NODE_NETWORK_FILE_H

#include "base/error.h"
#include "chain/params.h"

#define NODE_NETWORK_BYTES_MAX (1u << 20)
#define NODE_DESCRIPTOR_BYTES_MAX 4096u

/*
 * Reads and checks @path. 0; -ENOENT; -EACCES...; -EBADMSG: not JSON, an
 * unknown, missing or repeated key, a wrong type or a value out of range;
 * @err names the file, the key and what is allowed. *@hash is the SHA-256
 * of the canonical form.
 */
BASE_MUST_CHECK int node_network_load(struct chain_params *out,
				      struct base_hash *hash, const char *path,
				      struct base_error *err);

/* The same from memory; @name stands for the file in messages. */
BASE_MUST_CHECK int node_network_parse(struct chain_params *out,
				       struct base_hash *hash, const char *text,
				       size_t len, const char *name,
				       struct base_error *err);

/* Writes @p, indented for people, as one atomic file. */
BASE_MUST_CHECK int node_network_save(const char *path,
				      const struct chain_params *p,
				      struct base_error *err);

/* The canonical form, NUL-terminated; the caller frees it. NULL: no memory. */
char *node_network_canonical(const struct chain_params *p);

/* The file that node_network_save() writes, as text that the caller frees;
 * NULL: no memory. */
char *node_network_text(const struct chain_params *p);

/* Reads the descriptor at @path and checks it by itself. Errors as
 * node_network_load(). */
BASE_MUST_CHECK int node_descriptor_load(struct chain_member *out,
					 const char *path,
					 struct base_error *err);

/* The descriptor of @m, indented, with a newline at its end; the caller frees
 * it. NULL: no memory. */
char *node_descriptor_text(const struct chain_member *m);

#endif
