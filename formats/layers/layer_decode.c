/* SPDX-License-Identifier: Apache-2.0 */
/* One archive to entries and a pack: filters, whiteouts told from files, the merged /usr. */
#include "base/file.h"
#include "formats/layers/deb_control.h"
#include "formats/layers/deb_reader.h"
#include "formats/layers/layer.h"
#include "formats/stream/relay.h"
#include "formats/tar/tar_reader.h"
#include "formats/tree/pack.h"
#include "formats/tree/tree_internal.h"

#include <string.h>

static const char whiteout_prefix[] = ".wh.";
static const char aufs_prefix[] = ".wh..wh."; /* what aufs kept for itself */
static const char opaque_name[] = ".wh..wh..opq";

const char *const merged_names[MERGED_COUNT] = {"bin",   "sbin",   "lib",   "lib32",
                                                "lib64", "libo32", "libx32"};

int merged_index(const char *path)
{
    size_t len = strcspn(path, "/");
    for (int i = 0; i < MERGED_COUNT; i++)
        if (strlen(merged_names[i]) == len && memcmp(path, merged_names[i], len) == 0)
            return i;
    return -1;
}

bool layers_keep(const struct layers_options *o, const char *path)
{
    if (path[0] == 0)
        return true;
    if (o->include != NULL && glob_list_count(o->include) > 0 &&
        !glob_list_chooses(o->include, path))
        return false;
    return !glob_list_covers(o->exclude, path);
}

size_t layer_need(const struct layer_needs *needs, const char *path)
{
    size_t lo = 0;
    size_t hi = needs->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(needs->paths[mid], path);
        if (order == 0)
            return mid;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return SIZE_MAX;
}

void layer_free(struct layer *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->count; i++)
        tree_xattrs_free(l->entries[i].xattrs, l->entries[i].xattr_count);
    free(l->entries);
    free(l->text);
    free(l->wanted);
    deb_control_free(l->control);
    free(l);
}

static void scope_layer(struct layer **l)
{
    layer_free(*l);
}

/* ---- decoding one archive ---- */

struct decode {
    const struct layer_input *input;
    const struct layers_options *options;
    const struct layer_needs *needs;
    struct layer *layer;
    struct tar_reader *tar;
    struct hasher *hasher;    /* of one file, when contents stay where they are */
    struct pack_writer *pack; /* else */
    unsigned threads;         /* for decompressing */
    bool direct;              /* contents stay in the blob, `base` being where the tar begins */
    bool all_packed;          /* none do: there is a sparse file */
    uint64_t base;
    char path[TREE_PATH_MAX + 1]; /* of the entry that is being read */
};

static int add_text(struct layer *l, const char *prefix, const char *text, size_t *at,
                    struct err *e)
{
    size_t a = strlen(prefix);
    size_t b = strlen(text) + 1;
    int rc = array_grow(&l->text, &l->text_cap, l->text_len + a + b, 1, e);
    if (rc < 0)
        return rc;
    memcpy(l->text + l->text_len, prefix, a);
    memcpy(l->text + l->text_len + a, text, b);
    *at = l->text_len;
    l->text_len += a + b;
    return 0;
}

/* lib -> usr/lib: what takes a top-level name over is not itself moved. */
static bool is_merged_link(const struct tar_entry *n)
{
    if (n->type != TREE_SYMLINK || strchr(n->path, '/') != NULL)
        return false;
    const char *target = n->link + strspn(n->link, "/");
    return str_starts(target, "usr/") && strcmp(target + 4, n->path) == 0;
}

const char *layers_merged_prefix(const char *path)
{
    return merged_index(path) >= 0 ? "usr/" : "";
}

/* "usr/" when the path moves there. */
static const char *merged_prefix(const struct decode *d, const char *path)
{
    bool merges = d->input->form == LAYER_DEB && d->options->usr_merged;
    return merges ? layers_merged_prefix(path) : "";
}

/* What aufs kept for itself says nothing of the tree, and neither does what lies in it. */
static bool is_of_aufs(const struct decode *d, const char *path)
{
    for (const char *p = path; d->input->form != LAYER_DEB && p != NULL; p = strchr(p, '/')) {
        p += *p == '/';
        if (str_starts(p, aufs_prefix) && !str_starts(p, opaque_name))
            return true;
    }
    return false;
}

/* Splits "a/.wh.b" into role and the path it speaks of. The text is changed in place. */
static int find_role(const struct decode *d, struct tar_entry *n, enum layer_role *role,
                     struct err *e)
{
    *role = ROLE_ENTRY;
    if (d->input->form == LAYER_DEB)
        return 0;
    char *base = strrchr(n->path, '/');
    base = base != NULL ? base + 1 : n->path;
    for (const char *p = n->path; p < base; p = strchr(p, '/') + 1)
        if (str_starts(p, whiteout_prefix))
            return err_set(e, ERR_INPUT, "'%.200s' lies below a whiteout", n->path);
    if (!str_starts(base, whiteout_prefix))
        return 0;
    if (n->type == TREE_DIR)
        return err_set(e, ERR_INPUT, "'%.200s': a whiteout is no directory", n->path);
    if (strcmp(base, opaque_name) == 0) {
        *role = ROLE_OPAQUE;
        if (base > n->path)
            base--;
        *base = 0;
        return 0;
    }
    *role = ROLE_WHITEOUT;
    char *name = base + strlen(whiteout_prefix);
    if (!tree_name_valid(name))
        return err_set(e, ERR_INPUT, "'%.200s' is a whiteout of no name", n->path);
    memmove(base, name, strlen(name) + 1);
    return 0;
}

static int read_content(struct decode *d, const struct tar_entry *n, struct tree_content *out,
                        struct err *e)
{
    int rc = d->direct ? hasher_restart(d->hasher, e) : pack_writer_begin(d->pack, e);
    while (rc == 0) {
        const uint8_t *data;
        size_t len = 0;
        rc = tar_reader_data(d->tar, &data, &len, e);
        if (rc < 0 || len == 0)
            break;
        rc = d->direct ? hasher_update(d->hasher, data, len, e)
                       : pack_writer_write(d->pack, data, len, e);
    }
    if (rc < 0)
        return rc;
    if (!d->direct)
        return pack_writer_end(d->pack, out, e);
    struct digest digest;
    rc = hasher_final(d->hasher, &digest, e);
    if (rc < 0)
        return rc;
    memcpy(out->sha256, digest.bytes, DIGEST_SHA256_SIZE);
    out->size = n->size;
    if (n->size > 0) {
        out->offset = d->base + n->offset;
        d->layer->has_pack = true;
    }
    return 0;
}

/* A kept hard link whose target the filter drops: the target is wanted. */
static int note_want(struct decode *d, const struct layer_entry *n, struct err *e)
{
    struct layer *l = d->layer;
    const char *target = layer_link(l, n);
    if (layers_keep(d->options, target) || layer_need(d->needs, target) != SIZE_MAX)
        return 0;
    int rc = array_grow(&l->wanted, &l->wanted_cap, l->wanted_count + 1, sizeof(*l->wanted), e);
    if (rc == 0)
        l->wanted[l->wanted_count++] = n->link;
    return rc;
}

static void fill_entry(struct layer_entry *to, struct tar_entry *n, int64_t clamp)
{
    to->type = n->type;
    to->hard_link = n->hard_link;
    to->mode = n->mode;
    to->uid = n->uid;
    to->gid = n->gid;
    to->mtime = n->mtime < clamp ? n->mtime : clamp;
    to->major = n->major;
    to->minor = n->minor;
    to->xattrs = steal_ptr(&n->xattrs);
    to->xattr_count = n->xattr_count;
    n->xattr_count = 0;
}

static int check_merged_entry(struct decode *d, const struct tar_entry *n, bool *moves,
                              struct err *e)
{
    *moves = merged_prefix(d, n->path)[0] != 0 && !is_merged_link(n);
    if (!*moves)
        return 0;
    if (strchr(n->path, '/') == NULL && n->type != TREE_DIR)
        return err_set(e, ERR_INPUT,
                       "'%.200s' is neither a directory nor the link to usr/ that a merged system "
                       "has",
                       n->path);
    d->layer->merged[merged_index(n->path)] = true;
    return 0;
}

/* Adds what something takes to what all have taken. */
static int add_cost(const struct decode *d, size_t cost, struct err *e)
{
    if (atomic_fetch_add(d->needs->cost, cost) + cost > LAYERS_COST_MAX)
        return err_set(e, ERR_INPUT, "too many entries");
    return 0;
}

static int count_cost(const struct decode *d, const struct tar_entry *n, struct err *e)
{
    size_t cost = LAYERS_ENTRY_COST + strlen(n->path) + (n->link != NULL ? strlen(n->link) : 0);
    for (size_t i = 0; i < n->xattr_count; i++)
        cost += sizeof(n->xattrs[i]) + strlen(n->xattrs[i].name) + n->xattrs[i].len;
    return add_cost(d, cost, e);
}

static int add_entry(struct decode *d, struct tar_entry *n, struct err *e)
{
    struct layer *l = d->layer;
    enum layer_role role;
    bool moves = false;
    size_t text_before = l->text_len;
    int rc = find_role(d, n, &role, e);
    struct layer_entry *to = NULL;
    if (rc == 0)
        rc = array_grow(&l->entries, &l->cap, l->count + 1, sizeof(*l->entries), e);
    if (rc < 0)
        return rc;
    bool merged_before[MERGED_COUNT];
    memcpy(merged_before, l->merged, sizeof(merged_before));
    rc = check_merged_entry(d, n, &moves, e);
    to = &l->entries[l->count];
    *to = (struct layer_entry){.role = role, .link = SIZE_MAX, .moved = moves};
    if (rc == 0)
        rc = add_text(l, moves ? "usr/" : "", n->path, &to->path, e);
    if (rc < 0)
        return rc;
    if (role == ROLE_ENTRY && !layers_keep(d->options, layer_path(l, to))) {
        to->hidden = layer_need(d->needs, layer_path(l, to)) != SIZE_MAX;
        memcpy(l->merged, merged_before, sizeof(merged_before));
        if (!to->hidden) {
            l->text_len = text_before;
            return 0;
        }
    }
    if ((rc = count_cost(d, n, e)) < 0)
        return rc;
    if (n->link != NULL && role == ROLE_ENTRY)
        rc = add_text(l, n->hard_link ? merged_prefix(d, n->link) : "", n->link, &to->link, e);
    if (rc == 0 && n->hard_link && role == ROLE_ENTRY)
        rc = note_want(d, to, e);
    if (rc < 0)
        return rc;
    fill_entry(to, n, d->options->clamp);
    l->count++; /* from here on the layer frees the attributes */
    if (n->sparse && d->direct) {
        d->all_packed = true;
        return err_set(e, ERR_INPUT, "a sparse file has its zeros elsewhere");
    }
    if (role == ROLE_ENTRY && n->type == TREE_FILE && !n->hard_link)
        rc = read_content(d, n, &to->content, e);
    return rc;
}

static int decode_tar(struct decode *d, const struct source *from, struct err *e)
{
    AUTO_TAR_READER struct tar_reader *tar = NULL;
    int rc = tar_reader_new(from, &tar, e);
    d->tar = tar;
    if (rc == 0 && d->input->form == LAYER_DEB)
        tar_reader_like_dpkg(tar);
    else if (rc == 0) { /* dpkg reads no sparse files */
        tar_reader_take_sparse(tar);
        tar_reader_open_end(tar);
    }
    while (rc == 0) {
        struct tar_entry *n = NULL;
        rc = tar_reader_next(tar, &n, e);
        if (rc < 0 || n == NULL)
            break;
        layer_reach(d->path, n->path);
        if (!is_of_aufs(d, n->path))
            rc = add_entry(d, n, e);
    }
    d->tar = NULL;
    if (rc < 0)
        return rc;
    return d->direct ? 0 : pack_writer_commit(d->pack, &d->layer->has_pack, &d->layer->pack, e);
}

/* ---- the uncompressed stream's digest ---- */

struct tee {
    struct source from;
    struct hasher *hasher;
};

static int read_tee(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    struct tee *t = context;
    size_t n = 0;
    int rc = t->from.read(t->from.context, data, len, &n, e);
    if (rc == 0 && n > 0)
        rc = hasher_update(t->hasher, data, n, e);
    if (rc == 0)
        *got = n;
    return rc;
}

static int check_diff_id(const struct digest *want, const struct digest *got, struct err *e)
{
    if (digest_equal(want, got))
        return 0;
    char a[DIGEST_TEXT_MAX];
    char b[DIGEST_TEXT_MAX];
    return err_set(e, ERR_INPUT, "its uncompressed digest is %s, expected was %s",
                   digest_format(got, a), digest_format(want, b));
}

/* `raw` is compressed as `kind` says and begins at `base` of the blob. */
static int decode_stream(struct decode *d, const struct source *raw, enum compression kind,
                         uint64_t base, struct err *e)
{
    const struct digest *want = &d->input->diff_id;
    if (kind == COMPRESSION_NONE && d->layer->control == NULL && !d->all_packed) {
        d->direct = true;
        d->base = base;
        d->layer->pack = d->input->blob;
        int rc = want->alg != 0 ? check_diff_id(want, &d->input->blob, e) : 0;
        return rc < 0 ? rc : decode_tar(d, raw, e);
    }
    AUTO_DECOMPRESSOR struct decompressor *plain = NULL;
    AUTO_HASHER struct hasher *hasher = NULL;
    AUTO_SOURCE_RELAY struct source_relay *relay = NULL;
    struct decompress_options o = {.threads = d->threads,
                                   .ratio_max = d->options->expansion,
                                   .tail_max = d->input->form == LAYER_DEB ? DEB_TAIL_MAX : 0};
    int rc = decompressor_new(kind, raw, &o, &plain, e);
    if (rc < 0)
        return rc;
    struct source stream = decompressor_source(plain);
    struct tee tee = {.from = stream};
    if (want->alg != 0) {
        rc = hasher_new(want->alg, &hasher, e);
        tee.hasher = hasher;
        stream = (struct source){.context = &tee, .read = read_tee};
    }
    /* With a thread to spare it unpacks and hashes, while this one reads entries and packs them. */
    if (rc == 0 && d->threads > 1 && kind != COMPRESSION_NONE &&
        (rc = source_relay_new(&stream, &relay, e)) == 0)
        stream = source_relay_source(relay);
    if (rc == 0)
        rc = decode_tar(d, &stream, e);
    source_relay_free(steal_ptr(&relay));
    if (rc < 0 && decompressor_is_bomb(plain) && d->path[0] != '\0')
        return err_wrap(e, "'%s'", d->path);
    if (rc == 0 && want->alg != 0) {
        struct digest got;
        rc = hasher_final(hasher, &got, e);
        if (rc == 0)
            rc = check_diff_id(want, &got, e);
    }
    return rc;
}

/* What the package says of itself, which stays in memory until its database is written. */
static int read_control(struct decode *d, const struct source *from, enum compression compression,
                        struct err *e)
{
    int rc = deb_control_read(from, compression, d->pack, &d->layer->control, e);
    if (rc < 0)
        return rc;
    const struct deb_control *c = d->layer->control;
    size_t cost = (c->count + 1) * LAYERS_ENTRY_COST;
    for (int i = 0; i < DEB_TEXTS; i++) {
        cost += c->len[i];
        for (size_t k = 0; k < c->len[i]; k++) /* each line may become a list's element */
            cost += c->text[i][k] == '\n' ? LAYERS_ENTRY_COST / 8 : 0;
    }
    return add_cost(d, cost, e);
}

static int decode_package(struct decode *d, const struct source *raw, struct err *e)
{
    AUTO_DEB_READER struct deb_reader *deb = NULL;
    int rc = deb_reader_open(raw, &deb, e);
    if (rc < 0)
        return rc;
    struct source data = deb_reader_source(deb);
    if (d->options->packages != NULL)
        rc = read_control(d, &data, deb_reader_compression(deb), e);
    if (rc == 0)
        rc = deb_reader_data(deb, e);
    if (rc < 0)
        return rc;
    rc = decode_stream(d, &data, deb_reader_compression(deb), deb_reader_offset(deb), e);
    return rc < 0 ? rc : deb_reader_finish(deb, e);
}

static int read_blob(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    return cas_stream_read(context, data, len, got, e);
}

/* A blob that is one file: 0:0, at the time that the build gives. */
static int decode_file(struct decode *d, const struct source *raw, struct err *e)
{
    struct layer *l = d->layer;
    uint8_t chunk[16384];
    uint64_t size = 0;
    size_t got = 0;
    int rc = 0;
    do {
        rc = raw->read(raw->context, chunk, sizeof(chunk), &got, e);
        size += rc == 0 ? got : 0;
    } while (rc == 0 && got > 0);
    if (rc < 0 || !layers_keep(d->options, d->input->path))
        return rc;
    rc = array_grow(&l->entries, &l->cap, 1, sizeof(*l->entries), e);
    if (rc < 0)
        return rc;
    struct layer_entry *n = &l->entries[0];
    *n = (struct layer_entry){.role = ROLE_ENTRY,
                              .type = TREE_FILE,
                              .mode = d->input->mode,
                              .mtime = d->options->clamp,
                              .link = SIZE_MAX,
                              .content = {.size = size}};
    memcpy(n->content.sha256, d->input->blob.bytes, DIGEST_SHA256_SIZE);
    l->pack = d->input->blob;
    l->has_pack = size > 0;
    rc = add_text(l, "", d->input->path, &n->path, e);
    l->count = rc == 0;
    return rc;
}

/* *all_packed: contents are not to stay in the blob; or, when it fails so, they should not have. */
static int decode_once(struct cas *cas, const struct layer_input *input,
                       const struct layers_options *o, const struct layer_needs *needs,
                       unsigned threads, bool *all_packed, struct layer **out, struct err *e)
{
    AUTO(scope_layer) struct layer *layer = calloc(1, sizeof(*layer));
    AUTO_HASHER struct hasher *hasher = NULL;
    AUTO_PACK_WRITER struct pack_writer *pack = NULL;
    AUTO_CAS_STREAM struct cas_stream *blob = NULL;
    if (layer == NULL)
        return err_oom(e);
    int rc = cas_stream_open(cas, &input->blob, &blob, e);
    if (rc == 0)
        rc = hasher_new(DIGEST_SHA256, &hasher, e);
    if (rc == 0)
        rc = pack_writer_new(cas, &pack, e);
    if (rc < 0)
        return rc;
    struct source raw = {.context = blob, .read = read_blob};
    struct decode d = {.input = input,
                       .options = o,
                       .needs = needs,
                       .threads = threads,
                       .layer = layer,
                       .hasher = hasher,
                       .pack = pack,
                       .all_packed = *all_packed};
    rc = input->form == LAYER_DEB    ? decode_package(&d, &raw, e)
         : input->form == LAYER_FILE ? decode_file(&d, &raw, e)
                                     : decode_stream(&d, &raw, input->compression, 0, e);
    *all_packed = d.all_packed;
    /* The blob is hashed while it is decoded: nothing counts before all of it was right. */
    rc = cas_stream_finish(blob, rc, e);
    if (rc == 0)
        *out = steal_ptr(&layer);
    return rc;
}

int layer_decode(struct cas *cas, const struct layer_input *input, const struct layers_options *o,
                 const struct layer_needs *needs, unsigned threads, struct layer **out,
                 struct err *e)
{
    struct err first = ERR_INIT;
    bool all_packed = false;
    int rc = decode_once(cas, input, o, needs, threads, &all_packed, out, &first);
    if (rc < 0 && !all_packed)
        *e = first;
    else if (rc < 0)
        rc = decode_once(cas, input, o, needs, threads, &all_packed, out, e);
    return rc < 0 ? err_wrap(e, "layer '%s'", input->name) : 0;
}
