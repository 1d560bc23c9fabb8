/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/apt.h"

#include "base/file.h"
#include "base/place.h"
#include "base/process.h"
#include "builder/lock/apt_cache.h"
#include "builder/lock/apt_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void strings_free(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

/* ---- running apt ------------------------------------------------------------------- */

int apt_run(const struct apt_options *o, const char *config, const struct apt_call *call,
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
        .limits = {.deadline_ms = o->limits.deadline_ms},
    };
    int rc = process_run(&p, status, e);
    return rc < 0 ? err_wrap(e, "cannot run %s", call->program) : 0;
}

/* apt's first complaint ("E: …"), else its first line; in `line`, without what is secret in it. */
const char *apt_complaint(const struct apt_options *o, const struct buf *errors, char *line)
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

int apt_run_checked(const struct apt *apt, const struct apt_call *call, struct buf *out,
                    enum err_code code, struct err *e)
{
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    int status = 0;
    int rc = apt_run(apt->options, apt->config, call, out, &errors, &status, e);
    if (rc < 0)
        return rc;
    char line[PLACE_MESSAGE_MAX];
    if (status == 0)
        return 0;
    return err_set(e, is_mismatch(&errors) ? ERR_INPUT : code, "%s: %s", call->program,
                   apt_complaint(apt->options, &errors, line));
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
        /* What is kept of one run is compared with the digests of the next (apt_cache.h). */
        "Acquire::GzipIndexes \"false\";\nAcquire::PDiffs \"false\";\n"
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
                      "Acquire::Check-Valid-Until \"true\";\n",
                      d, d, d, d, arch, arch);
    return rc < 0 ? rc : write_in(apt, "apt.conf", buf_str(&text), e);
}

static int check_keyring(const char *keyring, struct err *e)
{
    if (!plain_path(keyring))
        return err_set(e, ERR_USAGE, "cannot use the keyring '%s': give an absolute, plain path",
                       keyring);
    if (access(keyring, R_OK) != 0)
        return err_os(e, errno, "cannot read the keyring '%s' (package debian-archive-keyring)",
                      keyring);
    return 0;
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
    for (size_t i = 0; i < o->suite_count; i++)
        if ((rc = check_keyring(o->suites[i].keyring, e)) < 0)
            return rc;
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

static bool is_security(const struct apt_suite *suite)
{
    return str_ends(suite->name, "-security");
}

/* The archives in apt's list of them that have this origin and label: "Debian|Debian|". */
static int take_mirrors(const char *list, const char *prefix, struct mirrors *out, struct err *e)
{
    size_t skip = strlen(prefix);
    for (const char *p = list; *p != '\0';) {
        size_t len = strcspn(p, "\n");
        int rc = 0;
        if (len > skip && memcmp(p, prefix, skip) == 0 &&
            (rc = add_mirror(out, p + skip, len - skip, e)) < 0)
            return rc;
        p += len + (p[len] == '\n');
    }
    return 0;
}

/*
 * The archives of Debian that this machine reads, by the labels in their Release files: the main
 * one and, for "…-security" suites, the security one.
 */
static int find_mirrors(const struct apt *apt, struct mirrors of[2], struct err *e)
{
    static const char *const arguments[] = {
        "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Identifier: Packages"};
    static const char *const prefixes[2] = {"Debian|Debian|", "Debian|Debian-Security|"};
    const struct apt_call call = {.program = "apt-get",
                                  .arguments = arguments,
                                  .argument_count = 4,
                                  .seconds = QUERY_SECONDS};
    const struct apt_options *o = apt->options;
    AUTO_BUF text = BUF_INIT(4 * 1024 * 1024);
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    int status = 0;
    char line[PLACE_MESSAGE_MAX];
    int rc = apt_run(o, NULL, &call, &text, &errors, &status, e);
    if (rc < 0)
        return rc;
    if (status != 0)
        return err_set(e, ERR_HOST, "apt-get indextargets: %s", apt_complaint(o, &errors, line));
    for (size_t i = 0; rc == 0 && i < 2; i++)
        rc = take_mirrors(buf_str(&text), prefixes[i], &of[i], e);
    for (size_t i = 0; rc == 0 && i < o->suite_count; i++)
        if (of[is_security(&o->suites[i])].count == 0)
            rc = err_set(e, ERR_HOST,
                         "this machine's apt knows no %sarchive of Debian: add one to its sources "
                         "and run 'apt-get update'",
                         is_security(&o->suites[i]) ? "security " : "");
    return rc;
}

/* ---- reading the index --------------------------------------------------------------------- */

/* The n-th mirror of each kind, or its last one. */
static const char *mirror_at(const struct mirrors *m, size_t n)
{
    return m->uri[n < m->count ? n : m->count - 1];
}

static int write_sources(const struct apt *apt, const struct mirrors of[2], size_t n, struct err *e)
{
    const struct apt_options *o = apt->options;
    AUTO_BUF text = BUF_INIT(65536);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->suite_count; i++) {
        const struct apt_suite *s = &o->suites[i];
        rc = buf_addf(&text, e, "deb [arch=%s target=Packages signed-by=%s%s] %s %s", o->arch,
                      s->keyring, apt->expired[i] ? " check-valid-until=no" : "",
                      mirror_at(&of[is_security(s)], n), s->name);
        for (size_t k = 0; rc == 0 && k < o->component_count; k++)
            rc = buf_addf(&text, e, " %s", o->components[k]);
        if (rc == 0)
            rc = buf_add_str(&text, "\n", e);
    }
    return rc < 0 ? rc : write_in(apt, "sources.list", buf_str(&text), e);
}

/* Whether a line of apt's speaks of the suite: "… SUITE InRelease", "…/dists/SUITE/…". */
static bool line_names(const char *line, const char *suite)
{
    size_t len = strlen(suite);
    for (const char *p = strstr(line, suite); p != NULL; p = strstr(p + 1, suite)) {
        bool path = p - line >= 7 && memcmp(p - 7, "/dists/", 7) == 0 && p[len] == '/';
        bool word = p > line && p[-1] == ' ' &&
                    (str_starts(p + len, " InRelease") || str_starts(p + len, " Release"));
        if (path || word)
            return true;
    }
    return false;
}

/* The suite that the line with `what` speaks of; the first one when that cannot be told. */
static size_t suite_blamed(const struct apt_options *o, const char *text, const char *what)
{
    for (const char *p = text; *p != '\0';) {
        AUTO_FREE char *line = NULL;
        struct err ignored = ERR_INIT;
        size_t len = strcspn(p, "\n");
        if (str_format(&line, &ignored, "%.*s", (int)len, p) < 0)
            break;
        for (size_t i = 0; strstr(line, what) != NULL && i < o->suite_count; i++)
            if (line_names(line, o->suites[i].name))
                return i;
        p += len + (p[len] == '\n');
    }
    return 0;
}

/* What kind of failure `apt-get update` tells of. */
static int update_failed(const struct apt *apt, const struct buf *errors, struct err *e)
{
    static const char *const unsigned_[] = {"GPG error", "is not signed", "BADSIG", "signature"};
    const char *text = buf_str(errors);
    const struct apt_options *o = apt->options;
    char line[PLACE_MESSAGE_MAX];
    if (strstr(text, "does not have a Release file") != NULL)
        return err_set(e, ERR_INPUT,
                       "the archive has no suite '%s': is it a code name of Debian, like trixie?",
                       o->suites[suite_blamed(o, text, "does not have a Release file")].name);
    if (strstr(text, "is expired") != NULL)
        return err_set(e, ERR_REJECTED,
                       "the index of '%s' is out of date, its Valid-Until is over; --allow-expired "
                       "takes it, as one does of a snapshot: %s",
                       o->suites[suite_blamed(o, text, "is expired")].name,
                       apt_complaint(o, errors, line));
    if (strstr(text, "not valid yet") != NULL)
        return err_set(e, ERR_REJECTED,
                       "the index of '%s' is from the future (is this machine's clock right?): %s",
                       o->suites[suite_blamed(o, text, "not valid yet")].name,
                       apt_complaint(o, errors, line));
    for (size_t i = 0; i < sizeof(unsigned_) / sizeof(unsigned_[0]); i++) {
        if (strstr(text, unsigned_[i]) == NULL)
            continue;
        const struct apt_suite *s = &o->suites[suite_blamed(o, text, unsigned_[i])];
        return err_set(e, ERR_REJECTED, "the index of '%s' is not signed by the keyring '%s': %s",
                       s->name, s->keyring, apt_complaint(o, errors, line));
    }
    return err_set(e, is_mismatch(errors) ? ERR_INPUT : ERR_HOST,
                   "cannot read the index of '%s': %s", o->suites[suite_blamed(o, text, "")].name,
                   apt_complaint(o, errors, line));
}

/* *expired is the number of suites, or the suite that is. */
static int update_once(const struct apt *apt, const struct mirrors of[2], size_t n, size_t *expired,
                       struct err *e)
{
    static const char *const arguments[] = {"-qq", "update"};
    const struct apt_call call = {.program = "apt-get",
                                  .arguments = arguments,
                                  .argument_count = 2,
                                  .seconds = UPDATE_SECONDS};
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    int status = 0;
    int rc = write_sources(apt, of, n, e);
    if (rc < 0 || (rc = apt_run(apt->options, apt->config, &call, NULL, &errors, &status, e)) < 0)
        return rc;
    *expired = strstr(buf_str(&errors), "is expired") != NULL
                   ? suite_blamed(apt->options, buf_str(&errors), "is expired")
                   : apt->options->suite_count;
    return status == 0 ? 0 : update_failed(apt, &errors, e);
}

/* What this machine's apt thinks of dates does not count: only who was asked to takes an old index,
 * and says so. */
static int update(struct apt *apt, const struct mirrors of[2], size_t n, struct err *e)
{
    const struct apt_options *o = apt->options;
    for (;;) {
        size_t expired = o->suite_count;
        int rc = update_once(apt, of, n, &expired, e);
        if (rc == 0 || expired == o->suite_count || !o->allow_expired || apt->expired[expired])
            return rc;
        apt->expired[expired] = true;
    }
}

/* One line "asked|codename|suite|trusted|component" is of this component, verified, and of the
 * suite asked for. */
static int check_target(const struct apt *apt, const char *targets, const char *suite,
                        const char *component, struct err *e)
{
    AUTO_FREE char *asked = NULL;
    AUTO_FREE char *by_codename = NULL;
    AUTO_FREE char *ending = NULL;
    AUTO_FREE char *by_suite = NULL;
    int rc = str_format(&asked, e, "%s|", suite);
    if (rc < 0 || (rc = str_format(&by_codename, e, "%s|%s|", suite, suite)) < 0 ||
        (rc = str_format(&by_suite, e, "|%s|yes|", suite)) < 0 ||
        (rc = str_format(&ending, e, "|yes|%s", component)) < 0)
        return rc;
    bool found = false;
    for (const char *p = targets; *p != '\0';) {
        size_t len = strcspn(p, "\n");
        AUTO_FREE char *line = NULL;
        if ((rc = str_format(&line, e, "%.*s", (int)len, p)) < 0)
            return rc;
        if (str_starts(line, asked) && str_ends(line, ending)) {
            found = true;
            if (str_starts(line, by_codename) || strstr(line, by_suite) != NULL)
                return 0;
        }
        p += len + (p[len] == '\n');
    }
    if (found)
        return err_set(e, ERR_REJECTED, "the archive's Release file is not of the suite '%s'",
                       suite);
    return err_set(e, ERR_INPUT, "the suite '%s' has no packages for %s in the component '%s'",
                   suite, apt->options->arch, component);
}

/* apt only warns about a component or an architecture that is not there. */
static int check_targets(const struct apt *apt, struct err *e)
{
    static const char *const arguments[] = {
        "indextargets", "--format", "$(RELEASE)|$(CODENAME)|$(SUITE)|$(TRUSTED)|$(COMPONENT)",
        "Identifier: Packages"};
    const struct apt_call call = {.program = "apt-get",
                                  .arguments = arguments,
                                  .argument_count = 4,
                                  .seconds = QUERY_SECONDS};
    const struct apt_options *o = apt->options;
    AUTO_BUF text = BUF_INIT(1024 * 1024);
    int rc = apt_run_checked(apt, &call, &text, ERR_HOST, e);
    for (size_t i = 0; rc == 0 && i < o->suite_count; i++)
        for (size_t k = 0; rc == 0 && k < o->component_count; k++)
            rc = check_target(apt, buf_str(&text), o->suites[i].name, o->components[k], e);
    return rc;
}

/* Whether a file of apt's lists is the signed one of the suite. */
static bool is_release(const char *name, const char *suite)
{
    size_t len = strlen(suite);
    const char *end = str_ends(name, "_InRelease") ? "_InRelease" : "_Release";
    size_t whole = strlen(name);
    size_t tail = strlen(end);
    return str_ends(name, end) && whole >= tail + len + 7 &&
           memcmp(name + whole - tail - len, suite, len) == 0 &&
           memcmp(name + whole - tail - len - 7, "_dists_", 7) == 0;
}

/* The one signed file of each suite in the private lists. */
static int find_release(struct apt *apt, const char *lists, size_t suite, struct err *e)
{
    AUTO_CLOSEDIR DIR *d = opendir(lists);
    if (d == NULL)
        return err_os(e, errno, "cannot open '%s'", lists);
    size_t found = 0;
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
        if (!is_release(entry->d_name, apt->options->suites[suite].name))
            continue;
        AUTO_CLOSE int fd = openat(dirfd(d), entry->d_name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return err_os(e, errno, "cannot open '%s/%s'", lists, entry->d_name);
        int rc = digest_fd(DIGEST_SHA256, fd, &apt->release[suite], NULL, e);
        if (rc < 0)
            return rc;
        found++;
    }
    if (found != 1)
        return err_set(e, ERR_HOST, "apt left %zu Release files of '%s' where one was expected",
                       found, apt->options->suites[suite].name);
    return 0;
}

/* The first mirror that answers; what is wrong with the suite or its signature is not a mirror's
 * failure. */
/*
 * With the lists that were kept, so that only what changed is fetched. When they are not what the
 * archive signed, everything is fetched.
 */
static int update_kept(struct apt *apt, const struct mirrors of[2], size_t n, struct err *e)
{
    AUTO_FREE char *lists = NULL;
    AUTO_FREE char *sources = NULL;
    AUTO_FREE char *place = NULL;
    const char *cache = apt->options->cache;
    if (cache == NULL)
        return update(apt, of, n, e);
    int rc = path_join(&lists, apt->directory, "state/lists", e);
    if (rc < 0 || (rc = path_join(&sources, apt->directory, "sources.list", e)) < 0 ||
        (rc = write_sources(apt, of, n, e)) < 0 ||
        (rc = apt_cache_place(cache, sources, &place, e)) < 0)
        return rc;
    bool kept = apt_cache_load(place, lists);
    rc = update(apt, of, n, e);
    if (kept && rc != -ERR_HOST && (rc < 0 || !apt_cache_whole(lists))) {
        apt_cache_drop(lists);
        rc = update(apt, of, n, e);
    }
    if (rc == 0 && apt_cache_whole(lists))
        apt_cache_keep(cache, place, lists);
    return rc;
}

static int read_index(struct apt *apt, struct err *e)
{
    AUTO_FREE char *lists = NULL;
    struct mirrors of[2] = {{.count = 0}, {.count = 0}};
    int rc = find_mirrors(apt, of, e);
    size_t most = of[0].count > of[1].count ? of[0].count : of[1].count;
    for (size_t i = 0; rc == 0 && i < most; i++) {
        rc = update_kept(apt, of, i, e);
        if (rc != -ERR_HOST)
            break;
        if (i + 1 < most)
            rc = 0;
    }
    if (rc == 0)
        rc = check_targets(apt, e);
    if (rc == 0)
        rc = path_join(&lists, apt->directory, "state/lists", e);
    for (size_t i = 0; rc == 0 && i < apt->options->suite_count; i++)
        rc = find_release(apt, lists, i, e);
    mirrors_dispose(&of[0]);
    mirrors_dispose(&of[1]);
    return rc;
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

bool apt_is_expired(const struct apt *apt, size_t suite)
{
    return apt->expired[suite];
}

const struct digest *apt_release(const struct apt *apt, size_t suite)
{
    return &apt->release[suite];
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
