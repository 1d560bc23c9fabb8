/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C2SP checkpoints: signed tree heads, the text of a signed note (docs/formats/log.md,
 * "Checkpoint").
 */
#ifndef ASSAY_STORE_LOG_CHECKPOINT_H
#define ASSAY_STORE_LOG_CHECKPOINT_H

#include "store/log/merkle.h"
#include "store/log/note.h"

struct checkpoint {
    char origin[NOTE_NAME_MAX + 1];
    uint64_t size;
    struct merkle_hash root;
};

/* Reads a note's text: origin, size, root, extension lines (skipped). ERR_INPUT when malformed. */
int checkpoint_parse(const char *text, size_t len, struct checkpoint *out, struct err *e);
/* Appends the text of three lines. */
int checkpoint_format(const struct checkpoint *checkpoint, struct buf *out, struct err *e);
/*
 * A signed checkpoint of the log whose key is `key`: the note verifies
 * and its origin is the key's name. ERR_INPUT when malformed, ERR_LOG when not that log's.
 */
int checkpoint_open(const void *note, size_t len, const struct note_key *key,
                    struct checkpoint *out, struct err *e);
/* Appends the note: text and signature under the origin as key name. */
int checkpoint_sign(const struct checkpoint *checkpoint, const struct signing_key *key,
                    struct buf *out, struct err *e);

#endif
