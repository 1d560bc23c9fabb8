/* SPDX-License-Identifier: Apache-2.0 */
/* One instant, written for two zones. */
#include "verifier/explain/causes/causes.h"
#include "verifier/explain/date.h"
#include "verifier/explain/token.h"

#include <inttypes.h>

/* The date as its instant, so that both sides are equal when they mean the same. */
static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    struct err e = ERR_INIT;
    struct token t;
    if (!token_of(d, side_b, &t))
        return false;
    struct date date = date_at(t.text, 0, t.len);
    return date.len == t.len && date.complete && date.zoned &&
           buf_addf(out, &e, "%" PRId64, date.seconds - date.offset) == 0;
}

const struct cause cause_tz = {
    .id = "tz",
    .title = "one instant in two time zones",
    .weight = CAUSE_METADATA,
    .advice = "set the time zone in the build",
    .command = "TZ=UTC make",
    .normalize = normalize,
};
