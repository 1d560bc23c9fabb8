/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/evidence/evidence.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = DSSE_DOCUMENT_MAX };

int finding_set(struct finding *f, enum finding_class kind, const char *fmt, ...)
{
    va_list args;
    if (finding_any(f))
        return 0;
    f->kind = kind;
    va_start(args, fmt);
    (void)text_vprint(f->text, sizeof(f->text), TEXT_AS_IT_IS, fmt, args);
    va_end(args);
    return 0;
}

int finding_of_error(struct finding *f, enum finding_class kind, int rc, struct err *e)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    if (rc != -ERR_INPUT && rc != -ERR_REJECTED)
        return rc;
    return finding_set(f, kind, "%s", err_line(e, line, sizeof(line)));
}

/* A file that is too large is no reason to be silent about it: its digest is taken all the same. */
static int read_large(const char *path, struct digest *digest, bool *large, struct err *e)
{
    struct stat st;
    *large = stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > FILE_MAX;
    if (!*large)
        return 0;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    return digest_fd(DIGEST_SHA256, fd, digest, NULL, e);
}

int evidence_read(const char *path, struct evidence *out, struct finding *f, struct err *e)
{
    return evidence_read_as(path, path, out, f, e);
}

int evidence_read_as(const char *path, const char *name, struct evidence *out, struct finding *f,
                     struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(FILE_MAX);
    struct err why = ERR_INIT;
    bool large = false;
    out->path = name;
    int rc = read_large(path, &out->digest, &large, e);
    if (rc == 0 && large)
        return finding_set(f, FINDING_MALFORMED, "'%.200s' is larger than %d bytes", name,
                           FILE_MAX);
    if (rc == 0)
        rc = file_read(path, &bytes, e);
    if (rc == 0)
        rc = digest_bytes(DIGEST_SHA256, bytes.data, bytes.len, &out->digest, e);
    if (rc < 0)
        return rc;
    rc = dsse_parse(buf_str(&bytes), bytes.len, name, &out->envelope, &why);
    if (rc == -ERR_INPUT)
        return finding_of_error(f, FINDING_MALFORMED, rc, &why);
    if (rc < 0)
        *e = why;
    return rc;
}

int evidence_signature(struct evidence *ev, const struct policy_identity *identities, size_t count,
                       const char *who, const char *what, struct finding *f, struct err *e)
{
    int rc = policy_find_signers(identities, count, ev->envelope, &ev->signers, e);
    if (rc == 0 && ev->signers.count == 0)
        return finding_set(f, FINDING_REJECTED, "no %s that the policy trusts signed %s", who,
                           what);
    return rc;
}

int evidence_statement(struct evidence *ev, const char *predicate_type, const char *what,
                       struct finding *f, struct err *e)
{
    const struct dsse_envelope *env = ev->envelope;
    struct err why = ERR_INIT;
    if (!dsse_is_intoto(env))
        return finding_set(f, FINDING_REJECTED,
                           "what was signed is '%.100s', not an in-toto statement",
                           env->payload_type);
    int rc = statement_parse(env->payload, env->payload_len, "the signed statement", &ev->statement,
                             &why);
    if (rc == -ERR_INPUT)
        return finding_of_error(f, FINDING_REJECTED, rc, &why);
    if (rc < 0) {
        *e = why;
        return rc;
    }
    if (strcmp(ev->statement->predicate_type, predicate_type) != 0)
        return finding_set(f, FINDING_REJECTED, "the signed statement is a '%.200s', no %s",
                           ev->statement->predicate_type, what);
    return 0;
}

int evidence_subject(const struct evidence *ev, const struct digest *digest, const char *name,
                     const struct statement_subject **out, struct finding *f)
{
    char text[DIGEST_TEXT_MAX];
    *out = statement_find(ev->statement, digest);
    if (*out == NULL)
        return finding_set(f, FINDING_REJECTED,
                           "'%.200s' is not what was signed: no subject has its digest %s", name,
                           digest_format(digest, text));
    return 0;
}

int evidence_identity(const struct evidence *ev, const char *id, const char *role,
                      const struct policy_signer **out, struct finding *f)
{
    *out = policy_signer_for(&ev->signers, id);
    if (*out == NULL)
        return finding_set(f, FINDING_REJECTED,
                           "the policy does not let this key speak for the %s '%.200s'", role, id);
    return 0;
}

void evidence_dispose(struct evidence *ev)
{
    dsse_free(steal_ptr(&ev->envelope));
    policy_signers_dispose(&ev->signers);
    statement_free(steal_ptr(&ev->statement));
}
