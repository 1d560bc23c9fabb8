/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/archive.h"

#include "base/file.h"
#include "base/place.h"
#include "base/private_dir.h"
#include "base/process.h"

#include <string.h>
#include <sys/stat.h>

enum {
    URIS_MAX = 64,
    URI_MAX = 2048,
    BATCH = 64, /* files that one run of apt-helper is asked for */
    OUTPUT_MAX = 4 * 1024 * 1024,
    ERRORS_MAX = 64 * 1024,
    QUERY_SECONDS = 300,
    DOWNLOAD_SECONDS = 3 * 3600,
    WHY_MAX = 400,
};

#define APT_HELPER "/usr/lib/apt/apt-helper"

bool archive_uri_valid(const char *uri)
{
    static const char *const schemes[] = {"https://", "http://", "file:/"};
    bool known = false;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        known = known || str_starts(uri, schemes[i]);
    for (const char *p = uri; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || strchr("\"\\|", *p) != NULL)
            return false;
    return known && strlen(uri) <= URI_MAX;
}

/* ---- which archives ------------------------------------------------------------------------- */

struct archive {
    char *uri;     /* ends in a slash */
    bool security; /* of "…-security" suites */
    bool both;     /* whatever the suite */
};

struct archives {
    struct archive items[URIS_MAX];
    size_t count;
};

static void archives_dispose(struct archives *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->items[i].uri);
}

static int add(struct archives *a, const char *uri, size_t len, bool security, bool both,
               struct err *e)
{
    struct archive item = {.security = security, .both = both};
    bool slash = len > 0 && uri[len - 1] == '/';
    if (a->count == URIS_MAX)
        return 0;
    int rc = str_format(&item.uri, e, "%.*s%s", (int)len, uri, slash ? "" : "/");
    if (rc < 0)
        return rc;
    bool known = !archive_uri_valid(item.uri);
    for (size_t i = 0; i < a->count; i++)
        known = known || strcmp(a->items[i].uri, item.uri) == 0;
    if (known)
        free(item.uri);
    else
        a->items[a->count++] = item;
    return 0;
}

/* Those of Debian that this machine's apt is configured for. */
static int add_own(const struct archive_options *o, struct archives *a, struct err *e)
{
    static const char *const argv[] = {"apt-get",
                                       "indextargets",
                                       "--format",
                                       "$(ORIGIN)|$(LABEL)|$(REPO_URI)",
                                       "Identifier: Packages",
                                       NULL};
    static const char plain[] = "Debian|Debian|";
    static const char security[] = "Debian|Debian-Security|";
    AUTO_BUF text = BUF_INIT(OUTPUT_MAX);
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    char said[PLACE_MESSAGE_MAX];
    int status = 0;
    const struct process_options p = {.argv = argv,
                                      .env = o->env,
                                      .output = &text,
                                      .errors = &errors,
                                      .timeout_seconds = QUERY_SECONDS,
                                      .limits = {.deadline_ms = o->limits.deadline_ms}};
    int rc = process_run(&p, &status, e);
    if (rc < 0)
        return err_wrap(e, "cannot run apt-get");
    if (status != 0)
        return err_set(e, ERR_HOST, "apt-get indextargets: %.200s",
                       place_message(buf_str(&errors), o->env, said));
    for (const char *line = buf_str(&text); rc == 0 && *line != '\0';) {
        size_t len = strcspn(line, "\n");
        size_t skip = str_starts(line, plain)      ? sizeof(plain) - 1
                      : str_starts(line, security) ? sizeof(security) - 1
                                                   : 0;
        if (skip > 0 && len > skip)
            rc = add(a, line + skip, len - skip, skip == sizeof(security) - 1, false, e);
        line += len + (line[len] == '\n');
    }
    return rc;
}

/* ---- one run of apt-helper --------------------------------------------------------------------
 */

struct batch {
    const struct archive_options *options;
    const struct archive *archive;
    const char *directory;
    struct archive_file *files[BATCH];
    size_t count;
    char *arguments[3 * BATCH]; /* URI, target, hash */
};

static void batch_clear(struct batch *b)
{
    for (size_t i = 0; i < 3 * b->count; i++)
        free(b->arguments[i]);
    b->count = 0;
}

static int batch_add(struct batch *b, struct archive_file *f, struct err *e)
{
    char hex[DIGEST_TEXT_MAX];
    char **a = b->arguments + 3 * b->count;
    int rc = str_format(&a[0], e, "%s%s", b->archive->uri, f->path);
    if (rc < 0)
        return rc;
    if ((rc = str_format(&a[1], e, "%s/%zu", b->directory, b->count)) < 0) {
        free(a[0]);
        return rc;
    }
    if ((rc = str_format(&a[2], e, "SHA256:%s", digest_hex(&f->digest, hex))) < 0) {
        free(a[0]);
        free(a[1]);
        return rc;
    }
    b->files[b->count++] = f;
    return 0;
}

static bool starts_with_any(const char *text, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++)
        if (str_starts(text, words[i]))
            return true;
    return false;
}

/* Whether asking again is of no use: it is not there, or it is something else. */
static bool is_final(const char *why)
{
    static const char *const words[] = {"404", "410", "Hash Sum mismatch", "File not found", NULL};
    return starts_with_any(why, words);
}

/* Whether nobody was reached who could have said anything. */
static bool is_offline(const char *why)
{
    static const char *const words[] = {"Could not connect",
                                        "Could not resolve",
                                        "Cannot initiate the connection",
                                        "Temporary failure resolving",
                                        "Something wicked happened resolving",
                                        "Unable to connect",
                                        "Connection failed",
                                        "Connection timed out",
                                        NULL};
    return starts_with_any(why, words);
}

/* The rest of "E: Failed to fetch URI  WHY"; apt leaves the user of an URI out. NULL: nothing. */
static int find_reason(const char *uri, const char *errors, const char **out, struct err *e)
{
    const char *mark = strstr(uri, "://");
    const char *rest = mark != NULL ? mark + 3 : uri;
    const char *at = memchr(rest, '@', strcspn(rest, "/"));
    *out = NULL;
    for (int bare = 0; bare < 2 && *out == NULL; bare++) {
        AUTO_FREE char *prefix = NULL;
        int rc = str_format(&prefix, e, "Failed to fetch %.*s%s ", (int)(rest - uri), uri,
                            bare == 1 && at != NULL ? at + 1 : rest);
        if (rc < 0)
            return rc;
        const char *line = strstr(errors, prefix);
        if (line != NULL)
            *out = line + strlen(prefix) + strspn(line + strlen(prefix), " ");
    }
    return 0;
}

/* What apt said of an URI. */
static int note(struct archive_file *f, const char *uri, const char *archive, const char *errors,
                const char *const *env, struct err *e)
{
    AUTO_FREE char *before = steal_ptr(&f->why);
    AUTO_FREE char *said = NULL;
    char shown[PLACE_MESSAGE_MAX];
    const char *why = NULL;
    int rc = find_reason(uri, errors, &why, e);
    if (rc < 0)
        return rc;
    why = why != NULL ? why : "apt does not say why";
    if ((rc = str_format(&said, e, "%.*s", (int)strcspn(why, "\n["), why)) < 0)
        return rc;
    f->transient = f->transient || !is_final(why);
    return str_format(&f->why, e, "%.*s%s'%.100s': %s%.120s", WHY_MAX, before != NULL ? before : "",
                      before != NULL ? "; " : "", PLACE_SHOWN(archive),
                      is_offline(why) ? "offline, or it is down: " : "",
                      place_message(said, env, shown));
}

static int take(struct batch *b, const char *errors, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < b->count; i++) {
        struct archive_file *f = b->files[i];
        struct stat st;
        if (stat(b->arguments[3 * i + 1], &st) == 0 && S_ISREG(st.st_mode)) {
            rc = b->options->found(b->options->context, f, b->arguments[3 * i + 1], e);
            f->done = rc == 0;
            (void)unlink(b->arguments[3 * i + 1]);
        } else {
            rc = note(f, b->arguments[3 * i], b->archive->uri, errors, b->options->env, e);
        }
    }
    return rc;
}

static int batch_run(struct batch *b, struct err *e)
{
    static const char *const fixed[] = {APT_HELPER, "-qq", "-o", "APT::Sandbox::User=root",
                                        "download-file"};
    const size_t first = sizeof(fixed) / sizeof(fixed[0]);
    const char *argv[sizeof(fixed) / sizeof(fixed[0]) + 3 * BATCH + 1];
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    int status = 0;
    if (b->count == 0)
        return 0;
    memcpy(argv, fixed, sizeof(fixed));
    for (size_t i = 0; i < 3 * b->count; i++)
        argv[first + i] = b->arguments[i];
    argv[first + 3 * b->count] = NULL;
    const struct process_options p = {.argv = argv,
                                      .env = b->options->env,
                                      .cwd = b->directory,
                                      .errors = &errors,
                                      .timeout_seconds = DOWNLOAD_SECONDS,
                                      .limits = {.deadline_ms = b->options->limits.deadline_ms}};
    int rc = process_run(&p, &status, e);
    rc = rc == 0 ? take(b, buf_str(&errors), e) : err_wrap(e, "cannot run apt");
    batch_clear(b);
    return rc;
}

static bool of_archive(const struct archive *a, const struct archive_file *f)
{
    return a->both || a->security == str_ends(f->suite, "-security");
}

static int ask(const struct archive_options *o, const struct archive *archive,
               const char *directory, struct archive_file *files, size_t count, struct err *e)
{
    AUTO(batch_clear)
    struct batch b = {.options = o, .archive = archive, .directory = directory};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (files[i].done || !of_archive(archive, &files[i]))
            continue;
        rc = batch_add(&b, &files[i], e);
        if (rc == 0 && b.count == BATCH)
            rc = batch_run(&b, e);
    }
    return rc == 0 ? batch_run(&b, e) : rc;
}

int archive_fetch(const struct archive_options *o, struct archive_file *files, size_t count,
                  struct err *e)
{
    AUTO(archives_dispose) struct archives archives = {.count = 0};
    AUTO(private_dir_remove) struct private_dir private = PRIVATE_DIR_INIT;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->uri_count; i++)
        rc = add(&archives, o->uris[i], strlen(o->uris[i]), false, true, e);
    if (rc == 0 && o->own)
        rc = add_own(o, &archives, e);
    if (rc == 0)
        rc = private_dir_make(o->temp, &private, e);
    for (size_t i = 0; rc == 0 && i < archives.count; i++)
        rc = ask(o, &archives.items[i], private.path, files, count, e);
    return rc;
}
