/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root hash of a machine that is one file of RAM, by a hash path of one's
 * choice: what the benchmark compares the fastest path with.
 *
 *   machine_root keccak256|sha256 PATH JOBS FILE
 */
#include "formats/machine/machine_tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct machine_hasher *find_path(enum machine_hash function, const char *name)
{
    size_t count;
    const struct machine_hasher *paths = machine_hasher_paths(function, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(paths[i].path, name) == 0 && paths[i].usable())
            return &paths[i];
    return NULL;
}

int main(int argc, char **argv)
{
    enum machine_hash function;
    struct machine_tree tree;
    struct stat st;
    struct err e = ERR_INIT;
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    uint8_t root[MACHINE_HASH_SIZE];
    if (argc != 5 || !machine_hash_parse(argv[1], &function)) {
        fprintf(stderr, "usage: machine_root keccak256|sha256 PATH JOBS FILE\n");
        return 2;
    }
    const struct machine_hasher *hasher = find_path(function, argv[2]);
    int fd = open(argv[4], O_RDONLY | O_CLOEXEC);
    if (hasher == NULL || fd < 0 || fstat(fd, &st) != 0) {
        fprintf(stderr, "machine_root: no such path or file\n");
        return 6;
    }
    struct tree_range ram = {
        .name = "ram", .start = 0x80000000, .length = (uint64_t)st.st_size, .log2 = 12, .fd = fd};
    while ((uint64_t)1 << ram.log2 < ram.length)
        ram.log2++;
    machine_tree_init(&tree, hasher, &ram, 1, (unsigned)strtoul(argv[3], NULL, 10));
    if (machine_tree_node(&tree, 0, MACHINE_ROOT_LOG2, root, &e) < 0) {
        fprintf(stderr, "machine_root: %s\n", err_line(&e, line, sizeof(line)));
        return 7;
    }
    for (size_t i = 0; i < sizeof(root); i++)
        printf("%02x", root[i]);
    printf("\n");
    return 0;
}
