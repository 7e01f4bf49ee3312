/* SPDX-License-Identifier: GPL-3.0-or-later */
/* domm-agent's texts: what it takes from dom0, what it tells mount(8), what it answers. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/agent/answer.h"
#include "cmd/agent/file_system.h"
#include "cmd/agent/kernel_finder.h"
#include "cmd/agent/mounter.h"
#include "cmd/agent/ping.h"
#include "cmd/agent/storage.h"
#include "cmd/agent/wanted.h"
#include "tests/unit/fake-kernel.h"

static void storage_is_read(void **state)
{
    (void)state;
    struct domm_storage storage;
    struct domm_error err;
    assert_int_equal(wanted_storage_parse("nfs", "filer:/srv/web", "3", NULL, &storage, &err), 0);
    assert_int_equal(storage.kind, DOMM_STORAGE_NFS);
    assert_string_equal(storage.source, "filer:/srv/web");
    assert_int_equal(storage.max_age, 3);
    assert_int_equal(
        wanted_storage_parse("nfs", "[fe80::1]:/", "0", "port=2050,vers=4.1", &storage, &err), 0);
    assert_int_equal(storage.max_age, 0);
    assert_int_equal(storage.nfs.port, 2050);
    assert_string_equal(storage.nfs.vers, "4.1");
    static const char *const disks[] = {"xvdb", "xvda1", "xvdaa15", "sdc", "hda2"};
    for (size_t i = 0; i < COUNT(disks); i++) {
        assert_int_equal(wanted_storage_parse("block", disks[i], "3600", "", &storage, &err), 0);
        assert_int_equal(storage.kind, DOMM_STORAGE_BLOCK);
        assert_string_equal(storage.source, disks[i]);
    }
}

static void hostile_storage_is_refused(void **state)
{
    (void)state;
    static char long_path[600];
    static const struct {
        const char *type, *source, *max_age;
    } hostile[] = {
        {"", "filer:/srv", "3"},        {"NFS", "filer:/srv", "3"},
        {"tmpfs", "filer:/srv", "3"},   {"nfs", "", "3"},
        {"nfs", "filer", "3"},          {"nfs", "/srv", "3"},
        {"nfs", ":/srv", "3"},          {"nfs", "-o:/srv", "3"},
        {"nfs", "fd00::3:/srv", "3"},   {"nfs", "[fd00::3:/srv", "3"},
        {"nfs", "[filer]:/srv", "3"},   {"nfs", "filer:/srv web", "3"},
        {"nfs", "filer:/srv,rw", "3"},  {"nfs", "filer:/srv\n", "3"},
        {"nfs", "filer:/\033[2J", "3"}, {"nfs", "filer:/$(reboot)", "3"},
        {"nfs", long_path, "3"},        {"block", "", "3"},
        {"block", "/dev/xvdb", "3"},    {"block", "../xvdb", "3"},
        {"block", "mem", "3"},          {"block", "xvd", "3"},
        {"block", "xvd1", "3"},         {"block", "xvdabc", "3"},
        {"block", "xvdb1234", "3"},     {"block", "xvdb1x", "3"},
        {"block", "filer:/srv", "3"},   {"nfs", "filer:/srv", ""},
        {"nfs", "filer:/srv", "-1"},    {"nfs", "filer:/srv", "+1"},
        {"nfs", "filer:/srv", " 1"},    {"nfs", "filer:/srv", "03"},
        {"nfs", "filer:/srv", "3601"},  {"nfs", "filer:/srv", "99999999999999999999"},
        {"nfs", "filer:/srv", "3,rw"},  {"nfs", "filer:/srv", "3.5"},
    };
    memcpy(memset(long_path, 'a', sizeof(long_path) - 1), "f:/", 3);
    for (size_t i = 0; i < COUNT(hostile); i++) {
        struct domm_storage storage;
        struct domm_error err;
        if (wanted_storage_parse(hostile[i].type, hostile[i].source, hostile[i].max_age, NULL,
                                 &storage, &err) != -DOMM_REFUSED)
            fail_msg("%s %s %s was taken", hostile[i].type, hostile[i].source, hostile[i].max_age);
    }
}

static void names_are_those_of_directories(void **state)
{
    (void)state;
    char name[WANTED_NAME + 1] = "";
    assert_true(wanted_name_fits("web"));
    assert_true(wanted_name_fits("web-1.example_org"));
    assert_false(wanted_name_fits(""));
    assert_false(wanted_name_fits("."));
    assert_false(wanted_name_fits(".."));
    assert_false(wanted_name_fits(".web"));
    assert_false(wanted_name_fits("web/0"));
    assert_false(wanted_name_fits("web 0"));
    assert_false(wanted_name_fits("w\xc3\xa9"
                                  "b"));
    memset(name, 'a', WANTED_NAME - 1);
    assert_true(wanted_name_fits(name));
    memset(name, 'a', WANTED_NAME);
    assert_false(wanted_name_fits(name));
}

static void pings_are_short_and_printable(void **state)
{
    (void)state;
    char text[PING_TEXT + 1] = "";
    assert_true(ping_text_fits("1"));
    assert_true(ping_text_fits("a b ~"));
    assert_false(ping_text_fits(""));
    assert_false(ping_text_fits("a\nb"));
    assert_false(ping_text_fits("\x7f"));
    assert_false(ping_text_fits("\xc3\xa9"));
    memset(text, 'a', PING_TEXT - 1);
    assert_true(ping_text_fits(text));
    memset(text, 'a', PING_TEXT);
    assert_false(ping_text_fits(text));
}

/* The bound on the age of what is seen is that of the attribute cache. */
static void nfs_is_mounted_read_only_and_soft(void **state)
{
    (void)state;
    static const char *const wanted[] = {"ro,",  "nosuid",  "nodev",      "noexec",
                                         "soft", "retry=0", "actimeo=7,", "vers=3,"};
    struct domm_storage storage = {.kind = DOMM_STORAGE_NFS, .source = "filer:/srv", .max_age = 7};
    char options[MOUNT_OPTIONS];
    mount_nfs_options(&storage, "3", false, options);
    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_contains(options, wanted[i]);
    assert_contains(options, "nolock");
    storage.max_age = 3600;
    mount_nfs_options(&storage, "3", false, options);
    assert_true(strlen(options) < sizeof(options) - 1);
    mount_nfs_options(&storage, "4", false, options);
    assert_contains(options, "vers=4,");
    assert_null(strstr(options, "nolock"));
}

/* For mount.nfs(8) proto=tcp is IPv4, and nothing else. */
static void nfs_is_mounted_as_the_record_says(void **state)
{
    (void)state;
    struct domm_storage storage = {.kind = DOMM_STORAGE_NFS, .max_age = 3600};
    struct domm_error err;
    char options[MOUNT_OPTIONS];
    assert_int_equal(domm_nfs_options_parse("port=65535,sec=krb5p,vers=4.2", &storage.nfs, &err),
                     0);
    mount_nfs_options(&storage, "4.2", true, options);
    assert_contains(options, ",vers=4.2,proto=tcp6,");
    assert_contains(options, ",sec=krb5p,port=65535");
    mount_nfs_options(&(struct domm_storage){.max_age = 3}, "3", false, options);
    assert_contains(options, ",vers=3,proto=tcp,");
    assert_null(strstr(options, "port="));
    assert_null(strstr(options, "sec="));
    assert_true(mount_nfs_needs_ipv6("[fd00::3]:/srv"));
    assert_false(mount_nfs_needs_ipv6("10.0.0.3:/srv"));
    assert_false(mount_nfs_needs_ipv6("nobody.invalid:/srv"));
}

/* In a process that is not root, as the server's answers are to a root that it takes for another.
 */
static int look_as_nobody(const char *path, const char *missed)
{
    pid_t pid = fork();
    int status = -1;
    if (pid == 0) {
        char *entry = NULL;
        if (geteuid() == 0 && setresuid(65534, 65534, 65534))
            _exit(2);
        bool may = probe_root_may_read(path, &entry);
        _exit(missed ? may || !entry || strcmp(entry, missed) != 0 : !may);
    }
    waitpid(pid, &status, 0);
    return status;
}

static void put(const char *directory, const char *name, mode_t mode)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void a_share_that_root_cannot_read_is_told(void **state)
{
    (void)state;
    char base[] = "/tmp/domm-squash-XXXXXX", etc[64], command[64];
    assert_non_null(mkdtemp(base));
    assert_int_equal(chmod(base, 0755), 0);
    snprintf(etc, sizeof(etc), "%s/etc", base);
    assert_int_equal(mkdir(etc, 0755), 0);
    put(base, "vmlinuz", 0644);
    put(etc, "passwd", 0644);
    assert_int_equal(look_as_nobody(base, NULL), 0); /* nothing tells otherwise */
    put(etc, "shadow", 0000);
    assert_int_equal(look_as_nobody(base, "shadow"), 0);
    assert_int_equal(chmod(base, 0000), 0);
    assert_int_equal(look_as_nobody(base, "."), 0);
    assert_int_equal(chmod(base, 0755), 0);
    if (geteuid() == 0) { /* root that is root */
        char *entry;
        assert_true(probe_root_may_read(base, &entry));
        assert_null(entry);
    }
    snprintf(command, sizeof(command), "rm -r %s", base);
    assert_int_equal(system(command), 0);
}

static void an_answer_is_compact_json(void **state)
{
    (void)state;
    struct answer answer = {
        .memory_ok = true,
        .n_monitor_vifs = 2,
        .monitor_vifs = {{.vif = 1}, {.vif = 2, .error = "down"}},
        .n_storage = 2,
        .storage = {{.ok = true, .age_s = 2, .path = "/run/domm-storage/web/0"},
                    {.age_s = ANSWER_NEVER, .error = "no \"way\"\n\xff", .path = "/x/1"}}};
    char text[ANSWER_BYTES];
    answer_format(&answer, text);
    assert_string_equal(
        text, "{\"memory\":{\"ok\":true,\"error\":\"\"},\"network\":[{\"vif\":1,\"ok\":true,"
              "\"error\":\"\"},{\"vif\":2,\"ok\":false,\"error\":\"down\"}],\"storage\":["
              "{\"ok\":true,\"age\":2,\"error\":\"\",\"path\":\"/run/domm-storage/web/0\"},"
              "{\"ok\":false,\"age\":null,\"error\":\"no 'way'??\",\"path\":\"/x/1\"}]}");
    answer = (struct answer){.memory_error = "gone"};
    answer_format(&answer, text);
    assert_string_equal(text, "{\"memory\":{\"ok\":false,\"error\":\"gone\"},\"network\":[],"
                              "\"storage\":[]}");
}

/* With as much of everything, and as long names, as there may be. */
static void the_longest_answer_fits(void **state)
{
    (void)state;
    struct answer answer = {.n_storage = DOMM_RECORD_MAX_ITEMS,
                            .n_monitor_vifs = DOMM_RECORD_MAX_ITEMS};
    char text[ANSWER_BYTES], name[WANTED_NAME] = "";
    memset(name, 'n', sizeof(name) - 1);
    memset(answer.memory_error, '"', ANSWER_ERROR - 1);
    for (size_t i = 0; i < DOMM_RECORD_MAX_ITEMS; i++) {
        struct answer_storage *storage = &answer.storage[i];
        answer.monitor_vifs[i] =
            (struct answer_monitor_vif){99, "its network interface is not there"};
        storage->age_s = 999999999;
        memset(storage->error, '"', ANSWER_ERROR - 1);
        snprintf(storage->path, sizeof(storage->path), STORAGE_ROOT "/%s/%zu", name, i);
    }
    answer_format(&answer, text);
    struct json_object *parsed = json_tokener_parse(text);
    assert_non_null(parsed);
    assert_int_equal(json_object_array_length(json_object_object_get(parsed, "storage")),
                     DOMM_RECORD_MAX_ITEMS);
    json_object_put(parsed);
}

static bool looks_within(struct storage_worker *worker, uint64_t number, int ms)
{
    for (int i = 0; i < ms / 10 && !storage_worker_has_looked(worker, number); i++)
        poll(NULL, 0, 10);
    return storage_worker_has_looked(worker, number);
}

/* There is no such disk: a check fails at once, but is made. */
static void storage_is_not_looked_at_while_it_rests(void **state)
{
    (void)state;
    const struct domm_storage storage = {
        .kind = DOMM_STORAGE_BLOCK, .source = "xvdzz", .max_age = 3600};
    char directory[] = "/tmp/domm-storage-XXXXXX", path[64];
    int notify = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/web/0", directory);
    struct storage_worker *worker = storage_worker_start(&storage, path, notify);
    assert_non_null(worker);
    assert_true(looks_within(worker, 1, 20000));
    storage_worker_rest(worker, true);
    uint64_t number = storage_worker_ask(worker);
    assert_false(looks_within(worker, number, 300));
    assert_false(storage_worker_is_looking(worker));
    storage_worker_rest(worker, false);
    assert_true(looks_within(worker, number, 20000));
    storage_worker_rest(worker, true);
    storage_worker_stop(worker);
    for (int i = 0; i < 2000 && !storage_worker_has_ended(worker); i++)
        poll(NULL, 0, 10);
    assert_true(storage_worker_has_ended(worker));
    storage_worker_free(worker);
    close(notify);
    rmdir(directory);
}

/* 1 MiB whose first superblock has no more than these bytes at `offset`. */
static const char *disk_with(const char *bytes, size_t length, off_t offset)
{
    static const char path[] = "disk";
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_equal(pwrite(fd, bytes, length, offset), length);
    close(fd);
    return path;
}

static void file_systems_are_found(void **state)
{
    (void)state;
    struct domm_error err;
    bool xfs = true;
    assert_int_equal(find_file_system(disk_with("\x53\xef", 2, 1080), &xfs, &err), 0);
    assert_false(xfs);
    assert_int_equal(find_file_system(disk_with("\xeb\x3c\x90", 3, 0), &xfs, &err), -DOMM_FAILED);
    assert_string_equal(err.text, "disk has neither an ext4 nor an XFS file system");
    assert_int_equal(unlink("disk"), 0);
    assert_int_equal(find_file_system("disk", &xfs, &err), -DOMM_FAILED);
    assert_string_equal(err.text, "opening disk: No such file or directory");
}

static bool search(const char *path, struct found_kernel *kernel_r)
{
    struct kernel_finder *finder = kernel_finder_start(path);
    assert_non_null(finder);
    struct pollfd end = {.fd = kernel_finder_fd(finder), .events = POLLIN};
    assert_int_equal(poll(&end, 1, 60000), 1);
    return kernel_finder_finish(finder, kernel_r);
}

static void a_kernel_is_found_by_another_process(void **state)
{
    (void)state;
    struct fake_kernel *fake = fake_kernel_new(4);
    struct found_kernel kernel;
    FILE *file = fopen("memory", "w");
    assert_non_null(file);
    assert_int_equal(fwrite(fake->memory, sizeof(fake->memory), 1, file), 1);
    assert_int_equal(fclose(file), 0);
    assert_true(search("memory", &kernel));
    assert_int_equal(kernel.facts.vmcoreinfo, FAKE_VMCOREINFO);
    assert_int_equal(kernel.facts.stext, FAKE_BASE);
    assert_memory_equal(kernel.page, fake->memory + FAKE_VMCOREINFO, sizeof(kernel.page));
    assert_int_equal(truncate("memory", 8 * DOMM_VMI_PAGE), 0);
    assert_false(search("memory", &kernel));
    assert_int_equal(unlink("memory"), 0);
    assert_false(search("memory", &kernel));
    assert_true(waitpid(-1, NULL, WNOHANG) < 0);
    free(fake);
}

/* As when the agent ends, or what was mapped has gone. */
static void a_search_can_be_ended(void **state)
{
    (void)state;
    struct found_kernel kernel;
    assert_int_equal(mkfifo("fifo", 0600), 0); /* to open it takes for ever */
    struct kernel_finder *finder = kernel_finder_start("fifo");
    assert_non_null(finder);
    assert_false(kernel_finder_finish(finder, &kernel));
    assert_int_equal(unlink("fifo"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(storage_is_read),
        cmocka_unit_test(hostile_storage_is_refused),
        cmocka_unit_test(file_systems_are_found),
        cmocka_unit_test(a_kernel_is_found_by_another_process),
        cmocka_unit_test(a_search_can_be_ended),
        cmocka_unit_test(names_are_those_of_directories),
        cmocka_unit_test(pings_are_short_and_printable),
        cmocka_unit_test(nfs_is_mounted_read_only_and_soft),
        cmocka_unit_test(nfs_is_mounted_as_the_record_says),
        cmocka_unit_test(a_share_that_root_cannot_read_is_told),
        cmocka_unit_test(an_answer_is_compact_json),
        cmocka_unit_test(the_longest_answer_fits),
        cmocka_unit_test(storage_is_not_looked_at_while_it_rests),
    };
    return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
