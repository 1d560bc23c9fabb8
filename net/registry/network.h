/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line's part of reaching registries, the same for every program
 * that does: options, environment, configuration files.
 */
#ifndef ASSAY_NET_REGISTRY_NETWORK_H
#define ASSAY_NET_REGISTRY_NETWORK_H

#include "base/cli.h"
#include "net/registry/endpoint.h"
#include "net/registry/mirrors.h"

/* Rows of an option table. */
#define NETWORK_OPTIONS_COMMON                                                                     \
    {"plain-http", 0, CLI_LIST, "HOST[:PORT]", "a registry that is asked without TLS"},            \
        {"ca-file", 0, CLI_STRING, "FILE",                                                         \
         "certificates that registries are trusted by (default: $SSL_CERT_FILE, else the "         \
         "system's)"},                                                                             \
        {"stall", 0, CLI_NUMBER, "SECONDS",                                                        \
         "try again when a registry moves less than 1 KiB a second for so long (default: 30)"},    \
    {                                                                                              \
        "timeout", 0, CLI_NUMBER, "SECONDS",                                                       \
            "give up on registries after so long, everything together (default: 3600)"             \
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
