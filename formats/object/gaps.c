/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/object/gaps.h"

#include <inttypes.h>
#include <string.h>

enum { ZEROS_ROOM = 64 * 1024 };

int bytes_are_zero(const struct bytes *b, uint64_t start, uint64_t end, bool *out, struct err *e)
{
    AUTO_FREE uint8_t *room = malloc(ZEROS_ROOM);
    *out = true;
    if (room == NULL)
        return err_oom(e);
    while (*out && start < end) {
        size_t want = end - start < ZEROS_ROOM ? (size_t)(end - start) : ZEROS_ROOM;
        int rc = bytes_read(b, start, room, want, e);
        if (rc < 0)
            return rc;
        for (size_t i = 0; i < want; i++)
            *out = *out && room[i] == 0;
        start += want;
    }
    return 0;
}

int object_gap(struct object *o, uint64_t start, uint64_t end, struct err *e)
{
    AUTO_FREE char *name = NULL;
    bool zeros = true;
    int rc = bytes_are_zero(o->bytes, start, end, &zeros, e);
    if (rc < 0 || zeros)
        return rc;
    if ((rc = str_format(&name, e, "(gap at %" PRIu64 ")", start)) < 0)
        return rc;
    const struct member m = {.path = name,
                             .type = MEMBER_GAP,
                             .has_content = true,
                             .size = end - start,
                             .cookie = start};
    return object_member(o, &m, e);
}

int extents_add(struct extents *x, uint64_t start, uint64_t len, struct err *e)
{
    uint64_t end;
    if (!add_u64(start, len, &end))
        return err_set(e, ERR_INPUT, "a part ends beyond any file");
    int rc = array_grow(&x->list, &x->room, x->count + 1, sizeof(*x->list), e);
    if (rc == 0 && len > 0)
        x->list[x->count++] = (struct extent){start, end};
    return rc;
}

void extents_dispose(struct extents *x)
{
    free(x->list);
    *x = (struct extents){0};
}

static int by_start(const void *a, const void *b)
{
    const struct extent *x = a;
    const struct extent *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

int extents_gaps(struct extents *x, struct object *o, uint64_t end,
                 int (*gap)(struct object *o, uint64_t start, uint64_t end, struct err *e),
                 struct err *e)
{
    uint64_t at = 0;
    int rc = 0;
    if (x->count > 1)
        qsort(x->list, x->count, sizeof(*x->list), by_start);
    for (size_t i = 0; rc == 0 && i < x->count; i++) {
        if (x->list[i].start > at)
            rc = gap(o, at, x->list[i].start, e);
        if (x->list[i].end > at)
            at = x->list[i].end;
    }
    return rc < 0 || at >= end ? rc : gap(o, at, end, e);
}

int object_path(const void *raw, size_t len, struct buf *out, struct err *e)
{
    const uint8_t *p = raw;
    size_t i = 0;
    int rc = 0;
    while (rc == 0 && i < len) {
        size_t n = 0;
        while (i + n < len && p[i + n] != '/')
            n++;
        bool keep = n > 0 && !(n == 1 && p[i] == '.');
        if (keep && out->len > 0)
            rc = buf_add_str(out, "/", e);
        if (rc == 0 && keep)
            rc = buf_add(out, p + i, n, e);
        i += n + 1;
    }
    return rc;
}

int object_wide_name(const uint16_t *chars, size_t count, struct buf *out, struct err *e)
{
    static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        uint32_t c = chars[i];
        uint8_t utf8[4];
        if (c >= 0xd800 && c < 0xdc00 && i + 1 < count && chars[i + 1] >= 0xdc00 &&
            chars[i + 1] < 0xe000)
            c = 0x10000 + ((c - 0xd800) << 10) + (chars[++i] - 0xdc00U);
        if (c == 0 || c == '/') {
            rc = buf_addf(out, e, "\\x%02x", c);
            continue;
        }
        size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t k = len; k > 1; k--, c >>= 6)
            utf8[k - 1] = (uint8_t)(0x80 | (c & 0x3f));
        utf8[0] = (uint8_t)(heads[len] | c);
        rc = buf_add(out, utf8, len, e);
    }
    return rc;
}

int object_name_form(struct object *o, enum member_type type, const void *raw, size_t len,
                     const struct buf *path, struct err *e)
{
    const uint8_t *p = raw;
    size_t slash = type == MEMBER_DIRECTORY && len > 0 && p[len - 1] == '/';
    if (len - slash == path->len && (path->len == 0 || memcmp(p, path->data, path->len) == 0))
        return 0;
    return object_member_field(o, (struct field){"name.form", FIELD_FORMAT, FIELD_TEXT, 0, p, len},
                               e);
}
