/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What assay-build must not have: name look-ups and run-time loading. libcrypto
 * refers to them in code that the program never reaches; in the static program
 * these definitions stand in for libc's, so the real ones are not even linked.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>

#ifdef __has_feature
#define HAS_SANITIZER                                                                              \
    (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                        \
     __has_feature(memory_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

/* A sanitizer's run time finds libc's functions through dlsym, in a program that is linked
 * dynamically then. */
#if HAS_SANITIZER
extern int assay_build_absent_is_for_static_programs;
#else

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
    (void)node;
    (void)service;
    (void)hints;
    (void)result;
    return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list)
{
    (void)list;
}

struct hostent *gethostbyname(const char *name)
{
    (void)name;
    return NULL;
}

/* libc.a itself defines dlopen for its own use, so the references are redirected (--wrap). */
void *__wrap_dlopen(const char *file, int mode);

void *__wrap_dlopen(const char *file, int mode)
{
    (void)file;
    (void)mode;
    return NULL;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
    (void)handle;
    (void)name;
    return NULL;
}

int dlclose(void *handle)
{
    (void)handle;
    return -1;
}

char *dlerror(void)
{
    return NULL;
}

int dladdr(const void *address, Dl_info *info)
{
    (void)address;
    (void)info;
    return 0;
}

#endif
