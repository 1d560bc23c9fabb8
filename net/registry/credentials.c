/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/credentials.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/process.h"
#include "net/registry/reference.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
    CONFIG_MAX = 1024 * 1024,
    SECRET_MAX = 16384,
    HELPER_SECONDS = 60,
};

/* What Docker calls its own registry in config.json. */
#define DOCKER_KEY "https://index.docker.io/v1/"

void secret_free(char *text)
{
    if (text == NULL)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

void credentials_dispose(struct credentials *c)
{
    secret_free(c->user);
    secret_free(c->secret);
    *c = (struct credentials){0};
}

static void wipe(struct buf *b)
{
    if (b->data != NULL)
        explicit_bzero(b->data, b->cap);
    buf_dispose(b);
}
#define AUTO_WIPED AUTO(wipe) struct buf

/* ---- config.json ------------------------------------------------------------------------ */

/* Whether a key of `auths` or `credHelpers` means this host: keys may be URLs of old. */
static bool key_matches(const char *key, const char *host)
{
    if (strcmp(host, REFERENCE_HOST_DEFAULT) == 0)
        return strcmp(key, DOCKER_KEY) == 0 || strcmp(key, "docker.io") == 0 ||
               strcmp(key, "index.docker.io") == 0;
    if (str_starts(key, "https://"))
        key += 8;
    else if (str_starts(key, "http://"))
        key += 7;
    size_t len = strlen(host);
    return strncmp(key, host, len) == 0 && (key[len] == '\0' || key[len] == '/');
}

/* The member of `c`[name] for the host. */
static bool find_key(const struct jcur *c, const char *host, const char **key)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(c->value, name, value)
    {
        if (key_matches(name, host)) {
            *key = name;
            return true;
        }
    }
    return false;
}

static int take_identity(const char *token, struct credentials *out, struct err *e)
{
    char *copy = NULL;
    int rc = str_copy(&copy, token, e);
    if (rc == 0)
        *out = (struct credentials){.secret = copy, .identity = true};
    return rc;
}

/* A member that says something: docker writes null and "" where there is nothing to say. */
static bool find(const struct jcur *c, const char *key, struct jcur *out)
{
    return jcur_opt(c, key, out) && !json_is_null(out->value);
}

/* "" when it is not there. */
static int read_text(const struct jcur *c, const char *key, struct jcur *at, const char **out,
                     struct err *e)
{
    *out = "";
    return find(c, key, at) ? jcur_string(at, SECRET_MAX, out, e) : 0;
}

/* Docker's own reader passes over line ends in base64, and NUL bytes at both ends of a password. */
static int decode_auth(const struct jcur *c, const char *text, struct credentials *out,
                       struct err *e)
{
    AUTO_WIPED packed = BUF_INIT(SECRET_MAX);
    AUTO_WIPED plain = BUF_INIT(SECRET_MAX);
    int rc = 0;
    for (const char *p = text; rc == 0 && *p != '\0'; p++)
        if (*p != '\r' && *p != '\n')
            rc = buf_add(&packed, p, 1, e);
    if (rc < 0)
        return rc;
    if (base64_decode(buf_str(&packed), packed.len, &plain, e) < 0)
        return jcur_fail(c, e, "is not base64");
    const char *start = buf_str(&plain);
    const char *colon = memchr(start, ':', plain.len);
    const char *end = start + plain.len;
    const char *secret = colon != NULL ? colon + 1 : end;
    while (secret < end && secret[0] == '\0')
        secret++;
    while (secret < end && end[-1] == '\0')
        end--;
    if (colon == NULL || memchr(start, '\0', (size_t)(colon - start)) != NULL ||
        memchr(secret, '\0', (size_t)(end - secret)) != NULL)
        return jcur_fail(c, e, "is not the base64 of user:password");
    out->user = strndup(start, (size_t)(colon - start));
    out->secret = strndup(secret, (size_t)(end - secret));
    return out->user != NULL && out->secret != NULL ? 0 : err_oom(e);
}

static int read_auth(const struct jcur *c, struct credentials *out, struct err *e)
{
    AUTO_CREDENTIALS found = {0};
    struct jcur m;
    const char *text = NULL;
    const char *user = NULL;
    const char *secret = NULL;
    if (json_is_null(c->value))
        return 0;
    int rc = jcur_open_object(c, e);
    if (rc < 0 || (rc = read_text(c, "identitytoken", &m, &text, e)) < 0)
        return rc;
    if (text[0] != '\0')
        return take_identity(text, out, e);
    if ((rc = read_text(c, "username", &m, &user, e)) < 0 ||
        (rc = read_text(c, "password", &m, &secret, e)) < 0 ||
        (rc = read_text(c, "auth", &m, &text, e)) < 0)
        return rc;
    if (text[0] != '\0') {
        if ((rc = decode_auth(&m, text, &found, e)) < 0)
            return rc;
        if (found.user[0] == '\0' && found.secret[0] == '\0') /* ":" */
            return 0;
    } else if (user[0] != '\0') {
        found.user = strdup(user);
        found.secret = strdup(secret);
        if (found.user == NULL || found.secret == NULL)
            return err_oom(e);
    }
    *out = found;
    found = (struct credentials){0};
    return 0;
}

static int read_helper(const struct jcur *c, const char *host, char **helper, struct err *e)
{
    struct jcur helpers;
    struct jcur m;
    const char *key = NULL;
    const char *name = NULL;
    int rc = 0;
    bool found = false;
    if (find(c, "credHelpers", &helpers)) {
        if ((rc = jcur_open_object(&helpers, e)) < 0)
            return rc;
        found = find_key(&helpers, host, &key) && jcur_opt(&helpers, key, &m);
    }
    if (found ? json_is_null(m.value) : !find(c, "credsStore", &m))
        return 0;
    if ((rc = jcur_string(&m, 64, &name, e)) < 0)
        return rc;
    for (const char *p = name; *p != '\0'; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
              *p == '-' || *p == '_' || *p == '.'))
            return jcur_fail(&m, e, "is no name of a credential helper");
    return name[0] == '\0' ? 0 : str_copy(helper, name, e);
}

int credentials_parse(const void *data, size_t len, const char *host, struct credentials *out,
                      char **helper, struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    AUTO_FREE char *asked = NULL;
    const struct json_limits limits = {.bytes = CONFIG_MAX, .depth = 16, .secret = true};
    struct jcur auths;
    struct jcur m;
    const char *key = NULL;
    const char *text = data;
    while (len > 0 && memchr(" \t\r\n", text[len - 1], 5) != NULL) /* NUL bytes, too */
        len--;
    if (len == 0 || (len == 4 && memcmp(text, "null", 4) == 0))
        return 0; /* no configuration, as for docker */
    int rc = json_parse(data, len, "config.json", &limits, &document, e);
    if (rc < 0)
        return rc;
    struct jcur c = jcur_root(document, "config.json");
    if ((rc = jcur_open_object(&c, e)) < 0 || (rc = read_helper(&c, host, &asked, e)) < 0)
        return rc;
    if (asked == NULL && find(&c, "auths", &auths)) {
        if ((rc = jcur_open_object(&auths, e)) < 0)
            return rc;
        if (find_key(&auths, host, &key) && jcur_opt(&auths, key, &m) &&
            (rc = read_auth(&m, out, e)) < 0)
            return rc;
    }
    *helper = steal_ptr(&asked);
    return 0;
}

/* ---- helpers ------------------------------------------------------------------------------ */

static int read_answer(const struct buf *answer, struct credentials *out, struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    AUTO_CREDENTIALS found = {0};
    const struct json_limits limits = {.bytes = SECRET_MAX, .depth = 4, .secret = true};
    const char *user = NULL;
    const char *secret = NULL;
    int rc = json_parse(buf_str(answer), answer->len, "its answer", &limits, &document, e);
    if (rc < 0)
        return rc;
    struct jcur c = jcur_root(document, "its answer");
    if ((rc = jcur_open_object(&c, e)) < 0 ||
        (rc = jcur_get_string(&c, "Username", SECRET_MAX, &user, e)) < 0 ||
        (rc = jcur_get_string(&c, "Secret", SECRET_MAX, &secret, e)) < 0)
        return rc;
    if (strcmp(user, "<token>") == 0)
        return take_identity(secret, out, e);
    found.user = strdup(user);
    found.secret = strdup(secret);
    if (found.user == NULL || found.secret == NULL)
        return err_oom(e);
    *out = found;
    found = (struct credentials){0};
    return 0;
}

/* The helper's full path in the directories of `path`; stays NULL when none has it. */
static int find_helper(const char *program, const char *path, char **out, struct err *e)
{
    int rc = 0;
    for (const char *p = path; rc == 0 && *p != '\0';) {
        size_t len = strcspn(p, ":");
        AUTO_FREE char *full = NULL;
        if (*p == '/' && (rc = str_format(&full, e, "%.*s/%s", (int)len, p, program)) == 0 &&
            access(full, X_OK) == 0) {
            *out = steal_ptr(&full);
            return 0;
        }
        p += len + (p[len] == ':');
    }
    return rc;
}

static int ask_helper(const char *name, const char *host, const struct credentials_source *source,
                      struct credentials *out, struct err *e)
{
    AUTO_FREE char *program = NULL;
    AUTO_FREE char *full = NULL;
    AUTO_WIPED answer = BUF_INIT(SECRET_MAX);
    AUTO_BUF errors = BUF_INIT(4096);
    int status = 0;
    const char *key = strcmp(host, REFERENCE_HOST_DEFAULT) == 0 ? DOCKER_KEY : host;
    int rc = str_format(&program, e, "docker-credential-%s", name);
    if (rc < 0 || (source->path != NULL && (rc = find_helper(program, source->path, &full, e)) < 0))
        return rc;
    if (source->path != NULL && full == NULL)
        return err_set(e, ERR_UNDECIDED, "there is no program '%s' in PATH", program);
    const char *const argv[] = {full != NULL ? full : program, "get", NULL};
    const struct process_options options = {
        .argv = argv,
        .env = source->env,
        .input = key,
        .input_len = strlen(key),
        .output = &answer,
        .errors = &errors,
        .timeout_seconds = HELPER_SECONDS,
        .limits = {.deadline_ms = source->limits.deadline_ms},
    };
    if ((rc = process_run(&options, &status, e)) < 0)
        return err_wrap(e, "cannot ask '%s'", program);
    if (status != 0) {
        if (strstr(buf_str(&answer), "credentials not found") != NULL)
            return 0;
        return err_set(e, ERR_HOST, "'%s' fails with exit code %d", program, status);
    }
    if ((rc = read_answer(&answer, out, e)) < 0)
        return err_wrap(e, "cannot read the answer of '%s'", program);
    return 0;
}

int credentials_find(const struct credentials_source *source, const char *host,
                     struct credentials *out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *helper = NULL;
    AUTO_WIPED text = BUF_INIT(CONFIG_MAX);
    struct stat st;
    if (source->directory == NULL)
        return 0;
    int rc = path_join(&path, source->directory, "config.json", e);
    if (rc < 0)
        return rc;
    if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (file_read(path, &text, e) < 0 ||
        credentials_parse(buf_str(&text), text.len, host, out, &helper, e) < 0) {
        (void)err_recode(e, ERR_USAGE); /* a configuration file is wrong */
        return err_wrap(e, "cannot use '%s'", path);
    }
    return helper != NULL ? ask_helper(helper, host, source, out, e) : 0;
}

int credentials_basic(const struct credentials *c, char **out, struct err *e)
{
    AUTO_WIPED plain = BUF_INIT(2 * SECRET_MAX + 2);
    AUTO_WIPED text = BUF_INIT(4 * SECRET_MAX);
    int rc = buf_addf(&plain, e, "%s:%s", c->user, c->secret);
    if (rc < 0 || (rc = buf_add_str(&text, "Basic ", e)) < 0 ||
        (rc = base64_encode(buf_str(&plain), plain.len, &text, e)) < 0)
        return rc;
    *out = buf_steal(&text);
    return *out != NULL ? 0 : err_oom(e);
}
