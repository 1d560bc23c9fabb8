/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run/build_other.h"

#include "base/workers.h"
#include "builder/run/other_builder.h"
#include "builder/steps/step.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* ---- what is at hand ---- */

int build_own_digest(struct digest *out, struct err *e)
{
    AUTO_CLOSE int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_os(e, errno, "cannot open the running program ('/proc/self/exe')");
    return digest_fd(DIGEST_SHA256, fd, out, NULL, e);
}

/* The builder that the provenance names, or that came with a plan of this name, in the store. */
static bool find_builder(const struct cli *cli, const struct plan_file *file, struct digest *out,
                         bool *named)
{
    struct digest self;
    AUTO_FREE char *store = NULL;
    AUTO_FREE char *name = NULL;
    AUTO_CAS struct cas *cas = NULL;
    AUTO_FREE char *type = NULL;
    struct err none = ERR_INIT;
    bool found = false;
    if (cli_store_path(cli, &store, &none) < 0 || cas_open(store, CAS_READ_ONLY, &cas, &none) < 0 ||
        str_format(&name, &none, CAS_BUILDER_REF "%s", file->plan->name) < 0)
        return false;
    *named = file->has_builder && cas_has(cas, &file->builder, NULL);
    *out = file->builder;
    if (!*named && (cas_ref_get(cas, name, &found, out, &type, &none) < 0 || !found ||
                    !cas_has(cas, out, NULL)))
        return false;
    /* That which has just refused the plan is no help. */
    return build_own_digest(&self, &none) < 0 || !digest_equal(&self, out);
}

int build_advise(const struct cli *cli, const struct plan_file *file, struct err *e)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    char text[DIGEST_TEXT_MAX];
    struct digest digest;
    bool named = false;
    const struct err why = *e;
    const char *what = err_line(&why, line, sizeof(line));
    if (file->has_builder && file->archive != NULL)
        return err_set(e, ERR_UNDECIDED, "%s; '%s' carries it: --builder %s", what, cli_arg(cli, 0),
                       cli_arg(cli, 0));
    if (find_builder(cli, file, &digest, &named))
        return err_set(e, ERR_UNDECIDED, "%s; the store has %s: --builder %s", what,
                       named ? "it" : "one of a plan of this name", digest_format(&digest, text));
    if (file->has_builder)
        return err_set(e, ERR_UNDECIDED, "%s; the provenance names %s", what,
                       digest_format(&file->builder, text));
    return -ERR_UNDECIDED;
}

/* ---- the command ---- */

static int check_usage(const struct cli *cli, struct err *e)
{
    static const char *const own[] = {"work", "dry-run"};
    if (cli_arg_count(cli) != 1)
        return err_set(e, ERR_USAGE, "one plan at a time");
    if (cli_string(cli, "work") != NULL || cli_flag(cli, "dry-run"))
        return err_set(e, ERR_USAGE,
                       "--builder runs in the sandbox, which only reads the store: it goes "
                       "without --%s",
                       own[cli_flag(cli, "dry-run")]);
    size_t only = 0;
    (void)cli_list(cli, "only", &only);
    if (only > PLAN_OUTPUTS_MAX)
        return err_set(e, ERR_USAGE, "a plan has at most %d outputs: fewer --only",
                       PLAN_OUTPUTS_MAX);
    if (cli_flag(cli, "partial") || cli_flag(cli, "announce"))
        return err_set(e, ERR_USAGE, "--partial and --announce are not for another's --builder");
    return 0;
}

static void say_which(const struct cli *cli, const struct plan_file *file,
                      const struct other_builder *builder)
{
    char named[DIGEST_TEXT_MAX];
    char given[DIGEST_TEXT_MAX];
    if (file->has_builder && !digest_equal(&file->builder, &builder->digest))
        cli_warn(cli, "'%s' %s assay-build %s, and --builder gives %s", cli_arg(cli, 0),
                 file->archive != NULL ? "carries" : "names", digest_format(&file->builder, named),
                 digest_format(&builder->digest, given));
}

/* As a build of our own says it, of what the builder reports. */
static void report_artifacts(const struct cli *cli, const json_t *report)
{
    const json_t *outputs = json_object_get(report, "outputs");
    const json_t *provenance = json_object_get(report, "provenance");
    cli_say(cli, "%-32s %12s  %s\n", "ARTIFACT", "BYTES", "DIGEST");
    for (size_t i = 0; i <= json_array_size(outputs); i++) {
        const json_t *o = i < json_array_size(outputs) ? json_array_get(outputs, i) : provenance;
        const char *name = json_string_value(json_object_get(o, "name"));
        const char *digest = json_string_value(json_object_get(o, "digest"));
        json_int_t size = json_integer_value(json_object_get(o, "size"));
        if (name != NULL && digest != NULL)
            cli_say(cli, "%-32s %12lld  %s\n", name, (long long)size, digest);
    }
}

int build_other(struct cli *cli, struct err *e)
{
    AUTO_PLAN_FILE struct plan_file file = {0};
    AUTO(other_builder_close) struct other_builder builder = OTHER_BUILDER_INIT;
    AUTO_FREE char *store = NULL;
    const char *materials = cli_string(cli, "materials");
    const char *temp = cli_env(cli, "TMPDIR");
    struct err none = ERR_INIT;
    json_t *report = NULL;
    temp = temp != NULL ? temp : "/var/tmp";
    int rc = check_usage(cli, e);
    if (rc < 0 || (rc = plan_file_read_any(cli_arg(cli, 0), &builder_steps, &file, e)) < 0)
        return rc;
    if (file.archive != NULL && materials != NULL)
        return err_set(e, ERR_USAGE, "--materials goes with a plan that is not self-contained");
    if (file.archive != NULL)
        materials = cli_arg(cli, 0);
    plan_file_warn(&file, cli, cli_arg(cli, 0));
    if ((rc = cli_store_path(cli, &store, materials != NULL ? &none : e)) < 0 && materials == NULL)
        return rc;
    if ((rc = other_builder_open(cli_string(cli, "builder"), store, temp, &builder_steps, &builder,
                                 e)) < 0)
        return rc;
    say_which(cli, &file, &builder);
    struct other_build o = {
        .builder = &builder,
        .file = &file,
        .store = store,
        .materials = materials,
        .output = cli_string(cli, "output"),
        .temp = temp,
        .jobs = (unsigned)cli_number(cli, "jobs", workers_default()),
        .format = cli_string(cli, "format"),
        .builder_id = cli_string(cli, "builder-id"),
    };
    o.only = cli_list(cli, "only", &o.only_count);
    if ((rc = other_builder_run(&o, &report, e)) < 0)
        return rc;
    report_artifacts(cli, report);
    cli_result(cli, report);
    return 0;
}
