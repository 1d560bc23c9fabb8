/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel that it was built under: a release behind a word that says so. */
#include "verifier/explain/causes/causes.h"
#include "verifier/explain/token.h"
#include "verifier/explain/word.h"

static const char *const says[] = {"kernel",
                                   "uname",
                                   "uname -r",
                                   "linux",
                                   "osrelease",
                                   "kernel-version",
                                   "kernel_version",
                                   "kernel version",
                                   "kernel release",
                                   "built under",
                                   NULL};

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    (void)out;
    return word_is_version(d, side_b) && token_follows(d, side_b, says);
}

const struct cause cause_kernel_uname = {
    .id = "kernel.uname",
    .title = "the kernel that it was built under",
    .weight = CAUSE_METADATA,
    .advice = "do not write what uname says, or fix it for the build",
    .command = "setarch --uname-2.6 …",
    .normalize = normalize,
};
