/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/steps/params.h"

#include <inttypes.h>
#include <string.h>

const struct compressor_range compressor_gzip_or_none[] = {
    {"gzip", GZIP_LEVEL_MIN, GZIP_LEVEL_MAX}, {"none", 0, 0}, {NULL, 0, 0}};

enum { NAME_MAX_BYTES = 32, LEVEL_LIMIT = 1000 };

int params_compressor(const struct jcur *params, const struct compressor_range *ranges,
                      size_t *index, int *level, struct err *e)
{
    struct jcur c;
    const char *name = NULL;
    uint64_t number = 0;
    size_t i = 0;
    int rc;

    if ((rc = jcur_get(params, "compressor", &c, e)) < 0 ||
        (rc = jcur_string(&c, NAME_MAX_BYTES, &name, e)) < 0)
        return rc;
    while (ranges[i].name != NULL && strcmp(ranges[i].name, name) != 0)
        i++;
    if (ranges[i].name == NULL)
        return jcur_fail(&c, e, "no compressor of that kind of step is called '%s'", name);
    if ((rc = jcur_get(params, "level", &c, e)) < 0 ||
        (rc = jcur_u64(&c, LEVEL_LIMIT, &number, e)) < 0)
        return rc;
    if (number < (uint64_t)ranges[i].level_min || number > (uint64_t)ranges[i].level_max)
        return jcur_fail(&c, e, "'%s' has levels %d to %d, not %" PRIu64, name, ranges[i].level_min,
                         ranges[i].level_max, number);
    *index = i;
    *level = (int)number;
    return 0;
}

int params_bool(const struct jcur *params, const char *key, bool *out, struct err *e)
{
    struct jcur c;

    int rc = jcur_get(params, key, &c, e);
    if (rc < 0)
        return rc;
    return jcur_bool(&c, out, e);
}

int params_disk_size(const struct jcur *params, uint32_t unit, uint64_t *out, struct err *e)
{
    struct jcur c;
    int rc;

    if ((rc = jcur_get(params, "size", &c, e)) < 0 ||
        (rc = jcur_u64(&c, BLOCKS_SIZE_MAX, out, e)) < 0)
        return rc;
    if (*out % unit != 0)
        return jcur_fail(&c, e, "this size is a multiple of %" PRIu32, unit);
    return 0;
}

int output_commit(struct cas_writer *w, struct step_output *out, struct err *e)
{
    struct step_output fresh = {.kind = VALUE_BLOB};

    int rc = cas_writer_commit(w, &fresh.digest, &fresh.size, e);
    if (rc < 0)
        return rc;
    *out = fresh;
    return 0;
}
