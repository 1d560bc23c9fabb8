/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which artifacts a command line names: files and artifacts that are directories, all that lies in
 * other directories, what patterns match, and references to registries; and the provenance that
 * lies beside each.
 */
#ifndef ASSAY_VERIFIER_TARGETS_H
#define ASSAY_VERIFIER_TARGETS_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { TARGETS_MAX = 1024, TARGETS_DEPTH_MAX = 32 };

struct target {
    char *path;   /* or a reference */
    char *bundle; /* the one that was given, else PATH.sigstore.json; NULL = what is attached */
    bool remote;  /* `path` is a reference */
    bool named;   /* on the command line, as it is */
};

struct targets {
    struct target *items;
    size_t count;
    size_t room;
    bool several; /* the command line speaks of a set, whatever is in it */
    json_t
        *left; /* array of the files in directories and matches that are evidence, no artifacts */
};

/*
 * A name that is there is what it names; else one that is a reference (remote.h) names what a
 * registry has, and one with `*`, `?` or `[` is a pattern. Of directories
 * and matches, files that end like evidence (.sigstore.json, .provenance.json, .steps.json) are
 * left out, and listed. Nothing to verify is an error (ERR_INPUT): no such file, a pattern that
 * matches nothing, a directory with no artifact in it. `bundle`: NULL = beside each.
 */
int targets_find(const char *const *names, size_t count, const char *bundle, struct targets *out,
                 struct err *e);
void targets_dispose(struct targets *t);

#endif
