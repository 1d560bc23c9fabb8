/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/object/budget.h"

#include <inttypes.h>

static const struct budget defaults = {
    .members = 2000000,
    .memory = UINT64_C(1) << 30,
    .decoded = UINT64_C(1) << 40,
    .depth = 16,
};

void budget_start(struct budget *b, const struct host *host, const char *scratch)
{
    *b = defaults;
    b->host = host;
    b->scratch = scratch;
    b->started = host->now(host->context);
}

static int hit(struct budget *b, const char *what, uint64_t limit, struct err *e)
{
    if (b->hit == NULL)
        b->hit = what;
    return err_set(e, ERR_UNDECIDED, "the limit of %s (%" PRIu64 ") is reached", what, limit);
}

int budget_members(struct budget *b, uint64_t count, struct err *e)
{
    return count > b->members ? hit(b, "members", b->members, e) : 0;
}

int budget_memory(struct budget *b, uint64_t more, struct err *e)
{
    if (more > b->memory || b->memory_used > b->memory - more)
        return hit(b, "bytes of memory", b->memory, e);
    b->memory_used += more;
    return 0;
}

int budget_decoded(struct budget *b, uint64_t more, struct err *e)
{
    if (more > b->decoded || b->decoded_used > b->decoded - more)
        return hit(b, "decoded bytes", b->decoded, e);
    b->decoded_used += more;
    return budget_time(b, e);
}

int budget_depth(struct budget *b, unsigned depth, struct err *e)
{
    return depth > b->depth ? hit(b, "depth", b->depth, e) : 0;
}

int budget_time(struct budget *b, struct err *e)
{
    if (b->seconds == 0 || b->host->now(b->host->context) - b->started < b->seconds)
        return 0;
    return hit(b, "seconds", (uint64_t)b->seconds, e);
}
