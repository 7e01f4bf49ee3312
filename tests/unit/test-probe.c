/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each kind of machine that is not a dom0 we may use, made of plain files below a directory. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/xen/probe.h"

struct machine {
    char path[64];
    int fd;
};

static int make_machine(void **state)
{
    struct machine *machine = calloc(1, sizeof(*machine));
    assert_non_null(machine);
    snprintf(machine->path, sizeof(machine->path), "/tmp/domm-probe-XXXXXX");
    assert_non_null(mkdtemp(machine->path));
    assert_int_equal(chmod(machine->path, 0755), 0); /* not_root looks into it as nobody */
    machine->fd = open(machine->path, O_DIRECTORY | O_RDONLY);
    static const char *const directories[] = {"sys", "sys/hypervisor", "proc", "dev"};
    for (size_t i = 0; i < COUNT(directories); i++)
        assert_int_equal(mkdirat(machine->fd, directories[i], 0755), 0);
    *state = machine;
    return 0;
}

static int remove_machine(void **state)
{
    struct machine *machine = *state;
    static const char *const files[] = {"sys/hypervisor/type", "proc/xen/capabilities",
                                        "dev/xen/privcmd", "socket"};
    static const char *const directories[] = {"sys/hypervisor", "sys",     "proc/xen",
                                              "proc",           "dev/xen", "dev"};
    for (size_t i = 0; i < COUNT(files); i++)
        unlinkat(machine->fd, files[i], 0);
    for (size_t i = 0; i < COUNT(directories); i++)
        unlinkat(machine->fd, directories[i], AT_REMOVEDIR);
    close(machine->fd);
    rmdir(machine->path);
    free(machine);
    return 0;
}

static void put(const struct machine *machine, const char *path, const char *text)
{
    int fd = openat(machine->fd, path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void put_directory(const struct machine *machine, const char *path)
{
    assert_int_equal(mkdirat(machine->fd, path, 0755), 0);
}

static void no_xen(void **state)
{
    struct machine *machine = *state;
    struct domm_error err;
    assert_int_equal(domm_probe_hypervisor(machine->fd, &err), -DOMM_NOT_PERMITTED);
    assert_contains(err.text, "does not run on Xen");
    put(machine, "sys/hypervisor/type", "kvm\n");
    assert_int_equal(domm_probe_hypervisor(machine->fd, &err), -DOMM_NOT_PERMITTED);
    assert_contains(err.text, "does not run on Xen");
}

static void another_guest(void **state)
{
    struct machine *machine = *state;
    struct domm_error err;
    put(machine, "sys/hypervisor/type", "xen\n");
    put_directory(machine, "proc/xen");
    put(machine, "proc/xen/capabilities", "");
    assert_int_equal(domm_probe_hypervisor(machine->fd, &err), -DOMM_NOT_PERMITTED);
    assert_contains(err.text, "not dom0");
}

static void no_privcmd(void **state)
{
    struct machine *machine = *state;
    struct domm_error err;
    put(machine, "sys/hypervisor/type", "xen\n");
    assert_int_equal(domm_probe_hypervisor(machine->fd, &err), -DOMM_NOT_PERMITTED);
    assert_contains(err.text, "privcmd");
    assert_contains(err.hint, "modprobe");
}

static void not_root(void **state)
{
    struct machine *machine = *state;
    struct domm_error err;
    put_directory(machine, "dev/xen");
    put(machine, "dev/xen/privcmd", "");
    assert_int_equal(fchmodat(machine->fd, "dev/xen/privcmd", 0, 0), 0);
    if (geteuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    int rc = domm_probe_hypervisor(machine->fd, &err);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(rc, -DOMM_NOT_PERMITTED);
    assert_contains(err.text, "Permission denied");
    assert_contains(err.hint, "root");
}

static void dom0(void **state)
{
    struct machine *machine = *state;
    struct domm_error err;
    put(machine, "sys/hypervisor/type", "xen\n");
    put_directory(machine, "proc/xen");
    put(machine, "proc/xen/capabilities", "control_d\n");
    put_directory(machine, "dev/xen");
    put(machine, "dev/xen/privcmd", "");
    assert_int_equal(domm_probe_hypervisor(machine->fd, &err), 0);
}

static void xenstored(void **state)
{
    struct machine *machine = *state;
    struct domm_error err;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", machine->path);
    assert_int_equal(domm_probe_xenstored(address.sun_path, &err), -DOMM_NOT_PERMITTED);
    assert_contains(err.text, "No such file");
    assert_contains(err.hint, "xenstored");

    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(domm_probe_xenstored(address.sun_path, &err), -DOMM_NOT_PERMITTED);
    assert_contains(err.text, "refused");
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(domm_probe_xenstored(address.sun_path, &err), 0);
    close(fd);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make_machine, remove_machine)
    const struct CMUnitTest tests[] = {
        CASE(no_xen),   CASE(another_guest), CASE(no_privcmd),
        CASE(not_root), CASE(dom0),          CASE(xenstored),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
