/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names. ISO 9660's own are of A-Z, 0-9 and _, at most 30 of them with a dot; Joliet's at most 103
 * UCS-2 characters. Two that would be equal in one directory are numbered, in the order of the real
 * names, which Rock Ridge has.
 */
#include "formats/iso/iso.h"

#include <string.h>

enum {
    PLAIN_MAX = 30, /* without the dot and ";1" */
    PLAIN_EXTENSION_MAX = 8,
    JOLIET_MAX = 103,
    DIGITS_MAX = 9,
    TRIES_MAX = 1000000,
};

struct name {
    uint8_t bytes[ISO_NAME_MAX + 2];
    size_t stem; /* bytes before the extension's dot */
    size_t len;  /* the whole, without ";1" */
    size_t unit; /* bytes of a character */
    size_t max;  /* of characters, the dot not counted */
};

/* ---- plain ------------------------------------------------------------------------ */

static uint8_t plain_char(char c)
{
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 'A');
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? (uint8_t)c : '_';
}

static void plain_name(const char *text, bool dir, struct name *n)
{
    size_t len = strlen(text);
    const char *dot = dir ? NULL : strrchr(text, '.');
    size_t stem = dot == NULL || dot == text ? len : (size_t)(dot - text);
    size_t extension = stem == len ? 0 : len - stem - 1;

    if (extension > PLAIN_EXTENSION_MAX)
        extension = PLAIN_EXTENSION_MAX;
    n->unit = 1;
    n->max = PLAIN_MAX;
    for (size_t i = 0; i < stem && n->stem + extension < PLAIN_MAX; i++)
        n->bytes[n->stem++] = plain_char(text[i]);
    n->len = n->stem;
    if (!dir)
        n->bytes[n->len++] = '.';
    for (size_t i = 0; i < extension; i++)
        n->bytes[n->len++] = plain_char(text[len - extension + i]);
}

/* ---- Joliet ----------------------------------------------------------------------- */

/* The character at *p, which it passes; '_' for what is no UTF-8 or not in Joliet. */
static uint32_t next_char(const char **p)
{
    static const struct {
        uint8_t mask, lead, extra;
        uint32_t least;
    } forms[] = {{0x80, 0, 0, 0}, {0xe0, 0xc0, 1, 0x80}, {0xf0, 0xe0, 2, 0x800}};
    const uint8_t *s = (const uint8_t *)*p;

    for (size_t i = 0; i < 3; i++) {
        if ((s[0] & forms[i].mask) != forms[i].lead)
            continue;
        uint32_t c = s[0] & (uint8_t)~forms[i].mask;
        size_t k = 1;
        for (; k <= forms[i].extra && (s[k] & 0xc0) == 0x80; k++)
            c = c << 6 | (s[k] & 0x3fU);
        if (k <= forms[i].extra || c < forms[i].least || (c >= 0xd800 && c < 0xe000) || c >= 0xfffe)
            break;
        *p += k;
        return c < 0x20 || (c < 0x80 && strchr("*/:;?\\", (int)c) != NULL) ? '_' : c;
    }
    ++*p;
    return '_';
}

static void joliet_name(const char *text, bool dir, struct name *n)
{
    size_t dot = 0;

    n->unit = 2;
    n->max = JOLIET_MAX;
    for (size_t count = 0; *text != '\0' && count < JOLIET_MAX; count++) {
        uint32_t c = next_char(&text);
        if (c == '.')
            dot = n->len;
        put_be16(n->bytes + n->len, c);
        n->len += 2;
    }
    n->stem = dir || dot == 0 ? n->len : dot;
}

/* ---- one of a kind ---------------------------------------------------------------- */

/* Open addressing over the names of a directory; only asked whether a name is there. */
struct taken {
    const struct iso_tree *tree;
    uint32_t *slots; /* entries */
    size_t count;    /* a power of two */
};

static size_t find(const struct taken *t, const uint8_t *name, size_t len)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < len; i++)
        h = (h ^ name[i]) * UINT64_C(0x100000001b3);
    size_t at = (size_t)(h ^ (h >> 29)) & (t->count - 1);
    while (t->slots[at] != UINT32_MAX) {
        const struct iso_entry *x = &t->tree->entries[t->slots[at]];
        if (x->key_len == len && memcmp(t->tree->names.data + x->name, name, len) == 0)
            return at;
        at = (at + 1) & (t->count - 1);
    }
    return at;
}

static size_t digits(uint32_t number, uint8_t *out)
{
    uint8_t reversed[DIGITS_MAX + 1];
    size_t count = 0;

    do {
        reversed[count++] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < count; i++)
        out[i] = reversed[count - 1 - i];
    return count;
}

/* The name with "_NUMBER" at the end of its stem. */
static void number_name(const struct name *n, uint32_t number, struct name *out)
{
    uint8_t text[DIGITS_MAX + 2] = {'_'};
    size_t count = 1 + digits(number, text + 1);
    size_t extension = n->len - n->stem;
    size_t room = (n->max - count) * n->unit;
    size_t used = extension > n->unit ? extension - n->unit : 0; /* its dot is not counted */

    *out = *n;
    if (n->unit == 2)
        used = extension;
    if (out->stem + used > room)
        out->stem = used < room ? room - used : 0;
    for (size_t i = 0; i < count; i++) {
        put_be(out->bytes + out->stem, text[i], n->unit);
        out->stem += n->unit;
    }
    memcpy(out->bytes + out->stem, n->bytes + n->stem, extension);
    out->len = out->stem + extension;
}

static int add(struct iso_tree *t, struct taken *taken, const struct name *wanted, uint32_t node,
               bool dir, uint32_t *next, struct err *e)
{
    struct name n = *wanted;
    size_t slot = find(taken, n.bytes, n.len);

    while (taken->slots[slot] != UINT32_MAX) {
        if (*next >= TRIES_MAX)
            return err_set(e, ERR_INPUT, "a directory has too many names that look alike");
        number_name(wanted, (*next)++, &n);
        slot = find(taken, n.bytes, n.len);
    }
    size_t key = n.len;
    if (!dir) {
        put_be(n.bytes + n.len, ';', n.unit);
        put_be(n.bytes + n.len + n.unit, '1', n.unit);
        n.len += 2 * n.unit;
    }
    int rc = array_grow(&t->entries, &t->entry_cap, t->entry_count + 1, sizeof(*t->entries), e);
    if (rc < 0)
        return rc;
    t->entries[t->entry_count] = (struct iso_entry){.node = node,
                                                    .child = UINT32_MAX,
                                                    .name = (uint32_t)t->names.len,
                                                    .len = (uint16_t)n.len,
                                                    .key_len = (uint16_t)key};
    taken->slots[slot] = (uint32_t)t->entry_count++;
    return buf_add(&t->names, n.bytes, n.len, e);
}

static int compare(const void *a, const void *b, void *context)
{
    const struct iso_tree *t = context;
    const struct iso_entry *x = a;
    const struct iso_entry *y = b;
    size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
    int order = memcmp(t->names.data + x->name, t->names.data + y->name, len);

    return order != 0 ? order : x->key_len < y->key_len ? -1 : x->key_len > y->key_len;
}

int iso_name_entries(struct iso_tree *t, const struct view *v, uint32_t dir, struct err *e)
{
    struct iso_dir *d = &t->dirs[dir];
    struct taken taken = {.tree = t, .count = 16};
    uint32_t next = 0;
    size_t children = 0;

    for (uint32_t i = d->node + 1; i < v->nodes[d->node].end; i = v->nodes[i].end)
        children++;
    while (taken.count < 2 * children)
        taken.count *= 2;
    AUTO_FREE uint32_t *slots = array_new(taken.count, sizeof(*slots));
    if (slots == NULL)
        return err_oom(e);
    memset(slots, 0xff, taken.count * sizeof(*slots));
    taken.slots = slots;
    d->first = (uint32_t)t->entry_count;
    for (uint32_t i = d->node + 1; i < v->nodes[d->node].end; i = v->nodes[i].end) {
        enum tree_type type = view_inode(v, i)->type;
        struct name n = {0};
        if (t->flavour == ISO_JOLIET && type != TREE_DIR && type != TREE_FILE)
            continue;
        (t->flavour == ISO_JOLIET ? joliet_name : plain_name)(v->nodes[i].node->name,
                                                              type == TREE_DIR, &n);
        int rc = add(t, &taken, &n, i, type == TREE_DIR, &next, e);
        if (rc < 0)
            return rc;
    }
    d->count = (uint32_t)t->entry_count - d->first;
    qsort_r(t->entries + d->first, d->count, sizeof(*t->entries), compare, t);
    return 0;
}
