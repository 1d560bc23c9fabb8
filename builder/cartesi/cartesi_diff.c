/* SPDX-License-Identifier: Apache-2.0 */
/* assay cartesi diff: where two stored machines differ, in the guest's terms. */
#include "base/file.h"
#include "base/json.h"
#include "base/sparse.h"
#include "builder/cartesi/commands.h"
#include "builder/cartesi/drive_diff.h"
#include "formats/machine/machine_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LINES_MAX = 1000, CHUNK = 64 * MACHINE_PAGE };

struct differences {
    json_t *list;                          /* strings */
    size_t count;                          /* all of them, also those that are not listed */
    const struct machine_version *version; /* of both; NULL: they differ */
};

__attribute__((format(printf, 3, 4))) static int differ(struct differences *d, struct err *e,
                                                        const char *fmt, ...)
{
    char text[ERR_FRAME_MAX];
    va_list args;
    va_start(args, fmt);
    (void)text_vprint(text, sizeof(text), TEXT_AS_IT_IS, fmt, args);
    va_end(args);
    text_repair(text); /* names of a drive's files are bytes */
    return ++d->count > LINES_MAX ? 0 : json_push(d->list, json_string(text), e);
}

/* ---- config.json: by path ---- */

static int diff_json(json_t *a, json_t *b, const char *path, unsigned depth, struct differences *d,
                     struct err *e);

static int diff_member(json_t *a, json_t *b, const char *path, const char *key, unsigned depth,
                       struct differences *d, struct err *e)
{
    char child[256];
    (void)text_print(child, sizeof(child), "%.180s.%.64s", path, key);
    if (a == NULL || b == NULL)
        return differ(d, e, "config %s: only in the %s", child, a == NULL ? "second" : "first");
    return diff_json(a, b, child, depth + 1, d, e);
}

static int diff_json(json_t *a, json_t *b, const char *path, unsigned depth, struct differences *d,
                     struct err *e)
{
    const char *key;
    json_t *member;
    int rc = 0;
    if (json_equal(a, b) || depth > 16)
        return 0;
    if (json_is_object(a) && json_is_object(b)) {
        json_object_foreach(a, key, member)
        {
            if ((rc = diff_member(member, json_object_get(b, key), path, key, depth, d, e)) < 0)
                return rc;
        }
        json_object_foreach(b, key, member)
        {
            if (json_object_get(a, key) == NULL &&
                (rc = diff_member(NULL, member, path, key, depth, d, e)) < 0)
                return rc;
        }
        return 0;
    }
    if (json_is_integer(a) && json_is_integer(b))
        return differ(d, e, "config %s: 0x%llx and 0x%llx", path,
                      (unsigned long long)json_integer_value(a),
                      (unsigned long long)json_integer_value(b));
    if (json_is_string(a) && json_is_string(b))
        return differ(d, e, "config %s: '%.80s' and '%.80s'", path, json_string_value(a),
                      json_string_value(b));
    return differ(d, e, "config %s differs", path);
}

/* ---- state: by register, then by page ---- */

static int diff_registers(const uint8_t *a, const uint8_t *b, const struct machine_register *table,
                          size_t count, const char *what, struct differences *d, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        uint64_t x = machine_word(a, i);
        uint64_t y = machine_word(b, i);
        const char *group = table[i].group;
        if (x != y)
            rc = differ(d, e, "%s %s%s%s: 0x%" PRIx64 " and 0x%" PRIx64, what,
                        group != NULL ? group : "", group != NULL ? "." : "", table[i].name, x, y);
    }
    return rc;
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t len)
{
    size_t i = 0;
    while (i < len && a[i] == b[i])
        i++;
    return i;
}

static int diff_page(const struct machine_range *range, uint64_t offset, const uint8_t *a,
                     const uint8_t *b, struct differences *d, struct err *e)
{
    size_t at = 0;
    int rc = 0;
    if (d->version != NULL && range->kind == MACHINE_STATE && offset == 0) {
        rc = diff_registers(a, b, d->version->registers, d->version->register_count, "register", d,
                            e);
        at = d->version->register_count * 8;
    } else if (d->version != NULL && range->kind == MACHINE_UARCH_STATE && offset == 0) {
        rc = diff_registers(a, b, d->version->uarch_registers, MACHINE_UARCH_REGISTERS,
                            "uarch register", d, e);
        at = (size_t)MACHINE_UARCH_REGISTERS * 8;
    }
    size_t first = at + first_difference(a + at, b + at, MACHINE_PAGE - at);
    if (rc < 0 || first == MACHINE_PAGE)
        return rc;
    size_t bytes = 0;
    for (size_t i = at; i < MACHINE_PAGE; i++)
        bytes += a[i] != b[i];
    return differ(d, e,
                  "%s, page 0x%" PRIx64 ": %s, first at 0x%" PRIx64 " (offset 0x%" PRIx64
                  "): %02x and %02x",
                  range->name, range->start + offset, COUNTED(bytes, "byte"),
                  range->start + offset + first, offset + first, a[first], b[first]);
}

static int diff_range(const struct machine_range *range, int a, int b, struct differences *d,
                      struct err *e)
{
    AUTO_FREE uint8_t *bytes = malloc(2 * (size_t)CHUNK);
    uint8_t *other = bytes + CHUNK;
    uint64_t at = 0;
    int rc = bytes == NULL ? err_oom(e) : 0;
    while (rc == 0 && at < range->length) {
        uint64_t next_a = sparse_next_data(a, at, range->length);
        uint64_t next_b = sparse_next_data(b, at, range->length);
        at = (next_a < next_b ? next_a : next_b) / MACHINE_PAGE * MACHINE_PAGE;
        if (at >= range->length)
            break;
        size_t len = range->length - at < CHUNK ? (size_t)(range->length - at) : (size_t)CHUNK;
        if ((rc = fd_pread_all(a, bytes, len, at, range->name, e)) < 0 ||
            (rc = fd_pread_all(b, other, len, at, range->name, e)) < 0)
            return rc;
        for (size_t i = 0; rc == 0 && i < len; i += MACHINE_PAGE)
            if (memcmp(bytes + i, other + i, MACHINE_PAGE) != 0)
                rc = diff_page(range, at + i, bytes + i, other + i, d, e);
        at += len;
    }
    return rc;
}

/* ---- flash drives: by file ---- */

struct drive_findings {
    struct differences *differences;
    const char *drive;
};

static int drive_found(void *context, const char *path, const char *text, struct err *e)
{
    const struct drive_findings *f = context;
    return differ(f->differences, e, "%s, file %.180s: %s", f->drive, path, text);
}

static void forget(struct differences *d, size_t listed, size_t count)
{
    while (json_array_size(d->list) > listed)
        (void)json_array_remove(d->list, json_array_size(d->list) - 1);
    d->count = count;
}

/*
 * The drive's pages differ, which lines from `listed` on say. When it holds a file system that is
 * known, what differs in its files is said instead: one file that compresses to another size moves
 * every page behind it.
 */
static int explain_drive(const struct machine_range *a, int a_fd, uint64_t b_length, int b_fd,
                         size_t listed, size_t count, struct differences *d, struct err *e)
{
    struct differences files = {.list = json_array()};
    AUTO_JSON json_t *list = files.list;
    struct drive_findings findings = {.differences = &files, .drive = a->name};
    const struct drive_diff options = {.found = drive_found, .context = &findings};
    struct err why = ERR_INIT;
    bool compared = false;
    char line[256];
    if (list == NULL)
        return err_oom(e);
    size_t pages = d->count - count;
    int rc = drive_diff(a_fd, a->length, b_fd, b_length, a->name, &options, &compared, &why);
    if (rc == -ERR_INPUT || rc == -ERR_UNDECIDED)
        return differ(d, e, "%s: its files cannot be compared: %s", a->name,
                      err_line(&why, line, sizeof(line)));
    if (rc < 0) {
        *e = why;
        return rc;
    }
    if (!compared)
        return 0;
    forget(d, listed, count);
    const char *files_say = files.count == 0 ? "its files are the same" : "in these files:";
    if (a->length == b_length)
        rc = differ(d, e, "%s: %s of other bytes; %s", a->name, COUNTED(pages, "page"), files_say);
    else
        rc = differ(d, e, "%s: 0x%" PRIx64 " bytes and 0x%" PRIx64 "; %s", a->name, a->length,
                    b_length, files_say);
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
        rc = json_push(d->list, json_incref(json_array_get(list, i)), e);
    d->count += files.count;
    return rc;
}

static int diff_pair(const struct snapshot *a, size_t i, const struct snapshot *b, size_t k,
                     struct differences *d, struct err *e)
{
    const struct machine_range *x = &a->ranges[i];
    const struct machine_range *y = &b->ranges[k];
    size_t listed = json_array_size(d->list);
    size_t count = d->count;
    int rc = 0;
    if (x->length != y->length)
        rc = differ(d, e, "%s: 0x%" PRIx64 " bytes and 0x%" PRIx64, x->name, x->length, y->length);
    else if (a->fds[i] >= 0 && b->fds[k] >= 0)
        rc = diff_range(x, a->fds[i], b->fds[k], d, e);
    if (rc < 0 || d->count == count || x->kind != MACHINE_FLASH || y->kind != MACHINE_FLASH)
        return rc;
    return explain_drive(x, a->fds[i], y->length, b->fds[k], listed, count, d, e);
}

/* Ranges of the same start are compared, others named. Both lists ascend. */
static int diff_ranges(const struct snapshot *a, const struct snapshot *b, struct differences *d,
                       struct err *e)
{
    size_t i = 0;
    size_t k = 0;
    int rc = 0;
    while (rc == 0 && (i < a->count || k < b->count)) {
        const struct machine_range *x = i < a->count ? &a->ranges[i] : NULL;
        const struct machine_range *y = k < b->count ? &b->ranges[k] : NULL;
        if (x == NULL || (y != NULL && y->start < x->start)) {
            rc = differ(d, e, "%s at 0x%" PRIx64 ": only in the second", y->name, y->start);
            k++;
        } else if (y == NULL || x->start < y->start) {
            rc = differ(d, e, "%s at 0x%" PRIx64 ": only in the first", x->name, x->start);
            i++;
        } else {
            rc = diff_pair(a, i++, b, k++, d, e);
        }
    }
    return rc;
}

/* Registers have names only where both machines have the same ones. */
static int diff_versions(const struct snapshot *a, const struct snapshot *b, struct differences *d,
                         struct err *e)
{
    if (a->config.version == b->config.version) {
        d->version = a->config.version;
        return 0;
    }
    return differ(d, e, "emulator: %s and %s", a->config.version->name, b->config.version->name);
}

int cartesi_run_diff(struct cli *cli, struct err *e)
{
    AUTO_SNAPSHOT a = {.dirfd = -1};
    AUTO_SNAPSHOT b = {.dirfd = -1};
    AUTO_JSON json_t *document = json_object();
    AUTO_JSON json_t *list = json_array();
    struct differences d = {.list = list};
    if (document == NULL || list == NULL)
        return err_oom(e);
    int rc = cartesi_open(cli, 0, &a, e);
    if (rc < 0 || (rc = cartesi_open(cli, 1, &b, e)) < 0 ||
        (rc = diff_versions(&a, &b, &d, e)) < 0 ||
        (rc = diff_json(a.config.document, b.config.document, "$", 0, &d, e)) < 0 ||
        (rc = diff_ranges(&a, &b, &d, e)) < 0 ||
        (rc = json_put_u64(document, "count", d.count, e)) < 0 ||
        (rc = json_put(document, "differences", json_incref(list), e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    for (size_t i = 0; i < json_array_size(list); i++)
        cli_say(cli, "%s\n", json_string_value(json_array_get(list, i)));
    if (d.count > LINES_MAX)
        cli_say(cli, "… and %zu more\n", d.count - LINES_MAX);
    return d.count == 0
               ? 0
               : err_set(e, ERR_DIFFERS, "the machines differ: %s", COUNTED(d.count, "difference"));
}
