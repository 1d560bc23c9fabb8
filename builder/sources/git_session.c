/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/git_session.h"

#include "base/place.h"

#include <string.h>

enum { ERRORS_MAX = 4096, HEADER_MAX = 128, USAGE_STATUS = 129 };

/* ---- what git answers: "<id> <type> <size>\n", the bytes, "\n" --------------------------------
 */

enum state { IN_HEADER, IN_DATA, BEHIND_DATA };

struct git_session {
    struct process *process;
    struct git_command command;
    struct buf errors;
    const char *const *env;
    const struct git_request *request; /* that is being answered */
    size_t index;
    enum state state;
    char header[HEADER_MAX];
    size_t header_len;
    uint64_t left;
    struct git_hasher *hasher;
    struct err wrong; /* what an answer was found to be, when rc is not 0 */
    int rc;
};

static int bad_object(const struct git_session *o, const char *why, struct err *e)
{
    char hex[GIT_HEX_MAX + 1];
    return err_set(e, ERR_INPUT, "git object %s %s", git_id_format(&o->request->ids[o->index], hex),
                   why);
}

static int read_size(const struct git_session *o, const char *text, uint64_t *out, struct err *e)
{
    uint64_t size = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 18 || strspn(text, "0123456789") != len)
        return bad_object(o, "has a size that is no number", e);
    for (size_t i = 0; i < len; i++)
        size = size * 10 + (uint64_t)(text[i] - '0');
    if (size > o->request->size_max)
        return bad_object(o, "is too large", e);
    *out = size;
    return 0;
}

static int end_object(struct git_session *o, struct err *e)
{
    struct git_id got;
    int rc = git_hasher_final(o->hasher, &got, e);
    git_hasher_free(o->hasher);
    o->hasher = NULL;
    if (rc < 0)
        return rc;
    if (git_id_compare(&got, &o->request->ids[o->index]) != 0)
        return bad_object(o, "does not match its id", e);
    o->state = BEHIND_DATA;
    return o->request->end(o->request->context, o->index, e);
}

static int begin_object(struct git_session *o, struct err *e)
{
    char hex[GIT_HEX_MAX + 1];
    const struct git_id *id = &o->request->ids[o->index];
    const char *rest = o->header + 2 * id->len;
    size_t type_len = strlen(o->request->type);
    o->header[o->header_len] = '\0';
    if (!str_starts(o->header, git_id_format(id, hex)) || rest[0] != ' ')
        return bad_object(o, "was asked for, git answers with another", e);
    if (strcmp(rest, " missing") == 0)
        return bad_object(o, "is not in the repository", e);
    if (strncmp(rest + 1, o->request->type, type_len) != 0 || rest[1 + type_len] != ' ')
        return err_set(e, ERR_INPUT, "git object %s is no %s", hex, o->request->type);
    int rc = read_size(o, rest + 2 + type_len, &o->left, e);
    if (rc < 0 || (rc = git_hasher_new(o->request->type, o->left, id->len, &o->hasher, e)) < 0 ||
        (rc = o->request->begin(o->request->context, o->index, o->left, e)) < 0)
        return rc;
    o->state = IN_DATA;
    return o->left == 0 ? end_object(o, e) : 0;
}

static int take_header(struct git_session *o, uint8_t byte, struct err *e)
{
    if (o->index >= o->request->count)
        return err_set(e, ERR_INPUT, "git answers with more objects than were asked for");
    if (byte == '\n')
        return begin_object(o, e);
    if (byte == '\0' || o->header_len + 1 >= HEADER_MAX)
        return bad_object(o, "has a bad header", e);
    o->header[o->header_len++] = (char)byte;
    return 0;
}

static int take_data(struct git_session *o, const uint8_t *data, size_t len, struct err *e)
{
    int rc = git_hasher_update(o->hasher, data, len, e);
    if (rc == 0)
        rc = o->request->data(o->request->context, o->index, data, len, e);
    if (rc < 0)
        return rc;
    o->left -= len;
    return o->left == 0 ? end_object(o, e) : 0;
}

static void begin_next(struct git_session *o)
{
    o->state = IN_HEADER;
    o->header_len = 0;
    o->index++;
}

static bool is_answered(const struct git_session *o)
{
    return o->index == o->request->count && o->state == IN_HEADER;
}

/* Enough is when the request is answered. */
static bool take(void *context, const uint8_t *data, size_t len)
{
    struct git_session *o = context;
    while (len > 0 && o->rc == 0) {
        size_t n = 1;
        if (o->state == IN_DATA) {
            n = o->left < len ? (size_t)o->left : len;
            o->rc = take_data(o, data, n, &o->wrong);
        } else if (o->state == IN_HEADER) {
            o->rc = take_header(o, data[0], &o->wrong);
        } else if (data[0] == '\n') {
            begin_next(o);
        } else {
            o->rc = bad_object(o, "is longer than git says", &o->wrong);
        }
        data += n;
        len -= n;
    }
    return o->rc == 0 && !is_answered(o);
}

static int format_ids(const struct git_request *request, struct buf *out, struct err *e)
{
    char hex[GIT_HEX_MAX + 1];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < request->count; i++)
        rc = buf_addf(out, e, "contents %s\n", git_id_format(&request->ids[i], hex));
    return rc == 0 ? buf_add_str(out, "flush\n", e) : rc;
}

/* ---- the process ------------------------------------------------------------------------------
 */

int git_session_open(const struct git_repository *repository, struct git_session **out,
                     struct err *e)
{
    static const char *const args[] = {"cat-file", "--batch-command", "--buffer", NULL};
    AUTO_GIT_SESSION struct git_session *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return err_oom(e);
    s->errors = (struct buf)BUF_INIT(ERRORS_MAX);
    s->env = repository->env;
    int rc = git_command_init(&s->command, repository, args, e);
    if (rc < 0)
        return rc;
    const struct process_options options = {
        .argv = s->command.argv,
        .env = s->command.env,
        .errors = &s->errors,
        .limits = git_limits(repository),
        .sink = take,
        .sink_context = s,
    };
    if ((rc = process_start(&options, &s->process, e)) < 0)
        return rc;
    *out = steal_ptr(&s);
    return 0;
}

void git_session_free(struct git_session *s)
{
    if (s == NULL)
        return;
    process_free(s->process);
    git_hasher_free(s->hasher);
    git_command_dispose(&s->command);
    buf_dispose(&s->errors);
    free(s);
}

/* It ended before it was asked to. */
static int ended_early(struct git_session *s, struct err *e)
{
    char said[PLACE_MESSAGE_MAX];
    int status = 0;
    int rc = process_finish(s->process, &status, e);
    if (rc < 0)
        return rc;
    if (status == USAGE_STATUS)
        return err_set(e, ERR_UNDECIDED, "this machine's git is too old: it must be 2.36 or newer");
    if (status != 0)
        return err_set(e, ERR_INPUT, "git cannot read the repository: %.300s",
                       place_message(buf_str(&s->errors), s->env, said));
    return err_set(e, ERR_INPUT, "git gave fewer objects than were asked for");
}

int git_session_read(struct git_session *s, const struct git_request *request, struct err *e)
{
    AUTO_BUF ids = BUF_INIT((size_t)256 * 1024 * 1024);
    bool ended = false;
    if (request->count == 0)
        return 0;
    s->request = request;
    s->index = 0;
    s->wrong = (struct err)ERR_INIT;
    int rc = format_ids(request, &ids, e);
    if (rc == 0)
        rc = process_talk(s->process, ids.data, ids.len, &ended, e);
    if (s->rc < 0) {
        *e = s->wrong;
        return s->rc;
    }
    return rc < 0 || is_answered(s) ? rc : ended_early(s, e);
}
