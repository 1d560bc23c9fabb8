/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/passphrase.h"
#include "attest/key_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <termios.h>

enum { ROOM = KEY_PASSPHRASE_MAX + 2 }; /* a byte too many, and the terminating zero */

/* The signal that ended a prompt; the terminal's echo must come back before it takes effect. */
static volatile sig_atomic_t prompt_signal;

static void on_signal(int number)
{
    prompt_signal = number;
}

static const int prompt_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
enum { PROMPT_SIGNALS = sizeof(prompt_signals) / sizeof(prompt_signals[0]) };

void passphrase_free(char *passphrase)
{
    sodium_free(passphrase); /* wipes; NULL is fine */
}

/*
 * Waits for input with the signals of a prompt let in only while it waits: one that came before
 * cannot be lost between a look at the flag and a read that then never ends.
 */
static ssize_t read_byte(int fd, const sigset_t *waiting, char *c)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (waiting != NULL && ppoll(&p, 1, NULL, waiting) < 0)
        return -1;
    return read(fd, c, 1);
}

/*
 * Reads up to a newline or the end, byte for byte: what follows on a pipe is not ours. `waiting` is
 * the signal mask while waiting, NULL for a file.
 */
static int read_line(int fd, const sigset_t *waiting, char *line, const char *what, struct err *e)
{
    size_t len = 0;
    char c;
    for (;;) {
        ssize_t n = read_byte(fd, waiting, &c);
        if (n < 0 && (errno != EINTR || prompt_signal != 0))
            return errno == EINTR ? err_set(e, ERR_USAGE, "interrupted")
                                  : err_os(e, errno, "cannot read %s", what);
        if (n == 0 || (n == 1 && c == '\n'))
            break;
        if (n < 0)
            continue;
        if (c == '\0' || len == KEY_PASSPHRASE_MAX) {
            sodium_memzero(&c, sizeof(c));
            return err_set(e, ERR_USAGE, "%s holds a NUL byte or is longer than %d bytes", what,
                           KEY_PASSPHRASE_MAX);
        }
        line[len++] = c;
    }
    sodium_memzero(&c, sizeof(c));
    line[len] = '\0';
    return len > 0 ? 0 : err_set(e, ERR_USAGE, "%s is empty", what);
}

static int from_file(const char *path, char *line, struct err *e)
{
    if (strcmp(path, "-") == 0)
        return read_line(STDIN_FILENO, NULL, line, "the passphrase on stdin", e);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open passphrase file '%s'", path);
    return read_line(fd, NULL, line, "the passphrase file's first line", e);
}

static int from_env(const char *name, const char *value, char *line, struct err *e)
{
    size_t len = strlen(value);
    if (len > KEY_PASSPHRASE_MAX)
        return err_set(e, ERR_USAGE, "%s is longer than %d bytes", name, KEY_PASSPHRASE_MAX);
    memcpy(line, value, len + 1);
    return 0;
}

static void tell(int tty, const char *text)
{
    /* A prompt that cannot be shown is no reason to fail: the answer is what matters. */
    ssize_t ignored = write(tty, text, strlen(text));
    (void)ignored;
}

/* One question. The echo is off while it is answered, and on again whatever happens. */
static int ask(int tty, const char *prompt, const char *suffix, char *line, struct err *e)
{
    struct termios before;
    struct sigaction old[PROMPT_SIGNALS];
    struct sigaction catch_it = {.sa_handler = on_signal}; /* no SA_RESTART: read must return */
    if (tcgetattr(tty, &before) != 0)
        return err_os(e, errno, "cannot ask on the terminal");
    sigset_t blocked;
    sigset_t before_mask;
    prompt_signal = 0;
    (void)sigemptyset(&blocked);
    for (size_t i = 0; i < PROMPT_SIGNALS; i++) {
        (void)sigaddset(&blocked, prompt_signals[i]);
        (void)sigaction(prompt_signals[i], &catch_it, &old[i]);
    }
    (void)pthread_sigmask(SIG_BLOCK, &blocked, &before_mask);
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    silent.c_lflag |= ICANON | ISIG;
    int rc = tcsetattr(tty, TCSAFLUSH, &silent) != 0
                 ? err_os(e, errno, "cannot turn the terminal's echo off")
                 : 0;
    if (rc == 0) {
        tell(tty, prompt);
        tell(tty, suffix);
        rc = read_line(tty, &before_mask, line, "the passphrase", e);
        tell(tty, "\n");
    }
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    for (size_t i = 0; i < PROMPT_SIGNALS; i++)
        (void)sigaction(prompt_signals[i], &old[i], NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before_mask, NULL);
    if (prompt_signal != 0)
        (void)raise(prompt_signal);
    return rc;
}

static char *new_line(void)
{
    char *line = sodium_malloc(ROOM);
    if (line != NULL)
        line[0] = '\0';
    return line;
}

static int from_terminal(const char *prompt, bool confirm, char *line, struct err *e)
{
    AUTO_CLOSE int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0)
        return err_set(e, ERR_USAGE,
                       "no passphrase: give --passphrase-file or set ASSAY_PASSPHRASE "
                       "(there is no terminal to ask on)");
    int rc = ask(tty, prompt, ": ", line, e);
    if (rc < 0 || !confirm)
        return rc;
    AUTO_PASSPHRASE char *again = new_line();
    if (again == NULL)
        return err_oom(e);
    if ((rc = ask(tty, prompt, ", again: ", again, e)) < 0)
        return rc;
    if (strcmp(line, again) != 0)
        return err_set(e, ERR_USAGE, "the two passphrases differ");
    return 0;
}

/* `option` and `variable` name where to look before the terminal. */
static int read_from(const struct cli *cli, const char *option, const char *variable,
                     const char *prompt, bool confirm, char **out, struct err *e)
{
    const char *file = cli_string(cli, option);
    const char *env = cli_env(cli, variable);
    int rc = key_libraries_init(e);
    if (rc < 0)
        return rc;
    AUTO_PASSPHRASE char *line = new_line();
    if (line == NULL)
        return err_oom(e);
    if (file != NULL)
        rc = from_file(file, line, e);
    else if (env != NULL)
        rc = from_env(variable, env, line, e);
    else
        rc = from_terminal(prompt, confirm, line, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&line);
    return 0;
}

int passphrase_read(const struct cli *cli, const char *prompt, bool confirm, char **out,
                    struct err *e)
{
    return read_from(cli, "passphrase-file", "ASSAY_PASSPHRASE", prompt, confirm, out, e);
}

int passphrase_read_log(const struct cli *cli, const char *prompt, char **out, struct err *e)
{
    bool own = cli_string(cli, "log-passphrase-file") != NULL ||
               cli_env(cli, "ASSAY_LOG_PASSPHRASE") != NULL;
    return own ? read_from(cli, "log-passphrase-file", "ASSAY_LOG_PASSPHRASE", prompt, false, out,
                           e)
               : passphrase_read(cli, prompt, false, out, e);
}

void passphrase_warn(const struct cli *cli, const char *key_path)
{
    struct key_weakness w;
    struct err ignored = ERR_INIT;
    if (key_file_weakness(key_path, &w, &ignored) < 0)
        return;
    if (w.mode != 0)
        cli_warn(cli,
                 "warning: others may read or change the private key '%s' (mode %04o): "
                 "'chmod 600' it, and think of a new key",
                 key_path, w.mode);
    if (w.derivation[0] != 0)
        cli_warn(cli,
                 "warning: the passphrase of '%s' is cheap to guess for whoever reads the file "
                 "(%s): encrypt it again with 'openssl pkcs8 -topk8 -scrypt'",
                 key_path, w.derivation);
}
