/*
 * One HTTP exchange over libcurl, with what a hostile or broken server may do
 * bounded: redirects (few, never to another scheme, credentials only to the
 * first host), time without progress, the run's time, sizes of bodies that
 * nobody asked for. Retrying is the caller's, with http_wait.
 *
 * Proxies are libcurl's own (http_proxy, https_proxy, no_proxy).
 */
#ifndef ASSAY_BUILDER_REGISTRY_HTTP_H
#define ASSAY_BUILDER_REGISTRY_HTTP_H

#include "base/digest.h"
#include "base/host.h"
#include "builder/registry/challenge.h"

enum { HTTP_URL_MAX = 4096 };

struct http_options {
    const char *ca_file;      /* trusted certificates; NULL = the system's */
    const char *const *plain; /* HOST or HOST:PORT that may be asked without TLS */
    size_t plain_count;
    unsigned stall_seconds; /* without 1 KiB/s for so long: cut; 0 = 30 */
    unsigned total_seconds; /* of all that is fetched; 0 = 3600 */
    unsigned retries;       /* http_wait allows so many in a row; 0 = 5 */
    const struct host *host;
};

/* May be used by several threads. */
struct http;
int http_new(const struct http_options *options, struct http **out, struct err *e);
void http_free(struct http *h);

static inline void scope_http(struct http **h)
{
    http_free(*h);
}
#define AUTO_HTTP AUTO(scope_http)

/* Whether that HOST or HOST:PORT may be asked without TLS. */
bool http_plain(const struct http *h, const char *host);

struct http_answer {
    long status;
    uint64_t length;                          /* of the body, UINT64_MAX = not said */
    uint64_t range_start;                     /* of a 206; UINT64_MAX = not said */
    int64_t retry_after;                      /* seconds; 0 = not said */
    uint64_t received;                        /* bytes that `body` was given before */
    char digest[DIGEST_TEXT_MAX + 1];         /* Docker-Content-Digest; "" = not said */
    char challenge[CHALLENGE_HEADER_MAX + 2]; /* WWW-Authenticate, several joined by a comma */
};

struct http_request {
    const char *url;
    const char *accept;        /* NULL = any */
    const char *authorization; /* NULL = none */
    uint64_t from;             /* first byte wanted; 0 = all */
    uint64_t max;              /* an answer that says it is longer is ERR_INPUT; 0 = any */
    /* Called for the body of 200 and 206 only; other bodies are dropped. */
    int (*body)(void *context, const struct http_answer *answer, const void *data, size_t len,
                struct err *e);
    void *context;
};

/*
 * *again tells that trying once more may help (connection, time out, cut). A failure of `body` is
 * returned as it is. No network, no answer: ERR_HOST; an untrusted certificate: ERR_REJECTED; a
 * redirect that is refused, or http:// where it was not allowed: ERR_INPUT.
 */
int http_get(struct http *h, const struct http_request *request, struct http_answer *answer,
             bool *again, struct err *e);

/*
 * Before try `attempt` + 1: sleeps 2^attempt quarter seconds with jitter, or what the server asked
 * for. False: no more, or the run's time does not allow it.
 */
bool http_wait(struct http *h, unsigned attempt, int64_t retry_after);

#endif
