/* SPDX-License-Identifier: Apache-2.0 */
/* How many processors or jobs there were: a small number behind a word that says so, or -jN. */
#include "verifier/explain/causes/causes.h"
#include "verifier/explain/token.h"

static const char *const says[] = {"cpus",     "cpu_count",   "cpu-count", "cpu count",
                                   "ncpu",     "ncpus",       "nproc",     "jobs",
                                   "threads",  "processors",  "cores",     "workers",
                                   "parallel", "parallelism", "makeflags", NULL};

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    struct token t;
    size_t at = 0;
    (void)out;
    if (!token_of(d, side_b, &t))
        return false;
    bool option = t.len > 2 && t.text[0] == '-' && t.text[1] == 'j';
    if (option)
        at = 2;
    size_t start = at;
    while (at < t.len && t.text[at] >= '0' && t.text[at] <= '9')
        at++;
    return at == t.len && at > start && at - start <= 4 &&
           (option || token_follows(d, side_b, says));
}

const struct cause cause_cpu_count = {
    .id = "cpu.count",
    .title = "the number of processors or jobs",
    .weight = CAUSE_METADATA,
    .advice = "do not let the number of processors reach the output",
    .command = "taskset -c 0 …; nproc --all",
    .normalize = normalize,
};
