/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/compressor.h"

#include <string.h>

/* clang-format off */
const struct compressor compressor_gzip = {.name = "gzip", .level_min = 1, .level_max = 9,  .level_normal = 9};
const struct compressor compressor_zstd = {.name = "zstd", .level_min = 1, .level_max = 22, .level_normal = 15};
const struct compressor compressor_xz   = {.name = "xz",   .level_min = 0, .level_max = 9,  .level_normal = 6};
/* Fast, or high compression. */
const struct compressor compressor_lz4  = {.name = "lz4",  .level_min = 0, .level_max = 12, .level_normal = 0, .ends_only = true};
const struct compressor compressor_none = {.name = "none"};
/* clang-format on */

const struct compressor *const compressors_gzip_or_none[] = {&compressor_gzip, &compressor_none,
                                                             NULL};

bool compressor_has_level(const struct compressor *c, int64_t level)
{
    return level >= c->level_min && level <= c->level_max &&
           (!c->ends_only || level == c->level_min || level == c->level_max);
}

bool compressor_find(const struct compressor *const *list, const char *name, size_t *index)
{
    for (size_t i = 0; list[i] != NULL; i++)
        if (strcmp(list[i]->name, name) == 0) {
            *index = i;
            return true;
        }
    return false;
}
