// SPDX-License-Identifier: Apache-2.0
// Spellings of one good bundle, and what Sigstore's JavaScript client makes of each.
// usage: node mutants.js BUNDLE PUBLIC-KEY KEY-ID DIRECTORY
// Writes DIRECTORY/NAME.json and prints "NAME accepted" or "NAME refused".
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { judge } = require('./judge.js');

const [bundlePath, keyPath, keyId, directory] = process.argv.slice(2);
const good = fs.readFileSync(bundlePath, 'utf8');

const unpadded = (text) => text.replace(/=+$/, '');
const urlSafe = (text) => text.replace(/\+/g, '-').replace(/\//g, '_');
const entry = {
  logIndex: '1', logId: { keyId: 'AAAA' }, kindVersion: { kind: 'dsse', version: '0.0.1' },
  integratedTime: '0', canonicalizedBody: 'AAAA',
};
const old = (version) => `application/vnd.dev.sigstore.bundle+json;version=${version}`;

// Each changes the parsed bundle.
const changes = {
  'as-it-is': () => {},
  'payload-unpadded': (b) => { b.dsseEnvelope.payload = unpadded(b.dsseEnvelope.payload); },
  'sig-unpadded': (b) => { b.dsseEnvelope.signatures[0].sig = unpadded(b.dsseEnvelope.signatures[0].sig); },
  'payload-url-safe': (b) => { b.dsseEnvelope.payload = urlSafe(b.dsseEnvelope.payload); },
  'sig-url-safe-unpadded': (b) => { b.dsseEnvelope.signatures[0].sig = unpadded(urlSafe(b.dsseEnvelope.signatures[0].sig)); },
  'payload-in-lines': (b) => { b.dsseEnvelope.payload = b.dsseEnvelope.payload.replace(/.{76}/g, '$&\n'); },
  'payload-with-spaces': (b) => { b.dsseEnvelope.payload = ` ${b.dsseEnvelope.payload} `; },
  'payload-with-strangers': (b) => { b.dsseEnvelope.payload = b.dsseEnvelope.payload.replace(/.{40}/, '$&*.\u00e9'); },
  'payload-padded-more': (b) => { b.dsseEnvelope.payload += '===='; },
  'payload-goes-on-behind-padding': (b) => { b.dsseEnvelope.payload = `${unpadded(b.dsseEnvelope.payload)}==AAAA`; },
  'payload-padding-in-the-middle': (b) => { b.dsseEnvelope.payload = b.dsseEnvelope.payload.replace(/.{40}/, '$&='); },
  'payload-of-another': (b) => { b.dsseEnvelope.payload = 'e30='; },
  'payload-empty': (b) => { b.dsseEnvelope.payload = ''; },
  'payload-null': (b) => { b.dsseEnvelope.payload = null; },
  'payload-absent': (b) => { delete b.dsseEnvelope.payload; },
  'payload-number': (b) => { b.dsseEnvelope.payload = 5; },
  'type-null': (b) => { b.dsseEnvelope.payloadType = null; },
  'type-other': (b) => { b.dsseEnvelope.payloadType = 'application/json'; },
  'sig-null': (b) => { b.dsseEnvelope.signatures[0].sig = null; },
  'sig-empty': (b) => { b.dsseEnvelope.signatures[0].sig = ''; },
  'signatures-null': (b) => { b.dsseEnvelope.signatures = null; },
  'signatures-none': (b) => { b.dsseEnvelope.signatures = []; },
  'signatures-two': (b) => { b.dsseEnvelope.signatures.push(b.dsseEnvelope.signatures[0]); },
  'signature-null': (b) => { b.dsseEnvelope.signatures[0] = null; },
  'keyid-null': (b) => { b.dsseEnvelope.signatures[0].keyid = null; },
  'keyid-absent': (b) => { delete b.dsseEnvelope.signatures[0].keyid; },
  'keyid-of-another': (b) => { b.dsseEnvelope.signatures[0].keyid = 'SHA256:another'; },
  'envelope-null': (b) => { b.dsseEnvelope = null; },
  'message-signature-null': (b) => { b.messageSignature = null; },
  'message-signature-only': (b) => { delete b.dsseEnvelope; b.messageSignature = { signature: 'AAAA' }; },
  'certificate-null': (b) => { b.verificationMaterial.certificate = null; },
  'chain-null': (b) => { b.verificationMaterial.x509CertificateChain = null; },
  'log-null': (b) => { b.verificationMaterial.tlogEntries = null; },
  'log-none': (b) => { b.verificationMaterial.tlogEntries = []; },
  'log-entry-null': (b) => { b.verificationMaterial.tlogEntries = [null]; },
  'log-entry-empty': (b) => { b.verificationMaterial.tlogEntries = [{}]; },
  'log-entry-without-proof': (b) => { b.verificationMaterial.tlogEntries = [entry]; },
  'log-entry-without-checkpoint': (b) => {
    b.verificationMaterial.tlogEntries = [{ ...entry, inclusionProof: { logIndex: '1' } }];
  },
  'old-log-entry-without-promise': (b) => {
    b.mediaType = old('0.1');
    b.verificationMaterial.tlogEntries = [{ ...entry, inclusionProof: { checkpoint: {} } }];
  },
  'timestamps-null': (b) => { b.verificationMaterial.timestampVerificationData = null; },
  'timestamps-empty': (b) => { b.verificationMaterial.timestampVerificationData = {}; },
  'timestamps-none': (b) => { b.verificationMaterial.timestampVerificationData = { rfc3161Timestamps: null }; },
  'material-null': (b) => { b.verificationMaterial = null; },
  'material-empty': (b) => { b.verificationMaterial = {}; },
  'key-null': (b) => { b.verificationMaterial.publicKey = null; },
  'type-of-media-null': (b) => { b.mediaType = null; },
  'type-of-media-other': (b) => { b.mediaType = 'application/json'; },
  'version-0.1': (b) => { b.mediaType = old('0.1'); },
  'version-0.2': (b) => { b.mediaType = old('0.2'); },
  'version-0.3': (b) => { b.mediaType = old('0.3'); },
  // What the two take differently; docs/formats/attestations.md says why.
  'hint-null': (b) => { b.verificationMaterial.publicKey.hint = null; },
  'hint-of-another': (b) => { b.verificationMaterial.publicKey.hint = 'another'; },
  'key-and-certificate': (b) => { b.verificationMaterial.certificate = { rawBytes: 'AAAA' }; },
  'version-to-come': (b) => { b.mediaType = 'application/vnd.dev.sigstore.bundle.v0.4+json'; },
  'payload-list-of-bytes': (b) => { b.dsseEnvelope.payload = [...Buffer.from(b.dsseEnvelope.payload, 'base64')]; },
  'log-entry-whole': (b) => {
    b.verificationMaterial.tlogEntries = [{ ...entry, inclusionProof: { logIndex: '1', treeSize: '2', checkpoint: { envelope: 'x' } } }];
  },
  'unknown-members': (b) => { b.later = { a: [1] }; b.dsseEnvelope.later = true; b.verificationMaterial.later = ''; },
};

// Each changes the text.
const texts = {
  'white-space': (text) => JSON.stringify(JSON.parse(text), null, 2),
  'escapes': (text) => text.replace(/payloadType/g, '\\u0070ayloadType'),
  'member-twice': (text) => text.replace('"payloadType"', '"payloadType":"t","payloadType"'),
  'something-behind': (text) => `${text}{}`,
  'cut': (text) => text.slice(0, 500),
};

const made = {};
for (const [name, change] of Object.entries(changes)) {
  const bundle = JSON.parse(good);
  change(bundle);
  made[name] = JSON.stringify(bundle);
}
for (const [name, change] of Object.entries(texts)) made[name] = change(good);
for (const [name, text] of Object.entries(made)) {
  fs.writeFileSync(path.join(directory, `${name}.json`), text);
  console.log(`${name} ${judge(text, keyPath, keyId) === null ? 'accepted' : 'refused'}`);
}
