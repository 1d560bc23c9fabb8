/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the key module share; not for others. */
#ifndef ASSAY_ATTEST_KEY_INTERNAL_H
#define ASSAY_ATTEST_KEY_INTERNAL_H

#include "attest/key.h"

#include <openssl/evp.h>

enum {
    KEY_ID_MAX = 64,
    SPKI_P256_SIZE = 91,
    SPKI_ED25519_SIZE = 44,
    P256_POINT_SIZE = 65, /* 0x04 || x || y */
    P256_SCALAR_SIZE = 32,
    ED25519_KEY_SIZE = 32,
    ED25519_SIGNATURE_SIZE = 64,
};

struct public_key {
    enum key_type type;
    uint8_t spki[SPKI_P256_SIZE];
    size_t spki_len;
    EVP_PKEY *evp;
    char id[KEY_ID_MAX];
};

/* OpenSSL without any configuration file, libsodium's self-selection; idempotent. */
int key_libraries_init(struct err *e);

/* The last bytes of the SPKI: the point, or the 32 bytes. */
static inline const uint8_t *public_key_point(const struct public_key *key)
{
    return key->type == KEY_P256 ? key->spki + SPKI_P256_SIZE - P256_POINT_SIZE
                                 : key->spki + SPKI_ED25519_SIZE - ED25519_KEY_SIZE;
}

/* One PEM block with this label, and nothing but white space around it; appends its DER to `out`.
 */
int pem_decode(const void *pem, size_t len, const char *label, struct buf *out, struct err *e);
int pem_encode(const uint8_t *der, size_t len, const char *label, struct buf *out, struct err *e);
/* Whether the text starts with a block of this label. */
bool pem_is(const void *pem, size_t len, const char *label);

/* Whether Mbed TLS too takes these 65 bytes as a point of P-256. */
bool p256_point_valid(const uint8_t *point);

#endif
