/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The passphrase of a private key: from --passphrase-file, else from ASSAY_PASSPHRASE, else asked
 * for on the terminal with the echo off. It lives in locked memory that is wiped when freed.
 */
#ifndef ASSAY_ATTEST_PASSPHRASE_H
#define ASSAY_ATTEST_PASSPHRASE_H

#include "base/cli.h"
#include "base/scope.h"

/* The row that a command's option table needs before it may call passphrase_read. */
#define CLI_OPTION_PASSPHRASE                                                                      \
    {                                                                                              \
        "passphrase-file", 0, CLI_STRING, "FILE",                                                  \
            "take the key's passphrase from the first line of FILE, '-' for stdin (default: "      \
            "$ASSAY_PASSPHRASE, else asked for)"                                                   \
    }

#define CLI_OPTION_LOG_PASSPHRASE                                                                  \
    {                                                                                              \
        "log-passphrase-file", 0, CLI_STRING, "FILE",                                              \
            "the same for the log's key, when it has another passphrase (default: "                \
            "$ASSAY_LOG_PASSPHRASE)"                                                               \
    }

/* What code 2 means of a command that opens a private key, for cli_command's `exits`. */
#define PASSPHRASE_EXIT                                                                            \
    "2\tthe command line or a configuration file is wrong, or a passphrase opens no key\n"

/*
 * `prompt` is shown without a colon ("passphrase for 'x.key'"); `confirm` asks twice, on the
 * terminal only. Empty, too long (KEY_PASSPHRASE_MAX) or nowhere to be had: ERR_USAGE; a missing
 * file: ERR_INPUT. Free with passphrase_free.
 */
int passphrase_read(const struct cli *cli, const char *prompt, bool confirm, char **out,
                    struct err *e);
/*
 * For a program that uses a key of its own and the log's in one run: --log-passphrase-file, else
 * ASSAY_LOG_PASSPHRASE, else as passphrase_read.
 */
int passphrase_read_log(const struct cli *cli, const char *prompt, char **out, struct err *e);
void passphrase_free(char *passphrase);

/*
 * Says on stderr what is weak about the file of a private key that is about to be used
 * (key_file_weakness). What is wrong with the file is for its reader to say.
 */
void passphrase_warn(const struct cli *cli, const char *key_path);

static inline void scope_passphrase(char **p)
{
    passphrase_free(*p);
}
#define AUTO_PASSPHRASE AUTO(scope_passphrase)

#endif
