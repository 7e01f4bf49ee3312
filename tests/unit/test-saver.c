/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The saver of a PV guest, with a guest, a Xen and a libxenguest that are made up here (the linker
 * puts the functions called __wrap_… in place of the real ones). */
#include "tests/unit/unit.h"

#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/mapping/pause_guard.h"
#include "lib/stream/saver.h"
#include "lib/stream/stream.h"
#include "lib/xen/save.h"
#include "lib/xen/suspend.h"

#define BATCHES 4u
#define PAGES (BATCHES * DOMM_LIBXC_BATCH)
#define WAIT_MS 20000

/* Shared with the saver, which is a process of its own. */
static struct shared {
    sem_t begun;    /* posted when a batch begins */
    sem_t may_look; /* waited for by each batch */
    unsigned batches;
} * shared;

static unsigned char *memory;
static uint64_t mfns[PAGES];

int __wrap_domm_xen_open(struct domm_log *log, struct domm_xen **xen_r, struct domm_error *err);
int __wrap_domm_xen_open(struct domm_log *log, struct domm_xen **xen_r, struct domm_error *err)
{
    (void)log;
    (void)err;
    *xen_r = NULL;
    return 0;
}

int __wrap_domm_hv_open(struct domm_log *log, struct domm_hv **hv_r, struct domm_error *err);
int __wrap_domm_hv_open(struct domm_log *log, struct domm_hv **hv_r, struct domm_error *err)
{
    (void)log;
    (void)err;
    *hv_r = NULL;
    return 0;
}

int __wrap_domm_hv_p2m_location(struct domm_hv *hv, uint32_t domid,
                                struct domm_p2m_location *location_r, struct domm_error *err);
int __wrap_domm_hv_p2m_location(struct domm_hv *hv, uint32_t domid,
                                struct domm_p2m_location *location_r, struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)err;
    *location_r = (struct domm_p2m_location){.frames = PAGES};
    return 0;
}

int __wrap_domm_pause_guard_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                                   struct domm_error *err);
int __wrap_domm_pause_guard_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                                   struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)err;
    for (uint64_t i = 0; i < PAGES; i++)
        mfns[i] = i;
    *layout_r = (struct domm_layout){.count = PAGES, .mfns = mfns};
    return 0;
}

/* A batch of a round begins with this call. */
int __wrap_domm_hv_kinds(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         enum domm_page_kind *kinds_r, struct domm_error *err);
int __wrap_domm_hv_kinds(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         enum domm_page_kind *kinds_r, struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)frames;
    (void)err;
    for (size_t i = 0; i < count; i++)
        kinds_r[i] = DOMM_PAGE_ORDINARY;
    shared->batches++;
    sem_post(&shared->begun);
    sem_wait(&shared->may_look);
    return 0;
}

void *__wrap_domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         int *errors);
void *__wrap_domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         int *errors)
{
    (void)hv;
    (void)domid;
    memset(errors, 0, count * sizeof(*errors));
    return memory + frames[0] * DOMM_PAGE_SIZE;
}

void __wrap_domm_hv_unmap(struct domm_hv *hv, void *pages, size_t count);
void __wrap_domm_hv_unmap(struct domm_hv *hv, void *pages, size_t count)
{
    (void)hv;
    (void)pages;
    (void)count;
}

int __wrap_domm_xen_suspend(struct domm_xen *xen, uint32_t domid, struct domm_error *err);
int __wrap_domm_xen_suspend(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    (void)xen;
    (void)domid;
    (void)err;
    return 0;
}

int __wrap_domm_xen_note_pause(struct domm_xen *xen, uint32_t domid, struct domm_error *err);
int __wrap_domm_xen_note_pause(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    (void)xen;
    (void)domid;
    (void)err;
    return 0;
}

int __wrap_domm_hv_pause(struct domm_hv *hv, uint32_t domid, struct domm_error *err);
int __wrap_domm_hv_pause(struct domm_hv *hv, uint32_t domid, struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)err;
    return 0;
}

static void put_bytes(int fd, const void *bytes, size_t size)
{
    for (const char *at = bytes; size;) {
        ssize_t written = write(fd, at, size);
        if (written < 0)
            _exit(1);
        at += written;
        size -= (size_t)written;
    }
}

static void put_head(int fd, uint32_t type, uint32_t length)
{
    const struct domm_libxc_head head = {.type = type, .length = length};
    put_bytes(fd, &head, sizeof(head));
}

static void put_batch(int fd, uint64_t first)
{
    static uint64_t entries[DOMM_LIBXC_BATCH];
    const struct domm_libxc_pages pages = {.count = DOMM_LIBXC_BATCH};
    for (uint64_t i = 0; i < DOMM_LIBXC_BATCH; i++)
        entries[i] = first + i;
    put_head(fd, DOMM_LIBXC_PAGE_DATA,
             sizeof(pages) + sizeof(entries) + DOMM_LIBXC_BATCH * DOMM_PAGE_SIZE);
    put_bytes(fd, &pages, sizeof(pages));
    put_bytes(fd, entries, sizeof(entries));
    put_bytes(fd, memory + first * DOMM_PAGE_SIZE, (size_t)DOMM_LIBXC_BATCH * DOMM_PAGE_SIZE);
}

/* As a save of a guest that is not live: it asks for the suspend before the first page. */
int __wrap_domm_hv_save(struct domm_hv *hv, uint32_t domid, int fd, enum domm_save_mode mode,
                        bool verify, const struct domm_save_hooks *hooks, struct domm_error *err);
int __wrap_domm_hv_save(struct domm_hv *hv, uint32_t domid, int fd, enum domm_save_mode mode,
                        bool verify, const struct domm_save_hooks *hooks, struct domm_error *err)
{
    static const unsigned char headers[DOMM_LIBXC_HEADER_BYTES];
    (void)hv;
    (void)domid;
    (void)mode;
    (void)verify;
    put_bytes(fd, headers, sizeof(headers));
    put_head(fd, DOMM_LIBXC_P2M_FRAMES, 0);
    if (!hooks->stop(hooks->context))
        return domm_fail(err, DOMM_FAILED, "the hook failed");
    for (uint64_t gfn = 0; gfn < PAGES; gfn += DOMM_LIBXC_BATCH)
        put_batch(fd, gfn);
    put_head(fd, 0, 0);
    return 0;
}

static int make_guest(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memory = malloc((size_t)PAGES * DOMM_PAGE_SIZE);
    if (shared == MAP_FAILED || !memory || sem_init(&shared->begun, 1, 0) ||
        sem_init(&shared->may_look, 1, 0))
        return -1;
    shared->batches = 0;
    for (size_t gfn = 0; gfn < PAGES; gfn++)
        memset(memory + gfn * DOMM_PAGE_SIZE, (int)(gfn % 251), DOMM_PAGE_SIZE);
    return 0;
}

static int forget_guest(void **state)
{
    (void)state;
    free(memory);
    return munmap(shared, sizeof(*shared));
}

static void start(struct domm_child *child, int stream)
{
    struct domm_error err = {0};
    static struct domm_log log;
    const struct domm_saver saver = {
        .log = &log, .domid = 7, .way = DOMM_SAVER_COMPARED, .pause = true};
    assert_int_equal(domm_saver_start(NULL, &saver, stream, child, &err), 0);
}

static void expect_next(const struct domm_child *child, enum domm_progress_kind kind,
                        struct domm_progress *progress_r)
{
    struct domm_error err = {0};
    assert_int_equal(domm_child_receive(child, WAIT_MS, progress_r, &err), 0);
    if (progress_r->kind != kind)
        fail_msg("progress %d (%s) and not %d", progress_r->kind, progress_r->text, kind);
}

static void let_look(unsigned batches)
{
    while (batches--)
        sem_post(&shared->may_look);
}

/* Each page once, whether a round has sent it or the final copy. */
static size_t size_of_stream(void)
{
    const size_t batch = sizeof(struct domm_libxc_head) + sizeof(struct domm_libxc_pages) +
                         DOMM_LIBXC_BATCH * (sizeof(uint64_t) + DOMM_PAGE_SIZE);
    return sizeof(domm_libxl_begin) + DOMM_LIBXC_HEADER_BYTES + 2 * sizeof(struct domm_libxc_head) +
           BATCHES * batch + sizeof(domm_libxl_end);
}

static void a_stop_cuts_the_round_under_way(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_child child;
    struct domm_progress progress;
    int stream = memfd_create("stream", MFD_CLOEXEC);
    start(&child, stream);
    let_look(1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sem_wait(&shared->begun), 0);
    assert_int_equal(domm_child_command(&child, DOMM_COMMAND_STOP, &err), 0);
    let_look(100);
    expect_next(&child, DOMM_PROGRESS_SUSPENDED, &progress);
    assert_int_equal(shared->batches, 2);
    assert_int_equal(progress.rounds, 0);
    assert_int_equal(domm_child_command(&child, DOMM_COMMAND_FINISH, &err), 0);
    expect_next(&child, DOMM_PROGRESS_SENT, &progress);
    assert_int_equal(progress.bytes, size_of_stream());
    expect_next(&child, DOMM_PROGRESS_ENDED, &progress);
    domm_child_end(&child, 1000);
    close(stream);
}

static void a_whole_round_is_reported(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_child child;
    struct domm_progress progress;
    int stream = memfd_create("stream", MFD_CLOEXEC);
    start(&child, stream);
    let_look(2 * BATCHES);
    expect_next(&child, DOMM_PROGRESS_ROUND, &progress);
    assert_int_equal(progress.rounds, 1);
    assert_int_equal(progress.dirty_pages, PAGES);
    expect_next(&child, DOMM_PROGRESS_ROUND, &progress);
    assert_int_equal(progress.rounds, 2);
    assert_int_equal(progress.dirty_pages, 0);
    assert_true(progress.converged);
    assert_int_equal(domm_child_command(&child, DOMM_COMMAND_STOP, &err), 0);
    let_look(100);
    expect_next(&child, DOMM_PROGRESS_SUSPENDED, &progress);
    assert_int_equal(domm_child_command(&child, DOMM_COMMAND_FINISH, &err), 0);
    expect_next(&child, DOMM_PROGRESS_SENT, &progress);
    assert_int_equal(progress.bytes, size_of_stream());
    domm_child_end(&child, 1000);
    close(stream);
}

static void a_round_ends_when_the_migration_is_given_up(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_child child;
    struct domm_progress progress;
    int stream = memfd_create("stream", MFD_CLOEXEC);
    start(&child, stream);
    assert_int_equal(sem_wait(&shared->begun), 0);
    assert_int_equal(domm_child_command(&child, DOMM_COMMAND_ABORT, &err), 0);
    let_look(100);
    expect_next(&child, DOMM_PROGRESS_FAILED, &progress);
    assert_int_equal(progress.code, DOMM_ABORTED);
    assert_int_equal(shared->batches, 1);
    domm_child_end(&child, 1000);
    close(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stop_cuts_the_round_under_way, make_guest, forget_guest),
        cmocka_unit_test_setup_teardown(a_whole_round_is_reported, make_guest, forget_guest),
        cmocka_unit_test_setup_teardown(a_round_ends_when_the_migration_is_given_up, make_guest,
                                        forget_guest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
