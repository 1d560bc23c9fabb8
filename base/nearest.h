/* SPDX-License-Identifier: Apache-2.0 */
/* What a misspelt name may have been meant to be. */
#ifndef ASSAY_BASE_NEAREST_H
#define ASSAY_BASE_NEAREST_H

#include <stddef.h>

/* The nearest of `names` (NULL-terminated) to a misspelt one, or NULL when none is near. */
const char *nearest_name(const char *text, const char *const *names);

/* " (did you mean 'x'?)" into `out`, or the text of `otherwise` when none is near; returns `out`.
 */
enum { NEAREST_HINT_MAX = 160 };
const char *nearest_hint(const char *text, const char *const *names, const char *otherwise,
                         char out[NEAREST_HINT_MAX]);

#endif
