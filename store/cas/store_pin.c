/* SPDX-License-Identifier: Apache-2.0 */
/* assay store pin, unpin and rm-ref: what a collector may not, and may, let go. */
#include "base/json.h"
#include "base/media_types.h"
#include "store/cas/store_commands.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { DOCUMENT_MAX = 64 * 1024 * 1024 };

/* A document is followed when its reference says JSON: so that what has no reference yet gets the
 * right one. */
static int guess_type(struct cas *cas, const struct digest *digest, uint64_t *size,
                      const char **type, struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(DOCUMENT_MAX);
    AUTO_JSON json_t *doc = NULL;
    const struct json_limits limits = {.bytes = DOCUMENT_MAX, .depth = 128};
    struct err ignored = ERR_INIT;
    char text[DIGEST_TEXT_MAX];
    *type = MEDIA_BYTES;
    if (!cas_has(cas, digest, size))
        return err_set(e, ERR_INPUT, "blob %s is not in store '%s'", digest_format(digest, text),
                       cas_path(cas));
    if (*size <= DOCUMENT_MAX && cas_get(cas, digest, &bytes, &ignored) == 0 &&
        json_parse(buf_str(&bytes), bytes.len, "it", &limits, &doc, &ignored) == 0)
        *type = MEDIA_JSON;
    return 0;
}

/* The references that are meant: of that name, else of that digest, or of that file's. */
static int pin_digest(struct cas *cas, const struct digest *digest, json_t *names, struct err *e)
{
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    AUTO_FREE char *name = NULL;
    char text[DIGEST_TEXT_MAX];
    const char *type = NULL;
    uint64_t size = 0;
    bool found = false;
    int rc = cas_ref_list(cas, &refs, e);
    for (size_t i = 0; rc == 0 && i < refs.count; i++) {
        const struct cas_ref *ref = &refs.items[i];
        if (ref->name == NULL || !digest_equal(&ref->digest, digest))
            continue;
        rc = cas_ref_pin(cas, ref->name, true, &found, e);
        if (rc == 0)
            rc = json_push(names, json_string(ref->name), e);
    }
    if (rc < 0 || json_array_size(names) > 0 || (rc = guess_type(cas, digest, &size, &type, e)) < 0)
        return rc;
    if ((rc = str_format(&name, e, "pin:%s", digest_format(digest, text))) < 0 ||
        (rc = cas_ref_set(cas, name, type, digest, size, e)) < 0 ||
        (rc = cas_ref_pin(cas, name, true, &found, e)) < 0)
        return rc;
    return json_push(names, json_string(name), e);
}

static int pin_one(struct cas *cas, const char *what, json_t *names, struct err *e)
{
    struct digest digest;
    bool found = false;
    int rc = 0;
    if (str_starts(what, "sha256:"))
        return (rc = digest_parse(what, &digest, e)) < 0 ? err_recode(e, ERR_USAGE)
                                                         : pin_digest(cas, &digest, names, e);
    rc = cas_ref_pin(cas, what, true, &found, e);
    if (rc == 0 && found)
        return json_push(names, json_string(what), e);
    if (rc == 0 && access(what, F_OK) != 0)
        return err_set(e, ERR_INPUT, "'%s' is no reference of store '%s' and no file", what,
                       cas_path(cas));
    AUTO_CLOSE int fd = -1;
    if (rc == 0 && (fd = open(what, O_RDONLY | O_CLOEXEC)) < 0)
        rc = err_os(e, errno, "cannot open '%s'", what);
    if (rc == 0)
        rc = digest_fd(DIGEST_SHA256, fd, &digest, NULL, e);
    return rc == 0 ? pin_digest(cas, &digest, names, e) : rc;
}

int store_run_pin(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    AUTO_JSON json_t *doc = NULL;
    AUTO_JSON json_t *names = json_array();
    int rc = names == NULL ? err_oom(e) : store_open(cli, 0, &cas, e);
    for (size_t i = 0; rc == 0 && i < cli_arg_count(cli); i++)
        rc = pin_one(cas, cli_arg(cli, i), names, e);
    if (rc == 0)
        rc = store_result(cas, &doc, e);
    for (size_t i = 0; rc == 0 && i < json_array_size(names); i++)
        cli_say(cli, "pinned %s\n", json_string_value(json_array_get(names, i)));
    if (rc == 0)
        rc = json_put(doc, "pinned", steal_ptr(&names), e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}

static bool is_pinned(const struct cas_refs *refs, const char *name)
{
    for (size_t i = 0; i < refs->count; i++)
        if (refs->items[i].name != NULL && strcmp(refs->items[i].name, name) == 0)
            return refs->items[i].pinned;
    return false;
}

/* A reference that only a pin made goes with it. */
static int unpin_one(struct cas *cas, const char *what, struct err *e)
{
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    AUTO_FREE char *made = NULL;
    bool found = false;
    int rc = str_format(&made, e, "%s%s", str_starts(what, "sha256:") ? "pin:" : "", what);
    if (rc == 0)
        rc = cas_ref_list(cas, &refs, e);
    if (rc == 0)
        rc = cas_ref_pin(cas, made, false, &found, e);
    if (rc == 0 && !found)
        return err_set(e, ERR_INPUT, "no reference '%s' in store '%s'", made, cas_path(cas));
    if (rc == 0 && !is_pinned(&refs, made))
        return err_set(e, ERR_INPUT, "reference '%s' of store '%s' is not pinned", made,
                       cas_path(cas));
    return rc == 0 && str_starts(made, "pin:") ? cas_ref_remove(cas, made, &found, e) : rc;
}

int store_run_unpin(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    AUTO_JSON json_t *doc = NULL;
    AUTO_JSON json_t *names = json_array();
    int rc = names == NULL ? err_oom(e) : store_open(cli, 0, &cas, e);
    for (size_t i = 0; rc == 0 && i < cli_arg_count(cli); i++) {
        rc = unpin_one(cas, cli_arg(cli, i), e);
        if (rc == 0)
            rc = json_push(names, json_string(cli_arg(cli, i)), e);
    }
    if (rc == 0)
        rc = store_result(cas, &doc, e);
    if (rc == 0)
        rc = json_put(doc, "unpinned", steal_ptr(&names), e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}

/* ---- rm-ref ---- */

/* What the next collection takes that nobody can fetch again is said now. */
static int find_locals(struct cas *cas, const char *name, struct cas_digests *out, struct err *e)
{
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    struct err ignored = ERR_INIT; /* a damaged document can be forgotten too */
    int rc = cas_ref_list(cas, &refs, e);
    for (size_t i = 0; rc == 0 && i < refs.count; i++)
        if (refs.items[i].name != NULL && strcmp(refs.items[i].name, name) == 0)
            (void)cas_locals(cas, &refs.items[i], out, &ignored);
    return rc;
}

static int put_locals(struct cli *cli, const struct cas_digests *locals, json_t *doc, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    char text[DIGEST_TEXT_MAX];
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < locals->count; i++) {
        cli_say(cli,
                "%s cannot be fetched again, and goes with the next gc unless another "
                "reference keeps it\n",
                digest_format(&locals->items[i], text));
        rc = json_push(list, json_string(text), e);
    }
    return rc == 0 ? json_put(doc, "local", steal_ptr(&list), e) : rc;
}

int store_run_rm_ref(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    AUTO(cas_digests_dispose) struct cas_digests locals = {0};
    const char *name = cli_arg(cli, 0);
    bool found = false;
    int rc = store_open(cli, 0, &cas, e);
    if (rc == 0)
        rc = find_locals(cas, name, &locals, e);
    if (rc == 0)
        rc = cas_ref_remove(cas, name, &found, e);
    if (rc == 0 && !found)
        rc = err_set(e, ERR_INPUT, "no reference '%s' in store '%s'", name, cas_path(cas));
    AUTO_JSON json_t *doc = NULL;
    if (rc == 0)
        rc = store_result(cas, &doc, e);
    if (rc == 0)
        rc = json_put_string(doc, "removed", name, e);
    if (rc == 0)
        rc = put_locals(cli, &locals, doc, e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}
