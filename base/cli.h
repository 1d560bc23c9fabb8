/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table-driven command lines. One table per program gives parsing, --help,
 * --version, --help-json, the man page (--help-man) and completion for three
 * shells (--help-bash, --help-zsh, --help-fish), so they cannot disagree.
 *
 * Options common to all programs: -h/--help, --version, --json, -q/--quiet,
 * -v/--verbose, and those that print help in another form.
 */
#ifndef ASSAY_BASE_CLI_H
#define ASSAY_BASE_CLI_H

#include "base/err.h"
#include "base/host.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Variables that several programs read, for struct cli_program's `environment`. */
#define CLI_ENV_TMPDIR(missing)                                                                    \
    {                                                                                              \
        "TMPDIR", "Where temporary files go; " missing " when it is not set."                      \
    }
#define CLI_ENV_NETWORK                                                                            \
    {"http_proxy, https_proxy, no_proxy",                                                          \
     "The proxies that requests go through, as curl reads them; also in capitals but for "         \
     "http_proxy."},                                                                               \
        {"DOCKER_CONFIG",                                                                          \
         "The directory whose config.json has credentials of registries, in place of "             \
         "~/.docker."},                                                                            \
    {                                                                                              \
        "SSL_CERT_FILE", "The certificates to trust, in place of the machine's."                   \
    }

enum cli_kind {
    CLI_FLAG,
    CLI_STRING,
    CLI_NUMBER,
    CLI_LIST,        /* a string, repeatable */
    CLI_OUTPUT,      /* where a document or file goes; checked before the command runs */
    CLI_OUTPUT_DIR,  /* a directory, made when it is missing */
    CLI_OUTPUT_NEW,  /* a directory that is not there yet */
    CLI_OUTPUT_PATH, /* a file or a directory, as the command decides */
};

struct cli_option {
    const char *name; /* long name without dashes */
    char letter;      /* 0 = none */
    enum cli_kind kind;
    const char *value; /* name of the value in help, e.g. "FILE" */
    const char *help;  /* one sentence, lower case, no full stop; may name the default */
};

struct cli;

struct cli_command {
    const char *name;      /* NULL: the program has this one command only */
    const char *arguments; /* synopsis of positionals, e.g. "PLAN" or "LOG FILE..." */
    const char *summary;   /* one line */
    const char *details;   /* paragraphs for --help and the man page; may be NULL */
    const char *examples;  /* lines "command\twhat it does\n"; may be NULL */
    /* Lines "1\tthey differ\n": what a code means here, where it is more than what it means in any
     * command (cli_exits). May be NULL. */
    const char *exits;
    size_t min_args;
    size_t max_args; /* (size_t)-1 = any */
    const struct cli_option *options;
    size_t option_count;
    int (*run)(struct cli *cli, struct err *e); /* 0 or negative code; NULL: a program of its own */
};

/* A name and what it is: of a variable, or of a file. */
struct cli_named {
    const char *name;
    const char *text; /* sentences */
};

struct cli_program {
    const char *name; /* "assay-build" */
    const char *summary;
    const char *details;
    /* For the manual page, beside what the store's option brings. */
    const struct cli_named *environment;
    size_t environment_count;
    const struct cli_named *files;
    size_t file_count;
    const char *related; /* other programs: "assay-plan assay-fetch"; NULL: none but the front */
    const struct cli_command *commands;
    size_t command_count;
};

#define CLI_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Parses, runs, reports: the body of main. Returns the exit code. */
int cli_main(const struct cli_program *program, int argc, char **argv);
/* The word is one or more of the options that all programs have. */
bool cli_is_common(const char *word);

/* Values of the running command; names that its table does not have are a programming error
 * (abort). */
bool cli_flag(const struct cli *cli, const char *name);
const char *cli_string(const struct cli *cli, const char *name); /* NULL when not given */
const char *const *cli_list(const struct cli *cli, const char *name, size_t *count);
/* `missing` when not given; the parser has refused anything that is not a decimal number. */
uint64_t cli_number(const struct cli *cli, const char *name, uint64_t missing);
size_t cli_arg_count(const struct cli *cli);
const char *cli_arg(const struct cli *cli, size_t index);
/* The environment, read in one place. NULL when unset or empty. */
const char *cli_env(const struct cli *cli, const char *name);
const struct host *cli_host(const struct cli *cli);
bool cli_json(const struct cli *cli);
bool cli_quiet(const struct cli *cli);
bool cli_verbose(const struct cli *cli);

/*
 * The run's one document: printed to stdout at the end when --json was given
 * (also beside an error, as its "result"). Takes ownership.
 */
void cli_result(struct cli *cli, json_t *document_taken);
/*
 * What the run found is not good, which is no error: the program ends with `code` and this line on
 * stderr, and --json prints the run's document as it is. An error on the way outweighs it.
 */
void cli_verdict(struct cli *cli, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * Text for people, to stdout, or to stderr when an output is stdout; nothing when --json or
 * --quiet. What %s brings in may be foreign: it cannot begin a line or move the terminal's cursor
 * (text.h).
 */
void cli_say(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A text of many lines, each cleaned for itself: whoever made them kept foreign newlines out
 * (buf_sayf). */
void cli_say_lines(const struct cli *cli, const char *text);
/* Talk, to stderr: cli_note only with -v, cli_warn always. */
void cli_note(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_warn(const struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Raw bytes to stdout (a document that was asked for); unaffected by --quiet. */
int cli_write(const struct cli *cli, const void *data, size_t len, struct err *e);
/* The document that a command is for: to the file of --output, else to stdout unless --json has it
 * in the result. */
int cli_document(const struct cli *cli, const void *data, size_t len, struct err *e);

/* The one store option and its default: --store DIR, else $ASSAY_STORE, else
 * $XDG_DATA_HOME/assay/store, else $HOME/.local/share/assay/store. Caller frees. */
#define CLI_STORE_OPTION "store"
#define CLI_OPTION_STORE                                                                           \
    {                                                                                              \
        CLI_STORE_OPTION, 's', CLI_STRING, "DIR",                                                  \
            "the blob store (default: $ASSAY_STORE, else $XDG_DATA_HOME/assay/store, else "        \
            "~/.local/share/assay/store)"                                                          \
    }
int cli_store_path(const struct cli *cli, char **out, struct err *e);

#endif
