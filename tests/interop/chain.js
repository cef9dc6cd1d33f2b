// SPDX-License-Identifier: MIT
// The chain as bitcoinjs-lib sees it: checked from its raw blocks alone.
'use strict';

const assert = require('node:assert');
const bitcoin = require('bitcoinjs-lib');
const ecc = require('@bitcoinerlab/secp256k1');

bitcoin.initEccLib(ecc);

const OP_RETURN = 0x6a;
const hex = bytes => Buffer.from(bytes).toString('hex');
const reversedHex = bytes => Buffer.from(bytes).reverse().toString('hex');

// What a script pays to: {address}, or {memo} with the text it carries.
function payee(script, network) {
  if (script[0] !== OP_RETURN)
    return { address: bitcoin.address.fromOutputScript(script, network) };
  const [, data] = bitcoin.script.decompile(script);
  return { memo: Buffer.from(data).toString() };
}

// The block parses, serialises to the same bytes, continues `parent`, and its
// merkle root, witness commitment and proof of work are right.
function checkBlock(text, parent, height) {
  const block = bitcoin.Block.fromHex(text);
  const where = `height ${height}`;
  assert.strictEqual(block.toHex(), text, where);
  if (height === 0) {
    assert(block.checkTxRoots(), `${where}: merkle root`);
    return block; // genesis is exempt from proof of work
  }
  assert.strictEqual(reversedHex(block.prevHash), parent, where);
  assert(block.checkProofOfWork(), `${where}: proof of work`);
  assert(block.hasWitnessCommit(), `${where}: no witness commitment`);
  assert(block.checkTxRoots(), `${where}: merkle root, witness commitment`);
  return block;
}

// Takes the spent coins out of `coins`; every input must be a key-path spend
// whose one signature, SIGHASH_DEFAULT, is good for what it spends.
function checkSpend(tx, coins) {
  const spent = tx.ins.map(input => {
    const at = `${reversedHex(input.hash)}:${input.index}`;
    const coin = coins.get(at);
    assert(coin, `${tx.getId()} spends ${at}, which is not there`);
    coins.delete(at);
    return coin;
  });
  const scripts = spent.map(coin => Buffer.from(coin.script, 'hex'));
  const values = spent.map(coin => BigInt(coin.value));
  tx.ins.forEach((input, i) => {
    const where = `${tx.getId()} input ${i}`;
    assert.strictEqual(input.witness.length, 1, where);
    assert.strictEqual(input.witness[0].length, 64, where);
    const hash = tx.hashForWitnessV1(i, scripts, values,
      bitcoin.Transaction.SIGHASH_DEFAULT);
    assert(ecc.verifySchnorr(hash, scripts[i].subarray(2), input.witness[0]),
      `${where}: signature`);
  });
}

// Executes a transaction of a checked block on `coins`. What it spends and
// pays.
function execute(tx, height, coins, network) {
  const coinbase = bitcoin.Transaction.isCoinbaseHash(tx.ins[0].hash);
  if (!coinbase)
    checkSpend(tx, coins);
  const txid = tx.getId();
  const outputs = tx.outs.map(({ script, value }) => ({
    ...payee(script, network), value: Number(value) }));
  outputs.forEach(({ address, value }, vout) => {
    if (address !== undefined)
      coins.set(`${txid}:${vout}`, { txid, vout, height, address, value,
        script: hex(tx.outs[vout].script) });
  });
  return [txid, { height, coinbase, inputs: tx.ins.length, outputs }];
}

// Checks `blocks`, raw, genesis first. The ids and numbers of transactions of
// the blocks; the transactions by txid; the coins left.
function check({ blocks, network }) {
  const coins = new Map();
  const seen = [];
  const transactions = {};
  blocks.forEach((text, height) => {
    const parent = height > 0 ? seen[height - 1].id : null;
    const block = checkBlock(text, parent, height);
    seen.push({ id: block.getId(), count: block.transactions.length });
    Object.assign(transactions, Object.fromEntries(block.transactions.map(
      tx => execute(tx, height, coins, network))));
  });
  return { blocks: seen, transactions, coins: [...coins.values()] };
}

module.exports = { check };
