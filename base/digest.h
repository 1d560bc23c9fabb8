/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests: an algorithm and its bytes, printed "sha256:<lower-case hex>".
 * Hashing goes through OpenSSL's EVP, which picks the processor's hash
 * instructions at run time.
 */
#ifndef ASSAY_BASE_DIGEST_H
#define ASSAY_BASE_DIGEST_H

#include "base/err.h"
#include "base/scope.h"

#include <stdbool.h>
#include <stdint.h>

enum digest_alg { DIGEST_SHA256 = 1, DIGEST_SHA512 = 2 };
enum { DIGEST_MAX = 64, DIGEST_SHA256_SIZE = 32, DIGEST_TEXT_MAX = 8 + 2 * DIGEST_MAX };

struct digest {
    enum digest_alg alg; /* 0 = none */
    uint8_t bytes[DIGEST_MAX];
};

/* "sha256:…" or "sha512:…"; upper-case hex, other names and other lengths are refused (ERR_INPUT).
 */
int digest_parse(const char *text, struct digest *out, struct err *e);
/* `text` must hold DIGEST_TEXT_MAX bytes; returns it. */
char *digest_format(const struct digest *d, char *text);
/* Hex without the algorithm's name, into DIGEST_TEXT_MAX bytes; returns `text`. */
char *digest_hex(const struct digest *d, char *text);
bool digest_equal(const struct digest *a, const struct digest *b);
int digest_compare(const struct digest *a, const struct digest *b);
size_t digest_size(enum digest_alg alg);
const char *digest_alg_name(enum digest_alg alg);

int digest_bytes(enum digest_alg alg, const void *data, size_t len, struct digest *out,
                 struct err *e);
/* Reads `fd` from its offset to its end; *size (may be NULL) gets the count. Holes are not read. */
int digest_fd(enum digest_alg alg, int fd, struct digest *out, uint64_t *size, struct err *e);

/* Streaming. A hasher can be used again after digest_end by digest_begin. */
struct hasher;
int hasher_new(enum digest_alg alg, struct hasher **out, struct err *e);
void hasher_free(struct hasher *h);
int hasher_restart(struct hasher *h, struct err *e);
int hasher_update(struct hasher *h, const void *data, size_t len, struct err *e);
/* So many bytes of zeros. */
int hasher_zeros(struct hasher *h, uint64_t len, struct err *e);
int hasher_final(struct hasher *h, struct digest *out, struct err *e);

static inline void scope_hasher(struct hasher **h)
{
    hasher_free(*h);
}
#define AUTO_HASHER AUTO(scope_hasher)

#endif
