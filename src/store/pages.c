/* SPDX-License-Identifier: MIT */
#include "store/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "store/internal.h"

#define META_MAGIC UINT32_C(0xbeefc0de)
#define META_VERSION 1
#define META_SIZE 136
#define PAGE_HEADER 16
#define PAGE_SIZE_LEAST 512
#define PAGE_SIZE_MOST 32768
#define NODE_HEADER 8
#define NO_PAGE UINT64_MAX
#define DEPTH_MAX 32 /* LMDB's own limit */

enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_META = 8 };
enum { NODE_BIG = 1, NODE_TABLE = 2 };

struct tree {
	uint64_t entries;
	uint64_t root;
	uint32_t page_size; /* of the free tree: the file's */
	uint16_t flags;
	uint16_t depth;
};

#define TREE_SIZE 48

struct meta {
	struct tree free;
	struct tree main;
	uint64_t last_page;
	uint64_t txn_id;
};

enum tree_kind { TREE_FREE, TREE_MAIN, TREE_TABLE };

struct walk {
	int fd;
	const char *path;
	struct base_error *err;
	uint32_t page_size;
	uint64_t last_page;
	uint64_t file_pages; /* whole pages in the file */
	uint8_t *used;	     /* one bit a page */
	uint8_t *page;	     /* DEPTH_MAX pages: the path walked */
	uint64_t left;	     /* tree pages that may still be read */
	bool partial;
	enum tree_kind kind;
	uint16_t depth; /* of the tree walked */
	uint64_t entries;
	struct tree table[STORE_TABLES_MAX];
	uint32_t tables;
};

struct node {
	const uint8_t *at;
	size_t offset; /* in the page */
	size_t size;
	uint64_t lo32; /* data size, or the low bits of the child's number */
	uint16_t flags;
	uint16_t key_size;
};

static uint16_t load_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

/* 0; -EIO...: @rc of the system; -EBADMSG: the file ends before. */
static int read_at(int fd, const char *path, uint8_t *out, size_t len,
		   uint64_t offset, struct base_error *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, out + done, len - done,
				  (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return store_failed(err, errno, path, "reading");
		if (n == 0)
			return base_fail(err, -EBADMSG,
					 "%s is damaged: it ends at byte %llu; "
					 "restore a copy",
					 path,
					 (unsigned long long)(offset + done));
		done += (size_t)n;
	}
	return 0;
}

static struct tree load_tree(const uint8_t *p)
{
	return (struct tree){
		.page_size = base_load_le32(p),
		.flags = load_le16(p + 4),
		.depth = load_le16(p + 6),
		.entries = base_load_le64(p + 32),
		.root = base_load_le64(p + 40),
	};
}

static int foreign(const char *path, struct base_error *err)
{
	return base_fail(err, -EBADMSG,
			 "%s is damaged or not a minerd store; restore a copy, "
			 "or choose another data directory",
			 path);
}

/* Reads one meta page; -EBADMSG unless it carries LMDB's marks. */
static int read_meta(struct meta *out, int fd, const char *path,
		     uint64_t offset, struct base_error *err)
{
	uint8_t b[PAGE_HEADER + META_SIZE];
	const uint8_t *m = b + PAGE_HEADER;
	uint32_t size;
	int rc = read_at(fd, path, b, sizeof(b), offset, err);

	if (rc)
		return rc;
	size = base_load_le32(m + 24);
	if ((load_le16(b + 10) & PAGE_META) == 0 ||
	    base_load_le32(m) != META_MAGIC ||
	    base_load_le32(m + 4) != META_VERSION || size < PAGE_SIZE_LEAST ||
	    size > PAGE_SIZE_MOST || (size & (size - 1)) != 0)
		return foreign(path, err);
	*out = (struct meta){
		.free = load_tree(m + 24),
		.main = load_tree(m + 24 + TREE_SIZE),
		.last_page = base_load_le64(m + 120),
		.txn_id = base_load_le64(m + 128),
	};
	return 0;
}

static bool root_plausible(const struct tree *t, uint64_t last_page)
{
	if (t->root == NO_PAGE)
		return t->depth == 0 && t->entries == 0;
	return t->root >= 2 && t->root <= last_page && t->depth >= 1 &&
	       t->depth < DEPTH_MAX;
}

static int check_metas(int fd, const char *path, struct base_error *err)
{
	struct meta a, b;
	struct stat st;
	int rc = read_meta(&a, fd, path, 0, err);

	if (rc)
		return rc;
	rc = read_meta(&b, fd, path, a.free.page_size, err);
	if (rc)
		return rc;
	if (fstat(fd, &st) < 0)
		return store_failed(err, errno, path, "examining");
	if (b.free.page_size != a.free.page_size)
		return foreign(path, err);
	if (b.txn_id > a.txn_id)
		a = b;
	/* The other one may be torn: LMDB writes it while this one holds. */
	if (a.free.flags != MDB_INTEGERKEY || a.last_page < 1 ||
	    a.last_page > (UINT64_C(1) << 48) / a.free.page_size ||
	    !root_plausible(&a.free, a.last_page) ||
	    !root_plausible(&a.main, a.last_page))
		return foreign(path, err);
	return 0;
}

int store_pages_check_meta(const char *path, struct base_error *err)
{
	/* Not to hang on a pipe of that name. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int rc;

	if (fd < 0)
		return store_failed(err, errno, path, "opening");
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		rc = foreign(path, err);
	else
		rc = check_metas(fd, path, err);
	(void)close(fd);
	return rc;
}

static int bad_page(const struct walk *w, uint64_t page, const char *why)
{
	return base_fail(w->err, -EBADMSG,
			 "%s is damaged: page %llu %s; restore a copy", w->path,
			 (unsigned long long)page, why);
}

/* Claims @count pages from @page on; each may have one owner. */
static int claim(struct walk *w, uint64_t page, uint64_t count)
{
	if (page < 2 || page > w->last_page || count > w->last_page - page + 1)
		return bad_page(w, page, "is referred to but cannot exist");
	if (page + count > w->file_pages)
		return bad_page(w, page, "lies beyond the end of the file");
	for (uint64_t i = page; i < page + count; i++) {
		if (w->used[i / 8] & 1u << i % 8)
			return bad_page(w, i, "is referred to twice");
		w->used[i / 8] |= (uint8_t)(1u << i % 8);
	}
	return 0;
}

/* A list of free pages, at @offset of the file: its length, then numbers in
 * descending order. LMDB hands them out for writing. */
static int walk_free_list(struct walk *w, uint64_t page, uint64_t offset,
			  uint64_t size)
{
	uint8_t b[8];
	uint64_t count, last = NO_PAGE;
	int rc;

	if (size < sizeof(b))
		return bad_page(w, page, "holds a bad free list");
	rc = read_at(w->fd, w->path, b, sizeof(b), offset, w->err);
	if (rc)
		return rc;
	count = base_load_le64(b);
	if (count > size / sizeof(b) - 1)
		return bad_page(w, page, "holds a bad free list");
	for (uint64_t i = 1; i <= count; i++) {
		uint64_t id;

		rc = read_at(w->fd, w->path, b, sizeof(b), offset + 8 * i,
			     w->err);
		if (rc)
			return rc;
		id = base_load_le64(b);
		if (id >= last || id < 2 || id > w->last_page)
			return bad_page(w, page, "holds a bad free list");
		last = id;
		/* A page may have been freed before it was ever written. */
		rc = id < w->file_pages ? claim(w, id, 1) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* The value of a node: in place, or in overflow pages of its own. */
static int walk_value(struct walk *w, uint64_t page, const struct node *n)
{
	const uint8_t *data = n->at + NODE_HEADER + n->key_size;
	uint64_t at =
		page * w->page_size + n->offset + NODE_HEADER + n->key_size;

	if (n->flags & NODE_BIG) {
		uint64_t big = base_load_le64(data);
		uint64_t count = (PAGE_HEADER + n->lo32 + w->page_size - 1) /
				 w->page_size;
		uint8_t b[PAGE_HEADER];
		int rc = claim(w, big, count);

		if (rc)
			return rc;
		rc = read_at(w->fd, w->path, b, sizeof(b), big * w->page_size,
			     w->err);
		if (rc)
			return rc;
		if (base_load_le64(b) != big ||
		    load_le16(b + 10) != PAGE_OVERFLOW ||
		    base_load_le32(b + 12) != count)
			return bad_page(w, big,
					"is not the value it should be");
		at = big * w->page_size + PAGE_HEADER;
	}
	if (w->kind == TREE_FREE)
		return walk_free_list(w, page, at, n->lo32);
	if (n->flags & NODE_TABLE) {
		if (w->tables == STORE_TABLES_MAX)
			return bad_page(w, page, "holds too many tables");
		w->table[w->tables++] = load_tree(data);
	}
	return 0;
}

static bool leaf_node_sound(const struct walk *w, const struct node *n)
{
	switch (n->flags) {
	case 0:
		break;
	case NODE_BIG:
		break;
	case NODE_TABLE:
		if (w->kind != TREE_MAIN || n->lo32 != TREE_SIZE)
			return false;
		break;
	default:
		return false;
	}
	return w->kind != TREE_FREE || n->key_size == 8;
}

/* Node @i of @p, which has room for its pointer; false: outside the page. */
static bool load_node(struct node *out, const struct walk *w, const uint8_t *p,
		      uint32_t i, bool leaf)
{
	size_t at = load_le16(p + PAGE_HEADER + 2 * (size_t)i);
	size_t upper = load_le16(p + 14);
	uint64_t size = NODE_HEADER;

	if (at % 2 != 0 || at < upper || at + NODE_HEADER > w->page_size)
		return false;
	out->at = p + at;
	out->offset = at;
	out->lo32 = base_load_le32(out->at);
	out->flags = load_le16(out->at + 4);
	out->key_size = load_le16(out->at + 6);
	size += out->key_size;
	if (leaf)
		size += out->flags & NODE_BIG ? 8 : out->lo32;
	size = (size + 1) & ~UINT64_C(1);
	if (size > w->page_size - at)
		return false;
	out->size = (size_t)size;
	return true;
}

static int walk_page(struct walk *w, uint64_t page, uint16_t level);

static int walk_nodes(struct walk *w, uint64_t page, const uint8_t *p,
		      uint16_t level)
{
	bool leaf = level == w->depth;
	size_t lower = load_le16(p + 12), upper = load_le16(p + 14);
	uint32_t count = (uint32_t)(lower - PAGE_HEADER) / 2;
	size_t filled = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct node n;
		int rc;

		if (!load_node(&n, w, p, i, leaf))
			return bad_page(w, page, "holds a bad node");
		filled += n.size;
		if (leaf && !leaf_node_sound(w, &n))
			return bad_page(w, page, "holds a bad node");
		w->entries += leaf;
		if (leaf)
			rc = walk_value(w, page, &n);
		else
			rc = walk_page(w, n.lo32 | (uint64_t)n.flags << 32,
				       (uint16_t)(level + 1));
		if (rc)
			return rc;
	}
	/* LMDB sums them up when it splits a page. */
	if (filled > w->page_size - upper)
		return bad_page(w, page, "holds nodes that overlap");
	return 0;
}

static int walk_page(struct walk *w, uint64_t page, uint16_t level)
{
	uint8_t *p = w->page + (size_t)(level - 1) * w->page_size;
	bool leaf = level == w->depth;
	size_t lower, upper, least;
	int rc = claim(w, page, 1);

	if (rc)
		return rc;
	if (w->left == 0) {
		w->partial = true;
		return 0;
	}
	w->left--;
	rc = read_at(w->fd, w->path, p, w->page_size, page * w->page_size,
		     w->err);
	if (rc)
		return rc;
	lower = load_le16(p + 12);
	upper = load_le16(p + 14);
	/* LMDB asserts two children, but for the tree of free pages. */
	least = leaf ? 0 : w->kind == TREE_FREE ? 1 : 2;
	if (base_load_le64(p) != page ||
	    load_le16(p + 10) != (leaf ? PAGE_LEAF : PAGE_BRANCH) ||
	    lower < PAGE_HEADER + 2 * least || lower % 2 != 0 ||
	    lower > upper || upper > w->page_size)
		return bad_page(w, page, "is not what it should be");
	return walk_nodes(w, page, p, level);
}

static int walk_tree(struct walk *w, enum tree_kind kind, const struct tree *t)
{
	bool partial_before = w->partial;
	int rc;

	if (!root_plausible(t, w->last_page))
		return foreign(w->path, w->err);
	if (t->root == NO_PAGE)
		return 0;
	w->kind = kind;
	w->depth = t->depth;
	w->entries = 0;
	w->partial = false;
	rc = walk_page(w, t->root, 1);
	if (rc)
		return rc;
	if (!w->partial && w->entries != t->entries)
		return bad_page(w, t->root, "heads a tree of another size");
	w->partial |= partial_before;
	return 0;
}

static int walk_trees(struct walk *w, const struct meta *m)
{
	int rc;

	/* Another kind of main tree: not a store of ours. */
	if (m->main.flags != 0)
		return foreign(w->path, w->err);
	rc = walk_tree(w, TREE_MAIN, &m->main);
	if (rc)
		return rc;
	rc = walk_tree(w, TREE_FREE, &m->free);
	for (uint32_t i = 0; i < w->tables && !rc; i++)
		if (w->table[i].flags == 0)
			rc = walk_tree(w, TREE_TABLE, &w->table[i]);
	return rc;
}

/* The meta page of the snapshot @txn_id: LMDB alternates between the two. */
static int snapshot_meta(struct meta *out, int fd, const char *path,
			 uint64_t txn_id, struct base_error *err)
{
	struct meta first, m;
	int rc = read_meta(&first, fd, path, 0, err);

	if (rc)
		return rc;
	rc = read_meta(&m, fd, path, txn_id % 2 * first.free.page_size, err);
	if (rc)
		return rc;
	if (m.txn_id != txn_id)
		return base_fail(err, -EBADMSG,
				 "%s changed while it was opened; is a node "
				 "running on it? Try again",
				 path);
	*out = m;
	return 0;
}

int store_pages_walk(int fd, const char *path, uint64_t txn_id,
		     uint64_t pages_max, struct base_error *err)
{
	struct walk w = {.fd = fd, .path = path, .err = err, .left = pages_max};
	struct meta m;
	struct stat st;
	int rc = snapshot_meta(&m, fd, path, txn_id, err);

	if (rc)
		return rc;
	if (fstat(fd, &st) < 0)
		return store_failed(err, errno, path, "examining");
	w.page_size = m.free.page_size;
	w.last_page = m.last_page;
	w.file_pages = (uint64_t)st.st_size / w.page_size;
	/* A shorter file may be sound (its last pages were never in use), so
	 * only the whole walk tells. */
	if (w.file_pages <= m.last_page)
		w.left = UINT64_MAX;
	w.used = calloc(1, w.file_pages / 8 + 1);
	w.page = calloc(DEPTH_MAX, w.page_size);
	if (!w.used || !w.page)
		rc = base_fail(err, -ENOMEM, "%s: no memory to check it", path);
	else
		rc = walk_trees(&w, &m);
	free(w.used);
	free(w.page);
	return rc;
}
