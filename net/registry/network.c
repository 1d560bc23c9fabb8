/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/network.h"

#include "base/capture.h"
#include "base/file.h"
#include "base/place.h"
#include "base/process.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* ---- environment -------------------------------------------------------------------------- */

void environment_dispose(struct environment *env)
{
    for (size_t i = 0; i < env->count; i++)
        free((void *)(uintptr_t)env->items[i]);
    env->count = 0;
}

static int environment_add(struct environment *env, const char *name, const char *value,
                           struct err *e)
{
    char *text = NULL;
    if (env->count == ENVIRONMENT_MAX)
        return err_set(e, ERR_HOST, "too many environment variables");
    int rc = str_format(&text, e, "%s=%s", name, value);
    if (rc == 0)
        env->items[env->count++] = text;
    return rc;
}

int environment_init(const struct cli *cli, const char *path, struct environment *env,
                     struct err *e)
{
    /* How to reach the network, apt's own configuration, and where keys are kept. */
    static const char *const passed[] = {
        "http_proxy",    "https_proxy",        "ftp_proxy",      "all_proxy",
        "no_proxy",      "HTTP_PROXY",         "HTTPS_PROXY",    "FTP_PROXY",
        "ALL_PROXY",     "NO_PROXY",           "APT_CONFIG",     "HOME",
        "TMPDIR",        "XDG_RUNTIME_DIR",    "GNUPGHOME",      "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",       "PASSWORD_STORE_DIR", "AWS_PROFILE",    "AWS_REGION",
        "DOCKER_CONFIG", "XDG_CONFIG_HOME",    "XDG_CACHE_HOME", "WAYLAND_DISPLAY",
        "GPG_TTY",       "GIT_CONFIG_GLOBAL"};
    int rc = environment_add(env, "PATH", path != NULL ? path : PATH_DEFAULT, e);
    if (rc == 0)
        rc = environment_add(env, "LC_ALL", "C.UTF-8", e);
    if (rc == 0)
        rc = environment_add(env, "TZ", "UTC", e);
    for (size_t i = 0; rc == 0 && i < CLI_COUNT(passed); i++) {
        const char *value = cli_env(cli, passed[i]);
        if (value != NULL)
            rc = environment_add(env, passed[i], value, e);
    }
    return rc;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* Where Docker's config.json is; none is fine. */
static int find_docker_config(const struct cli *cli, char **out, struct err *e)
{
    const char *own = cli_env(cli, "DOCKER_CONFIG");
    const char *home = cli_env(cli, "HOME");
    if (own != NULL)
        return str_copy(out, own, e);
    return home != NULL ? path_join(out, home, ".docker", e) : 0;
}

static int read_default_mirrors(const struct cli *cli, struct mirrors *m, struct err *e)
{
    const char *config = cli_env(cli, "XDG_CONFIG_HOME");
    const char *home = cli_env(cli, "HOME");
    AUTO_FREE char *path = NULL;
    struct stat st;
    int rc = 0;
    if (config != NULL && config[0] == '/')
        rc = str_format(&path, e, "%s/assay/registries.json", config);
    else if (home != NULL)
        rc = str_format(&path, e, "%s/.config/assay/registries.json", home);
    if (rc < 0 || path == NULL)
        return rc;
    if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    return mirrors_read(path, m, e);
}

/* The command line's mirrors come first. */
static int read_mirrors(const struct cli *cli, struct mirrors *m, struct err *e)
{
    size_t count = 0;
    const char *const *list = cli_list(cli, "mirror", &count);
    const char *file = cli_string(cli, "mirrors");
    for (size_t i = 0; i < count; i++) {
        int rc = mirrors_add(m, list[i], cli_flag(cli, "mirror-tags"), e);
        if (rc < 0)
            return err_wrap(e, "--mirror");
    }
    return file != NULL ? mirrors_read(file, m, e) : read_default_mirrors(cli, m, e);
}

static int collect_plain(const struct cli *cli, struct network *n, size_t *count, struct err *e)
{
    size_t given = 0;
    const char *const *list = cli_list(cli, "plain-http", &given);
    n->plain = array_new(given + n->mirrors.plain_count + 1, sizeof(*n->plain));
    if (n->plain == NULL)
        return err_oom(e);
    for (size_t i = 0; i < given; i++) {
        if (!reference_host_valid(list[i]))
            return err_set(e, ERR_USAGE, "--plain-http '%s' is no HOST[:PORT]",
                           PLACE_SHOWN(list[i]));
        n->plain[(*count)++] = list[i];
    }
    for (size_t i = 0; i < n->mirrors.plain_count; i++)
        n->plain[(*count)++] = n->mirrors.plain[i];
    return 0;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

int network_check_git_hosts(const struct cli *cli, struct err *e)
{
    size_t count = 0;
    const char *const *hosts = cli_list(cli, "git-credentials", &count);
    for (size_t i = 0; i < count; i++)
        if (!reference_host_valid(hosts[i]))
            return err_set(e, ERR_USAGE, "--git-credentials '%s' is no HOST[:PORT]",
                           PLACE_SHOWN(hosts[i]));
    return 0;
}

int network_limits(const struct cli *cli, struct process_limits *out, struct err *e)
{
    uint64_t stall = cli_number(cli, "stall", 30);
    uint64_t timeout = cli_number(cli, "timeout", 3600);
    if (stall == 0 || stall > 3600 || timeout == 0 || timeout > 604800)
        return err_set(e, ERR_USAGE, "--stall is 1 to 3600 seconds, --timeout 1 to 604800");
    *out = (struct process_limits){
        .deadline_ms = monotonic_ms() + (int64_t)timeout * 1000,
        .idle_seconds = (unsigned)stall,
    };
    return 0;
}

int network_open(const struct cli *cli, unsigned flags, struct cas *cas, struct progress *progress,
                 struct network *out, struct err *e)
{
    const char *ca_file = cli_string(cli, "ca-file");
    const char *path = cli_env(cli, "PATH");
    struct process_limits limits;
    size_t plain_count = 0;
    int rc = network_limits(cli, &limits, e);
    if (rc == 0 && (flags & NETWORK_MIRRORS) != 0)
        rc = read_mirrors(cli, &out->mirrors, e);
    if (rc < 0 || (rc = collect_plain(cli, out, &plain_count, e)) < 0 ||
        (rc = environment_init(cli, path, &out->env, e)) < 0 ||
        (rc = find_docker_config(cli, &out->docker_config, e)) < 0)
        return rc;
    const struct http_options http = {
        .ca_file = ca_file != NULL ? ca_file : cli_env(cli, "SSL_CERT_FILE"),
        .plain = out->plain,
        .plain_count = plain_count,
        .stall_seconds = limits.idle_seconds,
        .total_seconds = (unsigned)cli_number(cli, "timeout", 3600),
        .host = cli_host(cli),
    };
    out->client = (struct client){
        .credentials = {out->docker_config, out->env.items, path, limits},
        .cas = cas,
        .progress = progress,
    };
    return http_new(&http, &out->client.http, e);
}

void network_close(struct network *n)
{
    http_free(n->client.http);
    environment_dispose(&n->env);
    mirrors_dispose(&n->mirrors);
    free(n->plain);
    free(n->docker_config);
    *n = (struct network){0};
}
