/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/compat_image.h"

#include "base/byte_order.h"
#include "base/file.h"
#include "builder/linuxkit/texts.h"
#include "formats/stream/relay.h"

#include <string.h>

enum { CHUNK = 65536, PATH_BYTES_MAX = 16384 };

static const char resolv_text[] = "\n# no resolv.conf configured\n";

/* ---- writing entries --------------------------------------------------------------------- */

static int add_records(const struct compat_place *p, struct go_tar_header *h, struct err *e)
{
    if (p->source == NULL)
        return 0;
    int rc = go_tar_header_set(h, "LINUXKIT.source", p->source, strlen(p->source), e);
    if (rc == 0)
        rc = go_tar_header_set(h, "LINUXKIT.location", p->location, strlen(p->location), e);
    return rc;
}

static int make_header(const struct compat_place *p, const struct compat_entry *entry,
                       struct go_tar_header *h, struct err *e)
{
    int rc = str_copy(&h->name, entry->name, e);
    if (rc < 0 || (rc = str_copy(&h->link, entry->link != NULL ? entry->link : "", e)) < 0 ||
        (rc = str_copy(&h->uname, "", e)) < 0 || (rc = str_copy(&h->gname, "", e)) < 0)
        return rc;
    h->type = entry->type;
    h->mode = entry->mode;
    h->uid = entry->uid;
    h->gid = entry->gid;
    h->size = entry->type == '0' ? (int64_t)entry->len : 0;
    h->mtime = (struct go_tar_time){.set = true, .seconds = entry->mtime};
    for (size_t i = 0; entry->like != NULL && i < entry->like->record_count; i++) {
        const struct go_tar_record *r = &entry->like->records[i];
        if ((rc = go_tar_header_set(h, r->key, r->value, r->len, e)) < 0)
            return rc;
    }
    return add_records(p, h, e);
}

int compat_put_entry(const struct compat_place *p, const struct compat_entry *entry, struct err *e)
{
    AUTO_LK_HEADER h = {0};
    int rc = make_header(p, entry, &h, e);
    if (rc < 0 || (rc = go_tar_write_header(&p->to, &h, e)) < 0 || h.size == 0)
        return rc;
    if ((rc = sink_write(&p->to, entry->data, entry->len, e)) < 0)
        return rc;
    return go_tar_write_padding(&p->to, entry->len, e);
}

int compat_put(const struct compat_place *p, char type, const char *name, int64_t mode,
               const char *link, const void *data, size_t len, struct err *e)
{
    const struct compat_entry entry = {.type = type,
                                       .name = name,
                                       .link = link,
                                       .mode = mode,
                                       .mtime = LINUXKIT_FIXED_TIME,
                                       .data = data,
                                       .len = len};
    return compat_put_entry(p, &entry, e);
}

int compat_put_prefix(const struct compat_place *p, const char *prefix, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = str_copy(&path, prefix, e);
    for (char *slash = rc == 0 ? strchr(path, '/') : NULL; rc == 0 && slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        rc = compat_put(p, '5', path, 0755, NULL, NULL, 0, e);
        *slash = '/';
    }
    return rc;
}

int compat_put_blob(const struct compat_place *p, const char *name, int64_t mode, int64_t mtime,
                    const struct digest *digest, uint64_t size, struct err *e)
{
    const struct compat_entry entry = {
        .type = '0', .name = name, .mode = mode, .mtime = mtime, .len = (size_t)size};
    AUTO_LK_HEADER h = {0};
    AUTO_CAS_STREAM struct cas_stream *stream = NULL;
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    uint64_t total = 0;
    if (chunk == NULL)
        return err_oom(e);
    int rc = make_header(p, &entry, &h, e);
    if (rc < 0 || (rc = go_tar_write_header(&p->to, &h, e)) < 0 ||
        (rc = cas_stream_open(p->cas, digest, &stream, e)) < 0)
        return rc;
    for (;;) {
        size_t got = 0;
        if ((rc = cas_stream_read(stream, chunk, CHUNK, &got, e)) < 0)
            return rc;
        if (got == 0)
            break;
        total += got;
        if ((rc = sink_write(&p->to, chunk, got, e)) < 0)
            return rc;
    }
    if (total != size)
        return err_set(e, ERR_INPUT, "'%.200s' has not the size that its input says", name);
    return go_tar_write_padding(&p->to, size, e);
}

int compat_copy(const struct compat_place *p, struct go_tar_header *h, struct go_tar_reader *r,
                struct err *e)
{
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    if (chunk == NULL)
        return err_oom(e);
    int rc = add_records(p, h, e);
    if (rc < 0 || (rc = go_tar_write_header(&p->to, h, e)) < 0)
        return rc;
    for (;;) {
        size_t got = 0;
        if ((rc = go_tar_read(r, chunk, CHUNK, &got, e)) < 0)
            return rc;
        if (got == 0)
            break;
        if ((rc = sink_write(&p->to, chunk, got, e)) < 0)
            return rc;
    }
    return go_tar_write_padding(&p->to, go_tar_has_content(h->type) ? (uint64_t)h->size : 0, e);
}

/* ---- flattening (docs/formats/linuxkit.md, section 6) ------------------------------------ */

/* "a/b" → "a", "a" → ".", "/a" → "/"; cleaned paths. */
static int parent_of(const char *path, char **out, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    int rc = str_copy(&copy, path, e);
    if (rc < 0)
        return rc;
    char *slash = strrchr(copy, '/');
    copy[slash == NULL ? 0 : slash == copy ? 1 : (size_t)(slash - copy)] = '\0';
    return go_tar_path_clean(copy, out, e);
}

/* A parent was deleted by a layer above, or is no directory there. */
static int is_hidden(const json_t *seen, const char *path, bool *hidden, struct err *e)
{
    AUTO_FREE char *at = NULL;
    *hidden = false;
    int rc = str_copy(&at, path, e);
    while (rc == 0 && !*hidden) {
        AUTO_FREE char *parent = NULL;
        if ((rc = parent_of(at, &parent, e)) < 0 || strcmp(parent, at) == 0)
            break;
        *hidden = json_is_true(json_object_get(seen, parent));
        free(at);
        at = steal_ptr(&parent);
    }
    return rc;
}

/* What an entry counts as: a whiteout as what it deletes. */
static int key_of(const struct go_tar_header *h, bool tombstone, char **out, struct err *e)
{
    AUTO_FREE char *joined = NULL;
    const char *base = path_base(h->name);
    if (!tombstone || h->type == '5')
        return str_copy(out, h->name, e);
    int rc = str_format(&joined, e, "%.*s%s", (int)(base - h->name), h->name, base + 4);
    return rc < 0 ? rc : go_tar_path_clean(joined, out, e);
}

int compat_admit(struct go_tar_header *h, json_t *seen, bool *emitted, struct err *e)
{
    AUTO_FREE char *name = NULL;
    AUTO_FREE char *key = NULL;
    bool hidden = false;
    *emitted = false;
    int rc = go_tar_path_clean(h->name, &name, e);
    if (rc < 0 || (rc = go_tar_header_rename(&h->name, name, e)) < 0)
        return rc;
    if (strlen(name) > PATH_BYTES_MAX)
        return err_set(e, ERR_INPUT, "a path of more than %d bytes", PATH_BYTES_MAX);
    bool tombstone = str_starts(path_base(name), ".wh.");
    if ((rc = key_of(h, tombstone, &key, e)) < 0)
        return rc;
    if (json_object_get(seen, key) != NULL)
        return 0;
    if ((rc = is_hidden(seen, key, &hidden, e)) < 0 || hidden)
        return rc;
    if (json_object_set_new_nocheck(seen, key, json_boolean(tombstone || h->type != '5')) < 0)
        return err_oom(e);
    *emitted = !tombstone;
    return 0;
}

static int read_stream(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    return cas_stream_read(context, data, len, got, e);
}

int compat_read_layer(struct cas *cas, const struct compat_layer *layer, compat_visit_fn *visit,
                      void *context, struct err *e)
{
    AUTO_CAS_STREAM struct cas_stream *stream = NULL;
    AUTO_DECOMPRESSOR struct decompressor *unpacked = NULL;
    AUTO_SOURCE_RELAY struct source_relay *relay = NULL;
    AUTO_LK_HEADER h = {0};
    const struct decompress_options options = {.threads = 1, .ratio_max = layer->expansion};
    int rc = cas_stream_open(cas, &layer->digest, &stream, e);
    if (rc < 0)
        return rc;
    const struct source from = {.context = stream, .read = read_stream};
    if ((rc = decompressor_new(layer->compression, &from, &options, &unpacked, e)) < 0)
        return rc;
    struct source plain = decompressor_source(unpacked);
    /* One thread unpacks, the other does what is done with the entries. */
    if (layer->compression != COMPRESSION_NONE) {
        if ((rc = source_relay_new(&plain, &relay, e)) < 0)
            return rc;
        plain = source_relay_source(relay);
    }
    struct go_tar_reader r = {.from = plain};
    bool more = true;
    while (rc == 0 && more)
        if ((rc = go_tar_next(&r, &h, &more, e)) == 0 && more)
            rc = visit(context, &h, &r, e);
    source_relay_free(steal_ptr(&relay)); /* the decompressor is ours again */
    if (rc < 0 && decompressor_is_bomb(unpacked)) {
        char text[DIGEST_TEXT_MAX];
        return err_wrap(e, "layer %s: '%.200s'", digest_format(&layer->digest, text),
                        h.name != NULL ? h.name : "");
    }
    return rc;
}

struct flattening {
    json_t *seen;
    compat_visit_fn *visit;
    void *context;
};

/* LinuxKit stops at an entry that says a size but can have no content, in silence. */
static int visit_flat(void *context, struct go_tar_header *h, struct go_tar_reader *r,
                      struct err *e)
{
    struct flattening *f = context;
    bool emitted = false;
    int rc = compat_admit(h, f->seen, &emitted, e);
    if (rc < 0 || !emitted)
        return rc;
    if (h->type == 'S')
        return err_set(e, ERR_INPUT,
                       "'%.200s' is a sparse file of GNU tar's old format, which LinuxKit cannot "
                       "read: make the layer without sparse files, or with --format=pax",
                       h->name);
    bool cut = !go_tar_has_content(h->type) && h->size > 0;
    rc = f->visit(f->context, h, r, e);
    return rc == 0 && cut ? 1 : rc;
}

static int flatten(struct cas *cas, const struct compat_layer *layers, size_t count,
                   compat_visit_fn *visit, void *context, struct err *e)
{
    AUTO_JSON json_t *seen = json_object();
    struct flattening f = {.seen = seen, .visit = visit, .context = context};
    int rc = seen == NULL ? err_oom(e) : 0;
    for (size_t i = count; rc == 0 && i > 0; i--)
        rc = compat_read_layer(cas, &layers[i - 1], visit_flat, &f, e);
    return rc < 0 ? rc : 0;
}

/* ---- an image's tar (docs/formats/linuxkit.md, section 7) -------------------------------- */

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* The touch list in its order; `link` NULL: a directory or a file. */
enum { TOUCH_COUNT = 9 };
static const char *const touch[TOUCH_COUNT] = {
    "dev", "dev/pts", "dev/shm", "etc", "etc/hosts", "etc/mtab", "etc/resolv.conf", "proc", "sys"};

struct image_tar {
    const struct compat_place *place;
    const char *prefix;
    const char *resolv;
    struct buf *apk;
    bool has_apk;
    bool found_mtab;
};

static int prefixed(const struct image_tar *t, char **name, struct err *e)
{
    AUTO_FREE char *joined = NULL;
    int rc = str_format(&joined, e, "%s%s", t->prefix, *name);
    return rc < 0 ? rc : go_tar_header_rename(name, joined, e);
}

static int replace(const struct image_tar *t, struct go_tar_header *h, struct err *e)
{
    bool hosts = strcmp(h->name, "etc/hosts") == 0;
    const char *text = hosts ? linuxkit_hosts : resolv_text;
    int rc = 0;
    h->mtime = (struct go_tar_time){.set = true, .seconds = LINUXKIT_FIXED_TIME};
    if (!hosts && t->resolv != NULL) {
        h->type = '2';
        h->size = 0;
        if ((rc = go_tar_header_rename(&h->link, t->resolv, e)) < 0 ||
            (rc = prefixed(t, &h->name, e)) < 0 || (rc = add_records(t->place, h, e)) < 0)
            return rc;
        return go_tar_write_header(&t->place->to, h, e);
    }
    if (!go_tar_has_content(h->type))
        return err_set(e, ERR_INPUT, "'%s' of an image is no regular file: LinuxKit fails on it",
                       h->name);
    h->size = (int64_t)strlen(text);
    if ((rc = prefixed(t, &h->name, e)) < 0 || (rc = add_records(t->place, h, e)) < 0 ||
        (rc = go_tar_write_header(&t->place->to, h, e)) < 0 ||
        (rc = sink_write(&t->place->to, text, strlen(text), e)) < 0)
        return rc;
    return go_tar_write_padding(&t->place->to, strlen(text), e);
}

/* Reads the rest of an entry into memory. */
static int read_content(struct go_tar_reader *r, uint64_t size, struct buf *out, struct err *e)
{
    size_t got = 1;
    int rc = size > out->max - out->len
                 ? err_set(e, ERR_INPUT, "a file that must be kept in memory is too large")
                 : buf_reserve(out, (size_t)size + 1, e);
    for (size_t left = (size_t)size; rc == 0 && left > 0 && got > 0; left -= got)
        if ((rc = go_tar_read(r, out->data + out->len, left, &got, e)) == 0)
            out->len += got;
    return rc;
}

static int copy_apk(struct image_tar *t, struct go_tar_header *h, struct go_tar_reader *r,
                    struct err *e)
{
    size_t start = t->apk->len;
    size_t size = go_tar_has_content(h->type) ? (size_t)h->size : 0;
    int rc = read_content(r, size, t->apk, e);
    if (rc < 0 || (rc = add_records(t->place, h, e)) < 0 ||
        (rc = go_tar_write_header(&t->place->to, h, e)) < 0 ||
        (size > 0 && (rc = sink_write(&t->place->to, t->apk->data + start, size, e)) < 0) ||
        (rc = go_tar_write_padding(&t->place->to, size, e)) < 0)
        return rc;
    t->has_apk = true;
    return buf_add_str(t->apk, "\n\n", e);
}

static int visit_image(void *context, struct go_tar_header *h, struct go_tar_reader *r,
                       struct err *e)
{
    static const char *const dropped[] = {".dockerenv", "Dockerfile",   "dev/console", "dev/pts",
                                          "dev/shm",    "etc/hostname", NULL};
    static const char *const replaced[] = {"etc/hosts", "etc/resolv.conf", NULL};
    struct image_tar *t = context;
    int rc = 0;
    if (is_one_of(h->name, dropped))
        return 0;
    if (is_one_of(h->name, replaced))
        return replace(t, h, e);
    if (strcmp(h->name, "etc/mtab") == 0) {
        h->mtime = (struct go_tar_time){.set = true, .seconds = LINUXKIT_FIXED_TIME};
        t->found_mtab = true;
    }
    bool apk = t->apk != NULL && strcmp(h->name, "lib/apk/db/installed") == 0;
    if ((rc = prefixed(t, &h->name, e)) < 0 ||
        (h->type == '1' && (rc = prefixed(t, &h->link, e)) < 0))
        return rc;
    return apk ? copy_apk(t, h, r, e) : compat_copy(t->place, h, r, e);
}

/* What every image gets, whether it has it or not. */
static int put_touched(const struct image_tar *t, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < TOUCH_COUNT; i++) {
        AUTO_FREE char *name = NULL;
        const char *n = touch[i];
        if ((rc = str_format(&name, e, "%s%s", t->prefix, n)) < 0)
            return rc;
        if (strcmp(n, "etc/hosts") == 0)
            rc = compat_put(t->place, '0', name, 0644, NULL, linuxkit_hosts, strlen(linuxkit_hosts),
                            e);
        else if (strcmp(n, "etc/resolv.conf") == 0 && t->resolv != NULL)
            rc = compat_put(t->place, '2', name, 0644, t->resolv, NULL, 0, e);
        else if (strcmp(n, "etc/resolv.conf") == 0)
            rc = compat_put(t->place, '0', name, 0644, NULL, resolv_text, strlen(resolv_text), e);
        else if (strcmp(n, "etc/mtab") == 0)
            rc = t->found_mtab ? 0
                               : compat_put(t->place, '2', name, 0755, "/proc/mounts", NULL, 0, e);
        else
            rc = compat_put(t->place, '5', name, 0755, NULL, NULL, 0, e);
    }
    return rc;
}

int compat_image_tar(const struct compat_place *p, const struct compat_layer *layers, size_t count,
                     const char *prefix, const char *resolv, struct buf *apk, bool *has_apk,
                     struct err *e)
{
    struct image_tar t = {.place = p, .prefix = prefix, .resolv = resolv, .apk = apk};
    int rc = compat_put_prefix(p, prefix, e);
    if (rc < 0 || (rc = flatten(p->cas, layers, count, visit_image, &t, e)) < 0 ||
        (rc = put_touched(&t, e)) < 0)
        return rc;
    if (has_apk != NULL)
        *has_apk = t.has_apk;
    return 0;
}

/* ---- the kernel (docs/formats/linuxkit.md, section 8) ------------------------------------ */

enum { KERNEL_MAX = 256 * 1024 * 1024 };

struct kernel_tar {
    const struct compat_place *place;
    const struct compat_kernel *kernel;
    struct buf held; /* the kernel, until the next entry */
    struct go_tar_header held_header;
    bool holds;
    bool found_kernel;
    bool found_tar;
    bool found_ucode;
};

static void kernel_tar_dispose(struct kernel_tar *k)
{
    buf_dispose(&k->held);
    go_tar_header_dispose(&k->held_header);
}

struct span {
    const uint8_t *data;
    size_t left;
};

static int read_span(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    struct span *s = context;
    (void)e;
    *got = s->left < len ? s->left : len;
    if (*got > 0)
        memcpy(data, s->data, *got);
    s->data += *got;
    s->left -= *got;
    return 0;
}

static bool is_gzip(const uint8_t *p, size_t len)
{
    return len >= 2 && p[0] == 0x1f && p[1] == 0x8b;
}

/* A gzip file, or the payload of an x86 bzImage that is one. */
static int find_payload(const struct buf *kernel, struct span *out, struct err *e)
{
    const uint8_t *p = kernel->data;
    *out = (struct span){p, kernel->len};
    if (is_gzip(p, kernel->len))
        return 0;
    if (kernel->len <= 0x250 || p[0x1fe] != 0x55 || p[0x1ff] != 0xaa ||
        memcmp(p + 0x202, "HdrS", 4) != 0)
        return err_set(e, ERR_INPUT,
                       "the kernel is neither gzip nor a bzImage: LinuxKit does not "
                       "decompress it");
    if (p[0x206] < 2 && p[0x207] < 8)
        return err_set(e, ERR_INPUT, "the kernel is a bzImage of an old version");
    /* As LinuxKit adds them: in 32 bits. */
    uint32_t offset = get_le32(p + 0x248) + ((uint32_t)p[0x1f1] + 1) * 512;
    uint32_t size = get_le32(p + 0x24c);
    if (offset > kernel->len || (uint64_t)offset + size > kernel->len)
        return err_set(e, ERR_INPUT, "the payload of the bzImage exceeds it");
    *out = (struct span){p + offset, size};
    if (!is_gzip(p + offset, kernel->len - offset))
        return err_set(e, ERR_INPUT,
                       "the payload of the bzImage is not gzip: LinuxKit does not decompress it");
    return 0;
}

static int compat_kernel_decompress(struct buf *kernel, struct err *e)
{
    const struct decompress_options options = {.threads = 1};
    AUTO_DECOMPRESSOR struct decompressor *unpacked = NULL;
    AUTO_BUF out = BUF_INIT(KERNEL_MAX);
    struct span payload = {0};
    int rc = find_payload(kernel, &payload, e);
    if (rc < 0)
        return rc;
    const struct source from = {.context = &payload, .read = read_span};
    if ((rc = decompressor_new(COMPRESSION_GZIP, &from, &options, &unpacked, e)) < 0)
        return rc;
    const struct source bytes = decompressor_source(unpacked);
    for (;;) {
        uint8_t chunk[16384];
        size_t got = 0;
        if ((rc = bytes.read(bytes.context, chunk, sizeof(chunk), &got, e)) < 0 ||
            (got > 0 && (rc = buf_add(&out, chunk, got, e)) < 0))
            return err_wrap(e, "cannot decompress the kernel");
        if (got == 0)
            break;
    }
    struct buf old = *kernel;
    *kernel = out;
    out = old;
    return 0;
}

/* An entry with the fixed time, and with every record that the file has which it is made of. */
static int put_like(const struct kernel_tar *k, const struct go_tar_header *like,
                    const struct compat_entry *entry, struct err *e)
{
    struct compat_entry made = *entry;
    made.mtime = LINUXKIT_FIXED_TIME;
    made.like = like;
    return compat_put_entry(k->place, &made, e);
}

static int put_boot(const struct kernel_tar *k, const struct go_tar_header *like, struct err *e)
{
    const struct compat_entry boot = {.type = '5', .name = "boot", .mode = 0755};
    return put_like(k, like, &boot, e);
}

static int release(struct kernel_tar *k, struct err *e)
{
    if (!k->holds)
        return 0;
    k->holds = false;
    if (k->kernel->decompress) {
        int rc = compat_kernel_decompress(&k->held, e);
        if (rc < 0)
            return rc;
    }
    const struct compat_entry entry = {.type = '0',
                                       .name = "boot/kernel",
                                       .mode = k->held_header.mode,
                                       .data = k->held.data,
                                       .len = k->held.len};
    return put_like(k, &k->held_header, &entry, e);
}

static int read_bytes(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    return go_tar_read(context, data, len, got, e);
}

static int copy_kernel_tar(struct kernel_tar *k, struct go_tar_reader *outer, struct err *e)
{
    struct go_tar_reader r = {.from = {.context = outer, .read = read_bytes}};
    AUTO_LK_HEADER h = {0};
    for (;;) {
        bool more = false;
        int rc = go_tar_next(&r, &h, &more, e);
        if (rc < 0)
            return err_wrap(e, "%s", k->kernel->tar);
        if (!more)
            return 0;
        if ((rc = compat_copy(k->place, &h, &r, e)) < 0)
            return rc;
    }
}

/* The content of a file that the kernel's part is made of. */
static int take_content(const struct go_tar_header *h, struct go_tar_reader *r, struct buf *out,
                        struct err *e)
{
    if (!go_tar_has_content(h->type) && h->size > 0)
        return err_set(e, ERR_INPUT, "'%.200s' has a size but no content", h->name);
    return read_content(r, (uint64_t)h->size, out, e);
}

static int take_kernel(struct kernel_tar *k, const struct go_tar_header *h, struct go_tar_reader *r,
                       struct err *e)
{
    const char *cmdline = k->kernel->cmdline;
    const struct compat_entry entry = {
        .type = '0', .name = "boot/cmdline", .mode = 0644, .data = cmdline, .len = strlen(cmdline)};
    int rc = 0;
    if (k->found_kernel)
        return err_set(e, ERR_INPUT, "found more than one possible kernel image");
    k->found_kernel = true;
    k->holds = true;
    k->held_header.mode = h->mode;
    for (size_t i = 0; i < h->record_count; i++)
        if ((rc = go_tar_header_set(&k->held_header, h->records[i].key, h->records[i].value,
                                    h->records[i].len, e)) < 0)
            return rc;
    if ((!k->found_ucode && (rc = put_boot(k, h, e)) < 0) || (rc = put_like(k, h, &entry, e)) < 0)
        return rc;
    return take_content(h, r, &k->held, e);
}

static int take_ucode(struct kernel_tar *k, const struct go_tar_header *h, struct go_tar_reader *r,
                      struct err *e)
{
    AUTO_BUF data = BUF_INIT(KERNEL_MAX);
    int rc = take_content(h, r, &data, e);
    if (rc < 0 || (!k->found_kernel && (rc = put_boot(k, h, e)) < 0))
        return rc;
    const struct compat_entry entry = {.type = '0',
                                       .name = "boot/ucode.cpio",
                                       .mode = h->mode,
                                       .data = data.data,
                                       .len = data.len};
    k->found_ucode = true;
    return put_like(k, h, &entry, e);
}

static int visit_kernel(void *context, struct go_tar_header *h, struct go_tar_reader *r,
                        struct err *e)
{
    struct kernel_tar *k = context;
    int rc = release(k, e);
    if (rc < 0)
        return rc;
    if (strcmp(h->name, k->kernel->binary) == 0)
        return take_kernel(k, h, r, e);
    if (k->kernel->tar != NULL && strcmp(h->name, k->kernel->tar) == 0) {
        k->found_tar = true;
        return copy_kernel_tar(k, r, e);
    }
    if (k->kernel->ucode != NULL && strcmp(h->name, k->kernel->ucode) == 0)
        return take_ucode(k, h, r, e);
    return 0;
}

int compat_kernel_tar(const struct compat_place *p, const struct compat_layer *layers, size_t count,
                      const struct compat_kernel *kernel, struct err *e)
{
    AUTO(kernel_tar_dispose)
    struct kernel_tar k = {.place = p, .kernel = kernel, .held = BUF_INIT(KERNEL_MAX)};
    int rc = flatten(p->cas, layers, count, visit_kernel, &k, e);
    if (rc < 0 || (rc = release(&k, e)) < 0)
        return rc;
    if (!k.found_kernel)
        return err_set(e, ERR_INPUT, "did not find kernel '%.200s' in the kernel image",
                       kernel->binary);
    if (kernel->tar != NULL && !k.found_tar)
        return err_set(e, ERR_INPUT, "did not find kernel tar '%.200s' in the kernel image",
                       kernel->tar);
    return 0;
}

struct kernel_names {
    const char *tar;
    compat_visit_fn *visit;
    void *context;
};

static int visit_names(void *context, struct go_tar_header *h, struct go_tar_reader *outer,
                       struct err *e)
{
    const struct kernel_names *n = context;
    struct go_tar_reader r = {.from = {.context = outer, .read = read_bytes}};
    AUTO_LK_HEADER inner = {0};
    bool more = strcmp(h->name, n->tar) == 0;
    int rc = 0;
    while (rc == 0 && more)
        if ((rc = go_tar_next(&r, &inner, &more, e)) == 0 && more)
            rc = n->visit(n->context, &inner, &r, e);
    return rc < 0 ? err_wrap(e, "%s", n->tar) : rc;
}

int compat_kernel_names(struct cas *cas, const struct compat_layer *layers, size_t count,
                        const char *tar, compat_visit_fn *visit, void *context, struct err *e)
{
    struct kernel_names n = {.tar = tar, .visit = visit, .context = context};
    return flatten(cas, layers, count, visit_names, &n, e);
}
