/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dom0 makes of a file server's answers: of one made up here, and of none. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/net/nfs/nfs.h"
#include "lib/pair/storage_check.h"

#define PATIENCE_MS 2000

/* --- a server --------------------------------------------------------------------------------- */

enum { RPCBIND = 100000, NFS = 100003, MOUNTD = 100005 };
enum { EXPORT = 5, UMNT = 3 };

/* All its programs are at one port. */
static struct {
    int fd;
    uint16_t port;
    pthread_t thread;
    bool no_mountd, no_nfs3, denies, garbles; /* denies: the credentials */
    uint32_t mount_status;
    const char *exports[4];
    int compound_status, compound_results; /* a negative status: no version 4 */
    int unmounts;
} server;

struct message {
    unsigned char bytes[2048];
    size_t size, at;
};

static void put(struct message *message, uint32_t value)
{
    value = htonl(value);
    memcpy(message->bytes + message->size, &value, sizeof(value));
    message->size += sizeof(value);
}

static void put_text(struct message *message, const char *text)
{
    size_t length = strlen(text);
    put(message, (uint32_t)length);
    memcpy(message->bytes + message->size, text, length);
    message->size += (length + 3) & ~(size_t)3;
}

static uint32_t get(struct message *message)
{
    uint32_t value = 0;
    memcpy(&value, message->bytes + message->at, sizeof(value));
    message->at += sizeof(value);
    return ntohl(value);
}

/* One fragment, as small calls are sent. */
static bool receive(int fd, struct message *message)
{
    uint32_t mark;
    *message = (struct message){.size = 0};
    if (recv(fd, &mark, sizeof(mark), MSG_WAITALL) != sizeof(mark))
        return false;
    message->size = ntohl(mark) & 0x7fffffff;
    assert_true(message->size <= sizeof(message->bytes));
    return recv(fd, message->bytes, message->size, MSG_WAITALL) == (ssize_t)message->size;
}

static void put_exports(struct message *reply)
{
    for (size_t i = 0; i < COUNT(server.exports) && server.exports[i]; i++) {
        put(reply, 1);
        put_text(reply, server.exports[i]);
        put(reply, 1);
        put_text(reply, "10.0.0.0/8");
        put(reply, 0);
    }
    put(reply, server.garbles ? 1 : 0); /* one more, which does not come */
}

static void answer_mountd(uint32_t procedure, struct message *reply)
{
    if (procedure == EXPORT)
        put_exports(reply);
    if (procedure == UMNT)
        server.unmounts++;
    if (procedure != 1)
        return;
    put(reply, server.mount_status);
    if (server.mount_status == 0) {
        put_text(reply, "handle");
        put(reply, 0);
    }
}

/* 0, or the status of a call that is accepted and fails: 1 no such program, 2 no such version. */
static uint32_t status_of(uint32_t program, uint32_t version)
{
    if (program == NFS && version == 4)
        return server.compound_status < 0 ? 2 : 0;
    return program == NFS && server.no_nfs3 ? 2 : 0;
}

static void answer(struct message *call, struct message *reply)
{
    uint32_t xid = get(call);
    call->at += 8; /* a call, RPC version 2 */
    uint32_t program = get(call), version = get(call), procedure = get(call);
    for (int i = 0; i < 2; i++) { /* credentials, verifier */
        call->at += 4;
        call->at += (get(call) + 3) & ~3u;
    }
    put(reply, xid);
    put(reply, 1);
    if (server.denies && program == MOUNTD) {
        put(reply, 1); /* denied, */
        put(reply, 1); /* for its credentials: */
        put(reply, 5); /* too weak */
        return;
    }
    put(reply, 0);
    put(reply, 0); /* verifier */
    put(reply, 0);
    uint32_t status = status_of(program, version);
    put(reply, status);
    if (status == 2) {
        put(reply, 4);
        put(reply, 4);
    } else if (program == RPCBIND) {
        put(reply, get(call) == MOUNTD && server.no_mountd ? 0 : server.port);
    } else if (program == MOUNTD) {
        answer_mountd(procedure, reply);
    } else if (version == 4) {
        put(reply, (uint32_t)server.compound_status);
        put_text(reply, "");
        put(reply, (uint32_t)server.compound_results);
    }
}

static void *serve(void *unused)
{
    (void)unused;
    for (int fd; (fd = accept(server.fd, NULL, NULL)) >= 0; close(fd)) {
        struct message call, reply;
        while (receive(fd, &call)) {
            reply = (struct message){.size = 4};
            answer(&call, &reply);
            uint32_t mark = htonl(0x80000000u | (uint32_t)(reply.size - 4));
            memcpy(reply.bytes, &mark, sizeof(mark));
            if (send(fd, reply.bytes, reply.size, MSG_NOSIGNAL) < 0)
                break;
        }
    }
    return NULL;
}

static int start(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    memset(&server, 0, sizeof(server));
    server.compound_status = -1;
    server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server.fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server.fd, 8), 0);
    assert_int_equal(getsockname(server.fd, (struct sockaddr *)&address, &length), 0);
    server.port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    shutdown(server.fd, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.fd);
    return 0;
}

/* --- what is made of it ----------------------------------------------------------------------- */

static struct domm_nfs_view look(const char *path)
{
    struct domm_nfs_view version3, version4;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct domm_nfs_server here = {
        .address.length = sizeof(address), .rpcbind_port = server.port, .nfs_port = server.port};
    memcpy(&here.address.socket, &address, sizeof(address));
    domm_nfs3_look(&here, path, domm_now_ms() + PATIENCE_MS, &version3);
    domm_nfs4_look(&here, path, domm_now_ms() + PATIENCE_MS, &version4);
    return domm_nfs_judge(&version3, &version4);
}

static void expect(const char *path, enum domm_nfs_answer answer, const char *reason)
{
    struct domm_nfs_view view = look(path);
    if (view.answer != answer || !strstr(view.reason, reason))
        fail_msg("%s: %d \"%s\", not %d \"%s\"", path, view.answer, view.reason, answer, reason);
}

static void an_export_is_found_and_not_held(void **state)
{
    (void)state;
    expect("/srv/web", DOMM_NFS_YES, "");
    assert_int_equal(server.unmounts, 1);
}

static void a_directory_that_is_not_there_is_refused(void **state)
{
    (void)state;
    server.mount_status = 2;
    expect("/srv/web", DOMM_NFS_NO, "there is no such directory on the server");
    server.mount_status = 20;
    expect("/srv/web", DOMM_NFS_NO, "there is no such directory on the server");
    server.mount_status = 5;
    expect("/srv/web", DOMM_NFS_NO, "with error 5");
}

static void who_is_refused_looks_at_the_list(void **state)
{
    (void)state;
    server.mount_status = 13;
    expect("/srv/web", DOMM_NFS_UNSURE, "nor tells why");
    server.exports[0] = "/home";
    server.exports[1] = "/srv/we";
    expect("/srv/web", DOMM_NFS_NO, "exports no such directory");
    server.exports[2] = "/srv/web/";
    expect("/srv/web", DOMM_NFS_UNSURE, "does not let this host mount it");
    expect("/srv/web/part", DOMM_NFS_UNSURE, "does not let this host mount it");
    expect("/srv", DOMM_NFS_NO, "exports no such directory");
    server.exports[2] = "/";
    expect("/srv/web", DOMM_NFS_UNSURE, "does not let this host mount it");
    server.denies = true;
    expect("/srv/web", DOMM_NFS_UNSURE, "does not let this host mount it, nor tells why");
}

static void a_list_that_is_cut_off_proves_nothing(void **state)
{
    (void)state;
    server.mount_status = 13;
    server.exports[0] = "/home";
    server.garbles = true;
    expect("/srv/web", DOMM_NFS_UNSURE, "nor tells why");
}

static void version_4_is_asked_where_3_is_not_served(void **state)
{
    (void)state;
    server.no_mountd = true;
    expect("/srv/web", DOMM_NFS_SILENT, "has no MOUNT service");
    server.compound_status = 0;
    server.compound_results = 3;
    expect("/srv/web", DOMM_NFS_YES, "");
    server.compound_status = 2;
    server.compound_results = 3;
    expect("/srv/web", DOMM_NFS_NO, "exports no such directory");
    server.compound_results = 1; /* no root: it exports nothing to this host */
    expect("/srv/web", DOMM_NFS_UNSURE, "does not show it to this host");
    server.compound_status = 13;
    server.compound_results = 2;
    expect("/srv/web", DOMM_NFS_UNSURE, "does not show it to this host (error 13)");
    server.compound_status = 10021;
    server.compound_results = 0;
    expect("/srv/web", DOMM_NFS_UNSURE, "no NFS 4.0");
}

static void one_version_that_works_is_enough(void **state)
{
    (void)state;
    server.mount_status = 2;
    server.compound_status = 0;
    server.compound_results = 3;
    expect("/srv/web", DOMM_NFS_YES, "");
    server.mount_status = 0;
    server.no_nfs3 = true; /* MOUNT answers, version 3 does not */
    expect("/srv/web", DOMM_NFS_YES, "");
    server.compound_status = -1;
    expect("/srv/web", DOMM_NFS_SILENT, "NFS service does not answer");
}

static void what_version_3_says_for_all_outweighs_what_4_hides(void **state)
{
    (void)state;
    server.mount_status = 13;
    server.exports[0] = "/srv/web";
    server.compound_status = 2;
    server.compound_results = 3;
    expect("/srv/web", DOMM_NFS_UNSURE, "does not let this host mount it");
    server.exports[0] = "/home";
    server.compound_status = 13;
    expect("/srv/web", DOMM_NFS_NO, "exports no such directory");
}

/* --- the whole check -------------------------------------------------------------------------- */

static int check(const char *source, bool unchecked, struct domm_error *err)
{
    struct domm_storage storage = {.kind = DOMM_STORAGE_NFS, .unchecked = unchecked};
    char doubt[DOMM_STORAGE_DOUBT];
    snprintf(storage.source, sizeof(storage.source), "%s", source);
    int rc = domm_storage_check(&storage, PATIENCE_MS, doubt, err);
    assert_string_equal(doubt, "");
    return rc;
}

static void a_server_that_cannot_be_reached_is_an_error_in_time(void **state)
{
    (void)state;
    struct domm_error err = {0};
    /* Nobody can be called so (RFC 6761), nor is anybody there (RFC 5737). */
    static const char *const sources[] = {"nobody.invalid:/srv", "192.0.2.1:/srv"};
    for (size_t i = 0; i < COUNT(sources); i++) {
        int64_t begin = domm_now_ms();
        assert_int_equal(check(sources[i], false, &err), -DOMM_PREFLIGHT);
        assert_true(domm_now_ms() - begin < PATIENCE_MS + 1000);
        assert_ptr_equal(strstr(err.text, sources[i]), err.text);
        assert_non_null(strstr(err.text, "the server cannot be "));
        assert_non_null(strstr(err.hint, "check=0"));
        assert_int_equal(check(sources[i], true, &err), 0);
    }
}

/* What the process has that would read the first byte of a name server. */
static struct exposure {
    bool asked;
    uid_t user;
    int descriptors; /* without those of /dev/null and the verdict's */
    char capabilities[32], no_new_privileges[8];
} * exposure;

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list)
{
    char line[128];
    if (!exposure)
        return __real_getaddrinfo(node, service, hints, list);
    exposure->asked = true;
    exposure->user = geteuid();
    for (int fd = 4; fd < 1024; fd++)
        exposure->descriptors += fcntl(fd, F_GETFD) >= 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof(line), status)) {
        sscanf(line, "CapPrm: %31s", exposure->capabilities);
        sscanf(line, "NoNewPrivs: %7s", exposure->no_new_privileges);
    }
    return EAI_FAIL;
}

static void who_asks_a_name_server_has_nothing_to_lose(void **state)
{
    struct domm_error err;
    int secret = open("/dev/null", O_RDWR); /* as that of the hypervisor */
    (void)state;
    exposure = mmap(NULL, sizeof(*exposure), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(exposure, MAP_FAILED);
    assert_int_equal(check("server:/srv", false, &err), -DOMM_PREFLIGHT);
    assert_true(exposure->asked);
    assert_int_equal(exposure->descriptors, 0);
    assert_string_equal(exposure->no_new_privileges, "1");
    /* CAP_NET_BIND_SERVICE, where this test has it. */
    assert_true(strtoull(exposure->capabilities, NULL, 16) == 0 ||
                strtoull(exposure->capabilities, NULL, 16) == 1u << 10);
    if (geteuid() == 0)
        assert_int_equal(exposure->user, 65534);
    munmap(exposure, sizeof(*exposure));
    exposure = NULL;
    close(secret);
}

static void a_disk_is_none_of_its_business(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_storage storage = {.kind = DOMM_STORAGE_BLOCK, .source = "xvdb"};
    char doubt[DOMM_STORAGE_DOUBT];
    assert_int_equal(domm_storage_check(&storage, PATIENCE_MS, doubt, &err), 0);
}

static void a_source_is_split(void **state)
{
    (void)state;
    static const struct {
        const char *source, *server, *path;
    } cases[] = {
        {"filer:/srv/web", "filer", "/srv/web"},
        {"10.0.0.3:/", "10.0.0.3", "/"},
        {"[fe80::1]:/srv", "fe80::1", "/srv"},
        {"a:/b:/c", "a", "/b:/c"},
    };
    char server_name[DOMM_RECORD_MAX_SOURCE];
    const char *path;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_true(domm_storage_split(cases[i].source, server_name, &path));
        assert_string_equal(server_name, cases[i].server);
        assert_string_equal(path, cases[i].path);
    }
    assert_false(domm_storage_split("filer", server_name, &path));
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(an_export_is_found_and_not_held),
        WITH_SERVER(a_directory_that_is_not_there_is_refused),
        WITH_SERVER(who_is_refused_looks_at_the_list),
        WITH_SERVER(a_list_that_is_cut_off_proves_nothing),
        WITH_SERVER(version_4_is_asked_where_3_is_not_served),
        WITH_SERVER(one_version_that_works_is_enough),
        WITH_SERVER(what_version_3_says_for_all_outweighs_what_4_hides),
        cmocka_unit_test(a_server_that_cannot_be_reached_is_an_error_in_time),
        cmocka_unit_test(who_asks_a_name_server_has_nothing_to_lose),
        cmocka_unit_test(a_disk_is_none_of_its_business),
        cmocka_unit_test(a_source_is_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
