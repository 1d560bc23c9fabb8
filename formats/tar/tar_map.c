/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tar/tar_map.h"

#include "base/buf.h"
#include "base/encoding.h"
#include "formats/tar/tar_header.h"

void tar_map_dispose(struct tar_map *m)
{
    free(m->pieces);
    *m = (struct tar_map){0};
}

static int bad_map(struct err *e, const char *why)
{
    return err_set(e, ERR_INPUT, "the map of a sparse file %s", why);
}

static uint64_t end_of(const struct tar_map *m)
{
    return m->count == 0 ? 0 : m->pieces[m->count - 1].offset + m->pieces[m->count - 1].len;
}

int tar_map_add(struct tar_map *m, uint64_t offset, uint64_t len, struct err *e)
{
    uint64_t end = 0;
    if (m->count == TAR_PIECES_MAX)
        return bad_map(e, "has too many pieces");
    if (offset < end_of(m))
        return bad_map(e, "is not in order");
    if (!add_u64(offset, len, &end) || end > INT64_MAX)
        return bad_map(e, "is longer than a file can be");
    int rc = array_grow(&m->pieces, &m->room, m->count + 1, sizeof(*m->pieces), e);
    if (rc < 0)
        return rc;
    m->pieces[m->count++] = (struct tar_piece){.offset = offset, .len = len};
    m->data += len;
    return 0;
}

int tar_map_add_text(struct tar_map *m, const uint8_t *text, size_t len, struct err *e)
{
    const uint8_t *end = text + len;
    uint64_t numbers[2];
    int rc = 0;
    for (size_t i = 0; rc == 0 && text < end; i = 1 - i) {
        size_t digits = digits_read(text, (size_t)(end - text), 10, &numbers[i]);
        if (digits == 0 || digits == DIGITS_TOO_MANY)
            return bad_map(e, "is none");
        text += digits;
        if (i == 1)
            rc = tar_map_add(m, numbers[0], numbers[1], e);
        else if (text == end)
            return bad_map(e, "is none");
        if (rc < 0 || text == end)
            return rc;
        if (*text++ != ',' || text == end)
            return bad_map(e, "is none");
    }
    return rc;
}

static bool field(const uint8_t *p, uint64_t *out)
{
    int64_t large = 0;
    if ((p[0] & 0x80) == 0)
        return tar_octal(p, TAR_PIECE_NUMBER, out);
    if (!tar_base256(p, TAR_PIECE_NUMBER, &large) || large < 0)
        return false;
    *out = (uint64_t)large;
    return true;
}

int tar_map_add_fields(struct tar_map *m, const uint8_t *fields, size_t max, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < max; i++) {
        const uint8_t *p = fields + i * TAR_PIECE;
        uint64_t offset = 0;
        uint64_t len = 0;
        if (p[0] == 0 && p[TAR_PIECE_NUMBER] == 0)
            return 0;
        if (!field(p, &offset) || !field(p + TAR_PIECE_NUMBER, &len))
            return bad_map(e, "has a number that is none");
        rc = tar_map_add(m, offset, len, e);
    }
    return rc;
}

static int take_number(struct tar_map *m, struct tar_map_text *t, struct err *e)
{
    int rc = 0;
    if (!t->counted) {
        t->counted = true;
        t->left = t->number;
        if (t->left > TAR_PIECES_MAX)
            return bad_map(e, "has too many pieces");
    } else if (!t->odd) {
        t->odd = true;
        t->offset = t->number;
    } else {
        t->odd = false;
        t->left--;
        rc = tar_map_add(m, t->offset, t->number, e);
    }
    t->number = 0;
    t->digits = 0;
    return rc;
}

int tar_map_add_block(struct tar_map *m, struct tar_map_text *t, const uint8_t *block, bool *done,
                      struct err *e)
{
    enum { DIGITS_MAX = 19 };
    *done = false;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        uint8_t c = block[i];
        int rc = 0;
        if (*done) {
            if (c != 0)
                return bad_map(e, "goes on behind its end");
            continue;
        }
        if (c == '\n' && t->digits > 0)
            rc = take_number(m, t, e);
        else if (c < '0' || c > '9' || ++t->digits > DIGITS_MAX)
            return bad_map(e, "is none");
        else
            t->number = t->number * 10 + (uint64_t)(c - '0');
        if (rc < 0)
            return rc;
        *done = t->counted && t->left == 0;
    }
    return 0;
}

int tar_map_close(struct tar_map *m, uint64_t size, uint64_t stored, struct err *e)
{
    if (end_of(m) > size || size > INT64_MAX)
        return bad_map(e, "reaches beyond its end");
    if (m->data != stored)
        return bad_map(e, "is of another length than what is stored");
    m->size = size;
    m->next = 0;
    m->at = 0;
    return 0;
}

uint64_t tar_map_run(struct tar_map *m, bool *data)
{
    while (m->next < m->count && m->at == m->pieces[m->next].offset + m->pieces[m->next].len)
        m->next++;
    const struct tar_piece *p = m->next < m->count ? &m->pieces[m->next] : NULL;
    *data = p != NULL && m->at >= p->offset;
    if (*data)
        return p->offset + p->len - m->at;
    return (p != NULL ? p->offset : m->size) - m->at;
}

void tar_map_take(struct tar_map *m, uint64_t len)
{
    m->at += len;
}
