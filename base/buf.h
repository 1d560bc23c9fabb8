/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owned byte buffers with a stated maximum, and a bounds-checked reader over
 * bytes that came from outside.
 */
#ifndef ASSAY_BASE_BUF_H
#define ASSAY_BASE_BUF_H

#include "base/err.h"
#include "base/scope.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/* What is read as text is read by buf_str: `data` itself may have older bytes behind `len`. */
struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max; /* adding beyond this many bytes fails with ERR_INPUT */
};

#define BUF_INIT(maximum)                                                                          \
    {                                                                                              \
        .max = (maximum)                                                                           \
    }
#define AUTO_BUF AUTO(buf_dispose) struct buf

void buf_dispose(struct buf *b);
int buf_add(struct buf *b, const void *data, size_t len, struct err *e);
int buf_add_str(struct buf *b, const char *text, struct err *e);
int buf_addf(struct buf *b, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for text that a terminal will show: what %s and %c bring in is cleaned (text.h). */
int buf_sayf(struct buf *b, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds nothing when it fails. */
int buf_vaddf(struct buf *b, enum text_how how, struct err *e, const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));
/* Makes room for `len` more bytes without changing `len`; the room starts at data + len. */
int buf_reserve(struct buf *b, size_t len, struct err *e);
/* Keeps the first `len` bytes, or all when there are fewer. */
void buf_cut(struct buf *b, size_t len);
/* The contents, and nothing behind them, as a string; "" when empty. Borrowed. */
const char *buf_str(const struct buf *b);
/* Hands the bytes over (NUL-terminated, caller frees); NULL only when out of memory. */
char *buf_steal(struct buf *b);

/* asprintf by text.h, with an error instead of a return code; caller frees. */
int str_format(char **out, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int str_copy(char **out, const char *text, struct err *e);
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* A cursor over borrowed bytes. Every read is checked; a failed one leaves the cursor where it was.
 */
struct reader {
    const uint8_t *p;
    const uint8_t *end;
};

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->p);
}
bool reader_take(struct reader *r, size_t len, const uint8_t **out);
bool reader_u8(struct reader *r, uint8_t *out);
bool reader_le16(struct reader *r, uint16_t *out);
bool reader_le32(struct reader *r, uint32_t *out);
bool reader_le64(struct reader *r, uint64_t *out);
bool reader_be16(struct reader *r, uint16_t *out);
bool reader_be32(struct reader *r, uint32_t *out);

/* Checked arithmetic: true when the result fits. */
static inline bool add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline bool mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* Zeroed array, NULL on overflow or no memory. */
void *array_new(size_t count, size_t size);
/* Grows *array (element size `size`, *cap elements) to hold at least `need`; doubles. */
int array_grow(void *array, size_t *cap, size_t need, size_t size, struct err *e);

#endif
