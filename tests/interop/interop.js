// SPDX-License-Identifier: MIT
// node interop.js check|addresses|spend <REQUEST >REPLY, both JSON: what
// tests/test_interop.py asks of bitcoinjs-lib. A failed check ends it with 1.
'use strict';

const fs = require('node:fs');
const { networks } = require('bitcoinjs-lib');
const { check } = require('./chain.js');
const { addresses, spend } = require('./wallet.js');

const { prefix, ...request } = JSON.parse(fs.readFileSync(0));
const network = { ...networks.bitcoin, bech32: prefix };
const answer = { check, addresses, spend }[process.argv[2]];
process.stdout.write(JSON.stringify(answer({ network, ...request })));
