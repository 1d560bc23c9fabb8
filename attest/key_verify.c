/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature checks, each by two implementations that share no code: P-256 by OpenSSL and by
 * Mbed TLS (each hashing for itself), Ed25519 by libsodium and by OpenSSL. Both must accept.
 */
#include "attest/key_internal.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <openssl/err.h>
#include <sodium.h>
#include <string.h>

/* A signature over P-256 as numbers, and as the one DER encoding of them. */
struct p256_signature {
    uint8_t r[P256_SCALAR_SIZE];
    uint8_t s[P256_SCALAR_SIZE];
    uint8_t der[KEY_SIGNATURE_MAX];
    size_t der_len;
};

/* A DER INTEGER, minimal and not negative, of at most 256 bits; right-aligned into `out`. */
static bool take_integer(struct reader *r, uint8_t out[P256_SCALAR_SIZE])
{
    uint8_t tag;
    uint8_t len;
    const uint8_t *p;
    if (!reader_u8(r, &tag) || tag != 0x02 || !reader_u8(r, &len) || len == 0 ||
        len > P256_SCALAR_SIZE + 1 || !reader_take(r, len, &p))
        return false;
    if ((p[0] & 0x80) != 0 || (p[0] == 0 && len > 1 && (p[1] & 0x80) == 0))
        return false;
    if (p[0] == 0) {
        p++;
        len--;
    }
    if (len > P256_SCALAR_SIZE)
        return false;
    memset(out, 0, P256_SCALAR_SIZE);
    memcpy(out + P256_SCALAR_SIZE - len, p, len);
    return true;
}

/* ECDSA-Sig-Value of RFC 3279 in DER; short lengths suffice for 256-bit numbers. */
static bool parse_der(const uint8_t *sig, size_t len, struct p256_signature *out)
{
    struct reader r = {.p = sig, .end = sig + len};
    uint8_t tag;
    uint8_t size;
    return len <= KEY_SIGNATURE_MAX && reader_u8(&r, &tag) && tag == 0x30 && reader_u8(&r, &size) &&
           size == reader_left(&r) && take_integer(&r, out->r) && take_integer(&r, out->s) &&
           reader_left(&r) == 0;
}

static size_t put_integer(uint8_t *to, const uint8_t scalar[P256_SCALAR_SIZE])
{
    size_t skip = 0;
    while (skip < P256_SCALAR_SIZE - 1 && scalar[skip] == 0)
        skip++;
    size_t pad = (scalar[skip] & 0x80) != 0 ? 1 : 0;
    size_t len = P256_SCALAR_SIZE - skip;
    to[0] = 0x02;
    to[1] = (uint8_t)(len + pad);
    to[2] = 0;
    memcpy(to + 2 + pad, scalar + skip, len);
    return 2 + pad + len;
}

/*
 * DER or raw r||s. 64 bytes that are well-formed DER as well (one in 2^40 of either kind) are
 * taken as DER, so that every DER signature is read as what it is.
 */
static bool parse_p256(const uint8_t *sig, size_t len, struct p256_signature *out)
{
    if (!parse_der(sig, len, out)) {
        if (len != 2 * (size_t)P256_SCALAR_SIZE)
            return false;
        memcpy(out->r, sig, P256_SCALAR_SIZE);
        memcpy(out->s, sig + P256_SCALAR_SIZE, P256_SCALAR_SIZE);
    }
    size_t body = put_integer(out->der + 2, out->r);
    body += put_integer(out->der + 2 + body, out->s);
    out->der[0] = 0x30;
    out->der[1] = (uint8_t)body;
    out->der_len = 2 + body;
    return true;
}

/* Anything but a clear yes is a no. */
static bool openssl_accepts(const struct public_key *key, const uint8_t *data, size_t len,
                            const uint8_t *sig, size_t sig_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *md = key->type == KEY_P256 ? EVP_sha256() : NULL;
    bool good = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, md, NULL, key->evp) == 1 &&
                EVP_DigestVerify(ctx, sig, sig_len, data, len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

bool p256_point_valid(const uint8_t *point)
{
    mbedtls_ecp_group group;
    mbedtls_ecp_point q;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&q);
    bool good = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
                mbedtls_ecp_point_read_binary(&group, &q, point, P256_POINT_SIZE) == 0 &&
                mbedtls_ecp_check_pubkey(&group, &q) == 0;
    mbedtls_ecp_point_free(&q);
    mbedtls_ecp_group_free(&group);
    return good;
}

static bool mbedtls_accepts(const struct public_key *key, const uint8_t *data, size_t len,
                            const struct p256_signature *sig)
{
    uint8_t hash[32];
    mbedtls_ecp_group group;
    mbedtls_ecp_point q;
    mbedtls_mpi r;
    mbedtls_mpi s;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&q);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    bool good =
        mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), data, len, hash) == 0 &&
        mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
        mbedtls_ecp_point_read_binary(&group, &q, public_key_point(key), P256_POINT_SIZE) == 0 &&
        mbedtls_ecp_check_pubkey(&group, &q) == 0 &&
        mbedtls_mpi_read_binary(&r, sig->r, sizeof(sig->r)) == 0 &&
        mbedtls_mpi_read_binary(&s, sig->s, sizeof(sig->s)) == 0 &&
        mbedtls_ecdsa_verify(&group, hash, sizeof(hash), &q, &r, &s) == 0;
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&r);
    mbedtls_ecp_point_free(&q);
    mbedtls_ecp_group_free(&group);
    return good;
}

int public_key_verify(const struct public_key *key, const void *data, size_t len,
                      const uint8_t *sig, size_t sig_len, struct err *e)
{
    static const uint8_t nothing[1];
    const uint8_t *bytes = data != NULL ? data : nothing;
    if (sig_len == 0)
        return err_set(e, ERR_REJECTED, "the signature is empty");
    struct p256_signature p256;
    bool openssl;
    bool second;
    const char *second_name;
    int rc = key_libraries_init(e);
    if (rc < 0)
        return rc;
    if (key->type == KEY_P256) {
        if (!parse_p256(sig, sig_len, &p256))
            return err_set(e, ERR_REJECTED,
                           "the signature is malformed: neither DER nor 64 bytes r||s");
        openssl = openssl_accepts(key, bytes, len, p256.der, p256.der_len);
        second = mbedtls_accepts(key, bytes, len, &p256);
        second_name = "Mbed TLS";
    } else {
        if (sig_len != ED25519_SIGNATURE_SIZE)
            return err_set(e, ERR_REJECTED, "the signature is malformed: %zu bytes, not 64",
                           sig_len);
        openssl = openssl_accepts(key, bytes, len, sig, sig_len);
        second = crypto_sign_verify_detached(sig, bytes, len, public_key_point(key)) == 0;
        second_name = "libsodium";
    }
    if (openssl && second)
        return 0;
    if (openssl != second)
        return err_set(e, ERR_REJECTED, "the signature is doubtful: %s accepts it, %s does not",
                       openssl ? "OpenSSL" : second_name, openssl ? second_name : "OpenSSL");
    return err_set(e, ERR_REJECTED, "the signature does not verify with key %s", key->id);
}
