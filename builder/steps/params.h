/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters that several kinds have. */
#ifndef ASSAY_BUILDER_STEPS_PARAMS_H
#define ASSAY_BUILDER_STEPS_PARAMS_H

#include "builder/plan/step_kind.h"
#include "formats/stream/blocks.h"
#include "formats/stream/decompress.h"
#include "formats/stream/gzip_writer.h"

/* How many times compressed layers may expand, where that is more than usual. */
#define PARAM_EXPANSION(owner, field)                                                              \
    {                                                                                              \
        PARAM_U32("expansion", owner, field),                                                      \
            .optional = true, .min = DECOMPRESS_RATIO_MAX + 1, .max = PARAM_EXPANSION_MAX,         \
            .complaint = "layers expand up to 200 times without saying so, and 1000000 at most"    \
    }
#define PARAM_EXPANSION_MAX 1000000
/* A time until the end of the year 9999; "seconds" in the schema. */
#define PARAM_SECONDS_MAX UINT64_C(253402300799)

/* The path of a file in a tree. */
extern const struct param_text param_text_path;
/* A text that is a file's or an image's content. */
extern const struct param_text param_text_content;
/* ' ' to '~', or nothing. */
bool param_printable(const char *text);
/* Four octal digits, and their number. */
enum { PARAM_MODE_DIGITS = 4 };
bool param_mode_valid(const char *text);
uint16_t param_mode(const char *text);

/* A rule: each input is named by an input's row. */
int param_inputs_used(const struct param_reading *r, const struct jcur *object, const void *fields,
                      struct err *e);

/* Commits the writer as the step's output. */
int output_commit(struct cas_writer *w, struct step_output *out, struct err *e);
/* Stores the tree as the step's output, which takes it. */
int output_tree(struct cas *cas, struct tree **tree, struct step_output *out, struct err *e);

#endif
