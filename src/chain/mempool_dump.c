/* SPDX-License-Identifier: MIT */
#include "chain/mempool_dump.h"

#include <errno.h>

#include "base/assert.h"
#include "chain/mempool_internal.h"

/*
 * A record: kind u8 | length u32 of the body | body | checksum u64, little
 * endian. The checksum is SipHash keyed by the one before, so that a record
 * lost, doubled or moved is noticed as well as a changed one.
 */
#define RECORD_HEAD 5
#define RECORD_TAIL 8
#define NOTE_SIZE (32 + 8 + 8 + 1)
#define BODY_MAX (CHAIN_MEMPOOL_WEIGHT_MAX + 8)
_Static_assert(RECORD_HEAD + BODY_MAX + RECORD_TAIL <= CHAIN_MEMPOOL_PIECE_MIN,
	       "the largest record fits a piece");

/* Kinds of records are the stages of a dump, in order. */
enum kind { VERSION, NOTE, ENTRY, END, COMPLETE };

static const uint8_t magic[8] = {'m', 'e', 'm', 'p', 'o', 'o', 'l', '\n'};

static uint64_t checksum(uint64_t before, const uint8_t *record, size_t len)
{
	struct chain_siphash_key key = {.k = {before, 0}};

	return chain_siphash(&key, record, len);
}

/* Begins a record; what is written until close_record() is its body. */
static size_t open_record(struct base_writer *w, enum kind kind, size_t body)
{
	size_t start = w->len;

	base_write_u8(w, (uint8_t)kind);
	base_write_le32(w, (uint32_t)body);
	return start;
}

/* False: it did not fit and is undone. */
static bool close_record(struct base_writer *w, struct chain_mempool_dump *d,
			 size_t start)
{
	uint64_t sum = 0;

	if (base_writer_ok(w))
		sum = checksum(d->checksum, w->data + start, w->len - start);
	base_write_le64(w, sum);
	if (!base_writer_ok(w)) {
		w->len = start;
		return false;
	}
	d->checksum = sum;
	return true;
}

static bool dump_version(struct chain_mempool_dump *d, struct base_writer *w)
{
	size_t start = open_record(w, VERSION, sizeof(magic) + 4);

	base_write_bytes(w, magic, sizeof(magic));
	base_write_le32(w, CHAIN_MEMPOOL_DUMP_VERSION);
	return close_record(w, d, start);
}

static bool dump_note(struct chain_mempool_dump *d, struct base_writer *w,
		      const struct chain_mempool_note *note)
{
	size_t start = open_record(w, NOTE, NOTE_SIZE);

	base_write_bytes(w, note->txid.b, 32);
	base_write_le64(w, (uint64_t)note->delta);
	base_write_le64(w, note->pin_order);
	base_write_u8(w, (uint8_t)note->wish);
	return close_record(w, d, start);
}

static bool dump_entry(struct chain_mempool_dump *d, struct base_writer *w,
		       const struct chain_mempool_entry *entry)
{
	size_t start = open_record(w, ENTRY, 8 + (size_t)entry->len);

	base_write_le64(w, entry->time_s);
	base_write_bytes(w, entry->data, entry->len);
	return close_record(w, d, start);
}

static bool dump_end(struct chain_mempool_dump *d, struct base_writer *w)
{
	size_t start = open_record(w, END, 0);

	return close_record(w, d, start);
}

/* The first entry after the last one written, which may be gone. */
static const struct chain_mempool_entry *
next_entry(const struct chain_mempool_dump *d, const struct chain_mempool *m)
{
	const struct chain_mempool_item *at = m->root[CHAIN_MEMPOOL_BY_TIME];
	const struct chain_mempool_entry *best = NULL;

	while (at) {
		const struct chain_mempool_entry *e = &at->pub;
		bool after =
			e->time_s > d->time_s ||
			(e->time_s == d->time_s && e->sequence > d->sequence);

		if (after)
			best = e;
		at = after ? at->tree[CHAIN_MEMPOOL_BY_TIME].left
			   : at->tree[CHAIN_MEMPOOL_BY_TIME].right;
	}
	return best;
}

static bool dump_notes(struct chain_mempool_dump *d, struct base_writer *w,
		       const struct chain_mempool *m)
{
	for (; d->slot < CHAIN_MEMPOOL_NOTES_MAX; d->slot++)
		if (m->note[d->slot].used &&
		    !dump_note(d, w, &m->note[d->slot]))
			return false;
	return true;
}

static bool dump_entries(struct chain_mempool_dump *d, struct base_writer *w,
			 const struct chain_mempool *m)
{
	const struct chain_mempool_entry *entry;

	while ((entry = next_entry(d, m))) {
		if (!dump_entry(d, w, entry))
			return false;
		d->time_s = entry->time_s;
		d->sequence = entry->sequence;
	}
	return true;
}

static bool dump_stage(struct chain_mempool_dump *d, struct base_writer *w,
		       const struct chain_mempool *m)
{
	switch (d->stage) {
	case VERSION:
		return dump_version(d, w);
	case NOTE:
		return dump_notes(d, w, m);
	case ENTRY:
		return dump_entries(d, w, m);
	default:
		return dump_end(d, w);
	}
}

size_t chain_mempool_dump(struct chain_mempool_dump *d, uint8_t *out,
			  size_t cap, const struct chain_mempool *m)
{
	struct base_writer w = base_writer_init(out, cap);

	BASE_ASSERT(cap >= CHAIN_MEMPOOL_PIECE_MIN);
	while (d->stage < COMPLETE && dump_stage(d, &w, m))
		d->stage++;
	return w.len;
}

static int restore_version(struct base_reader *body)
{
	const uint8_t *m = base_read_bytes(body, sizeof(magic));
	uint32_t version = base_read_le32(body);

	if (!base_reader_done(body) || memcmp(m, magic, sizeof(magic)) != 0 ||
	    version != CHAIN_MEMPOOL_DUMP_VERSION)
		return -EBADMSG;
	return 0;
}

static int restore_note(struct chain_mempool *m, struct base_reader *body)
{
	struct chain_mempool_note note = {.used = true};
	uint8_t wish;

	base_read_hash(&note.txid, body);
	note.delta = (int64_t)base_read_le64(body);
	note.pin_order = base_read_le64(body);
	wish = base_read_u8(body);
	if (!base_reader_done(body) || wish >= CHAIN_MEMPOOL_WISHES ||
	    note.delta > BASE_MAX_MONEY || note.delta < -BASE_MAX_MONEY)
		return -EBADMSG;
	note.wish = (enum chain_mempool_wish)wish;
	return chain_mempool_note_restore(m, &note) == 0 ? 0 : -EBADMSG;
}

static int restore_entry(struct base_reader *body,
			 chain_mempool_restore_fn *each, void *context)
{
	uint64_t time_s = base_read_le64(body);
	struct chain_tx_view tx;

	if (chain_tx_parse(&tx, body) != 0 || !base_reader_done(body))
		return -EBADMSG;
	each(context, &tx, time_s);
	return 0;
}

/* @stage is what may come next: one VERSION, then NOTE or later, never
 * backwards, nothing after END. */
static bool in_order(uint32_t stage, uint32_t kind)
{
	if (stage == VERSION)
		return kind == VERSION;
	return kind >= stage && kind <= END;
}

/* Takes a record with a right checksum off @in. */
static int next_record(struct chain_mempool_restore *r, enum kind *kind,
		       struct base_reader *body, struct base_reader *in)
{
	const uint8_t *start = in->at;
	uint8_t k = base_read_u8(in);
	uint32_t len = base_read_le32(in);
	const uint8_t *data = base_read_bytes(in, len);
	uint64_t sum = base_read_le64(in);

	if (!base_reader_ok(in) || !in_order(r->stage, k) ||
	    sum != checksum(r->checksum, start, RECORD_HEAD + (size_t)len))
		return -EBADMSG;
	r->checksum = sum;
	*kind = (enum kind)k;
	*body = base_reader_init(data, len);
	return 0;
}

int chain_mempool_restore(struct chain_mempool_restore *r,
			  struct chain_mempool *m, const uint8_t *piece,
			  size_t len, chain_mempool_restore_fn *each,
			  void *context)
{
	struct base_reader in = base_reader_init(piece, len);
	int rc = 0;

	while (rc == 0 && base_reader_left(&in) > 0) {
		struct base_reader body;
		enum kind kind;

		rc = next_record(r, &kind, &body, &in);
		if (rc != 0)
			break;
		if (kind == VERSION)
			rc = restore_version(&body);
		else if (kind == NOTE)
			rc = restore_note(m, &body);
		else if (kind == ENTRY)
			rc = restore_entry(&body, each, context);
		else
			rc = base_reader_done(&body) ? 0 : -EBADMSG;
		r->stage = kind == VERSION || kind == END ? kind + 1u : kind;
	}
	/* Nothing after the damage is read, nor is the dump complete. */
	if (rc != 0)
		r->stage = COMPLETE + 1;
	return rc;
}

bool chain_mempool_restored(const struct chain_mempool_restore *r)
{
	return r->stage == COMPLETE;
}
