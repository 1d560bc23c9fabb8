/* SPDX-License-Identifier: Apache-2.0 */
/* Garbage collection: everything is decided before anything is removed. */
#include "store/cas/cas_internal.h"

#include "base/encoding.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

enum {
    DOCUMENT_MAX = 64 * 1024 * 1024, /* a JSON blob that is followed */
    REACHED_MAX = 4 * 1024 * 1024,
};

enum mark { UNREACHED, KEPT, FOLLOWED };

/* A digest to visit; `follow` when its media type says JSON. */
struct visit {
    struct digest digest;
    bool follow;
};

struct gc {
    struct cas *cas;
    const struct cas_gc_options *options;
    struct cas_gc_result *result;
    struct cas_listing listing;
    uint8_t *marks; /* one enum mark per blob of the listing */
    uint8_t *told;  /* the same, of what references that go reach, and what actions name */
    struct visit *queue;
    size_t queue_len;
    size_t queue_cap;
};

void cas_gc_result_dispose(struct cas_gc_result *result)
{
    for (size_t i = 0; i < result->ref_count; i++) {
        free(result->refs[i].name);
        cas_digests_dispose(&result->refs[i].local);
    }
    free(result->refs);
    free(result->removed);
    free(result->lost);
    *result = (struct cas_gc_result){0};
}

static void gc_dispose(struct gc *gc)
{
    cas_listing_dispose(&gc->listing);
    free(gc->marks);
    free(gc->told);
    free(gc->queue);
}

static bool find_blob(const struct cas_listing *listing, const struct digest *digest, size_t *at)
{
    size_t low = 0;
    size_t high = listing->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = digest_compare(&listing->blobs[mid].digest, digest);
        if (order == 0) {
            *at = mid;
            return true;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static bool is_json(const char *media_type)
{
    return media_type != NULL && str_ends(media_type, "json");
}

static int enqueue(struct gc *gc, const struct digest *digest, bool follow, struct err *e)
{
    size_t at = 0;
    if (!find_blob(&gc->listing, digest, &at)) {
        gc->result->missing_blobs++;
        return 0;
    }
    enum mark wanted = follow ? FOLLOWED : KEPT;
    if (gc->marks[at] >= (uint8_t)wanted)
        return 0;
    if (gc->queue_len >= REACHED_MAX)
        return err_set(e, ERR_HOST, "the references of store '%s' reach too many blobs",
                       gc->cas->path);
    gc->marks[at] = (uint8_t)wanted;
    if (!follow)
        return 0;
    int rc = array_grow(&gc->queue, &gc->queue_cap, gc->queue_len + 1, sizeof(*gc->queue), e);
    if (rc == 0)
        gc->queue[gc->queue_len++] = (struct visit){.digest = *digest, .follow = follow};
    return rc;
}

/* A "digest" member: "sha256:…" (OCI) or {"sha256": "…"} (in-toto). Anything else names no blob of
 * ours. */
static bool read_member(const json_t *member, struct digest *out)
{
    struct err ignored = ERR_INIT;
    const char *text = json_string_value(member);
    if (text != NULL)
        return digest_parse(text, out, &ignored) == 0 && out->alg == DIGEST_SHA256;
    const char *hex = json_string_value(json_object_get(member, "sha256"));
    *out = (struct digest){.alg = DIGEST_SHA256};
    return hex != NULL && hex_decode(hex, strlen(hex), out->bytes, DIGEST_SHA256_SIZE);
}

/* Depth is bounded by json_parse's limit. */
static int scan_value(struct gc *gc, json_t *value, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; json_is_array(value) && rc == 0 && i < json_array_size(value); i++)
        rc = scan_value(gc, json_array_get(value, i), e);
    if (!json_is_object(value))
        return rc;
    struct digest digest;
    if (read_member(json_object_get(value, "digest"), &digest))
        rc = enqueue(gc, &digest, is_json(json_string_value(json_object_get(value, "mediaType"))),
                     e);
    const char *key;
    json_t *member;
    json_object_foreach(value, key, member)
    {
        if (rc == 0)
            rc = scan_value(gc, member, e);
    }
    return rc;
}

static int follow_blob(struct gc *gc, const struct digest *digest, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    AUTO_BUF bytes = BUF_INIT(DOCUMENT_MAX);
    AUTO_JSON json_t *doc = NULL;
    AUTO_FREE char *what = NULL;
    const struct json_limits limits = {.bytes = DOCUMENT_MAX, .depth = 128};
    int rc = str_format(&what, e, "blob %s", digest_format(digest, text));
    if (rc == 0)
        rc = cas_get(gc->cas, digest, &bytes, e);
    if (rc == 0)
        rc = json_parse(buf_str(&bytes), bytes.len, what, &limits, &doc, e);
    if (rc == 0)
        rc = scan_value(gc, doc, e);
    return rc == 0 ? 0 : err_wrap(e, "cannot tell what the references reach");
}

static int mark_ref(struct gc *gc, const struct cas_ref *ref, struct err *e)
{
    int rc = enqueue(gc, &ref->digest, is_json(ref->media_type), e);
    while (rc == 0 && gc->queue_len > 0) {
        struct visit next = gc->queue[--gc->queue_len];
        rc = follow_blob(gc, &next.digest, e);
    }
    return rc;
}

/* Of the inputs that nobody can fetch, those that nothing else keeps. */
static int only_its_own(const struct gc *gc, const struct cas_ref *ref, struct cas_digests *out,
                        struct err *e)
{
    size_t kept = 0;
    size_t at = 0;
    int rc = cas_locals(gc->cas, ref, out, e);
    for (size_t i = 0; rc == 0 && i < out->count; i++) {
        if (find_blob(&gc->listing, &out->items[i], &at) && gc->marks[at] == UNREACHED)
            out->items[kept++] = out->items[i];
    }
    out->count = kept;
    return rc;
}

/* What a reference that goes was kept for is told with it. */
static void tell_reached(const struct gc *gc, const struct cas_ref *ref)
{
    struct cas_gc_result aside = {0};
    struct err ignored = ERR_INIT; /* a damaged document can be let go of, too */
    struct gc reach = {.cas = gc->cas, .result = &aside, .listing = gc->listing, .marks = gc->told};
    (void)mark_ref(&reach, ref, &ignored);
    free(reach.queue);
}

/* One that may go: it goes, unless that would lose what nobody can fetch. */
static int let_go(struct gc *gc, const struct cas_ref *ref, struct err *e)
{
    struct cas_gc_result *result = gc->result;
    struct cas_gc_ref *item = &result->refs[result->ref_count];
    item->digest = ref->digest;
    item->kept = ref->kept;
    int rc = str_copy(&item->name, ref->name, e);
    if (rc < 0)
        return rc;
    result->ref_count++;
    rc = only_its_own(gc, ref, &item->local, e);
    item->held = item->local.count > 0 && !gc->options->drop_local;
    if (rc == 0 && !item->held)
        tell_reached(gc, ref);
    return rc == 0 && item->held ? mark_ref(gc, ref, e) : rc;
}

static int mark_all(struct gc *gc, struct err *e)
{
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    int rc = cas_ref_list(gc->cas, &refs, e);
    if (rc < 0)
        return rc;
    AUTO_FREE bool *goes = array_new(refs.count + 1, sizeof(*goes));
    gc->result->refs = array_new(refs.count + 1, sizeof(*gc->result->refs));
    if (goes == NULL || gc->result->refs == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < refs.count; i++) {
        goes[i] = cas_ref_may_go(&refs, i, gc->options);
        if (!goes[i])
            rc = mark_ref(gc, &refs.items[i], e);
    }
    for (size_t i = 0; rc == 0 && i < refs.count; i++)
        if (goes[i])
            rc = let_go(gc, &refs.items[i], e);
    return rc;
}

static int drop_change(json_t *manifests, void *context, bool *changed, struct err *e)
{
    const struct gc *gc = context;
    size_t at = 0;
    for (size_t i = 0; i < gc->result->ref_count; i++) {
        const struct cas_gc_ref *ref = &gc->result->refs[i];
        while (!ref->held && cas_index_find(manifests, ref->name, &at)) {
            *changed = true;
            if (json_array_remove(manifests, at) != 0)
                return err_oom(e);
        }
    }
    return 0;
}

/* The unreached ones, in order, into the result. */
static int choose(struct gc *gc, struct err *e)
{
    struct cas_gc_result *result = gc->result;
    result->removed = array_new(gc->listing.count + 1, sizeof(*result->removed));
    if (result->removed == NULL)
        return err_oom(e);
    for (size_t i = 0; i < gc->listing.count; i++) {
        const struct cas_blob *blob = &gc->listing.blobs[i];
        if (gc->marks[i] == UNREACHED) {
            result->removed[result->removed_count++] = *blob;
            result->removed_bytes += blob->size;
        } else {
            result->kept_blobs++;
            result->kept_bytes += blob->size;
        }
    }
    return 0;
}

/* Whether an action names, in any string, a blob that goes away; what it names can be made. */
static bool names_removed(const struct gc *gc, json_t *value)
{
    struct err ignored = ERR_INIT;
    struct digest digest;
    bool named = false;
    size_t at = 0;
    if (json_is_string(value) && digest_parse(json_string_value(value), &digest, &ignored) == 0 &&
        find_blob(&gc->listing, &digest, &at)) {
        gc->told[at] = KEPT;
        return gc->marks[at] == UNREACHED;
    }
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
        named = names_removed(gc, json_array_get(value, i)) || named;
    const char *key;
    json_t *member;
    json_object_foreach(value, key, member)
    {
        named = names_removed(gc, member) || named;
    }
    return named;
}

static int sweep_action(struct gc *gc, const char *name, struct err *e)
{
    struct digest key = {.alg = DIGEST_SHA256};
    AUTO_JSON json_t *value = NULL;
    bool found = false;
    bool drop = !hex_decode(name, strlen(name), key.bytes, DIGEST_SHA256_SIZE);
    if (!drop) {
        int rc = cas_action_get(gc->cas, &key, &value, &found, e);
        if (rc < 0)
            return rc;
        drop = !found || names_removed(gc, value); /* one that cannot be read is of no use */
        drop = drop || gc->options->all_actions;
    }
    if (!drop)
        return 0;
    struct stat st;
    if (fstatat(gc->cas->actions, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(st.st_mode))
        return 0;
    if (!gc->options->dry_run && unlinkat(gc->cas->actions, name, 0) != 0 && errno != ENOENT)
        return err_os(e, errno, "cannot remove action %s of store '%s'", name, gc->cas->path);
    gc->result->removed_actions++;
    gc->result->removed_bytes += (uint64_t)st.st_size;
    return 0;
}

/* Before the blobs: a crash between the two leaves no action without its outputs. */
static int sweep_actions(struct gc *gc, struct err *e)
{
    int fd = openat(gc->cas->actions, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL)
        return err_os(e, errno, "cannot list the actions of store '%s'", gc->cas->path);
    int rc = 0;
    for (struct dirent *entry; rc == 0 && (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            rc = sweep_action(gc, entry->d_name, e);
    }
    return rc;
}

/* The removed ones of which nothing told, once the actions were read. */
static int find_lost(struct gc *gc, struct err *e)
{
    struct cas_gc_result *result = gc->result;
    size_t at = 0;
    result->lost = array_new(result->removed_count + 1, sizeof(*result->lost));
    for (size_t i = 0; result->lost != NULL && i < result->removed_count; i++)
        result->lost[i] =
            find_blob(&gc->listing, &result->removed[i].digest, &at) && gc->told[at] == UNREACHED;
    return result->lost == NULL ? err_oom(e) : 0;
}

static int sweep_blobs(const struct gc *gc, struct err *e)
{
    for (size_t i = 0; i < gc->result->removed_count; i++) {
        char name[DIGEST_TEXT_MAX];
        if (unlinkat(gc->cas->blobs, digest_hex(&gc->result->removed[i].digest, name), 0) != 0 &&
            errno != ENOENT)
            return err_os(e, errno, "cannot remove blob %s of store '%s'", name, gc->cas->path);
    }
    return cas_sync_dir(gc->cas, gc->cas->blobs, e);
}

static int collect(struct gc *gc, struct err *e)
{
    int rc = cas_list(gc->cas, &gc->listing, e);
    if (rc < 0)
        return rc;
    gc->marks = array_new(gc->listing.count + 1, sizeof(*gc->marks));
    gc->told = array_new(gc->listing.count + 1, sizeof(*gc->told));
    if (gc->marks == NULL || gc->told == NULL)
        return err_oom(e);
    rc = mark_all(gc, e);
    if (rc == 0)
        rc = choose(gc, e);
    if (rc == 0)
        rc = cas_temp_clear(gc->cas, gc->options->dry_run, &gc->result->removed_temporary,
                            &gc->result->removed_bytes, e);
    if (rc == 0 && !gc->options->dry_run) /* before what they name */
        rc = cas_index_change(gc->cas, drop_change, gc, e);
    if (rc == 0)
        rc = sweep_actions(gc, e);
    if (rc == 0)
        rc = find_lost(gc, e);
    if (rc == 0 && !gc->options->dry_run) {
        rc = cas_quota_forget(gc->cas, e);
        if (rc == 0)
            rc = sweep_blobs(gc, e);
    }
    return rc == 0 ? cas_quota_recount(gc->cas, e) : rc;
}

int cas_gc(struct cas *cas, const struct cas_gc_options *options, struct cas_gc_result *out,
           struct err *e)
{
    int rc = cas_need_writable(cas, e);
    if (rc < 0)
        return rc;
    if (flock(cas->lock, LOCK_EX | LOCK_NB) != 0) {
        int why = errno;
        (void)flock(cas->lock, LOCK_SH); /* a failed upgrade may have lost the shared lock */
        if (why == EWOULDBLOCK)
            return err_set(e, ERR_HOST,
                           "cannot collect in store '%s': another program uses it; try again when "
                           "that is done",
                           cas->path);
        return err_os(e, why, "cannot lock store '%s'", cas->path);
    }
    AUTO(cas_gc_result_dispose) struct cas_gc_result result = {0};
    AUTO(gc_dispose) struct gc gc = {.cas = cas, .options = options, .result = &result};
    rc = collect(&gc, e);
    while (flock(cas->lock, LOCK_SH) != 0 && errno == EINTR)
        ;
    if (rc < 0)
        return rc;
    *out = result;
    result = (struct cas_gc_result){0};
    return 0;
}
