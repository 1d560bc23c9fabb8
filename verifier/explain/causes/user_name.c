/* SPDX-License-Identifier: Apache-2.0 */
/* Who built it: a user's name behind a word that says so. */
#include "verifier/explain/causes/causes.h"
#include "verifier/explain/token.h"
#include "verifier/explain/word.h"

static const char *const says[] = {"user",    "username",   "user-name", "user_name",
                                   "logname", "built by",   "build by",  "compiled by",
                                   "made by", "build-user", NULL};

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)out;
    return word_is_name(d, side_b) && (token_follows(d, side_b, says) ||
                                       word_before_host(d, side_b) || word_built_by(d, side_b));
}

const struct cause cause_user_name = {
    .id = "user.name",
    .title = "the user who built it",
    .weight = CAUSE_METADATA,
    .advice = "build in a sandbox with a fixed user name",
    .command = NULL,
    .normalize = normalize,
};
