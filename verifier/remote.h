/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifacts and bundles that a registry has. assay-pull, a program of its own beside this one,
 * brings them into a temporary directory; what it brought is checked here against its digest. This
 * program itself opens no socket and links nothing that does.
 */
#ifndef ASSAY_VERIFIER_REMOTE_H
#define ASSAY_VERIFIER_REMOTE_H

#include "base/cli.h"
#include "base/digest.h"

enum { REMOTE_BUNDLES_MAX = 64, REMOTE_VARIABLES_MAX = 24 };

/* Rows of the option table: what of assay-pull's own is handed to it. */
#define REMOTE_OPTIONS                                                                             \
    {"plain-http", 0, CLI_LIST, "HOST[:PORT]", "a registry that is asked without TLS"},            \
        {"ca-file", 0, CLI_STRING, "FILE",                                                         \
         "certificates that registries are trusted by (default: $SSL_CERT_FILE, else the "         \
         "system's)"},                                                                             \
    {                                                                                              \
        "timeout", 0, CLI_NUMBER, "SECONDS",                                                       \
            "give up on a registry after so long, for each thing that is pulled (default: 3600)"   \
    }

struct remote {
    const struct cli *cli; /* borrowed */
    const char *scratch;   /* borrowed */
    char *directory;       /* temporary; NULL = nothing was pulled yet */
    char *environment[REMOTE_VARIABLES_MAX + 1];
    unsigned count; /* of what was pulled */
};

struct remote_artifact {
    char *path;             /* an image's layout, or an artifact's one file */
    char *pinned;           /* the reference by digest: "HOST/PATH@sha256:…" */
    struct digest manifest; /* that the reference named */
    struct digest expected; /* what `path` has to be: the manifest, or the file that it names */
};

struct remote_bundle {
    char *path;
    char *name; /* "HOST/PATH@sha256:…" of the referrer */
};

struct remote_bundles {
    struct remote_bundle *items;
    size_t count;
    size_t failed; /* that are listed, and could not be had */
};

/*
 * "HOST[:PORT]/PATH:TAG" or "HOST[:PORT]/PATH@sha256:…", where the first part is a host by the
 * rules of registries, and no file is called so.
 */
bool remote_is_reference(const char *name);

/* Nothing is done yet. Temporary things go below `scratch`. */
void remote_init(struct remote *r, const struct cli *cli, const char *scratch);
void remote_dispose(struct remote *r);

/*
 * What assay-pull finds wrong is our error, with its code: ERR_INPUT when it is not there or its
 * bytes are not those of its digest, ERR_REJECTED when the registry's certificate is not trusted,
 * ERR_HOST when nobody answers.
 */
int remote_artifact(struct remote *r, const char *reference, struct remote_artifact *out,
                    struct err *e);
void remote_artifact_dispose(struct remote_artifact *a);

/*
 * The signed bundles among the referrers of what `reference` names, by digest: each is a file of
 * its own. One that cannot be had is left out, unless all are so for the host's fault. None is no
 * error.
 */
int remote_bundles(struct remote *r, const char *reference, struct remote_bundles *out,
                   struct err *e);
void remote_bundles_dispose(struct remote_bundles *b);

#endif
