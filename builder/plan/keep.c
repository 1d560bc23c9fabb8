/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/plan/keep.h"

#include "base/media_types.h"

int plan_keep(struct cas *cas, const char *name, const struct buf *bytes, const struct host *host,
              struct digest *digest, struct err *e)
{
    AUTO_FREE char *reference = NULL;
    int rc = cas_put(cas, bytes->data, bytes->len, digest, e);
    if (rc < 0 || (rc = str_format(&reference, e, "plan:%s", name)) < 0)
        return rc;
    return cas_ref_keep(cas, reference, MEDIA_ASSAY_PLAN, digest, bytes->len,
                        host->now(host->context), e);
}
