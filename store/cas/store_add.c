/* SPDX-License-Identifier: Apache-2.0 */
/* assay store add: one file, or all that a list names. */
#include "base/json.h"
#include "base/media_types.h"
#include "base/names.h"
#include "store/cas/store_commands.h"

#include <string.h>

/* ---- one ---- */

static int add_one(struct cli *cli, struct err *e)
{
    const char *name = cli_string(cli, "name");
    const char *media_type = cli_string(cli, "media-type");
    const char *wanted = cli_string(cli, "digest");
    if (media_type != NULL && name == NULL)
        return err_set(e, ERR_USAGE, "--media-type says what --name refers to: give both");
    struct digest expected = {0};
    int rc = wanted != NULL ? digest_parse(wanted, &expected, e) : 0;
    if (rc < 0)
        return err_recode(e, ERR_USAGE);
    AUTO_CAS struct cas *cas = NULL;
    struct digest digest;
    uint64_t size = 0;
    rc = store_open(cli, CAS_CREATE, &cas, e);
    if (rc == 0)
        rc = cas_import_file(cas, cli_arg(cli, 0), wanted != NULL ? &expected : NULL, &digest,
                             &size, e);
    if (rc == 0 && name != NULL)
        rc =
            cas_ref_set(cas, name, media_type != NULL ? media_type : MEDIA_BYTES, &digest, size, e);
    AUTO_JSON json_t *doc = NULL;
    if (rc == 0)
        rc = store_blob_json(&digest, size, &doc, e);
    if (rc == 0 && name != NULL)
        rc = json_put_string(doc, "name", name, e);
    if (rc < 0)
        return rc;
    cli_result(cli, steal_ptr(&doc));
    char text[DIGEST_TEXT_MAX];
    cli_say(cli, "%s\n", digest_format(&digest, text));
    return 0;
}

/* ---- many ---- */

struct batch {
    struct cas_import files[CAS_IMPORT_MAX];
    char *paths[CAS_IMPORT_MAX];
    size_t count;
    uint64_t stored;
    uint64_t bytes;
    json_t *list; /* NULL unless asked for */
};

static void batch_dispose(struct batch *b)
{
    for (size_t i = 0; i < b->count; i++)
        free(b->paths[i]);
    json_decref(b->list);
}

static int put_file(const struct cas_import *file, json_t *list, struct err *e)
{
    AUTO_JSON json_t *doc = NULL;
    AUTO_FREE char *name = NULL;
    int rc = str_copy(&name, file->path, e);
    if (rc == 0)
        rc = store_blob_json(&file->digest, file->size, &doc, e);
    if (rc < 0)
        return rc;
    text_repair(name); /* names of files are bytes */
    rc = json_put_string(doc, "file", name, e);
    return rc < 0 ? rc : json_push(list, steal_ptr(&doc), e);
}

/* Stores what was gathered, and says it. */
static int flush(struct cli *cli, struct cas *cas, struct batch *b, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    int rc = cas_import_files(cas, b->files, b->count, e);
    for (size_t i = 0; rc == 0 && i < b->count; i++) {
        const struct cas_import *file = &b->files[i];
        b->stored++;
        b->bytes += file->size;
        cli_say(cli, "%s  %s\n", digest_format(&file->digest, text), file->path);
        if (b->list != NULL)
            rc = put_file(file, b->list, e);
    }
    for (size_t i = 0; i < b->count; i++)
        free(b->paths[i]);
    b->count = 0;
    return rc;
}

static int gather(struct cli *cli, struct cas *cas, const char *path, struct batch *b,
                  struct err *e)
{
    int rc = str_copy(&b->paths[b->count], path, e);
    if (rc < 0)
        return rc;
    b->files[b->count] = (struct cas_import){.path = b->paths[b->count]};
    b->count++;
    return b->count < CAS_IMPORT_MAX ? 0 : flush(cli, cas, b, e);
}

static int add_many(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    AUTO_NAMES names = NAMES_INIT;
    AUTO(batch_dispose) struct batch b = {.count = 0};
    const char *name = NULL;
    AUTO_JSON json_t *doc = NULL;
    if (cli_string(cli, "name") != NULL || cli_string(cli, "digest") != NULL)
        return err_set(e, ERR_USAGE, "--name and --digest are for one file, not for --from-file");
    if (cli_json(cli) && (b.list = json_array()) == NULL)
        return err_oom(e);
    int rc = names_open(&names, cli_string(cli, "from-file"), cli_flag(cli, "null"), e);
    if (rc == 0)
        rc = store_open(cli, CAS_CREATE, &cas, e);
    if (rc == 0 && cli_arg_count(cli) > 0)
        rc = gather(cli, cas, cli_arg(cli, 0), &b, e);
    while (rc == 0 && (rc = names_next(&names, &name, e)) == 0 && name != NULL)
        rc = gather(cli, cas, name, &b, e);
    if (rc == 0)
        rc = flush(cli, cas, &b, e);
    if (rc == 0 && b.stored == 0)
        rc = err_set(e, ERR_USAGE, "nothing to store: the list names no file");
    if (rc == 0)
        rc = store_result(cas, &doc, e);
    if (rc == 0)
        rc = store_counts_json(doc, "stored", b.stored, b.bytes, e);
    if (rc == 0 && b.list != NULL)
        rc = json_put(doc, "blobs", steal_ptr(&b.list), e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}

int store_run_add(struct cli *cli, struct err *e)
{
    if (cli_string(cli, "from-file") != NULL)
        return add_many(cli, e);
    if (cli_arg_count(cli) == 0)
        return err_set(e, ERR_USAGE, "nothing to store: give FILE, or --from-file LIST");
    return add_one(cli, e);
}
