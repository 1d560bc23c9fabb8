#include "builder/lock/registry.h"

#include "base/workers.h"
#include "builder/lock/oci_layout.h"
#include "builder/registry/credentials.h"
#include "builder/registry/reference.h"
#include "builder/registry/token.h"

#include <pthread.h>
#include <string.h>

enum {
    DOCUMENT_MAX = 4 * 1024 * 1024,
    JOBS_DEFAULT = 4,
    CHALLENGES_MAX = 3,       /* of one blob: a token may run out on the way */
    PROGRESS_MIN = 64 * 1024, /* a try that brought so much does not count against the retries */
};

#define ACCEPT_MANIFEST                                                                            \
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "        \
    "application/vnd.docker.distribution.manifest.list.v2+json, "                                  \
    "application/vnd.docker.distribution.manifest.v2+json"

struct registry {
    struct registry_options options;
    struct http *http;
};

int registry_new(const struct registry_options *options, struct registry **out, struct err *e)
{
    struct registry *r = calloc(1, sizeof *r);
    if (r == NULL)
        return err_oom(e);
    r->options = *options;
    int rc = http_new(&options->http, &r->http, e);
    if (rc < 0) {
        free(r);
        return rc;
    }
    *out = r;
    return 0;
}

void registry_free(struct registry *r)
{
    if (r == NULL)
        return;
    http_free(r->http);
    free(r);
}

/* ---- one image ----------------------------------------------------------------------------- */

struct session {
    struct registry *registry;
    const char *name; /* of the image, for progress */
    struct reference reference;
    char *base; /* "https://HOST/v2/PATH" */
    pthread_mutex_t lock;
    char *authorization; /* what the registry wanted last; NULL = nothing yet */
    unsigned generation; /* counts what it was replaced by */
    uint64_t done;       /* bytes, of `total` */
    uint64_t total;
};

static int session_init(struct session *s, struct registry *r, const char *text, struct err *e)
{
    s->registry = r;
    int rc = reference_parse(text, r->options.registry, &s->reference, e);
    if (rc < 0)
        return rc;
    const char *host = s->reference.host;
    bool plain = http_plain(r->http, host);
    if (strcmp(host, REFERENCE_HOST_DEFAULT) == 0)
        host = "registry-1.docker.io";
    rc =
        str_format(&s->base, e, "%s://%s/v2/%s", plain ? "http" : "https", host, s->reference.path);
    return rc == 0 && pthread_mutex_init(&s->lock, NULL) != 0 ? err_oom(e) : rc;
}

static void session_dispose(struct session *s)
{
    secret_free(s->authorization);
    if (s->base != NULL)
        pthread_mutex_destroy(&s->lock);
    free(s->base);
}

/* The authorization of now, to be used outside the lock. */
static int session_authorization(struct session *s, char **out, unsigned *generation, struct err *e)
{
    int rc = 0;
    pthread_mutex_lock(&s->lock);
    *generation = s->generation;
    if (s->authorization != NULL)
        rc = str_copy(out, s->authorization, e);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* Answers a challenge, unless another thread has done so since `generation`. */
static int session_login(struct session *s, const char *challenge, unsigned generation,
                         struct err *e)
{
    const struct registry_options *o = &s->registry->options;
    int rc = 0;
    pthread_mutex_lock(&s->lock);
    if (s->generation == generation) {
        const struct token_request request = {
            .challenge = challenge,
            .reference = &s->reference,
            .docker_config = o->docker_config,
            .env = o->env,
        };
        char *fresh = NULL;
        rc = token_get(s->registry->http, &request, &fresh, e);
        if (rc == 0) {
            secret_free(s->authorization);
            s->authorization = fresh;
            s->generation++;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}

/* ---- getting bytes, with patience ----------------------------------------------------------- */

/* Where a body goes. `have` bytes are there; `restart` throws them away. */
struct sink {
    int (*body)(void *context, const struct http_answer *answer, const void *data, size_t len,
                struct err *e);
    int (*restart)(void *context, struct err *e);
    void *context;
    uint64_t *have;
    uint64_t size; /* all of it, CAS_SIZE_UNKNOWN = until the answer ends */
};

static int refused(const struct session *s, const struct http_answer *answer, const char *what,
                   struct err *e)
{
    const char *host = s->reference.host;
    long status = answer->status;
    if (status == 404)
        return err_set(e, ERR_INPUT, "'%s' has no %s", host, what);
    if (status == 401 || status == 403)
        return err_set(e, ERR_INPUT, "'%s' does not give %s: access denied (%ld)", host, what,
                       status);
    if (status == 429)
        return err_set(e, ERR_HOST, "'%s' does not give %s: too many requests (429)", host, what);
    return err_set(e, status >= 500 ? ERR_HOST : ERR_INPUT, "'%s' does not give %s: status %ld",
                   host, what, status);
}

static bool status_transient(long status)
{
    return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

enum verdict { VERDICT_DONE, VERDICT_LOGIN, VERDICT_WAIT, VERDICT_RESTART, VERDICT_REFUSED };

static enum verdict judge(const struct http_answer *answer, const struct sink *sink,
                          unsigned challenges)
{
    if (answer->status == 200 || answer->status == 206)
        return sink->size == CAS_SIZE_UNKNOWN || *sink->have == sink->size ? VERDICT_DONE
                                                                           : VERDICT_WAIT;
    if (answer->status == 401 && answer->challenge[0] != '\0' && challenges < CHALLENGES_MAX)
        return VERDICT_LOGIN;
    if (answer->status == 416 && *sink->have > 0)
        return VERDICT_RESTART;
    return status_transient(answer->status) ? VERDICT_WAIT : VERDICT_REFUSED;
}

static int get_once(struct session *s, const char *url, const char *accept, const struct sink *sink,
                    struct http_answer *answer, unsigned *generation, bool *again, struct err *e)
{
    AUTO_SECRET char *authorization = NULL;
    int rc = session_authorization(s, &authorization, generation, e);
    if (rc < 0)
        return rc;
    const struct http_request request = {
        .url = url,
        .accept = accept,
        .authorization = authorization,
        .from = sink->size == CAS_SIZE_UNKNOWN ? 0 : *sink->have,
        .max = sink->size == CAS_SIZE_UNKNOWN ? DOCUMENT_MAX : sink->size,
        .body = sink->body,
        .context = sink->context,
    };
    if (sink->size == CAS_SIZE_UNKNOWN && *sink->have > 0 &&
        (rc = sink->restart(sink->context, e)) < 0)
        return rc;
    return http_get(s->registry->http, &request, answer, again, e);
}

/* `what` is for complaints: "blob sha256:…". */
static int get(struct session *s, const char *url, const char *accept, const struct sink *sink,
               const char *what, struct err *e)
{
    unsigned challenges = 0;
    unsigned attempt = 0;
    uint64_t best = 0;
    for (;;) {
        struct http_answer answer = {.status = 0};
        unsigned generation = 0;
        uint64_t before = *sink->have;
        bool again = false;
        int rc = get_once(s, url, accept, sink, &answer, &generation, &again, e);
        if (rc < 0 && !again)
            return err_wrap(e, "cannot fetch %s", what);
        /* A connection that breaks behind the last byte took nothing away. */
        bool complete = rc < 0 && sink->size != CAS_SIZE_UNKNOWN && *sink->have == sink->size &&
                        *sink->have > before;
        if (complete)
            return 0;
        enum verdict verdict = rc < 0 ? VERDICT_WAIT : judge(&answer, sink, challenges);
        if (verdict == VERDICT_DONE)
            return 0;
        if (verdict == VERDICT_REFUSED)
            return refused(s, &answer, what, e);
        if (verdict == VERDICT_LOGIN) {
            challenges++;
            if ((rc = session_login(s, answer.challenge, generation, e)) < 0)
                return err_wrap(e, "cannot log in to '%s'", s->reference.host);
            continue;
        }
        if (verdict == VERDICT_RESTART && (rc = sink->restart(sink->context, e)) < 0)
            return rc;
        if (*sink->have > best && *sink->have - best >= PROGRESS_MIN) {
            best = *sink->have;
            attempt = 0;
        }
        if (http_wait(s->registry->http, attempt++, rc < 0 ? 0 : answer.retry_after))
            continue;
        if (rc < 0)
            return err_wrap(e, "cannot fetch %s", what);
        if (answer.status == 200 || answer.status == 206)
            return err_set(e, ERR_HOST, "cannot fetch %s: '%s' cut it off again and again", what,
                           s->reference.host);
        return refused(s, &answer, what, e);
    }
}

/* ---- documents ------------------------------------------------------------------------------- */

struct document {
    struct buf text;
    uint64_t have;
    char digest[DIGEST_TEXT_MAX + 1]; /* what the registry says it is */
};

static int document_body(void *context, const struct http_answer *answer, const void *data,
                         size_t len, struct err *e)
{
    struct document *d = context;
    if (len > DOCUMENT_MAX - d->text.len)
        return err_set(e, ERR_INPUT, "the answer has more than %d bytes", DOCUMENT_MAX);
    memcpy(d->digest, answer->digest, sizeof d->digest);
    int rc = buf_add(&d->text, data, len, e);
    d->have = d->text.len;
    return rc;
}

static int document_restart(void *context, struct err *e)
{
    struct document *d = context;
    (void)e;
    d->text.len = 0;
    d->have = 0;
    return 0;
}

/* A manifest or index by tag (expected NULL) or digest, into the store. */
static int fetch_manifest(struct session *s, const char *name, const struct digest *expected,
                          struct digest *out, struct err *e)
{
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *what = NULL;
    struct document d = {.text = BUF_INIT(DOCUMENT_MAX)};
    struct digest got;
    struct digest said;
    const struct sink sink = {document_body, document_restart, &d, &d.have, CAS_SIZE_UNKNOWN};
    int rc = str_format(&url, e, "%s/manifests/%s", s->base, name);
    if (rc == 0)
        rc = str_format(&what, e, "manifest %s of %s", name, s->reference.path);
    if (rc == 0)
        rc = get(s, url, ACCEPT_MANIFEST, &sink, what, e);
    if (rc == 0)
        rc = digest_bytes(DIGEST_SHA256, buf_str(&d.text), d.text.len, &got, e);
    if (rc == 0 && ((expected != NULL && !digest_equal(&got, expected)) ||
                    (d.digest[0] != '\0' && digest_parse(d.digest, &said, e) == 0 &&
                     said.alg == DIGEST_SHA256 && !digest_equal(&got, &said))))
        rc = err_set(e, ERR_INPUT, "'%s' sends a %s that does not match its digest",
                     s->reference.host, what);
    if (rc == 0)
        rc = cas_put(s->registry->options.cas, buf_str(&d.text), d.text.len, out, e);
    buf_dispose(&d.text);
    return rc;
}

/* ---- blobs --------------------------------------------------------------------------------- */

struct blob {
    struct session *session;
    const struct oci_wanted *wanted;
    struct cas_writer *writer;
    uint64_t have;
    bool resumed;
};

static void count(struct session *s, int64_t bytes)
{
    uint64_t done = __atomic_add_fetch(&s->done, (uint64_t)bytes, __ATOMIC_RELAXED);
    progress_show(s->registry->options.progress, s->name, done, s->total);
}

static int blob_restart(void *context, struct err *e)
{
    struct blob *b = context;
    count(b->session, -(int64_t)b->have);
    cas_writer_free(b->writer);
    b->writer = NULL;
    b->have = 0;
    b->resumed = false;
    return cas_writer_new(b->session->registry->options.cas, &b->wanted->digest, b->wanted->size,
                          &b->writer, e);
}

/* The answer must be the bytes from where we are, or all of them from the start. */
static int blob_begin(struct blob *b, const struct http_answer *answer, struct err *e)
{
    uint64_t size = b->wanted->size;
    int rc = 0;
    if (answer->status == 200) {
        if (b->have > 0 && (rc = blob_restart(b, e)) < 0)
            return rc;
    } else if (answer->range_start != b->have) {
        return err_set(e, ERR_INPUT, "the answer is another part than the one asked for");
    }
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
    count(b->session, (int64_t)len);
    return 0;
}

static int fetch_blob(struct session *s, const struct oci_wanted *wanted, struct err *e)
{
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *what = NULL;
    char text[DIGEST_TEXT_MAX];
    struct digest digest;
    uint64_t size = 0;
    struct blob b = {.session = s, .wanted = wanted};
    const struct sink sink = {blob_body, blob_restart, &b, &b.have, wanted->size};
    int rc = str_format(&url, e, "%s/blobs/%s", s->base, digest_format(&wanted->digest, text));
    if (rc == 0)
        rc = str_format(&what, e, "blob %.19s… of %s", text, s->reference.path);
    if (rc == 0)
        rc = blob_restart(&b, e);
    for (bool once_more = true; rc == 0; once_more = false) {
        if ((rc = get(s, url, NULL, &sink, what, e)) < 0)
            break;
        bool resumed = b.resumed;
        rc = cas_writer_commit(b.writer, &digest, &size, e);
        if (rc == 0)
            break;
        if (rc != -ERR_INPUT || !resumed || !once_more) {
            rc = err_wrap(e, "'%s' sends a wrong %s", s->reference.host, what);
            break;
        }
        rc = blob_restart(&b, e); /* the parts did not fit together: all of it, once */
    }
    cas_writer_free(b.writer);
    return rc;
}

/* ---- what reading an image asks for --------------------------------------------------------- */

struct batch {
    struct session *session;
    const struct oci_wanted **items;
    size_t count;
};

static int fetch_item(void *context, size_t i, struct err *e)
{
    struct batch *batch = context;
    const struct oci_wanted *w = batch->items[i];
    struct digest got;
    char text[DIGEST_TEXT_MAX];
    if (w->is_manifest)
        return fetch_manifest(batch->session, digest_format(&w->digest, text), &w->digest, &got, e);
    return fetch_blob(batch->session, w, e);
}

static bool batch_has(const struct batch *batch, const struct digest *digest)
{
    for (size_t i = 0; i < batch->count; i++)
        if (digest_equal(&batch->items[i]->digest, digest))
            return true;
    return false;
}

static int session_fetch(void *context, const struct oci_wanted *list, size_t total, struct err *e)
{
    struct session *s = context;
    const struct registry_options *o = &s->registry->options;
    AUTO_FREE const struct oci_wanted **items = array_new(total + 1, sizeof(*items));
    struct batch batch = {.session = s, .items = items};
    if (items == NULL)
        return err_oom(e);
    for (size_t i = 0; i < total; i++) {
        uint64_t size = 0;
        bool there = cas_has(o->cas, &list[i].digest, &size) &&
                     (list[i].size == CAS_SIZE_UNKNOWN || list[i].size == size);
        if (there || batch_has(&batch, &list[i].digest))
            continue;
        if (list[i].size != CAS_SIZE_UNKNOWN)
            s->total += list[i].size;
        items[batch.count++] = &list[i];
    }
    return workers_run(o->jobs > 0 ? o->jobs : JOBS_DEFAULT, batch.count, fetch_item, &batch, e);
}

int registry_lock(struct registry *r, const char *reference, const char *platform, const char *name,
                  struct locked *out, struct err *e)
{
    AUTO(session_dispose) struct session s = {.name = name};
    int rc = session_init(&s, r, reference, e);
    if (rc < 0)
        return rc;
    struct digest manifest = s.reference.digest;
    if (manifest.alg == 0 && (rc = fetch_manifest(&s, s.reference.tag, NULL, &manifest, e)) < 0)
        return rc;
    const struct oci_origin origin = {session_fetch, &s, s.reference.path};
    const struct oci_request request = {
        .layout = cas_path(r->options.cas),
        .origin = &origin,
        .manifest = &manifest,
        .platform = platform,
        .name = name,
        .cas = r->options.cas,
    };
    if ((rc = oci_lock(&request, out, e)) < 0)
        return err_wrap(e, "image '%s'", reference);
    return 0;
}
