/* SPDX-License-Identifier: Apache-2.0 */
/* Identifiers that come from chance: UUIDs, and hexadecimal numbers behind a word that says so. */
#include "verifier/explain/causes/causes.h"
#include "verifier/explain/token.h"
#include "verifier/explain/word.h"

static const char *const says[] = {"uuid",     "guid",       "nonce",      "seed",   "salt",
                                   "session",  "session-id", "session_id", "random", "id",
                                   "build-id", "build_id",   "buildid",    "token",  NULL};

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)out;
    return word_is_uuid(d, side_b) ||
           (word_hex_digits(d, side_b) >= 16 && token_follows(d, side_b, says));
}

const struct cause cause_random_id = {
    .id = "random.id",
    .title = "identifiers that come from chance",
    .weight = CAUSE_METADATA,
    .advice = "derive identifiers from the content (UUID version 5) instead of from chance",
    .command = "uuidgen --sha1 --namespace @url --name …",
    .normalize = normalize,
};
