/* SPDX-License-Identifier: MIT */
#include "node/network_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "chain/address.h"
#include "node/datadir.h"
#include "pow/sha256.h"
#include "pow/target.h"

#define INTEGER_MAX ((INT64_C(1) << 53) - 1)
#define FIELDS_MAX 32

/* One object being read: every key taken is remembered, the first failure
 * sticks, and what is left over at the end is unknown. */
struct fields {
	json_t *object;
	const char *kind; /* of the file, in messages */
	const char *file;
	const char *where; /* "" or "members[3]." and the like */
	const char *taken[FIELDS_MAX];
	size_t count;
	struct base_error *err;
	int rc;
};

static int refuse(struct fields *f, const char *key, const char *what)
{
	if (f->rc == 0)
		f->rc = base_fail(f->err, -EBADMSG, "%s %.200s: %s%.64s %s",
				  f->kind, f->file, f->where, key, what);
	return f->rc;
}

static json_t *take(struct fields *f, const char *key)
{
	json_t *v = json_object_get(f->object, key);

	if (f->rc < 0)
		return NULL;
	if (!v)
		(void)refuse(f, key, "is missing; every key must be there");
	else if (f->count < FIELDS_MAX)
		f->taken[f->count++] = key;
	return v;
}

static uint64_t take_u64(struct fields *f, const char *key, uint64_t most)
{
	json_t *v = take(f, key);
	char what[96];

	if (!v)
		return 0;
	if (json_is_integer(v) && json_integer_value(v) >= 0 &&
	    (uint64_t)json_integer_value(v) <= most)
		return (uint64_t)json_integer_value(v);
	(void)snprintf(what, sizeof(what), "must be an integer from 0 to %llu",
		       (unsigned long long)most);
	(void)refuse(f, key, what);
	return 0;
}

static uint32_t take_u32(struct fields *f, const char *key)
{
	return (uint32_t)take_u64(f, key, UINT32_MAX);
}

/* "" on failure. */
static const char *take_text(struct fields *f, const char *key, size_t most)
{
	json_t *v = take(f, key);
	const char *text;

	if (!v)
		return "";
	text = json_string_value(v);
	if (!text || json_string_length(v) > most ||
	    strlen(text) != json_string_length(v)) {
		(void)refuse(f, key, "must be a string, and not that long");
		return "";
	}
	for (const char *p = text; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			(void)refuse(f, key, "must be printable ASCII");
	return f->rc < 0 ? "" : text;
}

static void take_hex(struct fields *f, const char *key, uint8_t *out,
		     size_t len)
{
	const char *text = take_text(f, key, 2 * len);
	char again[2 * 32 + 1];

	if (f->rc < 0)
		return;
	if (base_from_hex(out, len, text) < 0) {
		(void)refuse(f, key, "must be hex digits of exact length");
		return;
	}
	/* One spelling only: the canonical form must not depend on case. */
	base_to_hex(again, out, len);
	if (strcmp(again, text) != 0)
		(void)refuse(f, key, "must be lower-case hex");
}

static json_t *take_array(struct fields *f, const char *key, size_t most)
{
	json_t *v = take(f, key);
	char what[64];

	if (!v || (json_is_array(v) && json_array_size(v) <= most))
		return v;
	(void)snprintf(what, sizeof(what),
		       "must be an array of at most %zu objects", most);
	(void)refuse(f, key, what);
	return NULL;
}

static void finish(struct fields *f)
{
	const char *key;
	json_t *value;

	if (f->rc < 0 || json_object_size(f->object) == f->count)
		return;
	json_object_foreach(f->object, key, value)
	{
		size_t i = 0;

		(void)value;
		while (i < f->count && strcmp(f->taken[i], key) != 0)
			i++;
		if (i == f->count)
			(void)refuse(f, key, "is unknown; remove it");
	}
}

/* Fields of a nested object, which reports into the same error. */
static struct fields nested(struct fields *parent, json_t *object,
			    const char *where)
{
	struct fields f = {.object = object,
			   .kind = parent->kind,
			   .file = parent->file,
			   .where = where,
			   .err = parent->err,
			   .rc = parent->rc};

	if (!json_is_object(object))
		(void)refuse(&f, "", "must be an object");
	return f;
}

static void read_member(struct fields *parent, struct chain_member *out,
			json_t *object, const char *where)
{
	struct fields f = nested(parent, object, where);

	(void)strcpy(out->name, take_text(&f, "name", CHAIN_NAME_MAX));
	(void)strcpy(out->address,
		     take_text(&f, "address", CHAIN_ENDPOINT_MAX));
	take_hex(&f, "signing_key", out->signing_key, sizeof(out->signing_key));
	take_hex(&f, "node_id", out->node_id, sizeof(out->node_id));
	finish(&f);
	parent->rc = f.rc;
}

static void read_output(struct fields *parent, struct chain_params *p,
			json_t *object, size_t i)
{
	char where[32];
	struct fields f;
	const char *address;
	char again[CHAIN_ADDRESS_SIZE];

	(void)snprintf(where, sizeof(where), "outputs[%zu].", i);
	f = nested(parent, object, where);
	p->output[i].amount.units =
		(int64_t)take_u64(&f, "amount", BASE_MAX_MONEY);
	address = take_text(&f, "address", CHAIN_ADDRESS_SIZE);
	if (f.rc == 0 && chain_address_decode(p->output[i].key,
					      p->address_prefix, address) < 0)
		(void)refuse(&f, "address",
			     "is not an address of this network's prefix");
	if (f.rc == 0) {
		chain_address_encode(again, p->address_prefix,
				     p->output[i].key);
		if (strcmp(again, address) != 0)
			(void)refuse(&f, "address", "must be lower case");
	}
	finish(&f);
	parent->rc = f.rc;
}

static void read_subsidy(struct fields *parent, struct chain_params *p)
{
	json_t *object = take(parent, "subsidy");
	struct fields f;

	if (!object)
		return;
	f = nested(parent, object, "subsidy.");
	p->subsidy_initial.units =
		(int64_t)take_u64(&f, "initial", BASE_MAX_MONEY);
	p->subsidy_halving_blocks = take_u32(&f, "halving_blocks");
	finish(&f);
	parent->rc = f.rc;
}

static void read_numbers(struct fields *f, struct chain_params *p)
{
	struct base_hash limit;
	uint8_t big_endian[32] = {0};
	uint8_t bits[4] = {0};

	p->genesis_time_ms = take_u64(f, "genesis_time_ms", INTEGER_MAX);
	p->delta_ms = take_u32(f, "delta_ms");
	p->faults = take_u32(f, "f");
	take_hex(f, "pow_limit", big_endian, sizeof(big_endian));
	for (size_t i = 0; i < sizeof(limit.b); i++)
		limit.b[i] = big_endian[sizeof(limit.b) - 1 - i];
	p->pow_limit = base_u256_from_hash(&limit);
	take_hex(f, "genesis_bits", bits, sizeof(bits));
	p->genesis_bits = base_load_be32(bits);
	p->spacing_s = take_u32(f, "spacing_s");
	p->half_life_s = take_u32(f, "half_life_s");
	p->max_block_bytes = take_u32(f, "max_block_bytes");
	p->max_block_inputs = take_u32(f, "max_block_inputs");
	p->coinbase_maturity = take_u32(f, "coinbase_maturity");
}

static int read_params(struct chain_params *p, json_t *root, const char *name,
		       struct base_error *err)
{
	struct fields f = {.object = root,
			   .kind = "network file",
			   .file = name,
			   .where = "",
			   .err = err};
	json_t *members;
	json_t *outputs;

	if (!json_is_object(root))
		return refuse(&f, "", "must be one JSON object");
	(void)strcpy(p->name, take_text(&f, "name", CHAIN_NAME_MAX));
	(void)strcpy(p->address_prefix,
		     take_text(&f, "address_prefix", CHAIN_PREFIX_MAX));
	read_numbers(&f, p);
	read_subsidy(&f, p);
	members = take_array(&f, "members", CHAIN_MEMBERS_MAX);
	p->member_count = (uint32_t)json_array_size(members);
	for (size_t i = 0; i < p->member_count && f.rc == 0; i++) {
		char where[32];

		(void)snprintf(where, sizeof(where), "members[%zu].", i);
		read_member(&f, &p->member[i], json_array_get(members, i),
			    where);
	}
	outputs = take_array(&f, "outputs", CHAIN_OUTPUTS_MAX);
	p->output_count = (uint32_t)json_array_size(outputs);
	for (size_t i = 0; i < p->output_count && f.rc == 0; i++)
		read_output(&f, p, json_array_get(outputs, i), i);
	finish(&f);
	return f.rc;
}

int node_network_parse(struct chain_params *out, struct base_hash *hash,
		       const char *text, size_t len, const char *name,
		       struct base_error *err)
{
	json_error_t why;
	struct base_error inner;
	struct chain_params *p = calloc(1, sizeof(*p));
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	char *canonical = NULL;
	int rc;

	if (!p)
		rc = base_fail(err, -ENOMEM, "no memory for %.200s", name);
	else if (!root)
		rc = base_fail(err, -EBADMSG,
			       "network file %.200s: line %d: %s", name,
			       why.line, why.text);
	else
		rc = read_params(p, root, name, err);
	if (rc == 0 && chain_params_check(p, &inner) < 0)
		rc = base_fail(err, -EBADMSG, "network file %.200s: %.280s",
			       name, inner.text);
	if (rc == 0) {
		canonical = node_network_canonical(p);
		if (!canonical)
			rc = base_fail(err, -ENOMEM, "no memory for %.200s",
				       name);
	}
	if (rc == 0) {
		pow_sha256(hash, canonical, strlen(canonical));
		*out = *p;
	}
	free(canonical);
	json_decref(root);
	free(p);
	return rc;
}

int node_network_load(struct chain_params *out, struct base_hash *hash,
		      const char *path, struct base_error *err)
{
	char *text = malloc(NODE_NETWORK_BYTES_MAX);
	size_t len;
	int rc;

	if (!text)
		return base_fail(err, -ENOMEM, "no memory for %.300s", path);
	rc = node_file_read(text, &len, NODE_NETWORK_BYTES_MAX, path, err);
	if (rc == 0)
		rc = node_network_parse(out, hash, text, len, path, err);
	free(text);
	return rc;
}

/* json_object_set_new() takes the value over, fails on NULL, and a failure
 * is remembered: one check at the end suffices. */
static void put(json_t *object, bool *failed, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		*failed = true;
}

static json_t *hex_json(const uint8_t *data, size_t len)
{
	char text[2 * 32 + 1];

	base_to_hex(text, data, len);
	return json_string(text);
}

static json_t *member_json(const struct chain_member *m, bool *failed)
{
	json_t *o = json_object();

	put(o, failed, "name", json_string(m->name));
	put(o, failed, "address", json_string(m->address));
	put(o, failed, "signing_key",
	    hex_json(m->signing_key, sizeof(m->signing_key)));
	put(o, failed, "node_id", hex_json(m->node_id, sizeof(m->node_id)));
	return o;
}

static json_t *output_json(const struct chain_params *p, uint32_t i,
			   bool *failed)
{
	char address[CHAIN_ADDRESS_SIZE];
	json_t *o = json_object();

	chain_address_encode(address, p->address_prefix, p->output[i].key);
	put(o, failed, "address", json_string(address));
	put(o, failed, "amount", json_integer(p->output[i].amount.units));
	return o;
}

static void put_numbers(json_t *o, bool *failed, const struct chain_params *p)
{
	struct base_hash limit;
	char limit_hex[BASE_HASH_HEX_SIZE];
	uint8_t bits[4];

	put(o, failed, "genesis_time_ms",
	    json_integer((json_int_t)p->genesis_time_ms));
	put(o, failed, "delta_ms", json_integer(p->delta_ms));
	put(o, failed, "f", json_integer(p->faults));
	base_u256_to_hash(&limit, &p->pow_limit);
	base_hash_to_hex(limit_hex, &limit);
	put(o, failed, "pow_limit", json_string(limit_hex));
	base_store_be32(bits, p->genesis_bits);
	put(o, failed, "genesis_bits", hex_json(bits, sizeof(bits)));
	put(o, failed, "spacing_s", json_integer(p->spacing_s));
	put(o, failed, "half_life_s", json_integer(p->half_life_s));
	put(o, failed, "max_block_bytes", json_integer(p->max_block_bytes));
	put(o, failed, "max_block_inputs", json_integer(p->max_block_inputs));
	put(o, failed, "coinbase_maturity", json_integer(p->coinbase_maturity));
}

/* NULL: no memory. The caller drops the reference. */
static json_t *params_json(const struct chain_params *p)
{
	bool failed = false;
	json_t *o = json_object();
	json_t *members = json_array();
	json_t *outputs = json_array();
	json_t *subsidy = json_object();

	put(o, &failed, "name", json_string(p->name));
	put(o, &failed, "address_prefix", json_string(p->address_prefix));
	put_numbers(o, &failed, p);
	put(subsidy, &failed, "initial",
	    json_integer(p->subsidy_initial.units));
	put(subsidy, &failed, "halving_blocks",
	    json_integer(p->subsidy_halving_blocks));
	for (uint32_t i = 0; i < p->member_count; i++)
		if (json_array_append_new(
			    members, member_json(&p->member[i], &failed)) < 0)
			failed = true;
	for (uint32_t i = 0; i < p->output_count; i++)
		if (json_array_append_new(outputs, output_json(p, i, &failed)) <
		    0)
			failed = true;
	put(o, &failed, "subsidy", subsidy);
	put(o, &failed, "members", members);
	put(o, &failed, "outputs", outputs);
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}

/* For printable ASCII and integers, jansson's sorted compact form is RFC
 * 8785's: keys by code point, only '"' and '\' escaped. */
char *node_network_canonical(const struct chain_params *p)
{
	json_t *o = params_json(p);
	char *text = o ? json_dumps(o, JSON_SORT_KEYS | JSON_COMPACT) : NULL;

	json_decref(o);
	return text;
}

/* Indented, as a file that ends with a newline; takes @o over. */
static char *file_text(json_t *o)
{
	char *text = o ? json_dumps(o, JSON_SORT_KEYS | JSON_INDENT(2)) : NULL;
	size_t len = text ? strlen(text) : 0;
	char *longer = text ? realloc(text, len + 2) : NULL;

	json_decref(o);
	if (!longer) {
		free(text);
		return NULL;
	}
	(void)strcpy(longer + len, "\n");
	return longer;
}

char *node_network_text(const struct chain_params *p)
{
	return file_text(params_json(p));
}

int node_network_save(const char *path, const struct chain_params *p,
		      struct base_error *err)
{
	char *text = node_network_text(p);
	int rc;

	if (!text)
		return base_fail(err, -ENOMEM, "no memory for %.300s", path);
	rc = node_file_write(path, text, strlen(text), 0644, err);
	free(text);
	return rc;
}

static int read_descriptor(struct chain_member *out, json_t *root,
			   const char *path, struct base_error *err)
{
	struct fields f = {.object = root,
			   .kind = "descriptor",
			   .file = path,
			   .where = "",
			   .err = err};
	struct base_error inner;

	if (!json_is_object(root))
		return refuse(&f, "", "must be one JSON object");
	read_member(&f, out, root, "");
	if (f.rc == 0 && chain_member_check(out, &inner) < 0)
		return base_fail(err, -EBADMSG, "descriptor %.200s: %.280s",
				 path, inner.text);
	return f.rc;
}

int node_descriptor_load(struct chain_member *out, const char *path,
			 struct base_error *err)
{
	char text[NODE_DESCRIPTOR_BYTES_MAX];
	struct chain_member m = {.name = ""};
	json_error_t why;
	json_t *root;
	size_t len;
	int rc = node_file_read(text, &len, sizeof(text), path, err);

	if (rc < 0)
		return rc;
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		return base_fail(err, -EBADMSG,
				 "descriptor %.200s: line %d: %s", path,
				 why.line, why.text);
	rc = read_descriptor(&m, root, path, err);
	json_decref(root);
	if (rc == 0)
		*out = m;
	return rc;
}

char *node_descriptor_text(const struct chain_member *m)
{
	bool failed = false;
	json_t *o = member_json(m, &failed);

	if (failed) {
		json_decref(o);
		return NULL;
	}
	return file_text(o);
}
