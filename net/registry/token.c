/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/token.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/media_types.h"

#include <string.h>

enum { ANSWER_MAX = 128 * 1024, TOKEN_MAX = 64 * 1024, FORM_MAX = 256 * 1024 };

static int add_escaped(struct buf *out, const char *text, struct err *e)
{
    int rc = 0;
    for (const char *p = text; rc == 0 && *p != '\0'; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || strchr("-._~", *p) != NULL;
        rc = plain ? buf_add(out, p, 1, e) : buf_addf(out, e, "%%%02X", (unsigned)(uint8_t)*p);
    }
    return rc;
}

/* What is asked for: the challenge's scope, or that of the repository. */
static int add_scope(struct buf *out, const struct challenge *c, const struct reference *reference,
                     bool push, struct err *e)
{
    int rc = 0;
    if (c->scope[0] != '\0')
        return add_escaped(out, c->scope, e);
    if ((rc = add_escaped(out, "repository:", e)) < 0 ||
        (rc = add_escaped(out, reference->path, e)) < 0)
        return rc;
    return add_escaped(out, push ? ":pull,push" : ":pull", e);
}

static int add_service(struct buf *out, const struct challenge *c, struct err *e)
{
    if (c->service[0] == '\0')
        return 0;
    int rc = buf_add_str(out, "&service=", e);
    return rc < 0 ? rc : add_escaped(out, c->service, e);
}

int token_url(const struct challenge *c, const struct reference *reference, bool push, char **out,
              struct err *e)
{
    AUTO_BUF url = BUF_INIT(HTTP_URL_MAX);
    int rc = buf_add_str(&url, c->realm, e);
    if (rc < 0 ||
        (rc = buf_add_str(&url, strchr(c->realm, '?') != NULL ? "&scope=" : "?scope=", e)) < 0 ||
        (rc = add_scope(&url, c, reference, push, e)) < 0 || (rc = add_service(&url, c, e)) < 0)
        return rc;
    *out = buf_steal(&url);
    return *out != NULL ? 0 : err_oom(e);
}

int token_form(const struct challenge *c, const struct reference *reference, bool push,
               const char *identity, char **out, struct err *e)
{
    struct buf form = BUF_INIT(FORM_MAX);
    /* At once, so that no copy is left behind by growing. */
    int rc = buf_reserve(&form, FORM_MAX / 2, e);
    if (rc == 0)
        rc = buf_add_str(&form, "grant_type=refresh_token&client_id=assay&scope=", e);
    if (rc == 0)
        rc = add_scope(&form, c, reference, push, e);
    if (rc == 0)
        rc = add_service(&form, c, e);
    if (rc == 0)
        rc = buf_add_str(&form, "&refresh_token=", e);
    if (rc == 0)
        rc = add_escaped(&form, identity, e);
    if (rc < 0) {
        if (form.data != NULL)
            explicit_bzero(form.data, form.cap);
        buf_dispose(&form);
        return rc;
    }
    *out = buf_steal(&form);
    return *out != NULL ? 0 : err_oom(e);
}

int token_parse(const void *data, size_t len, char **out, struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    const struct json_limits limits = {.bytes = ANSWER_MAX, .depth = 8, .secret = true};
    struct jcur m;
    const char *token = NULL;
    int rc = json_parse(data, len, "token", &limits, &document, e);
    if (rc < 0)
        return rc;
    struct jcur c = jcur_root(document, "token");
    if ((rc = jcur_open_object(&c, e)) < 0)
        return rc;
    bool named = jcur_opt(&c, "token", &m) && !json_is_null(m.value) &&
                 (!json_is_string(m.value) || json_string_length(m.value) > 0);
    if (!named && (rc = jcur_get(&c, "access_token", &m, e)) < 0)
        return rc;
    if ((rc = jcur_string(&m, TOKEN_MAX, &token, e)) < 0)
        return rc;
    for (const char *p = token; *p != '\0'; p++)
        if (*p <= ' ' || *p >= 0x7f)
            return jcur_fail(&m, e, "is no token");
    if (token[0] == '\0')
        return jcur_fail(&m, e, "is empty");
    return str_format(out, e, "Bearer %s", token);
}

static int add_body(void *context, const struct http_answer *answer, const void *data, size_t len,
                    struct err *e)
{
    struct buf *out = context;
    if (answer->received == 0)
        buf_cut(out, 0);
    return buf_add(out, data, len, e);
}

static int send_form(void *context, uint64_t offset, void *data, size_t len, struct err *e)
{
    const char *form = context;
    (void)e;
    memcpy(data, form + offset, len);
    return 0;
}

/* With a password (or without), or with a form. */
static int ask(struct http *h, const char *url, const char *authorization, char *form, char **out,
               struct err *e)
{
    AUTO_BUF body = BUF_INIT(ANSWER_MAX);
    const struct http_request request = {
        .method = form != NULL ? HTTP_POST : HTTP_GET,
        .url = url,
        .accept = MEDIA_JSON,
        .authorization = authorization,
        .content_type = form != NULL ? MEDIA_FORM : NULL,
        .send_size = form != NULL ? strlen(form) : 0,
        .send = form != NULL ? send_form : NULL,
        .send_context = form,
        .max = ANSWER_MAX,
        .body = add_body,
        .context = &body,
    };
    int rc = 0;
    long told = 0; /* the status of the answer before */
    for (unsigned attempt = 0;; attempt++) {
        struct http_answer answer = {.status = 0};
        bool again = false;
        rc = http_call(h, &request, &answer, &again, e);
        if (rc < 0 && told != 0 && http_out_of_time(h)) {
            answer.status = told;
            rc = 0;
        } else if (rc == 0) {
            told = answer.status;
        }
        if (rc == 0 && answer.status == 200) {
            rc = token_parse(buf_str(&body), body.len, out, e);
            break;
        }
        again = again || answer.status == 429 || answer.status >= 500;
        if (again && http_wait(h, attempt, answer.retry_after))
            continue;
        if (rc == 0)
            rc = err_set(e, answer.status == 429 || answer.status >= 500 ? ERR_HOST : ERR_INPUT,
                         "its token server answers with status %ld", answer.status);
        break;
    }
    if (body.data != NULL)
        explicit_bzero(body.data, body.cap);
    return rc;
}

int token_get(struct http *h, const struct token_request *request, char **out, struct err *e)
{
    struct challenge c = {.scheme = CHALLENGE_NONE};
    AUTO_CREDENTIALS credentials = {0};
    AUTO_SECRET char *basic = NULL;
    AUTO_SECRET char *form = NULL;
    AUTO_FREE char *url = NULL;
    int rc = challenge_parse(request->challenge, &c, e);
    if (rc < 0)
        return rc;
    if (c.scheme == CHALLENGE_NONE)
        return err_set(e, ERR_UNDECIDED, "it wants neither Bearer nor Basic authentication");
    rc = credentials_find(request->credentials, request->reference->host, &credentials, e);
    if (rc == 0 && credentials.user != NULL)
        rc = credentials_basic(&credentials, &basic, e);
    if (rc < 0)
        return rc;
    if (c.scheme == CHALLENGE_BASIC) {
        if (basic == NULL)
            return err_set(e, ERR_INPUT, "it wants a name and a password, config.json has none");
        *out = steal_ptr(&basic);
        return 0;
    }
    if (credentials.identity) {
        rc = token_form(&c, request->reference, request->push, credentials.secret, &form, e);
        return rc < 0 ? rc : ask(h, c.realm, NULL, form, out, e);
    }
    if ((rc = token_url(&c, request->reference, request->push, &url, e)) < 0)
        return rc;
    return ask(h, url, basic, NULL, out, e);
}
