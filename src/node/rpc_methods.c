/* SPDX-License-Identifier: MIT */
/* Every method: its place in the help, what it says there, what it takes. */
#include "node/rpc.h"

static const struct api_method methods[] = {
	{"getbestblockhash",
	 "blockchain",
	 "Returns the hash of the tip, the last block on disk.",
	 {{NULL, 0, false}},
	 node_rpc_getbestblockhash},
	{"getblock",
	 "blockchain",
	 "Returns a block: verbosity 0 its bytes in hex, 1 (the\n"
	 "default) an object with the ids of its transactions, 2 with\n"
	 "the transactions.",
	 {{"blockhash", API_STRING, true},
	  {"verbosity", API_NUMBER | API_BOOLEAN, false}},
	 node_rpc_getblock},
	{"getblockchaininfo",
	 "blockchain",
	 "Returns the state of the chain.",
	 {{NULL, 0, false}},
	 node_rpc_getblockchaininfo},
	{"getblockcount",
	 "blockchain",
	 "Returns the height of the tip; genesis has height 0.",
	 {{NULL, 0, false}},
	 node_rpc_getblockcount},
	{"getblockhash",
	 "blockchain",
	 "Returns the hash of the block at a height.",
	 {{"height", API_NUMBER, true}},
	 node_rpc_getblockhash},
	{"getblockheader",
	 "blockchain",
	 "Returns a header: an object, or with verbose false its 80\n"
	 "bytes in hex.",
	 {{"blockhash", API_STRING, true}, {"verbose", API_BOOLEAN, false}},
	 node_rpc_getblockheader},
	{"getchaintips",
	 "blockchain",
	 "Returns the tips of all branches. Blocks are final here, so\n"
	 "there is one.",
	 {{NULL, 0, false}},
	 node_rpc_getchaintips},
	{"getdifficulty",
	 "blockchain",
	 "Returns the difficulty of the tip, in multiples of that of\n"
	 "target 1d00ffff.",
	 {{NULL, 0, false}},
	 node_rpc_getdifficulty},
	{"getmempoolancestors",
	 "blockchain",
	 "Returns the ids of all transactions in the pool that a\n"
	 "transaction of the pool descends from; verbose: an object of\n"
	 "them.",
	 {{"txid", API_STRING, true}, {"verbose", API_BOOLEAN, false}},
	 node_rpc_getmempoolancestors},
	{"getmempooldescendants",
	 "blockchain",
	 "Returns the ids of all transactions in the pool that descend\n"
	 "from a transaction of the pool; verbose: an object of them.",
	 {{"txid", API_STRING, true}, {"verbose", API_BOOLEAN, false}},
	 node_rpc_getmempooldescendants},
	{"getmempoolentry",
	 "blockchain",
	 "Returns what the pool knows of a transaction. The height at\n"
	 "entry is not kept; \"pinned\" and \"excluded\" are ours.",
	 {{"txid", API_STRING, true}},
	 node_rpc_getmempoolentry},
	{"getmempoolinfo",
	 "blockchain",
	 "Returns the state of the pool. There is no replacement and no\n"
	 "list of transactions that nobody has been told of.",
	 {{NULL, 0, false}},
	 node_rpc_getmempoolinfo},
	{"getrawmempool",
	 "blockchain",
	 "Returns the ids of the transactions in the pool, oldest\n"
	 "first; verbose: an object with an entry for each. The pool\n"
	 "may change meanwhile; an entry that stays is there exactly\n"
	 "once. mempool_sequence is one more than that of the youngest\n"
	 "entry.",
	 {{"verbose", API_BOOLEAN, false},
	  {"mempool_sequence", API_BOOLEAN, false}},
	 node_rpc_getrawmempool},
	{"gettxout",
	 "blockchain",
	 "Returns an unspent output, or null: also when, unless\n"
	 "include_mempool is false, a transaction in the pool spends\n"
	 "it. There is no descriptor.",
	 {{"txid", API_STRING, true},
	  {"n", API_NUMBER, true},
	  {"include_mempool", API_BOOLEAN, false}},
	 node_rpc_gettxout},
	{"gettxoutproof",
	 "blockchain",
	 "Returns the proof, in hex, that transactions are in a block.\n"
	 "Without blockhash one of them needs an unspent output, or\n"
	 "the node an index (--txindex on).",
	 {{"txids", API_ARRAY, true}, {"blockhash", API_STRING, false}},
	 node_rpc_gettxoutproof},
	{"verifytxoutproof",
	 "blockchain",
	 "Returns the ids of the transactions that a proof of\n"
	 "gettxoutproof is about; none when it is not valid. Fails when\n"
	 "its block is not in the chain.",
	 {{"proof", API_STRING, true}},
	 node_rpc_verifytxoutproof},
	{"getcertificate",
	 "consensus",
	 "Returns the certificate that was made for a block, by height\n"
	 "or hash: which members signed it, their signatures, and all of\n"
	 "it in hex, as nodes send it. A certificate vouches for all\n"
	 "blocks below its own; those that came by one have none.",
	 {{"hash_or_height", API_NUMBER | API_STRING, true}},
	 node_rpc_getcertificate},
	{"getcommittee",
	 "consensus",
	 "Returns who agrees: n members of which f may be faulty, the\n"
	 "rounds and the quorum that follow, and of each member what the\n"
	 "network file says, whether it is connected, was heard at the\n"
	 "last tick, in which mode (null: not heard) and whether it named\n"
	 "our tip.",
	 {{NULL, 0, false}},
	 node_rpc_getcommittee},
	{"getconsensusinfo",
	 "consensus",
	 "Returns the state of the agreement as of the last tick: mode,\n"
	 "tips, lateness of this machine's ticks, who was heard, how often\n"
	 "each doubt or alert was raised, the proposals in their rounds\n"
	 "with who signed them, and the votes for the next block. Masks\n"
	 "have bit i for member i.",
	 {{NULL, 0, false}},
	 node_rpc_getconsensusinfo},
	{"help",
	 "control",
	 "Lists all methods, or explains one.",
	 {{"command", API_STRING, false}},
	 api_help},
	{"logging",
	 "control",
	 "Returns which levels are logged, after including and\n"
	 "excluding some. A level (error, warn, info, debug) is logged\n"
	 "with all before it.",
	 {{"include", API_ARRAY, false}, {"exclude", API_ARRAY, false}},
	 node_rpc_logging},
	{"stop",
	 "control",
	 "Stops the node cleanly.",
	 {{NULL, 0, false}},
	 node_rpc_stop},
	{"uptime",
	 "control",
	 "Returns the seconds since the node started.",
	 {{NULL, 0, false}},
	 node_rpc_uptime},
	{"excludetransaction",
	 "mining",
	 "Keeps a transaction, and those that descend from it, out of\n"
	 "the blocks that this node makes. It may be in the pool or\n"
	 "come later.",
	 {{"txid", API_STRING, true}},
	 node_rpc_excludetransaction},
	{"pintransaction",
	 "mining",
	 "Puts a transaction with its ancestors first into the next\n"
	 "block that this node makes. It may be in the pool or come\n"
	 "later.",
	 {{"txid", API_STRING, true}},
	 node_rpc_pintransaction},
	{"prioritisetransaction",
	 "mining",
	 "Adds fee_delta units to the fee that a transaction counts\n"
	 "with when it is chosen for a block or has to make room;\n"
	 "nothing is paid. dummy is 0 or null.",
	 {{"txid", API_STRING, true},
	  {"dummy", API_NUMBER, false},
	  {"fee_delta", API_NUMBER, false}},
	 node_rpc_prioritisetransaction},
	{"unpintransaction",
	 "mining",
	 "Takes back pintransaction and excludetransaction.",
	 {{"txid", API_STRING, true}},
	 node_rpc_unpintransaction},
	{"broadcastblock",
	 "mining",
	 "Proposes, at the next tick, the block that holdblocks held back.",
	 {{NULL, 0, false}},
	 node_rpc_broadcastblock},
	{"getmininginfo",
	 "mining",
	 "Returns the state of mining; \"threads\" and what follows it is of\n"
	 "this node's own miners: see pausemining and holdblocks.",
	 {{NULL, 0, false}},
	 node_rpc_getmininginfo},
	{"holdblocks",
	 "mining",
	 "true: what this node's miners find is not proposed by itself; they\n"
	 "rest, and it waits for broadcastblock, for a minute (then they find\n"
	 "another), or until the chain has gone on without it. false, as at\n"
	 "every start: it is proposed at the next tick.",
	 {{"hold", API_BOOLEAN, true}},
	 node_rpc_holdblocks},
	{"pausemining",
	 "mining",
	 "Stops this node's miners until resumemining or the next start. The\n"
	 "node goes on taking part in the agreement.",
	 {{NULL, 0, false}},
	 node_rpc_pausemining},
	{"resumemining",
	 "mining",
	 "Takes back pausemining.",
	 {{NULL, 0, false}},
	 node_rpc_resumemining},
	{"getnetworkhashps",
	 "mining",
	 "Returns the hashes per second that the last nblocks (default\n"
	 "120) blocks up to height (default -1, the tip) stand for. The\n"
	 "difficulty may change at every block, so nblocks -1 means one\n"
	 "block.",
	 {{"nblocks", API_NUMBER, false}, {"height", API_NUMBER, false}},
	 node_rpc_getnetworkhashps},
	{"addnode",
	 "network",
	 "Connects to a node, ID@HOST:PORT (ID: 64 hex digits): \"add\"\n"
	 "keeps trying until \"remove\", \"onetry\" tries once. \"remove\"\n"
	 "closes no connection; members are always connected to.\n"
	 "v2transport changes nothing: every connection is encrypted.",
	 {{"node", API_STRING, true},
	  {"command", API_STRING, true},
	  {"v2transport", API_BOOLEAN, false}},
	 node_rpc_addnode},
	{"clearbanned",
	 "network",
	 "Lifts all bans.",
	 {{NULL, 0, false}},
	 node_rpc_clearbanned},
	{"disconnectnode",
	 "network",
	 "Closes the connection to a peer, named by its address as\n"
	 "getpeerinfo shows it, by its node id, or by number (nodeid, the\n"
	 "\"id\" of getpeerinfo). A node that is to be connected to is\n"
	 "connected to again.",
	 {{"address", API_STRING, false}, {"nodeid", API_NUMBER, false}},
	 node_rpc_disconnectnode},
	{"getconnectioncount",
	 "network",
	 "Returns the number of peers.",
	 {{NULL, 0, false}},
	 node_rpc_getconnectioncount},
	{"getnetworkinfo",
	 "network",
	 "Returns the state of the network, half a second old at most;\n"
	 "from \"nodeid\" on it is ours.",
	 {{NULL, 0, false}},
	 node_rpc_getnetworkinfo},
	{"getpeerinfo",
	 "network",
	 "Returns the peers, half a second old at most. \"id\" is given to\n"
	 "another peer once this one is gone; what peers said per message\n"
	 "is not kept; \"nodeid\", \"member\", \"mode\", \"access\" (may ask\n"
	 "us for the chain), \"chainaccess\" (see requestaccess), \"score\"\n"
	 "(of 100; banned at 0) and the queues, in bytes, are ours.",
	 {{NULL, 0, false}},
	 node_rpc_getpeerinfo},
	{"grantaccess",
	 "network",
	 "Lets a node, named by its id, ask this one for the chain (\"add\")\n"
	 "or no more (\"remove\"), until the next start; after that\n"
	 "--access has the last word. It counts where --access is a list:\n"
	 "open lets everybody ask, and members may always.",
	 {{"nodeid", API_STRING, true}, {"command", API_STRING, true}},
	 node_rpc_grantaccess},
	{"listbanned",
	 "network",
	 "Returns who is banned, half a second old at most: by address, by\n"
	 "node id (\"nodeid\") or, for what it did, by both. When a ban was\n"
	 "made is not kept.",
	 {{NULL, 0, false}},
	 node_rpc_listbanned},
	{"ping",
	 "network",
	 "Does nothing: every peer is pinged all the time. getpeerinfo\n"
	 "has the last round trip.",
	 {{NULL, 0, false}},
	 node_rpc_ping},
	{"requestaccess",
	 "network",
	 "Asks a peer, named by its address as getpeerinfo shows it or by\n"
	 "its node id, or all peers, for access to the chain. The answers\n"
	 "come into \"chainaccess\" of getpeerinfo: \"asked\", \"granted\",\n"
	 "\"refused\" with a reason in \"refusal\", or \"not-full\" from a\n"
	 "node that keeps no chain.",
	 {{"node", API_STRING, false}},
	 node_rpc_requestaccess},
	{"setban",
	 "network",
	 "Bans (\"add\") a single address or a node id for bantime seconds\n"
	 "(default 86400) or, with absolute, until that Unix time; or lifts\n"
	 "bans (\"remove\"). A member is never banned: its id is refused for\n"
	 "a minute, and an address where one is cannot be banned.",
	 {{"subnet", API_STRING, true},
	  {"command", API_STRING, true},
	  {"bantime", API_NUMBER, false},
	  {"absolute", API_BOOLEAN, false}},
	 node_rpc_setban},
	{"decoderawtransaction",
	 "rawtransactions",
	 "Returns the transaction that is serialised in hex. iswitness\n"
	 "false refuses one with a witness.",
	 {{"hexstring", API_STRING, true}, {"iswitness", API_BOOLEAN, false}},
	 node_rpc_decoderawtransaction},
	{"getrawtransaction",
	 "rawtransactions",
	 "Returns a transaction of the pool, of the block named or,\n"
	 "with --txindex on, of any block: verbosity 0 (the default)\n"
	 "its bytes in hex, 1 an object, 2 with the fee where it is in\n"
	 "the pool.",
	 {{"txid", API_STRING, true},
	  {"verbosity", API_NUMBER | API_BOOLEAN, false},
	  {"blockhash", API_STRING, false}},
	 node_rpc_getrawtransaction},
	{"sendrawtransaction",
	 "rawtransactions",
	 "Offers a transaction to the pool and returns its id. It is\n"
	 "refused if it pays more than maxfeerate coins per 1000\n"
	 "virtual bytes (default 0.10; 0: any).",
	 {{"hexstring", API_STRING, true},
	  {"maxfeerate", API_NUMBER | API_STRING, false}},
	 node_rpc_sendrawtransaction},
	{"testmempoolaccept",
	 "rawtransactions",
	 "Says of up to 25 transactions whether the pool would take\n"
	 "them. Each is judged by itself, as if the others had not been\n"
	 "sent.",
	 {{"rawtxs", API_ARRAY, true},
	  {"maxfeerate", API_NUMBER | API_STRING, false}},
	 node_rpc_testmempoolaccept},
	{"estimatesmartfee",
	 "util",
	 "Returns the fee per 1000 virtual bytes that brings a\n"
	 "transaction into one of the next conf_target blocks, by what\n"
	 "is in the pool now. estimate_mode changes nothing.",
	 {{"conf_target", API_NUMBER, true},
	  {"estimate_mode", API_STRING, false}},
	 node_rpc_estimatesmartfee},
	{"getindexinfo",
	 "util",
	 "Returns the state of the index of transactions, if the node\n"
	 "keeps one (--txindex on): it is committed with the blocks.",
	 {{"index_name", API_STRING, false}},
	 node_rpc_getindexinfo},
	{"validateaddress",
	 "util",
	 "Says whether an address is one of this network. Places of\n"
	 "errors are not found.",
	 {{"address", API_STRING, true}},
	 node_rpc_validateaddress},
	{"encryptwallet",
	 "wallet",
	 "Encrypts the seed with a passphrase and locks the wallet. The\n"
	 "seed and all addresses stay the same: copies of it made\n"
	 "before are not encrypted.",
	 {{"passphrase", API_STRING, true}},
	 node_rpc_encryptwallet},
	{"getaddressinfo",
	 "wallet",
	 "Returns what the wallet knows of an address.",
	 {{"address", API_STRING, true}},
	 node_rpc_getaddressinfo},
	{"getbalance",
	 "wallet",
	 "Returns what can be spent: confirmed and mature coins, and\n"
	 "change of our own that waits. dummy is \"*\" or left out.",
	 {{"dummy", API_STRING, false},
	  {"minconf", API_NUMBER, false},
	  {"include_watchonly", API_BOOLEAN, false},
	  {"avoid_reuse", API_BOOLEAN, false}},
	 node_rpc_getbalance},
	{"getbalances",
	 "wallet",
	 "Returns the balance in its parts.",
	 {{NULL, 0, false}},
	 node_rpc_getbalances},
	{"getnewaddress",
	 "wallet",
	 "Returns an address that was not handed out before. Labels are\n"
	 "not kept; the one type is bech32m.",
	 {{"label", API_STRING, false}, {"address_type", API_STRING, false}},
	 node_rpc_getnewaddress},
	{"getrawchangeaddress",
	 "wallet",
	 "Returns an address for change that was not handed out before.",
	 {{"address_type", API_STRING, false}},
	 node_rpc_getrawchangeaddress},
	{"getwalletinfo",
	 "wallet",
	 "Returns the state of the wallet. It keeps no list of\n"
	 "transactions.",
	 {{NULL, 0, false}},
	 node_rpc_getwalletinfo},
	{"listunspent",
	 "wallet",
	 "Returns the coins of the wallet that can be spent, with\n"
	 "minconf (default 1) to maxconf confirmations, of all or of\n"
	 "some addresses.",
	 {{"minconf", API_NUMBER, false},
	  {"maxconf", API_NUMBER, false},
	  {"addresses", API_ARRAY, false},
	  {"include_unsafe", API_BOOLEAN, false}},
	 node_rpc_listunspent},
	{"sendtoaddress",
	 "wallet",
	 "Pays an amount and returns the id of the transaction. memo,\n"
	 "at most 80 bytes, is published with it. fee_rate is in units\n"
	 "per virtual byte, by default what the pool asks for. comment,\n"
	 "comment_to, conf_target, estimate_mode and avoid_reuse change\n"
	 "nothing; transactions are never replaceable.",
	 {{"address", API_STRING, true},
	  {"amount", API_NUMBER | API_STRING, true},
	  {"comment", API_STRING, false},
	  {"comment_to", API_STRING, false},
	  {"subtractfeefromamount", API_BOOLEAN, false},
	  {"replaceable", API_BOOLEAN, false},
	  {"conf_target", API_NUMBER, false},
	  {"estimate_mode", API_STRING, false},
	  {"avoid_reuse", API_BOOLEAN, false},
	  {"fee_rate", API_NUMBER | API_STRING, false},
	  {"verbose", API_BOOLEAN, false},
	  {"memo", API_STRING, false}},
	 node_rpc_sendtoaddress},
	{"walletlock",
	 "wallet",
	 "Forgets what signs until the next walletpassphrase.",
	 {{NULL, 0, false}},
	 node_rpc_walletlock},
	{"walletpassphrase",
	 "wallet",
	 "Unlocks the wallet for timeout seconds.",
	 {{"passphrase", API_STRING, true}, {"timeout", API_NUMBER, true}},
	 node_rpc_walletpassphrase},
	{"walletpassphrasechange",
	 "wallet",
	 "Encrypts the seed with another passphrase.",
	 {{"oldpassphrase", API_STRING, true},
	  {"newpassphrase", API_STRING, true}},
	 node_rpc_walletpassphrasechange},
};

/* What is left without blocks and a pool. */
static const char *const light_names[] = {
	"addnode",
	"clearbanned",
	"decoderawtransaction",
	"disconnectnode",
	"encryptwallet",
	"getaddressinfo",
	"getbalance",
	"getbalances",
	"getbestblockhash",
	"getblockcount",
	"getconnectioncount",
	"getnetworkinfo",
	"getnewaddress",
	"getpeerinfo",
	"getrawchangeaddress",
	"getwalletinfo",
	"help",
	"listbanned",
	"listunspent",
	"logging",
	"ping",
	"requestaccess",
	"sendrawtransaction",
	"sendtoaddress",
	"setban",
	"stop",
	"uptime",
	"validateaddress",
	"walletlock",
	"walletpassphrase",
	"walletpassphrasechange",
};

_Static_assert(BASE_COUNT(light_names) <= NODE_RPC_LIGHT_MAX,
	       "there is room for them");

static bool is_for_light(const char *name)
{
	for (size_t i = 0; i < BASE_COUNT(light_names); i++)
		if (strcmp(light_names[i], name) == 0)
			return true;
	return false;
}

static struct api_table light_table(struct node_rpc *rpc)
{
	rpc->light_methods = 0;
	for (size_t i = 0; i < BASE_COUNT(methods); i++)
		if (is_for_light(methods[i].name))
			rpc->light_method[rpc->light_methods++] = methods[i];
	return (struct api_table){.method = rpc->light_method,
				  .count = rpc->light_methods,
				  .ctx = rpc};
}

struct api_table node_rpc_table(struct node_rpc *rpc)
{
	if (rpc->is_light)
		return light_table(rpc);
	return (struct api_table){
		.method = methods, .count = BASE_COUNT(methods), .ctx = rpc};
}
