/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log/line.h"

#include "base/encoding.h"

#include <string.h>

enum { HASH_TEXT_SIZE = 44 /* base64 of 32 bytes */ };

bool line_next(struct reader *r, struct line *out)
{
    size_t left = reader_left(r);
    const uint8_t *feed = left == 0 ? NULL : memchr(r->p, '\n', left);
    if (feed == NULL)
        return false;
    out->text = (const char *)r->p;
    out->len = (size_t)(feed - r->p);
    r->p = feed + 1;
    return true;
}

bool line_is(const struct line *line, const char *text)
{
    return line->len == strlen(text) && memcmp(line->text, text, line->len) == 0;
}

bool line_after(const struct line *line, const char *prefix, struct line *rest)
{
    size_t len = strlen(prefix);
    if (line->len < len || memcmp(line->text, prefix, len) != 0)
        return false;
    *rest = (struct line){.text = line->text + len, .len = line->len - len};
    return true;
}

bool line_number(const struct line *line, uint64_t *out)
{
    uint64_t v = 0;
    if (line->len == 0 || (line->len > 1 && line->text[0] == '0'))
        return false;
    for (size_t i = 0; i < line->len; i++) {
        char c = line->text[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(c - '0'), &v) || v > MERKLE_SIZE_MAX)
            return false;
    }
    *out = v;
    return true;
}

bool line_hash(const struct line *line, struct merkle_hash *out)
{
    if (line->len != HASH_TEXT_SIZE)
        return false;
    struct err ignored = ERR_INIT;
    AUTO_BUF raw = BUF_INIT(MERKLE_HASH_SIZE + 3);
    if (base64_decode(line->text, line->len, &raw, &ignored) < 0 || raw.len != MERKLE_HASH_SIZE)
        return false;
    memcpy(out->bytes, raw.data, MERKLE_HASH_SIZE);
    return true;
}

int line_add_hash(const struct merkle_hash *hash, struct buf *out, struct err *e)
{
    int rc = base64_encode(hash->bytes, MERKLE_HASH_SIZE, out, e);
    return rc < 0 ? rc : buf_add_str(out, "\n", e);
}
