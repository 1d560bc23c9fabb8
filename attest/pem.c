/* SPDX-License-Identifier: Apache-2.0 */
/* PEM (RFC 7468, strict form): one block, no headers, nothing around it but white space. */
#include "attest/key_internal.h"
#include "base/encoding.h"

#include <string.h>

enum { PEM_LINE = 64 };

/* An empty file has no bytes, and perhaps no address. */
static struct reader over(const void *pem, size_t len)
{
    static const uint8_t nothing[1];
    const uint8_t *p = len > 0 ? pem : nothing;
    struct reader r = {.p = p, .end = p + len};
    return r;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes `text` off the front of the cursor when it is there. */
static bool take_text(struct reader *r, const char *text)
{
    size_t len = strlen(text);
    if (reader_left(r) < len || memcmp(r->p, text, len) != 0)
        return false;
    r->p += len;
    return true;
}

static void skip_space(struct reader *r)
{
    while (r->p < r->end && is_space((char)*r->p))
        r->p++;
}

static bool take_boundary(struct reader *r, const char *word, const char *label)
{
    struct reader at = *r;
    if (!take_text(&at, word) || !take_text(&at, label) || !take_text(&at, "-----"))
        return false;
    *r = at;
    return true;
}

bool pem_is(const void *pem, size_t len, const char *label)
{
    struct reader r = over(pem, len);
    skip_space(&r);
    return take_boundary(&r, "-----BEGIN ", label);
}

int pem_decode(const void *pem, size_t len, const char *label, struct buf *out, struct err *e)
{
    struct reader r = over(pem, len);
    AUTO_BUF text = BUF_INIT(KEY_FILE_MAX);
    skip_space(&r);
    if (!take_boundary(&r, "-----BEGIN ", label))
        return err_set(e, ERR_INPUT, "no PEM block '%s'", label);
    for (; r.p < r.end && *r.p != '-'; r.p++) {
        int rc = is_space((char)*r.p) ? 0 : buf_add(&text, r.p, 1, e);
        if (rc < 0)
            return rc;
    }
    if (!take_boundary(&r, "-----END ", label))
        return err_set(e, ERR_INPUT, "the PEM block '%s' has no end", label);
    skip_space(&r);
    if (r.p != r.end)
        return err_set(e, ERR_INPUT, "there is more than one PEM block '%s'", label);
    if (base64_decode(buf_str(&text), text.len, out, e) < 0)
        return err_wrap(e, "the PEM block '%s' is malformed", label);
    return 0;
}

int pem_encode(const uint8_t *der, size_t len, const char *label, struct buf *out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(KEY_FILE_MAX);
    int rc = base64_encode(der, len, &text, e);
    if (rc < 0 || (rc = buf_addf(out, e, "-----BEGIN %s-----\n", label)) < 0)
        return rc;
    for (size_t at = 0; at < text.len; at += PEM_LINE) {
        size_t line = text.len - at < PEM_LINE ? text.len - at : PEM_LINE;
        if ((rc = buf_add(out, text.data + at, line, e)) < 0 ||
            (rc = buf_add_str(out, "\n", e)) < 0)
            return rc;
    }
    return buf_addf(out, e, "-----END %s-----\n", label);
}
