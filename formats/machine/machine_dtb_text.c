/* SPDX-License-Identifier: Apache-2.0 */
/* Any flattened device tree as source text; every offset is checked against the bytes there are. */
#include "formats/machine/machine_dtb.h"

#include "base/byte_order.h"

#include <string.h>

enum { FDT_BEGIN = 1, FDT_END_NODE = 2, FDT_PROP = 3, FDT_NOP = 4, FDT_END = 9 };
enum { DEPTH_MAX = 32, SHOWN_MAX = 64, HEADER = 40 };

struct tree {
    struct reader at; /* the structure block */
    const uint8_t *begin;
    const char *strings;
    size_t strings_len;
    struct buf *out;
};

static int malformed(struct err *e, const char *why)
{
    return err_set(e, ERR_INPUT, "malformed device tree: %s", why);
}

static int indent(struct tree *t, unsigned depth, struct err *e)
{
    return buf_addf(t->out, e, "%*s", (int)depth * 4, "");
}

static bool skip_padding(struct tree *t)
{
    size_t used = (size_t)(t->at.p - t->begin);
    const uint8_t *ignored;
    return reader_take(&t->at, (4 - used % 4) % 4, &ignored);
}

/* One or more NUL-terminated pieces of printable text, none of them empty. */
static bool is_text(const uint8_t *p, size_t len)
{
    if (len < 2 || p[len - 1] != 0)
        return false;
    for (size_t i = 0; i < len; i++)
        if (p[i] == 0 ? i == 0 || p[i - 1] == 0 : (p[i] < 0x20 && p[i] != '\n') || p[i] == 0x7f)
            return false;
    return true;
}

static int add_text(struct tree *t, const uint8_t *p, size_t len, struct err *e)
{
    int rc = buf_add(t->out, "\"", 1, e);
    for (size_t i = 0; rc == 0 && i + 1 < len; i++) {
        if (p[i] == 0)
            rc = buf_add_str(t->out, "\", \"", e);
        else if (p[i] == '\n')
            rc = buf_add_str(t->out, "\\n", e);
        else if (p[i] == '"' || p[i] == '\\')
            rc = buf_addf(t->out, e, "\\%c", p[i]);
        else
            rc = buf_add(t->out, p + i, 1, e);
    }
    return rc < 0 ? rc : buf_add(t->out, "\"", 1, e);
}

/* Bytes without a final NUL that are text all the same: init and entrypoint. */
static bool is_raw_text(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((p[i] < 0x20 && p[i] != '\n') || p[i] == 0x7f)
            return false;
    return len > 4 && p[0] < 0x7f;
}

static int add_value(struct tree *t, const uint8_t *p, size_t len, struct err *e)
{
    int rc = buf_add_str(t->out, " = ", e);
    if (rc < 0)
        return rc;
    if (is_text(p, len))
        return add_text(t, p, len, e);
    if (len > SHOWN_MAX && !is_raw_text(p, len))
        return buf_addf(t->out, e, "/* %zu bytes */", len);
    if (is_raw_text(p, len)) {
        rc = buf_add_str(t->out, "/* no NUL */ ", e);
        return rc < 0 ? rc : add_text(t, p, len + 1, e);
    }
    bool cells = len % 4 == 0;
    rc = buf_add(t->out, cells ? "<" : "[", 1, e);
    for (size_t i = 0; rc == 0 && i < len; i += cells ? 4 : 1) {
        const char *space = i > 0 ? " " : "";
        if (cells)
            rc = buf_addf(t->out, e, "%s0x%x", space, (unsigned)get_be32(p + i));
        else
            rc = buf_addf(t->out, e, "%s%02x", space, p[i]);
    }
    return rc < 0 ? rc : buf_add(t->out, cells ? ">" : "]", 1, e);
}

/* Names: printable ASCII without what has a meaning in the text. */
static bool name_fits(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (name[i] <= 0x20 || name[i] >= 0x7f || strchr("{};=\"\\/", name[i]) != NULL)
            return false;
    return true;
}

static int property(struct tree *t, unsigned depth, struct err *e)
{
    uint32_t len;
    uint32_t offset;
    const uint8_t *value;
    if (!reader_be32(&t->at, &len) || !reader_be32(&t->at, &offset) ||
        !reader_take(&t->at, len, &value) || !skip_padding(t))
        return malformed(e, "a property is cut off");
    if (offset >= t->strings_len || memchr(t->strings + offset, 0, t->strings_len - offset) == NULL)
        return malformed(e, "the name of a property is not there");
    const char *name = t->strings + offset;
    if (name[0] == 0 || !name_fits(name, strlen(name)))
        return malformed(e, "a bad name of a property");
    int rc = indent(t, depth, e);
    if (rc < 0 || (rc = buf_add_str(t->out, name, e)) < 0 ||
        (len > 0 && (rc = add_value(t, value, len, e)) < 0))
        return rc;
    return buf_add_str(t->out, ";\n", e);
}

static int begin_node(struct tree *t, unsigned depth, struct err *e)
{
    const uint8_t *name = t->at.p;
    const uint8_t *ignored;
    const uint8_t *nul = memchr(name, 0, reader_left(&t->at));
    if (nul == NULL || !reader_take(&t->at, (size_t)(nul - name) + 1, &ignored) || !skip_padding(t))
        return malformed(e, "the name of a node is cut off");
    if (!name_fits((const char *)name, (size_t)(nul - name)) || (depth > 0 && nul == name))
        return malformed(e, "a bad name of a node");
    int rc = indent(t, depth, e);
    return rc < 0 ? rc : buf_addf(t->out, e, "%s {\n", depth == 0 ? "/" : (const char *)name);
}

static int nodes(struct tree *t, struct err *e)
{
    unsigned depth = 0;
    bool root = false;
    for (;;) {
        uint32_t token;
        int rc = 0;
        if (!reader_be32(&t->at, &token))
            return malformed(e, "it is cut off");
        if (token == FDT_END)
            return depth == 0 && root ? 0 : malformed(e, "it ends within a node");
        if (token == FDT_NOP)
            continue;
        if (token != FDT_BEGIN && (token > FDT_PROP || token == 0 || depth == 0))
            return malformed(e, "a token that makes no sense there");
        if (token == FDT_BEGIN) {
            if ((depth == 0 && root) || depth == DEPTH_MAX)
                return malformed(e, "too many roots or levels");
            root = true;
            rc = begin_node(t, depth++, e);
        } else if (token == FDT_END_NODE) {
            rc = indent(t, --depth, e);
            if (rc == 0)
                rc = buf_add_str(t->out, "};\n", e);
        } else {
            rc = property(t, depth, e);
        }
        if (rc < 0)
            return rc;
    }
}

/* The bytes [offset, offset + size) of `data`, when there are that many. */
static bool part(const uint8_t *data, size_t len, uint32_t offset, uint32_t size)
{
    (void)data;
    return offset >= HEADER && offset <= len && size <= len - offset;
}

int machine_dtb_text(const uint8_t *data, size_t len, struct buf *out, struct err *e)
{
    uint32_t h[10];
    struct reader header = {.p = data, .end = data + len};
    for (size_t i = 0; i < 10; i++)
        if (!reader_be32(&header, &h[i]))
            return malformed(e, "it has no header");
    if (h[0] != 0xd00dfeed)
        return malformed(e, "it has no magic number");
    if (h[5] < 17 || h[6] > 17 || h[1] > len)
        return malformed(e, "another version, or longer than its range");
    if (!part(data, h[1], h[2], h[9]) || !part(data, h[1], h[3], h[8]))
        return malformed(e, "its blocks do not fit in it");
    struct tree t = {.at = {.p = data + h[2], .end = data + h[2] + h[9]},
                     .begin = data + h[2],
                     .strings = (const char *)data + h[3],
                     .strings_len = h[8],
                     .out = out};
    int rc = buf_add_str(out, "/dts-v1/;\n\n", e);
    return rc < 0 ? rc : nodes(&t, e);
}
