/* SPDX-License-Identifier: Apache-2.0 */
/* A self-contained plan: any bytes are read or refused as input, and a store gets right blobs only.
 */
#include "base/file.h"
#include "builder/plan/plan_archive.h"
#include "builder/steps/step.h"
#include "tests/fuzz/mend_tar.h"

#include <stdio.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cas *open_scratch(void)
{
    struct err e = ERR_INIT;
    struct cas *cas = NULL;
    AUTO_FREE char *scratch = NULL;
    AUTO_FREE char *store = NULL;
    if (dir_make_temp("/tmp", "assay-fuzz.", &scratch, &e) < 0 ||
        path_join(&store, scratch, "store", &e) < 0 || cas_open(store, CAS_CREATE, &cas, &e) < 0)
        abort();
    return cas;
}

static void supply_builder(struct plan_archive *a, struct cas *cas)
{
    struct err e = ERR_INIT;
    struct digest digest;
    uint64_t size = 0;
    bool damaged = false;
    int rc = plan_archive_supply_builder(a, cas, &size, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    if (rc == 0 &&
        (!plan_archive_builder(a, &digest) || cas_check(cas, &digest, &damaged, &e) < 0 || damaged))
        abort();
}

/* All that the archive has got into the store as what it should be. */
static void supply(struct plan_archive *a, struct cas *cas)
{
    struct err e = ERR_INIT;
    AUTO_PLAN struct plan *plan = NULL;
    const struct buf *bytes = plan_archive_plan(a);
    if (plan_parse_any(buf_str(bytes), bytes->len, "plan", &builder_steps, &plan, &e) < 0)
        abort();
    supply_builder(a, cas);
    int rc = plan_archive_supply(a, plan, cas, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    for (size_t i = 0; i < plan->input_count; i++) {
        bool damaged = false;
        if (cas_has(cas, &plan->inputs[i].digest, NULL) &&
            (cas_check(cas, &plan->inputs[i].digest, &damaged, &e) < 0 || damaged))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cas *cas;
    struct err e = ERR_INIT;
    char path[64];
    AUTO_PLAN_ARCHIVE struct plan_archive *a = NULL;
    if (cas == NULL)
        cas = open_scratch();
    AUTO_FREE uint8_t *copy = malloc(size + 1);
    AUTO_CLOSE int fd = memfd_create("archive", MFD_CLOEXEC);
    if (copy == NULL || fd < 0)
        abort();
    memcpy(copy, data, size);
    mend_sums(copy, size);
    if (write(fd, copy, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int rc = plan_archive_open(path, &builder_steps, &a, &e);
    if (rc != 0 && rc != -ERR_INPUT && rc != -ERR_UNDECIDED)
        abort();
    if (rc == 0)
        supply(a, cas);
    return 0;
}
