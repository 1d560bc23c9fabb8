/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etc/ld.so.cache, as ldconfig writes it (glibc-ld.so.cache1.1): the directories of etc/ld.so.conf
 * and the loader's own, of each the libraries by their sonames.
 */
#include "base/byte_order.h"
#include "builder/debian/finishing.h"

#include <fnmatch.h>
#include <string.h>

enum {
    DIRECTORIES_MAX = 256,
    LIBRARIES_MAX = 65536,
    CONF_MAX = 1 << 20,
    CONF_DEPTH_MAX = 8,
    CACHE_MAX = 64 << 20,
    HEADER_SIZE = 48,
    ENTRY_SIZE = 24,
    ALIGNMENT = 4,
    FLAGS_LITTLE_ENDIAN = 2,
    EXTENSION_SIZE = 24, /* its header and one section's */
};
static const char magic[] = "glibc-ld.so.cache1.1"; /* without its NUL */
static const uint32_t extension_magic = 0xeaa42174;
static const char generator[] = "assay";

struct machine {
    const char *arch;
    const char *triplet;
    uint16_t number;
    uint32_t flags; /* of an entry: ELF of libc 6, and what the loader calls the machine */
};

static const struct machine machines[] = {
    {"amd64", "x86_64-linux-gnu", LIBRARY_AMD64, 0x0303},
    {"arm64", "aarch64-linux-gnu", LIBRARY_ARM64, 0x0a03},
    {"riscv64", "riscv64-linux-gnu", LIBRARY_RISCV64, 0x1003},
};

struct library {
    char *soname;
    char *file; /* the name that had it */
    bool link;
    char *path; /* where the loader finds it */
    uint32_t soname_at;
    uint32_t path_at;
};

struct scan {
    struct rootfs_writer *w;
    const struct machine *machine;
    const struct tree_inode *seen[DIRECTORIES_MAX];
    size_t seen_count;
    struct library *items;
    size_t count;
    size_t cap;
    size_t first; /* of the directory that is being read */
};

static void scan_dispose(struct scan *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->items[i].soname);
        free(s->items[i].file);
        free(s->items[i].path);
    }
    free(s->items);
}

/* ---- one directory ---- */

static bool name_counts(const char *name)
{
    bool is = (str_starts(name, "lib") || str_starts(name, "ld-")) && strstr(name, ".so") != NULL;
    return (is || strcmp(name, "ld.so") == 0) && !str_ends(name, "-gdb.py") &&
           !str_ends(name, ".dpkg-new") && !str_ends(name, ".dpkg-tmp");
}

/* A name that ld(1) looks for: "libx.so" to the soname "libx.so.1". */
static bool is_development_link(const char *name, const char *soname)
{
    return str_ends(name, ".so") && strncmp(name, soname, strlen(name)) == 0;
}

/* Of two files with one soname: a file before a link, then the newer by its number. */
static bool is_better(const struct library *old, const char *name, bool link)
{
    if (old->link != link)
        return old->link;
    return library_compare(old->file, name) < 0;
}

static int add_library(struct scan *s, const char *soname, const char *name, bool link,
                       struct err *e)
{
    for (size_t i = s->first; i < s->count; i++) {
        struct library *l = &s->items[i];
        if (strcmp(l->soname, soname) != 0)
            continue;
        if (!is_better(l, name, link))
            return 0;
        free(steal_ptr(&l->file));
        l->link = link;
        return str_copy(&l->file, name, e);
    }
    if (s->count == LIBRARIES_MAX)
        return err_set(e, ERR_INPUT, "more than %d libraries", (int)LIBRARIES_MAX);
    int rc = array_grow(&s->items, &s->cap, s->count + 1, sizeof(*s->items), e);
    if (rc < 0)
        return rc;
    struct library *l = &s->items[s->count++];
    *l = (struct library){.link = link};
    rc = str_copy(&l->soname, soname, e);
    return rc < 0 ? rc : str_copy(&l->file, name, e);
}

static int look_at(struct scan *s, const char *path, const struct tree_node *node, struct err *e)
{
    AUTO_FREE char *full = NULL;
    char soname[LIBRARY_SONAME_MAX + 1];
    bool link = node->inode->type == TREE_SYMLINK;
    bool is = false;
    if (!name_counts(node->name) || (!link && node->inode->type != TREE_FILE))
        return 0;
    int rc = str_format(&full, e, "%s/%s", path, node->name);
    if (rc < 0)
        return rc;
    const struct tree_node *target = tree_find(s->w->tree, full, true);
    if (target == NULL || target->inode->type != TREE_FILE)
        return 0;
    rc = library_read(s->w->reader, &target->inode->content, s->machine->number, &is, soname, e);
    if (rc < 0 || !is)
        return rc;
    if (soname[0] == 0)
        (void)snprintf(soname, sizeof(soname), "%s", node->name);
    if (link && strcmp(node->name, soname) != 0 && !is_development_link(node->name, soname))
        link = false;
    return add_library(s, link ? node->name : soname, node->name, link, e);
}

/* The name that programs ask for, where no package has it. */
static int link_soname(struct scan *s, struct tree_node *dir, const struct library *l,
                       struct err *e)
{
    struct tree_inode *inode = NULL;
    if (l->link || tree_child(dir, l->soname) != NULL)
        return 0;
    int rc = tree_inode_new(s->w->tree, TREE_SYMLINK, &inode, e);
    if (rc == 0)
        rc = str_copy(&inode->target, l->file, e);
    if (rc < 0)
        return rc;
    inode->mode = 0777;
    inode->mtime = s->w->time;
    return tree_link(s->w->tree, dir, l->soname, inode, NULL, e);
}

/* `path` is as it is written; the same directory by another name counts once. */
static int scan_directory(struct scan *s, const char *path, struct err *e)
{
    struct tree_node *dir = tree_find(s->w->tree, path, true);
    int rc = 0;
    if (dir == NULL || dir->inode->type != TREE_DIR)
        return 0;
    for (size_t i = 0; i < s->seen_count; i++)
        if (s->seen[i] == dir->inode)
            return 0;
    if (s->seen_count == DIRECTORIES_MAX)
        return err_set(e, ERR_INPUT, "more than %d directories of libraries", (int)DIRECTORIES_MAX);
    s->seen[s->seen_count++] = dir->inode;
    s->first = s->count;
    for (size_t i = 0; rc == 0 && i < dir->inode->child_count; i++)
        rc = look_at(s, path, dir->inode->children[i], e);
    for (size_t i = s->first; rc == 0 && i < s->count; i++) {
        rc = str_format(&s->items[i].path, e, "%s/%s", path, s->items[i].soname);
        if (rc == 0)
            rc = link_soname(s, dir, &s->items[i], e);
    }
    return rc;
}

/* ---- etc/ld.so.conf ---- */

static int read_conf(struct scan *s, const char *path, unsigned depth, struct err *e);

/* `include DIRECTORY/PATTERN`; children are in the order of bytes, as glob(3) has them. */
static int include(struct scan *s, const char *from, const char *pattern, unsigned depth,
                   struct err *e)
{
    AUTO_FREE char *whole = NULL;
    const char *slash = strrchr(from, '/');
    int rc = pattern[0] == '/' || slash == NULL
                 ? str_copy(&whole, pattern, e)
                 : str_format(&whole, e, "%.*s/%s", (int)(slash - from), from, pattern);
    if (rc < 0)
        return rc;
    char *base = strrchr(whole, '/');
    if (base == NULL)
        return 0;
    *base++ = 0;
    const struct tree_node *dir = tree_find(s->w->tree, whole, true);
    if (dir == NULL || dir->inode->type != TREE_DIR)
        return 0;
    for (size_t i = 0; rc == 0 && i < dir->inode->child_count; i++) {
        AUTO_FREE char *file = NULL;
        const char *name = dir->inode->children[i]->name;
        if (fnmatch(base, name, FNM_PERIOD) != 0)
            continue;
        rc = str_format(&file, e, "%s/%s", whole, name);
        if (rc == 0)
            rc = read_conf(s, file, depth + 1, e);
    }
    return rc;
}

static int take_line(struct scan *s, const char *path, char *line, unsigned depth, struct err *e)
{
    line[strcspn(line, "#")] = 0;
    line += strspn(line, " \t\r\f\v");
    for (size_t len = strlen(line); len > 0 && strchr(" \t\r\f\v", line[len - 1]) != NULL; len--)
        line[len - 1] = 0;
    if (str_starts(line, "include") && strchr(" \t", line[7]) != NULL && line[7] != 0) {
        char *rest = NULL;
        int rc = 0;
        for (char *word = strtok_r(line + 7, " \t", &rest); rc == 0 && word != NULL;
             word = strtok_r(NULL, " \t", &rest))
            rc = include(s, path, word, depth, e);
        return rc;
    }
    if (str_starts(line, "hwcap") || line[0] == 0)
        return 0;
    line[strcspn(line, "= \t")] = 0;
    for (size_t len = strlen(line); len > 1 && line[len - 1] == '/'; len--)
        line[len - 1] = 0;
    return line[0] == '/' ? scan_directory(s, line, e) : 0;
}

static int read_conf(struct scan *s, const char *path, unsigned depth, struct err *e)
{
    AUTO_BUF text = BUF_INIT(CONF_MAX);
    bool found = false;
    if (depth > CONF_DEPTH_MAX)
        return err_set(e, ERR_INPUT, "'%.200s' is included more than %d deep", path,
                       (int)CONF_DEPTH_MAX);
    int rc = rootfs_get(s->w, path, &text, &found, e);
    for (char *line = (char *)text.data; rc == 0 && found && line != NULL && *line != 0;) {
        char *eol = strchr(line, '\n');
        if (eol != NULL)
            *eol = 0;
        rc = take_line(s, path, line, depth, e);
        line = eol != NULL ? eol + 1 : NULL;
    }
    return rc;
}

static int scan_all(struct scan *s, struct err *e)
{
    static const char *const roots[] = {"/lib", "/usr/lib"};
    int rc = read_conf(s, "/etc/ld.so.conf", 0, e);
    for (size_t i = 0; rc == 0 && i < 2; i++) {
        AUTO_FREE char *own = NULL;
        rc = str_format(&own, e, "%s/%s", roots[i], s->machine->triplet);
        if (rc == 0)
            rc = scan_directory(s, own, e);
    }
    for (size_t i = 0; rc == 0 && i < 2; i++)
        rc = scan_directory(s, roots[i], e);
    return rc;
}

/* ---- writing ---- */

/* The loader searches it by halves: names fall, numbers in them by their value. */
static int compare_entries(const void *a, const void *b)
{
    const struct library *x = *(struct library *const *)a;
    const struct library *y = *(struct library *const *)b;
    int order = library_compare(y->soname, x->soname);
    return order != 0 ? order : x < y ? -1 : x > y;
}

struct text {
    const char *text;
    size_t len;
    uint32_t *at;
};

/* From their ends, falling: what another ends with comes behind that. */
static int compare_ends(const void *a, const void *b)
{
    const struct text *x = a;
    const struct text *y = b;
    for (size_t i = 1; i <= x->len && i <= y->len; i++) {
        unsigned char p = (unsigned char)x->text[x->len - i];
        unsigned char q = (unsigned char)y->text[y->len - i];
        if (p != q)
            return p < q ? 1 : -1;
    }
    return x->len < y->len ? 1 : x->len > y->len ? -1 : 0;
}

/* Every text once, and none that another one ends with. */
static int add_texts(struct scan *s, struct buf *out, struct err *e)
{
    AUTO_FREE struct text *texts = array_new(2 * s->count + 1, sizeof(*texts));
    size_t n = 0;
    if (texts == NULL)
        return err_oom(e);
    for (size_t i = 0; i < s->count; i++) {
        struct library *l = &s->items[i];
        texts[n++] = (struct text){l->soname, strlen(l->soname), &l->soname_at};
        texts[n++] = (struct text){l->path, strlen(l->path), &l->path_at};
    }
    if (n > 1)
        qsort(texts, n, sizeof(*texts), compare_ends); /* equal ones have equal places */
    for (size_t i = 0; i < n; i++) {
        const struct text *t = &texts[i];
        if (i > 0 && texts[i - 1].len >= t->len &&
            memcmp(texts[i - 1].text + texts[i - 1].len - t->len, t->text, t->len) == 0) {
            *t->at = *texts[i - 1].at + (uint32_t)(texts[i - 1].len - t->len);
            continue;
        }
        *t->at = (uint32_t)out->len;
        int rc = buf_add(out, t->text, t->len + 1, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int add_extension(struct buf *out, struct err *e)
{
    static const uint8_t zeros[ALIGNMENT] = {0};
    uint8_t head[EXTENSION_SIZE] = {0};
    int rc = buf_add(out, zeros, (ALIGNMENT - out->len % ALIGNMENT) % ALIGNMENT, e);
    if (rc < 0)
        return rc;
    put_le32(head, extension_magic);
    put_le32(head + 4, 1); /* sections: the first is who wrote it */
    put_le32(head + 16, (uint32_t)out->len + EXTENSION_SIZE);
    put_le32(head + 20, sizeof(generator) - 1);
    rc = buf_add(out, head, sizeof(head), e);
    return rc < 0 ? rc : buf_add(out, generator, sizeof(generator) - 1, e);
}

static int format_cache(struct scan *s, struct buf *out, struct err *e)
{
    static const uint8_t zeros[HEADER_SIZE] = {0};
    AUTO_FREE struct library **sorted = array_new(s->count + 1, sizeof(*sorted));
    size_t start = HEADER_SIZE + s->count * ENTRY_SIZE;
    int rc = sorted == NULL ? err_oom(e) : buf_add(out, zeros, HEADER_SIZE, e);
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        sorted[i] = &s->items[i];
        rc = buf_add(out, zeros, ENTRY_SIZE, e);
    }
    if (rc == 0)
        rc = add_texts(s, out, e);
    if (rc < 0)
        return rc;
    size_t end = out->len;
    if ((rc = add_extension(out, e)) < 0)
        return rc;
    if (s->count > 1)
        qsort(sorted, s->count, sizeof(struct library *), compare_entries);
    memcpy(out->data, magic, sizeof(magic) - 1);
    put_le32(out->data + 20, (uint32_t)s->count);
    put_le32(out->data + 24, (uint32_t)(end - start));
    out->data[28] = FLAGS_LITTLE_ENDIAN;
    put_le32(out->data + 32, (uint32_t)((end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT));
    for (size_t i = 0; i < s->count; i++) {
        uint8_t *entry = out->data + HEADER_SIZE + i * ENTRY_SIZE;
        put_le32(entry, s->machine->flags);
        put_le32(entry + 4, sorted[i]->soname_at);
        put_le32(entry + 8, sorted[i]->path_at);
    }
    return 0;
}

int finish_libraries(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    AUTO_BUF cache = BUF_INIT(CACHE_MAX);
    AUTO(scan_dispose) struct scan s = {.w = w};
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
        if (strcmp(machines[i].arch, o->arch) == 0)
            s.machine = &machines[i];
    if (s.machine == NULL)
        return err_set(e, ERR_INPUT, "no loader of '%s' is known", o->arch);
    int rc = scan_all(&s, e);
    if (rc == 0)
        rc = format_cache(&s, &cache, e);
    return rc < 0 ? rc : rootfs_put(w, "etc/ld.so.cache", 0644, 0, cache.data, cache.len, e);
}
