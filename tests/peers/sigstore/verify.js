// SPDX-License-Identifier: Apache-2.0
// Sigstore's JavaScript client as judge of a bundle signed with a plain key.
// usage: node verify.js BUNDLE PUBLIC-KEY KEY-ID   (0 verified, 1 rejected, 2 the bundle cannot be read)
'use strict';

const fs = require('node:fs');
const { judge } = require('./judge.js');

const [bundlePath, keyPath, keyId] = process.argv.slice(2);
const wrong = judge(fs.readFileSync(bundlePath, 'utf8'), keyPath, keyId);
if (wrong === null) {
  console.log('verified');
} else {
  console.error(wrong.read ? wrong.message : `cannot read '${bundlePath}': ${wrong.message}`);
  process.exit(wrong.read ? 1 : 2);
}
