/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP exchange over libcurl, with what a hostile or broken server may do
 * bounded: redirects (few, never to another scheme, credentials only to the
 * first host), time without progress, the run's time, sizes of bodies that
 * nobody asked for. Only reading follows redirects. Retrying is the caller's, with http_wait.
 *
 * Proxies are libcurl's own (http_proxy, https_proxy, no_proxy).
 */
#ifndef ASSAY_NET_HTTP_HTTP_H
#define ASSAY_NET_HTTP_HTTP_H

#include "base/digest.h"
#include "base/host.h"
#include "net/http/challenge.h"

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

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH };

struct http_answer {
    long status;
    bool foreign;               /* a redirect led to another host: this is that one's answer */
    uint64_t length;            /* of the body, UINT64_MAX = not said */
    uint64_t range_start;       /* of a 206; UINT64_MAX = not said */
    uint64_t taken;             /* bytes of an upload, from Range: "0-N" gives N + 1;
                                   UINT64_MAX = not said */
    int64_t retry_after;        /* seconds; 0 = not said */
    uint64_t received;          /* bytes that `body` was given before */
    char url[HTTP_URL_MAX + 1]; /* whose answer it is, behind all redirects */
    char digest[DIGEST_TEXT_MAX + 1];         /* Docker-Content-Digest; "" = not said */
    char subject[DIGEST_TEXT_MAX + 1];        /* OCI-Subject */
    char challenge[CHALLENGE_HEADER_MAX + 2]; /* WWW-Authenticate, several joined by a comma */
    char location[HTTP_URL_MAX];              /* as it was sent: see http_resolve */
    char link[HTTP_URL_MAX];                  /* of Link: <…>; rel="next" */
    char error[48];                           /* the code of a registry's complaint, such as
                                                 "MANIFEST_INVALID"; "" = none */
};

/* Bytes of a complaint that are looked at. */
enum { HTTP_COMPLAINT_MAX = 4096 };
/* The first code in a registry's complaint ({"errors":[{"code":…}]}): capitals and "_"; else "". */
void http_error_code(const void *data, size_t len, char *out, size_t size);

/* A 206 that does not begin at the byte `from` that was asked for. */
bool http_misplaced(const struct http_answer *answer, uint64_t from);

struct http_request {
    enum http_method method;
    const char *url;
    const char *accept;        /* NULL = any */
    const char *authorization; /* NULL = none */
    uint64_t from;             /* first byte wanted; 0 = all */
    uint64_t max;              /* an answer that says it is longer is ERR_INPUT; 0 = any */
    /* Called for the body of 200 and 206 only; other bodies are dropped, and that of a 206 which
     * begins elsewhere (http_misplaced). NULL: all are. */
    int (*body)(void *context, const struct http_answer *answer, const void *data, size_t len,
                struct err *e);
    void *context;

    /* What PUT, PATCH and, if there is a `send`, POST send: `send_size` bytes, asked for in order,
     * perhaps again from 0. */
    const char *content_type;
    const char *content_range; /* NULL = none */
    uint64_t send_size;
    int (*send)(void *context, uint64_t offset, void *data, size_t len, struct err *e);
    void *send_context;
};

/*
 * *again tells that trying once more may help (connection, time out, cut). A failure of `body` or
 * `send` is returned as it is. No network, no answer: ERR_HOST; an untrusted certificate:
 * ERR_REJECTED; a redirect that is refused, or http:// where it was not allowed: ERR_INPUT.
 */
int http_call(struct http *h, const struct http_request *request, struct http_answer *answer,
              bool *again, struct err *e);

/* An absolute or relative place as an URL; caller frees. ERR_INPUT: no URL, another scheme. */
int http_resolve(const char *base, const char *place, char **out, struct err *e);
/* Whether two URLs have one scheme, host and port. */
bool http_same_host(const char *a, const char *b);

/*
 * Before try `attempt` + 1: sleeps 2^attempt quarter seconds with jitter, or what the server asked
 * for. False: no more, or the run's time does not allow it.
 */
bool http_wait(struct http *h, unsigned attempt, int64_t retry_after);
/* The run's time (total_seconds) is over. */
bool http_out_of_time(const struct http *h);

#endif
