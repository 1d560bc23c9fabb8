/* SPDX-License-Identifier: Apache-2.0 */
/* assay cartesi write */
#include "base/file.h"
#include "base/json.h"
#include "builder/cartesi/commands.h"
#include "formats/machine/proof.h"
#include "formats/machine/snapshot_write.h"

static void say_note(void *context, const char *text)
{
    cli_warn(context, "%s", text);
}

/* What was written, hashed from what is on disk. */
static int print_root(struct cli *cli, const char *path, unsigned jobs, struct err *e)
{
    AUTO_SNAPSHOT s = {.dirfd = -1};
    AUTO_JSON json_t *document = json_object();
    struct machine_tree tree;
    uint8_t root[MACHINE_HASH_SIZE];
    char text[80];
    if (document == NULL)
        return err_oom(e);
    int rc = snapshot_open(path, "/", &s, e);
    if (rc < 0)
        return rc;
    snapshot_tree(&s, jobs, &tree);
    if ((rc = machine_tree_node(&tree, 0, MACHINE_ROOT_LOG2, root, e)) < 0)
        return rc;
    machine_hash_text(s.config.hash, root, text);
    if ((rc = json_put_string(document, "root", text, e)) < 0 ||
        (rc = json_put_string(document, "directory", path, e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    cli_say(cli, "%s\n", text);
    return 0;
}

int cartesi_run_write(struct cli *cli, struct err *e)
{
    AUTO_MACHINE_CONFIG config = {.document = NULL};
    AUTO_BUF text = BUF_INIT(MACHINE_CONFIG_BYTES_MAX);
    const char *path = cli_string(cli, "config");
    const struct snapshot_write options = {.inputs = cli_string(cli, "inputs"),
                                           .uarch_ram = cli_string(cli, "uarch-ram"),
                                           .output = cli_string(cli, "output"),
                                           .note = say_note,
                                           .context = cli};
    unsigned jobs = 1;
    if (path == NULL || options.output == NULL)
        return err_set(e, ERR_USAGE, "--config and --output are required");
    int rc = cartesi_jobs(cli, &jobs, e);
    if (rc < 0 || (rc = file_read(path, &text, e)) < 0 ||
        (rc = machine_config_parse(buf_str(&text), text.len, path, &config, e)) < 0 ||
        (rc = snapshot_write(&config, &options, e)) < 0)
        return rc;
    return print_root(cli, options.output, jobs, e);
}
