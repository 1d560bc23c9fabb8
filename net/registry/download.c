/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/download.h"

#include "base/buf.h"
#include "base/media_types.h"

#include <string.h>

static const char accepted[] =
    MEDIA_OCI_INDEX ", " MEDIA_OCI_MANIFEST ", " MEDIA_DOCKER_INDEX ", " MEDIA_DOCKER_MANIFEST;

/* ---- documents ------------------------------------------------------------------------------- */

static int document_restart(void *context, struct err *e)
{
    struct document *d = context;
    (void)e;
    buf_cut(&d->text, 0);
    d->have = 0;
    return 0;
}

static int document_body(void *context, const struct http_answer *answer, const void *data,
                         size_t len, struct err *e)
{
    struct document *d = context;
    if (answer->received == 0)
        (void)document_restart(d, e);
    if (len > REGISTRY_DOCUMENT_MAX - d->text.len)
        return err_set(e, ERR_INPUT, "the answer has more than %d bytes", REGISTRY_DOCUMENT_MAX);
    memcpy(d->digest, answer->digest, sizeof(d->digest));
    memcpy(d->link, answer->link, sizeof(d->link));
    int rc = buf_add(&d->text, data, len, e);
    d->have = d->text.len;
    return rc;
}

struct endpoint_sink document_sink(struct document *d)
{
    return (struct endpoint_sink){document_body, document_restart, d, &d->have, CAS_SIZE_UNKNOWN};
}

/*
 * What a registry says that its bytes are (Docker-Content-Digest; "" = nothing), by whatever
 * algorithm it says it.
 */
static int check_said(const char *said, const void *data, size_t len, const char *host,
                      const char *what, struct err *e)
{
    struct digest claimed;
    struct digest got;
    struct err ignored = ERR_INIT;
    if (said[0] == '\0')
        return 0;
    if (digest_parse(said, &claimed, &ignored) < 0)
        return err_set(e, ERR_INPUT,
                       "'%s' says that the digest of its %s is '%.80s', which is none", host, what,
                       said);
    int rc = digest_bytes(claimed.alg, data, len, &got, e);
    if (rc < 0 || digest_equal(&got, &claimed))
        return rc;
    return err_set(e, ERR_INPUT,
                   "'%s' sends a %s that does not match its digest, by which it is %.80s", host,
                   what, said);
}

int download_document(struct endpoint *ep, const char *name, struct document *d, struct digest *out,
                      long *status, struct err *e)
{
    const struct reference *at = endpoint_reference(ep);
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *what = NULL;
    const struct endpoint_sink sink = document_sink(d);
    int rc = str_format(&url, e, "%s/manifests/%s", endpoint_base(ep), name);
    if (rc < 0 || (rc = str_format(&what, e, "manifest %s of %s", name, at->path)) < 0 ||
        (rc = endpoint_get(ep, url, accepted, &sink, what, status, e)) < 0 ||
        (rc = digest_bytes(DIGEST_SHA256, buf_str(&d->text), d->text.len, out, e)) < 0)
        return rc;
    return check_said(d->digest, buf_str(&d->text), d->text.len, at->host, what, e);
}

int download_manifest(struct endpoint *ep, const char *name, const struct digest *expected,
                      struct digest *out, struct err *e)
{
    const struct reference *at = endpoint_reference(ep);
    struct document d = DOCUMENT_INIT;
    struct digest got;
    int rc = download_document(ep, name, &d, &got, NULL, e);
    if (rc == 0 && expected != NULL && !digest_equal(&got, expected))
        rc = err_set(e, ERR_INPUT, "'%s' sends a manifest %s of %s that does not match its digest",
                     at->host, name, at->path);
    if (rc == 0)
        rc = cas_put(endpoint_client(ep)->cas, buf_str(&d.text), d.text.len, out, e);
    buf_dispose(&d.text);
    return rc;
}

/* ---- blobs --------------------------------------------------------------------------------- */

struct blob {
    struct client *client;
    const struct wanted *wanted;
    struct cas_writer *writer;
    uint64_t have;
    bool resumed;
};

static int blob_restart(void *context, struct err *e)
{
    struct blob *b = context;
    client_count(b->client, -(int64_t)b->have);
    cas_writer_free(b->writer);
    b->writer = NULL;
    b->have = 0;
    b->resumed = false;
    return cas_writer_new(b->client->cas, &b->wanted->digest, b->wanted->size, &b->writer, e);
}

bool download_contradicts(const char *said, const struct digest *wanted)
{
    struct digest got;
    struct err ignored = ERR_INIT;
    return said[0] != '\0' && (digest_parse(said, &got, &ignored) < 0 ||
                               (got.alg == wanted->alg && !digest_equal(&got, wanted)));
}

/* The answer must be the bytes from where we are, or all of them from the start. */
static int blob_begin(struct blob *b, const struct http_answer *answer, struct err *e)
{
    uint64_t size = b->wanted->size;
    int rc = 0;
    if (answer->status == 200 && b->have > 0 && (rc = blob_restart(b, e)) < 0)
        return rc;
    /* The bytes are checked as they come; a registry that calls them something else is confused. */
    if (download_contradicts(answer->digest, &b->wanted->digest))
        return err_set(e, ERR_INPUT, "the answer says that it is %.80s", answer->digest);
    if (answer->length != UINT64_MAX && answer->length != size - b->have)
        return err_set(e, ERR_INPUT, "the answer has %llu bytes, %llu were expected",
                       (unsigned long long)answer->length, (unsigned long long)(size - b->have));
    b->resumed = b->resumed || b->have > 0;
    return 0;
}

static int blob_body(void *context, const struct http_answer *answer, const void *data, size_t len,
                     struct err *e)
{
    struct blob *b = context;
    int rc = answer->received == 0 ? blob_begin(b, answer, e) : 0;
    if (rc < 0 || (rc = cas_writer_write(b->writer, data, len, e)) < 0)
        return rc;
    b->have += len;
    client_count(b->client, (int64_t)len);
    return 0;
}

int download_blob(struct endpoint *ep, const struct wanted *wanted, struct err *e)
{
    const struct reference *at = endpoint_reference(ep);
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *what = NULL;
    char text[DIGEST_TEXT_MAX];
    struct digest digest;
    uint64_t size = 0;
    struct blob b = {.client = endpoint_client(ep), .wanted = wanted};
    const struct endpoint_sink sink = {blob_body, blob_restart, &b, &b.have, wanted->size};
    int rc =
        str_format(&url, e, "%s/blobs/%s", endpoint_base(ep), digest_format(&wanted->digest, text));
    if (rc == 0)
        rc = str_format(&what, e, "blob %.19s… of %s", text, at->path);
    if (rc == 0)
        rc = blob_restart(&b, e);
    for (bool once_more = true; rc == 0; once_more = false) {
        if ((rc = endpoint_get(ep, url, NULL, &sink, what, NULL, e)) < 0)
            break;
        bool resumed = b.resumed;
        rc = cas_writer_commit(b.writer, &digest, &size, e);
        if (rc == 0)
            break;
        if (rc != -ERR_INPUT || !resumed || !once_more) {
            rc = err_wrap(e, "'%s' sends a wrong %s", at->host, what);
            break;
        }
        rc = blob_restart(&b, e); /* the parts did not fit together: all of it, once */
    }
    if (rc < 0)
        client_count(b.client, -(int64_t)b.have);
    cas_writer_free(b.writer);
    return rc;
}

int download(struct endpoint *ep, const struct wanted *wanted, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    struct digest got;
    if (!wanted->is_manifest)
        return download_blob(ep, wanted, e);
    return download_manifest(ep, digest_format(&wanted->digest, text), &wanted->digest, &got, e);
}
