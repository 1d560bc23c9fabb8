/* SPDX-License-Identifier: Apache-2.0 */
/* assay-log: make, append to, read, prove, check and audit a transparency log. */
#include "attest/passphrase.h"
#include "base/names.h"
#include "store/log/log_commands.h"

#define OPTION_KEY                                                                                 \
    {                                                                                              \
        "key", 'k', CLI_STRING, "VKEY",                                                            \
            "the log's verifier key as you know it: its text (name+id+key) or a file with it"      \
    }
#define OPTION_OUTPUT(what)                                                                        \
    {                                                                                              \
        "output", 'o', CLI_OUTPUT, "FILE", what                                                    \
    }

static const struct cli_option init_options[] = {
    {"origin", 0, CLI_STRING, "NAME",
     "the log's name in every checkpoint; a bare host name is what all clients take"},
    {"lock", 0, CLI_STRING, "FILE",
     "keep the lock file here, outside of LOG (default: LOG/lock); it must be new"},
    CLI_OPTION_PASSPHRASE,
};
static const struct cli_option append_options[] = {
    OPTION_OUTPUT("write the new checkpoint to FILE"),
    CLI_OPTIONS_NAMES,
    CLI_OPTION_PASSPHRASE,
};
static const struct cli_option show_options[] = {
    OPTION_OUTPUT("write the entry to FILE instead of stdout"),
};
static const struct cli_option checkpoint_options[] = {
    OPTION_OUTPUT("write the checkpoint to FILE instead of stdout"),
};
static const struct cli_option prove_options[] = {
    {"index", 'i', CLI_NUMBER, "N", "prove entry N, counted from 0"},
    {"entry", 0, CLI_STRING, "FILE", "prove the first entry that equals FILE"},
    OPTION_OUTPUT("write the proof to FILE instead of stdout"),
};
static const struct cli_option check_options[] = {
    {"entry", 0, CLI_STRING, "FILE", "what should be in the log"},
    OPTION_KEY,
    {"since", 0, CLI_STRING, "CHECKPOINT",
     "also show that the log continues CHECKPOINT, one that you kept"},
    {"consistency", 0, CLI_STRING, "FILE",
     "the proof that --since is continued, from 'assay log consistency'"},
};
static const struct cli_option consistency_options[] = {
    {"from", 0, CLI_STRING, "CHECKPOINT", "a checkpoint of this log that you kept"},
    OPTION_OUTPUT("write the proof to FILE instead of stdout"),
};
static const struct cli_option check_consistency_options[] = {
    {"from", 0, CLI_STRING, "CHECKPOINT", "the checkpoint that you kept"},
    OPTION_KEY,
};
static const struct cli_option audit_options[] = {
    {"against", 0, CLI_STRING, "CHECKPOINT",
     "a checkpoint that you kept: the log must continue it"},
    OPTION_KEY,
};

static const struct cli_command commands[] = {
    {
        .name = "init",
        .arguments = "LOG",
        .summary = "make a new, empty log",
        .details =
            "Makes the directory LOG with the database, the log's signing key (Ed25519, "
            "encrypted with the passphrase) and its public verifier key, and prints the "
            "latter. Hand that key to everyone who should be able to check proofs: with it "
            "and without you. An existing LOG is never touched. With --lock the newest checkpoint "
            "is kept outside of the directory, where no backup of LOG takes it along: then "
            "a directory that is restored whole is found out, too.",
        .examples = "assay log init mylog --origin log.example.org\tmake a log\n"
                    "assay log init /srv/log --origin log.example.org --lock "
                    "/var/lib/assay/log.lock\tthat notices when it is restored\n",
        .min_args = 1,
        .max_args = 1,
        .options = init_options,
        .option_count = CLI_COUNT(init_options),
        .run = log_run_init,
    },
    {
        .name = "append",
        .arguments = "LOG [FILE...]",
        .exits = PASSPHRASE_EXIT
        "4\tthe log contradicts itself or a checkpoint that it signed: nothing is signed\n",
        .summary = "add files as entries, and sign a new checkpoint",
        .details = "Each FILE (at most 65535 bytes) becomes one entry; several are added together "
                   "or not at all, under one checkpoint. Prints the index of each. Bytes that the "
                   "log has are not added again: their first index is printed, so an append may "
                   "be repeated when its answer was lost. When it returns, entries and checkpoint "
                   "are on disk. Other processes may append and read at the same time. To read "
                   "the key takes longer than to append: give many files at once, by name in LIST "
                   "when they are more than a command line holds.",
        .examples = "assay log append mylog verdict.json\tadd one entry\n"
                    "assay log append mylog a b c -o mylog.checkpoint\tadd three, keep the "
                    "checkpoint\n"
                    "find verdicts -type f -print0 | assay log append mylog --from-file - --null\t"
                    "add all of a directory\n",
        .min_args = 1,
        .max_args = (size_t)-1,
        .options = append_options,
        .option_count = CLI_COUNT(append_options),
        .run = log_run_append,
    },
    {
        .name = "show",
        .arguments = "LOG [INDEX]",
        .exits =
            "4\tthe log contradicts itself or a checkpoint that it signed: nothing is signed\n",
        .summary = "describe a log, or print one entry",
        .details = "With INDEX prints that entry's bytes, after verifying their place in the tree.",
        .examples = "assay log show mylog\tits name, size, root and key\n"
                    "assay log show mylog 0\tthe first entry\n",
        .min_args = 1,
        .max_args = 2,
        .options = show_options,
        .option_count = CLI_COUNT(show_options),
        .run = log_run_show,
    },
    {
        .name = "checkpoint",
        .arguments = "LOG",
        .exits =
            "4\tthe log contradicts itself or a checkpoint that it signed: nothing is signed\n",
        .summary = "print the newest signed checkpoint",
        .details = "A checkpoint is the log's signed promise about all entries so far. Who keeps "
                   "one can prove later that the log was rewritten, or that it was not "
                   "('assay log consistency').",
        .examples = "assay log checkpoint mylog -o today.checkpoint\tkeep today's\n",
        .min_args = 1,
        .max_args = 1,
        .options = checkpoint_options,
        .option_count = CLI_COUNT(checkpoint_options),
        .run = log_run_checkpoint,
    },
    {
        .name = "prove",
        .arguments = "LOG",
        .exits =
            "4\tthe log contradicts itself or a checkpoint that it signed: nothing is signed\n",
        .summary = "write the proof that an entry is in the log",
        .details = "The proof (c2sp.org/tlog-proof@v1) holds the entry's index, the hashes from "
                   "its leaf to the root and the newest signed checkpoint; with the entry and the "
                   "log's verifier key it is checked offline, by 'assay log check' or by any other "
                   "implementation.",
        .examples = "assay log prove mylog --entry verdict.json -o verdict.tlog-proof\tprove a "
                    "file\n"
                    "assay log prove mylog --index 0\tprove the first entry\n",
        .min_args = 1,
        .max_args = 1,
        .options = prove_options,
        .option_count = CLI_COUNT(prove_options),
        .run = log_run_prove,
    },
    {
        .name = "check",
        .arguments = "PROOF",
        .exits = "4\tthe proof does not hold\n",
        .summary = "check offline that an entry is in a log",
        .details = "Needs the proof, the entry and the log's verifier key; reads no log. Exits "
                   "with 4 when the proof does not hold. With --since the checkpoint in the proof "
                   "must also be, or by --consistency continue, one that you kept.",
        .examples = "assay log check verdict.tlog-proof --entry verdict.json --key mylog.vkey\t"
                    "check a proof\n",
        .min_args = 1,
        .max_args = 1,
        .options = check_options,
        .option_count = CLI_COUNT(check_options),
        .run = log_run_check,
    },
    {
        .name = "consistency",
        .arguments = "LOG",
        .exits =
            "4\tthe log contradicts itself or a checkpoint that it signed: nothing is signed\n",
        .summary = "write the proof that the log continues an older checkpoint",
        .details = "The document is a request body of the witness protocol (add-checkpoint): the "
                   "old size, the hashes and the newest checkpoint.",
        .examples = "assay log consistency mylog --from may.checkpoint -o may-to-now\tprove that "
                    "nothing was rewritten since May\n",
        .min_args = 1,
        .max_args = 1,
        .options = consistency_options,
        .option_count = CLI_COUNT(consistency_options),
        .run = log_run_consistency,
    },
    {
        .name = "check-consistency",
        .arguments = "PROOF",
        .exits = "4\tthe newer checkpoint does not continue the one that was kept\n",
        .summary = "check offline that a log continues an older checkpoint",
        .details = "Reads no log. Exits with 4 when the newer checkpoint in PROOF is not a "
                   "continuation of the one that you kept: then the log was rewritten.",
        .examples = "assay log check-consistency may-to-now --from may.checkpoint --key "
                    "mylog.vkey\tcheck it\n",
        .min_args = 1,
        .max_args = 1,
        .options = check_consistency_options,
        .option_count = CLI_COUNT(check_consistency_options),
        .run = log_run_check_consistency,
    },
    {
        .name = "audit",
        .arguments = "LOG",
        .exits = "4\tsomething is wrong with the log\n",
        .summary = "verify everything in a log",
        .details = "Hashes every entry again, compares every stored tree node, verifies every "
                   "checkpoint that was ever signed, holds all against the lock file, and names "
                   "the first thing that is wrong (exit code 4). A log without entries is not "
                   "called sound (exit code 5): nothing was audited.",
        .examples = "assay log audit mylog --key mylog.vkey --against may.checkpoint\taudit with a "
                    "key and a checkpoint that you kept\n",
        .min_args = 1,
        .max_args = 1,
        .options = audit_options,
        .option_count = CLI_COUNT(audit_options),
        .run = log_run_audit,
    },
    {
        .name = "relock",
        .arguments = "LOG",
        .exits = "4\tthe log contradicts a checkpoint that it signed\n",
        .summary = "make a log's lock file again when it was lost",
        .details = "The lock file holds the newest checkpoint that the log has signed, so that a "
                   "database which lost entries is found out. Without it the log is not written "
                   "to. This command audits everything against CHECKPOINT, the newest that "
                   "anybody kept, and makes the lock file from what is there. What was signed "
                   "after CHECKPOINT and is lost cannot be noticed: ask all who may have a newer "
                   "one first. A log that has its lock file is left alone (exit code 2).",
        .examples = "assay log relock mylog --against newest.checkpoint\tafter the file was lost\n",
        .min_args = 1,
        .max_args = 1,
        .options = audit_options,
        .option_count = CLI_COUNT(audit_options),
        .run = log_run_relock,
    },
    {
        .name = "move-lock",
        .arguments = "LOG FILE",
        .exits = "4\tthe log contradicts a checkpoint that it signed\n",
        .summary = "keep a log's lock file outside of its directory",
        .details = "Audits the log, puts the lock file at FILE, which must be new, and leaves a "
                   "symbolic link to it in LOG. A backup of LOG that is restored as a whole then "
                   "meets the newest checkpoint there, is refused (exit code 4), and signs "
                   "nothing. Choose a place on the same machine that backups of LOG do not "
                   "restore. A log whose lock is elsewhere already is moved on; the file there "
                   "stays.",
        .examples = "assay log move-lock /srv/log /var/lib/assay/log.lock\tfor a log that is "
                    "there\n",
        .min_args = 2,
        .max_args = 2,
        .options = audit_options,
        .option_count = CLI_COUNT(audit_options),
        .run = log_run_move_lock,
    },
};

static const struct cli_named environment[] = {
    {"ASSAY_PASSPHRASE", "The passphrase of the key, where no option names a file that has it. "
                         "Without either it is asked for at the terminal."},
};

static const struct cli_named files[] = {
    {"LOG/vkey", "The key that checks a log's proofs; give it out once and for all."},
    {"LOG/log.db", "The entries and the tree."},
};

static const struct cli_program program = {
    .name = "assay-log",
    .summary = "a transparency log: what was recorded cannot be rewritten unnoticed",
    .details = "A log is a directory with an append-only list of entries under an RFC 6962 Merkle "
               "tree. Each append signs a checkpoint over the whole tree. Proofs are small, and "
               "are checked offline with the log's verifier key alone.",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .files = files,
    .file_count = CLI_COUNT(files),
    .related = "assay-attest assay-verify",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
