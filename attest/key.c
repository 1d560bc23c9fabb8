/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys. The SPKI of both types is a fixed prefix and the point, so reading one is a
 * comparison of bytes: no parameters, no second encoding of the same key.
 */
#include "attest/key.h"
#include "attest/key_internal.h"
#include "base/byte_order.h"
#include "base/encoding.h"
#include "base/file.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

/* SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING { 04 …, uncompressed } } */
static const uint8_t p256_prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
/* SEQUENCE { SEQUENCE { id-Ed25519 }, BIT STRING } */
static const uint8_t ed25519_prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                         0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static pthread_once_t libraries_once = PTHREAD_ONCE_INIT;
static bool libraries_ready;

static void libraries_start(void)
{
    /* No openssl.cnf that the environment names may change what a signature check does. */
    bool openssl = OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1;
    libraries_ready = openssl && sodium_init() >= 0;
}

int key_libraries_init(struct err *e)
{
    if (pthread_once(&libraries_once, libraries_start) != 0 || !libraries_ready)
        return err_set(e, ERR_HOST, "cannot start the cryptographic libraries");
    return 0;
}

const char *key_type_name(enum key_type type)
{
    return type == KEY_P256 ? "p256" : "ed25519";
}

static int wire_string(struct buf *out, const void *data, size_t len, struct err *e)
{
    uint8_t size[4];
    put_be32(size, (uint32_t)len);
    int rc = buf_add(out, size, sizeof(size), e);
    return rc < 0 ? rc : buf_add(out, data, len, e);
}

/* SHA-256 of the SSH wire form (RFC 5656 section 3.1, RFC 8709 section 4), as ssh-keygen -l prints
 * it. */
static int derive_id(struct public_key *key, struct err *e)
{
    AUTO_BUF wire = BUF_INIT(256);
    AUTO_BUF text = BUF_INIT(KEY_ID_MAX);
    struct digest digest;
    int rc;
    if (key->type == KEY_P256) {
        if ((rc = wire_string(&wire, "ecdsa-sha2-nistp256", 19, e)) < 0 ||
            (rc = wire_string(&wire, "nistp256", 8, e)) < 0 ||
            (rc = wire_string(&wire, public_key_point(key), P256_POINT_SIZE, e)) < 0)
            return rc;
    } else {
        if ((rc = wire_string(&wire, "ssh-ed25519", 11, e)) < 0 ||
            (rc = wire_string(&wire, public_key_point(key), ED25519_KEY_SIZE, e)) < 0)
            return rc;
    }
    if ((rc = digest_bytes(DIGEST_SHA256, wire.data, wire.len, &digest, e)) < 0 ||
        (rc = base64_encode(digest.bytes, DIGEST_SHA256_SIZE, &text, e)) < 0)
        return rc;
    /* 32 bytes give 43 digits and one '=', which the fingerprint leaves out. */
    (void)snprintf(key->id, sizeof(key->id), "SHA256:%.43s", buf_str(&text));
    return 0;
}

static bool starts_with(const uint8_t *der, size_t len, size_t total, const uint8_t *prefix,
                        size_t prefix_len)
{
    return len == total && memcmp(der, prefix, prefix_len) == 0;
}

int public_key_from_spki(const uint8_t *der, size_t len, struct public_key **out, struct err *e)
{
    AUTO_PUBLIC_KEY struct public_key *key = NULL;
    enum key_type type;
    int rc = key_libraries_init(e);
    if (rc < 0)
        return rc;
    if (starts_with(der, len, SPKI_P256_SIZE, p256_prefix, sizeof(p256_prefix)))
        type = KEY_P256;
    else if (starts_with(der, len, SPKI_ED25519_SIZE, ed25519_prefix, sizeof(ed25519_prefix)))
        type = KEY_ED25519;
    else
        return err_set(e, ERR_INPUT, "it is neither a P-256 key (uncompressed) nor an Ed25519 key");
    if ((key = array_new(1, sizeof(*key))) == NULL)
        return err_oom(e);
    key->type = type;
    memcpy(key->spki, der, len);
    key->spki_len = len;
    const uint8_t *p = key->spki;
    key->evp = d2i_PUBKEY(NULL, &p, (long)len);
    ERR_clear_error();
    if (key->evp == NULL || (type == KEY_P256 && !p256_point_valid(public_key_point(key))))
        return err_set(e, ERR_INPUT, "its point is not on the curve");
    if ((rc = derive_id(key, e)) < 0)
        return rc;
    *out = steal_ptr(&key);
    return 0;
}

int public_key_from_ed25519(const uint8_t raw[32], struct public_key **out, struct err *e)
{
    uint8_t der[SPKI_ED25519_SIZE];
    memcpy(der, ed25519_prefix, sizeof(ed25519_prefix));
    memcpy(der + sizeof(ed25519_prefix), raw, ED25519_KEY_SIZE);
    return public_key_from_spki(der, sizeof(der), out, e);
}

int public_key_parse(const void *pem, size_t len, struct public_key **out, struct err *e)
{
    AUTO_BUF der = BUF_INIT(KEY_FILE_MAX);
    if (pem_is(pem, len, "ENCRYPTED PRIVATE KEY") || pem_is(pem, len, "PRIVATE KEY"))
        return err_set(e, ERR_INPUT, "it is a private key, a public one is needed");
    int rc = pem_decode(pem, len, "PUBLIC KEY", &der, e);
    return rc < 0 ? rc : public_key_from_spki(der.data, der.len, out, e);
}

int public_key_read(const char *path, struct public_key **out, struct err *e)
{
    AUTO_BUF pem = BUF_INIT(KEY_FILE_MAX);
    int rc = file_read(path, &pem, e);
    if (rc < 0)
        return rc;
    if (public_key_parse(pem.data, pem.len, out, e) < 0)
        return err_wrap(e, "cannot use public key '%s'", path);
    return 0;
}

void public_key_free(struct public_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->evp);
    free(key);
}

enum key_type public_key_type(const struct public_key *key)
{
    return key->type;
}

bool public_key_equal(const struct public_key *a, const struct public_key *b)
{
    return a->spki_len == b->spki_len && memcmp(a->spki, b->spki, a->spki_len) == 0;
}

const char *public_key_id(const struct public_key *key)
{
    return key->id;
}

int public_key_format(const struct public_key *key, struct buf *pem, struct err *e)
{
    return pem_encode(key->spki, key->spki_len, "PUBLIC KEY", pem, e);
}

const uint8_t *public_key_ed25519(const struct public_key *key)
{
    return key->type == KEY_ED25519 ? public_key_point(key) : NULL;
}
