/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log/log_commands.h"

#include "attest/passphrase.h"
#include "base/cli.h"
#include "base/destination.h"
#include "base/file.h"
#include "base/json.h"
#include "base/names.h"
#include "base/progress.h"
#include "store/log/line.h"
#include "store/log/log.h"
#include "store/log/proof.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- what several commands do --------------------------------------------------- */

static int read_bounded(const char *path, size_t most, const char *what, struct buf *out,
                        struct err *e)
{
    *out = (struct buf){.max = most};
    int rc = file_read(path, out, e);
    return rc < 0 ? err_wrap(e, "cannot read %s '%s'", what, path) : 0;
}

/* A verifier key: its text, or a file that holds it. */
static int read_vkey(const char *given, struct note_key **out, struct err *e)
{
    struct err ignored = ERR_INIT;
    if (note_key_parse(given, strlen(given), out, &ignored) == 0)
        return 0;
    AUTO_BUF text = BUF_INIT(0);
    int rc = read_bounded(given, NOTE_VKEY_MAX + 1, "verifier key", &text, e);
    if (rc < 0)
        return rc;
    size_t len = text.len > 0 && text.data[text.len - 1] == '\n' ? text.len - 1 : text.len;
    rc = note_key_parse(buf_str(&text), len, out, e);
    return rc < 0 ? err_wrap(e, "verifier key '%s'", given) : 0;
}

static int required_vkey(const struct cli *cli, struct note_key **out, struct err *e)
{
    const char *given = cli_string(cli, "key");
    if (given == NULL)
        return err_set(e, ERR_USAGE, "whose log? give its verifier key with --key VKEY");
    return read_vkey(given, out, e);
}

/* A checkpoint file whose signature is that of `key`. */
static int read_checkpoint(const char *path, const struct note_key *key, struct checkpoint *out,
                           struct err *e)
{
    AUTO_BUF note = BUF_INIT(0);
    int rc = read_bounded(path, NOTE_MAX, "checkpoint", &note, e);
    if (rc == 0) {
        rc = checkpoint_open(note.data, note.len, key, out, e);
        if (rc < 0)
            rc = err_wrap(e, "checkpoint '%s'", path);
    }
    return rc;
}

static int put_root(json_t *doc, const char *key, const struct merkle_hash *root, struct err *e)
{
    AUTO_BUF text = BUF_INIT(64);
    int rc = line_add_hash(root, &text, e);
    if (rc < 0)
        return rc;
    text.data[--text.len] = '\0';
    return json_put_string(doc, key, buf_str(&text), e);
}

static int checkpoint_json(const struct checkpoint *c, json_t **out, struct err *e)
{
    AUTO_JSON json_t *doc = json_object();
    if (doc == NULL)
        return err_oom(e);
    int rc = json_put_string(doc, "origin", c->origin, e);
    if (rc == 0)
        rc = json_put_u64(doc, "size", c->size, e);
    if (rc == 0)
        rc = put_root(doc, "root", &c->root, e);
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

/* The document {"checkpoint": …} of a command, to which the caller may add. */
static int new_result(const struct checkpoint *c, json_t **out, struct err *e)
{
    AUTO_JSON json_t *doc = json_object();
    json_t *inner = NULL;
    if (doc == NULL)
        return err_oom(e);
    int rc = checkpoint_json(c, &inner, e);
    if (rc == 0)
        rc = json_put(doc, "checkpoint", inner, e);
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

/* ---- init ---------------------------------------------------------------------- */

int log_run_init(struct cli *cli, struct err *e)
{
    const char *path = cli_arg(cli, 0);
    const char *origin = cli_string(cli, "origin");
    AUTO_PASSPHRASE char *passphrase = NULL;
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_JSON json_t *doc = NULL;
    if (origin == NULL)
        return err_set(e, ERR_USAGE, "how is the log called? give --origin NAME");
    int rc = passphrase_read(cli, "passphrase for the log's new key", true, &passphrase, e);
    if (rc == 0)
        rc = tlog_create_locked(path, cli_string(cli, "lock"), origin, passphrase, e);
    if (rc == 0)
        rc = tlog_open(path, NULL, &log, e);
    if (rc == 0)
        rc = new_result(tlog_head(log), &doc, e);
    if (rc == 0)
        rc = json_put_string(doc, "vkey", tlog_vkey(log), e);
    if (rc < 0)
        return rc;
    cli_result(cli, steal_ptr(&doc));
    cli_say(cli, "%s\n", tlog_vkey(log));
    return 0;
}

/* ---- append -------------------------------------------------------------------- */

/* The entries, one behind the other in one buffer: a million small ones need no more than that. */
struct files {
    struct buf bytes;
    struct tlog_item *items;
    size_t count;
    size_t room;
};
#define FILES_INIT                                                                                 \
    {                                                                                              \
        .bytes = BUF_INIT(ENTRIES_MAX)                                                             \
    }
/* Bytes of the entries of one append. */
#define ENTRIES_MAX ((size_t)16 << 30)

static void files_dispose(struct files *f)
{
    buf_dispose(&f->bytes);
    free(f->items);
}

static int files_add(struct files *f, const char *path, struct buf *text, struct err *e)
{
    buf_cut(text, 0);
    int rc = file_read(path, text, e);
    if (rc < 0)
        return err_wrap(e, "cannot read entry '%s'", path);
    rc = array_grow(&f->items, &f->room, f->count + 1, sizeof(*f->items), e);
    if (rc == 0 && text->len > 0)
        rc = buf_add(&f->bytes, text->data, text->len, e);
    if (rc == 0)
        f->items[f->count++] = (struct tlog_item){.len = text->len};
    return rc;
}

/* Those of the command line, then those that --from-file names. */
static int files_read(const struct cli *cli, struct files *f, struct err *e)
{
    AUTO_BUF text = BUF_INIT(LOG_ENTRY_MAX);
    AUTO_NAMES names = NAMES_INIT;
    const char *list = cli_string(cli, "from-file");
    const char *passphrase = cli_string(cli, "passphrase-file");
    const char *name = NULL;
    int rc = 0;
    if (list != NULL && passphrase != NULL && strcmp(list, "-") == 0 &&
        strcmp(passphrase, "-") == 0)
        return err_set(e, ERR_USAGE, "stdin is either the list or the passphrase");
    for (size_t i = 1; rc == 0 && i < cli_arg_count(cli); i++)
        rc = files_add(f, cli_arg(cli, i), &text, e);
    if (rc == 0 && list != NULL && (rc = names_open(&names, list, cli_flag(cli, "null"), e)) == 0)
        while ((rc = names_next(&names, &name, e)) == 0 && name != NULL)
            if ((rc = files_add(f, name, &text, e)) < 0)
                return rc;
    if (rc < 0)
        return rc;
    if (f->count == 0)
        return err_set(e, ERR_USAGE, "nothing to append: give FILE..., or --from-file LIST");
    const char *at = buf_str(&f->bytes);
    for (size_t i = 0; i < f->count; at += f->items[i++].len)
        f->items[i].data = at;
    return 0;
}

static int open_to_write(const struct cli *cli, struct tlog **out, struct err *e)
{
    const char *path = cli_arg(cli, 0);
    AUTO_FREE char *prompt = NULL;
    AUTO_FREE char *key = NULL;
    AUTO_PASSPHRASE char *passphrase = NULL;
    int rc = str_format(&prompt, e, "passphrase for the key of log '%s'", path);
    if (rc == 0)
        rc = passphrase_read(cli, prompt, false, &passphrase, e);
    if (rc < 0 || (rc = tlog_key_file(path, &key, e)) < 0)
        return rc;
    passphrase_warn(cli, key);
    return tlog_open(path, passphrase, out, e);
}

static int put_indices(json_t *doc, const uint64_t *indices, size_t count, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = json_push(list, json_integer((json_int_t)indices[i]), e);
    return rc == 0 ? json_put(doc, "indices", steal_ptr(&list), e) : rc;
}

/* The entries are in the log: whoever does not get to hear it is told so, and how to ask again. */
static int say_indices(const struct cli *cli, const uint64_t *indices, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        cli_say(cli, "%" PRIu64 "\n", indices[i]);
    if (fflush(stdout) != 0 || ferror(stdout))
        return err_os(e, errno,
                      "the log has it all, from entry %" PRIu64
                      " (append it again to be told: nothing is added twice), but cannot write to "
                      "stdout",
                      indices[0]);
    return 0;
}

int log_run_append(struct cli *cli, struct err *e)
{
    AUTO(files_dispose) struct files files = FILES_INIT;
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    AUTO_JSON json_t *doc = NULL;
    const char *output = cli_string(cli, "output");
    int rc = files_read(cli, &files, e);
    if (rc < 0)
        return rc;
    AUTO_FREE uint64_t *indices = array_new(files.count, sizeof(*indices));
    if (indices == NULL)
        return err_oom(e);
    rc = open_to_write(cli, &log, e);
    if (rc == 0)
        rc = tlog_record_all(log, files.items, files.count, indices, e);
    if (rc == 0)
        rc = new_result(tlog_head(log), &doc, e);
    if (rc == 0)
        rc = json_put_u64(doc, "index", indices[0], e);
    if (rc == 0)
        rc = json_put_u64(doc, "count", files.count, e);
    if (rc == 0 && cli_json(cli))
        rc = put_indices(doc, indices, files.count, e);
    if (rc < 0)
        return rc;
    cli_result(cli, steal_ptr(&doc));
    if (output != NULL && ((rc = tlog_checkpoint(log, &note, e)) < 0 ||
                           (rc = destination_write(output, note.data, note.len, e)) < 0))
        rc = err_wrap(e, "the log has it all, from entry %" PRIu64, indices[0]);
    struct err ignored = ERR_INIT;
    int said = say_indices(cli, indices, files.count, rc == 0 ? e : &ignored);
    return rc == 0 ? said : rc;
}

/* ---- show, checkpoint ------------------------------------------------------------ */

static bool parse_index(const char *text, uint64_t *out)
{
    const struct line line = {.text = text, .len = strlen(text)};
    return line_number(&line, out);
}

static int show_log(struct cli *cli, const struct tlog *log, struct err *e)
{
    const struct checkpoint *head = tlog_head(log);
    AUTO_JSON json_t *doc = NULL;
    AUTO_BUF root = BUF_INIT(64);
    int rc = new_result(head, &doc, e);
    if (rc == 0)
        rc = json_put_string(doc, "vkey", tlog_vkey(log), e);
    if (rc == 0)
        rc = line_add_hash(&head->root, &root, e);
    if (rc < 0)
        return rc;
    root.data[--root.len] = 0; /* its newline */
    cli_result(cli, steal_ptr(&doc));
    cli_say(cli, "origin  %s\nsize    %" PRIu64 "\nroot    %s\nvkey    %s\n", head->origin,
            head->size, buf_str(&root), tlog_vkey(log));
    return 0;
}

static int show_entry(struct cli *cli, struct tlog *log, const char *index_text, struct err *e)
{
    AUTO_BUF entry = BUF_INIT(LOG_ENTRY_MAX);
    AUTO_JSON json_t *doc = NULL;
    struct digest d;
    uint64_t index;
    if (!parse_index(index_text, &index))
        return err_set(e, ERR_USAGE, "'%s' is not the index of an entry", index_text);
    int rc = tlog_entry(log, index, &entry, e);
    if (rc == 0)
        rc = digest_bytes(DIGEST_SHA256, entry.data, entry.len, &d, e);
    if (rc == 0)
        rc = new_result(tlog_head(log), &doc, e);
    if (rc == 0)
        rc = json_put_u64(doc, "index", index, e);
    if (rc == 0)
        rc = json_put_u64(doc, "entrySize", entry.len, e);
    if (rc == 0)
        rc = json_put_digest(doc, "entryDigest", &d, e);
    if (rc == 0)
        rc = cli_document(cli, entry.data, entry.len, e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}

int log_run_show(struct cli *cli, struct err *e)
{
    AUTO_TLOG struct tlog *log = NULL;
    if (cli_arg_count(cli) == 1 && cli_string(cli, "output") != NULL)
        return err_set(e, ERR_USAGE, "--output is for an entry: give its INDEX");
    int rc = tlog_open(cli_arg(cli, 0), NULL, &log, e);
    if (rc < 0)
        return rc;
    return cli_arg_count(cli) == 1 ? show_log(cli, log, e)
                                   : show_entry(cli, log, cli_arg(cli, 1), e);
}

int log_run_checkpoint(struct cli *cli, struct err *e)
{
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    AUTO_JSON json_t *doc = NULL;
    int rc = tlog_open(cli_arg(cli, 0), NULL, &log, e);
    if (rc == 0)
        rc = tlog_checkpoint(log, &note, e);
    if (rc == 0)
        rc = new_result(tlog_head(log), &doc, e);
    if (rc == 0)
        rc = json_put_string(doc, "note", buf_str(&note), e);
    if (rc == 0)
        rc = cli_document(cli, note.data, note.len, e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}

/* ---- prove, check ------------------------------------------------------------------ */

/* Which entry --index or --entry means. */
static int wanted_index(const struct cli *cli, struct tlog *log, uint64_t *out, struct err *e)
{
    const char *file = cli_string(cli, "entry");
    const char *number = cli_string(cli, "index");
    AUTO_BUF entry = BUF_INIT(0);
    bool found = false;
    if ((file == NULL) == (number == NULL))
        return err_set(e, ERR_USAGE, "which entry? give one of --index N and --entry FILE");
    if (file == NULL) {
        *out = cli_number(cli, "index", 0);
        return 0;
    }
    int rc = read_bounded(file, LOG_ENTRY_MAX, "entry", &entry, e);
    if (rc == 0)
        rc = tlog_find(log, entry.data, entry.len, &found, out, e);
    if (rc == 0 && !found)
        rc = err_set(e, ERR_LOG, "'%s' is not in log '%s'", file, cli_arg(cli, 0));
    return rc;
}

int log_run_prove(struct cli *cli, struct err *e)
{
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_BUF proof = BUF_INIT(PROOF_MAX);
    AUTO_JSON json_t *doc = NULL;
    uint64_t index = 0;
    int rc = tlog_open(cli_arg(cli, 0), NULL, &log, e);
    if (rc == 0)
        rc = wanted_index(cli, log, &index, e);
    if (rc == 0)
        rc = tlog_prove(log, index, &proof, e);
    if (rc == 0)
        rc = new_result(tlog_head(log), &doc, e);
    if (rc == 0)
        rc = json_put_u64(doc, "index", index, e);
    if (rc == 0)
        rc = json_put_string(doc, "proof", buf_str(&proof), e);
    if (rc == 0)
        rc = cli_document(cli, proof.data, proof.len, e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}

static int read_consistency(const char *path, struct tlog_consistency **out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(0);
    int rc = read_bounded(path, PROOF_MAX, "consistency proof", &text, e);
    if (rc == 0) {
        rc = consistency_parse(text.data, text.len, out, e);
        if (rc < 0)
            rc = err_wrap(e, "consistency proof '%s'", path);
    }
    return rc;
}

/* The proof's checkpoint continues the one of --since, by the document of --consistency when it is
 * a newer one. */
static int check_since(const struct cli *cli, const struct note_key *key,
                       const struct checkpoint *proven, struct err *e)
{
    const char *since = cli_string(cli, "since");
    const char *document = cli_string(cli, "consistency");
    AUTO_CONSISTENCY struct tlog_consistency *proof = NULL;
    struct checkpoint old = {0};
    struct checkpoint reached = {0};
    if (since == NULL && document == NULL)
        return 0;
    if (since == NULL)
        return err_set(e, ERR_USAGE, "--consistency says how --since is continued: give both");
    int rc = read_checkpoint(since, key, &old, e);
    if (rc < 0)
        return rc;
    if (proven->size < old.size)
        return err_set(e, ERR_LOG,
                       "the proof's checkpoint (size %" PRIu64
                       ") is older than checkpoint '%s' (size %" PRIu64 ")",
                       proven->size, since, old.size);
    reached = old;
    if (document != NULL) {
        rc = read_consistency(document, &proof, e);
        if (rc == 0)
            rc = consistency_check(proof, key, &old, &reached, e);
        if (rc < 0)
            return err_wrap(e, "'%s' does not continue checkpoint '%s'", document, since);
    }
    if (reached.size != proven->size || !merkle_equal(&reached.root, &proven->root))
        return err_set(e, ERR_LOG,
                       "%s '%s' is of size %" PRIu64 " and the proof's checkpoint of size %" PRIu64
                       "%s",
                       document != NULL ? "the checkpoint of" : "checkpoint",
                       document != NULL ? document : since, reached.size, proven->size,
                       reached.size == proven->size ? ", with two roots: the log is forked"
                                                    : ": give the --consistency between them");
    return 0;
}

int log_run_check(struct cli *cli, struct err *e)
{
    const char *file = cli_string(cli, "entry");
    AUTO_NOTE_KEY struct note_key *key = NULL;
    AUTO_PROOF struct tlog_proof *proof = NULL;
    AUTO_BUF text = BUF_INIT(0);
    AUTO_BUF entry = BUF_INIT(0);
    AUTO_JSON json_t *doc = NULL;
    struct checkpoint c = {0};
    if (file == NULL)
        return err_set(e, ERR_USAGE, "what should be in the log? give --entry FILE");
    int rc = required_vkey(cli, &key, e);
    if (rc == 0)
        rc = read_bounded(cli_arg(cli, 0), PROOF_MAX, "proof", &text, e);
    if (rc == 0)
        rc = read_bounded(file, LOG_ENTRY_MAX, "entry", &entry, e);
    if (rc == 0)
        rc = proof_parse(text.data, text.len, &proof, e);
    if (rc == 0)
        rc = proof_check(proof, key, entry.data, entry.len, &c, e);
    if (rc < 0 || proof == NULL)
        return err_wrap(e, "'%s' does not show that '%s' is in the log", cli_arg(cli, 0), file);
    rc = check_since(cli, key, &c, e);
    if (rc == 0)
        rc = new_result(&c, &doc, e);
    if (rc == 0)
        rc = json_put_u64(doc, "index", proof->index, e);
    if (rc < 0)
        return rc;
    cli_result(cli, steal_ptr(&doc));
    cli_say(cli, "'%s' is entry %" PRIu64 " of log '%s', which had %s then\n", file, proof->index,
            c.origin, COUNTED(c.size, "entry"));
    return 0;
}

/* ---- consistency ------------------------------------------------------------------- */

int log_run_consistency(struct cli *cli, struct err *e)
{
    const char *from = cli_string(cli, "from");
    AUTO_TLOG struct tlog *log = NULL;
    AUTO_BUF note = BUF_INIT(0);
    AUTO_BUF proof = BUF_INIT(PROOF_MAX);
    AUTO_JSON json_t *doc = NULL;
    if (from == NULL)
        return err_set(e, ERR_USAGE, "since when? give --from CHECKPOINT");
    int rc = tlog_open(cli_arg(cli, 0), NULL, &log, e);
    if (rc == 0)
        rc = read_bounded(from, NOTE_MAX, "checkpoint", &note, e);
    if (rc == 0)
        rc = tlog_prove_consistency(log, note.data, note.len, &proof, e);
    if (rc == 0)
        rc = new_result(tlog_head(log), &doc, e);
    if (rc == 0)
        rc = json_put_string(doc, "proof", buf_str(&proof), e);
    if (rc == 0)
        rc = cli_document(cli, proof.data, proof.len, e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}

int log_run_check_consistency(struct cli *cli, struct err *e)
{
    const char *from = cli_string(cli, "from");
    AUTO_NOTE_KEY struct note_key *key = NULL;
    AUTO_CONSISTENCY struct tlog_consistency *proof = NULL;
    AUTO_JSON json_t *doc = NULL;
    struct checkpoint old = {0};
    struct checkpoint c = {0};
    if (from == NULL)
        return err_set(e, ERR_USAGE, "since when? give --from CHECKPOINT");
    int rc = required_vkey(cli, &key, e);
    if (rc == 0)
        rc = read_checkpoint(from, key, &old, e);
    if (rc == 0)
        rc = read_consistency(cli_arg(cli, 0), &proof, e);
    if (rc < 0)
        return rc;
    rc = consistency_check(proof, key, &old, &c, e);
    if (rc < 0)
        return err_wrap(e, "'%s' does not continue checkpoint '%s'", cli_arg(cli, 0), from);
    rc = new_result(&c, &doc, e);
    if (rc == 0)
        rc = json_put_u64(doc, "oldSize", old.size, e);
    if (rc < 0)
        return rc;
    cli_result(cli, steal_ptr(&doc));
    cli_say(cli, "log '%s' of %s continues the one of %" PRIu64 ": nothing was rewritten\n",
            c.origin, COUNTED(c.size, "entry"), old.size);
    return 0;
}

/* ---- audit ------------------------------------------------------------------------- */

static void audit_progress(void *context, uint64_t done, uint64_t total)
{
    progress_show(context, "auditing entries", done, total);
}

typedef int auditor(const char *path, const struct tlog_audit_options *options,
                    struct tlog_audit *out, struct err *e);

/* What audit, relock and move-lock have in common: the options, the work, the result. */
static int run_auditor(struct cli *cli, auditor *run, struct tlog_audit *out, struct err *e)
{
    const char *vkey = cli_string(cli, "key");
    const char *against = cli_string(cli, "against");
    AUTO_NOTE_KEY struct note_key *key = NULL;
    AUTO_BUF note = BUF_INIT(0);
    AUTO_JSON json_t *doc = NULL;
    struct tlog_audit_options options = {.lock = cli_arg_count(cli) > 1 ? cli_arg(cli, 1) : NULL,
                                         .progress = audit_progress};
    int rc = vkey == NULL ? 0 : read_vkey(vkey, &key, e);
    if (rc == 0 && against != NULL)
        rc = read_bounded(against, NOTE_MAX, "checkpoint", &note, e);
    if (rc < 0)
        return rc;
    options.key = key;
    options.against = against == NULL ? NULL : note.data;
    options.against_len = note.len;
    if (against != NULL && note.len == 0)
        return err_set(e, ERR_INPUT, "checkpoint '%s' is empty", against);
    options.context = progress_start(!cli_quiet(cli) && !cli_json(cli));
    rc = run(cli_arg(cli, 0), &options, out, e);
    progress_end(options.context);
    if (rc == 0)
        rc = new_result(&out->head, &doc, e);
    if (rc == 0)
        rc = json_put_u64(doc, "checkpoints", out->checkpoints, e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}

int log_run_audit(struct cli *cli, struct err *e)
{
    struct tlog_audit result;
    int rc = run_auditor(cli, tlog_audit, &result, e);
    if (rc < 0)
        return rc;
    if (result.head.size == 0)
        return err_set(e, ERR_INPUT, "log '%s' has no entry: there is nothing to audit",
                       result.head.origin);
    cli_say(cli, "log '%s' is sound: %s, %s, every hash and signature verified%s\n",
            result.head.origin, COUNTED(result.head.size, "entry"),
            COUNTED(result.checkpoints, "checkpoint"),
            cli_string(cli, "key") == NULL
                ? " (with the log's own vkey; --key names one that you trust)"
                : "");
    return 0;
}

int log_run_relock(struct cli *cli, struct err *e)
{
    struct tlog_audit result;
    if (cli_string(cli, "against") == NULL)
        return err_set(e, ERR_USAGE,
                       "from what? give --against CHECKPOINT, the newest that was "
                       "kept by anybody");
    int rc = run_auditor(cli, tlog_relock, &result, e);
    if (rc < 0)
        return rc;
    cli_say(cli, "log '%s' has its lock file again, at %s\n", result.head.origin,
            COUNTED(result.head.size, "entry"));
    return 0;
}

int log_run_move_lock(struct cli *cli, struct err *e)
{
    struct tlog_audit result;
    int rc = run_auditor(cli, tlog_move_lock, &result, e);
    if (rc == 0)
        cli_say(cli, "log '%s' has its lock file at '%s' now, at %s\n", result.head.origin,
                cli_arg(cli, 1), COUNTED(result.head.size, "entry"));
    return rc;
}
