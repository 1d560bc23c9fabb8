/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cli.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/cli_help.h"
#include "base/destination.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct cli_value {
    const struct cli_option *option;
    const char *text; /* flags: any non-NULL */
};

struct cli {
    const struct cli_program *program;
    const struct cli_command *command;
    struct cli_value *values; /* in the order given */
    size_t value_count;
    const char **args;
    size_t arg_count;
    const char **list; /* what cli_list hands out */
    json_t *result;
    const char *special; /* --help and its like, when one was given */
    bool json;
    bool quiet;
    bool verbose;
    bool stdout_taken;     /* by an output: talk goes to stderr */
    enum err_code verdict; /* ERR_NONE: there is none, or a good one */
    char verdict_line[ERR_FRAME_MAX + 64];
};

const struct cli_option cli_common_options[] = {
    {"help", 'h', CLI_FLAG, NULL, "explain this command and exit"},
    {"version", 0, CLI_FLAG, NULL, "print the version and exit"},
    {"json", 0, CLI_FLAG, NULL, "print one JSON document instead of text"},
    {"quiet", 'q', CLI_FLAG, NULL, "print nothing but errors"},
    {"verbose", 'v', CLI_FLAG, NULL, "say more on stderr"},
    {"help-json", 0, CLI_FLAG, NULL, "print the tables of commands and options as JSON"},
    {"help-man", 0, CLI_FLAG, NULL, "print the manual page (mdoc)"},
    {"help-bash", 0, CLI_FLAG, NULL, "print the completion for bash"},
    {"help-zsh", 0, CLI_FLAG, NULL, "print the completion for zsh"},
    {"help-fish", 0, CLI_FLAG, NULL, "print the completion for fish"},
};
const size_t cli_common_count = CLI_COUNT(cli_common_options);

static bool option_is(const struct cli_option *o, const char *name, size_t len, char letter)
{
    if (name == NULL)
        return o->letter == letter;
    return strlen(o->name) == len && memcmp(o->name, name, len) == 0;
}

/* By name (of `len` bytes), or by letter when name is NULL; the command's own table comes first. */
static const struct cli_option *find_option(const struct cli *cli, const char *name, size_t len,
                                            char letter)
{
    const struct cli_command *c = cli->command;
    for (size_t i = 0; c != NULL && i < c->option_count; i++)
        if (option_is(&c->options[i], name, len, letter))
            return &c->options[i];
    for (size_t i = 0; i < cli_common_count; i++)
        if (option_is(&cli_common_options[i], name, len, letter))
            return &cli_common_options[i];
    return NULL;
}

bool cli_is_common(const char *word)
{
    static const struct cli none = {.command = NULL};
    if (word[0] != '-' || word[1] == 0)
        return false;
    if (word[1] == '-')
        return find_option(&none, word + 2, strlen(word + 2), 0) != NULL;
    for (const char *p = word + 1; *p != 0; p++)
        if (find_option(&none, NULL, 0, *p) == NULL)
            return false;
    return true;
}

static bool is_common(const struct cli_option *o)
{
    return o >= cli_common_options && o < cli_common_options + cli_common_count;
}

static int take_common(struct cli *cli, const struct cli_option *o)
{
    if (strcmp(o->name, "json") == 0)
        cli->json = true;
    else if (strcmp(o->name, "quiet") == 0)
        cli->quiet = true;
    else if (strcmp(o->name, "verbose") == 0)
        cli->verbose = true;
    else if (cli->special == NULL)
        cli->special = o->name;
    return 0;
}

static int check_number(const struct cli_option *o, const char *text, struct err *e)
{
    size_t len = strlen(text);
    bool good = len > 0 && len <= 18;
    for (size_t i = 0; good && i < len; i++)
        good = text[i] >= '0' && text[i] <= '9';
    if (!good)
        return err_set(e, ERR_USAGE, "--%s takes a decimal number, not '%s'", o->name, text);
    return 0;
}

static int take_value(struct cli *cli, const struct cli_option *o, const char *text, struct err *e)
{
    if (is_common(o))
        return take_common(cli, o);
    if (o->kind == CLI_NUMBER) {
        int rc = check_number(o, text, e);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; o->kind != CLI_LIST && o->kind != CLI_FLAG && i < cli->value_count; i++)
        if (cli->values[i].option == o)
            return err_set(e, ERR_USAGE, "--%s is given twice", o->name);
    cli->values[cli->value_count].option = o;
    cli->values[cli->value_count++].text = text;
    return 0;
}

enum { TYPED_MAX = 80, SEE_MAX = TYPED_MAX + 24 };

/* " (see 'assay plan show --help')" */
static const char *see_help(const struct cli *cli, char out[SEE_MAX])
{
    char typed[TYPED_MAX];
    cli_typed_name(cli->program, cli->command, typed, sizeof(typed));
    (void)snprintf(out, SEE_MAX, " (see '%s --help')", typed);
    return out;
}

static int unknown_option(const struct cli *cli, const char *name, size_t len, struct err *e)
{
    const struct cli_command *c = cli->command;
    size_t own = c != NULL ? c->option_count : 0;
    AUTO_FREE const char **names = array_new(own + cli_common_count + 1, sizeof(*names));
    AUTO_FREE char *given = NULL;
    char see[SEE_MAX];
    char hint[NEAREST_HINT_MAX];
    int rc = names == NULL ? err_oom(e) : str_format(&given, e, "%.*s", (int)len, name);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < own; i++)
        names[i] = c->options[i].name;
    for (size_t i = 0; i < cli_common_count; i++)
        names[own + i] = cli_common_options[i].name;
    const char *near = nearest_name(given, names);
    if (near != NULL)
        (void)text_print(hint, sizeof(hint), " (did you mean '--%s'?)", near);
    else
        (void)text_print(hint, sizeof(hint), "%s", see_help(cli, see));
    bool early = c == NULL && cli->program->command_count > 1;
    return err_set(e, ERR_USAGE, "unknown option '--%s'%s%s", given,
                   early ? " before the command" : "", hint);
}

/* "--name", "--name=value", "--name value"; *i moves past a separate value. */
static int take_long(struct cli *cli, int argc, char **argv, int *i, struct err *e)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct cli_option *o = find_option(cli, name, len, 0);
    if (o == NULL)
        return unknown_option(cli, name, len, e);
    if (o->kind == CLI_FLAG) {
        if (equals != NULL)
            return err_set(e, ERR_USAGE, "--%s takes no value", o->name);
        return take_value(cli, o, "", e);
    }
    if (equals != NULL)
        return take_value(cli, o, equals + 1, e);
    if (*i + 1 >= argc)
        return err_set(e, ERR_USAGE, "--%s needs a value %s", o->name, o->value);
    return take_value(cli, o, argv[++*i], e);
}

/* "-x", "-xVALUE", "-x VALUE", "-xyz" for flags. */
static int take_short(struct cli *cli, int argc, char **argv, int *i, struct err *e)
{
    for (const char *p = argv[*i] + 1; *p != 0; p++) {
        const struct cli_option *o = find_option(cli, NULL, 0, *p);
        if (o == NULL) {
            char see[SEE_MAX];
            return err_set(e, ERR_USAGE, "unknown option '-%c'%s", *p, see_help(cli, see));
        }
        int rc;
        if (o->kind != CLI_FLAG) {
            if (p[1] != 0)
                return take_value(cli, o, p + 1, e);
            if (*i + 1 >= argc)
                return err_set(e, ERR_USAGE, "-%c needs a value %s", *p, o->value);
            return take_value(cli, o, argv[++*i], e);
        }
        rc = take_value(cli, o, "", e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* NULL-terminated; NULL when out of memory. */
static const char **command_names(const struct cli_program *p)
{
    const char **names = array_new(p->command_count + 1, sizeof(*names));
    for (size_t i = 0; names != NULL && i < p->command_count; i++)
        names[i] = p->commands[i].name;
    return names;
}

static int find_command(struct cli *cli, const char *name, struct err *e)
{
    const struct cli_program *p = cli->program;
    for (size_t i = 0; i < p->command_count; i++)
        if (strcmp(p->commands[i].name, name) == 0) {
            cli->command = &p->commands[i];
            return 0;
        }
    AUTO_FREE const char **names = command_names(p);
    char see[SEE_MAX];
    char hint[NEAREST_HINT_MAX];
    if (names == NULL)
        return err_oom(e);
    return err_set(e, ERR_USAGE, "unknown command '%s'%s", name,
                   nearest_hint(name, names, see_help(cli, see), hint));
}

/* "no command given: show, diff (see 'assay plan --help')" */
static int no_command(const struct cli *cli, struct err *e)
{
    const struct cli_program *p = cli->program;
    AUTO_BUF all = BUF_INIT(ERR_FRAME_MAX);
    char see[SEE_MAX];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->command_count; i++)
        rc = buf_addf(&all, e, "%s%s", i == 0 ? "" : ", ", p->commands[i].name);
    return rc < 0
               ? rc
               : err_set(e, ERR_USAGE, "no command given: %s%s", buf_str(&all), see_help(cli, see));
}

static int check_arguments(const struct cli *cli, struct err *e)
{
    const struct cli_command *c = cli->command;
    char typed[TYPED_MAX];
    char see[SEE_MAX];
    cli_typed_name(cli->program, c, typed, sizeof(typed));
    if (cli->arg_count < c->min_args)
        return err_set(e, ERR_USAGE, "%s: usage: %s [OPTIONS] %s%s",
                       cli->arg_count == 0 ? "arguments are missing" : "an argument is missing",
                       typed, c->arguments, see_help(cli, see));
    if (cli->arg_count > c->max_args)
        return err_set(e, ERR_USAGE, "unexpected argument '%s': usage: %s [OPTIONS] %s%s",
                       cli->args[c->max_args], typed, c->arguments, see_help(cli, see));
    return 0;
}

static int parse(struct cli *cli, int argc, char **argv, struct err *e)
{
    bool options_end = false;
    int rc = 0;
    if (cli->program->command_count == 1 && cli->program->commands[0].name == NULL)
        cli->command = &cli->program->commands[0];
    for (int i = 1; rc == 0 && i < argc; i++) {
        const char *a = argv[i];
        if (!options_end && strcmp(a, "--") == 0)
            options_end = true;
        else if (!options_end && a[0] == '-' && a[1] == '-')
            rc = take_long(cli, argc, argv, &i, e);
        else if (!options_end && a[0] == '-' && a[1] != 0)
            rc = take_short(cli, argc, argv, &i, e);
        else if (cli->command == NULL)
            rc = find_command(cli, a, e);
        else
            cli->args[cli->arg_count++] = a;
    }
    if (rc < 0 || cli->special != NULL)
        return rc;
    if (cli->command == NULL)
        return no_command(cli, e);
    return check_arguments(cli, e);
}

/* Where the command shall write is looked at before it works. */
static int check_output(struct cli *cli, const struct cli_option *o, const char *path,
                        struct err *e)
{
    bool is_dash = strcmp(path, "-") == 0;
    if (is_dash && (o->kind == CLI_OUTPUT_DIR || o->kind == CLI_OUTPUT_NEW))
        return err_set(e, ERR_USAGE, "--%s - is stdout, and this is a directory ('./-' is one)",
                       o->name);
    if (o->kind == CLI_OUTPUT_DIR)
        return destination_check_dir(path, e);
    if (o->kind == CLI_OUTPUT_NEW)
        return destination_check_new(path, e);
    int rc = o->kind == CLI_OUTPUT ? destination_check(path, e) : destination_check_path(path, e);
    if (rc < 0 || !destination_is_stdout(path))
        return rc;
    if (cli->json)
        return err_set(e, ERR_USAGE, "--%s '%s' and --json both write to stdout", o->name, path);
    cli->stdout_taken = true;
    return 0;
}

static int check_outputs(struct cli *cli, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < cli->value_count; i++)
        if (cli->values[i].option->kind >= CLI_OUTPUT)
            rc = check_output(cli, cli->values[i].option, cli->values[i].text, e);
    return rc;
}

static void print_json(json_t *document)
{
    AUTO_BUF text = BUF_INIT(SIZE_MAX / 4);
    struct err e = ERR_INIT;
    if (json_pretty(document, &text, &e) == 0)
        (void)fwrite(text.data, 1, text.len, stdout);
}

static json_t *error_json(const struct err *e)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    json_t *chain = json_array();
    for (unsigned i = e->depth; i-- > 0;)
        (void)json_array_append_new(chain, json_string(e->frame[i]));
    return json_pack("{s:s, s:i, s:s, s:o}", "code", err_code_name(e->code), "exit", (int)e->code,
                     "message", err_line(e, line, sizeof(line)), "chain", chain);
}

static int report(struct cli *cli, int rc, const struct err *e)
{
    if (rc < 0) {
        char line[ERR_FRAMES * ERR_FRAME_MAX];
        fprintf(stderr, "%s: %s\n", cli->program->name, err_line(e, line, sizeof(line)));
    } else if (cli->verdict != ERR_NONE) {
        fprintf(stderr, "%s: %s\n", cli->program->name, cli->verdict_line);
    }
    if (cli->json) {
        if (rc < 0) {
            AUTO_JSON json_t *document = json_object();
            (void)json_object_set_new(document, "error", error_json(e));
            if (cli->result != NULL)
                (void)json_object_set(document, "result", cli->result);
            print_json(document);
        } else if (cli->result != NULL) {
            print_json(cli->result);
        }
    }
    /* A full disk under stdout must not look like success. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (rc < 0)
            return -rc; /* one line has been said */
        fprintf(stderr, "%s: cannot write to stdout\n", cli->program->name);
        return ERR_HOST;
    }
    return rc < 0 ? -rc : (int)cli->verdict;
}

/* Who closed one of the first three descriptors gets one that fails, not the next file opened. */
static void fill_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_PATH) != fd)
            _exit(ERR_HOST);
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
    struct cli cli = {.program = program};
    struct err e = ERR_INIT;
    fill_descriptors();
    cleanup_start(program->name);
    size_t most = argc > 0 ? (size_t)argc : 1;
    /* One option letter each: no argument holds more values than it has characters. */
    for (int i = 1; i < argc; i++)
        most += strlen(argv[i]);
    AUTO_FREE struct cli_value *values = array_new(most, sizeof(*values));
    AUTO_FREE const char **args = array_new(most, sizeof(*args));
    AUTO_FREE const char **list = array_new(most, sizeof(*list));
    int rc = values == NULL || args == NULL || list == NULL ? err_oom(&e) : 0;
    cli.values = values;
    cli.args = args;
    cli.list = list;
    if (rc == 0)
        rc = parse(&cli, argc, argv, &e);
    if (rc == 0 && cli.special != NULL)
        cli_help_print(program, cli.command, cli.special);
    else if (rc == 0 && cli.command != NULL && (rc = check_outputs(&cli, &e)) == 0)
        rc = cli.command->run(&cli, &e);
    rc = report(&cli, rc, &e);
    json_decref(cli.result);
    return rc;
}

static const struct cli_option *known(const struct cli *cli, const char *name)
{
    const struct cli_option *o = find_option(cli, name, strlen(name), 0);
    if (o == NULL)
        abort();
    return o;
}

const char *cli_string(const struct cli *cli, const char *name)
{
    const struct cli_option *o = known(cli, name);
    for (size_t i = 0; i < cli->value_count; i++)
        if (cli->values[i].option == o)
            return cli->values[i].text;
    return NULL;
}

bool cli_flag(const struct cli *cli, const char *name)
{
    return cli_string(cli, name) != NULL;
}

const char *const *cli_list(const struct cli *cli, const char *name, size_t *count)
{
    const struct cli_option *o = known(cli, name);
    /* Each option has its own run inside `list`: as many slots as values in all come before it. */
    size_t start = 0;
    for (const struct cli_option *p = cli->command->options; p < o; p++)
        for (size_t i = 0; i < cli->value_count; i++)
            start += cli->values[i].option == p;
    size_t n = 0;
    for (size_t i = 0; i < cli->value_count; i++)
        if (cli->values[i].option == o)
            cli->list[start + n++] = cli->values[i].text;
    *count = n;
    return cli->list + start;
}

uint64_t cli_number(const struct cli *cli, const char *name, uint64_t missing)
{
    const char *text = cli_string(cli, name);
    return text == NULL ? missing : strtoull(text, NULL, 10);
}

size_t cli_arg_count(const struct cli *cli)
{
    return cli->arg_count;
}

const char *cli_arg(const struct cli *cli, size_t index)
{
    return index < cli->arg_count ? cli->args[index] : NULL;
}

const char *cli_env(const struct cli *cli, const char *name)
{
    (void)cli;
    const char *value = getenv(name);
    return value != NULL && *value != 0 ? value : NULL;
}

const struct host *cli_host(const struct cli *cli)
{
    (void)cli;
    return host_real();
}

bool cli_json(const struct cli *cli)
{
    return cli->json;
}

bool cli_quiet(const struct cli *cli)
{
    return cli->quiet;
}

bool cli_verbose(const struct cli *cli)
{
    return cli->verbose;
}

void cli_verdict(struct cli *cli, enum err_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    cli->verdict = code;
    (void)text_vprint(cli->verdict_line, sizeof(cli->verdict_line), TEXT_CLEANED, fmt, args);
    va_end(args);
}

void cli_result(struct cli *cli, json_t *document_taken)
{
    json_decref(cli->result);
    cli->result = document_taken;
}

static void put_stream(void *context, const char *data, size_t len)
{
    (void)fwrite(data, 1, len, context);
}

void cli_say(const struct cli *cli, const char *fmt, ...)
{
    if (cli->json || cli->quiet)
        return;
    va_list args;
    va_start(args, fmt);
    text_vformat(put_stream, cli->stdout_taken ? stderr : stdout, TEXT_CLEANED, fmt, args);
    va_end(args);
}

void cli_say_lines(const struct cli *cli, const char *text)
{
    for (const char *end; *text != 0; text = *end != 0 ? end + 1 : end) {
        end = strchrnul(text, '\n');
        cli_say(cli, "%.*s\n", (int)(end - text), text);
    }
}

__attribute__((format(printf, 2, 0))) static void talk(const struct cli *cli, const char *fmt,
                                                       va_list args)
{
    fprintf(stderr, "%s: ", cli->program->name);
    text_vformat(put_stream, stderr, TEXT_CLEANED, fmt, args);
    fputc('\n', stderr);
}

void cli_note(const struct cli *cli, const char *fmt, ...)
{
    if (!cli->verbose)
        return;
    va_list args;
    va_start(args, fmt);
    talk(cli, fmt, args);
    va_end(args);
}

void cli_warn(const struct cli *cli, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    talk(cli, fmt, args);
    va_end(args);
}

int cli_write(const struct cli *cli, const void *data, size_t len, struct err *e)
{
    (void)cli;
    if (fwrite(data, 1, len, stdout) != len || fflush(stdout) != 0)
        return err_os(e, errno, "cannot write to stdout");
    return 0;
}

int cli_document(const struct cli *cli, const void *data, size_t len, struct err *e)
{
    const char *path = cli_string(cli, "output");
    if (path != NULL)
        return destination_write(path, data, len, e);
    return cli->json ? 0 : cli_write(cli, data, len, e);
}

int cli_store_path(const struct cli *cli, char **out, struct err *e)
{
    const char *given = cli_string(cli, "store");
    if (given == NULL)
        given = cli_env(cli, "ASSAY_STORE");
    if (given != NULL)
        return str_copy(out, given, e);
    const char *data = cli_env(cli, "XDG_DATA_HOME");
    if (data != NULL && data[0] == '/')
        return str_format(out, e, "%s/assay/store", data);
    const char *home = cli_env(cli, "HOME");
    if (home == NULL || home[0] != '/')
        return err_set(e, ERR_USAGE, "no store: give --store DIR, or set ASSAY_STORE or HOME");
    return str_format(out, e, "%s/.local/share/assay/store", home);
}
