/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox/program.h"

#include "base/file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* As the running program is. */
static int check_machine(const Elf64_Ehdr *head, const char *path, struct err *e)
{
    static const char self[] = "/proc/self/exe";
    Elf64_Ehdr own;
    AUTO_CLOSE int fd = open(self, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_os(e, errno, "cannot open '%s'", self);
    int rc = fd_pread_all(fd, &own, sizeof(own), 0, self, e);
    if (rc < 0 || own.e_machine == head->e_machine)
        return rc;
    return err_set(e, ERR_UNDECIDED,
                   "the builder '%s' is for another architecture (ELF machine %u, this one is %u)",
                   path, head->e_machine, own.e_machine);
}

int sandbox_program_check(const char *path, struct digest *digest, struct err *e)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_os(e, errno, "cannot open the builder '%s'", path);
    Elf64_Ehdr head;
    int rc = fd_pread_all(fd, &head, sizeof(head), 0, path, e);
    if (rc < 0 || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
        head.e_phentsize != sizeof(Elf64_Phdr))
        return err_set(e, ERR_HOST, "the builder '%s' is not a 64-bit ELF program", path);
    if ((rc = check_machine(&head, path, e)) < 0)
        return rc;
    for (unsigned i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr segment;
        rc = fd_pread_all(fd, &segment, sizeof(segment), head.e_phoff + i * sizeof(segment), path,
                          e);
        if (rc < 0)
            return rc;
        if (segment.p_type == PT_INTERP)
            return err_set(e, ERR_HOST,
                           "the builder '%s' is dynamically linked; a sandboxed rebuild needs the "
                           "static one that `make` builds",
                           path);
    }
    return digest_fd(DIGEST_SHA256, fd, digest, NULL, e);
}
