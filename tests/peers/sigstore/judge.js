// SPDX-License-Identifier: Apache-2.0
// What Sigstore's JavaScript client says of a bundle that a plain key signed.
'use strict';

const fs = require('node:fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

// null when it verifies, else {read, message}: whether the bundle could be read, and what is wrong.
function judge(text, keyPath, keyId) {
  let entity;
  try {
    entity = toSignedEntity(bundleFromJSON(JSON.parse(text)));
  } catch (error) {
    return { read: false, message: error.message };
  }
  const der = Buffer.from(
    fs.readFileSync(keyPath, 'utf8').replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
  const root = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
  const trust = toTrustMaterial(root, { [keyId]: { rawBytes: der } });
  try {
    new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, tsaThreshold: 0 }).verify(entity);
    return null;
  } catch (error) {
    return { read: true, message: `${error.code}: ${error.message}` };
  }
}

module.exports = { judge };
