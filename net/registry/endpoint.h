/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One repository at one registry: requests with its authorization, login when it asks for it,
 * and patience with what may pass. One endpoint may be used by several threads.
 */
#ifndef ASSAY_NET_REGISTRY_ENDPOINT_H
#define ASSAY_NET_REGISTRY_ENDPOINT_H

#include "base/progress.h"
#include "net/http/http.h"
#include "net/registry/credentials.h"
#include "net/registry/reference.h"
#include "store/cas/cas.h"

enum { REGISTRY_DOCUMENT_MAX = 4 * 1024 * 1024 }; /* of a manifest or an index */

/* What all endpoints of a run share. */
struct client {
    struct http *http;
    struct credentials_source credentials;
    unsigned jobs; /* blobs at a time; 0 = 4 */
    struct cas *cas;
    struct progress *progress;
    const char *label; /* of the one progress line; borrowed */
    uint64_t done;     /* bytes, of `total` */
    uint64_t total;
};

unsigned client_jobs(const struct client *c);
/* Moves the progress line; by several threads. */
void client_count(struct client *c, int64_t bytes);

struct endpoint_options {
    struct client *client;
    struct reference reference; /* its tag and digest do not count */
    bool push;                  /* what tokens are asked for */
    bool tags;                  /* it may say what a tag means */
    bool impatient;             /* others can be asked: fewer tries */
};

struct endpoint;
int endpoint_new(const struct endpoint_options *options, struct endpoint **out, struct err *e);
void endpoint_free(struct endpoint *ep);
static inline void scope_endpoint(struct endpoint **ep)
{
    endpoint_free(*ep);
}
#define AUTO_ENDPOINT AUTO(scope_endpoint)

struct client *endpoint_client(const struct endpoint *ep);
/* "https://HOST/v2/PATH" */
const char *endpoint_base(const struct endpoint *ep);
const struct reference *endpoint_reference(const struct endpoint *ep);
bool endpoint_tags(const struct endpoint *ep);
/* It was given up: nothing is asked of it again in this run. */
bool endpoint_is_dead(struct endpoint *ep);
void endpoint_give_up(struct endpoint *ep);

/* Where a body goes. `have` bytes are there; `restart` throws them away. */
struct endpoint_sink {
    int (*body)(void *context, const struct http_answer *answer, const void *data, size_t len,
                struct err *e);
    int (*restart)(void *context, struct err *e);
    void *context;
    uint64_t *have;
    uint64_t size; /* all of it, CAS_SIZE_UNKNOWN = until the answer ends */
};

/*
 * Gets all of it, over several tries. `what` is for complaints: "blob sha256:…". *status, when not
 * NULL, gets the last one. ERR_INPUT: it has none, denies it, or sends what it should not;
 * ERR_HOST: no network or no answer in time.
 */
int endpoint_get(struct endpoint *ep, const char *url, const char *accept,
                 const struct endpoint_sink *sink, const char *what, long *status, struct err *e);

/*
 * One exchange, logging in when asked to. The request's authorization is filled
 * in, for URLs of the endpoint's own host only. Other statuses than 401 are for the caller.
 */
int endpoint_once(struct endpoint *ep, struct http_request *request, struct http_answer *answer,
                  bool *again, struct err *e);
/* The same, repeated while that may help; for requests that may be sent twice. */
int endpoint_call(struct endpoint *ep, struct http_request *request, struct http_answer *answer,
                  const char *what, struct err *e);
/* http_wait with the endpoint's patience. */
bool endpoint_wait(struct endpoint *ep, unsigned attempt, int64_t retry_after);
bool endpoint_transient(long status);
/* A try failed since the run's time is over, and the registry had answered one before with `told`
 * (status 0: none had): what it said tells its user more than the clock does. */
bool endpoint_ran_out(const struct endpoint *ep, int rc, const struct http_answer *told);
/* The error for a status; `verb` as in "does not give", "does not take". */
int endpoint_refused(const struct endpoint *ep, const struct http_answer *answer, const char *verb,
                     const char *what, struct err *e);

#endif
