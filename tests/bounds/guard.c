/* Preloaded into the trial: each tensor's memory ends at a page that may not be touched, and begins after another.

   What lies beside a tensor in its own pages, and the tensor's memory itself before it is written, holds a pattern, which
   the trial chooses. A read outside crashes or gives a value that changes with the pattern; a write outside crashes, or
   changes the pattern, which is counted when the memory is freed or checked. PyTorch asks for the memory of tensors by
   posix_memalign, and for nothing else. */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define ARENA ((size_t)1 << 40)
#define LARGEST ((size_t)1 << 28)
#define BLOCKS 65536

extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

typedef struct {
    char *begin, *end, *pages, *limit; /* the block, and the pages that it lies in */
    unsigned char pattern;
} Block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *arena, *next;
static Block blocks[BLOCKS];
static size_t highest;
static int enabled;
static unsigned char pattern = 0x55;
static long changed;

void guard_enable(int on) { enabled = on; }
void guard_pattern(int byte) { pattern = (unsigned char)byte; }

static int is_whole(const Block *block) {
    for (const char *at = block->pages; at < block->begin; at++)
        if ((unsigned char)*at != block->pattern) return 0;
    for (const char *at = block->end; at < block->limit; at++)
        if ((unsigned char)*at != block->pattern) return 0;
    return 1;
}

/* How many blocks had their surroundings changed since the last call, those that are still in use too. */
long guard_changed(void) {
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < highest; i++)
        if (blocks[i].begin && !is_whole(&blocks[i])) {
            changed++;
            memset(blocks[i].pages, blocks[i].pattern, blocks[i].begin - blocks[i].pages);
            memset(blocks[i].end, blocks[i].pattern, blocks[i].limit - blocks[i].end);
        }
    long found = changed;
    changed = 0;
    pthread_mutex_unlock(&lock);
    return found;
}

static void *guarded(size_t alignment, size_t size) {
    size_t room = (size + alignment - 1) / alignment * alignment;
    size_t pages = (room + PAGE - 1) / PAGE * PAGE + (room == 0 ? PAGE : 0);
    size_t slot = 0;
    if (!arena) {
        arena = mmap(NULL, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        next = arena;
    }
    while (slot < highest && blocks[slot].begin) slot++;
    if (arena == MAP_FAILED || slot == BLOCKS || next + pages + 2 * PAGE > arena + ARENA) return NULL;
    Block *block = &blocks[slot];
    block->pages = next + PAGE;
    block->limit = block->pages + pages;
    if (mprotect(block->pages, pages, PROT_READ | PROT_WRITE)) return NULL;
    memset(block->pages, pattern, pages);
    block->begin = block->limit - room;
    block->end = block->begin + size;
    block->pattern = pattern;
    if (slot == highest) highest++;
    next = block->limit;
    return block->begin;
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    void *found;
    if (!enabled) {
        found = __libc_memalign(alignment, size);
    } else if (size > LARGEST) {
        found = NULL; /* a tensor of 2**40 elements is refused, not made */
    } else {
        pthread_mutex_lock(&lock);
        found = guarded(alignment, size);
        pthread_mutex_unlock(&lock);
    }
    if (!found) return ENOMEM;
    *result = found;
    return 0;
}

void free(void *block) {
    if (!arena || (char *)block < arena || (char *)block >= arena + ARENA) {
        __libc_free(block);
        return;
    }
    int error = errno;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < highest; i++)
        if (blocks[i].begin == block) {
            changed += !is_whole(&blocks[i]);
            madvise(blocks[i].pages, blocks[i].limit - blocks[i].pages, MADV_DONTNEED);
            mprotect(blocks[i].pages, blocks[i].limit - blocks[i].pages, PROT_NONE);
            blocks[i].begin = NULL;
            while (highest && !blocks[highest - 1].begin) highest--;
            break;
        }
    pthread_mutex_unlock(&lock);
    errno = error;
}
