/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/http.h"

#include "base/json.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    REDIRECTS_MAX = 5,
    HANDLES_MAX = 16,
    DROPPED_MAX = 1024 * 1024, /* of a body that nobody asked for */
    COMPLAINT_MAX = 4096,      /* of it that are looked at */
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

/* ---- URLs ------------------------------------------------------------------------------- */

struct place {
    char scheme[8];
    char host[300]; /* with its port */
};

static bool url_part(CURLU *u, CURLUPart part, char *out, size_t size)
{
    char *text = NULL;
    bool fine = curl_url_get(u, part, &text, 0) == CURLUE_OK && strlen(text) < size;
    if (fine)
        memcpy(out, text, strlen(text) + 1);
    curl_free(text);
    return fine;
}

static bool url_place(const char *url, struct place *out)
{
    char port[8] = "";
    char host[256];
    char user[8] = "";
    CURLU *u = curl_url();
    bool fine = u != NULL && strlen(url) <= HTTP_URL_MAX &&
                curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
                url_part(u, CURLUPART_SCHEME, out->scheme, sizeof(out->scheme)) &&
                url_part(u, CURLUPART_HOST, host, sizeof(host)) &&
                !url_part(u, CURLUPART_USER, user, sizeof(user)) && user[0] == '\0';
    if (fine && url_part(u, CURLUPART_PORT, port, sizeof(port)))
        (void)snprintf(out->host, sizeof(out->host), "%s:%s", host, port);
    else if (fine)
        (void)snprintf(out->host, sizeof(out->host), "%s", host);
    curl_url_cleanup(u);
    return fine;
}

/* ---- one exchange ----------------------------------------------------------------------- */

struct exchange {
    CURL *curl;
    const struct http_request *request;
    struct http_request plain; /* the same without authorization */
    struct http_answer *answer;
    uint64_t dropped;
    char complaint[COMPLAINT_MAX]; /* the first of what was dropped */
    size_t complaint_len;
    uint64_t sent; /* offset of what `send` is asked for next */
    const struct http *http;
    int64_t mark;        /* when the stretch that is being watched began, */
    uint64_t mark_bytes; /* and what had come until then */
    bool stalled;
    int rc; /* of `body` */
    struct err error;
    char message[CURL_ERROR_SIZE];
};

static bool header_is(const char *line, size_t len, const char *name, const char **value,
                      size_t *value_len)
{
    size_t n = strlen(name);
    if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
        return false;
    const char *p = line + n + 1;
    const char *end = line + len;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    while (end > p && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *value = p;
    *value_len = (size_t)(end - p);
    return true;
}

/* "bytes 100-199/200" */
static uint64_t range_start(const char *value, size_t len)
{
    static const char unit[] = "bytes ";
    uint64_t n = 0;
    size_t i = sizeof(unit) - 1;
    if (len <= i || strncasecmp(value, unit, i) != 0)
        return UINT64_MAX;
    size_t digits = 0;
    for (; i < len && value[i] >= '0' && value[i] <= '9' && digits < 18; i++, digits++)
        n = n * 10 + (uint64_t)(value[i] - '0');
    return digits > 0 && i < len && value[i] == '-' ? n : UINT64_MAX;
}

/* "0-99" or "bytes=0-99": what a registry has of an upload. */
static uint64_t range_taken(const char *value, size_t len)
{
    uint64_t n = 0;
    size_t digits = 0;
    size_t i = len > 6 && strncasecmp(value, "bytes=", 6) == 0 ? 6 : 0;
    if (len < i + 3 || value[i] != '0' || value[i + 1] != '-')
        return UINT64_MAX;
    for (i += 2; i < len && value[i] >= '0' && value[i] <= '9' && digits < 18; i++, digits++)
        n = n * 10 + (uint64_t)(value[i] - '0');
    return digits > 0 && i == len ? n + 1 : UINT64_MAX;
}

/* "<URL>; rel="next"", the only relation that is looked for; false when it is too long. */
static bool read_link(const char *value, size_t len, char *out, size_t size)
{
    const char *close = memchr(value, '>', len);
    if (len < 2 || value[0] != '<' || close == NULL)
        return true;
    size_t n = (size_t)(close - value) - 1;
    const char *rest = close + 1;
    size_t left = len - n - 2;
    if (memmem(rest, left, "rel=\"next\"", 10) == NULL && memmem(rest, left, "rel=next", 8) == NULL)
        return true;
    if (n >= size)
        return false;
    memcpy(out, value + 1, n);
    out[n] = '\0';
    return true;
}

static void clear_answer(struct http_answer *a)
{
    a->status = 0;
    a->length = UINT64_MAX;
    a->range_start = UINT64_MAX;
    a->taken = UINT64_MAX;
    a->retry_after = 0;
    a->received = 0;
    a->digest[0] = '\0';
    a->subject[0] = '\0';
    a->challenge[0] = '\0';
    a->location[0] = '\0';
    a->link[0] = '\0';
    a->error[0] = '\0';
}

static bool take(char *out, size_t size, const char *value, size_t len)
{
    if (len >= size)
        return false;
    memcpy(out, value, len);
    out[len] = '\0';
    return true;
}

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
    struct http_answer *a = x->answer;
    const char *value = NULL;
    size_t len = size * count;
    size_t n = 0;
    if (len == 2 && line[0] == '\r') {
        read_info(x);
        return too_long(x, 0) ? 0 : len;
    }
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) {
        clear_answer(a); /* a new answer: 100 Continue or a proxy's came before */
    } else if (header_is(line, len, "WWW-Authenticate", &value, &n)) {
        size_t have = strlen(a->challenge);
        if (have + n + 2 > sizeof(a->challenge))
            return 0;
        if (have > 0)
            a->challenge[have++] = ',';
        memcpy(a->challenge + have, value, n);
        a->challenge[have + n] = '\0';
    } else if (header_is(line, len, "Docker-Content-Digest", &value, &n)) {
        return take(a->digest, sizeof(a->digest), value, n) ? len : 0;
    } else if (header_is(line, len, "OCI-Subject", &value, &n)) {
        return take(a->subject, sizeof(a->subject), value, n) ? len : 0;
    } else if (header_is(line, len, "Location", &value, &n)) {
        return take(a->location, sizeof(a->location), value, n) ? len : 0;
    } else if (header_is(line, len, "Link", &value, &n)) {
        return read_link(value, n, a->link, sizeof(a->link)) ? len : 0;
    } else if (header_is(line, len, "Content-Range", &value, &n)) {
        a->range_start = range_start(value, n);
    } else if (header_is(line, len, "Range", &value, &n)) {
        a->taken = range_taken(value, n);
    }
    return len;
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

static int failed(const struct exchange *x, CURLcode code, const char *host, bool *again,
                  struct err *e)
{
    const char *why = x->message[0] != '\0' ? x->message : curl_easy_strerror(code);
    if (x->rc < 0) {
        *e = x->error;
        return x->rc;
    }
    if (x->stalled) {
        *again = true;
        return err_set(e, ERR_HOST, "'%s' moved less than %d bytes a second for %u seconds", host,
                       LOW_SPEED, x->http->options.stall_seconds);
    }
    *again = may_help(code);
    if (code == CURLE_WRITE_ERROR)
        return err_set(e, ERR_INPUT, "'%s' answers with headers or a body that are too long", host);
    bool rejected = code == CURLE_PEER_FAILED_VERIFICATION;
    return err_set(e, rejected ? ERR_REJECTED : ERR_HOST, "'%s': %.200s", host, why);
}

static int perform(struct http *h, struct exchange *x, const char *url, const char *host,
                   bool *again, struct err *e)
{
    struct curl_slist *headers = NULL;
    int64_t left = seconds_left(h);
    if (left <= 0)
        return err_set(e, ERR_HOST, "'%s': no time left, %u seconds were allowed", host,
                       h->options.total_seconds);
    clear_answer(x->answer);
    x->message[0] = '\0';
    x->stalled = false;
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
        if (code != CURLE_OK)
            rc = failed(x, code, host, again, e);
        else if (x->answer->status >= 400)
            http_error_code(x->complaint, x->complaint_len, x->answer->error,
                            sizeof(x->answer->error));
    }
    (void)curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return rc;
}

/* Where a redirect leads, when it may be followed; caller frees with curl_free. */
static int next_url(const struct exchange *x, const struct place *from, char **out,
                    struct place *to, struct err *e)
{
    const char *url = NULL;
    (void)curl_easy_getinfo(x->curl, CURLINFO_REDIRECT_URL, &url);
    if (url == NULL || !url_place(url, to))
        return err_set(e, ERR_INPUT, "'%s' redirects to nowhere", from->host);
    if (strcmp(to->scheme, from->scheme) != 0)
        return err_set(e, ERR_INPUT, "'%s' redirects from %s to %.7s: refused", from->host,
                       from->scheme, to->scheme);
    *out = strdup(url);
    return *out != NULL ? 0 : err_oom(e);
}

/* Without TLS only where that was asked for, whoever names the place. */
static int check_place(const struct http *h, const struct place *at, struct err *e)
{
    if (strcmp(at->scheme, "https") == 0 ||
        (strcmp(at->scheme, "http") == 0 && http_plain(h, at->host)))
        return 0;
    return err_set(e, ERR_INPUT, "'%s' without TLS: refused (see --plain-http)", at->host);
}

static int follow(struct http *h, struct exchange *x, const char *first, bool *again, struct err *e)
{
    struct place start;
    struct place at;
    AUTO_FREE char *url = strdup(first);
    if (url == NULL)
        return err_oom(e);
    if (!url_place(url, &start))
        return err_set(e, ERR_INPUT, "'%.128s' is no URL that can be fetched", first);
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
        struct place to = {.scheme = ""};
        if ((rc = next_url(x, &at, &next, &to, e)) < 0)
            return rc;
        free(url);
        url = next;
        at = to;
        if (strcmp(to.host, start.host) != 0)
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

int http_resolve(const char *base, const char *place, char **out, struct err *e)
{
    struct place from;
    struct place to;
    char *url = NULL;
    CURLU *u = curl_url();
    bool fine = u != NULL && strlen(place) < HTTP_URL_MAX &&
                curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
                curl_url_set(u, CURLUPART_URL, place, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_URL, &url, 0) == CURLUE_OK && url_place(base, &from) &&
                url_place(url, &to);
    curl_url_cleanup(u);
    int rc = 0;
    if (!fine)
        rc = err_set(e, ERR_INPUT, "'%.128s' is no place that can be gone to", place);
    else if (strcmp(from.scheme, to.scheme) != 0)
        rc = err_set(e, ERR_INPUT, "'%s' leads from %s to %.7s: refused", from.host, from.scheme,
                     to.scheme);
    else
        rc = str_copy(out, url, e);
    curl_free(url);
    return rc;
}

void http_error_code(const void *data, size_t len, char *out, size_t size)
{
    AUTO_JSON json_t *document = NULL;
    struct err ignored = ERR_INIT;
    const struct json_limits limits = {.bytes = COMPLAINT_MAX, .depth = 16};
    out[0] = '\0';
    if (json_parse(data, len, "the complaint", &limits, &document, &ignored) < 0)
        return;
    const json_t *first = json_array_get(json_object_get(document, "errors"), 0);
    const char *code = json_string_value(json_object_get(first, "code"));
    if (code != NULL && strlen(code) < size &&
        strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(code))
        (void)take(out, size, code, strlen(code));
}

bool http_same_host(const char *a, const char *b)
{
    struct place x;
    struct place y;
    return url_place(a, &x) && url_place(b, &y) && strcmp(x.scheme, y.scheme) == 0 &&
           strcmp(x.host, y.host) == 0;
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
