/*
 * Signing keys: P-256 (ECDSA, SHA-256, DER signatures) and Ed25519. At rest a private key is
 * an encrypted PKCS#8 PEM; a public key is an SPKI PEM. The key id is the OpenSSH SHA-256
 * fingerprint "SHA256:<unpadded base64>" of the SSH wire form, which every
 * client of the field takes (spec transparency, section 1).
 */
#ifndef ASSAY_ATTEST_KEY_H
#define ASSAY_ATTEST_KEY_H

#include "base/buf.h"
#include "base/digest.h"

enum key_type { KEY_P256, KEY_ED25519 };

struct signing_key;
struct public_key;

/* New key pair. */
int signing_key_generate(enum key_type type, struct signing_key **out, struct err *e);
/* Encrypted PKCS#8 PEM (scrypt or PBKDF2, AES-256). An empty passphrase is refused (ERR_USAGE). */
int signing_key_format(const struct signing_key *key, const char *passphrase, struct buf *out,
                       struct err *e);
/* Wrong passphrase or malformed: ERR_REJECTED / ERR_INPUT. */
int signing_key_parse(const void *pem, size_t len, const char *passphrase,
                      struct signing_key **out, struct err *e);
int signing_key_read(const char *path, const char *passphrase, struct signing_key **out,
                     struct err *e);
void signing_key_free(struct signing_key *key);
/* Borrowed. */
const struct public_key *signing_key_public(const struct signing_key *key);
/* Appends the signature over `data`: DER for P-256, 64 bytes for Ed25519. */
int signing_key_sign(const struct signing_key *key, const void *data, size_t len, struct buf *out,
                     struct err *e);

int public_key_parse(const void *pem, size_t len, struct public_key **out, struct err *e);
int public_key_read(const char *path, struct public_key **out, struct err *e);
void public_key_free(struct public_key *key);
enum key_type public_key_type(const struct public_key *key);
const char *public_key_id(const struct public_key *key); /* borrowed */
int public_key_format(const struct public_key *key, struct buf *pem, struct err *e);
/* SPKI DER. Borrowed. */
const uint8_t *public_key_spki(const struct public_key *key, size_t *len);
/* The raw 32 bytes of an Ed25519 key; NULL for others. Borrowed. */
const uint8_t *public_key_ed25519(const struct public_key *key);

/*
 * Checks a signature by two independent implementations (P-256: OpenSSL and
 * Mbed TLS; Ed25519: libsodium and OpenSSL); both must accept, and a
 * disagreement is reported as such. P-256 signatures may be DER or raw r||s. ERR_REJECTED when bad.
 */
int public_key_verify(const struct public_key *key, const void *data, size_t len,
                      const uint8_t *sig, size_t sig_len, struct err *e);

static inline void scope_signing_key(struct signing_key **k)
{
    signing_key_free(*k);
}
static inline void scope_public_key(struct public_key **k)
{
    public_key_free(*k);
}
#define AUTO_SIGNING_KEY AUTO(scope_signing_key)
#define AUTO_PUBLIC_KEY AUTO(scope_public_key)

#endif
