/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/upload.h"

#include "base/file.h"
#include "base/media_types.h"
#include "net/registry/download.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* One blob on its way. */
struct sending {
    struct endpoint *ep;
    const struct upload *upload;
    const char *what; /* for complaints */
    int fd;
    struct hasher *hasher;
    uint64_t hashed;  /* so many bytes are in the hash */
    uint64_t start;   /* of the piece that is being sent */
    uint64_t counted; /* bytes that the progress line has */
    uint64_t chunk;
    char *location; /* of the upload; NULL: none is open */
    uint64_t taken; /* bytes that the registry has of it */
};

/* ---- the bytes ------------------------------------------------------------------------------ */

static int read_bytes(const struct sending *s, uint64_t offset, void *data, size_t len,
                      struct err *e)
{
    if (s->upload->path != NULL)
        return fd_pread_all(s->fd, data, len, offset, s->upload->path, e);
    memcpy(data, (const uint8_t *)s->upload->data + offset, len);
    return 0;
}

/* Each byte is hashed once, in order; the last ones are not handed out unless all are right. */
static int check_bytes(struct sending *s, uint64_t offset, const uint8_t *data, size_t len,
                       struct err *e)
{
    struct digest got;
    uint64_t end = offset + len;
    if (end <= s->hashed)
        return 0;
    if (offset > s->hashed)
        return err_set(e, ERR_HOST, "bytes of '%s' were left out", s->what);
    size_t known = (size_t)(s->hashed - offset);
    int rc = hasher_update(s->hasher, data + known, len - known, e);
    if (rc < 0)
        return rc;
    s->hashed = end;
    if (end < s->upload->size)
        return 0;
    if ((rc = hasher_final(s->hasher, &got, e)) < 0)
        return rc;
    if (!digest_equal(&got, &s->upload->digest))
        return err_set(e, ERR_INPUT, "'%s' does not match its digest",
                       s->upload->path != NULL ? s->upload->path : s->what);
    return 0;
}

static int send_bytes(void *context, uint64_t offset, void *data, size_t len, struct err *e)
{
    struct sending *s = context;
    uint64_t at = s->start + offset;
    int rc = read_bytes(s, at, data, len, e);
    if (rc < 0 || (rc = check_bytes(s, at, data, len, e)) < 0)
        return rc;
    if (at + len > s->counted) {
        client_count(endpoint_client(s->ep), (int64_t)(at + len - s->counted));
        s->counted = at + len;
    }
    return 0;
}

/* ---- the exchange ---------------------------------------------------------------------------- */

/* What the registry calls what it got. */
static int compare(const struct endpoint *ep, const char *said, const struct digest *wanted,
                   const char *what, struct err *e)
{
    struct digest got;
    char text[DIGEST_TEXT_MAX];
    struct err ignored = ERR_INIT;
    if (said[0] == '\0' || (digest_parse(said, &got, &ignored) == 0 && digest_equal(&got, wanted)))
        return 0;
    return err_set(e, ERR_INPUT, "'%s' says that it has %.80s, but %s (%s) was sent",
                   endpoint_reference(ep)->host, said, what, digest_format(wanted, text));
}

/* Whether the registry has the blob, with that size. */
static int look(struct sending *s, bool *there, struct err *e)
{
    AUTO_FREE char *url = NULL;
    struct http_answer answer = {.status = 0};
    char text[DIGEST_TEXT_MAX];
    int rc = str_format(&url, e, "%s/blobs/%s", endpoint_base(s->ep),
                        digest_format(&s->upload->digest, text));
    if (rc < 0)
        return rc;
    struct http_request request = {.method = HTTP_HEAD, .url = url};
    if ((rc = endpoint_call(s->ep, &request, &answer, "cannot ask for a blob", e)) < 0)
        return rc;
    *there = answer.status == 200;
    if (*there && answer.length != UINT64_MAX && answer.length != s->upload->size)
        return err_set(e, ERR_INPUT, "'%s' has %s with another size",
                       endpoint_reference(s->ep)->host, s->what);
    if (*there && download_contradicts(answer.digest, &s->upload->digest))
        return compare(s->ep, answer.digest, &s->upload->digest, s->what, e);
    if (*there)
        return 0;
    return answer.status == 404 ? 0 : endpoint_refused(s->ep, &answer, "does not take", s->what, e);
}

static int follow(struct sending *s, const char *base, const struct http_answer *answer,
                  struct err *e)
{
    char *next = NULL;
    if (answer->location[0] == '\0')
        return err_set(e, ERR_INPUT, "'%s' does not say where to send %s",
                       endpoint_reference(s->ep)->host, s->what);
    int rc = http_resolve(base, answer->location, &next, e);
    if (rc < 0)
        return err_wrap(e, "cannot send %s", s->what);
    free(s->location);
    s->location = next;
    return 0;
}

static int open_upload(struct sending *s, struct err *e)
{
    AUTO_FREE char *url = NULL;
    struct http_answer answer = {.status = 0};
    int rc = str_format(&url, e, "%s/blobs/uploads/", endpoint_base(s->ep));
    if (rc < 0)
        return rc;
    struct http_request request = {.method = HTTP_POST, .url = url};
    if ((rc = endpoint_call(s->ep, &request, &answer, "cannot start an upload", e)) < 0)
        return rc;
    if (answer.status != 202)
        return endpoint_refused(s->ep, &answer, "does not take", s->what, e);
    s->taken = 0;
    return follow(s, url, &answer, e);
}

static int final_url(const struct sending *s, char **out, struct err *e)
{
    char hex[DIGEST_TEXT_MAX];
    if (s->location == NULL)
        return err_set(e, ERR_HOST, "no upload is open");
    return str_format(out, e, "%s%cdigest=sha256%%3A%s", s->location,
                      strchr(s->location, '?') != NULL ? '&' : '?',
                      digest_hex(&s->upload->digest, hex));
}

/* The whole blob, or after the pieces nothing, under its digest. */
static int close_upload(struct sending *s, struct http_answer *answer, bool *again, struct err *e)
{
    AUTO_FREE char *url = NULL;
    int rc = final_url(s, &url, e);
    if (rc < 0)
        return rc;
    s->start = s->taken;
    struct http_request request = {
        .method = HTTP_PUT,
        .url = url,
        .content_type = MEDIA_BYTES,
        .send_size = s->upload->size - s->taken,
        .send = send_bytes,
        .send_context = s,
    };
    return endpoint_once(s->ep, &request, answer, again, e);
}

static int send_piece(struct sending *s, struct http_answer *answer, bool *again, struct err *e)
{
    uint64_t left = s->upload->size - s->taken;
    uint64_t len = left < s->chunk ? left : s->chunk;
    char range[64];
    (void)snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)s->taken,
                   (unsigned long long)(s->taken + len - 1));
    s->start = s->taken;
    struct http_request request = {
        .method = HTTP_PATCH,
        .url = s->location,
        .content_type = MEDIA_BYTES,
        .content_range = range,
        .send_size = len,
        .send = send_bytes,
        .send_context = s,
    };
    int rc = endpoint_once(s->ep, &request, answer, again, e);
    if (rc < 0 || answer->status != 202)
        return rc;
    if (answer->taken != UINT64_MAX && answer->taken != s->start + len)
        return err_set(e, ERR_INPUT, "'%s' has %llu bytes of %s, but %llu were sent",
                       endpoint_reference(s->ep)->host, (unsigned long long)answer->taken, s->what,
                       (unsigned long long)(s->start + len));
    s->taken = s->start + len;
    return answer->location[0] != '\0' ? follow(s, s->location, answer, e) : 0;
}

/* After a lost piece: where the registry is; without an answer to that, from the start. */
static int ask_again(struct sending *s, struct err *e)
{
    struct http_answer answer = {.status = 0};
    struct http_request request = {.method = HTTP_GET, .url = s->location};
    struct err ignored = ERR_INIT;
    bool again = false;
    int rc = endpoint_once(s->ep, &request, &answer, &again, &ignored);
    /* "0-0" is one byte, and what the distribution project's registry says for none. */
    bool known = rc == 0 && answer.status == 204 && answer.taken != UINT64_MAX &&
                 answer.taken > 1 && answer.taken <= s->hashed && answer.taken <= s->upload->size;
    if (!known) {
        free(s->location);
        s->location = NULL;
        return 0;
    }
    s->taken = answer.taken;
    return answer.location[0] != '\0' ? follow(s, s->location, &answer, e) : 0;
}

enum step { STEP_DONE, STEP_MORE, STEP_FAILED };

/* The registry has lost the upload, as after a piece that came twice: a new one may do. */
static bool forgotten(const struct http_answer *answer)
{
    return answer->status == 404 && (strcmp(answer->error, "BLOB_UPLOAD_UNKNOWN") == 0 ||
                                     strcmp(answer->error, "BLOB_UPLOAD_INVALID") == 0);
}

/* One request of the upload. A negative `*rc` with STEP_FAILED may pass when *again. */
static enum step advance(struct sending *s, struct http_answer *answer, bool *again, int *rc,
                         struct err *e)
{
    bool pieces = s->chunk > 0 && s->upload->size - s->taken > 0 && s->upload->size > s->chunk;
    *again = false;
    if (s->location == NULL && (*rc = open_upload(s, e)) < 0)
        return STEP_FAILED;
    *rc = pieces ? send_piece(s, answer, again, e) : close_upload(s, answer, again, e);
    if (*rc < 0)
        return STEP_FAILED;
    if (pieces && answer->status == 202)
        return STEP_MORE;
    if (!pieces && answer->status == 201)
        return STEP_DONE;
    /* 416: the registry has another part of it than was thought. */
    *again = endpoint_transient(answer->status) || answer->status == 416 || forgotten(answer);
    return STEP_FAILED;
}

static int transfer(struct sending *s, struct err *e)
{
    struct http_answer told = {.status = 0};
    for (unsigned attempt = 0;;) {
        struct http_answer answer = {.status = 0};
        bool again = false;
        int rc = 0;
        enum step step = advance(s, &answer, &again, &rc, e);
        if (endpoint_ran_out(s->ep, rc, &told))
            return endpoint_refused(s->ep, &told, "does not take", s->what, e);
        if (step == STEP_DONE)
            return compare(s->ep, answer.digest, &s->upload->digest, s->what, e);
        if (step == STEP_MORE) {
            attempt = 0;
            continue;
        }
        if (rc == 0)
            told = answer;
        if (again && endpoint_wait(s->ep, attempt++, rc < 0 ? 0 : answer.retry_after)) {
            if ((rc = ask_again(s, e)) < 0)
                return rc;
            continue;
        }
        return rc < 0 ? err_wrap(e, "cannot send %s", s->what)
                      : endpoint_refused(s->ep, &answer, "does not take", s->what, e);
    }
}

int upload_blob(struct endpoint *ep, const struct upload *upload, uint64_t chunk, bool *there,
                struct err *e)
{
    AUTO_CLOSE int fd = -1;
    AUTO_HASHER struct hasher *hasher = NULL;
    AUTO_FREE char *what = NULL;
    char text[DIGEST_TEXT_MAX];
    int rc = str_format(&what, e, "blob %.19s… of %s", digest_format(&upload->digest, text),
                        endpoint_reference(ep)->path);
    if (rc < 0 || (rc = hasher_new(DIGEST_SHA256, &hasher, e)) < 0)
        return rc;
    if (upload->path != NULL) {
        fd = open(upload->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
            return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", upload->path);
    }
    struct sending s = {
        .ep = ep, .upload = upload, .what = what, .fd = fd, .hasher = hasher, .chunk = chunk};
    if ((rc = look(&s, there, e)) == 0 && *there)
        client_count(endpoint_client(ep), (int64_t)upload->size);
    else if (rc == 0)
        rc = transfer(&s, e);
    free(s.location);
    return rc;
}

/* ---- manifests ---------------------------------------------------------------------------------
 */

struct text {
    const uint8_t *data;
};

static int send_text(void *context, uint64_t offset, void *data, size_t len, struct err *e)
{
    const struct text *text = context;
    (void)e;
    memcpy(data, text->data + offset, len);
    return 0;
}

/* A registry that does not say what it has is asked for it. */
static int read_back(struct endpoint *ep, const char *name, const struct digest *digest,
                     const char *what, struct err *e)
{
    struct document d = DOCUMENT_INIT;
    struct digest got;
    char text[DIGEST_TEXT_MAX];
    int rc = download_document(ep, name, &d, &got, NULL, e);
    buf_dispose(&d.text);
    return rc < 0 ? rc : compare(ep, digest_format(&got, text), digest, what, e);
}

/*
 * The registry has the blobs and the digest is right, so such a complaint passes: it comes where
 * others send the same blobs at the same time (the distribution project's rewrites its links in
 * place), or where what was stored is seen a little later.
 */
static bool may_settle(const char *error)
{
    static const char *const codes[] = {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "DIGEST_INVALID"};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(error, codes[i]) == 0)
            return true;
    return false;
}

int upload_manifest(struct endpoint *ep, const char *name, const char *media_type, const void *data,
                    size_t len, const struct digest *digest, bool *registered, struct err *e)
{
    AUTO_FREE char *url = NULL;
    AUTO_FREE char *what = NULL;
    struct http_answer answer = {.status = 0};
    struct text text = {data};
    int rc = str_format(&url, e, "%s/manifests/%s", endpoint_base(ep), name);
    if (rc < 0 ||
        (rc = str_format(&what, e, "manifest %s of %s", name, endpoint_reference(ep)->path)) < 0)
        return rc;
    struct http_request request = {
        .method = HTTP_PUT,
        .url = url,
        .content_type = media_type,
        .send_size = len,
        .send = send_text,
        .send_context = &text,
    };
    for (unsigned attempt = 0;; attempt++) {
        if ((rc = endpoint_call(ep, &request, &answer, "cannot send a manifest", e)) < 0)
            return rc;
        if (!may_settle(answer.error) || !endpoint_wait(ep, attempt, 0))
            break;
    }
    if (answer.status != 201)
        return endpoint_refused(ep, &answer, "does not take", what, e);
    if ((rc = compare(ep, answer.digest, digest, what, e)) < 0)
        return rc;
    if (registered != NULL)
        *registered = answer.subject[0] != '\0';
    return answer.digest[0] != '\0' ? 0 : read_back(ep, name, digest, what, e);
}
