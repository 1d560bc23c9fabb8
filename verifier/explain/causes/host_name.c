/* SPDX-License-Identifier: Apache-2.0 */
/* The machine that it was built on: in a field, or a name behind a word that says so. */
#include "verifier/explain/causes/causes.h"
#include "verifier/explain/token.h"
#include "verifier/explain/word.h"

static const char *const says[] = {
    "host",     "hostname", "host-name",   "host_name", "node",       "nodename",  "machine",
    "built on", "build on", "compiled on", "made on",   "build-host", "buildhost", NULL};

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)out;
    if (difference_is_field(d, FIELD_HOST))
        return true;
    return word_is_name(d, side_b) &&
           (token_follows(d, side_b, says) || word_behind_user(d, side_b));
}

const struct cause cause_host_name = {
    .id = "host.name",
    .title = "the host it was built on",
    .weight = CAUSE_METADATA,
    .advice = "build in a sandbox with a fixed host name",
    .command = "unshare --uts sh -c 'hostname build; make'",
    .normalize = normalize,
};
