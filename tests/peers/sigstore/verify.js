// SPDX-License-Identifier: Apache-2.0
// Sigstore's JavaScript client as judge of a bundle signed with a plain key.
// usage: node verify.js BUNDLE PUBLIC-KEY KEY-ID   (0 verified, 1 rejected, 2 the bundle cannot be read)
'use strict';

const fs = require('node:fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const [bundlePath, keyPath, keyId] = process.argv.slice(2);

let entity;
try {
  entity = toSignedEntity(bundleFromJSON(JSON.parse(fs.readFileSync(bundlePath, 'utf8'))));
} catch (error) {
  console.error(`cannot read '${bundlePath}': ${error.message}`);
  process.exit(2);
}

const der = Buffer.from(
  fs.readFileSync(keyPath, 'utf8').replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
const root = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const trust = toTrustMaterial(root, { [keyId]: { rawBytes: der } });

try {
  new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, tsaThreshold: 0 }).verify(entity);
  console.log('verified');
} catch (error) {
  console.error(`${error.code}: ${error.message}`);
  process.exit(1);
}
