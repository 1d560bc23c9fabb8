/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that run apt share; not for others. */
#ifndef ASSAY_BUILDER_LOCK_APT_INTERNAL_H
#define ASSAY_BUILDER_LOCK_APT_INTERNAL_H

#include "base/private_dir.h"
#include "builder/lock/apt.h"

enum {
    OUTPUT_MAX = 256 * 1024 * 1024,
    ERRORS_MAX = 16 * 1024,
    QUERY_SECONDS = 300,
    UPDATE_SECONDS = 900,
    DOWNLOAD_SECONDS = 6 * 3600,
    MIRRORS_MAX = 8,
    URI_MAX = 2048,
};

struct apt {
    const struct apt_options *options;
    struct private_dir private;
    const char *directory; /* its path */
    char *config;
    char *downloads;
    struct digest release[APT_SUITES_MAX];
    bool expired[APT_SUITES_MAX];
};

struct apt_call {
    const char *program; /* "apt-get" */
    const char *const *arguments;
    size_t argument_count;
    const char *const *names; /* more arguments, after "--" */
    size_t name_count;
    const char *cwd;
    unsigned seconds;
};

/* With config NULL the machine's own configuration is all there is. */
int apt_run(const struct apt_options *o, const char *config, const struct apt_call *call,
            struct buf *out, struct buf *errors, int *status, struct err *e);
/* With the private configuration; `code` is what a failure means, unless apt says that bytes are
 * not those of the index. */
int apt_run_checked(const struct apt *apt, const struct apt_call *call, struct buf *out,
                    enum err_code code, struct err *e);
/* apt's first complaint ("E: ..."), else its first line; in `line` (PLACE_MESSAGE_MAX bytes),
 * without what is secret in it. */
const char *apt_complaint(const struct apt_options *o, const struct buf *errors, char *line);

#endif
