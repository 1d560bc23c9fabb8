/* SPDX-License-Identifier: Apache-2.0 */
/* assay-cartesi: stored Cartesi machines, hashed, proven, explained and written without the
 * emulator. */
#include "base/file.h"
#include "base/workers.h"
#include "builder/cartesi/commands.h"
#include "formats/machine/proof.h"

#include <string.h>

enum { JOBS_MAX = 1024, DATA_LOG2_MAX = 24 };

int cartesi_jobs(struct cli *cli, unsigned *out, struct err *e)
{
    uint64_t jobs = cli_number(cli, "jobs", workers_default());
    if (jobs == 0 || jobs > JOBS_MAX)
        return err_set(e, ERR_USAGE, "--jobs must be between 1 and %d", JOBS_MAX);
    *out = (unsigned)jobs;
    return 0;
}

int cartesi_open_quietly(struct cli *cli, size_t index, struct snapshot *out, struct err *e)
{
    const char *scratch = cli_env(cli, "TMPDIR");
    return snapshot_open(cli_arg(cli, index), scratch != NULL ? scratch : "/tmp", out, e);
}

int cartesi_open(struct cli *cli, size_t index, struct snapshot *out, struct err *e)
{
    int rc = cartesi_open_quietly(cli, index, out, e);
    if (rc == 0 && out->uarch_missing)
        cli_warn(cli,
                 "'%s' has no uarch RAM file: its known subtree hash of emulator %s stands for it",
                 cli_arg(cli, index), out->config.version->name);
    return rc;
}

static int run_hash(struct cli *cli, struct err *e)
{
    AUTO_SNAPSHOT s = {.dirfd = -1};
    struct machine_tree tree;
    uint8_t root[MACHINE_HASH_SIZE];
    char text[80];
    unsigned jobs = 1;
    int rc = cartesi_open(cli, 0, &s, e);
    if (rc < 0 || (rc = cartesi_jobs(cli, &jobs, e)) < 0)
        return rc;
    snapshot_tree(&s, jobs, &tree);
    if ((rc = machine_tree_node(&tree, 0, MACHINE_ROOT_LOG2, root, e)) < 0)
        return rc;
    AUTO_JSON json_t *document = json_object();
    if (document == NULL)
        return err_oom(e);
    machine_hash_text(s.config.hash, root, text);
    if ((rc = json_put_string(document, "root", text, e)) < 0 ||
        (rc = json_put_string(document, "emulator", s.config.version->name, e)) < 0 ||
        (rc = json_put(document, "uarchRam", json_string(s.uarch_missing ? "known" : "present"),
                       e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    cli_say(cli, "%s\n", text);
    return 0;
}

static int read_place(struct cli *cli, uint64_t *address, unsigned *log2, struct err *e)
{
    uint64_t n;
    if (!machine_address_parse(cli_arg(cli, 1), address))
        return err_set(e, ERR_USAGE, "'%s' is no address (0x80000000, or decimal)",
                       cli_arg(cli, 1));
    if (!machine_address_parse(cli_arg(cli, 2), &n) || n > MACHINE_ROOT_LOG2)
        return err_set(e, ERR_USAGE, "'%s' is no size between 5 and 64 (log2 of bytes)",
                       cli_arg(cli, 2));
    *log2 = (unsigned)n;
    return 0;
}

static int run_proof(struct cli *cli, struct err *e)
{
    AUTO_SNAPSHOT s = {.dirfd = -1};
    AUTO_JSON json_t *document = NULL;
    AUTO_BUF text = BUF_INIT(PROOF_BYTES_MAX);
    struct machine_tree tree;
    struct machine_proof proof;
    uint64_t address = 0;
    unsigned log2 = 0;
    unsigned jobs = 1;
    int rc = read_place(cli, &address, &log2, e);
    if (rc < 0 || (rc = cartesi_jobs(cli, &jobs, e)) < 0 || (rc = cartesi_open(cli, 0, &s, e)) < 0)
        return rc;
    snapshot_tree(&s, jobs, &tree);
    memset(&proof, 0, sizeof(proof));
    proof.function = s.config.hash;
    if ((rc = machine_tree_prove(&tree, address, log2, &proof, e)) < 0 ||
        (rc = machine_proof_format(&proof, &document, e)) < 0)
        return rc;
    if (cli_json(cli)) {
        cli_result(cli, steal_ptr(&document));
        return 0;
    }
    rc = json_pretty(document, &text, e);
    return rc < 0 ? rc : cli_write(cli, text.data, text.len, e);
}

/* The file's bytes are those that the proof's target stands for. */
static int check_data(const char *path, const struct machine_proof *p, struct err *e)
{
    uint8_t hash[MACHINE_HASH_SIZE];
    AUTO_BUF data = BUF_INIT((size_t)1 << DATA_LOG2_MAX);
    if (p->log2 > DATA_LOG2_MAX)
        return err_set(e, ERR_USAGE, "--data is for nodes of at most 2^%d bytes", DATA_LOG2_MAX);
    int rc = file_read(path, &data, e);
    if (rc < 0)
        return rc;
    if (data.len != (size_t)1 << p->log2)
        return err_set(e, ERR_INPUT, "'%s' has %zu bytes, not %zu", path, data.len,
                       (size_t)1 << p->log2);
    machine_data_hash(machine_hasher_best(p->function), data.data, p->log2, hash);
    return memcmp(hash, p->target, sizeof(hash)) == 0
               ? 0
               : err_set(e, ERR_REJECTED, "'%s' is not what the proof is of", path);
}

static int run_verify_proof(struct cli *cli, struct err *e)
{
    AUTO_BUF text = BUF_INIT(PROOF_BYTES_MAX);
    const char *path = cli_arg(cli, 0);
    const char *root = cli_string(cli, "root");
    const char *data = cli_string(cli, "data");
    enum machine_hash function;
    struct machine_proof proof;
    uint8_t wanted[MACHINE_HASH_SIZE];
    uint8_t got[MACHINE_HASH_SIZE];
    if (root == NULL)
        return err_set(e, ERR_USAGE, "--root says which machine the proof must be of");
    if (!machine_hash_text_parse(root, &function, wanted))
        return err_set(e, ERR_USAGE, "--root '%s' is neither keccak256:HEX nor sha256:HEX", root);
    int rc = file_read(path, &text, e);
    if (rc < 0 || (rc = machine_proof_parse(buf_str(&text), text.len, path, &proof, e)) < 0)
        return rc;
    if (proof.function != function || memcmp(proof.root, wanted, sizeof(wanted)) != 0)
        return err_set(e, ERR_REJECTED, "'%s' is a proof of another machine", path);
    machine_proof_root(&proof, got);
    if (memcmp(got, wanted, sizeof(wanted)) != 0)
        return err_set(e, ERR_REJECTED, "'%s' does not lead to the root", path);
    if (data != NULL && (rc = check_data(data, &proof, e)) < 0)
        return rc;
    AUTO_JSON json_t *document = NULL;
    if ((rc = machine_proof_format(&proof, &document, e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&document));
    cli_say(cli, "the proof holds: 2^%u bytes at 0x%llx of %s\n", proof.log2,
            (unsigned long long)proof.address, root);
    return 0;
}

static const struct cli_option work_options[] = {CARTESI_OPTION_JOBS};
static const struct cli_option verify_proof_options[] = {
    {"root", 'r', CLI_STRING, "HASH", "the machine's hash, as 'hash' prints it (required)"},
    {"data", 'd', CLI_STRING, "FILE", "also check that these bytes are the node's"},
};

static const struct cli_option write_options[] = {
    {"config", 'c', CLI_STRING, "FILE", "config.json of the emulator's own form (required)"},
    {"inputs", 'i', CLI_STRING, "DIR", "where the files that the config names are looked up"},
    {"uarch-ram", 'u', CLI_STRING, "FILE",
     "the emulator's uarch-ram.bin (default: by its name in the config)"},
    {"output", 'o', CLI_OUTPUT_NEW, "DIR", "the new directory (required)"},
    CARTESI_OPTION_JOBS,
};

static const struct cli_option pack_options[] = {
    {"output", 'o', CLI_OUTPUT, "FILE", "the tar that is written (required)"},
};

static const struct cli_option unpack_options[] = {
    {"output", 'o', CLI_OUTPUT_NEW, "DIR", "the new directory (required)"},
};

static const struct cli_option verify_options[] = {
    {"state-only", 0, CLI_FLAG, NULL,
     "caches and the uarch RAM may be missing; caches that are there are checked all the same"},
    {"custom-dtb", 0, CLI_FLAG, NULL, "the device tree may be another than the config gives"},
    CARTESI_OPTION_JOBS,
};

static const struct cli_command commands[] = {
    {
        .name = "hash",
        .arguments = "DIR|TAR",
        .summary = "compute a machine's root hash from its state alone",
        .details = "Prints keccak256:HEX or sha256:HEX. The cache files that the emulator trusts\n"
                   "(.dht, .dpt, hash_tree.*) are not read. A tar may be plain, gzip, zstd or xz.\n"
                   "Without the uarch RAM file, the known subtree hash of the emulator's release\n"
                   "stands for it, and standard error says so.",
        .examples = "assay cartesi hash machine\tthe root hash of the directory 'machine'\n",
        .min_args = 1,
        .max_args = 1,
        .options = work_options,
        .option_count = CLI_COUNT(work_options),
        .run = run_hash,
    },
    {
        .name = "proof",
        .arguments = "DIR|TAR ADDRESS LOG2SIZE",
        .summary = "prove what stands at an address, against the root hash",
        .details = "The node of 2^LOG2SIZE bytes at ADDRESS, and its siblings up to the root, as\n"
                   "JSON. LOG2SIZE is 5 (one word of the tree) to 64 (all of it).",
        .examples = "assay cartesi proof machine 0x80000000 12\tthe first page of RAM\n",
        .min_args = 3,
        .max_args = 3,
        .options = work_options,
        .option_count = CLI_COUNT(work_options),
        .run = run_proof,
    },
    {
        .name = "verify-proof",
        .arguments = "PROOF",
        .exits = "3\tthe proof does not lead to the root, is of another machine, or the data is "
                 "not what it proves\n",
        .summary = "check a proof against a root hash",
        .details =
            "Exit code 3 when the proof does not lead to the root, is of another machine, or\n"
            "the data is not what it proves.",
        .examples = "assay cartesi verify-proof p.json --root keccak256:…\tdoes it hold?\n",
        .min_args = 1,
        .max_args = 1,
        .options = verify_proof_options,
        .option_count = CLI_COUNT(verify_proof_options),
        .run = run_verify_proof,
    },
    {
        .name = "inspect",
        .arguments = "DIR|TAR",
        .summary = "show ranges, registers, PMAs and the device tree",
        .examples = "assay cartesi inspect machine\twhat is in it\n",
        .min_args = 1,
        .max_args = 1,
        .run = cartesi_run_inspect,
    },
    {
        .name = "diff",
        .arguments = "DIR|TAR DIR|TAR",
        .exits = "0\tthey are the same\n"
                 "1\tthey differ\n",
        .summary = "say where two machines differ: config, registers, pages",
        .details = "Exit code 1 when they differ. At most 1000 differences are listed.",
        .examples = "assay cartesi diff before after\twhat the guest changed\n",
        .min_args = 2,
        .max_args = 2,
        .run = cartesi_run_diff,
    },
    {
        .name = "verify",
        .arguments = "DIR|TAR",
        .exits = "5\tsomething in the machine contradicts itself\n",
        .summary = "check config against state, and the caches against both",
        .details =
            "Exit code 5 when anything contradicts: config.json against registers, PMAs and "
            "device\n"
            "tree (of a machine that has not run), padding, identity of the emulator, the uarch\n"
            "RAM, files that are missing, of another size or too many, and cache files that the\n"
            "emulator would believe although the state says otherwise, page by page.",
        .examples = "assay cartesi verify machine\twould the emulator tell the truth about it?\n",
        .min_args = 1,
        .max_args = 1,
        .options = verify_options,
        .option_count = CLI_COUNT(verify_options),
        .run = cartesi_run_verify,
    },
    {
        .name = "pack",
        .arguments = "DIR|TAR",
        .exits = "5\tthe machine is malformed, or its files are not what their hashes say\n",
        .summary = "pack a machine as one file, the one that its plan would give",
        .details =
            "A tar with sparse files (docs/formats/machine.md): the same machine is the same "
            "bytes,\n"
            "whatever the files' times and owners. Its SHA-256 is what a signed provenance names.\n"
            "Caches are packed as they are. Files that are no part of a machine are refused.",
        .examples =
            "assay cartesi pack hello.cartesi -o hello.cartesi.tar\tas the build packs it\n",
        .min_args = 1,
        .max_args = 1,
        .options = pack_options,
        .option_count = CLI_COUNT(pack_options),
        .run = cartesi_run_pack,
    },
    {
        .name = "unpack",
        .arguments = "DIR|TAR",
        .summary = "write a machine's state into a new directory, with empty caches",
        .details =
            "config.json and every .bin file as they are; the caches are zeros, so that the\n"
            "emulator believes nothing but the state.",
        .examples = "assay cartesi unpack hello.cartesi.tar -o machine\tfor the emulator to load\n",
        .min_args = 1,
        .max_args = 1,
        .options = unpack_options,
        .option_count = CLI_COUNT(unpack_options),
        .run = cartesi_run_unpack,
    },
    {
        .name = "write",
        .arguments = "",
        .summary = "write a machine at cycle 0 from a config and its files",
        .details =
            "Writes what the emulator would store, byte for byte: config.json and every range's\n"
            ".bin; the caches are zeros, which the emulator fills in. Files are looked up by the\n"
            "last component of their name in --inputs; the shadow state, uarch state and PMAs\n"
            "come from the config alone, the device tree too unless there is a file for it.\n"
            "A missing file of the form 0000000060000000-200000.bin counts as zeros, and standard\n"
            "error says so. Prints the root hash.",
        .examples = "assay cartesi write -c config.json -i files -o machine\tfrom files\n",
        .min_args = 0,
        .max_args = 0,
        .options = write_options,
        .option_count = CLI_COUNT(write_options),
        .run = cartesi_run_write,
    },
};

static const struct cli_named environment[] = {
    CLI_ENV_TMPDIR("/tmp"),
};

static const struct cli_program program = {
    .name = "assay-cartesi",
    .summary = "hash, prove, check and write stored Cartesi machines",
    .details =
        "A stored machine is a directory: config.json and one file per address range. The\n"
        "emulator believes cache files beside them; this program recomputes everything from\n"
        "the state (archive version 7, emulator 0.21).",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .related = "assay-build assay-diff assay-run",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
