/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configurations of a monitor, good and bad, through libxlutil as the program reads them. */
#include "tests/unit/unit.h"

#include "lib/pair/config.h"
#include "lib/xen/host_requirements.h"

#define MINIMUM "name='ids'\nkernel='/dev/null'\nmemory=192\n"

/* libxlutil loses values of a text it refuses; the leak is not domm's. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libxlutil";
}

static int make_sized(const char *text, size_t size, const char *const *arguments, size_t n,
                      struct domm_config **config, struct domm_error *err)
{
    struct domm_config_file *file;
    *config = NULL;
    int rc = domm_config_file_parse("ids.cfg", text, size, arguments, n, &file, err);
    if (rc)
        return rc;
    rc = domm_config_make(file, config, err);
    domm_config_file_free(file);
    return rc;
}

static int make(const char *text, const char *argument, struct domm_config **config,
                struct domm_error *err)
{
    return make_sized(text, strlen(text), &argument, argument != NULL, config, err);
}

static void the_least_has_defaults(void **state)
{
    (void)state;
    struct domm_config *config;
    struct domm_error err = {0};
    if (make(MINIMUM, NULL, &config, &err))
        fail_msg("%s", err.text);
    assert_string_equal(config->name, "ids");
    assert_false(config->has_uuid);
    assert_null(config->cmdline);
    assert_int_equal(config->vcpus, 1);
    assert_int_equal(config->on_poweroff, DOMM_ON_DESTROY);
    assert_int_equal(config->on_reboot, DOMM_ON_RESTART);
    assert_int_equal(config->on_crash, DOMM_ON_DESTROY);
    assert_int_equal(config->ready_timeout, 60);
    assert_int_equal(config->n_targets + config->n_vifs + config->n_disks, 0);
    domm_config_free(config);
}

static const char full[] =
    "# a monitor for two guests\n"
    "name = \"ids\"\n"
    "uuid = 'd0330000-0000-4000-8000-000000000021'; type = \"pv\"\n"
    "kernel = '/dev/null'\n"
    "ramdisk = '/dev/zero'\n"
    "root = '/dev/nfs'   # not a key = in a comment\n"
    "extra = 'quiet name=no-key'\n"
    "memory = 0x100\n"
    "vcpus = \"2\"\n"
    "on_crash = 'preserve'\n"
    "disk = [ 'phy:/dev/zero,xvda,w',\n"
    "         'phy:/dev/null,xvdb,r' ]\n"
    "vif = [\n"
    "  'mac=00:16:3e:99:00:15,bridge=xenbr0',\n"
    "  'mac=00:16:3e:99:01:15',\n"
    "]\n"
    "vif += [ '' ]\n"
    "target = [ 'web', 'mail' ]\n"
    "mirror = [ 'target=web,vif=0,to=1', 'target=mail,vif=0,to=1', 'target=web,vif=1,to=2,vlan=7,protocol=arp' ]\n"
    "storage = [ 'target=web, nfs=10.0.0.3:/srv/web, max_age=1,check=0', 'target=mail,block=xvdb',\n"
    "  'target=mail,nfs=[fd00::3]:/srv/mail,port=2050,sec=krb5i,vers=4.1' ]\n"
    "ready_timeout = 30\n";

static void everything_is_taken(void **state)
{
    (void)state;
    struct domm_config *config;
    struct domm_error err = {0};
    if (make(full, NULL, &config, &err))
        fail_msg("%s", err.text);
    assert_true(config->has_uuid);
    assert_string_equal(config->cmdline, "root=/dev/nfs quiet name=no-key");
    assert_int_equal(config->memory_mib, 256);
    assert_int_equal(config->vcpus, 2);
    assert_int_equal(config->on_crash, DOMM_ON_PRESERVE);
    assert_string_equal(config->disks[1].parsed.vdev, "xvdb");
    assert_false(config->disks[1].parsed.writable);
    assert_null(config->disks[0].script);
    assert_string_equal(config->disks[1].script, DOMM_MONITOR_DISK_SCRIPT);
    assert_int_equal(config->n_vifs, 3);
    assert_false(config->vifs[0].monitor);
    assert_true(config->vifs[1].monitor);
    assert_string_equal(config->vifs[2].script, DOMM_MONITOR_VIF_SCRIPT);
    assert_int_equal(config->n_mirrors, 3);
    assert_string_equal(config->mirrors[1].target, "mail");
    assert_true(domm_selection_is_all(&config->mirrors[1].pair.selection));
    assert_int_equal(config->mirrors[2].pair.selection.vlan, 7);
    assert_string_equal(domm_selection_protocol_name(config->mirrors[2].pair.selection.protocol),
                        "arp");
    assert_int_equal(config->storage[0].storage.kind, DOMM_STORAGE_NFS);
    assert_string_equal(config->storage[0].storage.source, "10.0.0.3:/srv/web");
    assert_int_equal(config->storage[0].storage.max_age, 1);
    assert_true(config->storage[0].storage.unchecked);
    assert_int_equal(config->storage[1].storage.max_age, 3);
    assert_false(config->storage[1].storage.unchecked);
    assert_string_equal(config->storage[2].storage.source, "[fd00::3]:/srv/mail");
    assert_int_equal(config->storage[2].storage.nfs.port, 2050);
    assert_string_equal(config->storage[2].storage.nfs.sec, "krb5i");
    assert_string_equal(config->storage[2].storage.nfs.vers, "4.1");
    assert_int_equal(config->ready_timeout, 30);

    struct json_object *json = domm_config_json(config);
    const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN);
    assert_contains(text, "\"uuid\":\"d0330000-0000-4000-8000-000000000021\"");
    assert_contains(text,
                    "{\"target\":\"web\",\"vif\":1,\"to\":2,\"vlan\":7,\"protocol\":\"arp\"}");
    assert_contains(text, "\"port\":2050,\"sec\":\"krb5i\",\"vers\":\"4.1\"");
    for (size_t i = 0; domm_config_key_name(i); i++) {
        const char *key = domm_config_key_name(i);
        if (strcmp(key, "root") != 0 && strcmp(key, "extra") != 0 &&
            !json_object_object_get_ex(json, key, NULL))
            fail_msg("%s is not in the JSON", key);
    }
    json_object_put(json);
    domm_config_free(config);
}

static void a_vif_is_limited_and_a_guest_gets_grant_frames(void **state)
{
    (void)state;
    struct domm_config *config;
    struct domm_error err = {0};
    if (make(MINIMUM "vif=['bridge=xenbr0,rate=10Mb/s@50ms,backend=net,mtu=9000']\n"
                     "max_grant_frames=128\n",
             NULL, &config, &err))
        fail_msg("%s", err.text);
    assert_string_equal(config->vifs[0].rate, "10Mb/s@50ms");
    assert_string_equal(config->vifs[0].backend, "net");
    assert_int_equal(config->vifs[0].mtu, 9000);
    assert_int_equal(config->max_grant_frames, 128);
    domm_config_free(config);
}

static void what_editors_of_windows_add_is_named(void **state)
{
    (void)state;
    struct domm_config *config;
    struct domm_error err = {0};
    assert_int_equal(make("\xef\xbb\xbf" MINIMUM, NULL, &config, &err), -DOMM_REFUSED);
    assert_contains(err.text, "ids.cfg:1: begins with a byte order mark");
    assert_int_equal(make(MINIMUM "vcpus=1\r\n", NULL, &config, &err), -DOMM_REFUSED);
    assert_contains(err.hint, "sed -i 's/\\r$//' ids.cfg");
}

static void one_target_need_not_be_named(void **state)
{
    (void)state;
    struct domm_config *config;
    struct domm_error err = {0};
    if (make(MINIMUM "vif=['']\ntarget='web'\nmirror=['vif=0,to=0']\nstorage=['nfs=h:/x']\n", NULL,
             &config, &err))
        fail_msg("%s", err.text);
    assert_string_equal(config->mirrors[0].target, "web");
    assert_string_equal(config->storage[0].target, "web");
    domm_config_free(config);
}

/* As xl-disk-configuration(5) has them. */
static void a_disk_that_is_shared_has_our_script_unless_it_has_another(void **state)
{
    (void)state;
    static const struct {
        const char *disk;
        bool ours;
    } cases[] = {
        {"/dev/null,raw,xvdb,ro", true},
        {"format=raw,vdev=xvdb,access=ro,target=/dev/null", true},
        {"/dev/null,raw,xvdb,ro,script=block-other", false},
        {"/dev/null,qcow2,xvdb,ro", false},
        {"/dev/null,raw,xvdb,ro,backendtype=qdisk", false},
        {"/dev/null,raw,xvdb,ro,backend=storage", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[512];
        struct domm_config *config;
        struct domm_error err = {0};
        snprintf(text, sizeof(text), MINIMUM "disk=['%s']\ntarget='web'\nstorage=['block=xvdb']\n",
                 cases[i].disk);
        if (make(text, NULL, &config, &err))
            fail_msg("%s: %s", cases[i].disk, err.text);
        if ((config->disks[0].script != NULL) != cases[i].ours)
            fail_msg("%s", cases[i].disk);
        domm_config_free(config);
    }
}

/* libxlutil's scanner of disks ends the program then. */
static void a_disk_with_a_line_break_is_refused(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_disk disk;
    assert_int_equal(domm_disk_parse("phy:/dev/zero,xvda=\n,w", &disk, &err), -DOMM_REFUSED);
    assert_contains(err.text, "a line break or another control character");
}

static void arguments_override_the_file(void **state)
{
    (void)state;
    static const char *const arguments[] = {"memory=64", "extra += ' ro'", "target=\"web\"",
                                            "extra+='; #'"};
    struct domm_config *config;
    struct domm_error err = {0};
    const char *text = MINIMUM "extra='quiet'\ntarget='mail'"; /* without a newline at the end */
    if (make_sized(text, strlen(text), arguments, COUNT(arguments), &config, &err))
        fail_msg("%s", err.text);
    assert_int_equal(config->memory_mib, 64);
    assert_string_equal(config->cmdline, "quiet ro; #");
    assert_int_equal(config->n_targets, 1);
    assert_string_equal(config->targets[0], "web");
    domm_config_free(config);
}

#define LONG_NAME "123456789012345678901234567890123456789012345678901234567890abcd"
#define TEN_TARGETS(x)                                                                             \
    "'" x "0','" x "1','" x "2','" x "3','" x "4','" x "5','" x "6','" x "7','" x "8','" x "9',"

static const struct {
    const char *text; /* after the minimum, unless it is a whole file */
    const char *argument;
    const char *reason; /* all of it that matters: place, key and cause */
} bad[] = {
    /* What libxlutil says, with its line, which is one too low where a line ends too early. */
    {"vcpus\n", NULL, "ids.cfg:3: config parsing error"},
    {"vcpus=\n", NULL, "ids.cfg:3: config parsing error"},
    {"vcpus=2 memory=3\n", NULL, "ids.cfg:4: config parsing error"},
    {"extra='open\n", NULL, "ids.cfg:4: config parsing error"},
    {"vif=['a','b'\n", NULL, "ids.cfg:"},
    {"extra='\\q'\n", NULL, "ids.cfg:4: config parsing error"},
    {"\nvif=]\n", NULL, "ids.cfg:5: config parsing error"},
    {"def f(x):\n  return x\n", NULL, "ids.cfg:4: config parsing error"},
    {"extra=quiet\n", NULL, "ids.cfg:4: config parsing error"},
    {"vcpus=1\r\n", NULL, "ids.cfg:4: a line ends with a carriage return"},
    /* Keys. */
    {"vcpu=1\n", NULL, "ids.cfg:4: vcpu: no such key"},
    {"Memory=1\n", NULL, "ids.cfg:4: config parsing error near `Memory=1'"},
    {"\n# x\npae=1\n", NULL, "ids.cfg:6: pae: no such key"},
    {"vcpus=1; mmap=1\n", NULL, "ids.cfg:4: mmap: no such key"},
    {"vif=['',\n'']\nkernal=''\n", NULL, "ids.cfg:6: kernal: no such key"},
    {"abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqrstuvwxyz=1\n", NULL, "no such key"},
    {"memory=193\n", NULL, "ids.cfg:4: memory: is set already, at ids.cfg:3"},
    {"extra+='x'\nextra='x'\n", NULL, "ids.cfg:5: extra: is set already, at ids.cfg:4"},
    {"memory+=1\n", NULL, "ids.cfg:4: memory: += is for texts and lists"},
    {"on_crash+='x'\n", NULL, "ids.cfg:4: on_crash: += is for texts and lists"},
    /* Types. */
    {"vcpus=[1]\n", NULL, "ids.cfg:4: vcpus: is a list"},
    {"vif='mac=00:16:3e:00:00:01'\n", NULL, "ids.cfg:4: vif: is not a list"},
    {"disk=3\n", NULL, "ids.cfg:4: disk: is not a list"},
    {"vif=['',['']]\n", NULL, "ids.cfg:4: vif: item 1: a list inside the list"},
    {"vcpus='two'\n", NULL, "ids.cfg:4: vcpus: \"two\" is not a whole number"},
    {"vcpus=' 2'\n", NULL, "ids.cfg:4: vcpus: \" 2\" is not a whole number"},
    {"vcpus='-1'\n", NULL, "ids.cfg:4: vcpus: \"-1\" is not a whole number"},
    {"vcpus='2x'\n", NULL, "ids.cfg:4: vcpus: \"2x\" is not a whole number"},
    {"vcpus=''\n", NULL, "ids.cfg:4: vcpus: \"\" is not a whole number"},
    /* Ranges. */
    {"vcpus=0\n", NULL, "ids.cfg:4: vcpus: 0 is not from 1 to 512"},
    {"vcpus=513\n", NULL, "ids.cfg:4: vcpus: 513 is not from 1 to 512"},
    {"vcpus=4294967297\n", NULL, "not from 1 to 512"},
    {"vcpus=99999999999999999999999\n", NULL, "not from 1 to 512"},
    {"ready_timeout=0\n", NULL, "ids.cfg:4: ready_timeout: 0 is not from 1 to 3600"},
    /* Values. */
    {"type='pvh'\n", NULL, "ids.cfg:4: type: \"pvh\": a monitor is \"pv\""},
    {"type=''\n", NULL, "ids.cfg:4: type: \"\""},
    {"uuid='1234'\n", NULL, "ids.cfg:4: uuid: \"1234\" is not a UUID"},
    {"uuid='00000000-0000-0000-0000-000000000000'\n", NULL, "uuid: "},
    {"on_crash='explode'\n", NULL, "ids.cfg:4: on_crash: unknown value \"explode\""},
    {"ramdisk='/nowhere/initrd'\n", NULL,
     "ids.cfg:4: ramdisk: /nowhere/initrd: No such file or directory"},
    {"ramdisk='/'\n", NULL, "ids.cfg:4: ramdisk: / is a directory"},
    {"cmdline='a'\nroot='b'\n", NULL, "ids.cfg:4: cmdline: stands beside root or extra"},
    /* Disks and vifs. */
    {"disk=['phy:/dev/null']\n", NULL, "ids.cfg:4: disk: item 0: "},
    {"disk=['phy:/dev/null,xvda,w,frob=1,frob']\n", NULL, "ids.cfg:4: disk: item 0: "},
    {"disk=['phy:/nowhere/disk,xvda,r']\n", NULL, "disk: item 0: /nowhere/disk: No such file"},
    {"disk=['phy:/dev/null,xvda,r','phy:/dev/zero,xvda,r']\n", NULL,
     "disk: item 1: the vdev xvda is used twice"},
    {"vif=['mac=00:16:3e:00:00']\n", NULL, "vif: item 0: \"00:16:3e:00:00\" is not a unicast MAC"},
    {"vif=['mac=01:16:3e:00:00:01']\n", NULL, "is not a unicast MAC"},
    {"vif=['mac=00:16:3e:00:00:0A','mac=00:16:3e:00:00:0a']\n", NULL,
     "vif: item 1: the MAC address 00:16:3e:00:00:0a is used twice"},
    {"vif=['vifname=a/b']\n", NULL, "\"a/b\" is not a valid device name"},
    {"vif=['vifname=sixteenletters16']\n", NULL, "is not a valid device name"},
    {"vif=['rate=fast']\n", NULL, "vif: item 0: \"fast\" is not a rate such as"},
    {"vif=['mtu=10']\n", NULL, "vif: item 0: 10 is not from 68 to 65535"},
    {"vif=['backend=net']\ntarget='a'\nmirror=['vif=0,to=0']\n", NULL, "that vif has a backend"},
    {"max_grant_frames=0\n", NULL, "max_grant_frames: 0 is not from 1 to 65536"},
    {"vif=['brigde=xenbr0']\n", NULL, "ids.cfg:4: vif: item 0: \"brigde\" is not known here"},
    {"vif=['bridge=a,bridge=b']\n", NULL, "\"bridge\" is set twice"},
    {"vif=['bridge']\n", NULL, "\"bridge\" is not KEY=VALUE"},
    {"vif=['bridge=']\n", NULL, "\"bridge\" has no value"},
    {"vif=['bridge=a,,ip=1.2.3.4']\n", NULL, "\"\" is not KEY=VALUE"},
    /* Targets and what is watched of them. */
    {"target=''\n", NULL, "ids.cfg:4: target: empty"},
    {"target='ids'\n", NULL, "ids.cfg:4: target: the monitor cannot be its own target"},
    {"target=['a','a']\n", NULL, "ids.cfg:4: target: item 1: \"a\" is listed twice"},
    {"target=[" TEN_TARGETS("a") TEN_TARGETS("b") TEN_TARGETS("c") TEN_TARGETS("d") "]\n", NULL,
     "target: item 32: more than 32 items"},
    {"vif=['']\nmirror=['vif=0,to=0']\n", NULL, "mirror: item 0: there is no target"},
    {"vif=['']\ntarget=['a','b']\nmirror=['vif=0,to=0']\n", NULL,
     "target= is missing: there are 2"},
    {"vif=['']\ntarget='a'\nmirror=['target=b,vif=0,to=0']\n", NULL,
     "ids.cfg:6: mirror: item 0: \"b\" is not among the targets"},
    {"vif=['']\ntarget='a'\nmirror=['vif=0,to=1']\n", NULL, "to=1: the monitor has only 1 vifs"},
    {"vif=['']\ntarget='a'\nmirror=['vif=0']\n", NULL, "\"to\" is missing"},
    {"vif=['']\ntarget='a'\nmirror=['to=0']\n", NULL, "\"vif\" is missing"},
    {"vif=['']\ntarget='a'\nmirror=['vif=eth0,to=0']\n", NULL, "\"eth0\" is not a whole number"},
    {"vif=['']\ntarget='a'\nmirror=['vif=999,to=0']\n", NULL, "999 is not from 0 to 127"},
    {"vif=['']\ntarget='a'\nmirror=['vif=0,to=0,vlan=4095']\n", NULL, "4095 is not from 1 to 4094"},
    {"vif=['']\ntarget='a'\nmirror=['vif=0,to=0,protocol=tcp']\n", NULL,
     "protocol=tcp is not ipv4, ipv6 or arp"},
    {"vif=['bridge=xenbr0']\ntarget='a'\nmirror=['vif=0,to=0']\n", NULL, "the monitor could send"},
    {"vif=['script=vif-bridge']\ntarget='a'\nmirror=['vif=0,to=0']\n", NULL,
     "has the script vif-bridge"},
    {"vif=['']\ntarget='a'\nmirror=['vif=0,to=0','vif=0,to=0']\n", NULL, "is mirrored twice"},
    {"storage=['nfs=a:/b']\n", NULL, "ids.cfg:4: storage: item 0: there is no target"},
    {"target='a'\nstorage=['']\n", NULL, "either nfs or block is required"},
    {"target='a'\nstorage=['nfs=a:/b,block=xvda']\n", NULL, "either nfs or block is required"},
    {"target='a'\nstorage=['nfs=/srv/a']\n", NULL, "nfs=/srv/a is not SERVER:/PATH"},
    {"target='a'\nstorage=['nfs=fd00::3:/srv/a']\n", NULL,
     "nfs=fd00::3:/srv/a is not SERVER:/PATH, nor [IPV6-ADDRESS]:/PATH"},
    {"target='a'\nstorage=['nfs=[fd00::3:/srv/a']\n", NULL, "is not SERVER:/PATH"},
    {"target='a'\nstorage=['nfs=a:/b,port=0']\n", NULL, "port=0 is not from 1 to 65535"},
    {"target='a'\nstorage=['nfs=a:/b,port=2049x']\n", NULL, "port=2049x is not from"},
    {"target='a'\nstorage=['nfs=a:/b,sec=none']\n", NULL, "sec=none is not sys, krb5"},
    {"target='a'\nstorage=['nfs=a:/b,vers=2']\n", NULL, "vers=2 is not 3, 4"},
    {"target='a'\nstorage=['nfs=:/srv/a']\n", NULL, "nfs=:/srv/a is not SERVER:/PATH"},
    {"target='a'\nstorage=['block=xvdz']\n", NULL, "block=xvdz: the monitor has no such disk"},
    {"disk=['phy:/dev/null,xvdb,w']\ntarget='a'\nstorage=['block=xvdb']\n", NULL,
     "block=xvdb: that disk is not read-only"},
    {"target='a'\nstorage=['nfs=a:/b,max_age=3601']\n", NULL, "3601 is not from 0 to 3600"},
    {"target='a'\nstorage=['nfs=a:/b,check=2']\n", NULL, "2 is not from 0 to 1"},
    {"disk=['phy:/dev/null,xvdb,r']\ntarget='a'\nstorage=['block=xvdb,check=0']\n", NULL,
     "check is valid for nfs only"},
    {"target='a'\nstorage=['nfs=a:/b','nfs=a:/b']\n", NULL, "a:/b of a is listed twice"},
    /* Arguments. */
    {"", "memory", "argument memory:1: config parsing error"},
    {"", "", "argument : expected one KEY=VALUE"},
    {"", "memory=64;vcpus=1", "expected one KEY=VALUE"},
    {"", "memory=64\nvcpus", "expected one KEY=VALUE"},
    {"", "name=web", "expected one KEY=VALUE"},
    {"", "memory=[1", "argument memory=[1:1: config parsing error"},
    {"", "memory=16", "argument memory=16: memory: 16 is not from 32"},
    {"", "memroy=64", "argument memroy=64: memroy: no such key"},
    {"", "vif+='x'", "argument vif+='x': vif: is not a list"},
    {"vif=['']\n", "vif+='x'", "arguments:"},
    {"vif=['']\nvif+='x'\n", NULL, "ids.cfg:5: config parsing error"},
};

static void bad_configurations_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct domm_config *config;
        struct domm_error err = {0};
        char text[4096];
        snprintf(text, sizeof(text), MINIMUM "%s", bad[i].text);
        if (make(text, bad[i].argument, &config, &err) != -DOMM_REFUSED)
            fail_msg("not refused: %s %s", bad[i].text, bad[i].argument ? bad[i].argument : "");
        assert_contains(err.text, bad[i].reason);
        assert_null(config);
    }
}

static void a_file_without_the_least_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } files[] = {
        {"", "ids.cfg: name: is missing"},
        {"name='ids'\nmemory=64\n", "ids.cfg: kernel: is missing"},
        {"name.first='ids'\n", "ids.cfg:1: name.first: no such key"},
        {"name='ids'\nkernel='/dev/null'\n", "ids.cfg: memory: is missing"},
        {"name=''\n", "ids.cfg:1: name: not from 1 to 63"},
        {"name='" LONG_NAME "'\n", "ids.cfg:1: name: not from 1 to 63"},
        {"name='12'\n", "ids.cfg:1: name: only digits"},
        {"name=12\n", "ids.cfg:1: name: only digits"},
        {"name='a/b'\n", "ids.cfg:1: name: has a blank"},
        {"name='a b'\n", "ids.cfg:1: name: has a blank"},
        {"name='ids'\nkernel='/nowhere/vmlinuz'\n", "ids.cfg:2: kernel: /nowhere/vmlinuz: No such"},
        {"name=['ids']\n", "ids.cfg:1: name: is a list"},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        struct domm_config *config;
        struct domm_error err = {0};
        assert_int_equal(make(files[i].text, NULL, &config, &err), -DOMM_REFUSED);
        assert_contains(err.text, files[i].reason);
    }
}

static void binary_files_are_refused(void **state)
{
    (void)state;
    struct domm_config *config;
    struct domm_error err = {0};
    static const char with_nul[] = "name='a'\n\0memory=64\n";
    assert_int_equal(make_sized(with_nul, sizeof(with_nul) - 1, NULL, 0, &config, &err),
                     -DOMM_REFUSED);
    assert_contains(err.text, "NUL");
    static char large[DOMM_CONFIG_MAX_BYTES + 1];
    memset(large, '\n', sizeof(large));
    assert_int_equal(make_sized(large, sizeof(large), NULL, 0, &config, &err), -DOMM_REFUSED);
    assert_contains(err.text, "more than");
    struct domm_config_file *file;
    assert_int_equal(domm_config_file_read("/nowhere/x.cfg", NULL, 0, &file, &err),
                     -DOMM_NOT_FOUND);
    assert_contains(err.text, "/nowhere/x.cfg");
}

/* Each byte of a good file damaged: refused or taken, but survived. */
static void damaged_files_are_survived(void **state)
{
    (void)state;
    static const char damage[] = "\n'\"[]=+#\\;,x\x80";
    char text[sizeof(full)];
    for (size_t i = 0; i < strlen(full); i++) {
        for (size_t j = 0; j < strlen(damage); j += 1 + i % 3) {
            struct domm_config *config;
            struct domm_error err = {0};
            memcpy(text, full, sizeof(full));
            text[i] = damage[j];
            make(text, NULL, &config, &err);
            domm_config_free(config);
        }
    }
}

static bool documents(const char *page, const char *key)
{
    char heading[64];
    snprintf(heading, sizeof(heading), "\n.It Va %s =", key);
    return strstr(page, heading);
}

/* Both ways: the page has as many keys as the parser, and each of the parser's. */
static void the_manual_has_the_same_keys(void **state)
{
    (void)state;
    static char page[65536];
    char path[1024];
    size_t keys = 0, headings = 0;
    const char *source = getenv("DOMM_SOURCE"); /* as `make check` says */
    snprintf(path, sizeof(path), "%s/man/domm.cfg.5", source ? source : ".");
    FILE *in = fopen(path, "re");
    if (!in)
        fail_msg("cannot open %s", path);
    assert_true(fread(page, 1, sizeof(page) - 1, in) > 0);
    fclose(in);
    for (; domm_config_key_name(keys); keys++) {
        if (!documents(page, domm_config_key_name(keys)))
            fail_msg("%s is not in domm.cfg(5)", domm_config_key_name(keys));
    }
    for (const char *at = page; (at = strstr(at, "\n.It Va ")); at++)
        headings++;
    assert_int_equal(headings, keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_has_defaults),
        cmocka_unit_test(everything_is_taken),
        cmocka_unit_test(a_vif_is_limited_and_a_guest_gets_grant_frames),
        cmocka_unit_test(what_editors_of_windows_add_is_named),
        cmocka_unit_test(one_target_need_not_be_named),
        cmocka_unit_test(a_disk_that_is_shared_has_our_script_unless_it_has_another),
        cmocka_unit_test(a_disk_with_a_line_break_is_refused),
        cmocka_unit_test(arguments_override_the_file),
        cmocka_unit_test(bad_configurations_are_refused),
        cmocka_unit_test(a_file_without_the_least_is_refused),
        cmocka_unit_test(binary_files_are_refused),
        cmocka_unit_test(damaged_files_are_survived),
        cmocka_unit_test(the_manual_has_the_same_keys),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
