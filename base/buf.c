/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/byte_order.h"

#include <string.h>

void buf_dispose(struct buf *b)
{
    free(b->data);
    b->data = NULL;
    b->len = 0;
    b->cap = 0;
}

int buf_reserve(struct buf *b, size_t len, struct err *e)
{
    size_t need;
    if (__builtin_add_overflow(b->len, len, &need) || need > b->max || need == SIZE_MAX)
        return err_set(e, ERR_INPUT, "more than %zu bytes", b->max);
    if (need + 1 <= b->cap)
        return 0;
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap < need + 1)
        cap = cap > SIZE_MAX / 2 ? need + 1 : cap * 2;
    uint8_t *data = realloc(b->data, cap);
    if (data == NULL)
        return err_oom(e);
    b->data = data;
    b->cap = cap;
    b->data[b->len] = 0;
    return 0;
}

int buf_add(struct buf *b, const void *data, size_t len, struct err *e)
{
    int rc = buf_reserve(b, len, e);
    if (rc < 0)
        return rc;
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = 0;
    return 0;
}

int buf_add_str(struct buf *b, const char *text, struct err *e)
{
    return buf_add(b, text, strlen(text), e);
}

struct addition {
    struct buf *buf;
    struct err *e;
    int rc; /* the first failure; what comes later is left out */
};

static void add_piece(void *context, const char *data, size_t len)
{
    struct addition *a = context;
    if (a->rc == 0)
        a->rc = buf_add(a->buf, data, len, a->e);
}

int buf_vaddf(struct buf *b, enum text_how how, struct err *e, const char *fmt, va_list args)
{
    size_t before = b->len;
    struct addition a = {.buf = b, .e = e};
    text_vformat(add_piece, &a, how, fmt, args);
    if (a.rc < 0 && b->data != NULL) {
        b->len = before;
        b->data[before] = 0;
    }
    return a.rc;
}

int buf_addf(struct buf *b, struct err *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int rc = buf_vaddf(b, TEXT_AS_IT_IS, e, fmt, args);
    va_end(args);
    return rc;
}

int buf_sayf(struct buf *b, struct err *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int rc = buf_vaddf(b, TEXT_CLEANED, e, fmt, args);
    va_end(args);
    return rc;
}

void buf_cut(struct buf *b, size_t len)
{
    if (len >= b->len)
        return;
    b->len = len;
    b->data[len] = 0;
}

/* Whoever made `len` smaller may have left what stood there before. */
static void end_text(const struct buf *b)
{
    if (b->data[b->len] != 0)
        b->data[b->len] = 0;
}

const char *buf_str(const struct buf *b)
{
    if (b->data == NULL)
        return "";
    end_text(b);
    return (const char *)b->data;
}

char *buf_steal(struct buf *b)
{
    if (b->data != NULL)
        end_text(b);
    char *text = b->data != NULL ? (char *)b->data : calloc(1, 1);
    b->data = NULL;
    b->len = 0;
    b->cap = 0;
    return text;
}

int str_format(char **out, struct err *e, const char *fmt, ...)
{
    AUTO_BUF text = BUF_INIT(SIZE_MAX / 4);
    va_list args;
    va_start(args, fmt);
    int rc = buf_vaddf(&text, TEXT_AS_IT_IS, e, fmt, args);
    va_end(args);
    if (rc < 0)
        return rc;
    char *made = buf_steal(&text);
    if (made == NULL)
        return err_oom(e);
    *out = made;
    return 0;
}

int str_copy(char **out, const char *text, struct err *e)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return err_oom(e);
    *out = copy;
    return 0;
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t a = strlen(text);
    size_t b = strlen(suffix);
    return a >= b && memcmp(text + a - b, suffix, b) == 0;
}

bool reader_take(struct reader *r, size_t len, const uint8_t **out)
{
    if (reader_left(r) < len)
        return false;
    *out = r->p;
    r->p += len;
    return true;
}

bool reader_u8(struct reader *r, uint8_t *out)
{
    const uint8_t *p;
    if (!reader_take(r, sizeof(*out), &p))
        return false;
    *out = *p;
    return true;
}

/* Each is the getter of its name behind a check that the bytes are there. */
#define READER_NUMBER(name, type)                                                                  \
    bool reader_##name(struct reader *r, type *out)                                                \
    {                                                                                              \
        const uint8_t *p;                                                                          \
        if (!reader_take(r, sizeof(*out), &p))                                                     \
            return false;                                                                          \
        *out = get_##name(p);                                                                      \
        return true;                                                                               \
    }
READER_NUMBER(le16, uint16_t)
READER_NUMBER(le32, uint32_t)
READER_NUMBER(le64, uint64_t)
READER_NUMBER(be16, uint16_t)
READER_NUMBER(be32, uint32_t)

void *array_new(size_t count, size_t size)
{
    return calloc(count > 0 ? count : 1, size);
}

int array_grow(void *array, size_t *cap, size_t need, size_t size, struct err *e)
{
    if (need <= *cap)
        return 0;
    size_t new_cap = *cap < 8 ? 8 : *cap;
    while (new_cap < need)
        if (__builtin_mul_overflow(new_cap, (size_t)2, &new_cap))
            return err_oom(e);
    void *old;
    memcpy(&old, array, sizeof(old)); /* the caller's T **, whatever T is */
    void *grown = reallocarray(old, new_cap, size);
    if (grown == NULL)
        return err_oom(e);
    memcpy(array, &grown, sizeof(grown));
    *cap = new_cap;
    return 0;
}
