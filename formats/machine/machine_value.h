/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored machines as trees of the store: config.json and the other files side by
 * side at the root, 0:0, time 0. Their contents lie in one pack, which is a
 * sparse file: zeros cost neither disk nor, but for digests, time.
 */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_VALUE_H
#define ASSAY_FORMATS_MACHINE_MACHINE_VALUE_H

#include "formats/machine/machine_tree.h"
#include "formats/machine/machine_write.h"
#include "formats/tree/tree.h"

enum { MACHINE_FILES_MAX = 128 }; /* a machine has 75 at most */
/* All files together: every byte is hashed, zeros too, and hostile machines have many. */
#define MACHINE_PACKED_MAX ((uint64_t)1 << 36)

/* Collects files, then makes the tree. */
struct machine_packer {
    struct cas_writer *writer;
    uint64_t next; /* where the next file goes */
    size_t count;
    struct machine_file {
        char name[64];
        mode_t mode;
        uint64_t offset;
        uint64_t size;
        uint8_t sha256[DIGEST_SHA256_SIZE];
    } files[MACHINE_FILES_MAX];
};
int machine_packer_init(struct machine_packer *p, struct cas *cas, struct err *e);
/* A sink for machine_write(); borrows `p`. */
struct machine_sink machine_packer_sink(struct machine_packer *p);
/* Commits what was written; *out is new. */
int machine_packer_finish(struct machine_packer *p, struct tree **out, struct err *e);
void machine_packer_dispose(struct machine_packer *p);
#define AUTO_MACHINE_PACKER AUTO(machine_packer_dispose) struct machine_packer

/* A machine that a tree holds, opened. */
struct machine_value {
    struct machine_config config; /* resolved */
    struct digest config_digest;  /* of config.json */
    struct machine_range ranges[MACHINE_RANGES_MAX];
    struct tree_range tree_ranges[MACHINE_RANGES_MAX]; /* with descriptors of their own */
    size_t count;
    bool uarch_missing;
    uint8_t uarch_node[MACHINE_HASH_SIZE];
};
/* ERR_INPUT when the tree is no stored machine, or a file has not the size of its range. Dispose
 * *out whatever the result. */
int machine_value_open(const struct tree *tree, struct cas *cas, struct machine_value *out,
                       struct err *e);
void machine_value_dispose(struct machine_value *v);
#define AUTO_MACHINE_VALUE AUTO(machine_value_dispose) struct machine_value
/* "keccak256:HEX" or "sha256:HEX" of the state, into at least 80 bytes. */
int machine_value_root(const struct machine_value *v, unsigned jobs, char *text, struct err *e);

#endif
