/* SPDX-License-Identifier: Apache-2.0 */
/* A plan in words and as a graph, and what moved between two plans. For people; nothing here
 * reaches an artifact. */
#ifndef ASSAY_BUILDER_PLAN_SHOW_H
#define ASSAY_BUILDER_PLAN_SHOW_H

#include "builder/plan/plan.h"

/* Short tables of inputs, steps and outputs. Appends. */
int plan_show(const struct plan *plan, struct buf *out, struct err *e);
/* Graphviz DOT. Appends. */
int plan_dot(const struct plan *plan, struct buf *out, struct err *e);
/* "package busybox-static 1:1.37.0-6 (riscv64)", "layer of sha256:…", "file init": where an input
 * came from. Appends. */
int plan_origin(const json_t *from, struct buf *out, struct err *e);

/*
 * A new array, empty when the plans are the same, else one object for each
 * change: {"part": "input" | "step" | "output" | "toolchain" | "plan" | "recipe", "id"
 * (inputs, steps, outputs), "change": "added" | "removed" | "changed", "path"?, "before"?,
 * "after"?, "text"}.
 */
int plan_diff(const struct plan *before, const struct plan *after, json_t **out, struct err *e);

#endif
