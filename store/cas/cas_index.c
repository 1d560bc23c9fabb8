/* SPDX-License-Identifier: Apache-2.0 */
/* References: index.json, an OCI image index that others may have written. */
#include "store/cas/cas_internal.h"

#include "base/host.h"
#include "base/json.h"
#include "base/media_types.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

int cas_index_parse(const void *data, size_t len, const char *what, json_t **out, struct err *e)
{
    const struct json_limits limits = {.bytes = CAS_INDEX_MAX, .depth = 32};
    AUTO_JSON json_t *doc = NULL;
    int rc = json_parse(data, len, what, &limits, &doc, e);
    if (rc < 0)
        return rc;
    struct jcur root = jcur_root(doc, what);
    struct jcur manifests;
    size_t count = 0;
    uint64_t version = 0;
    rc = jcur_open_object(&root, e);
    if (rc == 0)
        rc = jcur_get_u64(&root, "schemaVersion", 1000, &version, e);
    if (rc == 0 && version != 2)
        rc = jcur_fail(&root, e, "schemaVersion is not 2");
    if (rc == 0)
        rc = jcur_get(&root, "manifests", &manifests, e);
    if (rc == 0)
        rc = jcur_array(&manifests, CAS_REFS_MAX, &count, e);
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

/* Members that are not known are kept: the index is others' as well (OCI image index,
 * "extensibility"). */
static int index_read(struct cas *cas, json_t **out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(CAS_INDEX_MAX + 1);
    bool found = false;
    int rc = cas_read_small(cas, cas->root, "index.json", &text, &found, e);
    if (rc < 0)
        return rc;
    if (!found)
        return err_set(e, ERR_INPUT, "store '%s' has no index.json", cas->path);
    rc = cas_index_parse(buf_str(&text), text.len, "index.json", out, e);
    return rc == 0 ? 0 : err_wrap(e, "store '%s'", cas->path);
}

/* The name of a descriptor; NULL when it has none. Borrowed. */
static const char *descriptor_name(const json_t *descriptor)
{
    const json_t *annotations = json_object_get(descriptor, "annotations");
    return json_string_value(json_object_get(annotations, OCI_REF_NAME));
}

static int descriptor_read(const struct jcur *at, struct cas_ref *out, struct err *e)
{
    const char *media_type = NULL;
    int rc = jcur_open_object(at, e);
    if (rc == 0)
        rc = jcur_get_string(at, "mediaType", CAS_NAME_MAX, &media_type, e);
    if (rc == 0)
        rc = jcur_get_digest(at, "digest", &out->digest, e);
    if (rc == 0)
        rc = jcur_get_u64(at, "size", (uint64_t)INT64_MAX, &out->size, e);
    if (rc == 0)
        rc = str_copy(&out->media_type, media_type, e);
    struct jcur annotations;
    struct jcur name;
    if (rc < 0 || !jcur_opt(at, "annotations", &annotations))
        return rc;
    rc = jcur_open_object(&annotations, e);
    out->pinned = json_object_get(annotations.value, ASSAY_PINNED) != NULL;
    const char *kept = json_string_value(json_object_get(annotations.value, ASSAY_KEPT));
    if (kept == NULL || !time_parse(kept, &out->kept))
        out->kept = 0;
    if (rc < 0 || !jcur_opt(&annotations, OCI_REF_NAME, &name))
        return rc;
    const char *text = NULL;
    rc = jcur_string(&name, 4096, &text, e);
    return rc == 0 ? str_copy(&out->name, text, e) : rc;
}

void cas_refs_dispose(struct cas_refs *refs)
{
    for (size_t i = 0; i < refs->count; i++) {
        free(refs->items[i].name);
        free(refs->items[i].media_type);
    }
    free(refs->items);
    *refs = (struct cas_refs){0};
}

int cas_index_refs(json_t *doc, const char *what, struct cas_refs *out, struct err *e)
{
    struct jcur root = jcur_root(doc, what);
    struct jcur manifests;
    int rc = jcur_get(&root, "manifests", &manifests, e);
    if (rc < 0)
        return rc;
    size_t count = json_array_size(manifests.value);
    AUTO(cas_refs_dispose)
    struct cas_refs refs = {.items = array_new(count + 1, sizeof(*refs.items))};
    if (refs.items == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count && rc == 0; i++) {
        struct jcur at = jcur_item(&manifests, i);
        refs.count++;
        rc = descriptor_read(&at, &refs.items[i], e);
    }
    if (rc < 0)
        return rc;
    *out = refs;
    refs = (struct cas_refs){0};
    return 0;
}

int cas_ref_list(struct cas *cas, struct cas_refs *out, struct err *e)
{
    AUTO_JSON json_t *doc = NULL;
    int rc = index_read(cas, &doc, e);
    if (rc < 0)
        return rc;
    rc = cas_index_refs(doc, "index.json", out, e);
    return rc == 0 ? 0 : err_wrap(e, "store '%s'", cas->path);
}

int cas_ref_get(struct cas *cas, const char *name, bool *found, struct digest *digest,
                char **media_type, struct err *e)
{
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    int rc = cas_ref_list(cas, &refs, e);
    if (rc < 0)
        return rc;
    struct cas_ref *hit = NULL;
    for (size_t i = 0; i < refs.count; i++) {
        struct cas_ref *ref = &refs.items[i];
        if (ref->name == NULL || strcmp(ref->name, name) != 0)
            continue;
        if (hit != NULL)
            return err_set(e, ERR_INPUT, "reference '%s' is ambiguous in store '%s'", name,
                           cas->path);
        hit = ref;
    }
    *found = hit != NULL;
    if (hit != NULL && digest != NULL)
        *digest = hit->digest;
    if (hit != NULL && media_type != NULL)
        *media_type = steal_ptr(&hit->media_type);
    return 0;
}

/* Serialises writers of index.json: threads by the mutex, processes by the lock on a file of its
 * own. */
static int index_lock(struct cas *cas, int *lock, struct err *e)
{
    int rc = cas_need_writable(cas, e);
    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&cas->mutex);
    int fd = cas_lock_file(cas->root, "index.lock");
    rc = fd < 0 ? -1 : 0;
    while (rc == 0 && flock(fd, LOCK_EX) != 0)
        rc = errno == EINTR ? 0 : -1;
    if (rc < 0) {
        rc = err_os(e, errno, "cannot lock index.json of store '%s'", cas->path);
        scope_close(&fd);
        (void)pthread_mutex_unlock(&cas->mutex);
        return rc;
    }
    *lock = fd;
    return 0;
}

static void index_unlock(struct cas *cas, int *lock)
{
    scope_close(lock);
    *lock = -1;
    (void)pthread_mutex_unlock(&cas->mutex);
}

static int index_write(struct cas *cas, const json_t *doc, struct err *e)
{
    AUTO_BUF text = BUF_INIT(CAS_INDEX_MAX);
    int rc = jcs_format(doc, &text, e);
    if (rc == 0)
        rc = cas_replace(cas, cas->root, "index.json", text.data, text.len, true, e);
    return rc == 0 ? 0 : err_wrap(e, "cannot update the references of store '%s'", cas->path);
}

static bool plain_char(char c, const char *also)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(also, c) != NULL);
}

static bool plain_text(const char *text, const char *also)
{
    size_t len = strlen(text);
    if (len == 0 || len > CAS_NAME_MAX || !plain_char(text[0], ""))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!plain_char(text[i], also))
            return false;
    }
    return true;
}

static int check_ref(struct cas *cas, const char *name, const char *media_type,
                     const struct digest *digest, uint64_t size, struct err *e)
{
    if (!plain_text(name, "._:@+/-"))
        return err_set(e, ERR_USAGE,
                       "bad reference name '%s': it is 1 to 255 of A-Z a-z 0-9 . _ : @ + / - and "
                       "starts with a letter or digit",
                       name);
    if (!plain_text(media_type, "!#$&-^_.+/") || strchr(media_type, '/') == NULL)
        return err_set(e, ERR_USAGE, "bad media type '%s'", media_type);
    uint64_t actual = 0;
    if (!cas_has_own(cas, digest) || !cas_has(cas, digest, &actual))
        return cas_missing(cas, digest, e);
    if (actual != size)
        return cas_damaged(cas, digest, e, "it has not the size of its reference");
    return 0;
}

/* One of that name in the list. */
bool cas_index_find(const json_t *manifests, const char *name, size_t *at)
{
    for (size_t i = 0; i < json_array_size(manifests); i++) {
        const char *has = descriptor_name(json_array_get(manifests, i));
        if (has != NULL && strcmp(has, name) == 0) {
            *at = i;
            return true;
        }
    }
    return false;
}

static int new_descriptor(const char *name, const char *media_type, const struct digest *digest,
                          uint64_t size, json_t **out, struct err *e)
{
    AUTO_JSON json_t *descriptor = json_object();
    AUTO_JSON json_t *annotations = json_object();
    if (descriptor == NULL || annotations == NULL)
        return err_oom(e);
    int rc = json_put_string(annotations, OCI_REF_NAME, name, e);
    if (rc == 0)
        rc = json_put_string(descriptor, "mediaType", media_type, e);
    if (rc == 0)
        rc = json_put_digest(descriptor, "digest", digest, e);
    if (rc == 0)
        rc = json_put_u64(descriptor, "size", size, e);
    if (rc == 0)
        rc = json_put(descriptor, "annotations", steal_ptr(&annotations), e);
    if (rc == 0)
        *out = steal_ptr(&descriptor);
    return rc;
}

/* Takes the descriptors of that name out; *first is where the first one was. */
static size_t drop_named(json_t *manifests, const char *name, size_t *first)
{
    size_t dropped = 0;
    for (size_t i = 0; i < json_array_size(manifests);) {
        const char *has = descriptor_name(json_array_get(manifests, i));
        if (has == NULL || strcmp(has, name) != 0) {
            i++;
            continue;
        }
        if (dropped == 0)
            *first = i;
        (void)json_array_remove(manifests, i);
        dropped++;
    }
    return dropped;
}

int cas_index_descriptor(struct cas *cas, const char *name, const char *media_type,
                         const struct digest *digest, uint64_t size, json_t **out, struct err *e)
{
    int rc = check_ref(cas, name, media_type, digest, size, e);
    return rc == 0 ? new_descriptor(name, media_type, digest, size, out, e) : rc;
}

int cas_index_change(struct cas *cas, cas_index_changer *change, void *context, struct err *e)
{
    AUTO_JSON json_t *doc = NULL;
    bool changed = false;
    int lock = -1;
    int rc = index_lock(cas, &lock, e);
    if (rc < 0)
        return rc;
    rc = index_read(cas, &doc, e);
    if (rc == 0)
        rc = change(json_object_get(doc, "manifests"), context, &changed, e);
    if (rc == 0 && json_array_size(json_object_get(doc, "manifests")) > CAS_REFS_MAX)
        rc = err_set(e, ERR_HOST,
                     "store '%s' has too many references; 'assay store gc --keep-last N' lets "
                     "go of earlier plans",
                     cas->path);
    if (rc == 0 && changed)
        rc = index_write(cas, doc, e);
    index_unlock(cas, &lock);
    return rc;
}

/* A pin is taken off by whoever set it, not by a new thing of the same name. */
static int check_unpinned(const json_t *manifests, const char *name, struct err *e)
{
    size_t at = 0;
    if (!cas_index_find(manifests, name, &at))
        return 0;
    const json_t *annotations = json_object_get(json_array_get(manifests, at), "annotations");
    if (json_object_get(annotations, ASSAY_PINNED) == NULL)
        return 0;
    return err_set(e, ERR_USAGE, "reference '%s' is pinned; 'assay store unpin' lets it go", name);
}

struct set {
    const char *name;
    json_t *descriptor;
};

static int set_change(json_t *manifests, void *context, bool *changed, struct err *e)
{
    struct set *set = context;
    size_t at = SIZE_MAX;
    int rc = check_unpinned(manifests, set->name, e);
    if (rc < 0)
        return rc;
    (void)drop_named(manifests, set->name, &at);
    if (at > json_array_size(manifests))
        at = json_array_size(manifests);
    *changed = true;
    return json_array_insert_new(manifests, at, steal_ptr(&set->descriptor)) != 0 ? err_oom(e) : 0;
}

int cas_ref_set(struct cas *cas, const char *name, const char *media_type,
                const struct digest *digest, uint64_t size, struct err *e)
{
    struct set set = {.name = name};
    int rc = cas_index_descriptor(cas, name, media_type, digest, size, &set.descriptor, e);
    if (rc == 0)
        rc = cas_index_change(cas, set_change, &set, e);
    json_decref(set.descriptor);
    return rc;
}

struct removal {
    const char *name;
    bool found;
};

static int remove_change(json_t *manifests, void *context, bool *changed, struct err *e)
{
    struct removal *r = context;
    size_t at = 0;
    int rc = check_unpinned(manifests, r->name, e);
    if (rc < 0)
        return rc;
    r->found = drop_named(manifests, r->name, &at) != 0;
    *changed = r->found;
    return 0;
}

int cas_ref_remove(struct cas *cas, const char *name, bool *found, struct err *e)
{
    struct removal r = {.name = name};
    int rc = cas_index_change(cas, remove_change, &r, e);
    if (rc == 0)
        *found = r.found;
    return rc;
}
