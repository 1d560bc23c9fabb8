/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/rebuild/rebuild.h"

#include "base/capture.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sandbox/sandbox.h"
#include "store/cas/cas.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { OUTPUT_MAX = 16 * 1024 * 1024, ERRORS_MAX = 64 * 1024, PROVENANCE_MAX = 64 * 1024 * 1024 };

/* The sandbox shows the builder and no library: one that needs a loader would die without a word.
 */
static int check_builder(const char *path, struct digest *digest, struct err *e)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_os(e, errno, "cannot open the builder '%s'", path);
    Elf64_Ehdr head;
    int rc = fd_pread_all(fd, &head, sizeof(head), 0, path, e);
    if (rc < 0 || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_phentsize != sizeof(Elf64_Phdr))
        return err_set(e, ERR_HOST, "the builder '%s' is not a 64-bit ELF program", path);
    for (unsigned i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr segment;
        rc = fd_pread_all(fd, &segment, sizeof(segment), head.e_phoff + i * sizeof(segment), path,
                          e);
        if (rc < 0)
            return rc;
        if (segment.p_type == PT_INTERP)
            return err_set(e, ERR_HOST,
                           "the builder '%s' is dynamically linked; a sandboxed rebuild needs the "
                           "static one that `make` builds",
                           path);
    }
    return digest_fd(DIGEST_SHA256, fd, digest, NULL, e);
}

/* The last line that the builder printed on stderr, without its name. */
static const char *last_line(struct buf *errors)
{
    while (errors->len > 0 && errors->data[errors->len - 1] == '\n')
        errors->data[--errors->len] = 0;
    const char *line = strrchr(buf_str(errors), '\n');
    line = line != NULL ? line + 1 : buf_str(errors);
    return str_starts(line, "assay-build: ") ? line + 13 : line;
}

static int builder_failed(const struct sandbox_result *result, struct buf *errors, struct err *e)
{
    if (result->timed_out)
        return err_set(e, ERR_HOST, "the rebuild took too long and was ended");
    const char *line = last_line(errors);
    if (*line == 0)
        line = "it printed no reason";
    switch (result->status) {
    case ERR_INPUT:
        return err_set(e, ERR_INPUT, "the rebuild could not run: %s", line);
    case ERR_UNDECIDED:
        return err_set(e, ERR_UNDECIDED, "the rebuild could not run: %s", line);
    default:
        return err_set(e, ERR_HOST, "the rebuild failed (exit %d): %s", result->status, line);
    }
}

/* `has_store`: else all inputs are in the materials. */
static int run_builder(const struct rebuild_options *o, const char *plan, bool has_store,
                       struct rebuild *out, struct err *e)
{
    char jobs[16];
    snprintf(jobs, sizeof(jobs), "%u", o->jobs);
    const char *const argv[] = {"/bin/assay-build",
                                "/plan.json",
                                "-o",
                                "/out/artifacts",
                                "--store",
                                "/store",
                                "--work",
                                "/out/work",
                                "--no-cache",
                                "-j",
                                jobs,
                                "--json",
                                o->materials != NULL ? "--materials" : NULL,
                                "/materials",
                                NULL};
    struct sandbox_view views[4] = {
        {.host = o->builder, .inside = "/bin/assay-build"},
        {.host = plan, .inside = "/plan.json"},
    };
    size_t view_count = 2;
    if (has_store)
        views[view_count++] = (struct sandbox_view){.host = o->store, .inside = "/store"};
    if (o->materials != NULL)
        views[view_count++] = (struct sandbox_view){.host = o->materials, .inside = "/materials"};
    AUTO_BUF output = BUF_INIT(OUTPUT_MAX);
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    const struct sandbox_options sandbox = {
        .argv = argv,
        .views = views,
        .view_count = view_count,
        .writable = out->directory,
        /* A thread for each job, in steps and inside them; each has a stack and an arena. */
        .processes = 64 + 2 * o->jobs,
        .memory_bytes = ((uint64_t)4 << 30) + o->jobs * ((uint64_t)256 << 20),
        .timeout_seconds = o->timeout_seconds,
        .output = &output,
        .errors = &errors,
    };
    struct sandbox_result result = {0};
    int rc = sandbox_run(&sandbox, &result, e);
    if (rc < 0)
        return rc;
    out->fences = result.fences;
    return result.status == 0 && !result.timed_out ? 0 : builder_failed(&result, &errors, e);
}

static int read_byproducts(const struct rebuild_options *o, struct rebuild *out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_JSON json_t *statement = NULL;
    struct json_limits limits = {.bytes = PROVENANCE_MAX, .depth = 64};
    struct jcur predicate;
    struct jcur details;
    struct jcur byproducts = {0};
    int rc = str_format(&path, e, "%s/%s.provenance.json", out->artifacts, o->plan_name);
    if (rc == 0)
        rc = json_read_file(path, &limits, &statement, e);
    if (rc < 0)
        return rc;
    struct jcur root = jcur_root(statement, "the rebuilt provenance");
    rc = jcur_get(&root, "predicate", &predicate, e);
    if (rc == 0)
        rc = jcur_get(&predicate, "runDetails", &details, e);
    if (rc == 0)
        rc = jcur_get(&details, "byproducts", &byproducts, e);
    struct jcur subjects = {0};
    if (rc == 0)
        rc = jcur_get(&root, "subject", &subjects, e);
    if (rc < 0)
        return rc;
    out->byproducts = json_incref(byproducts.value);
    out->subjects = json_incref(subjects.value);
    return 0;
}

/* The builder only reads the store, and takes no lock: it is held for it, against collectors. */
static int hold_store(const struct rebuild_options *o, bool *has_store, int *fd, struct err *e)
{
    struct stat st;
    *has_store = o->materials == NULL || stat(o->store, &st) == 0 || errno != ENOENT;
    return *has_store ? cas_hold(o->store, fd, e) : 0;
}

int rebuild_run(const struct rebuild_options *options, struct rebuild *out, struct err *e)
{
    struct rebuild b = {0};
    AUTO_CLOSE int held = -1;
    bool has_store = true;
    AUTO_FREE char *plan_dir = NULL;
    AUTO_FREE char *plan = NULL;
    /* The plan lies outside the one writable directory: the builder cannot change it. */
    int rc = check_builder(options->builder, &b.builder_digest, e);
    if (rc == 0)
        rc = hold_store(options, &has_store, &held, e);
    if (rc == 0)
        rc = dir_make_temp(options->scratch, "assay-plan.", &plan_dir, e);
    if (rc == 0)
        rc = path_join(&plan, plan_dir, "plan.json", e);
    if (rc == 0)
        rc = file_replace(plan, options->plan, options->plan_len, 0644, e);
    if (rc == 0)
        rc = dir_make_temp(options->scratch, "assay-rebuild.", &b.directory, e);
    if (rc == 0)
        rc = path_join(&b.artifacts, b.directory, "artifacts", e);
    int64_t start = monotonic_ms();
    if (rc == 0)
        rc = run_builder(options, plan, has_store, &b, e);
    b.seconds = (double)(monotonic_ms() - start) / 1000;
    if (rc == 0)
        rc = read_byproducts(options, &b, e);
    if (plan_dir != NULL) {
        struct err ignored = ERR_INIT;
        (void)dir_remove(plan_dir, &ignored);
    }
    if (rc < 0) {
        rebuild_dispose(&b);
        return rc;
    }
    *out = b;
    return 0;
}

void rebuild_dispose(struct rebuild *r)
{
    struct err ignored = ERR_INIT;
    if (r->directory != NULL)
        (void)dir_remove(r->directory, &ignored);
    free(steal_ptr(&r->directory));
    free(steal_ptr(&r->artifacts));
    json_decref(steal_ptr(&r->byproducts));
    json_decref(steal_ptr(&r->subjects));
}
