/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/assert.h"
#include "store/internal.h"

/* Besides a block: a few small records. */
#define RECORD_BYTES 65536

static int put(const struct store *s, MDB_txn *txn, const char *name,
	       const void *data, size_t len)
{
	MDB_val key = store_val(name, strlen(name));
	MDB_val value = store_val(data, len);

	return mdb_put(txn, s->table[STORE_MEMBER], &key, &value, 0);
}

int store_put_proposed(struct store *s, struct base_tick tick,
		       struct base_error *err)
{
	uint8_t value[8];
	MDB_txn *txn;
	int rc = store_txn_begin(&txn, s, 0, err);

	if (rc)
		return rc;
	base_store_le64(value, tick.n);
	rc = put(s, txn, "proposed", value, sizeof(value));
	return store_write_end(s, txn, rc, RECORD_BYTES, err);
}

int store_put_vote(struct store *s, const uint8_t *vote, size_t len,
		   const uint8_t *block, size_t block_len,
		   struct base_error *err)
{
	MDB_txn *txn;
	int rc = store_txn_begin(&txn, s, 0, err);

	if (rc)
		return rc;
	rc = put(s, txn, "vote", vote, len);
	if (!rc)
		rc = put(s, txn, "vote block", block, block_len);
	return store_write_end(s, txn, rc, RECORD_BYTES + block_len, err);
}

/* The numbers of the first and the last piece of evidence, and how many. */
static int evidence_range(uint64_t *first, uint64_t *last, size_t *count,
			  const struct store *s, MDB_txn *txn)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	MDB_stat stat;
	int rc = mdb_stat(txn, s->table[STORE_EVIDENCE], &stat);

	*count = rc ? 0 : stat.ms_entries;
	*first = 0;
	*last = 0;
	if (rc || *count == 0)
		return rc;
	rc = mdb_cursor_open(txn, s->table[STORE_EVIDENCE], &cursor);
	if (rc)
		return rc;
	rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	if (!rc && key.mv_size == sizeof(*first)) {
		*first = base_load_be64(key.mv_data);
		rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
	}
	if (!rc && key.mv_size != sizeof(*last))
		rc = MDB_CORRUPTED;
	if (!rc)
		*last = base_load_be64(key.mv_data);
	mdb_cursor_close(cursor);
	return rc;
}

int store_add_evidence(struct store *s, const uint8_t *evidence, size_t len,
		       struct base_error *err)
{
	uint64_t first, last;
	uint8_t number[8];
	MDB_val key = store_val(number, sizeof(number));
	MDB_val value = store_val(evidence, len);
	size_t count;
	MDB_txn *txn;
	int rc = store_txn_begin(&txn, s, 0, err);

	if (rc)
		return rc;
	rc = evidence_range(&first, &last, &count, s, txn);
	if (!rc && count >= STORE_EVIDENCE_MAX) {
		base_store_be64(number, first);
		rc = mdb_del(txn, s->table[STORE_EVIDENCE], &key, NULL);
	}
	base_store_be64(number, last + 1);
	if (!rc)
		rc = mdb_put(txn, s->table[STORE_EVIDENCE], &key, &value,
			     MDB_APPEND);
	return store_write_end(s, txn, rc, RECORD_BYTES, err);
}

int store_cert_at(const uint8_t **cert, size_t *len, struct store_reader *r,
		  struct base_height height)
{
	uint8_t key[4];
	MDB_val value;
	int rc;

	base_store_be32(key, height.n);
	rc = store_get(&value, r->s, r->txn, STORE_CERTS, key, sizeof(key));
	if (rc)
		return rc == MDB_NOTFOUND ? -ENOENT : -EBADMSG;
	*cert = value.mv_data;
	*len = value.mv_size;
	return 0;
}

/* A record that may be missing. */
static int get(const uint8_t **data, size_t *len, const struct store_reader *r,
	       const char *name)
{
	MDB_val value;
	int rc = store_get(&value, r->s, r->txn, STORE_MEMBER, name,
			   strlen(name));

	*data = NULL;
	*len = 0;
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : -EBADMSG;
	*data = value.mv_data;
	*len = value.mv_size;
	return 0;
}

int store_member(struct store_member *out, struct store_reader *r)
{
	struct store_member m = {.has_proposed = false};
	const uint8_t *proposed;
	size_t len;
	int rc = get(&proposed, &len, r, "proposed");

	if (rc == 0)
		rc = get(&m.vote, &m.vote_len, r, "vote");
	if (rc == 0)
		rc = get(&m.vote_block, &m.vote_block_len, r, "vote block");
	if (rc < 0 || (proposed && len != 8) || !m.vote != !m.vote_block)
		return -EBADMSG;
	if (proposed) {
		m.has_proposed = true;
		m.proposed.n = base_load_le64(proposed);
	}
	*out = m;
	return 0;
}

uint64_t store_evidence_count(struct store_reader *r)
{
	MDB_stat stat;

	if (mdb_stat(r->txn, r->s->table[STORE_EVIDENCE], &stat))
		return 0;
	return stat.ms_entries;
}
