/* SPDX-License-Identifier: Apache-2.0 */
/* assay-diff: compares anything with anything and names the cause. */
#include "base/cli.h"
#include "base/destination.h"
#include "base/json.h"
#include "verifier/explain/explanation.h"

#include <string.h>

static const struct cli_option diff_options[] = {
    {"normalize", 'n', CLI_LIST, "ID[,ID…]",
     "causes that are tolerated: with no others, the two are equivalent (exit 0)"},
    {"signed", 0, CLI_FLAG, NULL,
     "take embedded signatures, and what follows from them, off both sides: what remains must be "
     "equal"},
    {"html", 0, CLI_OUTPUT, "FILE", "also as one page for a ticket (-: to stdout)"},
    {"markdown", 0, CLI_OUTPUT, "FILE", "also in Markdown, for the summary of a CI's job"},
    {"max-bytes", 0, CLI_NUMBER, "N", "decode at most so many bytes (default 2^40)"},
    {"max-members", 0, CLI_NUMBER, "N", "of one archive or file system (default 2000000)"},
    {"max-memory", 0, CLI_NUMBER, "N", "bytes that lists may take (default 2^30)"},
    {"max-depth", 0, CLI_NUMBER, "N", "of things in things (default 16)"},
    {"max-seconds", 0, CLI_NUMBER, "N", "stop after so long, saying so (default: no limit)"},
    {"causes", 0, CLI_FLAG, NULL, "list the causes that there are, and exit"},
};

/* What --signed tolerates: signatures, and where they move things and what is summed up. */
static const char signed_causes[] = "signature.embedded,pack.checksum,pack.layout,";

/* "a,b" and repeated options, as one list; the texts are in `room`. */
static int split_list(const struct cli *cli, struct buf *room, const char ***out, size_t *count,
                      struct err *e)
{
    size_t given = 0;
    size_t cap = 0;
    const char *const *list = cli_list(cli, "normalize", &given);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < given; i++)
        rc = buf_addf(room, e, "%s,", list[i]);
    if (rc == 0 && cli_flag(cli, "signed"))
        rc = buf_add_str(room, signed_causes, e);
    char *at = rc < 0 || room->len == 0 ? NULL : (char *)room->data;
    while (rc == 0 && at != NULL && *at != 0) {
        char *comma = strchr(at, ',');
        *comma = 0;
        if (at[0] != 0 && (rc = array_grow(out, &cap, *count + 1, sizeof(**out), e)) == 0)
            (*out)[(*count)++] = at;
        at = comma + 1;
    }
    return rc;
}

static int list_causes(struct cli *cli, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < cause_count; i++) {
        json_t *o = json_pack("{s:s, s:s, s:s}", "id", causes[i]->id, "title", causes[i]->title,
                              "advice", causes[i]->advice);
        rc = json_push(list, o, e);
        cli_say(cli, "%-20s %s\n", causes[i]->id, causes[i]->title);
    }
    if (rc == 0)
        cli_result(cli, steal_ptr(&list));
    return rc;
}

static void set_budget(const struct cli *cli, struct budget *b)
{
    b->decoded = cli_number(cli, "max-bytes", b->decoded);
    b->members = cli_number(cli, "max-members", b->members);
    b->memory = cli_number(cli, "max-memory", b->memory);
    b->depth = (unsigned)cli_number(cli, "max-depth", b->depth);
    b->seconds = (int64_t)cli_number(cli, "max-seconds", 0);
}

typedef int page_writer(const struct explanation *x, const char *a, const char *b, struct buf *out,
                        struct err *e);

static const struct {
    const char *option;
    page_writer *write;
} pages[] = {{"html", explanation_page}, {"markdown", explanation_markdown}};

static int write_pages(struct cli *cli, const struct explanation *x, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(pages) / sizeof(*pages); i++) {
        AUTO_BUF page = BUF_INIT(64 * 1024 * 1024);
        const char *path = cli_string(cli, pages[i].option);
        if (path != NULL &&
            (rc = pages[i].write(x, cli_arg(cli, 0), cli_arg(cli, 1), &page, e)) == 0)
            rc = destination_write(path, page.data, page.len, e);
    }
    return rc;
}

static int report(struct cli *cli, const struct explanation *x, struct err *e)
{
    AUTO_BUF line = BUF_INIT(65536);
    AUTO_BUF text = BUF_INIT(16 * 1024 * 1024);
    AUTO_JSON json_t *document = NULL;
    int rc = explanation_line(x, &line, e);
    if (rc < 0 || (rc = explanation_text(x, &text, e)) < 0 ||
        (rc = explanation_json(x, &document, e)) < 0 || (rc = write_pages(cli, x, e)) < 0)
        return rc;
    cli_say(cli, "%s\n", buf_str(&line));
    cli_say_lines(cli, buf_str(&text));
    cli_result(cli, steal_ptr(&document));
    return explanation_verdict(x) == EXPLANATION_DIFFERS
               ? err_set(e, ERR_DIFFERS, "'%.255s' and '%.255s': %s", cli_arg(cli, 0),
                         cli_arg(cli, 1), buf_str(&line))
               : 0;
}

static int run_diff(struct cli *cli, struct err *e)
{
    AUTO_EXPLANATION struct explanation *x = NULL;
    AUTO_BUF room = BUF_INIT(65536);
    AUTO_FREE const char **tolerated = NULL;
    size_t count = 0;
    struct budget budget;
    if (cli_flag(cli, "causes"))
        return list_causes(cli, e);
    if (cli_arg_count(cli) != 2)
        return err_set(e, ERR_USAGE, "two things are compared: assay diff A B");
    const char *temp = cli_env(cli, "TMPDIR");
    budget_start(&budget, cli_host(cli), temp != NULL ? temp : "/tmp");
    set_budget(cli, &budget);
    int rc = split_list(cli, &room, &tolerated, &count, e);
    if (rc < 0 || (rc = explanation_new(tolerated, count, &budget, &x, e)) < 0)
        return rc;
    const struct compare c = {.budget = &budget, .found = explanation_add, .context = x};
    rc = compare_paths(&c, cli_arg(cli, 0), cli_arg(cli, 1), e);
    return rc < 0 ? rc : report(cli, x, e);
}

static const struct cli_command commands[] = {
    {.arguments = "A B",
     .exits = "0\tidentical, or equivalent after the causes of --normalize\n"
              "1\tthey differ\n"
              "5\tone of them cannot be read\n",
     .summary = "compare two things and say why they differ",
     .details =
         "A and B are files or directories of any kind: archives, file systems, disks, programs, "
         "text. Kinds are told by content, not by name, and what is inside is opened as far as it "
         "differs. Each difference is put down to a cause; what no cause explains byte for byte "
         "is called content.data or content.code, and is what to look at first.",
     .examples =
         "assay diff a.squashfs b.squashfs\twhat differs, and why\n"
         "assay diff --normalize time.mtime,order.entries a.tar b.tar\ttolerate those\n"
         "assay diff --signed built.efi vendors.efi\tis it the same but for the signature?\n",
     .min_args = 0,
     .max_args = 2,
     .options = diff_options,
     .option_count = CLI_COUNT(diff_options),
     .run = run_diff},
};

static const struct cli_named environment[] = {
    CLI_ENV_TMPDIR("/tmp"),
};

static const struct cli_program program = {
    .name = "assay-diff",
    .summary = "compares anything with anything and names the cause",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .related = "assay-cartesi assay-verify",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
