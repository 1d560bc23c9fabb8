/* SPDX-License-Identifier: Apache-2.0 */
/* modules.dep and its like, byte for byte as kmod's depmod writes them. */
#include "builder/debian/module_lists.h"

#include "builder/debian/module_index.h"

#include <string.h>

enum { SYMBOL_BUCKETS = 2048 };

/* ---- modules.dep ---- */

/* All that one module needs, and what that needs, by rank. */
struct closure {
    size_t *items;
    size_t count;
    size_t *by_rank; /* of all modules */
    size_t *marks;
};

static void closure_dispose(struct closure *c)
{
    free(c->items);
    free(c->by_rank);
    free(c->marks);
}

static int closure_init(struct closure *c, const struct modules *m, struct err *e)
{
    c->items = array_new(m->count + 1, sizeof(*c->items));
    c->by_rank = array_new(m->count + 1, sizeof(*c->by_rank));
    c->marks = array_new(m->count + 1, sizeof(*c->marks));
    if (c->items == NULL || c->by_rank == NULL || c->marks == NULL)
        return err_oom(e);
    for (size_t i = 0; i < m->count; i++)
        c->by_rank[m->items[i].rank] = i;
    return 0;
}

static int compare_sizes(const void *a, const void *b)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* c->items become the ranks, rising. */
static void closure_find(struct closure *c, const struct modules *m, size_t of)
{
    size_t done = 0;
    c->count = 0;
    for (size_t from = of;; from = c->by_rank[c->items[done++]]) {
        for (size_t i = 0; i < m->items[from].need_count; i++) {
            size_t to = m->items[from].needs[i];
            if (c->marks[to] == of + 1)
                continue;
            c->marks[to] = of + 1;
            c->items[c->count++] = m->items[to].rank;
        }
        if (done == c->count)
            break;
    }
    if (c->count > 1)
        qsort(c->items, c->count, sizeof(*c->items), compare_sizes);
}

/* "path: what it needs", without an end of line. */
static int add_line(struct closure *c, const struct modules *m, size_t of, struct buf *out,
                    struct err *e)
{
    closure_find(c, m, of);
    int rc = buf_addf(out, e, "%s:", m->items[of].path);
    for (size_t i = 0; rc == 0 && i < c->count; i++)
        rc = buf_addf(out, e, " %s", m->items[c->by_rank[c->items[i]]].path);
    return rc;
}

int modules_dep(const struct modules *m, const struct buf *text, struct buf *out, struct err *e)
{
    AUTO(closure_dispose) struct closure c = {0};
    (void)text;
    int rc = closure_init(&c, m, e);
    for (size_t i = 0; rc == 0 && i < m->count; i++) {
        rc = add_line(&c, m, i, out, e);
        if (rc == 0)
            rc = buf_add_str(out, "\n", e);
    }
    return rc;
}

int modules_dep_bin(const struct modules *m, const struct buf *text, struct buf *out, struct err *e)
{
    AUTO(closure_dispose) struct closure c = {0};
    AUTO_MODULE_INDEX index = MODULE_INDEX_INIT;
    AUTO_BUF line = BUF_INIT(MODULE_LIST_MAX);
    (void)text;
    int rc = closure_init(&c, m, e);
    for (size_t i = 0; rc == 0 && i < m->count; i++) {
        buf_cut(&line, 0);
        rc = add_line(&c, m, i, &line, e);
        if (rc == 0)
            rc = module_index_add(&index, m->items[i].name, buf_str(&line), (uint32_t)i, e);
    }
    return rc < 0 ? rc : module_index_write(&index, out, e);
}

/* ---- what modules say of themselves ---- */

/* Calls `take` with each value of `key`, which ends with '='; one that returns 1 is the last. */
typedef int take_value(void *context, const struct module *x, const char *value, struct err *e);

static int each_value(const struct module *x, const char *key, take_value *take, void *context,
                      struct err *e)
{
    const struct buf *info = &x->facts.info;
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < info->len;) {
        const char *text = (const char *)info->data + at;
        at += strlen(text) + 1;
        if (!str_starts(text, key))
            continue;
        if (strchr(text, '\n') != NULL)
            return err_set(e, ERR_INPUT, "'%.200s' says '%s' with an end of line", x->path, key);
        rc = take(context, x, text + strlen(key), e);
    }
    return rc < 0 ? rc : 0;
}

static int add_alias(void *context, const struct module *x, const char *value, struct err *e)
{
    return buf_addf(context, e, "alias %s %s\n", value, x->name);
}

int modules_alias(const struct modules *m, const struct buf *text, struct buf *out, struct err *e)
{
    (void)text;
    int rc = buf_add_str(out, "# Aliases extracted from modules themselves.\n", e);
    for (size_t i = 0; rc == 0 && i < m->count; i++)
        rc = each_value(&m->items[i], "alias=", add_alias, out, e);
    return rc;
}

/* Hyphens are underscores, but not between brackets. False when a bracket has no other. */
static bool normal_alias(const char *alias, char out[MODULE_INDEX_KEY_MAX + 2])
{
    size_t len = 0;
    bool inside = false;
    for (; len <= MODULE_INDEX_KEY_MAX && alias[len] != 0; len++) {
        char c = alias[len];
        if (c == ']' && !inside)
            return false;
        inside = c == '[' || (inside && c != ']');
        out[len] = (char)(c == '-' && !inside ? '_' : c);
    }
    out[len] = 0;
    return !inside;
}

struct indexed {
    struct module_index *index;
    uint32_t priority;
};

static int index_alias(void *context, const struct module *x, const char *value, struct err *e)
{
    const struct indexed *to = context;
    char alias[MODULE_INDEX_KEY_MAX + 2];
    if (!normal_alias(value, alias))
        return 0;
    return module_index_add(to->index, alias, x->name, to->priority, e);
}

int modules_alias_bin(const struct modules *m, const struct buf *text, struct buf *out,
                      struct err *e)
{
    AUTO_MODULE_INDEX index = MODULE_INDEX_INIT;
    int rc = 0;
    (void)text;
    for (size_t i = 0; rc == 0 && i < m->count; i++) {
        struct indexed to = {.index = &index, .priority = (uint32_t)i};
        rc = each_value(&m->items[i], "alias=", index_alias, &to, e);
    }
    return rc < 0 ? rc : module_index_write(&index, out, e);
}

static int add_softdep(void *context, const struct module *x, const char *value, struct err *e)
{
    return buf_addf(context, e, "softdep %s %s\n", x->name, value);
}

int modules_softdep(const struct modules *m, const struct buf *text, struct buf *out, struct err *e)
{
    (void)text;
    int rc = buf_add_str(out, "# Soft dependencies extracted from modules themselves.\n", e);
    for (size_t i = 0; rc == 0 && i < m->count; i++)
        rc = each_value(&m->items[i], "softdep=", add_softdep, out, e);
    return rc;
}

static int add_weakdep(void *context, const struct module *x, const char *value, struct err *e)
{
    return buf_addf(context, e, "weakdep %s %s\n", x->name, value);
}

/* Nothing where no module has one: older depmods know none. */
int modules_weakdep(const struct modules *m, const struct buf *text, struct buf *out, struct err *e)
{
    static const char title[] = "# Weak dependencies extracted from modules themselves.\n";
    (void)text;
    int rc = buf_add_str(out, title, e);
    for (size_t i = 0; rc == 0 && i < m->count; i++)
        rc = each_value(&m->items[i], "weakdep=", add_weakdep, out, e);
    if (rc == 0 && out->len == sizeof(title) - 1)
        buf_cut(out, 0);
    return rc;
}

/* ---- modules.devname ---- */

struct device {
    struct buf *out;
    const char *name;
    char type;
    uint32_t major;
    uint32_t minor;
};

static bool take_number(const char **p, uint32_t *out)
{
    uint64_t n = 0;
    const char *start = *p;
    for (; **p >= '0' && **p <= '9' && n <= UINT32_MAX; (*p)++)
        n = n * 10 + (uint64_t)(**p - '0');
    *out = (uint32_t)n;
    return *p > start && n <= UINT32_MAX;
}

/* The first name and the first number that are both there make the line. */
static int take_device(void *context, const struct module *x, const char *value, struct err *e)
{
    static const struct {
        const char *prefix;
        char type;
    } kinds[] = {{"char-major-", 'c'}, {"block-major-", 'b'}};
    struct device *d = context;
    if (str_starts(value, "devname:"))
        d->name = value + strlen("devname:");
    for (size_t i = 0; i < 2; i++) {
        const char *p = value + strlen(kinds[i].prefix);
        uint32_t major = 0;
        uint32_t minor = 0;
        if (!str_starts(value, kinds[i].prefix) || !take_number(&p, &major) || *p++ != '-' ||
            !take_number(&p, &minor))
            continue;
        d->type = kinds[i].type;
        d->major = major;
        d->minor = minor;
    }
    if (d->name == NULL || d->type == 0)
        return 0;
    if (d->out->len == 0) {
        int rc = buf_add_str(d->out, "# Device nodes to trigger on-demand module loading.\n", e);
        if (rc < 0)
            return rc;
    }
    int rc = buf_addf(d->out, e, "%s %s %c%u:%u\n", x->name, d->name, d->type, d->major, d->minor);
    return rc < 0 ? rc : 1;
}

int modules_devname(const struct modules *m, const struct buf *text, struct buf *out, struct err *e)
{
    int rc = 0;
    (void)text;
    for (size_t i = 0; rc == 0 && i < m->count; i++) {
        struct device d = {.out = out};
        rc = each_value(&m->items[i], "alias=", take_device, &d, e);
    }
    return rc;
}

/* ---- modules.symbols ---- */

struct placed {
    uint32_t bucket;
    size_t symbol;
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed *x = a;
    const struct placed *y = b;
    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    return x->symbol < y->symbol ? -1 : x->symbol > y->symbol;
}

/* As the symbols lie in depmod's table: by bucket, in one by name, as they are sorted here. */
int modules_symbols(const struct modules *m, const struct buf *text, struct buf *out, struct err *e)
{
    AUTO_FREE struct placed *placed = array_new(m->symbol_count + 1, sizeof(*placed));
    (void)text;
    int rc = placed == NULL
                 ? err_oom(e)
                 : buf_add_str(out, "# Aliases for symbols, used by symbol_request().\n", e);
    for (size_t i = 0; rc == 0 && i < m->symbol_count; i++)
        placed[i] = (struct placed){module_hash(m->symbols[i].name) % SYMBOL_BUCKETS, i};
    if (rc == 0 && m->symbol_count > 1)
        qsort(placed, m->symbol_count, sizeof(*placed), compare_placed);
    for (size_t i = 0; rc == 0 && i < m->symbol_count; i++) {
        const struct module_symbol *s = &m->symbols[placed[i].symbol];
        rc = buf_addf(out, e, "alias symbol:%s %s\n", s->name, m->items[s->owner].name);
    }
    return rc;
}

int modules_symbols_bin(const struct modules *m, const struct buf *text, struct buf *out,
                        struct err *e)
{
    AUTO_MODULE_INDEX index = MODULE_INDEX_INIT;
    AUTO_BUF key = BUF_INIT(KERNEL_MODULE_TEXT_MAX + 16);
    int rc = 0;
    (void)text;
    for (size_t i = 0; rc == 0 && i < m->symbol_count; i++) {
        const struct module_symbol *s = &m->symbols[i];
        buf_cut(&key, 0);
        rc = buf_addf(&key, e, "symbol:%s", s->name);
        if (rc == 0)
            rc = module_index_add(&index, buf_str(&key), m->items[s->owner].name,
                                  (uint32_t)s->owner, e);
    }
    return rc < 0 ? rc : module_index_write(&index, out, e);
}

/* ---- what is built in ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int modules_builtin_bin(const struct modules *m, const struct buf *text, struct buf *out,
                        struct err *e)
{
    AUTO_MODULE_INDEX index = MODULE_INDEX_INIT;
    int rc = 0;
    (void)m;
    for (const char *p = buf_str(text); rc == 0 && *p != 0;) {
        AUTO_FREE char *line = NULL;
        char name[KERNEL_MODULE_NAME_MAX + 1];
        size_t len = strcspn(p, "\n");
        if ((rc = str_format(&line, e, "%.*s", (int)len, p)) < 0)
            return rc;
        if (is_letter(line[0]) && kernel_module_name(line, name))
            rc = module_index_add(&index, name, "", 0, e);
        p += len + (p[len] == '\n');
    }
    return rc < 0 || text->len == 0 ? rc : module_index_write(&index, out, e);
}

static bool name_before(const char *record, const char *dot, char out[KERNEL_MODULE_NAME_MAX + 1])
{
    char name[KERNEL_MODULE_NAME_MAX + 1] = "";
    if (dot - record > KERNEL_MODULE_NAME_MAX)
        return false;
    memcpy(name, record, (size_t)(dot - record));
    return kernel_module_name(name, out);
}

/* "name.key=value", each with a NUL. */
int modules_builtin_alias_bin(const struct modules *m, const struct buf *text, struct buf *out,
                              struct err *e)
{
    static const char key[] = "alias=";
    AUTO_MODULE_INDEX index = MODULE_INDEX_INIT;
    char alias[MODULE_INDEX_KEY_MAX + 2];
    char name[KERNEL_MODULE_NAME_MAX + 1];
    bool any = false;
    int rc = 0;
    (void)m;
    for (size_t at = 0; rc == 0 && at < text->len;) {
        const char *record = (const char *)text->data + at;
        size_t len = strnlen(record, text->len - at);
        const char *value = memchr(record, '.', len);
        if (len == text->len - at || value == NULL || !name_before(record, value, name))
            return err_set(e, ERR_INPUT, "modules.builtin.modinfo is damaged");
        at += len + 1;
        if (!str_starts(value + 1, key))
            continue;
        any = true;
        if (normal_alias(value + 1 + strlen(key), alias))
            rc = module_index_add(&index, alias, name, 0, e);
    }
    return rc < 0 || !any ? rc : module_index_write(&index, out, e);
}
