/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cartesi.h"

#include "base/file.h"
#include "base/json.h"
#include "base/process.h"
#include "base/tool.h"
#include "base/version.h"
#include "runner/console.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum {
    RUN_MAX = 65536,
    REPORT_MAX = 16 << 20,
    TEXT_MAX = 256,
    EXTRA_MAX = 8,
    ATTESTATIONS_MAX = 8
};
#define CYCLE_MAX (((uint64_t)1 << 53) - 1)

/* The run configuration, as it stands in its file. */
struct run_document {
    json_t *document; /* owns the strings */
    const char *machine;
    struct digest config;
    bool limited;
    uint64_t max_cycle;
};

static void run_document_dispose(struct run_document *d)
{
    json_decref(d->document);
}

static int want(const struct jcur *root, const char *key, const char *value, struct err *e)
{
    struct jcur c;
    const char *text = NULL;
    int rc = jcur_get(root, key, &c, e);
    if (rc < 0 || (rc = jcur_string(&c, TEXT_MAX, &text, e)) < 0)
        return rc;
    return strcmp(text, value) == 0
               ? 0
               : jcur_fail(&c, e, "'%s' is not '%s', which is all that is known", text, value);
}

static int read_document(const char *path, struct run_document *out, struct err *e)
{
    static const char *const keys[] = {"archiveVersion", "config",  "emulator", "machine",
                                       "maxCycle",       "network", "type",     NULL};
    const struct json_limits limits = {.bytes = RUN_MAX, .depth = 4};
    uint64_t version = 0;
    struct jcur c;
    int rc = json_read_file(path, &limits, &out->document, e);
    if (rc < 0)
        return rc;
    struct jcur root = jcur_root(out->document, path);
    if ((rc = jcur_object(&root, keys, e)) < 0 ||
        (rc = want(&root, "type", CARTESI_RUN_TYPE, e)) < 0 ||
        (rc = want(&root, "emulator", "0.21", e)) < 0 ||
        (rc = want(&root, "network", "none", e)) < 0 ||
        (rc = jcur_get_u64(&root, "archiveVersion", CYCLE_MAX, &version, e)) < 0 ||
        (rc = jcur_get_string(&root, "machine", TEXT_MAX, &out->machine, e)) < 0 ||
        (rc = jcur_get_digest(&root, "config", &out->config, e)) < 0)
        return rc;
    if (version != 7)
        return jcur_fail(&root, e, "archiveVersion is not 7, which is all that is known");
    if (out->config.alg != DIGEST_SHA256)
        return jcur_fail(&root, e, "the config's digest is not a sha256");
    out->limited = jcur_opt(&root, "maxCycle", &c);
    return out->limited ? jcur_u64(&c, CYCLE_MAX, &out->max_cycle, e) : 0;
}

/* ---- options that make another machine ---------------------------------------------------- */

static const struct {
    const char *begins;
    const char *why;
} refusals[] = {
    {"--virtio", "it gives the machine a network or files of the host"},
    {"--network", "it gives the machine a network"},
    {"--port-forward", "it gives the machine a network"},
    {"-p", "it gives the machine a network"},
    {"--volume", "it gives the machine files of the host"},
    {"-v", "it gives the machine files of the host"},
    {"--flash-drive", "another drive is another machine"},
    {"--replace-flash-drive", "another drive is another machine"},
    {"--nvram", "another drive is another machine"},
    {"--replace-", "other memory is another machine"},
    {"--append-", "other arguments are another machine"},
    {"--no-bootargs", "other arguments are another machine"},
    {"--env", "other arguments are another machine"},
    {"--ram-", "other memory is another machine"},
    {"--skip-", "it turns off a check"},
    {"--load", "the machine is given by its hash"},
    {"--store", "what runs is not kept"},
    {"--console", "what is typed in is not reproducible"},
    {"-i", "what is typed in is not reproducible"},
    {"-it", "what is typed in is not reproducible"},
};

/* What changes nothing of the machine. */
static const char *const harmless[] = {"--quiet", "--initial-hash", "--final-hash"};

static int check_option(const char *option, const struct run_document *run, bool *limits,
                        struct err *e)
{
    static const char max_cycle[] = "--max-mcycle=";
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
        if (strcmp(option, harmless[i]) == 0)
            return 0;
    if (str_starts(option, max_cycle)) {
        const char *number = option + sizeof(max_cycle) - 1;
        size_t digits = strspn(number, "0123456789");
        if (digits == 0 || digits > 16 || number[digits] != 0)
            return err_set(e, ERR_USAGE, "'%s' is no number of cycles", option);
        if (run->limited && strtoull(number, NULL, 10) > run->max_cycle)
            return err_set(e, ERR_REJECTED,
                           "refused: '%s': the run configuration allows %" PRIu64 " cycles", option,
                           run->max_cycle);
        *limits = true;
        return 0;
    }
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (str_starts(option, refusals[i].begins))
            return err_set(e, ERR_REJECTED, "refused: '%s': %s", option, refusals[i].why);
    return err_set(e, ERR_REJECTED, "refused: '%s': the run configuration does not have it",
                   option);
}

static int check_options(const struct cartesi_options *o, const struct run_document *run,
                         bool *limits, struct err *e)
{
    int rc = 0;
    *limits = false;
    if (o->extra_count > EXTRA_MAX)
        return err_set(e, ERR_USAGE, "more than %d options for the emulator", EXTRA_MAX);
    for (size_t i = 0; rc == 0 && i < o->extra_count; i++)
        rc = check_option(o->extra[i], run, limits, e);
    return rc;
}

/* ---- is it that machine? -------------------------------------------------------------------- */

/* As `assay verify` would have it; a reproduced run configuration says that the machine is, too. */
static int check_bundle(const struct cartesi_options *o, struct err *e)
{
    AUTO_BUF output = BUF_INIT(REPORT_MAX);
    const char *argv[10 + 2 * ATTESTATIONS_MAX] = {o->run,     "--bundle", o->bundle,
                                                   "--policy", o->policy,  "--json"};
    size_t n = 6;
    if (o->bundle == NULL)
        return 0;
    if (o->attestation_count > ATTESTATIONS_MAX)
        return err_set(e, ERR_USAGE, "more than %d attestations", ATTESTATIONS_MAX);
    for (size_t i = 0; i < o->attestation_count; i++) {
        argv[n++] = "--attestation";
        argv[n++] = o->attestations[i];
    }
    if (o->store != NULL) {
        argv[n++] = "--rebuild";
        argv[n++] = "--store";
        argv[n++] = o->store;
    }
    int rc = tool_run("assay-verify", argv, o->scratch, &output, NULL, e);
    return rc < 0 ? err_wrap(e, "nobody vouches for the run configuration") : 0;
}

/* A private copy whose caches are empty: neither they nor anybody else can change what runs. */
static int copy_machine(const struct cartesi_options *o, const char *copy, struct err *e)
{
    AUTO_BUF output = BUF_INIT(RUN_MAX);
    const char *const argv[] = {"unpack", o->machine, "-o", copy, "--quiet", NULL};
    return tool_run("assay-cartesi", argv, o->scratch, &output, NULL, e);
}

static int note_all(const struct cartesi_options *o, const json_t *report)
{
    const json_t *notes = json_object_get(report, "notes");
    for (size_t i = 0; i < json_array_size(notes); i++) {
        const char *text = json_string_value(json_array_get(notes, i));
        if (text != NULL && o->warn != NULL)
            o->warn(o->context, text);
    }
    return 0;
}

/* Its hash from its state, and whether it contradicts itself. */
static int measure(const struct cartesi_options *o, const char *copy, struct cartesi_result *result,
                   struct err *e)
{
    AUTO_BUF output = BUF_INIT(REPORT_MAX);
    AUTO_JSON json_t *report = NULL;
    /* The hash covers the device tree, whoever made it. */
    const char *const argv[] = {"verify", copy, "--state-only", "--custom-dtb", "--json", NULL};
    int rc = tool_run("assay-cartesi", argv, o->scratch, &output, NULL, e);
    if (rc < 0 || (rc = json_parse(buf_str(&output), output.len, "the report of assay-cartesi",
                                   NULL, &report, e)) < 0)
        return rc;
    const char *root = json_string_value(json_object_get(report, "root"));
    if (root == NULL || strlen(root) >= sizeof(result->machine))
        return err_set(e, ERR_HOST, "assay-cartesi told no root hash");
    memcpy(result->machine, root, strlen(root) + 1);
    return note_all(o, report);
}

static int check_config(const char *copy, const struct run_document *run, struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_BUF text = BUF_INIT(REPORT_MAX);
    struct digest found;
    char wanted[DIGEST_TEXT_MAX];
    char got[DIGEST_TEXT_MAX];
    int rc = path_join(&path, copy, "config.json", e);
    if (rc < 0 || (rc = file_read(path, &text, e)) < 0 ||
        (rc = digest_bytes(DIGEST_SHA256, text.data, text.len, &found, e)) < 0)
        return rc;
    return digest_equal(&found, &run->config)
               ? 0
               : err_set(e, ERR_REJECTED,
                         "refused: config.json is %s, the run configuration names %s",
                         digest_format(&found, got), digest_format(&run->config, wanted));
}

/* ---- the emulator ------------------------------------------------------------------------------
 */

static int find_emulator(const struct cartesi_options *o, char **out, struct err *e)
{
    struct err ignored = ERR_INIT;
    return process_find_in(o->path, o->emulator, out, &ignored) == 0
               ? 0
               : err_set(e, ERR_UNDECIDED,
                         "the machine is the right one, but there is no '%s' in PATH to run it: "
                         "--emulator=FILE says where it is",
                         o->emulator);
}

static int emulate(const struct cartesi_options *o, const struct run_document *run, bool limits,
                   const char *copy, struct cartesi_result *result, struct err *e)
{
    AUTO_FREE char *emulator = NULL;
    AUTO_FREE char *load = NULL;
    AUTO_FREE char *limit = NULL;
    const char *argv[EXTRA_MAX + 4] = {NULL};
    struct console console = {.show = o->show, .show_context = o->context};
    size_t n = 0;
    int rc = find_emulator(o, &emulator, e);
    if (rc < 0 || (rc = str_format(&load, e, "--load=%s", copy)) < 0 ||
        (rc = str_format(&limit, e, "--max-mcycle=%" PRIu64, run->max_cycle)) < 0)
        return rc;
    argv[n++] = emulator;
    argv[n++] = load;
    if (run->limited && !limits)
        argv[n++] = limit;
    for (size_t i = 0; i < o->extra_count; i++)
        argv[n++] = o->extra[i];
    const struct process_options process = {
        .argv = argv, .sink = console_feed, .sink_context = &console};
    rc = process_run(&process, &result->status, e);
    if (rc < 0)
        return rc;
    console_end(&console);
    result->lines = console.lines;
    return 0;
}

static int run_copy(const struct cartesi_options *o, const struct run_document *run, bool limits,
                    const char *directory, struct cartesi_result *result, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    int rc = path_join(&copy, directory, "machine", e);
    if (rc < 0 || (rc = copy_machine(o, copy, e)) < 0 || (rc = measure(o, copy, result, e)) < 0)
        return rc;
    if (strcmp(result->machine, run->machine) != 0)
        return err_set(e, ERR_REJECTED,
                       "refused: the machine is %s, the run configuration is of %s",
                       result->machine, run->machine);
    rc = check_config(copy, run, e);
    return rc < 0 ? rc : emulate(o, run, limits, copy, result, e);
}

/* ---- the private directory: locked while its run lives, removed by it or by the next ---- */

#define PREFIX "assay-run."

/* What a run that was killed has left: nobody holds its lock. Best effort. */
static void remove_stale(const char *scratch)
{
    AUTO_CLOSEDIR DIR *list = opendir(scratch);
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        AUTO_FREE char *path = NULL;
        struct err ignored = ERR_INIT;
        struct stat st;
        if (!str_starts(entry->d_name, PREFIX))
            continue;
        AUTO_CLOSE int fd =
            openat(dirfd(list), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
            flock(fd, LOCK_EX | LOCK_NB) == 0 &&
            path_join(&path, scratch, entry->d_name, &ignored) == 0)
            (void)dir_remove(path, &ignored);
    }
}

static int make_directory(const char *scratch, char **out, int *lock, struct err *e)
{
    enum { ATTEMPTS = 8 };
    struct stat st;
    for (int i = 0; i < ATTEMPTS; i++) {
        AUTO_FREE char *path = NULL;
        int rc = dir_make_temp(scratch, PREFIX, &path, e);
        if (rc < 0)
            return rc;
        AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        /* Another run may have taken it for a stale one before it was locked. */
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 &&
            st.st_nlink > 0) {
            *lock = steal_fd(&fd);
            *out = steal_ptr(&path);
            return 0;
        }
    }
    return err_set(e, ERR_HOST, "cannot make a directory of our own in '%s'", scratch);
}

int cartesi_run(const struct cartesi_options *options, struct cartesi_result *result, struct err *e)
{
    AUTO(run_document_dispose) struct run_document run = {.document = NULL};
    AUTO_FREE char *directory = NULL;
    AUTO_CLOSE int lock = -1;
    struct cartesi_result made = {.status = 0};
    struct err ignored = ERR_INIT;
    bool limits = false;
    int rc = read_document(options->run, &run, e);
    if (rc < 0 || (rc = check_options(options, &run, &limits, e)) < 0 ||
        (rc = check_bundle(options, e)) < 0)
        return rc;
    remove_stale(options->scratch);
    if ((rc = make_directory(options->scratch, &directory, &lock, e)) < 0)
        return rc;
    rc = run_copy(options, &run, limits, directory, &made, e);
    (void)dir_remove(directory, &ignored);
    if (rc == 0)
        *result = made;
    return rc;
}
