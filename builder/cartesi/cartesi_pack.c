/* SPDX-License-Identifier: Apache-2.0 */
/* assay cartesi pack and unpack: a machine as one file, in the bytes that `assay build` gives it,
 * and back. */
#include "base/destination.h"
#include "base/file.h"
#include "base/json.h"
#include "builder/cartesi/commands.h"
#include "formats/machine/machine_value.h"
#include "formats/machine/snapshot_check.h"
#include "formats/machine/snapshot_files.h"
#include "formats/machine/snapshot_write.h"
#include "formats/tar/tar_writer.h"

static int write_file(void *context, const void *data, size_t len, struct err *e)
{
    return destination_put(context, data, len, e);
}

static int write_tar(struct tree *tree, struct cas *cas, const char *path, struct err *e)
{
    AUTO_DESTINATION out = DESTINATION_INIT;
    AUTO_VIEW view = {0};
    const struct tar_options options = {.tree = tree, .cas = cas, .sparse = true};
    int rc = view_build(tree, NULL, &view, e);
    if (rc < 0 || (rc = destination_open(&out, path, e)) < 0 ||
        (rc = tar_write(&options, &view, (struct sink){.write = write_file, .context = &out}, e)) <
            0)
        return rc;
    return destination_commit(&out, e);
}

/* Through a store of its own, as the steps do it: the same code, the same bytes. */
static int pack_into(const struct snapshot *s, const char *store, const char *path, struct err *e)
{
    AUTO_MACHINE_PACKER packer = {.writer = NULL};
    AUTO_CAS struct cas *cas = NULL;
    AUTO_TREE struct tree *tree = NULL;
    int rc = cas_open(store, CAS_CREATE, &cas, e);
    if (rc < 0 || (rc = machine_packer_init(&packer, cas, e)) < 0)
        return rc;
    const struct machine_sink sink = machine_packer_sink(&packer);
    if ((rc = snapshot_files(s, true, &sink, e)) < 0 ||
        (rc = machine_packer_finish(&packer, &tree, e)) < 0)
        return rc;
    return write_tar(tree, cas, path, e);
}

/* A packed machine says nothing of files that are no part of one: there must be none. */
static int check_files(const struct snapshot *s, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    AUTO_JSON json_t *notes = json_array();
    struct findings f = {.list = list, .notes = notes};
    const struct snapshot_check options = {.state_only = s->uarch_missing};
    if (list == NULL || notes == NULL)
        return err_oom(e);
    int rc = snapshot_check_files(s, &options, &f, e);
    if (rc == 0 && f.count > 0)
        rc = err_set(e, ERR_INPUT, "'%s': %s", s->path, json_string_value(json_array_get(list, 0)));
    return rc;
}

int cartesi_run_pack(struct cli *cli, struct err *e)
{
    AUTO_SNAPSHOT s = {.dirfd = -1};
    AUTO_FREE char *store = NULL;
    const char *output = cli_string(cli, "output");
    const char *scratch = cli_env(cli, "TMPDIR");
    struct err ignored = ERR_INIT;
    if (output == NULL)
        return err_set(e, ERR_USAGE, "--output says where the file goes");
    int rc = cartesi_open_quietly(cli, 0, &s, e);
    if (rc < 0 || (rc = check_files(&s, e)) < 0 ||
        (rc = dir_make_temp(scratch != NULL ? scratch : "/tmp", "assay-cartesi-", &store, e)) < 0)
        return rc;
    rc = pack_into(&s, store, output, e);
    (void)dir_remove(store, &ignored);
    return rc;
}

int cartesi_run_unpack(struct cli *cli, struct err *e)
{
    AUTO_SNAPSHOT s = {.dirfd = -1};
    const char *output = cli_string(cli, "output");
    if (output == NULL)
        return err_set(e, ERR_USAGE, "--output says where the directory goes");
    int rc = cartesi_open(cli, 0, &s, e);
    return rc < 0 ? rc : snapshot_unpack(&s, output, e);
}
