/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/url.h"

#include "base/file.h"
#include "base/place.h"
#include "builder/sources/words.h"
#include "net/registry/endpoint.h"

#include <string.h>

/* Progress that makes up for a failure. */
#define PROGRESS_MIN (UINT64_C(1) << 20)

struct fetch {
    const struct url_options *o;
    struct cas_writer *writer;
    uint64_t have;
    bool resumed;
};

static int restart(struct fetch *f, struct err *e)
{
    cas_writer_free(f->writer);
    f->writer = NULL;
    f->have = 0;
    f->resumed = false;
    return cas_writer_new(f->o->cas, f->o->digest, CAS_SIZE_UNKNOWN, &f->writer, e);
}

/* The answer must be all of it, or the rest. */
static int body(void *context, const struct http_answer *answer, const void *data, size_t len,
                struct err *e)
{
    struct fetch *f = context;
    int rc = 0;
    if (answer->received == 0 && f->have > 0) {
        if (answer->status == 200)
            rc = restart(f, e);
        else
            f->resumed = true;
    }
    if (rc < 0 || (rc = cas_writer_write(f->writer, data, len, e)) < 0)
        return rc;
    f->have += len;
    return 0;
}

static int refused(long status, struct err *e)
{
    if (status == 404 || status == 410)
        return err_set(e, ERR_INPUT, "it is not there (%ld)", status);
    return err_set(e, status >= 500 || status == 429 ? ERR_HOST : ERR_INPUT,
                   "the server answers with status %ld", status);
}

/* All of the body, however often the connection breaks. */
static int download(struct fetch *f, struct err *e)
{
    unsigned attempt = 0;
    uint64_t best = 0;
    for (;;) {
        struct http_answer answer = {.status = 0};
        const struct http_request request = {
            .url = f->o->url, .from = f->have, .body = body, .context = f};
        bool again = false;
        int rc = http_call(f->o->http, &request, &answer, &again, e);
        bool whole = answer.length == UINT64_MAX || answer.received == answer.length;
        bool misplaced = rc == 0 && http_misplaced(&answer, request.from);
        if (misplaced && request.from == 0)
            return err_set(e, ERR_INPUT, "the server sends another part than the one asked for");
        if (rc == 0 && !misplaced && (answer.status == 200 || answer.status == 206) && whole)
            return 0;
        if (rc < 0 && !again)
            return rc;
        if (misplaced || (rc == 0 && answer.status == 416 && f->have > 0)) {
            if ((rc = restart(f, e)) < 0)
                return rc;
        } else if (rc == 0 && answer.status != 200 && answer.status != 206 &&
                   !endpoint_transient(answer.status)) {
            return refused(answer.status, e);
        }
        if (f->have > best && f->have - best >= PROGRESS_MIN) {
            best = f->have;
            attempt = 0;
        }
        if (http_wait(f->o->http, attempt++, rc < 0 ? 0 : answer.retry_after))
            continue;
        if (rc < 0)
            return rc;
        return answer.status == 200 || answer.status == 206
                   ? err_set(e, ERR_HOST, "the server cut it off again and again")
                   : refused(answer.status, e);
    }
}

static int fetch_remote(struct fetch *f, uint64_t *size, struct err *e)
{
    int rc = restart(f, e);
    for (bool once_more = true; rc == 0; once_more = false) {
        struct digest digest;
        if ((rc = download(f, e)) < 0)
            return rc;
        bool resumed = f->resumed;
        if ((rc = cas_writer_commit(f->writer, &digest, size, e)) == 0)
            return 0;
        if (rc != -ERR_INPUT || !resumed || !once_more)
            return rc;
        rc = restart(f, e); /* the parts did not fit together: all of it, once */
    }
    return rc;
}

static int fetch_file(const struct url_options *o, uint64_t *size, struct err *e)
{
    const char *path = o->url + strlen("file:");
    AUTO_FREE char *joined = NULL;
    struct digest digest;
    if (str_starts(path, "//"))
        path += 2; /* file:///path */
    if (path[0] != '/') {
        int rc = path_join(&joined, o->directory, path, e);
        if (rc < 0)
            return rc;
        path = joined;
    }
    return cas_import_file(o->cas, path, o->digest, &digest, size, e);
}

int url_fetch(const struct url_options *options, uint64_t *size, struct err *e)
{
    struct fetch f = {.o = options};
    bool there = false;
    int rc = cas_holds(options->cas, options->digest, CAS_SIZE_UNKNOWN, size, &there, e);
    if (rc < 0 || there)
        return rc;
    rc = url_is_file(options->url) ? fetch_file(options, size, e) : fetch_remote(&f, size, e);
    cas_writer_free(f.writer);
    return rc < 0 ? err_wrap(e, "cannot fetch '%s'", PLACE_SHOWN(options->url)) : 0;
}

int url_may_be_plain(struct http *http, const char *repository, bool *out, struct err *e)
{
    AUTO_FREE char *host = NULL;
    *out = false;
    if (!url_is_remote(repository))
        return 0;
    int rc = url_host(repository, &host, e);
    if (rc == 0)
        *out = http_plain(http, host);
    return rc;
}
