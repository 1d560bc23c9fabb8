/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/git_remote.h"

#include "builder/sources/url.h"
#include "builder/sources/words.h"

#include <string.h>

enum { ERRORS_MAX = 4096 };

void git_remote_close(struct git_remote *r)
{
    private_dir_remove(&r->dir);
    free(r->directory);
    free(r->url);
    free(r->place);
    credentials_dispose(&r->credentials);
}

const char *git_complaint(struct buf *errors, const char *const *env, char out[PLACE_MESSAGE_MAX])
{
    static const char mark[] = "fatal: ";
    while (errors->len > 0 && errors->data[errors->len - 1] == '\n')
        errors->data[--errors->len] = 0;
    const char *said = buf_str(errors);
    const char *from = strrchr(said, '\n') != NULL ? strrchr(said, '\n') + 1 : said;
    for (const char *line = said; line != NULL; line = strchr(line, '\n')) {
        line += line[0] == '\n';
        from = str_starts(line, mark) ? line + sizeof(mark) - 1 : from;
    }
    for (size_t i = 0; i < errors->len; i++)
        if (errors->data[i] == '\n' || errors->data[i] == '\t')
            errors->data[i] = ' ';
    return place_message(from, env, out);
}

static bool says(const struct buf *errors, const char *words)
{
    return strstr(buf_str(errors), words) != NULL;
}

/* ---- where it is ------------------------------------------------------------------------------
 */

/* Its scheme is all that git may use. */
static int set_url(const struct git_options *o, struct git_remote *r, char *url, struct err *e)
{
    bool plain = false;
    free(r->url);
    r->url = url;
    int rc = url_may_be_plain(o->http, url, &plain, e);
    if (rc < 0)
        return rc;
    if (!str_starts(url, "https://") && !plain)
        return err_set(e, ERR_INPUT, "'%s' is not https://: allow it with --plain-http HOST",
                       PLACE_SHOWN(url));
    r->repository.protocols = str_starts(url, "https://") ? "https" : "http";
    return 0;
}

struct probe {
    bool answered;
};

/* The first bytes of what is there are enough. */
static int stop(void *context, const struct http_answer *answer, const void *data, size_t len,
                struct err *e)
{
    struct probe *p = context;
    (void)answer;
    (void)data;
    (void)len;
    p->answered = true;
    return err_set(e, ERR_INPUT, "enough");
}

/* Where git's first request ends up. */
static int follow_redirect(const struct git_options *o, struct git_remote *r, struct err *e)
{
    static const char path[] = "/info/refs";
    static const char service[] = "service=git-upload-pack";
    AUTO_FREE char *asked = NULL;
    AUTO_FREE char *tail = NULL;
    struct probe probe = {.answered = false};
    struct http_answer answer = {.status = 0};
    struct err ended = ERR_INIT;
    bool again = false;
    char *found = NULL;
    bool query = strchr(r->url, '?') != NULL;
    int rc = str_format(&tail, e, "%s%c%s", path, query ? '&' : '?', service);
    if (rc < 0 ||
        (rc = str_format(&asked, e, "%s%s", r->url, tail + (str_ends(r->url, "/") ? 1 : 0))) < 0)
        return rc;
    const struct http_request request = {.url = asked, .body = stop, .context = &probe};
    rc = http_call(o->http, &request, &answer, &again, &ended);
    if (rc < 0 && !probe.answered) {
        *e = ended;
        return rc;
    }
    if (!str_ends(answer.url, tail))
        return err_set(e, ERR_INPUT, "it redirects to '%s', which is no repository",
                       PLACE_SHOWN(answer.url));
    rc = str_format(&found, e, "%.*s", (int)(strlen(answer.url) - strlen(tail)), answer.url);
    return rc < 0 ? rc : set_url(o, r, found, e);
}

/* ---- what is fetched ---------------------------------------------------------------------------
 */

/* Of this server alone: a redirect leads to where no password is given. */
static int find_credentials(const struct git_options *o, struct git_remote *r, struct err *e)
{
    bool found = false;
    int rc =
        git_credential_find(&o->credentials, o->repository, &r->credentials, &r->place, &found, e);
    if (rc == 0 && found) {
        r->repository.credentials = &r->credentials;
        r->repository.credentials_place = r->place;
    }
    return rc;
}

static int init(const struct git_options *o, struct git_remote *r, const char *algorithm,
                struct err *e)
{
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    AUTO_FREE char *format = NULL;
    char said[PLACE_MESSAGE_MAX];
    int status = 0;
    free(r->directory);
    r->directory = NULL;
    r->repository.directory = r->dir.path;
    int rc = str_format(&r->directory, e, "%s/%s", r->dir.path, algorithm);
    if (rc < 0 || (rc = str_format(&format, e, "--object-format=%s", algorithm)) < 0)
        return rc;
    const char *const args[] = {"init",        "--bare",  "--quiet", format,
                                "--template=", algorithm, NULL};
    if ((rc = git_run(&r->repository, args, NULL, &errors, &status, e)) < 0)
        return rc;
    r->repository.directory = r->directory;
    return status == 0 ? 0
                       : err_set(e, ERR_HOST, "cannot make a git repository: %.300s",
                                 git_complaint(&errors, o->env, said));
}

static int fetch_once(struct git_remote *r, const char *const *args, bool *good, struct buf *errors,
                      struct err *e)
{
    int status = 0;
    buf_cut(errors, 0);
    int rc = git_run(&r->repository, args, NULL, errors, &status, e);
    if (rc == 0)
        *good = status == 0;
    return rc;
}

/* The one commit when the server gives it, else all branches and tags. */
static int fetch(const struct git_options *o, struct git_remote *r, bool *good, struct buf *errors,
                 struct err *e)
{
    struct git_id id;
    bool by_id = git_id_parse(o->commit, &id);
    AUTO_FREE char *refspec = NULL;
    /* With a '+' of our own in front, one that begins the name is no sign any more. */
    int rc = str_format(&refspec, e, "+%s:" GIT_REMOTE_REF, o->commit);
    if (rc < 0)
        return rc;
    const char *const one[] = {"fetch", "--quiet", "--depth=1", "--no-tags",
                               "--",    r->url,    refspec,     NULL};
    const char *const whole[] = {"fetch", "--quiet", "--no-tags", "--", r->url, refspec, NULL};
    const char *const all[] = {"fetch",
                               "--quiet",
                               "--no-tags",
                               "--",
                               r->url,
                               "+refs/heads/*:refs/assay/heads/*",
                               "+refs/tags/*:refs/assay/tags/*",
                               NULL};
    rc = fetch_once(r, one, good, errors, e);
    /* Another answer is not to be had where the first one was no list of refs. */
    bool refused = says(errors, "returned error: 3") || says(errors, "mismatched algorithms") ||
                   says(errors, "could not read Username") || says(errors, "Authentication failed");
    return rc < 0 || *good || refused ? rc : fetch_once(r, by_id ? all : whole, good, errors, e);
}

/* Whether nobody was reached who could have said anything: libcurl's words, as git hands them on.
 */
static bool is_offline(const struct buf *errors)
{
    return says(errors, "Could not resolve") || says(errors, "Failed to connect") ||
           says(errors, "Connection timed out") || says(errors, "Network is unreachable");
}

static int fetch_failed(const struct git_options *o, const struct git_remote *r, struct buf *errors,
                        struct err *e)
{
    static const struct {
        const char *words;
        enum err_code code;
        const char *hint;
    } known[] = {
        {"could not read Username", ERR_INPUT,
         "it wants a user's name and password: --git-credentials HOST asks git's helpers for them"},
        {"could not read Password", ERR_INPUT, "it wants a password, which git's helpers lack"},
        {"Authentication failed", ERR_INPUT, "it refuses the password that git's helpers gave"},
        {"certificate verification failed", ERR_REJECTED, NULL}, /* GnuTLS's words, OpenSSL's */
        {"SSL certificate problem", ERR_REJECTED, NULL},
        {"certificate subject name", ERR_REJECTED, NULL},
        {"find remote ref", ERR_INPUT, NULL},
        {"not our ref", ERR_INPUT, NULL},
        {"not found", ERR_INPUT, NULL},
        {"", ERR_HOST, NULL},
    };
    char said[PLACE_MESSAGE_MAX];
    size_t i = 0;
    while (!says(errors, known[i].words))
        i++;
    const char *why = known[i].hint;
    if (why == NULL && r->credentials.secret != NULL && says(errors, r->credentials.secret))
        why = "what git says is not shown: a password is in it";
    return err_set(e, known[i].code, "cannot fetch '%s': %s%.300s", o->commit,
                   why == NULL && is_offline(errors) ? "offline, or it is down: " : "",
                   why != NULL ? why : git_complaint(errors, o->env, said));
}

int git_remote_fetch(const struct git_options *o, struct git_remote *r, struct err *e)
{
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    struct git_id id;
    char *url = NULL;
    bool by_id = git_id_parse(o->commit, &id);
    bool sha256 = by_id && id.len == GIT_ID_MAX;
    bool led = false;
    bool good = false;
    r->repository.env = o->env;
    r->repository.ca_file = o->ca_file;
    r->repository.limits = o->limits;
    int rc = str_copy(&url, o->repository, e);
    if (rc < 0 || (rc = set_url(o, r, url, e)) < 0 || (rc = find_credentials(o, r, e)) < 0 ||
        (rc = private_dir_make(o->temp, &r->dir, e)) < 0 ||
        (rc = init(o, r, sha256 ? "sha256" : "sha1", e)) < 0)
        return rc;
    while ((rc = fetch(o, r, &good, &errors, e)) == 0 && !good) {
        bool redirected = !led && says(&errors, "returned error: 3");
        bool mistaken = !by_id && !sha256 && says(&errors, "mismatched algorithms");
        if (redirected)
            rc = follow_redirect(o, r, e);
        else if (mistaken)
            rc = init(o, r, "sha256", e);
        else
            rc = fetch_failed(o, r, &errors, e);
        if (rc < 0)
            return rc;
        led = led || redirected;
        sha256 = sha256 || mistaken;
    }
    if (rc < 0)
        return rc;
    r->repository.protocols = NULL; /* the rest is here */
    return 0;
}
