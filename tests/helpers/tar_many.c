/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar_many COUNT [DIRECTORIES]: a tar of so many empty files in so many directories (default 1000),
 * to stdout; for tests of what a reader does with millions of entries.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, AT_NAME = 0, AT_SUM = 148, AT_TYPE = 156 };

static unsigned char header[BLOCK];

/* Gives the header a name; the checksum is that of all bytes, its own counted as blanks. */
static void name_header(const char *name, char type)
{
    unsigned sum = 0;
    memset(header, 0, 100);
    memcpy(header + AT_NAME, name, strlen(name));
    header[AT_TYPE] = (unsigned char)type;
    memset(header + AT_SUM, ' ', 8);
    for (int i = 0; i < 265; i++) /* nothing else is set */
        sum += header[i];
    (void)snprintf((char *)header + AT_SUM, 8, "%06o", sum & 0777777);
    header[AT_SUM + 7] = ' ';
}

int main(int argc, char **argv)
{
    static const unsigned char end[2 * BLOCK];
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long dirs = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    char name[64];
    memcpy(header + 100, "0000644\0000000000\0000000000\00000000000000\00000000000000", 48);
    memcpy(header + 257, "ustar\00000", 8);
    for (unsigned long i = 0; i < count && dirs > 0; i++) {
        (void)snprintf(name, sizeof(name), "d%05lu/%09lu", i % dirs, i);
        name_header(name, '0');
        if (fwrite(header, BLOCK, 1, stdout) != 1)
            return 1;
    }
    if (dirs == 0 || fwrite(end, sizeof(end), 1, stdout) != 1 || fflush(stdout) != 0)
        return 1;
    return 0;
}
