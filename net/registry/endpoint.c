/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/endpoint.h"

#include "base/buf.h"
#include "net/registry/token.h"

#include <pthread.h>
#include <string.h>

enum {
    JOBS_DEFAULT = 4,
    CHALLENGES_MAX = 3, /* of one exchange */
    IMPATIENT_RETRIES = 2,
    PROGRESS_MIN = 64 * 1024, /* a try that brought so much does not count against the retries */
};

struct endpoint {
    struct endpoint_options options;
    char *base;
    pthread_mutex_t lock;
    char *authorization; /* what the registry wanted last; NULL = nothing yet */
    unsigned generation; /* counts what it was replaced by */
    bool dead;
};

unsigned client_jobs(const struct client *c)
{
    return c->jobs > 0 ? c->jobs : JOBS_DEFAULT;
}

void client_count(struct client *c, int64_t bytes)
{
    uint64_t done = __atomic_add_fetch(&c->done, (uint64_t)bytes, __ATOMIC_RELAXED);
    progress_show(c->progress, c->label != NULL ? c->label : "", done, c->total);
}

int endpoint_new(const struct endpoint_options *options, struct endpoint **out, struct err *e)
{
    struct endpoint *ep = calloc(1, sizeof(*ep));
    if (ep == NULL)
        return err_oom(e);
    ep->options = *options;
    const char *host = options->reference.host;
    bool plain = http_plain(options->client->http, host);
    if (strcmp(host, REFERENCE_HOST_DEFAULT) == 0)
        host = "registry-1.docker.io";
    int rc = str_format(&ep->base, e, "%s://%s/v2/%s", plain ? "http" : "https", host,
                        options->reference.path);
    if (rc == 0 && pthread_mutex_init(&ep->lock, NULL) != 0)
        rc = err_oom(e);
    if (rc < 0) {
        free(ep->base);
        free(ep);
        return rc;
    }
    *out = ep;
    return 0;
}

void endpoint_free(struct endpoint *ep)
{
    if (ep == NULL)
        return;
    secret_free(ep->authorization);
    pthread_mutex_destroy(&ep->lock);
    free(ep->base);
    free(ep);
}

struct client *endpoint_client(const struct endpoint *ep)
{
    return ep->options.client;
}

const char *endpoint_base(const struct endpoint *ep)
{
    return ep->base;
}

const struct reference *endpoint_reference(const struct endpoint *ep)
{
    return &ep->options.reference;
}

bool endpoint_tags(const struct endpoint *ep)
{
    return ep->options.tags;
}

bool endpoint_is_dead(struct endpoint *ep)
{
    return __atomic_load_n(&ep->dead, __ATOMIC_RELAXED);
}

void endpoint_give_up(struct endpoint *ep)
{
    __atomic_store_n(&ep->dead, true, __ATOMIC_RELAXED);
}

/* ---- logging in ----------------------------------------------------------------------------- */

/* The authorization of now, to be used outside the lock. */
static int current_authorization(struct endpoint *ep, char **out, unsigned *generation,
                                 struct err *e)
{
    int rc = 0;
    pthread_mutex_lock(&ep->lock);
    *generation = ep->generation;
    if (ep->authorization != NULL)
        rc = str_copy(out, ep->authorization, e);
    pthread_mutex_unlock(&ep->lock);
    return rc;
}

/* Answers a challenge, unless another thread has done so since `generation`. */
static int login(struct endpoint *ep, const char *challenge, unsigned generation, struct err *e)
{
    const struct client *client = ep->options.client;
    int rc = 0;
    pthread_mutex_lock(&ep->lock);
    if (ep->generation == generation) {
        const struct token_request request = {
            .challenge = challenge,
            .reference = &ep->options.reference,
            .credentials = &client->credentials,
            .push = ep->options.push,
        };
        char *fresh = NULL;
        rc = token_get(client->http, &request, &fresh, e);
        if (rc == 0) {
            secret_free(ep->authorization);
            ep->authorization = fresh;
            ep->generation++;
        }
    }
    pthread_mutex_unlock(&ep->lock);
    return rc < 0 ? err_wrap(e, "cannot log in to '%s'", ep->options.reference.host) : 0;
}

int endpoint_once(struct endpoint *ep, struct http_request *request, struct http_answer *answer,
                  bool *again, struct err *e)
{
    bool home = http_same_host(request->url, ep->base);
    for (unsigned challenges = 0;; challenges++) {
        AUTO_SECRET char *authorization = NULL;
        unsigned generation = 0;
        *again = false;
        int rc = home ? current_authorization(ep, &authorization, &generation, e) : 0;
        if (rc < 0)
            return rc;
        request->authorization = authorization;
        rc = http_call(ep->options.client->http, request, answer, again, e);
        request->authorization = NULL;
        /* Only the registry itself may ask for its password, or say where it is to be shown. */
        if (rc < 0 || answer->status != 401 || answer->challenge[0] == '\0' || !home ||
            answer->foreign || challenges == CHALLENGES_MAX)
            return rc;
        if ((rc = login(ep, answer->challenge, generation, e)) < 0)
            return rc;
    }
}

/* ---- patience ------------------------------------------------------------------------------- */

bool endpoint_transient(long status)
{
    return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

bool endpoint_wait(struct endpoint *ep, unsigned attempt, int64_t retry_after)
{
    return !(ep->options.impatient && attempt >= IMPATIENT_RETRIES) &&
           http_wait(ep->options.client->http, attempt, retry_after);
}

bool endpoint_ran_out(const struct endpoint *ep, int rc, const struct http_answer *told)
{
    return rc < 0 && told->status != 0 && http_out_of_time(ep->options.client->http);
}

int endpoint_refused(const struct endpoint *ep, const struct http_answer *answer, const char *verb,
                     const char *what, struct err *e)
{
    const char *host = ep->options.reference.host;
    long status = answer->status;
    if (status == 404)
        return err_set(e, ERR_INPUT, "'%s' has no %s", host, what);
    if (status == 401 || status == 403)
        return err_set(e, ERR_INPUT, "'%s' %s %s: access denied (%ld)", host, verb, what, status);
    if (status == 429)
        return err_set(e, ERR_HOST, "'%s' %s %s: too many requests (429)", host, verb, what);
    bool said = answer->error[0] != '\0';
    return err_set(e, status >= 500 ? ERR_HOST : ERR_INPUT, "'%s' %s %s: status %ld%s%s%s", host,
                   verb, what, status, said ? " (" : "", answer->error, said ? ")" : "");
}

int endpoint_call(struct endpoint *ep, struct http_request *request, struct http_answer *answer,
                  const char *what, struct err *e)
{
    struct http_answer told = {.status = 0};
    for (unsigned attempt = 0;; attempt++) {
        bool again = false;
        int rc = endpoint_once(ep, request, answer, &again, e);
        if (rc == 0 && !endpoint_transient(answer->status))
            return 0;
        if (endpoint_ran_out(ep, rc, &told)) {
            *answer = told;
            return 0;
        }
        if (rc == 0)
            told = *answer;
        if ((rc == 0 || again) && endpoint_wait(ep, attempt, rc < 0 ? 0 : answer->retry_after))
            continue;
        return rc < 0 ? err_wrap(e, "%s", what) : 0;
    }
}

/* ---- getting bytes --------------------------------------------------------------------------- */

enum verdict { VERDICT_DONE, VERDICT_WAIT, VERDICT_RESTART, VERDICT_REFUSED, VERDICT_MISPLACED };

/* `from`: where the answer was to begin. */
static enum verdict judge(const struct http_answer *answer, uint64_t from,
                          const struct endpoint_sink *sink)
{
    if (http_misplaced(answer, from))
        return from > 0 ? VERDICT_RESTART : VERDICT_MISPLACED;
    if (answer->status == 200 || answer->status == 206)
        return sink->size == CAS_SIZE_UNKNOWN || *sink->have == sink->size ? VERDICT_DONE
                                                                           : VERDICT_WAIT;
    if (answer->status == 416 && *sink->have > 0)
        return VERDICT_RESTART;
    return endpoint_transient(answer->status) ? VERDICT_WAIT : VERDICT_REFUSED;
}

static int get_once(struct endpoint *ep, const char *url, const char *accept,
                    const struct endpoint_sink *sink, struct http_answer *answer, bool *again,
                    struct err *e)
{
    bool sized = sink->size != CAS_SIZE_UNKNOWN;
    struct http_request request = {
        .url = url,
        .accept = accept,
        .from = sized ? *sink->have : 0,
        .max = sized ? sink->size : REGISTRY_DOCUMENT_MAX,
        .body = sink->body,
        .context = sink->context,
    };
    int rc = 0;
    *again = false;
    if (!sized && *sink->have > 0 && (rc = sink->restart(sink->context, e)) < 0)
        return rc;
    return endpoint_once(ep, &request, answer, again, e);
}

static int gave_up(const struct endpoint *ep, const struct http_answer *answer, int rc,
                   const char *what, struct err *e)
{
    if (rc < 0)
        return err_wrap(e, "cannot fetch %s", what);
    if (answer->status == 200 || answer->status == 206)
        return err_set(e, ERR_HOST, "cannot fetch %s: '%s' cut it off again and again", what,
                       ep->options.reference.host);
    return endpoint_refused(ep, answer, "does not give", what, e);
}

int endpoint_get(struct endpoint *ep, const char *url, const char *accept,
                 const struct endpoint_sink *sink, const char *what, long *status, struct err *e)
{
    struct http_answer told = {.status = 0};
    unsigned attempt = 0;
    uint64_t best = 0;
    for (;;) {
        struct http_answer answer = {.status = 0};
        uint64_t before = *sink->have;
        bool again = false;
        int rc = get_once(ep, url, accept, sink, &answer, &again, e);
        if (status != NULL)
            *status = rc < 0 ? 0 : answer.status;
        if (endpoint_ran_out(ep, rc, &told))
            return gave_up(ep, &told, 0, what, e);
        if (rc < 0 && !again)
            return gave_up(ep, &answer, rc, what, e);
        /* A connection that breaks behind the last byte took nothing away. */
        if (rc < 0 && sink->size != CAS_SIZE_UNKNOWN && *sink->have == sink->size &&
            *sink->have > before)
            return 0;
        uint64_t from = sink->size != CAS_SIZE_UNKNOWN ? before : 0;
        enum verdict verdict = rc < 0 ? VERDICT_WAIT : judge(&answer, from, sink);
        if (verdict == VERDICT_DONE)
            return 0;
        if (verdict == VERDICT_REFUSED)
            return endpoint_refused(ep, &answer, "does not give", what, e);
        if (verdict == VERDICT_MISPLACED)
            return err_set(e, ERR_INPUT, "'%s' sends another part of %s than the one asked for",
                           ep->options.reference.host, what);
        if (rc == 0)
            told = answer;
        int restarted = verdict == VERDICT_RESTART ? sink->restart(sink->context, e) : 0;
        if (restarted < 0)
            return restarted;
        if (*sink->have > best && *sink->have - best >= PROGRESS_MIN) {
            best = *sink->have;
            attempt = 0;
        }
        if (!endpoint_wait(ep, attempt++, rc < 0 ? 0 : answer.retry_after))
            return gave_up(ep, &answer, rc, what, e);
    }
}
