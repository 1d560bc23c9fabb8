/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/apt.h"

#include "base/file.h"
#include "base/place.h"
#include "base/private_dir.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum {
    OUTPUT_MAX = 256 * 1024 * 1024,
    ERRORS_MAX = 16 * 1024,
    QUERY_SECONDS = 300,
    UPDATE_SECONDS = 900,
    DOWNLOAD_SECONDS = 6 * 3600,
    MIRRORS_MAX = 8,
    URI_MAX = 2048,
};

struct apt {
    const struct apt_options *options;
    struct private_dir private;
    const char *directory; /* its path */
    char *config;
    char *downloads;
    struct digest release;
    bool expired;
};

void strings_free(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

/* ---- running apt ------------------------------------------------------------------- */

struct call {
    const char *program; /* "apt-get" */
    const char *const *arguments;
    size_t argument_count;
    const char *const *names; /* more arguments, after "--" */
    size_t name_count;
    const char *cwd;
    unsigned seconds;
};

/* With config NULL the machine's own configuration is all there is. */
static int run(const struct apt_options *o, const char *config, const struct call *call,
               struct buf *out, struct buf *errors, int *status, struct err *e)
{
    AUTO_FREE const char **argv =
        array_new(call->argument_count + call->name_count + 5, sizeof(*argv));
    if (argv == NULL)
        return err_oom(e);
    size_t n = 0;
    argv[n++] = call->program;
    if (config != NULL) {
        argv[n++] = "-c";
        argv[n++] = config;
    }
    for (size_t i = 0; i < call->argument_count; i++)
        argv[n++] = call->arguments[i];
    if (call->name_count > 0)
        argv[n++] = "--";
    for (size_t i = 0; i < call->name_count; i++)
        argv[n++] = call->names[i];
    struct process_options p = {
        .argv = argv,
        .env = o->env,
        .cwd = call->cwd,
        .output = out,
        .errors = errors,
        .timeout_seconds = call->seconds,
    };
    int rc = process_run(&p, status, e);
    return rc < 0 ? err_wrap(e, "cannot run %s", call->program) : 0;
}

/* apt's first complaint ("E: …"), else its first line; in `line`, without what is secret in it. */
static const char *complaint(const struct apt_options *o, const struct buf *errors,
                             char line[PLACE_MESSAGE_MAX])
{
    AUTO_FREE char *first = NULL;
    struct err ignored = ERR_INIT;
    const char *text = buf_str(errors);
    const char *start = strstr(text, "E: ");
    if (start == NULL)
        start = text;
    else
        start += 3;
    if (str_format(&first, &ignored, "%.*s", (int)strcspn(start, "\n"), start) < 0)
        return "no reason given";
    return first[0] != '\0' ? place_message(first, o->env, line) : "no reason given";
}

/* `code` is what a failure means, unless apt says that bytes are not those of the index. */
/* Whether apt complains of bytes that are not those that the index, or the Release file, vouches
 * for. */
static bool is_mismatch(const struct buf *errors)
{
    const char *text = buf_str(errors);
    return strstr(text, "Hash Sum mismatch") != NULL || strstr(text, "unexpected size") != NULL;
}

static int run_checked(const struct apt *apt, const struct call *call, struct buf *out,
                       enum err_code code, struct err *e)
{
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    int status = 0;
    int rc = run(apt->options, apt->config, call, out, &errors, &status, e);
    if (rc < 0)
        return rc;
    char line[PLACE_MESSAGE_MAX];
    if (status == 0)
        return 0;
    return err_set(e, is_mismatch(&errors) ? ERR_INPUT : code, "%s: %s", call->program,
                   complaint(apt->options, &errors, line));
}

/* ---- the private configuration --------------------------------------------------------- */

static bool plain_path(const char *path)
{
    for (const char *p = path; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || strchr("\"\\;[]{}'#", *p) != NULL)
            return false;
    return path[0] == '/';
}

static int write_in(const struct apt *apt, const char *name, const char *text, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = path_join(&path, apt->directory, name, e);
    return rc < 0 ? rc : file_replace(path, text, strlen(text), 0600, e);
}

/*
 * Read after everything that the machine configures, so it has the last word.
 * Hooks are cleared: they would run for the machine's own state. What weakens
 * checks is switched off again.
 */
static int write_config(const struct apt *apt, struct err *e)
{
    static const char clear[] = "#clear APT::Update;\n#clear DPkg;\n#clear Acquire::Languages;\n"
                                "#clear APT::Architectures;\n#clear APT::Default-Release;\n"
                                "#clear APT::Get;\n#clear Dir::State;\n#clear Dir::Cache;\n"
                                "#clear Acquire::Min-ValidTime;\n"
                                "#clear Acquire::Max-FutureTime;\n";
    static const char strict[] =
        "APT::Update::Error-Mode \"any\";\n"
        "APT::Get::AllowUnauthenticated \"false\";\n"
        "APT::Get::Show-User-Simulation-Note \"false\";\n"
        "APT::Install-Recommends \"false\";\nAPT::Install-Suggests \"false\";\n"
        "APT::Cache::AllVersions \"false\";\n"
        "APT::Sandbox::User \"root\";\n"
        "Acquire::AllowInsecureRepositories \"false\";\n"
        "Acquire::AllowWeakRepositories \"false\";\n"
        "Acquire::AllowDowngradeToInsecureRepositories \"false\";\n"
        "Acquire::Languages \"none\";\n"
        "Acquire::Check-Date \"true\";\n"
        "Dir::Etc::sourceparts \"/dev/null\";\n"
        "Dir::Etc::preferences \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n";
    AUTO_BUF text = BUF_INIT(65536);
    const char *d = apt->directory;
    const char *arch = apt->options->arch;
    int rc = buf_add_str(&text, clear, e);
    if (rc == 0)
        rc = buf_add_str(&text, strict, e);
    if (rc == 0)
        rc = buf_addf(&text, e,
                      "Dir::State \"%s/state\";\nDir::State::lists \"lists/\";\n"
                      "Dir::State::status \"%s/status\";\n"
                      "Dir::State::extended_states \"extended_states\";\n"
                      "Dir::Cache \"%s/cache\";\nDir::Cache::archives \"archives/\";\n"
                      "Dir::Cache::pkgcache \"pkgcache.bin\";\n"
                      "Dir::Cache::srcpkgcache \"srcpkgcache.bin\";\n"
                      "Dir::Etc::sourcelist \"%s/sources.list\";\n"
                      "APT::Architecture \"%s\";\nAPT::Architectures { \"%s\"; };\n"
                      "Acquire::Check-Valid-Until \"%s\";\n",
                      d, d, d, d, arch, arch, apt->expired ? "false" : "true");
    return rc < 0 ? rc : write_in(apt, "apt.conf", buf_str(&text), e);
}

static int make_private(struct apt *apt, struct err *e)
{
    static const char *const parts[] = {"state/lists/partial", "cache/archives/partial", "debs",
                                        NULL};
    const struct apt_options *o = apt->options;
    int rc = private_dir_make(o->temp, &apt->private, e);
    if (rc < 0)
        return rc;
    apt->directory = apt->private.path;
    if (!plain_path(apt->directory))
        return err_set(e, ERR_USAGE,
                       "cannot use the temporary directory '%s': set TMPDIR to a plain path",
                       o->temp);
    if (!plain_path(o->keyring))
        return err_set(e, ERR_USAGE, "cannot use the keyring '%s': give an absolute, plain path",
                       o->keyring);
    if (access(o->keyring, R_OK) != 0)
        return err_os(e, errno, "cannot read the keyring '%s' (package debian-archive-keyring)",
                      o->keyring);
    for (size_t i = 0; parts[i] != NULL; i++) {
        AUTO_FREE char *path = NULL;
        if ((rc = path_join(&path, apt->directory, parts[i], e)) < 0 ||
            (rc = dir_make(path, e)) < 0)
            return rc;
    }
    if ((rc = path_join(&apt->config, apt->directory, "apt.conf", e)) < 0 ||
        (rc = path_join(&apt->downloads, apt->directory, "debs", e)) < 0 ||
        (rc = write_in(apt, "status", "", e)) < 0)
        return rc;
    return write_config(apt, e);
}

/* ---- mirrors ----------------------------------------------------------------------------- */

struct mirrors {
    char *uri[MIRRORS_MAX];
    size_t count;
};

static void mirrors_dispose(struct mirrors *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->uri[i]);
}

static int add_mirror(struct mirrors *m, const char *uri, size_t len, struct err *e)
{
    for (size_t i = 0; i < m->count; i++)
        if (strlen(m->uri[i]) == len && memcmp(m->uri[i], uri, len) == 0)
            return 0;
    if (m->count == MIRRORS_MAX || len == 0 || len > URI_MAX || memchr(uri, ' ', len) != NULL ||
        memchr(uri, '\t', len) != NULL)
        return 0;
    int rc = str_format(&m->uri[m->count], e, "%.*s", (int)len, uri);
    m->count += rc == 0;
    return rc;
}

/*
 * The archives of Debian that this machine reads: the main one, or for a
 * "…-security" suite the security one, by the labels in their Release files.
 */
static int find_mirrors(const struct apt *apt, struct mirrors *out, struct err *e)
{
    static const char *const arguments[] = {
        "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Identifier: Packages"};
    const struct call call = {.program = "apt-get",
                              .arguments = arguments,
                              .argument_count = 4,
                              .seconds = QUERY_SECONDS};
    AUTO_BUF text = BUF_INIT(4 * 1024 * 1024);
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    int status = 0;
    char line[PLACE_MESSAGE_MAX];
    int rc = run(apt->options, NULL, &call, &text, &errors, &status, e);
    if (rc < 0)
        return rc;
    if (status != 0)
        return err_set(e, ERR_HOST, "apt-get indextargets: %s",
                       complaint(apt->options, &errors, line));
    bool security = str_ends(apt->options->suite, "-security");
    const char *prefix = security ? "Debian|Debian-Security|" : "Debian|Debian|";
    for (const char *p = buf_str(&text); *p != '\0';) {
        size_t len = strcspn(p, "\n");
        size_t skip = strlen(prefix);
        if (len > skip && memcmp(p, prefix, skip) == 0 &&
            (rc = add_mirror(out, p + skip, len - skip, e)) < 0)
            return rc;
        p += len + (p[len] == '\n');
    }
    if (out->count == 0)
        return err_set(e, ERR_HOST,
                       "this machine's apt knows no %sarchive of Debian: add one to its sources "
                       "and run 'apt-get update'",
                       security ? "security " : "");
    return 0;
}

/* ---- reading the index --------------------------------------------------------------------- */

static int write_sources(const struct apt *apt, const char *uri, struct err *e)
{
    const struct apt_options *o = apt->options;
    AUTO_BUF text = BUF_INIT(16384);
    int rc = buf_addf(&text, e, "deb [arch=%s target=Packages signed-by=%s] %s %s", o->arch,
                      o->keyring, uri, o->suite);
    for (size_t i = 0; rc == 0 && i < o->component_count; i++)
        rc = buf_addf(&text, e, " %s", o->components[i]);
    if (rc == 0)
        rc = buf_add_str(&text, "\n", e);
    return rc < 0 ? rc : write_in(apt, "sources.list", buf_str(&text), e);
}

/* What kind of failure `apt-get update` tells of. */
static int update_failed(const struct apt *apt, const struct buf *errors, struct err *e)
{
    const char *text = buf_str(errors);
    const struct apt_options *o = apt->options;
    char line[PLACE_MESSAGE_MAX];
    if (strstr(text, "does not have a Release file") != NULL)
        return err_set(e, ERR_INPUT,
                       "the archive has no suite '%s': is it a code name of Debian, like trixie?",
                       o->suite);
    if (strstr(text, "is expired") != NULL)
        return err_set(e, ERR_REJECTED,
                       "the index of '%s' is out of date, its Valid-Until is over; --allow-expired "
                       "takes it, as one does of a snapshot: %s",
                       o->suite, complaint(o, errors, line));
    if (strstr(text, "not valid yet") != NULL)
        return err_set(e, ERR_REJECTED,
                       "the index of '%s' is from the future (is this machine's clock right?): %s",
                       o->suite, complaint(o, errors, line));
    if (strstr(text, "GPG error") != NULL || strstr(text, "is not signed") != NULL ||
        strstr(text, "BADSIG") != NULL || strstr(text, "signature") != NULL)
        return err_set(e, ERR_REJECTED, "the index of '%s' is not signed by the keyring '%s': %s",
                       o->suite, o->keyring, complaint(o, errors, line));
    return err_set(e, is_mismatch(errors) ? ERR_INPUT : ERR_HOST,
                   "cannot read the index of '%s': %s", o->suite, complaint(o, errors, line));
}

static int update_once(const struct apt *apt, const char *uri, bool *expired, struct err *e)
{
    static const char *const arguments[] = {"-qq", "update"};
    const struct call call = {.program = "apt-get",
                              .arguments = arguments,
                              .argument_count = 2,
                              .seconds = UPDATE_SECONDS};
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    int status = 0;
    int rc = write_sources(apt, uri, e);
    if (rc < 0 || (rc = run(apt->options, apt->config, &call, NULL, &errors, &status, e)) < 0)
        return rc;
    *expired = strstr(buf_str(&errors), "is expired") != NULL;
    return status == 0 ? 0 : update_failed(apt, &errors, e);
}

/* What this machine's apt thinks of dates does not count: only who was asked to takes an old index,
 * and says so. */
static int update(struct apt *apt, const char *uri, struct err *e)
{
    bool expired = false;
    int rc = update_once(apt, uri, &expired, e);
    if (rc == 0 || !expired || !apt->options->allow_expired || apt->expired)
        return rc;
    apt->expired = true;
    rc = write_config(apt, e);
    return rc < 0 ? rc : update_once(apt, uri, &expired, e);
}

/* One line "codename|suite|trusted|component" is of this component, verified, and of the suite
 * asked for. */
static int check_target(const struct apt *apt, const char *targets, const char *component,
                        struct err *e)
{
    const struct apt_options *o = apt->options;
    AUTO_FREE char *by_codename = NULL;
    AUTO_FREE char *ending = NULL;
    AUTO_FREE char *by_suite = NULL;
    int rc = str_format(&by_codename, e, "%s|", o->suite);
    if (rc < 0 || (rc = str_format(&by_suite, e, "|%s|yes|", o->suite)) < 0 ||
        (rc = str_format(&ending, e, "|yes|%s", component)) < 0)
        return rc;
    bool found = false;
    for (const char *p = targets; *p != '\0';) {
        size_t len = strcspn(p, "\n");
        AUTO_FREE char *line = NULL;
        if ((rc = str_format(&line, e, "%.*s", (int)len, p)) < 0)
            return rc;
        if (str_ends(line, ending)) {
            found = true;
            if (str_starts(line, by_codename) || strstr(line, by_suite) != NULL)
                return 0;
        }
        p += len + (p[len] == '\n');
    }
    if (found)
        return err_set(e, ERR_REJECTED, "the archive's Release file is not of the suite '%s'",
                       o->suite);
    return err_set(e, ERR_INPUT, "the suite '%s' has no packages for %s in the component '%s'",
                   o->suite, o->arch, component);
}

/* apt only warns about a component or an architecture that is not there. */
static int check_targets(const struct apt *apt, struct err *e)
{
    static const char *const arguments[] = {"indextargets", "--format",
                                            "$(CODENAME)|$(SUITE)|$(TRUSTED)|$(COMPONENT)",
                                            "Identifier: Packages"};
    const struct call call = {.program = "apt-get",
                              .arguments = arguments,
                              .argument_count = 4,
                              .seconds = QUERY_SECONDS};
    AUTO_BUF text = BUF_INIT(1024 * 1024);
    int rc = run_checked(apt, &call, &text, ERR_HOST, e);
    for (size_t i = 0; rc == 0 && i < apt->options->component_count; i++)
        rc = check_target(apt, buf_str(&text), apt->options->components[i], e);
    return rc;
}

/* The one signed file of the private lists. */
static int find_release(struct apt *apt, struct err *e)
{
    AUTO_FREE char *lists = NULL;
    int rc = path_join(&lists, apt->directory, "state/lists", e);
    if (rc < 0)
        return rc;
    AUTO_CLOSEDIR DIR *d = opendir(lists);
    if (d == NULL)
        return err_os(e, errno, "cannot open '%s'", lists);
    size_t found = 0;
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
        if (!str_ends(entry->d_name, "_InRelease") && !str_ends(entry->d_name, "_Release"))
            continue;
        AUTO_CLOSE int fd = openat(dirfd(d), entry->d_name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return err_os(e, errno, "cannot open '%s/%s'", lists, entry->d_name);
        if ((rc = digest_fd(DIGEST_SHA256, fd, &apt->release, NULL, e)) < 0)
            return rc;
        found++;
    }
    if (found != 1)
        return err_set(e, ERR_HOST, "apt left %zu Release files where one was expected", found);
    return 0;
}

/* The first mirror that answers; what is wrong with the suite or its signature is not a mirror's
 * failure. */
static int read_index(struct apt *apt, struct err *e)
{
    AUTO(mirrors_dispose) struct mirrors mirrors = {0};
    int rc = find_mirrors(apt, &mirrors, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < mirrors.count; i++) {
        rc = update(apt, mirrors.uri[i], e);
        if (rc != -ERR_HOST)
            break;
    }
    if (rc < 0 || (rc = check_targets(apt, e)) < 0)
        return rc;
    return find_release(apt, e);
}

int apt_open(const struct apt_options *options, struct apt **out, struct err *e)
{
    AUTO_APT struct apt *apt = calloc(1, sizeof(*apt));
    if (apt == NULL)
        return err_oom(e);
    apt->private = (struct private_dir)PRIVATE_DIR_INIT;
    apt->options = options;
    int rc = make_private(apt, e);
    if (rc < 0 || (rc = read_index(apt, e)) < 0)
        return rc;
    *out = steal_ptr(&apt);
    return 0;
}

void apt_close(struct apt *apt)
{
    if (apt == NULL)
        return;
    private_dir_remove(&apt->private);
    free(apt->config);
    free(apt->downloads);
    free(apt);
}

bool apt_is_expired(const struct apt *apt)
{
    return apt->expired;
}

const struct digest *apt_release(const struct apt *apt)
{
    return &apt->release;
}

const char *apt_component_of(const struct apt *apt, const struct package *p)
{
    const struct apt_options *o = apt->options;
    for (size_t i = 0; i < o->component_count; i++) {
        size_t len = strlen(o->components[i]);
        if (str_starts(p->path, "pool/") && strncmp(p->path + 5, o->components[i], len) == 0 &&
            p->path[5 + len] == '/')
            return o->components[i];
    }
    return o->components[0];
}

/* ---- asking ------------------------------------------------------------------------------------
 */

int apt_show(struct apt *apt, const char *const *names, size_t count, struct packages *out,
             struct err *e)
{
    static const char *const arguments[] = {"show", "--no-all-versions"};
    const struct call call = {.program = "apt-cache",
                              .arguments = arguments,
                              .argument_count = 2,
                              .names = names,
                              .name_count = count,
                              .seconds = QUERY_SECONDS};
    AUTO_BUF text = BUF_INIT(OUTPUT_MAX);
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    int status = 0;
    char line[PLACE_MESSAGE_MAX];
    int rc = run(apt->options, apt->config, &call, &text, &errors, &status, e);
    if (rc < 0)
        return rc;
    /* Names that it does not know make it exit with 100 too: the caller looks at what came. */
    if (status != 0 && status != 100)
        return err_set(e, ERR_HOST, "apt-cache show: %s", complaint(apt->options, &errors, line));
    return packages_parse(buf_str(&text), text.len, out, e);
}

/* "Inst NAME (VERSION …" or "Inst NAME [OLD] (VERSION …" → NAME=VERSION */
static int take_inst(const char *line, char **out, struct err *e)
{
    const char *name = line + 5;
    const char *open = strchr(name, '(');
    const char *eol = name + strcspn(name, "\n");
    if (open == NULL || open > eol)
        return err_set(e, ERR_HOST, "apt-get: cannot read what it would install");
    size_t name_len = strcspn(name, " :\n");
    return str_format(out, e, "%.*s=%.*s", (int)name_len, name, (int)strcspn(open + 1, " )\n"),
                      open + 1);
}

static int parse_solution(const char *text, char ***out, size_t *out_count, struct err *e)
{
    char **list = NULL;
    size_t count = 0;
    size_t cap = 0;
    int rc = 0;
    for (const char *p = text; rc == 0 && *p != '\0';) {
        size_t len = strcspn(p, "\n");
        if (str_starts(p, "Inst ")) {
            rc = array_grow(&list, &cap, count + 1, sizeof(*list), e);
            if (rc == 0 && (rc = take_inst(p, &list[count], e)) == 0)
                count++;
        }
        p += len + (p[len] == '\n');
    }
    if (rc < 0) {
        strings_free(list, count);
        return rc;
    }
    *out = list;
    *out_count = count;
    return 0;
}

int apt_solve(struct apt *apt, const char *const *names, size_t count, char ***out,
              size_t *out_count, struct err *e)
{
    static const char *const arguments[] = {"-qq", "-y", "-s", "--no-install-recommends",
                                            "install"};
    const struct call call = {.program = "apt-get",
                              .arguments = arguments,
                              .argument_count = 5,
                              .names = names,
                              .name_count = count,
                              .seconds = QUERY_SECONDS};
    AUTO_BUF text = BUF_INIT(OUTPUT_MAX);
    int rc = run_checked(apt, &call, &text, ERR_INPUT, e);
    return rc < 0 ? rc : parse_solution(buf_str(&text), out, out_count, e);
}

int apt_file(const struct package *p, char **name, struct err *e)
{
    AUTO_BUF version = BUF_INIT(1024);
    int rc = 0;
    for (const char *v = p->version; rc == 0 && *v != '\0'; v++)
        rc = *v == ':' ? buf_add_str(&version, "%3a", e) : buf_add(&version, v, 1, e);
    return rc < 0 ? rc : str_format(name, e, "%s_%s_%s.deb", p->name, buf_str(&version), p->arch);
}

int apt_download(struct apt *apt, const struct package *const *list, size_t count,
                 const char **directory, struct err *e)
{
    static const char *const arguments[] = {"-qq", "download"};
    char **names = array_new(count + 1, sizeof(*names));
    int rc = names == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = str_format(&names[i], e, "%s=%s", list[i]->name, list[i]->version);
    if (rc == 0) {
        const struct call call = {.program = "apt-get",
                                  .arguments = arguments,
                                  .argument_count = 2,
                                  .names = (const char *const *)names,
                                  .name_count = count,
                                  .cwd = apt->downloads,
                                  .seconds = DOWNLOAD_SECONDS};
        rc = run_checked(apt, &call, NULL, ERR_HOST, e);
    }
    strings_free(names, names == NULL ? 0 : count);
    if (rc == 0)
        *directory = apt->downloads;
    return rc;
}
