/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/remote.h"

#include "base/file.h"
#include "base/json.h"
#include "base/media_types.h"
#include "base/text.h"
#include "base/tool.h"

#include <string.h>
#include <sys/stat.h>

enum {
    OUTPUT_MAX = 16 * 1024 * 1024, /* a list of referrers may be long */
    MANIFEST_MAX = 4 * 1024 * 1024,
    TYPE_MAX = 256,
    WORDS_MAX = 120,
};

/* ---- names -------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The first part is a host when it has a dot or a colon, or is "localhost": registries' rule. */
static bool is_host(const char *text, size_t len)
{
    bool host = len == 9 && memcmp(text, "localhost", 9) == 0;
    if (len > 2 && text[0] == '[') { /* an address of IPv6 */
        size_t inner = strspn(text + 1, "0123456789abcdefABCDEF:.");
        return memchr(text, ':', inner) != NULL && text[1 + inner] == ']' &&
               (text[2 + inner] == '/' || text[2 + inner] == ':');
    }
    const char *colon = len > 0 ? memchr(text, ':', len) : NULL;
    size_t name = colon != NULL ? (size_t)(colon - text) : len;
    size_t port = colon != NULL ? strspn(colon + 1, "0123456789") : 0;
    if (name == 0 || !is_word(text[0]) || (colon != NULL && (port == 0 || name + 1 + port != len)))
        return false;
    for (size_t i = 0; i < name; i++) {
        if (!is_word(text[i]) && text[i] != '.' && text[i] != '-')
            return false;
        host = host || text[i] == '.';
    }
    return host || colon != NULL;
}

bool remote_is_reference(const char *name)
{
    static const char digest[] = "@sha256:";
    struct stat st;
    const char *slash = strchr(name, '/');
    if (slash == NULL || !is_host(name, (size_t)(slash - name)))
        return false;
    for (const char *p = slash + 1; *p != 0; p++)
        if (!is_word(*p) && strchr("._-/:@", *p) == NULL)
            return false;
    const char *last = strrchr(name, '/');
    bool tagged = strstr(last, digest) != NULL || strchr(last, ':') != NULL;
    return tagged && lstat(name, &st) != 0;
}

/* "HOST/PATH@DIGEST" of the repository that a reference names. */
static int pin(const char *reference, const struct digest *digest, char **out, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    const char *last = strrchr(reference, '/');
    size_t len = (size_t)(last - reference) + strcspn(last, "@:");
    return str_format(out, e, "%.*s@%s", (int)len, reference, digest_format(digest, text));
}

/* The digest that a reference asks for, if it does: what came has to be that. */
static int check_asked(const char *reference, const struct digest *got, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    const char *at = strchr(reference, '@');
    struct digest asked;
    if (at == NULL)
        return 0;
    int rc = digest_parse(at + 1, &asked, e);
    if (rc == 0 && !digest_equal(&asked, got))
        rc = err_set(e, ERR_INPUT, "what came is %s", digest_format(got, text));
    return rc;
}

/* ---- assay-pull ----------------------------------------------------------------------------- */

void remote_init(struct remote *r, const struct cli *cli, const char *scratch)
{
    *r = (struct remote){.cli = cli, .scratch = scratch};
}

void remote_dispose(struct remote *r)
{
    struct err ignored = ERR_INIT;
    for (size_t i = 0; i < REMOTE_VARIABLES_MAX; i++)
        free(steal_ptr(&r->environment[i]));
    if (r->directory != NULL)
        (void)dir_remove(r->directory, &ignored);
    free(steal_ptr(&r->directory));
}

/*
 * All of the environment that assay-pull reads: proxies, where credentials, certificates and its
 * configuration are, and what Docker's credential helpers need to be found and to ask their keeper.
 */
static int collect_environment(struct remote *r, struct err *e)
{
    static const char *const passed[] = {
        "http_proxy",      "https_proxy",   "all_proxy",
        "no_proxy",        "HTTPS_PROXY",   "ALL_PROXY",
        "NO_PROXY",        "DOCKER_CONFIG", "SSL_CERT_FILE",
        "XDG_CONFIG_HOME", "HOME",          "PATH",
        "XDG_RUNTIME_DIR", "GNUPGHOME",     "DBUS_SESSION_BUS_ADDRESS",
        "DISPLAY",         "GPG_TTY",       "PASSWORD_STORE_DIR",
        "AWS_PROFILE",     "AWS_REGION",    "WAYLAND_DISPLAY"};
    size_t n = 0;
    for (size_t i = 0; i < CLI_COUNT(passed); i++) {
        const char *value = cli_env(r->cli, passed[i]);
        int rc = value != NULL ? str_format(&r->environment[n], e, "%s=%s", passed[i], value) : 0;
        if (rc < 0)
            return rc;
        n += value != NULL;
    }
    return 0;
}

static int start(struct remote *r, struct err *e)
{
    if (r->directory != NULL)
        return 0;
    int rc = collect_environment(r, e);
    return rc < 0 ? rc : dir_make_temp(r->scratch, "assay-verify-pull.", &r->directory, e);
}

/* The words of one command line, which it owns. */
struct words {
    char *items[WORDS_MAX + 1];
    size_t count;
};

static void words_dispose(struct words *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->items[i]);
}

__attribute__((format(printf, 3, 4))) static int add_word(struct words *w, struct err *e,
                                                          const char *fmt, ...)
{
    AUTO_BUF text = BUF_INIT(64 * 1024);
    va_list args;
    if (w->count == WORDS_MAX)
        return err_set(e, ERR_USAGE, "more than %d --plain-http", WORDS_MAX - 10);
    va_start(args, fmt);
    int rc = buf_vaddf(&text, TEXT_AS_IT_IS, e, fmt, args);
    va_end(args);
    if (rc == 0)
        rc = str_copy(&w->items[w->count], buf_str(&text), e);
    w->count += rc == 0;
    return rc;
}

/* Into a store of its own: what this machine's has is not taken for what the registry has. */
static int add_options(const struct remote *r, struct words *w, struct err *e)
{
    size_t plain = 0;
    const char *const *list = cli_list(r->cli, "plain-http", &plain);
    const char *ca_file = cli_string(r->cli, "ca-file");
    uint64_t timeout = cli_number(r->cli, "timeout", 0);
    int rc = add_word(w, e, "--json");
    if (rc == 0)
        rc = add_word(w, e, "--store=%s/store", r->directory);
    for (size_t i = 0; rc == 0 && i < plain; i++)
        rc = add_word(w, e, "--plain-http=%s", list[i]);
    if (rc == 0 && ca_file != NULL)
        rc = add_word(w, e, "--ca-file=%s", ca_file);
    if (rc == 0 && timeout > 0)
        rc = add_word(w, e, "--timeout=%llu", (unsigned long long)timeout);
    return rc;
}

/* `how`: --layout, --referrers, or NULL; `output`: NULL = none. *answer is new. */
static int pull(struct remote *r, const char *reference, const char *how, const char *output,
                json_t **answer, struct err *e)
{
    AUTO(words_dispose) struct words words = {.count = 0};
    AUTO_BUF text = BUF_INIT(OUTPUT_MAX);
    int rc = add_options(r, &words, e);
    if (rc == 0 && how != NULL)
        rc = add_word(&words, e, "%s", how);
    if (rc == 0 && output != NULL)
        rc = add_word(&words, e, "--output=%s", output);
    if (rc == 0)
        rc = add_word(&words, e, "%s", reference);
    if (rc == 0)
        rc = tool_run_with("assay-pull", (const char *const *)words.items,
                           (const char *const *)r->environment, r->directory, &text, NULL, e);
    if (rc == 0)
        rc = json_parse(buf_str(&text), text.len, "what assay-pull says", NULL, answer, e);
    return rc;
}

static int new_path(struct remote *r, char **out, struct err *e)
{
    return str_format(out, e, "%s/%u", r->directory, r->count++);
}

/* ---- artifacts ------------------------------------------------------------------------------ */

void remote_artifact_dispose(struct remote_artifact *a)
{
    free(steal_ptr(&a->path));
    free(steal_ptr(&a->pinned));
}

static int blob_of(const char *layout, const struct digest *digest, char **out, struct err *e)
{
    char hex[DIGEST_TEXT_MAX];
    return str_format(out, e, "%s/blobs/%s/%s", layout, digest_alg_name(digest->alg),
                      digest_hex(digest, hex));
}

/* These very bytes, by our own reckoning. */
static int read_manifest(const char *layout, const struct digest *digest, json_t **out,
                         struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_BUF text = BUF_INIT(MANIFEST_MAX);
    struct digest found;
    int rc = blob_of(layout, digest, &path, e);
    if (rc == 0)
        rc = file_read(path, &text, e);
    if (rc == 0)
        rc = digest_bytes(digest->alg, text.data, text.len, &found, e);
    if (rc == 0 && !digest_equal(digest, &found))
        rc = err_set(e, ERR_INPUT, "its manifest does not match its digest");
    return rc < 0 ? rc : json_parse(buf_str(&text), text.len, "its manifest", NULL, out, e);
}

/* An image is its layout; an artifact is the one file that its manifest names. */
static int find_artifact(char **layout, struct remote_artifact *a, struct err *e)
{
    AUTO_JSON json_t *manifest = NULL;
    struct jcur config;
    struct jcur layers;
    struct jcur layer;
    const char *type = NULL;
    size_t count = 0;
    int rc = read_manifest(*layout, &a->manifest, &manifest, e);
    if (rc < 0)
        return rc;
    if (json_object_get(manifest, "manifests") != NULL)
        return err_set(e, ERR_INPUT,
                       "it is an index of several images: name the one to verify by its digest");
    struct jcur top = jcur_root(manifest, "its manifest");
    if ((rc = jcur_get(&top, "config", &config, e)) < 0 ||
        (rc = jcur_get_string(&config, "mediaType", TYPE_MAX, &type, e)) < 0)
        return rc;
    a->expected = a->manifest;
    if (strcmp(type, MEDIA_OCI_CONFIG) == 0 || strcmp(type, MEDIA_DOCKER_CONFIG) == 0) {
        a->path = steal_ptr(layout);
        return 0;
    }
    if ((rc = jcur_get(&top, "layers", &layers, e)) < 0 ||
        (rc = jcur_array(&layers, MANIFEST_MAX, &count, e)) < 0)
        return rc;
    if (count != 1)
        return err_set(e, ERR_INPUT, "it has %s, and one can be verified", COUNTED(count, "file"));
    layer = jcur_item(&layers, 0);
    rc = jcur_get_digest(&layer, "digest", &a->expected, e);
    return rc < 0 ? rc : blob_of(*layout, &a->expected, &a->path, e);
}

static int get_artifact(struct remote *r, const char *reference, struct remote_artifact *a,
                        struct err *e)
{
    AUTO_FREE char *layout = NULL;
    AUTO_JSON json_t *answer = NULL;
    int rc = start(r, e);
    if (rc < 0 || (rc = new_path(r, &layout, e)) < 0 ||
        (rc = pull(r, reference, "--layout", layout, &answer, e)) < 0)
        return rc;
    struct jcur top = jcur_root(answer, "what assay-pull says");
    if ((rc = jcur_get_digest(&top, "digest", &a->manifest, e)) < 0 ||
        (rc = check_asked(reference, &a->manifest, e)) < 0 ||
        (rc = pin(reference, &a->manifest, &a->pinned, e)) < 0)
        return rc;
    return find_artifact(&layout, a, e);
}

int remote_artifact(struct remote *r, const char *reference, struct remote_artifact *out,
                    struct err *e)
{
    struct remote_artifact a = {.path = NULL};
    int rc = get_artifact(r, reference, &a, e);
    if (rc < 0) {
        remote_artifact_dispose(&a);
        return err_wrap(e, "cannot pull '%s'", reference);
    }
    *out = a;
    return 0;
}

/* ---- bundles ------------------------------------------------------------------------------ */

void remote_bundles_dispose(struct remote_bundles *b)
{
    for (size_t i = 0; i < b->count; i++) {
        free(b->items[i].path);
        free(b->items[i].name);
    }
    free(steal_ptr(&b->items));
    b->count = 0;
}

static bool is_bundle(const char *type)
{
    return type != NULL &&
           (str_starts(type, MEDIA_SIGSTORE) || strcmp(type, MEDIA_DSSE) == 0 ||
            strcmp(type, MEDIA_INTOTO) == 0 || str_starts(type, MEDIA_INTOTO_PREFIX));
}

/* One referrer's one file. */
static int pull_bundle(struct remote *r, const char *reference, const struct digest *digest,
                       struct remote_bundle *b, struct err *e)
{
    AUTO_JSON json_t *answer = NULL;
    struct stat st;
    int rc = pin(reference, digest, &b->name, e);
    if (rc < 0 || (rc = new_path(r, &b->path, e)) < 0 ||
        (rc = pull(r, b->name, NULL, b->path, &answer, e)) < 0)
        return rc;
    if (lstat(b->path, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "it is not one file");
    return 0;
}

/* What cannot be had is said, and left out: one who attaches rubbish takes nothing away. */
static int add_bundle(struct remote *r, const char *reference, const json_t *descriptor,
                      struct remote_bundles *all, struct err *first, struct err *e)
{
    struct remote_bundle b = {.path = NULL};
    struct err why = ERR_INIT;
    struct digest digest;
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    const char *text = json_string_value(json_object_get(descriptor, "digest"));
    if (all->count == REMOTE_BUNDLES_MAX)
        return err_set(e, ERR_INPUT,
                       "more than %d bundles are attached to it: pull the one that counts (assay "
                       "pull) and name it with --bundle",
                       REMOTE_BUNDLES_MAX);
    int rc = digest_parse(text != NULL ? text : "", &digest, &why);
    if (rc == 0)
        rc = pull_bundle(r, reference, &digest, &b, &why);
    if (rc == 0) {
        all->items[all->count++] = b;
        return 0;
    }
    free(b.path);
    free(b.name);
    all->failed++;
    cli_warn(r->cli, "a bundle that is attached to '%.200s' cannot be had: %s", reference,
             err_line(&why, line, sizeof(line)));
    if (first->code == ERR_NONE || why.code > first->code)
        *first = why;
    return 0;
}

static int get_bundles(struct remote *r, const char *reference, struct remote_bundles *all,
                       struct err *e)
{
    AUTO_JSON json_t *answer = NULL;
    struct digest subject;
    struct err first = ERR_INIT;
    int rc = start(r, e);
    if (rc < 0 || (rc = pull(r, reference, "--referrers", NULL, &answer, e)) < 0)
        return rc;
    struct jcur top = jcur_root(answer, "what assay-pull says");
    if ((rc = jcur_get_digest(&top, "subject", &subject, e)) < 0 ||
        (rc = check_asked(reference, &subject, e)) < 0)
        return rc;
    all->items = array_new(REMOTE_BUNDLES_MAX, sizeof(*all->items));
    if (all->items == NULL)
        return err_oom(e);
    const json_t *list = json_object_get(answer, "referrers");
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        const json_t *d = json_array_get(list, i);
        if (is_bundle(json_string_value(json_object_get(d, "artifactType"))))
            rc = add_bundle(r, reference, d, all, &first, e);
    }
    if (rc < 0 || all->count > 0 || first.code == ERR_NONE || first.code == ERR_INPUT)
        return rc;
    *e = first;
    return err_rc(e);
}

int remote_bundles(struct remote *r, const char *reference, struct remote_bundles *out,
                   struct err *e)
{
    struct remote_bundles all = {.items = NULL};
    int rc = get_bundles(r, reference, &all, e);
    if (rc < 0) {
        remote_bundles_dispose(&all);
        return err_wrap(e, "cannot pull what is attached to '%s'", reference);
    }
    *out = all;
    return 0;
}
