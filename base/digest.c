/* SPDX-License-Identifier: Apache-2.0 */
#include "base/digest.h"

#include "base/encoding.h"
#include "base/sparse.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

struct hasher {
    EVP_MD_CTX *ctx;
    enum digest_alg alg;
};

size_t digest_size(enum digest_alg alg)
{
    return alg == DIGEST_SHA512 ? 64 : alg == DIGEST_SHA256 ? 32 : 0;
}

const char *digest_alg_name(enum digest_alg alg)
{
    return alg == DIGEST_SHA512 ? "sha512" : "sha256";
}

int digest_parse(const char *text, struct digest *out, struct err *e)
{
    struct digest d = {0};
    if (str_starts(text, "sha256:"))
        d.alg = DIGEST_SHA256;
    else if (str_starts(text, "sha512:"))
        d.alg = DIGEST_SHA512;
    else
        return err_set(e, ERR_INPUT, "'%.80s' is not a digest (sha256:… or sha512:…)", text);
    if (!hex_decode(text + 7, strlen(text + 7), d.bytes, digest_size(d.alg)))
        return err_set(e, ERR_INPUT, "'%.80s' is not a digest: expected %zu lower-case hex digits",
                       text, 2 * digest_size(d.alg));
    *out = d;
    return 0;
}

char *digest_hex(const struct digest *d, char *text)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = digest_size(d->alg);
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[d->bytes[i] >> 4];
        text[2 * i + 1] = digits[d->bytes[i] & 15];
    }
    text[2 * n] = 0;
    return text;
}

char *digest_format(const struct digest *d, char *text)
{
    memcpy(text, digest_alg_name(d->alg), 6);
    text[6] = ':';
    digest_hex(d, text + 7);
    return text;
}

int digest_compare(const struct digest *a, const struct digest *b)
{
    if (a->alg != b->alg)
        return a->alg < b->alg ? -1 : 1;
    return memcmp(a->bytes, b->bytes, digest_size(a->alg));
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return digest_compare(a, b) == 0;
}

/*
 * The algorithms are fetched once (fetching per digest costs more than hashing
 * a small file), and never through an openssl.cnf that the environment names.
 */
static EVP_MD *sha256_md;
static EVP_MD *sha512_md;

__attribute__((constructor)) static void fetch_algorithms(void)
{
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) == 1) {
        sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
        sha512_md = EVP_MD_fetch(NULL, "SHA512", NULL);
    }
}

__attribute__((destructor)) static void free_algorithms(void)
{
    EVP_MD_free(sha256_md);
    EVP_MD_free(sha512_md);
    sha256_md = NULL;
    sha512_md = NULL;
}

int hasher_restart(struct hasher *h, struct err *e)
{
    const EVP_MD *md = h->alg == DIGEST_SHA512 ? sha512_md : sha256_md;
    if (md == NULL || EVP_DigestInit_ex2(h->ctx, md, NULL) != 1)
        return err_set(e, ERR_HOST, "cannot hash: OpenSSL has no %s", digest_alg_name(h->alg));
    return 0;
}

int hasher_new(enum digest_alg alg, struct hasher **out, struct err *e)
{
    struct hasher *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return err_oom(e);
    h->alg = alg;
    h->ctx = EVP_MD_CTX_new();
    if (h->ctx == NULL) {
        free(h);
        return err_oom(e);
    }
    int rc = hasher_restart(h, e);
    if (rc < 0) {
        hasher_free(h);
        return rc;
    }
    *out = h;
    return 0;
}

void hasher_free(struct hasher *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->ctx);
    free(h);
}

int hasher_update(struct hasher *h, const void *data, size_t len, struct err *e)
{
    if (EVP_DigestUpdate(h->ctx, data, len) != 1)
        return err_set(e, ERR_HOST, "cannot hash: OpenSSL failed");
    return 0;
}

int hasher_zeros(struct hasher *h, uint64_t len, struct err *e)
{
    static const uint8_t zeros[64 * 1024];
    int rc = 0;
    while (rc == 0 && len > 0) {
        size_t part = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);
        rc = hasher_update(h, zeros, part, e);
        len -= part;
    }
    return rc;
}

int hasher_final(struct hasher *h, struct digest *out, struct err *e)
{
    struct digest d = {.alg = h->alg};
    unsigned n = 0;
    if (EVP_DigestFinal_ex(h->ctx, d.bytes, &n) != 1 || n != digest_size(h->alg))
        return err_set(e, ERR_HOST, "cannot hash: OpenSSL failed");
    *out = d;
    return 0;
}

int digest_bytes(enum digest_alg alg, const void *data, size_t len, struct digest *out,
                 struct err *e)
{
    AUTO_HASHER struct hasher *h = NULL;
    int rc = hasher_new(alg, &h, e);
    if (rc == 0)
        rc = hasher_update(h, data, len, e);
    if (rc == 0)
        rc = hasher_final(h, out, e);
    return rc;
}

int digest_fd(enum digest_alg alg, int fd, struct digest *out, uint64_t *size, struct err *e)
{
    enum { CHUNK = 256 * 1024 };
    AUTO_HASHER struct hasher *h = NULL;
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    if (chunk == NULL)
        return err_oom(e);
    int rc = hasher_new(alg, &h, e);
    struct sparse_reader from = {.fd = fd};
    uint64_t total = 0;
    size_t got = 1;
    uint64_t zeros = 0;
    while (rc == 0 && got + zeros > 0) {
        if (sparse_read(&from, chunk, CHUNK, &got, &zeros) < 0)
            return err_os(e, errno, "cannot read");
        total += got + zeros;
        rc = zeros > 0 ? hasher_zeros(h, zeros, e) : hasher_update(h, chunk, got, e);
    }
    if (rc == 0)
        rc = hasher_final(h, out, e);
    if (rc == 0 && size != NULL)
        *size = total;
    return rc;
}
