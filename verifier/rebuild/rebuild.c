/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/rebuild/rebuild.h"

#include "base/capture.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sandbox/program.h"
#include "base/sandbox/sandbox.h"
#include "base/version.h"
#include "store/cas/cas.h"
#include "verifier/rebuild/paths.h"
#include "verifier/rebuild/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

enum {
    OUTPUT_MAX = 16 * 1024 * 1024,
    ERRORS_MAX = 64 * 1024,
    PROVENANCE_MAX = 64 * 1024 * 1024,
    PROVENANCE_DEPTH = 128,           /* of a statement: a plan may be 64 deep, and lies in it */
    JOBS_MAX = 256,                   /* that a builder takes */
    ARGUMENTS_MAX = 16 + 2 * 256 + 4, /* a plan has 256 outputs */
};

static uint64_t file_limit(const struct rebuild_options *o)
{
    return o->file_bytes != 0 ? o->file_bytes : REBUILD_FILE_BYTES;
}

/* ---- how it ended ---- */

/* Always 0, for `return end_with(…)`. */
__attribute__((format(printf, 3, 4))) static int end_with(struct rebuild *out, enum rebuild_end end,
                                                          const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    out->end = end;
    (void)text_vprint(out->reason, sizeof(out->reason), TEXT_AS_IT_IS, fmt, args);
    text_repair(out->reason); /* what a builder prints need not be text */
    va_end(args);
    return 0;
}

static int end_with_error(struct rebuild *out, enum rebuild_end end, const char *what,
                          const struct err *e)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    return end_with(out, end, "%s%s", what, err_line(e, line, sizeof(line)));
}

/* Cuts off and returns the last line that the builder printed on stderr; "" when there is none. */
static const char *cut_line(struct buf *errors)
{
    while (errors->len > 0 && errors->data[errors->len - 1] == '\n')
        errors->data[--errors->len] = 0;
    const char *line = errors->len > 0 ? strrchr(buf_str(errors), '\n') : NULL;
    line = line != NULL ? line + 1 : buf_str(errors);
    errors->len = (size_t)(line - buf_str(errors));
    return line;
}

/* Its last word, without its name, and with the names that files have outside of the sandbox. */
static void last_line(const struct rebuild_options *o, const struct rebuild *b, struct buf *errors,
                      char *out, size_t size)
{
    const struct path_pair pairs[] = {
        {"/store", o->store},
        {"/materials", o->materials},
        {"/out", b->directory},
        {"/bin/assay-build", o->builder},
    };
    const char *line = cut_line(errors);
    while (str_starts(line, BUILD_ANNOUNCES))
        line = cut_line(errors);
    line = str_starts(line, "assay-build: ") ? line + 13 : line;
    paths_translate(pairs, sizeof(pairs) / sizeof(pairs[0]),
                    *line != 0 ? line : "it printed no reason", out, size);
}

/* What the builder says of inputs that are not at hand; false when it says nothing. */
static bool names_inputs(struct buf *output, struct rebuild *out)
{
    AUTO_JSON json_t *report = NULL;
    struct err ignored = ERR_INIT;
    if (json_parse(buf_str(output), output->len, "its report", NULL, &report, &ignored) < 0)
        return false;
    const json_t *list = json_object_get(json_object_get(report, "result"), "unavailable");
    const json_t *first = json_array_get(list, 0);
    const char *id = json_string_value(json_object_get(first, "id"));
    const char *digest = json_string_value(json_object_get(first, "digest"));
    const char *state = json_string_value(json_object_get(first, "state"));
    size_t more = json_array_size(list);
    if (id == NULL || digest == NULL || state == NULL)
        return false;
    if (more > 1)
        (void)end_with(out, REBUILD_NO_INPUT,
                       "%zu inputs are not at hand: '%.128s' (%.80s) is %.20s", more, id, digest,
                       state);
    else
        (void)end_with(out, REBUILD_NO_INPUT, "the input '%.128s' (%.80s) is %.20s", id, digest,
                       state);
    return true;
}

static int builder_failed(const struct rebuild_options *o, const struct sandbox_result *result,
                          struct buf *output, struct buf *errors, struct rebuild *out)
{
    char line[REBUILD_REASON_MAX];
    last_line(o, out, errors, line, sizeof(line));
    if (result->timed_out)
        return end_with(out, REBUILD_UNDECIDED, "the rebuild took longer than %u seconds",
                        o->timeout_seconds != 0 ? o->timeout_seconds : 3600);
    if (result->status == 128 + SIGXFSZ)
        return end_with(out, REBUILD_UNDECIDED,
                        "the rebuild would write a file of more than %" PRIu64 " bytes",
                        file_limit(o));
    if (result->status == 128 + SIGKILL)
        return end_with(out, REBUILD_HOST_FAILED,
                        "the rebuild was killed (did memory run out?): %s", line);
    if (result->status == ERR_INPUT && names_inputs(output, out))
        return 0;
    if (result->status == ERR_UNDECIDED)
        return end_with(out, REBUILD_UNDECIDED, "the rebuild could not run: %s", line);
    if (result->status == ERR_HOST)
        return end_with(out, REBUILD_HOST_FAILED, "the rebuild's host failed: %s", line);
    if (result->status > 128)
        return end_with(out, REBUILD_FAILED, "the builder was ended by signal %d: %s",
                        result->status - 128, line);
    return end_with(out, REBUILD_FAILED, "the plan does not build (exit %d): %s", result->status,
                    line);
}

/* What the sandbox finds wrong, once its views are known to be there. */
static int sandbox_failed(struct rebuild *out, int rc, const struct err *e)
{
    /* It printed without end, or left what no builder leaves. */
    if (rc == -ERR_INPUT || rc == -ERR_REJECTED)
        return end_with_error(out, REBUILD_FAILED, "the builder misbehaved: ", e);
    return end_with_error(out, REBUILD_HOST_FAILED, "nothing was rebuilt here: ", e);
}

/* ---- running it ---- */

static void fill_arguments(const struct rebuild_options *o, const char *jobs, bool announces,
                           const char *argv[ARGUMENTS_MAX])
{
    static const char *const always[] = {
        "/bin/assay-build", "/plan.json", "-o",         "/out/artifacts", "--store", "/store",
        "--work",           "/out/work",  "--no-cache", "--json",         "-j"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        argv[n++] = always[i];
    argv[n++] = jobs;
    if (o->materials != NULL) {
        argv[n++] = "--materials";
        argv[n++] = "/materials";
    }
    if (announces)
        argv[n++] = "--announce";
    if (o->only != NULL)
        argv[n++] = "--partial";
    for (size_t i = 0; i < json_array_size(o->only) && n + 3 < ARGUMENTS_MAX; i++) {
        argv[n++] = "--only";
        argv[n++] = json_string_value(json_array_get(o->only, i));
    }
    argv[n] = NULL;
}

/* Builders of other versions may not know what this one's knows. */
static bool is_own_version(const struct rebuild_options *o)
{
    const char *version =
        json_string_value(json_object_get(json_object_get(o->document, "toolchain"), "assay"));
    return version != NULL && strcmp(version, ASSAY_VERSION) == 0;
}

/* `has_store`: else all inputs are in the materials. */
static int run_builder(const struct rebuild_options *o, const char *plan, bool has_store,
                       struct rebuild *out)
{
    const char *argv[ARGUMENTS_MAX];
    struct watch watch;
    char jobs[16];
    (void)text_print(jobs, sizeof(jobs), "%u", o->jobs < JOBS_MAX ? o->jobs : JOBS_MAX);
    watch_start(&watch, o->progress, o->document);
    bool announces = watch.progress != NULL && is_own_version(o);
    fill_arguments(o, jobs, announces, argv);
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
        .file_bytes = file_limit(o),
        .timeout_seconds = o->timeout_seconds,
        .output = &output,
        .errors = &errors,
        .watch = watch.progress != NULL ? watch_see : NULL,
        .watch_context = &watch,
    };
    struct sandbox_result result = {0};
    struct err why = ERR_INIT;
    int rc = sandbox_run(&sandbox, &result, &why);
    watch_end(&watch);
    if (rc < 0)
        return sandbox_failed(out, rc, &why);
    out->fences = result.fences;
    return result.status == 0 && !result.timed_out
               ? 0
               : builder_failed(o, &result, &output, &errors, out);
}

/* ---- what it left ---- */

static int read_statement(const struct rebuild_options *o, struct rebuild *out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    const struct json_limits limits = {.bytes = PROVENANCE_MAX, .depth = PROVENANCE_DEPTH};
    struct err why = ERR_INIT;
    int rc = str_format(&path, e, "%s/%s.%s.json", out->artifacts, o->plan_name,
                        o->only != NULL ? "partial" : "provenance");
    if (rc < 0)
        return rc;
    rc = json_read_file(path, &limits, &out->statement, &why);
    if (rc == -ERR_INPUT)
        return end_with_error(out, REBUILD_FAILED, "the rebuild left no provenance: ", &why);
    if (rc < 0)
        return end_with_error(out, REBUILD_HOST_FAILED, "", &why);
    if (!json_is_array(rebuild_byproducts(out)) || !json_is_array(rebuild_subjects(out)))
        return end_with(out, REBUILD_FAILED, "the rebuild left a provenance that is none");
    return 0;
}

const json_t *rebuild_byproducts(const struct rebuild *r)
{
    return json_object_get(
        json_object_get(json_object_get(r->statement, "predicate"), "runDetails"), "byproducts");
}

const json_t *rebuild_subjects(const struct rebuild *r)
{
    return json_object_get(r->statement, "subject");
}

/* ---- before it ---- */

/* The builder only reads the store, and takes no lock: it is held for it, against collectors. */
static int hold_store(const struct rebuild_options *o, bool *has_store, int *fd,
                      struct rebuild *out)
{
    struct stat st;
    struct err why = ERR_INIT;
    *has_store = o->materials == NULL || stat(o->store, &st) == 0 || errno != ENOENT;
    if (*has_store && access(o->store, R_OK | X_OK) != 0) {
        (void)err_os(&why, errno, "cannot read the store '%s'", o->store);
        return end_with_error(out, REBUILD_NO_INPUT, "", &why);
    }
    if (*has_store && cas_hold(o->store, fd, &why) < 0)
        return end_with_error(out, why.code == ERR_INPUT ? REBUILD_NO_INPUT : REBUILD_HOST_FAILED,
                              "", &why);
    return 0;
}

static int check_materials(const struct rebuild_options *o, struct err *e)
{
    if (o->materials == NULL)
        return 0;
    AUTO_CLOSE int fd = open(o->materials, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd >= 0 ? 0 : err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", o->materials);
}

/* A size that the plan states: found too large before anything is built. */
static bool states_size(const json_t *value, uint64_t limit, uint64_t *size)
{
    static const char *const names[] = {"size", "length", "ramLength"};
    const char *name;
    json_t *member;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_int_t n = json_integer_value(json_object_get(value, names[i]));
        *size = n > 0 ? (uint64_t)n : 0;
        if (*size > limit)
            return true;
    }
    json_object_foreach((json_t *)(uintptr_t)value, name,
                        member) if (states_size(member, limit, size)) return true;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (states_size(json_array_get(value, i), limit, size))
            return true;
    return false;
}

static int check_sizes(const struct rebuild_options *o, struct rebuild *out)
{
    const json_t *steps = json_object_get(o->document, "steps");
    uint64_t size = 0;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        const char *id = json_string_value(json_object_get(step, "id"));
        if (states_size(json_object_get(step, "params"), file_limit(o), &size))
            return end_with(out, REBUILD_UNDECIDED,
                            "step '%.128s' makes a file of %" PRIu64
                            " bytes, this verifier makes none of more than %" PRIu64,
                            id != NULL ? id : "", size, file_limit(o));
    }
    return 0;
}

/* ---- all of it ---- */

/* The plan lies outside the one writable directory: the builder cannot change it. */
static int prepare(const struct rebuild_options *o, struct rebuild *b, char **plan_dir, char **plan,
                   struct err *e)
{
    int rc = dir_make_temp(o->scratch, "assay-plan.", plan_dir, e);
    if (rc == 0)
        rc = path_join(plan, *plan_dir, "plan.json", e);
    if (rc == 0)
        rc = file_replace(*plan, o->plan, o->plan_len, 0644, e);
    if (rc == 0)
        rc = dir_make_temp(o->place != NULL ? o->place : o->scratch, "assay-rebuild.",
                           &b->directory, e);
    if (rc == 0)
        rc = path_join(&b->artifacts, b->directory, "artifacts", e);
    return rc;
}

static int build(const struct rebuild_options *o, bool has_store, struct rebuild *b, struct err *e)
{
    AUTO_FREE char *plan_dir = NULL;
    AUTO_FREE char *plan = NULL;
    struct err why = ERR_INIT;
    int rc = prepare(o, b, &plan_dir, &plan, &why);
    int64_t start = monotonic_ms();
    if (rc < 0)
        rc = end_with_error(b, REBUILD_HOST_FAILED, "", &why);
    else
        rc = run_builder(o, plan, has_store, b);
    b->seconds = (double)(monotonic_ms() - start) / 1000;
    if (rc == 0 && b->end == REBUILD_DONE)
        rc = read_statement(o, b, e);
    if (plan_dir != NULL) {
        struct err ignored = ERR_INIT;
        (void)dir_remove(plan_dir, &ignored);
    }
    return rc;
}

int rebuild_run(const struct rebuild_options *options, struct rebuild *out, struct err *e)
{
    struct rebuild b = {.end = REBUILD_DONE, .fences = ""};
    AUTO_CLOSE int held = -1;
    bool has_store = true;
    int rc = sandbox_program_check(options->builder, &b.builder_digest, e);
    if (rc == 0)
        rc = check_materials(options, e);
    if (rc == 0)
        rc = check_sizes(options, &b);
    if (rc == 0 && options->only != NULL && b.end == REBUILD_DONE && !is_own_version(options))
        rc = end_with(&b, REBUILD_UNDECIDED,
                      "a part of a plan is built by this version's assay-build alone: give no "
                      "--only");
    if (rc == 0 && b.end == REBUILD_DONE)
        rc = hold_store(options, &has_store, &held, &b);
    if (rc == 0 && b.end == REBUILD_DONE)
        rc = build(options, has_store, &b, e);
    if (rc < 0) {
        rebuild_dispose(&b);
        return rc;
    }
    *out = b;
    return 0;
}

int rebuild_keep(struct rebuild *r, const char *path, struct err *e)
{
    if (renameat2(AT_FDCWD, r->artifacts, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return 0;
    return errno == EEXIST
               ? err_set(e, ERR_HOST, "'%s' was made by somebody meanwhile: it is left alone", path)
               : err_os(e, errno, "cannot keep the rebuilt artifacts in '%s'", path);
}

void rebuild_dispose(struct rebuild *r)
{
    struct err ignored = ERR_INIT;
    if (r->directory != NULL)
        (void)dir_remove(r->directory, &ignored);
    free(steal_ptr(&r->directory));
    free(steal_ptr(&r->artifacts));
    json_decref(steal_ptr(&r->statement));
}
