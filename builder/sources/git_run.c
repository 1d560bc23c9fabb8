/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/git_run.h"

#include <errno.h>

enum { STALL_DEFAULT = 30 };

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
    "http.followRedirects=false",
};

enum { FIXED_ARG_COUNT = sizeof(fixed_args) / sizeof(fixed_args[0]) };

static bool is_proxy(const char *item)
{
    static const char *const names[] = {"http_proxy=",  "https_proxy=", "all_proxy=", "no_proxy=",
                                        "HTTPS_PROXY=", "ALL_PROXY=",   "NO_PROXY="};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_starts(item, names[i]))
            return true;
    return false;
}

void git_command_dispose(struct git_command *c)
{
    for (size_t i = 0; i < c->own_count; i++)
        secret_free(c->own[i]);
    c->own_count = 0;
}

/* Keeps the text, and takes it over. */
static const char *own(struct git_command *c, char *text)
{
    c->own[c->own_count++] = text;
    return text;
}

static void add_option(struct git_command *c, size_t *n, char *text)
{
    c->argv[(*n)++] = "-c";
    c->argv[(*n)++] = own(c, text);
}

/*
 * A helper that answers with what it has in its environment, for one place alone. The environment
 * of a process is for its user's eyes, its arguments are for everyone's.
 */
static int add_credentials(struct git_command *c, const struct git_repository *r, size_t *n,
                           size_t *k, struct err *e)
{
    char *option = NULL;
    char *user = NULL;
    char *secret = NULL;
    int rc = str_format(&option, e,
                        "credential.%s.helper=!f() { test \"$1\" != get || printf "
                        "'username=%%s\\npassword=%%s\\n' \"$ASSAY_GIT_USER\" "
                        "\"$ASSAY_GIT_SECRET\"; }; f",
                        r->credentials_place);
    if (rc < 0)
        return rc;
    add_option(c, n, option);
    if ((rc = str_format(&user, e, "ASSAY_GIT_USER=%s", r->credentials->user)) < 0)
        return rc;
    c->env[(*k)++] = own(c, user);
    if ((rc = str_format(&secret, e, "ASSAY_GIT_SECRET=%s", r->credentials->secret)) < 0)
        return rc;
    c->env[(*k)++] = own(c, secret);
    return 0;
}

/* What only matters where something is fetched. */
static int add_network(struct git_command *c, const struct git_repository *r, size_t *n, size_t *k,
                       struct err *e)
{
    char *text = NULL;
    const unsigned stall = r->limits.idle_seconds > 0 ? r->limits.idle_seconds : STALL_DEFAULT;
    for (size_t i = 0; r->env != NULL && r->env[i] != NULL; i++)
        if (is_proxy(r->env[i]) && *k + 4 < GIT_ENV_MAX)
            c->env[(*k)++] = r->env[i];
    int rc = str_format(&text, e, "http.lowSpeedTime=%u", stall);
    if (rc < 0)
        return rc;
    add_option(c, n, text);
    if (r->ca_file != NULL) {
        /* git runs in another directory. */
        AUTO_FREE char *whole = realpath(r->ca_file, NULL);
        if (whole == NULL)
            return err_os_code(e, ERR_INPUT, errno, "cannot open '%.255s'", r->ca_file);
        if ((rc = str_format(&text, e, "http.sslCAInfo=%s", whole)) < 0)
            return rc;
        add_option(c, n, text);
    }
    return r->credentials != NULL ? add_credentials(c, r, n, k, e) : 0;
}

int git_command_init(struct git_command *c, const struct git_repository *r, const char *const *args,
                     struct err *e)
{
    size_t n = 0;
    size_t k = 0;
    char *protocols = NULL;
    int rc = str_format(&protocols, e, "GIT_ALLOW_PROTOCOL=%s",
                        r->protocols != NULL ? r->protocols : "none");
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < sizeof(fixed_env) / sizeof(fixed_env[0]); i++)
        c->env[k++] = fixed_env[i];
    c->env[k++] = own(c, protocols);
    for (size_t i = 0; i < FIXED_ARG_COUNT; i++)
        c->argv[n++] = fixed_args[i];
    if (r->protocols != NULL && (rc = add_network(c, r, &n, &k, e)) < 0)
        return rc;
    c->argv[n++] = "-C";
    c->argv[n++] = r->directory;
    for (size_t i = 0; i < GIT_ARGS_MAX && args[i] != NULL; i++)
        c->argv[n++] = args[i];
    return 0;
}

struct process_limits git_limits(const struct git_repository *r)
{
    struct process_limits limits = r->limits;
    if (r->protocols != NULL)
        limits.idle_seconds = 0; /* what is fetched comes silently: http.lowSpeedTime watches */
    return limits;
}

int git_run(const struct git_repository *repository, const char *const *args, struct buf *output,
            struct buf *errors, int *status, struct err *e)
{
    AUTO(git_command_dispose) struct git_command c = {.own_count = 0};
    int rc = git_command_init(&c, repository, args, e);
    if (rc < 0)
        return rc;
    const struct process_options options = {
        .argv = c.argv,
        .env = c.env,
        .output = output,
        .errors = errors,
        .limits = git_limits(repository),
    };
    return process_run(&options, status, e);
}
