/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/git_run.h"

#include "base/place.h"
#include "base/process.h"

#include <string.h>

enum { ENV_MAX = 32, SECONDS_DEFAULT = 3600, ERRORS_MAX = 4096, HEADER_MAX = 128 };

/* ---- the environment and the options that make git hold still ------------------------------- */

static const char *const fixed_env[] = {
    ("PATH=" PATH_DEFAULT),
    "HOME=/nonexistent",
    "LC_ALL=C.UTF-8",
    "TZ=UTC",
    "GIT_CONFIG_NOSYSTEM=1",
    "GIT_CONFIG_SYSTEM=/dev/null",
    "GIT_CONFIG_GLOBAL=/dev/null",
    "GIT_ATTR_NOSYSTEM=1",
    "GIT_TERMINAL_PROMPT=0",
    "GIT_ASKPASS=/bin/false",
    "GIT_SSH_COMMAND=/bin/false",
    "GIT_NO_REPLACE_OBJECTS=1",
    "GIT_NO_LAZY_FETCH=1",
    "GIT_OPTIONAL_LOCKS=0",
    "GIT_PAGER=cat",
};

/* What a repository's own configuration could otherwise make git run or fetch. */
static const char *const fixed_args[] = {
    "git",
    "-c",
    "safe.directory=*",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.sshCommand=/bin/false",
    "-c",
    "credential.helper=",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "fetch.recurseSubmodules=false",
    "-c",
    "http.lowSpeedLimit=1024",
    "-c",
    "http.lowSpeedTime=30",
};

enum { FIXED_ARG_COUNT = sizeof(fixed_args) / sizeof(fixed_args[0]), ARGV_MAX = 64 };

static bool is_proxy(const char *item)
{
    static const char *const names[] = {"http_proxy=",  "https_proxy=", "all_proxy=", "no_proxy=",
                                        "HTTPS_PROXY=", "ALL_PROXY=",   "NO_PROXY="};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_starts(item, names[i]))
            return true;
    return false;
}

struct command {
    const char *argv[ARGV_MAX];
    const char *env[ENV_MAX];
    char *protocols;
    char *ca_file;
};

static void command_dispose(struct command *c)
{
    free(c->protocols);
    free(c->ca_file);
}

static int command_init(struct command *c, const struct git_repository *r, const char *const *args,
                        struct err *e)
{
    size_t n = 0;
    size_t k = 0;
    int rc = str_format(&c->protocols, e, "GIT_ALLOW_PROTOCOL=%s",
                        r->protocols != NULL ? r->protocols : "none");
    if (rc == 0 && r->ca_file != NULL)
        rc = str_format(&c->ca_file, e, "http.sslCAInfo=%s", r->ca_file);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < sizeof(fixed_env) / sizeof(fixed_env[0]); i++)
        c->env[k++] = fixed_env[i];
    c->env[k++] = c->protocols;
    for (size_t i = 0; r->protocols != NULL && r->env != NULL && r->env[i] != NULL; i++)
        if (is_proxy(r->env[i]) && k + 1 < ENV_MAX)
            c->env[k++] = r->env[i];
    for (size_t i = 0; i < FIXED_ARG_COUNT; i++)
        c->argv[n++] = fixed_args[i];
    if (c->ca_file != NULL) {
        c->argv[n++] = "-c";
        c->argv[n++] = c->ca_file;
    }
    c->argv[n++] = "-C";
    c->argv[n++] = r->directory;
    for (size_t i = 0; i < GIT_ARGS_MAX && args[i] != NULL; i++)
        c->argv[n++] = args[i];
    return 0;
}

int git_run(const struct git_repository *repository, const char *const *args, struct buf *output,
            struct buf *errors, int *status, struct err *e)
{
    AUTO(command_dispose) struct command c = {.protocols = NULL};
    int rc = command_init(&c, repository, args, e);
    if (rc < 0)
        return rc;
    const struct process_options options = {
        .argv = c.argv,
        .env = c.env,
        .output = output,
        .errors = errors,
        .timeout_seconds = repository->seconds > 0 ? repository->seconds : SECONDS_DEFAULT,
    };
    return process_run(&options, status, e);
}

/* ---- objects: "<id> <type> <size>\n", the bytes, "\n" ---------------------------------------- */

enum state { IN_HEADER, IN_DATA, BEHIND_DATA };

struct objects {
    const struct git_request *request;
    size_t index;
    enum state state;
    char header[HEADER_MAX];
    size_t header_len;
    uint64_t left;
    struct git_hasher *hasher;
    struct err *e;
    int rc;
};

static int bad_object(const struct objects *o, const char *why, struct err *e)
{
    char hex[GIT_HEX_MAX + 1];
    return err_set(e, ERR_INPUT, "git object %s %s", git_id_format(&o->request->ids[o->index], hex),
                   why);
}

static int read_size(const struct objects *o, const char *text, uint64_t *out, struct err *e)
{
    uint64_t size = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
        return bad_object(o, "has a size that is no number", e);
    for (size_t i = 0; i < len; i++)
        size = size * 10 + (uint64_t)(text[i] - '0');
    if (size > o->request->size_max)
        return bad_object(o, "is too large", e);
    *out = size;
    return 0;
}

static int end_object(struct objects *o, struct err *e)
{
    struct git_id got;
    int rc = git_hasher_final(o->hasher, &got, e);
    git_hasher_free(o->hasher);
    o->hasher = NULL;
    if (rc < 0)
        return rc;
    if (git_id_compare(&got, &o->request->ids[o->index]) != 0)
        return bad_object(o, "does not match its id", e);
    o->state = BEHIND_DATA;
    return o->request->end(o->request->context, o->index, e);
}

static int begin_object(struct objects *o, struct err *e)
{
    char hex[GIT_HEX_MAX + 1];
    const struct git_id *id = &o->request->ids[o->index];
    const char *rest = o->header + 2 * id->len;
    size_t type_len = strlen(o->request->type);
    o->header[o->header_len] = '\0';
    if (!str_starts(o->header, git_id_format(id, hex)) || rest[0] != ' ')
        return bad_object(o, "was asked for, git answers with another", e);
    if (strcmp(rest, " missing") == 0)
        return bad_object(o, "is not in the repository", e);
    if (strncmp(rest + 1, o->request->type, type_len) != 0 || rest[1 + type_len] != ' ')
        return err_set(e, ERR_INPUT, "git object %s is no %s", hex, o->request->type);
    int rc = read_size(o, rest + 2 + type_len, &o->left, e);
    if (rc < 0 || (rc = git_hasher_new(o->request->type, o->left, id->len, &o->hasher, e)) < 0 ||
        (rc = o->request->begin(o->request->context, o->index, o->left, e)) < 0)
        return rc;
    o->state = IN_DATA;
    return o->left == 0 ? end_object(o, e) : 0;
}

static int take_header(struct objects *o, uint8_t byte, struct err *e)
{
    if (o->index >= o->request->count)
        return err_set(e, ERR_INPUT, "git answers with more objects than were asked for");
    if (byte == '\n')
        return begin_object(o, e);
    if (byte == '\0' || o->header_len + 1 >= HEADER_MAX)
        return bad_object(o, "has a bad header", e);
    o->header[o->header_len++] = (char)byte;
    return 0;
}

static int take_data(struct objects *o, const uint8_t *data, size_t len, struct err *e)
{
    int rc = git_hasher_update(o->hasher, data, len, e);
    if (rc == 0)
        rc = o->request->data(o->request->context, o->index, data, len, e);
    if (rc < 0)
        return rc;
    o->left -= len;
    return o->left == 0 ? end_object(o, e) : 0;
}

static bool take(void *context, const uint8_t *data, size_t len)
{
    struct objects *o = context;
    while (len > 0 && o->rc == 0) {
        size_t n = 1;
        if (o->state == IN_DATA) {
            n = o->left < len ? (size_t)o->left : len;
            o->rc = take_data(o, data, n, o->e);
        } else if (o->state == IN_HEADER) {
            o->rc = take_header(o, data[0], o->e);
        } else if (data[0] == '\n') {
            o->state = IN_HEADER;
            o->header_len = 0;
            o->index++;
        } else {
            o->rc = bad_object(o, "is longer than git says", o->e);
        }
        data += n;
        len -= n;
    }
    return o->rc == 0;
}

static int format_ids(const struct git_request *request, struct buf *out, struct err *e)
{
    char hex[GIT_HEX_MAX + 1];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < request->count; i++)
        rc = buf_addf(out, e, "%s\n", git_id_format(&request->ids[i], hex));
    return rc;
}

int git_read_objects(const struct git_repository *repository, const struct git_request *request,
                     struct err *e)
{
    static const char *const args[] = {"cat-file", "--batch", "--buffer", NULL};
    AUTO(command_dispose) struct command c = {.protocols = NULL};
    AUTO_BUF ids = BUF_INIT((size_t)256 * 1024 * 1024);
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    struct objects o = {.request = request, .e = e};
    char said[PLACE_MESSAGE_MAX];
    int status = 0;
    if (request->count == 0)
        return 0;
    int rc = format_ids(request, &ids, e);
    if (rc < 0 || (rc = command_init(&c, repository, args, e)) < 0)
        return rc;
    const struct process_options options = {
        .argv = c.argv,
        .env = c.env,
        .input = ids.data,
        .input_len = ids.len,
        .errors = &errors,
        .timeout_seconds = repository->seconds > 0 ? repository->seconds : SECONDS_DEFAULT,
        .sink = take,
        .sink_context = &o,
    };
    struct err how = ERR_INIT;
    rc = process_run(&options, &status, &how);
    git_hasher_free(o.hasher);
    if (o.rc < 0)
        return o.rc;
    if (rc < 0) {
        *e = how;
        return rc;
    }
    if (status != 0)
        return err_set(e, ERR_INPUT, "git cannot read the repository: %.300s",
                       place_message(buf_str(&errors), repository->env, said));
    return o.index == request->count && o.state == IN_HEADER
               ? 0
               : err_set(e, ERR_INPUT, "git gave fewer objects than were asked for");
}
