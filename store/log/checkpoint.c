/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log/checkpoint.h"

#include "store/log/line.h"

#include <inttypes.h>
#include <string.h>

static int malformed(const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "malformed checkpoint: %s", what);
}

/* A tree of no entries has one root only. */
static int check_empty(const struct checkpoint *c, struct err *e)
{
    struct merkle_range nothing = {.size = 0};
    struct merkle_hash root;
    if (c->size != 0)
        return 0;
    int rc = merkle_range_root(&nothing, &root, e);
    if (rc == 0 && !merkle_equal(&root, &c->root))
        rc = malformed("size 0 with a root that is not the empty tree's", e);
    return rc;
}

int checkpoint_parse(const char *text, size_t len, struct checkpoint *out, struct err *e)
{
    struct reader r = {.p = (const uint8_t *)text, .end = (const uint8_t *)text + len};
    struct checkpoint c = {.size = 0};
    struct line line;
    if (!line_next(&r, &line) || line.len == 0 || line.len > NOTE_NAME_MAX ||
        memchr(line.text, '\0', line.len) != NULL)
        return malformed("no origin line", e);
    memcpy(c.origin, line.text, line.len);
    if (!line_next(&r, &line) || !line_number(&line, &c.size))
        return malformed("its size is not a decimal number", e);
    if (!line_next(&r, &line) || !line_hash(&line, &c.root))
        return malformed("its root is not the base64 of a SHA-256 hash", e);
    while (reader_left(&r) > 0)
        if (!line_next(&r, &line) || line.len == 0)
            return malformed("an empty or unfinished extension line", e);
    int rc = check_empty(&c, e);
    if (rc == 0)
        *out = c;
    return rc;
}

int checkpoint_format(const struct checkpoint *checkpoint, struct buf *out, struct err *e)
{
    int rc = buf_addf(out, e, "%s\n%" PRIu64 "\n", checkpoint->origin, checkpoint->size);
    return rc < 0 ? rc : line_add_hash(&checkpoint->root, out, e);
}

int checkpoint_open(const void *note, size_t len, const struct note_key *key,
                    struct checkpoint *out, struct err *e)
{
    AUTO_NOTE struct note *n = NULL;
    struct checkpoint c;
    int rc = note_parse(note, len, &n, e);
    if (rc == 0)
        rc = note_verify(n, &key, 1, e);
    if (rc == 0)
        rc = checkpoint_parse(n->text, n->text_len, &c, e);
    if (rc < 0)
        return rc;
    if (strcmp(c.origin, key->name) != 0)
        return err_set(e, ERR_LOG, "the checkpoint is of log '%s', not of '%s'", c.origin,
                       key->name);
    *out = c;
    return 0;
}

int checkpoint_sign(const struct checkpoint *checkpoint, const struct signing_key *key,
                    struct buf *out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(NOTE_MAX);
    int rc = checkpoint_format(checkpoint, &text, e);
    if (rc == 0)
        rc = note_sign(buf_str(&text), text.len, checkpoint->origin, key, out, e);
    return rc;
}
