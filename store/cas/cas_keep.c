/* SPDX-License-Identifier: Apache-2.0 */
/* What stays: references whose earlier ones are kept beside them, pins, and what nobody can fetch.
 */
#include "store/cas/cas_internal.h"

#include "base/host.h"
#include "base/json.h"
#include "base/media_types.h"
#include "base/origin.h"

#include <stdlib.h>
#include <string.h>

enum { DOCUMENT_MAX = 64 * 1024 * 1024 };

/* ---- keeping ---- */

struct keep {
    const char *name;
    const struct digest *digest;
    json_t *descriptor; /* owned until it is in the index */
};

static json_t *annotations_of(const json_t *descriptor)
{
    return json_object_get(descriptor, "annotations");
}

static bool is_pinned(const json_t *descriptor)
{
    return json_object_get(annotations_of(descriptor), ASSAY_PINNED) != NULL;
}

static bool same_blob(const json_t *descriptor, const struct digest *digest)
{
    char text[DIGEST_TEXT_MAX];
    const char *has = json_string_value(json_object_get(descriptor, "digest"));
    return has != NULL && strcmp(has, digest_format(digest, text)) == 0;
}

/* The one that has the name gets "NAME@DIGEST", right behind the new one. */
static int step_aside(json_t *manifests, size_t at, const char *name, struct err *e)
{
    AUTO_FREE char *aside = NULL;
    json_t *old = json_array_get(manifests, at);
    const char *digest = json_string_value(json_object_get(old, "digest"));
    int rc = str_format(&aside, e, "%s@%s", name, digest != NULL ? digest : "");
    return rc < 0 ? rc : json_put_string(annotations_of(old), OCI_REF_NAME, aside, e);
}

/* The same blob under its former name: it is the newest again, and stays pinned if it was. */
static int take_back(json_t *manifests, const struct keep *k, struct err *e)
{
    AUTO_FREE char *aside = NULL;
    char text[DIGEST_TEXT_MAX];
    size_t at = 0;
    int rc = str_format(&aside, e, "%s@%s", k->name, digest_format(k->digest, text));
    if (rc < 0)
        return rc;
    while (cas_index_find(manifests, aside, &at)) {
        if (is_pinned(json_array_get(manifests, at)))
            rc = json_put_string(annotations_of(k->descriptor), ASSAY_PINNED, "true", e);
        if (rc < 0 || json_array_remove(manifests, at) != 0)
            return rc < 0 ? rc : err_oom(e);
    }
    return 0;
}

static int keep_change(json_t *manifests, void *context, bool *changed, struct err *e)
{
    struct keep *k = context;
    size_t at = 0;
    int rc = take_back(manifests, k, e);
    if (rc < 0)
        return rc;
    if (!cas_index_find(manifests, k->name, &at)) {
        at = json_array_size(manifests);
    } else if (same_blob(json_array_get(manifests, at), k->digest)) {
        if (is_pinned(json_array_get(manifests, at)))
            rc = json_put_string(annotations_of(k->descriptor), ASSAY_PINNED, "true", e);
        if (rc == 0 && json_array_remove(manifests, at) != 0)
            rc = err_oom(e);
    } else {
        rc = step_aside(manifests, at, k->name, e);
    }
    if (rc == 0 && json_array_insert_new(manifests, at, steal_ptr(&k->descriptor)) != 0)
        rc = err_oom(e);
    *changed = true;
    return rc;
}

int cas_ref_keep(struct cas *cas, const char *name, const char *media_type,
                 const struct digest *digest, uint64_t size, int64_t now, struct err *e)
{
    char text[24];
    AUTO_JSON json_t *descriptor = NULL;
    struct keep k = {.name = name, .digest = digest};
    if (strlen(name) + DIGEST_TEXT_MAX > CAS_NAME_MAX)
        return err_set(e, ERR_USAGE, "the name '%.40s…' is too long to be kept by", name);
    int rc = cas_index_descriptor(cas, name, media_type, digest, size, &descriptor, e);
    if (rc == 0)
        rc = json_put_string(annotations_of(descriptor), ASSAY_KEPT, time_format(now, text), e);
    if (rc < 0)
        return rc;
    k.descriptor = steal_ptr(&descriptor);
    rc = cas_index_change(cas, keep_change, &k, e);
    json_decref(k.descriptor);
    return rc;
}

/* ---- pins ---- */

struct pin {
    const char *name;
    bool pinned;
    bool found;
};

static int pin_change(json_t *manifests, void *context, bool *changed, struct err *e)
{
    struct pin *p = context;
    size_t at = 0;
    p->found = cas_index_find(manifests, p->name, &at);
    if (!p->found)
        return 0;
    json_t *annotations = annotations_of(json_array_get(manifests, at));
    *changed = (json_object_get(annotations, ASSAY_PINNED) != NULL) != p->pinned;
    if (p->pinned)
        return json_put_string(annotations, ASSAY_PINNED, "true", e);
    (void)json_object_del(annotations, ASSAY_PINNED);
    return 0;
}

int cas_ref_pin(struct cas *cas, const char *name, bool pinned, bool *found, struct err *e)
{
    struct pin p = {.name = name, .pinned = pinned};
    int rc = cas_index_change(cas, pin_change, &p, e);
    if (rc == 0)
        *found = p.found;
    return rc;
}

/* ---- which ones a collector may let go ---- */

/* "NAME@sha256:…" is an earlier one of NAME; what is no such name is the newest of its own. */
static size_t family_length(const struct cas_ref *ref, bool *earlier)
{
    char suffix[DIGEST_TEXT_MAX + 1] = "@";
    (void)digest_format(&ref->digest, suffix + 1);
    *earlier = ref->name != NULL && str_ends(ref->name, suffix);
    return ref->name == NULL ? 0 : strlen(ref->name) - (*earlier ? strlen(suffix) : 0);
}

/* Whether `a` is of the same family as the earlier one `b`, and newer. */
static bool is_newer(const struct cas_refs *refs, size_t a, size_t b)
{
    bool a_earlier = false;
    bool b_earlier = false;
    const struct cas_ref *x = &refs->items[a];
    const struct cas_ref *y = &refs->items[b];
    size_t b_len = family_length(y, &b_earlier);
    if (a == b || x->name == NULL || strncmp(x->name, y->name, b_len) != 0 ||
        family_length(x, &a_earlier) != b_len)
        return false;
    if (!a_earlier)
        return true;
    return x->kept != y->kept ? x->kept > y->kept : a < b;
}

bool cas_ref_may_go(const struct cas_refs *refs, size_t i, const struct cas_gc_options *options)
{
    const struct cas_ref *ref = &refs->items[i];
    bool earlier = false;
    uint64_t newer = 0;
    (void)family_length(ref, &earlier);
    if (!earlier || ref->pinned || (options->keep_last == 0 && options->older_than == 0))
        return false;
    if (options->older_than != 0 &&
        (ref->kept == 0 || options->now - ref->kept < options->older_than))
        return false;
    for (size_t k = 0; k < refs->count; k++)
        newer += is_newer(refs, k, i);
    return options->keep_last == 0 || newer >= options->keep_last;
}

/* ---- what nobody can fetch ---- */

struct locals {
    struct cas *cas;
    struct cas_digests *out;
};

static int add_digest(struct cas_digests *out, const struct digest *digest, struct err *e)
{
    int rc = array_grow(&out->items, &out->cap, out->count + 1, sizeof(*out->items), e);
    if (rc == 0)
        out->items[out->count++] = *digest;
    return rc;
}

static int local_item(const struct locals *l, const json_t *item, struct err *e)
{
    struct digest digest;
    struct err ignored = ERR_INIT;
    const char *text = json_string_value(json_object_get(item, "digest"));
    const json_t *from = json_object_get(item, "from");
    if (text == NULL || !json_is_object(from) || origin_is_fetched(from) ||
        digest_parse(text, &digest, &ignored) < 0 || !cas_has(l->cas, &digest, NULL))
        return 0;
    return add_digest(l->out, &digest, e);
}

int cas_locals(struct cas *cas, const struct cas_ref *ref, struct cas_digests *out, struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(DOCUMENT_MAX);
    AUTO_JSON json_t *doc = NULL;
    const struct json_limits limits = {.bytes = DOCUMENT_MAX, .depth = 128};
    const struct locals l = {cas, out};
    if (!cas_has(cas, &ref->digest, NULL))
        return 0;
    /* It came with a plan archive, and no document says from where else. */
    if (strcmp(ref->media_type, MEDIA_ASSAY_BUILDER) == 0)
        return add_digest(out, &ref->digest, e);
    if (!str_ends(ref->media_type, "json"))
        return 0;
    int rc = cas_get(cas, &ref->digest, &bytes, e);
    if (rc == 0)
        rc = json_parse(buf_str(&bytes), bytes.len, "what a reference names", &limits, &doc, e);
    const json_t *inputs = json_object_get(doc, "inputs");
    for (size_t i = 0; rc == 0 && i < json_array_size(inputs); i++)
        rc = local_item(&l, json_array_get(inputs, i), e);
    return rc == 0 ? 0 : err_wrap(e, "cannot tell what '%s' needs", ref->name);
}

void cas_digests_dispose(struct cas_digests *digests)
{
    free(digests->items);
    *digests = (struct cas_digests){0};
}
