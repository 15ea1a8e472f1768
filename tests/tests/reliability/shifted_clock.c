// The system's clock, moved by as many seconds as stand in the file KABINET_TESTS_SHIFT (eight bytes, the machine's
// order), which may change at any moment. For LD_PRELOAD. Clocks that only run on stay as they are.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef int gettime(clockid_t, struct timespec *);

static gettime *system_gettime;
static const volatile int64_t *shift;

__attribute__((constructor)) static void begin(void) {
    system_gettime = (gettime *)dlsym(RTLD_NEXT, "clock_gettime");
    const char *name = getenv("KABINET_TESTS_SHIFT");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *page = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED) shift = page;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = system_gettime ? system_gettime(clock, now) : (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME && shift) now->tv_sec += *shift;
    return result;
}
