/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A builder that is none, to be given to `assay verify --builder`. Static, on no library of ours.
 * What it does stands at its own end, in the last 64 bytes, filled up with newlines:
 *
 *   exit N           says "no reason of mine" and ends with N
 *   signal N         ends itself by that signal
 *   silent N         ends with N without a word
 *   odd              says bytes that are no UTF-8, in the end a character cut short, and ends with
 * 1 flood            prints without end link             leaves a symbolic link and ends well
 *   paths N          says something of files as it sees them, and then which step begins; ends with
 * N nothing          leaves nothing and ends well leave LENGTH     leaves the LENGTH bytes before
 * these 64 as the provenance of a plan named test
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOOTER = 64, LENGTH_MAX = 1 << 20 };

static void say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n <= 0)
            _exit(99);
        text += n;
        len -= (size_t)n;
    }
}

__attribute__((noreturn)) static void flood(void)
{
    static char text[65536];
    memset(text, 'x', sizeof(text));
    for (;;)
        say(1, text, sizeof(text));
}

static int leave(int self, off_t end, long length)
{
    static char data[LENGTH_MAX];
    if (length < 0 || length > LENGTH_MAX ||
        pread(self, data, (size_t)length, end - FOOTER - length) != length)
        return 98;
    (void)mkdir("/out/artifacts", 0755);
    int fd =
        open("/out/artifacts/test.provenance.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return 97;
    say(fd, data, (size_t)length);
    return close(fd);
}

int main(void)
{
    static const char odd[] = "assay-build: \xff\xfe odd \xe2\x82\xac \xe2\x82";
    static const char paths[] = "assay-build: cannot copy '/store/blobs/sha256/x' to '/out/work'\n"
                                "@step 1 2 3\n";
    static const char reason[] = "assay-build: no reason of mine\n";
    char footer[FOOTER + 1] = {0};
    char deed[16] = "";
    long number = 0;
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (self < 0 || fstat(self, &st) != 0 ||
        pread(self, footer, FOOTER, st.st_size - FOOTER) != FOOTER ||
        sscanf(footer, "%15s %ld", deed, &number) < 1)
        return 96;
    if (strcmp(deed, "exit") == 0)
        say(2, reason, sizeof(reason) - 1);
    if (strcmp(deed, "paths") == 0)
        say(2, paths, sizeof(paths) - 1);
    if (strcmp(deed, "exit") == 0 || strcmp(deed, "silent") == 0 || strcmp(deed, "paths") == 0)
        return (int)number;
    if (strcmp(deed, "signal") == 0)
        (void)raise((int)number);
    if (strcmp(deed, "odd") == 0) {
        say(2, odd, sizeof(odd) - 1);
        return 1;
    }
    if (strcmp(deed, "flood") == 0)
        flood();
    if (strcmp(deed, "link") == 0)
        return symlink("/etc/passwd", "/out/artifacts");
    return strcmp(deed, "leave") == 0 ? leave(self, st.st_size, number) : 0;
}
