/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing keys: P-256 (ECDSA, SHA-256, DER signatures) and Ed25519. At rest a private key is
 * an encrypted PKCS#8 PEM; a public key is an SPKI PEM. The key id is the OpenSSH SHA-256
 * fingerprint "SHA256:<unpadded base64>" of the SSH wire form, which every
 * client of the field takes (docs/formats/attestations.md, "Keys").
 */
#ifndef ASSAY_ATTEST_KEY_H
#define ASSAY_ATTEST_KEY_H

#include "base/buf.h"
#include "base/digest.h"

enum key_type { KEY_P256, KEY_ED25519 };

enum {
    KEY_FILE_MAX = 16 * 1024,  /* bytes of a key file */
    KEY_SIGNATURE_MAX = 72,    /* bytes of a DER signature over P-256 */
    KEY_PASSPHRASE_MAX = 1024, /* bytes */
};

struct signing_key;
struct public_key;

/* New key pair. */
int signing_key_generate(enum key_type type, struct signing_key **out, struct err *e);
/* Encrypted PKCS#8 PEM (scrypt N=2^14 r=8 p=5, AES-256-CBC). Appends. An empty passphrase is
 * refused (ERR_USAGE). */
int signing_key_format(const struct signing_key *key, const char *passphrase, struct buf *out,
                       struct err *e);
/*
 * Encrypted PKCS#8 only, by PBES2 with scrypt or PBKDF2-HMAC-SHA-2 of bounded cost and AES-CBC.
 * Wrong passphrase: ERR_USAGE; malformed, unencrypted or another kind of key: ERR_INPUT.
 */
int signing_key_parse(const void *pem, size_t len, const char *passphrase, struct signing_key **out,
                      struct err *e);
int signing_key_read(const char *path, const char *passphrase, struct signing_key **out,
                     struct err *e);
/*
 * What makes a private key's file weaker than its passphrase: a mode that lets others at it, or a
 * key derivation below the floor. It is used all the same; whoever uses it says so.
 */
enum {
    KEY_SCRYPT_FLOOR = 1 << 17, /* N times r: 16 MiB of memory for each guess */
    KEY_PBKDF2_FLOOR = 100000,  /* rounds */
    KEY_SALT_FLOOR = 8,         /* bytes */
    KEY_WEAKNESS_MAX = 160,     /* bytes of the clause, with its NUL */
};
struct key_weakness {
    unsigned mode;                     /* of the file when others may read or change it, else 0 */
    char derivation[KEY_WEAKNESS_MAX]; /* what is below the floor, as a clause; "" = nothing */
};
/* ERR_INPUT when it is no encrypted private key that signing_key_parse would take. */
int key_file_weakness(const char *path, struct key_weakness *out, struct err *e);
/*
 * Writes `path` (0600, encrypted) and `path`.pub (0644). Neither name may exist (ERR_USAGE), also
 * not at the last instant; on failure neither is left behind. *public_path: caller frees.
 */
int key_files_create(const struct signing_key *key, const char *passphrase, const char *path,
                     char **public_path, struct err *e);
/* Whether both names are free: to be asked before a passphrase is. */
int key_files_absent(const char *path, struct err *e);
void signing_key_free(struct signing_key *key);
/* Borrowed. */
const struct public_key *signing_key_public(const struct signing_key *key);
/*
 * Appends the signature over `data`: DER for P-256, 64 bytes for Ed25519. It was verified by both
 * implementations before it is handed out, so a computing fault cannot leak the key.
 */
int signing_key_sign(const struct signing_key *key, const void *data, size_t len, struct buf *out,
                     struct err *e);

/*
 * SPKI PEM, one block and nothing else; DER with a named curve and an uncompressed point that is
 * on the curve. ERR_INPUT.
 */
int public_key_parse(const void *pem, size_t len, struct public_key **out, struct err *e);
/* The same from SPKI DER, and from the raw 32 bytes of an Ed25519 key. */
int public_key_from_spki(const uint8_t *der, size_t len, struct public_key **out, struct err *e);
int public_key_from_ed25519(const uint8_t raw[32], struct public_key **out, struct err *e);
int public_key_read(const char *path, struct public_key **out, struct err *e);
void public_key_free(struct public_key *key);
enum key_type public_key_type(const struct public_key *key);
const char *key_type_name(enum key_type type); /* "p256", "ed25519". Static. */
bool public_key_equal(const struct public_key *a, const struct public_key *b);
const char *public_key_id(const struct public_key *key); /* borrowed */
/* SPKI PEM. Appends. */
int public_key_format(const struct public_key *key, struct buf *pem, struct err *e);
/* The raw 32 bytes of an Ed25519 key; NULL for others. Borrowed. */
const uint8_t *public_key_ed25519(const struct public_key *key);

/*
 * Checks a signature by two independent implementations (P-256: OpenSSL and
 * Mbed TLS; Ed25519: libsodium and OpenSSL); both must accept, and a
 * disagreement is reported as such. ERR_REJECTED when bad.
 *
 * P-256 signatures are strict DER, or raw r||s of 64 bytes; both (r, s) and (r, n-s) are good, as
 * in FIPS 186. Ed25519 follows libsodium: canonical S, R and A, no small-order R or A, no cofactor.
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
