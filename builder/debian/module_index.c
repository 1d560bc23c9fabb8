/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/debian/module_index.h"

#include "base/byte_order.h"

#include <string.h>

#define INDEX_MAGIC UINT32_C(0xb007f457)
#define INDEX_VERSION UINT32_C(0x00020001)
/* What a place of a node says besides where it is. */
#define NODE_PREFIX UINT32_C(0x80000000)
#define NODE_VALUES UINT32_C(0x40000000)
#define NODE_CHILDREN UINT32_C(0x20000000)

enum { HEADER_SIZE = 12, PLACE_MAX = 0x0fffffff, ASCII_END = 128 };

struct module_index_value {
    size_t key; /* in the texts */
    size_t value;
    uint32_t priority;
    size_t order; /* when it was added */
    const char *key_text;
};

void module_index_dispose(struct module_index *x)
{
    free(x->items);
    buf_dispose(&x->texts);
}

static int add_text(struct module_index *x, const char *text, size_t *at, struct err *e)
{
    *at = x->texts.len;
    return buf_add(&x->texts, text, strlen(text) + 1, e);
}

int module_index_add(struct module_index *x, const char *key, const char *value, uint32_t priority,
                     struct err *e)
{
    struct module_index_value v = {.priority = priority, .order = x->count};
    if (strlen(key) > MODULE_INDEX_KEY_MAX)
        return err_set(e, ERR_INPUT, "'%.60s…' is longer than %d bytes", key,
                       (int)MODULE_INDEX_KEY_MAX);
    for (const char *c = key; *c != 0; c++)
        if ((unsigned char)*c >= ASCII_END)
            return err_set(e, ERR_INPUT, "'%.200s' is not ASCII", key);
    if (x->count == MODULE_INDEX_VALUES_MAX)
        return err_set(e, ERR_INPUT, "more than %d values of an index",
                       (int)MODULE_INDEX_VALUES_MAX);
    int rc = add_text(x, key, &v.key, e);
    if (rc == 0)
        rc = add_text(x, value, &v.value, e);
    if (rc == 0)
        rc = array_grow(&x->items, &x->cap, x->count + 1, sizeof(*x->items), e);
    if (rc == 0)
        x->items[x->count++] = v;
    return rc;
}

static int compare(const void *a, const void *b)
{
    const struct module_index_value *x = a;
    const struct module_index_value *y = b;
    int order = strcmp(x->key_text, y->key_text);
    if (order != 0)
        return order;
    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    return x->order > y->order ? -1 : x->order < y->order;
}

static int add_number(struct buf *out, uint32_t n, struct err *e)
{
    uint8_t bytes[4];
    put_be32(bytes, n);
    return buf_add(out, bytes, sizeof(bytes), e);
}

/* Sorted values whose keys have their first `depth` bytes in common. */
struct range {
    const struct module_index_value *first;
    size_t count;
    size_t depth;
};

static int write_node(const struct module_index *x, struct range r, bool root, struct buf *out,
                      uint32_t *place, struct err *e);

/* A place for each byte from the first to the last that comes next; 0 where no key has it. */
static int write_children(const struct module_index *x, struct range r, struct buf *out,
                          uint32_t places[ASCII_END], struct err *e)
{
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < r.count;) {
        unsigned char c = (unsigned char)r.first[at].key_text[r.depth];
        size_t end = at + 1;
        while (end < r.count && (unsigned char)r.first[end].key_text[r.depth] == c)
            end++;
        const struct range child = {&r.first[at], end - at, r.depth + 1};
        rc = write_node(x, child, false, out, &places[c], e);
        at = end;
    }
    return rc;
}

static int write_values(const struct module_index *x, struct range r, struct buf *out,
                        struct err *e)
{
    int rc = add_number(out, (uint32_t)r.count, e);
    for (size_t i = 0; rc == 0 && i < r.count; i++) {
        const char *value = (const char *)x->texts.data + r.first[i].value;
        rc = add_number(out, r.first[i].priority, e);
        if (rc == 0)
            rc = buf_add(out, value, strlen(value) + 1, e);
    }
    return rc;
}

/* What the first and the last of sorted keys have in common, all have. */
static size_t common(const struct range *r)
{
    const char *a = r->first[0].key_text + r->depth;
    const char *b = r->first[r->count - 1].key_text + r->depth;
    size_t len = 0;
    while (a[len] != 0 && a[len] == b[len])
        len++;
    return len;
}

/* Children come before their parent. The depth of calls is at most that of a key. */
static int write_node(const struct module_index *x, struct range r, bool root, struct buf *out,
                      uint32_t *place, struct err *e)
{
    uint32_t places[ASCII_END] = {0};
    size_t prefix = root ? 0 : common(&r);
    const char *text = r.first[0].key_text + r.depth;
    r.depth += prefix;
    struct range own = {r.first, 0, r.depth};
    while (own.count < r.count && r.first[own.count].key_text[r.depth] == 0)
        own.count++;
    const struct range below = {r.first + own.count, r.count - own.count, r.depth};
    int rc = write_children(x, below, out, places, e);
    if (rc < 0)
        return rc;
    if (out->len > PLACE_MAX)
        return err_set(e, ERR_INPUT, "an index of modules is too large");
    *place = (uint32_t)out->len | (prefix > 0 ? NODE_PREFIX : 0) |
             (below.count > 0 ? NODE_CHILDREN : 0) | (own.count > 0 ? NODE_VALUES : 0);
    if (prefix > 0 &&
        ((rc = buf_add(out, text, prefix, e)) < 0 || (rc = buf_add(out, "", 1, e)) < 0))
        return rc;
    if (below.count > 0) {
        unsigned first = (unsigned char)below.first[0].key_text[r.depth];
        unsigned last = (unsigned char)below.first[below.count - 1].key_text[r.depth];
        const uint8_t ends[2] = {(uint8_t)first, (uint8_t)last};
        rc = buf_add(out, ends, sizeof(ends), e);
        for (unsigned c = first; rc == 0 && c <= last; c++)
            rc = add_number(out, places[c], e);
    }
    return rc < 0 || own.count == 0 ? rc : write_values(x, own, out, e);
}

int module_index_write(struct module_index *x, struct buf *out, struct err *e)
{
    static const uint8_t header[HEADER_SIZE] = {0};
    uint32_t root = 0;
    for (size_t i = 0; i < x->count; i++)
        x->items[i].key_text = (const char *)x->texts.data + x->items[i].key;
    if (x->count > 1)
        qsort(x->items, x->count, sizeof(*x->items), compare);
    int rc = buf_add(out, header, sizeof(header), e);
    if (rc == 0 && x->count == 0)
        root = HEADER_SIZE; /* a node with nothing has no bytes */
    else if (rc == 0)
        rc = write_node(x, (struct range){x->items, x->count, 0}, true, out, &root, e);
    if (rc < 0)
        return rc;
    put_be32(out->data, INDEX_MAGIC);
    put_be32(out->data + 4, INDEX_VERSION);
    put_be32(out->data + 8, root);
    return 0;
}
