/* SPDX-License-Identifier: Apache-2.0 */
/* assay cartesi verify: does a stored machine contradict itself? */
#include "base/json.h"
#include "builder/cartesi/commands.h"
#include "formats/machine/proof.h"
#include "formats/machine/snapshot_check.h"

static void say_all(const struct cli *cli, const char *what, json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        cli_say(cli, "%s: %s\n", what, json_string_value(json_array_get(list, i)));
}

static int check_all(const struct snapshot *s, const struct snapshot_check *options,
                     uint8_t root[MACHINE_HASH_SIZE], struct findings *f, struct err *e)
{
    struct machine_tree tree;
    int rc = snapshot_check_files(s, options, f, e);
    if (rc < 0 || (rc = snapshot_check_state(s, options, f, e)) < 0)
        return rc;
    snapshot_tree(s, options->jobs, &tree);
    return snapshot_check_caches(s, &tree, root, f, e);
}

int cartesi_run_verify(struct cli *cli, struct err *e)
{
    AUTO_SNAPSHOT s = {.dirfd = -1};
    AUTO_JSON json_t *document = json_object();
    AUTO_JSON json_t *list = json_array();
    AUTO_JSON json_t *notes = json_array();
    struct findings f = {.list = list, .notes = notes};
    struct snapshot_check options = {.state_only = cli_flag(cli, "state-only"),
                                     .custom_dtb = cli_flag(cli, "custom-dtb")};
    uint8_t root[MACHINE_HASH_SIZE];
    char text[80];
    if (document == NULL || list == NULL || notes == NULL)
        return err_oom(e);
    int rc = cartesi_jobs(cli, &options.jobs, e);
    if (rc < 0 || (rc = cartesi_open_quietly(cli, 0, &s, e)) < 0 ||
        (rc = check_all(&s, &options, root, &f, e)) < 0)
        return rc;
    machine_hash_text(s.config.hash, root, text);
    if ((rc = json_put_string(document, "root", text, e)) < 0 ||
        (rc = json_put_u64(document, "count", f.count, e)) < 0 ||
        (rc = json_put(document, "findings", json_incref(list), e)) < 0 ||
        (rc = json_put(document, "notes", json_incref(notes), e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    cli_say(cli, "%s\n", text);
    say_all(cli, "note", notes);
    say_all(cli, "wrong", list);
    if (f.count > FINDINGS_MAX)
        cli_say(cli, "… and %zu more\n", f.count - FINDINGS_MAX);
    return f.count == 0 ? 0
                        : err_set(e, ERR_INPUT, "'%s' contradicts itself or would not load: %s",
                                  cli_arg(cli, 0), COUNTED(f.count, "finding"));
}
