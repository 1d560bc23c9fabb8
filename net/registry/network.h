/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line's part of reaching registries, the same for every program
 * that does: options, environment, configuration files.
 */
#ifndef ASSAY_NET_REGISTRY_NETWORK_H
#define ASSAY_NET_REGISTRY_NETWORK_H

#include "base/cli.h"
#include "base/process.h"
#include "net/registry/endpoint.h"
#include "net/registry/mirrors.h"

/* Rows of an option table. */
#define NETWORK_OPTIONS_COMMON                                                                     \
    {"plain-http", 0, CLI_LIST, "HOST[:PORT]", "a registry that is asked without TLS"},            \
        {"ca-file", 0, CLI_STRING, "FILE",                                                         \
         "certificates that registries are trusted by (default: $SSL_CERT_FILE, else the "         \
         "system's)"},                                                                             \
        {"stall", 0, CLI_NUMBER, "SECONDS",                                                        \
         "try again when a registry moves less than 1 KiB a second for so long, and give up on a " \
         "git that says nothing (default: 30)"},                                                   \
    {                                                                                              \
        "timeout", 0, CLI_NUMBER, "SECONDS",                                                       \
            "give up on all that is asked after so long, everything together, programs like git "  \
            "and apt included (default: 3600)"                                                     \
    }
#define NETWORK_OPTIONS_MIRRORS                                                                    \
    {"mirror", 0, CLI_LIST, "HOST=MIRROR[/PREFIX]",                                                \
     "another registry that has what HOST has, asked first"},                                      \
        {"mirrors", 0, CLI_STRING, "FILE",                                                         \
         "mirrors and their like as JSON (default: $XDG_CONFIG_HOME/assay/registries.json, if "    \
         "there is one)"},                                                                         \
    {                                                                                              \
        "mirror-tags", 0, CLI_FLAG, NULL, "the mirrors of --mirror may also say what a tag means"  \
    }

/* Of commands that read git repositories. */
#define NETWORK_OPTION_GIT                                                                         \
    {                                                                                              \
        "git-credentials", 0, CLI_LIST, "HOST[:PORT]",                                             \
            "a git server whose user and password the helpers of your git (credential.helper) "    \
            "are asked for; over TLS only"                                                         \
    }
#define NETWORK_GIT_HELP                                                                           \
    "git servers get none, but for hosts of --git-credentials: for those the helpers that your "   \
    "git is configured with are asked, nobody on a terminal is, and neither name nor password "    \
    "goes to another host, into a plan or into a message."

/* Rows of the tables of environment and files, for manual pages. */
#define NETWORK_ENVIRONMENT                                                                        \
    CLI_ENV_NETWORK,                                                                               \
    {                                                                                              \
        "XDG_CONFIG_HOME", "Where assay/registries.json is looked for, in place of ~/.config."     \
    }
#define NETWORK_FILES                                                                              \
    {"~/.config/assay/registries.json",                                                            \
     "Mirrors of registries, and those that speak plain HTTP; below XDG_CONFIG_HOME when that is " \
     "set (docs/reference/registry.md)."},                                                         \
    {                                                                                              \
        "~/.docker/config.json", "Credentials of registries, and the helpers that keep them."      \
    }

/* Of the commands' help: who gets what. */
#define NETWORK_CREDENTIALS_HELP                                                                   \
    "Credentials are those that Docker's config.json (DOCKER_CONFIG, helpers included) has for "   \
    "the registry. It gets them, and so does the token server that it names (the realm of its "    \
    "challenge), which may be on another host; both over TLS, but for hosts of --plain-http. "     \
    "Where they redirect to, no one gets any. Proxies are libcurl's (https_proxy, no_proxy)."

enum { ENVIRONMENT_MAX = 40 };

/* What programs that we run are given of the environment. */
struct environment {
    const char *items[ENVIRONMENT_MAX + 1]; /* NULL-terminated; owned */
    size_t count;
};

/* `path`: their PATH; NULL = the system's. */
int environment_init(const struct cli *cli, const char *path, struct environment *env,
                     struct err *e);
void environment_dispose(struct environment *env);

/* ERR_USAGE: a value of --git-credentials is no HOST[:PORT]. */
int network_check_git_hosts(const struct cli *cli, struct err *e);

/* What --timeout and --stall leave to programs, from now on. ERR_USAGE: they are out of range. */
int network_limits(const struct cli *cli, struct process_limits *out, struct err *e);

struct network {
    struct environment env; /* of credential helpers */
    struct mirrors mirrors;
    const char **plain;
    char *docker_config;
    struct client client;
};

enum { NETWORK_MIRRORS = 1 }; /* the command has NETWORK_OPTIONS_MIRRORS, too */

/* Reads options and files; asks nobody yet. `out` is zeroed; network_close also after a failure. */
int network_open(const struct cli *cli, unsigned flags, struct cas *cas, struct progress *progress,
                 struct network *out, struct err *e);
void network_close(struct network *n);

#endif
