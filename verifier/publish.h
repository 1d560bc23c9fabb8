/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a verdict: signed, written to a file, appended to a log. */
#ifndef ASSAY_VERIFIER_PUBLISH_H
#define ASSAY_VERIFIER_PUBLISH_H

#include "store/log/log.h"
#include "verifier/report/verdict.h"

struct publish_options {
    const struct signing_key *key; /* NULL: nothing is signed */
    const char *verifier_id;
    const char *resource_uri; /* NULL = file: and the artifact's name */
    const char *output;       /* NULL: no file */
    struct tlog *log;         /* NULL: nothing is recorded */
    const char *log_path;
};

/*
 * Keeps one verdict as it is asked for, and adds to its report where. The first failure is told;
 * what the other one was asked to keep is kept all the same. A signed verdict that nothing has kept
 * comes out of stdout, in the report or as it is.
 */
int publish(struct cli *cli, const struct publish_options *options, const struct verdict *v,
            json_t *report, struct err *e);

#endif
