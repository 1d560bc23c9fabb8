/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/http.h"

#include "base/place.h"
#include "net/http/http_answer.h"
#include "net/http/http_place.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum {
    REDIRECTS_MAX = 5,
    HANDLES_MAX = 16,
    DROPPED_MAX = 1024 * 1024, /* of a body that nobody asked for */
    HEADERS_MAX = 256 * 1024,  /* of one answer, the ones of proxies and 100 Continue included */
    LOW_SPEED = 1024,          /* bytes per second */
    WAIT_MAX_MS = 15000,
    RETRY_AFTER_MAX = 120,
    CONNECT_SECONDS = 20,
};

struct http {
    struct http_options options;
    int64_t deadline;
    pthread_mutex_t lock;
    CURL *idle[HANDLES_MAX]; /* their connections are used again */
    size_t idle_count;
};

int http_new(const struct http_options *options, struct http **out, struct err *e)
{
    struct http *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return err_oom(e);
    h->options = *options;
    if (h->options.stall_seconds == 0)
        h->options.stall_seconds = 30;
    if (h->options.total_seconds == 0)
        h->options.total_seconds = 3600;
    if (h->options.retries == 0)
        h->options.retries = 5;
    h->deadline = options->host->now(options->host->context) + h->options.total_seconds;
    if (pthread_mutex_init(&h->lock, NULL) != 0 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        free(h);
        return err_set(e, ERR_HOST, "cannot start libcurl");
    }
    *out = h;
    return 0;
}

void http_free(struct http *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i < h->idle_count; i++)
        curl_easy_cleanup(h->idle[i]);
    curl_global_cleanup();
    pthread_mutex_destroy(&h->lock);
    free(h);
}

bool http_plain(const struct http *h, const char *host)
{
    for (size_t i = 0; i < h->options.plain_count; i++)
        if (strcmp(h->options.plain[i], host) == 0)
            return true;
    return false;
}

static CURL *take_handle(struct http *h)
{
    CURL *curl = NULL;
    pthread_mutex_lock(&h->lock);
    if (h->idle_count > 0)
        curl = h->idle[--h->idle_count];
    pthread_mutex_unlock(&h->lock);
    return curl != NULL ? curl : curl_easy_init();
}

static void put_handle(struct http *h, CURL *curl)
{
    curl_easy_reset(curl);
    pthread_mutex_lock(&h->lock);
    bool kept = h->idle_count < HANDLES_MAX;
    if (kept)
        h->idle[h->idle_count++] = curl;
    pthread_mutex_unlock(&h->lock);
    if (!kept)
        curl_easy_cleanup(curl);
}

static int64_t seconds_left(const struct http *h)
{
    return h->deadline - h->options.host->now(h->options.host->context);
}

/* ---- one exchange ----------------------------------------------------------------------- */

struct exchange {
    CURL *curl;
    const struct http_request *request;
    struct http_request plain; /* the same without authorization */
    struct http_answer *answer;
    uint64_t dropped;
    char complaint[HTTP_COMPLAINT_MAX]; /* the first of what was dropped */
    size_t complaint_len;
    uint64_t sent; /* offset of what `send` is asked for next */
    const struct http *http;
    int64_t mark;        /* when the stretch that is being watched began, */
    uint64_t mark_bytes; /* and what had come until then */
    bool stalled;
    size_t headers;          /* bytes of them */
    const char *long_header; /* which one is too long; "" = all together */
    bool misplaced;          /* a 206 that begins elsewhere: its body is not for the caller */
    int rc;                  /* of `body` */
    struct err error;
    char message[CURL_ERROR_SIZE];
};

static void read_info(struct exchange *x)
{
    curl_off_t number = -1;
    (void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->answer->status);
    if (curl_easy_getinfo(x->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &number) == CURLE_OK &&
        number >= 0)
        x->answer->length = (uint64_t)number;
    number = 0;
    if (curl_easy_getinfo(x->curl, CURLINFO_RETRY_AFTER, &number) == CURLE_OK && number > 0)
        x->answer->retry_after = number;
}

/*
 * Before the body, and by the headers alone when they say it. Not by libcurl's own limit: that
 * would count what an error says, too.
 */
static bool too_long(struct exchange *x, size_t more)
{
    const uint64_t max = x->request->max;
    const struct http_answer *a = x->answer;
    if (max == 0 || (a->status != 200 && a->status != 206) ||
        ((a->length == UINT64_MAX || a->length <= max) && more <= max - a->received))
        return false;
    x->rc = err_set(&x->error, ERR_INPUT, "the answer has more than %llu bytes",
                    (unsigned long long)max);
    return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct exchange *x = context;
    size_t len = size * count;
    if (len == 2 && line[0] == '\r') {
        read_info(x);
        x->misplaced = http_misplaced(x->answer, x->request->from);
        return x->misplaced || too_long(x, 0) ? 0 : len;
    }
    x->headers += len;
    x->long_header = http_answer_line(x->answer, line, len);
    if (x->headers > HEADERS_MAX)
        x->long_header = "";
    return x->long_header == NULL ? len : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
    struct exchange *x = context;
    size_t len = size * count;
    if (x->answer->status == 0)
        read_info(x);
    if (x->request->body == NULL || (x->answer->status != 200 && x->answer->status != 206)) {
        size_t room = sizeof(x->complaint) - x->complaint_len;
        size_t kept = len < room ? len : room;
        memcpy(x->complaint + x->complaint_len, data, kept);
        x->complaint_len += kept;
        x->dropped += len;
        return x->dropped > DROPPED_MAX ? 0 : len;
    }
    if (too_long(x, len))
        return 0;
    x->rc = x->request->body(x->request->context, x->answer, data, len, &x->error);
    x->answer->received += len;
    return x->rc < 0 ? 0 : len;
}

static size_t on_send(char *data, size_t size, size_t count, void *context)
{
    struct exchange *x = context;
    uint64_t left = x->request->send_size - x->sent;
    size_t len = size * count < left ? size * count : (size_t)left;
    if (len == 0)
        return 0;
    x->rc = x->request->send(x->request->send_context, x->sent, data, len, &x->error);
    if (x->rc < 0)
        return CURL_READFUNC_ABORT;
    x->sent += len;
    return len;
}

static int on_rewind(void *context, curl_off_t offset, int origin)
{
    struct exchange *x = context;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > x->request->send_size)
        return CURL_SEEKFUNC_FAIL;
    x->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
    AUTO_FREE char *line = NULL;
    if (value == NULL)
        return true;
    if (asprintf(&line, "%s: %s", name, value) < 0) {
        line = NULL;
        return false;
    }
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

/*
 * libcurl calls this every second at least. Its own low speed limit takes the mean of the last five
 * seconds: a stall behind a burst would go unnoticed for that much longer.
 */
static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up_now)
{
    struct exchange *x = context;
    const struct http_options *o = &x->http->options;
    int64_t time = o->host->now(o->host->context);
    uint64_t bytes = (now > 0 ? (uint64_t)now : 0) + (up_now > 0 ? (uint64_t)up_now : 0);
    (void)total;
    (void)up_total;
    if (time < x->mark || bytes < x->mark_bytes) { /* the clock was set, or a new answer began */
        x->mark = time;
        x->mark_bytes = bytes;
    }
    /* The clock counts whole seconds: one more, so that no stretch is judged before its time. */
    if (time - x->mark <= (int64_t)o->stall_seconds)
        return 0;
    x->stalled = bytes - x->mark_bytes < (uint64_t)LOW_SPEED * o->stall_seconds;
    x->mark = time;
    x->mark_bytes = bytes;
    return x->stalled ? 1 : 0;
}

static void set_body(struct exchange *x)
{
    CURL *c = x->curl;
    (void)curl_easy_setopt(c, CURLOPT_READFUNCTION, on_send);
    (void)curl_easy_setopt(c, CURLOPT_READDATA, x);
    (void)curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_rewind);
    (void)curl_easy_setopt(c, CURLOPT_SEEKDATA, x);
}

static void set_method(struct exchange *x)
{
    const struct http_request *r = x->request;
    CURL *c = x->curl;
    x->sent = 0;
    if (r->method == HTTP_HEAD) {
        (void)curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    } else if (r->method == HTTP_POST) {
        (void)curl_easy_setopt(c, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->send_size);
        if (r->send != NULL)
            set_body(x);
        else
            (void)curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
    } else if (r->method == HTTP_PUT || r->method == HTTP_PATCH) {
        (void)curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
        (void)curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->send_size);
        set_body(x);
        if (r->method == HTTP_PATCH)
            (void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, "PATCH");
    }
}

static void set_options(const struct http *h, struct exchange *x, const char *url, int64_t left)
{
    CURL *c = x->curl;
    (void)curl_easy_setopt(c, CURLOPT_URL, url);
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    (void)curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "assay");
    (void)curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 256L * 1024);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->message);
    (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
    (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)left);
    if (h->options.ca_file != NULL)
        (void)curl_easy_setopt(c, CURLOPT_CAINFO, h->options.ca_file);
    if (x->request->from > 0) { /* as a range: what came of it is for the caller to judge */
        char range[32];
        (void)snprintf(range, sizeof(range), "%llu-", (unsigned long long)x->request->from);
        (void)curl_easy_setopt(c, CURLOPT_RANGE, range);
    }
}

static bool may_help(CURLcode code)
{
    static const CURLcode codes[] = {
        CURLE_COULDNT_RESOLVE_HOST,
        CURLE_COULDNT_RESOLVE_PROXY,
        CURLE_COULDNT_CONNECT,
        CURLE_OPERATION_TIMEDOUT,
        CURLE_RECV_ERROR,
        CURLE_SEND_ERROR,
        CURLE_GOT_NOTHING,
        CURLE_PARTIAL_FILE,
        CURLE_HTTP2,
        CURLE_HTTP2_STREAM,
        CURLE_SSL_CONNECT_ERROR,
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i] == code)
            return true;
    return false;
}

/*
 * libcurl's own words, of those failures in which it names hosts and certificates only: in others
 * it quotes the URL, or a proxy's with its password.
 */
static const char *reason(const struct exchange *x, CURLcode code)
{
    static const CURLcode harmless[] = {
        CURLE_COULDNT_RESOLVE_HOST,
        CURLE_COULDNT_CONNECT,
        CURLE_OPERATION_TIMEDOUT,
        CURLE_RECV_ERROR,
        CURLE_SEND_ERROR,
        CURLE_GOT_NOTHING,
        CURLE_PARTIAL_FILE,
        CURLE_SSL_CONNECT_ERROR,
        CURLE_PEER_FAILED_VERIFICATION,
        CURLE_SSL_CACERT_BADFILE,
        CURLE_HTTP2,
        CURLE_HTTP2_STREAM,
    };
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
        if (harmless[i] == code && x->message[0] != '\0')
            return x->message;
    return curl_easy_strerror(code);
}

/* The name of a header that is too long, "" for all of them; NULL: none is. */
static const char *long_header(const struct exchange *x, CURLcode code)
{
    /* libcurl has limits of its own, without a code of their own in all of its versions. */
    bool too_large = strstr(x->message, "response headers") != NULL ||
                     strstr(x->message, "eader larger") != NULL;
    if (x->long_header != NULL)
        return x->long_header;
    /* CURLE_TOO_LARGE, which versions before 8.6 do not have: they say that memory ran out. */
    bool too_much = code == CURLE_OUT_OF_MEMORY || code == (CURLcode)100;
    return too_large || (too_much && x->headers > 0 && x->answer->received == 0) ? "" : NULL;
}

static int failed(const struct exchange *x, CURLcode code, const char *host, bool *again,
                  struct err *e)
{
    if (x->rc < 0) {
        *e = x->error;
        return x->rc;
    }
    if (x->stalled) {
        *again = true;
        return err_set(e, ERR_HOST, "'%s' moved less than %d bytes a second for %u seconds", host,
                       LOW_SPEED, x->http->options.stall_seconds);
    }
    const char *name = long_header(x, code);
    if (name != NULL)
        return err_set(e, ERR_INPUT, "'%s' answers with %s%s that %s too long", host,
                       name[0] != '\0' ? "a header " : "headers", name,
                       name[0] != '\0' ? "is" : "are");
    *again = may_help(code);
    if (code == CURLE_WRITE_ERROR)
        return err_set(e, ERR_INPUT,
                       "'%s' answers with status %ld and a body of more than %d bytes", host,
                       x->answer->status, DROPPED_MAX);
    bool rejected = code == CURLE_PEER_FAILED_VERIFICATION;
    char shown[PLACE_MESSAGE_MAX];
    if (code == CURLE_SSL_CONNECT_ERROR)
        return err_set(e, ERR_HOST,
                       "'%s': %.200s: if it speaks plain HTTP and is to be trusted so, "
                       "--plain-http %s",
                       host, place_message(reason(x, code), NULL, shown), host);
    bool offline = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
                   code == CURLE_COULDNT_CONNECT;
    return err_set(e, rejected ? ERR_REJECTED : ERR_HOST, "'%s': %s%.200s", host,
                   offline ? "offline, or it is down: " : "",
                   place_message(reason(x, code), NULL, shown));
}

static int perform(struct http *h, struct exchange *x, const char *url, const char *host,
                   bool *again, struct err *e)
{
    struct curl_slist *headers = NULL;
    int64_t left = seconds_left(h);
    if (left <= 0)
        return err_set(e, ERR_HOST, "'%s': no time left, %u seconds were allowed", host,
                       h->options.total_seconds);
    http_answer_clear(x->answer);
    (void)snprintf(x->answer->url, sizeof(x->answer->url), "%s", url);
    x->message[0] = '\0';
    x->stalled = false;
    x->misplaced = false;
    x->headers = 0;
    x->long_header = NULL;
    x->complaint_len = 0;
    x->mark = h->options.host->now(h->options.host->context);
    x->mark_bytes = 0;
    set_options(h, x, url, left);
    set_method(x);
    int rc = 0;
    if (!add_header(&headers, "Accept", x->request->accept) ||
        !add_header(&headers, "Authorization", x->request->authorization) ||
        !add_header(&headers, "Content-Range", x->request->content_range) ||
        !add_header(&headers, "Content-Type", x->request->content_type))
        rc = err_oom(e);
    if (rc == 0) {
        (void)curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, headers);
        CURLcode code = curl_easy_perform(x->curl);
        read_info(x);
        if (code != CURLE_OK && !x->misplaced)
            rc = failed(x, code, host, again, e);
        else if (x->answer->status >= 400)
            http_error_code(x->complaint, x->complaint_len, x->answer->error,
                            sizeof(x->answer->error));
    }
    (void)curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return rc;
}

/* Without TLS only where that was asked for, whoever names the place. */
static int check_place(const struct http *h, const struct http_place *at, struct err *e)
{
    if (strcmp(at->scheme, "https") == 0 ||
        (strcmp(at->scheme, "http") == 0 && http_plain(h, at->host)))
        return 0;
    return err_set(e, ERR_INPUT, "'%s' without TLS: refused (see --plain-http)", at->host);
}

static int follow(struct http *h, struct exchange *x, const char *first, bool *again, struct err *e)
{
    struct http_place start;
    struct http_place at;
    AUTO_FREE char *url = strdup(first);
    if (url == NULL)
        return err_oom(e);
    const char *why = http_place_read(url, &start);
    if (why != NULL)
        return err_set(e, ERR_INPUT, "'%s' cannot be fetched: it %s", PLACE_SHOWN(first), why);
    at = start;
    x->plain = *x->request;
    x->plain.authorization = NULL;
    for (unsigned i = 0; i <= REDIRECTS_MAX; i++) {
        int rc = check_place(h, &at, e);
        if (rc < 0)
            return rc;
        rc = perform(h, x, url, at.host, again, e);
        x->answer->foreign = x->request == &x->plain;
        long status = x->answer->status;
        if (rc < 0 || status < 300 || status > 399 || status == 304)
            return rc;
        if (x->request->method != HTTP_GET && x->request->method != HTTP_HEAD)
            return err_set(e, ERR_INPUT, "'%s' redirects an upload: refused", at.host);
        char *next = NULL;
        if ((rc = http_place_follow(url, x->answer->location, "redirects", &next, &at, e)) < 0)
            return rc;
        free(url);
        url = next;
        if (strcmp(at.host, start.host) != 0)
            x->request = &x->plain; /* and stays so: credentials go to the first host only */
    }
    return err_set(e, ERR_INPUT, "'%s' redirects more than %d times", start.host, REDIRECTS_MAX);
}

int http_call(struct http *h, const struct http_request *request, struct http_answer *answer,
              bool *again, struct err *e)
{
    struct exchange x = {.request = request, .answer = answer, .http = h, .error = ERR_INIT};
    *again = false;
    x.curl = take_handle(h);
    if (x.curl == NULL)
        return err_oom(e);
    int rc = follow(h, &x, request->url, again, e);
    put_handle(h, x.curl);
    return rc;
}

bool http_misplaced(const struct http_answer *answer, uint64_t from)
{
    if (answer->status != 206 || answer->range_start == from)
        return false;
    return from > 0 || answer->range_start != UINT64_MAX; /* all was asked for, and not said */
}

bool http_out_of_time(const struct http *h)
{
    return seconds_left(h) <= 0;
}

bool http_wait(struct http *h, unsigned attempt, int64_t retry_after)
{
    uint16_t noise = 0;
    struct err ignored = ERR_INIT;
    if (attempt >= h->options.retries || retry_after > RETRY_AFTER_MAX)
        return false;
    int64_t ms = INT64_C(250) << (attempt < 8 ? attempt : 8);
    ms = ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS;
    /* Half fixed, half by chance, so that many clients do not come back at once. */
    if (h->options.host->random(h->options.host->context, &noise, sizeof(noise), &ignored) == 0)
        ms = ms / 2 + ms / 2 * noise / UINT16_MAX;
    if (retry_after * 1000 > ms)
        ms = retry_after * 1000;
    if (ms / 1000 >= seconds_left(h))
        return false;
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    return true;
}
