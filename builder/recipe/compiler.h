/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan while recipe_compile() makes it: what the files of artifacts (artifact_*.c) use to push
 * their steps and outputs. Ids of steps are unique in a plan: several artifacts may ask for the
 * same step (the kernel, the initrd), which is pushed once.
 */
#ifndef ASSAY_BUILDER_RECIPE_COMPILER_H
#define ASSAY_BUILDER_RECIPE_COMPILER_H

#include "base/json.h"
#include "builder/plan/locked.h"
#include "builder/recipe/recipe.h"

struct compiler {
    const struct recipe *recipe;
    const struct locked *locked;
    const struct step_table *table;
    struct linuxkit_image *images; /* recipe_images_used(): the system's, then the artifacts' */
    size_t image_count;
    size_t system_image_count;
    char **image_steps;      /* the step that gives the tree of image i */
    const char *system_step; /* gives the tree that artifacts are made of */
    const char *format;      /* the artifact that is being compiled */
    json_t *steps;
    json_t *outputs;
};

/* The system has a kernel: boot/kernel and boot/cmdline are in its tree. */
bool compiler_has_kernel(const struct compiler *c);
/* The id of the step that gives the tree of the image; NULL when no such image is used. */
const char *compiler_image(const struct compiler *c, const char *name);

/* Pushes a step with one input; with the same id again it must be the very same step, and is left
 * out. Takes params, also on failure. */
int compiler_step(struct compiler *c, const char *id, const char *kind, const char *input,
                  json_t *params, struct err *e);
/* The same with several inputs, NULL-terminated. */
int compiler_step_inputs(struct compiler *c, const char *id, const char *kind,
                         const char *const *inputs, json_t *params, struct err *e);
/* The output NAME + suffix; the same output again is left out, another of that name is an error. */
int compiler_output(struct compiler *c, const char *suffix, const char *from,
                    const char *media_type, struct err *e);
/* The same for an output that has further digests (docs/formats/plan.md): a name and the step that
 * gives it, in turn, NULL-terminated; NULL = none. */
int compiler_output_known(struct compiler *c, const char *suffix, const char *from,
                          const char *media_type, const char *const *digests, struct err *e);
/* The step that gives the output NAME + suffix; NULL when there is none yet. */
const char *compiler_output_step(const struct compiler *c, const char *suffix);
/* extract.file of a path of the tree that the step `tree` gives. */
int compiler_extract(struct compiler *c, const char *id, const char *tree, const char *path,
                     struct err *e);
/*
 * tree.files with these inputs (NULL-terminated); the list `files`, which is taken also on failure,
 * is filled by the two functions below: a file of input number `input`, or of a text; both 0644.
 */
int compiler_files(struct compiler *c, const char *id, const char *const *inputs, json_t *files,
                   struct err *e);
int compiler_file_input(json_t *files, const char *path, size_t input, struct err *e);
int compiler_file_text(json_t *files, const char *path, const char *text, struct err *e);
/* The artifact's options as parameters, with `exclude`: boot/ stays out when without_boot and the
 * system has a kernel, as in LinuxKit. */
int compiler_tree_params(const struct compiler *c, const struct recipe_artifact *a,
                         bool without_boot, json_t **out, struct err *e);
/* encode.initrd of the system without boot/, after the kernel's microcode when there is any. */
int compiler_initrd(struct compiler *c, const char *id, const struct recipe_artifact *a,
                    struct err *e);
/* The steps `kernel` and, when there is a command line, `cmdline`; with the outputs NAME-kernel and
 * NAME-cmdline. */
int compiler_kernel_outputs(struct compiler *c, struct err *e);

#endif
