/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encoding.h"

#include <string.h>

int hex_encode(const void *data, size_t len, struct buf *out, struct err *e)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;
    size_t need;
    if (!mul_size(len, 2, &need))
        return err_oom(e);
    int rc = buf_reserve(out, need, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < len; i++) {
        out->data[out->len++] = (uint8_t)digits[p[i] >> 4];
        out->data[out->len++] = (uint8_t)digits[p[i] & 15];
    }
    out->data[out->len] = 0;
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

bool hex_decode(const char *text, size_t text_len, uint8_t *out, size_t len)
{
    if (text_len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_encode(const void *data, size_t len, struct buf *out, struct err *e)
{
    const uint8_t *p = data;
    size_t need;
    if (!mul_size(len / 3 + 1, 4, &need))
        return err_oom(e);
    int rc = buf_reserve(out, len == 0 ? 0 : (len + 2) / 3 * 4, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        uint32_t v = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                     (left > 2 ? p[i + 2] : 0);
        uint8_t *to = out->data + out->len;
        to[0] = (uint8_t)base64_digits[v >> 18];
        to[1] = (uint8_t)base64_digits[v >> 12 & 63];
        to[2] = left > 1 ? (uint8_t)base64_digits[v >> 6 & 63] : '=';
        to[3] = left > 2 ? (uint8_t)base64_digits[v & 63] : '=';
        out->len += 4;
    }
    if (out->data != NULL)
        out->data[out->len] = 0;
    return 0;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four characters; `last` may be padded. Returns the bytes it gives, or -1. */
static int base64_group(const char *text, bool last, uint8_t out[3])
{
    int pad = last ? (text[3] == '=') + (text[3] == '=' && text[2] == '=') : 0;
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int d = i < 4 - pad ? base64_value(text[i]) : 0;
        if (d < 0)
            return -1;
        v = v << 6 | (uint32_t)d;
    }
    /* Bits that padding discards must be zero, or one value would have several spellings. */
    if ((pad == 1 && (v & 0xff) != 0) || (pad == 2 && (v & 0xffff) != 0))
        return -1;
    out[0] = (uint8_t)(v >> 16);
    out[1] = (uint8_t)(v >> 8);
    out[2] = (uint8_t)v;
    return 3 - pad;
}

int base64_decode(const char *text, size_t len, struct buf *out, struct err *e)
{
    if (len % 4 != 0)
        return err_set(e, ERR_INPUT, "malformed base64: %zu characters are no multiple of four",
                       len);
    int rc = buf_reserve(out, len / 4 * 3, e);
    for (size_t i = 0; rc == 0 && i < len; i += 4) {
        uint8_t bytes[3];
        int n = base64_group(text + i, i + 4 == len, bytes);
        if (n < 0)
            return err_set(e, ERR_INPUT, "malformed base64 at character %zu", i);
        rc = buf_add(out, bytes, (size_t)n, e);
    }
    return rc;
}

int base64_decode_lenient(const char *text, size_t len, struct buf *out, struct err *e)
{
    uint8_t some[384];
    size_t n = 0;
    uint32_t bits = 0;
    unsigned count = 0; /* of bits that are in no byte yet */
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < len && text[i] != '='; i++) {
        int d = text[i] == '-' ? 62 : text[i] == '_' ? 63 : base64_value(text[i]);
        if (d < 0)
            continue;
        bits = bits << 6 | (uint32_t)d;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        some[n++] = (uint8_t)(bits >> count);
        if (n == sizeof(some)) {
            rc = buf_add(out, some, n, e);
            n = 0;
        }
    }
    return rc < 0 ? rc : buf_add(out, some, n, e);
}

/* ---- numbers ---- */

size_t digits_read(const void *text, size_t len, unsigned base, uint64_t *out)
{
    const uint8_t *p = text;
    uint64_t v = 0;
    size_t i = 0;
    for (; i < len; i++) {
        unsigned digit = p[i] >= '0' && p[i] <= '9'   ? (unsigned)(p[i] - '0')
                         : p[i] >= 'a' && p[i] <= 'f' ? (unsigned)(p[i] - 'a') + 10
                         : p[i] >= 'A' && p[i] <= 'F' ? (unsigned)(p[i] - 'A') + 10
                                                      : 16;
        if (digit >= base)
            break;
        if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)digit, &v))
            return DIGITS_TOO_MANY;
    }
    *out = v;
    return i;
}
