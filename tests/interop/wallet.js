// SPDX-License-Identifier: MIT
// A BIP86 wallet in bitcoinjs-lib: addresses of a seed, and spends of them.
'use strict';

const assert = require('node:assert');
const bitcoin = require('bitcoinjs-lib');
const { BIP32Factory } = require('bip32');
const ecc = require('@bitcoinerlab/secp256k1');

bitcoin.initEccLib(ecc);
const bip32 = BIP32Factory(ecc);

const KEYS = 20; // receiving keys that a seed is looked up for
const xOnly = key => key.publicKey.subarray(1);

// The first receiving keys of a seed, m/86'/0'/0'/0/i, with what pays them.
function keysOf(seed, network) {
  const branch = bip32.fromSeed(Buffer.from(seed, 'hex'))
    .derivePath("m/86'/0'/0'/0");
  return Array.from({ length: KEYS }, (_, i) => {
    const key = branch.derive(i);
    const { address, output } = bitcoin.payments.p2tr(
      { internalPubkey: xOnly(key), network });
    return { key, address, output };
  });
}

function addresses({ seed, network }) {
  return keysOf(seed, network).map(({ address }) => address);
}

const scriptOf = ({ address, memo }, network) => memo === undefined
  ? bitcoin.address.toOutputScript(address, network)
  : bitcoin.payments.embed({ data: [Buffer.from(memo)] }).output;

// Spends all of `coins` (chain.js), which are the seed's: `pay` is a list of
// {address or memo, value}; what is left of it and `fee` goes to `change`.
function spend({ seed, network, coins, pay, change, fee, sequence }) {
  const keys = keysOf(seed, network);
  const owners = coins.map(coin => {
    const owner = keys.find(({ output }) =>
      Buffer.from(output).toString('hex') === coin.script);
    assert(owner, `${coin.txid}:${coin.vout} is not of this seed`);
    return owner;
  });
  const sum = list => list.reduce((all, { value }) => all + value, 0);
  const rest = { address: change, value: sum(coins) - sum(pay) - fee };
  const psbt = new bitcoin.Psbt({ network });
  psbt.setVersion(2).setLocktime(0);
  coins.forEach(({ txid, vout, value, script }, i) => psbt.addInput({
    hash: txid, index: vout, sequence, tapInternalKey: xOnly(owners[i].key),
    witnessUtxo: { script: Buffer.from(script, 'hex'), value: BigInt(value) },
  }));
  for (const output of [...pay, rest])
    psbt.addOutput({ script: scriptOf(output, network),
      value: BigInt(output.value) });
  owners.forEach(({ key }, i) => psbt.signInput(i,
    key.tweak(bitcoin.crypto.taggedHash('TapTweak', xOnly(key)))));
  const good = psbt.validateSignaturesOfAllInputs(
    (pubkey, hash, signature) => ecc.verifySchnorr(hash, pubkey, signature));
  assert(good, 'own signature');
  const tx = psbt.finalizeAllInputs().extractTransaction();
  return { txid: tx.getId(), hex: tx.toHex() };
}

module.exports = { addresses, spend };
