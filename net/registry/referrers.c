/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/referrers.h"

#include "base/json.h"
#include "base/media_types.h"
#include "net/registry/download.h"
#include "net/registry/image.h"
#include "net/registry/turn.h"
#include "net/registry/upload.h"

#include <stdio.h>
#include <string.h>

enum { PAGES_MAX = 64, REFERRERS_MAX = 16384, TAG_TRIES = 40, TAG_LOOKS = 3, TURN_SECONDS = 60 };

int referrers_parse(const void *data, size_t len, const char *type, json_t *list, struct err *e)
{
    AUTO_IMAGE index = {0};
    int rc = image_parse(data, len, "the list of referrers", &index, e);
    if (rc < 0)
        return rc;
    if (!index.is_index)
        return err_set(e, ERR_INPUT, "the list of referrers is no index");
    for (size_t i = 0; rc == 0 && i < index.count; i++) {
        const char *its = index.items[i].artifact_type;
        if (type != NULL && (its == NULL || strcmp(its, type) != 0))
            continue;
        if (json_array_size(list) == REFERRERS_MAX)
            return err_set(e, ERR_INPUT, "more than %d referrers", REFERRERS_MAX);
        rc = json_push(list, json_incref(index.items[i].json), e);
    }
    return rc;
}

/* ---- the API -------------------------------------------------------------------------------- */

static int next_page(const struct endpoint *ep, const struct document *d, char **url, struct err *e)
{
    char *next = NULL;
    if (d->link[0] == '\0') {
        free(*url);
        *url = NULL;
        return 0;
    }
    int rc = http_resolve(*url, d->link, &next, e);
    if (rc < 0)
        return rc;
    free(*url);
    *url = next;
    if (!http_same_host(next, endpoint_base(ep)))
        return err_set(e, ERR_INPUT, "'%s' has the next page of referrers at another host: refused",
                       endpoint_reference(ep)->host);
    return 0;
}

static int list_by_api(struct endpoint *ep, const struct digest *subject, const char *type,
                       json_t *list, bool *api, struct err *e)
{
    AUTO_FREE char *url = NULL;
    char text[DIGEST_TEXT_MAX];
    int rc =
        str_format(&url, e, "%s/referrers/%s", endpoint_base(ep), digest_format(subject, text));
    *api = true;
    for (unsigned page = 0; rc == 0 && url != NULL; page++) {
        struct document d = DOCUMENT_INIT;
        const struct endpoint_sink sink = document_sink(&d);
        long status = 0;
        if (page == PAGES_MAX)
            return err_set(e, ERR_INPUT, "more than %d pages of referrers", PAGES_MAX);
        rc = endpoint_get(ep, url, MEDIA_OCI_INDEX, &sink, "list of referrers", &status, e);
        if (rc < 0 && page == 0 && (status == 404 || status == 405 || status == 400)) {
            *api = false;
            rc = 0;
            free(url);
            url = NULL;
        } else if (rc == 0 &&
                   (rc = referrers_parse(buf_str(&d.text), d.text.len, type, list, e)) == 0) {
            rc = next_page(ep, &d, &url, e);
        }
        buf_dispose(&d.text);
    }
    return rc;
}

/* ---- the tag -------------------------------------------------------------------------------- */

static void fallback_tag(const struct digest *subject, char *out, size_t size)
{
    char hex[DIGEST_TEXT_MAX];
    (void)snprintf(out, size, "sha256-%s", digest_hex(subject, hex));
}

/* Nothing under the tag is an empty list. */
static int list_by_tag(struct endpoint *ep, const struct digest *subject, const char *type,
                       json_t *list, struct err *e)
{
    struct document d = DOCUMENT_INIT;
    struct digest got;
    long status = 0;
    char tag[DIGEST_TEXT_MAX + 8];
    fallback_tag(subject, tag, sizeof(tag));
    int rc = download_document(ep, tag, &d, &got, &status, e);
    if (rc == 0)
        rc = referrers_parse(buf_str(&d.text), d.text.len, type, list, e);
    else if (status == 404)
        rc = 0;
    buf_dispose(&d.text);
    return rc;
}

/* ---- both ----------------------------------------------------------------------------------- */

static const char *digest_of(const json_t *descriptor)
{
    return json_string_value(json_object_get(descriptor, "digest"));
}

static int compare(const void *a, const void *b)
{
    return strcmp(digest_of(*(json_t *const *)a), digest_of(*(json_t *const *)b));
}

/* By digest, each once. */
static int sort(const json_t *list, json_t **out, struct err *e)
{
    size_t count = json_array_size(list);
    AUTO_FREE json_t **items = array_new(count + 1, sizeof(*items));
    AUTO_JSON json_t *sorted = json_array();
    int rc = 0;
    if (items == NULL || sorted == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++)
        items[i] = json_array_get(list, i);
    if (count > 1)
        qsort(items, count, sizeof(*items), compare);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (i == 0 || strcmp(digest_of(items[i]), digest_of(items[i - 1])) != 0)
            rc = json_push(sorted, json_incref(items[i]), e);
    if (rc == 0)
        *out = steal_ptr(&sorted);
    return rc;
}

int referrers_list(struct endpoint *ep, const struct digest *subject, const char *type,
                   json_t **out, bool *api, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    if (list == NULL)
        return err_oom(e);
    int rc = list_by_api(ep, subject, type, list, api, e);
    if (rc == 0 && !*api)
        rc = list_by_tag(ep, subject, type, list, e);
    return rc < 0 ? rc : sort(list, out, e);
}

/* ---- adding --------------------------------------------------------------------------------- */

static bool has(const json_t *list, const json_t *descriptor)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(digest_of(json_array_get(list, i)), digest_of(descriptor)) == 0)
            return true;
    return false;
}

static int put_list(struct endpoint *ep, const char *tag, json_t *list, struct err *e)
{
    AUTO_JSON json_t *index = json_object();
    AUTO_BUF text = BUF_INIT(REGISTRY_DOCUMENT_MAX);
    struct digest digest;
    if (index == NULL)
        return err_oom(e);
    int rc = json_put_u64(index, "schemaVersion", 2, e);
    if (rc < 0 || (rc = json_put_string(index, "mediaType", MEDIA_OCI_INDEX, e)) < 0 ||
        (rc = json_put(index, "manifests", json_incref(list), e)) < 0 ||
        (rc = jcs_format(index, &text, e)) < 0 ||
        (rc = digest_bytes(DIGEST_SHA256, text.data, text.len, &digest, e)) < 0)
        return rc;
    return upload_manifest(ep, tag, MEDIA_OCI_INDEX, text.data, text.len, &digest, NULL, e);
}

/* What has to be under the tag: what is added, and all that was seen there. */
struct attaching {
    struct endpoint *ep;
    const struct digest *subject;
    json_t *wanted;
    char tag[DIGEST_TEXT_MAX + 8];
};

/* Into `to`, what it has not. *more: there was any. */
static int merge(json_t *to, const json_t *from, bool *more, struct err *e)
{
    for (size_t i = 0; i < json_array_size(from); i++) {
        json_t *item = json_array_get(from, i);
        if (has(to, item))
            continue;
        *more = true;
        int rc = json_push(to, json_incref(item), e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Adds what is not there; *there tells that nothing had to be. */
static int add_once(struct attaching *a, bool *there, struct err *e)
{
    char what[DIGEST_TEXT_MAX + 1024];
    AUTO_CLOSE int turn = -1;
    AUTO_JSON json_t *list = json_array();
    const struct reference *at = endpoint_reference(a->ep);
    bool ignored = false;
    bool lacks = false;
    if (list == NULL)
        return err_oom(e);
    (void)snprintf(what, sizeof(what), "%.300s/%.300s %s", at->host, at->path, a->tag);
    int rc = turn_take(what, TURN_SECONDS, &turn, e);
    if (rc == 0 && (rc = list_by_tag(a->ep, a->subject, NULL, list, e)) < 0)
        rc = err_wrap(e, "cannot read what '%s' has attached so far", at->host);
    if (rc == 0)
        rc = merge(a->wanted, list, &ignored, e);
    if (rc == 0)
        rc = merge(list, a->wanted, &lacks, e);
    *there = !lacks;
    return rc == 0 && lacks ? put_list(a->ep, a->tag, list, e) : rc;
}

/*
 * Registries cannot replace a tag only when it is what was read. Processes of this machine take
 * turns. For the others it is looked at again, after longer and longer moments: who read the tag
 * before we wrote it has written by then. What was seen under it once has to stay, too, whoever
 * put it there: so it is enough that the last one who writes looks.
 */
static int add_until_it_stays(struct attaching *a, struct err *e)
{
    unsigned seen = 0;
    bool written = false;
    for (unsigned i = 0; i < TAG_TRIES; i++) {
        bool there = false;
        int rc = add_once(a, &there, e);
        if (rc < 0)
            return rc;
        seen = there ? seen + 1 : 0;
        if (there && (!written || seen == TAG_LOOKS))
            return 0;
        written = written || !there;
        if (seen > 0)
            (void)http_wait(endpoint_client(a->ep)->http, seen, 0);
    }
    return err_set(e, ERR_HOST,
                   "'%s': others write the tag %.20s… at the same time, again and again; push the "
                   "attachment again",
                   endpoint_reference(a->ep)->host, a->tag);
}

int referrers_add(struct endpoint *ep, const struct digest *subject, const json_t *descriptor,
                  struct err *e)
{
    AUTO_JSON json_t *wanted = json_array();
    json_t *copy = json_deep_copy(descriptor);
    if (wanted == NULL || copy == NULL) {
        json_decref(copy);
        return err_oom(e);
    }
    struct attaching a = {.ep = ep, .subject = subject, .wanted = wanted};
    fallback_tag(subject, a.tag, sizeof(a.tag));
    int rc = json_push(wanted, copy, e);
    return rc == 0 ? add_until_it_stays(&a, e) : rc;
}
