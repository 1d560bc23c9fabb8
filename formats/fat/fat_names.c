/* SPDX-License-Identifier: Apache-2.0 */
/* Paths to nodes; long names and the short ones that stand beside them. */
#include "formats/fat/fat_internal.h"

#include <string.h>

enum { NAME_LONGEST = 255 };

static uint8_t fold(char c)
{
    return (uint8_t)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

/* Of a long name: printable ASCII less what the format reserves. */
static bool long_char(char c)
{
    return c >= ' ' && c <= '~' && strchr("\"*/:<>?\\|", c) == NULL;
}

/* Of a short name, as letters are folded: less what only long names may have. */
static bool short_char(char c)
{
    return long_char(c) && strchr(" +,.;=[]", c) == NULL;
}

bool fat_label_valid(const char *label)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_- ";
    size_t len = strlen(label);
    return len >= 1 && len <= FAT_LABEL_MAX && strspn(label, letters) == len && label[0] != ' ';
}

static bool component_valid(const char *name, size_t len)
{
    if (len == 0 || len > NAME_LONGEST || name[len - 1] == '.' || name[len - 1] == ' ' ||
        name[0] == ' ')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!long_char(name[i]))
            return false;
    return true;
}

bool fat_path_valid(const char *path)
{
    for (unsigned depth = 1; depth <= FAT_DEPTH_MAX; depth++) {
        size_t len = strcspn(path, "/");
        if (!component_valid(path, len))
            return false;
        if (path[len] == '\0')
            return true;
        path += len + 1;
    }
    return false;
}

/* ---- the order of paths -------------------------------------------------------- */

/* By components, letters folded: "/" is below every other character. */
static int compare_paths(const char *a, const char *b)
{
    while (*a != '\0' && fold(*a) == fold(*b)) {
        a++;
        b++;
    }
    int x = *a == '\0' ? 0 : *a == '/' ? 1 : fold(*a) + 1;
    int y = *b == '\0' ? 0 : *b == '/' ? 1 : fold(*b) + 1;
    return x - y;
}

struct sorted {
    const char *path;
    size_t file;
};

static int compare_sorted(const void *a, const void *b)
{
    return compare_paths(((const struct sorted *)a)->path, ((const struct sorted *)b)->path);
}

static int add_node(struct fat *f, const struct fat_node *node, struct err *e)
{
    int rc = array_grow(&f->nodes, &f->node_cap, f->node_count + 1, sizeof(*f->nodes), e);
    if (rc < 0)
        return rc;
    f->nodes[f->node_count++] = *node;
    return 0;
}

static bool is_named(const struct fat_node *node, const char *name, size_t len)
{
    return node->name_len == len && memcmp(node->name, name, len) == 0;
}

/* The open directories of the path that came last: stack[0] is the root. */
struct stack {
    uint32_t node[FAT_DEPTH_MAX + 1];
    unsigned depth;
};

static void close_to(struct fat *f, struct stack *s, unsigned depth)
{
    while (s->depth > depth)
        f->nodes[s->node[s->depth--]].end = (uint32_t)f->node_count;
}

static int add_path(struct fat *f, struct stack *s, const struct sorted *item, struct err *e)
{
    const char *path = item->path;

    for (unsigned depth = 0;; depth++) {
        size_t len = strcspn(path, "/");
        bool last = path[len] == '\0';
        if (!last && depth < s->depth && is_named(&f->nodes[s->node[depth + 1]], path, len)) {
            path += len + 1;
            continue;
        }
        close_to(f, s, depth);
        struct fat_node node = {.name = path,
                                .name_len = len,
                                .file = last ? item->file : FAT_NO_FILE,
                                .parent = s->node[depth],
                                .end = (uint32_t)f->node_count + 1};
        int rc = add_node(f, &node, e);
        if (rc < 0)
            return rc;
        if (last)
            return 0;
        s->node[++s->depth] = (uint32_t)f->node_count - 1;
        path += len + 1;
    }
}

static bool same_folded(const struct fat_node *a, const struct fat_node *b)
{
    if (a->name_len != b->name_len)
        return false;
    for (size_t i = 0; i < a->name_len; i++)
        if (fold(a->name[i]) != fold(b->name[i]))
            return false;
    return true;
}

/* Neighbours in a directory, which is sorted: equal names would stand side by side. */
static int check_unique(const struct fat *f, struct err *e)
{
    for (uint32_t dir = 0; dir < f->node_count; dir++) {
        const struct fat_node *before = NULL;
        if (f->nodes[dir].file != FAT_NO_FILE)
            continue;
        for (uint32_t i = dir + 1; i < f->nodes[dir].end; i = f->nodes[i].end) {
            const struct fat_node *node = &f->nodes[i];
            if (before != NULL && same_folded(before, node))
                return err_set(e, ERR_INPUT,
                               "two entries of a FAT volume are called '%.*s' (letters' case does "
                               "not count)",
                               (int)node->name_len, node->name);
            before = node;
        }
    }
    return 0;
}

/* ---- short names ---------------------------------------------------------------- */

/* The last dot that splits name and extension; `len` when there is none. */
static size_t extension_at(const struct fat_node *node)
{
    for (size_t i = node->name_len; i-- > 1;)
        if (node->name[i] == '.')
            return i;
    return node->name_len;
}

/* The name itself, folded, when it is short enough; false when it is not. */
static bool natural_alias(struct fat_node *node)
{
    size_t dot = extension_at(node);
    size_t extension = dot == node->name_len ? 0 : node->name_len - dot - 1;
    bool plain = true;

    if (dot > 8 || extension > 3 || (dot != node->name_len && extension == 0))
        return false;
    memset(node->alias, ' ', FAT_NAME_SIZE);
    for (size_t i = 0; i < node->name_len; i++) {
        char c = node->name[i];
        if (i == dot)
            continue;
        if (!short_char(c))
            return false;
        plain = plain && fold(c) == (uint8_t)c;
        node->alias[i < dot ? i : 8 + i - dot - 1] = fold(c);
    }
    node->has_long = !plain;
    return true;
}

/* "LONGNA~1.TXT" */
static void numbered_alias(struct fat_node *node, unsigned number)
{
    char tail[12];
    size_t dot = extension_at(node);
    int tail_len = snprintf(tail, sizeof(tail), "~%u", number);
    size_t room = 8 - (size_t)tail_len;
    size_t at = 0;

    memset(node->alias, ' ', FAT_NAME_SIZE);
    for (size_t i = 0; i < dot && at < room; i++)
        if (node->name[i] != ' ' && node->name[i] != '.')
            node->alias[at++] = short_char(node->name[i]) ? fold(node->name[i]) : '_';
    memcpy(node->alias + at, tail, (size_t)tail_len);
    at = 8;
    for (size_t i = dot + 1; i < node->name_len && at < FAT_NAME_SIZE; i++)
        if (node->name[i] != ' ')
            node->alias[at++] = short_char(node->name[i]) ? fold(node->name[i]) : '_';
    node->has_long = true;
}

static bool alias_taken(const struct fat *f, uint32_t dir, uint32_t but)
{
    for (uint32_t i = dir + 1; i < f->nodes[dir].end; i = f->nodes[i].end)
        if (i != but && memcmp(f->nodes[i].alias, f->nodes[but].alias, FAT_NAME_SIZE) == 0)
            return true;
    return false;
}

/* Numbers go up through the directory, so that only a natural name can be in the way of one. */
static void name_directory(struct fat *f, uint32_t dir)
{
    unsigned number = 0;

    for (uint32_t i = dir + 1; i < f->nodes[dir].end; i = f->nodes[i].end)
        if (!natural_alias(&f->nodes[i]))
            memset(f->nodes[i].alias, 0, FAT_NAME_SIZE);
    for (uint32_t i = dir + 1; i < f->nodes[dir].end; i = f->nodes[i].end) {
        if (f->nodes[i].alias[0] != 0)
            continue;
        do
            numbered_alias(&f->nodes[i], ++number);
        while (alias_taken(f, dir, i));
    }
}

int fat_make_nodes(struct fat *f, struct err *e)
{
    AUTO_FREE struct sorted *items = array_new(f->file_count + 1, sizeof(*items));
    struct stack stack = {0};
    struct fat_node root = {.name = "", .file = FAT_NO_FILE};

    if (items == NULL)
        return err_oom(e);
    for (size_t i = 0; i < f->file_count; i++)
        items[i] = (struct sorted){f->files[i].path, i};
    /* Equal ones (but for case) are refused below, so the order is total. */
    qsort(items, f->file_count, sizeof(*items), compare_sorted);
    int rc = add_node(f, &root, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < f->file_count; i++)
        if ((rc = add_path(f, &stack, &items[i], e)) < 0)
            return rc;
    close_to(f, &stack, 0);
    f->nodes[0].end = (uint32_t)f->node_count;
    if ((rc = check_unique(f, e)) < 0)
        return rc;
    for (uint32_t i = 0; i < f->node_count; i++)
        if (f->nodes[i].file == FAT_NO_FILE)
            name_directory(f, i);
    return 0;
}

/* ---- entries --------------------------------------------------------------------- */

static size_t long_parts(const struct fat_node *node)
{
    return node->has_long ? (node->name_len + FAT_LONG_CHARS - 1) / FAT_LONG_CHARS : 0;
}

size_t fat_entry_count(const struct fat_node *node)
{
    return long_parts(node) + 1;
}

static uint8_t alias_sum(const uint8_t *alias)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < FAT_NAME_SIZE; i++)
        sum = (uint8_t)((sum << 7 | sum >> 1) + alias[i]);
    return sum;
}

/* Part `part` (from 0) of the long name: 13 UTF-16 units at three places of the entry. */
static void long_entry(const struct fat_node *node, size_t part, uint8_t out[FAT_ENTRY])
{
    static const uint8_t places[FAT_LONG_CHARS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    memset(out, 0, FAT_ENTRY);
    out[0] = (uint8_t)(part + 1);
    if (part + 1 == long_parts(node))
        out[0] |= 0x40;
    out[11] = 0x0f;
    out[13] = alias_sum(node->alias);
    for (size_t i = 0; i < FAT_LONG_CHARS; i++) {
        size_t at = part * FAT_LONG_CHARS + i;
        out[places[i]] = at < node->name_len    ? (uint8_t)node->name[at]
                         : at == node->name_len ? 0
                                                : 0xff;
        out[places[i] + 1] = at <= node->name_len ? 0 : 0xff;
    }
}

int fat_put_entries(const struct fat_node *node, const uint8_t entry[FAT_ENTRY], struct buf *out,
                    struct err *e)
{
    uint8_t part[FAT_ENTRY];

    for (size_t i = long_parts(node); i-- > 0;) {
        long_entry(node, i, part);
        int rc = buf_add(out, part, FAT_ENTRY, e);
        if (rc < 0)
            return rc;
    }
    return buf_add(out, entry, FAT_ENTRY, e);
}
