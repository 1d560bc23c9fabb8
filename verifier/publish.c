/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/publish.h"

#include "base/destination.h"
#include "base/json.h"

#include <string.h>

enum { STEPS_BYTES_MAX = 16 * 1024 * 1024 };

static int sign(struct cli *cli, const struct publish_options *o, const struct verdict *v,
                struct buf *out, struct err *e)
{
    AUTO_FREE char *uri = NULL;
    const struct host *host = cli_host(cli);
    int rc = o->resource_uri != NULL ? str_copy(&uri, o->resource_uri, e)
                                     : str_format(&uri, e, "file:%s", v->artifact_name);
    if (rc < 0)
        return rc;
    const struct verdict_signer signer = {
        .key = o->key,
        .verifier_id = o->verifier_id,
        .resource_uri = uri,
        .now = host->now(host->context),
    };
    return verdict_bundle(v, &signer, LOG_ENTRY_MAX, out, e);
}

/*
 * The signed verdict, and beside a file of it the digests of the rebuild's steps, which it names by
 * their own digest. Beside stdout or a device there is no place.
 */
static int write_verdict(const struct verdict *v, const struct buf *bundle, const char *output,
                         struct err *e)
{
    AUTO_DESTINATION to = DESTINATION_INIT;
    AUTO_FREE char *path = NULL;
    AUTO_BUF list = BUF_INIT(STEPS_BYTES_MAX);
    int rc = destination_open(&to, output, e);
    if (rc == 0)
        rc = destination_put(&to, bundle->data, bundle->len, e);
    if (rc == 0)
        rc = destination_commit(&to, e);
    if (rc == 0)
        rc = verdict_steps(v, &list, e);
    if (rc < 0 || list.len == 0 || !to.whole)
        return rc;
    rc = str_format(&path, e, "%s.steps.json", output);
    return rc < 0 ? rc : destination_write(path, list.data, list.len, e);
}

/* The entry is the signed bundle's very bytes: who holds the file can check the proof as it is. */
static int record(struct cli *cli, const struct publish_options *options, const struct buf *bundle,
                  json_t *report, struct err *e)
{
    const char *path = options->log_path;
    AUTO_JSON json_t *o = json_object();
    uint64_t index = 0;
    int rc = tlog_record(options->log, bundle->data, bundle->len, &index, e);
    if (rc < 0)
        return err_wrap(e, "the verdict could not be recorded");
    cli_say(cli, "recorded: entry %llu of '%s'\n", (unsigned long long)index, path);
    rc = json_put_string(o, "log", path, e);
    if (rc == 0)
        rc = json_put_u64(o, "index", index, e);
    if (rc == 0)
        rc = json_put(report, "record", steal_ptr(&o), e);
    return rc;
}

/* Nobody else has it: it comes out of stdout, in the report or as it is. */
static int hand_over(const struct cli *cli, const struct buf *bundle, json_t *report, struct err *e)
{
    const struct json_limits limits = {.bytes = LOG_ENTRY_MAX, .depth = 64};
    json_t *document = NULL;
    if (!cli_json(cli))
        return cli_write(cli, bundle->data, bundle->len, e);
    int rc = json_parse(buf_str(bundle), bundle->len, "the signed verdict", &limits, &document, e);
    return rc == 0 ? json_put(report, "signed", document, e) : rc;
}

int publish(struct cli *cli, const struct publish_options *options, const struct verdict *v,
            json_t *report, struct err *e)
{
    AUTO_BUF bundle = BUF_INIT(LOG_ENTRY_MAX);
    struct err second = ERR_INIT;
    const char *output = options->output;
    if (options->key == NULL)
        return 0;
    int rc = sign(cli, options, v, &bundle, e);
    if (rc < 0)
        return rc;
    int written = output != NULL ? write_verdict(v, &bundle, output, e) : 0;
    int recorded =
        options->log != NULL ? record(cli, options, &bundle, report, written < 0 ? &second : e) : 0;
    rc = written < 0 ? written : recorded;
    bool kept = (output != NULL && written == 0) || (options->log != NULL && recorded == 0);
    if (rc == 0 || kept)
        return rc;
    if (hand_over(cli, &bundle, report, &second) < 0)
        return rc;
    return err_wrap(e, "the signed verdict is on stdout only");
}
