/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/python/pyc_object.h"

#include "base/byte_order.h"

enum {
    HEADER = 16,
    VERSION_FIRST = 3390, /* 3.7's first with flags */
    VERSION_LAST = 3999,
    FLAG_HASH = 1,
    FLAG_CHECK = 2,
    CODE_OBJECT = 0xe3, /* 'c', to be referred to: how a module's code begins */
};

static bool is_pyc(const struct bytes *bytes, const uint8_t *head, size_t len)
{
    (void)bytes;
    return len > HEADER && head[2] == '\r' && head[3] == '\n' && get_le16(head) >= VERSION_FIRST &&
           get_le16(head) <= VERSION_LAST && get_le32(head + 4) <= (FLAG_HASH | FLAG_CHECK) &&
           head[HEADER] == CODE_OBJECT;
}

static int open_pyc(struct object *o, struct err *e)
{
    uint8_t head[HEADER];
    int rc = bytes_read(o->bytes, 0, head, sizeof(head), e);
    if (rc < 0)
        return rc;
    bool hashed = (get_le32(head + 4) & FLAG_HASH) != 0;
    const struct {
        bool has;
        struct field field;
    } fields[] = {
        {true, {"version", FIELD_VERSION, FIELD_NUMBER, get_le16(head), NULL, 0}},
        {true, {"flags", FIELD_FORMAT, FIELD_NUMBER, get_le32(head + 4), NULL, 0}},
        {hashed, {"source.hash", FIELD_CHECKSUM, FIELD_BYTES, 0, head + 8, 8}},
        {!hashed, {"source.time", FIELD_TIME_MADE, FIELD_SECONDS, get_le32(head + 8), NULL, 0}},
        {!hashed, {"source.size", FIELD_CHECKSUM, FIELD_NUMBER, get_le32(head + 12), NULL, 0}},
    };
    for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(fields[0]); i++)
        if (fields[i].has)
            rc = object_field(o, fields[i].field, e);
    const struct member code = {.path = "(code)",
                                .type = MEMBER_PART,
                                .has_content = true,
                                .size = o->bytes->size - HEADER};
    return rc < 0 ? rc : object_member(o, &code, e);
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    return bytes_slice(o->bytes, HEADER, m->size, m->path, out, e);
}

const struct object_kind object_kind_pyc = {
    .name = "pyc",
    .is = is_pyc,
    .open = open_pyc,
    .slice = slice,
};
