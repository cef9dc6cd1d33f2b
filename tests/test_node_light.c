/* SPDX-License-Identifier: MIT */
/* A light node among peers that lie, stall, leave out and go. */
#include "light_peers.h"

#include "node/datadir.h"

#define TIP 20000u
#define FORK 9000u

static int group_begin(void **state)
{
	struct base_hash genesis;

	(void)state;
	if (world_begin() < 0)
		return -1;
	chain_header_hash(&genesis, &w->genesis);
	ds_committee_init(&w->c, &w->p, &genesis, 0);
	chain_open(&w->main);
	chain_open(&w->fork);
	chain_grow(&w->main, TIP + 5, 0);
	make_fork(FORK, TIP);
	return 0;
}

static int group_end(void **state)
{
	(void)state;
	chain_close(&w->main);
	chain_close(&w->fork);
	node_log_stop(w->log);
	free(w);
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	world_folder();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_clear();
	return 0;
}

static bool at_tip(const struct node_light_view *v)
{
	return v->final == TIP;
}

static bool half_way(const struct node_light_view *v)
{
	return v->tip >= TIP / 2 && v->final > 0;
}

static bool above_tip(const struct node_light_view *v)
{
	return v->final > TIP;
}

static bool beyond_the_fork(const struct node_light_view *v)
{
	return v->final == FORK + 1000;
}

static bool a_is_up(const struct node_light_view *v)
{
	(void)v;
	return w->peer[0].up;
}

static bool a_is_down(const struct node_light_view *v)
{
	(void)v;
	return !w->peer[0].up;
}

static bool a_was_asked(const struct node_light_view *v)
{
	(void)v;
	return w->peer[0].asked > 0;
}

static bool has_halted(const struct node_light_view *v)
{
	return v->halted;
}

static bool is_banned(const struct node_light_view *v)
{
	(void)v;
	return bans() > 0;
}

static void follows_and_goes_on(void **state)
{
	struct peer *a, *b;

	(void)state;
	begin_light();
	a = add_peer(HONEST, TIP);
	b = add_peer(HONEST, TIP);
	connect_peer(a);
	connect_peer(b);
	serve_until(at_tip);
	assert_true(a->served > 0 && b->served > 0);
	assert_int_equal(a->served + b->served, TIP);
	assert_int_equal(bans(), 0);
	a->tip = TIP + 1;
	certify(a, &w->main, TIP + 1);
	serve_until(above_tip);
	assert_int_equal(look().final, TIP + 1);
}

static void goes_on_where_it_was(void **state)
{
	struct peer *a;
	uint32_t tip, final;

	(void)state;
	begin_light();
	a = add_peer(HONEST, TIP);
	connect_peer(a);
	serve_until(half_way);
	end_light();
	begin_light();
	serve_until(a_is_down);
	a->served = 0;
	tip = look().tip;
	final = look().final;
	assert_true(tip >= TIP / 2);
	/* Certificates on the way made parts of it final. */
	assert_true(final > 0 && final <= tip);
	connect_peer(a);
	serve_until(at_tip);
	assert_int_equal(a->served, TIP - tip);
	end_light();
	begin_light();
	assert_int_equal(look().final, TIP);
}

/* Beside an honest peer; the liar is found out, and the chain is followed. */
static void expect_found_out(enum lie lie)
{
	struct peer *a, *b;

	begin_light();
	a = add_peer(lie, TIP);
	b = add_peer(HONEST, TIP);
	connect_peer(a);
	connect_peer(b);
	serve_until(at_tip);
	serve_until(is_banned);
	assert_int_equal(bans(), 1);
	assert_true(b->up);
	assert_true(
		base_hash_equal(&w->main.at[TIP].hash, &w->main.at[TIP].hash));
	assert_int_equal(look().halted, 0);
}

#define LIAR(name, lie)                \
	static void name(void **state) \
	{                              \
		(void)state;           \
		expect_found_out(lie); \
	}

LIAR(liar_without_work, BAD_POW)
LIAR(liar_without_link, BAD_LINK)
LIAR(liar_with_easy_bits, BAD_BITS)
LIAR(liar_with_too_many_headers, TOO_MANY)
LIAR(liar_with_half_headers, NO_FORM)
LIAR(liar_with_few_signatures, FEW_SIGNED)

/* One that says what is known already is not looked at. */
static void liar_with_a_forged_certificate(void **state)
{
	struct peer *a;

	(void)state;
	begin_light();
	a = add_peer(FORGED_CERT, TIP);
	connect_peer(a);
	serve_until(is_banned);
	assert_int_equal(look().target, 0);
	connect_peer(add_peer(HONEST, TIP));
	serve_until(at_tip);
}

/* The chain is found all the same, and no honest peer is banned. */
static void expect_followed(enum lie lie)
{
	struct peer *a, *b;

	begin_light();
	a = add_peer(lie, TIP);
	b = add_peer(HONEST, TIP);
	connect_peer(a);
	connect_peer(b);
	serve_until(at_tip);
	pump();
	assert_true(b->up);
	assert_int_equal(look().halted, 0);
}

static void liar_with_another_chain(void **state)
{
	(void)state;
	expect_followed(OTHER_CHAIN);
}

static void liar_with_another_chain_alone(void **state)
{
	struct peer *a;

	(void)state;
	begin_light();
	a = add_peer(OTHER_CHAIN, TIP);
	connect_peer(a);
	serve_until(is_banned);
	assert_true(look().final < TIP);
	connect_peer(add_peer(HONEST, TIP));
	serve_until(at_tip);
}

static void peer_that_stalls(void **state)
{
	(void)state;
	expect_followed(SILENT);
	assert_int_equal(bans(), 0);
}

static void peer_that_has_few(void **state)
{
	(void)state;
	expect_followed(SHORT);
	assert_int_equal(bans(), 0);
}

static void peer_that_refuses(void **state)
{
	(void)state;
	expect_followed(REFUSES);
	/* It was asked as often as it could be before it said so. */
	assert_true(w->peer[0].asked <= 3);
}

/* It asks for access, and begins when it is given. */
static void peer_that_lets_us_later(void **state)
{
	struct peer *a;

	(void)state;
	begin_light();
	w->access = NET_ACCESS_LIST;
	a = add_peer(HONEST, TIP);
	w->access = NET_ACCESS_OPEN;
	connect_peer(a);
	serve_until(a_is_up);
	for (int i = 0; i < 100; i++) {
		pump();
		pause_ms(1);
	}
	assert_int_equal(look().target, 0);
	assert_int_equal(net_grant(a->n.net, w->n.id, true), 0);
	serve_until(at_tip);
	assert_int_equal(bans(), 0);
}

static void peer_that_is_busy(void **state)
{
	struct peer *a;

	(void)state;
	begin_light();
	a = add_peer(BUSY, TIP);
	connect_peer(a);
	serve_until(at_tip);
	assert_int_equal(bans(), 0);
}

static void peer_that_goes(void **state)
{
	struct peer *a, *b;

	(void)state;
	begin_light();
	a = add_peer(SILENT, TIP);
	b = add_peer(HONEST, TIP);
	connect_peer(a);
	serve_until(a_was_asked);
	node_end(&a->n);
	/* In its place, which nobody pumps any more. */
	w->peer[0] = *b;
	w->peers = 1;
	connect_peer(&w->peer[0]);
	serve_until(at_tip);
}

static void two_certificates(void **state)
{
	struct peer *a, *b;

	(void)state;
	begin_light();
	a = add_peer(HONEST, TIP);
	connect_peer(a);
	serve_until(at_tip);
	b = add_peer(OTHER_CERT, TIP);
	connect_peer(b);
	serve_until(has_halted);
	assert_int_equal(look().final, TIP);
	end_light();
	begin_light();
	assert_int_equal(look().halted, 1);
}

/* A longer chain, with a certificate, that leaves out what is final: its
 * headers show it (R4). */
static void a_quorum_leaves_final_out(void **state)
{
	struct peer *a, *b;

	(void)state;
	begin_light();
	a = add_peer(HONEST, FORK + 1000);
	connect_peer(a);
	serve_until(beyond_the_fork);
	b = add_peer(OTHER_CERT, TIP);
	connect_peer(b);
	serve_until(has_halted);
	assert_int_equal(look().final, FORK + 1000);
	assert_int_equal(look().txs, 0);
}

static void another_network_is_refused(void **state)
{
	struct node_light_options o = {.params = &w->p,
				       .committee = &w->c,
				       .wake = &w->wake,
				       .log = w->log};
	struct chain_header other = w->genesis;
	struct ds_committee c = w->c;
	struct node_light *l;

	(void)state;
	begin_light();
	assert_int_equal(node_light_stop(w->light, &w->err), 0);
	other.time++;
	o.genesis = &other;
	o.store = w->store;
	o.net = w->n.net;
	assert_int_equal(node_light_start(&l, &o, &w->err), -EXDEV);
	c.certified = false;
	o.committee = &c;
	assert_int_equal(node_light_start(&l, &o, &w->err), -ENOTSUP);
	o.genesis = &w->genesis;
	o.committee = &w->c;
	assert_int_equal(node_light_start(&w->light, &o, &w->err), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(follows_and_goes_on),
		TEST(goes_on_where_it_was),
		TEST(liar_without_work),
		TEST(liar_without_link),
		TEST(liar_with_easy_bits),
		TEST(liar_with_too_many_headers),
		TEST(liar_with_half_headers),
		TEST(liar_with_few_signatures),
		TEST(liar_with_a_forged_certificate),
		TEST(liar_with_another_chain),
		TEST(liar_with_another_chain_alone),
		TEST(peer_that_stalls),
		TEST(peer_that_has_few),
		TEST(peer_that_refuses),
		TEST(peer_that_lets_us_later),
		TEST(peer_that_is_busy),
		TEST(peer_that_goes),
		TEST(two_certificates),
		TEST(a_quorum_leaves_final_out),
		TEST(another_network_is_refused),
	};

	return cmocka_run_group_tests(tests, group_begin, group_end);
}
